package management

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// Change makes of what there is what there shall be, or says why not. It is called in
// the transaction that holds the thing, perhaps more than once, and does nothing else.
type Change[T any] func(current T) (T, error)

// Condition says whether something may be done to what there is; nil for always.
type Condition[T any] func(current T) error

// met asks a condition.
func (c Condition[T]) met(current T) error {
	if c == nil {
		return nil
	}
	return c(current)
}

// Version is a short name of exactly this state of a thing: equal for what is written
// equally, another one for everything else (RFC 9110 §8.8.3).
func Version(thing any) (string, error) {
	data, err := json.Marshal(thing)
	sum := sha256.Sum256(data)
	return base64.RawURLEncoding.EncodeToString(sum[:16]), err
}

// AtVersion is a condition that something is still in the state of that version
// (lanyard.ErrStale otherwise); an empty one always holds.
func AtVersion[T any](version string) Condition[T] {
	return func(current T) error {
		if version == "" {
			return nil
		}
		now, err := Version(current)
		if err == nil && now != version {
			err = lanyard.ErrStale
		}
		return err
	}
}

// change does something to the tenant in one transaction, for a caller who has the
// permission and still has it there. With configuration it comes after all other changes
// of the tenant's configuration, and every later request of any replica sees it.
func (m *Management) change(ctx context.Context, a Administrator, permission string, configuration bool, do func(tx storage.Scope) error) error {
	if err := a.Need(permission); err != nil {
		return err
	}
	return a.Scope().InTx(ctx, func(tx storage.Scope) error {
		if configuration {
			if err := tx.BumpRevision(ctx); err != nil {
				return err
			}
		}
		if err := a.still(ctx, tx, permission); err != nil {
			return err
		}
		return do(tx)
	})
}

// Once does a creation at most once for an idempotency key of the caller: whoever comes
// again with the key and the same request gets the first answer, with another request
// lanyard.ErrKeyReused. The answer is kept for a day, sealed with a hash of the request, so
// that nobody guesses what was in it. Nothing is kept of a creation that fails. An empty key
// just does it.
func (m *Management) Once(ctx context.Context, a Administrator, key string, request []byte, do func(Administrator) ([]byte, error)) ([]byte, error) {
	if key == "" {
		return do(a)
	}
	if len(key) > maxIdempotencyKey {
		return nil, lanyard.ErrBadInput.Saying("an idempotency key has at most 255 characters")
	}
	var answer []byte
	err := a.Scope().InTx(ctx, func(tx storage.Scope) error {
		fresh, err := tx.ClaimIdempotencyKey(ctx, a.caller(), key, a.Now)
		if err != nil {
			return err
		}
		if !fresh {
			answer, err = m.answered(ctx, tx, a, key, request)
			return err
		}
		if answer, err = do(a.in(tx)); err != nil {
			return err
		}
		return m.keepAnswer(ctx, tx, a, key, request, answer)
	})
	return answer, err
}

// OnceApart is Once for a creation that takes too long for a transaction, because it asks
// somebody else or makes keys. When the process dies in the middle, the key stays taken and
// its outcome unknown: lanyard.ErrConflict for a day.
func (m *Management) OnceApart(ctx context.Context, a Administrator, key string, request []byte, do func(Administrator) ([]byte, error)) ([]byte, error) {
	if key == "" || len(key) > maxIdempotencyKey {
		return m.Once(ctx, a, key, request, do)
	}
	fresh, err := a.Scope().ClaimIdempotencyKey(ctx, a.caller(), key, a.Now)
	if err != nil {
		return nil, err
	}
	if !fresh {
		return m.answered(ctx, a.Scope(), a, key, request)
	}
	answer, err := do(a)
	if err != nil {
		return nil, errors.Join(err, a.Scope().ReleaseIdempotencyKey(context.WithoutCancel(ctx), a.caller(), key, []byte{}))
	}
	return answer, m.keepAnswer(ctx, a.Scope(), a, key, request, answer)
}

// answered is what was answered for a key to the same request.
func (m *Management) answered(ctx context.Context, scope storage.Scope, a Administrator, key string, request []byte) ([]byte, error) {
	sealed, err := scope.IdempotentAnswer(ctx, a.caller(), key)
	if err != nil {
		return nil, err
	}
	if len(sealed) == 0 {
		return nil, lanyard.ErrConflict.Saying("a request with this idempotency key is under way, or ended without an answer")
	}
	kept, err := m.Sealer.Open(a.answerPlace(key), sealed)
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256(request)
	if len(kept) < len(hash) || subtle.ConstantTimeCompare(kept[:len(hash)], hash[:]) != 1 {
		return nil, lanyard.ErrKeyReused
	}
	return kept[len(hash):], nil
}

func (m *Management) keepAnswer(ctx context.Context, scope storage.Scope, a Administrator, key string, request, answer []byte) error {
	hash := sha256.Sum256(request)
	sealed, err := m.Sealer.Seal(a.answerPlace(key), append(hash[:], answer...))
	if err != nil {
		return err
	}
	return scope.KeepIdempotentAnswer(ctx, a.caller(), key, sealed)
}

func (a Administrator) answerPlace(key string) lanyard.Place {
	return lanyard.Place{Tenant: a.Live.Tenant.ID, Table: "idempotency_keys", Column: "sealed", Row: a.caller() + "\n" + key}
}

// caller tells callers apart that events call alike: clients of two tenants, and one that
// is called operator from the operator.
func (a Administrator) caller() string {
	if a.operator {
		return a.Actor()
	}
	return string(a.Home.Tenant.ID) + " " + a.Actor()
}

// maxIdempotencyKey is the longest idempotency key, in bytes.
const maxIdempotencyKey = 255

// gone is lanyard.ErrNotFound for ids that can not be stored, so that they look like
// those that never were.
func gone(err error) error {
	if errors.Is(err, lanyard.ErrBadInput) {
		return lanyard.ErrNotFound
	}
	return err
}
