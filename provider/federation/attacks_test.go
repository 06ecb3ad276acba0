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

const otherTenant = "99999999-2222-4333-8444-555555555555"

// Somebody's own tenant says that they are the victim: what counts is tid and oid.
func TestAnAddressIsNobodysIdentity(t *testing.T) {
	h := newHouse(t, upstream.Options{Shape: upstream.Microsoft}, nil)
	victim := h.mustSignIn()
	attacker := upstream.Ada(upstream.Microsoft)
	attacker.Tenant = otherTenant
	// The same object, subject, address and every flag that other providers use.
	attacker.Extra = map[string]any{"email_verified": true, "verified_primary_email": []string{attacker.Email}}
	h.provider.SignIn(attacker)
	got := h.mustSignIn()
	if got.Identity == victim.Identity || got.Identity.Subject == victim.Identity.Subject {
		t.Errorf("the attacker is the victim: %v", got.Identity)
	}
	if got.EmailVerified {
		t.Error("the attacker's tenant proved the victim's address")
	}
	moved := upstream.Ada(upstream.Microsoft)
	moved.Email, moved.Username, moved.Subject = "other@example.test", "other@example.test", "another-for-this-application"
	h.provider.SignIn(moved)
	if got := h.mustSignIn(); got.Identity != victim.Identity {
		t.Errorf("a new address makes another identity: %v", got.Identity)
	}
}

func TestAddressesCountOnlyWhenProved(t *testing.T) {
	type extra = map[string]any
	for _, c := range []struct {
		shape    upstream.Shape
		extra    extra
		address  string
		verified bool
	}{
		{upstream.Google, nil, "ada@example.test", true},
		{upstream.Google, extra{"email_verified": false}, "ada@example.test", false},
		{upstream.Google, extra{"email_verified": nil}, "ada@example.test", false},
		{upstream.Google, extra{"email_verified": "true"}, "ada@example.test", false},
		{upstream.Google, extra{"email_verified": 1}, "ada@example.test", false},
		{upstream.Google, extra{"email": "Ada <ada@example.test>"}, "", false},
		{upstream.Google, extra{"email": nil}, "", false},
		{upstream.Google, extra{"email": []string{"ada@example.test"}}, "", false},
		{upstream.Generic, extra{"email_verified": "true"}, "ada@example.test", false},
		{upstream.Microsoft, nil, "ada@example.test", false},
		{upstream.Microsoft, extra{"email_verified": true}, "ada@example.test", false},
		{upstream.Microsoft, extra{"xms_edov": false}, "ada@example.test", false},
		{upstream.Microsoft, extra{"xms_edov": "0"}, "ada@example.test", false},
		{upstream.Microsoft, extra{"xms_edov": true}, "ada@example.test", true},
		{upstream.Microsoft, extra{"xms_edov": "1"}, "ada@example.test", true},
		{upstream.Microsoft, extra{"xms_edov": true, "email": nil}, "", false}, // upn and preferred_username are there
		{upstream.Telegram, extra{"email": "ada@example.test", "email_verified": true}, "", false},
	} {
		t.Run(fmt.Sprint(c.shape, c.extra), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, upstream.Options{Shape: c.shape}, nil)
			person := upstream.Ada(c.shape)
			person.Extra = c.extra
			h.provider.SignIn(person)
			if got := h.mustSignIn(); got.Email != c.address || got.EmailVerified != c.verified {
				t.Errorf("got %q, verified %v", got.Email, got.EmailVerified)
			}
		})
	}
}

func TestAMappedAddressNeedsAMappedFlag(t *testing.T) {
	h := newHouse(t, upstream.Options{}, func(c *lanyard.Connection) { c.ClaimMapping = map[string]string{"email": "mail"} })
	person := upstream.Ada(upstream.Generic)
	person.Extra = map[string]any{"mail": "chosen@example.test", "mail_proved": true}
	h.provider.SignIn(person)
	if got := h.mustSignIn(); got.Email != "chosen@example.test" || got.EmailVerified {
		t.Errorf("got %q, verified %v", got.Email, got.EmailVerified)
	}
	h.c.ClaimMapping["email_verified"] = "mail_proved"
	if got := h.mustSignIn(); got.Email != "chosen@example.test" || !got.EmailVerified {
		t.Errorf("got %q, verified %v", got.Email, got.EmailVerified)
	}
}

