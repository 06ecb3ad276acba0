package loginui_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
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
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

const invitePath = "/invite/" + inviteCode

func TestTypedCodeLeadsToItsInvitation(t *testing.T) {
	fresh := worlds(t)
	for typed, want := range map[string]string{
		inviteCode: invitePath, " 06DFKXMQ-VT4Y1EBZ-0NHH3PC2-AR ": invitePath, "O6dfkxmqvt4yIebz0nhh3pc2ar": invitePath,
		"": "", "abc": "", strings.Repeat("0", 65): "", "../../account/data/delete?x=01": "", strings.Repeat("x", 500): "", "//evil.example/01234567890123": "",
	} {
		w := fresh(https)
		rec := w.post("/invite", values("code", typed))
		location := ""
		if want != "" {
			location = "/t/acme" + want
		}
		if rec.Header().Get("Location") != location || location == "" && rec.Code != http.StatusOK || w.orgs.looked != nil {
			t.Errorf("%q: %d %q, looked at %v", typed, rec.Code, rec.Header().Get("Location"), w.orgs.looked)
		}
	}
}

// Opening an invitation consumes nothing, whoever opens it and however often.
func TestOpeningAnInvitationConsumesNothing(t *testing.T) {
	fresh := worlds(t)
	for name, state := range map[string]func(*world){"signed in": func(*world) {}, "stranger": stranger, "member": inAlready} {
		w := fresh(https)
		state(w)
		known("")(w)
		for range 3 {
			if rec := w.get(invitePath); rec.Code != http.StatusOK || w.orgs.called != nil || w.people.led != nil || len(rec.Header().Values("Set-Cookie")) != 0 {
				t.Errorf("%s: %d, called %v", name, rec.Code, w.orgs.called)
			}
		}
		if diff := cmp.Diff([]string{inviteCode, inviteCode, inviteCode}, w.orgs.looked); diff != "" {
			t.Error(diff)
		}
	}
}

func TestInvitationIsAcceptedByItsFormOnly(t *testing.T) {
	w := newWorld(t, https)
	known("ada@example.test")(w)
	rec := w.post(invitePath, values("action", "accept", "role", "owner", "roles", "owner", "role.owner", "1", "organization", "org_other", "invitation", "inv_other"))
	if diff := cmp.Diff([]any{"accept", adaID, lanyard.InvitationID("inv_1"), "shown"}, w.orgs.called); diff != "" {
		t.Error(diff)
	}
	if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/t/acme/account/organizations?done=org_joined" {
		t.Errorf("%d %s", rec.Code, rec.Header().Get("Location"))
	}
}

func TestInvitationLetsPeopleSignInAndUp(t *testing.T) {
	fresh := worlds(t)
	for _, c := range []struct {
		name, action string
		states       []func(*world)
		signUp       bool
	}{
		{"sign in", "sign_in", []func(*world){known(""), stranger}, false},
		{"another account", "sign_in", []func(*world){known("grace@example.test")}, false},
		{"sign up", "sign_up", []func(*world){known(""), stranger}, true},
		{"signed out meanwhile", "accept", []func(*world){known(""), stranger}, false},
		{"platform", "sign_up", []func(*world){known("", toPlatform), stranger}, true},
		{"platform accepted", "accept", []func(*world){known("", toPlatform)}, false},
	} {
		w := fresh(https)
		for _, state := range c.states {
			state(w)
		}
		rec := w.post(invitePath, values("action", c.action))
		if diff := cmp.Diff([]any{"", "invitation", lanyard.InvitationID("inv_1"), "shown", c.signUp}, w.people.led); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/t/acme"+rawQuery("/login/password") || w.orgs.called != nil {
			t.Errorf("%s: %d %s", c.name, rec.Code, rec.Header().Get("Location"))
		}
		if !strings.HasPrefix(rec.Header().Get("Set-Cookie"), "__Host-lanyard-flow-") {
			t.Errorf("%s: %q", c.name, rec.Header().Get("Set-Cookie"))
		}
	}
	for _, action := range []string{"", "delete", "ACCEPT"} {
		w := fresh(https)
		known("")(w)
		if rec := w.post(invitePath, values("action", action)); rec.Code != http.StatusBadRequest || w.orgs.called != nil || w.people.led != nil {
			t.Errorf("%q: %d", action, rec.Code)
		}
	}
}

