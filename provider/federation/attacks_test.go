package federation_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/internal/testkit/upstream"
	"github.com/lanyard-id/lanyard/provider/federation"
)

func TestBadIDTokensAreRefused(t *testing.T) {
	for _, shape := range []upstream.Shape{upstream.Generic, upstream.Google, upstream.Microsoft, upstream.Telegram} {
		t.Run(string(shape), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, upstream.Options{Shape: shape}, nil)
			for _, fault := range []upstream.Fault{
				upstream.WrongAudience, upstream.NoAuthorizedParty, upstream.WrongAuthorizedParty, upstream.WrongIssuer,
				upstream.WrongNonce, upstream.NoNonce, upstream.AlgNone, upstream.AlgHS256, upstream.WrongSignature, upstream.UnknownKey,
				upstream.Expired, upstream.Future, upstream.WrongHash, upstream.NoIDToken, upstream.DuplicateClaim,
			} {
				h.provider.Break(fault)
				if out, err := h.signIn(); !errors.Is(err, lanyard.ErrUpstreamWrong) || out.Identity.Subject != "" {
					t.Errorf("%s: got %v, %v", fault, out.Identity, err)
				}
				h.provider.Mend()
			}
			h.mustSignIn()
			for _, fault := range []upstream.Fault{upstream.ManyAudiences, upstream.NoKeyID} {
				h.provider.Break(fault)
				h.mustSignIn()
				h.provider.Mend()
			}
		})
	}
}

func TestClaimsThatMustBeThere(t *testing.T) {
	h := newHouse(t, upstream.Options{}, nil)
	for name, extra := range map[string]map[string]any{
		"no expiry":            {"exp": nil},
		"no time of issue":     {"iat": nil},
		"an expiry in words":   {"exp": "tomorrow"},
		"an endless expiry":    {"exp": 1e15},
		"more than infinite":   {"exp": 1e300},
		"forty kilobytes":      {"groups": strings.Repeat("a", 40<<10)},
		"no subject":           {"sub": nil},
		"a number for subject": {"sub": 1815},
		"a long subject":       {"sub": strings.Repeat("a", 256)},
		"a subject of lines":   {"sub": "ada\n1815"},
		"not before tomorrow":  {"nbf": noon.Add(24 * time.Hour).Unix()},
		"a number as audience": {"aud": 1},
		"no audience":          {"aud": nil},
	} {
		person := upstream.Ada(upstream.Generic)
		person.Extra = extra
		h.provider.SignIn(person)
		if out, err := h.signIn(); !errors.Is(err, lanyard.ErrUpstreamWrong) {
			t.Errorf("%s: got %v, %v", name, out.Identity, err)
		}
	}
}

func TestClocksMayBeOffByAMinute(t *testing.T) {
	h := newHouse(t, upstream.Options{}, nil)
	for _, c := range []struct {
		issued, expires time.Duration
		good            bool
	}{
		{59 * time.Second, time.Hour, true},
		{61 * time.Second, time.Hour, false},
		{-time.Hour, -59 * time.Second, true},
		{-time.Hour, -60 * time.Second, false},
	} {
		person := upstream.Ada(upstream.Generic)
		person.Extra = map[string]any{"iat": noon.Add(c.issued).Unix(), "exp": noon.Add(c.expires).Unix()}
		h.provider.SignIn(person)
		if _, err := h.signIn(); (err == nil) != c.good {
			t.Errorf("issued %s and expired %s from now: %v", c.issued, c.expires, err)
		}
	}
}

func TestOnlyTheAlgorithmsOfTheConnectionCount(t *testing.T) {
	h := newHouse(t, upstream.Options{Algorithm: "ES256"}, func(c *lanyard.Connection) { c.Algorithms = []string{"RS256"} })
	h.mustFail(lanyard.ErrUpstreamWrong)
	h.c.Algorithms = []string{"RS256", "ES256"}
	h.mustSignIn()
	h.provider.Break(upstream.AlgHS256)
	h.c.Algorithms = []string{"HS256", "none", "RS256"} // as no form lets in
	h.mustFail(lanyard.ErrUpstreamWrong)
	h.provider.Mend()
	h.provider.Break(upstream.AlgNone)
	h.mustFail(lanyard.ErrUpstreamWrong)
}

