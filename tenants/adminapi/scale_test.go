package adminapi_test

import (
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
	"github.com/lanyard-id/lanyard/storage"
)

// slowest is how long the median page of a list may take, on a machine that does nothing else;
// twice that on one that does.
const slowest = 2 * 100 * time.Millisecond

// TestListsOfManyAreQuick fills a tenant and asks for pages as the console does.
func TestListsOfManyAreQuick(t *testing.T) {
	all := databases(t)
	if !testkit.Soak() {
		all = all[:1]
	}
	for i, o := range all {
		p := idp.Start(t, o)
		p.Administration()
		api := p.Administrator("admin")
		organization := crowd(t, p, testkit.Rounds(1_000, 100_000), testkit.Rounds(100, 10_000))
		for _, path := range []string{
			"/users", "/users?sort=-created", "/users?sort=name", "/users?search=person%20777", "/users?search=nobody-at-all", "/users?search=person",
			"/users?search=777&sort=name", "/users?email=person777@example.test", "/users?disabled=true&sort=name", "/users?role=rare", "/users?role=rare&sort=name",
			"/users?organization=" + organization, "/organizations", "/organizations?sort=-slug", "/organizations?sort=name", "/organizations?search=company%2099",
			"/organizations?search=nothing-at-all", "/organizations?suspended=true", "/organizations?plan=rare", "/organizations/" + organization + "/members",
			"/organizations/" + organization + "/members?search=nobody-at-all",
		} {
			took := median(t, api, path)
			if testkit.Soak() {
				t.Logf("%s %-55s %s", []string{"sqlite", "postgres"}[i], path, took.Round(100*time.Microsecond))
			}
			if testkit.Soak() && took > slowest {
				t.Errorf("%s takes %s", path, took)
			}
		}
		if testkit.Soak() {
			consoleOfMany(t, p)
		}
	}
}

// median asks for a page, and for the one after it, a few times.
func median(t *testing.T, api *idp.API, path string) time.Duration {
	t.Helper()
	var all []time.Duration
	next := path
	for range 9 {
		began := time.Now()
		answer := api.Must("GET", next, nil)
		all = append(all, time.Since(began))
		next = path
		if cursor := answer.Text("next"); cursor != "" {
			u, err := url.Parse(path)
			if err != nil {
				t.Fatal(err)
			}
			q := u.Query()
			q.Set("cursor", cursor)
			next = u.Path + "?" + q.Encode()
		}
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// crowd makes people and organizations, and gives the slug of one with a fiftieth of the people.
func crowd(t *testing.T, p *idp.IDP, people, organizations int) string {
	t.Helper()
	ctx, scope, now := t.Context(), p.Scope(), p.Clock.Now()
	var large lanyard.OrganizationID
	each(t, scope, organizations, func(tx storage.Scope, i int) error {
		made := lanyard.Organization{
			ID: lanyard.NewOrganizationID(), Slug: fmt.Sprintf("company-%d", i), Name: fmt.Sprintf("Company %d", i), Code: fmt.Sprintf("%08d", i), CreatedAt: now,
			Suspended: i%1000 == 7,
		}
		if i%1000 == 5 {
			made.Plan = "rare"
		}
		if i == 3 {
			large = made.ID
		}
		return tx.InsertOrganization(ctx, made)
	})
	each(t, scope, people, func(tx storage.Scope, i int) error {
		id := lanyard.NewUserID()
		u := lanyard.User{ID: id, Subject: string(id), CreatedAt: now, UpdatedAt: now, Disabled: i%1000 == 9, Profile: lanyard.Profile{Name: fmt.Sprintf("Person %d", i*7919%people)}}
		if err := tx.InsertUser(ctx, u); err != nil {
			return err
		}
		if err := tx.SetPrimaryEmail(ctx, id, fmt.Sprintf("person%d@example.test", i), true, now); err != nil {
			return err
		}
		if i%10_000 == 3 {
			if err := tx.GrantUserRole(ctx, id, "rare", now); err != nil {
				return err
			}
		}
		if i%50 != 0 {
			return nil
		}
		return tx.PutMembership(ctx, lanyard.Membership{OrganizationID: large, UserID: id, Roles: []string{"member"}, CreatedAt: now})
	})
	return "company-3"
}

func each(t *testing.T, scope storage.Scope, n int, do func(storage.Scope, int) error) {
	t.Helper()
	const chunk = 500
	for begin := 0; begin < n; begin += chunk {
		if err := scope.InTx(t.Context(), func(tx storage.Scope) error {
			for i := begin; i < min(n, begin+chunk); i++ {
				if err := do(tx, i); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// consoleOfMany asks for the lists of the console as an administrator does.
func consoleOfMany(t *testing.T, p *idp.IDP) {
	t.Helper()
	p.Apply(`
version: 1
tenants:
  - {slug: default, users: [{username: boss, password: boss-of-the-tenant-1815, roles: [tenant-admin]}]}
`)
	b := p.Browser()
	b.SignIn("/console", "boss", "boss-of-the-tenant-1815")
	for _, path := range []string{
		"/console", "/console/users", "/console/users?search=person+777", "/console/users?sort=name", "/console/organizations", "/console/organizations?search=99",
		"/console/applications", "/console/events", "/console/roles", "/console/keys",
	} {
		var all []time.Duration
		for range 9 {
			began := time.Now()
			if page := b.Get(path); page.Status != 200 {
				t.Fatalf("%s: %d", path, page.Status)
			}
			all = append(all, time.Since(began))
		}
		slices.Sort(all)
		took := all[len(all)/2]
		t.Logf("%-55s %s", path, took.Round(100*time.Microsecond))
		if took > slowest {
			t.Errorf("%s takes %s", path, took)
		}
	}
}
