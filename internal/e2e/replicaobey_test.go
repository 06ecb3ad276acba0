package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
	"github.com/lanyard-id/lanyard/internal/testkit/upstream"
)

// subjects are people for one deed each, so that none is in the way of another.
func subjects(n int) string {
	var people, members strings.Builder
	for at := range n {
		fmt.Fprintf(&people, "      - {email: person%[1]d@example.test, email_verified: true, password: %[2]s, name: Person %[1]d}\n", at, crowdPassword)
		fmt.Fprintf(&members, "{user: person%d@example.test, roles: [member]}, ", at)
	}
	return "version: 1\ntenants:\n  - slug: default\n    users:\n" + people.String() +
		"    organizations:\n      - {slug: globex, name: Globex, members: [{user: ada@example.test, roles: [owner]}, " + members.String() + "]}\n"
}

// life is somebody signed in, with tokens, whom every replica has seen.
type life struct {
	t       *testing.T
	f       *fleet
	name    string
	browser *idp.Browser
	tokens  idp.Answer
	// machine is a token of the machine client.
	machine string
	admin   *idp.API
}

// live begins the life of a person, and has every replica serve it.
func (f *fleet) live(t *testing.T, at int) *life {
	t.Helper()
	l := &life{t: t, f: f, name: fmt.Sprintf("person%d@example.test", at), browser: f.Browser(), admin: f.Administrator("admin")}
	web := f.Client("web")
	l.tokens = wantOK(t, "code", web.Exchange(codeAt(t, l.browser.SignIn(web.Authorize(one("organization", "globex")), l.name, crowdPassword)), nil))
	l.machine = wantOK(t, "machine", f.Client("machine").Call("/oauth/token", one("grant_type", "client_credentials", "resource", apiResource, "scope", "read"))).Text("access_token")
	f.each(func(at int, i *idp.IDP) {
		if !l.active(i, "web", l.access()) || !l.active(i, "machine", l.machine) {
			t.Fatalf("replica %d does not know the tokens", at)
		}
		if got := l.silent(i); got != "" {
			t.Fatalf("replica %d says %s to who is signed in", at, got)
		}
	})
	return l
}

func (l *life) access() string  { return l.tokens.Text("access_token") }
func (l *life) refresh() string { return l.tokens.Text("refresh_token") }

// user is the person in the management API.
func (l *life) user() string {
	l.t.Helper()
	list := l.admin.Must(http.MethodGet, "/users?search="+url.QueryEscape(l.name), nil)
	items, _ := list.Body["items"].([]any)
	if len(items) != 1 {
		l.t.Fatalf("the list of %s is %s", l.name, list.Raw)
	}
	first, _ := items[0].(map[string]any)
	id, _ := first["id"].(string)
	return "/users/" + id
}

// active tells whether a replica says that a client's token is worth something.
func (l *life) active(i *idp.IDP, client, token string) bool {
	l.t.Helper()
	return wantOK(l.t, "introspection", i.Client(client).Call("/oauth/introspect", one("token", token))).Body["active"] == true
}

// silent is the error of a silent sign-in at a replica; empty if there is none.
func (l *life) silent(i *idp.IDP) string {
	l.t.Helper()
	web := i.Client("web")
	b := i.Browser()
	for _, c := range l.browser.Cookies() {
		b.SetCookie(c)
	}
	page := b.Get(web.Authorize(one("prompt", "none", "organization", "globex")))
	if page.Away == nil {
		return fmt.Sprint(page.Status)
	}
	return page.Away.Query().Get("error")
}

// ended wants a replica to take nothing that the person has.
func (l *life) ended(at int, i *idp.IDP) {
	l.t.Helper()
	if l.active(i, "web", l.access()) {
		l.t.Errorf("replica %d: the access token is active", at)
	}
	if a := i.Client("web").Userinfo(l.access()); a.Status != http.StatusUnauthorized {
		l.t.Errorf("replica %d: userinfo says %d", at, a.Status)
	}
	if a := i.Client("web").Refresh(l.refresh(), nil); a.Text("error") != "invalid_grant" {
		l.t.Errorf("replica %d: a refresh gets %d %s", at, a.Status, a.Raw)
	}
}

