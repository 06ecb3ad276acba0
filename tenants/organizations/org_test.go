package organizations_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// town is a tenant whose people are members of organizations.
type town struct {
	*testing.T
	*organizations.Organizations
	store *storage.Store
	t     accounts.Tenancy
	now   time.Time
	txt   txtRecords
	// probed is what upstreams answer when they are asked for their documents.
	probed error
}

// txtRecords stand in for the DNS: the TXT records of each name.
type txtRecords map[string][]string

func (r txtRecords) LookupTXT(_ context.Context, name string) ([]string, error) {
	if found, ok := r[name]; ok {
		return found, nil
	}
	return nil, errors.New("no such host")
}

// macs are the keys for codes; the last one is current.
type macs []lanyard.KeyID

func (m macs) CurrentMAC() (lanyard.KeyID, []byte) { return m[len(m)-1], []byte(m[len(m)-1]) }
func (m macs) MAC(id lanyard.KeyID) ([]byte, bool) { return []byte(id), slices.Contains(m, id) }

// inTown runs a behaviour on both databases, in a tenant where people make organizations themselves.
func inTown(t *testing.T, behaviour func(h *town)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		behaviour(found(t, "sqlite:"+filepath.Join(t.TempDir(), "lanyard.db")))
	})
	t.Run("postgres", func(t *testing.T) { behaviour(found(t, testkit.FastPostgres(t))) })
}

func found(t *testing.T, database string) *town {
	t.Helper()
	store, err := storage.Open(t.Context(), storage.Config{URL: database, Ephemeral: true})
	h := &town{T: t, store: store, now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), txt: txtRecords{}}
	h.must(err)
	t.Cleanup(func() { _ = store.Close() })
	h.must(store.Migrate(t.Context()))
	master, err := keys.NewMaster(lanyard.NewSecret().Hash())
	h.must(err)
	h.Organizations = &organizations.Organizations{Accounts: accounts.New(accounts.NewHasher(), master), Resolver: h.txt, Upstreams: asked{h}}
	h.t = h.tenant("town")
	return h
}

// tenant makes a tenant with the role dispatcher and an API that knows three permissions.
func (h *town) tenant(slug string) accounts.Tenancy {
	h.Helper()
	tenant := lanyard.Tenant{ID: lanyard.NewTenantID(), Slug: slug, Name: "Lighthouse", CreatedAt: h.now, Policy: lanyard.Policy{
		SignUp: lanyard.SignUpOpen, EmailCode: true, CreateOrganizations: true,
	}}
	h.must(h.store.InsertTenant(h.Context(), tenant))
	scope := h.store.Tenant(tenant.ID)
	h.must(scope.PutRole(h.Context(), "", "dispatcher", []string{"lamps:light"}, h.now))
	roles, err := scope.Roles(h.Context(), "")
	h.must(err)
	api := &lanyard.Resource{ID: lanyard.NewResourceID(), Identifier: "https://api.lighthouse.test/" + slug,
		Permissions: []lanyard.ResourceScope{{Name: "lamps:light"}, {Name: "lamps:read"}, {Name: "ships:warn"}}}
	h.must(scope.PutResource(h.Context(), *api, h.now))
	return accounts.Tenancy{
		Scope: scope, Tenant: tenant, Issuer: "https://id.lighthouse.test/t/" + slug, MACs: macs{"mac-1"}, Roles: roles, Resources: []*lanyard.Resource{api},
	}
}

func (h *town) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *town) wants(what string, err, want error) {
	h.Helper()
	if !errors.Is(err, want) {
		h.Errorf("%s: got %v, want %v", what, err, want)
	}
}

// person makes a user name@example.test with a proved address, signed in just now with a password.
func (h *town) person(name string) accounts.Actor {
	h.Helper()
	return h.personAt(name, name+"@example.test", true)
}

// personAt makes a user with an address (empty for none), signed in just now with a password.
func (h *town) personAt(name, address string, verified bool) accounts.Actor {
	h.Helper()
	ctx, id := h.Context(), lanyard.NewUserID()
	h.must(h.t.Scope.InsertUser(ctx, lanyard.User{ID: id, Subject: string(id), Username: name, Profile: lanyard.Profile{Name: name}, UpdatedAt: h.now, CreatedAt: h.now}))
	if address != "" {
		h.must(h.t.Scope.SetPrimaryEmail(ctx, id, address, verified, h.now))
	}
	user, err := h.t.Scope.User(ctx, id)
	h.must(err)
	return h.signedIn(user)
}

