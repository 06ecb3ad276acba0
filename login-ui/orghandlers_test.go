package loginui_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// usually is what an invitation is when the form says nothing.
func usually(changes ...func(*organizations.Invite)) organizations.Invite {
	out := organizations.Invite{Roles: []string{lanyard.RoleMember}, Lifetime: 7 * 24 * time.Hour}
	for _, change := range changes {
		change(&out)
	}
	return out
}

// orgForms are the forms of the pages of an organization, the deed that each of them
// calls with what, and where it leads; nowhere for a page that shows what came of it.
var orgForms = []struct {
	path string
	form url.Values
	want []any
	to   string
}{
	{"/leave", nil, []any{"leave", adaID, acmeID}, "/account/organizations?done=org_left"},
	{
		"/members/roles", values("user", "usr_2", "role.admin", "1", "role.weaver", "1"),
		[]any{"roles", acmeID, lanyard.UserID("usr_2"), []string{"admin", "weaver"}}, "/org/looms/members?done=member_saved",
	},
	{"/members/remove", values("user", "usr_2"), []any{"remove", acmeID, lanyard.UserID("usr_2")}, "/org/looms/members?done=member_removed"},
	{"/members/transfer", values("user", "usr_2"), []any{"transfer", acmeID, lanyard.UserID("usr_2")}, "/org/looms/members?done=org_transferred"},
	{
		"/members/request", values("user", "usr_4", "decision", "admit", "role.member", "1"),
		[]any{"answer", acmeID, lanyard.UserID("usr_4"), []string{"member"}, true}, "/org/looms/members?done=join_admitted",
	},
	{
		"/members/request", values("user", "usr_4", "decision", "refuse"),
		[]any{"answer", acmeID, lanyard.UserID("usr_4"), []string(nil), false}, "/org/looms/members?done=join_refused",
	},
	{
		"/invitations", values("email", " New@example.test ", "role.admin", "1", "days", "3"),
		[]any{"invite", acmeID, organizations.Invite{Email: "New@example.test", Roles: []string{"admin"}, Lifetime: 3 * 24 * time.Hour}},
		"/org/looms/invitations?done=invitation_sent",
	},
	{
		"/invitations/link", values("domain", " example.com ", "uses", "20", "role.member", "1", "days", ""),
		[]any{"invite", acmeID, usually(func(i *organizations.Invite) { i.Domain, i.MaxUses = "example.com", 20 })}, "",
	},
	{
		"/invitations/bulk", values("list", "a@example.test", "role.member", "1"),
		[]any{"invite many", acmeID, []string{"a@example.test"}, usually()}, "",
	},
	{"/invitations/resend", values("invitation", "inv_1"), []any{"resend", acmeID, lanyard.InvitationID("inv_1")}, "/org/looms/invitations?done=invitation_sent"},
	{"/invitations/revoke", values("invitation", "inv_1"), []any{"revoke", acmeID, lanyard.InvitationID("inv_1")}, "/org/looms/invitations?done=invitation_revoked"},
	{
		"/roles", values("name", " clerk ", "permission.members:read", "1", "permission.invoices:read", "1"),
		[]any{"put role", acmeID, "clerk", []string{"invoices:read", "members:read"}}, "/org/looms/roles?done=role_saved",
	},
	{"/roles/remove", values("name", "weaver"), []any{"delete role", acmeID, "weaver"}, "/org/looms/roles?done=role_removed"},
	{"/domains", values("domain", " example.com "), []any{"add domain", acmeID, "example.com"}, "/org/looms/domains?done=domain_added"},
	{"/domains/verify", values("domain", "example.com"), []any{"verify domain", acmeID, "example.com"}, "/org/looms/domains?done=domain_verified"},
	{
		"/domains/joining", values("domain", "example.com", "joining", "automatic"),
		[]any{"joining", acmeID, "example.com", lanyard.JoiningAutomatic}, "/org/looms/domains?done=domain_saved",
	},
	{"/domains/remove", values("domain", "example.com"), []any{"remove domain", acmeID, "example.com"}, "/org/looms/domains?done=domain_removed"},
	{
		"/connections/edit", newLoomsID(), []any{"add connection", acmeID, addedLoomsID(), "s3cret"},
		"/org/looms/connections/edit?connection=con_1&done=connection_added",
	},
	{
		"/connections/edit?connection=con_1", values("name", "Looms ID", "issuer", "https://id.looms.example", "client_id", "other", "auth", "client_secret_post", "scopes", "openid  email"),
		[]any{"change connection", acmeID, loomsID(func(c *lanyard.Connection) {
			c.UpstreamClientID, c.Auth, c.Scopes, c.JustInTime, c.DefaultRoles = "other", lanyard.UpstreamPost, lanyard.Scopes{"openid", "email"}, false, nil
		}), ""}, "/org/looms/connections/edit?connection=con_1&done=connection_saved",
	},
	{"/connections/edit?connection=con_1", values("deed", "enable"), []any{"enable connection", acmeID, conID}, "/org/looms/connections/edit?connection=con_1&done=connection_on"},
	{"/connections/edit?connection=con_1", values("deed", "disable"), []any{"disable connection", acmeID, conID}, "/org/looms/connections/edit?connection=con_1&done=connection_off"},
	{
		"/connections/edit?connection=con_1", values("deed", "remove", "typed", " Looms ID "),
		[]any{"remove connection", acmeID, conID, "Looms ID"}, "/org/looms/connections?done=connection_removed",
	},
	{
		"/policy", values("own_connection_only", "1", "method.password", "1"),
		[]any{"policy", acmeID, lanyard.OrganizationPolicy{OwnConnectionOnly: true, Methods: []lanyard.Method{lanyard.MethodPassword}}}, "/org/looms/policy?done=policy_saved",
	},
	{
		"/policy", values("second_factor", "1", "method.passkey", "1", "lifetime", "8", "idle", "0,5"),
		[]any{"policy", acmeID, lanyard.OrganizationPolicy{
			SecondFactor: lanyard.SecondFactorRequired, Methods: []lanyard.Method{lanyard.MethodPasskey},
			SessionLifetime: lanyard.Duration(8 * time.Hour), SessionIdle: lanyard.Duration(30 * time.Minute),
		}}, "/org/looms/policy?done=policy_saved",
	},
	{
		"/policy", values("method.passkey", "1", "method.password", "1", "method.email_code", "1", "method.federated", "1"),
		[]any{"policy", acmeID, lanyard.OrganizationPolicy{}}, "/org/looms/policy?done=policy_saved",
	},
	{"/branding", values("name", " Looms ", "language", "de"), []any{"describe", acmeID, organizations.Details{Name: "Looms", Language: "de"}}, "/org/looms/branding?done=org_saved"},
	{"/branding/accent", values("accent", " #FF8800 "), []any{"brand", acmeID, lanyard.Branding{Accent: "#ff8800"}}, "/org/looms/branding?done=org_saved"},
	{"/branding/logo/remove", nil, []any{"brand", acmeID, lanyard.Branding{}}, "/org/looms/branding?done=logo_removed"},
	{"/delete", values("slug", " looms "), []any{"delete", acmeID, "looms"}, "/account/organizations?done=org_deleted"},
}

