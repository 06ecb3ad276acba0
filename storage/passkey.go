package storage

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
)

const passkeyColumns = `k.id AS passkey_id, k.user_id AS passkey_user_id, k.rp_id AS passkey_rp_id, k.name AS passkey_name,
	k.record AS passkey_record, k.created_at AS passkey_created_at, k.used_at AS passkey_used_at`

type passkeyRow struct {
	PasskeyID        string
	PasskeyUserID    string
	PasskeyRpID      string
	PasskeyName      string
	PasskeyRecord    string
	PasskeyCreatedAt int64
	PasskeyUsedAt    int64
}

func (r passkeyRow) passkey() lanyard.Passkey {
	return lanyard.Passkey{
		ID: r.PasskeyID, UserID: lanyard.UserID(r.PasskeyUserID), RPID: r.PasskeyRpID, Name: r.PasskeyName, Record: r.PasskeyRecord,
		CreatedAt: timeOf(r.PasskeyCreatedAt), UsedAt: timeOf(r.PasskeyUsedAt),
	}
}

// UserHandle gives the random handle by which authenticators know a user: the
// stored one, or the fresh one, which is stored then. Nobody is lanyard.ErrNotFound.
func (s Scope) UserHandle(ctx context.Context, user lanyard.UserID, fresh []byte) ([]byte, error) {
	var row struct{ Handle []byte }
	err := s.changeReturning(ctx, &row, `UPDATE users SET handle = COALESCE(handle, ?) WHERE tenant_id = ? AND id = ? RETURNING handle`,
		fresh, string(s.tenant), string(user))
	return row.Handle, err
}

// InsertPasskey adds a credential with its counter. An id that is there already is lanyard.ErrConflict.
func (s Scope) InsertPasskey(ctx context.Context, p lanyard.Passkey, counter uint32) error {
	_, err := s.change(ctx, `INSERT INTO passkeys (tenant_id, id, user_id, rp_id, name, record, counter, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		string(s.tenant), p.ID, string(p.UserID), p.RPID, p.Name, p.Record, int64(counter), micros(p.CreatedAt))
	return err
}

// Passkeys lists the credentials of a user, oldest first.
func (s Scope) Passkeys(ctx context.Context, user lanyard.UserID) ([]lanyard.Passkey, error) {
	var rows []passkeyRow
	if err := s.list(ctx, &rows, `SELECT `+passkeyColumns+` FROM passkeys k WHERE k.tenant_id = ? AND k.user_id = ? ORDER BY k.created_at, k.id`,
		string(s.tenant), string(user)); err != nil {
		return nil, err
	}
	out := make([]lanyard.Passkey, len(rows))
	for i, row := range rows {
		out[i] = row.passkey()
	}
	return out, nil
}

// OwnedPasskey is a credential with its owner.
type OwnedPasskey struct {
	Passkey lanyard.Passkey
	User    lanyard.User
	Handle  []byte
}

// OwnedPasskey finds a credential by id; none is lanyard.ErrNotFound.
func (s Scope) OwnedPasskey(ctx context.Context, id string) (OwnedPasskey, error) {
	var row struct {
		passkeyRow
		userRow
		Handle []byte
	}
	err := s.find(ctx, &row, `SELECT `+passkeyColumns+`, `+userColumns+`, u.handle FROM passkeys k
		JOIN users u ON u.tenant_id = k.tenant_id AND u.id = k.user_id`+joinPrimaryEmail+`WHERE k.tenant_id = ? AND k.id = ?`,
		string(s.tenant), id)
	if err != nil {
		return OwnedPasskey{}, err
	}
	user, err := row.user(s.tenant)
	return OwnedPasskey{Passkey: row.passkey(), User: user, Handle: row.Handle}, err
}

// PasskeyUse is a use of a credential.
type PasskeyUse struct {
	ID     string
	UserID lanyard.UserID
	Record string
	// Counter is the new one; the use counts only while the stored one is at most Above.
	Counter uint32
	Above   uint32
}

// UsePasskey notes a use; lanyard.ErrNotFound when the credential is gone or its counter has moved past.
func (s Scope) UsePasskey(ctx context.Context, u PasskeyUse, now time.Time) error {
	var used int64
	return s.changeReturning(ctx, &used, `UPDATE passkeys SET record = ?, counter = ?, used_at = ?
		WHERE tenant_id = ? AND id = ? AND user_id = ? AND counter <= ? RETURNING used_at`,
		u.Record, int64(u.Counter), micros(now), string(s.tenant), u.ID, string(u.UserID), int64(u.Above))
}

// RenamePasskey gives a user's credential another name; none is lanyard.ErrNotFound.
func (s Scope) RenamePasskey(ctx context.Context, user lanyard.UserID, id, name string) error {
	var renamed string
	return s.changeReturning(ctx, &renamed, `UPDATE passkeys SET name = ? WHERE tenant_id = ? AND id = ? AND user_id = ? RETURNING id`,
		name, string(s.tenant), id, string(user))
}

// DeletePasskey removes a user's credential and remembers that it was deleted; none is lanyard.ErrNotFound.
func (s Scope) DeletePasskey(ctx context.Context, user lanyard.UserID, id string, now time.Time) error {
	return s.InTx(ctx, func(tx Scope) error {
		var deleted string
		if err := tx.changeReturning(ctx, &deleted, `DELETE FROM passkeys WHERE tenant_id = ? AND id = ? AND user_id = ? RETURNING id`,
			string(s.tenant), id, string(user)); err != nil {
			return err
		}
		_, err := tx.change(ctx, `INSERT INTO deleted_passkeys (tenant_id, id, deleted_at) VALUES (?, ?, ?)
			ON CONFLICT (tenant_id, id) DO UPDATE SET deleted_at = EXCLUDED.deleted_at`,
			string(s.tenant), id, micros(now))
		return err
	})
}

// PasskeyDeleted tells whether a credential was one of this tenant and was deleted.
func (s Scope) PasskeyDeleted(ctx context.Context, id string) (bool, error) {
	var n int64
	err := s.find(ctx, &n, `SELECT count(*) FROM deleted_passkeys WHERE tenant_id = ? AND id = ?`, string(s.tenant), id)
	return n > 0, err
}
