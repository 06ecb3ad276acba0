package tenants

import (
	"errors"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/storage"
)

// What is published may lag; a tenant that was switched off stays off all the time.
func TestSuspendedTenantPublishesNothing(t *testing.T) {
	store, err := storage.Open(t.Context(), storage.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "lanyard.db"), Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := clock.NewManual(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	tenant := lanyard.Tenant{ID: lanyard.NewTenantID(), Slug: "off", Name: "Off", Suspended: true, CreatedAt: c.Now()}
	if err := store.InsertTenant(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	d := &Directory{Store: store, Clock: c, Base: &url.URL{Scheme: "https", Host: "id.example.test"}}
	for range 4 {
		if live, err := d.Published(t.Context(), tenant.ID); !errors.Is(err, lanyard.ErrNotFound) {
			t.Errorf("got %v, %v", live, err)
		}
		c.Advance(publishedLag / 2)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	c.Advance(publishedLag)
	if live, err := d.Published(t.Context(), tenant.ID); !errors.Is(err, lanyard.ErrNotFound) {
		t.Errorf("during an outage: %v, %v", live, err)
	}
}