func TestOrganizationFormsCallOneDeedAndLeadBack(t *testing.T) {
	fresh := worlds(t)
	for _, c := range orgForms {
		w := fresh(https)
		w.orgs.code = inviteCode
		rec := w.post("/org/looms"+c.path, c.form)
		if diff := cmp.Diff(c.want, w.orgs.called); diff != "" {
			t.Errorf("%s: %s", c.path, diff)
		}
		if c.to == "" {
			if rec.Code != http.StatusOK || rec.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d", c.path, rec.Code)
			}
			continue
		}
		if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/t/acme"+c.to {
			t.Errorf("%s: %d %s", c.path, rec.Code, rec.Header().Get("Location"))
		}
		if got := noticesOf(t, w.get(c.to)); got != 1 {
			t.Errorf("%s: the page after it has %d notices", c.path, got)
		}
	}
}

func noticesOf(t *testing.T, rec *httptest.ResponseRecorder) int {
	t.Helper()
	n := 0
	for _, p := range parse(t, rec.Body.String()).elements("p") {
		if attr(p, "class") == "notice" {
			n++
		}
	}
	return n
}

func TestOrganizationFormsAskForAFreshProof(t *testing.T) {
	fresh := worlds(t)
	for _, c := range orgForms {
		w := fresh(https)
		w.orgs.err, w.people.fresh = lanyard.ErrFreshProof, false
		w.people.accounts[0].User.Subject = "sub-ada"
		rec := w.post("/org/looms"+c.path, c.form)
		if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/t/acme"+rawQuery("/login/password") {
			t.Errorf("%s: %d %s", c.path, rec.Code, rec.Header().Get("Location"))
		}
		if len(w.people.led) != 4 || w.people.led[1] != "organization" || w.people.led[2] != "looms" || w.people.led[3] != "sub-ada" {
			t.Fatalf("%s: led to %v", c.path, w.people.led)
		}
		back, _ := w.people.led[0].(string)
		if rec := w.get(back); rec.Code != http.StatusOK {
			t.Errorf("%s: comes back to %s, which is %d", c.path, back, rec.Code)
		}
	}
}

