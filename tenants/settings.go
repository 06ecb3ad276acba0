package tenants

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
)

// Fault is a rule that a setting breaks.
type Fault struct {
	// Field is where, below what was checked: default_roles[0]; empty for all of it.
	Field   string
	Message string
}

// faults collects what is wrong.
type faults []Fault

func (f *faults) add(field, format string, args ...any) {
	*f = append(*f, Fault{Field: field, Message: fmt.Sprintf(format, args...)})
}

// FaultOf is the first fault as lanyard.ErrBadInput, nil if there is none.
func FaultOf(where string, all []Fault) error {
	if len(all) == 0 {
		return nil
	}
	at := where
	if all[0].Field != "" {
		at += "." + all[0].Field
	}
	return lanyard.ErrBadInput.Saying(at + ": " + all[0].Message)
}

// CheckPolicy finds what a tenant can not decide.
func CheckPolicy(p lanyard.Policy) []Fault {
	var out faults
	if r := p.DefaultResource; r != "" {
		if _, err := lanyard.ResourceKey(r); err != nil {
			out.add("default_resource", "a resource is an absolute URI without a fragment")
		}
	}
	for _, link := range [][2]string{{"privacy_url", p.PrivacyURL}, {"terms_url", p.TermsURL}} {
		if link[1] != "" && !strings.HasPrefix(link[1], "https://") {
			out.add(link[0], "%s is not an https URL", link[0])
		}
	}
	oneOf(&out, "sign_up", p.SignUp, lanyard.SignUpOpen, lanyard.SignUpInvite, lanyard.SignUpClosed)
	oneOf(&out, "email_verification", p.EmailVerification, lanyard.VerificationRequired, lanyard.VerificationOptional, lanyard.VerificationOff)
	oneOf(&out, "second_factor", p.SecondFactor, lanyard.SecondFactorOptional, lanyard.SecondFactorOffered, lanyard.SecondFactorRequired)
	if d := p.SecondFactorDeadline; d != "" {
		if _, err := time.Parse(time.DateOnly, d); err != nil {
			out.add("second_factor_deadline", "a deadline is a date like 2027-01-31")
		}
	}
	checkDurations(&out, p)
	if p.PersonalTrialDays < 0 || p.PersonalTrialDays > MaxTrialDays {
		out.add("personal_trial_days", "a trial has 0 to %d days", MaxTrialDays)
	}
	if p.InvitationQuota < 0 {
		out.add("invitation_quota", "a quota is not negative; 0 is the default")
	}
	for i, role := range p.DefaultRoles {
		if !lanyard.ValidRoleName(role) {
			out.add(fmt.Sprintf("default_roles[%d]", i), "%q is not the name of a role", role)
		}
	}
	if err := lanyard.CheckAttributes(p.Attributes); err != nil {
		out.add("attributes", "%s", said(err))
	}
	return out
}

// MaxTrialDays is the longest trial of a personal organization.
const MaxTrialDays = 3650

// oneOf complains about a word that is none of those there are; nothing is fine.
func oneOf[T ~string](out *faults, name string, word T, words ...T) {
	if word == "" || slices.Contains(words, word) {
		return
	}
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	out.add(name, "%s is one of %s", name, strings.Join(texts, ", "))
}

const (
	shortestSession   = time.Minute
	shortestRetention = 24 * time.Hour
	longestDuration   = 10 * 365 * 24 * time.Hour
)

// checkDurations complains about times that nobody can live with; zero is the default.
func checkDurations(out *faults, p lanyard.Policy) {
	for _, given := range []struct {
		name  string
		value lanyard.Duration
	}{
		{"session_lifetime", p.SessionLifetime}, {"remembered_session_lifetime", p.RememberedSessionLifetime},
		{"session_idle", p.SessionIdle}, {"remember_device", p.RememberDevice}, {"deletion_grace", p.DeletionGrace},
		{"organization_grace", p.OrganizationGrace},
	} {
		if d := time.Duration(given.value); d != 0 && (d < shortestSession || d > longestDuration) {
			out.add(given.name, "%s is between a minute and ten years", given.name)
		}
	}
	if d := time.Duration(p.EventRetention); d != 0 && (d < shortestRetention || d > longestDuration) {
		out.add("event_retention", "event_retention is between a day and ten years")
	}
}

// longestSender is the longest name of a sender, in characters.
const longestSender = 100

// CheckMail finds settings with which mails could not be sent, or would say nothing.
func CheckMail(m lanyard.MailSettings) []Fault {
	var out faults
	if utf8.RuneCountInString(m.FromName) > longestSender || strings.ContainsFunc(m.FromName, unicode.IsControl) {
		out.add("from_name", "from_name is at most %d characters in one line", longestSender)
	}
	if m.ReplyTo != "" {
		if _, err := lanyard.CanonicalEmail(m.ReplyTo); err != nil {
			out.add("reply_to", "%s", said(err))
		}
	}
	if m.Language != "" {
		checkLanguage(&out, "language", m.Language)
	}
	for _, kind := range slices.Sorted(maps.Keys(m.Templates)) {
		for _, tag := range slices.Sorted(maps.Keys(m.Templates[kind])) {
			at := fmt.Sprintf("templates.%s.%s", kind, tag)
			checkLanguage(&out, at, tag)
			if err := mail.CheckTemplate(kind, m.Templates[kind][tag]); err != nil {
				out.add(at, "%s", said(err))
			}
		}
	}
	return out
}

func checkLanguage(out *faults, field, tag string) {
	if _, err := language.Parse(tag); err != nil {
		out.add(field, "%q is not a language", tag)
	}
}

// CheckBranding finds a look that pages can not have.
func CheckBranding(b lanyard.Branding) []Fault {
	var out faults
	if b.Accent != "" && !accent.MatchString(b.Accent) {
		out.add("accent", "a colour is written like #0a5fd8")
	}
	return out
}

var accent = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// CheckHosts finds hosts of a tenant that are none.
func CheckHosts(t lanyard.Tenant) []Fault {
	var out faults
	for _, host := range append([]string{t.Host}, t.RedirectHosts...) {
		if host != "" && !validHost(host) {
			out.add("host", "%q is not a host name in lower case, with a port if it needs one", host)
		}
	}
	if t.Slug == lanyard.DefaultTenant && t.Host != "" {
		out.add("host", "the default tenant is at the configured issuer")
	}
	return out
}

// validHost accepts host or host:port, in lower case, as it stands in an issuer.
func validHost(host string) bool {
	name, port, hasPort := strings.Cut(host, ":")
	if hasPort && (port == "" || len(port) > 5 || strings.Trim(port, "0123456789") != "") {
		return false
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return false
	}
	return hostName.MatchString(name) && len(name) <= 253
}

var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`)

// said is the message of an error of the catalogue.
func said(err error) string {
	var e *lanyard.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}
