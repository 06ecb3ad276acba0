package provider_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// TestUserCodesThatOpenNothingLookAlike is ATTACKS.md 227: wrong, used, expired, of
// another tenant. Twenty of them an hour are free.
func TestUserCodesThatOpenNothingLookAlike(t *testing.T) {
	i := startGadgets(t)
	cli := gadget(i, "cli")
	used, expired, foreign := ask(t, cli, one("scope", "openid")), ask(t, cli, one("scope", "openid")), ask(t, gadget(i, "cli").At(i.Issuer+"/t/acme"), one("scope", "openid"))
	b := approve(t, i, used)
	i.Clock.Advance(10 * time.Minute)
	fresh := ask(t, cli, one("scope", "openid"))
	seen := map[string]bool{}
	typed := []string{used.Text("user_code"), expired.Text("user_code"), foreign.Text("user_code"), "BCDF-GHJK", "nonsense", "BCDFGHJ", "12345678", strings.Repeat("B", 64)}
	for _, code := range typed {
		page := b.Press(b.Get("/device"), "device-continue", one("user_code", code))
		if page.Status != http.StatusOK || !contains(page.Text("#problem"), "That code isn't right. Check your device.") {
			t.Errorf("%q: %s %s", code, page, page.Text("#problem"))
		}
		seen[strings.ReplaceAll(page.Text("body"), code, "")] = true
		decided := b.Post("/device", one("user_code", code, "decision", "allow"))
		if decided.Status != http.StatusOK || !contains(decided.Text("#problem"), "That code isn't right") {
			t.Errorf("deciding about %q: %s", code, decided)
		}
	}
	if len(seen) != 1 {
		t.Errorf("%d different pages", len(seen))
	}
	// What people type for a right code, in between: it costs nothing.
	for _, code := range []string{strings.ToLower(fresh.Text("user_code")), strings.ReplaceAll(fresh.Text("user_code"), "-", " – "), " " + strings.ReplaceAll(fresh.Text("user_code"), "-", "") + " "} {
		if page := b.Press(b.Get("/device"), "device-continue", one("user_code", code)); page.Text("#device-code") != fresh.Text("user_code") {
			t.Errorf("%q: %s", code, page)
		}
	}
	for range 20 - 2*len(typed) {
		b.Get("/device?user_code=BCDFGHJK")
	}
	for _, code := range []string{"BCDFGHJK", fresh.Text("user_code")} {
		if page := b.Get("/device?user_code=" + code); page.Status != http.StatusTooManyRequests || page.Header.Get("Retry-After") == "" || page.Has("device-allow") {
			t.Errorf("after twenty wrong ones: %s", page)
		}
	}
	other := i.Browser()
	if page := confirm(other, fresh, bob, bobPassword); page.Status != http.StatusTooManyRequests {
		t.Errorf("somebody else at the same address: %s", page)
	}
	i.Clock.Advance(time.Minute)
	if page := b.Get(fresh.Text("verification_uri_complete")); !page.Has("device-allow") {
		t.Errorf("a minute later: %s", page)
	}
}

// TestUserCodeOfADisabledClientOpensNothing, nor that of one that lost the grant type.
func TestUserCodeOfADisabledClientOpensNothing(t *testing.T) {
	i := startGadgets(t)
	b := i.Browser()
	asked := ask(t, gadget(i, "tv"), one("scope", "openid"))
	page := confirm(b, asked, ada, adaPassword)
	for _, change := range []string{`disabled: true, grant_types: ["urn:ietf:params:oauth:grant-type:device_code"]`, `grant_types: [refresh_token]`} {
		i.Apply("version: 1\ntenants:\n  - {slug: default, clients: [{client_id: tv, type: native, token_endpoint_auth_method: none, " + change + "}]}")
		for _, got := range []*idp.Page{b.Get(asked.Text("verification_uri_complete")), b.Press(page, "device-allow", nil)} {
			if !contains(got.Text("#problem"), "That code isn't right") {
				t.Errorf("%s: %s", change, got)
			}
		}
	}
	i.Apply(gadgets)
	wantError(t, poll(gadget(i, "tv"), asked), http.StatusBadRequest, "authorization_pending")
}

