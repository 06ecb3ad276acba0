package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// madviseDontNeed is MADV_DONTNEED (madvise(2)).
const madviseDontNeed = 4

// dropProgramPages lets go of the resident pages of the program's own file that are not
// written to. What is still needed comes back from the page cache by itself; what only
// starting needed does not. A mapping in which anything was written is left alone.
func dropProgramPages() {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	mappings, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer func() { _ = mappings.Close() }()
	var from, to uintptr
	lines := bufio.NewScanner(mappings)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasSuffix(line, " "+program) {
			from, to = unwritten(line)
		}
		// Anonymous pages of a file's mapping are its own copies: they would be lost.
		if clean := strings.HasPrefix(line, "Anonymous:") && strings.Fields(line)[1] == "0"; clean && from < to {
			_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, from, to-from, madviseDontNeed) // only an advice
			from, to = 0, 0
		}
	}
}

// unwritten reads the range of a mapping that is read or executed only; empty for any other.
func unwritten(line string) (from, to uintptr) {
	var mode string
	if n, err := fmt.Sscanf(line, "%x-%x %s", &from, &to, &mode); n != 3 || err != nil || strings.ContainsAny(mode, "ws") {
		return 0, 0
	}
	return from, to
}
