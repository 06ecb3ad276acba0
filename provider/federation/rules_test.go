package federation

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
)

const (
	host  = "https://login.microsoftonline.com/"
	one   = "11111111-2222-4333-8444-555555555555"
	two   = "99999999-2222-4333-8444-555555555555"
	holed = host + "{tenantid}/v2.0"
)

func TestWhatMicrosoftPublishesIsOfTheAuthority(t *testing.T) {
	for _, c := range []struct {
		configured, published string
		good                  bool
	}{
		{host + "common/v2.0", holed, true},
		{host + "organizations/v2.0", holed, true},
		{host + "common/v2.0", host + one + "/v2.0", false},
		{host + "common/v2.0", host + "common/v2.0", false},
		{host + "consumers/v2.0", host + lanyard.MicrosoftConsumers + "/v2.0", true},
		{host + "consumers/v2.0", host + one + "/v2.0", false},
		{host + "consumers/v2.0", holed, false},
		{host + one + "/v2.0", host + one + "/v2.0", true},
		{host + one + "/v2.0", host + two + "/v2.0", false},
		{host + one + "/v2.0", holed, false},
		{host + "acme.example/v2.0", host + one + "/v2.0", true},
		{host + "acme.example/v2.0", holed, false},
		{host + "common/v2.0", "https://evil.example/{tenantid}/v2.0", false},
		{host + "common/v2.0", host + "{tenantid}/v1.0", false},
		{host + "common/v2.0", host + "{tenantid}/v2.0?x=y", false},
		{host + "common/v2.0", host + "%7Btenantid%7D/v2.0", false},
		{host + "common/v2.0", "", false},
		{"", "", false},
	} {
		if got := microsoftPublishes(c.configured, c.published); got != c.good {
			t.Errorf("%s publishing %s: %v", c.configured, c.published, got)
		}
	}
}

func TestATokenOfMicrosoftNamesItsTenantTwice(t *testing.T) {
	for _, c := range []struct {
		published, iss, tid string
		good                bool
	}{
		{holed, host + one + "/v2.0", one, true},
		{holed, host + two + "/v2.0", one, false},
		{holed, host + one + "/v2.0", two, false},
		{holed, host + one + "/v2.0", "", false},
		{holed, holed, "{tenantid}", false},
		{holed, host + one + "/v2.0/../x/v2.0", one + "/v2.0/../x", false},
		{holed, "https://evil.example/" + one + "/v2.0", one, false},
		{holed, host + strings.ToUpper("aaaaaaaa") + one[8:] + "/v2.0", strings.ToUpper("aaaaaaaa") + one[8:], false},
		{host + one + "/v2.0", host + one + "/v2.0", one, true},
		{host + one + "/v2.0", host + one + "/v2.0", two, false},
		{host + one + "/v2.0", host + two + "/v2.0", two, false},
	} {
		all := claims{"iss": quoted(c.iss), "tid": quoted(c.tid)}
		if got := microsoftIssued(c.published, all); got != c.good {
			t.Errorf("%s, iss %s, tid %s: %v", c.published, c.iss, c.tid, got)
		}
	}
	for given, good := range map[string]bool{
		host + one + "/v2.0": true, holed: true, host + "common/v2.0": false, "https://evil.example/" + one + "/v2.0": false,
		host + one + "/v2.0/": false, "": false,
	} {
		if got := microsoftIssues(holed, given); got != good {
			t.Errorf("an answer of %q: %v", given, got)
		}
	}
}

func quoted(text string) json.RawMessage {
	out, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return out
}

func TestNothingIsTheSameAsNothing(t *testing.T) {
	if same("", "") || equal("", "") || same("a", "b") || equal("a", "b") || !same("a", "a") || !equal("a", "a") {
		t.Error("comparisons are not what they say")
	}
}

// rsaKey is a public key of so many bits; nobody has its private half.
func rsaKey(t *testing.T, bits int, more string) string {
	t.Helper()
	n := make([]byte, bits/8)
	if _, err := rand.Read(n); err != nil {
		t.Fatal(err)
	}
	n[0] |= 0x80
	n[len(n)-1] |= 1
	return `{"kty":"RSA","e":"AQAB","n":"` + base64.RawURLEncoding.EncodeToString(n) + `"` + more + `}`
}

func TestOnlyKeysThatCanSignAreTaken(t *testing.T) {
	set := `{"keys":[` + strings.Join([]string{
		rsaKey(t, 2048, `,"kid":"good"`), rsaKey(t, 2048, `,"kid":"named","alg":"PS256","use":"sig"`),
		rsaKey(t, 1024, `,"kid":"short"`), rsaKey(t, 2048, `,"kid":"encryption","use":"enc"`),
		`{"kty":"oct","k":"c2VjcmV0","kid":"symmetric","alg":"HS256"}`, `{"kty":"new"}`, `7`, `{"kty":"RSA","kid":"empty"}`,
		`{"kty":"EC","crv":"P-384","kid":"curve","x":"AA","y":"AA"}`,
	}, ",") + `]}`
	all, err := parseKeys([]byte(set))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"good", "named"}, kids(all)); diff != "" {
		t.Error(diff)
	}
	for _, c := range []struct {
		kid, alg string
		want     []string
	}{
		{"good", lanyard.AlgRS256, []string{"good"}},
		{"good", lanyard.AlgPS256, []string{"good"}},
		{"good", lanyard.AlgES256, nil},
		{"named", lanyard.AlgPS256, []string{"named"}},
		{"named", lanyard.AlgRS256, nil},
		{"other", lanyard.AlgRS256, nil},
		{"", lanyard.AlgRS256, []string{"good"}},
		{"", lanyard.AlgPS256, nil}, // two of them could have signed
		{"good", "HS256", nil},
		{"good", "none", nil},
	} {
		if diff := cmp.Diff(c.want, kids(all.fitting(c.kid, c.alg))); diff != "" {
			t.Errorf("%q in %s: %s", c.kid, c.alg, diff)
		}
	}
	for _, bad := range []string{"", "[]", "{}", `{"keys":[]}`, `{"keys":{}}`, `{"keys":[{"kty":"oct","k":"AA"}]}`} {
		if all, err := parseKeys([]byte(bad)); err == nil {
			t.Errorf("%q has the keys %v", bad, kids(all))
		}
	}
}

func kids(all keySet) []string {
	var names []string
	for _, key := range all {
		names = append(names, key.KeyID)
	}
	return names
}

func TestClaimsAreOneObjectWithoutTwins(t *testing.T) {
	for text, good := range map[string]bool{
		`{}`: true, `{"a":1,"b":{"a":2}}`: true, ` {"a":[1,2]} `: true, `{"a":1,"a":1}`: false, `{"a":1,"\u0061":2}`: false, `{"a":1}{}`: false,
		`{"a":1}]`: false, `[]`: false, `null`: false, ``: false, `{"a"}`: false, `{"a":1`: false, "{\"a\":\"\xff\"}": false, `{"a":1}x`: false,
	} {
		if _, err := readClaims([]byte(text)); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTheCacheForgetsInsteadOfGrowing(t *testing.T) {
	u := &Upstreams{known: map[upstreamKey]*upstream{}}
	for range maxKnown + 10 {
		u.of(lanyard.Connection{ID: lanyard.NewConnectionID()})
	}
	if len(u.known) != maxKnown {
		t.Errorf("%d providers are remembered", len(u.known))
	}
}
