package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
)

const aRequest = lanyard.AuthRequestID("req_06dfkxmqvt4y1ebz0nhh3pc2ar")

var (
	acme     = web.Site{Slug: "acme", Issuer: "https://id.example/t/acme", Prefix: "/t/acme"}
	acmeHost = web.Site{Slug: "acme", Issuer: "https://login.acme.example"}
	acmeDev  = web.Site{Slug: "acme", Issuer: "http://localhost:8080/t/acme", Prefix: "/t/acme", Loopback: true}
)

// Golden: every cookie that the product sets, on every kind of site.
func TestEveryCookie(t *testing.T) {
	value := lanyard.SecretOf("dmFsdWU")
	for _, c := range []struct {
		name string
		site web.Site
		want []string
	}{
		{"https", https, []string{
			"__Host-lanyard-browser=dmFsdWU; Path=/; Max-Age=34560000; HttpOnly; Secure; SameSite=Lax",
			"__Host-lanyard-browser=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
			"__Host-lanyard-flow-req_06dfkxmqvt4y1ebz0nhh3pc2ar=dmFsdWU; Path=/; Max-Age=1800; HttpOnly; Secure; SameSite=Lax",
			"__Host-lanyard-flow-req_06dfkxmqvt4y1ebz0nhh3pc2ar=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
			"__Host-lanyard-language=de; Path=/; Max-Age=34560000; HttpOnly; Secure; SameSite=Lax",
			"__Host-lanyard-console=dmFsdWU; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax",
			"__Host-lanyard-console=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
			"__Host-lanyard-console-signin=dmFsdWU; Path=/; Max-Age=1800; HttpOnly; Secure; SameSite=Lax",
			"__Host-lanyard-console-signin=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
		}},
		{"tenant by path", acme, []string{
			"__Host-lanyard-browser-acme=dmFsdWU; Path=/; Max-Age=34560000; HttpOnly; Secure; SameSite=Lax",
			"__Host-lanyard-browser-acme=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
			"__Host-lanyard-flow-req_06dfkxmqvt4y1ebz0nhh3pc2ar=dmFsdWU; Path=/; Max-Age=1800; HttpOnly; Secure; SameSite=Lax",
			"__Host-lanyard-flow-req_06dfkxmqvt4y1ebz0nhh3pc2ar=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
			"__Host-lanyard-language=de; Path=/; Max-Age=34560000; HttpOnly; Secure; SameSite=Lax",
			"__Host-lanyard-console-acme=dmFsdWU; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax",
			"__Host-lanyard-console-acme=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
			"__Host-lanyard-console-signin-acme=dmFsdWU; Path=/; Max-Age=1800; HttpOnly; Secure; SameSite=Lax",
			"__Host-lanyard-console-signin-acme=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
		}},
		{"loopback", loopback, []string{
			"lanyard-browser-8080=dmFsdWU; Path=/; Max-Age=34560000; HttpOnly; SameSite=Lax",
			"lanyard-browser-8080=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
			"lanyard-flow-8080-req_06dfkxmqvt4y1ebz0nhh3pc2ar=dmFsdWU; Path=/; Max-Age=1800; HttpOnly; SameSite=Lax",
			"lanyard-flow-8080-req_06dfkxmqvt4y1ebz0nhh3pc2ar=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
			"lanyard-language-8080=de; Path=/; Max-Age=34560000; HttpOnly; SameSite=Lax",
			"lanyard-console-8080=dmFsdWU; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax",
			"lanyard-console-8080=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
			"lanyard-console-signin-8080=dmFsdWU; Path=/; Max-Age=1800; HttpOnly; SameSite=Lax",
			"lanyard-console-signin-8080=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rec := httptest.NewRecorder()
			r := httptest.NewRequest("GET", "/", nil)
			web.SetBrowser(rec, c.site, value)
			web.ClearBrowser(rec, c.site)
			web.SetBinding(rec, r, c.site, aRequest, value)
			web.ClearBinding(rec, c.site, aRequest)
			web.SetLanguage(rec, c.site, "de")
			web.SetConsole(rec, c.site, value, time.Hour)
			web.ClearConsole(rec, c.site)
			web.SetConsoleSignIn(rec, c.site, value)
			web.ClearConsoleSignIn(rec, c.site)
			if diff := cmp.Diff(c.want, rec.Header().Values("Set-Cookie")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCookieOfOneTenantIsNotReadByAnother(t *testing.T) {
	sites := []web.Site{https, acme, loopback, acmeDev, {Slug: "default", Issuer: "http://localhost:9090", Loopback: true}}
	for i, set := range sites {
		r := carry(t, func(w http.ResponseWriter) { web.SetBrowser(w, set, lanyard.NewSecret()) })
		for j, read := range sites {
			if got := !web.Browser(r, read).IsZero(); got != (i == j) {
				t.Errorf("set at %s, read at %s: %v", set.Issuer, read.Issuer, got)
			}
		}
	}
	r := carry(t, func(w http.ResponseWriter) { web.SetBrowser(w, acmeHost, lanyard.NewSecret()) })
	if web.Browser(r, acmeHost).IsZero() {
		t.Error("a tenant on its own host can not read its cookie")
	}
}

func TestOddCookieValuesAreNoSecrets(t *testing.T) {
	for _, value := range []string{"", strings.Repeat("a", 129), "a b", "a%00", "ä"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", "__Host-lanyard-browser="+value)
		if !web.Browser(r, https).IsZero() {
			t.Errorf("%q was read", value)
		}
	}
	r := httptest.NewRequest("GET", "/", nil)
	if !web.Binding(r, https, "req_; Path=/").IsZero() {
		t.Error("a binding was read for an id that is none")
	}
}

func TestNinthBindingDropsTheOldest(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	id := func(i int) lanyard.AuthRequestID {
		return lanyard.AuthRequestID(fmt.Sprintf("req_06dfkxmqvt4y1ebz0nhh3pc2%02d", i))
	}
	for i := 7; i >= 0; i-- {
		r.AddCookie(&http.Cookie{Name: "__Host-lanyard-flow-" + string(id(i)), Value: "x"})
	}
	r.AddCookie(&http.Cookie{Name: "__Host-lanyard-flow-junk", Value: "x"})

	rec := httptest.NewRecorder()
	web.SetBinding(rec, r, https, id(7), lanyard.NewSecret())
	if n := len(rec.Result().Cookies()); n != 1 {
		t.Errorf("setting one of eight again sent %d cookies", n)
	}
	rec = httptest.NewRecorder()
	web.SetBinding(rec, r, https, id(8), lanyard.NewSecret())
	cookies := rec.Result().Cookies()
	if len(cookies) != 2 || cookies[1].MaxAge != -1 || cookies[1].Name != "__Host-lanyard-flow-"+string(id(0)) {
		t.Errorf("got %v", cookies)
	}
}

func TestLanguageCookieHoldsNothingButALanguage(t *testing.T) {
	r := carry(t, func(w http.ResponseWriter) { web.SetLanguage(w, https, "de") })
	if got := web.Language(r, https); got != "de" {
		t.Errorf("got %q", got)
	}
	for _, odd := range []string{"<b>", strings.Repeat("a", 40), "../x"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", "__Host-lanyard-language="+odd)
		if got := web.Language(r, https); got != "" {
			t.Errorf("%q was read as %q", odd, got)
		}
	}
}

// carry sends back the cookies that set puts into an answer.
func carry(t *testing.T, set func(http.ResponseWriter)) *http.Request {
	t.Helper()
	rec := httptest.NewRecorder()
	set(rec)
	r := httptest.NewRequest("GET", "/", nil)
	for _, c := range rec.Result().Cookies() {
		r.AddCookie(c)
	}
	return r
}
