package organizations

import (
	_ "embed"
	"slices"
	"strings"
)

// publicDomains are those of mail providers where anybody can have an address, one to
// a line, sorted, in the canonical form.
//
//go:embed data/publicdomains.txt
var publicDomains string

// publicMail tells whether a domain (canonical) is a mail provider's: nobody's proof of it says
// anything about who has an address there.
func publicMail(domain string) bool {
	return slices.Contains(strings.Fields(publicDomains), domain)
}
