package keys_test

import (
	"context"
	"crypto"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/schema"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/storage"
)

func TestMain(m *testing.M) { testkit.Main(m, schema.Newest) }

var life = keys.Life{RotateAfter: 90 * 24 * time.Hour, KeepFor: time.Hour}

// fixture is a database with one tenant and a keeper whose RSA keys cost nothing.
type fixture struct {
	*testing.T
	store  *storage.Store
	scope  storage.Scope
	master *keys.Master
	keeper *keys.Keeper
}

// onEachDatabase runs the test on every database there is.
func onEachDatabase(t *testing.T, test func(fixture)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		test(newFixture(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db")))
	})
	t.Run("postgres", func(t *testing.T) { test(newFixture(t, testkit.FastPostgres(t))) })
}

func newFixture(t *testing.T, url string) fixture {
	t.Helper()
	ctx := t.Context()
	store, err := storage.Open(ctx, storage.Config{URL: url, Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	for _, id := range []lanyard.TenantID{tenant, "ten_b"} {
		if err := store.InsertTenant(ctx, lanyard.Tenant{ID: id, Slug: string(id), Name: "A", CreatedAt: start}); err != nil {
			t.Fatal(err)
		}
	}
	master := newMaster(t)
	return fixture{t, store, store.Tenant(tenant), master, &keys.Keeper{Sealer: master, Generate: quick()}}
}

// quick makes elliptic keys for real and takes RSA keys from the pool of the tests.
func quick() func(alg string) (crypto.Signer, error) {
	var mu sync.Mutex
	taken := 0
	return func(alg string) (crypto.Signer, error) {
		if alg != lanyard.AlgRS256 {
			return keys.Generate(alg)
		}
		mu.Lock()
		defer mu.Unlock()
		pool.Lock()
		defer pool.Unlock()
		if taken++; taken <= len(pool.made[alg]) {
			return pool.made[alg][taken-1], nil
		}
		key, err := keys.Generate(alg)
		if err == nil && pool.made != nil {
			pool.made[alg] = append(pool.made[alg], key)
		}
		return key, err
	}
}

func (f fixture) keys() []lanyard.SigningKey {
	f.Helper()
	stored, err := f.scope.SigningKeys(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	return stored
}

func (f fixture) ring() *keys.Ring {
	f.Helper()
	r, err := keys.NewRing(tenant, f.keys(), f.master)
	if err != nil {
		f.Fatal(err)
	}
	return r
}

func (f fixture) ensure(extra ...string) {
	f.Helper()
	if err := f.keeper.Ensure(f.Context(), f.scope, start, extra...); err != nil {
		f.Fatal(err)
	}
}

func (f fixture) rotate(now time.Time) {
	f.Helper()
	if err := f.keeper.Rotate(f.Context(), f.scope, life, now); err != nil {
		f.Fatal(err)
	}
}

func (f fixture) revision() int64 {
	f.Helper()
	revision, err := f.scope.Revision(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	return revision
}

// census counts the keys by algorithm and state.
func (f fixture) census() map[string]int {
	f.Helper()
	out := map[string]int{}
	for _, key := range f.keys() {
		out[key.Algorithm+" "+string(key.State)]++
	}
	return out
}

var fresh = map[string]int{"RS256 active": 1, "RS256 next": 1, "ES256 active": 1, "ES256 next": 1, "HS256 active": 1}

func TestNewTenantGetsItsKeysOnce(t *testing.T) {
	onEachDatabase(t, func(f fixture) {
		f.ensure()
		if diff := cmp.Diff(fresh, f.census()); diff != "" {
			f.Error(diff)
		}
		before, revision := f.keys(), f.revision()
		f.ensure()
		if diff := cmp.Diff(before, f.keys()); diff != "" {
			f.Error(diff)
		}
		if f.revision() != revision {
			f.Error("the revision grew without a change")
		}
		if others, err := f.store.Tenant("ten_b").SigningKeys(f.Context()); err != nil || len(others) > 0 {
			f.Errorf("the other tenant has %d keys, %v", len(others), err)
		}
	})
}

func TestEdDSAIsMadeOnDemand(t *testing.T) {
	onEachDatabase(t, func(f fixture) {
		f.ensure()
		f.ensure(lanyard.AlgEdDSA)
		if want := []string{"ES256", "EdDSA", "RS256"}; !slices.Equal(f.ring().Algorithms(), want) {
			f.Errorf("got %v", f.ring().Algorithms())
		}
		if err := f.keeper.Ensure(f.Context(), f.scope, start, "RS512"); err == nil {
			f.Error("RS512 was made")
		}
	})
}

func TestManyFirstStartsMakeOneSetOfKeys(t *testing.T) {
	onEachDatabase(t, func(f fixture) {
		var group sync.WaitGroup
		for range 10 {
			group.Go(func() {
				replica := &keys.Keeper{Sealer: f.master, Generate: quick()}
				if err := replica.Ensure(f.Context(), f.scope, start); err != nil {
					f.Error(err)
				}
			})
		}
		group.Wait()
		if diff := cmp.Diff(fresh, f.census()); diff != "" {
			f.Error(diff)
		}
	})
}

func TestRotationFollowsTheSchedule(t *testing.T) {
	onEachDatabase(t, func(f fixture) {
		f.ensure()
		first := f.ring()
		token := sign(f.T, first, lanyard.AlgES256, keys.TypeIDToken)

		f.rotate(start.Add(life.RotateAfter - time.Second))
		if diff := cmp.Diff(fresh, f.census()); diff != "" {
			f.Errorf("rotated too early: %s", diff)
		}

		due := start.Add(life.RotateAfter)
		f.rotate(due)
		want := map[string]int{
			"RS256 active": 1, "RS256 next": 1, "RS256 retired": 1, "ES256 active": 1, "ES256 next": 1, "ES256 retired": 1, "HS256 active": 1,
		}
		if diff := cmp.Diff(want, f.census()); diff != "" {
			f.Error(diff)
		}
		second := f.ring()
		if _, err := second.VerifyOwn(token, keys.TypeIDToken); err != nil {
			f.Errorf("a token of before the rotation: %v", err)
		}
		if _, err := first.VerifyOwn(sign(f.T, second, lanyard.AlgES256, keys.TypeIDToken), keys.TypeIDToken); err != nil {
			f.Errorf("a key set of before the rotation does not know the new key: %v", err)
		}

		f.rotate(due.Add(life.KeepFor - time.Second))
		if diff := cmp.Diff(want, f.census()); diff != "" {
			f.Errorf("a retired key went too early: %s", diff)
		}
		f.rotate(due.Add(life.KeepFor))
		if diff := cmp.Diff(fresh, f.census()); diff != "" {
			f.Error(diff)
		}
	})
}

func TestEachRotationIsRecordedAndSeen(t *testing.T) {
	onEachDatabase(t, func(f fixture) {
		f.ensure()
		revision := f.revision()
		f.rotate(start.Add(life.RotateAfter))
		if f.revision() <= revision {
			f.Error("snapshots do not learn of the rotation")
		}
		events, err := f.scope.Events(f.Context(), 100)
		if err != nil {
			f.Fatal(err)
		}
		got := map[lanyard.EventType]int{}
		for _, e := range events {
			got[e.Type]++
			if e.Detail["kid"] == "" || e.Detail["alg"] == "" {
				f.Errorf("%s does not name its key", e.Type)
			}
		}
		want := map[lanyard.EventType]int{lanyard.EventKeyCreated: 7, lanyard.EventKeyActivated: 2, lanyard.EventKeyRetired: 2}
		if diff := cmp.Diff(want, got); diff != "" {
			f.Error(diff)
		}
	})
}

func TestForcedRotationHappensAtOnce(t *testing.T) {
	onEachDatabase(t, func(f fixture) {
		f.ensure()
		before := f.ring()
		token := sign(f.T, before, lanyard.AlgRS256, keys.TypeIDToken)
		if err := f.keeper.RotateNow(f.Context(), f.scope, life, start.Add(time.Second)); err != nil {
			f.Fatal(err)
		}
		after := f.ring()
		if _, err := after.VerifyOwn(token, keys.TypeIDToken); err != nil {
			f.Error(err)
		}
		if kid := headerOf(f.T, sign(f.T, after, lanyard.AlgRS256, keys.TypeIDToken))["kid"]; kid == headerOf(f.T, token)["kid"] {
			f.Error("the old key still signs")
		}
		old, _ := before.CurrentMAC()
		if id, _ := after.CurrentMAC(); id != old {
			f.Error("the symmetric key was replaced")
		}
	})
}

// TestRotationOnDemandWaitsForPublication: right after the first start it may happen, since
// no key set without the successor exists; after that the next one has to be known first.
func TestRotationOnDemandWaitsForPublication(t *testing.T) {
	onEachDatabase(t, func(f fixture) {
		rotate := func(at time.Time, force bool) error {
			return f.keeper.RotateOne(f.Context(), f.scope, keys.By{}, keys.Demand{Algorithm: lanyard.AlgES256, Life: life, Now: at, Force: force})
		}
		f.ensure()
		first, second := start.Add(time.Minute), start.Add(2*time.Minute)
		if err := rotate(first, false); err != nil {
			f.Error("with the first successor:", err)
		}
		err := rotate(second, false)
		var refused *lanyard.Error
		if !errors.As(err, &refused) || refused.Code != lanyard.ErrKeyUnpublished.Code || !strings.Contains(refused.Message, first.Add(2*keys.JWKSMaxAge).Format(time.RFC3339)) {
			f.Errorf("with one that was published a minute ago: %v", err)
		}
		if err := rotate(second, true); err != nil {
			f.Error("with force:", err)
		}
		if err := rotate(second.Add(2*keys.JWKSMaxAge-time.Second), false); !errors.Is(err, lanyard.ErrKeyUnpublished) {
			f.Errorf("a second too early: %v", err)
		}
		if err := rotate(second.Add(2*keys.JWKSMaxAge), false); err != nil {
			f.Error("after that time:", err)
		}
		err = f.keeper.RotateOne(f.Context(), f.scope, keys.By{}, keys.Demand{Algorithm: lanyard.AlgEdDSA, Life: life, Now: second})
		if !errors.Is(err, lanyard.ErrNotFound) {
			f.Errorf("an algorithm without keys: %v", err)
		}
	})
}

// TestRevokedKeyIsFollowedAtOnce however young the successor is: nothing waits for anybody's cache.
func TestRevokedKeyIsFollowedAtOnce(t *testing.T) {
	onEachDatabase(t, func(f fixture) {
		f.ensure()
		for round := range 3 {
			token := sign(f.T, f.ring(), lanyard.AlgRS256, keys.TypeIDToken)
			kid, _ := headerOf(f.T, token)["kid"].(string)
			if err := f.keeper.Revoke(f.Context(), f.scope, keys.By{}, lanyard.KeyID(kid), start.Add(time.Duration(round)*time.Second)); err != nil {
				f.Fatal(err)
			}
			after := f.ring()
			if _, err := after.VerifyOwn(token, keys.TypeIDToken); err == nil {
				f.Error("what the revoked key signed is taken")
			}
			if got := headerOf(f.T, sign(f.T, after, lanyard.AlgRS256, keys.TypeIDToken))["kid"]; got == kid {
				f.Error("the revoked key signs")
			}
		}
		if diff := cmp.Diff(fresh, f.census()); diff != "" {
			f.Error(diff)
		}
	})
}

func TestParallelRotationsMakeOne(t *testing.T) {
	onEachDatabase(t, func(f fixture) {
		f.ensure()
		due := start.Add(life.RotateAfter)
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				replica := &keys.Keeper{Sealer: f.master, Generate: quick()}
				if err := replica.Rotate(f.Context(), f.scope, life, due); err != nil {
					f.Error(err)
				}
			})
		}
		group.Wait()
		if got := f.census(); got["RS256 retired"] != 1 || got["RS256 active"] != 1 || got["RS256 next"] != 1 {
			f.Errorf("got %v", got)
		}
	})
}

// TestEverySignatureVerifiesWhileKeysRotate signs with whatever ring is current
// and verifies with the key set of that moment and with the newest one.
func TestEverySignatureVerifiesWhileKeysRotate(t *testing.T) {
	onEachDatabase(t, func(f fixture) {
		f.ensure()
		now := start
		for range 12 {
			signer := f.ring()
			token := sign(f.T, signer, lanyard.AlgES256, keys.TypeAccessToken)
			now = now.Add(life.RotateAfter)
			f.rotate(now)
			for name, r := range map[string]*keys.Ring{"at once": signer, "after the rotation": f.ring()} {
				if _, err := r.VerifyOwn(token, keys.TypeAccessToken); err != nil {
					f.Errorf("%s: %v", name, err)
				}
			}
		}
	})
}

func TestBrokenGeneratorChangesNothing(t *testing.T) {
	onEachDatabase(t, func(f fixture) {
		cause := errors.New("no entropy")
		f.keeper.Generate = func(string) (crypto.Signer, error) { return nil, cause }
		if err := f.keeper.Ensure(f.Context(), f.scope, start); !errors.Is(err, cause) {
			f.Errorf("got %v", err)
		}
		if len(f.keys()) > 0 {
			f.Error("keys were stored")
		}
	})
}

func TestOutageIsAnOutage(t *testing.T) {
	onEachDatabase(t, func(f fixture) {
		f.ensure()
		_ = f.store.Close()
		if err := f.keeper.Rotate(context.WithoutCancel(f.Context()), f.scope, life, start); !errors.Is(err, lanyard.ErrUnavailable) {
			f.Errorf("got %v", err)
		}
	})
}

func TestRetiredKeysOutliveWhatTheySigned(t *testing.T) {
	hour := lanyard.Duration(time.Hour)
	cases := map[string]struct {
		policy  lanyard.Policy
		clients []*lanyard.Client
		want    time.Duration
	}{
		"default":      {want: 30 * 24 * time.Hour},
		"short":        {policy: lanyard.Policy{SessionLifetime: hour, RememberedSessionLifetime: hour}, want: time.Hour},
		"long session": {policy: lanyard.Policy{SessionLifetime: 1000 * hour}, want: 1000 * time.Hour},
		"long token": {
			policy:  lanyard.Policy{SessionLifetime: hour, RememberedSessionLifetime: hour},
			clients: []*lanyard.Client{{}, {AccessTokenLifetime: 48 * hour}, {IDTokenLifetime: 2 * hour}}, want: 48 * time.Hour,
		},
	}
	for name, c := range cases {
		if got := keys.LifeOf(c.policy, c.clients).KeepFor; got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

// TestKeyIsPublishedBeforeItSigns walks the schedule in small steps and asks of
// every key that signs whether it stood in the key set long enough.
func TestKeyIsPublishedBeforeItSigns(t *testing.T) {
	onEachDatabase(t, func(f fixture) {
		quick := keys.Life{RotateAfter: time.Minute, KeepFor: time.Hour}
		f.ensure()
		for now := start; now.Before(start.Add(3 * time.Hour)); now = now.Add(5 * time.Minute) {
			if err := f.keeper.Rotate(f.Context(), f.scope, quick, now); err != nil {
				f.Fatal(err)
			}
		}
		rotated := 0
		for _, key := range f.keys() {
			first := key.CreatedAt.Equal(start)
			if key.ActivatedAt.IsZero() || first {
				continue
			}
			rotated++
			if wait := key.ActivatedAt.Sub(key.CreatedAt); wait < keys.JWKSMaxAge {
				f.Errorf("a key signed %v after it was published", wait)
			}
		}
		if rotated == 0 {
			f.Error("nothing rotated")
		}
	})
}
