package bench

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver of the PostgreSQL that is filled
	_ "modernc.org/sqlite"             // the driver of the SQLite that is filled

	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// house is an organization that ada owns, for the members page and the claims.
const house = `
version: 1
tenants:
  - slug: default
    organizations:
      - {slug: house, name: House, members: [{user: ada@example.test, roles: [owner]}]}
`

// BenchmarkOrganizations compares a tenant with ten organizations of ten people to one
// with 10,000 organizations and 100,000 memberships, and with an organization of
// 10,000 people: neither may cost more than twice.
func BenchmarkOrganizations(b *testing.B) {
	for name, url := range map[string]func() string{
		"SQLite":     func() string { return "sqlite:" + filepath.Join(b.TempDir(), "lanyard.db") },
		"PostgreSQL": func() string { return testkit.Postgres(b) },
	} {
		b.Run(name, func(b *testing.B) {
			database := url()
			t := serve(b, database, house)
			fill(b, database, 1, 10, 10)
			organizations(b, t, "Ten")
			fill(b, database, 11, 10_000, 10)
			organizations(b, t, "TenThousand")
			crowd(b, database, 10_000)
			organizations(b, t, "TenThousandMembers")
		})
	}
}

func organizations(b *testing.B, t *target, size string) {
	b.Helper()
	for name, begin := range map[string]func(*target) func(int) error{"Members": membersPage, "SignIn": signInto, "Refresh": refreshIn} {
		b.Run(name+"/"+size, func(b *testing.B) { measure(b, t, begin(t)) })
	}
}

func membersPage(t *target) func(int) error {
	browser := t.Browser()
	t.Client("web").Code(browser, ada, adaPassword, nil)
	return func(int) error {
		page := browser.Get("/org/house/members")
		if page.Status != http.StatusOK || !strings.Contains(page.Body, "Ada Lovelace") {
			return fmt.Errorf("the members page is %s", page)
		}
		return nil
	}
}

func signInto(t *target) func(int) error {
	web := t.Client("web")
	browsers := make([]*idp.Browser, workers)
	for at := range browsers {
		browsers[at] = t.Browser()
		web.Code(browsers[at], ada, adaPassword, nil)
	}
	return func(worker int) error {
		return wantOK(web.Try("/oauth/token", web.Exchanging(web.Code(browsers[worker], ada, adaPassword, url.Values{"organization": {"house"}}), nil)))
	}
}

func refreshIn(t *target) func(int) error {
	client := t.Client("claims")
	live := make([]string, workers)
	for at := range live {
		live[at] = client.Tokens(url.Values{"organization": {"house"}}).Text("refresh_token")
	}
	return func(worker int) error {
		a, err := client.Try("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {live[worker]}})
		live[worker] = a.Text("refresh_token")
		return wantOK(a, err)
	}
}

// fill makes organizations from a number to another, each with its own people.
func fill(b *testing.B, database string, from, to, people int) {
	b.Helper()
	run(b, database,
		fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n WHERE i < %d)
			INSERT INTO organizations (tenant_id, id, slug, name, created_at) SELECT t.tenant_id, 'org_bench' || i, 'bench-' || i, 'Bench ' || i, 1 FROM n, tenants t WHERE t.slug = 'default'`, from, to),
		fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n WHERE i < %d)
			INSERT INTO users (tenant_id, id, subject, profile, updated_at, created_at) SELECT t.tenant_id, 'usr_bench' || i, 'bench-' || i, '{}', 1, 1 FROM n, tenants t WHERE t.slug = 'default'`, from*people, to*people+people-1),
		fmt.Sprintf(`INSERT INTO memberships (tenant_id, organization_id, user_id, roles, created_at)
			SELECT u.tenant_id, 'org_bench' || (CAST(substr(u.id, 10) AS INTEGER) / %[3]d), u.id, 'member', 1 FROM users u
			WHERE u.id LIKE 'usr_bench%%' AND CAST(substr(u.id, 10) AS INTEGER) / %[3]d BETWEEN %[1]d AND %[2]d`, from, to, people),
	)
}

// crowd makes people of the benchmark members of house.
func crowd(b *testing.B, database string, n int) {
	b.Helper()
	run(b, database, fmt.Sprintf(`INSERT INTO memberships (tenant_id, organization_id, user_id, roles, created_at)
		SELECT u.tenant_id, o.id, u.id, 'member', 1 FROM users u JOIN organizations o ON o.tenant_id = u.tenant_id AND o.slug = 'house'
		WHERE u.id LIKE 'usr_bench%%' ORDER BY u.id LIMIT %d`, n))
}

func run(b *testing.B, database string, statements ...string) {
	b.Helper()
	driver, source := "pgx", database
	if path, isSQLite := strings.CutPrefix(database, "sqlite:"); isSQLite {
		driver, source = "sqlite", "file:"+path+"?_pragma=busy_timeout(60000)"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, statement := range append(statements, "ANALYZE") {
		if _, err := db.ExecContext(context.Background(), statement); err != nil {
			b.Fatal(err)
		}
	}
}
