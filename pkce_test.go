package lanyard_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard"
)

// The example of RFC 7636 appendix B.
const (
	exampleVerifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	exampleChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

func TestChallengeHasTheFormOfAHash(t *testing.T) {
	for challenge, want := range map[string]bool{
		exampleChallenge:             true,
		"":                           false,
		exampleChallenge[:42]:        false,
		exampleChallenge + "A":       false,
		exampleChallenge + "=":       false,
		exampleChallenge[:42] + "N":  false, // bits beyond the 256th
		exampleChallenge[:42] + "+":  false,
		exampleChallenge[:42] + "\n": false,
		exampleChallenge + "\n":      false, // the decoder skips line ends
		strings.Repeat("A", 44):      false,
		exampleChallenge[:20] + "\r\n" + exampleChallenge[20:41]: false,
	} {
		if got := lanyard.ValidChallenge(challenge); got != want {
			t.Errorf("%q: valid %v, want %v", challenge, got, want)
		}
	}
}

func TestVerifierBelongsToItsChallenge(t *testing.T) {
	of := func(verifier string) string {
		return base64.RawURLEncoding.EncodeToString(lanyard.SecretOf(verifier).Hash())
	}
	for _, c := range []struct {
		name, verifier, challenge string
		want                      bool
	}{
		{"RFC 7636 B", exampleVerifier, exampleChallenge, true},
		{"43 characters", strings.Repeat("a", 43), of(strings.Repeat("a", 43)), true},
		{"128 characters", strings.Repeat("~", 128), of(strings.Repeat("~", 128)), true},
		{"another one", exampleVerifier[:42] + "l", exampleChallenge, false},
		{"none", "", of(""), false},
		{"42 characters", strings.Repeat("a", 42), of(strings.Repeat("a", 42)), false},
		{"129 characters", strings.Repeat("a", 129), of(strings.Repeat("a", 129)), false},
		{"a space", strings.Repeat("a", 43) + " ", of(strings.Repeat("a", 43) + " "), false},
		{"a slash first", "/" + strings.Repeat("a", 43), of("/" + strings.Repeat("a", 43)), false},
		{"no challenge", exampleVerifier, "", false},
		{"the challenge itself", exampleChallenge, exampleChallenge, false},
	} {
		if got := lanyard.VerifierMatches(c.verifier, c.challenge); got != c.want {
			t.Errorf("%s: matches %v, want %v", c.name, got, c.want)
		}
	}
}
