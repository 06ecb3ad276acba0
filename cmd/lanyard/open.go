package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"

	"github.com/lanyard-id/lanyard/internal/fetch"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// master reads the master key of the configuration; it never makes one.
func (c *Config) master() (*keys.Master, error) {
	if c.Keys.MasterKey.IsZero() {
		return nil, errors.New("keys.master_key is missing")
	}
	m, err := keys.ParseMaster(c.Keys.MasterKey.Secret)
	if err != nil {
		return nil, fmt.Errorf("keys.master_key: %w", err)
	}
	return m, nil
}

// openStore opens the database of the configuration.
func (c *Config) openStore(ctx context.Context, exclusive bool) (*storage.Store, error) {
	store, err := storage.Open(ctx, storage.Config{
		URL: c.Database.URL.Reveal(), MaxConns: c.Database.MaxConnections, Exclusive: exclusive, Ephemeral: c.ephemeral, Patient: c.patient, Existing: c.existing,
	})
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return store, nil
}

// needCurrent refuses a database whose schema is older than the program.
func needCurrent(ctx context.Context, store *storage.Store) error {
	status, err := store.MigrationStatus(ctx)
	if err != nil {
		return fmt.Errorf("read the state of the schema: %w", err)
	}
	if !status.Current() {
		return fmt.Errorf("the database schema is outdated, %d migrations are pending: run 'lanyard migrate up'", len(status.Pending))
	}
	return nil
}

// noteNewerSchema writes into the log that a newer program has migrated the database, as
// happens in the middle of an upgrade, and after going back. It is served all the same.
func (a *App) noteNewerSchema(ctx context.Context) {
	status, err := a.Store.MigrationStatus(ctx)
	if err != nil || len(status.Unknown) == 0 {
		return
	}
	a.Log.WarnContext(ctx, "the database schema is newer than this program", "migrations", status.Unknown, "version", version)
}

// openApp opens the database and everything that a server or a command shares.
// The caller closes the store.
func (c *Config) openApp(ctx context.Context, p *program, exclusive bool) (*App, error) {
	master, err := c.master()
	if err != nil {
		return nil, err
	}
	fetcher, err := c.fetcher()
	if err != nil {
		return nil, err
	}
	store, err := c.openStore(ctx, exclusive)
	if err != nil {
		return nil, err
	}
	app := &App{
		Store: store, Sealer: master, Keeper: &keys.Keeper{Sealer: master}, Hasher: accounts.NewHasher(),
		Fetcher: fetcher, Clock: p.clock, Log: c.log(p), Proxies: c.proxies(),
	}
	if _, chosen := p.getenv(envGCPercent); !chosen {
		app.GCPercent = gcPercent
	}
	app.Metrics = newMetrics(app)
	app.Hasher.Now, app.Hasher.Observe = p.clock.Now, app.Metrics.PasswordHashed
	if app.Issuer, err = url.Parse(c.Server.Issuer); err != nil {
		return nil, errors.Join(fmt.Errorf("read the issuer: %w", err), store.Close())
	}
	return app, nil
}

// fetcher makes the guarded client with the operator's exceptions.
func (c *Config) fetcher() (*fetch.Client, error) {
	client, err := fetch.New(fetch.Options{Allow: c.Outbound.Allow, Proxy: c.Outbound.Proxy, ExtraRoots: c.extraRoots})
	if err != nil {
		return nil, fmt.Errorf("outbound: %w", err)
	}
	return client, nil
}

func (c *Config) proxies() web.Proxies {
	var trusted []netip.Prefix
	for _, text := range c.Server.TrustedProxies {
		if prefix, err := parseNetwork(text); err == nil { // checked when it was loaded
			trusted = append(trusted, prefix)
		}
	}
	return web.NewProxies(trusted...)
}

// closeAfter closes something when a command ends, without hiding why it ended.
func closeAfter(err *error, what io.Closer) { *err = errors.Join(*err, what.Close()) }