// orgPaths are the routes of the table below an organization.
func orgPaths(t *testing.T) []web.Route {
	t.Helper()
	var out []web.Route
	for _, route := range newWorld(t, https).pages.Routes() {
		if strings.HasPrefix(route.Path, "/org/") {
			out = append(out, route)
		}
	}
	if len(out) < 40 {
		t.Fatalf("the table has only %d routes of organizations", len(out))
	}
	return out
}

// send calls a route of an organization with a form that would do something.
func (w *world) send(route web.Route, slug string) *httptest.ResponseRecorder {
	path := strings.Replace(route.Path, ":slug", slug, 1)
	if route.Method == http.MethodGet {
		return w.get(path)
	}
	for _, c := range orgForms {
		if "/org/:slug"+c.path == route.Path {
			return w.post(path, c.form)
		}
	}
	if strings.HasSuffix(path, orgSignOut) {
		return w.post(path, nil)
	}
	return w.upload(path, "x")
}

// orgSignOut ends a session, and is no deed on an organization.
const orgSignOut = "/sign-out"

func TestOrganizationsOwnSessionIsEndedOnItsPages(t *testing.T) {
	w := newWorld(t, https)
	account := ada()
	account.Session.ConfinedTo = acmeID
	w.people.accounts, w.people.confined = nil, []lanyard.Account{account}
	body := w.get("/org/looms").Body.String()
	if !strings.Contains(body, `action="/t/acme/org/looms/sign-out"`) || strings.Contains(body, `"/t/acme/account`) {
		t.Error("the page leads to the account pages, or nowhere out")
	}
	if rec := w.post("/org/looms"+orgSignOut, nil); rec.Code != http.StatusOK {
		t.Errorf("%d", rec.Code)
	}
	if diff := cmp.Diff([]any{"end", adaID, account.Session.ID}, w.people.called); diff != "" {
		t.Error(diff)
	}
}

// Generated from the table (ATTACKS.md 199, 206): without a session there is a
// sign-in, and an organization that is foreign, deleted or never was is not found,
// in the same words.
func TestOrganizationsOpenToTheirMembersOnly(t *testing.T) {
	fresh := worlds(t)
	for _, route := range orgPaths(t) {
		name := route.Method + " " + route.Path
		if route.Access != web.Session || route.CSRF != web.CSRFSameOrigin || route.CORS != web.CORSNone {
			t.Errorf("%s is declared as %s, %s, %s", name, route.Access, route.CSRF, route.CORS)
		}
		w := fresh(https)
		w.people.accounts = nil
		if rec := w.send(route, "looms"); !strings.HasPrefix(rec.Header().Get("Location"), "/t/acme/") || w.orgs.called != nil {
			t.Errorf("%s for a stranger: %d, called %v", name, rec.Code, w.orgs.called)
		}
		body := ""
		for _, slug := range []string{"foreign", "never-there", "LOOMS"} {
			w := fresh(https)
			rec := w.send(route, slug)
			got := strings.ReplaceAll(rec.Body.String(), slug, "")
			led := route.Method == http.MethodGet && strings.HasPrefix(rec.Header().Get("Location"), "/t/acme/org/"+slug) // the address of a form leads to its page
			if rec.Code != http.StatusNotFound && !led || w.orgs.called != nil {
				t.Errorf("%s of %s: %d, called %v", name, slug, rec.Code, w.orgs.called)
			}
			if body != "" && !led && got != body {
				t.Errorf("%s of %s: other words: %s", name, slug, cmp.Diff(body, got))
			}
			if !led {
				body = got
			}
		}
	}
}

