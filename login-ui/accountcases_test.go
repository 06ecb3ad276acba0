package loginui_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

const (
	firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	safari  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)

// at shows an account page of a person in some state.
func at(target string, states ...func(*world)) func(*world, string) *httptest.ResponseRecorder {
	return func(w *world, lang string) *httptest.ResponseRecorder {
		for _, state := range states {
			state(w)
		}
		joint := "?"
		if strings.Contains(target, "?") {
			joint = ""
		}
		return w.get(target + joint + lang)
	}
}

// sent posts a form of an account page.
func sent(target string, values url.Values, states ...func(*world)) func(*world, string) *httptest.ResponseRecorder {
	return func(w *world, lang string) *httptest.ResponseRecorder {
		for _, state := range states {
			state(w)
		}
		joint := "?"
		if strings.Contains(target, "?") {
			joint = ""
		}
		return w.post(target+joint+lang, values)
	}
}

func values(pairs ...string) url.Values {
	out := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		out.Set(pairs[i], pairs[i+1])
	}
	return out
}

// failing lets every deed that changes something answer with an error.
func failing(err error) func(*world) { return func(w *world) { w.people.err = err } }

func scheduled(w *world) { w.people.factors.DeleteAt = now.AddDate(0, 0, 10) }

func passwordless(w *world) { w.people.factors.Password = false }

// secured is an account with everything.
func secured(w *world) {
	p := w.people
	p.factors = lanyard.Factors{UserID: "usr_1", Password: true, TOTP: true, Passkeys: 2, RecoveryCodes: 2, EmailVerified: true}
	p.passkeys = []lanyard.Passkey{
		{ID: "Y3JlZC0x", RPID: "id.example", Name: "Work laptop", Synced: true, AAGUID: "d548826e-79b4-db40-a3d8-11116f7e8349", CreatedAt: now.AddDate(-1, 0, 0), UsedAt: now.Add(-3 * time.Hour)},
		{ID: "Y3JlZC0y", RPID: "id.example", Name: "YubiKey 5", AAGUID: "cb69481e-8ff7-4039-93ec-0a2729a154a8", CreatedAt: now.Add(-time.Minute)},
	}
}

func renewed(w *world) {
	secured(w)
	for _, code := range []string{"AAAA-BBBB-CCCC-DDDD", "EEEE-FFFF-GGGG-HHHH", "JJJJ-KKKK-MMMM-NNNN"} {
		w.people.codes = append(w.people.codes, lanyard.SecretOf(code))
	}
}

func withEmails(w *world) {
	w.people.emails = append(w.people.emails,
		lanyard.Email{Address: "ada@work.example", Verified: true}, lanyard.Email{Address: "new@example.test"})
}

func severalAccounts(w *world) { w.people.accounts = append(w.people.accounts, grace()) }

func offered(w *world) {
	w.people.totp = accounts.TOTPEnrolment{
		Secret: "ABCD EFGH IJKL MNOP",
		QRSVG:  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8" width="240" height="240" shape-rendering="crispEdges"><rect width="8" height="8" fill="#fff"/><path fill="#000" d="M1 1h2v1h-2z"/></svg>`,
	}
}

func filled(w *world) {
	user := &w.people.accounts[0].User
	user.Username, user.Subject = "ada", "usr_subject"
	user.Profile = lanyard.Profile{
		Name: "Ada Lovelace", GivenName: "Ada", FamilyName: "Lovelace", Email: "ada@example.test", Locale: "fr-CA", Zoneinfo: "Europe/London",
		Birthdate: "1815-12-10", PhoneNumber: "+442071838750", Website: "https://ada.example.test",
		Address:    &lanyard.Address{StreetAddress: "12 St James's Square\nSecond floor", Country: "United Kingdom"},
		Attributes: map[string]string{"team": "Engines", "grade": "A", "size": "M", "remote": "true", "since": "2030-02-03", "seats": "4"},
	}
	w.live.Tenant.Policy.Attributes = []lanyard.Attribute{
		{Name: "team", Label: "Team", Type: lanyard.AttributeString, Required: true},
		{Name: "size", Label: "Size", Type: lanyard.AttributeString, Options: []string{"S", "M"}},
		{Name: "seats", Type: lanyard.AttributeNumber},
		{Name: "since", Label: "Since", Type: lanyard.AttributeDate},
		{Name: "remote", Label: "Remote", Type: lanyard.AttributeBoolean},
		{Name: "grade", Label: "Grade", Type: lanyard.AttributeString, ReadOnly: true},
	}
}

func withDevices(w *world) {
	w.people.devices = []lanyard.Device{
		{
			Session: lanyard.Session{ID: "ses_9", UsedAt: now.Add(-20 * 24 * time.Hour), CreatedAt: now.AddDate(0, -2, 0)},
			Browser: lanyard.Browser{UserAgent: safari, Address: "2001:db8::1"}, Remembered: true,
		},
		{Session: lanyard.Session{ID: "ses_1", UsedAt: now, CreatedAt: now.Add(-25 * time.Hour)}, Browser: lanyard.Browser{UserAgent: firefox, Address: "203.0.113.7"}},
		{Session: lanyard.Session{ID: "ses_8", UsedAt: now.Add(-time.Hour), CreatedAt: now.Add(-time.Hour)}, Browser: lanyard.Browser{UserAgent: "curl/8"}},
	}
}

