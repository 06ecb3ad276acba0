package token

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
)

// RetryWindow is how long after a rotation the parent token may be shown again by
// a client that lost the answer.
const RetryWindow = 30 * time.Second

// Renewal is a refresh request (RFC 6749 §6) of an authenticated client.
type Renewal struct {
	Client *lanyard.Client
	Token  string
	// Scopes narrow the access token; empty keeps what was granted.
	Scopes lanyard.Scopes
	// Resources narrow what the access token is for.
	Resources []string
}

// Refresh rotates a refresh token. The direct parent of the live token, shown
// again within RetryWindow, gets the same successor once more. Any other token of
// the family that was used before, or one shown by another client, revokes the
// family. Everything refused is lanyard.ErrInvalidGrant, ErrInvalidScope or ErrInvalidTarget.
func (i *Issuer) Refresh(ctx context.Context, live *tenants.Live, r Renewal) (Tokens, error) {
	now := i.Clock.Now()
	presented, ours := parseRefresh(live.Ring, r.Token)
	if !ours {
		return Tokens{}, lanyard.ErrInvalidGrant
	}
	standing, err := live.Scope.Standing(ctx, presented.grantID())
	if errors.Is(err, lanyard.ErrNotFound) {
		return Tokens{}, lanyard.ErrInvalidGrant
	}
	if err != nil {
		return Tokens{}, err
	}
	if standing.Grant.ClientID != r.Client.ID {
		return Tokens{}, i.familyReplayed(ctx, live, standing.Grant, lanyard.RevokedForeignClient, now)
	}
	step, err := nextStep(live, r, presented, standing, now)
	if err != nil {
		return Tokens{}, err
	}
	return i.renew(ctx, live, r, step)
}

// step is one use of a refresh token, decided and not yet done.
type step struct {
	standing  lanyard.Standing
	rotation  storage.Rotation
	successor string
	retry     bool
	target    Target
	scopes    lanyard.Scopes
	now       time.Time
}

// nextStep decides on what was read; the statement that follows decides again.
func nextStep(live *tenants.Live, r Renewal, presented refreshToken, s lanyard.Standing, now time.Time) (step, error) {
	family := s.Grant.Refresh
	if family == nil || !s.Live(now) || !now.Before(family.IdleUntil) {
		return step{}, lanyard.ErrInvalidGrant
	}
	scopes := s.Grant.Scopes
	if len(r.Scopes) > 0 {
		if !scopes.Covers(r.Scopes) {
			return step{}, lanyard.ErrInvalidScope
		}
		scopes = r.Scopes
	}
	target, err := within(live, r.Client, &s.Grant, r.Resources)
	if err != nil {
		return step{}, err
	}
	hash := refreshHash(r.Token)
	out := step{standing: s, target: target, scopes: scopes, now: now, retry: bytes.Equal(hash, family.Previous)}
	keyID, key := live.Ring.CurrentMAC()
	if out.retry {
		keyID = family.KeyID
		known := false
		if key, known = live.Ring.MAC(keyID); !known {
			return step{}, lanyard.ErrInvalidGrant
		}
	}
	out.successor = presented.successor(key).text(key)
	out.rotation = storage.Rotation{
		Grant: s.Grant.ID, Presented: hash, Successor: refreshHash(out.successor), KeyID: keyID, At: now, IdleUntil: idleUntil(r.Client, s.Joined.Organization.Policy, now),
	}
	return out, nil
}

// idleUntil is when a family ends if it is not used, by the client and by the organization.
func idleUntil(client *lanyard.Client, p lanyard.OrganizationPolicy, now time.Time) time.Time {
	end := now.Add(client.RefreshIdle())
	if p.SessionIdle > 0 {
		end = earlier(end, now.Add(time.Duration(p.SessionIdle)))
	}
	return end
}

// renew makes the tokens, then does the step and stores them in one transaction.
func (i *Issuer) renew(ctx context.Context, live *tenants.Live, r Renewal, s step) (Tokens, error) {
	made, err := i.make(order{
		live: live, client: r.Client, grant: &s.standing.Grant, user: &s.standing.User,
		joined: s.standing.Joined, tenantRoles: s.standing.TenantRoles, target: s.target, scopes: s.scopes, now: s.now,
	})
	if err != nil {
		return Tokens{}, err
	}
	lost := false
	err = live.Scope.InTx(ctx, func(tx storage.Scope) error {
		won, err := s.take(ctx, tx)
		if lost = !won; err != nil || lost {
			return err
		}
		if made.stored == nil {
			return nil
		}
		return tx.InsertAccessToken(ctx, *made.stored)
	})
	if err != nil {
		return Tokens{}, err
	}
	if lost {
		return i.lost(ctx, live, r, s)
	}
	made.tokens.RefreshToken = s.successor
	i.observe(lanyard.GrantRefreshToken)
	return made.tokens, nil
}

// take spends the presented token, or confirms that it may be repeated.
func (s step) take(ctx context.Context, tx storage.Scope) (bool, error) {
	if !s.retry {
		return tx.Rotate(ctx, s.rotation)
	}
	confirmed, err := tx.ConfirmRetry(ctx, s.rotation, s.now.Add(-RetryWindow))
	if err != nil || !confirmed {
		return false, err
	}
	g := s.standing.Grant
	return true, tx.InsertEvent(ctx, lanyard.Event{
		Type: lanyard.EventRefreshRetried, At: s.now, Actor: string(g.ClientID), UserID: g.UserID, ClientID: g.ClientID,
		SessionID: g.SessionID, GrantID: g.ID,
	})
}

// lost looks again after a step that the statement refused. Another request may
// have rotated the same token a moment ago: then this one is a retry. If the grant
// still counts and it is not, the token was used before and the family ends.
func (i *Issuer) lost(ctx context.Context, live *tenants.Live, r Renewal, s step) (Tokens, error) {
	standing, err := live.Scope.Standing(ctx, s.standing.Grant.ID)
	if err != nil {
		return Tokens{}, fmt.Errorf("reading the grant again: %w", err)
	}
	if !standing.Live(s.now) || !s.now.Before(standing.Grant.Refresh.IdleUntil) {
		return Tokens{}, lanyard.ErrInvalidGrant
	}
	if !s.retry && bytes.Equal(standing.Grant.Refresh.Previous, s.rotation.Presented) {
		presented, _ := parseRefresh(live.Ring, r.Token)
		again, err := nextStep(live, r, presented, standing, s.now)
		if err != nil {
			return Tokens{}, err
		}
		return i.renew(ctx, live, r, again)
	}
	return Tokens{}, i.familyReplayed(ctx, live, standing.Grant, lanyard.RevokedRefreshReplay, s.now)
}

// familyReplayed ends a family with its event, in one transaction.
func (i *Issuer) familyReplayed(ctx context.Context, live *tenants.Live, g lanyard.Grant, reason string, now time.Time) error {
	err := live.Scope.InTx(ctx, func(tx storage.Scope) error {
		revoked, err := tx.RevokeGrant(ctx, g.ID, reason, now)
		if err != nil || !revoked {
			return err
		}
		return tx.InsertEvent(ctx, lanyard.Event{
			Type: lanyard.EventRefreshReplayed, At: now, Actor: string(g.ClientID), UserID: g.UserID, ClientID: g.ClientID,
			SessionID: g.SessionID, GrantID: g.ID, Detail: map[string]string{"reason": reason},
		})
	})
	if err != nil {
		return err
	}
	return lanyard.ErrInvalidGrant
}