// TestOnlyTheFormDecides: no GET, no form of another site, nobody who is not signed in.
func TestOnlyTheFormDecides(t *testing.T) {
	i := startGadgets(t)
	cli, b := gadget(i, "cli"), i.Browser()
	asked := ask(t, cli, one("scope", "openid"))
	complete := asked.Text("verification_uri_complete")
	confirm(b, asked, ada, adaPassword)
	decision := one("user_code", asked.Text("user_code"), "decision", "allow")
	b.Get(complete + "&decision=allow")
	for name, header := range map[string]http.Header{"foreign": {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}, "no origin": {"Origin": {"null"}, "Sec-Fetch-Site": {"cross-site"}}} {
		if page := b.PostFrom("/device", decision, header); page.Status != http.StatusForbidden {
			t.Errorf("%s: %s", name, page)
		}
	}
	if page := i.Browser().Post("/device", decision); !page.Has("login-continue") {
		t.Errorf("signed out: %s", page)
	}
	b.Post("/device", one("user_code", asked.Text("user_code"), "decision", "perhaps"))
	wantError(t, poll(cli, asked), http.StatusBadRequest, "authorization_pending")
	if got := b.Post("/device", decision); !contains(got.Body, "You can go back to your device.") {
		t.Errorf("the form: %s", got)
	}
	if got := poll(cli, asked); got.Status != http.StatusOK {
		t.Error(got.Raw)
	}
}

// TestDeviceIsForOneOrganization: the one that it names, of which the person has to be a
// member, or the one that they choose.
func TestDeviceIsForOneOrganization(t *testing.T) {
	i := startGadgets(t)
	cli, bot := gadget(i, "cli"), gadget(i, "bot")
	named := ask(t, cli, one("organization", "acme", "scope", "openid"))
	if page := confirm(i.Browser(), named, ada, adaPassword); !contains(page.Text("main"), "Acme") || len(page.Texts("main fieldset")) != 0 {
		t.Errorf("%s\n%s", page, page.Body)
	}
	approve(t, i, named)
	wantOrganization(t, i, idp.Claims(t, poll(cli, named).Text("id_token")), "acme", []string{"owner"}, nil)
	// One that the person is not in, and one that is not there.
	for _, slug := range []string{"gamma", "nowhere"} {
		asked, b := ask(t, cli, one("organization", slug, "scope", "openid")), i.Browser()
		page := confirm(b, asked, bob, bobPassword)
		if page.Has("device-allow") || !contains(page.Text("#device-barred"), slug) {
			t.Errorf("%s: %s\n%s", slug, page, page.Body)
		}
		b.Post("/device", one("user_code", asked.Text("user_code"), "decision", "allow"))
		wantError(t, poll(cli, asked), http.StatusBadRequest, "authorization_pending")
	}
	// A client that needs one.
	asked, b := ask(t, bot, one("scope", "read", "resource", apiResource, "device_label", "Chat 42")), i.Browser()
	page := confirm(b, asked, ada, adaPassword)
	for _, said := range []string{"bot.example.test", "Chat 42", "Acme", "Beta", "Gamma"} {
		if !contains(page.Text("main"), said) {
			t.Errorf("the page does not say %q:\n%s", said, page.Text("main"))
		}
	}
	beta, _ := i.Scope().OrganizationBySlug(t.Context(), "beta")
	for _, id := range []string{"", "org_other", "beta"} {
		if got := b.Press(page, "device-allow", one("organization", id)); !contains(got.Text("#problem"), "Choose") {
			t.Errorf("organization %q: %s", id, got)
		}
	}
	b.Press(page, "device-allow", one("organization", string(beta.ID)))
	wantOrganization(t, i, idp.Claims(t, poll(bot, asked).Text("access_token")), "beta", []string{"admin"}, nil)
}

// TestDeviceMeetsThePolicyOfItsOrganization before there is anything to agree to.
func TestDeviceMeetsThePolicyOfItsOrganization(t *testing.T) {
	i := startGadgets(t)
	cli, bot, b := gadget(i, "cli"), gadget(i, "bot"), i.Browser()
	demand(t, i, "beta", lanyard.OrganizationPolicy{SessionLifetime: lanyard.Duration(time.Hour)})
	beta, _ := i.Scope().OrganizationBySlug(t.Context(), "beta")
	b.SignIn("/account", ada, adaPassword)
	i.Clock.Advance(2 * time.Hour)
	chosen := ask(t, bot, one("scope", "read", "resource", apiResource))
	page := b.Get(chosen.Text("verification_uri_complete"))
	page = b.Press(page, "device-allow", one("organization", string(beta.ID)))
	if !page.Has("login-submit") {
		t.Fatalf("the choice led to %s", page)
	}
	page = b.Walk(page, ada, adaPassword)
	b.Press(page, "device-allow", one("organization", string(beta.ID)))
	wantOrganization(t, i, idp.Claims(t, poll(bot, chosen).Text("access_token")), "beta", []string{"admin"}, nil)
	i.Clock.Advance(2 * time.Hour)
	named := ask(t, cli, one("organization", "beta", "scope", "openid"))
	page = b.Get(named.Text("verification_uri_complete"))
	if !page.Has("login-submit") {
		t.Fatalf("the page is %s", page)
	}
	if page = b.Walk(page, ada, adaPassword); page.Text("#device-code") != named.Text("user_code") {
		t.Fatalf("back at %s", page)
	}
	b.Press(page, "device-allow", nil)
	wantOrganization(t, i, idp.Claims(t, poll(cli, named).Text("id_token")), "beta", []string{"admin"}, nil)
}

