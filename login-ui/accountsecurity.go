package loginui

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// securityDeeds change what a person proves who they are with.
type securityDeeds interface {
	ChangePassword(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, current, password lanyard.Secret, now time.Time) error
	BeginTOTP(ctx context.Context, t accounts.Tenancy, user lanyard.User, holder string, now time.Time) (accounts.TOTPEnrolment, error)
	AddTOTP(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, code string, now time.Time) ([]lanyard.Secret, error)
	RemoveTOTP(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, now time.Time) error
	RenewRecoveryCodes(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, now time.Time) ([]lanyard.Secret, error)
	ForgetDevices(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, now time.Time) (int64, error)
}

// securityView is the page of everything that proves who a person is (A3).
type securityView struct {
	*accountPage
	Factors lanyard.Factors
	// Passkeys are offered, or there are some from before.
	Passkeys    bool
	NoPasskeys  bool
	List        []passkeyEntry
	FewCodes    bool
	MayRemember bool
	// Forget is a passkey that was removed, for the browser to forget, made for RPID.
	Forget, RPID string
}

func (p *Pages) securityScreen() screen {
	return screen{
		path: pathSecurity, area: pathSecurity, heading: "account.security.heading", template: "accountsecurity.html", script: "account.js", view: p.viewSecurity,
	}
}

func (p *Pages) securityForms() []accountForm {
	at := p.securityScreen()
	kept := among(
		mistake{lanyard.ErrConflict, "", "account.security.required", nil},
		mistake{lanyard.ErrLastWayIn, "", "account.security.last", nil},
	)
	code := either(enrolMistakes, among(mistake{lanyard.ErrConflict, "", "account.totp.conflict", nil}))
	return []accountForm{
		{path: pathOwnPassword, at: p.ownPasswordScreen(), do: p.changePassword, explain: ownPasswordMistakes},
		{path: pathTOTP, at: p.totpScreen(), do: p.addTOTP, explain: code},
		{path: pathTOTP + "/remove", at: at, do: p.removeTOTP, explain: kept},
		{path: pathSecurity + "/codes", at: at, do: p.renewOwnCodes, explain: among(mistake{lanyard.ErrConflict, "", "account.codes.conflict", nil})},
		{path: pathSecurity + "/forget", at: at, do: p.forgetDevices, explain: noMistakes},
	}
}

func (p *Pages) viewSecurity(c *gin.Context, v *accountPage) (any, error) {
	factors, err := p.factors(c, v.me)
	if err != nil {
		return nil, err
	}
	policy := live(c).Tenant.Policy
	out := securityView{
		accountPage: v, Factors: factors, NoPasskeys: policy.NoPasskeys, Passkeys: !policy.NoPasskeys || factors.Passkeys > 0,
		FewCodes: factors.RecoveryCodes < fewCodes, MayRemember: factors.Second() && !policy.NoRememberDevice,
	}
	all, err := p.Accounts.Passkeys(c.Request.Context(), live(c).Tenancy(), v.me.User.ID)
	if err != nil {
		return nil, err
	}
	out.Forget, out.RPID = removedPasskey(c.Query(removedParam), all), rpID(v.Site)
	out.List, err = v.passkeyEntries(all)
	return out, err
}

// ownPasswordView is the page that sets or changes the password.
type ownPasswordView struct {
	*accountPage
	// Has says that there is a password, which is asked for.
	Has         bool
	Username    string
	MinPassword int
}

func (p *Pages) ownPasswordScreen() screen {
	return screen{
		path: pathOwnPassword, area: pathSecurity, heading: "account.password.heading", template: "accountpassword.html",
		fresh: func(f lanyard.Factors) bool { return !f.Password }, view: p.viewOwnPassword,
	}
}

func (p *Pages) viewOwnPassword(c *gin.Context, v *accountPage) (any, error) {
	factors, err := p.factors(c, v.me)
	return ownPasswordView{v, factors.Password, v.me.User.SignInName(), shortestFor(factors)}, err
}

// shortOwnPassword is a new password that is too short, together with how long it has to be.
type shortOwnPassword struct{ least int }

// Error says so.
func (shortOwnPassword) Error() string { return lanyard.ErrShortPassword.Error() }

// Unwrap is what the log calls it.
func (shortOwnPassword) Unwrap() error { return lanyard.ErrShortPassword }

