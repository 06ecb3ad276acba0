package token

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
)

// Revoke ends a token of the authenticated client (RFC 7009 §2.1): a refresh token
// takes its grant and all its access tokens along, an access token ends alone. A
// token that is unknown or belongs to another client is left as it is, silently.
// An outage is an error, never a silent success.
func (i *Issuer) Revoke(ctx context.Context, live *tenants.Live, client lanyard.ClientID, token string) error {
	now := i.Clock.Now()
	var err error
	switch {
	case strings.HasPrefix(token, refreshPrefix):
		err = i.revokeFamily(ctx, live, client, token, now)
	case strings.HasPrefix(token, opaquePrefix):
		err = i.revokeOpaque(ctx, live, client, token, now)
	default:
		err = i.revokeJWT(ctx, live, client, token, now)
	}
	if errors.Is(err, lanyard.ErrInvalidToken) || errors.Is(err, lanyard.ErrNotFound) {
		return nil
	}
	return err
}

func (i *Issuer) revokeFamily(ctx context.Context, live *tenants.Live, client lanyard.ClientID, token string, now time.Time) error {
	s, err := familyOf(ctx, live, token)
	if err != nil {
		return err
	}
	if s.Grant.ClientID != client || !s.Grant.Refresh.Held(lanyard.SecretOf(token)) {
		return lanyard.ErrInvalidToken
	}
	return live.Scope.InTx(ctx, func(tx storage.Scope) error {
		revoked, err := tx.RevokeGrant(ctx, s.Grant.ID, lanyard.RevokedByClient, now)
		if err != nil || !revoked {
			return err
		}
		return tx.InsertEvent(ctx, lanyard.Event{
			Type: lanyard.EventGrantRevoked, At: now, Actor: string(client), UserID: s.Grant.UserID, ClientID: client,
			SessionID: s.Grant.SessionID, GrantID: s.Grant.ID, Detail: map[string]string{"reason": lanyard.RevokedByClient},
		})
	})
}

func (i *Issuer) revokeOpaque(ctx context.Context, live *tenants.Live, client lanyard.ClientID, token string, now time.Time) error {
	return live.Scope.InTx(ctx, func(tx storage.Scope) error {
		revoked, err := tx.RevokeAccessToken(ctx, lanyard.SecretOf(token).Hash(), client, now)
		if err != nil || !revoked {
			return err
		}
		return tx.InsertEvent(ctx, lanyard.Event{Type: lanyard.EventTokenRevoked, At: now, Actor: string(client), ClientID: client})
	})
}

func (i *Issuer) revokeJWT(ctx context.Context, live *tenants.Live, client lanyard.ClientID, token string, now time.Time) error {
	claims, err := parseJWT(live, token)
	if err != nil {
		return err
	}
	expires := time.Unix(claims.Expires, 0).UTC()
	if claims.ClientID != string(client) || !now.Before(expires) {
		return lanyard.ErrInvalidToken
	}
	return live.Scope.InTx(ctx, func(tx storage.Scope) error {
		mark := lanyard.AccessToken{Hash: jtiHash(claims.JTI), ClientID: client, ExpiresAt: expires}
		if err := tx.RevokeJWT(ctx, mark, now); err != nil {
			return err
		}
		return tx.InsertEvent(ctx, lanyard.Event{
			Type: lanyard.EventTokenRevoked, At: now, Actor: string(client), ClientID: client, Detail: map[string]string{"jti": claims.JTI},
		})
	})
}
