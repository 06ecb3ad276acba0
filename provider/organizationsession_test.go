package provider_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// TestOrganizationsSessionOpensItsPages: those of that organization with their forms,
// and no others.
func TestOrganizationsSessionOpensItsPages(t *testing.T) {
	underSky(t, []lanyard.ConnectionID{betaSSO}, func(t *testing.T, s *sky) {
		s.linkAda(betaSSO, "beta")
		b := s.Browser()
		page := b.Get("/org/beta")
		if page = s.over(b, page, betaSSO); page.URL.Path != "/org/beta" || page.Status != http.StatusOK {
			t.Fatalf("its own link leads to %s", page)
		}
		if page.Has("account-add") || !page.Has("org-sign-out") {
			t.Errorf("it shows the menu of the account pages")
		}
		if page := b.Press(b.Get("/org/beta/domains"), "domain-add", one("domain", "beta.test")); page.URL.Path != "/org/beta/domains" || !strings.Contains(page.Body, "beta.test") {
			t.Errorf("a form answers %s", page)
		}
		if page := b.Post("/account/organizations/accept", one("invitation", string(lanyard.NewInvitationID()))); !strings.HasPrefix(page.URL.Path, "/login") {
			t.Errorf("an invitation is accepted by %s", page)
		}
		for _, path := range []string{"/org/acme", "/org/gamma/members", "/account", "/account/organizations", "/account/security", "/device?user_code=BCDF-GHJK"} {
			if page := b.Get(path); !strings.HasPrefix(page.URL.Path, "/login") {
				t.Errorf("%s is %s", path, page)
			}
		}
		s.insist("beta")
		if page := b.Get("/org/beta"); page.Status != http.StatusOK {
			t.Errorf("where the organization insists on it: %s", page)
		}
		s.leave("beta", ada)
		if page := b.Get("/org/beta"); page.Status == http.StatusOK && page.URL.Path == "/org/beta" {
			t.Errorf("who is no member any more sees %s", page)
		}
	})
}

// TestOrganizationsSessionProvesItselfAgain: a fresh proof is given where the first one
// was, and counts although the person is signed in themselves, longer ago.
func TestOrganizationsSessionProvesItselfAgain(t *testing.T) {
	underSky(t, []lanyard.ConnectionID{betaSSO}, func(t *testing.T, s *sky) {
		s.linkAda(betaSSO, "beta")
		for what, signedIn := range map[string]bool{"alone": false, "beside her own session": true} {
			b := s.Browser()
			if signedIn {
				wantAway(t, b.SignIn(s.Client("web").Authorize(nil), ada, adaPassword), "")
			} else {
				s.over(b, b.Get("/org/beta"), betaSSO)
			}
			s.Clock.Advance(accounts.FreshFor)
			page := b.Press(b.Get("/org/beta/policy"), "policy-save", one("lifetime", "48"))
			if !strings.HasPrefix(page.URL.Path, "/login") {
				t.Fatalf("%s: without a fresh proof it answers %s", what, page)
			}
			if page.URL.Path == "/login/connection" {
				page = s.back(b, s.away(b, page))
			} else {
				page = s.over(b, page, betaSSO)
			}
			if page.URL.Path != "/org/beta/policy" {
				t.Fatalf("%s: the proof leads to %s", what, page)
			}
			if page = b.Press(page, "policy-save", one("lifetime", "48")); page.URL.Path != "/org/beta/policy" || page.URL.Query().Get("done") == "" {
				t.Errorf("%s: after it the form leads to %s", what, page)
			}
		}
	})
}

// TestOrganizationsThatAreClosedLookAlike: for every kind of session, an organization
// that is foreign, was deleted or never was gives one answer at one cost.
func TestOrganizationsThatAreClosedLookAlike(t *testing.T) {
	underSky(t, []lanyard.ConnectionID{betaSSO}, func(t *testing.T, s *sky) {
		s.linkAda(betaSSO, "beta")
		s.Apply("version: 1\ntenants:\n  - slug: default\n    organizations: [{slug: foreign, name: Foreign}, {slug: deleted, name: Deleted, members: [{user: " + ada + ", roles: [owner]}]}]")
		deleted, err := s.Scope().OrganizationBySlug(t.Context(), "deleted")
		must(t, err)
		must(t, s.Scope().ScheduleOrganizationDeletion(t.Context(), deleted.ID, s.Clock.Now().Add(time.Hour)))
		own, confined, both, others := s.Browser(), s.Browser(), s.Browser(), s.Browser()
		for _, b := range []*idp.Browser{own, both} {
			wantAway(t, b.SignIn(s.Client("web").Authorize(nil), ada, adaPassword), "")
		}
		s.over(confined, confined.Get("/org/beta"), betaSSO)
		s.over(others, others.Get("/org/beta"), betaSSO)
		wantAway(t, others.SignIn(s.Client("web").Authorize(nil), "bob", "difference-engine-1822"), "")
		wantAway(t, s.over(both, both.Get(s.Client("web").Authorize(one("organization", "beta", "prompt", "login"))), betaSSO), "")
		for what, c := range map[string]struct {
			*idp.Browser
			status int
			slugs  []string
		}{
			"nobody": {s.Browser(), http.StatusFound, []string{"foreign", "deleted", "neverwas", "acme"}}, "her own": {own, http.StatusNotFound, []string{"foreign", "deleted", "neverwas"}},
			"the organization's": {confined, http.StatusFound, []string{"foreign", "deleted", "neverwas", "acme", "gamma"}},
			"both":               {both, http.StatusNotFound, []string{"foreign", "deleted", "neverwas"}},
			"beside another's":   {others, http.StatusNotFound, []string{"foreign", "deleted", "neverwas", "gamma"}},
		} {
			for _, path := range []string{"", "/members", "/policy"} {
				var first string
				var cost int
				for n, slug := range c.slugs {
					answer, statements := s.sends(c.Browser, "/org/"+slug+path)
					got := answerOf(answer, slug)
					if n == 0 {
						first, cost = got, len(statements)
					}
					if answer.Status != c.status && answer.Status != http.StatusSeeOther || got != first || len(statements) != cost {
						t.Errorf("%s: %s%s is %d at %d instead of %d:\n%s\n%s", what, slug, path, answer.Status, len(statements), cost, first, strings.Join(statements, "\n"))
					}
				}
			}
		}
	})
}

// sends is one GET of a browser, and the statements that it took.
func (s *sky) sends(b *idp.Browser, path string) (*idp.Page, []string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.Issuer+path, nil)
	must(s.t, err)
	for _, c := range b.Cookies() {
		r.AddCookie(c)
	}
	answer, statements := s.Do(r)
	body, err := io.ReadAll(answer.Body)
	must(s.t, err)
	page := &idp.Page{URL: r.URL, Status: answer.StatusCode, Header: answer.Header, Body: string(body)}
	if to, err := answer.Location(); err == nil {
		page.Header.Set("Location", strings.Replace(to.String(), to.Query().Get("request"), "REQUEST", 1))
	}
	return page, statements.Seen()
}
