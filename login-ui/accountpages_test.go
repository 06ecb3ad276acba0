package loginui_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

func TestAuthenticatorAppThatIsThereIsNotOfferedAgain(t *testing.T) {
	w := newWorld(t, https)
	w.people.totpError = lanyard.ErrConflict
	if rec := w.get("/account/security/totp"); rec.Code != http.StatusFound || rec.Header().Get("Location") != "/t/acme/account/security" {
		t.Errorf("%d %s", rec.Code, rec.Header().Get("Location"))
	}
}

func TestAnotherPersonsPasskeyHasNoPage(t *testing.T) {
	w := newWorld(t, https)
	secured(w)
	if rec := w.get("/account/security/passkeys/remove?id=b3RoZXI"); rec.Code != http.StatusNotFound {
		t.Errorf("%d", rec.Code)
	}
}

func TestThisDeviceStandsFirst(t *testing.T) {
	w := newWorld(t, https)
	withDevices(w)
	body := w.get("/account/devices").Body.String()
	first, second, third := strings.Index(body, "Firefox on Linux"), strings.Index(body, "Safari on iOS"), strings.Index(body, "Unknown device")
	if first < 0 || second < first || third < second || strings.Count(body, "This device") != 1 || strings.Index(body, "This device") > second {
		t.Errorf("%d %d %d", first, second, third)
	}
}

func TestActivityGoesOnWhereAsked(t *testing.T) {
	w := newWorld(t, https)
	withEvents(w)
	body := w.get("/account/activity?before=evt_5").Body.String()
	if diff := cmp.Diff([]any{"activity", adaID, lanyard.EventID("evt_5")}, w.people.called); diff != "" {
		t.Error(diff)
	}
	for _, want := range []string{`href="/t/acme/account/activity?before=evt_older"`, `href="/t/acme/account/activity" id="activity-newest"`, "<code>moon.landed</code>", "Safari on iOS"} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if rec := w.get("/account/activity?before=" + strings.Repeat("e", 65)); rec.Code != http.StatusNotFound {
		t.Errorf("a long id: %d", rec.Code)
	}
}

func TestTimesAreThoseOfThePersonsZone(t *testing.T) {
	w := newWorld(t, https)
	w.people.accounts[0].User.Profile.Zoneinfo = "Asia/Tokyo"
	withEvents(w)
	body := w.get("/account/activity").Body.String()
	if !strings.Contains(body, `datetime="2031-01-02T03:04:05Z" title="2 January 2031, 12:04 JST">just now`) {
		t.Error(body)
	}
	for _, zone := range []string{"Local", "Moon/Base", ""} {
		w.people.accounts[0].User.Profile.Zoneinfo = zone
		if body := w.get("/account/activity").Body.String(); !strings.Contains(body, "03:04 UTC") {
			t.Errorf("%q is not UTC", zone)
		}
	}
}

func TestPagesSpeakThePersonsLanguage(t *testing.T) {
	w := newWorld(t, https)
	w.people.accounts[0].User.Profile.Locale = "de_DE"
	if body := w.get("/account").Body.String(); !strings.Contains(body, `<html lang="de"`) {
		t.Error("the page does not speak German")
	}
	if got := len(w.get("/account?lang=en").Header().Values("Set-Cookie")); got != 1 {
		t.Errorf("a choice sets %d cookies", got)
	}
}

// The address of a form leads back to its page, for whoever loads it again or
// chooses another language there.
func TestAddressesOfFormsLeadBack(t *testing.T) {
	w := newWorld(t, https)
	rec := w.get("/account/emails/verify?lang=de")
	if rec.Code != http.StatusFound || rec.Header().Get("Location") != "/t/acme/account/emails" || !strings.Contains(rec.Header().Get("Set-Cookie"), "language=de") {
		t.Errorf("%d %v", rec.Code, rec.Header())
	}
}

func TestDeedsLearnWhereARequestComesFrom(t *testing.T) {
	w := newWorld(t, https)
	browser := lanyard.NewSecret()
	r := httptest.NewRequest("GET", "/account", nil)
	r.Header.Set("User-Agent", firefox)
	r.Header.Set("Accept-Language", "en")
	r.RemoteAddr = "203.0.113.7:1234"
	r.AddCookie(&http.Cookie{Name: "__Host-lanyard-browser-acme", Value: browser.Reveal()})
	r.AddCookie(&http.Cookie{Name: "__Host-lanyard-language", Value: "de"})
	w.do(r)
	want := accounts.From{BrowserHash: browser.Hash(), Address: "203.0.113.7", UserAgent: firefox, Languages: []string{"de", "en"}}
	if diff := cmp.Diff(want, w.people.from); diff != "" {
		t.Error(diff)
	}
}

