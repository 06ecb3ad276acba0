package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
)

// grantColumns reads a grant; the table is g.
const grantColumns = `g.id AS grant_id, g.client_id AS grant_client_id, g.user_id AS grant_user_id, g.session_id AS grant_session_id,
	g.scopes AS grant_scopes, g.resources AS grant_resources, g.claims AS grant_claims, g.acr AS grant_acr,
	g.amr AS grant_amr, g.auth_time AS grant_auth_time, g.offline AS grant_offline, g.created_at AS grant_created_at,
	g.expires_at AS grant_expires_at, g.revoked_at AS grant_revoked_at, g.revoke_reason AS grant_revoke_reason,
	g.refresh_sequence AS grant_refresh_sequence, g.refresh_key_id AS grant_refresh_key_id, g.refresh_current AS grant_refresh_current,
	g.refresh_previous AS grant_refresh_previous, g.refresh_rotated_at AS grant_refresh_rotated_at, g.refresh_idle_until AS grant_refresh_idle_until, g.organization_id AS grant_organization_id,
	g.connection_id AS grant_connection_id, g.confined AS grant_confined, g.actor AS grant_actor`

type grantRow struct {
	GrantID               string
	GrantClientID         string
	GrantUserID           string
	GrantSessionID        string
	GrantScopes           string
	GrantResources        string
	GrantClaims           string
	GrantAcr              string
	GrantAmr              string
	GrantAuthTime         int64
	GrantOffline          bool
	GrantCreatedAt        int64
	GrantExpiresAt        int64
	GrantRevokedAt        int64
	GrantRevokeReason     string
	GrantRefreshSequence  int64
	GrantRefreshKeyID     string
	GrantRefreshCurrent   []byte
	GrantRefreshPrevious  []byte
	GrantRefreshRotatedAt int64
	GrantRefreshIdleUntil int64
	GrantOrganizationID   string
	GrantConnectionID     string
	GrantConfined         bool
	GrantActor            string
}

func (r grantRow) grant(tenant lanyard.TenantID) (lanyard.Grant, error) {
	g := lanyard.Grant{
		ID: lanyard.GrantID(r.GrantID), TenantID: tenant, ClientID: lanyard.ClientID(r.GrantClientID), UserID: lanyard.UserID(r.GrantUserID),
		SessionID: lanyard.SessionID(r.GrantSessionID), OrganizationID: lanyard.OrganizationID(r.GrantOrganizationID), Scopes: strings.Fields(r.GrantScopes), Resources: strings.Fields(r.GrantResources),
		ConnectionID: lanyard.ConnectionID(r.GrantConnectionID), Confined: r.GrantConfined, Actor: lanyard.ClientID(r.GrantActor),
		ACR: r.GrantAcr, AMR: strings.Fields(r.GrantAmr), AuthTime: timeOf(r.GrantAuthTime), Offline: r.GrantOffline,
		CreatedAt: timeOf(r.GrantCreatedAt), ExpiresAt: timeOf(r.GrantExpiresAt), RevokedAt: timeOf(r.GrantRevokedAt), RevokeReason: r.GrantRevokeReason,
	}
	if r.GrantClaims != "" {
		if err := json.Unmarshal([]byte(r.GrantClaims), &g.Claims); err != nil {
			return lanyard.Grant{}, fmt.Errorf("reading the claims of grant %s: %w", r.GrantID, err)
		}
	}
	if r.GrantRefreshSequence > 0 {
		g.Refresh = &lanyard.RefreshFamily{
			Sequence: uint32(r.GrantRefreshSequence), KeyID: lanyard.KeyID(r.GrantRefreshKeyID), //nolint:gosec // written from a uint32
			Current: r.GrantRefreshCurrent, Previous: r.GrantRefreshPrevious,
			RotatedAt: timeOf(r.GrantRefreshRotatedAt), IdleUntil: timeOf(r.GrantRefreshIdleUntil),
		}
	}
	return g, nil
}