func (p *Pages) changePassword(c *gin.Context, me self, f posted) (web.Handler, error) {
	factors, err := p.factors(c, me)
	if err != nil {
		return nil, err
	}
	current := f.value("current")
	if factors.Password && current == "" {
		return nil, wrongField{mistake{field: "current", key: "account.password.current_empty"}}
	}
	if len(current) > maxPassword {
		return nil, errLongField
	}
	password, err := f.password()
	if err != nil {
		return nil, err
	}
	err = p.Accounts.ChangePassword(c.Request.Context(), live(c).Tenancy(), me.Actor, lanyard.SecretOf(current), password, p.Clock.Now())
	if errors.Is(err, lanyard.ErrShortPassword) {
		return nil, shortOwnPassword{shortestFor(factors)}
	}
	return done(pathSecurity, "password_saved"), err
}

func ownPasswordMistakes(err error) words {
	var short shortOwnPassword
	if errors.As(err, &short) {
		return newPasswordMistakes(short.least)(lanyard.ErrShortPassword)
	}
	return either(wrongFields, newPasswordMistakes(0), among(
		mistake{lanyard.ErrWrongCredentials, "current", "account.password.current_wrong", nil},
		mistake{lanyard.ErrConflict, "", "account.password.conflict", nil},
	))(err)
}

// totpView is the page that sets an authenticator app up.
type totpView struct {
	*accountPage
	Secret string
	QR     template.HTML
}

func (p *Pages) totpScreen() screen {
	return screen{path: pathTOTP, area: pathSecurity, heading: "account.totp.heading", template: "accounttotp.html", fresh: always, view: p.viewTOTP}
}

func (p *Pages) viewTOTP(c *gin.Context, v *accountPage) (any, error) {
	offer, err := p.Accounts.BeginTOTP(c.Request.Context(), live(c).Tenancy(), v.me.User, string(v.me.Session.ID), p.Clock.Now())
	if errors.Is(err, lanyard.ErrConflict) { // there is one already
		return nil, elsewhere(pathSecurity)
	}
	return totpView{v, offer.Secret, template.HTML(offer.QRSVG)}, err //nolint:gosec // drawn by us, from nothing but a pattern
}

func (p *Pages) addTOTP(c *gin.Context, me self, f posted) (web.Handler, error) {
	code, err := f.code()
	if err != nil {
		return nil, err
	}
	codes, err := p.Accounts.AddTOTP(c.Request.Context(), live(c).Tenancy(), me.Actor, code, p.Clock.Now())
	return p.added(me, codes, "totp_added"), err
}

func (p *Pages) removeTOTP(c *gin.Context, me self, _ posted) (web.Handler, error) {
	err := p.Accounts.RemoveTOTP(c.Request.Context(), live(c).Tenancy(), me.Actor, p.Clock.Now())
	if errors.Is(err, lanyard.ErrNotFound) { // it is gone already
		err = nil
	}
	return done(pathSecurity, "totp_removed"), err
}

func (p *Pages) renewOwnCodes(c *gin.Context, me self, _ posted) (web.Handler, error) {
	codes, err := p.Accounts.RenewRecoveryCodes(c.Request.Context(), live(c).Tenancy(), me.Actor, p.Clock.Now())
	return p.showCodes(me, codes), err
}

func (p *Pages) forgetDevices(c *gin.Context, me self, _ posted) (web.Handler, error) {
	n, err := p.Accounts.ForgetDevices(c.Request.Context(), live(c).Tenancy(), me.Actor, p.Clock.Now())
	return done(pathSecurity, "devices_forgotten", n), err
}

// added answers for a new second factor: the first one brings recovery codes.
func (p *Pages) added(me self, codes []lanyard.Secret, word string) web.Handler {
	if len(codes) > 0 {
		return p.showCodes(me, codes)
	}
	return done(pathSecurity, word)
}

// ownCodesView shows recovery codes, this once.
type ownCodesView struct {
	*accountPage
	Codes []string
}

func (p *Pages) showCodes(me self, codes []lanyard.Secret) web.Handler {
	s := screen{area: pathSecurity, heading: "codes.heading", template: "accountcodes.html"}
	s.view = func(_ *gin.Context, v *accountPage) (any, error) {
		out := ownCodesView{accountPage: v}
		for _, code := range codes {
			out.Codes = append(out.Codes, code.Reveal())
		}
		return out, nil
	}
	return func(c *gin.Context) error { return p.showScreen(c, s, me, nil, http.StatusOK) }
}
