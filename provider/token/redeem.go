package token

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
)

// Redemption is a code exchange (RFC 6749 §4.1.3) of an authenticated client.
type Redemption struct {
	Client      *lanyard.Client
	Code        lanyard.Secret
	RedirectURI string
	Verifier    string
	// Resources narrow what the token is for.
	Resources []string
}

// Redeem exchanges a code for tokens, once. All bindings are checked before the
// code is spent, so a failed try leaves it to its owner; the fifth one burns it. A
// second use revokes the grant that the first one made. Everything refused is
// lanyard.ErrInvalidGrant, or lanyard.ErrInvalidTarget for a resource.
func (i *Issuer) Redeem(ctx context.Context, live *tenants.Live, r Redemption) (Tokens, error) {
	now := i.Clock.Now()
	standing, err := live.Scope.ByCode(ctx, r.Code.Hash())
	if errors.Is(err, lanyard.ErrNotFound) {
		return Tokens{}, lanyard.ErrInvalidGrant
	}
	if err != nil {
		return Tokens{}, err
	}
	if complaint := r.unbound(standing.Request); complaint != "" {
		return Tokens{}, i.countFailure(ctx, live, r, complaint, now)
	}
	if !standing.Request.Code.UsedAt.IsZero() {
		return Tokens{}, i.codeReplayed(ctx, live, r, now)
	}
	if !now.Before(standing.Request.Code.ExpiresAt) {
		return Tokens{}, lanyard.ErrInvalidGrant.Saying("the code has expired")
	}
	made, grant, err := i.makeForCode(live, r, standing, now)
	if err != nil {
		return Tokens{}, err
	}
	if err := i.spend(ctx, live, r, grant, made.stored); err != nil {
		return Tokens{}, err
	}
	i.observe(lanyard.GrantAuthorizationCode)
	return made.tokens, nil
}

// unbound says which binding of the code the redemption breaks, nothing if none.
func (r Redemption) unbound(request lanyard.AuthRequest) string {
	switch {
	case request.ClientID != r.Client.ID:
		return "client"
	case request.Params.RedirectURI != r.RedirectURI:
		return "redirect_uri"
	case request.Params.CodeChallenge == "" && r.Verifier != "":
		return "unexpected code_verifier"
	case request.Params.CodeChallenge != "" && !lanyard.VerifierMatches(r.Verifier, request.Params.CodeChallenge):
		return "code_verifier"
	}
	return ""
}

func (i *Issuer) countFailure(ctx context.Context, live *tenants.Live, r Redemption, complaint string, now time.Time) error {
	err := live.Scope.InTx(ctx, func(tx storage.Scope) error {
		failures, err := tx.CountCodeFailure(ctx, r.Code.Hash())
		if err != nil || failures != storage.MaxCodeFailures {
			return err
		}
		return tx.InsertEvent(ctx, lanyard.Event{
			Type: lanyard.EventCodeBurned, At: now, Actor: string(r.Client.ID), ClientID: r.Client.ID,
			Detail: map[string]string{"binding": complaint},
		})
	})
	if err != nil && !errors.Is(err, lanyard.ErrNotFound) {
		return err
	}
	return lanyard.ErrInvalidGrant
}

// makeForCode builds the grant and its tokens in memory.
func (i *Issuer) makeForCode(live *tenants.Live, r Redemption, s storage.CodeStanding, now time.Time) (product, *lanyard.Grant, error) {
	params := s.Request.Params
	grant := &lanyard.Grant{
		ID: lanyard.NewGrantID(), TenantID: live.Tenant.ID, ClientID: r.Client.ID, UserID: s.User.ID, SessionID: s.Session.ID,
		OrganizationID: s.Request.OrganizationID, ConnectionID: s.Session.ConnectionID, Confined: s.Session.ConfinedTo != "",
		Scopes: params.Scopes, Resources: params.Resources, Claims: params.Claims, ACR: s.Session.ACR, AMR: s.Session.AMR,
		AuthTime: s.Session.AuthTime, CreatedAt: now, ExpiresAt: now.Add(r.Client.AccessTokenFor()),
	}
	refresh := ""
	if r.Client.MayUse(lanyard.GrantRefreshToken) {
		refresh = beginFamily(live, r.Client, grant, now)
		grant.Refresh.IdleUntil = idleUntil(r.Client, s.Joined.Organization.Policy, now)
	}
	target, err := within(live, r.Client, grant, r.Resources)
	if err != nil {
		return product{}, nil, err
	}
	made, err := i.make(order{
		live: live, client: r.Client, grant: grant, user: &s.User, joined: s.Joined, tenantRoles: s.TenantRoles,
		target: target, scopes: grant.Scopes, nonce: params.Nonce, now: now,
	})
	made.tokens.RefreshToken = refresh
	return made, grant, err
}

// beginFamily gives the grant a refresh-token family and returns its first token.
func beginFamily(live *tenants.Live, client *lanyard.Client, grant *lanyard.Grant, now time.Time) string {
	keyID, key := live.Ring.CurrentMAC()
	first := refreshToken{sequence: 1}
	first.grant, _ = grant.ID.Bytes()
	copy(first.secret[:], lanyard.NewSecret().Hash()) // the hash of a random value is as random
	text := first.text(key)
	grant.Offline = grant.Scopes.Has(lanyard.ScopeOfflineAccess)
	grant.ExpiresAt = now.Add(client.RefreshFor())
	grant.Refresh = &lanyard.RefreshFamily{
		Sequence: first.sequence, KeyID: keyID, Current: refreshHash(text), IdleUntil: now.Add(client.RefreshIdle()),
	}
	return text
}

