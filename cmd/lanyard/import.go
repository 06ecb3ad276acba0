package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/lanyard-id/lanyard/provider/federation"
	"github.com/lanyard-id/lanyard/tenants/imports"
	"github.com/lanyard-id/lanyard/tenants/manifest"
)

type importCommand struct {
	Users    importUsers    `cmd:"" help:"Users as CSV or JSON lines, with hashes of Argon2, bcrypt, scrypt or PBKDF2."`
	Keycloak importKeycloak `cmd:"" help:"A realm export of Keycloak."`
	Auth0    importAuth0    `cmd:"" help:"Users of Auth0."`
}

// importFlags are those of every import.
type importFlags struct {
	configSource
	File   string `short:"f" required:"" placeholder:"FILE" help:"What to read; - for standard input."`
	Tenant string `default:"default" placeholder:"SLUG" help:"Tenant to import into."`
	DryRun bool   `help:"Only say what would be imported, and what not."`
}

type importUsers struct {
	importFlags
	Format string `enum:"csv,jsonl,auto" default:"auto" help:"csv or jsonl; by the name of the file without."`
}

// Run imports users.
func (c importUsers) Run(ctx context.Context, p *program) error {
	read := imports.CSV
	if c.Format == "jsonl" || (c.Format == "auto" && !strings.HasSuffix(c.File, ".csv")) {
		read = imports.JSONLines
	}
	return c.run(ctx, p, read)
}

type importKeycloak struct{ importFlags }

// Run imports a realm.
func (c importKeycloak) Run(ctx context.Context, p *program) error {
	return c.run(ctx, p, imports.Keycloak)
}

type importAuth0 struct{ importFlags }

// Run imports users.
func (c importAuth0) Run(ctx context.Context, p *program) error { return c.run(ctx, p, imports.Auth0) }

func (c importFlags) run(ctx context.Context, p *program, read func(io.Reader) (imports.Result, error)) (err error) {
	in := p.input()
	if c.File != "-" {
		file, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	result, err := read(in)
	if err != nil {
		return fmt.Errorf("read %s: %w", c.File, err)
	}
	for _, line := range result.Left {
		fmt.Fprintln(p.errOut, "left:", cell(line))
	}
	if c.DryRun {
		fmt.Fprintf(p.out, "%d users, %d clients, %d roles, %d organizations\n", len(result.Users), len(result.Clients), len(result.Roles), len(result.Organizations))
		return nil
	}
	config, err := c.load(p, needs{database: true, keys: true})
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
	if _, err := app.Store.TenantBySlug(ctx, c.Tenant); err != nil {
		return fmt.Errorf("tenant %s: %w", c.Tenant, err)
	}
	return c.apply(ctx, p, app, result)
}

// importBatch is how many users are written in one transaction.
const importBatch = 200

// apply writes what was read, in transactions of bounded size. An entry that breaks a
// rule is said and left out; the others are written.
func (c importFlags) apply(ctx context.Context, p *program, app *App, result imports.Result) error {
	w := importer{tenant: c.Tenant, p: p, app: app}
	for _, list := range []struct {
		name    string
		entries []imports.Entry
		batch   int
	}{{"roles", result.Roles, importBatch}, {"users", result.Users, importBatch}, {"clients", result.Clients, 1}, {"organizations", result.Organizations, 1}} {
		for from := 0; from < len(list.entries); from += list.batch {
			batch := list.entries[from:min(from+list.batch, len(list.entries))]
			if err := w.write(ctx, list.name, batch); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(p.out, "%d created, %d updated, %d unchanged, %d refused\n", w.summary.Created, w.summary.Updated, w.summary.Unchanged, w.refused)
	if w.refused > 0 {
		return fmt.Errorf("%d entries were refused", w.refused)
	}
	return nil
}

type importer struct {
	tenant  string
	p       *program
	app     *App
	summary manifest.Summary
	refused int
}

// write applies a batch and, if that is refused, each of its entries by itself.
func (w *importer) write(ctx context.Context, name string, batch []imports.Entry) error {
	summary, err := w.try(ctx, name, batch)
	if err == nil {
		w.summary.Created += summary.Created
		w.summary.Updated += summary.Updated
		w.summary.Unchanged += summary.Unchanged
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if len(batch) == 1 {
		w.refused++
		fmt.Fprintf(w.p.errOut, "refused: %s: %s\n", entryName(batch[0]), cell(err.Error()))
		return nil
	}
	for _, entry := range batch {
		if err := w.write(ctx, name, []imports.Entry{entry}); err != nil {
			return err
		}
	}
	return nil
}

func (w *importer) try(ctx context.Context, name string, batch []imports.Entry) (manifest.Summary, error) {
	data, err := json.Marshal(map[string]any{"version": 1, "tenants": []any{map[string]any{"slug": w.tenant, name: batch}}})
	if err != nil {
		return manifest.Summary{}, err
	}
	file, err := manifest.Parse(data, manifest.Options{
		AllowInline: true, Getenv: func(string) (string, bool) { return "", false }, ReadFile: func(string) ([]byte, error) { return nil, os.ErrNotExist },
		CheckKey: federation.CheckKey,
	})
	if err != nil {
		return manifest.Summary{}, err
	}
	return manifest.Apply(ctx, w.app.manifestDeps(), file, w.p.clock.Now())
}

func entryName(e imports.Entry) string {
	for _, name := range []string{"email", "username", "sub", "client_id", "slug", "name"} {
		if text, isText := e[name].(string); isText {
			return cell(text)
		}
	}
	return "an entry"
}