// An attempt at one provider is worth nothing at another, in whatever mixture.
func TestAnAttemptIsBoundToItsProvider(t *testing.T) {
	google := newHouse(t, upstream.Options{Shape: upstream.Google}, nil)
	microsoft := newHouse(t, upstream.Options{Shape: upstream.Microsoft}, nil)
	microsoft.upstreams = newUpstreams(t, clock.NewManual(noon), google.provider.Peer, microsoft.provider.Peer)
	google.upstreams = microsoft.upstreams

	started, target, err := google.start()
	if err != nil {
		t.Fatal(err)
	}
	answer := google.visit(target)
	other, target, err := microsoft.start()
	if err != nil {
		t.Fatal(err)
	}
	otherAnswer := microsoft.visit(target)

	moved := started
	moved.ConnectionID, moved.Issuer = microsoft.c.ID, microsoft.provider.Issuer
	stolen := url.Values{"state": {other.State}, "code": answer["code"]}
	renamed := google.c
	renamed.Issuer = microsoft.provider.Issuer
	redirected := started
	redirected.RedirectURI += "/elsewhere"
	twin := google.c // the same provider, for somebody else
	twin.ID = lanyard.NewConnectionID()
	twin.SealedSecret = sealed(t, twin.SecretPlace(), "our-secret")
	for name, c := range map[string]struct {
		connection lanyard.Connection
		attempt    federation.Attempt
		values     url.Values
	}{
		"the attempt at the other callback":       {microsoft.c, started, answer},
		"the attempt, its binding changed":        {microsoft.c, moved, answer},
		"the other's answer for the attempt":      {google.c, started, otherAnswer},
		"the code with the other's state":         {microsoft.c, other, stolen},
		"the connection now has another issuer":   {renamed, started, answer},
		"another redirect URI than at the start":  {google.c, redirected, answer},
		"the attempt at a twin of its connection": {twin, started, answer},
		"an attempt without anything":             {google.c, federation.Attempt{ConnectionID: google.c.ID, Issuer: google.c.Issuer}, answer},
		"an empty state for an empty state":       {google.c, withState(started, ""), url.Values{"state": {""}, "code": {"x"}}},
	} {
		out, err := microsoft.upstreams.Finish(t.Context(), c.connection, c.attempt, c.values)
		if !errors.Is(err, lanyard.ErrUpstreamWrong) || out.Identity.Subject != "" {
			t.Errorf("%s: got %v, %v", name, out.Identity, err)
		}
	}
	// Only three of these are for a provider to see through; it never gets to know of the others.
	if g, m := google.provider.Hits(upstream.PathToken), microsoft.provider.Hits(upstream.PathToken); g != 1 || m != 2 {
		t.Errorf("%d codes were sent to one and %d to the other", g, m)
	}
	for name, a := range map[string]federation.Attempt{
		"the nonce of another attempt":    withNonce(started, other.Nonce),
		"the verifier of another attempt": withVerifier(started, other.Verifier),
	} {
		out, err := google.upstreams.Finish(t.Context(), google.c, a, google.visitAgain(started))
		if !errors.Is(err, lanyard.ErrUpstreamWrong) || out.Identity.Subject != "" {
			t.Errorf("%s: got %v, %v", name, out.Identity, err)
		}
	}
}

func TestAnAttemptIsCompleteOrNotStarted(t *testing.T) {
	h := newHouse(t, upstream.Options{}, nil)
	whole := federation.NewAttempt(h.c, callbackURL)
	nowhere := whole
	nowhere.RedirectURI = ""
	for name, a := range map[string]federation.Attempt{
		"no state": withState(whole, ""), "no nonce": withNonce(whole, ""), "no verifier": withVerifier(whole, lanyard.Secret{}),
		"no redirect URI": nowhere, "nothing": {},
	} {
		if target, err := h.upstreams.Start(t.Context(), h.c, a); !errors.Is(err, lanyard.ErrUpstreamWrong) {
			t.Errorf("%s: got %q, %v", name, target, err)
		}
	}
}

// With the right state, an answer is still read strictly.
func TestMalformedAnswersCostNoCode(t *testing.T) {
	h := newHouse(t, upstream.Options{}, nil)
	a, target, err := h.start()
	if err != nil {
		t.Fatal(err)
	}
	good := h.visit(target)
	many := url.Values{"state": good["state"], "code": good["code"]}
	for i := range 40 {
		many.Set(fmt.Sprint("x", i), "y")
	}
	for name, values := range map[string]url.Values{
		"the code twice":      {"state": good["state"], "code": {good.Get("code"), "another"}},
		"the state twice":     {"state": {a.State, "another"}, "code": good["code"]},
		"a long code":         {"state": good["state"], "code": {strings.Repeat("a", 4097)}},
		"a code of two lines": {"state": good["state"], "code": {good.Get("code") + "\n"}},
		"a broken code":       {"state": good["state"], "code": {"\xff"}},
		"code and error":      {"state": good["state"], "code": good["code"], "error": {"access_denied"}},
		"neither":             {"state": good["state"]},
		"forty parameters":    many,
		"iss of another":      {"state": good["state"], "code": good["code"], "iss": {"https://evil.example"}},
	} {
		if out, err := h.upstreams.Finish(t.Context(), h.c, a, values); !errors.Is(err, lanyard.ErrUpstreamWrong) {
			t.Errorf("%s: got %v, %v", name, out.Identity, err)
		}
	}
	if n := h.provider.Hits(upstream.PathToken); n != 0 {
		t.Errorf("%d codes were sent", n)
	}
	if _, err := h.upstreams.Finish(t.Context(), h.c, a, good); err != nil {
		t.Errorf("the code was spoilt: %v", err)
	}
}

