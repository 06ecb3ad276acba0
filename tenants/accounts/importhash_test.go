package accounts

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
)

// imported are hashes of importedPassword that other programs made: libxcrypt,
// OpenSSL, passlib's form.
var imported = map[string]string{
	"bcrypt 2a":            "$2a$04$abcdefghijklmnopqrstuu0NSMUD6CT5jG9iS3QiPT7kytvajk2tq",
	"bcrypt 2b":            "$2b$04$abcdefghijklmnopqrstuu0NSMUD6CT5jG9iS3QiPT7kytvajk2tq",
	"bcrypt 2y":            "$2y$04$abcdefghijklmnopqrstuu0NSMUD6CT5jG9iS3QiPT7kytvajk2tq",
	"scrypt":               "$scrypt$ln=4,r=8,p=1$EBESExQVFhcYGRobHB0eHw$kkKjKTq7U0ZuHGdA4id993ZnYmZFUvC/M/V9HL9o2y0",
	"PBKDF2-SHA-1":         "$pbkdf2-sha1$i=1000,l=32$EBESExQVFhcYGRobHB0eHw$Gs9o2xh/Gi00U3ePoFWlrzQRZ90xsfbkHLXww8V+9UM",
	"PBKDF2-SHA-256":       "$pbkdf2-sha256$i=1000,l=32$EBESExQVFhcYGRobHB0eHw$PaSvRbs/acEPF5a8knXjNhRhis6xIl7myZM0L1rBoGs",
	"PBKDF2-SHA-512":       "$pbkdf2-sha512$i=1000,l=32$EBESExQVFhcYGRobHB0eHw$3Wu3stUqPtcWrFEaRtosf/U8crqDKvVvJCd94F20xpE",
	"passlib's SHA-256":    "$pbkdf2-sha256$1000$./v7./v7./v7./v7./v7.w$kACnXMylQqgahDn..zgvrMn/t7XEoSbgtgcdy40zoh4",
	"passlib's SHA-1":      "$pbkdf2$1000$./v7./v7./v7./v7./v7.w$qD0mychnEqTAG45VStRsq19q3L4",
	"without a key length": "$pbkdf2-sha256$i=1000$EBESExQVFhcYGRobHB0eHw$PaSvRbs/acEPF5a8knXjNhRhis6xIl7myZM0L1rBoGs",
}

const importedPassword = "seven grumpy otters"

