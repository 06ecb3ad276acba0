package provider_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// sample is one form whose time could tell whether somebody has an account.
type sample struct {
	// page leads to the form, for a name; the rest fills it in.
	page   func(b *idp.Browser, name string) *idp.Page
	button string
	fields func(name string) url.Values
	status int
}

// TestTimeTellsNothing is ATTACKS.md 113 and 115: the forms of sign-in, sign-up and
// reset take as long for a name that somebody has as for one that nobody has.
func TestTimeTellsNothing(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	policy(i, "sign_up: open", "email_code: true")
	web := i.Client("web")
	password := func(b *idp.Browser, name string) *idp.Page {
		return b.Press(b.Get(web.Authorize(nil)), "login-continue", one("username", name))
	}
	for name, s := range map[string]sample{
		"sign-in": {password, "login-submit", func(string) url.Values { return one("password", "not the right password") }, 200},
		"sign-up": {
			func(b *idp.Browser, _ string) *idp.Page { return b.Get(web.Authorize(one("prompt", "create"))) },
			"signup-submit", signUpForm, 303,
		},
		"reset": {
			func(b *idp.Browser, name string) *idp.Page { return b.Press(password(b, name), "way-forgot", nil) },
			"forgot-submit", func(name string) url.Values { return one("username", name) }, 200,
		},
		"code by mail": {password, "way-email_code", func(string) url.Values { return nil }, 303},
	} {
		t.Run(name, func(t *testing.T) { s.compare(t, i) })
	}
}

func (s sample) compare(t *testing.T, i *idp.IDP) {
	names := []string{ada, "nobody@example.test"}
	took := map[string][]time.Duration{}
	rounds := testkit.Rounds(3, 2000)
	for n := range rounds {
		i.Clock.Advance(2 * time.Hour) // past every throttle
		for at := range names {
			name := names[(n+at)%len(names)]
			b := i.Browser()
			page := s.page(b, name)
			began := time.Now()
			answer := submit(t, i, b, page, s.button, s.fields(name))
			took[name] = append(took[name], time.Since(began))
			if answer.StatusCode != s.status {
				t.Fatalf("%s answered %d, want %d", name, answer.StatusCode, s.status)
			}
			if answer.StatusCode == http.StatusSeeOther && answer.Header.Get("Location") == "" {
				t.Fatal("no location")
			}
		}
	}
	known, unknown := median(took[names[0]]), median(took[names[1]])
	t.Logf("%d samples each: %v for a name that somebody has, %v for one that nobody has", rounds, known, unknown)
	const tolerance = 0.05
	if ratio := float64(known) / float64(unknown); testkit.Soak() && (ratio > 1+tolerance || ratio < 1-tolerance) {
		t.Errorf("the medians differ by %.1f %%", (ratio-1)*100)
	}
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}
