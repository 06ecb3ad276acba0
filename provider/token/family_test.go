package token

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/tenants"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// openly seals nothing.
type openly struct{}

func (openly) Seal(_ lanyard.Place, plain []byte) ([]byte, error)  { return plain, nil }
func (openly) Open(_ lanyard.Place, sealed []byte) ([]byte, error) { return sealed, nil }

// ring holds symmetric keys; the last one is active.
func ring(t testing.TB, ids ...string) *keys.Ring {
	t.Helper()
	var stored []lanyard.SigningKey
	for n, id := range ids {
		state := lanyard.KeyRetired
		if n == len(ids)-1 {
			state = lanyard.KeyActive
		}
		stored = append(stored, lanyard.SigningKey{
			ID: lanyard.KeyID(id), TenantID: "ten_x", Algorithm: lanyard.AlgMAC, State: state, Sealed: bytes.Repeat([]byte(id[:1]), 32),
		})
	}
	r, err := keys.NewRing("ten_x", stored, openly{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// family begins one and gives its grant and its first token.
func family(t testing.TB, r *keys.Ring) (lanyard.Grant, string) {
	t.Helper()
	grant := lanyard.Grant{ID: lanyard.NewGrantID(), ClientID: "web", Scopes: lanyard.Scopes{"openid", "email"}}
	first := beginFamily(&tenants.Live{Ring: r}, &lanyard.Client{}, &grant, noon)
	return grant, first
}

func TestTokenOfAFamilyNamesItsGrant(t *testing.T) {
	r := ring(t, "old", "new")
	grant, first := family(t, r)
	parsed, ok := parseRefresh(r, first)
	if !ok || parsed.grantID() != grant.ID || parsed.sequence != 1 {
		t.Fatalf("%v %+v", ok, parsed)
	}
	_, key := r.CurrentMAC()
	next, again := parsed.successor(key), parsed.successor(key)
	if next != again || next.sequence != 2 || next.grant != parsed.grant || next.secret == parsed.secret {
		t.Errorf("the successor is %+v", next)
	}
	if _, ok := parseRefresh(r, next.text(key)); !ok {
		t.Error("the successor is not ours")
	}
	old, _ := r.MAC("old")
	if _, ok := parseRefresh(r, parsed.text(old)); !ok {
		t.Error("a token under a retired key is not ours")
	}
	if parsed.successor(old) == next {
		t.Error("the successor does not depend on the key")
	}
}

// TestInventedRefreshTokenIsNotOurs: it is told without the database.
func TestInventedRefreshTokenIsNotOurs(t *testing.T) {
	r := ring(t, "key")
	_, good := family(t, r)
	body := strings.TrimPrefix(good, refreshPrefix)
	raw, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]string{
		"empty": "", "prefix": refreshPrefix, "no prefix": body, "other prefix": "at_" + body, "prefix twice": refreshPrefix + good,
		"longer": refreshPrefix + base64.RawURLEncoding.EncodeToString(append(raw, 0)), "shorter": refreshPrefix + base64.RawURLEncoding.EncodeToString(raw[:len(raw)-1]),
		"padding": good + "=", "line end": good + "\n", "line end inside": good[:20] + "\r\n" + good[20:], "space": " " + good, "no MAC": refreshPrefix + base64.RawURLEncoding.EncodeToString(raw[:bodyBytes]),
		"zero MAC": refreshPrefix + base64.RawURLEncoding.EncodeToString(append(bytes.Clone(raw[:bodyBytes]), make([]byte, macBytes)...)),
	}
	for at := range raw {
		changed := bytes.Clone(raw)
		changed[at] ^= 1
		cases["byte "+string(rune('0'+at%10))+strings.Repeat("'", at/10)] = refreshPrefix + base64.RawURLEncoding.EncodeToString(changed)
	}
	for name, text := range cases {
		if _, ok := parseRefresh(r, text); ok {
			t.Errorf("%s was taken", name)
		}
	}
	if _, ok := parseRefresh(ring(t, "another"), good); ok {
		t.Error("the token of another tenant was taken")
	}
	if _, ok := parseRefresh(ring(t), good); ok {
		t.Error("a tenant without keys took a token")
	}
}

// FuzzParseRefresh: what is taken is byte for byte what we would have written.
func FuzzParseRefresh(f *testing.F) {
	r := ring(f, "key")
	_, good := family(f, r)
	for _, seed := range []string{good, good + "=", refreshPrefix, "", good[:20], strings.ToUpper(good)} {
		f.Add(seed)
	}
	_, key := r.CurrentMAC()
	f.Fuzz(func(t *testing.T, text string) {
		if parsed, ok := parseRefresh(r, text); ok && parsed.text(key) != text {
			t.Errorf("%q was taken", text)
		}
	})
}

// TestNextStepOfAFamily decides on what was read, before any statement.
func TestNextStepOfAFamily(t *testing.T) {
	r := ring(t, "old", "new")
	for name, c := range map[string]struct {
		change func(s *lanyard.Standing, renewal *Renewal)
		want   error
	}{
		"live":           {func(*lanyard.Standing, *Renewal) {}, nil},
		"narrowed":       {func(_ *lanyard.Standing, n *Renewal) { n.Scopes = lanyard.Scopes{"openid"} }, nil},
		"widened":        {func(_ *lanyard.Standing, n *Renewal) { n.Scopes = lanyard.Scopes{"openid", "phone"} }, lanyard.ErrInvalidScope},
		"no family":      {func(s *lanyard.Standing, _ *Renewal) { s.Grant.Refresh = nil }, lanyard.ErrInvalidGrant},
		"idle":           {func(s *lanyard.Standing, _ *Renewal) { s.Grant.Refresh.IdleUntil = noon }, lanyard.ErrInvalidGrant},
		"over":           {func(s *lanyard.Standing, _ *Renewal) { s.Grant.ExpiresAt = noon }, lanyard.ErrInvalidGrant},
		"revoked":        {func(s *lanyard.Standing, _ *Renewal) { s.Grant.RevokedAt = noon }, lanyard.ErrInvalidGrant},
		"session ended":  {func(s *lanyard.Standing, _ *Renewal) { s.Session.EndedAt = noon }, lanyard.ErrInvalidGrant},
		"other resource": {func(_ *lanyard.Standing, n *Renewal) { n.Resources = []string{"https://x.example"} }, lanyard.ErrInvalidTarget},
	} {
		grant, first := family(t, r)
		presented, _ := parseRefresh(r, first)
		s := lanyard.Standing{Grant: grant, Session: lanyard.Session{ExpiresAt: noon.Add(time.Hour)}}
		renewal := Renewal{Client: &lanyard.Client{ID: "web"}, Token: first}
		c.change(&s, &renewal)
		step, err := nextStep(&tenants.Live{Ring: r, Issuer: "https://id.example"}, renewal, presented, s, noon)
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if err == nil && (step.retry || step.rotation.KeyID != "new" || !bytes.Equal(step.rotation.Presented, grant.Refresh.Current)) {
			t.Errorf("%s: %+v", name, step.rotation)
		}
	}
}

// TestRetryGivesTheSameSuccessor, also when the tenant has another key by now (S6).
func TestRetryGivesTheSameSuccessor(t *testing.T) {
	before, after := ring(t, "old"), ring(t, "old", "new")
	grant, first := family(t, before)
	presented, _ := parseRefresh(after, first)
	old, _ := before.MAC("old")
	grant.Refresh.KeyID = "old"
	successor := presented.successor(old).text(old)
	grant.Refresh.Previous, grant.Refresh.Current = grant.Refresh.Current, refreshHash(successor)
	s := lanyard.Standing{Grant: grant, Session: lanyard.Session{ExpiresAt: noon.Add(time.Hour)}}
	renewal := Renewal{Client: &lanyard.Client{ID: "web"}, Token: first}
	step, err := nextStep(&tenants.Live{Ring: after}, renewal, presented, s, noon)
	if err != nil || !step.retry || step.successor != successor || step.rotation.KeyID != "old" {
		t.Errorf("retry %v, the same %v, key %s, %v", step.retry, step.successor == successor, step.rotation.KeyID, err)
	}
	s.Grant.Refresh.KeyID = "gone"
	if _, err := nextStep(&tenants.Live{Ring: after}, renewal, presented, s, noon); !errors.Is(err, lanyard.ErrInvalidGrant) {
		t.Errorf("a family of a key that is gone: %v", err)
	}
}
