package loginui

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// profileDeeds change what people say about themselves.
type profileDeeds interface {
	UpdateProfile(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, p lanyard.Profile, now time.Time) error
}

// claim is one field of the profile, named as in tokens (OpenID Connect Core §5.1).
type claim struct {
	name string
	// fill is what browsers fill in (autocomplete), mode their keyboard.
	fill, mode string
	// long is for text of several lines, hint for fields that are explained.
	long, hint bool
	of         func(*lanyard.Profile) *string
}

// claims are the fields of the profile, by group.
var claims = []struct {
	group  string
	claims []claim
}{
	{"name", []claim{
		{name: "name", fill: "name", of: func(p *lanyard.Profile) *string { return &p.Name }},
		{name: "given_name", fill: "given-name", of: func(p *lanyard.Profile) *string { return &p.GivenName }},
		{name: "middle_name", fill: "additional-name", of: func(p *lanyard.Profile) *string { return &p.MiddleName }},
		{name: "family_name", fill: "family-name", of: func(p *lanyard.Profile) *string { return &p.FamilyName }},
		{name: "nickname", fill: "nickname", of: func(p *lanyard.Profile) *string { return &p.Nickname }},
		{name: "preferred_username", hint: true, of: func(p *lanyard.Profile) *string { return &p.PreferredUsername }},
	}},
	{"about", []claim{
		{name: "gender", fill: "sex", of: func(p *lanyard.Profile) *string { return &p.Gender }},
		{name: "birthdate", fill: "bday", hint: true, of: func(p *lanyard.Profile) *string { return &p.Birthdate }},
		{name: "picture", fill: "photo", mode: "url", hint: true, of: func(p *lanyard.Profile) *string { return &p.Picture }},
		{name: "profile", mode: "url", hint: true, of: func(p *lanyard.Profile) *string { return &p.ProfileURL }},
		{name: "website", fill: "url", mode: "url", hint: true, of: func(p *lanyard.Profile) *string { return &p.Website }},
	}},
	{"region", []claim{
		{name: "locale", of: func(p *lanyard.Profile) *string { return &p.Locale }},
		{name: "zoneinfo", hint: true, of: func(p *lanyard.Profile) *string { return &p.Zoneinfo }},
	}},
	{"contact", []claim{
		{name: "phone_number", fill: "tel", mode: "tel", hint: true, of: func(p *lanyard.Profile) *string { return &p.PhoneNumber }},
	}},
	{"address", []claim{
		{name: "street_address", fill: "street-address", long: true, of: func(p *lanyard.Profile) *string { return &p.Address.StreetAddress }},
		{name: "postal_code", fill: "postal-code", of: func(p *lanyard.Profile) *string { return &p.Address.PostalCode }},
		{name: "locality", fill: "address-level2", of: func(p *lanyard.Profile) *string { return &p.Address.Locality }},
		{name: "region", fill: "address-level1", of: func(p *lanyard.Profile) *string { return &p.Address.Region }},
		{name: "country", fill: "country-name", of: func(p *lanyard.Profile) *string { return &p.Address.Country }},
		{name: "formatted", long: true, hint: true, of: func(p *lanyard.Profile) *string { return &p.Address.Formatted }},
	}},
}

// profileView is the page of what the person says about themselves (A2).
type profileView struct {
	*accountPage
	Groups   []profileGroup
	Username string
	Subject  string
}

type profileGroup struct {
	Heading string
	Fields  []profileField
}

// profileField is one input of the page.
type profileField struct {
	Field, Label, Value string
	// Type is text, long, select, number, date or fixed, which can not be changed.
	Type       string
	Fill, Mode string
	Hint       string
	Options    []option
	Required   bool
	// Suggest lets script offer the time zone of the browser.
	Suggest bool
}

type option struct{ Value, Text string }

func (p *Pages) profileScreen() screen {
	return screen{
		path: pathProfile, area: pathProfile, heading: "account.profile.heading", template: "accountprofile.html", script: "account.js", view: p.viewProfile,
	}
}

func (p *Pages) profileForms() []accountForm {
	return []accountForm{{path: pathProfile, at: p.profileScreen(), do: p.saveProfile, explain: profileMistakes}}
}

func (p *Pages) saveProfile(c *gin.Context, me self, f posted) (web.Handler, error) {
	profile := lanyard.Profile{Address: &lanyard.Address{}, Attributes: map[string]string{}}
	known := map[string]bool{langField: true}
	for _, group := range claims {
		for _, claim := range group.claims {
			known[claim.name] = true
			*claim.of(&profile) = strings.TrimSpace(strings.ReplaceAll(f.value(claim.name), "\r\n", "\n"))
		}
	}
	if *profile.Address == (lanyard.Address{}) {
		profile.Address = nil
	}
	for _, a := range live(c).Tenant.Policy.Attributes {
		if !a.ReadOnly {
			known[attributePrefix+a.Name] = true
			profile.Attributes[a.Name] = strings.TrimSpace(f.value(attributePrefix + a.Name))
		}
	}
	if err := f.only(known); err != nil {
		return nil, err
	}
	err := p.Accounts.UpdateProfile(c.Request.Context(), live(c).Tenancy(), me.Actor, profile, p.Clock.Now())
	var bad *lanyard.Error
	if errors.As(err, &bad) && bad.Code == lanyard.ErrBadInput.Code {
		return nil, wrongProfile(bad, live(c).Tenant.Policy.Attributes)
	}
	return done(pathProfile, "profile_saved"), err
}

