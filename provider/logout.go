package provider

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/session"
)

// farewell is a logout request while it is checked (OpenID Connect RP-Initiated Logout §2).
type farewell struct {
	values url.Values
	// client and hint are set when a valid id_token_hint came along.
	client *lanyard.Client
	hint   idTokenHint
	// back is where the browser goes afterwards; empty for our own page.
	back string
}

var errLogout = lanyard.ErrInvalidRequest

// logout is the end_session endpoint by GET.
func (p *Provider) logout(c *gin.Context) error {
	f, err := p.readFarewell(c, c.Request.URL.Query())
	if err != nil {
		return p.refuseLogout(c, err)
	}
	accounts, err := p.signedIn(c)
	if err != nil {
		return err
	}
	if own := sessionOf(accounts, f.hint.SID); own != nil {
		if err := p.endSessions(c, f, []lanyard.Account{*own}); err != nil {
			return err
		}
		return p.leave(c, f)
	}
	if len(accounts) == 0 {
		return p.leave(c, f)
	}
	hidden := url.Values{"confirm": {logoutToken(c)}}
	for _, name := range []string{"id_token_hint", "client_id", "post_logout_redirect_uri", "state"} {
		if v := f.values.Get(name); v != "" {
			hidden.Set(name, v)
		}
	}
	return p.Pages.LogoutConfirm(c, f.client, accounts, hidden, lanyard.Origin(f.back))
}

// logoutPosted takes our own confirmation, known by the browser's token; any other
// form comes from a relying party and is turned into a GET, with the browser's cookies.
func (p *Provider) logoutPosted(c *gin.Context) error {
	form, err := web.PostForm(c.Request)
	if err != nil {
		return err
	}
	confirmed := form.Get("confirm")
	form.Del("confirm")
	f, err := p.readFarewell(c, form)
	if err != nil {
		return p.refuseLogout(c, err)
	}
	if confirmed == "" {
		web.Redirect(c.Writer, c.Request, web.Local(site(c), PathLogout, form))
		return nil
	}
	if !hmac.Equal([]byte(confirmed), []byte(logoutToken(c))) {
		return p.Pages.Error(c, lanyard.ErrForgedForm)
	}
	accounts, err := p.signedIn(c)
	if err != nil {
		return err
	}
	if err := p.endSessions(c, f, accounts); err != nil {
		return err
	}
	return p.leave(c, f)
}

// readFarewell checks the parameters. A redirect is honoured only with a valid
// hint, for a URI registered with its client, byte for byte.
func (p *Provider) readFarewell(c *gin.Context, values url.Values) (farewell, error) {
	f := farewell{values: values}
	if repeated(values) != "" {
		return f, errLogout.Saying("a parameter is repeated")
	}
	if text := values.Get("id_token_hint"); text != "" {
		hint, err := readHint(live(c), text)
		if err != nil {
			return f, errLogout.Saying("id_token_hint is not an ID token of this issuer")
		}
		f.hint = hint
		if f.client, err = live(c).Client(c.Request.Context(), hint.Audience); err != nil {
			return f, clientGone(err)
		}
		web.NoteClient(c.Request.Context(), f.client.ID)
	}
	if id := values.Get("client_id"); id != "" && f.client != nil && id != string(f.client.ID) {
		return f, errLogout.Saying("client_id is not the client of id_token_hint")
	}
	uri := values.Get("post_logout_redirect_uri")
	if uri == "" {
		return f, nil
	}
	if f.client == nil {
		return f, errLogout.Saying("post_logout_redirect_uri needs id_token_hint")
	}
	if !slices.Contains(f.client.PostLogoutRedirectURIs, uri) || lanyard.CheckRedirectURI(uri) != nil {
		return f, errLogout.Saying("post_logout_redirect_uri is not registered for this client")
	}
	f.back = uri
	return f, nil
}

func clientGone(err error) error {
	if errors.Is(err, lanyard.ErrUnknownClient) {
		return errLogout.Saying("the client of id_token_hint is gone")
	}
	return err
}

func (p *Provider) refuseLogout(c *gin.Context, err error) error {
	if lanyard.KindOf(err) != lanyard.Invalid {
		return err
	}
	details := [][2]string{{"post_logout_redirect_uri", c.Request.FormValue("post_logout_redirect_uri")}, {"reason", web.Public(err).Message}}
	p.trace(c, err, details)
	return p.Pages.Error(c, err, details...)
}

// signedIn lists the live sessions of the browser.
func (p *Provider) signedIn(c *gin.Context) ([]lanyard.Account, error) {
	return session.SignedIn(c.Request.Context(), live(c).Scope, web.Browser(c.Request, site(c)), p.Clock.Now())
}

func sessionOf(accounts []lanyard.Account, sid string) *lanyard.Account {
	i := slices.IndexFunc(accounts, func(a lanyard.Account) bool { return string(a.Session.ID) == sid })
	if i < 0 {
		return nil
	}
	return &accounts[i]
}

func (p *Provider) endSessions(c *gin.Context, f farewell, accounts []lanyard.Account) error {
	for _, a := range accounts {
		e := lanyard.Event{At: p.Clock.Now(), Actor: string(a.User.ID)}
		if f.client != nil {
			e.ClientID = f.client.ID
		}
		if err := session.End(c.Request.Context(), live(c).Scope, a.Session, e); err != nil {
			return err
		}
	}
	return nil
}

// leave sends the browser back to the client, or says that it is done.
func (p *Provider) leave(c *gin.Context, f farewell) error {
	if f.back == "" {
		return p.Pages.SignedOut(c, f.client)
	}
	params := url.Values{}
	if state := f.values.Get("state"); state != "" {
		params.Set("state", state)
	}
	answer, err := web.NewAnswer(f.client.PostLogoutRedirectURIs, f.back, params)
	if err != nil {
		return p.refuseLogout(c, err)
	}
	web.Redirect(c.Writer, c.Request, answer.Query())
	return nil
}

// logoutToken proves that the confirmation came from our page in this browser.
func logoutToken(c *gin.Context) string {
	h := hmac.New(sha256.New, []byte(web.Browser(c.Request, site(c)).Reveal()))
	h.Write([]byte("sign out"))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
