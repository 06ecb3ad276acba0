package main

import (
	"context"
	"fmt"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// setupLifetime is how long a set-up link works.
const setupLifetime = 15 * time.Minute

// setupPurpose marks the one-time tokens of set-up links.
const setupPurpose = "setup"

type setupLinkCommand struct{ configSource }

// Run prints a link that makes the first administrator. Links made before stop working.
func (c setupLinkCommand) Run(ctx context.Context, p *program) (err error) {
	config, err := c.load(p, needs{database: true, keys: true, server: true})
	if err != nil {
		return err
	}
	app, err := config.openApp(ctx, p, false)
	if err != nil {
		return err
	}
	defer closeAfter(&err, app.Store)
	if err := needCurrent(ctx, app.Store); err != nil {
		return err
	}
	if err := app.prepare(ctx); err != nil {
		return err
	}
	tenant, err := app.defaultTenant(ctx)
	if err != nil {
		return err
	}
	secret, now := lanyard.NewSecret(), p.clock.Now()
	err = app.Store.Tenant(tenant.ID).InTx(ctx, func(tx storage.Scope) error {
		token := storage.OneTimeToken{Hash: secret.Hash(), Purpose: setupPurpose, CreatedAt: now, ExpiresAt: now.Add(setupLifetime)}
		if err := tx.InsertOneTimeToken(ctx, token, true); err != nil {
			return err
		}
		return tx.InsertEvent(ctx, lanyard.Event{ID: lanyard.NewEventID(), TenantID: tenant.ID, Type: lanyard.EventSetupCreated, At: now})
	})
	if err != nil {
		return fmt.Errorf("make the set-up link: %w", err)
	}
	_, err = fmt.Fprintf(p.out, "%s/setup?token=%s\n", app.Issuer, secret.Reveal())
	fmt.Fprintf(p.errOut, "The link works once and until %s.\n", now.Add(setupLifetime).Format(time.RFC3339))
	return err
}
