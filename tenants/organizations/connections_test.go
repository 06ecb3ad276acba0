package organizations_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// asked are upstreams that answer as the town says.
type asked struct{ h *town }

func (asked) Check(c lanyard.Connection) error {
	if strings.HasPrefix(c.IssuerURL(), "http:") {
		return lanyard.ErrBadInput.Saying("the issuer is not called from here")
	}
	return c.Check()
}

func (a asked) Probe(context.Context, lanyard.Connection) error { return a.h.probed }

// connected is a connection of an organization that was tested, made past all rules.
func (h *town) connected(o lanyard.Organization, name string, change func(*lanyard.Connection)) lanyard.Connection {
	h.Helper()
	c := newConnection(name)
	c.ID, c.TenantID, c.OrganizationID, c.CreatedAt = lanyard.NewConnectionID(), h.t.Tenant.ID, o.ID, h.now
	var err error
	c.SealedSecret, err = h.Accounts.Sealer.Seal(c.SecretPlace(), []byte("a secret"))
	h.must(err)
	if change != nil {
		change(&c)
	}
	h.must(h.t.Scope.PutConnection(h.Context(), c))
	h.must(h.t.Scope.NoteConnectionTest(h.Context(), c.ID, c.Fingerprint()))
	return h.stored(c.ID)
}

func enabled(c *lanyard.Connection) { c.Enabled = true }

func (h *town) stored(id lanyard.ConnectionID) lanyard.Connection {
	h.Helper()
	c, err := h.t.Scope.Connection(h.Context(), id)
	h.must(err)
	return c
}

// insists makes an organization one that lets people in through its own connection alone.
func (h *town) insists(o lanyard.Organization) {
	h.Helper()
	o.Policy.OwnConnectionOnly = true
	h.must(h.t.Scope.UpdateOrganization(h.Context(), o))
}

// provedTwice is an actor whose session was proved with a second factor.
func provedTwice(a accounts.Actor) accounts.Actor {
	a.Session.ACR = lanyard.ACRDouble
	return a
}

func (h *town) revision() int64 {
	h.Helper()
	n, err := h.t.Scope.Revision(h.Context())
	h.must(err)
	return n
}

func TestConnectionIsAddedSwitchedOff(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		olga := h.seated("olga", acme, lanyard.RoleOwner)
		form, before := newConnection("Company"), h.revision()
		form.ID, form.TenantID, form.OrganizationID, form.TestedAs = "chosen", "ten_other", "org_other", "chosen"
		form.Enabled, form.SealedSecret, form.SealedBotToken = true, []byte("x"), []byte("y")
		c, err := h.AddConnection(h.Context(), olga, form, lanyard.SecretOf("very secret"), h.now)
		h.must(err)
		got := h.stored(c.ID)
		plain, err := h.Accounts.Sealer.Open(got.SecretPlace(), got.SealedSecret)
		if err != nil || string(plain) != "very secret" {
			t.Errorf("the secret is %q, %v", plain, err)
		}
		if got.ID == "chosen" || got.OrganizationID != acme.ID || got.Enabled || got.TestedAs != "" || got.SealedBotToken != nil || !got.CreatedAt.Equal(h.now) {
			t.Errorf("it is %+v", got)
		}
		facts := h.events(lanyard.EventConnectionUpdated, acme.ID)
		if len(facts) != 1 || facts[0].Detail["name_after"] != "Company" || facts[0].Detail["secret"] != "changed" || facts[0].Actor != string(olga.Actor.User.ID) {
			t.Errorf("the facts are %+v", facts)
		}
		h.sayNoSecret(facts, "very secret", string(got.SealedSecret))
		if h.revision() <= before {
			t.Error("configurations that were read before stay in use")
		}
	})
}

func (h *town) sayNoSecret(facts []lanyard.Event, secrets ...string) {
	h.Helper()
	for _, fact := range facts {
		for value := range maps.Values(fact.Detail) {
			if slices.ContainsFunc(secrets, func(secret string) bool { return strings.Contains(value, secret) }) {
				h.Errorf("a fact tells a secret: %+v", fact)
			}
		}
	}
}

