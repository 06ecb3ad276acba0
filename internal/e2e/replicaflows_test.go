package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
	"github.com/lanyard-id/lanyard/internal/testkit/upstream"
)

const (
	bob         = "bob@example.test"
	bobPassword = "difference-engine-1822"
	deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"
	newPassword = "nanoseconds of copper wire"
	managing    = "urn:lanyard:management"
	apiResource = "https://api.example.test/"
)

// crossing has an organization, a device and somebody's own way to other accounts.
const crossing = `
version: 1
tenants:
  - slug: default
    policy: {sign_up: open, default_resource: "https://api.example.test/"}
    clients:
      - {client_id: cli, client_name: Command line, type: native, token_endpoint_auth_method: none, first_party: true,
         grant_types: ["` + deviceGrant + `", refresh_token]}
    organizations:
      - {slug: acme, name: Acme, members: [{user: ada@example.test, roles: [owner]}, {user: bob@example.test, roles: [member]}]}
`

// withUpstream connects the tenant to a provider.
func withUpstream(p *upstream.Provider) string {
	return "version: 1\ntenants:\n  - slug: default\n    connections:\n      - {id: company, kind: oidc, name: Company, issuer: \"" + p.Issuer + "\", client_id: our-client, client_secret: our-secret}\n"
}

