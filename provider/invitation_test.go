package provider_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// Codes of the invitations in gate, as they stand in a file.
const (
	openCode     = "0penc0de0penc0de0penc0de00"
	onceCode     = "0ncec0de0ncec0de0ncec0de00"
	domainCode   = "d0ma1nc0ded0ma1nc0ded0ma1n"
	platformCode = "p1atf0rmp1atf0rmp1atf0rm00"
	landingCode  = "1and1ngc0de1and1ngc0de1and"
)

// gate is the town with invitations, in a tenant that takes those who are invited.
const gate = `
version: 1
tenants:
  - slug: default
    policy: {sign_up: invite, default_resource: "https://api.example.test/"}
    clients:
      - {client_id: web, client_secret: web-secret-0123456789-0123456789-0123, redirect_uris: [https://app.example.test/cb], first_party: true, initiate_login_uri: "https://app.example.test/start", client_uri: "https://app.example.test"}
    invitations:
      - {code: ` + platformCode + `, uses: 5, plan: team, trial_days: 30}
    organizations:
      - slug: acme
        invitations:
          - {code: ` + openCode + `, roles: [auditor], uses: 100}
          - {code: ` + onceCode + `, roles: [member]}
          - {code: ` + domainCode + `, uses: 10, domain: corp.example.test}
          - {code: ` + landingCode + `, uses: 10, client_id: web}
          - {email: ` + newAddress + `, roles: [admin], client_id: web}
`

func atGate(t *testing.T, test func(t *testing.T, i *idp.IDP)) {
	t.Helper()
	withTown(t, func(t *testing.T, i *idp.IDP) {
		i.Apply(gate)
		test(t, i)
	})
}

// invitationTo is the path of the mailed invitation.
func invitationTo(t *testing.T, i *idp.IDP, address string) string {
	t.Helper()
	link, err := url.Parse(i.Letter(address, lanyard.MailInvitation).Link)
	if err != nil || !strings.HasPrefix(link.Path, "/invite/") {
		t.Fatalf("the mail leads to %v %v", link, err)
	}
	return link.Path
}

// rolesIn are those of a user in an organization, none if they are not in it.
func rolesIn(t *testing.T, i *idp.IDP, address, slug string) []string {
	t.Helper()
	u, err := i.Scope().UserByEmail(t.Context(), address)
	if err != nil {
		return nil
	}
	j, err := i.Scope().Joined(t.Context(), u.ID, slug)
	if err != nil {
		return nil
	}
	return j.Membership.Roles
}

// TestNewPersonJoinsByInvitation in two pages and lands in the application that it
// names; the mail proves the address.
func TestNewPersonJoinsByInvitation(t *testing.T) {
	atGate(t, func(t *testing.T, i *idp.IDP) {
		b, link := i.Browser(), invitationTo(t, i, newAddress)
		for range 3 { // opening it uses nothing
			if page := b.Get(link); page.Status != http.StatusOK || !strings.Contains(page.Body, "Acme") {
				t.Fatalf("the invitation is %s", page)
			}
		}
		page := b.Press(b.Get(link), "invite-sign-up", nil)
		if other := b.Press(page, "signup-submit", signUpForm("somebody.else@example.test")); other.Away != nil || strings.Contains(other.Body, newAddress) {
			t.Fatalf("another address: %s", other)
		}
		page = b.Press(page, "signup-submit", signUpForm(newAddress))
		if page.Away == nil || !strings.HasPrefix(page.Away.String(), "https://app.example.test/start?") || page.Away.Query().Get("iss") != i.Issuer {
			t.Fatalf("it leads to %s, %v\n%s", page, page.Away, page.Body)
		}
		if got := rolesIn(t, i, newAddress, "acme"); !slices.Equal(got, []string{"admin"}) {
			t.Errorf("the new member has %v", got)
		}
		web := i.Client("web")
		claims := tokensOf(t, web, b.Get(web.Authorize(one("organization", page.Away.Query().Get("organization"), "scope", "openid email"))))
		if claims["org_slug"] != "acme" {
			t.Errorf("the tokens say %v", about(claims))
		}
		if u := userOf(t, i, newAddress); !u.Profile.EmailVerified {
			t.Error("the address is not proved")
		}
		if page := i.Browser().Get(link); page.Status != http.StatusNotFound {
			t.Errorf("used, the invitation is %s", page)
		}
	})
}

