package lanyard

import "slices"

// scopeClaims says which claims a scope opens (OpenID Connect Core §5.4).
var scopeClaims = map[string][]string{
	ScopeProfile: {
		"name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
		"website", "gender", "birthdate", "zoneinfo", "locale", "updated_at",
	},
	ScopeEmail:   {"email", "email_verified"},
	ScopeAddress: {"address"},
	ScopePhone:   {"phone_number", "phone_number_verified"},
}

// RequestableClaims are the claims about a person that can be asked for by name.
var RequestableClaims = slices.Concat(scopeClaims[ScopeProfile], scopeClaims[ScopeEmail], scopeClaims[ScopeAddress], scopeClaims[ScopePhone])

// ClaimsOf lists the claims that a set of scopes opens.
func ClaimsOf(scopes Scopes) []string {
	var out []string
	for _, s := range scopes {
		out = append(out, scopeClaims[s]...)
	}
	return out
}

// Claims picks the named claims of a person. A claim without a value is left out, never empty.
func (u User) Claims(names []string) map[string]any {
	out := map[string]any{}
	for _, name := range names {
		if v := u.claim(name); v != nil {
			out[name] = v
		}
	}
	return out
}

// AttributeClaims are the claims that a tenant makes of its own attributes for the
// scopes. They never replace a claim of the specification: Policy.Attributes with
// such a name are refused when they are stored.
func (u User) AttributeClaims(attributes []Attribute, scopes Scopes) map[string]any {
	out := map[string]any{}
	for _, a := range attributes {
		text := u.Profile.Attributes[a.Name]
		if a.Claim == "" || text == "" || !scopes.Has(a.scope()) {
			continue
		}
		if v, err := a.Value(text); err == nil {
			out[a.Claim] = v
		}
	}
	return out
}

func (u User) claim(name string) any {
	p := u.Profile
	switch name {
	case "updated_at":
		return u.UpdatedAt.Unix()
	case "email_verified":
		return boolIf(p.Email != "", p.EmailVerified)
	case "phone_number_verified":
		return boolIf(p.PhoneNumber != "", p.PhoneNumberVerified)
	case "address":
		if p.Address == nil || *p.Address == (Address{}) {
			return nil
		}
		return p.Address
	}
	return textOrNil(p.text(name))
}

func (p Profile) text(name string) string {
	return map[string]string{
		"name": p.Name, "family_name": p.FamilyName, "given_name": p.GivenName, "middle_name": p.MiddleName,
		"nickname": p.Nickname, "preferred_username": p.PreferredUsername, "profile": p.ProfileURL, "picture": p.Picture,
		"website": p.Website, "gender": p.Gender, "birthdate": p.Birthdate, "zoneinfo": p.Zoneinfo, "locale": p.Locale,
		"email": p.Email, "phone_number": p.PhoneNumber,
	}[name]
}

func boolIf(present, value bool) any {
	if !present {
		return nil
	}
	return value
}

func textOrNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}
