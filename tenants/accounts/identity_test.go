package accounts_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// connection is a connection of the tenant that is on, or another one by change.
func (h *town) connection(id lanyard.ConnectionID, change ...func(*lanyard.Connection)) lanyard.Connection {
	h.Helper()
	c := lanyard.Connection{
		ID: id, TenantID: h.t.Scope.TenantID(), Kind: lanyard.ConnectionOIDC, Name: "Harbour", Issuer: "https://up.example.test", UpstreamClientID: "us",
		Enabled: true, SignIn: true, SignUp: true, Linking: true, CreatedAt: h.now,
	}
	for _, each := range change {
		each(&c)
	}
	h.must(h.t.Scope.PutConnection(h.Context(), c))
	return c
}

// owned makes the connection that of an organization.
func (h *town) owned(c *lanyard.Connection) {
	h.Helper()
	c.OrganizationID = lanyard.NewOrganizationID()
	h.must(h.t.Scope.InsertOrganization(h.Context(), lanyard.Organization{ID: c.OrganizationID, Slug: "acme-" + string(c.ID), Code: string(c.ID), Name: "Acme", CreatedAt: h.now}))
}

// arrival is somebody who comes from an upstream.
func arrival(c lanyard.Connection, subject, email string, verified bool) lanyard.Arrival {
	return lanyard.Arrival{
		Identity: lanyard.Identity{ConnectionID: c.ID, Issuer: "https://up.example.test", Subject: subject}, Email: email, EmailVerified: verified,
		Profile: lanyard.Profile{Name: "Ada Byron"}, Proof: lanyard.UpstreamProof{Connection: c.ID, Organization: c.OrganizationID, ACR: lanyard.ACRSingle},
	}
}

func (h *town) link(user lanyard.User, a lanyard.Arrival) error {
	return h.apply(func(ctx context.Context, tx storage.Scope) error {
		return h.LinkIdentity(ctx, tx, h.t, user, a, h.from, h.now)
	})
}

func (h *town) proves(a lanyard.Arrival) (accounts.Proven, error) {
	return h.ProveIdentity(h.Context(), h.t, a, h.from, h.now)
}

func (h *town) joins(a lanyard.Arrival) (accounts.Proven, error) {
	return h.SignUpByIdentity(h.Context(), h.t, a, accounts.Newcomer{}, h.from, h.now)
}

func (h *town) identities(user lanyard.UserID) []string {
	h.Helper()
	all, err := h.Identities(h.Context(), h.t, accounts.Actor{User: lanyard.User{ID: user}})
	h.must(err)
	var out []string
	for _, l := range all {
		out = append(out, string(l.ConnectionID)+" "+l.Subject)
	}
	return out
}

func TestIdentitySignsItsOwnerIn(t *testing.T) {
	inTown(t, func(h *town) {
		user, google := h.citizen("ada", address, true), h.connection("google")
		a := arrival(google, "1", "another@example.test", true)
		_, err := h.proves(a)
		h.wants("nobody's", err, lanyard.ErrNotFound)
		h.must(h.link(user, a))
		h.now = h.now.Add(time.Hour)
		p, err := h.proves(a)
		h.must(err)
		if p.User.ID != user.ID || p.Method != lanyard.MethodFederated || p.Arrival == nil || p.Arrival.Identity != a.Identity {
			h.Errorf("proved %+v", p)
		}
		h.must(h.succeed(p))
		owner, err := h.t.Scope.IdentityOwner(h.Context(), a.Identity)
		h.must(err)
		if !owner.UsedAt.Equal(h.now) || h.byEmail(address).ID != user.ID {
			h.Errorf("used at %v", owner.UsedAt)
		}
		other := a
		other.Identity.Issuer = "https://evil.example.test"
		_, err = h.proves(other)
		h.wants("the same subject of another issuer", err, lanyard.ErrNotFound)
		h.connection("google", func(c *lanyard.Connection) { c.Linking = false })
		h.wants("at a connection that is not for linking", h.link(user, arrival(google, "2", "", false)), lanyard.ErrNotOffered)
		h.turnOff(user)
		_, err = h.proves(a)
		h.wants("turned off", err, lanyard.ErrUserDisabled)
	})
}

