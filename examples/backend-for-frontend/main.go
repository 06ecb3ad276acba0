// Command backend-for-frontend signs people in for a page in the browser and keeps their
// tokens from it: they are in cookies that script can not read, sealed under a key
// of this program. The page asks this program, which asks with the token.
package main

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

//go:embed page
var page embed.FS

// app is the program: its client at Lanyard, and what it keeps in cookies.
type app struct {
	base     string
	provider *oidc.Provider
	client   oauth2.Config
	verifier *oidc.IDTokenVerifier
	endpoint struct {
		EndSession string `json:"end_session_endpoint"`
	}
	sealer sealer
	turns  turns
	// ahead is how long before its end an access token is refreshed.
	ahead time.Duration
}

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	a, err := newApp(ctx)
	if err != nil {
		return err
	}
	files, err := fs.Sub(page, "page")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(files))
	mux.HandleFunc("GET /login", a.login)
	mux.HandleFunc("GET /callback", a.callback)
	mux.HandleFunc("GET /api/me", a.me)
	mux.HandleFunc("POST /logout", a.logout)

	// A form or script of another site changes nothing here: browsers say where a
	// request comes from (Sec-Fetch-Site, Origin), and this refuses the others.
	handler := http.NewCrossOriginProtection().Handler(mux)
	server := &http.Server{Addr: net.JoinHostPort("127.0.0.1", os.Getenv("PORT")), Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	fmt.Printf("{\"listening\": %q}\n", a.base)
	return server.ListenAndServe()
}

func newApp(ctx context.Context) (*app, error) {
	setting := map[string]string{}
	for _, name := range []string{"ISSUER", "CLIENT_ID", "CLIENT_SECRET", "SESSION_SECRET", "BASE_URL", "PORT"} {
		if setting[name] = os.Getenv(name); setting[name] == "" {
			return nil, fmt.Errorf("set %s, as README.md says", name)
		}
	}
	provider, err := oidc.NewProvider(ctx, setting["ISSUER"])
	if err != nil {
		return nil, err
	}
	a := &app{base: setting["BASE_URL"], provider: provider, ahead: 30 * time.Second}
	if text := os.Getenv("REFRESH_AHEAD"); text != "" {
		if a.ahead, err = time.ParseDuration(text); err != nil {
			return nil, fmt.Errorf("REFRESH_AHEAD: %w", err)
		}
	}
	a.client = oauth2.Config{
		ClientID: setting["CLIENT_ID"], ClientSecret: setting["CLIENT_SECRET"], Endpoint: provider.Endpoint(),
		RedirectURL: a.base + "/callback", Scopes: []string{oidc.ScopeOpenID, "profile", "email"},
	}
	a.verifier = provider.Verifier(&oidc.Config{ClientID: a.client.ClientID})
	if a.sealer, err = newSealer(setting["SESSION_SECRET"], a.base); err != nil {
		return nil, err
	}
	return a, provider.Claims(&a.endpoint)
}
