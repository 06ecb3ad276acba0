package main

import (
	"net"

	site "github.com/lanyard-id/lanyard/internal/server"
	"github.com/lanyard-id/lanyard/internal/web"
	loginui "github.com/lanyard-id/lanyard/login-ui"
)

// newHandler is what the public listener serves.
func newHandler(app *App) (*site.Handler, error) {
	parts := site.Parts{
		Store: app.Store, Sealer: app.Sealer, Keeper: app.Keeper, Hasher: app.Hasher, Clock: app.Clock, Log: app.Log, Issuer: app.Issuer, Proxies: app.Proxies, Version: version,
		Fetcher:        app.Fetcher,
		Resolver:       net.DefaultResolver,
		ObserveRequest: app.Metrics.Request, ObserveLogin: app.Metrics.LoginAttempt, ObserveTokens: app.Metrics.TokenIssued,
		Tracing: web.Tracing{Tracer: app.Traces.tracer(), Proxies: app.Proxies},
	}
	if app.Dev != nil {
		parts.Development = app
		parts.More = func(pages *loginui.Pages) []web.Route { return newTry(app, pages).routes() }
	}
	return site.New(parts)
}
