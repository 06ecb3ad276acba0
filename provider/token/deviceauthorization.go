package token

import (
	"context"
	"errors"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// deviceRule bounds the device authorizations that a client has stored from one
// address: a hundred at once, then one in ten seconds.
var deviceRule = storage.AttemptRule{Free: 100, Delay: time.Second, Longest: 10 * time.Second, Memory: lanyard.DeviceCodeLifetime}

// DeviceOrder is a device authorization request (RFC 8628 §3.1) of an authenticated
// client, checked like an authorization request.
type DeviceOrder struct {
	Client    *lanyard.Client
	Scopes    lanyard.Scopes
	Resources []string
	// Organization is the slug or id of the organization that tokens are to be for; empty for none.
	Organization string
	// Label is what the device calls itself.
	Label string
	// Address is where it asks from, Neighbourhood how that is counted.
	Address, Neighbourhood string
}

// DeviceCodes is the answer to it (RFC 8628 §3.2).
type DeviceCodes struct {
	DeviceCode lanyard.Secret
	UserCode   lanyard.Secret
	ExpiresIn  time.Duration
	Interval   time.Duration
}

// BeginDevice takes the wish of a device. Nothing is granted before its person
// agrees. Too many are lanyard.ErrThrottled.
func (i *Issuer) BeginDevice(ctx context.Context, live *tenants.Live, o DeviceOrder) (DeviceCodes, error) {
	if !o.Client.MayUse(lanyard.GrantDeviceCode) {
		return DeviceCodes{}, lanyard.ErrUnauthorizedClient
	}
	if err := lanyard.CheckDeviceLabel(o.Label); err != nil {
		return DeviceCodes{}, err
	}
	now := i.Clock.Now()
	if err := accounts.Limit(ctx, live.Scope, "device_authorization", string(o.Client.ID)+" "+o.Neighbourhood, deviceRule, now); err != nil {
		return DeviceCodes{}, err
	}
	deviceCode := lanyard.NewSecret()
	userCode, err := live.StoreDevice(ctx, lanyard.DeviceAuthorization{
		CodeHash: deviceCode.Hash(), ClientID: o.Client.ID, Scopes: o.Scopes, Resources: o.Resources, Organization: o.Organization,
		Label: o.Label, Address: o.Address, CreatedAt: now, ExpiresAt: now.Add(lanyard.DeviceCodeLifetime),
	})
	if err != nil {
		return DeviceCodes{}, err
	}
	return DeviceCodes{DeviceCode: deviceCode, UserCode: userCode, ExpiresIn: lanyard.DeviceCodeLifetime, Interval: lanyard.DeviceInterval}, nil
}

// DeviceRedemption is a poll of a device (RFC 8628 §3.4), of an authenticated client.
type DeviceRedemption struct {
	Client *lanyard.Client
	Code   lanyard.Secret
	// Resources narrow what the token is for.
	Resources []string
}

// RedeemDevice exchanges a device code for tokens, once, when its person has agreed.
// Before it is lanyard.ErrAuthorizationPending or, polled too often, lanyard.ErrSlowDown;
// afterwards lanyard.ErrDeviceDenied or lanyard.ErrExpiredToken. The code of another
// client, a used one, and one whose grant does not count any more, are
// lanyard.ErrInvalidGrant.
func (i *Issuer) RedeemDevice(ctx context.Context, live *tenants.Live, r DeviceRedemption) (Tokens, error) {
	now, hash := i.Clock.Now(), r.Code.Hash()
	d, err := live.Scope.DeviceAuthorization(ctx, hash)
	if errors.Is(err, lanyard.ErrNotFound) {
		return Tokens{}, lanyard.ErrInvalidGrant
	}
	if err != nil {
		return Tokens{}, err
	}
	if complaint := d.Complaint(r.Client.ID, now); complaint != nil {
		return Tokens{}, polled(ctx, live.Scope, hash, complaint, now)
	}
	standing, err := live.Scope.Standing(ctx, d.GrantID)
	if errors.Is(err, lanyard.ErrNotFound) || (err == nil && !standing.Live(now)) {
		return Tokens{}, lanyard.ErrInvalidGrant
	}
	if err != nil {
		return Tokens{}, err
	}
	made, err := i.makeForDevice(live, r, &standing, now)
	if err != nil {
		return Tokens{}, err
	}
	if err := spendDevice(ctx, live.Scope, hash, standing.Grant, made.stored); err != nil {
		return Tokens{}, err
	}
	i.observe(lanyard.GrantDeviceCode)
	return made.tokens, nil
}

// polled counts the poll of a device that waits, and says what it is told.
func polled(ctx context.Context, scope storage.Scope, hash []byte, complaint *lanyard.Error, now time.Time) error {
	if complaint != lanyard.ErrAuthorizationPending {
		return complaint
	}
	hurried, err := scope.PollDeviceAuthorization(ctx, hash, now)
	if errors.Is(err, lanyard.ErrNotFound) { // decided this very moment: the next poll will tell
		return complaint
	}
	if err != nil {
		return err
	}
	if hurried {
		return lanyard.ErrSlowDown
	}
	return complaint
}

// makeForDevice gives the grant that the approval made its times and its refresh
// family, and makes its tokens, in memory.
func (i *Issuer) makeForDevice(live *tenants.Live, r DeviceRedemption, s *lanyard.Standing, now time.Time) (product, error) {
	grant := &s.Grant
	grant.CreatedAt, grant.ExpiresAt = now, now.Add(r.Client.AccessTokenFor())
	refresh := ""
	if r.Client.MayUse(lanyard.GrantRefreshToken) {
		refresh = beginFamily(live, r.Client, grant, now)
		grant.Refresh.IdleUntil = idleUntil(r.Client, s.Joined.Organization.Policy, now)
	}
	target, err := within(live, r.Client, grant, r.Resources)
	if err != nil {
		return product{}, err
	}
	made, err := i.make(order{
		live: live, client: r.Client, grant: grant, user: &s.User, joined: s.Joined, tenantRoles: s.TenantRoles,
		target: target, scopes: grant.Scopes, now: now,
	})
	made.tokens.RefreshToken = refresh
	return made, err
}

// spendDevice takes the code, begins its grant and stores the tokens, all or nothing.
func spendDevice(ctx context.Context, scope storage.Scope, hash []byte, grant lanyard.Grant, stored *lanyard.AccessToken) error {
	lost := false
	err := scope.InTx(ctx, func(tx storage.Scope) error {
		spent, err := tx.SpendDeviceAuthorization(ctx, hash, grant, grant.CreatedAt)
		if lost = !spent; err != nil || lost {
			return err
		}
		if stored != nil {
			if err := tx.InsertAccessToken(ctx, *stored); err != nil {
				return err
			}
		}
		return tx.InsertEvent(ctx, lanyard.Event{
			Type: lanyard.EventGrantCreated, At: grant.CreatedAt, Actor: string(grant.UserID), UserID: grant.UserID,
			ClientID: grant.ClientID, SessionID: grant.SessionID, GrantID: grant.ID, OrganizationID: grant.OrganizationID,
		})
	})
	if errors.Is(err, lanyard.ErrNotFound) { // no member any more
		return lanyard.ErrInvalidGrant
	}
	if err == nil && lost {
		return lanyard.ErrInvalidGrant
	}
	return err
}
