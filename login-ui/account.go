package loginui

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// Accounts are the deeds behind the account pages: *accounts.Accounts.
type Accounts interface {
	selfDeeds
	overviewDeeds
	profileDeeds
	emailDeeds
	securityDeeds
	passkeyDeeds
	deviceDeeds
	activityDeeds
	dataDeeds
	identityDeeds
}

// LocalSignIn leads to the account pages whoever is not signed in, or has not
// proved enough: *flow.Flow.
type LocalSignIn interface {
	BeginLocal(ctx context.Context, live *tenants.Live, page, subject string, sudo bool, v flow.Visitor) (flow.Outcome, error)
	BeginAnother(ctx context.Context, live *tenants.Live, page string, v flow.Visitor) (flow.Outcome, error)
	// BeginLink leads to an upstream to link an account there, after a fresh proof.
	BeginLink(ctx context.Context, live *tenants.Live, page, subject string, connection lanyard.ConnectionID, v flow.Visitor) (flow.Outcome, error)
	// BeginTest leads to an upstream to try a connection of an organization.
	BeginTest(ctx context.Context, live *tenants.Live, page, organization string, connection lanyard.ConnectionID, v flow.Visitor) (flow.Outcome, error)
}

// selfDeeds say who is signed in, and as whom.
type selfDeeds interface {
	Self(ctx context.Context, t accounts.Tenancy, from accounts.From, now time.Time) (accounts.Actor, []lanyard.Account, error)
	// SelfIn is everybody that the pages of organizations may be about.
	SelfIn(ctx context.Context, t accounts.Tenancy, from accounts.From, now time.Time) ([]accounts.Actor, error)
	Switch(ctx context.Context, t accounts.Tenancy, from accounts.From, id lanyard.SessionID, now time.Time) error
}

// Paths of the account pages.
const (
	pathAccount       = "/account"
	pathProfile       = "/account/profile"
	pathEmails        = "/account/emails"
	pathSecurity      = "/account/security"
	pathOwnPassword   = "/account/security/password"
	pathTOTP          = "/account/security/totp"
	pathPasskeys      = "/account/security/passkeys"
	pathRemovePasskey = "/account/security/passkeys/remove"
	pathDevices       = "/account/devices"
	pathActivity      = "/account/activity"
	pathData          = "/account/data"
	pathMyOrgs        = "/account/organizations"
)

// areas are the entries of the navigation.
var areas = []struct{ path, key string }{
	{pathAccount, "account.nav.overview"},
	{pathProfile, "account.nav.profile"},
	{pathEmails, "account.nav.emails"},
	{pathSecurity, "account.nav.security"},
	{pathLinked, "account.nav.linked"},
	{pathMyOrgs, "account.nav.organizations"},
	{pathDevices, "account.nav.devices"},
	{pathActivity, "account.nav.activity"},
	{pathData, "account.nav.data"},
}

// screen is one of the account pages.
type screen struct {
	// path is where it is, area the entry of the navigation that it belongs to.
	path, area string
	heading    string
	template   string
	// script takes the place of pages.js, which such a page does without.
	script string
	// fresh tells whether a fresh proof is needed before the page is of use; nil for never.
	fresh func(lanyard.Factors) bool
	view  func(c *gin.Context, v *accountPage) (any, error)
}

// always is for pages that nobody sees without a fresh proof.
func always(lanyard.Factors) bool { return true }

func (p *Pages) screens() []screen {
	all := []screen{
		p.overviewScreen(), p.profileScreen(), p.emailsScreen(), p.securityScreen(), p.ownPasswordScreen(), p.totpScreen(),
		p.passkeyScreen(), p.removePasskeyScreen(), p.devicesScreen(), p.activityScreen(), p.dataScreen(),
		p.linkedScreen(),
	}
	if p.hasOrganizations() {
		all = append(all, p.myOrgsScreen())
	}
	return all
}

// accountForm is a form on one of the account pages.
type accountForm struct {
	path string
	// at is the page that the form stands on: shown again with what was wrong.
	at screen
	// do reads the form and does the deed. What it returns answers.
	do      func(c *gin.Context, me self, f posted) (web.Handler, error)
	explain explain
	maxBody int64
}

// noMistakes is for forms without anything that a person could mistype.
func noMistakes(error) words { return nil }

func (p *Pages) accountForms() []accountForm {
	all := slices.Concat(
		p.selfForms(), p.profileForms(), p.emailForms(), p.securityForms(), p.passkeyForms(), p.deviceForms(), p.activityForms(), p.dataForms(),
		p.linkedForms(),
	)
	if p.hasOrganizations() {
		all = append(all, p.myOrgForms()...)
	}
	return all
}

