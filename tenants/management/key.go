package management

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/storage"
)

// Key is a signing key as everybody may know it.
type Key struct {
	// ID is the kid of what it signed.
	ID        lanyard.KeyID    `json:"id" readOnly:"true"`
	Algorithm string           `json:"algorithm" readOnly:"true"`
	State     lanyard.KeyState `json:"state" readOnly:"true" enum:"next,active,retired"`
	// The moments are zero until they came.
	CreatedAt   time.Time `json:"created_at" readOnly:"true"`
	ActivatedAt time.Time `json:"activated_at,omitzero" readOnly:"true"`
	RetiredAt   time.Time `json:"retired_at,omitzero" readOnly:"true"`
	// ExpiresAt is when a retired key is removed.
	ExpiresAt time.Time       `json:"expires_at,omitzero" readOnly:"true"`
	JWK       json.RawMessage `json:"jwk" readOnly:"true"`
}

// KeyColumns are those of Keys.
var KeyColumns = Columns{Sorts: []string{"created", "algorithm"}, Filters: []string{"algorithm", "state"}}

func keyOf(k lanyard.SigningKey) Key {
	return Key{
		ID: k.ID, Algorithm: k.Algorithm, State: k.State, CreatedAt: k.CreatedAt, ActivatedAt: k.ActivatedAt,
		RetiredAt: k.RetiredAt, ExpiresAt: k.ExpiresAt, JWK: k.Public,
	}
}

// Keys lists the signing keys. Symmetric keys are nobody's to see.
func (m *Management) Keys(ctx context.Context, a Administrator, q Query) (List[Key], error) {
	if err := a.Need(lanyard.MayReadKeys); err != nil {
		return List[Key]{}, err
	}
	all, err := signingKeys(ctx, a.Scope())
	if err != nil {
		return List[Key]{}, err
	}
	return pageOfAll(a, &q, "keys", KeyColumns, all, few[lanyard.SigningKey, Key]{
		key: func(k lanyard.SigningKey, sort string) string {
			if sort == "algorithm" {
				return k.Algorithm
			}
			return k.CreatedAt.Format("20060102150405.000000")
		},
		id:    func(k lanyard.SigningKey) string { return string(k.ID) },
		words: func(k lanyard.SigningKey) []string { return []string{string(k.ID)} },
		keep: func(k lanyard.SigningKey, name, value string) bool {
			return value == map[string]string{"algorithm": k.Algorithm, "state": string(k.State)}[name]
		},
		as: keyOf,
	})
}

// Key is one of the tenant's signing keys.
func (m *Management) Key(ctx context.Context, a Administrator, id lanyard.KeyID) (Key, error) {
	if err := a.Need(lanyard.MayReadKeys); err != nil {
		return Key{}, err
	}
	all, err := signingKeys(ctx, a.Scope())
	if err != nil {
		return Key{}, err
	}
	i := slices.IndexFunc(all, func(k lanyard.SigningKey) bool { return k.ID == id })
	if i < 0 {
		return Key{}, lanyard.ErrNotFound
	}
	return keyOf(all[i]), nil
}

func signingKeys(ctx context.Context, scope storage.Scope) ([]lanyard.SigningKey, error) {
	all, err := scope.SigningKeys(ctx)
	return slices.DeleteFunc(all, func(k lanyard.SigningKey) bool { return k.Algorithm == lanyard.AlgMAC }), err
}

// Rotation asks for another signing key.
type Rotation struct {
	Algorithm string `json:"algorithm" enum:"RS256,ES256,EdDSA" required:"true"`
	Force     bool   `json:"force,omitempty" doc:"Do it although some applications may not have the next key yet; they refuse tokens until they fetch the keys again, up to ten minutes"`
}

// RotateKey has the successor of an algorithm's key sign at once, and gives it. The one
// before goes on verifying. It is lanyard.ErrKeyUnpublished, unless forced, while relying
// parties may not have the successor, and lanyard.ErrConflict when somebody else rotates
// at the same moment. An algorithm without keys gets its first ones, which sign at once.
func (m *Management) RotateKey(ctx context.Context, a Administrator, r Rotation) (Key, error) {
	if err := a.Need(lanyard.MayManageKeys); err != nil {
		return Key{}, err
	}
	t, err := a.Scope().Tenant(ctx)
	if err != nil {
		return Key{}, err
	}
	clients, err := a.Scope().Clients(ctx)
	if err != nil {
		return Key{}, err
	}
	demand := keys.Demand{Algorithm: r.Algorithm, Life: keys.LifeOf(t.Policy, clients), Now: a.Now, Force: r.Force}
	err = m.Keeper.RotateOne(ctx, a.Scope(), a.byHand(ctx), demand)
	if errors.Is(err, lanyard.ErrNotFound) {
		err = m.ensureAlgorithm(ctx, a, r.Algorithm)
	}
	if err != nil {
		return Key{}, err
	}
	return m.activeKey(ctx, a, r.Algorithm)
}

// byHand is the caller as the keeper of keys asks for them.
func (a Administrator) byHand(ctx context.Context) keys.By {
	return keys.By{Actor: a.Actor(), May: func(tx storage.Scope) error { return a.still(ctx, tx, lanyard.MayManageKeys) }}
}

// RevokeKey removes a signing key in an emergency: it signs no more, and what it signed
// is refused at once. The successor of an active one signs from then on, and is given;
// nothing is signed without a key.
func (m *Management) RevokeKey(ctx context.Context, a Administrator, id lanyard.KeyID) (Key, error) {
	if err := a.Need(lanyard.MayManageKeys); err != nil {
		return Key{}, err
	}
	all, err := signingKeys(ctx, a.Scope())
	if err != nil {
		return Key{}, err
	}
	at := slices.IndexFunc(all, func(k lanyard.SigningKey) bool { return k.ID == id })
	if at < 0 {
		return Key{}, lanyard.ErrNotFound
	}
	if err := m.Keeper.Revoke(ctx, a.Scope(), a.byHand(ctx), id, a.Now); err != nil {
		return Key{}, err
	}
	return m.activeKey(ctx, a, all[at].Algorithm)
}

func (m *Management) activeKey(ctx context.Context, a Administrator, algorithm string) (Key, error) {
	all, err := signingKeys(ctx, a.Scope())
	if err != nil {
		return Key{}, err
	}
	for _, k := range all {
		if k.Algorithm == algorithm && k.State == lanyard.KeyActive {
			return keyOf(k), nil
		}
	}
	return Key{}, lanyard.ErrNotFound
}