func TestAHostedDomainIsNotTheEndOfAnAddress(t *testing.T) {
	h := newHouse(t, upstream.Options{Shape: upstream.Google}, func(c *lanyard.Connection) { c.HostedDomain = "example.test" })
	for hd, want := range map[string]error{
		"": lanyard.ErrUpstreamRefused, "evil.test": lanyard.ErrUpstreamRefused, "sub.example.test": lanyard.ErrUpstreamRefused,
		"example.test": nil, "Example.Test": nil,
	} {
		person := upstream.Ada(upstream.Google) // ada@example.test, verified
		person.HostedDomain = hd
		h.provider.SignIn(person)
		got, err := h.signIn()
		if !errors.Is(err, want) || (err == nil && got.HostedDomain != hd) {
			t.Errorf("hd %q: got %q, %v", hd, got.HostedDomain, err)
		}
	}
}

func TestMicrosoftTenantsAreLetInByTheirID(t *testing.T) {
	const ada, consumers = upstream.MicrosoftTenant, lanyard.MicrosoftConsumers
	for name, c := range map[string]struct {
		authority        string
		allowed, refused []string
		tenant           string
		extra            map[string]any
		want             error
	}{
		"common":                         {"common", nil, nil, ada, nil, nil},
		"common, a personal account":     {"common", nil, nil, consumers, nil, nil},
		"organizations":                  {"organizations", nil, nil, ada, nil, nil},
		"organizations, personal":        {"organizations", nil, nil, consumers, nil, lanyard.ErrUpstreamRefused},
		"consumers":                      {"consumers", nil, nil, consumers, nil, nil},
		"consumers, an organization":     {"consumers", nil, nil, ada, nil, lanyard.ErrUpstreamWrong},
		"the one tenant":                 {ada, nil, nil, ada, nil, nil},
		"another than the one tenant":    {ada, nil, nil, otherTenant, nil, lanyard.ErrUpstreamWrong},
		"on the list":                    {"common", []string{strings.ToUpper(ada)}, nil, ada, nil, nil},
		"not on the list":                {"common", []string{ada}, nil, otherTenant, nil, lanyard.ErrUpstreamRefused},
		"on the list of the refused":     {"common", nil, []string{otherTenant}, otherTenant, nil, lanyard.ErrUpstreamRefused},
		"on both":                        {"common", []string{ada}, []string{ada}, ada, nil, lanyard.ErrUpstreamRefused},
		"tid of the allowed, iss of own": {"common", []string{ada}, nil, otherTenant, map[string]any{"tid": ada}, lanyard.ErrUpstreamWrong},
		"iss of the allowed, tid of own": {"common", nil, nil, ada, map[string]any{"tid": otherTenant}, lanyard.ErrUpstreamWrong},
		"no tid":                         {"common", nil, nil, ada, map[string]any{"tid": nil}, lanyard.ErrUpstreamWrong},
		"no oid":                         {"common", nil, nil, ada, map[string]any{"oid": nil}, lanyard.ErrUpstreamWrong},
		"a path for an oid":              {"common", nil, nil, ada, map[string]any{"oid": "../x"}, lanyard.ErrUpstreamWrong},
		"tid is the template's":          {"common", nil, nil, "{tenantid}", nil, lanyard.ErrUpstreamWrong},
		"tid climbs":                     {"common", nil, nil, ada + "/v2.0/..", nil, lanyard.ErrUpstreamWrong},
		"tid in capitals":                {"common", nil, nil, "AAAAAAAA-2222-4333-8444-555555555555", nil, lanyard.ErrUpstreamWrong},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, upstream.Options{Shape: upstream.Microsoft, Authority: c.authority}, func(con *lanyard.Connection) {
				con.AllowedTenants, con.RefusedTenants = c.allowed, c.refused
			})
			person := upstream.Ada(upstream.Microsoft)
			person.Tenant, person.Extra = c.tenant, c.extra
			h.provider.SignIn(person)
			got, err := h.signIn()
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, %v", got.Identity, err)
			}
			if err == nil && got.MicrosoftTenant != c.tenant {
				t.Errorf("the tenant is %q", got.MicrosoftTenant)
			}
		})
	}
}

func TestUserInfoIsNeverIdentity(t *testing.T) {
	h := newHouse(t, upstream.Options{ThinIDToken: true}, func(c *lanyard.Connection) { c.UserInfo = true })
	got := h.mustSignIn()
	if got.Identity.Subject != "ada-1815" || got.Profile.Name != "Ada Lovelace" || got.Email != "ada@example.test" || !got.EmailVerified {
		t.Errorf("got %+v", got)
	}
	h.provider.Break(upstream.OtherSubject)
	h.mustFail(lanyard.ErrUpstreamWrong)
	h.provider.Mend()
	h.provider.Break(upstream.ServerError, upstream.PathUserInfo)
	h.mustFail(lanyard.ErrUpstreamDown)
	h.provider.Mend()
	asked := h.provider.Hits(upstream.PathUserInfo)
	h.c.UserInfo = false
	if got := h.mustSignIn(); got.Email != "" || got.Profile.Name != "" || h.provider.Hits(upstream.PathUserInfo) != asked {
		t.Errorf("userinfo was asked for, though nobody wants it: %+v", got)
	}
}

