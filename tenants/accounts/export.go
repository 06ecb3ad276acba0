package accounts

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
)

// Export is everything that is kept about a person, without secrets, to take along.
type Export struct {
	ExportedAt time.Time       `json:"exported_at"`
	Issuer     string          `json:"issuer"`
	Subject    string          `json:"sub"`
	Username   string          `json:"username,omitempty"`
	Profile    lanyard.Profile `json:"profile"`
	CreatedAt  time.Time       `json:"created_at"`
	UpdatedAt  time.Time       `json:"updated_at"`
	Emails     []lanyard.Email `json:"emails"`
	Roles      []string        `json:"roles,omitempty"`
	Factors    exportFactors   `json:"factors"`
	Passkeys   []exportPasskey `json:"passkeys,omitempty"`
	// Identities are accounts elsewhere that sign the person in.
	Identities []exportIdentity `json:"identities,omitempty"`
	Sessions   []exportSession  `json:"sessions"`
	Consents   []exportConsent  `json:"consents,omitempty"`
	// Memberships are those in organizations that are closed, too.
	Memberships []exportMembership `json:"memberships,omitempty"`
	Activity    []exportActivity   `json:"activity"`
}

type exportFactors struct {
	Password      bool `json:"password"`
	TOTP          bool `json:"totp"`
	RecoveryCodes int  `json:"recovery_codes"`
}

type exportPasskey struct {
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
	UsedAt    time.Time `json:"used_at,omitzero"`
	Synced    bool      `json:"synced"`
}

type exportIdentity struct {
	Connection string    `json:"connection"`
	Issuer     string    `json:"issuer"`
	Subject    string    `json:"sub"`
	Label      string    `json:"label"`
	LinkedAt   time.Time `json:"linked_at"`
	UsedAt     time.Time `json:"used_at"`
}

type exportSession struct {
	ID        lanyard.SessionID `json:"id"`
	CreatedAt time.Time         `json:"created_at"`
	UsedAt    time.Time         `json:"used_at"`
	ExpiresAt time.Time         `json:"expires_at"`
	UserAgent string            `json:"user_agent"`
	Address   string            `json:"address"`
}

type exportConsent struct {
	ClientID  lanyard.ClientID `json:"client_id"`
	Scopes    []string         `json:"scopes"`
	Resources []string         `json:"resources,omitempty"`
	GrantedAt time.Time        `json:"granted_at"`
}

type exportMembership struct {
	Organization string    `json:"organization"`
	Name         string    `json:"name"`
	Roles        []string  `json:"roles"`
	Since        time.Time `json:"since"`
}

type exportActivity struct {
	At     time.Time         `json:"at"`
	Type   lanyard.EventType `json:"type"`
	Detail map[string]string `json:"detail,omitempty"`
}

// What bounds an export.
const (
	maxExportedEvents      = 10_000
	maxExportedMemberships = 10_000
)

// ExportData gathers what is kept about the person. It needs a fresh proof.
func (a *Accounts) ExportData(ctx context.Context, t Tenancy, actor Actor, now time.Time) (Export, error) {
	user := actor.User
	factors, err := t.Scope.Factors(ctx, user.ID, actor.From.BrowserHash, now)
	if err != nil {
		return Export{}, err
	}
	if err := actor.checkFresh(factors, now); err != nil {
		return Export{}, err
	}
	out := Export{
		ExportedAt: now, Issuer: t.Issuer, Subject: user.Subject, Username: user.Username, Profile: user.Profile, CreatedAt: user.CreatedAt,
		UpdatedAt: user.UpdatedAt, Factors: exportFactors{factors.Password, factors.TOTP, factors.RecoveryCodes},
	}
	for _, gather := range []func(context.Context, Tenancy, lanyard.UserID, time.Time) error{
		out.gatherAccount, out.gatherAuthenticators, out.gatherIdentities, out.gatherSessions, out.gatherConsents, out.gatherMemberships, out.gatherActivity,
	} {
		if err := gather(ctx, t, user.ID, now); err != nil {
			return Export{}, err
		}
	}
	return out, t.Scope.InsertEvent(ctx, lanyard.Event{
		Type: lanyard.EventUserExported, At: now, Actor: string(user.ID), UserID: user.ID, SessionID: actor.Session.ID,
	})
}

func (e *Export) gatherAccount(ctx context.Context, t Tenancy, user lanyard.UserID, _ time.Time) error {
	emails, err := t.Scope.Emails(ctx, user)
	if err != nil {
		return err
	}
	e.Emails = emails
	e.Roles, err = t.Scope.UserRoles(ctx, user)
	return err
}

func (e *Export) gatherAuthenticators(ctx context.Context, t Tenancy, user lanyard.UserID, _ time.Time) error {
	passkeys, err := t.Scope.Passkeys(ctx, user)
	for _, p := range passkeys {
		e.Passkeys = append(e.Passkeys, exportPasskey{Name: p.Name, CreatedAt: p.CreatedAt, UsedAt: p.UsedAt, Synced: p.Synced})
	}
	return err
}

func (e *Export) gatherIdentities(ctx context.Context, t Tenancy, user lanyard.UserID, _ time.Time) error {
	all, err := t.Scope.Identities(ctx, user)
	if err != nil {
		return err
	}
	for _, l := range all {
		c, err := t.Scope.Connection(ctx, l.ConnectionID)
		if err != nil {
			return err
		}
		e.Identities = append(e.Identities, exportIdentity{
			Connection: c.Name, Issuer: l.Issuer, Subject: l.Subject, Label: l.Label, LinkedAt: l.CreatedAt, UsedAt: l.UsedAt,
		})
	}
	return nil
}

func (e *Export) gatherSessions(ctx context.Context, t Tenancy, user lanyard.UserID, now time.Time) error {
	devices, err := t.Scope.Devices(ctx, user, now)
	for _, d := range devices {
		e.Sessions = append(e.Sessions, exportSession{
			ID: d.Session.ID, CreatedAt: d.Session.CreatedAt, UsedAt: d.Session.UsedAt, ExpiresAt: d.Session.ExpiresAt,
			UserAgent: d.Browser.UserAgent, Address: d.Browser.Address,
		})
	}
	return err
}

func (e *Export) gatherConsents(ctx context.Context, t Tenancy, user lanyard.UserID, _ time.Time) error {
	consents, err := t.Scope.Consents(ctx, user)
	for _, c := range consents {
		e.Consents = append(e.Consents, exportConsent{ClientID: c.ClientID, Scopes: c.Scopes, Resources: c.Resources, GrantedAt: c.GrantedAt})
	}
	return err
}

func (e *Export) gatherMemberships(ctx context.Context, t Tenancy, user lanyard.UserID, _ time.Time) error {
	all, err := t.Scope.AllJoined(ctx, user, maxExportedMemberships)
	for _, j := range all {
		e.Memberships = append(e.Memberships, exportMembership{
			Organization: j.Organization.Slug, Name: j.Organization.Name, Roles: j.Membership.Roles, Since: j.Membership.CreatedAt,
		})
	}
	return err
}

func (e *Export) gatherActivity(ctx context.Context, t Tenancy, user lanyard.UserID, _ time.Time) error {
	events, err := t.Scope.UserEvents(ctx, user, "", maxExportedEvents)
	for _, event := range events {
		e.Activity = append(e.Activity, exportActivity{At: event.At, Type: event.Type, Detail: event.Detail})
	}
	return err
}
