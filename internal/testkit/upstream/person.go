package upstream

import (
	"maps"
	"strconv"
	"time"
)

// Person is who signs in. What is empty is not said.
type Person struct {
	// Subject is sub; Google's are 21 digits, Microsoft's another for each application, Telegram's
	// 19 digits that are not the number of the account.
	Subject string
	// Email and EmailVerified are what the provider says; Microsoft has DomainOwner instead (xms_edov).
	Email         string
	EmailVerified bool
	DomainOwner   bool
	Name          string
	GivenName     string
	FamilyName    string
	Username      string
	Picture       string
	Locale        string
	// HostedDomain is Google's hd.
	HostedDomain string
	// Tenant and Object are Microsoft's tid and oid.
	Tenant string
	Object string
	// Number is that of a Telegram account.
	Number int64
	ACR    string
	AMR    []string
	// AuthTime is when the person proved who they are.
	AuthTime time.Time
	// Extra replaces claims of the ID token; a nil takes one away.
	Extra map[string]any
}

// MicrosoftTenant is that of the people whom Ada makes.
const MicrosoftTenant = "11111111-2222-4333-8444-555555555555"

// Ada is a person as the shape has them: proved as far as that provider can.
func Ada(shape Shape) Person {
	p := Person{
		Name: "Ada Lovelace", GivenName: "Ada", FamilyName: "Lovelace", Email: "ada@example.test", EmailVerified: true,
		Picture: "https://pictures.example.test/ada.png", Locale: "en-GB",
	}
	switch shape {
	case Google:
		p.Subject = "110169484474386276334"
	case Microsoft:
		p.Subject, p.Tenant, p.Object = "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ", MicrosoftTenant, "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
		p.Username = p.Email
	case Telegram:
		p.Subject, p.Number, p.Username, p.Email = "1234123412341234123", 7123456789, "ada_l", ""
	default:
		p.Subject, p.Username = "ada-1815", "ada"
	}
	return p
}

const tokenLife = time.Hour

// idClaims are the claims of the ID token in answer to a request.
func (p *Provider) idClaims(r request, access string) map[string]any {
	now := p.options.Now()
	c := map[string]any{
		"iss": p.tokenIssuer(r.person), "aud": p.options.ClientID, "sub": r.person.Subject, "nonce": r.nonce,
		"iat": now.Unix(), "exp": now.Add(tokenLife).Unix(),
	}
	switch p.options.Shape {
	case Google:
		c["azp"], c["at_hash"] = p.options.ClientID, hashOf(p.options.Algorithm, access)
		maps.Copy(c, profile(r.person))
	case Microsoft:
		maps.Copy(c, microsoftClaims(r.person))
		c["nbf"] = now.Unix()
	case Telegram:
		maps.Copy(c, telegramClaims(r.person))
	default:
		c["at_hash"] = hashOf(p.options.Algorithm, access)
		if !p.options.ThinIDToken {
			maps.Copy(c, profile(r.person))
		}
	}
	how(c, r.person)
	maps.Copy(c, r.person.Extra)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil || v == "" })
	p.spoilClaims(c, now)
	return c
}

// tokenIssuer is iss: Microsoft writes the person's own tenant into it.
func (p *Provider) tokenIssuer(who Person) string {
	if p.options.Shape == Microsoft {
		return p.base() + "/" + who.Tenant + "/v2.0"
	}
	return p.Issuer
}

// profile is what Google and generic providers say of a person.
func profile(who Person) map[string]any {
	c := map[string]any{
		"name": who.Name, "given_name": who.GivenName, "family_name": who.FamilyName, "picture": who.Picture,
		"locale": who.Locale, "hd": who.HostedDomain, "preferred_username": who.Username,
	}
	if who.Email != "" {
		c["email"], c["email_verified"] = who.Email, who.EmailVerified
	}
	return c
}

func microsoftClaims(who Person) map[string]any {
	c := map[string]any{
		"tid": who.Tenant, "oid": who.Object, "ver": "2.0", "name": who.Name, "email": who.Email,
		"preferred_username": who.Username, "upn": who.Username, "uti": "kxJ3bV0c0E2qBx1AAAAAAA", "rh": "0.AAAA",
	}
	if who.DomainOwner {
		c["xms_edov"] = true
	}
	return c
}

func telegramClaims(who Person) map[string]any {
	return map[string]any{
		"id": who.Number, "name": who.Name, "preferred_username": who.Username, "picture": who.Picture,
	}
}

// how says by what the person proved who they are.
func how(c map[string]any, who Person) {
	if who.ACR != "" {
		c["acr"] = who.ACR
	}
	if len(who.AMR) > 0 {
		c["amr"] = who.AMR
	}
	if !who.AuthTime.IsZero() {
		c["auth_time"] = who.AuthTime.Unix()
	}
}

// spoilClaims makes the claims wrong in the ways that are switched on.
func (p *Provider) spoilClaims(c map[string]any, now time.Time) {
	other := "another-application"
	for fault, change := range map[Fault]func(){
		WrongAudience:        func() { c["aud"] = other; delete(c, "azp") },
		ManyAudiences:        func() { c["aud"], c["azp"] = []string{p.options.ClientID, other}, p.options.ClientID },
		NoAuthorizedParty:    func() { c["aud"] = []string{p.options.ClientID, other}; delete(c, "azp") },
		WrongAuthorizedParty: func() { c["azp"] = other },
		WrongIssuer:          func() { c["iss"] = p.base() + "/another" },
		WrongNonce:           func() { c["nonce"] = "another" },
		NoNonce:              func() { delete(c, "nonce") },
		Expired:              func() { c["iat"], c["exp"] = now.Add(-2*tokenLife).Unix(), now.Add(-tokenLife).Unix() },
		Future:               func() { c["iat"], c["exp"] = now.Add(tokenLife).Unix(), now.Add(2*tokenLife).Unix() },
		WrongHash:            func() { c["at_hash"] = hashOf(p.options.Algorithm, "another") },
	} {
		if p.broken(fault, PathToken) {
			change()
		}
	}
}

// userInfo is what the userinfo endpoint says of a person.
func (p *Provider) userInfo(who Person) map[string]any {
	c := profile(who)
	if p.options.Shape == Microsoft {
		c = map[string]any{"name": who.Name, "email": who.Email, "picture": who.Picture}
	}
	c["sub"] = who.Subject
	if p.broken(OtherSubject, PathUserInfo) {
		c["sub"] = "somebody-else-" + strconv.Itoa(len(who.Subject))
	}
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == "" })
	return c
}