// ATTACKS.md 185 and 191: every code that opens nothing is answered alike, to
// everybody; when there were too many, the answer says when to come back.
func TestCodesThatOpenNothingLookAlike(t *testing.T) {
	fresh := worlds(t)
	want := ""
	for _, code := range []string{inviteCode, strings.Repeat("z", 26), "short", "%C3%A4", strings.Repeat("x", 300)} {
		for _, state := range []func(*world){stranger, func(*world) {}, inAlready} {
			for _, method := range []string{"GET", "POST"} {
				w := fresh(https)
				state(w)
				r := httptest.NewRequest(method, "/invite/"+code, strings.NewReader("action=accept"))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				rec := w.do(r)
				if want == "" {
					want = rec.Body.String()
				}
				if diff := cmp.Diff(want, rec.Body.String()); diff != "" || rec.Code != http.StatusNotFound || w.orgs.called != nil {
					t.Errorf("%s %s: %d %s", method, code, rec.Code, diff)
				}
			}
		}
	}
	w := fresh(https)
	w.orgs.lookErr = lanyard.ErrThrottled.After(90 * time.Second)
	if rec := w.get(invitePath); rec.Code != http.StatusTooManyRequests || rec.Header().Get("Retry-After") != "90" {
		t.Errorf("%d %q", rec.Code, rec.Header().Get("Retry-After"))
	}
	w = fresh(https)
	known("")(w)
	w.orgs.err = lanyard.ErrNotFound // used between opening and accepting
	if rec := w.post(invitePath, values("action", "accept")); rec.Code != http.StatusNotFound || rec.Body.String() != want {
		t.Errorf("%d", rec.Code)
	}
}

// ATTACKS.md 187: whose invitation it is is told to nobody, and decided by proved
// addresses in their canonical form.
func TestInvitationNeverNamesItsAddress(t *testing.T) {
	fresh := worlds(t)
	const invited = "grace@example.test"
	for name, show := range map[string]func(*world) *httptest.ResponseRecorder{
		"signed in":       func(w *world) *httptest.ResponseRecorder { return w.get(invitePath) },
		"stranger":        func(w *world) *httptest.ResponseRecorder { stranger(w); return w.get(invitePath) },
		"accepted anyway": func(w *world) *httptest.ResponseRecorder { return w.post(invitePath, values("action", "accept")) },
		"at the step": func(w *world) *httptest.ResponseRecorder {
			w.flow.page = dueBy(flow.StepInvitation, proved, offering(invited))
			return w.get(rawQuery("/login/invitation"))
		},
		"signing up": func(w *world) *httptest.ResponseRecorder {
			w.flow.page = dueBy(flow.StepSignUp, offering(invited))
			return w.get(rawQuery("/signup"))
		},
	} {
		w := fresh(https)
		known(invited)(w)
		w.orgs.err = lanyard.ErrOtherAddress
		rec := show(w)
		open := name == "stranger" || name == "signing up"
		if (rec.Code == http.StatusForbidden) == open || strings.Contains(rec.Body.String(), invited) || strings.Contains(rec.Body.String(), "grace") {
			t.Errorf("%s: %d", name, rec.Code)
		}
	}
	for name, emails := range map[string][]lanyard.Email{
		"proved": {{Address: "Grace@Example.TEST", Verified: true}}, "unproved": {{Address: invited}}, "twin": {{Address: "gr\u0430ce@example.test", Verified: true}},
	} {
		w := fresh(https)
		known(invited)(w)
		w.people.emails = emails
		if got := w.get(invitePath).Code == http.StatusOK; got != (name == "proved") {
			t.Errorf("%s: admitted %v", name, got)
		}
	}
}

