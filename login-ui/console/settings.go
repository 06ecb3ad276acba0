package console

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// settings are the pages of what the tenant is.
func (c *Console) settings() {
	const area = "/settings"
	c.page(screen{path: area, area: area, permission: lanyard.MayReadSettings, show: c.settingsPage})
	for _, part := range settingsParts {
		show := func(x *visit) (*view, error) { return c.settingsForm(x, part) }
		c.editor(deed{path: part.path, area: area, permission: lanyard.MayManageSettings, from: show, do: func(x *visit) (outcome, error) {
			if _, err := c.Management.ChangeSettings(x.ctx(), x.Administrator, changed(x, func(s management.Settings) (management.Settings, error) {
				return s, part.read(x, &s)
			})); err != nil {
				return outcome{}, err
			}
			return x.done("saved", area)
		}})
	}
	c.part(fragment{path: "/settings/branding/preview", permission: lanyard.MayManageSettings, template: "previews-part", look: func(x *visit) (any, error) {
		return previews(x.Live.Tenant.Name, x.field("accent")), nil
	}})
}

// settingsPart is a form for some of the settings.
type settingsPart struct {
	path, title, text, example string
	fields                     func(x *visit, s management.Settings) []field
	read                       func(x *visit, s *management.Settings) error
}

var settingsParts = []settingsPart{
	{"/settings/general", "Name, links and mails", "", "name=Acme", generalFields, readGeneral},
	{"/settings/signin", "Sign-in", "Who may make an account, and how people prove who they are.", "policy='{\"sign_up\":\"invite\"}'", signInFields, readSignIn},
	{"/settings/sessions", "Lifetimes", "Times such as 10m, 24h or 720h; empty for the default.", "policy='{\"session_lifetime\":\"12h\"}'", lifetimeFields, readLifetimes},
	{"/settings/branding", "Branding", "", "branding='{\"accent\":\"#0a5fd8\"}'", brandingFields, readBranding},
}

func (c *Console) settingsForm(x *visit, part settingsPart) (*view, error) {
	s, err := c.Management.Settings(x.ctx(), x.Administrator)
	if err != nil {
		return nil, err
	}
	v := &view{Title: part.title, Lead: part.text, Crumbs: []link{{"Settings", x.at("/settings")}}, Copy: []command{{Method: "PATCH", Path: "/settings", Body: patchExamples[part.path]}}}
	f, err := versioned(form{Action: x.at(part.path), Submit: "Save", Fields: part.fields(x, s), Cancel: x.at("/settings"), Live: x.at(part.path + "/preview")}, s)
	return v.add(f), err
}

// patchExamples are bodies of a change through the API.
var patchExamples = map[string]string{
	"/settings/general": `{"name":"Acme"}`, "/settings/signin": `{"policy":{"sign_up":"invite"}}`,
	"/settings/sessions": `{"policy":{"session_lifetime":"12h"}}`, "/settings/branding": `{"branding":{"accent":"#0a5fd8"}}`,
}

func generalFields(x *visit, s management.Settings) []field {
	out := []field{
		required(input("name", "Name", s.Name, "What people read on pages and in mails.")),
		input("privacy_url", "Privacy policy", s.Policy.PrivacyURL, "An address that pages link to."), input("terms_url", "Terms of service", s.Policy.TermsURL, ""),
		input("from_name", "Name of the sender of mails", s.Mail.FromName, "Empty for the name of the tenant."), input("reply_to", "Where answers to mails go", s.Mail.ReplyTo, "An e-mail address; empty for nowhere."),
		input("language", "Language of mails", s.Mail.Language, "For people whose own language is not offered, such as en or de."),
	}
	if x.may(lanyard.MayManageInstance) {
		out = append(out, input("host", "Own host name", s.Host, "The issuer changes with it: tokens, passkeys and callbacks of before are not good any more."),
			area("redirect_hosts", "Hosts that lead here", s.RedirectHosts, "One on each line."))
	}
	return out
}

func readGeneral(x *visit, s *management.Settings) error {
	s.Name, s.Policy.PrivacyURL, s.Policy.TermsURL = x.field("name"), x.field("privacy_url"), x.field("terms_url")
	s.Mail = management.MailSender{FromName: x.field("from_name"), ReplyTo: x.field("reply_to"), Language: x.field("language")}
	if x.form.Has("host") {
		s.Host, s.RedirectHosts = x.field("host"), x.lines("redirect_hosts")
	}
	return nil
}