// TestSignedInPersonJoinsByCode: one page, one press.
func TestSignedInPersonJoinsByCode(t *testing.T) {
	atGate(t, func(t *testing.T, i *idp.IDP) {
		b := i.Browser()
		wantAway(t, b.SignIn(i.Client("web").Authorize(nil), ada, adaPassword), "")
		if page := b.Get("/invite/" + openCode); page.Has("invite-accept") {
			t.Errorf("a member is offered to join: %s", page)
		}
		bob := i.Browser()
		wantAway(t, bob.SignIn(i.Client("web").Authorize(nil), "nomail", "no-mail-address-needed"), "")
		page := bob.Press(bob.Get("/invite/"+strings.ToUpper(openCode[:13]+"-"+openCode[13:])), "invite-accept", nil)
		if page.URL.Path != "/account/organizations" || !strings.Contains(page.Body, "Acme") {
			t.Errorf("it leads to %s", page)
		}
		page = bob.Press(bob.Get("/invite"), "invite-continue", one("code", openCode))
		if page.Status != http.StatusOK || page.Has("invite-accept") {
			t.Errorf("a member who types the code is shown %s", page)
		}
	})
}

// TestPersonWithAnAccountSignsInToJoin (ATTACKS.md 193): no password is changed, and
// joining takes a press of its own.
func TestPersonWithAnAccountSignsInToJoin(t *testing.T) {
	atGate(t, func(t *testing.T, i *idp.IDP) {
		b := i.Browser()
		page := b.Press(b.Get("/invite/"+landingCode), "invite-sign-in", nil)
		page = b.Walk(page, "nomail", "no-mail-address-needed")
		if page.URL.Path != "/login/invitation" {
			t.Fatalf("the sign-in leads to %s", page)
		}
		page = b.Press(page, "invite-accept", nil)
		if page.Away == nil || page.Away.Host != "app.example.test" {
			t.Fatalf("it leads to %s %v", page, page.Away)
		}
		// Whoever has an account can not make it anew through the invitation.
		other := i.Browser()
		page = other.Press(other.Press(other.Get("/invite/"+openCode), "invite-sign-up", nil), "signup-submit", signUpForm(ada))
		if page.Has("code-submit") {
			page = other.Press(page, "code-submit", one("code", "000000"))
		}
		if page.Away != nil {
			t.Fatal("somebody else's account was opened")
		}
		wantAway(t, i.Browser().SignIn(i.Client("web").Authorize(nil), ada, adaPassword), "")
	})
}

// TestWrongPersonDoesNotJoin (ATTACKS.md 187): the address is not told.
func TestWrongPersonDoesNotJoin(t *testing.T) {
	atGate(t, func(t *testing.T, i *idp.IDP) {
		b, link := i.Browser(), invitationTo(t, i, newAddress)
		wantAway(t, b.SignIn(i.Client("web").Authorize(nil), "nomail", "no-mail-address-needed"), "")
		page := b.Get(link)
		if page.Status != http.StatusForbidden || strings.Contains(page.Body, newAddress) || page.Has("invite-accept") {
			t.Errorf("the wrong person is shown %s", page)
		}
		if page := b.Post(link, one("action", "accept")); page.Status != http.StatusForbidden || strings.Contains(page.Body, newAddress) {
			t.Errorf("the wrong person posts: %s", page)
		}
		signing := b.Press(b.Get(link), "invite-sign-in", nil)
		signing = b.ChooseAccount(signing, "nomail")
		if signing.URL.Path != "/login/invitation" || signing.Status != http.StatusForbidden || signing.Has("invite-accept") || strings.Contains(signing.Body, newAddress) {
			t.Errorf("after signing in: %s", signing)
		}
		if page := i.Browser().Get(link); page.Status != http.StatusOK {
			t.Errorf("the invitation was used: %s", page)
		}
	})
}

// TestInvitationBoundToADomain lets in who proves an address in it.
func TestInvitationBoundToADomain(t *testing.T) {
	atGate(t, func(t *testing.T, i *idp.IDP) {
		signUp := func(address string) (*idp.Browser, *idp.Page) {
			b := i.Browser()
			return b, b.Press(b.Press(b.Get("/invite/"+domainCode), "invite-sign-up", nil), "signup-submit", signUpForm(address))
		}
		b, page := signUp("grace@corp.example.test")
		if !page.Has("code-submit") {
			t.Fatalf("an address in the domain is shown %s", page)
		}
		b.Press(page, "code-submit", one("code", i.Letter("grace@corp.example.test", lanyard.MailSignUp).Code))
		if rolesIn(t, i, "grace@corp.example.test", "acme") == nil {
			t.Error("an address in the domain did not join")
		}
		const elsewhere = "grace@corp.example.test.evil.test"
		_, page = signUp(elsewhere)
		if page.Status != http.StatusForbidden || !page.Has("signup-submit") || !strings.Contains(page.Text("#problem"), "another e-mail address") || !strings.Contains(page.Body, elsewhere) {
			t.Errorf("another domain is shown %s", page)
		}
		for _, letter := range i.Letters() {
			if letter.To == elsewhere {
				t.Errorf("another domain is written to: %+v", letter)
			}
		}
		if _, err := i.Scope().UserByEmail(t.Context(), elsewhere); err == nil {
			t.Error("another domain made an account")
		}
	})
}

