package federation_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit/upstream"
	"github.com/lanyard-id/lanyard/provider/federation"
)

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
