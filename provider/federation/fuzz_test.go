package federation_test

import (
	"errors"
	"net/url"
	"testing"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit/upstream"
	"github.com/lanyard-id/lanyard/provider/federation"
)

// Nothing that a stranger sends to a callback proves anything, is an error of ours, or
// gets as far as the upstream without the state.
func FuzzCallback(f *testing.F) {
	h := newHouse(f, upstream.Options{NamesIssuer: true}, nil)
	h.mustSignIn()
	a := federation.NewAttempt(h.c, callbackURL)
	exchanged := h.provider.Hits(upstream.PathToken)
	for _, seed := range []string{
		"code=a&state=b", "code=a&state=" + a.Nonce, "code=a&code=b", "error=access_denied&state=x", "code=&state=", "iss=&code=a", "code=%00&state=%ff",
		"state=" + a.State[:42] + "&code=x&iss=" + url.QueryEscape(h.provider.Issuer), "error=%0a&error_description=x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil || values.Get("state") == a.State {
			return
		}
		out, err := h.upstreams.Finish(t.Context(), h.c, a, values)
		if !errors.Is(err, lanyard.ErrUpstreamWrong) || out.Identity.Subject != "" {
			t.Fatalf("%q: got %v, %v", query, out.Identity, err)
		}
		if n := h.provider.Hits(upstream.PathToken); n != exchanged {
			t.Fatalf("%q: a code was sent", query)
		}
	})
}

// Only data with the right fields in it passes, and then it says what they say.
func FuzzInitData(f *testing.F) {
	g := newTelegram(f)
	good, byToken := g.good(), g.withToken()
	for _, seed := range []string{
		good.Encode(), good.Encode() + "&x=1", "user=%7B%7D&hash=00", "hash=&signature=&auth_date=1", "a=b%0Ac=d", "=&=", "%ff=%fe", "hash", "user=%7B",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		for _, c := range []lanyard.Connection{g.c, byToken} {
			out, err := g.upstreams.MiniApp(c, raw)
			switch {
			case errors.Is(err, lanyard.ErrUpstreamWrong) && out.Identity.Subject == "":
			case err == nil && out.Identity.Subject == "7123456789" && out.AuthDate.Equal(noon): // the seed, spelt in another way
			default:
				t.Fatalf("%q: got %v, %v", raw, out.Identity, err)
			}
		}
	})
}
