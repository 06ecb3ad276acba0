package storage

import (
	"context"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
)

// invitationColumns reads an invitation; the table is i.
const invitationColumns = `i.id, i.organization_id, i.code_hash, i.email, i.domain, i.roles, i.client_id, i.plan, i.trial_days,
	i.max_uses, i.uses, i.expires_at, i.revoked_at, i.inviter_id, i.created_at, i.sent_at`

type invitationRow struct {
	ID             string
	OrganizationID string
	CodeHash       []byte
	Email          string
	Domain         string
	Roles          string
	ClientID       string
	Plan           string
	TrialDays      int64
	MaxUses        int64
	Uses           int64
	ExpiresAt      int64
	RevokedAt      int64
	InviterID      string
	CreatedAt      int64
	SentAt         int64
}

func (r invitationRow) invitation(tenant lanyard.TenantID) lanyard.Invitation {
	return lanyard.Invitation{
		ID: lanyard.InvitationID(r.ID), TenantID: tenant, OrganizationID: lanyard.OrganizationID(r.OrganizationID), CodeHash: r.CodeHash,
		Email: r.Email, Domain: r.Domain, Roles: strings.Fields(r.Roles), ClientID: lanyard.ClientID(r.ClientID), Plan: r.Plan, TrialDays: r.TrialDays,
		MaxUses: r.MaxUses, Uses: r.Uses, ExpiresAt: timeOf(r.ExpiresAt), RevokedAt: timeOf(r.RevokedAt), InviterID: lanyard.UserID(r.InviterID),
		CreatedAt: timeOf(r.CreatedAt), SentAt: timeOf(r.SentAt),
	}
}

