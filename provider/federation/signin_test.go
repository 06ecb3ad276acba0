package federation_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/internal/fetch"
	"github.com/lanyard-id/lanyard/internal/testkit/upstream"
	"github.com/lanyard-id/lanyard/provider/federation"
)

const callbackURL = "https://id.example.test/federation/con_1/callback"

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// box seals in plain sight, and only opens at the place that it sealed for.
type box struct{}

func (box) Seal(place lanyard.Place, plain []byte) ([]byte, error) {
	tag, err := json.Marshal(place)
	return append(append(tag, '|'), plain...), err
}

func (box) Open(place lanyard.Place, sealed []byte) ([]byte, error) {
	tag, err := json.Marshal(place)
	plain, found := strings.CutPrefix(string(sealed), string(tag)+"|")
	if err != nil || !found {
		return nil, errors.New("sealed for another place")
	}
	return []byte(plain), nil
}

// house is our side, with one upstream.
type house struct {
	t         testing.TB
	provider  *upstream.Provider
	clock     *clock.Manual
	upstreams *federation.Upstreams
	c         lanyard.Connection
}

// newHouse starts an upstream of the shape and connects it. change may be nil.
func newHouse(t testing.TB, o upstream.Options, change func(*lanyard.Connection)) *house {
	t.Helper()
	h := &house{t: t, clock: clock.NewManual(noon)}
	o.Now = h.clock.Now
	h.provider = upstream.Start(t, o)
	h.upstreams = newUpstreams(t, h.clock, h.provider.Peer)
	h.c = connect(t, o, h.provider.Issuer, change)
	return h
}