func TestStepsOfOrganizationsCallOneDeed(t *testing.T) {
	fresh := worlds(t)
	for _, c := range []struct {
		path string
		form url.Values
		want []any
	}{
		{"/login/organization", form("organization", string(acmeID), "remember", "1"), []any{"organization", request, "step-token", acmeID, true}},
		{"/login/organization", form("organization", "looms"), []any{"organization", request, "step-token", lanyard.OrganizationID("looms"), false}},
		{"/login/organization/accept", form("invitation", "inv_1"), []any{"offer", request, "step-token", lanyard.InvitationID("inv_1")}},
		{"/login/organization/cancel", form(), []any{"deny", request, "step-token"}},
		{"/login/invitation", form("decision", "accept"), []any{"invitation", request, "step-token", true}},
		{"/login/invitation", form("decision", "decline"), []any{"invitation", request, "step-token", false}},
	} {
		w := fresh(https)
		w.flow.moved = flow.Moved{Next: flow.StepDone}
		rec := w.post(c.path, c.form)
		if diff := cmp.Diff(c.want, w.flow.called); diff != "" || rec.Header().Get("Location") != "/t/acme"+rawQuery("/oauth/resume") {
			t.Errorf("%s: %d %s", c.path, rec.Code, diff)
		}
	}
	w := fresh(https)
	w.flow.page, w.flow.moved = dueBy(flow.StepNotMember, proved, waiting), flow.Moved{Next: flow.StepDone}
	rec := w.post("/login/organization/join", form("organization", "org_2"))
	if diff := cmp.Diff([]any{"ask", request, "step-token", lanyard.OrganizationID("org_2")}, w.flow.called); diff != "" || rec.Code != http.StatusOK || noticesOf(t, rec) != 1 {
		t.Errorf("%d %s", rec.Code, diff)
	}
	long := strings.Repeat("x", 65)
	for name, c := range map[string]struct {
		path string
		form url.Values
		want int
	}{
		"long organization": {"/login/organization", form("organization", long), 200}, "no invitation": {"/login/organization/accept", form(), 200},
		"long invitation": {"/login/organization/accept", form("invitation", long), 200}, "nobody to ask": {"/login/organization/join", form(), 200},
		"undecided": {"/login/invitation", form(), 400},
	} {
		w := fresh(https)
		w.flow.page = dueBy(flow.StepOrganization, proved, joinedTo(2))
		if rec := w.post(c.path, c.form); rec.Code != c.want || w.flow.called != nil {
			t.Errorf("%s: %d, called %v", name, rec.Code, w.flow.called)
		}
	}
}

func TestPickerIsSearchedWithoutScript(t *testing.T) {
	fresh := worlds(t)
	for query, want := range map[string]int{"": 9, "FLYER": 1, " o1 ": 1, "code0002": 1, "ZETA": 0, strings.Repeat("x", 101): 9, "%": 0} {
		w := fresh(https)
		w.flow.page = dueBy(flow.StepOrganization, proved, joinedTo(9))
		got := 0
		for _, in := range parse(t, w.get(rawQuery("/login/organization")+"&q="+url.QueryEscape(query)).Body.String()).elements("input") {
			if attr(in, "type") == "radio" {
				got++
			}
		}
		if got != want {
			t.Errorf("%q finds %d, want %d", query, got, want)
		}
	}
	w := fresh(https)
	w.flow.page = dueBy(flow.StepOrganization, proved, joinedTo(7))
	if strings.Contains(w.get(rawQuery("/login/organization")).Body.String(), `id="q"`) {
		t.Error("seven can be searched")
	}
}

// A page about an organization that is not to be had says only what was typed.
func TestNotAMemberPageKnowsOnlyWhatWasTyped(t *testing.T) {
	w := newWorld(t, https)
	var bodies [2]string
	for i, name := range []string{"looms", "never"} {
		w.flow.page = dueBy(flow.StepNotMember, proved, askedFor(name))
		bodies[i] = strings.ReplaceAll(w.get(rawQuery("/login/not-member")).Body.String(), name, "")
	}
	if diff := cmp.Diff(bodies[0], bodies[1]); diff != "" {
		t.Error(diff)
	}
}