// InsertGrant stores a new grant with the first state of its refresh family, if it has one.
func (s Scope) InsertGrant(ctx context.Context, g lanyard.Grant) error {
	claims := ""
	if !g.Claims.IsZero() {
		claims = document(g.Claims)
	}
	family := lanyard.RefreshFamily{}
	var current any
	if g.Refresh != nil {
		family, current = *g.Refresh, g.Refresh.Current
	}
	_, err := s.change(ctx, `INSERT INTO grants (tenant_id, id, client_id, user_id, session_id, organization_id, scopes, resources, claims, acr, amr,
		auth_time, offline, created_at, expires_at, refresh_sequence, refresh_key_id, refresh_current, refresh_idle_until,
		connection_id, confined, actor) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		string(s.tenant), string(g.ID), string(g.ClientID), string(g.UserID), orNull(string(g.SessionID)), string(g.OrganizationID), g.Scopes.String(),
		strings.Join(g.Resources, " "), claims, g.ACR, strings.Join(g.AMR, " "), micros(g.AuthTime), g.Offline,
		micros(g.CreatedAt), micros(g.ExpiresAt), int64(family.Sequence), string(family.KeyID), current, maybeMicros(family.IdleUntil),
		string(g.ConnectionID), g.Confined, string(g.Actor))
	return err
}

const standingColumns = grantColumns + `, ` + sessionColumns + `, ` + userColumns

// joinStanding reads a grant without its session only where it has none: the table says
// that exactly those with an actor do. A session that is missing is over (Session.Live).
const joinStanding = ` LEFT JOIN sessions s ON s.tenant_id = g.tenant_id AND s.id = g.session_id
	JOIN users u ON u.tenant_id = g.tenant_id AND u.id = g.user_id` + joinPrimaryEmail

type standingRow struct {
	grantRow
	sessionRow
	userRow
}

// standing reads the row and, where they play a part, the place of the user in the
// grant's organization and the user's roles in the tenant. Both are read after the
// row: what was changed before is seen.
func (s Scope) standing(ctx context.Context, r standingRow) (lanyard.Standing, error) {
	grant, err := r.grant(s.tenant)
	if err != nil {
		return lanyard.Standing{}, err
	}
	user, err := r.user(s.tenant)
	if err != nil {
		return lanyard.Standing{}, err
	}
	out := lanyard.Standing{Grant: grant, Session: r.session(s.tenant), User: user}
	if grant.Exchanged() {
		if out.Linked, err = s.linked(ctx, user.ID, grant.ConnectionID); err != nil {
			return lanyard.Standing{}, err
		}
	}
	out.Joined, out.TenantRoles, err = s.place(ctx, user.ID, grant.OrganizationID, grant.Scopes.Has(lanyard.ScopeRoles) && !grant.Confined)
	return out, err
}

// place is where a user stands in an organization (zero if nowhere) and, if that is
// asked for, in the tenant. What an organization's connection proved never opens the latter.
func (s Scope) place(ctx context.Context, user lanyard.UserID, organization lanyard.OrganizationID, inTenant bool) (lanyard.Joined, []string, error) {
	var joined lanyard.Joined
	if organization != "" {
		var err error
		if joined, err = s.Joined(ctx, user, string(organization)); err != nil && !errors.Is(err, lanyard.ErrNotFound) {
			return lanyard.Joined{}, nil, err
		}
	}
	if !inTenant {
		return joined, nil, nil
	}
	roles, err := s.UserRoles(ctx, user)
	return joined, roles, err
}

// Standing reads a grant with what decides whether it still counts.
func (s Scope) Standing(ctx context.Context, id lanyard.GrantID) (lanyard.Standing, error) {
	var row standingRow
	err := s.find(ctx, &row, `SELECT `+standingColumns+` FROM grants g`+joinStanding+`WHERE g.tenant_id = ? AND g.id = ?`, string(s.tenant), string(id))
	if err != nil {
		return lanyard.Standing{}, err
	}
	return s.standing(ctx, row)
}

// JWTStanding reads a grant like Standing, unless the JWT with the hash of jti was
// revoked: then it is lanyard.ErrNotFound.
func (s Scope) JWTStanding(ctx context.Context, id lanyard.GrantID, jtiHash []byte) (lanyard.Standing, error) {
	var row standingRow
	err := s.find(ctx, &row, `SELECT `+standingColumns+` FROM grants g`+joinStanding+`WHERE g.tenant_id = ? AND g.id = ?
		AND NOT EXISTS (SELECT 1 FROM access_tokens t WHERE t.tenant_id = g.tenant_id AND t.hash = ?)`, string(s.tenant), string(id), jtiHash)
	if err != nil {
		return lanyard.Standing{}, err
	}
	return s.standing(ctx, row)
}

// liveGrant is the condition under which a grant may be used; it needs the moment three times.
const liveGrant = ` revoked_at IS NULL AND expires_at > ? AND refresh_idle_until > ?
	AND EXISTS (SELECT 1 FROM users u WHERE u.tenant_id = grants.tenant_id AND u.id = grants.user_id AND NOT u.disabled)
	AND (offline OR EXISTS (SELECT 1 FROM sessions s WHERE s.tenant_id = grants.tenant_id AND s.id = grants.session_id
		AND s.ended_at IS NULL AND s.expires_at > ?))
	AND (organization_id = '' OR EXISTS (SELECT 1 FROM memberships m
		JOIN organizations o ON o.tenant_id = m.tenant_id AND o.id = m.organization_id
		WHERE m.tenant_id = grants.tenant_id AND m.organization_id = grants.organization_id AND m.user_id = grants.user_id
		AND NOT o.suspended AND o.delete_at IS NULL)) `

// Rotation is one step of a refresh family.
type Rotation struct {
	Grant     lanyard.GrantID
	Presented []byte
	Successor []byte
	KeyID     lanyard.KeyID
	At        time.Time
	IdleUntil time.Time
}

// Rotate replaces the live refresh token by its successor in one compare-and-swap;
// false if the presented token is not the live one or the grant no longer counts.
func (s Scope) Rotate(ctx context.Context, r Rotation) (bool, error) {
	n, err := s.change(ctx, `UPDATE grants SET refresh_previous = refresh_current, refresh_current = ?, refresh_sequence = refresh_sequence + 1,
		refresh_key_id = ?, refresh_rotated_at = ?, refresh_idle_until = ?
		WHERE tenant_id = ? AND id = ? AND refresh_current = ? AND`+liveGrant,
		r.Successor, string(r.KeyID), micros(r.At), micros(r.IdleUntil), string(s.tenant), string(r.Grant), r.Presented,
		micros(r.At), micros(r.At), micros(r.At))
	return n > 0, err
}

// ConfirmRetry tells in one statement whether the presented token is the direct
// parent of the live one, was rotated after a moment, and the grant still counts.
func (s Scope) ConfirmRetry(ctx context.Context, r Rotation, rotatedAfter time.Time) (bool, error) {
	n, err := s.change(ctx, `UPDATE grants SET refresh_previous = refresh_previous
		WHERE tenant_id = ? AND id = ? AND refresh_previous = ? AND refresh_current = ? AND refresh_rotated_at > ? AND`+liveGrant,
		string(s.tenant), string(r.Grant), r.Presented, r.Successor, micros(rotatedAfter), micros(r.At), micros(r.At), micros(r.At))
	return n > 0, err
}

// RevokeGrant ends a grant with all its tokens; false if it was ended before or never existed.
func (s Scope) RevokeGrant(ctx context.Context, id lanyard.GrantID, reason string, at time.Time) (bool, error) {
	n, err := s.change(ctx, `UPDATE grants SET revoked_at = ?, revoke_reason = ? WHERE tenant_id = ? AND id = ? AND revoked_at IS NULL`,
		micros(at), reason, string(s.tenant), string(id))
	return n > 0, err
}

// RevokeUserGrants ends the grants of a user except those of one session (empty for none) and tells how many.
func (s Scope) RevokeUserGrants(ctx context.Context, user lanyard.UserID, except lanyard.SessionID, reason string, at time.Time) (int64, error) {
	return s.change(ctx, `UPDATE grants SET revoked_at = ?, revoke_reason = ? WHERE tenant_id = ? AND user_id = ? AND (session_id IS NULL OR session_id <> ?) AND revoked_at IS NULL`,
		micros(at), reason, string(s.tenant), string(user), string(except))
}

// RevokeClientGrants ends what a user gave a client and tells how many grants there were.
func (s Scope) RevokeClientGrants(ctx context.Context, user lanyard.UserID, client lanyard.ClientID, reason string, at time.Time) (int64, error) {
	return s.change(ctx, `UPDATE grants SET revoked_at = ?, revoke_reason = ? WHERE tenant_id = ? AND user_id = ? AND client_id = ? AND revoked_at IS NULL`,
		micros(at), reason, string(s.tenant), string(user), string(client))
}
