package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/internal/fetch"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/manifest"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// App is what the parts of a running server share.
type App struct {
	Store   *storage.Store
	Sealer  *keys.Master
	Keeper  *keys.Keeper
	Hasher  *accounts.Hasher
	Fetcher *fetch.Client
	// Composer writes mails, Sender carries them; without a Sender they wait.
	Composer *mail.Composer
	Sender   mail.Sender
	Clock    clock.Clock
	Log      *slog.Logger
	// Issuer is the issuer of the default tenant, the base of all others.
	Issuer  *url.URL
	Proxies web.Proxies
	Metrics *metrics
	// GCPercent is set for the garbage collector once the start is over; 0 leaves it alone.
	GCPercent int
	// Traces are where spans go; nil where there are none.
	Traces *traces
	// Dev is what only the development server has; nil under serve.
	Dev *Development
}

// Development is what the development server knows besides.
type Development struct {
	// Seed is the file that was applied, its secrets in clear.
	Seed manifest.File
	// TrySecret is the secret of the client behind /dev/try.
	TrySecret lanyard.Secret
	// Outbox has the mails that would have been sent.
	Outbox *mail.Outbox
}

// manifestDeps is what applying a declarative file needs.
func (a *App) manifestDeps() manifest.Deps {
	directory := &tenants.Directory{Base: a.Issuer}
	return manifest.Deps{
		Store: a.Store, Keeper: a.Keeper, Hasher: a.Hasher,
		Organizations: &organizations.Organizations{Accounts: accounts.New(a.Hasher, a.Sealer)}, Issuer: directory.Issuer,
	}
}

// prepare makes sure that the default tenant and its keys exist and open under
// the master key. Any number of servers may do so at once.
func (a *App) prepare(ctx context.Context) error {
	if err := a.Sealer.Known(ctx, a.Store); err != nil { // before anything is sealed under another master key
		return err
	}
	tenant, err := a.defaultTenant(ctx)
	if err != nil {
		return fmt.Errorf("find the default tenant: %w", err)
	}
	scope := a.Store.Tenant(tenant.ID)
	if err := a.openKeys(ctx, scope); err != nil {
		return err
	}
	if err := a.Keeper.Ensure(ctx, scope, a.Clock.Now()); err != nil {
		return err
	}
	return a.openKeys(ctx, scope)
}

// openKeys opens a tenant's keys, to see that the master key is the right one.
func (a *App) openKeys(ctx context.Context, scope storage.Scope) error {
	stored, err := scope.SigningKeys(ctx)
	if err != nil {
		return fmt.Errorf("read the signing keys: %w", err)
	}
	_, err = keys.NewRing(scope.TenantID(), stored, a.Sealer)
	return err
}

// defaultTenant finds the tenant at the base URL, or makes it.
func (a *App) defaultTenant(ctx context.Context) (lanyard.Tenant, error) {
	tenant, err := a.Store.TenantBySlug(ctx, lanyard.DefaultTenant)
	if !errors.Is(err, lanyard.ErrNotFound) {
		return tenant, err
	}
	file := manifest.File{Tenants: []manifest.Tenant{{Slug: lanyard.DefaultTenant, Name: "Lanyard"}}}
	if _, err := manifest.Apply(ctx, a.manifestDeps(), file, a.Clock.Now()); err != nil {
		return lanyard.Tenant{}, err
	}
	return a.Store.TenantBySlug(ctx, lanyard.DefaultTenant)
}

// issuerOf is the issuer of a tenant of a file.
func (a *App) issuerOf(t *manifest.Tenant) string {
	switch {
	case t.Slug == lanyard.DefaultTenant:
		return a.Issuer.String()
	case t.Host != "":
		return a.Issuer.Scheme + "://" + t.Host
	}
	return a.Issuer.String() + "/t/" + t.Slug
}