func signInFields(x *visit, s management.Settings) []field {
	p := s.Policy
	return []field{
		choose("sign_up", "Who may make an account", string(p.WhoSignsUp()), option{Value: "open", Text: "Everybody"}, option{Value: "invite", Text: "Who is invited"}, option{Value: "closed", Text: "Nobody"}),
		choose("email_verification", "New accounts prove their address", string(p.EmailVerification), option{Value: "", Text: "Yes; those that are there already are not asked"}, option{Value: "required", Text: "Yes, everybody"}, option{Value: "optional", Text: "They may"}, option{Value: "off", Text: "No"}),
		choose("second_factor", "Second factor", string(p.SecondFactor), option{Value: "", Text: "Who wants one"}, option{Value: "offered", Text: "Offered after a sign-in without one"}, option{Value: "required", Text: "Required"}),
		input("second_factor_deadline", "Required from", p.SecondFactorDeadline, "A date such as 2027-01-31, until which a required one may be put off."),
		check("email_code", "Sign in with a code by e-mail", p.EmailCode, ""), check("email_recovery", "A code by e-mail stands in for a lost second factor", p.EmailRecovery, ""),
		check("passkeys", "Passkeys", !p.NoPasskeys, ""), check("remember_device", "A second factor is remembered on a device", !p.NoRememberDevice, ""),
		check("keep_signed_in", "People may stay signed in", !p.NoKeepSignedIn, ""),
		check("create_organizations", "People may make organizations", p.CreateOrganizations, ""), check("personal_organizations", "Everybody gets an organization of their own", p.PersonalOrganizations, ""),
		several("default_roles", "Roles of whoever signs up", p.DefaultRoles, x.roleOptions()...),
	}
}

func readSignIn(x *visit, s *management.Settings) error {
	p := &s.Policy
	p.SignUp, p.EmailVerification, p.SecondFactor = lanyard.SignUp(x.field("sign_up")), lanyard.EmailVerification(x.field("email_verification")), lanyard.SecondFactor(x.field("second_factor"))
	p.SecondFactorDeadline, p.EmailCode, p.EmailRecovery = x.field("second_factor_deadline"), x.ticked("email_code"), x.ticked("email_recovery")
	p.NoPasskeys, p.NoRememberDevice, p.NoKeepSignedIn = !x.ticked("passkeys"), !x.ticked("remember_device"), !x.ticked("keep_signed_in")
	p.CreateOrganizations, p.PersonalOrganizations, p.DefaultRoles = x.ticked("create_organizations"), x.ticked("personal_organizations"), x.form["default_roles"]
	return nil
}

// lifetimes are the times of a policy.
var lifetimes = []struct {
	name, label, otherwise string
	of                     func(p *lanyard.Policy) *lanyard.Duration
}{
	{"session_lifetime", "A session", "24 hours", func(p *lanyard.Policy) *lanyard.Duration { return &p.SessionLifetime }},
	{"session_idle", "A session that nobody uses", "as long as any", func(p *lanyard.Policy) *lanyard.Duration { return &p.SessionIdle }},
	{"remembered_session_lifetime", "A session of who stays signed in", "30 days", func(p *lanyard.Policy) *lanyard.Duration { return &p.RememberedSessionLifetime }},
	{"remember_device", "A remembered device", "30 days", func(p *lanyard.Policy) *lanyard.Duration { return &p.RememberDevice }},
	{"signing_key_rotation", "A signing key", "90 days", func(p *lanyard.Policy) *lanyard.Duration { return &p.SigningKeyRotation }},
	{"deletion_grace", "An account that its owner deletes can be kept for", "14 days", func(p *lanyard.Policy) *lanyard.Duration { return &p.DeletionGrace }},
	{"organization_grace", "An organization that is deleted can be kept for", "14 days", func(p *lanyard.Policy) *lanyard.Duration { return &p.OrganizationGrace }},
	{"event_retention", "Events", "for ever", func(p *lanyard.Policy) *lanyard.Duration { return &p.EventRetention }},
}

func lifetimeFields(_ *visit, s management.Settings) []field {
	var out []field
	for _, l := range lifetimes {
		out = append(out, input(l.name, l.label, lifetime(time.Duration(*l.of(&s.Policy))), "Default: "+l.otherwise+"."))
	}
	quota := ""
	if s.Policy.InvitationQuota > 0 {
		quota = strconv.FormatInt(s.Policy.InvitationQuota, 10)
	}
	f := input("invitation_quota", "Invitations of one organization a day", quota, "Default: 500.")
	f.Kind = kindNumber
	return append(out, f)
}

