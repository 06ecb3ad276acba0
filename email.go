package lanyard

import (
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// maxEmail is the longest address that SMTP can carry (RFC 5321 §4.5.3.1).
const maxEmail = 254

// CanonicalEmail checks an address against a strict grammar and gives the form
// in which addresses are compared: lower case, NFC, domain in IDNA; dots and
// plus parts of the local part stay. Quoted local parts, comments, address
// literals and display names are refused with ErrBadInput, and so is a letter that
// only turns into an ASCII one by this (the Kelvin sign, a dotted capital I): mail goes
// to the address as it was typed, so that would be somebody else's mailbox.
func CanonicalEmail(address string) (string, error) {
	bad := ErrBadInput.Saying("the e-mail address is not valid")
	local, domain, found := strings.Cut(address, "@")
	if !found || len(address) > maxEmail || strings.Contains(domain, "@") {
		return "", bad
	}
	if becomesASCII(local) {
		return "", bad
	}
	local = strings.ToLower(norm.NFC.String(local))
	if !validLocalPart(local) {
		return "", bad
	}
	ascii, err := idna.Lookup.ToASCII(strings.ToLower(domain))
	if err != nil || !validDomain(ascii) {
		return "", bad
	}
	return local + "@" + ascii, nil
}

// becomesASCII tells whether a letter outside of ASCII turns into one inside it.
func becomesASCII(local string) bool {
	return strings.ContainsFunc(local, func(r rune) bool {
		return r > 0x7f && strings.ContainsFunc(strings.ToLower(norm.NFC.String(string(r))), func(r rune) bool { return r <= 0x7f })
	})
}

func validLocalPart(local string) bool {
	if local == "" || len(local) > 64 || strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		return false
	}
	for _, r := range local {
		switch {
		case r > 0x7f:
			if !isWordRune(r) {
				return false
			}
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', strings.ContainsRune(".!#$%&'*+/=?^_`{|}~-", r):
		default:
			return false
		}
	}
	return true
}

func validDomain(domain string) bool {
	labels := strings.Split(domain, ".")
	if len(labels) < 2 || len(domain) > 253 {
		return false
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
				return false
			}
		}
	}
	last := labels[len(labels)-1]
	return strings.Trim(last, "0123456789") != ""
}
