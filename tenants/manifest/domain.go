package manifest

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// Domain is a mail domain of an organization. Its natural key is the domain.
type Domain struct {
	Domain string `json:"domain"`
	// Verified says that the tenant's operators know whose domain it is; without it the
	// organization has to prove it.
	Verified bool            `json:"verified"`
	Joining  lanyard.Joining `json:"joining"`
	// Token is what the TXT record holds; made when it is left out.
	Token string `json:"token"`
}

func (o *Organization) checkDomains(c checker, path string) {
	seen := map[string]bool{}
	for i := range o.Domains {
		d, at := &o.Domains[i], fmt.Sprintf("%s.domains[%d]", path, i)
		name, err := organizations.CheckDomain(d.Domain)
		if err != nil {
			c.complain(at+".domain", "%s", safe(err))
			continue
		}
		d.Domain = name
		c.unique(seen, at+".domain", "domain", name)
		oneOf(c, at, "joining", d.Joining, lanyard.JoiningOff, lanyard.JoiningRequest, lanyard.JoiningAutomatic)
	}
}

func (r *run) putDomain(ctx context.Context, id lanyard.OrganizationID, d Domain, stored []lanyard.Domain) error {
	at := slices.IndexFunc(stored, func(s lanyard.Domain) bool { return s.Name == d.Domain })
	exists, changed := at >= 0, false
	before := lanyard.Domain{OrganizationID: id, Name: d.Domain, Token: cmp.Or(d.Token, lanyard.NewSecret().Reveal()), Joining: lanyard.JoiningOff, CreatedAt: r.now}
	if exists {
		before = stored[at]
	} else {
		err := r.scope.InsertDomain(ctx, before)
		if err == nil {
			err = r.recordIn(ctx, id, lanyard.EventDomainAdded, map[string]string{"domain": d.Domain})
		}
		if err != nil {
			return err
		}
	}
	if d.Verified && before.VerifiedAt.IsZero() {
		changed, before.VerifiedAt = true, r.now
		err := r.scope.VerifyDomain(ctx, id, d.Domain, r.now)
		if err == nil {
			err = r.recordIn(ctx, id, lanyard.EventDomainVerified, map[string]string{"domain": d.Domain})
		}
		if err != nil {
			return err
		}
	}
	if d.Joining != "" && d.Joining != before.Joining {
		changed = true
		if err := r.setJoining(ctx, d, before); err != nil {
			return err
		}
	}
	r.summary.count(exists, changed)
	return nil
}

func (r *run) setJoining(ctx context.Context, d Domain, before lanyard.Domain) error {
	if before.VerifiedAt.IsZero() {
		return lanyard.ErrBadInput.Saying("a domain lets nobody in before it is verified")
	}
	if err := r.scope.SetJoining(ctx, before.OrganizationID, d.Domain, d.Joining); err != nil {
		return err
	}
	return r.recordIn(ctx, before.OrganizationID, lanyard.EventDomainUpdated, map[string]string{
		"domain": d.Domain, "joining_before": string(before.Joining), "joining_after": string(d.Joining),
	})
}
