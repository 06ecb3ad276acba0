package organizations

import "github.com/lanyard-id/lanyard"

// CheckDomain is the name of a mail domain as it is stored. What is no domain is
// lanyard.ErrBadInput, one where anybody can have an address lanyard.ErrDomainTaken.
func CheckDomain(name string) (string, error) {
	name, err := canonicalDomain(name)
	if err == nil && publicMail(name) {
		err = lanyard.ErrDomainTaken.Saying("the domain belongs to a mail provider, whose addresses anybody can have")
	}
	return name, err
}