// Generated from the table: what the roles do not allow is not shown, and what a
// form may do is decided by the deed.
func TestRolesDecideWhatIsShown(t *testing.T) {
	fresh := worlds(t)
	pages := map[string]string{
		"": "", "/members": lanyard.MayReadMembers, "/invitations": lanyard.MayReadMembers, "/invitations/uses": lanyard.MayReadMembers,
		"/roles": lanyard.MayManageRoles, "/domains": lanyard.MayManageDomains, "/connections": lanyard.MayManageConnections, "/connections/edit": lanyard.MayManageConnections, "/policy": lanyard.MayManagePolicy,
		"/branding": lanyard.MayUpdateOrganization, "/activity": lanyard.MayReadActivity, "/activity.csv": lanyard.MayReadActivity, "/delete": lanyard.MayDeleteOrganization,
	}
	seen := 0
	for _, route := range orgPaths(t) {
		path := strings.TrimPrefix(route.Path, "/org/:slug")
		needed, isPage := pages[path]
		if route.Method != http.MethodGet || !isPage {
			continue
		}
		seen++
		for _, role := range []string{lanyard.RoleOwner, lanyard.RoleAdmin, lanyard.RoleMember, "weaver"} {
			w := fresh(https)
			is(role)(w)
			want := http.StatusForbidden
			if needed == "" || w.orgs.joined.Powers(w.orgs.roles).May(needed) {
				want = http.StatusOK
			}
			rec := w.get("/org/looms" + path + "?id=inv_1")
			if rec.Code != want || want == http.StatusForbidden && w.orgs.called != nil {
				t.Errorf("%s for %s: %d, want %d", path, role, rec.Code, want)
			}
			if want == http.StatusOK && path != "/activity.csv" && strings.Contains(rec.Body.String(), `/org/looms/policy"`) != w.orgs.joined.Powers(nil).May(lanyard.MayManagePolicy) {
				t.Errorf("%s for %s: the navigation shows what the role does not allow", path, role)
			}
		}
	}
	if seen != len(pages) {
		t.Errorf("%d of %d pages are in the table", seen, len(pages))
	}
	for _, c := range orgForms {
		w := fresh(https)
		w.orgs.err = lanyard.ErrNotAllowed
		rec := w.post("/org/looms"+c.path, c.form)
		refusedRole := c.path == "/roles" && rec.Code == http.StatusOK && strings.Contains(rec.Body.String(), "more than you may do yourself")
		if rec.Code != http.StatusForbidden && !refusedRole {
			t.Errorf("%s: %d", c.path, rec.Code)
		}
	}
}

func TestPolicyOfAnOrganizationIsMetFirst(t *testing.T) {
	fresh := worlds(t)
	for _, route := range orgPaths(t) {
		w := fresh(https)
		w.orgs.enterErr = lanyard.ErrPolicyUnmet
		rec := w.send(route, "looms")
		if route.Method == http.MethodGet && strings.HasPrefix(rec.Header().Get("Location"), "/t/acme/org/looms") {
			continue // the address of a form
		}
		if !strings.HasPrefix(rec.Header().Get("Location"), "/t/acme/login/password") || w.orgs.called != nil {
			t.Fatalf("%s: %d, called %v", route.Path, rec.Code, w.orgs.called)
		}
		back, _ := w.people.led[0].(string)
		if !strings.HasPrefix(back, "/org/looms") || w.people.led[1] != "organization" || w.people.led[2] != "looms" {
			t.Errorf("%s: led to %v", route.Path, w.people.led)
		}
	}
}