// one makes form values of names and values.
func one(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// codeAt is the code with which a page left for the application.
func codeAt(t *testing.T, page *idp.Page) string {
	t.Helper()
	if page.Away == nil || page.Away.Query().Get("code") == "" {
		t.Fatalf("no code: %s leads to %v\n%s", page, page.Away, page.Body)
	}
	return page.Away.Query().Get("code")
}

// appStep is how long a code of an authenticator app lasts.
const appStep = 30 * time.Second

// early waits until the step of an authenticator app is not about to end, and gives the time.
func early() time.Time {
	const margin = 5 * time.Second
	if left := appStep - time.Duration(time.Now().UnixNano())%appStep; left < margin {
		time.Sleep(left)
	}
	return time.Now()
}

// appCode is what an authenticator app shows at a moment.
func appCode(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// TestEveryFlowContinuesOnAnotherReplica: three servers behind a balancer that sends each
// request to the next one, so that no two steps of a flow are at the same place.
func TestEveryFlowContinuesOnAnotherReplica(t *testing.T) {
	t.Parallel()
	company := upstream.Start(t, upstream.Options{})
	mails := testkit.StartMailServer(t, nil)
	f := launchFleet(t, 3, append(mails.Env(), "LANYARD_OUTBOUND_ALLOW="+company.Peer), crossing, withUpstream(company))
	for _, flow := range []struct {
		name string
		walk func(t *testing.T, f *fleet)
	}{
		{"code, refresh and sign-out", f.codeAndRefresh},
		{"second factor", f.secondFactor},
		{"over another provider", func(t *testing.T, f *fleet) { f.overProvider(t, company) }},
		{"invitation by mail", func(t *testing.T, f *fleet) { f.byInvitation(t, mails) }},
		{"new account and forgotten password", func(t *testing.T, f *fleet) { f.forgotten(t, mails) }},
		{"device", f.device},
		{"console", f.console},
	} {
		t.Run(flow.name, func(t *testing.T) {
			went := f.balancer.trail()
			flow.walk(t, f)
			places := went()
			for at := 1; at < len(places); at++ {
				if places[at] == places[at-1] {
					t.Errorf("request %d of %d is at the same replica as the one before", at, len(places))
				}
			}
			if len(places) < len(f.replicas) {
				t.Errorf("%d requests were made", len(places))
			}
		})
	}
	if failed := f.balancer.failures(); len(failed) > 0 {
		t.Errorf("without an answer: %v", failed)
	}
}

// uses walks with tokens from the exchange of a code to the sign-out.
func (f *fleet) uses(t *testing.T, b *idp.Browser, code string) map[string]any {
	t.Helper()
	web := f.Client("web")
	tokens := wantOK(t, "code", web.Exchange(code, nil))
	claims := idp.Claims(t, tokens.Text("id_token"))
	for range 3 {
		tokens = wantOK(t, "refresh", web.Refresh(tokens.Text("refresh_token"), nil))
	}
	if info := wantOK(t, "userinfo", web.Userinfo(tokens.Text("access_token"))); info.Body["sub"] != claims["sub"] {
		t.Errorf("userinfo is about %v", info.Body)
	}
	page := b.Get("/oauth/logout?" + one("id_token_hint", tokens.Text("id_token"), "post_logout_redirect_uri", "https://app.example.test/bye").Encode())
	if page.Away == nil || page.Away.Path != "/bye" {
		t.Errorf("the sign-out leads to %s, %v", page, page.Away)
	}
	if a := web.Refresh(tokens.Text("refresh_token"), nil); a.Text("error") != "invalid_grant" {
		t.Errorf("after the sign-out a refresh gets %d %s", a.Status, a.Raw)
	}
	return claims
}

func (f *fleet) codeAndRefresh(t *testing.T, _ *fleet) {
	b := f.Browser()
	f.uses(t, b, codeAt(t, b.SignIn(f.Client("web").Authorize(nil), ada, adaPassword)))
}

func (f *fleet) secondFactor(t *testing.T, _ *fleet) {
	asked := f.Client("web").Authorize(one("acr_values", "2"))
	b, now := f.Browser(), early()
	page := b.SignIn(asked, ada, adaPassword)
	secret := strings.ReplaceAll(page.Text("#totp-secret"), " ", "")
	page = b.Press(page, "code-submit", one("code", appCode(t, secret, now.Add(-appStep))))
	codes := page.Texts("#codes li")
	codeAt(t, b.Press(page, "codes-saved", nil))

	b = f.Browser()
	page = b.SignIn(asked, ada, adaPassword)
	claims := f.uses(t, b, codeAt(t, b.Press(page, "code-submit", one("code", appCode(t, secret, now)))))
	if claims["acr"] != "2" {
		t.Errorf("the token says %v", claims)
	}
	b = f.Browser()
	page = b.SignIn(asked, ada, adaPassword)
	page = b.Press(page, "way-recovery_code", nil)
	f.uses(t, b, codeAt(t, b.Press(page, "code-submit", one("code", codes[0]))))
}

// over goes to another provider from a page, and comes back.
func over(t *testing.T, b *idp.Browser, page *idp.Page, button string) *idp.Page {
	t.Helper()
	page = b.Press(page, button, nil)
	_, target, found := strings.Cut(page.Header.Get("Refresh"), "0; url=")
	if !found {
		t.Fatalf("not a page that leads to another provider: %s\n%s", page, page.Body)
	}
	there := b.Get(target)
	if there.Away == nil {
		t.Fatalf("the provider answers %s %s", there, there.Body)
	}
	return b.Get(there.Away.String())
}

func (f *fleet) overProvider(t *testing.T, company *upstream.Provider) {
	person := upstream.Ada(upstream.Generic)
	person.Email = "new@company.test"
	company.SignIn(person)
	subject := ""
	for range 2 {
		b := f.Browser()
		page := over(t, b, b.Get(f.Client("web").Authorize(one("scope", "openid email"))), "provider-company")
		claims := f.uses(t, b, codeAt(t, page))
		if claims["idp"] != "company" || subject != "" && claims["sub"] != subject {
			t.Errorf("the token says %v", claims)
		}
		subject, _ = claims["sub"].(string)
	}
}

func (f *fleet) byInvitation(t *testing.T, mails *testkit.MailServer) {
	const address = "carol@example.test"
	before := len(mails.Mails())
	admin := f.Administrator("admin")
	invited := admin.Must(http.MethodPost, "/organizations/acme/invitations", map[string]any{"email": address, "roles": []string{"admin"}})
	b := f.Browser()
	page := b.Press(b.Get(mails.Await(address, before).Link()), "invite-sign-up", nil)
	b.Press(page, "signup-submit", one("email", address, "name", "Carol", "password", newPassword))
	claims := f.uses(t, b, codeAt(t, b.Get(f.Client("web").Authorize(one("organization", "acme")))))
	if claims["org_slug"] != "acme" {
		t.Errorf("the token says %v", claims)
	}
	if used := admin.Must(http.MethodGet, "/organizations/acme/invitations/"+invited.Text("id"), nil); used.Body["uses"] != float64(1) {
		t.Errorf("the invitation says %s", used.Raw)
	}
}

// typed is the code of six digits in the subject of a mail.
func typed(t *testing.T, m testkit.Mail) string {
	t.Helper()
	var digits strings.Builder
	for _, r := range m.Subject {
		if r >= '0' && r <= '9' {
			digits.WriteRune(r)
		}
	}
	if digits.Len() != 6 {
		t.Fatalf("no code in %q", m.Subject)
	}
	return digits.String()
}

func (f *fleet) forgotten(t *testing.T, mails *testkit.MailServer) {
	const address, second = "katherine@example.test", "trajectory of a friendship"
	b, before := f.Browser(), len(mails.Mails())
	page := b.Press(b.Get(f.Client("web").Authorize(nil)), "way-sign_up", nil)
	page = b.Press(page, "signup-submit", one("email", address, "name", "Katherine", "password", newPassword))
	f.uses(t, b, codeAt(t, b.Press(page, "code-submit", one("code", typed(t, mails.Await(address, before))))))

	b, before = f.Browser(), len(mails.Mails())
	page = b.Press(b.Get(f.Client("web").Authorize(nil)), "login-continue", one("username", address))
	page = b.Press(page, "way-forgot", nil)
	b.Press(page, "forgot-submit", one("username", address))
	page = b.Get(mails.Await(address, before).Link())
	b.Press(page, "reset-submit", one("password", second))
	b = f.Browser()
	f.uses(t, b, codeAt(t, b.SignIn(f.Client("web").Authorize(nil), address, second)))
	if page := f.Browser().SignIn(f.Client("web").Authorize(nil), address, newPassword); page.Away != nil {
		t.Errorf("the password of before leads to %v", page.Away)
	}
}

func (f *fleet) device(t *testing.T, _ *fleet) {
	cli := f.Client("cli")
	asked := wantOK(t, "device authorization", cli.Call("/oauth/device_authorization", one("scope", "openid offline_access")))
	b := f.Browser()
	page := b.SignIn(asked.Text("verification_uri_complete"), bob, bobPassword)
	b.Press(page, "device-allow", nil)
	tokens := wantOK(t, "device", cli.Call("/oauth/token", one("grant_type", deviceGrant, "device_code", asked.Text("device_code"))))
	wantOK(t, "refresh", cli.Refresh(tokens.Text("refresh_token"), nil))
}

func (f *fleet) console(t *testing.T, _ *fleet) {
	b := f.Browser()
	page := b.SignIn(f.Issuer+"/console", bob, bobPassword)
	if page.Status != http.StatusForbidden { // he administers nothing
		t.Errorf("the console is %s", page)
	}
	wantOK(t, "users", f.Administrator("admin").Must(http.MethodGet, "/users?limit=2", nil))
}