func withEvents(w *world) {
	withDevices(w)
	for i, kind := range []lanyard.EventType{lanyard.EventUserSignedIn, lanyard.EventPasswordChanged, lanyard.EventSignInFailed, "moon.landed"} {
		e := lanyard.Event{ID: lanyard.EventID("evt_" + kind), Type: kind, At: now.Add(-time.Duration(i*i*30) * time.Hour)}
		if i < 2 {
			e.SessionID = "ses_9"
		}
		w.people.events = append(w.people.events, e)
	}
	w.people.next = "evt_older"
}

// accountCases are the account pages in their states.
func accountCases(t *testing.T) []pageCase {
	t.Helper()
	wait := failing(lanyard.ErrThrottled.After(90 * time.Second))
	long := values("current", "old password", "password", "correct horse battery staple")
	return []pageCase{
		{"account", 200, at("/account")},
		{"account-secured", 200, at("/account", secured)},
		{"account-deletion", 200, at("/account?done=deletion_undone&", scheduled, severalAccounts)},
		{"account-profile", 200, at("/account/profile")},
		{"account-profile-filled", 200, at("/account/profile?done=profile_saved&", filled)},
		{"account-profile-wrong", 200, sent("/account/profile", values("phone_number", "12"), filled, failing(lanyard.ErrBadInput.Saying("phone_number is not valid")))},
		{"account-profile-attribute", 200, sent("/account/profile", values("attribute.team", ""), filled, failing(lanyard.ErrBadInput.Saying("team is required")))},
		{"account-emails", 200, at("/account/emails", withEmails)},
		{"account-emails-bad", 200, sent("/account/emails", values("email", "nobody"), failing(lanyard.ErrBadInput))},
		{"account-emails-code", 200, sent("/account/emails/verify", values("code", "1"), withEmails, failing(lanyard.ErrWrongCode))},
		{"account-emails-throttled", 429, sent("/account/emails/verify", values("code", "1"), withEmails, wait)},
		{"account-emails-soon", 429, sent("/account/emails/resend", values("email", "new@example.test"), withEmails, wait)},
		{"account-emails-taken", 409, sent("/account/emails/primary", values("email", "ada@work.example"), withEmails, failing(lanyard.ErrConflict))},
		{"account-security", 200, at("/account/security")},
		{"account-security-all", 200, at("/account/security", secured)},
		{"account-security-removed", 200, at("/account/security?done=passkey_removed&removed=Z29uZQ&", secured)},
		{"account-security-kept", 409, sent("/account/security/totp/remove", nil, secured, failing(lanyard.ErrConflict))},
		{"account-password", 200, at("/account/security/password")},
		{"account-password-none", 200, at("/account/security/password", passwordless)},
		{"account-password-wrong", 200, sent("/account/security/password", long, failing(lanyard.ErrWrongCredentials))},
		{"account-password-weak", 200, sent("/account/security/password", long, failing(lanyard.ErrWeakPassword))},
		{"account-password-throttled", 429, sent("/account/security/password", long, wait)},
		{"account-totp", 200, at("/account/security/totp", offered)},
		{"account-totp-wrong", 200, sent("/account/security/totp", values("code", "000000"), offered, failing(lanyard.ErrWrongCode))},
		{"account-codes", 200, sent("/account/security/codes", nil, renewed)},
		{"account-passkey", 200, at("/account/security/passkeys")},
		{"account-passkey-refused", 200, sent("/account/security/passkeys", values("credential", "{}"), failing(lanyard.ErrNoPasskey))},
		{"account-passkey-remove", 200, at("/account/security/passkeys/remove?id=Y3JlZC0x&", secured)},
		{"account-passkey-last", 409, sent("/account/security/passkeys/remove?id=Y3JlZC0x&", nil, secured, failing(lanyard.ErrLastWayIn))},
		{"account-devices", 200, at("/account/devices?done=devices_ended&n=1&", withDevices)},
		{"account-activity", 200, at("/account/activity", withEvents)},
		{"account-activity-none", 200, at("/account/activity?before=evt_1&")},
		{"account-activity-not-me", 200, at("/account/activity?done=not_me&n=2&", withEvents)},
		{"account-data", 200, at("/account/data")},
		{"account-data-scheduled", 200, at("/account/data?done=deletion_asked&", scheduled)},
		{"account-data-name", 200, sent("/account/data/delete", values("username", "grace@example.test"))},
		{"account-data-owner", 409, sent("/account/data/delete", values("username", "ada@example.test"), failing(lanyard.ErrConflict.Saying("you are the only owner of Acme, Babbage")))},
	}
}