func newUpstreams(t testing.TB, c clock.Clock, peers ...string) *federation.Upstreams {
	t.Helper()
	client, err := fetch.New(fetch.Options{Allow: peers})
	if err != nil {
		t.Fatal(err)
	}
	u, err := federation.New(client, c, box{})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func connect(t testing.TB, o upstream.Options, issuer string, change func(*lanyard.Connection)) lanyard.Connection {
	t.Helper()
	kind := lanyard.ConnectionKind(o.Shape)
	if kind == "" {
		kind = lanyard.ConnectionOIDC
	}
	c := lanyard.Connection{
		ID: lanyard.NewConnectionID(), TenantID: "ten_1", Kind: kind, Name: "Upstream", Issuer: issuer, UpstreamClientID: "our-client", Enabled: true,
	}
	c.SealedSecret = sealed(t, c.SecretPlace(), "our-secret")
	if change != nil {
		change(&c)
	}
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	return c
}

func sealed(t testing.TB, place lanyard.Place, plain string) []byte {
	t.Helper()
	out, err := box{}.Seal(place, []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// start begins an attempt.
func (h *house) start() (federation.Attempt, string, error) {
	a := federation.NewAttempt(h.c, callbackURL)
	target, err := h.upstreams.Start(h.t.Context(), h.c, a)
	return a, target, err
}

// visit sends a browser to the upstream and gives what comes back.
func (h *house) visit(target string) url.Values {
	h.t.Helper()
	browser := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := browser.Get(target)
	if err != nil {
		h.t.Fatal(err)
	}
	_ = answer.Body.Close()
	back, found := strings.CutPrefix(answer.Header.Get("Location"), callbackURL+"?")
	if !found {
		h.t.Fatalf("the upstream answers %s and sends to %q", answer.Status, answer.Header.Get("Location"))
	}
	values, err := url.ParseQuery(back)
	if err != nil {
		h.t.Fatal(err)
	}
	return values
}

// signIn goes all the way.
func (h *house) signIn() (lanyard.Assertion, error) {
	h.t.Helper()
	a, target, err := h.start()
	if err != nil {
		return lanyard.Assertion{}, err
	}
	return h.upstreams.Finish(h.t.Context(), h.c, a, h.visit(target))
}

func (h *house) mustSignIn() lanyard.Assertion {
	h.t.Helper()
	out, err := h.signIn()
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

// mustFail is a sign-in that fails in the one way, and that proves nothing.
func (h *house) mustFail(want error) {
	h.t.Helper()
	out, err := h.signIn()
	if !errors.Is(err, want) {
		h.t.Errorf("got the error %v, want %v", err, want)
	}
	if diff := cmp.Diff(lanyard.Assertion{}, out); diff != "" {
		h.t.Errorf("something was proved: %s", diff)
	}
}

func TestEveryKindSignsIn(t *testing.T) {
	profile := lanyard.Profile{
		Name: "Ada Lovelace", GivenName: "Ada", FamilyName: "Lovelace", Picture: "https://pictures.example.test/ada.png", Locale: "en-GB",
	}
	for shape, want := range map[upstream.Shape]lanyard.Assertion{
		upstream.Google: {
			Identity: lanyard.Identity{Subject: "110169484474386276334"}, Email: "ada@example.test", EmailVerified: true, Profile: profile,
		},
		upstream.Generic: {
			Identity: lanyard.Identity{Subject: "ada-1815"}, Email: "ada@example.test", EmailVerified: true,
			Profile: withUsername(profile, "ada"),
		},
		upstream.Microsoft: {
			Identity: lanyard.Identity{Subject: upstream.MicrosoftTenant + "/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"},
			Email:    "ada@example.test", MicrosoftTenant: upstream.MicrosoftTenant,
			Profile: lanyard.Profile{Name: "Ada Lovelace", PreferredUsername: "ada@example.test"},
		},
		upstream.Telegram: {
			Identity: lanyard.Identity{Subject: "7123456789"},
			Profile:  lanyard.Profile{Name: "Ada Lovelace", PreferredUsername: "ada_l", Picture: profile.Picture},
		},
	} {
		t.Run(string(shape), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, upstream.Options{Shape: shape}, nil)
			want.ACR = lanyard.ACRSingle
			want.Identity.ConnectionID, want.Identity.Issuer = h.c.ID, h.provider.Issuer
			if shape == upstream.Microsoft {
				want.Identity.Issuer = strings.Replace(h.provider.Issuer, "common", upstream.MicrosoftTenant, 1)
			}
			got := h.mustSignIn()
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(lanyard.Assertion{}, "Claims")); diff != "" {
				t.Error(diff)
			}
			if !strings.Contains(string(got.Claims), `"aud":"our-client"`) {
				t.Errorf("the claims are %s", got.Claims)
			}
		})
	}
}

func withUsername(p lanyard.Profile, name string) lanyard.Profile {
	p.PreferredUsername = name
	return p
}

func TestEveryAlgorithmAndAuthenticationWorks(t *testing.T) {
	for _, alg := range lanyard.UpstreamAlgorithms {
		for _, auth := range []lanyard.UpstreamAuth{"", lanyard.UpstreamBasic, lanyard.UpstreamPost} {
			t.Run(alg+" "+string(auth), func(t *testing.T) {
				t.Parallel()
				// Both have characters that mean something in a form or in Basic (RFC 6749 §2.3.1).
				o := upstream.Options{Algorithm: alg, Auth: string(auth), ClientID: "our:client/1", ClientSecret: "s%cret +&:="}
				h := newHouse(t, o, func(c *lanyard.Connection) {
					c.UpstreamClientID, c.Algorithms = o.ClientID, []string{alg}
					c.SealedSecret = sealed(t, c.SecretPlace(), o.ClientSecret)
				})
				h.mustSignIn()
			})
		}
	}
}

func TestTheOnlyMethodThatIsOfferedIsTaken(t *testing.T) {
	newHouse(t, upstream.Options{Auth: "client_secret_post"}, nil).mustSignIn()
}

func TestAKeyProvesWhoWeAre(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := ec.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	scalar, err := ec.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	for name, o := range map[string]struct {
		options upstream.Options
		jwk     string
	}{
		"P-256": {
			upstream.Options{ClientID: "our-client", ClientKey: &ec.PublicKey},
			`{"kty":"EC","crv":"P-256","kid":"k","x":"` + b64(point[1:33]) + `","y":"` + b64(point[33:]) + `","d":"` + b64(scalar) + `"}`,
		},
		"Ed25519": {
			upstream.Options{ClientID: "our-client", ClientKey: public},
			`{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"` + b64(public) + `","d":"` + b64(private.Seed()) + `"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := federation.CheckKey(lanyard.SecretOf(o.jwk)); err != nil {
				t.Fatal(err)
			}
			h := newHouse(t, o.options, func(c *lanyard.Connection) {
				c.Auth, c.SealedSecret = lanyard.UpstreamJWT, sealed(t, c.SecretPlace(), o.jwk)
			})
			h.mustSignIn()
		})
	}
	for _, jwk := range []string{
		"", "{}", "our-secret", `{"kty":"oct","k":"c2VjcmV0"}`, `{"kty":"OKP","crv":"Ed25519","x":"` + b64(public) + `"}`,
		`{"kty":"OKP","crv":"Ed25519","alg":"RS256","x":"` + b64(public) + `","d":"` + b64(private.Seed()) + `"}`,
	} {
		if err := federation.CheckKey(lanyard.SecretOf(jwk)); !errors.Is(err, lanyard.ErrBadInput) {
			t.Errorf("%q is taken for a key: %v", jwk, err)
		}
	}
}

func TestTheRequestCarriesWhatWasAskedFor(t *testing.T) {
	h := newHouse(t, upstream.Options{Shape: upstream.Google}, func(c *lanyard.Connection) { c.HostedDomain = "example.test" })
	a, age := federation.NewAttempt(h.c, callbackURL), int64(300)
	a.LoginHint, a.Prompt, a.MaxAge = "ada@example.test", "select_account", &age
	target, err := h.upstreams.Start(t.Context(), h.c, a)
	if err != nil {
		t.Fatal(err)
	}
	asked, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	got := asked.Query()
	if !lanyard.VerifierMatches(a.Verifier.Reveal(), got.Get("code_challenge")) {
		t.Error("the challenge is not that of the verifier")
	}
	got.Del("code_challenge")
	want := url.Values{
		"response_type": {"code"}, "client_id": {"our-client"}, "redirect_uri": {callbackURL}, "scope": {"openid profile email"},
		"state": {a.State}, "nonce": {a.Nonce}, "code_challenge_method": {"S256"}, "hd": {"example.test"},
		"login_hint": {"ada@example.test"}, "prompt": {"select_account"}, "max_age": {"300"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(target, a.Verifier.Reveal()) || strings.Contains(target, "our-secret") {
		t.Error("a secret goes through the browser")
	}
	if b := federation.NewAttempt(h.c, callbackURL); b.State == a.State || b.Nonce == a.Nonce || b.Nonce == b.State || b.Verifier == a.Verifier {
		t.Error("two attempts have something in common")
	}
}

func TestWhatThePersonAndTheUpstreamAnswer(t *testing.T) {
	h := newHouse(t, upstream.Options{}, nil)
	h.provider.Break(upstream.AccessDenied)
	h.mustFail(lanyard.ErrUpstreamRefused)
	h.provider.Mend()
	h.provider.Break(upstream.OtherError)
	h.mustFail(lanyard.ErrUpstreamWrong)
	h.provider.Mend()
	h.mustSignIn()
	h.provider.Break(upstream.SameCode)
	h.mustFail(lanyard.ErrUpstreamWrong)

	a, _, err := h.start()
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.upstreams.Finish(t.Context(), h.c, a, url.Values{"state": {a.State}, "error": {"temporarily_unavailable"}})
	if !errors.Is(err, lanyard.ErrUpstreamDown) {
		t.Errorf("an upstream that says it is not available: %v", err)
	}
}

func TestASignInThatWasGivenUpSaysNothingOfTheUpstream(t *testing.T) {
	h := newHouse(t, upstream.Options{}, nil)
	gone, leave := context.WithCancel(t.Context())
	leave()
	_, err := h.upstreams.Start(gone, h.c, federation.NewAttempt(h.c, callbackURL))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	h.mustSignIn()
}

func TestTheSecretOfAnotherConnectionDoesNotOpen(t *testing.T) {
	h := newHouse(t, upstream.Options{}, func(c *lanyard.Connection) { c.ID = lanyard.NewConnectionID() })
	if out, err := h.signIn(); err == nil || lanyard.KindOf(err) != lanyard.Internal {
		t.Errorf("got %v, %v", out, err)
	}
}

func TestErrorsShowNoSecrets(t *testing.T) {
	h := newHouse(t, upstream.Options{}, func(c *lanyard.Connection) { c.SealedSecret = sealed(t, c.SecretPlace(), "a-wrong-secret") })
	a, target, err := h.start()
	if err != nil {
		t.Fatal(err)
	}
	values := h.visit(target)
	_, err = h.upstreams.Finish(t.Context(), h.c, a, values)
	if !errors.Is(err, lanyard.ErrUpstreamWrong) || !strings.Contains(err.Error(), "invalid_client") {
		t.Fatalf("got %v", err)
	}
	for _, secret := range []string{"a-wrong-secret", values.Get("code"), a.Verifier.Reveal(), a.State, a.Nonce} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q stands in %q", secret, err)
		}
	}
}
