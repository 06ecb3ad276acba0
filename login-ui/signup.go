package loginui

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// attributePrefix is that of the fields for what the tenant wants to know besides.
const attributePrefix = "attribute."

// maxSignUpField is the longest field of the form, in bytes.
const maxSignUpField = 2 << 10

// signUpView is the page that makes an account (L11).
type signUpView struct {
	*step
	Open, Invite bool
	// Inviting is what the invitation is to that the account is made for; empty without one.
	Inviting string
	// Codes says that invitations can be shown here.
	Codes       bool
	Email       string
	FullName    string
	Attributes  []attributeField
	MinPassword int
	arrived
}

// attributeField is the input for one attribute.
type attributeField struct {
	Field   string
	Label   string
	Type    string
	Options []attributeOption
	Value   string
}

// attributeOption is one value of an attribute, and how it is shown.
type attributeOption struct{ Value, Text string }

// asked are the attributes that a new account needs from its owner.
func asked(policy lanyard.Policy) []lanyard.Attribute {
	var out []lanyard.Attribute
	for _, a := range policy.Attributes {
		if a.Required && !a.ReadOnly {
			out = append(out, a)
		}
	}
	return out
}

func (p *Pages) signUp(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	if live.Tenant.Policy.WhoSignsUp() == lanyard.SignUpClosed { // who is invited is decided by the deed
		return flow.Moved{}, lanyard.ErrSignUpClosed
	}
	form, err := f.signUp(live.Tenant.Policy)
	if err != nil {
		return flow.Moved{}, err
	}
	if len(v.Languages) > 0 {
		form.Locale = v.Languages[0]
	}
	return p.Flow.SignUp(ctx, live, f.id, v, f.token, form)
}

// errForeignField is a form that says more than it was asked.
var errForeignField = lanyard.ErrInvalidRequest.Saying("the form has a field that is not known")

// signUp reads the form of a new account, and finds the first thing that is wrong with it.
func (f posted) signUp(policy lanyard.Policy) (accounts.SignUpForm, error) {
	form := accounts.SignUpForm{Email: strings.TrimSpace(f.value("email")), Name: strings.TrimSpace(f.value("name")), Attributes: map[string]string{}}
	known := map[string]bool{"request": true, "token": true, langField: true, "email": true, "name": true, "password": true}
	attributes := asked(policy)
	for _, a := range attributes {
		known[attributePrefix+a.Name] = true
		form.Attributes[a.Name] = strings.TrimSpace(f.value(attributePrefix + a.Name))
	}
	for name, values := range f.values {
		if !known[name] {
			return form, errForeignField
		}
		if name != "password" && len(values[0]) > maxSignUpField {
			return form, errLongField
		}
	}
	return form, f.checkSignUp(&form, attributes)
}

func (f posted) checkSignUp(form *accounts.SignUpForm, attributes []lanyard.Attribute) error {
	if _, err := lanyard.CanonicalEmail(form.Email); err != nil {
		return wrongField{mistake{field: "email", key: "signup.bad_email"}}
	}
	if !plainName(form.Name) {
		return wrongField{mistake{field: "name", key: "signup.bad_name", args: []any{"Count", maxPersonName}}}
	}
	for _, a := range attributes {
		value := form.Attributes[a.Name]
		if _, err := a.Value(value); err != nil || value == "" {
			return wrongField{mistake{field: attributePrefix + a.Name, key: "signup.bad_attribute", args: []any{"Label", labelOf(a)}}}
		}
	}
	if _, asked := f.values["password"]; !asked { // an account over an upstream; any other is refused by the deed
		return nil
	}
	var err error
	form.Password, err = f.password()
	return err
}

// maxPersonName is the longest name of a person, in characters.
const maxPersonName = 200

func plainName(name string) bool {
	return utf8.RuneCountInString(name) <= maxPersonName && !strings.ContainsFunc(name, unicode.IsControl)
}

func labelOf(a lanyard.Attribute) string {
	if label := plain(a.Label); label != "" {
		return label
	}
	return a.Name
}

// wrongField is a field of a form that can not be taken as it is.
type wrongField struct{ mistake }

// Error says which field it is.
func (w wrongField) Error() string { return "the field " + w.field + " is not valid" }

// Unwrap makes it a mistake of whoever typed it, not of ours.
func (w wrongField) Unwrap() error { return lanyard.ErrBadInput }