// signedIn starts a session on a browser of its own.
func (h *town) signedIn(user lanyard.User) accounts.Actor {
	h.Helper()
	ctx, hash := h.Context(), lanyard.NewSecret().Hash()
	browser, err := h.t.Scope.PutBrowser(ctx, nil, hash, lanyard.Browser{ID: lanyard.NewBrowserID(), SeenAt: h.now})
	h.must(err)
	id, err := h.t.Scope.StartSession(ctx, browser, storage.Proof{User: user.ID, At: h.now, ACR: lanyard.ACRSingle, AMR: []string{"pwd"}, ExpiresAt: h.now.Add(24 * time.Hour)})
	h.must(err)
	session, err := h.t.Scope.Session(ctx, id)
	h.must(err)
	return accounts.Actor{User: user, Session: session, From: accounts.From{BrowserHash: hash, Address: "192.0.2.1", UserAgent: "ua", Languages: []string{"en"}}}
}

// organization makes an open one without members.
func (h *town) organization(slug string) lanyard.Organization {
	h.Helper()
	o := lanyard.Organization{ID: lanyard.NewOrganizationID(), TenantID: h.t.Tenant.ID, Slug: slug, Name: slug, CreatedAt: h.now}
	h.must(h.t.Scope.InsertOrganization(h.Context(), o))
	return o
}

// joins makes somebody a member with roles, past all rules.
func (h *town) joins(a accounts.Actor, o lanyard.Organization, roles ...string) {
	h.Helper()
	h.must(h.t.Scope.PutMembership(h.Context(), lanyard.Membership{OrganizationID: o.ID, UserID: a.User.ID, Roles: roles, CreatedAt: h.now}))
}

// seat lets a member work in an organization.
func (h *town) seat(a accounts.Actor, o lanyard.Organization) organizations.Seat {
	h.Helper()
	seat, err := h.Enter(h.Context(), h.t, a, o.Slug, h.now)
	h.must(err)
	return seat
}

// seated makes a new person a member with roles, and seats them.
func (h *town) seated(name string, o lanyard.Organization, roles ...string) organizations.Seat {
	h.Helper()
	a := h.person(name)
	h.joins(a, o, roles...)
	return h.seat(a, o)
}

// rolesOf are the roles of a member; none for somebody who is none.
func (h *town) rolesOf(user lanyard.UserID, o lanyard.Organization) []string {
	h.Helper()
	m, err := h.t.Scope.Membership(h.Context(), o.ID, user)
	if errors.Is(err, lanyard.ErrNotFound) {
		return nil
	}
	h.must(err)
	return m.Roles
}

// events are those of an organization of a type, newest first.
func (h *town) events(kind lanyard.EventType, o lanyard.OrganizationID) []lanyard.Event {
	h.Helper()
	all, err := h.t.Scope.OrganizationEvents(h.Context(), o, "", 1000)
	h.must(err)
	return slices.DeleteFunc(all, func(e lanyard.Event) bool { return e.Type != kind })
}

// letters are all mails that are queued.
func (h *town) letters() []mail.Letter {
	h.Helper()
	due, err := h.store.DueDeliveries(h.Context(), storage.DeliveryMail, h.now, 365*24*time.Hour, 1000)
	h.must(err)
	var out []mail.Letter
	for _, d := range due {
		plain, err := h.Accounts.Sealer.Open(accounts.MailPlace(d.TenantID, d.ID), d.Sealed)
		h.must(err)
		letter, err := mail.Unmarshal(plain)
		h.must(err)
		out = append(out, letter)
	}
	return out
}

// race runs 32 at once, and counts who won; losers fail as they may.
func (h *town) race(do func(i int) error, losing ...error) int {
	h.Helper()
	errs := make([]error, 32)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() { errs[i] = do(i) })
	}
	group.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !slices.ContainsFunc(losing, func(want error) bool { return errors.Is(err, want) }) {
			h.Errorf("a loser: %v", err)
		}
	}
	return won
}
