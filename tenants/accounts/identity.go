package accounts

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/storage"
)

const (
	// maxIdentities bounds the identities of one user.
	maxIdentities = 50
	// maxLabel is in characters.
	maxLabel = 200
)

// ProveIdentity finds whom an identity that an upstream proved signs in. Nobody is
// lanyard.ErrNotFound, somebody who was turned off lanyard.ErrUserDisabled. The proof
// counts when it is spent: while the identity is still theirs, and its connection
// signs people in; lanyard.ErrUpstreamRefused otherwise.
func (a *Accounts) ProveIdentity(ctx context.Context, t Tenancy, arrival lanyard.Arrival, _ From, now time.Time) (Proven, error) {
	owner, err := t.Scope.IdentityOwner(ctx, arrival.Identity)
	if err != nil {
		return Proven{}, err
	}
	user, err := t.Scope.User(ctx, owner.UserID)
	if err != nil {
		return Proven{}, err
	}
	if user.Disabled {
		return Proven{}, lanyard.ErrUserDisabled
	}
	return Proven{User: user, Method: lanyard.MethodFederated, Arrival: &arrival, spend: func(ctx context.Context, tx storage.Scope) error {
		return orElse(tx.UseIdentity(ctx, arrival.Identity, user.ID, now), lanyard.ErrUpstreamRefused)
	}}, nil
}

// AddressOwner finds who has proved an address and signs in with it; nobody is lanyard.ErrNotFound.
func (a *Accounts) AddressOwner(ctx context.Context, t Tenancy, address string) (lanyard.User, error) {
	user, err := t.Scope.UserByEmail(ctx, address)
	if err == nil && !user.Profile.EmailVerified {
		err = lanyard.ErrNotFound
	}
	if err != nil {
		return lanyard.User{}, err
	}
	return user, nil
}

// SignUpByIdentity makes an account that signs in by an identity, without a password,
// when the proof is spent. An address that the upstream proved comes along; whoever
// held it without ever having proved it loses it then, with everything that was set
// up to sign in to that account. An address that somebody has proved is
// lanyard.ErrHasAccount, an identity that signs somebody in lanyard.ErrIdentityTaken:
// of two browsers with the same one, the second signs in. Too many new accounts from
// one address are lanyard.ErrThrottled; without an address nothing is counted.
func (a *Accounts) SignUpByIdentity(ctx context.Context, t Tenancy, arrival lanyard.Arrival, n Newcomer, from From, now time.Time) (Proven, error) {
	if err := n.admitted(t.Tenant.Policy); err != nil {
		return Proven{}, err
	}
	if from.Address != "" {
		if err := reserveBy(ctx, t.Scope, attemptKey("sender", from.Address), senderRule, now); err != nil {
			return Proven{}, err
		}
	}
	r := registration{Arrival: bounded(t, arrival)}
	user := newUser(r.Arrival.Profile, now)
	address, err := lanyard.CanonicalEmail(arrival.Email)
	if err != nil || !arrival.EmailVerified {
		address = ""
	}
	if address != "" {
		user.Profile.Email, user.Profile.EmailVerified = arrival.Email, true
	}
	user.TenantID = t.Scope.TenantID()
	return Proven{User: user, Method: lanyard.MethodFederated, Arrival: r.Arrival, spend: func(ctx context.Context, tx storage.Scope) error {
		if err := moveIn(ctx, tx, t, user, address, r); err != nil {
			return err
		}
		if address == "" {
			return n.welcome(ctx, tx, user)
		}
		return n.welcome(ctx, tx, user, address)
	}}, nil
}