// InsertInvitation stores an invitation. A code that was ever used is lanyard.ErrConflict.
func (s Scope) InsertInvitation(ctx context.Context, i lanyard.Invitation) error {
	_, err := s.change(ctx, `INSERT INTO invitations (tenant_id, id, organization_id, code_hash, email, domain, roles, client_id, plan, trial_days,
		max_uses, expires_at, inviter_id, created_at, sent_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		string(s.tenant), string(i.ID), orNull(string(i.OrganizationID)), i.CodeHash, i.Email, i.Domain, strings.Join(i.Roles, " "), string(i.ClientID),
		i.Plan, i.TrialDays, i.MaxUses, micros(i.ExpiresAt), string(i.InviterID), micros(i.CreatedAt), maybeMicros(i.SentAt))
	return err
}

// Invitation finds an invitation by id.
func (s Scope) Invitation(ctx context.Context, id lanyard.InvitationID) (lanyard.Invitation, error) {
	return s.invitationBy(ctx, `i.id = ?`, string(id))
}

// InvitationByCode finds an invitation by the hash of its code, used, expired and revoked ones too.
func (s Scope) InvitationByCode(ctx context.Context, hash []byte) (lanyard.Invitation, error) {
	return s.invitationBy(ctx, `i.code_hash = ?`, hash)
}

func (s Scope) invitationBy(ctx context.Context, where string, value any) (lanyard.Invitation, error) {
	var row invitationRow
	err := s.find(ctx, &row, `SELECT `+invitationColumns+` FROM invitations i WHERE i.tenant_id = ? AND `+where, string(s.tenant), value)
	return row.invitation(s.tenant), err
}

// Invitations lists the invitations of an organization (empty for those to the
// platform), newest first, before one (empty for the newest), at most limit.
func (s Scope) Invitations(ctx context.Context, organization lanyard.OrganizationID, before lanyard.InvitationID, limit int) ([]lanyard.Invitation, error) {
	if before == "" {
		before = "~"
	}
	where, args := `i.organization_id = ?`, []any{string(s.tenant), string(before), string(organization), limit}
	if organization == "" {
		where, args = `i.organization_id IS NULL`, []any{string(s.tenant), string(before), limit}
	}
	return s.invitations(ctx, `i.id < ? AND `+where+` ORDER BY i.id DESC LIMIT ?`, args...)
}

// InvitationsTo lists the live invitations to organizations that are bound to one of the addresses (canonical), newest first, at most limit.
func (s Scope) InvitationsTo(ctx context.Context, addresses []string, now time.Time, limit int) ([]lanyard.Invitation, error) {
	if len(addresses) == 0 {
		return nil, nil
	}
	args := []any{string(s.tenant)}
	for _, a := range addresses {
		args = append(args, a)
	}
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(addresses)), ", ")
	return s.invitations(ctx, `i.email IN (`+marks+`) AND i.organization_id IS NOT NULL AND i.revoked_at IS NULL AND i.uses < i.max_uses AND i.expires_at > ?
		AND EXISTS (SELECT 1 FROM organizations o WHERE o.tenant_id = i.tenant_id AND o.id = i.organization_id AND NOT o.suspended AND o.delete_at IS NULL)
		ORDER BY i.id DESC LIMIT ?`, append(args, micros(now), limit)...)
}

func (s Scope) invitations(ctx context.Context, where string, args ...any) ([]lanyard.Invitation, error) {
	var rows []invitationRow
	err := s.list(ctx, &rows, `SELECT `+invitationColumns+` FROM invitations i WHERE i.tenant_id = ? AND `+where, args...)
	out := make([]lanyard.Invitation, 0, len(rows))
	for _, row := range rows {
		out = append(out, row.invitation(s.tenant))
	}
	return out, err
}

// CountInvitations tells how many invitations an organization made or sent again since a moment.
func (s Scope) CountInvitations(ctx context.Context, organization lanyard.OrganizationID, since time.Time) (int64, error) {
	var n int64
	err := s.find(ctx, &n, `SELECT CAST(COALESCE(sum(sends), 0) AS BIGINT) FROM invitations
		WHERE tenant_id = ? AND organization_id = ? AND COALESCE(sent_at, created_at) > ?`, string(s.tenant), string(organization), micros(since))
	return n, err
}

// UnusedInvitation finds the latest invitation of an organization to an address
// (canonical) that was neither used nor revoked; it may have expired.
func (s Scope) UnusedInvitation(ctx context.Context, organization lanyard.OrganizationID, address string) (lanyard.Invitation, error) {
	all, err := s.invitations(ctx, `i.organization_id = ? AND i.email = ? AND i.revoked_at IS NULL AND i.uses < i.max_uses ORDER BY i.id DESC LIMIT 1`,
		string(s.tenant), string(organization), address)
	if err == nil && len(all) == 0 {
		err = lanyard.ErrNotFound
	}
	if err != nil {
		return lanyard.Invitation{}, err
	}
	return all[0], nil
}

// InvitedBefore tells whether there was ever an invitation of an organization (empty
// for the platform) to an address (canonical).
func (s Scope) InvitedBefore(ctx context.Context, organization lanyard.OrganizationID, address string) (bool, error) {
	all, err := s.invitations(ctx, `i.email = ? AND COALESCE(i.organization_id, '') = ? ORDER BY i.id LIMIT 1`, string(s.tenant), address, string(organization))
	return len(all) > 0, err
}

// MemberAt tells whether somebody who proved an address (canonical) is a member of an organization.
func (s Scope) MemberAt(ctx context.Context, organization lanyard.OrganizationID, address string) (bool, error) {
	var n int64
	err := s.find(ctx, &n, `SELECT count(*) FROM emails e JOIN memberships m ON m.tenant_id = e.tenant_id AND m.user_id = e.user_id
		WHERE e.tenant_id = ? AND e.address_key = ? AND e.verified AND m.organization_id = ?`, string(s.tenant), address, string(organization))
	return n > 0, err
}

// SpendInvitation counts one use of an invitation that lives, in the statement that
// looks at it; lanyard.ErrNotFound otherwise. It records whose use it was.
func (s Scope) SpendInvitation(ctx context.Context, id lanyard.InvitationID, user lanyard.UserID, now time.Time) error {
	return s.InTx(ctx, func(tx Scope) error {
		var spent string
		if err := tx.changeReturning(ctx, &spent, `UPDATE invitations SET uses = uses + 1
			WHERE tenant_id = ? AND id = ? AND uses < max_uses AND revoked_at IS NULL AND expires_at > ? RETURNING id`,
			string(s.tenant), string(id), micros(now)); err != nil {
			return err
		}
		_, err := tx.change(ctx, `INSERT INTO invitation_uses (tenant_id, invitation_id, user_id, used_at) VALUES (?, ?, ?, ?)`,
			string(s.tenant), string(id), string(user), micros(now))
		return err
	})
}

// RevokeInvitation ends an invitation of an organization (empty for the platform);
// false if it was ended before, or is not one of theirs.
func (s Scope) RevokeInvitation(ctx context.Context, organization lanyard.OrganizationID, id lanyard.InvitationID, at time.Time) (bool, error) {
	n, err := s.change(ctx, `UPDATE invitations SET revoked_at = ? WHERE tenant_id = ? AND id = ? AND COALESCE(organization_id, '') = ? AND revoked_at IS NULL`,
		micros(at), string(s.tenant), string(id), string(organization))
	return n > 0, err
}

// RenewInvitation sends an invitation again that was neither used up nor revoked: with
// the code, end, roles, application and inviter that it has now. The code before is
// dead. It counts once more unless it was not sent since the moment that is given.
// lanyard.ErrNotFound if it can not be used any more or is not of the organization.
func (s Scope) RenewInvitation(ctx context.Context, i lanyard.Invitation, since time.Time) error {
	var renewed string
	return s.changeReturning(ctx, &renewed, `UPDATE invitations SET code_hash = ?, expires_at = ?, roles = ?, client_id = ?, inviter_id = ?, sent_at = ?,
		sends = CASE WHEN COALESCE(sent_at, created_at) > ? THEN sends + 1 ELSE 1 END
		WHERE tenant_id = ? AND id = ? AND COALESCE(organization_id, '') = ? AND revoked_at IS NULL AND uses < max_uses RETURNING id`,
		i.CodeHash, micros(i.ExpiresAt), strings.Join(i.Roles, " "), string(i.ClientID), string(i.InviterID), micros(i.SentAt),
		micros(since), string(s.tenant), string(i.ID), string(i.OrganizationID))
}

// InvitationUses lists who used an invitation of an organization (empty for the platform), latest first, at most limit.
func (s Scope) InvitationUses(ctx context.Context, organization lanyard.OrganizationID, id lanyard.InvitationID, limit int) ([]lanyard.InvitationUse, error) {
	var rows []struct {
		userRow
		UsedAt int64
	}
	if err := s.list(ctx, &rows, `SELECT x.used_at, `+userColumns+` FROM invitation_uses x
		JOIN invitations i ON i.tenant_id = x.tenant_id AND i.id = x.invitation_id
		JOIN users u ON u.tenant_id = x.tenant_id AND u.id = x.user_id`+joinPrimaryEmail+`
		WHERE x.tenant_id = ? AND x.invitation_id = ? AND COALESCE(i.organization_id, '') = ? ORDER BY x.used_at DESC LIMIT ?`,
		string(s.tenant), string(id), string(organization), limit); err != nil {
		return nil, err
	}
	out := make([]lanyard.InvitationUse, 0, len(rows))
	for _, row := range rows {
		user, err := row.user(s.tenant)
		if err != nil {
			return nil, err
		}
		out = append(out, lanyard.InvitationUse{InvitationID: id, User: user, UsedAt: timeOf(row.UsedAt)})
	}
	return out, nil
}
