package lanyard_test

import (
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func TestGrantLivesWithWhatItStandsFor(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*lanyard.Standing)
		want   bool
	}{
		{"live", func(*lanyard.Standing) {}, true},
		{"revoked", func(s *lanyard.Standing) { s.Grant.RevokedAt = noon }, false},
		{"at its end", func(s *lanyard.Standing) { s.Grant.ExpiresAt = noon }, false},
		{"user turned off", func(s *lanyard.Standing) { s.User.Disabled = true }, false},
		{"session ended", func(s *lanyard.Standing) { s.Session.EndedAt = noon.Add(-time.Second) }, false},
		{"session at its end", func(s *lanyard.Standing) { s.Session.ExpiresAt = noon }, false},
		{"offline, session ended", func(s *lanyard.Standing) { s.Grant.Offline, s.Session.EndedAt = true, noon }, true},
		{"offline, user turned off", func(s *lanyard.Standing) { s.Grant.Offline, s.User.Disabled = true, true }, false},
		{"offline, revoked", func(s *lanyard.Standing) { s.Grant.Offline, s.Grant.RevokedAt = true, noon }, false},
	} {
		s := lanyard.Standing{
			Grant: lanyard.Grant{ExpiresAt: noon.Add(time.Second)}, Session: lanyard.Session{ExpiresAt: noon.Add(time.Second)},
		}
		c.change(&s)
		if got := s.Live(noon); got != c.want {
			t.Errorf("%s: live %v", c.name, got)
		}
	}
}

func TestFamilyHoldsTheLiveTokenAndItsParent(t *testing.T) {
	parent, live := lanyard.NewSecret(), lanyard.NewSecret()
	family := lanyard.RefreshFamily{Current: live.Hash(), Previous: parent.Hash()}
	if !family.Held(live) || !family.Held(parent) || family.Held(lanyard.NewSecret()) || family.Held(lanyard.Secret{}) {
		t.Error("the family holds something else")
	}
	first := lanyard.RefreshFamily{Current: live.Hash()}
	if !first.Held(live) || first.Held(lanyard.Secret{}) {
		t.Error("a family without a parent holds the empty token")
	}
}

func TestClientSecretsOverlapAndEnd(t *testing.T) {
	old, fresh := lanyard.NewSecret(), lanyard.NewSecret()
	c := lanyard.Client{Secrets: []lanyard.ClientSecret{{Hash: old.Hash(), ExpiresAt: noon}, {Hash: fresh.Hash()}}}
	if !c.SecretMatches(old, noon.Add(-time.Second)) || !c.SecretMatches(fresh, noon) {
		t.Error("both secrets work in the overlap")
	}
	if c.SecretMatches(old, noon) || c.SecretMatches(lanyard.NewSecret(), noon) || c.SecretMatches(lanyard.Secret{}, noon) {
		t.Error("a secret that ended, a wrong one or none matched")
	}
	if none := (lanyard.Client{Secrets: []lanyard.ClientSecret{{}}}); none.SecretMatches(lanyard.Secret{}, noon) {
		t.Error("no secret matched an empty row")
	}
}

func TestLevelsAreMetFromBelow(t *testing.T) {
	for _, c := range []struct {
		reached, wanted string
		want            bool
	}{
		{"1", "1", true}, {"2", "1", true}, {"phr", "2", true}, {"1", "2", false}, {"2", "phr", false},
		{"1", "gold", false}, {"phr", "", false}, {"", "1", false}, {"gold", "1", false}, {"gold", "gold", false}, {"", "", false},
	} {
		if got := lanyard.ACRMeets(c.reached, c.wanted); got != c.want {
			t.Errorf("%q meets %q: %v", c.reached, c.wanted, got)
		}
	}
}