func TestListOfAddressesIsRead(t *testing.T) {
	fresh := worlds(t)
	for name, c := range map[string]struct {
		list, file string
		want       []string
	}{
		"lines":      {"a@example.test\r\nb@example.test\n\n c@example.test ", "", []string{"a@example.test", "b@example.test", "c@example.test"}},
		"one line":   {"a@example.test, b@example.test", "", []string{"a@example.test"}},
		"table":      {"", "\ufeffname;e-mail;note\r\nAda;ada@example.test;x@y\r\n\"Hopper; Grace\";\"grace@example.test\";\r\n", []string{"ada@example.test", "grace@example.test"}},
		"tabs":       {"Ada\tada@example.test", "", []string{"ada@example.test"}},
		"repeated":   {"a@example.test\na@example.test", "a@example.test", []string{"a@example.test"}},
		"list, file": {"a@example.test", "mail\nb@example.test\n", []string{"a@example.test", "b@example.test"}},
		"formula":    {"=HYPERLINK(\"http://evil.example\"),a@example.test", "", []string{"a@example.test"}},
		"bad quotes": {"Ada \"the first\", ada@example.test", "", []string{"ada@example.test"}},
		"no address": {"nobody\n;;;\n", "\x00\x01\x02", nil},
		"nothing":    {"", "", nil},
		"too many":   {manyAddresses(201), "", nil},
		"just right": {manyAddresses(200), "", strings.Fields(manyAddresses(200))},
	} {
		w := fresh(https)
		rec := w.upload("/org/looms/invitations/bulk", c.file, "form", "bulk-", "list", c.list, "role.member", "1")
		if c.want == nil {
			if w.orgs.called != nil || rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), `href="#bulk-list"`) {
				t.Errorf("%s: %d, called %v", name, rec.Code, w.orgs.called)
			}
			continue
		}
		if diff := cmp.Diff([]any{"invite many", acmeID, c.want, usually()}, w.orgs.called); diff != "" {
			t.Errorf("%s: %d %s", name, rec.Code, diff)
		}
	}
}

func manyAddresses(n int) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, "p%d@example.test\n", i)
	}
	return out.String()
}

func FuzzListOfAddresses(f *testing.F) {
	for _, seed := range []string{"a@example.test\nb@example.test", "x;\"a@b\";y", "\ufeff\"", "=1+1,@", "a@b\r\n\"\"\"@"} {
		f.Add(seed)
	}
	t := &testing.T{}
	w := newWorld(t, https)
	f.Fuzz(func(t *testing.T, list string) {
		w.t = t
		w.again()
		rec := w.upload("/org/looms/invitations/bulk", list)
		if rec.Code != http.StatusOK {
			t.Fatalf("%d", rec.Code)
		}
		if w.orgs.called == nil {
			return
		}
		addresses, _ := w.orgs.called[2].([]string)
		seen := map[string]bool{}
		for _, a := range addresses {
			if !strings.Contains(a, "@") || seen[a] || strings.TrimSpace(a) != a {
				t.Errorf("%q", a)
			}
			seen[a] = true
		}
		if len(addresses) > 200 {
			t.Errorf("%d addresses", len(addresses))
		}
	})
}

func TestLogoIsUploaded(t *testing.T) {
	w := newWorld(t, https)
	rec := w.upload("/org/looms/branding/logo", "\x89PNG\x00\xff", "dark", "1")
	if diff := cmp.Diff([]any{"logo", acmeID, true, "\x89PNG\x00\xff"}, w.orgs.called); diff != "" || rec.Header().Get("Location") != "/t/acme/org/looms/branding?done=logo_saved" {
		t.Errorf("%d %s", rec.Code, diff)
	}
}

func TestOddUploadsReachNoDeed(t *testing.T) {
	fresh := worlds(t)
	const boundary = "b"
	part := func(name, content string) string {
		return "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + name + "\"; filename=\"../../x\"\r\n\r\n" + content + "\r\n"
	}
	const end = "--" + boundary + "--\r\n"
	for name, c := range map[string]struct {
		body string
		want int
	}{
		"no file":          {part("dark", "1") + end, 200},
		"empty file":       {part("file", "") + end, 200},
		"two files":        {part("file", "a") + part("file", "b") + end, 400},
		"field twice":      {part("file", "a") + part("dark", "1") + part("dark", "1") + end, 400},
		"nul":              {part("file", "a") + part("dark", "\x00") + end, 400},
		"odd name":         {part("\xff", "a") + end, 400},
		"no end":           {part("file", "a"), 400},
		"no parts":         {"x", 200},
		"large file":       {part("file", strings.Repeat("x", organizations.MaxLogo+1)) + end, 200},
		"large field":      {part("dark", strings.Repeat("x", 97<<10)) + end, 413},
		"very large":       {part("file", strings.Repeat("x", organizations.MaxLogo+200<<10)) + end, 413},
		"very many fields": {manyParts(part, 70) + end, 400},
	} {
		w := fresh(https)
		r := httptest.NewRequest("POST", "/org/looms/branding/logo", strings.NewReader(c.body))
		r.Header.Set("Content-Type", "multipart/form-data; boundary="+boundary)
		if rec := w.do(r); rec.Code != c.want || w.orgs.called != nil {
			t.Errorf("%s: %d, called %v", name, rec.Code, w.orgs.called)
		}
	}
	for _, media := range []string{"multipart/form-data", "text/plain", "multipart/mixed; boundary=b", ""} {
		w := fresh(https)
		r := httptest.NewRequest("POST", "/org/looms/branding/logo", strings.NewReader(part("file", "a")+end))
		r.Header.Set("Content-Type", media)
		if rec := w.do(r); rec.Code < 400 || rec.Code >= 500 || w.orgs.called != nil {
			t.Errorf("%q: %d, called %v", media, rec.Code, w.orgs.called)
		}
	}
}

