package storage

import (
	"context"
	"errors"
	"time"

	"github.com/lanyard-id/lanyard"
)

// ChallengeTries is how many codes may be tried on one challenge.
const ChallengeTries = 5

// Challenge is a code, a link, or both, that was sent to an address.
type Challenge struct {
	ID lanyard.ChallengeID
	// Holder is where the code has to be typed: an authorization request or a session.
	Holder  string
	Purpose string
	// UserID is empty when nobody has the address.
	UserID lanyard.UserID
	// Address is the canonical address that it was sent to.
	Address  string
	MAC      []byte
	LinkHash []byte
	// Sealed is what has to be read back.
	Sealed []byte
	// Failures counts the codes that were tried, the one at hand included.
	Failures  int
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Live tells whether a code could still be tried.
func (c Challenge) Live(now time.Time) bool {
	return now.Before(c.ExpiresAt) && c.Failures < ChallengeTries
}

const challengeColumns = `id, holder, purpose, user_id, address, mac, link_hash, sealed, failures, created_at, expires_at`

type challengeRow struct {
	ID        string
	Holder    string
	Purpose   string
	UserID    string
	Address   string
	Mac       []byte
	LinkHash  []byte
	Sealed    []byte
	Failures  int
	CreatedAt int64
	ExpiresAt int64
}

func (r challengeRow) challenge() Challenge {
	return Challenge{
		ID: lanyard.ChallengeID(r.ID), Holder: r.Holder, Purpose: r.Purpose, UserID: lanyard.UserID(r.UserID), Address: r.Address, MAC: r.Mac,
		LinkHash: r.LinkHash, Sealed: r.Sealed, Failures: r.Failures, CreatedAt: timeOf(r.CreatedAt), ExpiresAt: timeOf(r.ExpiresAt),
	}
}

// PutChallenge stores a challenge in place of the holder's last one for the same
// purpose. One that is younger than the pause stays; then it returns how long to
// wait, and nothing was stored.
func (s Scope) PutChallenge(ctx context.Context, c Challenge, pause time.Duration) (time.Duration, error) {
	n, err := s.change(ctx, `INSERT INTO challenges (tenant_id, `+challengeColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)
		ON CONFLICT (tenant_id, holder, purpose) DO UPDATE SET id = EXCLUDED.id, user_id = EXCLUDED.user_id, address = EXCLUDED.address,
			mac = EXCLUDED.mac, link_hash = EXCLUDED.link_hash, sealed = EXCLUDED.sealed, failures = 0,
			created_at = EXCLUDED.created_at, expires_at = EXCLUDED.expires_at
		WHERE challenges.created_at <= ?`,
		string(s.tenant), string(c.ID), c.Holder, c.Purpose, string(c.UserID), c.Address, c.MAC, c.LinkHash, c.Sealed,
		micros(c.CreatedAt), micros(c.ExpiresAt), micros(c.CreatedAt.Add(-pause)))
	if err != nil || n > 0 {
		return 0, err
	}
	var created int64
	err = s.find(ctx, &created, `SELECT created_at FROM challenges WHERE tenant_id = ? AND holder = ? AND purpose = ?`,
		string(s.tenant), c.Holder, c.Purpose)
	if err != nil && !errors.Is(err, lanyard.ErrNotFound) {
		return 0, err
	}
	return max(timeOf(created).Add(pause).Sub(c.CreatedAt), time.Second), nil
}

// TryChallenge counts a try of a code before it is compared, in one statement, and
// reads the challenge. None is lanyard.ErrNotFound. More than ChallengeTries
// failures say that the try does not count any more.
func (s Scope) TryChallenge(ctx context.Context, holder, purpose string) (Challenge, error) {
	var row challengeRow
	err := s.changeReturning(ctx, &row, `UPDATE challenges SET failures = CASE WHEN failures > ? THEN failures ELSE failures + 1 END
		WHERE tenant_id = ? AND holder = ? AND purpose = ? RETURNING `+challengeColumns,
		ChallengeTries, string(s.tenant), holder, purpose)
	return row.challenge(), err
}

// ChallengeOf reads the challenge of a holder without counting a try; none is lanyard.ErrNotFound.
func (s Scope) ChallengeOf(ctx context.Context, holder, purpose string) (Challenge, error) {
	var row challengeRow
	err := s.find(ctx, &row, `SELECT `+challengeColumns+` FROM challenges WHERE tenant_id = ? AND holder = ? AND purpose = ?`,
		string(s.tenant), holder, purpose)
	return row.challenge(), err
}

// SpendChallenge takes a challenge out with its right code, once; none is
// lanyard.ErrNotFound. The tries were counted by TryChallenge.
func (s Scope) SpendChallenge(ctx context.Context, id lanyard.ChallengeID, mac []byte, now time.Time) (Challenge, error) {
	var row challengeRow
	err := s.changeReturning(ctx, &row, `DELETE FROM challenges WHERE tenant_id = ? AND id = ? AND mac = ? AND expires_at > ? RETURNING `+challengeColumns,
		string(s.tenant), string(id), mac, micros(now))
	return row.challenge(), err
}

// ChallengeByLink reads a challenge by the hash of its link, without spending it.
func (s Scope) ChallengeByLink(ctx context.Context, linkHash []byte) (Challenge, error) {
	var row challengeRow
	err := s.find(ctx, &row, `SELECT `+challengeColumns+` FROM challenges WHERE tenant_id = ? AND link_hash = ?`, string(s.tenant), linkHash)
	return row.challenge(), err
}

// SpendLink takes a challenge out by its link, once, if the address that it was
// sent to is still its user's primary one; else it is lanyard.ErrNotFound. The
// address is held until the end of the transaction, so that it can not change meanwhile.
func (s Scope) SpendLink(ctx context.Context, linkHash []byte, purpose string, now time.Time) (Challenge, error) {
	var row challengeRow
	err := s.InTx(ctx, func(tx Scope) error {
		err := tx.changeReturning(ctx, &row, `DELETE FROM challenges WHERE tenant_id = ? AND link_hash = ? AND purpose = ? AND expires_at > ?
			RETURNING `+challengeColumns, string(s.tenant), linkHash, purpose, micros(now))
		if err != nil {
			return err
		}
		n, err := tx.change(ctx, `UPDATE emails SET verified = TRUE WHERE tenant_id = ? AND user_id = ? AND address_key = ? AND is_primary`,
			string(s.tenant), row.UserID, row.Address)
		if err == nil && n == 0 {
			return lanyard.ErrNotFound
		}
		return err
	})
	return row.challenge(), err
}

// VerifyEmail marks an address of a user as proved; false if it is not the user's
// any more. With primary, it also has to be the primary one.
func (s Scope) VerifyEmail(ctx context.Context, user lanyard.UserID, addressKey string, primary bool) (bool, error) {
	n, err := s.change(ctx, `UPDATE emails SET verified = TRUE WHERE tenant_id = ? AND user_id = ? AND address_key = ? AND (is_primary OR NOT ?)`,
		string(s.tenant), string(user), addressKey, primary)
	return n > 0, err
}