// TestNewPersonIsToldWhatIsWrongWithTheInvitation, and gets no account of it.
func TestNewPersonIsToldWhatIsWrongWithTheInvitation(t *testing.T) {
	atGate(t, func(t *testing.T, i *idp.IDP) {
		acme, _ := i.Scope().OrganizationBySlug(t.Context(), "acme")
		signUp := func(address, meanwhile string, status int, words string) {
			b := i.Browser()
			page := b.Press(b.Press(b.Get("/invite/"+openCode), "invite-sign-up", nil), "signup-submit", signUpForm(address))
			code := i.Letter(address, lanyard.MailSignUp).Code
			var err error
			switch meanwhile {
			case "full":
				acme.Seats = 2
				err = i.Scope().UpdateOrganization(t.Context(), acme)
			case "revoked":
				invitation, _ := i.Scope().InvitationByCode(t.Context(), lanyard.SecretOf(openCode).Hash())
				_, err = i.Scope().RevokeInvitation(t.Context(), acme.ID, invitation.ID, i.Clock.Now())
			}
			if err != nil {
				t.Fatal(err)
			}
			page = b.Press(page, "code-submit", one("code", code))
			if page.Status != status || !page.Has("code-submit") || !strings.Contains(page.Text("#problem"), words) {
				t.Errorf("%s: %s says %q", meanwhile, page, page.Text("#problem"))
			}
			if _, err := i.Scope().UserByEmail(t.Context(), address); !errors.Is(err, lanyard.ErrNotFound) {
				t.Errorf("%s: there is an account: %v", meanwhile, err)
			}
		}
		signUp("late@example.test", "full", http.StatusOK, "no seat left")
		signUp("later@example.test", "revoked", http.StatusForbidden, "was withdrawn")
	})
}

// TestPlatformInvitationOpensTheGate and brings a plan and a trial along.
func TestPlatformInvitationOpensTheGate(t *testing.T) {
	atGate(t, func(t *testing.T, i *idp.IDP) {
		if page := i.Browser().Get(i.Client("web").Authorize(one("prompt", "create"))); page.Has("signup-submit") {
			t.Fatal("the gate is open to everybody")
		}
		b := i.Browser()
		page := b.Press(b.Press(b.Get("/invite/"+platformCode), "invite-sign-up", nil), "signup-submit", signUpForm(newAddress))
		page = b.Press(page, "code-submit", one("code", i.Letter(newAddress, lanyard.MailSignUp).Code))
		if page.URL.Path != "/account/organizations" {
			t.Errorf("it leads to %s", page)
		}
		all, err := i.Scope().AllJoined(t.Context(), userOf(t, i, newAddress).ID, 10)
		if err != nil || len(all) != 1 {
			t.Fatalf("the newcomer is in %v %v", all, err)
		}
		o := all[0].Organization
		if !o.Personal || o.Plan != "team" || !o.TrialEnd.Equal(i.Clock.Now().AddDate(0, 0, 30)) || len(o.Code) != 8 || !all[0].Membership.Owner() {
			t.Errorf("the personal organization is %+v, %v", o, all[0].Membership.Roles)
		}
	})
}