func TestConnectionsThatAnOrganizationCanHave(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		h.must(h.t.Scope.PutRole(h.Context(), acme.ID, "clerk", []string{lanyard.MayReadMembers}, h.now))
		h.must(h.t.Scope.PutRole(h.Context(), acme.ID, "janitor", []string{lanyard.MayManageConnections}, h.now))
		olga, jan := h.seated("olga", acme, lanyard.RoleOwner), h.seated("jan", acme, "janitor")
		secret := lanyard.SecretOf("a secret")
		for what, c := range map[string]struct {
			who    organizations.Seat
			change func(*lanyard.Connection)
			secret lanyard.Secret
			err    error
		}{
			"no secret":                   {olga, nil, lanyard.Secret{}, lanyard.ErrBadInput},
			"a long secret":               {olga, nil, lanyard.SecretOf(strings.Repeat("x", 10_000)), lanyard.ErrBadInput},
			"Telegram":                    {olga, func(c *lanyard.Connection) { c.Kind, c.Issuer = lanyard.ConnectionTelegram, "" }, secret, lanyard.ErrBadInput},
			"no kind":                     {olga, func(c *lanyard.Connection) { c.Kind = "" }, secret, lanyard.ErrBadInput},
			"no name":                     {olga, func(c *lanyard.Connection) { c.Name = "" }, secret, lanyard.ErrBadInput},
			"a name of two lines":         {olga, func(c *lanyard.Connection) { c.Name = "a\nb" }, secret, lanyard.ErrBadInput},
			"a name that turns":           {olga, func(c *lanyard.Connection) { c.Name = "a\u202eb" }, secret, lanyard.ErrBadInput},
			"a long client id":            {olga, func(c *lanyard.Connection) { c.UpstreamClientID = strings.Repeat("x", 501) }, secret, lanyard.ErrBadInput},
			"an address that is not ours": {olga, func(c *lanyard.Connection) { c.Issuer = "http://10.0.0.1" }, secret, lanyard.ErrBadInput},
			"a malformed scope":           {olga, func(c *lanyard.Connection) { c.Scopes = lanyard.Scopes{`a"b`} }, secret, lanyard.ErrBadInput},
			"many scopes":                 {olga, func(c *lanyard.Connection) { c.Scopes = slices.Repeat(lanyard.Scopes{"a"}, 101) }, secret, lanyard.ErrBadInput},
			"a key that is none":          {olga, func(c *lanyard.Connection) { c.Auth = lanyard.UpstreamJWT }, secret, lanyard.ErrBadInput},
			"owners by signing in":        {olga, func(c *lanyard.Connection) { c.JustInTime, c.DefaultRoles = true, []string{lanyard.RoleOwner} }, secret, lanyard.ErrBadInput},
			"a role that is not there":    {olga, func(c *lanyard.Connection) { c.JustInTime, c.DefaultRoles = true, []string{"ghost"} }, secret, lanyard.ErrBadInput},
			"a role that is not theirs":   {jan, func(c *lanyard.Connection) { c.JustInTime, c.DefaultRoles = true, []string{"clerk"} }, secret, lanyard.ErrNotAllowed},
			"a role for later":            {jan, func(c *lanyard.Connection) { c.DefaultRoles = []string{"clerk"} }, secret, lanyard.ErrNotAllowed},
			"a role that they have":       {jan, func(c *lanyard.Connection) { c.Name, c.JustInTime, c.DefaultRoles = "1", true, []string{"janitor"} }, secret, nil},
			"an admin's role, by an owner": {olga, func(c *lanyard.Connection) {
				c.Name, c.JustInTime, c.DefaultRoles = "2", true, []string{lanyard.RoleAdmin}
			}, secret, nil},
			"Google": {olga, func(c *lanyard.Connection) {
				c.Name, c.Kind, c.Issuer, c.HostedDomain = "3", lanyard.ConnectionGoogle, "", "example.test"
			}, secret, nil},
			"all of Google": {olga, func(c *lanyard.Connection) {
				c.Kind, c.Issuer, c.JustInTime = lanyard.ConnectionGoogle, "", true
			}, secret, lanyard.ErrBadInput},
			"all of Microsoft": {olga, func(c *lanyard.Connection) {
				c.Kind, c.Issuer, c.JustInTime = lanyard.ConnectionMicrosoft, "https://login.microsoftonline.com/Organizations/v2.0", true
			}, secret, lanyard.ErrBadInput},
			"one tenant of Microsoft": {olga, func(c *lanyard.Connection) {
				c.Name, c.Kind, c.Issuer, c.JustInTime = "5", lanyard.ConnectionMicrosoft, "", true
				c.AllowedTenants = []string{"01234567-89ab-cdef-0123-456789abcdef"}
			}, secret, nil},
			"a key": {olga, func(c *lanyard.Connection) { c.Name, c.Auth = "4", lanyard.UpstreamJWT }, lanyard.SecretOf(`{"kty":"OKP","d":"x"}`), nil},
		} {
			form := newConnection("Company")
			if c.change != nil {
				c.change(&form)
			}
			h.wants(what, first(h.AddConnection(h.Context(), c.who, form, c.secret, h.now)), c.err)
		}
		for range 5 {
			h.must(first(h.AddConnection(h.Context(), olga, newConnection(string(lanyard.NewEventID())), secret, h.now)))
		}
		h.wants("one more than ten", first(h.AddConnection(h.Context(), olga, newConnection("more"), secret, h.now)), lanyard.ErrBadInput)
	})
}

