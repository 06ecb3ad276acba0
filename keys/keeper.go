package keys

import (
	"cmp"
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// actorSystem is who does what nobody asked for.
const actorSystem = "system"

// always lists what every tenant has; EdDSA is made on demand.
var always = []string{lanyard.AlgRS256, lanyard.AlgES256, lanyard.AlgMAC}

// ensureTries bounds how often Ensure looks again after others were faster.
const ensureTries = 5

// Keeper makes the keys of tenants and moves them through their life.
type Keeper struct {
	Sealer lanyard.Sealer
	// Generate makes a private key for an algorithm; nil is Generate of this package.
	Generate func(alg string) (crypto.Signer, error)
	// by is who does it by hand; zero for the schedule.
	by By
}

// Ensure makes the keys that the tenant lacks: active keys for RS256, ES256, the
// symmetric one and the extra algorithms, and a successor for each that signs.
// Any number of processes may do so at once; those that come second find what
// the first one made.
func (k *Keeper) Ensure(ctx context.Context, scope storage.Scope, now time.Time, extra ...string) error {
	algs := wanted(extra)
	var err error
	for range ensureTries {
		err = k.work(ctx, scope, Life{}, now, func(stored []lanyard.SigningKey) ([]plan, error) {
			return plansFor(algs, func(alg string) plan { return missing(stored, alg) }), nil
		})
		if !errors.Is(err, lanyard.ErrConflict) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("ensure the keys of tenant %s: %w", scope.TenantID(), err)
	}
	return nil
}

// Rotate does what the schedule asks for at a moment: a key that is old enough
// is replaced by its published successor, a new successor is published, and
// retired keys whose last token has died are removed.
func (k *Keeper) Rotate(ctx context.Context, scope storage.Scope, life Life, now time.Time) error {
	err := k.work(ctx, scope, life, now, func(stored []lanyard.SigningKey) ([]plan, error) {
		return plansFor(signingAlgorithms(stored), func(alg string) plan { return due(stored, alg, life, now) }), nil
	})
	if errors.Is(err, lanyard.ErrConflict) {
		return nil // another replica rotates at this moment
	}
	if err != nil {
		return fmt.Errorf("rotate the keys of tenant %s: %w", scope.TenantID(), err)
	}
	return nil
}

// RotateNow replaces every active signing key at once, whatever its age and that of its
// successor. It is lanyard.ErrConflict when somebody else rotates at the same moment.
func (k *Keeper) RotateNow(ctx context.Context, scope storage.Scope, life Life, now time.Time) error {
	err := k.work(ctx, scope, life, now, func(stored []lanyard.SigningKey) ([]plan, error) {
		return plansFor(signingAlgorithms(stored), func(alg string) plan { return forced(stored, alg) }), nil
	})
	if err != nil {
		return fmt.Errorf("rotate the keys of tenant %s: %w", scope.TenantID(), err)
	}
	return nil
}

// work reads, decides, makes the new keys outside of any transaction (an RSA key
// takes long) and then changes everything in one.
func (k *Keeper) work(ctx context.Context, scope storage.Scope, life Life, now time.Time, decide func([]lanyard.SigningKey) ([]plan, error)) error {
	stored, err := scope.SigningKeys(ctx)
	if err != nil {
		return err
	}
	plans, err := decide(stored)
	if err != nil || len(plans) == 0 {
		return err
	}
	fresh, err := k.makeAll(scope.TenantID(), plans, now)
	if err != nil {
		return err
	}
	return scope.InTx(ctx, func(tx storage.Scope) error {
		if k.by.May != nil {
			if err := k.by.May(tx); err != nil {
				return err
			}
		}
		for i, p := range plans {
			c := changes{scope: tx, now: now, actor: cmp.Or(k.by.Actor, actorSystem), expires: now.Add(life.KeepFor)}
			if err := c.do(ctx, p, fresh[i]); err != nil {
				return err
			}
		}
		return tx.BumpRevision(ctx)
	})
}

// makeAll creates the keys of all plans, in parallel.
func (k *Keeper) makeAll(tenant lanyard.TenantID, plans []plan, now time.Time) ([][]lanyard.SigningKey, error) {
	fresh := make([][]lanyard.SigningKey, len(plans))
	var failed errorList
	var group sync.WaitGroup
	for i, p := range plans {
		fresh[i] = make([]lanyard.SigningKey, len(p.create))
		for j, state := range p.create {
			group.Go(func() {
				key, err := k.one(tenant, p.algorithm)
				failed.add(err)
				fresh[i][j] = in(state, key, now)
			})
		}
	}
	group.Wait()
	return fresh, failed.join()
}

func (k *Keeper) one(tenant lanyard.TenantID, alg string) (lanyard.SigningKey, error) {
	if alg == lanyard.AlgMAC {
		return sealMAC(k.Sealer, tenant)
	}
	generate := k.Generate
	if generate == nil {
		generate = Generate
	}
	private, err := generate(alg)
	if err != nil {
		return lanyard.SigningKey{}, err
	}
	return seal(k.Sealer, tenant, alg, private)
}

// changes carries out plans within one transaction, each step with its event.
type changes struct {
	scope   storage.Scope
	now     time.Time
	actor   string
	expires time.Time
}

func (c changes) do(ctx context.Context, p plan, fresh []lanyard.SigningKey) error {
	steps := []struct {
		keys []lanyard.SigningKey
		fact lanyard.EventType
		do   func(lanyard.SigningKey) error
	}{
		{p.remove, lanyard.EventKeyRemoved, func(key lanyard.SigningKey) error { return c.scope.DeleteSigningKey(ctx, key.ID) }},
		{p.retire, lanyard.EventKeyRetired, func(key lanyard.SigningKey) error {
			return c.scope.SetSigningKeyState(ctx, key.ID, lanyard.KeyActive, lanyard.KeyRetired, c.now, c.expires)
		}},
		{p.activate, lanyard.EventKeyActivated, func(key lanyard.SigningKey) error {
			return c.scope.SetSigningKeyState(ctx, key.ID, lanyard.KeyNext, lanyard.KeyActive, c.now, time.Time{})
		}},
		{fresh, lanyard.EventKeyCreated, func(key lanyard.SigningKey) error { return c.scope.InsertSigningKey(ctx, key) }},
	}
	for _, step := range steps {
		for _, key := range step.keys {
			if err := step.do(key); err != nil {
				return err
			}
			if err := c.record(ctx, step.fact, key); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c changes) record(ctx context.Context, fact lanyard.EventType, key lanyard.SigningKey) error {
	return c.scope.InsertEvent(ctx, lanyard.Event{
		ID: lanyard.NewEventID(), TenantID: c.scope.TenantID(), Type: fact, At: c.now, Actor: c.actor,
		Detail: map[string]string{"kid": string(key.ID), "alg": key.Algorithm},
	})
}

func wanted(extra []string) []string {
	out := slices.Concat(always, extra)
	slices.Sort(out) // the same order everywhere, so that two that race can not wait for each other
	return slices.Compact(out)
}

func plansFor(algs []string, decide func(alg string) plan) []plan {
	var out []plan
	for _, alg := range algs {
		if p := decide(alg); !p.empty() {
			out = append(out, p)
		}
	}
	return out
}

// errorList collects the failures of goroutines.
type errorList struct {
	mu   sync.Mutex
	errs []error
}

func (l *errorList) add(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errs = append(l.errs, err)
}

func (l *errorList) join() error { return errors.Join(l.errs...) }
