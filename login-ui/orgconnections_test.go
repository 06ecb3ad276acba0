package loginui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
)

const conID = lanyard.ConnectionID("con_1")

// loomsID is the connection of the organization, after a change.
func loomsID(change func(*lanyard.Connection)) lanyard.Connection {
	c := addedLoomsID()
	c.ID, c.OrganizationID, c.SealedSecret = conID, acmeID, []byte("sealed")
	if change != nil {
		change(&c)
	}
	return c
}

// newLoomsID is the form by which it was added, addedLoomsID what that says.
func newLoomsID() url.Values {
	return values("name", " Looms ID ", "issuer", "https://id.looms.example", "client_id", "lanyard", "secret", " s3cret ", "just_in_time", "1", "role.member", "1")
}

func addedLoomsID() lanyard.Connection {
	return lanyard.Connection{
		Kind: lanyard.ConnectionOIDC, Name: "Looms ID", Issuer: "https://id.looms.example", UpstreamClientID: "lanyard",
		SignIn: true, SignUp: true, Linking: true, JustInTime: true, DefaultRoles: []string{lanyard.RoleMember},
	}
}

func testedLooms(c *lanyard.Connection) { c.TestedAs = c.Fingerprint() }

func onLooms(c *lanyard.Connection) {
	testedLooms(c)
	c.Enabled = true
}

func connectedBy(changes ...func(*lanyard.Connection)) func(*world) {
	return func(w *world) {
		w.orgs.connections = nil
		for _, change := range changes {
			w.orgs.connections = append(w.orgs.connections, loomsID(change))
		}
	}
}

func googleLooms(c *lanyard.Connection) {
	c.ID, c.Kind, c.Name, c.Issuer, c.HostedDomain = "con_2", lanyard.ConnectionGoogle, "Looms at Google", "", "looms.example"
	onLooms(c)
}

func microsoftLooms(c *lanyard.Connection) {
	c.Kind, c.Name, c.Issuer = lanyard.ConnectionMicrosoft, "Looms at Microsoft", "https://login.microsoftonline.com/01234567-89ab-cdef-0123-456789abcdef/v2.0"
}

func insisting(w *world) { w.orgs.joined.Organization.Policy.OwnConnectionOnly = true }

// byOrganization is somebody whom the organization's own connection signed in.
func byOrganization(w *world) {
	account := w.people.accounts[0]
	account.Session.ConfinedTo = acmeID
	w.people.accounts, w.people.confined = nil, []lanyard.Account{account}
}

// connectionCases are the pages of the organization's own connections.
func connectionCases() []pageCase {
	const list, one = "/org/looms/connections", "/org/looms/connections/edit?connection=con_1"
	const edit = "/org/looms/connections/edit"
	return []pageCase{
		{"org-connections", 200, orgAt(list, connectedBy(nil, googleLooms))},
		{"org-connections-none", 200, orgAt(list+"?done=connection_removed", connectedBy())},
		{"org-connection-untested", 200, orgAt(one + "&done=connection_added")},
		{"org-connection-tested", 200, orgAt(one, connectedBy(testedLooms), byOrganization)},
		{"org-connection-on", 200, orgAt(one, connectedBy(onLooms))},
		{"org-connection-microsoft", 200, orgAt(one, connectedBy(microsoftLooms))},
		{"org-connection-refused", 200, orgAt(one + "&refused=upstream_wrong")},
		{"org-connection-cancelled", 200, orgAt(one + "&refused=upstream_refused")},
		{"org-connection-new", 200, orgAt(edit)},
		{"org-connection-new-google", 200, orgAt(edit + "?kind=google")},
		{"org-connection-down", 200, orgSent(edit, newLoomsID(), lanyard.ErrUpstreamDown)},
		{"org-connection-bad-issuer", 200, orgSent(edit, values("name", "x", "client_id", "x", "secret", "x", "issuer", "looms"), nil)},
		{"org-connection-needed", 200, orgSent(one, values("deed", "disable"), lanyard.ErrConnectionNeeded, connectedBy(onLooms))},
		{"org-connection-other-name", 200, orgSent(one, values("deed", "remove", "typed", "Loom"), nil, connectedBy(onLooms))},
	}
}

