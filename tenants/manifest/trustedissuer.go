package manifest

import (
	"context"
	"errors"
	"slices"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants"
)

// TrustedIssuer is an issuer outside the tenant. Its natural key is the issuer.
type TrustedIssuer struct {
	lanyard.TrustedIssuer
	// Owner is the slug of the organization it belongs to.
	Owner string `json:"owner"`
}

func (o *TrustedIssuer) check(c checker, path string, seen map[string]bool) {
	c.unique(seen, path+".issuer", "trusted issuer", o.Issuer)
	c.faults(path, tenants.CheckTrustedIssuer(o.TrustedIssuer))
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