func manyParts(part func(name, content string) string, n int) string {
	var out strings.Builder
	for i := range n {
		out.WriteString(part(fmt.Sprint("f", i), ""))
	}
	return out.String()
}

func TestLogosAreServedByTheirContent(t *testing.T) {
	w := newWorld(t, https)
	w.orgs.logo = []byte("\x89PNG")
	sum := sha256.Sum256(w.orgs.logo)
	path := "/org-logo/" + string(acmeID) + "/" + hex.EncodeToString(sum[:6]) + ".png"
	rec := w.get(path)
	want := map[string]string{
		"Content-Type": "image/png", "Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'", "Set-Cookie": "",
	}
	for name, value := range want {
		if rec.Header().Get(name) != value {
			t.Errorf("%s is %q", name, rec.Header().Get(name))
		}
	}
	if rec.Code != http.StatusOK || !bytes.Equal(rec.Body.Bytes(), w.orgs.logo) {
		t.Errorf("%d %q", rec.Code, rec.Body)
	}
	if rec := w.do(httptest.NewRequest("HEAD", path, nil)); rec.Code != http.StatusOK || rec.Body.Len() != 0 {
		t.Errorf("HEAD: %d", rec.Code)
	}
	for _, odd := range []string{
		"/org-logo/" + string(acmeID) + "/000000000000.png", "/org-logo/org_other/" + hex.EncodeToString(sum[:6]) + ".png", path + "x",
		"/org-logo/" + string(acmeID) + "/" + hex.EncodeToString(sum[:6]) + ".svg", "/org-logo/" + strings.Repeat("x", 65) + "/" + hex.EncodeToString(sum[:6]) + ".png",
	} {
		if rec := w.get(odd); rec.Code != http.StatusNotFound {
			t.Errorf("%s: %d", odd, rec.Code)
		}
	}
}

// Only logos that we serve ourselves are shown, whatever a branding says.
func TestForeignLogosAreNotLoaded(t *testing.T) {
	fresh := worlds(t)
	for _, address := range append([]string{"https://evil.example/org-logo/" + string(acmeID) + "/0123456789ab.png", "//evil.example/x.png", "/org-logo/../assets/x.png"}, payloads...) {
		w := fresh(https)
		w.flow.page = dueBy(flow.StepIdentify, func(p *flow.Page) {
			p.Branding = lanyard.Branding{Accent: address, LogoURL: address, LogoDarkURL: address}
		})
		if d := parse(t, w.get(rawQuery("/login")).Body.String()); len(d.elements("img"))+len(d.elements("source")) != 0 {
			t.Errorf("%s is loaded", address)
		}
	}
	w := fresh(https)
	w.flow.page = dueBy(flow.StepIdentify, branded)
	body := w.get(rawQuery("/login")).Body.String()
	if !strings.Contains(body, `<img src="/t/acme/org-logo/`+string(acmeID)+`/0123456789ab.png" alt=""`) || !strings.Contains(body, "theme-2e7d32") {
		t.Error(body)
	}
}