// signedOut is ended, and the browser has no session either.
func (l *life) signedOut(at int, i *idp.IDP) {
	l.t.Helper()
	l.ended(at, i)
	if got := l.silent(i); got != "login_required" {
		l.t.Errorf("replica %d: a silent sign-in gets %q", at, got)
	}
}

// obedience is something that somebody does at one replica and what every replica has to
// say from the moment it was answered.
type obedience struct {
	name string
	do   func(l *life)
	// holds is asked of each replica, the last one first.
	holds func(l *life, at int, i *idp.IDP)
	// undo lets the next ones live; nil where nothing is in their way.
	undo func(l *life)
}

// obediences are done in order; the last one leaves little to do anything with.
func obediences() []obedience {
	off := map[string]any{"disabled": true}
	return []obedience{
		{"a revoked token", func(l *life) {
			wantOK(l.t, "revocation", l.f.Client("web").Call("/oauth/revoke", one("token", l.refresh())))
		}, (*life).ended, nil},
		{"a sign-out", func(l *life) {
			l.browser.Get("/oauth/logout?" + one("id_token_hint", l.tokens.Text("id_token")).Encode())
		}, (*life).signedOut, nil},
		{"a person who was turned off", func(l *life) { l.admin.Must(http.MethodPatch, l.user(), off) }, func(l *life, at int, i *idp.IDP) {
			l.signedOut(at, i)
			if page := i.Browser().SignIn(i.Client("web").Authorize(nil), l.name, crowdPassword); page.Away != nil {
				l.t.Errorf("replica %d: the password leads to %v", at, page.Away)
			}
		}, nil},
		{"a session that an administrator ended", func(l *life) { l.admin.Must(http.MethodDelete, l.user()+"/sessions", nil) }, (*life).signedOut, nil},
		{"a password that an administrator set", func(l *life) {
			l.admin.Must(http.MethodPost, l.user()+"/password", map[string]any{"password": newPassword})
		}, (*life).signedOut, nil},
		{"a role that was taken", func(l *life) {
			l.admin.Must(http.MethodPatch, "/organizations/globex/members/"+strings.TrimPrefix(l.user(), "/users/"), map[string]any{"roles": []string{"admin"}})
		}, func(l *life, at int, i *idp.IDP) {
			l.tokens = wantOK(l.t, "refresh", i.Client("web").Refresh(l.refresh(), nil))
			if roles := fmt.Sprint(idp.Claims(l.t, l.tokens.Text("id_token"))["roles"]); roles != "[admin]" {
				l.t.Errorf("replica %d: the roles are %s", at, roles)
			}
		}, nil},
		{"a member who was removed", func(l *life) {
			l.admin.Must(http.MethodDelete, "/organizations/globex/members/"+strings.TrimPrefix(l.user(), "/users/"), nil)
		}, func(l *life, at int, i *idp.IDP) {
			l.ended(at, i)
			if got := l.silent(i); got != "access_denied" {
				l.t.Errorf("replica %d: tokens of the organization get %q", at, got)
			}
		}, nil},
		{"a grant that was ended", func(l *life) {
			list := l.admin.Must(http.MethodGet, l.user()+"/grants", nil)
			for _, item := range list.Body["items"].([]any) {
				l.admin.Must(http.MethodDelete, l.user()+"/grants/"+fmt.Sprint(item.(map[string]any)["id"]), nil)
			}
		}, (*life).ended, nil},
		{"a key that was rotated", rotateKey, func(l *life, at int, i *idp.IDP) {
			if got, want := l.signsWith(i), l.activeKey(); got != want {
				l.t.Errorf("replica %d: it signs with %s, active is %s", at, got, want)
			}
			if !l.active(i, "machine", l.machine) {
				l.t.Errorf("replica %d: what the key of before signed is worth nothing", at)
			}
		}, nil},
		{"a key that was revoked", func(l *life) {
			l.admin.Must(http.MethodPost, "/keys/"+fmt.Sprint(idp.Header(l.t, l.machine)["kid"])+"/revoke", nil)
		}, func(l *life, at int, i *idp.IDP) {
			if l.active(i, "machine", l.machine) {
				l.t.Errorf("replica %d: what the key signed is active", at)
			}
			if got, want := l.signsWith(i), l.activeKey(); got != want {
				l.t.Errorf("replica %d: it signs with %s, active is %s", at, got, want)
			}
		}, nil},
		{"a redirect that was taken away", func(l *life) {
			l.admin.Must(http.MethodPatch, "/clients/third", map[string]any{"redirect_uris": []string{"https://third.example.test/other"}})
		}, func(l *life, at int, i *idp.IDP) {
			if page := i.Browser().Get(i.Client("third").Authorize(nil)); page.Status != http.StatusBadRequest || page.Away != nil {
				l.t.Errorf("replica %d: it leads to %s, %v", at, page, page.Away)
			}
		}, nil},
		{"a connection that was turned off", func(l *life) {
			l.admin.Must(http.MethodPatch, "/connections/company", map[string]any{"enabled": false})
		}, func(l *life, at int, i *idp.IDP) {
			if page := i.Browser().Get(i.Client("web").Authorize(nil)); page.Status != http.StatusOK || page.Has("provider-company") {
				l.t.Errorf("replica %d: the button is still there on %s", at, page)
			}
		}, nil},
		{"a policy that was changed", func(l *life) {
			l.admin.Must(http.MethodPatch, "/settings", map[string]any{"policy": map[string]any{"sign_up": "closed"}})
		}, func(l *life, at int, i *idp.IDP) {
			if page := i.Browser().Get(i.Client("web").Authorize(nil)); page.Status != http.StatusOK || page.Has("way-sign_up") {
				l.t.Errorf("replica %d: one can still sign up on %s", at, page)
			}
		}, nil},
		{"a stricter policy", func(l *life) {
			l.admin.Must(http.MethodPatch, "/settings", map[string]any{"policy": map[string]any{"second_factor": "required"}})
		}, func(l *life, at int, i *idp.IDP) {
			if page := i.Browser().SignIn(i.Client("web").Authorize(nil), l.name, crowdPassword); page.Away != nil {
				l.t.Errorf("replica %d: the password alone leads to %v", at, page.Away)
			}
		}, func(l *life) {
			l.admin.Must(http.MethodPatch, "/settings", map[string]any{"policy": map[string]any{"second_factor": "optional"}})
		}},
		{"an application that was turned off", func(l *life) { l.admin.Must(http.MethodPatch, "/clients/web", off) }, func(l *life, at int, i *idp.IDP) {
			if a := i.Client("web").Refresh(l.refresh(), nil); a.Status != http.StatusUnauthorized {
				l.t.Errorf("replica %d: a refresh gets %d %s", at, a.Status, a.Raw)
			}
			if page := i.Browser().Get(i.Client("web").Authorize(nil)); page.Status != http.StatusBadRequest {
				l.t.Errorf("replica %d: it leads to %s", at, page)
			}
		}, func(l *life) { l.admin.Must(http.MethodPatch, "/clients/web", map[string]any{"disabled": false}) }},
		{"an administrator whose role was taken", func(l *life) {
			l.f.Administrator("operator").Must(http.MethodPatch, "/clients/admin", map[string]any{"roles": []string{}})
		}, func(l *life, at int, i *idp.IDP) {
			if a := i.API(l.admin.Token).Do(http.MethodGet, "/users", nil); a.Status != http.StatusForbidden {
				l.t.Errorf("replica %d: it answers %d", at, a.Status)
			}
		}, func(l *life) {
			l.f.Administrator("operator").Must(http.MethodPatch, "/clients/admin", map[string]any{"roles": []string{"tenant-admin"}})
		}},
		{"a secret that was taken away", func(l *life) {
			list := l.admin.Must(http.MethodGet, "/clients/machine/secrets", nil)
			l.admin.Must(http.MethodPost, "/clients/machine/secrets", map[string]any{})
			for _, item := range list.Body["items"].([]any) {
				l.admin.Must(http.MethodDelete, "/clients/machine/secrets/"+fmt.Sprint(item.(map[string]any)["id"]), nil)
			}
		}, func(l *life, at int, i *idp.IDP) {
			if a := i.Client("machine").Call("/oauth/token", one("grant_type", "client_credentials", "resource", apiResource)); a.Status != http.StatusUnauthorized {
				l.t.Errorf("replica %d: the secret gets %d %s", at, a.Status, a.Raw)
			}
		}, nil},
	}
}

