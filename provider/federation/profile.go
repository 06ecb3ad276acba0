package federation

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lanyard-id/lanyard"
)

const (
	// maxName is the longest name that is taken over, in characters; longer ones are cut.
	maxName = 200
	// maxPicture is the longest address of a picture, in bytes.
	maxPicture = 2048
	// maxAttribute is the longest attribute that a mapping takes, in bytes.
	maxAttribute = 500
)

// language is the form of locale (RFC 5646, and with an underscore as some write it).
var language = regexp.MustCompile(`^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,4}$`)

// mapped is the upstream's name of one of our claims.
func mapped(c lanyard.Connection, ours string) string {
	if theirs := c.ClaimMapping[ours]; theirs != "" {
		return theirs
	}
	return ours
}

// addProfile takes names, language, picture and mapped attributes that are not there yet.
func addProfile(out *lanyard.Assertion, c lanyard.Connection, all claims) {
	p := &out.Profile
	for ours, into := range map[string]*string{
		"name": &p.Name, "given_name": &p.GivenName, "family_name": &p.FamilyName, "middle_name": &p.MiddleName,
		"nickname": &p.Nickname, "preferred_username": &p.PreferredUsername, "zoneinfo": &p.Zoneinfo,
	} {
		if *into == "" {
			*into = printable(all.text(mapped(c, ours)))
		}
	}
	if p.PreferredUsername == "" && c.Kind == lanyard.ConnectionMicrosoft {
		p.PreferredUsername = printable(all.text("upn"))
	}
	if locale := all.text(mapped(c, "locale")); p.Locale == "" && language.MatchString(locale) {
		p.Locale = locale
	}
	if p.Picture == "" {
		p.Picture = picture(all.text(mapped(c, "picture")))
	}
	addAttributes(p, c, all)
}

func addAttributes(p *lanyard.Profile, c lanyard.Connection, all claims) {
	for ours, theirs := range c.ClaimMapping {
		name, isAttribute := strings.CutPrefix(ours, lanyard.AttributePrefix)
		value := scalar(all, theirs)
		if !isAttribute || value == "" || len(value) > maxAttribute || !plain(value) || p.Attributes[name] != "" {
			continue
		}
		if p.Attributes == nil {
			p.Attributes = map[string]string{}
		}
		p.Attributes[name] = value
	}
}

// scalar is a text, a number or a truth value as text; empty for anything else.
func scalar(all claims, name string) string {
	if text := all.text(name); text != "" {
		return text
	}
	raw := string(all[name])
	if raw == "null" || strings.ContainsAny(raw, `[{"`) {
		return ""
	}
	return raw
}

// printable leaves out characters that are not seen or that turn text around, and cuts what is too long.
func printable(text string) string {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError {
			return -1
		}
		return r
	}, text))
	if runes := []rune(text); len(runes) > maxName {
		return string(runes[:maxName])
	}
	return text
}

// picture is an address that a page could load a picture from.
func picture(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || len(text) > maxPicture || !plain(text) {
		return ""
	}
	return u.String()
}

// amrMulti is the word of RFC 8176 §2 for more than one factor.
const amrMulti = "mfa"

// level is what a sign-in at the upstream counts as here.
func level(c lanyard.Connection, a lanyard.Assertion) string {
	if !c.TrustedForMFA {
		return lanyard.ACRSingle
	}
	if c.ACRMapping[a.UpstreamACR] == lanyard.ACRDouble || slices.Contains(a.UpstreamAMR, amrMulti) {
		return lanyard.ACRDouble
	}
	return lanyard.ACRSingle
}