// The names and ids that others rely on.
func TestAccountButtonIDs(t *testing.T) {
	for name, want := range map[string][]string{
		"account-deletion":       {`id="delete-undo"`, `id="account-sign-out"`, `name="session" value="ses_2"`},
		"account-profile":        {`id="profile-submit"`, `id="zone-suggest"`},
		"account-emails":         {`id="email-add"`, `id="email-primary-1"`, `id="email-remove-1"`, `id="email-remove-2"`, `id="email-resend-2"`, `id="code-submit"`, `name="code"`},
		"account-security-all":   {`id="totp-remove"`, `id="codes-renew"`, `id="passkey-remove-0"`, `id="passkey-remove-1"`, `id="passkey-add"`, `id="devices-forget"`},
		"account-password":       {`id="password-submit"`, `name="current"`, `autocomplete="current-password"`, `name="password"`, `autocomplete="new-password"`, `minlength="15"`, `autocomplete="username"`},
		"account-totp":           {`id="totp-secret"`, `id="code-submit"`, `autocomplete="one-time-code"`},
		"account-passkey":        {`id="passkey-form"`, `name="credential"`, `name="name"`, `data-options="/t/acme/account/security/passkeys/options"`},
		"account-passkey-remove": {`id="passkey-remove"`},
		"account-devices":        {`id="devices-end-others"`, `id="devices-end-all"`, `id="device-end-ses_9"`},
		"account-activity":       {`id="not-me"`},
		"account-data":           {`id="export-submit"`, `id="delete-submit"`, `name="username"`},
	} {
		c := everyCase(t)[name]
		body := c.show(newWorld(t, c.site), "").Body.String()
		for _, text := range want {
			if !strings.Contains(body, text) {
				t.Errorf("%s: %s is missing", name, text)
			}
		}
	}
}

// Every field that the person or the tenant fills, in every account page.
func TestPayloadsStayTextOnAccountPages(t *testing.T) {
	for _, evil := range payloads {
		w := newWorld(t, local)
		infect(w, evil)
		for _, path := range []string{
			"/account", "/account/profile", "/account/emails", "/account/security", "/account/security/password", "/account/security/totp",
			"/account/security/passkeys", "/account/security/passkeys/remove?id=evil", "/account/devices", "/account/activity", "/account/data",
		} {
			rec := w.get(path)
			if got := parse(t, rec.Body.String()).active(); len(got) != 0 || rec.Code != http.StatusOK {
				t.Errorf("%s with %q: %d %v", path, evil, rec.Code, got)
			}
		}
		for path, err := range map[string]error{
			"/account/profile": lanyard.ErrBadInput.Saying("team " + evil), "/account/emails": lanyard.ErrBadInput,
			"/account/data/delete": lanyard.ErrConflict.Saying("you are the only owner of " + evil),
		} {
			w.people.err = err
			form := values("email", evil, "username", evil)
			if path == "/account/profile" {
				form = values("name", evil, "attribute.team", evil, "attribute.size", evil)
			}
			rec := w.post(path, form)
			if got := parse(t, rec.Body.String()).active(); len(got) != 0 || rec.Code != http.StatusOK && rec.Code != http.StatusConflict {
				t.Errorf("%s posted with %q: %d %v", path, evil, rec.Code, got)
			}
		}
	}
}

func infect(w *world, evil string) {
	account := lanyard.Account{
		Session: lanyard.Session{ID: lanyard.SessionID(evil)},
		User: lanyard.User{ID: "usr_1", Username: evil, Subject: evil, Profile: lanyard.Profile{
			Name: evil, GivenName: evil, Email: evil, Picture: evil, ProfileURL: evil, Locale: evil, Zoneinfo: evil, PhoneNumber: evil,
			Address: &lanyard.Address{StreetAddress: evil, Formatted: evil}, Attributes: map[string]string{"team": evil, "size": evil, "grade": evil},
		}},
	}
	other := account
	other.Session.ID = "ses_2"
	w.live.Tenant.Name = evil
	w.live.Tenant.Policy.Attributes = []lanyard.Attribute{
		{Name: "team", Label: evil, Type: lanyard.AttributeString}, {Name: "size", Label: evil, Type: lanyard.AttributeString, Options: []string{evil}},
		{Name: "grade", Label: evil, Type: lanyard.AttributeString, ReadOnly: true},
	}
	secured(w)
	offered(w)
	p := w.people
	p.accounts = []lanyard.Account{account, other}
	p.emails = []lanyard.Email{{Address: evil}, {Address: evil, Verified: true}}
	p.passkeys = []lanyard.Passkey{{ID: "evil", Name: evil, AAGUID: evil}}
	p.devices = []lanyard.Device{{Session: lanyard.Session{ID: lanyard.SessionID(evil)}, Browser: lanyard.Browser{UserAgent: evil, Address: evil}}}
	p.events = []lanyard.Event{{Type: lanyard.EventType(evil), SessionID: lanyard.SessionID(evil), At: now, Detail: map[string]string{"x": evil}}}
	p.next = lanyard.EventID(evil)
	p.totp.Secret = evil
}

