package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

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
	app.noteNewerSchema(ctx)
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
// seed still works: everybody can read it in our source. It asks once for all tenants.
func (a *App) refuseDevelopmentData(ctx context.Context) error {
	whose, err := a.developmentSecret(ctx, builtInSeed().Tenants[0])
	if err != nil {
		return fmt.Errorf("look for development secrets: %w", err)
	}
	if whose != "" {
		return fmt.Errorf("%s has a secret of the development seed, which everybody knows: this is a development database", whose)
	}
	return nil
}

// developmentSecret says who has a secret of the seed; empty if nobody.
func (a *App) developmentSecret(ctx context.Context, seed manifest.Tenant) (string, error) {
	var hashes [][]byte
	for _, c := range seed.Clients {
		if !c.Secret.Value.IsZero() {
			hashes = append(hashes, c.Secret.Value.Hash())
		}
	}
	clients, err := a.Store.ClientsWithSecret(ctx, hashes, a.Clock.Now())
	if err != nil {
		return "", err
	}
	for _, c := range clients {
		return "client " + c.Name + " of tenant " + c.Tenant, nil
	}
	for _, u := range seed.Users {
		users, err := a.Store.PasswordsOf(ctx, u.SignInName())
		if err != nil {
			return "", err
		}
		for _, holder := range users {
			matches, _, err := a.Hasher.Verify(ctx, holder.PasswordHash, u.Password.Value)
			if err != nil {
				return "", err
			}
			if matches {
				return "user " + holder.Name + " of tenant " + holder.Tenant, nil
			}
		}
	}
	return "", nil
}
