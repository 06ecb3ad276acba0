package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/tenants/manifest"
)

// devFolder is where the development server keeps its data.
const devFolder = "data"

type devCommand struct {
	Memory        bool     `help:"Keep the data in a private temporary folder that is removed at exit."`
	Listen        string   `placeholder:"HOST:PORT" help:"Listen there instead of 127.0.0.1:8080 and [::1]:8080; port 0 picks a free one."`
	Issuer        string   `placeholder:"URL" help:"Issuer, if it is not http://localhost:PORT."`
	TLSCert       string   `name:"tls-cert" placeholder:"FILE" help:"Certificate, to serve https."`
	TLSKey        string   `name:"tls-key" placeholder:"FILE" help:"Private key of the certificate."`
	Seed          string   `placeholder:"FILE" help:"Declarative file to start with instead of the built-in one."`
	Redirect      []string `placeholder:"URI" sep:"none" help:"Add a redirect URI to the client web."`
	AllowOutbound []string `placeholder:"HOST:PORT" sep:"none" help:"Let the server call this peer, though it is on this machine."`
	JSON          bool     `name:"json" help:"Print one line of JSON when ready."`
}

// Run serves a seeded tenant until it is told to stop.
func (c devCommand) Run(ctx context.Context, p *program) (err error) {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return usageError("--tls-cert and --tls-key go together")
	}
	seed, err := c.seed(p)
	if err != nil {
		return err
	}
	folder, remove, err := c.folder()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	public, port, err := c.listen()
	if err != nil {
		return err
	}
	config, err := c.config(folder, port)
	if err != nil {
		return errors.Join(err, closeAll(public))
	}
	app, err := config.openDev(ctx, p, c.Memory)
	if err != nil {
		return errors.Join(err, closeAll(public))
	}
	defer closeAfter(&err, app.Store)
	app.Dev = &Development{Seed: seed, TrySecret: lanyard.NewSecret(), Outbox: mail.NewOutbox()}
	if err := errors.Join(app.prepareMail(&config), app.seed(ctx, seed)); err != nil {
		return errors.Join(err, closeAll(public))
	}
	return c.serve(ctx, p, app, public)
}

// seed reads the file that the server starts with.
func (c devCommand) seed(p *program) (manifest.File, error) {
	seed := builtInSeed()
	if c.Seed != "" {
		var err error
		if seed, err = p.readManifest(c.Seed, true); err != nil {
			return manifest.File{}, err
		}
	}
	return seed, addRedirects(&seed, c.Redirect)
}

// folder is where the data goes, and how it is removed at exit.
func (c devCommand) folder() (string, func() error, error) {
	if c.Memory {
		folder, err := os.MkdirTemp("", "lanyard-dev-")
		if err != nil {
			return "", nil, fmt.Errorf("make a temporary folder: %w", err)
		}
		return folder, func() error { return os.RemoveAll(folder) }, nil
	}
	if err := os.MkdirAll(devFolder, 0o700); err != nil {
		return "", nil, fmt.Errorf("make the data folder: %w", err)
	}
	return devFolder, func() error { return nil }, nil
}

// config is the configuration of a development server.
func (c devCommand) config(folder string, port int) (Config, error) {
	config := defaults()
	config.Server.Issuer = c.Issuer
	if c.Issuer == "" {
		scheme := "http"
		if c.TLSCert != "" {
			scheme = "https"
		}
		config.Server.Issuer = scheme + "://localhost:" + strconv.Itoa(port)
	}
	if fault := issuerFault(config.Server.Issuer); fault != "" {
		return Config{}, usageError("the issuer " + fault)
	}
	database := filepath.Join(folder, "lanyard.db")
	key, err := devMasterKey(filepath.Join(folder, "master.key"), database)
	if err != nil {
		return Config{}, err
	}
	config.Database.URL = secretText{lanyard.SecretOf("sqlite:" + database)}
	config.Keys.MasterKey = key
	// The tiny relying party under /dev/try calls the server's own endpoints.
	config.Outbound.Allow = append([]string{peerOf(config.Server.Issuer)}, c.AllowOutbound...)
	if c.TLSCert != "" {
		if config.extraRoots, err = os.ReadFile(c.TLSCert); err != nil {
			return Config{}, fmt.Errorf("read the certificate: %w", err)
		}
	}
	config.Log.Format = "text"
	return config, nil
}

// peerOf is the host and port that an issuer is reached at.
func peerOf(issuer string) string {
	u, err := url.Parse(issuer)
	switch {
	case err != nil:
		return ""
	case u.Port() != "":
		return u.Host
	case u.Scheme == "https":
		return net.JoinHostPort(u.Hostname(), "443")
	}
	return net.JoinHostPort(u.Hostname(), "80")
}

// devMasterKey reads the master key of the data folder. It makes one only
// together with a new database: another key would not open the old one.
func devMasterKey(path, database string) (secretText, error) {
	_, dbErr := os.Stat(database)
	_, keyErr := os.Stat(path)
	if errors.Is(keyErr, fs.ErrNotExist) {
		if !errors.Is(dbErr, fs.ErrNotExist) {
			return secretText{}, fmt.Errorf("%s is missing, and %s was sealed with it; put it back or remove the database", path, database)
		}
		if err := keys.CreateMasterFile(path); err != nil && !errors.Is(err, fs.ErrExist) {
			return secretText{}, err
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return secretText{}, fmt.Errorf("read the master key: %w", err)
	}
	return secretText{lanyard.SecretOf(string(text))}, nil
}

// seed brings the database to what the seed says, and the default tenant with it.
func (a *App) seed(ctx context.Context, seed manifest.File) error {
	if err := a.prepare(ctx); err != nil {
		return err
	}
	for _, file := range []manifest.File{seed, a.trySeed()} {
		if _, err := manifest.Apply(ctx, a.manifestDeps(), file, a.Clock.Now()); err != nil {
			return fmt.Errorf("apply the seed: %w", err)
		}
	}
	return nil
}

func (c devCommand) serve(ctx context.Context, p *program, app *App, public []net.Listener) error {
	wrapped, err := withTLS(public, c.TLSCert, c.TLSKey)
	if err != nil {
		return errors.Join(err, closeAll(public))
	}
	ops, err := listenNear(devOperationsPort)
	if err != nil {
		return errors.Join(err, closeAll(public))
	}
	s := &server{app: app, operations: &operations{app: app}, public: wrapped, ops: ops, holder: holder()}
	if app.Traces, err = p.startTraces(ctx, app.Log, s.holder); err != nil {
		return errors.Join(err, closeAll(public), ops.Close())
	}
	s.started = func() error {
		report := newDevReport(app, ops)
		if c.JSON {
			return report.writeJSON(p.out)
		}
		return report.writeText(p.out)
	}
	if p.stopSignals != nil {
		context.AfterFunc(ctx, p.stopSignals)
	}
	return s.run(ctx)
}

// openDev opens the database of a development server and brings its schema up to date.
func (c *Config) openDev(ctx context.Context, p *program, ephemeral bool) (*App, error) {
	c.ephemeral = ephemeral
	app, err := c.openApp(ctx, p, true)
	if err != nil {
		return nil, err
	}
	if err := app.Store.Migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("migrate: %w", err), app.Store.Close())
	}
	return app, nil
}

func (r devReport) at(path string) string {
	u, err := url.JoinPath(r.Issuer, path)
	if err != nil {
		return r.Issuer + path
	}
	return u
}
