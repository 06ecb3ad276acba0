package management

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// UserSession is a device on which a user is signed in.
type UserSession struct {
	ID        lanyard.SessionID `json:"id"`
	UserAgent string            `json:"user_agent,omitempty"`
	Address   string            `json:"address,omitempty"`
	// Remembered says that the browser is not asked for a second factor.
	Remembered bool `json:"remembered"`
	// ACR is the level of the sign-in, AMR how it was proved, AuthTime when.
	ACR      string    `json:"acr,omitempty"`
	AMR      []string  `json:"amr,omitempty"`
	AuthTime time.Time `json:"auth_time,omitzero"`
	// ConnectionID is the connection that proved it; ConfinedTo the organization that it opens alone.
	ConnectionID   lanyard.ConnectionID   `json:"connection_id,omitempty"`
	OrganizationID lanyard.OrganizationID `json:"organization_id,omitempty"`
	ConfinedTo     lanyard.OrganizationID `json:"confined_to,omitempty"`
	UsedAt         time.Time              `json:"used_at,omitzero"`
	CreatedAt      time.Time              `json:"created_at,omitzero"`
	ExpiresAt      time.Time              `json:"expires_at,omitzero"`
}

func sessionOf(d lanyard.Device) UserSession {
	s := d.Session
	return UserSession{
		ID: s.ID, UserAgent: d.Browser.UserAgent, Address: d.Browser.Address, Remembered: d.Remembered, ACR: s.ACR, AMR: s.AMR, AuthTime: s.AuthTime,
		ConnectionID: s.ConnectionID, OrganizationID: s.OrganizationID, ConfinedTo: s.ConfinedTo, UsedAt: s.UsedAt, CreatedAt: s.CreatedAt, ExpiresAt: s.ExpiresAt,
	}
}

// UserSessions lists where a user is signed in, 200 at most.
func (m *Management) UserSessions(ctx context.Context, a Administrator, id lanyard.UserID, q Query) (List[UserSession], error) {
	if err := readUser(ctx, a, id); err != nil {
		return List[UserSession]{}, err
	}
	all, err := a.Scope().Devices(ctx, id, a.Now)
	if err != nil {
		return List[UserSession]{}, err
	}
	return fewOf(a, q, "sessions "+string(id), all, sessionOf,
		func(s UserSession) string { return string(s.ID) }, func(d lanyard.Device) string { return instant(d.Session.CreatedAt) })
}

// RemoveUserSession signs a user out on one device, with everything that applications got there.
func (m *Management) RemoveUserSession(ctx context.Context, a Administrator, id lanyard.UserID, session lanyard.SessionID, when Condition[UserSession]) error {
	return m.onUser(ctx, a, id, func(tx storage.Scope, person accounts.Actor, _ User) error {
		all, err := tx.Devices(ctx, id, a.Now)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(d lanyard.Device) bool { return d.Session.ID == session })
		if i < 0 {
			return lanyard.ErrNotFound
		}
		if err := when.met(sessionOf(all[i])); err != nil {
			return err
		}
		return m.Accounts.EndDevice(ctx, a.in(tx).Live.Tenancy(), person, session, a.Now)
	})
}

// Ended is how many of something ended.
type Ended struct {
	Ended int64 `json:"ended"`
}

// EndUserSessions signs a user out everywhere, and says how many sessions that were.
func (m *Management) EndUserSessions(ctx context.Context, a Administrator, id lanyard.UserID) (Ended, error) {
	var out Ended
	err := m.onUser(ctx, a, id, func(tx storage.Scope, person accounts.Actor, _ User) error {
		var err error
		out.Ended, err = m.Accounts.EndAllDevices(ctx, a.in(tx).Live.Tenancy(), person, a.Now)
		return err
	})
	return out, err
}

