package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/manifest"
)

type exportCommand struct {
	configSource
	Tenant  []string `placeholder:"SLUG" help:"Tenants; all without."`
	File    string   `short:"f" placeholder:"FILE" help:"Where to write; standard output without."`
	Secrets string   `placeholder:"FOLDER" help:"Write the secrets that connections and webhooks need as files into this folder, for the file to refer to. Without it the file names environment variables."`
}

// Run writes tenants as a declarative file.
func (c exportCommand) Run(ctx context.Context, p *program) (err error) {
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
	file := manifest.File{Version: 1}
	all, err := app.Store.Tenants(ctx)
	if err != nil {
		return err
	}
	for _, t := range all {
		if len(c.Tenant) > 0 && !slices.Contains(c.Tenant, t.Slug) {
			continue
		}
		exported, err := manifest.Export(ctx, app.Store.Tenant(t.ID), app.Sealer, c.keep(t.Slug), p.clock.Now())
		if err != nil {
			return fmt.Errorf("export tenant %s: %w", t.Slug, err)
		}
		file.Tenants = append(file.Tenants, exported)
	}
	if len(c.Tenant) > 0 && len(file.Tenants) != len(c.Tenant) {
		return errors.New("there is no such tenant")
	}
	text, err := file.Write()
	if err != nil {
		return err
	}
	if c.File == "" {
		_, err = p.out.Write(text)
		return err
	}
	return os.WriteFile(c.File, text, 0o600)
}

// keep says where the secrets of a tenant are: in files that only their owner reads, or
// in variables that somebody sets.
func (c exportCommand) keep(tenant string) manifest.Keep {
	if c.Secrets == "" {
		return func(name string, value lanyard.Secret) (manifest.Secret, error) {
			return manifest.ByEnvironment("SECRET_"+variable(tenant)+"_"+name, value) // two tenants have secrets of the same name
		}
	}
	return func(name string, value lanyard.Secret) (manifest.Secret, error) {
		path := filepath.Join(c.Secrets, tenant+"_"+name)
		if err := os.MkdirAll(c.Secrets, 0o700); err != nil {
			return manifest.Secret{}, err
		}
		full, err := filepath.Abs(path)
		if err != nil {
			return manifest.Secret{}, err
		}
		return manifest.Secret{File: full}, os.WriteFile(path, []byte(value.Reveal()), 0o600)
	}
}

// variable is a slug as a part of the name of an environment variable.
func variable(slug string) string { return strings.ToUpper(strings.ReplaceAll(slug, "-", "_")) }

type diffCommand struct {
	configSource
	File   string `short:"f" required:"" placeholder:"FILE" help:"Declarative file."`
	Output string `short:"o" enum:"table,json,yaml" default:"table" help:"table, json or yaml."`
}

// errDifferent ends a command that found differences.
var errDifferent = errors.New("there are differences")

// Run says what apply would change.
func (c diffCommand) Run(ctx context.Context, p *program) (err error) {
	config, err := c.load(p, needs{database: true, keys: true})
	if err != nil {
		return err
	}
	file, err := p.readManifest(c.File, false)
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
	found, err := manifest.Diff(ctx, app.manifestDeps(), file, p.clock.Now())
	if err != nil {
		return fmt.Errorf("compare with %s: %w", c.File, err)
	}
	different := false
	for _, t := range file.Tenants {
		for _, d := range found[t.Slug] {
			different = true
			if c.Output == "table" {
				fmt.Fprintf(p.out, "%s: %s\n", t.Slug, cell(d.String()))
			}
		}
	}
	if c.Output != "table" {
		if err := p.show(c.Output, found, nil); err != nil {
			return err
		}
	}
	if different {
		return errDifferent
	}
	return nil
}
