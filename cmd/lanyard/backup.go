package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
)

type backupCommand struct {
	configSource
	File string `arg:"" type:"path" help:"The file, which must not be there yet."`
}

// Run copies a SQLite database while it is served. PostgreSQL has its own means.
func (c backupCommand) Run(ctx context.Context, p *program) (err error) {
	config, err := c.load(p, needs{database: true})
	if err != nil {
		return err
	}
	config.existing = true
	store, err := config.openStore(ctx, false)
	if err != nil {
		return err
	}
	defer closeAfter(&err, store)
	if !store.IsSQLite() {
		return usageError("PostgreSQL is backed up by its own means: pg_dump for a moment, a base backup with archived WAL for any moment; see 'Back up and restore' in docs/operate.md")
	}
	err = store.Backup(ctx, c.File)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already, and a backup is never overwritten", c.File)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "backed up to %s\n", c.File)
	fmt.Fprintln(p.errOut, "It opens with the master keys of today only: keep those as long, and apart from it.")
	return nil
}