// Every field that people of an organization fill, in every page that shows one.
func TestPayloadsStayTextOnOrganizationPages(t *testing.T) {
	fresh := worlds(t)
	for _, evil := range payloads {
		show := map[string]func(*world) *httptest.ResponseRecorder{}
		for _, path := range []string{"", "/members", "/invitations", "/invitations/uses?id=inv_1", "/roles", "/roles?role=evil", "/domains", "/policy", "/branding", "/activity", "/delete"} {
			show[path] = func(w *world) *httptest.ResponseRecorder { return w.get("/org/looms" + path) }
		}
		for _, path := range []string{"/invitations", "/invitations/link", "/invitations/bulk", "/domains", "/policy", "/branding", "/branding/accent", "/roles", "/delete"} {
			show["POST "+path] = func(w *world) *httptest.ResponseRecorder {
				w.orgs.err = lanyard.ErrBadInput
				form := values("form", "link-", "email", evil, "domain", evil, "list", evil, "days", evil, "uses", evil, "client_id", evil, "name", evil, "slug", evil, "accent", evil, "language", "x", "lifetime", evil)
				return w.post("/org/looms"+path, form)
			}
		}
		show["mine"] = func(w *world) *httptest.ResponseRecorder { return w.get("/account/organizations") }
		show["invite"] = func(w *world) *httptest.ResponseRecorder { return w.get(invitePath) }
		show["code"] = func(w *world) *httptest.ResponseRecorder { return w.post("/invite", values("code", evil)) }
		for step, path := range map[flow.Step]string{flow.StepOrganization: "/login/organization", flow.StepNotMember: "/login/not-member", flow.StepInvitation: "/login/invitation"} {
			show[path] = func(w *world) *httptest.ResponseRecorder {
				w.flow.page = dueBy(step, askedFor(evil), func(p *flow.Page) {
					p.Joined, p.Offers, p.Joinable, p.Offer = w.orgs.all, w.orgs.offers, w.orgs.joinable, &w.orgs.offer
				})
				return w.get(rawQuery(path) + "&q=" + url.QueryEscape(evil))
			}
		}
		for name, show := range show {
			w := fresh(https)
			infectOrgs(w, evil)
			rec := show(w)
			if got := parse(t, rec.Body.String()).active(); len(got) != 0 || rec.Code >= 500 {
				t.Errorf("%s with %q: %d %v", name, evil, rec.Code, got)
			}
			if csp := rec.Header().Get("Content-Security-Policy"); strings.Contains(csp, "evil") || strings.Contains(csp, "alert") {
				t.Errorf("%s with %q: CSP %s", name, evil, csp)
			}
		}
	}
}

func infectOrgs(w *world, evil string) {
	infect(w, evil)
	f, user := w.orgs, lanyard.User{ID: lanyard.UserID(evil), Username: evil, Profile: lanyard.Profile{Name: evil, Email: evil}}
	o := &f.joined.Organization
	o.Name, o.Plan, o.Code, o.Language = evil, evil, evil, evil
	o.Branding = lanyard.Branding{Accent: evil, LogoURL: evil, LogoDarkURL: evil}
	f.roles = []lanyard.Role{{Name: evil, Permissions: []string{evil}}}
	f.joined.OwnRoles = []lanyard.Role{{Name: "evil", Permissions: []string{evil}}, {Name: evil}}
	f.catalogue = append(organizations.Catalogue(nil), lanyard.ResourceScope{Name: evil, Description: evil})
	f.all = []lanyard.Joined{{Organization: *o, Membership: lanyard.Membership{Roles: []string{evil}}}}
	f.offer, f.lookErr = organizations.Offer{Invitation: lanyard.Invitation{ID: lanyard.InvitationID(evil), Roles: []string{evil}}, Organization: *o, Inviter: evil}, nil
	f.offers, f.joinable = []organizations.Offer{f.offer}, []organizations.Joinable{{Organization: *o}}
	f.members = []lanyard.Member{{User: user, Membership: lanyard.Membership{Roles: []string{evil}}}}
	f.requests = []lanyard.JoinRequest{{User: user}}
	f.invitations = []lanyard.Invitation{{ID: lanyard.InvitationID(evil), Email: evil, Roles: []string{evil}}, {ID: "inv_2", Domain: evil, Uses: 1}}
	f.uses, f.rows = []lanyard.InvitationUse{{User: user}}, []organizations.BulkRow{{Email: evil}}
	f.domains = []lanyard.Domain{{Name: evil, Token: evil}, {Name: evil, VerifiedAt: now, Joining: lanyard.Joining(evil)}}
	f.facts = []organizations.Fact{{Event: lanyard.Event{Type: lanyard.EventType(evil), Actor: evil, Detail: map[string]string{evil + "_before": evil, evil: evil}}, ActorName: evil, UserName: evil}}
	w.live.Tenant.Policy.CreateOrganizations = true
}

