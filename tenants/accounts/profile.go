package accounts

import (
	"context"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zoneinfo is checked on machines without the database
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// maxField is the longest field of a profile, in characters.
const maxField = 200

var (
	phoneNumber = regexp.MustCompile(`^\+[1-9][0-9]{4,14}$`)
	birthdate   = regexp.MustCompile(`^([0-9]{4}-)?[0-9]{2}-[0-9]{2}$|^[0-9]{4}$`)
)

// UpdateProfile replaces what people may change about themselves: the standard
// claims (OpenID Connect Core §5.1) without addresses, and the tenant's attributes
// that are not read-only. What was proved stays proved only while it stays the
// same. Anything malformed is lanyard.ErrBadInput and changes nothing.
func (a *Accounts) UpdateProfile(ctx context.Context, t Tenancy, actor Actor, p lanyard.Profile, now time.Time) error {
	before := actor.User.Profile
	p.Email, p.EmailVerified = before.Email, before.EmailVerified
	p.PhoneNumberVerified = before.PhoneNumberVerified && p.PhoneNumber == before.PhoneNumber
	attributes, err := mergeAttributes(t.Tenant.Policy.Attributes, before.Attributes, p.Attributes)
	if err != nil {
		return err
	}
	if p.Attributes = attributes; len(attributes) == 0 {
		p.Attributes = nil // as it is read back
	}
	if err := CheckProfile(p); err != nil {
		return err
	}
	changed := changedFields(before, p)
	if len(changed) == 0 {
		return nil
	}
	return t.Scope.InTx(ctx, func(tx storage.Scope) error {
		if err := tx.UpdateProfile(ctx, actor.User.ID, p, now); err != nil {
			return err
		}
		return tx.InsertEvent(ctx, lanyard.Event{
			Type: lanyard.EventUserUpdated, At: now, Actor: string(actor.User.ID), UserID: actor.User.ID, SessionID: actor.Session.ID,
			Detail: map[string]string{"changed": strings.Join(changed, " ")},
		})
	})
}

// mergeAttributes checks what was typed against the policy; what people may not
// change, and what no policy knows any more, stays as it was.
func mergeAttributes(policy []lanyard.Attribute, before, typed map[string]string) (map[string]string, error) {
	out := map[string]string{}
	for name, value := range before {
		out[name] = value
	}
	for name := range typed {
		if !slices.ContainsFunc(policy, func(a lanyard.Attribute) bool { return a.Name == name && !a.ReadOnly }) {
			return nil, lanyard.ErrBadInput.Saying("there is no attribute " + name)
		}
	}
	for _, attribute := range policy {
		if attribute.ReadOnly {
			continue
		}
		value := strings.TrimSpace(typed[attribute.Name])
		if value == "" && attribute.Required {
			return nil, lanyard.ErrBadInput.Saying(attribute.Name + " is required")
		}
		delete(out, attribute.Name)
		if value == "" {
			continue
		}
		if _, err := attribute.Value(value); err != nil {
			return nil, err
		}
		out[attribute.Name] = value
	}
	return out, nil
}

// CheckProfile finds the first field that is malformed: lanyard.ErrBadInput names it.
func CheckProfile(p lanyard.Profile) error {
	texts := []struct{ name, value string }{
		{"name", p.Name}, {"given_name", p.GivenName}, {"family_name", p.FamilyName}, {"middle_name", p.MiddleName},
		{"nickname", p.Nickname}, {"preferred_username", p.PreferredUsername}, {"gender", p.Gender},
	}
	if p.Address != nil {
		texts = append(texts, []struct{ name, value string }{
			{"street_address", strings.NewReplacer("\r", "", "\n", " ").Replace(p.Address.StreetAddress)}, {"locality", p.Address.Locality},
			{"region", p.Address.Region}, {"postal_code", p.Address.PostalCode}, {"country", p.Address.Country},
			{"formatted", strings.NewReplacer("\r", "", "\n", " ").Replace(p.Address.Formatted)},
		}...)
	}
	for _, text := range texts {
		if !plainText(text.value) {
			return badField(text.name)
		}
	}
	for _, rule := range []struct {
		name string
		ok   bool
	}{
		{"profile", webAddress(p.ProfileURL)}, {"picture", webAddress(p.Picture)}, {"website", webAddress(p.Website)},
		{"birthdate", p.Birthdate == "" || validBirthdate(p.Birthdate)},
		{"zoneinfo", validZone(p.Zoneinfo)},
		{"locale", validLocale(p.Locale)},
		{"phone_number", p.PhoneNumber == "" || phoneNumber.MatchString(p.PhoneNumber)},
	} {
		if !rule.ok {
			return badField(rule.name)
		}
	}
	return nil
}

func badField(name string) error { return lanyard.ErrBadInput.Saying(name + " is not valid") }

func plainText(s string) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= maxField && !strings.ContainsFunc(s, unicode.IsControl)
}

// webAddress accepts nothing, or a web page: no script and no other scheme.
func webAddress(s string) bool {
	if s == "" {
		return true
	}
	u, err := url.Parse(s)
	return err == nil && len(s) <= 500 && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && plainASCII(s)
}

func plainASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= unicode.MaxASCII })
}

// validBirthdate accepts YYYY-MM-DD, 0000-MM-DD (the year left out) and YYYY.
func validBirthdate(s string) bool {
	if !birthdate.MatchString(s) {
		return false
	}
	if len(s) == len("2006") {
		return true
	}
	if strings.HasPrefix(s, "0000-") {
		s = "2000-" + s[len("0000-"):]
	}
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

func validZone(s string) bool {
	if s == "" {
		return true
	}
	if s == "Local" || len(s) > 64 {
		return false
	}
	_, err := time.LoadLocation(s)
	return err == nil
}

func validLocale(s string) bool {
	if s == "" {
		return true
	}
	_, err := language.Parse(strings.ReplaceAll(s, "_", "-"))
	return err == nil && len(s) <= 35
}

// changedFields names the fields of a profile that differ, as claims are named.
func changedFields(before, after lanyard.Profile) []string {
	var out []string
	b, a := reflect.ValueOf(before), reflect.ValueOf(after)
	for i := range b.NumField() {
		if !reflect.DeepEqual(b.Field(i).Interface(), a.Field(i).Interface()) {
			name, _, _ := strings.Cut(b.Type().Field(i).Tag.Get("json"), ",")
			out = append(out, name)
		}
	}
	return out
}
