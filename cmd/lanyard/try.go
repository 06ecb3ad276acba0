package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"
	"golang.org/x/oauth2"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	loginui "github.com/lanyard-id/lanyard/login-ui"
)

// try is the tiny relying party of the development server. It knows nothing but
// the issuer, a client id and a secret, and talks to the endpoints over HTTP.
type try struct {
	app   *App
	pages *loginui.Pages

	mu   sync.Mutex
	runs map[string]*tryRun
}

// tryRun is one browser's visit.
type tryRun struct {
	verifier string
	nonce    string
	tokens   tryTokens
	problem  oauthProblem
	userinfo string
}

type tryTokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
}

type oauthProblem struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

const (
	pathTryCallback = "/dev/try/callback"
	// tryCookie is not one of the product's cookies: /dev/try is a relying party.
	tryCookie = "lanyard-try"
	// maxTryRuns bounds what a development server remembers.
	maxTryRuns = 100
)

func newTry(app *App, pages *loginui.Pages) *try {
	return &try{app: app, pages: pages, runs: map[string]*tryRun{}}
}

func (t *try) routes() []web.Route {
	route := func(method, path string, h web.Handler) web.Route {
		return web.Route{Method: method, Path: path, Kind: web.Page, Access: web.Development, CSRF: web.CSRFSameOrigin, CORS: web.CORSNone, Handler: h}
	}
	return []web.Route{
		route(http.MethodGet, loginui.PathTry, t.show),
		route(http.MethodPost, loginui.PathTryStart, t.start),
		route(http.MethodGet, pathTryCallback, t.callback),
		route(http.MethodPost, loginui.PathTryRefresh, t.refresh),
		route(http.MethodPost, loginui.PathTryUserinfo, t.userinfo),
		route(http.MethodPost, loginui.PathTryLogout, t.logout),
	}
}

func (t *try) show(c *gin.Context) error {
	run := t.of(c)
	if run == nil {
		run = &tryRun{}
	}
	page := loginui.TryPage{
		ErrorCode: run.problem.Code, Description: run.problem.Description, Userinfo: run.userinfo, MayRefresh: run.tokens.Refresh != "",
	}
	for _, token := range []struct{ name, raw string }{{"ID token", run.tokens.ID}, {"Access token", run.tokens.Access}, {"Refresh token", run.tokens.Refresh}} {
		if token.raw != "" {
			page.Tokens = append(page.Tokens, loginui.DecodeToken(token.name, token.raw))
		}
	}
	if run.tokens.ID != "" {
		page.Name = nameIn(run.tokens.ID)
	}
	return t.pages.Try(c, page)
}

// nameIn reads who an ID token is about; it was checked when it came.
func nameIn(idToken string) string {
	var claims struct {
		Name    string `json:"name"`
		Email   string `json:"email"`
		Subject string `json:"sub"`
	}
	parts := strings.Split(idToken, ".")
	if len(parts) == 3 {
		_ = json.Unmarshal(decodePart(parts[1]), &claims)
	}
	for _, name := range []string{claims.Name, claims.Email, claims.Subject} {
		if name != "" {
			return name
		}
	}
	return ""
}

func (t *try) start(c *gin.Context) error {
	run := &tryRun{verifier: oauth2.GenerateVerifier(), nonce: lanyard.NewSecret().Reveal()}
	state := t.remember(run)
	http.SetCookie(c.Writer, &http.Cookie{Name: t.cookieName(), Value: state, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: t.app.Issuer.Scheme == "https"})
	web.Redirect(c.Writer, c.Request, web.Local(web.SiteOf(c.Request.Context()), "/oauth/authorize", url.Values{
		"response_type": {"code"}, "client_id": {tryClient}, "redirect_uri": {t.app.tryRedirect()}, "state": {state}, "nonce": {run.nonce},
		"scope": {"openid profile email address phone offline_access"}, "code_challenge": {oauth2.S256ChallengeFromVerifier(run.verifier)},
		"code_challenge_method": {"S256"},
	}))
	return nil
}

func (t *try) callback(c *gin.Context) error {
	run := t.of(c)
	if run == nil || c.Query("state") != t.cookie(c) || c.Query("iss") != t.app.Issuer.String() {
		return lanyard.ErrForgedForm
	}
	run.problem = oauthProblem{Code: c.Query("error"), Description: c.Query("error_description")}
	if code := c.Query("code"); code != "" {
		err := t.post(c.Request.Context(), run, url.Values{
			"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {t.app.tryRedirect()}, "code_verifier": {run.verifier},
		})
		if err != nil {
			return err
		}
	}
	return t.back(c)
}

func (t *try) refresh(c *gin.Context) error {
	run := t.of(c)
	if run == nil {
		return t.back(c)
	}
	if err := t.post(c.Request.Context(), run, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {run.tokens.Refresh}}); err != nil {
		return err
	}
	return t.back(c)
}

func (t *try) userinfo(c *gin.Context) error {
	run := t.of(c)
	if run == nil {
		return t.back(c)
	}
	form := url.Values{"access_token": {run.tokens.Access}}
	answer, err := t.app.Fetcher.Post(c.Request.Context(), t.app.Issuer.String()+"/oauth/userinfo", "application/x-www-form-urlencoded", []byte(form.Encode()))
	if err != nil {
		return fmt.Errorf("ask the userinfo endpoint: %w", err)
	}
	run.userinfo = string(answer.Body)
	return t.back(c)
}

func (t *try) logout(c *gin.Context) error {
	run := t.of(c)
	if run == nil {
		return t.back(c)
	}
	t.mu.Lock()
	delete(t.runs, t.cookie(c))
	t.mu.Unlock()
	web.Redirect(c.Writer, c.Request, web.Local(web.SiteOf(c.Request.Context()), "/oauth/logout", url.Values{
		"id_token_hint": {run.tokens.ID}, "post_logout_redirect_uri": {t.app.Issuer.String() + loginui.PathTry},
	}))
	return nil
}

// post asks the token endpoint and keeps what it says.
func (t *try) post(ctx context.Context, run *tryRun, form url.Values) error {
	form.Set("client_id", tryClient)
	form.Set("client_secret", t.app.Dev.TrySecret.Reveal())
	answer, err := t.app.Fetcher.Post(ctx, t.app.Issuer.String()+"/oauth/token", "application/x-www-form-urlencoded", []byte(form.Encode()))
	if err != nil {
		return fmt.Errorf("ask the token endpoint: %w", err)
	}
	run.problem, run.userinfo = oauthProblem{}, ""
	if answer.Status != http.StatusOK {
		run.tokens = tryTokens{}
		return json.Unmarshal(answer.Body, &run.problem)
	}
	return json.Unmarshal(answer.Body, &run.tokens)
}

func (t *try) back(c *gin.Context) error {
	web.Redirect(c.Writer, c.Request, web.Local(web.SiteOf(c.Request.Context()), loginui.PathTry, nil))
	return nil
}

// cookieName is bound to the host where browsers do that, like the names of all other cookies.
func (t *try) cookieName() string {
	if t.app.Issuer.Scheme == "https" {
		return "__Host-" + tryCookie
	}
	return tryCookie
}

func (t *try) cookie(c *gin.Context) string {
	value, err := c.Cookie(t.cookieName())
	if errors.Is(err, http.ErrNoCookie) {
		return ""
	}
	return value
}

func (t *try) of(c *gin.Context) *tryRun {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.runs[t.cookie(c)]
}

func (t *try) remember(run *tryRun) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.runs) >= maxTryRuns {
		clear(t.runs)
	}
	state := lanyard.NewSecret().Reveal()
	t.runs[state] = run
	return state
}
