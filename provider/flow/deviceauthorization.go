package flow

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// userCodeRule bounds guessing (RFC 8628 §5.1): twenty wrong codes an hour are free,
// for a person and for an address.
var userCodeRule = storage.AttemptRule{Free: 20, Delay: time.Minute, Longest: time.Hour, Memory: time.Hour}

// DevicePage is what a person decides about on the page for devices.
type DevicePage struct {
	// Code is the user code as the device shows it.
	Code   string
	Client *lanyard.Client
	// Asked are all scopes that the device wants.
	Asked []ScopeText
	// Label is what the device calls itself, Address where it asked from.
	Label   string
	Address string
	AskedAt time.Time
	// AskedFor is the organization that the device names, Organization what it is if the
	// person is in it; else nil. Choices are those to choose among where the client
	// needs one and the device names none.
	AskedFor     string
	Organization *lanyard.Joined
	Choices      []lanyard.Joined
	// Unmet says that the session is not enough: BeginDevice leads to one that is.
	Unmet bool

	authorization lanyard.DeviceAuthorization
}

// Barred says that the person can not say yes: they are not in the organization that
// the device names, or in none where one is needed.
func (p DevicePage) Barred() bool {
	return p.Organization == nil && len(p.Choices) == 0 && (p.AskedFor != "" || p.Client.RequireOrganization)
}

// enough tells whether the session may say yes, in an organization or (zero) outside of
// all: by the level and the age that the client was registered with, too.
func (p DevicePage) enough(in lanyard.Joined, s lanyard.Session, now time.Time) bool {
	if !in.Lets(s, now) {
		return false
	}
	if oldest := p.maxAge(); oldest != nil && now.Sub(s.AuthTime) >= time.Duration(*oldest)*time.Second {
		return false
	}
	return (&state{client: p.Client}).levelMet(s.ACR)
}

// maxAge is the default_max_age of the client, at least as long as proofs count as
// fresh: whoever reads the page has to have the time for it.
func (p DevicePage) maxAge() *int64 {
	if p.Client.DefaultMaxAge == nil {
		return nil
	}
	seconds := max(*p.Client.DefaultMaxAge, int64(accounts.FreshFor/time.Second))
	return &seconds
}

// Device looks at what a user code stands for. It changes nothing but the count of
// codes that were wrong. Wrong, used and expired codes are lanyard.ErrWrongCode;
// after too many, every code is lanyard.ErrThrottled.
func (f *Flow) Device(ctx context.Context, live *tenants.Live, actor accounts.Actor, typed string) (DevicePage, error) {
	var (
		code lanyard.Secret
		d    lanyard.DeviceAuthorization
	)
	err := f.guess(ctx, live, actor, func() error {
		var err error
		if code, err = lanyard.ParseUserCode(typed); err != nil {
			return err
		}
		d, err = live.WaitingDevice(ctx, code, f.Clock.Now())
		return err
	})
	if err != nil {
		return DevicePage{}, err
	}
	return f.devicePage(ctx, live, actor, d, code)
}

// devicePage puts together what the person has to know.
func (f *Flow) devicePage(ctx context.Context, live *tenants.Live, actor accounts.Actor, d lanyard.DeviceAuthorization, code lanyard.Secret) (DevicePage, error) {
	client, err := live.Client(ctx, d.ClientID)
	if err != nil {
		return DevicePage{}, err
	}
	f.serves(ctx, client)
	if client.Disabled || !client.MayUse(lanyard.GrantDeviceCode) {
		return DevicePage{}, lanyard.ErrWrongCode
	}
	page := DevicePage{
		Code: lanyard.ShowUserCode(code), Client: client, Label: d.Label, Address: d.Address, AskedAt: d.CreatedAt, AskedFor: d.Organization, authorization: d,
	}
	for _, scope := range d.Scopes {
		if scope != lanyard.ScopeOpenID && !strings.HasPrefix(scope, lanyard.ScopeOrganization) {
			page.Asked = append(page.Asked, describe(live, d.Resources, scope))
		}
	}
	if err := page.loadOrganizations(ctx, live.Scope, actor.User.ID); err != nil {
		return DevicePage{}, err
	}
	in := lanyard.Joined{} // before anything is chosen
	if page.Organization != nil {
		in = *page.Organization
	}
	page.Unmet = !page.Barred() && !page.enough(in, actor.Session, f.Clock.Now())
	return page, nil
}