// TestDeadInvitationsLookAlike (ATTACKS.md 185, 190, 191): wrong, used, expired,
// revoked, of a closed organization, of another tenant.
func TestDeadInvitationsLookAlike(t *testing.T) {
	atGate(t, func(t *testing.T, i *idp.IDP) {
		b := i.Browser()
		wantAway(t, b.SignIn(i.Client("web").Authorize(nil), "nomail", "no-mail-address-needed"), "")
		b.Press(b.Get("/invite/"+onceCode), "invite-accept", nil)
		acme, _ := i.Scope().OrganizationBySlug(t.Context(), "acme")
		all, err := i.Scope().Invitations(t.Context(), acme.ID, "", 50)
		if err != nil {
			t.Fatal(err)
		}
		for _, invitation := range all {
			if invitation.Domain != "" {
				if _, err := i.Scope().RevokeInvitation(t.Context(), acme.ID, invitation.ID, i.Clock.Now()); err != nil {
					t.Fatal(err)
				}
			}
		}
		seen := map[string][]string{}
		look := func(name, path string) {
			page := i.Browser().Get(path)
			if page.Status != http.StatusNotFound {
				t.Errorf("%s is %s", name, page)
			}
			body := strings.ReplaceAll(neutral(page, newAddress), page.Header.Get("X-Request-Id"), "ID")
			seen[body] = append(seen[body], name)
		}
		look("wrong", "/invite/wr0ngwr0ngwr0ngwr0ngwr0ng0")
		look("no code", "/invite/x")
		look("used", "/invite/"+onceCode)
		look("revoked", "/invite/"+domainCode)
		if page := i.Browser().Get("/t/acme/invite/" + openCode); page.Status != http.StatusNotFound {
			t.Errorf("of another tenant: %s", page)
		}
		if err := i.Scope().ScheduleOrganizationDeletion(t.Context(), acme.ID, i.Clock.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		look("closed", "/invite/"+openCode)
		if err := i.Scope().ScheduleOrganizationDeletion(t.Context(), acme.ID, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if page := i.Browser().Get("/invite/" + openCode); page.Status != http.StatusOK {
			t.Fatalf("opened again: %s", page)
		}
		i.Clock.Advance(lanyard.InviteLifetime)
		look("expired", "/invite/"+openCode)
		if len(seen) != 1 {
			t.Errorf("they look different: %v", seen)
		}
	})
}

// TestGuessedCodesAreThrottled (ATTACKS.md 185), and a right one is not in the way.
func TestGuessedCodesAreThrottled(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	i.Apply(town)
	i.Apply(gate)
	for n := range 25 {
		page := i.Browser().Get("/invite/wr0ngwr0ngwr0ngwr0ngwr0ng0")
		if n < 20 && page.Status != http.StatusNotFound {
			t.Fatalf("guess %d is %s", n, page)
		}
		if n > 20 && (page.Status != http.StatusTooManyRequests || page.Header.Get("Retry-After") == "") {
			t.Fatalf("guess %d is %s", n, page)
		}
	}
}

// TestIdOfAnInvitationOpensNothing: only what is bound to the person can be used without its code.
func TestIdOfAnInvitationOpensNothing(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	i.Apply(town)
	i.Apply(gate)
	acme, _ := i.Scope().OrganizationBySlug(t.Context(), "acme")
	all, err := i.Scope().Invitations(t.Context(), acme.ID, "", 50)
	if err != nil || len(all) < 4 {
		t.Fatal(all, err)
	}
	b := i.Browser()
	page := b.SignIn(i.Client("choose").Authorize(nil), "nomail", "no-mail-address-needed")
	form := b.Form(page, "organization-cancel")
	for _, invitation := range all {
		form.Values.Set("invitation", string(invitation.ID))
		answer := b.Post(strings.Replace(form.Action, "/cancel", "/accept", 1), form.Values)
		if answer.Away != nil || answer.Status >= 500 {
			t.Errorf("the id of one leads to %s", answer)
		}
	}
	for _, invitation := range all {
		b.Post("/account/organizations/accept", one("invitation", string(invitation.ID)))
	}
	after, _ := i.Scope().Invitations(t.Context(), acme.ID, "", 50)
	for _, invitation := range after {
		if invitation.Uses != 0 {
			t.Errorf("%s %s was used", invitation.Email, invitation.Domain)
		}
	}
}

// TestCodeThatWasReplacedEndsTheSignInsItBegan: what was begun with a mail that was
// sent again, as to somebody who forwarded it, neither joins nor proves the address.
func TestCodeThatWasReplacedEndsTheSignInsItBegan(t *testing.T) {
	atGate(t, func(t *testing.T, i *idp.IDP) {
		acme, _ := i.Scope().OrganizationBySlug(t.Context(), "acme")
		b, link := i.Browser(), invitationTo(t, i, newAddress)
		page := b.Press(b.Get(link), "invite-sign-up", nil)
		if !page.Has("signup-submit") {
			t.Fatalf("the invitation leads to %s", page)
		}
		invitation, err := i.Scope().UnusedInvitation(t.Context(), acme.ID, newAddress)
		if err != nil {
			t.Fatal(err)
		}
		invitation.CodeHash, invitation.SentAt = lanyard.NewInviteCode().Hash(), i.Clock.Now()
		if err := i.Scope().RenewInvitation(t.Context(), invitation, i.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		page = b.Press(page, "signup-submit", signUpForm(newAddress))
		if _, err := i.Scope().UserByEmail(t.Context(), newAddress); !errors.Is(err, lanyard.ErrNotFound) {
			t.Errorf("after %s there is an account: %v", page, err)
		}
	})
}

// TestPlatformInvitationIsNothingForWhoHasAnAccount: it stays for somebody else.
func TestPlatformInvitationIsNothingForWhoHasAnAccount(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	i.Apply(town)
	i.Apply(gate)
	b := i.Browser()
	page := b.Walk(b.Post("/invite/"+platformCode, one("action", "sign_in")), "nomail", "no-mail-address-needed")
	form := b.Form(page, "invite-decline")
	form.Values.Set("decision", "accept") // what the page does not offer
	page = b.Post(form.Action, form.Values)
	all, err := i.Scope().Invitations(t.Context(), "", "", 10)
	if err != nil || len(all) != 1 || all[0].Uses != 0 {
		t.Errorf("after %s: %+v %v", page, all, err)
	}
}

// TestDomainIsProvedWhereAddressesAreNot: an invitation for a domain asks for the proof
// that the tenant does not ask for.
func TestDomainIsProvedWhereAddressesAreNot(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	i.Apply(town)
	i.Apply(gate)
	policy(i, "sign_up: invite", "email_verification: \"off\"")
	b := i.Browser()
	page := b.Press(b.Press(b.Get("/invite/"+domainCode), "invite-sign-up", nil), "signup-submit", signUpForm("grace@corp.example.test"))
	if !page.Has("code-submit") {
		t.Fatalf("nobody asks for the proof: %s", page)
	}
	b.Press(page, "code-submit", one("code", i.Letter("grace@corp.example.test", lanyard.MailSignUp).Code))
	if rolesIn(t, i, "grace@corp.example.test", "acme") == nil {
		t.Error("the proved address did not join")
	}
	other := i.Browser()
	other.Press(other.Press(other.Get("/invite/"+openCode), "invite-sign-up", nil), "signup-submit", signUpForm("hedy@elsewhere.example.test"))
	if got := rolesIn(t, i, "hedy@elsewhere.example.test", "acme"); !slices.Equal(got, []string{"auditor"}) {
		t.Errorf("at once, for whoever has the code: %v", got)
	}
}

// TestPersonalOrganizationIsForThoseWhoComeAlone, not for those who join another one.
func TestPersonalOrganizationIsForThoseWhoComeAlone(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	i.Apply(town)
	i.Apply(gate)
	policy(i, "sign_up: open", "personal_organizations: true", "personal_plan: starter", "personal_trial_days: 14")
	signUp := func(b *idp.Browser, page *idp.Page, address string) []lanyard.Joined {
		page = b.Press(page, "signup-submit", signUpForm(address))
		b.Press(page, "code-submit", one("code", i.Letter(address, lanyard.MailSignUp).Code))
		all, err := i.Scope().AllJoined(t.Context(), userOf(t, i, address).ID, 10)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	b := i.Browser()
	alone := signUp(b, b.Get(i.Client("web").Authorize(one("prompt", "create"))), "alone@example.test")
	if len(alone) != 1 || !alone[0].Organization.Personal || alone[0].Organization.Plan != "starter" || alone[0].Organization.TrialEnd.IsZero() || !alone[0].Membership.Owner() {
		t.Errorf("who comes alone has %+v", alone)
	}
	b = i.Browser()
	invited := signUp(b, b.Press(b.Get("/invite/"+openCode), "invite-sign-up", nil), "invited@example.test")
	if len(invited) != 1 || invited[0].Organization.Slug != "acme" {
		t.Errorf("who was invited has %+v", invited)
	}
}

// TestDomainLetsInWhoProvedTheAddress, at sign-in, and nobody else.
func TestDomainLetsInWhoProvedTheAddress(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	i.Apply(town)
	i.Apply(`
version: 1
tenants:
  - slug: default
    users:
      - {email: true@join.example.test, email_verified: true, password: tower-of-small-lamps-1}
      - {email: false@join.example.test, password: tower-of-small-lamps-1}
    organizations: [{slug: acme, domains: [{domain: join.example.test, verified: true, joining: automatic}]}]
`)
	choose := i.Client("choose")
	page := i.Browser().SignIn(choose.Authorize(nil), "true@join.example.test", "tower-of-small-lamps-1")
	if claims := tokensOf(t, choose, page); claims["org_slug"] != "acme" {
		t.Errorf("the proved address signs in to %v", about(claims))
	}
	page = i.Browser().SignIn(choose.Authorize(nil), "false@join.example.test", "tower-of-small-lamps-1")
	if page.Away != nil || rolesIn(t, i, "false@join.example.test", "acme") != nil {
		t.Errorf("an address that nobody proved joins: %s", page)
	}
}
