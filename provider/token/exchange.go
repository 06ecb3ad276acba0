package token

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// Exchanger exchanges what Telegram proved to a bot's Mini App for an access token
// with which the bot acts for the person (RFC 8693).
type Exchanger struct {
	Issuer   *Issuer
	Accounts *accounts.Accounts
	// Verify finds out who opened a Mini App of a connection, from its initData;
	// lanyard.ErrUpstreamWrong for data that must not be believed.
	Verify func(c lanyard.Connection, initData string) (Evidence, error)
}

// Evidence is what Telegram proved to a Mini App.
type Evidence struct {
	Assertion lanyard.Assertion
	// At is when Telegram made it, Until when it is no longer believed.
	At, Until time.Time
	// Once is the same for every spelling of the same data.
	Once []byte
}

// Exchange is a token exchange request (RFC 8693 §2.1) of an authenticated client.
type Exchange struct {
	Client    *lanyard.Client
	Scopes    lanyard.Scopes
	Resources []string
	// Connection is the Telegram connection of the Mini App; empty for the tenant's only one.
	Connection lanyard.ConnectionID
	// InitData is the subject token.
	InitData string
}

// What a refused client is told, for it to know where to send the person.
var (
	errBadData    = lanyard.ErrInvalidGrant.Saying("the Mini App's data is not right, too old, or was used before")
	errNotHere    = lanyard.ErrInvalidGrant.Saying("no Telegram connection of that id signs people in")
	errNoAccount  = lanyard.ErrInvalidGrant.Saying("nobody has this Telegram account here, and none is made for it: send the person to the sign-up page")
	errMoreNeeded = lanyard.ErrInvalidGrant.Saying("this account needs more than Telegram: have the person sign in on the page, or use the device grant")
)

// Exchange gives an access token for the person who opened a Mini App, once for the
// same data: no refresh token, no ID token, no session. Whoever has no account gets one
// where the connection and the tenant's policy make accounts. Data that is not
// believed, a person who is turned off and one whose sign-in would ask for more are
// lanyard.ErrInvalidGrant; lanyard.ErrInvalidScope and lanyard.ErrInvalidTarget come before that.
func (e *Exchanger) Exchange(ctx context.Context, live *tenants.Live, x Exchange) (Tokens, error) {
	if x.Client.Public() || !x.Client.MayUse(lanyard.GrantTokenExchange) {
		return Tokens{}, lanyard.ErrUnauthorizedClient
	}
	target, err := x.aim(live)
	if err != nil {
		return Tokens{}, err
	}
	c, err := connectionFor(ctx, live.Scope, x.Connection)
	if err != nil {
		return Tokens{}, err
	}
	found, err := e.Verify(c, x.InitData)
	if errors.Is(err, lanyard.ErrUpstreamWrong) {
		return Tokens{}, errBadData
	}
	if err != nil {
		return Tokens{}, err
	}
	tokens, err := e.give(ctx, live, x, c, found, target)
	if errors.Is(err, lanyard.ErrIdentityTaken) { // this very moment, by the person's first sign-in elsewhere
		tokens, err = e.give(ctx, live, x, c, found, target)
	}
	if err == nil {
		e.Issuer.observe(lanyard.GrantTokenExchange)
	}
	return tokens, err
}

// aim decides what the token is for. Scopes are named, and only a resource gives them a
// meaning: nothing about the person, no roles, no organization, no refresh.
func (x Exchange) aim(live *tenants.Live) (Target, error) {
	if len(x.Scopes) == 0 {
		return Target{}, lanyard.ErrInvalidScope.Saying("scope is missing")
	}
	if slices.ContainsFunc(x.Scopes, func(s string) bool { return lanyard.StandardScope(s) || !x.Client.MayAsk(s) }) {
		return Target{}, lanyard.ErrInvalidScope
	}
	target, err := Aim(live, x.Client, nil, x.Resources)
	if err != nil {
		return Target{}, err
	}
	if slices.ContainsFunc(x.Scopes, func(s string) bool { return !target.Knows(s) }) {
		return Target{}, lanyard.ErrInvalidScope
	}
	return target, nil
}

// connectionFor finds the tenant's Telegram connection as it is at this moment. What an
// organization's own connection proves opens that organization alone, so it is none.
func connectionFor(ctx context.Context, scope storage.Scope, id lanyard.ConnectionID) (lanyard.Connection, error) {
	all, err := scope.TenantConnections(ctx)
	if err != nil {
		return lanyard.Connection{}, err
	}
	all = slices.DeleteFunc(all, func(c lanyard.Connection) bool {
		return c.Kind != lanyard.ConnectionTelegram || !c.Offered() || (id != "" && c.ID != id)
	})
	switch len(all) {
	case 0:
		return lanyard.Connection{}, errNotHere
	case 1:
		return all[0], nil
	}
	return lanyard.Connection{}, lanyard.ErrInvalidRequest.Saying("there are several Telegram connections: name one with connection")
}

// bearer is who opened a Mini App, and whether they had an account before.
type bearer struct {
	accounts.Proven
	known bool
}

