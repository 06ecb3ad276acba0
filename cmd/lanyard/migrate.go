package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/lanyard-id/lanyard/storage"
)

type migrateCommand struct {
	Up     migrateUpCommand     `cmd:"" help:"Apply what is pending."`
	Status migrateStatusCommand `cmd:"" help:"Say what was applied and what is pending; exit 1 if anything is."`
}

type migrateUpCommand struct {
	configSource
	DryRun bool `help:"Only show what would be done, statement by statement; exits with 3 if that is anything."`
}

// Run prints the plan and carries it out.
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
	plan, err := store.MigrationPlan(ctx)
	if err != nil {
		return err
	}
	for _, m := range plan {
		fmt.Fprintf(p.out, "%s  %s\n", m.Name, m.Title)
		if c.DryRun {
			p.statements(m)
		}
	}
	if c.DryRun && len(plan) > 0 {
		return errDifferent
	}
	if len(plan) > 0 {
		if err := store.Migrate(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintf(p.out, "applied %d migrations; the schema is current\n", len(plan))
	return nil
}

func (p *program) statements(m storage.PlannedMigration) {
	for _, statement := range m.Statements {
		fmt.Fprintln(p.out, "  "+strings.ReplaceAll(statement, "\n", "\n  "))
	}
}

type migrateStatusCommand struct {
	configSource
	Output string `short:"o" enum:"table,json,yaml" default:"table" help:"table, json or yaml."`
}

// migrationState is a migration and what became of it.
type migrationState struct {
	Name string `json:"name"`
	// State is applied, pending, or newer for one that this program does not know.
	State string `json:"state"`
}

// statesOf lists all migrations in order: those that are newer come last, as their names do.
func statesOf(status storage.MigrationStatus) []migrationState {
	out := []migrationState{}
	for _, some := range []struct {
		state string
		names []string
	}{{"applied", status.Applied}, {"pending", status.Pending}, {"newer", status.Unknown}} {
		for _, name := range some.names {
			out = append(out, migrationState{name, some.state})
		}
	}
	return out
}

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
	if err := p.showMigrations(c.Output, statesOf(status)); err != nil {
		return err
	}
	if !status.Current() {
		return fmt.Errorf("%d migrations are pending", len(status.Pending))
	}
	return nil
}

func (p *program) showMigrations(form string, states []migrationState) error {
	if form != "table" {
		return p.show(form, states, nil)
	}
	for _, m := range states {
		state := m.State
		if state == "newer" {
			state = "newer than this program"
		}
		fmt.Fprintf(p.out, "%s  %s\n", m.Name, state)
	}
	return nil
}
