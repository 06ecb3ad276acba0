package lanyard_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
)

func TestScopesAreASetInOrder(t *testing.T) {
	got, err := lanyard.ParseScopes("openid  email openid a:b/c.d!#~ email")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(lanyard.Scopes{"openid", "email", "a:b/c.d!#~"}, got); diff != "" {
		t.Error(diff)
	}
	if got.String() != "openid email a:b/c.d!#~" {
		t.Error(got.String())
	}
	if diff := cmp.Diff(lanyard.Scopes{"a", "b", "c"}, lanyard.Scopes{"a", "b"}.With(lanyard.Scopes{"b", "c"})); diff != "" {
		t.Error(diff)
	}
}

func TestScopeCharactersAreThoseOfTheGrammar(t *testing.T) {
	for _, text := range []string{`a"b`, `a\b`, "a\x7f", "a\x01", "sc\u00f6pe", "openid \x00"} {
		if got, err := lanyard.ParseScopes(text); !errors.Is(err, lanyard.ErrInvalidScope) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func TestCoveringNeedsEveryScope(t *testing.T) {
	have := lanyard.Scopes{"openid", "email"}
	for _, c := range []struct {
		want lanyard.Scopes
		ok   bool
	}{{nil, true}, {lanyard.Scopes{"email"}, true}, {have, true}, {lanyard.Scopes{"email", "phone"}, false}, {lanyard.Scopes{"Email"}, false}} {
		if got := have.Covers(c.want); got != c.ok {
			t.Errorf("%v covers %v: %v", have, c.want, got)
		}
	}
}

func TestClientAsksWithinItsCeiling(t *testing.T) {
	for _, c := range []struct {
		ceiling, scope string
		want           bool
	}{{"", "anything", true}, {"read", "read", true}, {"read", "write", false}, {"read", "openid", true}, {"read", "email", false}, {`a"b`, "openid", false}} {
		client := lanyard.Client{Scope: c.ceiling}
		if got := client.MayAsk(c.scope); got != c.want {
			t.Errorf("ceiling %q, scope %q: %v", c.ceiling, c.scope, got)
		}
	}
}