// accountRoutes is the table of the account pages; empty without their deeds.
func (p *Pages) accountRoutes() []web.Route {
	if p.Accounts == nil || p.SignIn == nil {
		return nil
	}
	var out []web.Route
	seen := map[string]bool{}
	for _, s := range p.screens() {
		out, seen[s.path] = append(out, page("GET", s.path, web.Session, p.getScreen(s))), true
	}
	for _, f := range p.accountForms() {
		route := page("POST", f.path, web.Session, p.postForm(f))
		route.MaxBody = f.maxBody
		out = append(out, route)
		if !seen[f.path] {
			out = append(out, page("GET", f.path, web.Session, p.leadBack(f.at.path)))
		}
	}
	creation := page("POST", pathPasskeys+"/options", web.Session, p.ownPasskeyOptions)
	creation.Kind = web.Data
	return append(out, creation)
}

// leadBack is what stands at the address of a form without a page.
func (p *Pages) leadBack(path string) web.Handler {
	return func(c *gin.Context) error {
		p.choose(c, nil) // keeps a language that a link chose
		web.Redirect(c.Writer, c.Request, web.Local(site(c), path, nil))
		return nil
	}
}

// self is the person at an account page.
type self struct {
	accounts.Actor
	// all are the accounts that the browser is signed in to.
	all []lanyard.Account
}

func (p *Pages) self(c *gin.Context) (self, error) {
	actor, all, err := p.Accounts.Self(c.Request.Context(), live(c).Tenancy(), p.from(c), p.Clock.Now())
	return self{actor, all}, err
}

// from is where a request comes from, as the deeds see it.
func (p *Pages) from(c *gin.Context) accounts.From {
	return accounts.From{
		BrowserHash: web.Browser(c.Request, site(c)).Hash(), Address: web.AddressOf(c.Request.Context()), UserAgent: web.UserAgent(c.Request),
		Languages: p.heard(c),
	}
}

// heard are the languages of a visitor, best first: what was chosen, what the browser prefers.
func (p *Pages) heard(c *gin.Context) []string {
	accepted := p.languages.accept(c.GetHeader("Accept-Language")).Lang
	chosen := p.languages.find([]string{c.Query(langParam), web.Language(c.Request, site(c))}, site(c))
	if chosen == nil || chosen.Lang == accepted {
		return []string{accepted}
	}
	return []string{chosen.Lang, accepted}
}

// getScreen shows a page to whoever is signed in, and leads everybody else to the
// sign-in and back.
func (p *Pages) getScreen(s screen) web.Handler {
	return func(c *gin.Context) error {
		me, err := p.self(c)
		if errors.Is(err, lanyard.ErrLoginRequired) {
			return p.signInFor(c, here(c, s))
		}
		if err != nil {
			return err
		}
		if s.fresh != nil {
			led, err := p.freshen(c, me, s)
			if led || err != nil {
				return err
			}
		}
		return p.showScreen(c, s, me, nil, http.StatusOK)
	}
}

// postForm does the deed of a form. A proof that is not fresh is asked for, and the
// person repeats the form.
func (p *Pages) postForm(f accountForm) web.Handler {
	return func(c *gin.Context) error {
		values, err := singleFields(c)
		if err != nil {
			return err
		}
		me, err := p.self(c)
		if errors.Is(err, lanyard.ErrLoginRequired) {
			return p.signInFor(c, here(c, f.at))
		}
		if err != nil {
			return err
		}
		answer, err := f.do(c, me, posted{values: values})
		switch {
		case err == nil:
			return answer(c)
		case errors.Is(err, lanyard.ErrFreshProof):
			return p.proveFor(c, here(c, f.at), me)
		}
		say, status := p.explain(c, f.explain, err)
		if say == nil {
			return err
		}
		if lanyard.KindOf(err) == lanyard.Conflict { // the only way in, the only owner
			status = http.StatusConflict
		}
		return p.showScreen(c, f.at, me, say, status)
	}
}

// showScreen renders a page, with the words for what was wrong with its form.
func (p *Pages) showScreen(c *gin.Context, s screen, me self, say words, status int) error {
	v, err := p.accountPage(c, s, me)
	if err != nil {
		return err
	}
	if say != nil {
		if err := say(&step{frame: v.frame}); err != nil {
			return err
		}
		v.Notice = ""
	}
	view, err := s.view(c, v)
	var other elsewhere
	if errors.As(err, &other) {
		return p.leadBack(string(other))(c)
	}
	if err != nil {
		return err
	}
	return p.show(c, status, s.template, view)
}

// elsewhere is the path of the page to go to instead of one that has nothing to show.
type elsewhere string

// Error says where.
func (e elsewhere) Error() string { return "go to " + string(e) }

// done leads back to a page with a word for what was done; count stands in its text.
func done(path, word string, count ...int64) web.Handler {
	return leadTo(path, noticeOf(word, count...))
}

func leadTo(path string, query url.Values) web.Handler {
	return func(c *gin.Context) error {
		web.Redirect(c.Writer, c.Request, web.Local(site(c), path, query))
		return nil
	}
}
