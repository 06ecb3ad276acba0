package storage_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// TestKnownSecretsAreFoundInAllTenants: whoever has one, under whatever name, while it works.
func TestKnownSecretsAreFoundInAllTenants(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx := t.Context()
		one, two := furnish(t, store, "one"), furnish(t, store, "two")
		ok(t, two.AddClientSecret(ctx, "web", "sec_ends", lanyard.ClientSecret{Hash: hash("known"), ExpiresAt: now.Add(time.Minute)}, now))
		ok(t, one.AddClientSecret(ctx, "web", "sec_known", lanyard.ClientSecret{Hash: hash("known")}, now))
		for at, want := range map[time.Time][]storage.Holder{
			now:                  {{Tenant: "one", Name: "web"}, {Tenant: "two", Name: "web"}},
			now.Add(time.Minute): {{Tenant: "one", Name: "web"}},
		} {
			got, err := store.ClientsWithSecret(ctx, [][]byte{hash("unknown"), hash("known")}, at)
			ok(t, err)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("at %s:\n%s", at, diff)
			}
		}
		if got, err := store.ClientsWithSecret(ctx, nil, now); err != nil || len(got) > 0 {
			t.Errorf("of no secrets: %v %v", got, err)
		}
		for _, name := range []string{"ada@example.test", "ada"} {
			got, err := store.PasswordsOf(ctx, name)
			ok(t, err)
			want := []storage.Holder{{Tenant: "one", Name: name, PasswordHash: "hash of one"}, {Tenant: "two", Name: name, PasswordHash: "hash of two"}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s:\n%s", name, diff)
			}
		}
		if got, err := store.PasswordsOf(ctx, "nobody@example.test"); err != nil || len(got) > 0 {
			t.Errorf("of nobody: %v %v", got, err)
		}
	})
}
