package server

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/internal/fetch"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/keys"
	loginui "github.com/lanyard-id/lanyard/login-ui"
	"github.com/lanyard-id/lanyard/login-ui/console"
	"github.com/lanyard-id/lanyard/provider"
	"github.com/lanyard-id/lanyard/provider/federation"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/provider/token"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/adminapi"
	"github.com/lanyard-id/lanyard/tenants/management"
	"github.com/lanyard-id/lanyard/tenants/manifest"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// Parts is what a server is made of.
type Parts struct {
	Store  *storage.Store
	Sealer lanyard.Sealer
	Keeper *keys.Keeper
	Hasher *accounts.Hasher
	Clock  clock.Clock
	Log    *slog.Logger
	// Issuer is the issuer of the default tenant, without a trailing slash.
	Issuer  *url.URL
	Proxies web.Proxies
	// Fetcher makes every request to other servers.
	Fetcher *fetch.Client
	// TelegramKey signs the data of Mini Apps in place of Telegram's own key; only tests have one.
	TelegramKey ed25519.PublicKey
	// Version is that of the server; empty where it does not matter.
	Version string
	// Resolver looks up the TXT records of domains.
	Resolver organizations.Resolver
	// Observers; nil is fine.
	ObserveRequest func(route, method string, code int, d time.Duration)
	ObserveLogin   func(method, result string)
	ObserveTokens  func(grantType string)
	// Tracing begins the span of every request; the zero value begins none.
	Tracing web.Tracing
	// Development is set on a development server only; More adds its routes.
	Development loginui.Development
	More        func(*loginui.Pages) []web.Route
}

// Handler is the public handler, and the routes behind it for tests that walk them.
type Handler struct {
	http.Handler
	Routes []web.Route
	// API is the management API, Console the pages over it.
	API     *adminapi.API
	Console *console.Console
	// Directory has the tenants as requests see them.
	Directory *tenants.Directory
}

// New builds the public handler.
func New(p Parts) (*Handler, error) {
	people := accounts.New(p.Hasher, p.Sealer)
	upstreams, err := federation.New(p.Fetcher, p.Clock, p.Sealer)
	if err != nil {
		return nil, err
	}
	if p.TelegramKey != nil {
		upstreams.TelegramKey = p.TelegramKey
	}
	orgs := &organizations.Organizations{Accounts: people, Resolver: p.Resolver, Upstreams: upstreams}
	signIn := &flow.Flow{Accounts: people, Organizations: orgs, Upstreams: upstreams, Sealer: p.Sealer, Clock: p.Clock, Observe: p.ObserveLogin, Serves: web.NoteClient}
	pages, err := loginui.New(loginui.Config{
		Flow: signIn, Recovery: people, Accounts: people, SignIn: signIn,
		Organizations: orgs, Entrance: signIn, DeviceAuthorizations: signIn,
		Setup: &tenants.Setup{Hasher: p.Hasher, Clock: p.Clock}, Development: p.Development, Clock: p.Clock,
	})
	if err != nil {
		return nil, err
	}
	issuer := &token.Issuer{Clock: p.Clock, Observe: p.ObserveTokens}
	dev := p.Development != nil
	protocol, err := provider.New(provider.Provider{
		Flow: signIn, Issuer: issuer, Pages: pages, Clock: p.Clock, Log: p.Log, Dev: dev,
	})
	if err != nil {
		return nil, err
	}
	directory := &tenants.Directory{Store: p.Store, Sealer: p.Sealer, Clock: p.Clock, Base: p.Issuer}
	administration := &management.Management{
		Store: p.Store, Directory: directory, Accounts: people, Organizations: orgs, Keeper: p.Keeper, Sealer: p.Sealer, Clock: p.Clock, CheckURL: p.Fetcher.Check,
		Manifest: manifest.Deps{Store: p.Store, Keeper: p.Keeper, Hasher: p.Hasher, Organizations: orgs, Issuer: directory.Issuer},
		Parse:    manifest.Options{CheckKey: federation.CheckKey},
	}
	api, err := adminapi.New(administration, issuer)
	if err != nil {
		return nil, err
	}
	desk, err := console.New(console.Config{Management: administration, Issuer: issuer, Flow: signIn, Clock: p.Clock, Version: p.Version})
	if err != nil {
		return nil, err
	}
	routes := slices.Concat(protocol.Routes(), pages.Routes(), api.Routes(), desk.Routes())
	if p.More != nil {
		routes = append(routes, p.More(pages)...)
	}
	engine, err := web.NewEngine(routes, web.Options{
		Clock: p.Clock, Log: p.Log, Proxies: p.Proxies, RegisteredOrigin: p.registeredOrigin,
		Observe: p.ObserveRequest,
		RenderError: web.RenderByPath(pages.RenderError,
			web.PathErrors{Serves: adminapi.Serves, Render: adminapi.RenderError}, web.PathErrors{Serves: console.Serves, Render: desk.RenderError}),
	})
	if err != nil {
		return nil, fmt.Errorf("build the engine: %w", err)
	}
	sites := &provider.Sites{Directory: directory, Next: &across{directory: directory, next: engine}, Log: p.Log, Observe: p.ObserveRequest, Tracing: p.Tracing, Dev: dev, Aliases: p.aliases()}
	return &Handler{Handler: sites, Routes: routes, API: api, Console: desk, Directory: directory}, nil
}

// registeredOrigin tells whether a client of the request's tenant has the origin;
// when that can not be read, no origin is known.
func (p Parts) registeredOrigin(ctx context.Context, origin string) bool {
	known, err := tenants.FromContext(ctx).RegisteredOrigin(ctx, origin)
	if err != nil {
		p.Log.WarnContext(ctx, "reading the registered origins", "error", err)
	}
	return known
}

// aliases are the loopback spellings of a development server's host, that lead to its issuer.
func (p Parts) aliases() []string {
	if p.Development == nil || !lanyard.IsLoopbackHost(p.Issuer.Hostname()) {
		return nil
	}
	var out []string
	for _, host := range []string{"127.0.0.1", "[::1]", "localhost"} {
		if port := p.Issuer.Port(); port != "" {
			host += ":" + port
		}
		if host != p.Issuer.Host {
			out = append(out, host)
		}
	}
	return out
}