// guess counts a code that is tried, before it is looked up, so that guesses at the
// same time all count; the right one is not counted.
func (f *Flow) guess(ctx context.Context, live *tenants.Live, actor accounts.Actor, try func() error) error {
	const byUser, byAddress = "user_code_by_user", "user_code_by_address"
	user, address := string(actor.User.ID), actor.From.Address
	if err := accounts.Limit(ctx, live.Scope, byUser, user, userCodeRule, f.Clock.Now()); err != nil {
		return err
	}
	if err := accounts.Limit(ctx, live.Scope, byAddress, address, userCodeRule, f.Clock.Now()); err != nil {
		return err
	}
	if err := try(); err != nil {
		return err
	}
	if err := accounts.GiveBack(ctx, live.Scope, byUser, user); err != nil {
		return err
	}
	return accounts.GiveBack(ctx, live.Scope, byAddress, address)
}

func (p *DevicePage) loadOrganizations(ctx context.Context, scope storage.Scope, user lanyard.UserID) error {
	if p.AskedFor != "" {
		joined, err := scope.Joined(ctx, user, p.AskedFor)
		if err == nil && joined.Counts() {
			p.Organization = &joined
		}
		if errors.Is(err, lanyard.ErrNotFound) || errors.Is(err, lanyard.ErrBadInput) {
			return nil
		}
		return err
	}
	if !p.Client.RequireOrganization {
		return nil
	}
	all, err := scope.AllJoined(ctx, user, maxChoices)
	p.Choices = slices.DeleteFunc(all, func(j lanyard.Joined) bool { return !j.Counts() })
	return err
}

// BeginDevice leads to the page for devices through a sign-in that is enough for
// what it is about, as the same person; organization is the one of the choices that
// it is to be for, anything else stands for the one that the device names.
func (f *Flow) BeginDevice(ctx context.Context, live *tenants.Live, p DevicePage, organization lanyard.OrganizationID, actor accounts.Actor, v Visitor) (Outcome, error) {
	named := p.AskedFor
	if j := p.choice(organization); j != nil {
		named = string(j.Organization.ID)
	}
	return f.Begin(ctx, live, ownPages(live), lanyard.AuthParams{
		Local: p.Back(), HintSubject: actor.User.Subject, Organization: named, ACRValues: p.Client.DefaultACRValues, MaxAge: p.maxAge(),
	}, v)
}

// DevicePath is the page for devices, below the issuer.
const DevicePath = "/device"

// Back is the page with its code, to come back to.
func (p DevicePage) Back() string {
	return DevicePath + "?" + url.Values{"user_code": {p.Code}}.Encode()
}

func (p DevicePage) choice(id lanyard.OrganizationID) *lanyard.Joined {
	i := slices.IndexFunc(p.Choices, func(j lanyard.Joined) bool { return j.Organization.ID == id })
	if i < 0 {
		return nil
	}
	return &p.Choices[i]
}

