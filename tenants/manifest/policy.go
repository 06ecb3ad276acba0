package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
)

// checkPolicy complains about what a tenant can not decide.
func (t *Tenant) checkPolicy(c checker, path string) {
	if t.Policy == nil {
		return
	}
	p := t.Policy
	if r := p.DefaultResource; r != "" {
		if _, err := lanyard.ResourceKey(r); err != nil {
			c.complain(path+".default_resource", "a resource is an absolute URI without a fragment")
		}
	}
	for name, link := range map[string]string{"privacy_url": p.PrivacyURL, "terms_url": p.TermsURL} {
		if link != "" && !strings.HasPrefix(link, "https://") {
			c.complain(path+"."+name, "%s is not an https URL", name)
		}
	}
	oneOf(c, path, "sign_up", p.SignUp, lanyard.SignUpOpen, lanyard.SignUpInvite, lanyard.SignUpClosed)
	oneOf(c, path, "email_verification", p.EmailVerification, lanyard.VerificationRequired, lanyard.VerificationOptional, lanyard.VerificationOff)
	oneOf(c, path, "second_factor", p.SecondFactor, lanyard.SecondFactorOptional, lanyard.SecondFactorOffered, lanyard.SecondFactorRequired)
	if d := p.SecondFactorDeadline; d != "" {
		if _, err := time.Parse(time.DateOnly, d); err != nil {
			c.complain(path+".second_factor_deadline", "a deadline is a date like 2027-01-31")
		}
	}
	t.checkDurations(c, path)
	if p.PersonalTrialDays < 0 || p.PersonalTrialDays > maxTrialDays {
		c.complain(path+".personal_trial_days", "a trial has 0 to %d days", maxTrialDays)
	}
	if p.InvitationQuota < 0 {
		c.complain(path+".invitation_quota", "a quota is not negative; 0 is the default")
	}
	for i, role := range p.DefaultRoles {
		if !validRole(role) {
			c.complain(fmt.Sprintf("%s.default_roles[%d]", path, i), "%q is not the name of a role", role)
		}
	}
	if err := lanyard.CheckAttributes(p.Attributes); err != nil {
		c.complain(path+".attributes", "%s", safe(err))
	}
}

// oneOf complains about a word that is none of those there are; nothing is fine.
func oneOf[T ~string](c checker, path, name string, word T, words ...T) {
	if word == "" || slices.Contains(words, word) {
		return
	}
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	c.complain(path+"."+name, "%s is one of %s", name, strings.Join(texts, ", "))
}

const (
	shortestSession = time.Minute
	longestDuration = 10 * 365 * 24 * time.Hour
)

// checkDurations complains about times that nobody can live with; zero is the default.
func (t *Tenant) checkDurations(c checker, path string) {
	for name, given := range map[string]lanyard.Duration{
		"session_lifetime": t.Policy.SessionLifetime, "remembered_session_lifetime": t.Policy.RememberedSessionLifetime,
		"session_idle": t.Policy.SessionIdle, "remember_device": t.Policy.RememberDevice, "deletion_grace": t.Policy.DeletionGrace,
		"organization_grace": t.Policy.OrganizationGrace,
	} {
		if d := time.Duration(given); d != 0 && (d < shortestSession || d > longestDuration) {
			c.complain(path+"."+name, "%s is between a minute and ten years", name)
		}
	}
}

// longestSender is the longest name of a sender, in characters.
const longestSender = 100

// checkMail complains about mails that could not be sent, or that would say nothing.
func (t *Tenant) checkMail(c checker, path string) {
	if t.Mail == nil {
		return
	}
	m := t.Mail
	if utf8.RuneCountInString(m.FromName) > longestSender || strings.ContainsFunc(m.FromName, unicode.IsControl) {
		c.complain(path+".from_name", "from_name is at most %d characters in one line", longestSender)
	}
	if m.ReplyTo != "" {
		if _, err := lanyard.CanonicalEmail(m.ReplyTo); err != nil {
			c.complain(path+".reply_to", "%s", safe(err))
		}
	}
	if m.Language != "" {
		checkLanguage(c, path+".language", m.Language)
	}
	for _, kind := range slices.Sorted(maps.Keys(m.Templates)) {
		for _, tag := range slices.Sorted(maps.Keys(m.Templates[kind])) {
			at := fmt.Sprintf("%s.templates.%s.%s", path, kind, tag)
			checkLanguage(c, at, tag)
			if err := mail.CheckTemplate(kind, m.Templates[kind][tag]); err != nil {
				c.complain(at, "%s", safe(err))
			}
		}
	}
}

func checkLanguage(c checker, path, tag string) {
	if _, err := language.Parse(tag); err != nil {
		c.complain(path, "%q is not a language", tag)
	}
}

// checkAttributes complains about attributes of a user that the policy of the same
// file does not know, or whose values do not fit.
func (t *Tenant) checkAttributes(c checker, path string, given map[string]string) {
	if t.Policy == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		at := path + ".attributes." + name
		i := slices.IndexFunc(t.Policy.Attributes, func(a lanyard.Attribute) bool { return a.Name == name })
		if i < 0 {
			c.complain(at, "the policy has no attribute %q", name)
			continue
		}
		if _, err := t.Policy.Attributes[i].Value(given[name]); err != nil {
			c.complain(at, "%s", safe(err))
		}
	}
}
