package loginui

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants"
)

// Setup makes the first administrator of an instance.
type Setup interface {
	// CheckSetup tells whether the token of a set-up link can still be used;
	// lanyard.ErrNotFound if it was used, has expired or never was.
	CheckSetup(ctx context.Context, live *tenants.Live, token lanyard.Secret) error
	// FinishSetup spends the token and makes the administrator with the profile's
	// Name and Email. lanyard.ErrNotFound is as above; lanyard.ErrBadInput and
	// lanyard.ErrConflict refuse the address, the errors of a new password that, and
	// none of them spends the token.
	FinishSetup(ctx context.Context, live *tenants.Live, token lanyard.Secret, person lanyard.Profile, password lanyard.Secret) error
}

const (
	pathSetup     = "/setup"
	pathSetupDone = "/setup/done"

	maxSetupName    = 200
	maxSetupToken   = 128
	setupTokenParam = "token"
)

// setupView is the page behind the set-up link (L21).
type setupView struct {
	*frame
	Token        string
	Email        string
	Name         string
	MinPassword  int
	FieldProblem map[string]string
}

func (p *Pages) getSetup(c *gin.Context) error {
	token := c.Query(setupTokenParam)
	if err := p.checkSetup(c, token); err != nil {
		return p.setupFault(c, err)
	}
	return p.showSetup(c, &setupView{frame: p.frame(c, nil), Token: token})
}

func (p *Pages) checkSetup(c *gin.Context, token string) error {
	if p.Setup == nil || token == "" || len(token) > maxSetupToken {
		return lanyard.ErrNotFound
	}
	return p.Setup.CheckSetup(c.Request.Context(), live(c), lanyard.SecretOf(token))
}

func (p *Pages) postSetup(c *gin.Context) error {
	form, err := web.PostForm(c.Request)
	if err != nil {
		return err
	}
	token, password := form.Get(setupTokenParam), form.Get("password")
	v := &setupView{frame: p.frame(c, nil), Token: token, Email: strings.TrimSpace(form.Get("username")), Name: strings.TrimSpace(form.Get("name"))}
	if len(password) > maxPassword || len(v.Name) > maxPassword || len(v.Email) > maxPassword {
		return errLongPassword
	}
	if p.Setup == nil || token == "" || len(token) > maxSetupToken {
		return p.setupFault(c, lanyard.ErrNotFound)
	}
	if err := v.check(password); err != nil {
		return err
	}
	if len(v.FieldProblem) > 0 {
		return p.showSetup(c, v)
	}
	err = p.Setup.FinishSetup(c.Request.Context(), live(c), lanyard.SecretOf(token), lanyard.Profile{Name: v.Name, Email: v.Email}, lanyard.SecretOf(password))
	if key := setupProblem(err); key != "" {
		return errors.Join(v.refusePassword(key), p.showSetup(c, v))
	}
	if errors.Is(err, lanyard.ErrBadInput) || errors.Is(err, lanyard.ErrConflict) {
		return errors.Join(v.problem("", "setup.refused"), p.showSetup(c, v))
	}
	if err != nil {
		return p.setupFault(c, err)
	}
	web.Redirect(c.Writer, c.Request, web.Local(site(c), pathSetupDone, nil))
	return nil
}

// check notes what is wrong with each field.
func (v *setupView) check(password string) error {
	_, badEmail := lanyard.CanonicalEmail(v.Email)
	name := utf8.RuneCountInString(v.Name)
	v.FieldProblem = map[string]string{}
	for _, rule := range []struct {
		wrong      bool
		field, key string
		limit      int
	}{
		{badEmail != nil, "username", "setup.bad_email", 0},
		{name == 0 || name > maxSetupName, "name", "setup.bad_name", maxSetupName},
		{utf8.RuneCountInString(password) < tenants.MinPassword, "password", "setup.short_password", tenants.MinPassword},
	} {
		if !rule.wrong {
			continue
		}
		text, err := v.T(rule.key, "Count", rule.limit)
		if err != nil {
			return err
		}
		v.FieldProblem[rule.field] = text
	}
	if len(v.FieldProblem) == 0 {
		return nil
	}
	return v.problem("", "setup.problems", "Count", len(v.FieldProblem))
}

// setupProblem names the message for a new password that is not good enough; empty for other errors.
func setupProblem(err error) string {
	for _, problem := range []struct {
		err error
		key string
	}{
		{lanyard.ErrShortPassword, "setup.short_password"},
		{lanyard.ErrPersonalPassword, "setup.personal_password"},
		{lanyard.ErrBreachedPassword, "setup.breached_password"},
		{lanyard.ErrWeakPassword, "setup.weak_password"},
	} {
		if errors.Is(err, problem.err) {
			return problem.key
		}
	}
	return ""
}

// refusePassword says what is wrong with the password.
func (v *setupView) refusePassword(key string) error {
	text, err := v.T(key, "Count", tenants.MinPassword)
	if err != nil {
		return err
	}
	v.FieldProblem = map[string]string{"password": text}
	return v.problem("", "setup.problems", "Count", len(v.FieldProblem))
}

func (p *Pages) showSetup(c *gin.Context, v *setupView) error {
	v.MinPassword = tenants.MinPassword
	if err := v.heading("setup.heading", "Tenant", v.Tenant); err != nil {
		return err
	}
	return p.show(c, http.StatusOK, "setup.html", v)
}

// Action keeps the token in the address, so that the language links lead back to the form.
func (v *setupView) Action() string {
	return web.Local(v.Site, pathSetup, url.Values{setupTokenParam: {v.Token}}).Location()
}

// setupFault tells a link that can not be used apart from other errors.
func (p *Pages) setupFault(c *gin.Context, err error) error {
	if !errors.Is(err, lanyard.ErrNotFound) {
		return err
	}
	web.Note(c, err)
	v, err := p.faultView(c, fault{"setup.used_heading", "setup.used"})
	if err != nil {
		return err
	}
	return p.showFault(c, http.StatusNotFound, v)
}

func (p *Pages) getSetupDone(c *gin.Context) error {
	f := p.frame(c, nil)
	if err := f.heading("setup.done_heading", "Tenant", f.Tenant); err != nil {
		return err
	}
	text, err := f.T("setup.done")
	if err != nil {
		return err
	}
	return p.show(c, http.StatusOK, "message.html", messageView{frame: f, Texts: []string{text}})
}
