package lanyard

import "encoding/json"

// TrustedIssuer is an issuer outside the tenant whose signatures count for a purpose.
type TrustedIssuer struct {
	Issuer string `json:"issuer"`
	// JWKS holds its keys by value, JWKSURI by reference.
	JWKS    json.RawMessage `json:"jwks,omitempty"`
	JWKSURI string          `json:"jwks_uri,omitempty"`
	// Algorithms are the only ones accepted.
	Algorithms []string `json:"algorithms,omitempty"`
	// ClaimMapping translates its claims into ours.
	ClaimMapping map[string]string `json:"claim_mapping,omitempty"`
	// Owner is the organization it belongs to; empty for the tenant.
	Owner OrganizationID `json:"owner,omitempty"`
	// Purposes say what its signatures are good for.
	Purposes []string `json:"purposes,omitempty"`
}
