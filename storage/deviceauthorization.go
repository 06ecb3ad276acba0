package storage

import (
	"context"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
)

// pollGrace is by how much a device may poll too early: networks are not as regular as clocks.
const pollGrace = 500 * time.Millisecond

const deviceColumns = `code_hash, user_code_mac, client_id, scopes, resources, organization, label, address, created_at, expires_at, decided_at, grant_id, used_at`

type deviceAuthorizationRow struct {
	CodeHash     []byte
	UserCodeMac  []byte
	ClientID     string
	Scopes       string
	Resources    string
	Organization string
	Label        string
	Address      string
	CreatedAt    int64
	ExpiresAt    int64
	DecidedAt    int64
	GrantID      string
	UsedAt       int64
}

func (r deviceAuthorizationRow) authorization() lanyard.DeviceAuthorization {
	return lanyard.DeviceAuthorization{
		CodeHash: r.CodeHash, UserCodeMAC: r.UserCodeMac, ClientID: lanyard.ClientID(r.ClientID), Scopes: strings.Fields(r.Scopes),
		Resources: strings.Fields(r.Resources), Organization: r.Organization, Label: r.Label, Address: r.Address, CreatedAt: timeOf(r.CreatedAt),
		ExpiresAt: timeOf(r.ExpiresAt), DecidedAt: timeOf(r.DecidedAt), GrantID: lanyard.GrantID(r.GrantID), UsedAt: timeOf(r.UsedAt),
	}
}

// InsertDeviceAuthorization stores what a device asks for; false if its user code is taken.
func (s Scope) InsertDeviceAuthorization(ctx context.Context, d lanyard.DeviceAuthorization) (bool, error) {
	n, err := s.change(ctx, `INSERT INTO device_codes (tenant_id, code_hash, user_code_mac, client_id, scopes, resources, organization, label, address,
		created_at, expires_at, poll_interval) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant_id, user_code_mac) DO NOTHING`,
		string(s.tenant), d.CodeHash, d.UserCodeMAC, string(d.ClientID), d.Scopes.String(), strings.Join(d.Resources, " "), d.Organization, d.Label,
		d.Address, micros(d.CreatedAt), micros(d.ExpiresAt), lanyard.DeviceInterval.Microseconds())
	return n > 0, err
}

// DeviceAuthorization finds what a device asked for by the hash of its device code.
func (s Scope) DeviceAuthorization(ctx context.Context, codeHash []byte) (lanyard.DeviceAuthorization, error) {
	var row deviceAuthorizationRow
	err := s.find(ctx, &row, `SELECT `+deviceColumns+` FROM device_codes WHERE tenant_id = ? AND code_hash = ?`, string(s.tenant), codeHash)
	return row.authorization(), err
}

// WaitingDeviceAuthorization finds what a person has not decided about, by the keyed
// hash of the user code. Decided and expired ones are lanyard.ErrNotFound like those
// that never were.
func (s Scope) WaitingDeviceAuthorization(ctx context.Context, userCodeMAC []byte, now time.Time) (lanyard.DeviceAuthorization, error) {
	var row deviceAuthorizationRow
	err := s.find(ctx, &row, `SELECT `+deviceColumns+` FROM device_codes WHERE tenant_id = ? AND user_code_mac = ? AND decided_at IS NULL AND expires_at > ?`,
		string(s.tenant), userCodeMAC, micros(now))
	return row.authorization(), err
}

// PollDeviceAuthorization notes the poll of a device that waits. It tells whether it
// came too early; then the device has to wait longer from now on. One that does not
// wait any more is lanyard.ErrNotFound.
func (s Scope) PollDeviceAuthorization(ctx context.Context, codeHash []byte, now time.Time) (bool, error) {
	early, hurried := micros(now.Add(pollGrace)), false
	err := s.changeReturning(ctx, &hurried, `UPDATE device_codes SET hurried = (polled_at IS NOT NULL AND polled_at + poll_interval > ?),
		poll_interval = CASE WHEN polled_at IS NOT NULL AND polled_at + poll_interval > ? THEN poll_interval + ? ELSE poll_interval END, polled_at = ?
		WHERE tenant_id = ? AND code_hash = ? AND decided_at IS NULL AND expires_at > ? RETURNING hurried`,
		early, early, lanyard.DeviceInterval.Microseconds(), micros(now), string(s.tenant), codeHash, micros(now))
	return hurried, err
}

