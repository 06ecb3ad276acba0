package loginui

import (
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
)

// logoutView asks whether to sign out (L19).
type logoutView struct {
	*frame
	Hidden   []field
	Accounts []account
	Stay     string
}

// field is one hidden field of a form.
type field struct{ Name, Value string }

// fieldsOf lists parameters by name, repeats in their order.
func fieldsOf(values url.Values) []field {
	var out []field
	for _, name := range sortedKeys(values) {
		for _, v := range values[name] {
			out = append(out, field{name, v})
		}
	}
	return out
}

// LogoutConfirm asks the person to confirm. The form posts the hidden fields to
// /oauth/logout; origin is where the browser may be sent after it, empty if
// nowhere. The client may be nil.
func (p *Pages) LogoutConfirm(c *gin.Context, client *lanyard.Client, accounts []lanyard.Account, hidden url.Values, origin string) error {
	f := p.frame(c, nil)
	view := logoutView{frame: f, Hidden: fieldsOf(hidden), Accounts: accountsOf(accounts, p.Clock.Now()), Stay: homeOf(client)}
	key, args := "logout.heading", []any{"Tenant", f.Tenant}
	if client != nil {
		key, args = "logout.heading_app", append(args, "App", appName(client))
	}
	if err := f.heading(key, args...); err != nil {
		return err
	}
	if view.Stay == "" {
		view.Stay = f.Path("/")
	}
	web.FormTo(c.Writer.Header(), origin)
	return p.show(c, http.StatusOK, "logout.html", view)
}

// signedOutView says that it is done.
type signedOutView struct {
	*frame
	Back string
	App  string
}

// SignedOut says that the person is signed out, with a link back to the client
// where it named one. The client may be nil.
func (p *Pages) SignedOut(c *gin.Context, client *lanyard.Client) error {
	f := p.frame(c, nil)
	view := signedOutView{frame: f, Back: homeOf(client)}
	app, err := f.app(client)
	if err != nil {
		return err
	}
	view.App = app
	if err := f.heading("signed_out.heading", "Tenant", f.Tenant); err != nil {
		return err
	}
	return p.show(c, http.StatusOK, "signed_out.html", view)
}