// bounded is an arrival whose profile can be stored: what is not valid is left out.
// Attributes are those of the tenant's policy; what people may not change themselves
// an organization's own upstream does not set either.
func bounded(t Tenancy, arrival lanyard.Arrival) *lanyard.Arrival {
	p := arrival.Profile
	out := lanyard.Profile{}
	for _, field := range []func(to *lanyard.Profile){
		func(to *lanyard.Profile) { to.Name = p.Name },
		func(to *lanyard.Profile) { to.GivenName = p.GivenName },
		func(to *lanyard.Profile) { to.FamilyName = p.FamilyName },
		func(to *lanyard.Profile) { to.MiddleName = p.MiddleName },
		func(to *lanyard.Profile) { to.Nickname = p.Nickname },
		func(to *lanyard.Profile) { to.PreferredUsername = p.PreferredUsername },
		func(to *lanyard.Profile) { to.Picture = p.Picture },
		func(to *lanyard.Profile) { to.Zoneinfo = p.Zoneinfo },
		func(to *lanyard.Profile) { to.Locale = p.Locale },
	} {
		tried := out
		if field(&tried); CheckProfile(tried) == nil {
			out = tried
		}
	}
	for _, attribute := range t.Tenant.Policy.Attributes {
		value := p.Attributes[attribute.Name]
		if value == "" || (attribute.ReadOnly && arrival.Proof.Organization != "") {
			continue
		}
		if _, err := attribute.Value(value); err == nil {
			if out.Attributes == nil {
				out.Attributes = map[string]string{}
			}
			out.Attributes[attribute.Name] = value
		}
	}
	arrival.Profile = out
	return &arrival
}

// typedOver are the attributes of a form over those that an upstream says.
func typedOver(policy []lanyard.Attribute, upstream, typed map[string]string) map[string]string {
	out := maps.Clone(upstream)
	for _, attribute := range policy {
		if attribute.ReadOnly {
			delete(out, attribute.Name)
		}
	}
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, typed)
	return out
}

// link makes an identity sign a user in and records it, inside a transaction. One that
// signs somebody in already is lanyard.ErrIdentityTaken, a connection that is gone or
// off lanyard.ErrUpstreamRefused.
func link(ctx context.Context, tx storage.Scope, user lanyard.UserID, arrival lanyard.Arrival, now time.Time) error {
	err := tx.LinkIdentity(ctx, lanyard.LinkedIdentity{
		Identity: arrival.Identity, UserID: user, Label: first(arrival.Label(), maxLabel), CreatedAt: now, UsedAt: now,
	})
	if errors.Is(err, lanyard.ErrConflict) {
		return lanyard.ErrIdentityTaken
	}
	if err != nil {
		return orElse(err, lanyard.ErrUpstreamRefused)
	}
	return tx.InsertEvent(ctx, lanyard.Event{
		Type: lanyard.EventIdentityLinked, At: now, Actor: string(user), UserID: user, Detail: map[string]string{"connection": string(arrival.Identity.ConnectionID)},
	})
}

// LinkIdentity makes an identity that an upstream proved a way to sign in of a user
// who has proved who they are, inside the transaction of that proof, and tells them.
// One that signs somebody in already is lanyard.ErrIdentityTaken, a connection that is
// not for linking at this moment lanyard.ErrNotOffered.
func (a *Accounts) LinkIdentity(ctx context.Context, tx storage.Scope, _ Tenancy, user lanyard.User, arrival lanyard.Arrival, from From, now time.Time) error {
	all, err := tx.Identities(ctx, user.ID)
	if err != nil {
		return err
	}
	if len(all) >= maxIdentities {
		return lanyard.ErrConflict.Saying("there are too many linked accounts: remove one first")
	}
	c, err := tx.Connection(ctx, arrival.Identity.ConnectionID)
	if err != nil {
		return orElse(err, lanyard.ErrUpstreamRefused)
	}
	if !c.Linking {
		return lanyard.ErrNotOffered
	}
	if err := link(ctx, tx, user.ID, arrival, now); err != nil {
		return err
	}
	return a.notify(ctx, tx, user, mail.Letter{Kind: lanyard.MailIdentityLinked, Subject: labelled(c, arrival.Label())}, from, now)
}