// Nobody can make a browser forget a passkey by a link.
func TestBrowserForgetsRemovedPasskeysOnly(t *testing.T) {
	for id, want := range map[string]bool{
		"Z29uZQ": true, "Y3JlZC0x": false, `"><b>`: false, "": false, strings.Repeat("x", 1365): false,
	} {
		w := newWorld(t, https)
		secured(w)
		body := w.get("/account/security?done=passkey_removed&removed=" + url.QueryEscape(id)).Body.String()
		if got := strings.Contains(body, `id="forget" data-credential="`+id+`" data-rp="id.example"`); got != want || strings.Contains(body, `id="forget"`) != want {
			t.Errorf("%q: told %v", id, got)
		}
	}
}

// The text of a notice is ours, whatever the address says.
func TestNoticesAreOurOwnWords(t *testing.T) {
	for query, want := range map[string]string{
		"done=profile_saved":          "Your profile is saved.",
		"done=devices_ended&n=1":      "You're signed out on 1 other device.",
		"done=devices_ended&n=12":     "You're signed out on 12 other devices.",
		"done=devices_ended":          "",
		"done=devices_ended&n=-1":     "",
		"done=devices_ended&n=1e9":    "",
		"done=devices_ended&n=999999": "",
		"done=you+won":                "",
		"done=" + payloads[0]:         "",
	} {
		w := newWorld(t, https)
		var got string
		for _, p := range parse(t, w.get("/account/devices?"+query).Body.String()).elements("p") {
			if attr(p, "class") == "notice" {
				got = p.FirstChild.Data
			}
		}
		if got != want {
			t.Errorf("%s: %q", query, got)
		}
	}
}

func TestCodesAreShownOnceInTheAnswer(t *testing.T) {
	for path, form := range map[string]url.Values{
		"/account/security/codes":    nil,
		"/account/security/totp":     values("code", "123456"),
		"/account/security/passkeys": values("credential", "{}"),
	} {
		w := newWorld(t, https)
		renewed(w)
		rec := w.post(path, form)
		if rec.Code != http.StatusOK || rec.Header().Get("Cache-Control") != "no-store" || strings.Count(rec.Body.String(), "AAAA-BBBB-CCCC-DDDD") != 1 {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
		lists := parse(t, rec.Body.String()).elements("ol")
		if len(lists) != 1 || attr(lists[0], "id") != "recovery-codes" {
			t.Errorf("%s: the codes are not in the list", path)
		}
		if body := w.get(path).Body.String(); strings.Contains(body, "AAAA-BBBB") {
			t.Errorf("%s shows the codes again", path)
		}
	}
}

func TestPagesThatNeedAFreshProofAskBefore(t *testing.T) {
	for path, states := range map[string][]func(*world){
		"/account/security/totp":                        nil,
		"/account/security/passkeys":                    nil,
		"/account/security/passkeys/remove?id=Y3JlZC0x": {secured},
		"/account/security/password":                    {passwordless},
	} {
		w := newWorld(t, https)
		for _, state := range states {
			state(w)
		}
		w.people.fresh = false
		rec := w.get(path)
		if rec.Code != http.StatusFound || rec.Header().Get("Location") != "/t/acme"+rawQuery("/login/password") || w.people.led[0] != path || w.people.led[2] != true {
			t.Errorf("%s: %d %s, led %v", path, rec.Code, rec.Header().Get("Location"), w.people.led)
		}
	}
	w := newWorld(t, https)
	w.people.fresh = false
	for _, path := range []string{"/account", "/account/profile", "/account/security", "/account/security/password", "/account/data"} {
		if rec := w.get(path); rec.Code != http.StatusOK {
			t.Errorf("%s: %d", path, rec.Code)
		}
	}
}
