package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/lanyard-id/lanyard/internal/testkit"
)

// Auth.js reads the person from the ID token, so this is also the test of a
// client with claims_in_id_token.
func TestAuthJSSignsInAndOut(t *testing.T) {
	testkit.Need(t, "node")
	port := testkit.FreePort(t)
	base := fmt.Sprintf("http://127.0.0.1:%d", port)
	server := testkit.Dev(t, "--redirect", base+"/auth/callback/lanyard")
	web := server.Client(t, "web")
	webApp := testkit.Node(t, "auth-express.mjs",
		[]string{"--issuer", server.Issuer, "--client-id", web.ID, "--port", strconv.Itoa(port)},
		"CLIENT_SECRET="+web.Secret)
	webApp.Next(t, &struct{}{})
	person := openBrowser(t)

	person.open(base + "/")
	if who := person.sees("#who"); who != "nobody" {
		t.Errorf("before the sign-in the page is shown to %q", who)
	}
	person.open(base + "/auth/signin")
	person.do("choose the provider", chromedp.Click(`form[action$="/signin/lanyard"] button`, chromedp.ByQuery))
	person.signIn(server.Users[0])
	if who := person.sees("#who"); who != "Ada King Lovelace ada@example.test" {
		t.Errorf("after the sign-in the page is shown to %q", who)
	}
	person.open(base + "/auth/signout")
	person.do("leave the app", chromedp.Click(`form[action$="/signout"] button`, chromedp.ByQuery))
	if who := person.sees("#who"); who != "nobody" {
		t.Errorf("after the sign-out the page is shown to %q", who)
	}
}

// A single-page app calls the token and userinfo endpoints from another origin,
// without a secret.
func TestSinglePageAppSignsInAndOut(t *testing.T) {
	testkit.Need(t, "node")
	var settings map[string]any
	spa := serveSinglePageApp(t, &settings)
	server := testkit.Dev(t, "--seed", writeSeed(t, spa.URL))
	settings = map[string]any{
		"authority": server.Issuer, "client_id": "page", "redirect_uri": spa.URL + "/callback",
		"post_logout_redirect_uri": spa.URL + "/signed-out", "scope": "openid profile email", "loadUserInfo": true,
	}
	person := openBrowser(t)

	person.open(spa.URL + "/")
	person.waitForState("ready")
	person.click("sign-in")
	person.signIn(server.Users[0])
	person.click("consent-allow")
	person.waitForState("signed in")
	first := person.user()
	if first.Profile["email"] != "grace@example.test" || first.Profile["name"] != "Grace Hopper" {
		t.Errorf("the app knows %v", first.Profile)
	}
	person.click("refresh")
	person.waitForState("refreshed")
	if second := person.user(); second.AccessToken == first.AccessToken || second.Profile["sub"] != first.Profile["sub"] {
		t.Error("the refresh brought the same access token or another person")
	}
	person.click("sign-out")
	person.waitForState("signed out")
	if got := person.askAgain(server, spa.URL+"/callback"); got != "login" {
		t.Errorf("after the sign-out the provider shows %q", got)
	}
}

// serveSinglePageApp serves the page at every address, and its settings, which
// are only known when the provider runs.
func serveSinglePageApp(t *testing.T, settings *map[string]any) *httptest.Server {
	t.Helper()
	clients := filepath.Join(testkit.Root(), "internal", "e2e", "clients")
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(clients, "oidc-client-ts.html"))
	})
	mux.HandleFunc("/oidc-client-ts.min.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(clients, "node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js"))
	})
	mux.HandleFunc("/config.json", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(*settings)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

type spaUser struct {
	Profile     map[string]any `json:"profile"`
	AccessToken string         `json:"access_token"`
}

func (b browser) user() spaUser {
	b.t.Helper()
	var user spaUser
	if err := json.Unmarshal([]byte(b.sees("#user")), &user); err != nil {
		b.t.Fatal(err)
	}
	return user
}

// waitForState waits until the single-page app says so.
func (b browser) waitForState(state string) {
	b.t.Helper()
	b.poll("wait for the app to be "+state, `document.querySelector("#state")?.textContent === `+strconv.Quote(state)+` || null`, new(bool))
}
