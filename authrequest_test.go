package lanyard_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
)

func TestClaimsRequestKeepsWhatIsKnown(t *testing.T) {
	for text, want := range map[string]lanyard.ClaimsRequest{
		`{}`: {},
		`{"userinfo":{"name":null,"email":{"essential":true},"password_hash":null,"sub":null}}`: {Userinfo: []string{"email", "name"}},
		`{"id_token":{"name":{"value":7},"acr":null,"auth_time":{"essential":true}}}`:           {IDToken: []string{"name"}},
		`{"id_token":{"sub":{"value":"ada"}}}`:                                                  {Subject: "ada"},
		`{"userinfo":{"sub":{"value":"ada"}}}`:                                                  {Subject: "ada"},
		`{"id_token":{"acr":{"essential":true,"values":["2",3,"phr"],"value":"1"}}}`:            {ACR: []string{"2", "phr", "1"}},
		`{"id_token":{"acr":{"values":["2"]}}}`:                                                 {},
		`{"userinfo":{"acr":{"essential":true,"values":["2"]}}}`:                                {},
		`{"verified_claims":{"x":1}}`:                                                           {},
	} {
		got, err := lanyard.ParseClaimsRequest(text)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", text, err, diff)
		}
		if got.IsZero() != cmp.Equal(want, lanyard.ClaimsRequest{}) {
			t.Errorf("%s: zero %v", text, got.IsZero())
		}
	}
	for _, text := range []string{"", "{", "[]", `"x"`, `{"userinfo":[]}`, `{"id_token":{"name":7}}`, `{"id_token":{"acr":{"essential":"yes"}}}`, `{} {}`, strings.Repeat("[", 20_000)} {
		if got, err := lanyard.ParseClaimsRequest(text); !errors.Is(err, lanyard.ErrInvalidRequest) {
			t.Errorf("%.40q: %v, %v", text, got, err)
		}
	}
}

// FuzzParseClaimsRequest: nothing panics, and only claims that can be asked for come out, once each.
func FuzzParseClaimsRequest(f *testing.F) {
	for _, seed := range []string{`{"userinfo":{"name":null}}`, `{"id_token":{"sub":{"value":"x"},"acr":{"essential":true,"values":["1"]}}}`, `null`, `{"userinfo":null}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		asked, err := lanyard.ParseClaimsRequest(text)
		if err != nil {
			return
		}
		for _, names := range [][]string{asked.Userinfo, asked.IDToken} {
			if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
				t.Errorf("%q asks for %v", text, names)
			}
			for _, name := range names {
				if !slices.Contains(lanyard.RequestableClaims, name) {
					t.Errorf("%q asks for %s", text, name)
				}
			}
		}
	})
}

// TestClaimWithoutAValueIsLeftOut, never empty (PROTOCOL.md C-13).
func TestClaimWithoutAValueIsLeftOut(t *testing.T) {
	empty := lanyard.User{Profile: lanyard.Profile{EmailVerified: true, PhoneNumberVerified: true, Address: &lanyard.Address{}}}
	if got := empty.Claims(append(slices.Clone(lanyard.RequestableClaims), "sub", "iss", "password")); len(got) != 1 || got["updated_at"] == nil {
		t.Errorf("a person without anything has the claims %v", got)
	}
	full := lanyard.User{Profile: lanyard.Profile{Email: "a@b.example", PhoneNumber: "+1", Address: &lanyard.Address{Country: "UK"}}}
	got := full.Claims([]string{"email", "email_verified", "phone_number", "phone_number_verified", "address"})
	want := map[string]any{"email": "a@b.example", "email_verified": false, "phone_number": "+1", "phone_number_verified": false, "address": &lanyard.Address{Country: "UK"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
