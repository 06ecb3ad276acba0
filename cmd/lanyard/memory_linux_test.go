package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// smaps is a /proc/self/smaps: each mapping is its range and mode, its file, and what of it
// is its own, in memory and in swap.
func smaps(mappings ...string) string {
	var b strings.Builder
	for _, m := range mappings {
		f := strings.Fields(m)
		fmt.Fprintf(&b, "%s %s 00000000 08:01 42 %s\nSize:  8 kB\nRss:  8 kB\nAnonymous:  %s kB\nShmemPmdMapped:  0 kB\nSwap:  %s kB\nSwapPss:  0 kB\nVmFlags: rd ex\n", f[0], f[1], f[2], f[3], f[4])
	}
	return b.String()
}

// TestOnlyWhatWasNeverWrittenIsLetGo: a page of the program that was written, such as the
// addresses that the loader filled in before it took the right to write away, exists nowhere else.
func TestOnlyWhatWasNeverWrittenIsLetGo(t *testing.T) {
	clean := mapping{0x1000, 0x3000}
	for name, c := range map[string]struct {
		text string
		want []mapping
	}{
		"read and executed":             {smaps("1000-3000 r-xp /bin/lanyard 0 0"), []mapping{clean}},
		"may be written":                {smaps("1000-3000 rw-p /bin/lanyard 0 0"), nil},
		"shared":                        {smaps("1000-3000 r--s /bin/lanyard 0 0"), nil},
		"of another file":               {smaps("1000-3000 r-xp /lib/libc.so 0 0"), nil},
		"was written":                   {smaps("1000-3000 r--p /bin/lanyard 8 0"), nil},
		"was written and is in swap":    {smaps("1000-3000 r--p /bin/lanyard 0 8"), nil},
		"written, and the next one not": {smaps("1000-3000 r--p /bin/lanyard 8 0", "5000-7000 rw-p [heap] 0 0"), nil},
		"in swap, and the next one not": {smaps("1000-3000 r--p /bin/lanyard 0 8", "5000-7000 rw-p [heap] 0 0"), nil},
		"between others":                {smaps("0100-0300 r--p /bin/lanyard 4 0", "1000-3000 r-xp /bin/lanyard 0 0", "5000-7000 rw-p /bin/lanyard 8 0"), []mapping{clean}},
	} {
		if got := cleanMappings(strings.NewReader(c.text), "/bin/lanyard"); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %x, want %x", name, got, c.want)
		}
	}
}

// TestProgramFindsItsOwnPages where there is a /proc, and goes on without them.
func TestProgramFindsItsOwnPages(t *testing.T) {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	mappings, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mappings.Close() }()
	if found := cleanMappings(mappings, program); len(found) == 0 {
		t.Error("no mapping of the program is clean")
	}
	dropProgramPages()
}
