package manifest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/lanyard-id/lanyard"
)

// TrustedIssuer is an issuer outside the tenant. Its natural key is the issuer.
type TrustedIssuer struct {
	lanyard.TrustedIssuer
	// Owner is the slug of the organization it belongs to.
	Owner string `json:"owner"`
}

// asymmetric are the algorithms that a key published by somebody else can have.
var asymmetric = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

func (o *TrustedIssuer) check(c checker, path string, seen map[string]bool) {
	u, err := url.Parse(o.Issuer)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		c.complain(path+".issuer", "issuer is an https URL without query and fragment")
	}
	c.unique(seen, path+".issuer", "trusted issuer", o.Issuer)
	if (len(o.JWKS) == 0) == (o.JWKSURI == "") {
		c.complain(path, "a trusted issuer has either jwks or jwks_uri")
	}
	if len(o.JWKS) > 0 && !json.Valid(o.JWKS) {
		c.complain(path+".jwks", "jwks is not a key set")
	}
	for i, alg := range o.Algorithms {
		if !slices.Contains(asymmetric, alg) {
			c.complain(fmt.Sprintf("%s.algorithms[%d]", path, i), "%q is not an algorithm with a public key", alg)
		}
	}
}

func (r *run) putTrustedIssuer(ctx context.Context, o *TrustedIssuer, stored []lanyard.TrustedIssuer) error {
	after := o.TrustedIssuer
	if o.Owner != "" {
		owner, err := r.scope.OrganizationBySlug(ctx, o.Owner)
		if errors.Is(err, lanyard.ErrNotFound) {
			return lanyard.ErrBadInput.Saying("the organization " + o.Owner + " does not exist")
		}
		if err != nil {
			return err
		}
		after.Owner = owner.ID
	}
	at := slices.IndexFunc(stored, func(s lanyard.TrustedIssuer) bool { return s.Issuer == o.Issuer })
	changed := at < 0 || !sameDocument(stored[at], after)
	r.summary.count(at >= 0, changed)
	if !changed {
		return nil
	}
	if err := r.scope.PutTrustedIssuer(ctx, after, r.now); err != nil {
		return err
	}
	return r.record(ctx, lanyard.Event{Type: lanyard.EventTenantUpdated, Detail: map[string]string{"trusted_issuer": o.Issuer}})
}