func TestNamesOfConnectionsDiffer(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		olga := h.seated("olga", acme, lanyard.RoleOwner)
		one, two := h.connected(acme, "one", nil), h.connected(acme, "two", nil)
		h.wants("a name that is there", first(h.AddConnection(h.Context(), olga, newConnection("one"), lanyard.NewSecret(), h.now)), lanyard.ErrConflict)
		two.Name = one.Name
		h.wants("changed to one", first(h.ChangeConnection(h.Context(), olga, two, lanyard.Secret{}, h.now)), lanyard.ErrConflict)
	})
}

func TestUpstreamIsAskedBeforeItIsStored(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		olga := h.seated("olga", acme, lanyard.RoleOwner)
		c := h.connected(acme, "company", nil)
		add := func() error {
			return first(h.AddConnection(h.Context(), olga, newConnection("other"), lanyard.NewSecret(), h.now))
		}
		h.probed = lanyard.ErrUpstreamDown
		h.wants("an upstream that is down", add(), lanyard.ErrUpstreamDown)
		c.Name = "renamed"
		h.must(first(h.ChangeConnection(h.Context(), olga, c, lanyard.Secret{}, h.now))) // it stays where it was
		c.Issuer += "/elsewhere"
		h.wants("moved to one that is down", first(h.ChangeConnection(h.Context(), olga, c, lanyard.NewSecret(), h.now)), lanyard.ErrUpstreamDown)
		for range 28 {
			h.wants("asked", add(), lanyard.ErrUpstreamDown)
		}
		h.wants("too often", add(), lanyard.ErrThrottled)
		if all, err := h.Connections(h.Context(), olga); err != nil || len(all) != 1 || all[0].Issuer != "https://idp.example.test" {
			t.Errorf("there are %+v, %v", all, err)
		}
	})
}

// Every change needs a fresh proof; of an own connection's session as well.
func TestConnectionsChangeAfterAFreshProof(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		c := h.connected(acme, "company", nil)
		olga := h.seated("olga", acme, lanyard.RoleOwner)
		stale := olga
		stale.Actor.Session.AuthTime = h.now.Add(-time.Hour)
		before := h.state(acme.ID)
		for what, err := range map[string]error{
			"add":     first(h.AddConnection(h.Context(), stale, newConnection("other"), lanyard.NewSecret(), h.now)),
			"change":  first(h.ChangeConnection(h.Context(), stale, c, lanyard.NewSecret(), h.now)),
			"enable":  h.EnableConnection(h.Context(), stale, c.ID, h.now),
			"disable": h.DisableConnection(h.Context(), stale, c.ID, h.now),
			"remove":  h.RemoveConnection(h.Context(), stale, c.ID, c.Name, h.now),
		} {
			h.wants(what, err, lanyard.ErrFreshProof)
		}
		if same := cmp.Diff(before, h.state(acme.ID)); same != "" {
			t.Errorf("it changed: %s", same)
		}
		olga.Actor.Session.ConfinedTo = acme.ID
		h.must(h.EnableConnection(h.Context(), olga, c.ID, h.now))
	})
}