// give finds or makes the account, and gives the token.
func (e *Exchanger) give(ctx context.Context, live *tenants.Live, x Exchange, c lanyard.Connection, found Evidence, target Target) (Tokens, error) {
	now := e.Issuer.Clock.Now()
	who, err := e.bearer(ctx, live, c, found, now)
	if err != nil {
		return Tokens{}, err
	}
	grant := &lanyard.Grant{
		ID: lanyard.NewGrantID(), TenantID: live.Tenant.ID, ClientID: x.Client.ID, UserID: who.User.ID, Actor: x.Client.ID,
		ConnectionID: c.ID, Scopes: x.Scopes, Resources: target.Ceiling(live.Issuer),
		ACR: lanyard.ACRSingle, AMR: lanyard.AMROf(nil, []lanyard.Method{who.Method}, lanyard.ACRSingle), AuthTime: earlier(found.At, now),
		CreatedAt: now, ExpiresAt: now.Add(min(x.Client.AccessTokenFor(), lanyard.ExchangedLifetime)),
	}
	made, err := e.Issuer.make(order{live: live, client: x.Client, grant: grant, user: &who.User, target: target, scopes: x.Scopes, now: now})
	if err != nil {
		return Tokens{}, err
	}
	return made.tokens, exchangeOnce(ctx, live.Scope, who, found, *grant, made.stored)
}

// bearer is the owner of the identity, or a new account for it.
func (e *Exchanger) bearer(ctx context.Context, live *tenants.Live, c lanyard.Connection, found Evidence, now time.Time) (bearer, error) {
	a := lanyard.Arrival{
		Identity: found.Assertion.Identity, Profile: found.Assertion.Profile, At: now,
		Proof: lanyard.UpstreamProof{Connection: c.ID, ACR: lanyard.ACRSingle},
	}
	// Everybody comes from the client's own servers: new accounts are counted by who they are for.
	from := accounts.From{Address: string(c.ID) + " " + a.Identity.Subject}
	proven, err := e.Accounts.ProveIdentity(ctx, live.Tenancy(), a, from, now)
	switch {
	case errors.Is(err, lanyard.ErrUserDisabled):
		return bearer{}, lanyard.ErrInvalidGrant
	case errors.Is(err, lanyard.ErrNotFound) && !c.SignUp:
		return bearer{}, errNoAccount
	case errors.Is(err, lanyard.ErrNotFound) && asksMore(live.Tenant.Policy, lanyard.Factors{EmailVerified: true}, now):
		return bearer{}, errMoreNeeded
	case errors.Is(err, lanyard.ErrNotFound):
		proven, err = e.Accounts.SignUpByIdentity(ctx, live.Tenancy(), a, accounts.Newcomer{}, from, now)
		if errors.Is(err, lanyard.ErrSignUpClosed) {
			err = errNoAccount
		}
		return bearer{Proven: proven}, err
	case err != nil:
		return bearer{}, err
	}
	f, err := live.Scope.Factors(ctx, proven.User.ID, nil, now)
	if err == nil && asksMore(live.Tenant.Policy, f, now) {
		err = errMoreNeeded
	}
	return bearer{Proven: proven, known: true}, err
}

// asksMore tells whether a sign-in over the connection would ask its person for something
// that nobody can be asked for here: a second factor, the proof of an address, or
// whether an account that waits for its deletion is to stay.
func asksMore(p lanyard.Policy, f lanyard.Factors, now time.Time) bool {
	required := p.SecondFactor == lanyard.SecondFactorRequired && !p.MayPutOff(now)
	unverified := p.EmailVerification == lanyard.VerificationRequired && !f.EmailVerified
	return required || unverified || f.Second() || !f.DeleteAt.IsZero()
}

// exchangeOnce spends the data and stores what it was exchanged for, all or nothing.
func exchangeOnce(ctx context.Context, scope storage.Scope, who bearer, found Evidence, grant lanyard.Grant, stored *lanyard.AccessToken) error {
	err := scope.InTx(ctx, func(tx storage.Scope) error {
		fresh, err := tx.SpendOnce(ctx, found.Once, found.Until)
		if err != nil {
			return err
		}
		if !fresh {
			return errBadData
		}
		if err := who.stand(ctx, tx); err != nil {
			return err
		}
		if err := tx.InsertGrant(ctx, grant); err != nil {
			return err
		}
		if stored != nil {
			if err := tx.InsertAccessToken(ctx, *stored); err != nil {
				return err
			}
		}
		return tx.InsertEvent(ctx, lanyard.Event{
			Type: lanyard.EventTokenExchanged, At: grant.CreatedAt, Actor: string(grant.ClientID), UserID: grant.UserID, ClientID: grant.ClientID,
			GrantID: grant.ID, Detail: map[string]string{"connection": string(grant.ConnectionID)},
		})
	})
	if errors.Is(err, lanyard.ErrUpstreamRefused) { // unlinked or switched off this very moment
		return errNotHere
	}
	return err
}

// stand makes the account, or makes sure that it still is as it was found.
func (b bearer) stand(ctx context.Context, tx storage.Scope) error {
	if b.known {
		err := tx.HoldUser(ctx, b.User.ID, b.User.Revision)
		if errors.Is(err, lanyard.ErrConflict) { // turned off, or given a second factor this very moment
			return lanyard.ErrInvalidGrant
		}
		if err != nil {
			return err
		}
	}
	return b.Success(ctx, tx)
}