// labelled is what a notice calls an identity.
func labelled(c lanyard.Connection, label string) string {
	if label = first(label, maxLabel); label == "" {
		return c.Name
	}
	return c.Name + " (" + label + ")"
}

// Identities lists the accounts elsewhere that sign the person in, oldest first.
func (a *Accounts) Identities(ctx context.Context, t Tenancy, actor Actor) ([]lanyard.LinkedIdentity, error) {
	return t.Scope.Identities(ctx, actor.User.ID)
}

// UnlinkIdentity takes one of the actor's identities away; another's is
// lanyard.ErrNotFound, the only way to sign in lanyard.ErrLastWayIn. What was signed in
// to by its connection ends, except the actor's session. It needs a fresh proof.
func (a *Accounts) UnlinkIdentity(ctx context.Context, t Tenancy, actor Actor, i lanyard.Identity, now time.Time) error {
	return risky(ctx, t, actor, now, func(tx storage.Scope, f lanyard.Factors) error {
		all, err := tx.Identities(ctx, actor.User.ID)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(all, func(l lanyard.LinkedIdentity) bool { return l.Identity == i })
		if at < 0 {
			return lanyard.ErrNotFound
		}
		c, err := tx.Connection(ctx, i.ConnectionID)
		if err != nil {
			return err
		}
		if err := tx.UnlinkIdentity(ctx, actor.User.ID, i); err != nil {
			return err
		}
		if err := wayIn(ctx, tx, t, actor.User, f); err != nil && actor.By == "" {
			return err
		}
		return a.unlinked(ctx, tx, actor, c, labelled(c, all[at].Label), now)
	})
}

// unlinked follows the removal of an identity, in its transaction.
func (a *Accounts) unlinked(ctx context.Context, tx storage.Scope, actor Actor, c lanyard.Connection, label string, now time.Time) error {
	if _, err := tx.BumpUserRevision(ctx, actor.User.ID); err != nil {
		return err
	}
	if _, err := tx.EndConnectionSessions(ctx, actor.User.ID, c.ID, actor.Session.ID, now); err != nil {
		return err
	}
	if err := tx.InsertEvent(ctx, lanyard.Event{
		Type: lanyard.EventIdentityUnlinked, At: now, Actor: actor.by(), UserID: actor.User.ID, SessionID: actor.Session.ID,
		Detail: map[string]string{"connection": string(c.ID)},
	}); err != nil {
		return err
	}
	return a.notify(ctx, tx, actor.User, mail.Letter{Kind: lanyard.MailIdentityUnlinked, Subject: label}, actor.From, now)
}

// unlinkAll takes every identity from a user, inside a transaction.
func unlinkAll(ctx context.Context, tx storage.Scope, user lanyard.UserID, now time.Time) error {
	all, err := tx.Identities(ctx, user)
	if err != nil {
		return err
	}
	for _, l := range all {
		if err := tx.UnlinkIdentity(ctx, user, l.Identity); err != nil {
			return err
		}
		if err := tx.InsertEvent(ctx, lanyard.Event{
			Type: lanyard.EventIdentityUnlinked, At: now, Actor: string(user), UserID: user, Detail: map[string]string{"connection": string(l.ConnectionID)},
		}); err != nil {
			return err
		}
	}
	return nil
}

// wayIn is lanyard.ErrLastWayIn unless somebody with these factors can sign in by
// themselves: by password, passkey, code by mail or an identity at the tenant's own
// connections. An organization's connection is nobody's own way in.
func wayIn(ctx context.Context, tx storage.Scope, t Tenancy, user lanyard.User, f lanyard.Factors) error {
	byMail := t.Tenant.Policy.EmailCode && f.EmailVerified && user.Profile.Email != ""
	if f.Password || f.Passkeys > 0 || byMail {
		return nil
	}
	n, err := tx.PersonalIdentities(ctx, user.ID)
	if err == nil && n == 0 {
		err = lanyard.ErrLastWayIn
	}
	return err
}
