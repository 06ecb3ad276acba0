package provider_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

const orgRoutes = "/org/:slug"

// neighbours gives organizations for the matrix: own with one person of each role,
// foreign with none of them, deleted that they all own.
const neighbours = `
version: 1
tenants:
  - slug: default
    users:
      - {username: admina, password: tower-of-small-lamps-1, name: Admina}
      - {username: membra, password: tower-of-small-lamps-1, name: Membra}
      - {username: custa, password: tower-of-small-lamps-1, name: Custa}
      - {username: strange, password: tower-of-small-lamps-1, name: Strange}
    organizations:
      - {slug: own, name: Own, roles: [{name: reader, permissions: ["members:read"]}], members: [{user: ada@example.test, roles: [owner]},
         {user: admina, roles: [admin]}, {user: membra, roles: [member]}, {user: custa, roles: [reader]}],
         invitations: [{email: own.guest@example.test}]}
      - {slug: foreign, name: Foreign, members: [{user: bob, roles: [owner]}, {user: strange, roles: [member]}],
         roles: [{name: warden, permissions: ["members:read"]}], invitations: [{email: foreign.guest@example.test}], domains: [{domain: foreign.example.test, verified: true, joining: automatic}]}
      - {slug: deleted, name: Deleted, members: [{user: ada@example.test, roles: [owner]}, {user: admina, roles: [owner]}, {user: membra, roles: [owner]}, {user: custa, roles: [owner]}]}
`

// answerOf is what a route answered, without what is different in every request.
func answerOf(p *idp.Page, slug string) string {
	body := strings.ReplaceAll(neutral(p, newAddress), p.Header.Get("X-Request-Id"), "ID")
	header := http.Header{}
	for name, values := range p.Header {
		if name != "Date" && name != "X-Request-Id" && name != "Set-Cookie" && name != "Content-Length" {
			header[name] = values
		}
	}
	var text strings.Builder
	_ = header.Write(&text)
	return strings.ReplaceAll(http.StatusText(p.Status)+text.String()+body, slug, "SLUG")
}

// TestRoutesOfForeignOrganizationsLookAlike is ATTACKS.md 199, generated from the route
// table: each route, by each role, for an organization that is foreign, deleted, or was
// never there.
func TestRoutesOfForeignOrganizationsLookAlike(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	i.Apply(neighbours)
	deleted, err := i.Scope().OrganizationBySlug(t.Context(), "deleted")
	if err != nil {
		t.Fatal(err)
	}
	if err := i.Scope().ScheduleOrganizationDeletion(t.Context(), deleted.ID, i.Clock.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for name, password := range map[string]string{"ada": adaPassword, "admina": "tower-of-small-lamps-1", "membra": "tower-of-small-lamps-1", "custa": "tower-of-small-lamps-1"} {
		b := i.Browser()
		wantAway(t, b.SignIn(i.Client("web").Authorize(nil), name, password), "")
		for _, r := range i.Handler.Routes {
			if !strings.HasPrefix(r.Path, orgRoutes) {
				continue
			}
			seen++
			answers := map[string][]string{}
			for _, slug := range []string{"foreign", "deleted", "neverwas"} {
				page := b.Once(r.Method, strings.Replace(r.Path, ":slug", slug, 1), nil)
				answer := answerOf(page, slug)
				answers[answer] = append(answers[answer], slug)
				if page.Status != http.StatusNotFound && page.Status != http.StatusFound {
					t.Errorf("%s: %s %s of %s is %s", name, r.Method, r.Path, slug, page)
				}
			}
			if len(answers) != 1 {
				t.Errorf("%s: %s %s tells them apart", name, r.Method, r.Path)
			}
			if strings.HasSuffix(r.Path, "/leave") || strings.HasSuffix(r.Path, "/sign-out") || strings.HasSuffix(r.Path, "/invitations/uses") {
				continue // the one needs no more to be done, the other to know of what
			}
			own := b.Once(r.Method, strings.Replace(r.Path, ":slug", "own", 1), nil)
			if own.Status >= 500 || (r.Method == http.MethodGet && own.Status == http.StatusNotFound) {
				t.Errorf("%s: %s %s of the own one is %s", name, r.Method, r.Path, own)
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d routes were tried", seen)
	}
}

// TestThingsOfAnotherOrganizationLookAlike is ATTACKS.md 200: a person, an invitation, a
// role or a domain of another organization is one that never was, on every form.
func TestThingsOfAnotherOrganizationLookAlike(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	i.Apply(neighbours)
	foreign, err := i.Scope().OrganizationBySlug(t.Context(), "foreign")
	if err != nil {
		t.Fatal(err)
	}
	invitations, err := i.Scope().Invitations(t.Context(), foreign.ID, "", 10)
	if err != nil || len(invitations) != 1 {
		t.Fatalf("%v %v", invitations, err)
	}
	stranger, err := i.Scope().UserByUsername(t.Context(), "strange")
	if err != nil {
		t.Fatal(err)
	}
	pairs := [][2]string{
		{string(stranger.ID), string(lanyard.NewUserID())}, {string(invitations[0].ID), string(lanyard.NewInvitationID())},
		{"warden", "keeper"}, {"foreign.example.test", "neverwas.example.test"},
	}
	b := i.Browser()
	wantAway(t, b.SignIn(i.Client("web").Authorize(nil), ada, adaPassword), "")
	for _, r := range i.Handler.Routes {
		if !strings.HasPrefix(r.Path, orgRoutes) || r.Method != http.MethodPost || strings.HasSuffix(r.Path, "/domains") || strings.HasSuffix(r.Path, "/invitations/link") ||
			strings.HasSuffix(r.Path, "/sign-out") {
			continue // these make something anew of what they are told, or sign out
		}
		path := strings.Replace(r.Path, ":slug", "own", 1)
		for _, pair := range pairs {
			var answers []string
			for _, id := range pair {
				form := url.Values{}
				for _, field := range []string{"user", "invitation", "role", "domain", "roles"} {
					form.Set(field, id)
				}
				one := func(field string) url.Values { return url.Values{field: form[field]} }
				for _, values := range []url.Values{one("user"), one("invitation"), one("role"), one("domain"), {"user": form["user"], "roles": {"member"}}} {
					page := b.Once(http.MethodPost, path, values)
					answers = append(answers, answerOf(page, id))
					if page.Status >= 500 {
						t.Errorf("%s with %v is %s", path, values, page)
					}
				}
			}
			for n := range len(answers) / 2 {
				if answers[n] != answers[n+len(answers)/2] {
					t.Errorf("%s tells %s from %s", path, pair[0], pair[1])
				}
			}
		}
	}
	after, err := i.Scope().Memberships(t.Context(), foreign.ID)
	if err != nil || len(after) != 2 {
		t.Errorf("the foreign organization has %v %v", after, err)
	}
}
