package console

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/token"
	"github.com/lanyard-id/lanyard/tenants"
)

const scopes = "openid profile email " + lanyard.ScopeManage

// ticket is a sign-in that this browser began: what it sends and brings back is derived from
// the secret in its cookie, so that nothing else has to be kept.
type ticket struct{ secret lanyard.Secret }

func (t ticket) derive(what string) string {
	sum := sha256.Sum256([]byte("console " + what + " " + t.secret.Reveal()))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// verifier is for PKCE, which binds the code to this browser as a nonce would (RFC 9700 §2.1.1).
func (t ticket) verifier() string { return t.derive("verifier") }

func (t ticket) challenge() string {
	sum := sha256.Sum256([]byte(t.verifier()))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// state says where to go afterwards, under a mark that only this browser's secret makes.
func (t ticket) state(to string) string {
	body := base64.RawURLEncoding.EncodeToString([]byte(to))
	return t.derive("state "+body) + "." + body
}

// open is where the state leads; false for one that is not this browser's.
func (t ticket) open(state string) (string, bool) {
	mark, body, found := strings.Cut(state, ".")
	if !found || t.secret.IsZero() || subtle.ConstantTimeCompare([]byte(mark), []byte(t.derive("state "+body))) != 1 {
		return "", false
	}
	to, err := base64.RawURLEncoding.DecodeString(body)
	return string(to), err == nil
}

// maxBack bounds the address that a sign-in brings back, in bytes.
const maxBack = 1 << 10

// signInFirst leads to the sign-in and back to this page.
func (c *Console) signInFirst(x *visit) error {
	target := web.Local(x.site, base+pathSignIn, query("to", x.here()))
	if partial(x.c) {
		x.c.Header("HX-Redirect", target.Location())
		x.c.Status(http.StatusNoContent)
		return nil
	}
	web.Redirect(x.c.Writer, x.c.Request, target)
	return nil
}

// here is the page that was asked for, as an address of the console.
func (x *visit) here() string {
	r := x.c.Request
	page := x.root + x.area
	if asked, err := url.ParseRequestURI(r.RequestURI); err == nil && r.Method == http.MethodGet { // the tenant of the path was cut off
		page = strings.TrimPrefix(asked.Path, x.site.Prefix)
	}
	if r.Method == http.MethodGet && r.URL.RawQuery != "" && len(r.URL.RawQuery) < maxBack {
		page += "?" + r.URL.RawQuery
	}
	return page
}

// local is a place in the console to go back to; anything else is its first page.
func local(s web.Site, to string) web.Target {
	u, err := url.Parse(to)
	if err != nil || len(to) > 2*maxBack || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || !Serves(u.Path) || path.Clean(u.Path) != u.Path || u.Path == pathCallback || u.Path == base+pathSignIn {
		return web.Local(s, base, nil)
	}
	return web.Local(s, u.Path, u.Query())
}

func (c *Console) getSignIn(g *gin.Context) error {
	ctx, s := g.Request.Context(), web.SiteOf(g.Request.Context())
	live := tenants.FromContext(ctx)
	if err := live.EnsureConsole(ctx, c.Clock.Now()); err != nil {
		return err
	}
	t := ticket{web.ConsoleSignIn(g.Request, s)} // a second tab signs in with the first one's
	if t.secret.IsZero() {
		t.secret = lanyard.NewSecret()
	}
	web.SetConsoleSignIn(g.Writer, s, t.secret)
	web.Redirect(g.Writer, g.Request, web.Local(s, "/oauth/authorize", query(
		"client_id", string(lanyard.ConsoleClient), "redirect_uri", live.Issuer+pathCallback, "response_type", "code", "scope", scopes,
		"state", t.state(g.Query("to")), "code_challenge", t.challenge(), "code_challenge_method", lanyard.ChallengeS256, "prompt", prompt(g),
	)))
	return nil
}

// prompt lets somebody choose another account than the one that is signed in.
func prompt(g *gin.Context) string {
	if g.Query("account") == "other" {
		return "select_account"
	}
	return ""
}

func (c *Console) getCallback(g *gin.Context) error {
	ctx, s := g.Request.Context(), web.SiteOf(g.Request.Context())
	t := ticket{web.ConsoleSignIn(g.Request, s)}
	to, ours := t.open(g.Query("state"))
	if !ours {
		return c.foreignAnswer(g)
	}
	if g.Query("error") != "" {
		return c.showRefused(g, to)
	}
	live := tenants.FromContext(ctx)
	client, err := live.Client(ctx, lanyard.ConsoleClient)
	if err != nil {
		return err
	}
	web.NoteClient(ctx, client.ID)
	made, err := c.Issuer.Redeem(ctx, live, token.Redemption{
		Client: client, Code: lanyard.SecretOf(g.Query("code")), RedirectURI: live.Issuer + pathCallback, Verifier: t.verifier(),
	})
	if lanyard.KindOf(err) == lanyard.Invalid {
		return c.foreignAnswer(g)
	}
	if err != nil {
		return err
	}
	web.ClearConsoleSignIn(g.Writer, s)
	web.SetConsole(g.Writer, s, lanyard.SecretOf(made.AccessToken), made.ExpiresIn)
	web.Redirect(g.Writer, g.Request, local(s, to))
	return nil
}

// foreignAnswer is an answer that this browser did not ask for, or one that came twice.
func (c *Console) foreignAnswer(g *gin.Context) error {
	if x, err := c.enter(g, anyAdministrator); err == nil {
		web.Redirect(g.Writer, g.Request, web.Local(x.site, base, nil))
		return nil
	}
	s := web.SiteOf(g.Request.Context())
	return c.message(g, http.StatusBadRequest, message{
		Title: "This sign-in can not be used", Texts: []string{"It was used before, has expired, or began in another browser."},
		Link: link{"Sign in again", web.Local(s, base+pathSignIn, nil).Location()},
	})
}

// refusals are the answers of the authorization endpoint that have words of their own.
var refusals = map[string]string{
	lanyard.ErrAccessDenied.Code: "The sign-in was cancelled.",
	lanyard.ErrUnavailable.Code:  "The sign-in is not available at the moment.",
	"server_error":               "Something went wrong on our side.",
}

func (c *Console) showRefused(g *gin.Context, to string) error {
	text := refusals[g.Query("error")]
	if text == "" {
		text = "The sign-in did not end with an account that may be used here."
	}
	s := web.SiteOf(g.Request.Context())
	return c.message(g, http.StatusForbidden, message{
		Title: "You are not signed in", Texts: []string{text},
		Link: link{"Sign in", web.Local(s, base+pathSignIn, query("to", to)).Location()},
	})
}

// showEnded says that a form came after the sign-in had ended.
func (c *Console) showEnded(x *visit) error {
	return c.message(x.c, http.StatusForbidden, message{
		Title: "Your sign-in ended", Texts: []string{"Nothing was changed. Sign in and send the form again."},
		Link: link{"Sign in", web.Local(x.site, base+pathSignIn, query("to", x.here())).Location()},
	})
}

// showNobody says to somebody who is signed in that there is nothing for them.
func (c *Console) showNobody(x *visit) error {
	return c.message(x.c, http.StatusForbidden, message{
		Title:  "You do not administer this tenant",
		Texts:  []string{"Your account has no role that allows anything here. An administrator can give you one."},
		Link:   link{"Go to your account", x.site.Path("/account")},
		Others: []link{{"Use another account", web.Local(x.site, base+pathSignIn, query("account", "other")).Location()}}, SignOut: x.site.Path(base + pathSignOut),
	})
}

// postSignOut ends the sign-in to the console and leads on to that of the issuer.
func (c *Console) postSignOut(g *gin.Context) error {
	ctx, s := g.Request.Context(), web.SiteOf(g.Request.Context())
	if presented := web.Console(g.Request, s); !presented.IsZero() {
		if err := c.Issuer.Revoke(ctx, tenants.FromContext(ctx), lanyard.ConsoleClient, presented.Reveal()); err != nil {
			return err
		}
	}
	web.ClearConsole(g.Writer, s)
	web.Redirect(g.Writer, g.Request, web.Local(s, "/oauth/logout", nil))
	return nil
}
