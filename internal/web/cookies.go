package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
)

// Cookies live as long as browsers allow, and as long as a person may take to sign in.
const (
	browserCookieLifetime = 400 * 24 * time.Hour
	bindingCookieLifetime = lanyard.AuthRequestLifetime
)

// MaxBindings is how many sign-ins one browser may have open; a further one drops the oldest.
const MaxBindings = 8

// maxCookieValue bounds what is believed of a cookie; our own values have 43 bytes.
const maxCookieValue = 128

// SetBrowser gives the browser a new secret. The old one is dead from then on.
func SetBrowser(w http.ResponseWriter, s Site, secret lanyard.Secret) {
	setCookie(w, s, s.browserCookie(), secret.Reveal(), browserCookieLifetime)
}

// Browser is the secret that the browser shows; zero if it has none.
func Browser(r *http.Request, s Site) lanyard.Secret { return readCookie(r, s.browserCookie()) }

// ClearBrowser makes the browser forget its secret.
func ClearBrowser(w http.ResponseWriter, s Site) { clearCookie(w, s, s.browserCookie()) }

// SetBinding ties an authorization request to the browser, and drops the oldest
// bindings when there are more than MaxBindings.
func SetBinding(w http.ResponseWriter, r *http.Request, s Site, id lanyard.AuthRequestID, secret lanyard.Secret) {
	setCookie(w, s, s.bindingCookie(id), secret.Reveal(), bindingCookieLifetime)
	for _, old := range surplusBindings(r, s, id) {
		ClearBinding(w, s, old)
	}
}

// Binding is the secret that ties the authorization request to this browser; zero if there is none.
func Binding(r *http.Request, s Site, id lanyard.AuthRequestID) lanyard.Secret {
	if !isRequestID(string(id)) {
		return lanyard.Secret{}
	}
	return readCookie(r, s.bindingCookie(id))
}

// ClearBinding makes the browser forget the binding of an authorization request.
func ClearBinding(w http.ResponseWriter, s Site, id lanyard.AuthRequestID) {
	clearCookie(w, s, s.bindingCookie(id))
}

// surplusBindings are the oldest bindings beyond the limit; the ids sort by creation.
func surplusBindings(r *http.Request, s Site, fresh lanyard.AuthRequestID) []lanyard.AuthRequestID {
	var ids []lanyard.AuthRequestID
	for _, c := range r.Cookies() {
		id, found := strings.CutPrefix(c.Name, s.bindingCookie(""))
		if found && isRequestID(id) && id != string(fresh) {
			ids = append(ids, lanyard.AuthRequestID(id))
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	return ids[:max(0, len(ids)+1-MaxBindings)]
}

// SetConsole keeps the access token of a person at the console, for as long as it lives.
func SetConsole(w http.ResponseWriter, s Site, token lanyard.Secret, lifetime time.Duration) {
	setCookie(w, s, s.ofTenant("console"), token.Reveal(), lifetime)
}

// Console is the access token of a person at the console; zero if the browser has none.
func Console(r *http.Request, s Site) lanyard.Secret { return readCookie(r, s.ofTenant("console")) }

// ClearConsole makes the browser forget the access token.
func ClearConsole(w http.ResponseWriter, s Site) { clearCookie(w, s, s.ofTenant("console")) }

// SetConsoleSignIn ties a sign-in to the console to the browser.
func SetConsoleSignIn(w http.ResponseWriter, s Site, secret lanyard.Secret) {
	setCookie(w, s, s.ofTenant("console-signin"), secret.Reveal(), bindingCookieLifetime)
}

// ConsoleSignIn is the secret that ties a sign-in to the console to this browser; zero if there is none.
func ConsoleSignIn(r *http.Request, s Site) lanyard.Secret {
	return readCookie(r, s.ofTenant("console-signin"))
}

// ClearConsoleSignIn makes the browser forget that it is signing in to the console.
func ClearConsoleSignIn(w http.ResponseWriter, s Site) {
	clearCookie(w, s, s.ofTenant("console-signin"))
}

func (s Site) browserCookie() string { return s.ofTenant("browser") }

// ofTenant names the tenant, so that two tenants of one host never share a value.
func (s Site) ofTenant(what string) string {
	name := s.cookieName(what)
	if s.Slug == lanyard.DefaultTenant || s.Slug == "" {
		return name
	}
	return name + "-" + s.Slug
}

func (s Site) bindingCookie(id lanyard.AuthRequestID) string {
	return s.cookieName("flow") + "-" + string(id)
}

// cookieName carries the port on loopback, where browsers share cookies between
// ports and refuse the prefix __Host- without https.
func (s Site) cookieName(what string) string {
	if s.Loopback {
		return "lanyard-" + what + "-" + s.port()
	}
	return "__Host-lanyard-" + what
}

func setCookie(w http.ResponseWriter, s Site, name, value string, lifetime time.Duration) {
	writeCookie(w, s, &http.Cookie{Name: name, Value: value, MaxAge: int(lifetime / time.Second)})
}

func clearCookie(w http.ResponseWriter, s Site, name string) {
	writeCookie(w, s, &http.Cookie{Name: name, MaxAge: -1})
}

// writeCookie is the one place that sets a cookie.
func writeCookie(w http.ResponseWriter, s Site, c *http.Cookie) {
	c.Path = "/"
	c.HttpOnly = true
	c.Secure = !s.Loopback
	c.SameSite = http.SameSiteLaxMode
	http.SetCookie(w, c)
}

func readCookie(r *http.Request, name string) lanyard.Secret {
	c, err := r.Cookie(name)
	if err != nil || len(c.Value) > maxCookieValue || !isBase64URL(c.Value) {
		return lanyard.Secret{}
	}
	return lanyard.SecretOf(c.Value)
}

func isBase64URL(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// isRequestID tells whether s has the form of the id of an authorization request.
func isRequestID(s string) bool {
	const length = len("req_") + 26
	if len(s) != length || !strings.HasPrefix(s, "req_") {
		return false
	}
	return strings.Trim(s[len("req_"):], "0123456789abcdefghjkmnpqrstvwxyz") == ""
}

// SetLanguage keeps the language that the person chose. It holds no secret and is shared by the tenants of a host.
func SetLanguage(w http.ResponseWriter, s Site, language string) {
	setCookie(w, s, s.cookieName("language"), language, browserCookieLifetime)
}

// maxLanguage is the longest language tag that is believed (RFC 5646 §4.4.1).
const maxLanguage = 35

// Language is the language that the person chose before; empty if none or odd.
func Language(r *http.Request, s Site) string {
	tag := readCookie(r, s.cookieName("language")).Reveal()
	if len(tag) > maxLanguage || strings.Contains(tag, "_") {
		return ""
	}
	return tag
}