// ApproveDeviceAuthorization decides yes, once, and makes the grant that the device
// will use: nothing can be done with it before, but whatever ends grants ends it.
// One that does not wait any more is lanyard.ErrNotFound, and so is a session or
// user that does not count at this moment.
func (s Scope) ApproveDeviceAuthorization(ctx context.Context, codeHash []byte, g lanyard.Grant, now time.Time) error {
	return s.InTx(ctx, func(tx Scope) error {
		var label string
		err := tx.changeReturning(ctx, &label, `UPDATE device_codes SET decided_at = ?, grant_id = ?
			WHERE tenant_id = ? AND code_hash = ? AND client_id = ? AND decided_at IS NULL AND expires_at > ?
			AND EXISTS (SELECT 1 FROM sessions s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
				WHERE s.tenant_id = device_codes.tenant_id AND s.id = ? AND s.user_id = ? AND s.ended_at IS NULL AND s.expires_at > ? AND NOT u.disabled)
			RETURNING label`,
			micros(now), string(g.ID), string(s.tenant), codeHash, string(g.ClientID), micros(now), string(g.SessionID), string(g.UserID), micros(now))
		if err != nil {
			return err
		}
		if g.OrganizationID != "" { // whoever takes the user out now waits, and finds the grant
			if err := tx.HoldMembership(ctx, g.OrganizationID, g.UserID); err != nil {
				return err
			}
		}
		if err := tx.InsertGrant(ctx, g); err != nil {
			return err
		}
		return tx.must(ctx, `UPDATE grants SET label = ? WHERE tenant_id = ? AND id = ?`, label, string(s.tenant), string(g.ID))
	})
}

// DenyDeviceAuthorization decides no, once. One that does not wait any more is lanyard.ErrNotFound.
func (s Scope) DenyDeviceAuthorization(ctx context.Context, codeHash []byte, now time.Time) error {
	var client string
	return s.changeReturning(ctx, &client, `UPDATE device_codes SET decided_at = ?
		WHERE tenant_id = ? AND code_hash = ? AND decided_at IS NULL AND expires_at > ? RETURNING client_id`,
		micros(now), string(s.tenant), codeHash, micros(now))
}

// SpendDeviceAuthorization redeems a device code for the grant that it was approved
// with, once, and begins the grant as it is given: its times and its refresh family.
// False if the code was used or has expired, or if the grant was revoked, or its
// user, session or place in its organization does not count at this moment.
func (s Scope) SpendDeviceAuthorization(ctx context.Context, codeHash []byte, g lanyard.Grant, now time.Time) (bool, error) {
	var spent int64
	err := s.InTx(ctx, func(tx Scope) error {
		var err error
		spent, err = tx.change(ctx, `UPDATE device_codes SET used_at = ? WHERE tenant_id = ? AND code_hash = ? AND client_id = ? AND grant_id = ?
			AND grant_id <> '' AND used_at IS NULL AND expires_at > ?`,
			micros(now), string(s.tenant), codeHash, string(g.ClientID), string(g.ID), micros(now))
		if err != nil || spent == 0 {
			return err
		}
		if g.OrganizationID != "" {
			if err := tx.HoldMembership(ctx, g.OrganizationID, g.UserID); err != nil {
				return err
			}
		}
		spent, err = tx.beginGrant(ctx, g, now)
		return err
	})
	return err == nil && spent > 0, err
}

// beginGrant starts the life of a grant that was made by an approval.
func (s Scope) beginGrant(ctx context.Context, g lanyard.Grant, now time.Time) (int64, error) {
	family := lanyard.RefreshFamily{}
	var current any
	if g.Refresh != nil {
		family, current = *g.Refresh, g.Refresh.Current
	}
	return s.change(ctx, `UPDATE grants SET created_at = ?, expires_at = ?, refresh_sequence = ?, refresh_key_id = ?, refresh_current = ?, refresh_idle_until = ?
		WHERE tenant_id = ? AND id = ? AND revoked_at IS NULL AND expires_at > ?
		AND EXISTS (SELECT 1 FROM users u WHERE u.tenant_id = grants.tenant_id AND u.id = grants.user_id AND NOT u.disabled)
		AND (offline OR EXISTS (SELECT 1 FROM sessions s WHERE s.tenant_id = grants.tenant_id AND s.id = grants.session_id
			AND s.ended_at IS NULL AND s.expires_at > ?))`,
		micros(g.CreatedAt), micros(g.ExpiresAt), int64(family.Sequence), string(family.KeyID), current, maybeMicros(family.IdleUntil),
		string(s.tenant), string(g.ID), micros(now), micros(now))
}