// Generated from the table: forms from elsewhere reach no deed.
func TestForeignFormsReachNoOrganization(t *testing.T) {
	fresh := worlds(t)
	for _, route := range append(orgPaths(t), web.Route{Method: "POST", Path: "/invite/" + inviteCode}, web.Route{Method: "POST", Path: "/login/organization"}) {
		if route.Method != http.MethodPost {
			continue
		}
		for _, header := range [][2]string{{"Origin", "https://evil.example"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}} {
			w := fresh(https)
			known("")(w)
			r := httptest.NewRequest("POST", strings.Replace(route.Path, ":slug", "looms", 1), strings.NewReader("action=accept&user=usr_2&slug=looms"))
			r.Host = "id.example"
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set(header[0], header[1])
			if rec := w.do(r); rec.Code != http.StatusForbidden || w.orgs.called != nil || w.flow.called != nil || w.people.led != nil {
				t.Errorf("%s, %s: %d, called %v", route.Path, header[0], rec.Code, w.orgs.called)
			}
		}
	}
}

func TestOddOrganizationFormsReachNoDeed(t *testing.T) {
	fresh := worlds(t)
	long := strings.Repeat("x", 65)
	for name, c := range map[string]struct {
		path string
		form url.Values
		want int
	}{
		"no user":            {"/members/remove", nil, 404},
		"long user":          {"/members/remove", values("user", long), 404},
		"odd role":           {"/members/roles", values("user", "usr_2", "role.A B", "1"), 200},
		"undecided":          {"/members/request", values("user", "usr_4"), 400},
		"no invitation":      {"/invitations/revoke", nil, 404},
		"long invitation":    {"/invitations/resend", values("invitation", long), 404},
		"no address":         {"/invitations", nil, 200},
		"no days":            {"/invitations", values("email", "a@example.test", "days", "0"), 200},
		"many days":          {"/invitations/link", values("days", "91"), 200},
		"no uses":            {"/invitations/link", values("uses", "-1"), 200},
		"many uses":          {"/invitations/link", values("uses", "10001"), 200},
		"odd role name":      {"/roles", values("name", "Weaver"), 200},
		"removing an odd":    {"/roles/remove", values("name", "../x"), 404},
		"no domain":          {"/domains", nil, 200},
		"long domain":        {"/domains/verify", values("domain", strings.Repeat("x", 255)), 404},
		"no connection":      {"/connections/edit?connection=con_9", nil, 404},
		"long connection":    {"/connections/edit?connection=" + long, nil, 404},
		"an odd kind":        {"/connections/edit?kind=telegram", newLoomsID(), 404},
		"a deed on none":     {"/connections/edit", values("deed", "enable"), 404},
		"an odd deed":        {"/connections/edit?connection=con_1", values("deed", "praise"), 400},
		"nameless":           {"/connections/edit", values("client_id", "x"), 200},
		"no client":          {"/connections/edit", values("name", "x"), 200},
		"no issuer":          {"/connections/edit", values("name", "x", "client_id", "x", "secret", "x"), 200},
		"script for issuer":  {"/connections/edit", values("name", "x", "client_id", "x", "secret", "x", "issuer", "javascript:alert(1)"), 200},
		"odd scopes":         {"/connections/edit", values("name", "x", "client_id", "x", "secret", "x", "issuer", "https://x.test", "scopes", `a"b`), 200},
		"no secret":          {"/connections/edit", values("name", "x", "client_id", "x", "issuer", "https://x.test"), 200},
		"no directory":       {"/connections/edit?kind=microsoft", values("name", "x", "client_id", "x", "secret", "x", "directory", "common"), 200},
		"no hosted domain":   {"/connections/edit?kind=google", values("name", "x", "client_id", "x", "secret", "x"), 200},
		"long secret":        {"/connections/edit", values("name", "x", "client_id", "x", "secret", strings.Repeat("x", 9000)), 400},
		"another name":       {"/connections/edit?connection=con_1", values("deed", "remove", "typed", "looms"), 200},
		"negative hours":     {"/policy", values("lifetime", "-1"), 200},
		"no number of hours": {"/policy", values("idle", "NaN"), 200},
		"infinite hours":     {"/policy", values("idle", "1e300"), 200},
		"no name":            {"/branding", values("name", "\u200b"), 200},
		"long name":          {"/branding", values("name", strings.Repeat("x", 401)), 200},
		"long language":      {"/branding", values("name", "x", "language", long), 400},
		"odd accent":         {"/branding/accent", values("accent", "url(x)"), 200},
		"no logo":            {"/branding/logo", nil, 200},
		"another slug":       {"/delete", values("slug", "LOOMS"), 200},
		"large form":         {"/members/roles", values("user", strings.Repeat("x", 64<<10)), 413},
	} {
		w := fresh(https)
		if rec := w.post("/org/looms"+c.path, c.form); rec.Code != c.want || w.orgs.called != nil && w.orgs.called[0] != "members" {
			t.Errorf("%s: %d, called %v", name, rec.Code, w.orgs.called)
		}
	}
}

