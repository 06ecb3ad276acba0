package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/lanyard-id/lanyard/internal/strictyaml"
)

// withName puts the name of the file before each complaint about it.
func withName(path string, err error) error {
	complaints, ok := errors.AsType[strictyaml.Complaints](err)
	if !ok {
		return fmt.Errorf("%s: %w", path, err)
	}
	lines := make([]string, len(complaints))
	for i, c := range complaints {
		lines[i] = path + ":" + c.String()
	}
	return errors.New(strings.Join(lines, "\n"))
}
