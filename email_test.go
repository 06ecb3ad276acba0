package lanyard_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard"
)

func TestAddressesHaveOneForm(t *testing.T) {
	long := strings.Repeat("a", 63)
	for address, want := range map[string]string{
		"ada@example.com":                      "ada@example.com",
		"ADA@Example.COM":                      "ada@example.com",
		"ada.king+news@example.com":            "ada.king+news@example.com",
		"o'hara@example.co.uk":                 "o'hara@example.co.uk",
		"a!#$%&*/=?^_`{|}~-b@example.com":      "a!#$%&*/=?^_`{|}~-b@example.com",
		"jos\u00e9@example.com":                "jos\u00e9@example.com",
		"jose\u0301@example.com":               "jos\u00e9@example.com",
		"ada@b\u00fccher.example":              "ada@xn--bcher-kva.example",
		"ada@B\u00dcCHER.example":              "ada@xn--bcher-kva.example",
		"ada@xn--bcher-kva.example":            "ada@xn--bcher-kva.example",
		"ada@example\u3002com":                 "ada@example.com",
		"ada@1.example":                        "ada@1.example",
		strings.Repeat("l", 64) + "@a.example": strings.Repeat("l", 64) + "@a.example",
		"ada@" + long + ".example":             "ada@" + long + ".example",
	} {
		if got, err := lanyard.CanonicalEmail(address); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", address, got, err, want)
		}
	}
}

func TestOddAddressesAreRefused(t *testing.T) {
	for name, address := range map[string]string{
		"empty":                     "",
		"no at sign":                "example.com",
		"no local part":             "@example.com",
		"no domain":                 "ada@",
		"two at signs":              "ada@example.com@evil.example",
		"quoted":                    `"ada"@example.com`,
		"quoted at sign":            `"a@b"@example.com`,
		"comment":                   "ada(x)@example.com",
		"display name":              "Ada <ada@example.com>",
		"address literal":           "ada@[127.0.0.1]",
		"address as domain":         "ada@127.0.0.1",
		"numbers at the end":        "ada@example.123",
		"host without a dot":        "ada@localhost",
		"empty label":               "ada@example..com",
		"dot first in domain":       "ada@.example.com",
		"dot last in domain":        "ada@example.com.",
		"hyphen first":              "ada@-example.com",
		"hyphen last":               "ada@example-.com",
		"underscore in domain":      "ada@exa_mple.com",
		"space in domain":           "ada@exam ple.com",
		"dot first":                 ".ada@example.com",
		"dot last":                  "ada.@example.com",
		"two dots":                  "a..da@example.com",
		"space":                     "a da@example.com",
		"space in front":            " ada@example.com",
		"line end":                  "ada@example.com\r\nBcc: x@y.example",
		"line end in local part":    "ada\r\n@example.com",
		"tab":                       "a\tda@example.com",
		"NUL":                       "a\x00da@example.com",
		"comma":                     "a,b@example.com",
		"backslash":                 `a\b@example.com`,
		"zero-width":                "ada\u200b@example.com",
		"Kelvin sign":               "\u212aurt@example.com",
		"dotted capital I":          "\u0130nes@example.com",
		"right-to-left mark":        "ada\u202e@example.com",
		"emoji":                     "ada\U0001f600@example.com",
		"full-width at sign":        "ada\uff20example.com",
		"broken UTF-8":              "ada\xff@example.com",
		"broken UTF-8 in domain":    "ada@exam\xffple.com",
		"local part of 65":          strings.Repeat("l", 65) + "@example.com",
		"label of 64":               "ada@" + strings.Repeat("a", 64) + ".example",
		"255 bytes":                 "ada@" + strings.Repeat("a23456789.", 24) + "example.com",
		"domain that grows in IDNA": "a@" + strings.Repeat("\u00fc\u00fc.", 46) + "de",
	} {
		if got, err := lanyard.CanonicalEmail(address); !errors.Is(err, lanyard.ErrBadInput) {
			t.Errorf("%s: %q became %q, %v", name, address, got, err)
		}
	}
}

// FuzzCanonicalEmail: the canonical form is its own canonical form, and plain text of one line.
func FuzzCanonicalEmail(f *testing.F) {
	for _, seed := range []string{"ada@example.com", "ADA@B\u00fccher.example", "jose\u0301@example.com", `"a b"@x.example`, "a@b@c", "\u212a@x.example", "\u0130@x.example"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		once, err := lanyard.CanonicalEmail(address)
		if err != nil {
			return
		}
		if strings.Count(once, "@") != 1 || strings.ContainsAny(once, " \t\r\n\x00,;<>()[]\\\"") {
			t.Errorf("%q became %q", address, once)
		}
		if twice, err := lanyard.CanonicalEmail(once); err != nil || twice != once {
			t.Errorf("%q became %q, and that %q (%v)", address, once, twice, err)
		}
	})
}