// badProfile is a field of the profile that can not be taken as it is; its message
// begins with the name of the field.
type badProfile struct {
	field, name, label string
}

// Error says which field it is.
func (b badProfile) Error() string { return "the profile's " + b.name + " is not valid" }

// Unwrap is what the log calls it.
func (b badProfile) Unwrap() error { return lanyard.ErrBadInput }

func wrongProfile(e *lanyard.Error, attributes []lanyard.Attribute) error {
	name, _, _ := strings.Cut(e.Message, " ")
	name = strings.TrimSuffix(name, ":")
	if i := slices.IndexFunc(attributes, func(a lanyard.Attribute) bool { return a.Name == name && !a.ReadOnly }); i >= 0 {
		return badProfile{field: attributePrefix + name, name: name, label: labelOf(attributes[i])}
	}
	for _, group := range claims {
		if slices.ContainsFunc(group.claims, func(c claim) bool { return c.name == name }) {
			return badProfile{field: name, name: name}
		}
	}
	return e
}

func profileMistakes(err error) words {
	var bad badProfile
	if !errors.As(err, &bad) {
		return nil
	}
	return func(s *step) error {
		label := bad.label
		if label == "" {
			text, err := s.T("account.profile." + bad.name)
			if err != nil {
				return err
			}
			label = text
		}
		return s.problem(bad.field, "account.profile.wrong", "Field", label)
	}
}

func (p *Pages) viewProfile(c *gin.Context, v *accountPage) (any, error) {
	user := v.me.User
	out := profileView{accountPage: v, Username: plain(user.Username), Subject: user.Subject}
	profile := user.Profile
	if profile.Address == nil {
		profile.Address = &lanyard.Address{}
	}
	for _, group := range claims {
		heading, err := v.T("account.profile.group." + group.group)
		if err != nil {
			return nil, err
		}
		shown := profileGroup{Heading: heading}
		for _, claim := range group.claims {
			field, err := v.profileField(c, claim, *claim.of(&profile))
			if err != nil {
				return nil, err
			}
			if claim.name == "locale" {
				field.Type, field.Options = "select", p.localeOptions(field.Value)
			}
			shown.Fields = append(shown.Fields, field)
		}
		out.Groups = append(out.Groups, shown)
	}
	more, err := v.attributeGroup(c, live(c).Tenant.Policy.Attributes, profile.Attributes)
	if len(more.Fields) > 0 {
		out.Groups = append(out.Groups, more)
	}
	return out, err
}

func (v *accountPage) profileField(c *gin.Context, of claim, value string) (profileField, error) {
	label, err := v.T("account.profile." + of.name)
	if err != nil {
		return profileField{}, err
	}
	field := profileField{
		Field: of.name, Label: label, Value: typed(c, of.name, value), Type: "text", Fill: of.fill, Mode: of.mode, Suggest: of.name == "zoneinfo",
	}
	if of.long {
		field.Type = "long"
	}
	if of.hint {
		field.Hint, err = v.T("account.profile." + of.name + "_hint")
	}
	return field, err
}

// localeOptions are the languages of our own, and what the profile says if that is another.
func (p *Pages) localeOptions(current string) []option {
	out := []option{{}}
	for _, l := range p.languages.offered {
		out = append(out, option{l.Lang, l.Name})
	}
	if current != "" && !slices.ContainsFunc(out, func(o option) bool { return o.Value == current }) {
		out = append(out, option{current, plain(current)})
	}
	return out
}

// attributeGroup is what the tenant keeps besides.
func (v *accountPage) attributeGroup(c *gin.Context, all []lanyard.Attribute, values map[string]string) (profileGroup, error) {
	heading, err := v.T("account.profile.group.more", "Tenant", v.Tenant)
	if err != nil {
		return profileGroup{}, err
	}
	yes, err := v.T("account.profile.yes")
	if err != nil {
		return profileGroup{}, err
	}
	no, err := v.T("account.profile.no")
	out := profileGroup{Heading: heading}
	for _, a := range all {
		field := profileField{Field: attributePrefix + a.Name, Label: labelOf(a), Type: a.Type, Required: a.Required}
		switch {
		case a.ReadOnly:
			field.Type = "fixed"
		case a.Type == lanyard.AttributeBoolean:
			field.Type, field.Options = "select", []option{{}, {"true", yes}, {"false", no}}
		case len(a.Options) > 0:
			field.Type, field.Options = "select", []option{{}}
			for _, o := range a.Options {
				field.Options = append(field.Options, option{o, plain(o)})
			}
		}
		field.Value = values[a.Name]
		if !a.ReadOnly {
			field.Value = typed(c, field.Field, field.Value)
		}
		out.Fields = append(out.Fields, field)
	}
	return out, err
}