// Microsoft publishes the keys of several issuers together, and says which is whose.
func TestAKeyOfAnotherIssuerSignsNothing(t *testing.T) {
	h := newHouse(t, upstream.Options{Shape: upstream.Microsoft}, nil)
	h.provider.Break(upstream.OtherKeyIssuer)
	h.mustFail(lanyard.ErrUpstreamWrong)
}

// visitAgain sends the browser to the upstream with the same attempt.
func (h *house) visitAgain(a federation.Attempt) url.Values {
	h.t.Helper()
	target, err := h.upstreams.Start(h.t.Context(), h.c, a)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.visit(target)
}

func withState(a federation.Attempt, state string) federation.Attempt { a.State = state; return a }
func withNonce(a federation.Attempt, nonce string) federation.Attempt { a.Nonce = nonce; return a }

func withVerifier(a federation.Attempt, v lanyard.Secret) federation.Attempt {
	a.Verifier = v
	return a
}

// A code never goes to a provider that did not answer (RFC 9207 §2.4).
func TestAnAnswerOfAnotherProviderCostsNoCode(t *testing.T) {
	for _, shape := range []upstream.Shape{upstream.Generic, upstream.Microsoft} {
		h := newHouse(t, upstream.Options{Shape: shape, NamesIssuer: true}, nil)
		for _, fault := range []upstream.Fault{upstream.WrongIss, upstream.NoIss, upstream.WrongState} {
			h.provider.Break(fault)
			h.mustFail(lanyard.ErrUpstreamWrong)
			h.provider.Mend()
		}
		// The error of another provider is not ours either.
		h.provider.Break(upstream.WrongIss)
		h.provider.Break(upstream.AccessDenied)
		h.mustFail(lanyard.ErrUpstreamWrong)
		h.provider.Mend()
		if n := h.provider.Hits(upstream.PathToken); n != 0 {
			t.Errorf("%s: %d codes were sent", shape, n)
		}
		h.mustSignIn()
	}
}

func TestTheIssuerOfTheAnswerIsThatOfTheToken(t *testing.T) {
	h := newHouse(t, upstream.Options{Shape: upstream.Microsoft, NamesIssuer: true}, nil)
	a, target, err := h.start()
	if err != nil {
		t.Fatal(err)
	}
	values := h.visit(target)
	values.Set("iss", strings.Replace(h.provider.Issuer, "common", otherTenant, 1))
	if out, err := h.upstreams.Finish(t.Context(), h.c, a, values); !errors.Is(err, lanyard.ErrUpstreamWrong) {
		t.Errorf("got %v, %v", out.Identity, err)
	}
}

// What is published about an upstream can not send us, or a browser, anywhere else.
func TestEndpointsArePublicOrNamedByTheOperator(t *testing.T) {
	for _, endpoint := range []string{"authorization_endpoint", "token_endpoint", "jwks_uri"} {
		for _, bad := range []string{"http://10.0.0.7/x", "https://127.0.0.1/x", "javascript:alert(1)", "", "file:///etc/passwd", "https://[fe80::1]/x"} {
			var issuer string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				urls := map[string]string{"authorization_endpoint": issuer + "/a", "token_endpoint": issuer + "/t", "jwks_uri": issuer + "/j"}
				urls[endpoint] = bad
				fmt.Fprintf(w, `{"issuer":%q,"authorization_endpoint":%q,"token_endpoint":%q,"jwks_uri":%q}`,
					issuer, urls["authorization_endpoint"], urls["token_endpoint"], urls["jwks_uri"])
			}))
			issuer = server.URL
			c := connect(t, upstream.Options{}, issuer, nil)
			u := newUpstreams(t, clock.NewManual(noon), strings.TrimPrefix(issuer, "http://"))
			target, err := u.Start(t.Context(), c, federation.NewAttempt(c, callbackURL))
			if !errors.Is(err, lanyard.ErrUpstreamWrong) {
				t.Errorf("%s %q: got %q, %v", endpoint, bad, target, err)
			}
			server.Close()
		}
	}
	u := newUpstreams(t, clock.NewManual(noon))
	for _, issuer := range []string{"http://idp.example.com", "https://10.0.0.7", "https://localhost"} {
		if err := u.Check(connect(t, upstream.Options{}, issuer, nil)); !errors.Is(err, lanyard.ErrBadInput) {
			t.Errorf("%s is an issuer: %v", issuer, err)
		}
	}
	if err := u.Check(connect(t, upstream.Options{}, "https://idp.example.com/tenant", nil)); err != nil {
		t.Error(err)
	}
}
