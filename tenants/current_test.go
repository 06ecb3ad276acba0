package tenants_test

import (
	"errors"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
)

// directory is that of one process; others may share the database.
func (i installation) directory() *tenants.Directory {
	i.Helper()
	master, err := keys.NewMaster([]byte("0123456789abcdef0123456789abcdef"))
	i.must(err)
	base, err := url.Parse("https://id.example.test")
	i.must(err)
	return &tenants.Directory{Store: i.store, Sealer: master, Clock: i.clock, Base: base}
}

// TestChangeOfAnotherProcessIsObeyedAtOnce: what was answered before is what the next request sees.
func TestChangeOfAnotherProcessIsObeyedAtOnce(t *testing.T) {
	onBoth(t, func(i installation) {
		ctx, d, scope := i.Context(), i.directory(), i.live.Scope
		current := func() *tenants.Live {
			i.Helper()
			l, err := d.Current(ctx, i.live.Tenant.ID)
			i.must(err)
			return l
		}
		client := lanyard.Client{ID: "web", Name: "one", RedirectURIs: []string{"https://app.example/cb"}, CreatedAt: i.clock.Now()}
		if _, err := current().Client(ctx, "web"); !errors.Is(err, lanyard.ErrUnknownClient) {
			i.Errorf("a client that is not there: %v", err)
		}
		i.must(scope.PutClient(ctx, client))
		i.must(scope.BumpRevision(ctx))
		before := current()
		if c, err := before.Client(ctx, "web"); err != nil || c.Name != "one" {
			i.Errorf("a new client: %v", err)
		}
		if again := current(); again != before {
			i.Error("nothing changed and the snapshot was read again")
		}
		client.Disabled = true
		i.must(scope.PutClient(ctx, client))
		i.must(scope.BumpRevision(ctx))
		if c, err := current().Client(ctx, "web"); err != nil || !c.Disabled {
			i.Errorf("a client that was turned off a moment ago: %v", err)
		}
		if _, err := current().Client(ctx, "we\x00b"); !errors.Is(err, lanyard.ErrUnknownClient) {
			i.Errorf("an id that nobody can have: %v", err)
		}
		suspended := i.live.Tenant
		suspended.Suspended = true
		i.must(scope.UpdateTenant(ctx, suspended))
		if _, err := d.Current(ctx, suspended.ID); !errors.Is(err, lanyard.ErrNotFound) {
			i.Errorf("a tenant that was switched off a moment ago: %v", err)
		}
		i.must(scope.UpdateTenant(ctx, i.live.Tenant))
		current()
	})
}

// TestMovedHostIsObeyed: the old one is nobody's and the new one is found, without a restart.
func TestMovedHostIsObeyed(t *testing.T) {
	onBoth(t, func(i installation) {
		ctx, d, acme := i.Context(), i.directory(), i.tenant("acme")
		find := func(host, path string) (tenants.Place, error) {
			i.clock.Advance(2 * time.Second) // what is published may lag so far
			return d.Find(ctx, host, path)
		}
		moved := acme.Tenant
		moved.Host, moved.RedirectHosts = "one.example.test", []string{"old.example.test"}
		i.must(acme.Scope.UpdateTenant(ctx, moved))
		for host, want := range map[string]tenants.Place{
			"one.example.test": {Tenant: moved.ID}, "ONE.Example.test": {Tenant: moved.ID}, "old.example.test": {Tenant: moved.ID, Elsewhere: true},
			"id.example.test": {Tenant: i.live.Tenant.ID},
		} {
			if got, err := find(host, "/oauth/jwks"); err != nil || got != want {
				i.Errorf("%s: %+v %v", host, got, err)
			}
		}
		if got, err := find("id.example.test", "/t/acme/x"); err != nil || !got.Elsewhere || got.Prefix != "/t/acme" {
			i.Errorf("its path: %+v %v", got, err)
		}
		moved.Host, moved.RedirectHosts = "two.example.test", nil
		i.must(acme.Scope.UpdateTenant(ctx, moved))
		for _, host := range []string{"one.example.test", "old.example.test", "one.example.test"} {
			if got, err := find(host, "/"); !errors.Is(err, tenants.ErrUnknownHost) {
				i.Errorf("%s after the move: %+v %v", host, got, err)
			}
		}
		if got, err := find("two.example.test", "/"); err != nil || got.Tenant != moved.ID {
			i.Errorf("the new host: %+v %v", got, err)
		}
		for _, path := range []string{"/t/default/x", "/t/ACME/x", "/t//x", "/t/a%20b/x", "/t/nobody"} {
			if got, err := find("id.example.test", path); !errors.Is(err, lanyard.ErrNotFound) || errors.Is(err, tenants.ErrUnknownHost) {
				i.Errorf("%s: %+v %v", path, got, err)
			}
		}
		other := i.tenant("other").Tenant
		other.Host = "one.example.test" // the host goes to another tenant
		i.must(i.store.Tenant(other.ID).UpdateTenant(ctx, other))
		if got, err := find("one.example.test", "/"); err != nil || got.Tenant != other.ID {
			i.Errorf("the host of another tenant by now: %+v %v", got, err)
		}
	})
}