// What an invitation shows needs its code, and answering it a form of ours.
func TestInviteRoutesAreOneTime(t *testing.T) {
	n := 0
	for _, route := range newWorld(t, https).pages.Routes() {
		if !strings.HasPrefix(route.Path, "/invite") {
			continue
		}
		n++
		if route.Access != web.OneTime || route.CSRF != web.CSRFSameOrigin || route.Head {
			t.Errorf("%s %s is declared as %s, %s", route.Method, route.Path, route.Access, route.CSRF)
		}
	}
	if n != 4 {
		t.Errorf("the table has %d routes", n)
	}
}

// myOrgForms are the forms of the page of one's organizations.
var myOrgForms = []struct {
	path string
	form url.Values
	want []any
	to   string
}{
	{"", values("name", " Looms ", "slug", " looms "), []any{"create", adaID, organizations.Founding{Name: "Looms", Slug: "looms"}}, "/org/looms?done=org_created"},
	{"/choose", values("organization", "org_1"), []any{"choose", adaID, lanyard.OrganizationID("org_1"), false}, "/account/organizations?done=org_chosen"},
	{"/choose", values("organization", "org_1", "remember", "1"), []any{"choose", adaID, lanyard.OrganizationID("org_1"), true}, "/account/organizations?done=org_chosen_always"},
	{"/leave", values("organization", "org_1"), []any{"leave", adaID, lanyard.OrganizationID("org_1")}, "/account/organizations?done=org_left"},
	{"/keep", values("organization", "org_1"), []any{"keep", adaID, lanyard.OrganizationID("org_1")}, "/account/organizations?done=org_kept"},
	{"/join", values("organization", "org_1"), []any{"ask", adaID, lanyard.OrganizationID("org_1")}, "/account/organizations?done=org_asked"},
	{"/accept", values("invitation", "inv_1"), []any{"accept", adaID, lanyard.InvitationID("inv_1"), ""}, "/account/organizations?done=org_joined"},
	{"/decline", values("invitation", "inv_1"), []any{"decline", adaID, lanyard.InvitationID("inv_1")}, "/account/organizations?done=org_declined"},
}

func TestMyOrganizationFormsCallOneDeedAndLeadBack(t *testing.T) {
	fresh := worlds(t)
	for _, c := range myOrgForms {
		w := fresh(https)
		rec := w.post("/account/organizations"+c.path, c.form)
		if diff := cmp.Diff(c.want, w.orgs.called); diff != "" || rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/t/acme"+c.to {
			t.Errorf("%s: %d %s %s", c.path, rec.Code, rec.Header().Get("Location"), diff)
		}
		if got := noticesOf(t, w.get(c.to)); got != 1 {
			t.Errorf("%s: the page after it has %d notices", c.path, got)
		}
		w = fresh(https)
		w.people.accounts = nil
		if rec := w.post("/account/organizations"+c.path, c.form); w.orgs.called != nil || !strings.HasPrefix(rec.Header().Get("Location"), "/t/acme/login") {
			t.Errorf("%s for a stranger: %d, called %v", c.path, rec.Code, w.orgs.called)
		}
		w = fresh(https)
		if rec := w.post("/account/organizations"+c.path, values("organization", strings.Repeat("x", 65), "invitation", strings.Repeat("x", 65), "name", strings.Repeat("x", 101))); w.orgs.called != nil || rec.Code >= 500 {
			t.Errorf("%s with much: %d, called %v", c.path, rec.Code, w.orgs.called)
		}
	}
	w := fresh(https)
	w.orgs.err = lanyard.ErrAlreadyMember
	if rec := w.post("/account/organizations/accept", values("invitation", "inv_1")); rec.Header().Get("Location") != "/t/acme/account/organizations?done=org_member" {
		t.Errorf("a member already: %d", rec.Code)
	}
	for err, want := range map[error]string{lanyard.ErrNotOffered: "another organization here", lanyard.ErrSlugTaken: "short name is taken", lanyard.ErrPolicyUnmet: "meet the rules"} {
		w := fresh(https)
		w.orgs.err = err
		path := "/account/organizations"
		if want == "meet the rules" {
			path += "/keep"
		}
		status := http.StatusOK
		if lanyard.KindOf(err) == lanyard.Conflict {
			status = http.StatusConflict
		}
		if rec := w.post(path, values("name", "Looms", "organization", "org_1")); rec.Code != status || !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%v: %d", err, rec.Code)
		}
	}
}
