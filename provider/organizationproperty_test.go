package provider_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// places are organizations whose names, roles and permissions are all different and long, so
// that a word of one of them can not stand in the token of another by chance.
var places = []string{"northern", "southern", "western"}

func placesManifest() string {
	var resources, orgs []string
	for _, place := range places {
		resources = append(resources, fmt.Sprintf("%q, %q", place+"-read:all", place+"-write:all"))
		orgs = append(orgs, fmt.Sprintf(`
      - slug: %[1]s
        name: The %[1]s
        members: [{user: ada@example.test, roles: [owner]}]
        roles: [{name: %[1]s-reader, permissions: ["%[1]s-read:all"]}, {name: %[1]s-writer, permissions: ["%[1]s-read:all", "%[1]s-write:all"]}]`, place))
	}
	return "version: 1\ntenants:\n  - slug: default\n    resources: [{identifier: \"" + apiResource + "\", name: Example API, scopes: [read, write], permissions: [" +
		strings.Join(resources, ", ") + "]}]\n    organizations:" + strings.Join(orgs, "") + "\n"
}

// permissionsAt is what the roles of a place allow.
func permissionsAt(place string, roles []string) []string {
	switch {
	case slices.Contains(roles, place+"-writer"):
		return []string{place + "-read:all", place + "-write:all"}
	case slices.Contains(roles, place+"-reader"):
		return []string{place + "-read:all"}
	}
	return nil
}

// walk is a random sequence of joining, leaving, changes of roles, switches and
// refreshes, beside a model of who is in what with which roles.
type walk struct {
	t       *testing.T
	i       *idp.IDP
	web     *idp.Client
	person  *idp.Browser
	user    lanyard.UserID
	ids     map[string]lanyard.OrganizationID
	roles   map[string][]string
	refresh map[string]string
	// dead are refresh tokens of memberships that ended.
	dead []string
}

// TestNoTokenSpeaksOfAnotherOrganization: over random walks, every token that is made
// says of its own organization what is so at that moment, and nothing of any other.
func TestNoTokenSpeaksOfAnotherOrganization(t *testing.T) {
	if err := flag.Set("rapid.checks", strconv.Itoa(testkit.Rounds(12, 300))); err != nil {
		t.Fatal(err)
	}
	i := idp.Start(t, idp.Options{})
	i.Apply(placesManifest())
	ids := map[string]lanyard.OrganizationID{}
	for _, place := range places {
		o, err := i.Scope().OrganizationBySlug(t.Context(), place)
		if err != nil {
			t.Fatal(err)
		}
		ids[place] = o.ID
	}
	b := i.Browser()
	wantAway(t, b.SignIn(i.Client("web").Authorize(nil), bob, bobPassword), "")
	user := userOf(t, i, bob).ID
	rapid.Check(t, func(r *rapid.T) {
		for place := range ids {
			_ = i.Scope().DeleteMembership(t.Context(), ids[place], user, i.Clock.Now())
		}
		w := &walk{t: t, i: i, web: i.Client("web"), person: b, user: user, ids: ids, roles: map[string][]string{}, refresh: map[string]string{}}
		r.Repeat(map[string]func(*rapid.T){"join": w.join, "leave": w.leave, "switch": w.change, "refresh": w.renew, "": func(*rapid.T) {}})
	})
}

func place(r *rapid.T) string { return rapid.SampledFrom(places).Draw(r, "place") }

func (w *walk) join(r *rapid.T) {
	at := place(r)
	roles := rapid.SampledFrom([][]string{{"member"}, {at + "-reader"}, {"member", at + "-writer"}, {"admin"}}).Draw(r, "roles")
	err := w.i.Scope().PutMembership(r.Context(), lanyard.Membership{OrganizationID: w.ids[at], UserID: w.user, Roles: roles, CreatedAt: w.i.Clock.Now()})
	if err != nil {
		r.Fatal(err)
	}
	w.roles[at] = roles
}

func (w *walk) leave(r *rapid.T) {
	at := place(r)
	err := w.i.Scope().DeleteMembership(r.Context(), w.ids[at], w.user, w.i.Clock.Now())
	if (err == nil) != (w.roles[at] != nil) {
		r.Fatalf("leaving %s: %v", at, err)
	}
	if w.refresh[at] != "" {
		w.dead = append(w.dead, w.refresh[at])
	}
	delete(w.roles, at)
	delete(w.refresh, at)
}

// change signs in to another organization with the same session.
func (w *walk) change(r *rapid.T) {
	at := place(r)
	page := w.person.Get(w.web.Authorize(one("organization", at, "resource", apiResource, "scope", "openid offline_access read")))
	if (page.Away != nil) != (w.roles[at] != nil) {
		r.Fatalf("switching to %s with roles %v: %s", at, w.roles[at], page)
	}
	if page.Away == nil {
		return
	}
	w.made(r, at, w.web.Exchange(page.Away.Query().Get("code"), nil))
}

// renew refreshes the newest token of an organization, and tries one that died.
func (w *walk) renew(r *rapid.T) {
	if len(w.dead) > 0 {
		if answer := w.web.Refresh(w.dead[len(w.dead)-1], nil); answer.Text("error") != "invalid_grant" {
			r.Fatalf("the token of a membership that ended: %s", answer.Raw)
		}
	}
	if at := place(r); w.refresh[at] != "" {
		w.made(r, at, w.web.Refresh(w.refresh[at], nil))
	}
}

// made looks at fresh tokens of an organization.
func (w *walk) made(r *rapid.T, at string, answer idp.Answer) {
	if answer.Status != http.StatusOK {
		r.Fatalf("%s: %s", at, answer.Raw)
	}
	w.refresh[at] = answer.Text("refresh_token")
	roles := w.roles[at]
	if roles == nil {
		r.Fatalf("a token of %s, where the person is not", at)
	}
	access := idp.Claims(w.t, answer.Text("access_token"))
	for name, claims := range map[string]map[string]any{
		"access token": access, "ID token": idp.Claims(w.t, answer.Text("id_token")), "introspection": introspect(w.web, answer.Text("access_token")),
	} {
		if claims["org_id"] != string(w.ids[at]) || !slices.Equal(texts(claims["roles"]), roles) {
			r.Fatalf("%s of %s with %v says %v", name, at, roles, about(claims))
		}
		text, _ := json.Marshal(claims)
		for _, other := range places {
			if other != at && (strings.Contains(string(text), other) || strings.Contains(string(text), string(w.ids[other]))) {
				r.Fatalf("%s of %s speaks of %s: %s", name, at, other, text)
			}
		}
		if want := permissionsAt(at, roles); name != "ID token" && !slices.Equal(texts(claims["permissions"]), want) {
			r.Fatalf("%s of %s with %v allows %v", name, at, roles, claims["permissions"])
		}
	}
}