func rotateKey(l *life) {
	l.admin.Must(http.MethodPost, "/keys/rotate", map[string]any{"algorithm": "RS256"})
}

// activeKey is the key that signs, as the management API has it.
func (l *life) activeKey() string {
	l.t.Helper()
	for _, item := range l.admin.Must(http.MethodGet, "/keys", nil).Body["items"].([]any) {
		if key := item.(map[string]any); key["state"] == "active" && key["algorithm"] == "RS256" {
			return fmt.Sprint(key["id"])
		}
	}
	l.t.Fatal("no key is active")
	return ""
}

// signsWith is the key of a token that a replica has just made; its key set has it.
func (l *life) signsWith(i *idp.IDP) string {
	l.t.Helper()
	token := wantOK(l.t, "machine", i.Client("machine").Call("/oauth/token", one("grant_type", "client_credentials", "resource", apiResource))).Text("access_token")
	kid := fmt.Sprint(idp.Header(l.t, token)["kid"])
	if keys, err := i.Get("/oauth/jwks"); err != nil || !strings.Contains(keys.Raw, `"`+kid+`"`) {
		l.t.Errorf("the key set has no %s: %s %v", kid, keys.Raw, err)
	}
	return kid
}

// TestEveryReplicaObeysAtOnce: what was answered by one replica is obeyed by all of them
// from that moment on, whatever they have in memory (ATTACKS.md 73, S7).
func TestEveryReplicaObeysAtOnce(t *testing.T) {
	t.Parallel()
	company := upstream.Start(t, upstream.Options{})
	all := obediences()
	f := launchFleet(t, 3, []string{"LANYARD_OUTBOUND_ALLOW=" + company.Peer}, crossing, withUpstream(company), subjects(len(all)))
	for at, o := range all {
		t.Run(o.name, func(t *testing.T) {
			l := f.live(t, at)
			o.do(l)
			f.each(func(at int, i *idp.IDP) { o.holds(l, at, i) })
			if o.undo != nil {
				o.undo(l)
			}
		})
	}
	t.Run("a tenant that was suspended", func(t *testing.T) {
		operator := f.Administrator("operator")
		f.each(func(at int, i *idp.IDP) {
			if a, err := i.Get("/t/acme/oauth/jwks"); err != nil || a.Status != http.StatusOK {
				t.Fatalf("replica %d: %d %v", at, a.Status, err)
			}
		})
		operator.Must(http.MethodPatch, "/tenants/acme", map[string]any{"suspended": true})
		f.each(func(at int, i *idp.IDP) {
			if a := i.Client("web").At(f.Issuer+"/t/acme").Call("/oauth/introspect", one("token", "x")); a.Status != http.StatusNotFound {
				t.Errorf("replica %d: it answers %d %s", at, a.Status, a.Raw)
			}
		})
	})
}

