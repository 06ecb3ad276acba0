package console_test

import (
	"net/http"
	"testing"

	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// people are administrators for tests: each has the role of the same name.
const people = `
version: 1
tenants:
  - slug: default
    users:
      - {username: admin, password: admin-of-the-tenant-1815, name: Grace Admin, roles: [tenant-admin]}
      - {username: reader, password: reader-of-the-tenant-1815, name: Rea Reader, roles: [tenant-reader]}
      - {username: operator, password: operator-of-everything-1815, name: Olga Operator, roles: [instance-admin]}
`

var passwords = map[string]string{
	"admin": "admin-of-the-tenant-1815", "reader": "reader-of-the-tenant-1815", "operator": "operator-of-everything-1815", "bob": "difference-engine-1822",
}

func start(t *testing.T) *idp.IDP {
	t.Helper()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	p.Apply(people)
	return p
}

// signIn opens a page of the console and signs in on the way.
func signIn(t *testing.T, p *idp.IDP, who, path string) (*idp.Browser, *idp.Page) {
	t.Helper()
	b := p.Browser()
	return b, b.SignIn(path, who, passwords[who])
}

func TestSignInLeadsToThePageThatWasAskedFor(t *testing.T) {
	p := start(t)
	_, page := signIn(t, p, "admin", "/console/resources?search=ledger")
	if page.Status != http.StatusOK || page.URL.Path != "/console/resources" || page.URL.RawQuery != "search=ledger" || page.Text("h1") != "Resources" {
		t.Fatalf("%s\n%s", page, page.Body)
	}
}