func TestImportedHashMatchesAndIsReplaced(t *testing.T) {
	h := NewHasher()
	for name, stored := range imported {
		if matches, rehash := verify(t, h, stored, importedPassword); !matches || !rehash {
			t.Errorf("%s: matches %v, rehash %v", name, matches, rehash)
		}
		for _, wrong := range []string{"", importedPassword + "x", importedPassword[1:], strings.ToUpper(importedPassword)} {
			if matches, _ := verify(t, h, stored, wrong); matches {
				t.Errorf("%s: %q matches", name, wrong)
			}
		}
		if err := CheckHash(stored); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// From the tests of the reference implementation, for "password" and "somesalt".
	const independent = "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA"
	if matches, rehash := verify(t, h, independent, "password"); !matches || !rehash {
		t.Errorf("Argon2i: matches %v, rehash %v", matches, rehash)
	}
}

// TestBcryptNeverLooksAtAPart of a password: it knows 72 bytes only.
func TestBcryptNeverLooksAtAPart(t *testing.T) {
	const stored, h = "$2b$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i", 72
	if matches, _ := verify(t, NewHasher(), stored, strings.Repeat("x", h)); !matches {
		t.Error("72 bytes do not match")
	}
	if matches, _ := verify(t, NewHasher(), stored, strings.Repeat("x", h+1)); matches {
		t.Error("the 73rd byte does not count")
	}
}

// TestHostileImportIsNeverComputed is ATTACKS.md 125.
func TestHostileImportIsNeverComputed(t *testing.T) {
	with := func(name, from, to string) string {
		t.Helper()
		if !strings.Contains(imported[name], from) {
			t.Fatalf("%s has no %s", name, from)
		}
		return strings.Replace(imported[name], from, to, 1)
	}
	for name, stored := range map[string]string{
		"bcrypt of cost 16":       with("bcrypt 2b", "$04$", "$16$"),
		"bcrypt of cost 31":       with("bcrypt 2b", "$04$", "$31$"),
		"bcrypt of cost 3":        with("bcrypt 2b", "$04$", "$03$"),
		"bcrypt 2x":               with("bcrypt 2b", "$2b$", "$2x$"),
		"bcrypt with more":        imported["bcrypt 2b"] + "x",
		"bcrypt with less":        imported["bcrypt 2b"][:59],
		"bcrypt of other letters": with("bcrypt 2b", "abc", "ab="),
		"scrypt of 256 MiB":       with("scrypt", "ln=4", "ln=18"),
		"scrypt of ln 63":         with("scrypt", "ln=4", "ln=63"),
		"scrypt of ln 0":          with("scrypt", "ln=4", "ln=0"),
		"scrypt, r too large":     with("scrypt", "r=8", "r=2147483647"),
		"scrypt, r negative":      with("scrypt", "r=8", "r=-8"),
		"scrypt, p too large":     with("scrypt", "p=1", "p=5"),
		"scrypt with more":        with("scrypt", "p=1", "p=1,x"),
		"PBKDF2 for too long":     with("PBKDF2-SHA-256", "i=1000", "i=2000001"),
		"PBKDF2 for ever":         with("PBKDF2-SHA-256", "i=1000", "i=99999999999999999999"),
		"PBKDF2 for nothing":      with("PBKDF2-SHA-256", "i=1000", "i=0"),
		"PBKDF2 with a sign":      with("PBKDF2-SHA-256", "i=1000", "i=-1"),
		"PBKDF2 of MD5":           with("PBKDF2-SHA-256", "sha256", "md5"),
		"PBKDF2 without salt":     with("PBKDF2-SHA-256", "EBESExQVFhcYGRobHB0eHw", ""),
		"PBKDF2 with a short key": "$pbkdf2-sha256$i=1000$EBESExQVFhcYGRobHB0eHw$AAAA",
		"PBKDF2 with a long key":  "$pbkdf2-sha256$i=1000$EBESExQVFhcYGRobHB0eHw$" + strings.Repeat("AAAA", 30),
		"PBKDF2 with parts more":  imported["PBKDF2-SHA-256"] + "$x",
		"Argon2d":                 "$argon2d$v=19$m=64,t=1,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA",
		"Argon2i of much memory":  "$argon2i$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA",
		"a hash of MD5":           "$1$abcdefgh$G//4keteveJp0qb8z2DxG/",
		"plain text":              "secret",
	} {
		hashed := 0
		h := NewHasher()
		h.Now, h.Observe = func() time.Time { return time.Time{} }, func(time.Duration) { hashed++ }
		matches, _, err := h.Verify(t.Context(), stored, lanyard.SecretOf(importedPassword))
		if !errors.Is(err, errUnusableHash) || matches || hashed != 0 {
			t.Errorf("%s: matches %v, %d hashes, %v", name, matches, hashed, err)
		}
		if err := CheckHash(stored); !errors.Is(err, lanyard.ErrBadInput) {
			t.Errorf("%s in a file: %v", name, err)
		}
	}
}

// TestAccentsCountTheSame however a keyboard writes them.
func TestAccentsCountTheSame(t *testing.T) {
	h := NewHasher()
	stored, err := h.Hash(t.Context(), lanyard.SecretOf("cafe\u0301 au lait du matin"))
	ok(t, err)
	if matches, _ := verify(t, h, stored, "caf\u00e9 au lait du matin"); !matches {
		t.Error("the composed form does not match")
	}
	if matches, _ := verify(t, h, stored, "cafe au lait du matin"); matches {
		t.Error("no accent at all matches")
	}
}

// FuzzParseHash: whatever stands in the row, it is read or refused.
func FuzzParseHash(f *testing.F) {
	for _, seed := range imported {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, row string) {
		stored, err := parseHash(row)
		if (err == nil) != (stored.matches != nil) {
			t.Errorf("%q: %v", row, err)
		}
	})
}