// TestCurrentIsNeverOlderThanTheCall, however many ask at once while it changes.
func TestCurrentIsNeverOlderThanTheCall(t *testing.T) {
	onBoth(t, func(i installation) {
		ctx, d := i.Context(), i.directory()
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for range 20 {
					var revision int64
					err := i.live.Scope.InTx(ctx, func(tx storage.Scope) error {
						if err := tx.BumpRevision(ctx); err != nil {
							return err
						}
						var err error
						revision, err = tx.Revision(ctx)
						return err
					})
					if err != nil {
						i.Error(err)
						return
					}
					l, err := d.Current(ctx, i.live.Tenant.ID)
					if err != nil || l.Tenant.Revision < revision {
						i.Errorf("revision %d was committed and the call got another one (%v)", revision, err)
						return
					}
				}
			})
		}
		group.Wait()
	})
}

// TestUnusedSnapshotsAreForgotten: what nobody asked for in twenty minutes is read again when
// somebody does; what is asked for stays, and so does it for whoever honours the key set's ten.
func TestUnusedSnapshotsAreForgotten(t *testing.T) {
	onBoth(t, func(i installation) {
		ctx, d := i.Context(), i.directory()
		published := func() *tenants.Live {
			i.Helper()
			l, err := d.Published(ctx, i.live.Tenant.ID)
			i.must(err)
			return l
		}
		first := published()
		i.clock.Advance(11 * time.Minute)
		d.Forget(ctx, i.clock.Now())
		if published() != first {
			i.Error("a snapshot was forgotten that somebody asked for eleven minutes ago")
		}
		i.clock.Advance(11 * time.Minute)
		d.Forget(ctx, i.clock.Now())
		if published() != first {
			i.Error("a snapshot was forgotten that is in use")
		}
		i.clock.Advance(21 * time.Minute)
		d.Forget(ctx, i.clock.Now())
		if published() == first {
			i.Error("a snapshot is kept that nobody asks for")
		}
	})
}

// TestNothingIsForgottenInAnOutage: the key set of a tenant that was quiet for an hour is
// published all the same (ATTACKS.md 272).
func TestNothingIsForgottenInAnOutage(t *testing.T) {
	onBoth(t, func(i installation) {
		ctx, d := i.Context(), i.directory()
		first, err := d.Published(ctx, i.live.Tenant.ID)
		i.must(err)
		i.must(i.store.Close())
		i.clock.Advance(time.Hour)
		d.Forget(ctx, i.clock.Now())
		if again, err := d.Published(ctx, i.live.Tenant.ID); err != nil || again != first {
			i.Errorf("got %p, %v", again, err)
		}
	})
}