// TestIdentityCountsWhenItIsSpent: switched off, unlinked or somebody else's by then, it signs nobody in.
func TestIdentityCountsWhenItIsSpent(t *testing.T) {
	inTown(t, func(h *town) {
		user, other := h.citizen("ada", address, true), h.citizen("bob", "bob@example.test", true)
		google := h.connection("google")
		a := arrival(google, "1", "", false)
		for name, meanwhile := range map[string]func(){
			"switched off":    func() { h.connection("google", func(c *lanyard.Connection) { c.Enabled = false }) },
			"without sign-in": func() { h.connection("google", func(c *lanyard.Connection) { c.SignIn = false }) },
			"unlinked":        func() { h.must(h.t.Scope.UnlinkIdentity(h.Context(), user.ID, a.Identity)) },
			"moved": func() {
				h.must(h.t.Scope.UnlinkIdentity(h.Context(), user.ID, a.Identity))
				h.must(h.link(other, a))
			},
		} {
			h.connection("google")
			_ = h.t.Scope.UnlinkIdentity(h.Context(), user.ID, a.Identity)
			_ = h.t.Scope.UnlinkIdentity(h.Context(), other.ID, a.Identity)
			h.must(h.link(user, a))
			p, err := h.proves(a)
			h.must(err)
			meanwhile()
			h.wants(name, h.succeed(p), lanyard.ErrUpstreamRefused)
		}
	})
}

func TestAddressOwnerHasProvedIt(t *testing.T) {
	inTown(t, func(h *town) {
		ada := h.citizen("ada", address, true)
		h.citizen("bob", "bob@example.test", false)
		h.must(h.t.Scope.AddEmail(h.Context(), ada.ID, "second@example.test", h.now))
		_, err := h.t.Scope.VerifyEmail(h.Context(), ada.ID, "second@example.test", false)
		h.must(err)
		got, err := h.AddressOwner(h.Context(), h.t, "ADA@example.test")
		h.must(err)
		if got.ID != ada.ID {
			h.Errorf("it is %s", got.ID)
		}
		for _, email := range []string{"bob@example.test", "second@example.test", "nobody@example.test", "no address", ""} {
			_, err := h.AddressOwner(h.Context(), h.t, email)
			h.wants(email, err, lanyard.ErrNotFound)
		}
	})
}

// TestSignUpByIdentityMakesAnAccountWithoutPassword, once it is spent, with what of the profile is valid.
func TestSignUpByIdentityMakesAnAccountWithoutPassword(t *testing.T) {
	inTown(t, func(h *town) {
		google := h.connection("google")
		a := arrival(google, "1", "Ada@example.test", true)
		a.Profile = lanyard.Profile{
			Name: "Ada Byron", Nickname: strings.Repeat("x", 201), Picture: "javascript:alert(1)", Locale: "en", Website: "https://evil.example.test",
			Attributes: map[string]string{"team": "engines", "rank": "7", "is_admin": "true"},
		}
		var welcomed []string
		n := accounts.Newcomer{Welcome: func(_ context.Context, _ storage.Scope, _ lanyard.User, proved []string) error {
			welcomed = append(welcomed, proved...)
			return nil
		}}
		p, err := h.SignUpByIdentity(h.Context(), h.t, a, n, h.from, h.now)
		h.must(err)
		_, err = h.t.Scope.UserByEmail(h.Context(), address)
		h.wants("before it is spent", err, lanyard.ErrNotFound)
		h.must(h.succeed(p))
		got := h.byEmail(address)
		want := lanyard.Profile{
			Name: "Ada Byron", Email: "Ada@example.test", EmailVerified: true, Locale: "en", Attributes: map[string]string{"team": "engines", "rank": "7"},
		}
		if diff := cmp.Diff(want, got.Profile); diff != "" || p.User.ID != got.ID || p.Method != lanyard.MethodFederated {
			h.Errorf("by %s (-want +got):\n%s", p.Method, diff)
		}
		roles, err := h.t.Scope.UserRoles(h.Context(), got.ID)
		h.must(err)
		if diff := cmp.Diff([][]string{{"reader"}, {address}, {"google 1"}}, [][]string{roles, welcomed, h.identities(got.ID)}); diff != "" {
			h.Error(diff)
		}
		if h.happened(lanyard.EventUserSignedUp, got.ID) != 1 || h.happened(lanyard.EventIdentityLinked, got.ID) != 1 || h.hashes.Load() != 0 {
			h.Error("it is not recorded, or a hash was made")
		}
		_, err = h.t.Scope.PasswordHash(h.Context(), got.ID)
		h.wants("a password", err, lanyard.ErrNotFound)
		again, err := h.proves(a)
		h.must(err)
		h.must(h.succeed(again))
	})
}

// TestOrganizationsUpstreamSetsNoReadOnlyAttribute, and an address that was not proved never comes along.
func TestOrganizationsUpstreamSetsNoReadOnlyAttribute(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.connection("acme", h.owned)
		a := arrival(acme, "1", "victim@example.test", false)
		a.Profile.Attributes = map[string]string{"team": "engines", "rank": "7"}
		var proved []string
		p, err := h.SignUpByIdentity(h.Context(), h.t, a, accounts.Newcomer{Welcome: func(_ context.Context, _ storage.Scope, _ lanyard.User, addresses []string) error {
			proved = addresses
			return nil
		}}, h.from, h.now)
		h.must(err)
		h.must(h.succeed(p))
		got := h.user(p.User.ID)
		if diff := cmp.Diff(lanyard.Profile{Name: "Ada Byron", Attributes: map[string]string{"team": "engines"}}, got.Profile); diff != "" || len(proved) != 0 {
			h.Errorf("welcomed with %v, (-want +got):\n%s", proved, diff)
		}
		_, err = h.t.Scope.UserByEmail(h.Context(), "victim@example.test")
		h.wants("the address", err, lanyard.ErrNotFound)
	})
}

