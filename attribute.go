package lanyard

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"
)

// Types of an attribute.
const (
	AttributeString  = "string"
	AttributeNumber  = "number"
	AttributeBoolean = "boolean"
	AttributeDate    = "date"
)

// Limits of attributes.
const (
	maxAttributes     = 50
	maxAttributeValue = 500
)

var (
	attributeName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`)
	claimName     = regexp.MustCompile(`^[!-~]{1,200}$`)
)

// reservedClaims can not be made by an attribute: tokens give them a meaning.
var reservedClaims = slices.Concat(RequestableClaims, []string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "auth_time", "nonce", "acr", "amr", "azp", "at_hash", "c_hash", "s_hash", "sid",
	"scope", "client_id", "cnf", "act", "may_act", "typ", "events", "sub_id", "org_id", "org_slug", "org_name", "org_plan", "organizations",
	"roles", "tenant_roles", "permissions", "groups", "idp", "active", "token_type", "username",
})

// scope is the scope that asks for the attribute's claim.
func (a Attribute) scope() string {
	if a.Scope == "" {
		return ScopeProfile
	}
	return a.Scope
}

// CheckAttributes finds what is wrong with the attributes of a policy; ErrBadInput says what.
func CheckAttributes(all []Attribute) error {
	if len(all) > maxAttributes {
		return ErrBadInput.Saying("there are too many attributes")
	}
	names, claims := map[string]bool{}, map[string]bool{}
	for _, a := range all {
		if err := a.check(); err != nil {
			return err
		}
		if names[a.Name] || (a.Claim != "" && claims[a.Claim]) {
			return ErrBadInput.Saying(fmt.Sprintf("the attribute %s, or its claim, is there twice", a.Name))
		}
		names[a.Name], claims[a.Claim] = true, true
	}
	return nil
}

func (a Attribute) check() error {
	bad := func(what string) error { return ErrBadInput.Saying(fmt.Sprintf("attribute %q: %s", a.Name, what)) }
	switch {
	case !attributeName.MatchString(a.Name):
		return bad("a name is made of a-z, 0-9 and _")
	case !slices.Contains([]string{AttributeString, AttributeNumber, AttributeBoolean, AttributeDate}, a.Type):
		return bad("the type is string, number, boolean or date")
	case len(a.Options) > 0 && a.Type != AttributeString:
		return bad("only a string has options")
	case a.Claim != "" && !claimName.MatchString(a.Claim):
		return bad("the claim is not printable ASCII")
	case slices.Contains(reservedClaims, a.Claim):
		return bad("the claim " + a.Claim + " has a meaning of its own")
	}
	return nil
}

// Value reads a value as it was typed: as its claim has it in JSON. A value that
// does not fit is ErrBadInput.
func (a Attribute) Value(text string) (any, error) {
	bad := func(what string) error { return ErrBadInput.Saying(a.Name + ": " + what) }
	if len(text) > maxAttributeValue || !utf8.ValidString(text) || slices.ContainsFunc([]rune(text), unicode.IsControl) {
		return nil, bad("the value is too long or has control characters")
	}
	switch a.Type {
	case AttributeNumber:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || n != n || n-n != 0 { // neither NaN nor infinite
			return nil, bad("it is a number")
		}
		return n, nil
	case AttributeBoolean:
		if text != "true" && text != "false" {
			return nil, bad("it is true or false")
		}
		return text == "true", nil
	case AttributeDate:
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return nil, bad("it is a date like 2006-01-31")
		}
	default:
		if len(a.Options) > 0 && !slices.Contains(a.Options, text) {
			return nil, bad("it is none of the options")
		}
	}
	return text, nil
}