// The forms of Google and Microsoft say what makes them the organization's own.
func TestConnectionsOfBrandsAreOfOneOrganization(t *testing.T) {
	for kind, c := range map[string]struct {
		form url.Values
		want func(*lanyard.Connection)
	}{
		"google": {values("hosted_domain", " Looms.example "), func(c *lanyard.Connection) { c.HostedDomain = "looms.example" }},
		"microsoft": {values("directory", "01234567-89AB-cdef-0123-456789abcdef"), func(c *lanyard.Connection) {
			c.Issuer = "https://login.microsoftonline.com/01234567-89ab-cdef-0123-456789abcdef/v2.0"
		}},
	} {
		w := newWorld(t, https)
		for field, value := range map[string]string{"name": "Looms", "client_id": "lanyard", "secret": "s", "issuer": "https://evil.example"} {
			c.form.Set(field, value)
		}
		w.post("/org/looms/connections/edit?kind="+kind, c.form)
		want := lanyard.Connection{Kind: lanyard.ConnectionKind(kind), Name: "Looms", UpstreamClientID: "lanyard", SignIn: true, SignUp: true, Linking: true}
		c.want(&want)
		if diff := cmp.Diff([]any{"add connection", acmeID, want, "s"}, w.orgs.called); diff != "" {
			t.Errorf("%s: %s", kind, diff)
		}
	}
}

func TestTestOfAConnectionLeadsThereAndBack(t *testing.T) {
	w := newWorld(t, https)
	rec := w.post("/org/looms/connections/edit?connection=con_1", values("deed", "test"))
	if rec.Code != http.StatusSeeOther || w.orgs.called != nil {
		t.Errorf("%d, called %v", rec.Code, w.orgs.called)
	}
	if diff := cmp.Diff([]any{"/org/looms/connections/edit?connection=con_1", "test", "looms", conID}, w.people.led); diff != "" {
		t.Error(diff)
	}
	w = newWorld(t, https)
	if rec := w.post("/org/looms/connections/edit?connection=con_9", values("deed", "test")); rec.Code != http.StatusNotFound || w.people.led != nil {
		t.Errorf("one that is not theirs: %d, led %v", rec.Code, w.people.led)
	}
}

// What is saved and switched off by that is said so.
func TestChangedConnectionIsToBeTested(t *testing.T) {
	w := newWorld(t, https)
	connectedBy(onLooms)(w)
	form := newLoomsID()
	form.Set("client_id", "other")
	if rec := w.post("/org/looms/connections/edit?connection=con_1", form); !strings.HasSuffix(rec.Header().Get("Location"), "done=connection_untested") {
		t.Errorf("it leads to %s", rec.Header().Get("Location"))
	}
}

// Secrets are never shown again, and only who may set the rules switches on.
func TestPageOfAConnectionKeepsItsSecrets(t *testing.T) {
	w := newWorld(t, https)
	w.orgs.err = lanyard.ErrUpstreamDown
	if body := w.post("/org/looms/connections/edit", newLoomsID()).Body.String(); strings.Contains(body, "s3cret") || strings.Contains(body, `name="role.owner"`) {
		t.Error("the page shows the secret, or makes owners")
	}
	w = newWorld(t, https)
	connectedBy(testedLooms)(w)
	w.orgs.joined = acmeOrg("weaver")
	w.orgs.joined.OwnRoles[0].Permissions = []string{lanyard.MayManageConnections}
	if body := w.get("/org/looms/connections/edit?connection=con_1").Body.String(); !strings.Contains(body, `id="connection-test"`) || strings.Contains(body, `id="connection-enable"`) {
		t.Error("it can be switched on, or not be tested")
	}
}