func TestSignUpByIdentityIsRefused(t *testing.T) {
	inTown(t, func(h *town) {
		user, google := h.citizen("ada", address, true), h.connection("google")
		for _, policy := range []lanyard.SignUp{lanyard.SignUpClosed, lanyard.SignUpInvite, ""} {
			h.t.Tenant.Policy.SignUp = policy
			_, err := h.joins(arrival(google, "1", "", false))
			h.wants(string(policy), err, lanyard.ErrSignUpClosed)
		}
		h.t.Tenant.Policy.SignUp = lanyard.SignUpOpen
		proved, err := h.joins(arrival(google, "1", address, true))
		h.must(err)
		h.wants("an address that somebody has proved", h.succeed(proved), lanyard.ErrHasAccount)
		h.must(h.link(user, arrival(google, "2", "", false)))
		taken, err := h.joins(arrival(google, "2", "new@example.test", true))
		h.must(err)
		h.wants("an identity that signs somebody in", h.succeed(taken), lanyard.ErrIdentityTaken)
		off, err := h.joins(arrival(google, "3", "", false))
		h.must(err)
		h.connection("google", func(c *lanyard.Connection) { c.Enabled = false })
		h.wants("a connection that was switched off", h.succeed(off), lanyard.ErrUpstreamRefused)
		users, err := h.store.CountRows(h.Context(), "users")
		h.must(err)
		if users != 1 || h.identities(user.ID)[0] != "google 2" {
			h.Errorf("%d users", users)
		}
	})
}

// TestTrueOwnerArrives is ATTACKS.md H: whoever registered the address without proving
// it loses the address, the password, the identities and what is signed in.
func TestTrueOwnerArrives(t *testing.T) {
	inTown(t, func(h *town) {
		google := h.connection("google")
		eve := h.citizen("eve", address, false)
		h.must(h.link(eve, arrival(google, "eve", "", false)))
		actor := h.signedIn(eve, "eve's")
		p, err := h.joins(arrival(google, "ada", address, true))
		h.must(err)
		h.must(h.succeed(p))
		if got := h.byEmail(address); got.ID != p.User.ID || got.ID == eve.ID {
			h.Errorf("the address is %s's", got.ID)
		}
		if h.session(actor.Session.ID).Live(h.now) || len(h.identities(eve.ID)) != 0 || h.happened(lanyard.EventEmailRemoved, eve.ID) != 1 {
			h.Error("who registered it is still in")
		}
		_, err = h.proves(arrival(google, "eve", "", false))
		h.wants("the identity of who registered it", err, lanyard.ErrNotFound)
		h.wants("the password", h.signsIn("eve", oldPassword), lanyard.ErrWrongCredentials)
	})
}

// TestManyNewAccountsFromOneAddressWait, whatever upstream vouches for them.
func TestManyNewAccountsFromOneAddressWait(t *testing.T) {
	inTown(t, func(h *town) {
		a, made := arrival(h.connection("google"), "s", "", false), 0
		for range 110 {
			_, err := h.joins(a)
			if err == nil {
				made++
				continue
			}
			if !errors.Is(err, lanyard.ErrThrottled) {
				h.Fatal(err)
			}
		}
		if made != 100 {
			h.Errorf("%d accounts from one address at once", made)
		}
	})
}

// TestOneIdentityMakesOneAccount, arriving in many browsers at once.
func TestOneIdentityMakesOneAccount(t *testing.T) {
	inTown(t, func(h *town) {
		google := h.connection("google")
		for n := range testkit.Rounds(10, 300) {
			email := ""
			if n%2 == 0 {
				email = strings.Repeat("e", n/2+1) + "@example.test"
			}
			a := arrival(google, strings.Repeat("s", n+1), email, true)
			next := make(chan accounts.Proven, 32)
			h.now = h.now.Add(time.Hour) // an address makes so many accounts in an hour
			for range 32 {
				p, err := h.joins(a) // each would make an account of its own
				h.must(err)
				next <- p
			}
			h.race(func() error { return h.succeed(<-next) }, lanyard.ErrIdentityTaken)
			users, err := h.store.CountRows(h.Context(), "users")
			h.must(err)
			if users != int64(n)+1 {
				h.Fatalf("%d users after %d rounds", users, n+1)
			}
		}
	})
}