// ApproveDevice lets a device have what it asks for, once, for the organization that
// it names or that the person chose. A session that is not enough for that is
// lanyard.ErrPolicyUnmet, an organization that they are not in lanyard.ErrNotFound.
func (f *Flow) ApproveDevice(ctx context.Context, live *tenants.Live, actor accounts.Actor, p DevicePage, organization lanyard.OrganizationID) error {
	joined := p.Organization
	if p.AskedFor == "" && p.Client.RequireOrganization {
		joined = p.choice(organization)
	}
	if joined == nil && (p.AskedFor != "" || p.Client.RequireOrganization) {
		return lanyard.ErrNotFound
	}
	if joined == nil {
		joined = &lanyard.Joined{}
	}
	now := f.Clock.Now()
	if !p.enough(*joined, actor.Session, now) {
		return lanyard.ErrPolicyUnmet
	}
	grant := p.grant(actor, joined.Organization.ID, now)
	return wrongCode(live.Scope.InTx(ctx, func(tx storage.Scope) error {
		if err := tx.ApproveDeviceAuthorization(ctx, p.authorization.CodeHash, grant, now); err != nil {
			return err
		}
		if err := consented(ctx, tx, grant); err != nil {
			return err
		}
		return tx.InsertEvent(ctx, deviceEvent(lanyard.EventDeviceApproved, actor, grant, now))
	}))
}

// grant is what the person's yes makes. Until the device fetches its tokens it lives
// no longer than the device code.
func (p DevicePage) grant(actor accounts.Actor, organization lanyard.OrganizationID, now time.Time) lanyard.Grant {
	d, s := p.authorization, actor.Session
	return lanyard.Grant{
		ConnectionID: actor.Session.ConnectionID, Confined: actor.Session.ConfinedTo != "",
		ID: lanyard.NewGrantID(), ClientID: d.ClientID, UserID: actor.User.ID, SessionID: s.ID, OrganizationID: organization,
		Scopes: d.Scopes, Resources: d.Resources, ACR: s.ACR, AMR: s.AMR, AuthTime: s.AuthTime, Offline: d.Offline(p.Client),
		CreatedAt: now, ExpiresAt: d.ExpiresAt,
	}
}

// DenyDevice refuses a device what it asks for, once.
func (f *Flow) DenyDevice(ctx context.Context, live *tenants.Live, actor accounts.Actor, p DevicePage) error {
	now, d := f.Clock.Now(), p.authorization
	return wrongCode(live.Scope.InTx(ctx, func(tx storage.Scope) error {
		if err := tx.DenyDeviceAuthorization(ctx, d.CodeHash, now); err != nil {
			return err
		}
		return tx.InsertEvent(ctx, deviceEvent(lanyard.EventDeviceDenied, actor, lanyard.Grant{ClientID: d.ClientID}, now))
	}))
}

// wrongCode is what somebody is told who decides about what does not wait any more.
func wrongCode(err error) error {
	if errors.Is(err, lanyard.ErrNotFound) {
		return lanyard.ErrWrongCode
	}
	return err
}

func deviceEvent(kind lanyard.EventType, actor accounts.Actor, g lanyard.Grant, now time.Time) lanyard.Event {
	return lanyard.Event{
		Type: kind, At: now, Actor: string(actor.User.ID), UserID: actor.User.ID, SessionID: actor.Session.ID,
		ClientID: g.ClientID, GrantID: g.ID, OrganizationID: g.OrganizationID,
	}
}

// consented remembers what the person agreed to, as the consent page does.
func consented(ctx context.Context, tx storage.Scope, g lanyard.Grant) error {
	all, err := tx.Consents(ctx, g.UserID)
	if err != nil {
		return err
	}
	before := lanyard.Account{User: lanyard.User{ID: g.UserID}, Session: lanyard.Session{ID: g.SessionID}}
	if i := slices.IndexFunc(all, func(c lanyard.Consent) bool { return c.ClientID == g.ClientID }); i >= 0 {
		before.Consented, before.ConsentedResources = all[i].Scopes, all[i].Resources
	}
	s := &state{now: g.CreatedAt, client: &lanyard.Client{ID: g.ClientID}}
	s.request.Params.Scopes, s.request.Params.Resources = g.Scopes, g.Resources
	return s.remember(ctx, tx, &before)
}
