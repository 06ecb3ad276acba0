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

// Demand is a rotation of one algorithm before its time.
type Demand struct {
	Algorithm string
	Life      Life
	Now       time.Time
	// Force has a successor sign that some relying parties may not know yet.
	Force bool
}

// RotateOne has the successor of one algorithm's key sign at once. It is
// lanyard.ErrKeyUnpublished, unless forced, while a relying party may hold a key set
// without the successor, and lanyard.ErrConflict when somebody else rotates at the same
// moment. An algorithm without keys is lanyard.ErrNotFound.
func (k *Keeper) RotateOne(ctx context.Context, scope storage.Scope, by By, d Demand) error {
	return k.byHand(ctx, scope, by, d.Life, d.Now, func(stored []lanyard.SigningKey) (plan, error) {
		if !slices.Contains(signingAlgorithms(stored), d.Algorithm) {
			return plan{}, lanyard.ErrNotFound
		}
		if d.Force {
			return forced(stored, d.Algorithm), nil
		}
		return onDemand(stored, d.Algorithm, d.Now)
	})
}

// Revoke removes a signing key at once: what it signed is worth nothing from then on. An
// active key is followed by its successor, however young that is, and one is made if there
// is none: a stolen key is worse than relying parties that have to ask for the key set
// again. A key that is not there is lanyard.ErrNotFound.
func (k *Keeper) Revoke(ctx context.Context, scope storage.Scope, by By, id lanyard.KeyID, now time.Time) error {
	return k.byHand(ctx, scope, by, Life{}, now, func(stored []lanyard.SigningKey) (plan, error) {
		i := slices.IndexFunc(stored, func(key lanyard.SigningKey) bool { return key.ID == id && key.Algorithm != lanyard.AlgMAC })
		if i < 0 {
			return plan{}, lanyard.ErrNotFound
		}
		return without(stored, stored[i]), nil
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

func (k *Keeper) byHand(ctx context.Context, scope storage.Scope, by By, life Life, now time.Time, decide func([]lanyard.SigningKey) (plan, error)) error {
	hand := *k
	hand.by = by
	err := hand.work(ctx, scope, life, now, func(stored []lanyard.SigningKey) ([]plan, error) {
		p, err := decide(stored)
		return []plan{p}, err
	})
	if err != nil {
		return fmt.Errorf("change the keys of tenant %s: %w", scope.TenantID(), err)
	}
	return nil
}
