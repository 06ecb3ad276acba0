package storage

import (
	"context"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
)

// InsertAccessToken stores an opaque token.
func (s Scope) InsertAccessToken(ctx context.Context, t lanyard.AccessToken) error {
	_, err := s.change(ctx, `INSERT INTO access_tokens (tenant_id, hash, grant_id, client_id, subject, organization_id, scopes, audience, created_at, expires_at, revoked_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant_id, hash) DO NOTHING`,
		string(s.tenant), t.Hash, orNull(string(t.GrantID)), string(t.ClientID), t.Subject, string(t.OrganizationID), t.Scopes.String(),
		strings.Join(t.Audience, " "), micros(t.CreatedAt), micros(t.ExpiresAt), maybeMicros(t.RevokedAt))
	return err
}

// RevokeAccessToken ends an opaque token of a client; false if there is none that lives.
func (s Scope) RevokeAccessToken(ctx context.Context, hash []byte, client lanyard.ClientID, at time.Time) (bool, error) {
	n, err := s.change(ctx, `UPDATE access_tokens SET revoked_at = ? WHERE tenant_id = ? AND hash = ? AND client_id = ? AND revoked_at IS NULL`,
		micros(at), string(s.tenant), hash, string(client))
	return n > 0, err
}

// TokenStanding is an opaque access token with its grant; Standing is nil for a token without one.
type TokenStanding struct {
	Token    lanyard.AccessToken
	Standing *lanyard.Standing
}

// AccessToken finds an opaque token by its hash, with what decides whether it still counts.
func (s Scope) AccessToken(ctx context.Context, hash []byte) (TokenStanding, error) {
	var row struct {
		standingRow
		TokenGrantID        string
		TokenClientID       string
		TokenSubject        string
		TokenOrganizationID string
		TokenScopes         string
		TokenAudience       string
		TokenCreatedAt      int64
		TokenExpiresAt      int64
		TokenRevokedAt      int64
	}
	err := s.find(ctx, &row, `SELECT t.grant_id AS token_grant_id, t.client_id AS token_client_id, t.subject AS token_subject, t.organization_id AS token_organization_id,
		t.scopes AS token_scopes, t.audience AS token_audience, t.created_at AS token_created_at, t.expires_at AS token_expires_at,
		t.revoked_at AS token_revoked_at, `+standingColumns+`
		FROM access_tokens t LEFT JOIN grants g ON g.tenant_id = t.tenant_id AND g.id = t.grant_id
		LEFT JOIN sessions s ON s.tenant_id = g.tenant_id AND s.id = g.session_id
		LEFT JOIN users u ON u.tenant_id = g.tenant_id AND u.id = g.user_id`+joinPrimaryEmail+`
		WHERE t.tenant_id = ? AND t.hash = ?`, string(s.tenant), hash)
	if err != nil {
		return TokenStanding{}, err
	}
	out := TokenStanding{Token: lanyard.AccessToken{
		TenantID: s.tenant, Hash: hash, GrantID: lanyard.GrantID(row.TokenGrantID), ClientID: lanyard.ClientID(row.TokenClientID),
		Subject: row.TokenSubject, OrganizationID: lanyard.OrganizationID(row.TokenOrganizationID), Scopes: strings.Fields(row.TokenScopes), Audience: strings.Fields(row.TokenAudience),
		CreatedAt: timeOf(row.TokenCreatedAt), ExpiresAt: timeOf(row.TokenExpiresAt), RevokedAt: timeOf(row.TokenRevokedAt),
	}}
	if row.TokenGrantID == "" {
		return out, nil
	}
	standing, err := s.standing(ctx, row.standingRow)
	out.Standing = &standing
	return out, err
}

// JWTRevoked tells whether the JWT with the hash of jti was revoked.
func (s Scope) JWTRevoked(ctx context.Context, jtiHash []byte) (bool, error) {
	var n int64
	err := s.find(ctx, &n, `SELECT count(*) FROM access_tokens WHERE tenant_id = ? AND hash = ?`, string(s.tenant), jtiHash)
	return n > 0, err
}

// RevokeJWT records that a JWT is revoked until it would have expired.
func (s Scope) RevokeJWT(ctx context.Context, t lanyard.AccessToken, at time.Time) error {
	t.RevokedAt, t.CreatedAt = at, at
	return s.InsertAccessToken(ctx, t)
}
