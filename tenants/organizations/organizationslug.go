package organizations

import (
	"crypto/rand"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/lanyard-id/lanyard"
)

const (
	codeAlphabet   = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
	suffixAlphabet = "23456789abcdefghjkmnpqrstvwxyz"
	codeLength     = 8
	// maxSlug leaves room for a suffix in the 63 characters of a slug.
	maxSlug = 40
)

// NewCode makes a display code: eight characters that are not mistaken for each other.
func NewCode() string { return randomOf(codeAlphabet, codeLength) }

func randomOf(alphabet string, length int) string {
	b := make([]byte, length)
	_, _ = rand.Read(b)
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return string(b)
}

// slugsFor are the slugs to try for an organization: the one that was asked for, twice
// because a display code may be taken too, or those that its name gives.
func slugsFor(asked, name string) []string {
	if asked != "" {
		return []string{asked, asked}
	}
	slug := slugOf(name)
	return []string{slug, withSuffix(slug, 4), withSuffix(slug, 10)}
}

// slugOf writes a name with what a slug may have; one without letters of the alphabet is "org".
func slugOf(name string) string {
	var out strings.Builder
	for _, r := range strings.ToLower(norm.NFKD.String(name)) {
		switch {
		case r < utf8.RuneSelf && (unicode.IsLower(r) || unicode.IsDigit(r)):
			out.WriteRune(r)
		case !unicode.IsMark(r) && out.Len() > 0 && !strings.HasSuffix(out.String(), "-"):
			out.WriteByte('-')
		}
	}
	slug := strings.Trim(firstRunes(out.String(), maxSlug), "-")
	if slug == "" {
		return "org"
	}
	return slug
}

func withSuffix(slug string, length int) string { return slug + "-" + randomOf(suffixAlphabet, length) }

func firstRunes(text string, n int) string {
	for i := range text {
		if n == 0 {
			return text[:i]
		}
		n--
	}
	return text
}

// Differences are what an event says of a changed organization: before and after of
// each thing that is not the same.
func Differences(before, after lanyard.Organization) map[string]string {
	out := map[string]string{}
	note := func(name, was, is string) {
		if was == is {
			return
		}
		for key, value := range map[string]string{name + "_before": was, name + "_after": is} {
			if value != "" {
				out[key] = value
			}
		}
	}
	note("slug", before.Slug, after.Slug)
	note("name", before.Name, after.Name)
	note("language", before.Language, after.Language)
	note("plan", before.Plan, after.Plan)
	note("seats", numberOf(before.Seats), numberOf(after.Seats))
	note("trial_end", momentOf(before.TrialEnd), momentOf(after.TrialEnd))
	note("accent", before.Branding.Accent, after.Branding.Accent)
	note("logo", before.Branding.LogoURL, after.Branding.LogoURL)
	note("logo_dark", before.Branding.LogoDarkURL, after.Branding.LogoDarkURL)
	note("policy", policyOf(before), policyOf(after))
	return out
}

func numberOf(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func momentOf(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

func policyOf(o lanyard.Organization) string {
	text, err := json.Marshal(o.Policy)
	if err != nil || string(text) == "{}" {
		return ""
	}
	return string(text)
}
