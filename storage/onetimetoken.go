package storage

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
)

// OneTimeToken is a link or code that works once.
type OneTimeToken struct {
	Hash      []byte
	Purpose   string
	UserID    lanyard.UserID
	CreatedAt time.Time
	ExpiresAt time.Time
}

// InsertOneTimeToken stores a token. With newest, older ones of the same purpose and user die.
func (s Scope) InsertOneTimeToken(ctx context.Context, t OneTimeToken, newest bool) error {
	return s.InTx(ctx, func(tx Scope) error {
		if newest {
			if _, err := tx.change(ctx, `DELETE FROM one_time_tokens WHERE tenant_id = ? AND purpose = ? AND user_id = ?`,
				string(s.tenant), t.Purpose, string(t.UserID)); err != nil {
				return err
			}
		}
		_, err := tx.change(ctx, `INSERT INTO one_time_tokens (tenant_id, hash, purpose, user_id, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)`,
			string(s.tenant), t.Hash, t.Purpose, string(t.UserID), micros(t.CreatedAt), micros(t.ExpiresAt))
		return err
	})
}

// SpendOneTimeToken takes a live token out, once; none is lanyard.ErrNotFound. It returns the token's user.
func (s Scope) SpendOneTimeToken(ctx context.Context, hash []byte, purpose string, now time.Time) (lanyard.UserID, error) {
	var user string
	err := s.changeReturning(ctx, &user, `DELETE FROM one_time_tokens WHERE tenant_id = ? AND hash = ? AND purpose = ? AND expires_at > ? RETURNING user_id`,
		string(s.tenant), hash, purpose, micros(now))
	return lanyard.UserID(user), err
}

// OneTimeTokenLives tells whether a token could be spent, without spending it.
func (s Scope) OneTimeTokenLives(ctx context.Context, hash []byte, purpose string, now time.Time) (bool, error) {
	var n int64
	err := s.find(ctx, &n, `SELECT count(*) FROM one_time_tokens WHERE tenant_id = ? AND hash = ? AND purpose = ? AND expires_at > ?`,
		string(s.tenant), hash, purpose, micros(now))
	return n > 0, err
}

// DeleteOneTimeTokens voids every link and code of a user.
func (s Scope) DeleteOneTimeTokens(ctx context.Context, user lanyard.UserID) error {
	return s.InTx(ctx, func(tx Scope) error {
		for _, table := range []string{"one_time_tokens", "challenges"} {
			if _, err := tx.change(ctx, `DELETE FROM `+table+` WHERE tenant_id = ? AND user_id = ?`, string(s.tenant), string(user)); err != nil {
				return err
			}
		}
		return nil
	})
}

// SpendOnce marks a value (the jti of an assertion, a proof) as seen until a moment;
// false if it was seen before.
func (s Scope) SpendOnce(ctx context.Context, key []byte, expires time.Time) (bool, error) {
	n, err := s.change(ctx, `INSERT INTO replays (tenant_id, key, expires_at) VALUES (?, ?, ?) ON CONFLICT (tenant_id, key) DO NOTHING`,
		string(s.tenant), key, micros(expires))
	return n > 0, err
}
