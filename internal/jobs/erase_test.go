package jobs_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/jobs"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// Organizations of all tenants are erased when their time has come, and no sooner; a
// run that meets another one, or that comes again, does no harm.
func TestOrganizationsAreErasedWhenTheirGraceIsOver(t *testing.T) {
	for name, url := range map[string]func() string{
		"sqlite":   func() string { return "sqlite:" + filepath.Join(t.TempDir(), "lanyard.db") },
		"postgres": func() string { return testkit.FastPostgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, now := t.Context(), time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
			check := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			store, err := storage.Open(ctx, storage.Config{URL: url(), Ephemeral: true})
			check(err)
			t.Cleanup(func() { _ = store.Close() })
			check(store.Migrate(ctx))
			left := map[string]func() bool{}
			for _, slug := range []string{"one", "two"} {
				id := lanyard.NewTenantID()
				check(store.InsertTenant(ctx, lanyard.Tenant{ID: id, Slug: slug, Name: slug, CreatedAt: now}))
				scope := store.Tenant(id)
				for state, at := range map[string]time.Time{"open": {}, "due": now, "early": now.Add(time.Second)} {
					o := lanyard.Organization{ID: lanyard.NewOrganizationID(), Slug: state, Name: state, CreatedAt: now}
					check(scope.InsertOrganization(ctx, o))
					check(scope.ScheduleOrganizationDeletion(ctx, o.ID, at))
					left[slug+" "+state] = func() bool {
						_, err := scope.Organization(ctx, o.ID)
						if err != nil && !errors.Is(err, lanyard.ErrNotFound) {
							t.Fatal(err)
						}
						return err == nil
					}
				}
			}
			job := jobs.EraseOrganizations(store, &organizations.Organizations{})
			for range 2 {
				check(job.Run(ctx, now))
			}
			for what, there := range left {
				if got, want := there(), what != "one due" && what != "two due"; got != want {
					t.Errorf("%s: it is there is %v", what, got)
				}
			}
		})
	}
}
