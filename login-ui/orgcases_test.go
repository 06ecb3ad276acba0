package loginui_test

import (
	"bytes"
	"errors"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

func person(id lanyard.UserID, name, address string) lanyard.User {
	return lanyard.User{ID: id, Profile: lanyard.Profile{Name: name, Email: address}}
}

// several are organizations of Ada, as many as asked.
func several(n int) []lanyard.Joined {
	var out []lanyard.Joined
	for i, name := range []string{"Looms & Sons", "Analytical Engines", "Babbage & Co", "Countess Ltd", "Difference Works", "Epsilon", "Flyer Mills", "Great Wheel", "Harness"}[:n] {
		j := acmeOrg(lanyard.RoleMember, "weaver")
		if i == 0 {
			j = acmeOrg(lanyard.RoleOwner)
		} else {
			j.Organization.ID = lanyard.OrganizationID("org_" + strconv.Itoa(i))
			j.Organization.Slug, j.Organization.Code = "o"+strconv.Itoa(i), "CODE000"+strconv.Itoa(i)
		}
		j.Organization.Name = name
		out = append(out, j)
	}
	return out
}

func joinedTo(n int) func(*flow.Page) {
	return func(p *flow.Page) { p.Joined = several(n) }
}

// an offer to join acme, bound to an address.
func offerTo(email string) organizations.Offer {
	return organizations.Offer{
		Invitation: lanyard.Invitation{
			ID: "inv_1", OrganizationID: acmeID, Email: email, Roles: []string{lanyard.RoleAdmin}, MaxUses: 1, ExpiresAt: now.Add(time.Hour),
		},
		Organization: acmeOrg().Organization, Inviter: "Grace Hopper", Shown: []byte("shown"),
	}
}

func offering(email string) func(*flow.Page) {
	return func(p *flow.Page) {
		offer := offerTo(email)
		p.Offer = &offer
	}
}

// lost had an invitation that is gone.
func lost(p *flow.Page) { p.Request.Params.Invitation = "inv_1" }

// signingUpFor sends the form of a new account that is made for an invitation.
func signingUpFor(err error) func(*world, string) *httptest.ResponseRecorder {
	return func(w *world, lang string) *httptest.ResponseRecorder {
		page := dueBy(flow.StepSignUp, open, offering(""))
		w.live.Tenant.Policy = page.Policy
		return refused("/signup", page, err, newcomer()...)(w, lang)
	}
}

// waiting are an invitation and two organizations to ask.
func waiting(p *flow.Page) {
	p.Offers = []organizations.Offer{offerTo("ada@example.test")}
	other := acmeOrg().Organization
	other.ID, other.Name = "org_2", "Spindle"
	p.Joinable = []organizations.Joinable{{Organization: acmeOrg().Organization, Joining: lanyard.JoiningRequest}, {Organization: other, Joining: lanyard.JoiningRequest, Requested: true}}
}

func askedFor(what string) func(*flow.Page) {
	return func(p *flow.Page) { p.AskedFor = what }
}

func branded(p *flow.Page) {
	p.Branding = lanyard.Branding{
		Accent: "#2e7d32", LogoURL: "/org-logo/" + string(acmeID) + "/0123456789ab.png", LogoDarkURL: "/org-logo/" + string(acmeID) + "/ba9876543210.png",
	}
}

// organizationCases are the steps of a sign-in that have to do with organizations (L9, L10, L11, L14, L1).
func organizationCases() []pageCase {
	pick := dueBy(flow.StepOrganization, proved, joinedTo(3))
	invitation, code := dueBy(flow.StepInvitation, proved, offering("")), due(flow.StepSignUpCode)
	return []pageCase{
		{"identifier-branded", 200, atStep("/login", dueBy(flow.StepIdentify, branded))},
		{"consent-organization", 200, func(w *world, lang string) *httptest.ResponseRecorder {
			page, joined := dueConsent(), acmeOrg(lanyard.RoleMember)
			page.Organization = &joined
			return atStep("/login/consent", page)(w, lang)
		}},
		{"signup-invited", 200, atStep("/signup", dueBy(flow.StepSignUp, invited, offering("")))},
		{"signup-other-address", 403, signingUpFor(lanyard.ErrOtherAddress)},
		{"signup-no-seat", 200, signingUpFor(lanyard.ErrNoSeat)},
		{"signup-gone", 200, signingUpFor(lanyard.ErrNotFound)},
		{"signup-gone-closed", 403, refused("/signup", dueBy(flow.StepSignUp, invited, lost), lanyard.ErrSignUpClosed, newcomer()[:6]...)},
		{"signup-code-other-address", 403, refused("/signup/verify", code, lanyard.ErrOtherAddress, "code", "000000")},
		{"signup-code-no-seat", 200, refused("/signup/verify", code, lanyard.ErrNoSeat, "code", "000000")},
		{"signup-code-has-account", 200, refused("/signup/verify", code, lanyard.ErrHasAccount, "code", "000000")},
		{"signup-code-member", 200, refused("/signup/verify", code, lanyard.ErrAlreadyMember, "code", "000000")},
		{"signup-code-gone", 200, refused("/signup/verify", code, lanyard.ErrNotFound, "code", "000000")},
		{"signup-code-gone-closed", 403, refused("/signup/verify", dueBy(flow.StepSignUpCode, invited, lost), lanyard.ErrSignUpClosed, "code", "000000")},
		{"signup-code-invite", 403, refused("/signup/verify", dueBy(flow.StepSignUpCode, invited), lanyard.ErrSignUpClosed, "code", "000000")},
		{"signup-code-closed", 403, refused("/signup/verify", dueBy(flow.StepSignUpCode, closed), lanyard.ErrSignUpClosed, "code", "000000")},
		{"signup-invited-closed", 200, atStep("/signup", dueBy(flow.StepSignUp, closed, offering("")))},
		{"organization", 200, atStep("/login/organization", pick)},
		{"organization-many", 200, atStep("/login/organization", dueBy(flow.StepOrganization, proved, joinedTo(9), waiting))},
		{"organization-search", 200, visitedAt("/login/organization", dueBy(flow.StepOrganization, proved, joinedTo(9)), "&q=flyer")},
		{"organization-no-match", 200, visitedAt("/login/organization", dueBy(flow.StepOrganization, proved, joinedTo(9)), "&q=zeta")},
		{"organization-none", 200, atStep("/login/organization", dueBy(flow.StepOrganization, proved))},
		{"organization-waiting", 200, atStep("/login/organization", dueBy(flow.StepOrganization, proved, waiting))},
		{"organization-empty", 200, refused("/login/organization", pick, nil, "remember", "1")},
		{"organization-gone", 200, refused("/login/organization", pick, lanyard.ErrNotFound, "organization", string(acmeID))},
		{"organization-no-seat", 200, refused("/login/organization/accept", dueBy(flow.StepOrganization, proved, waiting), lanyard.ErrNoSeat, "invitation", "inv_1")},
		{"organization-asked", 200, func(w *world, lang string) *httptest.ResponseRecorder {
			w.flow.page, w.flow.moved = dueBy(flow.StepOrganization, proved, waiting), flow.Moved{Next: flow.StepOrganization}
			return w.post(rawQuery("/login/organization/join")+lang, form("organization", string(acmeID)))
		}},
		{"not-member", 200, atStep("/login/not-member", dueBy(flow.StepNotMember, proved, askedFor("looms")))},
		{"not-member-joinable", 200, atStep("/login/not-member", dueBy(flow.StepNotMember, proved, askedFor("looms"), waiting))},
		{"invitation", 200, atStep("/login/invitation", invitation)},
		{"invitation-gone", 200, atStep("/login/invitation", dueBy(flow.StepInvitation, proved))},
		{"invitation-other", 403, atStep("/login/invitation", dueBy(flow.StepInvitation, proved, offering("grace@example.test")))},
		{"invitation-refused", 403, refused("/login/invitation", invitation, lanyard.ErrOtherAddress, "decision", "accept")},
		{"invitation-platform", 200, atStep("/login/invitation", dueBy(flow.StepInvitation, proved, offering(""), func(p *flow.Page) { toPlatform(p.Offer) }))},
		{"invitation-no-seat", 200, refused("/login/invitation", invitation, lanyard.ErrNoSeat, "decision", "accept")},
		{"invitation-own-connection", 200, atStep("/login/invitation", dueBy(flow.StepInvitation, proved, offering(""), func(p *flow.Page) { p.Offer.Organization.Policy.OwnConnectionOnly = true }))},
	}
}

// visitedAt shows the page of a step with more in its address.
func visitedAt(path string, page flow.Page, query string) func(*world, string) *httptest.ResponseRecorder {
	return func(w *world, lang string) *httptest.ResponseRecorder {
		w.flow.page = page
		return w.get(rawQuery(path) + query + lang)
	}
}

// orgAt shows a page of a world that was changed before.
func orgAt(target string, states ...func(*world)) func(*world, string) *httptest.ResponseRecorder {
	return func(w *world, lang string) *httptest.ResponseRecorder {
		for _, state := range states {
			state(w)
		}
		joint := "?"
		if strings.Contains(target, "?") {
			joint = "&"
		}
		return w.get(target + joint + strings.TrimPrefix(lang, "&"))
	}
}

// orgSent sends a form, which the deeds answer with an error.
func orgSent(target string, form url.Values, err error, states ...func(*world)) func(*world, string) *httptest.ResponseRecorder {
	return func(w *world, lang string) *httptest.ResponseRecorder {
		for _, state := range states {
			state(w)
		}
		w.orgs.err = err
		joint := "?"
		if strings.Contains(target, "?") {
			joint = "&"
		}
		return w.post(target+joint+strings.TrimPrefix(lang, "&"), form)
	}
}

func stranger(w *world) { w.people.accounts = nil }

// known is an invitation that the code opens.
func known(email string, changes ...func(*organizations.Offer)) func(*world) {
	return func(w *world) {
		w.orgs.offer, w.orgs.lookErr = offerTo(email), nil
		for _, change := range changes {
			change(&w.orgs.offer)
		}
	}
}

func toPlatform(o *organizations.Offer) {
	o.Invitation.OrganizationID, o.Organization, o.Inviter = "", lanyard.Organization{}, ""
}

func ownConnection(o *organizations.Offer) { o.Organization.Policy.OwnConnectionOnly = true }

func inAlready(w *world) { w.orgs.all = several(1) }

// inviteCases are the pages behind a link or code of an invitation (L14).
func inviteCases() []pageCase {
	const at = "/invite/" + inviteCode
	accept := values("action", "accept")
	return []pageCase{
		{"invite-code", 200, orgAt("/invite")},
		{"invite-code-wrong", 200, orgSent("/invite", values("code", "abc"), nil)},
		{"invite-code-empty", 200, orgSent("/invite", nil, nil)},
		{"invite", 200, orgAt(at, known(""))},
		{"invite-stranger", 200, orgAt(at, known("ada@example.test"), stranger)},
		{"invite-other", 403, orgAt(at, known("grace@example.test"))},
		{"invite-member", 200, orgAt(at, known(""), inAlready)},
		{"invite-raced", 200, orgSent(at, accept, lanyard.ErrAlreadyMember, known(""))},
		{"invite-refused", 403, orgSent(at, accept, lanyard.ErrOtherAddress, known(""))},
		{"invite-no-seat", 200, orgSent(at, accept, lanyard.ErrNoSeat, known(""))},
		{"invite-own-connection", 200, orgAt(at, known("", ownConnection))},
		{"invite-platform", 200, orgAt(at, known("", toPlatform), stranger)},
		{"invite-platform-closed", 200, orgAt(at, known("", toPlatform), stranger, func(w *world) { w.live.Tenant.Policy.SignUp = lanyard.SignUpClosed })},
		{"error-invite", 404, orgAt(at)},
		{"error-invite-throttled", 429, orgAt(at, func(w *world) { w.orgs.lookErr = lanyard.ErrThrottled.After(90 * time.Second) })},
	}
}

func inSeveral(w *world) {
	w.orgs.all = several(4)
	w.people.accounts[0].Session.OrganizationID = acmeID
	w.orgs.all[1].Organization.Suspended = true
	w.orgs.all[2].Membership.Roles = []string{lanyard.RoleOwner}
	w.orgs.all[2].Organization.DeleteAt = now.AddDate(0, 0, 14)
	page := due(flow.StepOrganization)
	waiting(&page)
	w.orgs.offers, w.orgs.joinable = page.Offers, page.Joinable
	w.live.Tenant.Policy.CreateOrganizations = true
}

// myOrgCases are the page of one's organizations (A7).
func myOrgCases() []pageCase {
	const at = "/account/organizations"
	return []pageCase{
		{"account-organizations", 200, orgAt(at)},
		{"account-organizations-several", 200, orgAt(at+"?done=org_chosen", inSeveral)},
		{"account-organizations-last-owner", 409, orgSent(at+"/leave", values("organization", string(acmeID)), lanyard.ErrLastOwner, inSeveral)},
		{"account-organizations-no-seat", 409, orgSent(at+"/accept", values("invitation", "inv_1"), lanyard.ErrNoSeat, inSeveral)},
		{"account-organizations-nameless", 200, orgSent(at, values("name", " ", "slug", "x"), nil, inSeveral)},
		{"account-organizations-taken", 409, orgSent(at, values("name", "Looms", "slug", "looms"), lanyard.ErrSlugTaken, inSeveral)},
	}
}

func is(roles ...string) func(*world) {
	return func(w *world) { w.orgs.joined = acmeOrg(roles...) }
}

func peopled(w *world) {
	for i, u := range []lanyard.User{
		person("usr_1", "Ada Lovelace", "ada@example.test"), person("usr_2", "Grace Hopper", "grace@example.test"), person("usr_3", "", "charles@example.test"),
	} {
		roles := [][]string{{lanyard.RoleOwner}, {lanyard.RoleAdmin, "weaver"}, {"billing"}}[i]
		w.orgs.members = append(w.orgs.members, lanyard.Member{User: u, Membership: lanyard.Membership{OrganizationID: acmeID, UserID: u.ID, Roles: roles, CreatedAt: now}})
	}
	w.orgs.more = true
	w.orgs.requests = []lanyard.JoinRequest{{OrganizationID: acmeID, User: person("usr_4", "Mary Somerville", "mary@example.test"), CreatedAt: now.Add(-time.Hour)}}
}

func withInvitations(w *world) {
	base := lanyard.Invitation{OrganizationID: acmeID, Roles: []string{lanyard.RoleMember}, MaxUses: 1, ExpiresAt: now.AddDate(0, 0, 7), CreatedAt: now.Add(-time.Hour)}
	for i, change := range []func(*lanyard.Invitation){
		func(i *lanyard.Invitation) { i.Email = "new@example.test" },
		func(i *lanyard.Invitation) { i.Domain, i.MaxUses, i.Uses = "example.com", 10, 2 },
		func(i *lanyard.Invitation) { i.MaxUses = 50 },
		func(i *lanyard.Invitation) { i.Email, i.RevokedAt = "gone@example.test", now },
		func(i *lanyard.Invitation) { i.Email, i.Uses = "in@example.test", 1 },
		func(i *lanyard.Invitation) { i.Email, i.ExpiresAt = "late@example.test", now.AddDate(0, 0, -1) },
	} {
		one := base
		one.ID = lanyard.InvitationID("inv_" + strconv.Itoa(i))
		change(&one)
		w.orgs.invitations = append(w.orgs.invitations, one)
	}
	w.orgs.code = inviteCode
	w.orgs.rows = []organizations.BulkRow{
		{Email: "a@example.test"}, {Email: "in@example.test", Err: lanyard.ErrAlreadyMember}, {Email: "late@example.test", Err: lanyard.ErrQuota},
		{Email: "x@", Err: lanyard.ErrBadInput}, {Email: "y@example.test", Err: errors.New("disk on fire")},
	}
	w.orgs.uses = []lanyard.InvitationUse{{InvitationID: "inv_1", User: person("usr_2", "Grace Hopper", "grace@example.test"), UsedAt: now.Add(-time.Minute)}}
}

func withDomains(w *world) {
	w.orgs.domains = []lanyard.Domain{
		{OrganizationID: acmeID, Name: "example.com", Token: "abc", Joining: lanyard.JoiningRequest, VerifiedAt: now}, {OrganizationID: acmeID, Name: "xn--bcher-kva.example", Token: "def"},
	}
}

func withFacts(w *world) {
	w.orgs.more = true
	w.orgs.facts = []organizations.Fact{
		{Event: lanyard.Event{ID: "evt_3", Type: lanyard.EventMemberUpdated, At: now, Actor: "usr_1", UserID: "usr_2", Detail: map[string]string{"roles_before": "member", "roles_after": "admin member"}}, ActorName: "Ada Lovelace", UserName: "Grace Hopper"},
		{Event: lanyard.Event{ID: "evt_2", Type: lanyard.EventOrganizationSuspended, At: now, Actor: "system", Detail: map[string]string{"seats_after": "25", "plan_before": "Free"}}},
		{Event: lanyard.Event{ID: "evt_1", Type: "moon.landed", At: now, Actor: "usr_1", UserID: "usr_1", Detail: map[string]string{"domain": "example.com"}}, ActorName: "Ada Lovelace", UserName: "Ada Lovelace"},
	}
}

func withLogo(w *world) {
	page := flow.Page{}
	branded(&page)
	w.orgs.joined.Organization.Branding = page.Branding
}

func strict(w *world) {
	w.orgs.joined.Organization.Policy = lanyard.OrganizationPolicy{
		SecondFactor: lanyard.SecondFactorRequired, Methods: []lanyard.Method{lanyard.MethodPasskey}, SessionLifetime: lanyard.Duration(8 * time.Hour), SessionIdle: lanyard.Duration(30 * time.Minute),
	}
	w.live.Tenant.Policy.EmailCode = true
}

// orgCases are the pages of an organization.
func orgCases() []pageCase {
	const at = "/org/looms"
	mail := values("form", "mail-", "email", "new@example.test", "role.admin", "1", "days", "3")
	return []pageCase{
		{"org-overview", 200, orgAt(at)},
		{"org-overview-member", 200, orgAt(at, is(lanyard.RoleMember))},
		{"org-overview-branded", 200, orgAt(at+"?done=org_created", withLogo)},
		{"org-overview-last-owner", 200, orgSent(at+"/leave", nil, lanyard.ErrLastOwner)},
		{"org-members", 200, orgAt(at+"/members", peopled)},
		{"org-members-admin", 200, orgAt(at+"/members?q=a&after=usr_0", is(lanyard.RoleAdmin), peopled)},
		{"org-members-reader", 200, orgAt(at+"/members", is("weaver"), peopled)},
		{"org-members-none", 200, orgAt(at + "/members?q=zeta")},
		{"org-members-last-owner", 200, orgSent(at+"/members/roles", values("user", "usr_1", "role.member", "1"), lanyard.ErrLastOwner, peopled)},
		{"org-members-no-seat", 200, orgSent(at+"/members/request", values("user", "usr_4", "decision", "admit", "role.member", "1"), lanyard.ErrNoSeat, peopled)},
		{"org-invitations", 200, orgAt(at+"/invitations", withInvitations)},
		{"org-invitations-reader", 200, orgAt(at+"/invitations", is("weaver"), withInvitations)},
		{"org-invitations-none", 200, orgAt(at + "/invitations?before=inv_0")},
		{"org-invitations-link", 200, orgSent(at+"/invitations/link", values("form", "link-", "role.member", "1", "uses", "20"), nil, withInvitations)},
		{"org-invitations-already", 200, orgSent(at+"/invitations", mail, lanyard.ErrAlreadyMember)},
		{"org-invitations-quota", 429, orgSent(at+"/invitations", mail, lanyard.ErrQuota)},
		{"org-invitations-bad-email", 200, orgSent(at+"/invitations", values("form", "mail-", "email", "nobody", "role.admin", "1"), nil)},
		{"org-invitations-bad-days", 200, orgSent(at+"/invitations/link", values("form", "link-", "days", "900", "domain", "example.com", "uses", "7"), nil)},
		{"org-bulk", 200, orgSent(at+"/invitations/bulk", values("form", "bulk-", "list", "a@example.test"), nil, withInvitations)},
		{"org-bulk-none", 200, orgSent(at+"/invitations/bulk", values("form", "bulk-", "list", "nobody"), nil)},
		{"org-uses", 200, orgAt(at+"/invitations/uses?id=inv_1", withInvitations)},
		{"org-uses-none", 200, orgAt(at + "/invitations/uses?id=inv_1")},
		{"org-roles", 200, orgAt(at + "/roles")},
		{"org-roles-edit", 200, orgAt(at + "/roles?role=weaver")},
		{"org-roles-bad-name", 200, orgSent(at+"/roles", values("name", "A B", "permission.members:read", "1"), nil)},
		{"org-roles-in-use", 200, orgSent(at+"/roles/remove", values("name", "weaver"), lanyard.ErrRoleInUse)},
		{"org-domains", 200, orgAt(at+"/domains", withDomains)},
		{"org-domains-none", 200, orgAt(at + "/domains")},
		{"org-domains-taken", 200, orgSent(at+"/domains", values("domain", "mail.example"), lanyard.ErrDomainTaken)},
		{"org-domains-unproved", 200, orgSent(at+"/domains/verify", values("domain", "xn--bcher-kva.example"), lanyard.ErrDomainUnproved, withDomains)},
		{"org-policy", 200, orgAt(at + "/policy")},
		{"org-policy-strict", 200, orgAt(at+"/policy", strict)},
		{"org-policy-unmet", 200, orgSent(at+"/policy", values("second_factor", "1", "method.password", "1", "lifetime", "8"), lanyard.ErrPolicyUnmet)},
		{"org-policy-own", 200, orgAt(at+"/policy", insisting)},
		{"org-policy-own-unmet", 200, orgSent(at+"/policy", values("own_connection_only", "1", "method.password", "1"), lanyard.ErrPolicyUnmet)},
		{"org-policy-own-none", 200, orgSent(at+"/policy", values("own_connection_only", "1"), lanyard.ErrConnectionNeeded)},
		{"org-policy-bad-hours", 200, orgSent(at+"/policy", values("lifetime", "long"), nil)},
		{"org-branding", 200, orgAt(at + "/branding")},
		{"org-branding-logo", 200, orgAt(at+"/branding", withLogo)},
		{"org-branding-nameless", 200, orgSent(at+"/branding", values("name", ""), nil)},
		{"org-branding-bad-accent", 200, orgSent(at+"/branding/accent", values("accent", "red"), nil)},
		{"org-branding-bad-logo", 200, func(w *world, lang string) *httptest.ResponseRecorder {
			w.orgs.err = lanyard.ErrBadInput
			return w.upload(at+"/branding/logo?"+strings.TrimPrefix(lang, "&"), "<svg/>", "dark", "1")
		}},
		{"org-activity", 200, orgAt(at+"/activity?before=evt_9", withFacts)},
		{"org-activity-none", 200, orgAt(at + "/activity")},
		{"org-delete", 200, orgAt(at + "/delete")},
		{"org-delete-other", 200, orgSent(at+"/delete", values("slug", "loom"), nil)},
		{"error-org-role", 403, orgAt(at+"/policy", is(lanyard.RoleMember))},
	}
}

// upload sends a form that brings a file.
func (w *world) upload(target, file string, pairs ...string) *httptest.ResponseRecorder {
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for i := 0; i+1 < len(pairs); i += 2 {
		_ = m.WriteField(pairs[i], pairs[i+1]) // a buffer takes everything
	}
	part, _ := m.CreateFormFile("file", "x")
	_, _ = part.Write([]byte(file))
	_ = m.Close()
	r := httptest.NewRequest(http.MethodPost, target, &body)
	r.Header.Set("Content-Type", m.FormDataContentType())
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Cookie", "some=cookie")
	return w.do(r)
}
