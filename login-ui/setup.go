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
	// SetupPasskey begins the making of a passkey for the profile's Name and Email and
	// returns the options for script. lanyard.ErrNotFound is as above, and
	// lanyard.ErrNotOffered where there are no passkeys.
	SetupPasskey(ctx context.Context, live *tenants.Live, token lanyard.Secret, person lanyard.Profile) ([]byte, error)
	// FinishSetup spends the token and makes the administrator. lanyard.ErrNotFound is
	// as above; lanyard.ErrBadInput and lanyard.ErrConflict refuse the address, the errors
	// of a new password that, lanyard.ErrNoPasskey the passkey, and none of them spends
	// the token.
	FinishSetup(ctx context.Context, live *tenants.Live, token lanyard.Secret, first tenants.FirstAdministrator) error
}

const (
	pathSetup        = "/setup"
	pathSetupPasskey = "/setup/passkey"
	pathSetupDone    = "/setup/done"
	pathConsole      = "/console"

	maxSetupName    = 200
	maxSetupToken   = 128
	setupTokenParam = "token"
)

// setupView is the page behind the set-up link (L21).
type setupView struct {
	*frame
	Token string
	Email string
	Name  string
	// TenantName is what the tenant will be called.
	TenantName  string
	MinPassword int
	// Passkeys says that one may be made here.
	Passkeys     bool
	FieldProblem map[string]string
}

func (p *Pages) getSetup(c *gin.Context) error {
	token := c.Query(setupTokenParam)
	if err := p.checkSetup(c, token); err != nil {
		return p.setupFault(c, err)
	}
	return p.showSetup(c, &setupView{frame: p.frame(c, nil), Token: token, TenantName: live(c).Tenant.Name})
}

func (p *Pages) checkSetup(c *gin.Context, token string) error {
	if p.Setup == nil || token == "" || len(token) > maxSetupToken {
		return lanyard.ErrNotFound
	}
	return p.Setup.CheckSetup(c.Request.Context(), live(c), lanyard.SecretOf(token))
}

func (p *Pages) postSetup(c *gin.Context) error {
	v, err := p.typedSetup(c)
	if err != nil {
		return p.setupFault(c, err)
	}
	form := posted{values: c.Request.PostForm}
	credential, err := form.credential()
	if err != nil && !errors.Is(err, errEmptyField) {
		return err
	}
	password := form.value("password")
	if len(password) > maxPassword {
		return errLongPassword
	}
	if err := v.check(password, len(credential) > 0); err != nil {
		return err
	}
	if len(v.FieldProblem) > 0 {
		return p.showSetup(c, v)
	}
	return p.setupAnswer(c, v, p.Setup.FinishSetup(c.Request.Context(), live(c), lanyard.SecretOf(v.Token), tenants.FirstAdministrator{
		Profile: v.profile(), Password: lanyard.SecretOf(password), Credential: credential, Tenant: v.TenantName,
	}))
}

// typedSetup reads what was typed, but the password; without a token that can be one
// it is lanyard.ErrNotFound.
func (p *Pages) typedSetup(c *gin.Context) (*setupView, error) {
	form, err := web.PostForm(c.Request)
	if err != nil {
		return nil, err
	}
	v := &setupView{frame: p.frame(c, nil), Token: form.Get(setupTokenParam)}
	for name, into := range map[string]*string{"username": &v.Email, "name": &v.Name, "tenant": &v.TenantName} {
		if *into = strings.TrimSpace(form.Get(name)); len(*into) > maxPassword {
			return nil, errLongField
		}
	}
	if p.Setup == nil || v.Token == "" || len(v.Token) > maxSetupToken {
		return nil, lanyard.ErrNotFound
	}
	return v, nil
}

func (v *setupView) profile() lanyard.Profile { return lanyard.Profile{Name: v.Name, Email: v.Email} }

// setupOptions answers script with the options for navigator.credentials.create.
// What is wrong with a field is lanyard.ErrBadInput: the form says what it is.
func (p *Pages) setupOptions(c *gin.Context) error {
	v, err := p.typedSetup(c)
	if err != nil {
		return err
	}
	if err := v.check("", true); err != nil {
		return err
	}
	if len(v.FieldProblem) > 0 {
		return lanyard.ErrBadInput
	}
	options, err := p.Setup.SetupPasskey(c.Request.Context(), live(c), lanyard.SecretOf(v.Token), v.profile())
	if err != nil {
		return err
	}
	writeJSON(c, options)
	return nil
}

// setupAnswer leads on, or says on the form what was wrong.
func (p *Pages) setupAnswer(c *gin.Context, v *setupView, err error) error {
	if key := setupProblem(err); key != "" {
		return errors.Join(v.refusePassword(key), p.showSetup(c, v))
	}
	for _, refusal := range []struct {
		err error
		key string
	}{
		{lanyard.ErrNoPasskey, "setup.passkey_refused"},
		{lanyard.ErrNotOffered, "setup.passkey_refused"},
		{lanyard.ErrBadInput, "setup.refused"},
		{lanyard.ErrConflict, "setup.refused"},
	} {
		if errors.Is(err, refusal.err) {
			web.Note(c, err)
			return errors.Join(v.problem("", refusal.key), p.showSetup(c, v))
		}
	}
	if err != nil {
		return p.setupFault(c, err)
	}
	web.Redirect(c.Writer, c.Request, web.Local(site(c), pathSetupDone, nil))
	return nil
}

// check notes what is wrong with each field; with a passkey nobody asks for a password.
func (v *setupView) check(password string, passkey bool) error {
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
		{!plainName(v.TenantName), "tenant", "setup.bad_tenant", maxSetupName},
		{!passkey && utf8.RuneCountInString(password) < tenants.MinPassword, "password", "setup.short_password", tenants.MinPassword},
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
	v.MinPassword, v.Passkeys = tenants.MinPassword, !live(c).Tenant.Policy.NoPasskeys
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

// getSetupDone says what comes next and leads to the console, where the person signs in.
func (p *Pages) getSetupDone(c *gin.Context) error {
	v := messageView{frame: p.frame(c, nil), Link: web.Local(site(c), pathConsole, nil).Location()}
	if err := v.heading("setup.done_heading", "Tenant", v.Tenant); err != nil {
		return err
	}
	for _, key := range []string{"setup.done", "setup.next"} {
		text, err := v.T(key)
		if err != nil {
			return err
		}
		v.Texts = append(v.Texts, text)
	}
	var err error
	if v.LinkText, err = v.T("setup.console"); err != nil {
		return err
	}
	return p.show(c, http.StatusOK, "message.html", v)
}