// TestDeviceMeetsTheDefaultsOfItsClient: default_acr_values and default_max_age count
// as they do at the authorization endpoint.
func TestDeviceMeetsTheDefaultsOfItsClient(t *testing.T) {
	i := startGadgets(t)
	i.Apply(`
version: 1
tenants:
  - slug: default
    clients:
      - {client_id: strict, type: native, token_endpoint_auth_method: none, first_party: true, default_acr_values: ["2"], grant_types: ["urn:ietf:params:oauth:grant-type:device_code"]}
      - {client_id: fresh, type: native, token_endpoint_auth_method: none, first_party: true, default_max_age: 60, grant_types: ["urn:ietf:params:oauth:grant-type:device_code"]}
`)
	strict, fresh, b := i.Client("strict"), i.Client("fresh"), i.Browser()
	b.SignIn("/account", ada, adaPassword)
	asked := ask(t, strict, one("scope", "openid"))
	b.Post("/device", one("user_code", asked.Text("user_code"), "decision", "allow"))
	wantError(t, poll(strict, asked), http.StatusBadRequest, "authorization_pending")
	page := b.Get(asked.Text("verification_uri_complete"))
	if !page.Has("totp-secret") {
		t.Fatalf("one factor leads to %s", page)
	}
	page = newPerson(t, i, ada, adaPassword).enrolApp(b, page)
	b.Press(page, "device-allow", nil)
	if got := idp.Claims(t, poll(strict, asked).Text("id_token"))["acr"]; got != "2" {
		t.Errorf("acr is %v", got)
	}
	asked = ask(t, fresh, one("scope", "openid"))
	if page := b.Get(asked.Text("verification_uri_complete")); !page.Has("device-allow") {
		t.Errorf("a proof of just now leads to %s", page)
	}
	i.Clock.Advance(9 * time.Minute)
	if page := b.Get(asked.Text("verification_uri_complete")); !page.Has("device-allow") {
		t.Errorf("whoever reads the page has the time for it: %s", page)
	}
	i.Clock.Advance(time.Minute)
	asked = ask(t, fresh, one("scope", "openid"))
	if page := b.Get(asked.Text("verification_uri_complete")); !page.Has("login-submit") {
		t.Errorf("an old proof leads to %s", page)
	}
	b.Post("/device", one("user_code", asked.Text("user_code"), "decision", "allow"))
	wantError(t, poll(fresh, asked), http.StatusBadRequest, "authorization_pending")
}

// TestDeviceIsConfirmedByAnotherAccount of the browser, if the person says so.
func TestDeviceIsConfirmedByAnotherAccount(t *testing.T) {
	i := startGadgets(t)
	cli, b := gadget(i, "cli"), i.Browser()
	asked := ask(t, cli, one("scope", "openid"))
	page := b.Press(confirm(b, asked, ada, adaPassword), "device-another", nil)
	page = b.Walk(b.ChooseAnother(page), bob, bobPassword)
	b.Press(page, "device-allow", nil)
	if got := idp.Claims(t, poll(cli, asked).Text("id_token"))["sub"]; got != "bob-subject" {
		t.Errorf("the token is about %v", got)
	}
}

// TestUserCodeIsNotStored: not even as a hash that could be searched for.
func TestUserCodeIsNotStored(t *testing.T) {
	i := startGadgets(t)
	asked := ask(t, gadget(i, "cli"), one("scope", "openid"))
	d, err := i.Scope().DeviceAuthorization(t.Context(), lanyard.SecretOf(asked.Text("device_code")).Hash())
	if err != nil {
		t.Fatal(err)
	}
	code, err := lanyard.ParseUserCode(asked.Text("user_code"))
	if err != nil || len(d.UserCodeMAC) != 32 || slices.Equal(d.UserCodeMAC, code.Hash()) {
		t.Errorf("stored is %x, %v", d.UserCodeMAC, err)
	}
}