func readLifetimes(x *visit, s *management.Settings) error {
	var wrong []error
	for _, l := range lifetimes {
		d, err := x.duration(l.name, "“"+l.label+"”")
		*l.of(&s.Policy), wrong = d, append(wrong, err)
	}
	quota, err := strconv.ParseInt(x.field("invitation_quota"), 10, 64)
	if x.field("invitation_quota") != "" && (err != nil || quota < 0) {
		wrong = append(wrong, badInput("the number of invitations is a whole number"))
	}
	s.Policy.InvitationQuota = quota
	return errors.Join(wrong...)
}

func brandingFields(_ *visit, s management.Settings) []field {
	accent := input("accent", "Colour of buttons and links", s.Branding.Accent, "Such as #0a5fd8; empty for ours. It is made darker or lighter until it can be read.")
	accent.Into = "preview"
	return []field{
		accent, input("logo_url", "Logo", s.Branding.LogoURL, "The path of a file on this host, such as /files/logo.svg; empty for the initial."),
		input("logo_dark_url", "Logo on a dark page", s.Branding.LogoDarkURL, ""),
	}
}

func readBranding(x *visit, s *management.Settings) error {
	accent, err := lanyard.ReadableAccent(x.field("accent"))
	s.Branding = lanyard.Branding{Accent: accent, LogoURL: x.field("logo_url"), LogoDarkURL: x.field("logo_dark_url")}
	return err
}

// ownAccent is the colour of pages without one of the tenant's.
const ownAccent = "#2b4a9b"

// previews are how a sign-in page looks with a colour, light and dark, with its contrasts.
func previews(tenant, accent string) []preview {
	if accent == "" {
		accent = ownAccent
	}
	chosen, err := lanyard.ParseColour(accent)
	if err != nil {
		return nil
	}
	mark := "•"
	for _, r := range tenant {
		mark = strings.ToUpper(string(r))
		break
	}
	var out []preview
	for _, each := range []struct {
		name             string
		on               lanyard.Surface
		text, soft, line string
	}{
		{"Light", lanyard.LightSurface, "#171b24", "#7b8494", "#dfe3ea"}, {"Dark", lanyard.DarkSurface, "#eceff5", "#838c9d", "#323844"},
	} {
		button := lanyard.Readable(chosen, each.on.Card, lanyard.ShapeContrast)
		words, onButton := lanyard.Readable(chosen, each.on.Fill, lanyard.TextContrast), lanyard.TextOn(button)
		out = append(out, preview{
			Name: each.name, Page: each.on.Fill.String(), Card: each.on.Card.String(), Text: each.text, Soft: each.soft, Line: each.line,
			Accent: button.String(), OnAccent: onButton.String(), Link: words.String(), Tenant: tenant, Mark: mark,
			Score: fmt.Sprintf("button %.1f, its text %.1f, links %.1f to 1", lanyard.Contrast(button, each.on.Card), lanyard.Contrast(onButton, button), lanyard.Contrast(words, each.on.Fill)),
		})
	}
	return out
}

// signUpWords say who may make an account.
var signUpWords = map[lanyard.SignUp]string{lanyard.SignUpOpen: "Everybody", lanyard.SignUpInvite: "Who is invited", lanyard.SignUpClosed: "Nobody"}

func (c *Console) settingsPage(x *visit) (*view, error) {
	s, err := c.Management.Settings(x.ctx(), x.Administrator)
	if err != nil {
		return nil, err
	}
	change := func(path string) []link { return x.whoMay(lanyard.MayManageSettings, link{"Change", x.at(path)}) }
	general := facts{Title: "Name, links and mails", Actions: change("/settings/general")}
	general.put("Name", text(s.Name)).put("Issuer", copyable(s.Issuer)).put("Own host", or(s.Host, "none")).put("Privacy policy", or(s.Policy.PrivacyURL, "none")).put("Terms", or(s.Policy.TermsURL, "none")).
		put("Sender of mails", or(s.Mail.FromName, s.Name))
	p := s.Policy
	signIn := facts{Title: "Sign-in", Actions: change("/settings/signin")}
	signIn.put("Who may make an account", text(signUpWords[p.WhoSignsUp()])).put("Second factor", or(string(p.SecondFactor), "who wants one")).put("Passkeys", yesNo(!p.NoPasskeys)).
		put("Code by e-mail", yesNo(p.EmailCode)).put("Roles of whoever signs up", named(p.DefaultRoles, "none"))
	times := facts{Title: "Lifetimes", Actions: change("/settings/sessions")}
	for _, l := range lifetimes {
		times.put(l.label, or(lifetime(time.Duration(*l.of(&p))), l.otherwise))
	}
	look := picture{Title: "Branding", Parts: previews(s.Name, s.Branding.Accent), Actions: change("/settings/branding")}
	v := &view{Title: "Settings", Copy: []command{{Method: "GET", Path: "/settings"}}}
	return v.add(general, signIn, times, look), nil
}