// spend takes the code and stores the grant and its tokens, all or nothing.
func (i *Issuer) spend(ctx context.Context, live *tenants.Live, r Redemption, grant *lanyard.Grant, stored *lanyard.AccessToken) error {
	lost := false
	err := live.Scope.InTx(ctx, func(tx storage.Scope) error {
		spent, err := tx.SpendCode(ctx, r.Code.Hash(), grant.ID, grant.CreatedAt)
		if lost = !spent; err != nil || lost {
			return err
		}
		if grant.OrganizationID != "" { // a member still; whoever takes them out now waits, and finds the grant
			if err := tx.HoldMembership(ctx, grant.OrganizationID, grant.UserID); err != nil {
				return err
			}
		}
		if err := tx.InsertGrant(ctx, *grant); err != nil {
			return err
		}
		if stored != nil {
			if err := tx.InsertAccessToken(ctx, *stored); err != nil {
				return err
			}
		}
		return tx.InsertEvent(ctx, lanyard.Event{
			Type: lanyard.EventGrantCreated, At: grant.CreatedAt, Actor: string(grant.UserID), UserID: grant.UserID,
			ClientID: grant.ClientID, SessionID: grant.SessionID, GrantID: grant.ID,
		})
	})
	if errors.Is(err, lanyard.ErrNotFound) { // no member any more
		return lanyard.ErrInvalidGrant
	}
	if err != nil {
		return err
	}
	if lost {
		return i.codeReplayed(ctx, live, r, grant.CreatedAt)
	}
	return nil
}

// codeReplayed revokes the grant that a used code made, with an event in the same
// transaction. A code that was burned, or whose session or user ended, made none.
func (i *Issuer) codeReplayed(ctx context.Context, live *tenants.Live, r Redemption, now time.Time) error {
	err := live.Scope.InTx(ctx, func(tx storage.Scope) error {
		standing, err := tx.ByCode(ctx, r.Code.Hash())
		if err != nil || standing.Request.Code.GrantID == "" {
			return err
		}
		id := standing.Request.Code.GrantID
		if _, err := tx.RevokeGrant(ctx, id, lanyard.RevokedCodeReplay, now); err != nil {
			return err
		}
		return tx.InsertEvent(ctx, lanyard.Event{
			Type: lanyard.EventCodeReplayed, At: now, Actor: string(r.Client.ID), UserID: standing.User.ID,
			ClientID: r.Client.ID, SessionID: standing.Session.ID, GrantID: id,
		})
	})
	if err != nil && !errors.Is(err, lanyard.ErrNotFound) {
		return err
	}
	return lanyard.ErrInvalidGrant
}

// MachineOrder is a client_credentials request (RFC 6749 §4.4) of an authenticated client.
type MachineOrder struct {
	Client    *lanyard.Client
	Scopes    lanyard.Scopes
	Resources []string
	// Organization is the slug or id of the organization that the token is for; empty for none.
	Organization string
}

// Machine gives a client a token of its own. A JWT costs no statement. A scope that
// the client or the resource does not have is lanyard.ErrInvalidScope; an organization in
// which the client has no roles, or that is not there, is lanyard.ErrInvalidTarget.
func (i *Issuer) Machine(ctx context.Context, live *tenants.Live, m MachineOrder) (Tokens, error) {
	target, err := Aim(live, m.Client, nil, m.Resources)
	if err != nil {
		return Tokens{}, err
	}
	named, err := m.Scopes.Organization()
	if err != nil {
		return Tokens{}, err
	}
	joined, err := machineIn(ctx, live, m, named)
	if err != nil {
		return Tokens{}, err
	}
	scopes := m.Scopes.Only(func(s string) bool { return named == "" || s != lanyard.ScopeOrganization+named })
	if len(scopes) == 0 {
		registered, err := lanyard.ParseScopes(m.Client.Scope)
		if err != nil {
			return Tokens{}, err
		}
		scopes = registered.Only(target.Knows)
	}
	if slices.ContainsFunc(scopes, func(s string) bool { return !target.Knows(s) || !m.Client.MayAsk(s) }) {
		return Tokens{}, lanyard.ErrInvalidScope
	}
	made, err := i.make(order{live: live, client: m.Client, joined: joined, target: target, scopes: scopes, now: i.Clock.Now()})
	if err != nil {
		return Tokens{}, err
	}
	if made.stored != nil {
		if err := live.Scope.InsertAccessToken(ctx, *made.stored); err != nil {
			return Tokens{}, err
		}
	}
	i.observe(lanyard.GrantClientCredentials)
	return made.tokens, nil
}

// machineIn finds the place of a machine in the organization that its request names,
// by parameter or by scope.
func machineIn(ctx context.Context, live *tenants.Live, m MachineOrder, named string) (lanyard.Joined, error) {
	switch {
	case m.Organization == "":
		m.Organization = named
	case named != "" && named != m.Organization:
		return lanyard.Joined{}, lanyard.ErrInvalidRequest.Saying("organization and scope name two organizations")
	}
	if m.Organization == "" {
		return lanyard.Joined{}, nil
	}
	joined, err := live.Scope.MachineRoles(ctx, m.Client.ID, m.Organization)
	if lanyard.KindOf(err) == lanyard.NotFound || lanyard.KindOf(err) == lanyard.Invalid {
		return lanyard.Joined{}, lanyard.ErrInvalidTarget.Saying("the organization is unknown or not allowed")
	}
	return joined, err
}
