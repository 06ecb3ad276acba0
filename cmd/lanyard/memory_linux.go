package main

import (
	"bufio"
	"fmt"
	"io"
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
	for _, m := range cleanMappings(mappings, program) {
		_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, m.from, m.to-m.from, madviseDontNeed) // only an advice
	}
}

// mapping is a range of addresses.
type mapping struct{ from, to uintptr }

// cleanMappings reads which mappings of a program's file nothing was ever written in: those
// that are read or executed only, and have no pages of their own, which would be lost. Such
// pages are Anonymous while they are in memory, and in Swap otherwise (proc_pid_smaps(5)).
func cleanMappings(smaps io.Reader, program string) []mapping {
	var out []mapping
	var at mapping
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasSuffix(line, " "+program) {
			at = unwritten(line)
			continue
		}
		name, count, _ := strings.Cut(line, ":")
		none := strings.TrimSpace(count) == "0 kB"
		switch {
		case name == "Anonymous" && !none:
			at = mapping{} // and not the next one, which says that it has none
		case name == "Swap":
			if none && at.from < at.to {
				out = append(out, at)
			}
			at = mapping{}
		}
	}
	return out
}

// unwritten reads the range of a mapping that is read or executed only; empty for any other.
func unwritten(line string) mapping {
	var m mapping
	var mode string
	if n, err := fmt.Sscanf(line, "%x-%x %s", &m.from, &m.to, &mode); n != 3 || err != nil || strings.ContainsAny(mode, "ws") {
		return mapping{}
	}
	return m
}
