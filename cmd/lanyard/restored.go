package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/lanyard-id/lanyard/tenants"
)

type restoredCommand struct {
	configSource
	RotateKeys bool   `help:"Take all signing keys away as well: what they signed is refused at once, here and where the new keys are fetched."`
	Output     string `short:"o" enum:"table,json,yaml" default:"table" help:"table, json or yaml."`
}

// Run ends whatever was handed out before the database was restored. No server may run.
func (c restoredCommand) Run(ctx context.Context, p *program) (err error) {
	config, err := c.load(p, needs{database: true, keys: true, server: true})
	if err != nil {
		return err
	}
	config.patient, config.existing = true, true
	app, err := config.openApp(ctx, p, true)
	if err != nil {
		return err
	}
	defer closeAfter(&err, app.Store)
	if err := needCurrent(ctx, app.Store); err != nil {
		return err
	}
	if err := app.Store.Sound(ctx); err != nil {
		return err
	}
	if err := app.Sealer.Known(ctx, app.Store); err != nil {
		return err
	}
	r := tenants.Restoration{Store: app.Store, Keeper: app.Keeper, RotateKeys: c.RotateKeys}
	done, err := r.Do(ctx, p.clock.Now())
	if err != nil {
		return err
	}
	if c.Output != "table" {
		return p.show(c.Output, done, nil)
	}
	c.tell(p, done)
	return nil
}

func (c restoredCommand) tell(p *program, done []tenants.RestoredTenant) {
	for _, t := range done {
		fmt.Fprintf(p.out, "%s:", t.Slug)
		for _, what := range slices.Sorted(maps.Keys(t.Ended)) {
			fmt.Fprintf(p.out, " %d %s", t.Ended[what], what)
		}
		fmt.Fprintln(p.out)
	}
	fmt.Fprintln(p.errOut, "Everybody signs in anew. Access tokens that are JWTs, and were issued before, are taken by APIs until they expire.")
	if !c.RotateKeys {
		fmt.Fprintln(p.errOut, "The signing keys are those of the copy. If one was revoked after it was made, run this again with --rotate-keys.")
	}
}