// UserGrant is what a user gave to an application.
type UserGrant struct {
	ID             lanyard.GrantID        `json:"id"`
	ClientID       lanyard.ClientID       `json:"client_id"`
	ClientName     string                 `json:"client_name,omitempty"`
	Scopes         lanyard.Scopes         `json:"scopes,omitempty"`
	Resources      []string               `json:"resources,omitempty"`
	OrganizationID lanyard.OrganizationID `json:"organization_id,omitempty"`
	SessionID      lanyard.SessionID      `json:"session_id,omitempty"`
	// Actor is the client that exchanged somebody's token for it.
	Actor   lanyard.ClientID `json:"actor,omitempty"`
	Offline bool             `json:"offline"`
	// UsedAt is when its tokens were renewed last, or it was made.
	UsedAt    time.Time `json:"used_at,omitzero"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

func grantOf(g lanyard.Grant) UserGrant {
	out := UserGrant{
		ID: g.ID, ClientID: g.ClientID, Scopes: g.Scopes, Resources: g.Resources, OrganizationID: g.OrganizationID, SessionID: g.SessionID,
		Actor: g.Actor, Offline: g.Offline, UsedAt: g.CreatedAt, CreatedAt: g.CreatedAt, ExpiresAt: g.ExpiresAt,
	}
	if g.Refresh != nil && !g.Refresh.RotatedAt.IsZero() {
		out.UsedAt = g.Refresh.RotatedAt
	}
	return out
}

// UserGrants lists what a user gave to applications and has not ended.
func (m *Management) UserGrants(ctx context.Context, a Administrator, id lanyard.UserID, q Query) (List[UserGrant], error) {
	if err := readUser(ctx, a, id); err != nil {
		return List[UserGrant]{}, err
	}
	name := "grants " + string(id)
	w, err := q.window(a, name, UserPartColumns)
	if err != nil {
		return List[UserGrant]{}, err
	}
	all, err := a.Scope().UserGrants(ctx, id, a.Now, w)
	if err != nil {
		return List[UserGrant]{}, err
	}
	names, err := clientNames(ctx, a, all)
	if err != nil {
		return List[UserGrant]{}, err
	}
	return pageOf(a, &q, name, all, func(g lanyard.Grant) storage.Position { return storage.Position{ID: string(g.ID)} },
		func(g lanyard.Grant) UserGrant {
			out := grantOf(g)
			out.ClientName = names[g.ClientID]
			return out
		})
}

// clientNames are the names of the clients of grants; one that is gone has none.
func clientNames(ctx context.Context, a Administrator, all []lanyard.Grant) (map[lanyard.ClientID]string, error) {
	out := map[lanyard.ClientID]string{}
	for _, g := range all {
		if _, known := out[g.ClientID]; known {
			continue
		}
		client, err := a.Live.Client(ctx, g.ClientID)
		switch {
		case err == nil:
			out[g.ClientID] = client.Name
		case errors.Is(err, lanyard.ErrUnknownClient):
			out[g.ClientID] = ""
		default:
			return nil, err
		}
	}
	return out, nil
}

// RemoveUserGrant ends what a user gave to an application, with all its tokens.
func (m *Management) RemoveUserGrant(ctx context.Context, a Administrator, id lanyard.UserID, grant lanyard.GrantID, when Condition[UserGrant]) error {
	return m.onUser(ctx, a, id, func(tx storage.Scope, _ accounts.Actor, _ User) error {
		standing, err := tx.Standing(ctx, grant)
		if err == nil && standing.Grant.UserID != id {
			err = lanyard.ErrNotFound
		}
		if err != nil {
			return gone(err)
		}
		if err := when.met(grantOf(standing.Grant)); err != nil {
			return err
		}
		client, err := tx.RevokeUserGrant(ctx, id, grant, lanyard.RevokedConsent, a.Now)
		if err != nil {
			return gone(err)
		}
		return m.record(ctx, tx, a, lanyard.Event{Type: lanyard.EventGrantRevoked, UserID: id, ClientID: client, GrantID: grant})
	})
}

// UserConsent is what a user agreed to for an application.
type UserConsent struct {
	ClientID  lanyard.ClientID `json:"client_id"`
	Scopes    lanyard.Scopes   `json:"scopes,omitempty"`
	Resources []string         `json:"resources,omitempty"`
	GrantedAt time.Time        `json:"granted_at,omitzero"`
}

func consentOf(c lanyard.Consent) UserConsent {
	return UserConsent{ClientID: c.ClientID, Scopes: c.Scopes, Resources: c.Resources, GrantedAt: c.GrantedAt}
}

// UserConsents lists what a user agreed to.
func (m *Management) UserConsents(ctx context.Context, a Administrator, id lanyard.UserID, q Query) (List[UserConsent], error) {
	if err := readUser(ctx, a, id); err != nil {
		return List[UserConsent]{}, err
	}
	all, err := a.Scope().Consents(ctx, id)
	if err != nil {
		return List[UserConsent]{}, err
	}
	return fewOf(a, q, "consents "+string(id), all, consentOf,
		func(c UserConsent) string { return string(c.ClientID) }, func(c lanyard.Consent) string { return instant(c.GrantedAt) })
}

// RemoveUserConsent takes back what a user agreed to for an application, and ends what that got by it.
func (m *Management) RemoveUserConsent(ctx context.Context, a Administrator, id lanyard.UserID, client lanyard.ClientID, when Condition[UserConsent]) error {
	return m.onUser(ctx, a, id, func(tx storage.Scope, _ accounts.Actor, _ User) error {
		all, err := tx.Consents(ctx, id)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(x lanyard.Consent) bool { return x.ClientID == client })
		if i < 0 {
			return lanyard.ErrNotFound
		}
		if err := when.met(consentOf(all[i])); err != nil {
			return err
		}
		there, err := tx.DeleteConsent(ctx, id, client)
		if err == nil && !there {
			err = lanyard.ErrNotFound
		}
		if err != nil {
			return gone(err)
		}
		if _, err := tx.RevokeClientGrants(ctx, id, client, lanyard.RevokedConsent, a.Now); err != nil {
			return err
		}
		return m.record(ctx, tx, a, lanyard.Event{Type: lanyard.EventGrantRevoked, UserID: id, ClientID: client})
	})
}