func TestConnectionIsSwitchedOnAfterATest(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		olga := h.seated("olga", acme, lanyard.RoleOwner)
		c, err := h.AddConnection(h.Context(), olga, newConnection("company"), lanyard.NewSecret(), h.now)
		h.must(err)
		enable := func() error { return h.EnableConnection(h.Context(), olga, c.ID, h.now) }
		h.wants("untested", enable(), lanyard.ErrUntested)
		h.must(h.t.Scope.NoteConnectionTest(h.Context(), c.ID, c.Fingerprint()))
		c.UpstreamClientID = "other"
		h.must(first(h.ChangeConnection(h.Context(), olga, c, lanyard.Secret{}, h.now)))
		h.wants("tested as it was before", enable(), lanyard.ErrUntested)
		h.must(h.t.Scope.NoteConnectionTest(h.Context(), c.ID, h.stored(c.ID).Fingerprint()))
		h.must(enable())
		h.must(enable())
		if !h.stored(c.ID).Offered() || len(h.events(lanyard.EventConnectionUpdated, acme.ID)) != 3 {
			t.Error("it is not on, or twice")
		}
		h.must(h.DisableConnection(h.Context(), olga, c.ID, h.now))
		if facts := h.events(lanyard.EventConnectionUpdated, acme.ID); h.stored(c.ID).Enabled || facts[0].Detail["enabled_before"] != "true" || facts[0].Detail["enabled_after"] != "false" {
			t.Errorf("the facts are %+v", facts)
		}
	})
}

func TestChangeThatMattersSwitchesOff(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		olga := h.seated("olga", acme, lanyard.RoleOwner)
		for what, c := range map[string]struct {
			change func(*lanyard.Connection)
			secret lanyard.Secret
			on     bool
		}{
			"a name":     {func(c *lanyard.Connection) { c.Name, c.Order = "renamed", 3 }, lanyard.Secret{}, true},
			"the roles":  {func(c *lanyard.Connection) { c.JustInTime, c.DefaultRoles = true, []string{lanyard.RoleAdmin} }, lanyard.Secret{}, true},
			"the issuer": {func(c *lanyard.Connection) { c.Issuer += "/x" }, lanyard.SecretOf("another"), false},
			"the client": {func(c *lanyard.Connection) { c.UpstreamClientID = "x" }, lanyard.Secret{}, false},
			"the factor": {func(c *lanyard.Connection) { c.TrustedForMFA = true }, lanyard.Secret{}, false},
			"the secret": {func(*lanyard.Connection) {}, lanyard.SecretOf("another"), false},
			"a kind":     {func(c *lanyard.Connection) { c.Kind = lanyard.ConnectionGoogle }, lanyard.Secret{}, true},
			"what is not": {func(c *lanyard.Connection) {
				c.TestedAs, c.OrganizationID, c.SealedSecret, c.Enabled = "x", "org_other", nil, false
			}, lanyard.Secret{}, true},
		} {
			before := h.connected(acme, what, enabled)
			form := before
			c.change(&form)
			got, err := h.ChangeConnection(h.Context(), olga, form, c.secret, h.now)
			h.must(err)
			after := h.stored(before.ID)
			if after.Enabled != c.on || after.Fingerprint() != got.Fingerprint() || after.Kind != before.Kind || after.TestedAs != before.TestedAs {
				t.Errorf("%s: it is %+v", what, after)
			}
			plain, err := h.Accounts.Sealer.Open(after.SecretPlace(), after.SealedSecret)
			if want := c.secret.Reveal(); err != nil || string(plain) != want && (want != "" || string(plain) != "a secret") {
				t.Errorf("%s: the secret is %q, %v", what, plain, err)
			}
			h.must(h.RemoveConnection(h.Context(), olga, before.ID, after.Name, h.now))
		}
		h.sayNoSecret(h.events(lanyard.EventConnectionUpdated, acme.ID), "another", "a secret")
		c := h.connected(acme, "company", nil)
		c.Auth = lanyard.UpstreamJWT
		h.wants("a key instead of a secret", first(h.ChangeConnection(h.Context(), olga, c, lanyard.Secret{}, h.now)), lanyard.ErrBadInput)
		c = h.stored(c.ID)
		c.Issuer = "https://evil.test"
		h.wants("a secret taken along to another issuer", first(h.ChangeConnection(h.Context(), olga, c, lanyard.Secret{}, h.now)), lanyard.ErrBadInput)
	})
}