func TestMistakesOnOrganizationPagesAreExplained(t *testing.T) {
	fresh := worlds(t)
	for _, c := range []struct {
		path string
		form url.Values
		err  error
		want string
	}{
		{"/members/roles", values("user", "usr_2"), lanyard.ErrBadInput, "at least one role"},
		{"/members/remove", values("user", "usr_2"), lanyard.ErrLastOwner, "needs an owner"},
		{"/invitations", values("email", "a@example.test"), lanyard.ErrBadInput, "Check the roles"},
		{"/invitations/resend", values("invitation", "inv_1"), lanyard.ErrThrottled.After(time.Minute), "mail was sent already"},
		{"/domains", values("domain", "example.com"), lanyard.ErrConflict, "have this domain already"},
		{"/domains/joining", values("domain", "example.com", "joining", "off"), lanyard.ErrDomainUnproved, "wasn't found"},
		{"/roles", values("name", "clerk"), lanyard.ErrBadInput, "may be taken"},
		{"/connections/edit", newLoomsID(), lanyard.ErrUpstreamDown, "doesn't answer"},
		{"/connections/edit", newLoomsID(), lanyard.ErrUpstreamWrong, "publishes about itself"},
		{"/connections/edit", newLoomsID(), lanyard.ErrConflict, "with this name already"},
		{"/connections/edit?connection=con_1", values("deed", "enable"), lanyard.ErrUntested, "Test the sign-in first"},
		{"/connections/edit?connection=con_1", values("deed", "disable"), lanyard.ErrConnectionNeeded, "the only one that is on"},
		{"/policy", nil, lanyard.ErrBadInput, "can't be saved"},
		{"/branding", values("name", "x"), lanyard.ErrBadInput, "up to 100 characters"},
	} {
		w := fresh(https)
		w.orgs.err = c.err
		rec := w.post("/org/looms"+c.path, c.form)
		want := http.StatusOK
		if lanyard.KindOf(c.err) == lanyard.Throttled {
			want = http.StatusTooManyRequests
		}
		problem := ""
		for _, div := range parse(t, rec.Body.String()).elements("div") {
			if attr(div, "id") == "problem" {
				for n := range div.Descendants() {
					problem += strings.TrimSpace(n.Data) + " "
				}
			}
		}
		if rec.Code != want || !strings.Contains(problem, c.want) {
			t.Errorf("%s with %v: %d %q", c.path, c.err, rec.Code, problem)
		}
	}
	for err, want := range map[error]int{lanyard.ErrNotFound: 404, lanyard.ErrUnavailable: 503, errors.New("disk on fire"): 500} {
		w := fresh(https)
		w.orgs.err = err
		if rec := w.post("/org/looms/members/remove", values("user", "usr_2")); rec.Code != want {
			t.Errorf("%v: %d", err, rec.Code)
		}
	}
}

