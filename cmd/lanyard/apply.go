package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/provider/federation"
	"github.com/lanyard-id/lanyard/tenants/manifest"
)

type applyCommand struct {
	configSource
	File string `short:"f" required:"" placeholder:"FILE" help:"Declarative file."`
}

// Run brings the database to what the file says.
func (c applyCommand) Run(ctx context.Context, p *program) (err error) {
	config, err := c.load(p, needs{database: true, keys: true})
	if err != nil {
		return err
	}
	file, err := p.readManifest(c.File, false)
	if err != nil {
		return err
	}
	if err := refuseDevelopmentSecrets(file); err != nil {
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
	summary, err := manifest.Apply(ctx, app.manifestDeps(), file, p.clock.Now())
	if err != nil {
		return fmt.Errorf("apply %s: %w", c.File, err)
	}
	removed := ""
	if file.Prune {
		removed = fmt.Sprintf(", %d removed", summary.Removed)
	}
	fmt.Fprintf(p.out, "%d created, %d updated%s, %d unchanged\n", summary.Created, summary.Updated, removed, summary.Unchanged)
	return nil
}

// readManifest reads a declarative file; files that it names are beside it.
func (p *program) readManifest(path string, allowInline bool) (manifest.File, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return manifest.File{}, fmt.Errorf("read the declarative file: %w", err)
	}
	file, err := manifest.Parse(data, manifest.Options{
		AllowInline: allowInline,
		Getenv:      p.getenv,
		ReadFile: func(name string) ([]byte, error) {
			if !filepath.IsAbs(name) {
				name = filepath.Join(filepath.Dir(path), name)
			}
			return os.ReadFile(name)
		},
		CheckKey: federation.CheckKey,
	})
	if err != nil {
		return manifest.File{}, withName(path, err)
	}
	return file, nil
}

// refuseDevelopmentSecrets refuses a file with a secret that everybody can read in our seed.
func refuseDevelopmentSecrets(file manifest.File) error {
	known := map[string]bool{}
	eachSecret(builtInSeed(), func(_ string, s lanyard.Secret) { known[s.Reveal()] = true })
	var err error
	eachSecret(file, func(whose string, s lanyard.Secret) {
		if known[s.Reveal()] {
			err = fmt.Errorf("%s has a secret of the development seed, which everybody knows", whose)
		}
	})
	return err
}

// eachSecret walks the secrets of a file.
func eachSecret(file manifest.File, see func(whose string, secret lanyard.Secret)) {
	for _, t := range file.Tenants {
		for _, u := range t.Users {
			if !u.Password.Value.IsZero() {
				see("user "+u.SignInName(), u.Password.Value)
			}
		}
		for _, c := range t.Clients {
			if !c.Secret.Value.IsZero() {
				see("client "+string(c.ID), c.Secret.Value)
			}
		}
		eachConnectionSecret(t.Connections, see)
		eachCode(t.Invitations, see)
		for _, o := range t.Organizations {
			eachConnectionSecret(o.Connections, see)
			eachCode(o.Invitations, see)
		}
	}
}

func eachConnectionSecret(all []manifest.Connection, see func(whose string, secret lanyard.Secret)) {
	for _, c := range all {
		for _, secret := range []lanyard.Secret{c.Secret.Value, c.PrivateKey.Value, c.BotToken.Value} {
			if !secret.IsZero() {
				see("connection "+c.Name, secret)
			}
		}
	}
}

func eachCode(all []manifest.Invitation, see func(whose string, secret lanyard.Secret)) {
	for _, i := range all {
		if !i.Code.Value.IsZero() {
			see("an invitation", i.Code.Value)
		}
	}
}