// Who may manage connections does not thereby give, or keep, roles beyond their own.
func TestConnectionWithRolesBeyondIsNotChanged(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		h.must(h.t.Scope.PutRole(h.Context(), acme.ID, "janitor", []string{lanyard.MayManageConnections, lanyard.MayManagePolicy}, h.now))
		jan := h.seated("jan", acme, "janitor")
		c := h.connected(acme, "company", func(c *lanyard.Connection) { c.JustInTime, c.DefaultRoles = true, []string{lanyard.RoleAdmin} })
		h.wants("switched on", h.EnableConnection(h.Context(), jan, c.ID, h.now), lanyard.ErrNotAllowed)
		c.Issuer = "https://evil.test"
		h.wants("moved", first(h.ChangeConnection(h.Context(), jan, c, lanyard.NewSecret(), h.now)), lanyard.ErrNotAllowed)
		c.DefaultRoles = nil
		h.must(first(h.ChangeConnection(h.Context(), jan, c, lanyard.NewSecret(), h.now)))
	})
}

// An organization that insists on its own connection keeps one.
func TestConnectionThatIsInsistedOnStays(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		actor := provedTwice(h.person("olga"))
		h.joins(actor, acme, lanyard.RoleOwner)
		c := h.connected(acme, "company", enabled)
		h.insists(acme)
		olga := h.seat(actor, acme)
		moved := c
		moved.UpstreamClientID = "other"
		refused := func() {
			h.Helper()
			h.wants("removed", h.RemoveConnection(h.Context(), olga, c.ID, c.Name, h.now), lanyard.ErrConnectionNeeded)
			h.wants("switched off", h.DisableConnection(h.Context(), olga, c.ID, h.now), lanyard.ErrConnectionNeeded)
			h.wants("untested", first(h.ChangeConnection(h.Context(), olga, moved, lanyard.Secret{}, h.now)), lanyard.ErrConnectionNeeded)
			if got := h.stored(c.ID); !got.Offered() || got.UpstreamClientID != "lanyard" {
				t.Errorf("it is %+v", got)
			}
		}
		refused()
		other := h.connected(acme, "spare", nil)
		refused()
		h.must(h.EnableConnection(h.Context(), olga, other.ID, h.now))
		h.must(first(h.ChangeConnection(h.Context(), olga, moved, lanyard.Secret{}, h.now)))
		h.must(h.RemoveConnection(h.Context(), olga, c.ID, " company ", h.now))
		h.wants("the last one", h.RemoveConnection(h.Context(), olga, other.ID, other.Name, h.now), lanyard.ErrConnectionNeeded)
	})
}

// Of two that take the last two connections away, or insist meanwhile, one has to stop.
func TestLastConnectionIsNotRemovedByTwo(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		actor := provedTwice(h.person("olga"))
		h.joins(actor, acme, lanyard.RoleOwner)
		for range testkit.Rounds(3, 12) {
			h.must(h.t.Scope.UpdateOrganization(h.Context(), acme))
			one, two := h.connected(acme, "one", enabled), h.connected(acme, "two", enabled)
			olga := h.seat(actor, acme)
			h.race(func(i int) error {
				switch i % 3 {
				case 0:
					return h.RemoveConnection(h.Context(), olga, one.ID, one.Name, h.now)
				case 1:
					return h.DisableConnection(h.Context(), olga, two.ID, h.now)
				}
				return h.SetPolicy(h.Context(), olga, lanyard.OrganizationPolicy{OwnConnectionOnly: true}, h.now)
			}, lanyard.ErrConnectionNeeded, lanyard.ErrNotFound)
			all, err := h.t.Scope.OrganizationConnections(h.Context(), acme.ID)
			h.must(err)
			o, err := h.t.Scope.Organization(h.Context(), acme.ID)
			h.must(err)
			if o.Policy.OwnConnectionOnly && !slices.ContainsFunc(all, lanyard.Connection.Offered) {
				t.Fatal("it insists on what it has not")
			}
			for _, c := range all {
				h.must(h.t.Scope.RemoveConnection(h.Context(), c.ID, h.now))
			}
		}
	})
}