// TestRevocationsAreOrderedOverReplicas: many at once, each asked about elsewhere in the
// moment in which it was answered.
func TestRevocationsAreOrderedOverReplicas(t *testing.T) {
	t.Parallel()
	f := launchFleet(t, 3, nil)
	web, b := f.Client("web"), f.Browser()
	for round := range testkit.Rounds(10, 1000) {
		code := codeAt(t, b.SignIn(web.Authorize(nil), ada, adaPassword))
		tokens := wantOK(t, "code", web.Exchange(code, nil))
		at := round % len(f.replicas)
		if round%2 == 0 {
			wantOK(t, "revocation", f.only(at).Client("web").Call("/oauth/revoke", one("token", tokens.Text("refresh_token"))))
		} else {
			out := f.only(at).Browser()
			for _, c := range b.Cookies() {
				out.SetCookie(c)
			}
			out.Get("/oauth/logout?" + one("id_token_hint", tokens.Text("id_token")).Encode())
			b = f.Browser()
		}
		for _, other := range slices.Backward(f.replicas) {
			i := idp.At(t, f.Issuer, other.address)
			if a := i.Client("web").Call("/oauth/introspect", one("token", tokens.Text("access_token"))); a.Body["active"] != false {
				t.Fatalf("round %d: %s says %s", round, other.address, a.Raw)
			}
			if a := i.Client("web").Refresh(tokens.Text("refresh_token"), nil); a.Text("error") != "invalid_grant" {
				t.Fatalf("round %d: %s answers a refresh with %d %s", round, other.address, a.Status, a.Raw)
			}
		}
	}
}
