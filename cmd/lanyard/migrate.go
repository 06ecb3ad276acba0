package main

import (
	"context"
	"fmt"
)

type migrateCommand struct {
	Up     migrateUpCommand     `cmd:"" help:"Apply what is pending."`
	Status migrateStatusCommand `cmd:"" help:"Say what was applied and what is pending; exit 1 if anything is."`
}

type migrateUpCommand struct{ configSource }

// Run applies the migrations.
func (c migrateUpCommand) Run(ctx context.Context, p *program) (err error) {
	config, err := c.load(p, needs{database: true})
	if err != nil {
		return err
	}
	store, err := config.openStore(ctx, false)
	if err != nil {
		return err
	}
	defer closeAfter(&err, store)
	before, err := store.MigrationStatus(ctx)
	if err != nil {
		return err
	}
	if err := store.Migrate(ctx); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "applied %d migrations; the schema is current\n", len(before.Pending))
	return nil
}

type migrateStatusCommand struct{ configSource }

// Run compares the database with the program.
func (c migrateStatusCommand) Run(ctx context.Context, p *program) (err error) {
	config, err := c.load(p, needs{database: true})
	if err != nil {
		return err
	}
	store, err := config.openStore(ctx, false)
	if err != nil {
		return err
	}
	defer closeAfter(&err, store)
	status, err := store.MigrationStatus(ctx)
	if err != nil {
		return err
	}
	for state, names := range map[string][]string{"applied": status.Applied, "pending": status.Pending, "newer than this program": status.Unknown} {
		for _, name := range names {
			fmt.Fprintf(p.out, "%s  %s\n", name, state)
		}
	}
	if !status.Current() {
		return fmt.Errorf("%d migrations are pending", len(status.Pending))
	}
	return nil
}
