package organizations

import (
	"context"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

const (
	shortestSession = time.Minute
	longestSession  = 10 * 365 * 24 * time.Hour
)

// SetPolicy changes what the organization demands of those who sign in to it. It needs
// policy:manage and a fresh proof. A policy that the session of whoever sets it would
// not meet is lanyard.ErrPolicyUnmet, so that nobody locks themselves out; a method
// that the tenant does not offer is lanyard.ErrNotOffered.
func (o *Organizations) SetPolicy(ctx context.Context, s Seat, p lanyard.OrganizationPolicy, now time.Time) error {
	if !s.May(lanyard.MayManagePolicy) {
		return lanyard.ErrNotAllowed
	}
	if err := checkOwnPolicy(ctx, s.Tenancy.Scope, s, p, now); err != nil {
		return err
	}
	if err := o.checkFresh(ctx, s, now); err != nil {
		return err
	}
	return o.inside(ctx, s, lanyard.MayManagePolicy, func(tx storage.Scope, s Seat) error {
		if err := checkOwnPolicy(ctx, tx, s, p, now); err != nil { // a connection may be gone meanwhile
			return err
		}
		after := s.Organization
		after.Policy = p
		return updateTo(ctx, tx, s, after, now)
	})
}

// checkOwnPolicy tells what is wrong with a policy that the person of the seat wants.
func checkOwnPolicy(ctx context.Context, scope storage.Scope, s Seat, p lanyard.OrganizationPolicy, now time.Time) error {
	all, err := scope.OrganizationConnections(ctx, s.Organization.ID)
	if err != nil {
		return err
	}
	if err := CheckPolicy(p, s.Tenancy.Tenant.Policy, slices.ContainsFunc(all, lanyard.Connection.Offered)); err != nil {
		return err
	}
	after := s.Joined
	if after.Organization.Policy = p; s.Office == nil && !after.Lets(s.Actor.Session, now) {
		return lanyard.ErrPolicyUnmet
	}
	return nil
}

// CheckPolicy tells what is wrong with the policy of an organization in a tenant with a
// policy. connected says that people sign in by a connection of the organization:
// only then can it insist on that (lanyard.ErrConnectionNeeded).
func CheckPolicy(p lanyard.OrganizationPolicy, tenant lanyard.Policy, connected bool) error {
	if p.SecondFactor != "" && p.SecondFactor != lanyard.SecondFactorRequired {
		return lanyard.ErrBadInput.Saying("the second factor of an organization is required, or left out")
	}
	if p.OwnConnectionOnly && !connected {
		return lanyard.ErrConnectionNeeded
	}
	for i, m := range p.Methods {
		if !slices.Contains(lanyard.OrganizationMethods, m) || slices.Contains(p.Methods[:i], m) {
			return lanyard.ErrBadInput.Saying("methods are some of password, passkey, email_code, federated")
		}
		if (m == lanyard.MethodPasskey && tenant.NoPasskeys) || (m == lanyard.MethodEmailCode && !tenant.EmailCode) {
			return lanyard.ErrNotOffered
		}
	}
	for _, given := range []lanyard.Duration{p.SessionLifetime, p.SessionIdle} {
		if d := time.Duration(given); d != 0 && (d < shortestSession || d > longestSession) {
			return lanyard.ErrBadInput.Saying("the limits of sessions are between a minute and ten years")
		}
	}
	return nil
}
