package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/manifest"
)

type serveCommand struct {
	configSource
	Migrate bool `help:"Bring the schema up to date first."`
}

// Run serves until it is told to stop. It refuses what is not safe in production.
func (c serveCommand) Run(ctx context.Context, p *program) (err error) {
	config, err := c.load(p, needs{database: true, keys: true, server: true})
	if err != nil {
		return err
	}
	app, err := config.openApp(ctx, p, true)
	if err != nil {
		return err
	}
	defer closeAfter(&err, app.Store)
	if c.Migrate {
		if err := app.Store.Migrate(ctx); err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
	}
	if err := needCurrent(ctx, app.Store); err != nil {
		return err
	}
	if err := app.prepare(ctx); err != nil {
		return err
	}
	if err := app.refuseDevelopmentData(ctx); err != nil {
		return err
	}
	if err := app.prepareMail(&config); err != nil {
		return err
	}
	app.warnWithoutMail(ctx)
	return config.serve(ctx, p, app)
}

func (c *Config) serve(ctx context.Context, p *program, app *App) error {
	listener, err := net.Listen("tcp", c.Server.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	public, err := withTLS([]net.Listener{listener}, c.Server.TLSCert, c.Server.TLSKey)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	ops, err := net.Listen("tcp", c.Operations.Listen)
	if err != nil {
		return errors.Join(fmt.Errorf("listen for operations: %w", err), listener.Close())
	}
	s := &server{app: app, operations: &operations{app: app, pprof: c.Operations.Pprof}, public: public, ops: ops, drainWait: serveDrainWait, holder: holder()}
	if app.Traces, err = p.startTraces(ctx, app.Log, s.holder); err != nil {
		return errors.Join(err, listener.Close(), ops.Close())
	}
	s.started = func() error {
		app.Log.InfoContext(ctx, "serving", "issuer", app.Issuer.String(), "listen", listener.Addr().String(), "operations", ops.Addr().String(), "version", version)
		return nil
	}
	if p.stopSignals != nil {
		context.AfterFunc(ctx, p.stopSignals)
	}
	return s.run(ctx)
}

// log makes the log that the configuration asks for.
func (c *Config) log(p *program) *slog.Logger {
	asText := c.Log.Format == "text" || c.Log.Format == "auto" && p.terminal
	return newLog(p.errOut, c.Log.Level.Level, asText)
}

// refuseDevelopmentData refuses a database in which a secret of the built-in
// seed still works: everybody can read it in our source.
func (a *App) refuseDevelopmentData(ctx context.Context) error {
	seed := builtInSeed().Tenants[0]
	all, err := a.Store.Tenants(ctx)
	if err != nil {
		return fmt.Errorf("list the tenants: %w", err)
	}
	for _, t := range all {
		whose, err := a.developmentSecret(ctx, a.Store.Tenant(t.ID), seed)
		if err != nil {
			return fmt.Errorf("look for development secrets: %w", err)
		}
		if whose != "" {
			return fmt.Errorf("%s of tenant %s has a secret of the development seed, which everybody knows: this is a development database", whose, t.Slug)
		}
	}
	return nil
}

// developmentSecret says who of a tenant has a secret of the seed; empty if nobody.
func (a *App) developmentSecret(ctx context.Context, scope storage.Scope, seed manifest.Tenant) (string, error) {
	for _, c := range seed.Clients {
		stored, err := scope.Client(ctx, c.ID)
		if errors.Is(err, lanyard.ErrNotFound) {
			continue
		}
		if err != nil {
			return "", err
		}
		if stored.SecretMatches(c.Secret.Value, a.Clock.Now()) {
			return "client " + string(c.ID), nil
		}
	}
	for _, u := range seed.Users {
		found, err := scope.CredentialsByName(ctx, u.SignInName())
		if errors.Is(err, lanyard.ErrNotFound) || err == nil && found.PasswordHash == "" {
			continue
		}
		if err != nil {
			return "", err
		}
		matches, _, err := a.Hasher.Verify(ctx, found.PasswordHash, u.Password.Value)
		if err != nil {
			return "", err
		}
		if matches {
			return "user " + u.SignInName(), nil
		}
	}
	return "", nil
}
