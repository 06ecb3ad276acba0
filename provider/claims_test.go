package provider_test

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// TestClaimsHaveTheRightTypes is PROTOCOL.md C-13, C-15 and C-16, for userinfo and for ID tokens with claims.
func TestClaimsHaveTheRightTypes(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	claims := i.Client("claims")
	tokens := claims.Tokens(one("scope", "openid profile email address phone"))
	info := claims.Userinfo(tokens.Text("access_token"))
	if info.Status != http.StatusOK || !contains(info.Header.Get("Content-Type"), "application/json") || info.Text("sub") != "ada-subject" {
		t.Fatal(info.Raw)
	}
	for place, got := range map[string]map[string]any{"userinfo": info.Body, "ID token": idp.Claims(t, tokens.Text("id_token"))} {
		for _, name := range []string{"name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website", "gender", "zoneinfo", "locale", "email", "phone_number", "birthdate"} {
			if text, ok := got[name].(string); !ok || text == "" || text == "null" {
				t.Errorf("%s: %s is %v", place, name, got[name])
			}
		}
		if birthdate, _ := got["birthdate"].(string); !regexp.MustCompile(`^\d{4}(-\d{2}-\d{2})?$`).MatchString(birthdate) {
			t.Errorf("%s: birthdate is %v", place, got["birthdate"])
		}
		for _, name := range []string{"email_verified", "phone_number_verified"} {
			if got[name] != true {
				t.Errorf("%s: %s is %v", place, name, got[name])
			}
		}
		if updated, ok := got["updated_at"].(float64); !ok || updated < 631152000 || updated > float64(i.Clock.Now().Unix()) {
			t.Errorf("%s: updated_at is %v", place, got["updated_at"])
		}
		address, _ := got["address"].(map[string]any)
		for name, value := range address {
			if text, ok := value.(string); !ok || text == "" {
				t.Errorf("%s: address.%s is %v", place, name, value)
			}
		}
		if len(address) != 6 {
			t.Errorf("%s: address is %v", place, address)
		}
	}
	nobody := i.Client("web")
	sparse := nobody.Exchange(nobody.Code(i.Browser(), "nomail", "no-mail-address-needed", one("scope", "openid profile email address phone")), nil)
	for name, value := range nobody.Userinfo(sparse.Text("access_token")).Body {
		if value == "" || value == nil || name == "email" || name == "email_verified" || name == "address" || name == "phone_number_verified" {
			t.Errorf("a person without it has %s = %v", name, value)
		}
	}
}

// TestClaimsParameterAsksByName is ATTACKS.md 52: what is known of a person never stands in for a claim of the protocol.
func TestClaimsParameterAsksByName(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web := i.Client("web")
	tokens := web.Tokens(one("claims", `{"id_token":{"email":null,"iss":{"value":"https://evil.example"},"aud":null,"custom":null},"userinfo":{"phone_number":{"essential":true},"sub":null}}`))
	claims := idp.Claims(t, tokens.Text("id_token"))
	if claims["email"] != ada || claims["iss"] != i.Issuer || claims["aud"] != "web" || claims["custom"] != nil {
		t.Errorf("ID token: %v", claims)
	}
	info := web.Userinfo(tokens.Text("access_token"))
	if info.Text("phone_number") == "" || info.Text("email") != "" || len(info.Body) != 2 {
		t.Errorf("userinfo: %s", info.Raw)
	}
	again := web.Refresh(tokens.Text("refresh_token"), nil)
	if idp.Claims(t, again.Text("id_token"))["email"] != ada {
		t.Error("a refresh forgot what was asked for")
	}
}

// TestClientAssertionsAreOff is ATTACKS.md 79 while the method is not built: a clean refusal, nothing fetched.
func TestClientAssertionsAreOff(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	machine := i.Client("machine")
	machine.Secret = ""
	for _, form := range []url.Values{
		one("grant_type", "client_credentials", "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion", "e30.e30.e30"),
		one("grant_type", "client_credentials", "client_assertion", "e30.e30.e30"),
	} {
		wantError(t, machine.Call("/oauth/token", form), http.StatusUnauthorized, "invalid_client")
	}
}

// TestLoginNeedsTheBrowsersOwnRequest is ATTACKS.md 101: credentials of an attacker, posted from another site, start no session.
func TestLoginNeedsTheBrowsersOwnRequest(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web, attacker, victim := i.Client("web"), i.Browser(), i.Browser()
	page := attacker.Press(attacker.Get(web.Authorize(nil)), "login-continue", one("username", bob))
	form := attacker.Form(page, "login-submit")
	form.Values.Set("password", bobPassword)
	action, err := page.URL.Parse(form.Action)
	if err != nil {
		t.Fatal(err)
	}
	for name, header := range map[string]http.Header{
		"cross-site": {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}, "same origin, without the binding": {"Sec-Fetch-Site": {"same-origin"}},
	} {
		p := victim.PostFrom(action.String(), form.Values, header)
		if p.Status != http.StatusForbidden && p.Status != http.StatusBadRequest {
			t.Errorf("%s: %s", name, p)
		}
		for _, c := range victim.Cookies() {
			if contains(c.Name, "lanyard-browser") {
				t.Errorf("%s: the victim's browser got a session", name)
			}
		}
	}
}