func wrongFields(err error) words {
	var w wrongField
	if !errors.As(err, &w) {
		return nil
	}
	return w.say
}

var signUpMistakes = either(wrongFields, newPasswordMistakes(accounts.ShortestAlone), among(
	mistake{lanyard.ErrBadInput, "", "signup.refused", nil},
))

// complainNewcomer shows a form of a new account again with what was typed, and what
// is wrong with it or with the invitation that the account is for. That it is for
// another address is 403, as is that accounts are not made here.
func (p *Pages) complainNewcomer(at flow.Step, page explain) complaint {
	page = either(page, joining, among(mistake{lanyard.ErrNotFound, "", "signup.invitation_gone", nil}))
	return func(c *gin.Context, f posted, err error) (bool, error) {
		say := page(err)
		switch {
		case errors.Is(err, lanyard.ErrSignUpClosed):
			say = signUpClosed
		case !errors.Is(err, lanyard.ErrOtherAddress):
			return p.complain(at, page)(c, f, err)
		}
		web.Note(c, err)
		return true, p.showStep(c, f.id, at, say, http.StatusForbidden)
	}
}

// signUpClosed says why no account is made, where the page does not say so itself.
func signUpClosed(s *step) error {
	switch {
	case s.Page.Request.Params.Invitation != "" && s.Page.Offer == nil:
		return s.problem("", "signup.invitation_gone")
	case s.Page.Step == flow.StepSignUp:
		return nil
	case s.Page.Policy.WhoSignsUp() == lanyard.SignUpInvite:
		return s.problem("", "signup.invite", "Tenant", s.Tenant)
	}
	return s.problem("", "signup.closed", "Tenant", s.Tenant)
}

func renderSignUp(p *Pages, c *gin.Context, s *step, status int) error {
	who := s.Page.Policy.WhoSignsUp()
	invited := s.Page.Offer != nil && who != lanyard.SignUpClosed
	view := signUpView{
		step: s, Open: invited || who == lanyard.SignUpOpen, Invite: who == lanyard.SignUpInvite, Codes: p.hasOrganizations(), MinPassword: accounts.ShortestAlone,
		Email: typed(c, "email", s.Page.Request.Params.LoginHint), FullName: typed(c, "name", ""),
	}
	if a := s.Page.Request.Arrival; a != nil {
		view.arrived, view.Email, view.FullName = arrivedFrom(*a), typed(c, "email", a.Email), typed(c, "name", a.Profile.Name)
	}
	if invited {
		if view.Inviting = plain(s.Page.Offer.Organization.Name); view.Inviting == "" {
			view.Inviting = s.Tenant
		}
	}
	for _, a := range asked(s.Page.Policy) {
		field := attributeField{Field: attributePrefix + a.Name, Label: labelOf(a), Type: a.Type}
		field.Value = typed(c, field.Field, "")
		for _, option := range a.Options {
			field.Options = append(field.Options, attributeOption{option, plain(option)})
		}
		view.Attributes = append(view.Attributes, field)
	}
	key, args := "signup.heading", []any{"App", s.App}
	switch {
	case !view.Open:
		key, args = "signup.heading_closed", []any{"Tenant", s.Tenant}
	case view.SendsCode:
		key, args = "signup.address_heading", nil
	}
	if err := s.heading(key, args...); err != nil {
		return err
	}
	return p.show(c, status, "signup.html", view)
}

// typed is what stands in a field: what was typed now, or a suggestion.
func typed(c *gin.Context, field, suggestion string) string {
	if values, sent := c.Request.PostForm[field]; sent && len(values) > 0 {
		suggestion = values[0]
	}
	if len(suggestion) > maxSignUpField {
		return ""
	}
	return suggestion
}

func (p *Pages) signUpCode(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	code, err := f.code()
	if err != nil {
		return flow.Moved{}, err
	}
	return p.Flow.SignUpCode(ctx, live, f.id, v, f.token, code)
}

// renderSignUpCode asks for the code that proves the address of a new account (L12).
func renderSignUpCode(p *Pages, c *gin.Context, s *step, status int) error {
	if err := s.heading("email_code.heading"); err != nil {
		return err
	}
	return p.show(c, status, "signupcode.html", codeView{step: s})
}
