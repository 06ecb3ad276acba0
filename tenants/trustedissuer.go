package tenants

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"

	"github.com/lanyard-id/lanyard"
)

// asymmetric are the algorithms that a key published by somebody else can have.
var asymmetric = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// CheckTrustedIssuer finds what an issuer outside the tenant can not be.
func CheckTrustedIssuer(t lanyard.TrustedIssuer) []Fault {
	var out faults
	u, err := url.Parse(t.Issuer)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		out.add("issuer", "issuer is an https URL without query and fragment")
	}
	if (len(t.JWKS) == 0) == (t.JWKSURI == "") {
		out.add("", "a trusted issuer has either jwks or jwks_uri")
	}
	if len(t.JWKS) > 0 && !json.Valid(t.JWKS) {
		out.add("jwks", "jwks is not a key set")
	}
	for i, alg := range t.Algorithms {
		if !slices.Contains(asymmetric, alg) {
			out.add(fmt.Sprintf("algorithms[%d]", i), "%q is not an algorithm with a public key", alg)
		}
	}
	return out
}
