package keys

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// By is who changes keys by hand.
type By struct {
	// Actor is who does it, as events name it.
	Actor string
	// May is asked in the transaction of the change; nil for always.
	May func(tx storage.Scope) error
}

// RotateOne replaces the active signing key of one algorithm at once, whatever its age.
// An algorithm without keys is lanyard.ErrNotFound. It is lanyard.ErrConflict when
// somebody else rotates at the same moment.
func (k *Keeper) RotateOne(ctx context.Context, scope storage.Scope, by By, algorithm string, life Life, now time.Time) error {
	return k.byHand(ctx, scope, by, life, now, func(stored []lanyard.SigningKey) (plan, bool) {
		return forced(stored, algorithm), slices.Contains(signingAlgorithms(stored), algorithm)
	})
}

// Revoke removes a signing key at once: what it signed is worth nothing from then on. An
// active key is followed by its successor, and one is made if there is none. A key that
// is not there is lanyard.ErrNotFound.
func (k *Keeper) Revoke(ctx context.Context, scope storage.Scope, by By, id lanyard.KeyID, now time.Time) error {
	return k.byHand(ctx, scope, by, Life{}, now, func(stored []lanyard.SigningKey) (plan, bool) {
		i := slices.IndexFunc(stored, func(key lanyard.SigningKey) bool { return key.ID == id && key.Algorithm != lanyard.AlgMAC })
		if i < 0 {
			return plan{}, false
		}
		return without(stored, stored[i]), true
	})
}

// without plans the end of a key.
func without(stored []lanyard.SigningKey, key lanyard.SigningKey) plan {
	p := plan{algorithm: key.Algorithm, remove: []lanyard.SigningKey{key}}
	switch key.State {
	case lanyard.KeyNext:
		p.create = []lanyard.KeyState{lanyard.KeyNext}
	case lanyard.KeyActive:
		after := forced(stored, key.Algorithm)
		p.activate, p.create = after.activate, after.create
	}
	return p
}

func (k *Keeper) byHand(ctx context.Context, scope storage.Scope, by By, life Life, now time.Time, decide func([]lanyard.SigningKey) (plan, bool)) error {
	known := false
	hand := *k
	hand.by = by
	err := hand.work(ctx, scope, life, now, func(stored []lanyard.SigningKey) []plan {
		var p plan
		if p, known = decide(stored); !known {
			return nil
		}
		return []plan{p}
	})
	if err == nil && !known {
		return lanyard.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("change the keys of tenant %s: %w", scope.TenantID(), err)
	}
	return nil
}