// The flag of userinfo says nothing of the address in the ID token.
func TestAddressAndFlagAreOfOneSource(t *testing.T) {
	h := newHouse(t, upstream.Options{ThinIDToken: true}, func(c *lanyard.Connection) { c.UserInfo = true })
	person := upstream.Ada(upstream.Generic) // userinfo: ada@example.test, verified
	person.Extra = map[string]any{"email": "victim@example.test", "name": "The token's"}
	h.provider.SignIn(person)
	got := h.mustSignIn()
	if got.Email != "victim@example.test" || got.EmailVerified || got.Profile.Name != "The token's" {
		t.Errorf("got %q, verified %v, %q", got.Email, got.EmailVerified, got.Profile.Name)
	}
}

func TestAFreshProofHasToBeSaid(t *testing.T) {
	h := newHouse(t, upstream.Options{}, nil)
	age := int64(300)
	for at, good := range map[time.Time]bool{
		{}: false, noon.Add(-time.Hour): false, noon.Add(-6*time.Minute - time.Second): false, noon.Add(-6 * time.Minute): true, noon: true,
	} {
		person := upstream.Ada(upstream.Generic)
		person.AuthTime = at
		h.provider.SignIn(person)
		a := federation.NewAttempt(h.c, callbackURL)
		a.MaxAge = &age
		got, err := h.upstreams.Finish(t.Context(), h.c, a, h.visitAgain(a))
		if (err == nil) != good || (err == nil && !got.AuthTime.Equal(at)) {
			t.Errorf("proved at %s: got %s, %v", at, got.AuthTime, err)
		}
	}
}

func TestASecondFactorCountsOnlyWhereItIsTrusted(t *testing.T) {
	for name, c := range map[string]struct {
		trusted bool
		mapping map[string]string
		acr     string
		amr     []string
		want    string
	}{
		"not trusted":               {false, map[string]string{"mfa": "2"}, "mfa", []string{"pwd", "mfa"}, lanyard.ACRSingle},
		"trusted, says nothing":     {true, nil, "", nil, lanyard.ACRSingle},
		"trusted, one factor":       {true, nil, "", []string{"pwd"}, lanyard.ACRSingle},
		"trusted, amr":              {true, nil, "", []string{"pwd", "otp", "mfa"}, lanyard.ACRDouble},
		"trusted, acr":              {true, map[string]string{"urn:mfa": "2"}, "urn:mfa", nil, lanyard.ACRDouble},
		"trusted, another acr":      {true, map[string]string{"urn:mfa": "2"}, "2", nil, lanyard.ACRSingle},
		"trusted, whatever it says": {true, map[string]string{"": "2"}, "", nil, lanyard.ACRDouble},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, upstream.Options{}, func(con *lanyard.Connection) { con.TrustedForMFA, con.ACRMapping = c.trusted, c.mapping })
			person := upstream.Ada(upstream.Generic)
			person.ACR, person.AMR = c.acr, c.amr
			h.provider.SignIn(person)
			if got := h.mustSignIn(); got.ACR != c.want || got.UpstreamACR != c.acr || len(got.UpstreamAMR) != len(c.amr) {
				t.Errorf("got %q of %q and %v", got.ACR, got.UpstreamACR, got.UpstreamAMR)
			}
		})
	}
}

func TestProfilesAreBoundedAndPlain(t *testing.T) {
	h := newHouse(t, upstream.Options{}, func(c *lanyard.Connection) {
		c.ClaimMapping = map[string]string{"nickname": "short", "attributes.level": "level", "attributes.team": "team", "attributes.deep": "deep"}
	})
	person := upstream.Ada(upstream.Generic)
	person.Extra = map[string]any{
		"name": strings.Repeat("é", 300), "given_name": "A\u202eda\n", "family_name": 7, "picture": "http://tracker.example.test/ada.png", "locale": "../../etc",
		"short": "Countess", "level": 7, "team": "Engine", "deep": map[string]any{"a": 1},
	}
	h.provider.SignIn(person)
	got := h.mustSignIn().Profile
	if got.Name != strings.Repeat("é", 200) || got.GivenName != "Ada" || got.FamilyName != "" || got.Picture != "" || got.Locale != "" ||
		got.Nickname != "Countess" || len(got.Attributes) != 2 || got.Attributes["level"] != "7" || got.Attributes["team"] != "Engine" {
		t.Errorf("got %+v", got)
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