// What a member may not change is kept: a box that is not shown can not be unticked.
func TestMembersAboveOneselfHaveNoForm(t *testing.T) {
	w := newWorld(t, https)
	is(lanyard.RoleAdmin)(w)
	peopled(w)
	body := w.get("/org/looms/members").Body.String()
	for id, want := range map[string]bool{"member-remove-usr_1": false, "member-save-usr_1": false, "member-save-usr_2": true, "member-transfer-usr_2": false, "member-remove-usr_3": true} {
		if strings.Contains(body, `id="`+id+`"`) != want {
			t.Errorf("%s is there: %v", id, !want)
		}
	}
	if strings.Contains(body, `name="role.owner"`) {
		t.Error("an admin is offered to make owners")
	}
}

func TestLinkOfAnInvitationIsShownOnce(t *testing.T) {
	w := newWorld(t, https)
	withInvitations(w)
	rec := w.post("/org/looms/invitations/link", values("role.member", "1"))
	if !strings.Contains(rec.Body.String(), `value="https://id.example/t/acme/invite/`+inviteCode+`"`) || rec.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if strings.Contains(w.get("/org/looms/invitations").Body.String(), inviteCode) {
		t.Error("the link is shown again")
	}
}

func TestListsGoOnWhereTheyEnd(t *testing.T) {
	w := newWorld(t, https)
	peopled(w)
	body := w.get("/org/looms/members?q=%25_&after=usr_0").Body.String()
	if diff := cmp.Diff([]any{"members", "%_", lanyard.UserID("usr_0")}, w.orgs.called); diff != "" {
		t.Error(diff)
	}
	for _, want := range []string{`href="/t/acme/org/looms/members?after=usr_3&amp;q=%25_"`, `href="/t/acme/org/looms/members?q=%25_" id="members-first"`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is missing", want)
		}
	}
	for i := range 50 {
		w.orgs.invitations = append(w.orgs.invitations, lanyard.Invitation{ID: lanyard.InvitationID(fmt.Sprintf("inv_%02d", i)), MaxUses: 1, ExpiresAt: now})
	}
	if body := w.get("/org/looms/invitations").Body.String(); !strings.Contains(body, `href="/t/acme/org/looms/invitations?before=inv_49"`) {
		t.Error("the invitations do not go on")
	}
	withFacts(w)
	if body := w.get("/org/looms/activity").Body.String(); !strings.Contains(body, `href="/t/acme/org/looms/activity?before=evt_1"`) {
		t.Error("the activity does not go on")
	}
	for _, path := range []string{"/members?after=", "/invitations?before=", "/invitations/uses?id=", "/activity?before="} {
		if rec := w.get("/org/looms" + path + strings.Repeat("x", 65)); rec.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, rec.Code)
		}
	}
}

func TestActivityIsDownloaded(t *testing.T) {
	w := newWorld(t, https)
	rec := w.get("/org/looms/activity.csv")
	h := rec.Header()
	if rec.Code != http.StatusOK || h.Get("Content-Type") != "text/csv; charset=utf-8" || h.Get("Content-Disposition") != `attachment; filename="activity-looms.csv"` ||
		h.Get("Cache-Control") != "no-store" || rec.Body.String() != "\"time\"\r\n" {
		t.Errorf("%d %v %q", rec.Code, h, rec.Body)
	}
}

// What somebody may not do is not offered to them.
func TestNobodyIsOfferedWhatTheyMayNotDo(t *testing.T) {
	w := newWorld(t, https)
	inSeveral(w)
	w.orgs.all[2].Membership.Roles = []string{lanyard.RoleAdmin}
	if body := w.get("/account/organizations").Body.String(); strings.Contains(body, `id="org-keep-org_2"`) {
		t.Error("an admin can keep the organization")
	}
	is("keeper")(w)
	w.orgs.joined.OwnRoles = []lanyard.Role{{Name: "keeper", Permissions: []string{lanyard.MayManageRoles}}, {Name: "warden", Permissions: []string{lanyard.MayManageDomains}}}
	body := w.get("/org/looms/roles?role=warden").Body.String()
	if strings.Contains(body, `value="warden"`) || !strings.Contains(body, `id="role-edit-keeper"`) {
		t.Error("a role above oneself can be edited")
	}
}