func TestPolicyInsistsOnAConnectionThatIsOn(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		insist := lanyard.OrganizationPolicy{OwnConnectionOnly: true}
		owner, admin := h.seated("olga", acme, lanyard.RoleOwner), h.seated("adam", acme, lanyard.RoleAdmin)
		h.wants("no connection", h.SetPolicy(h.Context(), owner, insist, h.now), lanyard.ErrConnectionNeeded)
		c := h.connected(acme, "company", nil)
		h.wants("one that is off", h.SetPolicy(h.Context(), owner, insist, h.now), lanyard.ErrConnectionNeeded)
		h.must(h.EnableConnection(h.Context(), owner, c.ID, h.now))
		h.wants("an owner without a second factor", h.SetPolicy(h.Context(), owner, insist, h.now), lanyard.ErrPolicyUnmet)
		h.wants("an admin who came another way", h.SetPolicy(h.Context(), admin, insist, h.now), lanyard.ErrPolicyUnmet)
		admin.Actor = provedTwice(admin.Actor)
		h.wants("with a second factor", h.SetPolicy(h.Context(), admin, insist, h.now), lanyard.ErrPolicyUnmet)
		admin.Actor.Session.ConfinedTo = acme.ID
		h.must(h.SetPolicy(h.Context(), admin, insist, h.now))
		owner.Actor = provedTwice(owner.Actor)
		h.must(h.SetPolicy(h.Context(), owner, lanyard.OrganizationPolicy{}, h.now))
		h.must(h.SetPolicy(h.Context(), owner, insist, h.now))
	})
}

// A connection of another organization, or of the tenant, is one that never was.
func TestConnectionsOfOthersAreNotThere(t *testing.T) {
	inTown(t, func(h *town) {
		acme, globex := h.organization("acme"), h.organization("globex")
		olga := h.seated("olga", acme, lanyard.RoleOwner)
		tenants := newConnection("tenant")
		tenants.ID, tenants.CreatedAt = lanyard.NewConnectionID(), h.now
		h.must(h.t.Scope.PutConnection(h.Context(), tenants))
		for what, c := range map[string]lanyard.Connection{"globex": h.connected(globex, "theirs", nil), "the tenant": tenants, "nobody": {ID: "con_none"}} {
			before := h.state(globex.ID)
			for deed, err := range map[string]error{
				"found":    first(h.Connection(h.Context(), olga, c.ID)),
				"changed":  first(h.ChangeConnection(h.Context(), olga, c, lanyard.NewSecret(), h.now)),
				"enabled":  h.EnableConnection(h.Context(), olga, c.ID, h.now),
				"disabled": h.DisableConnection(h.Context(), olga, c.ID, h.now),
				"removed":  h.RemoveConnection(h.Context(), olga, c.ID, c.Name, h.now),
			} {
				h.wants(what+" is "+deed, err, lanyard.ErrNotFound)
			}
			if diff := cmp.Diff(before, h.state(globex.ID)); diff != "" {
				t.Errorf("%s: %s", what, diff)
			}
		}
	})
}

// What was signed in to by a connection ends with it.
func TestRemovedConnectionEndsItsSessions(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		olga := h.seated("olga", acme, lanyard.RoleOwner)
		c := h.connected(acme, "company", enabled)
		browser, err := h.t.Scope.PutBrowser(h.Context(), nil, lanyard.NewSecret().Hash(), lanyard.Browser{ID: lanyard.NewBrowserID(), SeenAt: h.now})
		h.must(err)
		id, err := h.t.Scope.StartSession(h.Context(), browser, storage.Proof{
			User: olga.Actor.User.ID, At: h.now, ACR: lanyard.ACRSingle, AMR: []string{"fed"}, ExpiresAt: h.now.Add(time.Hour), Connection: c.ID, ConfinedTo: acme.ID,
		})
		h.must(err)
		h.wants("another name", h.RemoveConnection(h.Context(), olga, c.ID, "Company", h.now), lanyard.ErrBadInput)
		h.must(h.RemoveConnection(h.Context(), olga, c.ID, c.Name, h.now))
		if s, err := h.t.Scope.Session(h.Context(), id); err != nil || s.Live(h.now) {
			t.Errorf("the session is %+v, %v", s, err)
		}
		if facts := h.events(lanyard.EventConnectionRemoved, acme.ID); len(facts) != 1 || facts[0].Detail["name_before"] != "company" {
			t.Errorf("the facts are %+v", facts)
		}
	})
}
