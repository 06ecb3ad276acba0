package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	loginui "github.com/lanyard-id/lanyard/login-ui"
	"github.com/lanyard-id/lanyard/provider"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/provider/token"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// newHandler puts together what the public listener serves: the tenants' sites
// around one engine that has the routes of protocol and pages.
func newHandler(app *App) (http.Handler, error) {
	signIn := &flow.Flow{Accounts: accounts.New(app.Hasher), Clock: app.Clock, Observe: app.Metrics.LoginAttempt}
	config := loginui.Config{Flow: signIn, Setup: &tenants.Setup{Hasher: app.Hasher, Clock: app.Clock}, Clock: app.Clock}
	if app.Dev != nil {
		config.Development = app
	}
	pages, err := loginui.New(config)
	if err != nil {
		return nil, err
	}
	protocol, err := provider.New(provider.Provider{
		Flow: signIn, Issuer: &token.Issuer{Clock: app.Clock, Observe: app.Metrics.TokenIssued}, Pages: pages,
		Clock: app.Clock, Log: app.Log, Dev: app.Dev != nil,
	})
	if err != nil {
		return nil, err
	}
	routes := slices.Concat(protocol.Routes(), pages.Routes())
	if app.Dev != nil {
		routes = append(routes, newTry(app, pages).routes()...)
	}
	engine, err := web.NewEngine(routes, web.Options{
		Clock: app.Clock, Log: app.Log, Proxies: app.Proxies, RegisteredOrigin: app.registeredOrigin,
		Observe: app.Metrics.Request, RenderError: pages.RenderError,
	})
	if err != nil {
		return nil, fmt.Errorf("build the engine: %w", err)
	}
	directory := &tenants.Directory{Store: app.Store, Sealer: app.Sealer, Clock: app.Clock, Base: app.Issuer}
	return &provider.Sites{Directory: directory, Next: engine, Log: app.Log, Dev: app.Dev != nil, Aliases: app.aliases()}, nil
}

// registeredOrigin tells whether a client of the request's tenant has the origin;
// when that can not be read, no origin is known.
func (a *App) registeredOrigin(ctx context.Context, origin string) bool {
	known, err := tenants.FromContext(ctx).RegisteredOrigin(ctx, origin)
	if err != nil {
		a.Log.WarnContext(ctx, "reading the registered origins", "error", err)
	}
	return known
}

// aliases are the loopback spellings of a development server's host, that lead to its issuer.
func (a *App) aliases() []string {
	if a.Dev == nil || !lanyard.IsLoopbackHost(a.Issuer.Hostname()) {
		return nil
	}
	var out []string
	for _, host := range []string{"127.0.0.1", "[::1]", "localhost"} {
		if port := a.Issuer.Port(); port != "" {
			host += ":" + port
		}
		if host != a.Issuer.Host {
			out = append(out, host)
		}
	}
	return out
}
