package loginui_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// fakeDevices knows one code and notes what is decided about it.
type fakeDevices struct {
	page flow.DevicePage
	// err is what the page answers, decision what a decision does; enough says that
	// there is no sign-in that would make the session better.
	err, decision error
	enough        bool
	called        []any
	from          accounts.From
}

func (f *fakeDevices) Device(_ context.Context, _ *tenants.Live, actor accounts.Actor, typed string) (flow.DevicePage, error) {
	f.from = actor.From
	if f.err == nil && typed != f.page.Code {
		return flow.DevicePage{}, lanyard.ErrWrongCode
	}
	return f.page, f.err
}

func (f *fakeDevices) BeginDevice(_ context.Context, _ *tenants.Live, p flow.DevicePage, organization lanyard.OrganizationID, _ accounts.Actor, _ flow.Visitor) (flow.Outcome, error) {
	f.called = []any{"begin", p.Code, organization}
	if f.enough {
		return flow.Outcome{Local: p.Back()}, nil
	}
	return flow.Outcome{Request: request, Binding: lanyard.NewSecret(), Next: flow.StepPassword}, nil
}

func (f *fakeDevices) ApproveDevice(_ context.Context, _ *tenants.Live, actor accounts.Actor, p flow.DevicePage, organization lanyard.OrganizationID) error {
	f.called = []any{"approve", actor.User.ID, p.Code, organization}
	return f.decision
}

func (f *fakeDevices) DenyDevice(_ context.Context, _ *tenants.Live, actor accounts.Actor, p flow.DevicePage) error {
	f.called = []any{"deny", actor.User.ID, p.Code}
	return f.decision
}

const (
	userCode   = "WDJB-MJHT"
	deviceHere = "/device?user_code=" + userCode
)

// asking has a device ask for something.
func asking(changes ...func(*flow.DevicePage)) func(*world) {
	return func(w *world) {
		page := flow.DevicePage{
			Code: userCode, Client: webApp(), Label: "Ada's chat", Address: "203.0.113.7", AskedAt: now.Add(-2 * time.Minute),
			Asked: []flow.ScopeText{{Name: "profile"}, {Name: "offline_access"}, {Name: "invoices:read", Description: "Read your invoices", Resource: "Billing"}},
		}
		for _, change := range changes {
			change(&page)
		}
		w.devices.page = page
	}
}

func ownDevice(p *flow.DevicePage) {
	p.Client.FirstParty, p.Client.URI, p.Label, p.Asked = true, "", "", nil
}

func forOrganization(p *flow.DevicePage) {
	joined := acmeOrg(lanyard.RoleMember)
	p.AskedFor, p.Organization = "acme", &joined
}

func choosing(p *flow.DevicePage) { p.Client.RequireOrganization, p.Choices = true, several(3) }

func notMember(p *flow.DevicePage) { p.AskedFor = "looms" }

func inNone(p *flow.DevicePage) { p.Client.RequireOrganization = true }

func unmet(p *flow.DevicePage) { p.Unmet = true }

// deviceErr lets the look at a code fail, decisionErr the decision about it.
func deviceErr(err error) func(*world) { return func(w *world) { w.devices.err = err } }

func decisionErr(err error) func(*world) { return func(w *world) { w.devices.decision = err } }

func deviceCases() []pageCase {
	allow := values("user_code", userCode, "decision", "allow")
	return []pageCase{
		{"device-code", 200, at("/device")},
		{"device-code-empty", 200, sent("/device", nil)},
		{"device-code-wrong", 200, at("/device?user_code=BCDF-GHJK", asking())},
		{"device-code-throttled", 429, at(deviceHere, deviceErr(lanyard.ErrThrottled.After(90*time.Second)))},
		{"device", 200, at(deviceHere, asking())},
		{"device-own", 200, at(deviceHere, asking(ownDevice))},
		{"device-organization", 200, at(deviceHere, asking(forOrganization))},
		{"device-choose", 200, at(deviceHere, asking(choosing))},
		{"device-choose-empty", 200, sent("/device", allow, asking(choosing), decisionErr(lanyard.ErrNotFound))},
		{"device-not-member", 200, at(deviceHere, asking(notMember))},
		{"device-no-organization", 200, at(deviceHere, asking(inNone))},
		{"device-raced", 200, sent("/device", allow, asking(), decisionErr(lanyard.ErrWrongCode))},
		{"device-allowed", 200, at("/device?done=allow")},
		{"device-denied", 200, at("/device?done=deny")},
		{"error-device-unmet", 403, at(deviceHere, asking(unmet), func(w *world) { w.devices.enough = true })},
	}
}

func TestDevicePageDoesWhatTheFormSays(t *testing.T) {
	at := "/t/acme" + deviceHere
	for name, c := range map[string]struct {
		form     []string
		states   []func(*world)
		location string
		called   []any
	}{
		"a code":               {[]string{"user_code", " " + userCode + " "}, nil, at, nil},
		"allow":                {[]string{"user_code", userCode, "decision", "allow"}, nil, "/t/acme/device?done=allow", []any{"approve", lanyard.UserID("usr_1"), userCode, lanyard.OrganizationID("")}},
		"allow, chosen":        {[]string{"user_code", userCode, "decision", "allow", "organization", "org_1"}, nil, "/t/acme/device?done=allow", []any{"approve", lanyard.UserID("usr_1"), userCode, lanyard.OrganizationID("org_1")}},
		"deny":                 {[]string{"user_code", userCode, "decision", "deny"}, nil, "/t/acme/device?done=deny", []any{"deny", lanyard.UserID("usr_1"), userCode}},
		"policy of the choice": {[]string{"user_code", userCode, "decision", "allow", "organization", "org_1"}, []func(*world){decisionErr(lanyard.ErrPolicyUnmet)}, "/t/acme/login/password?request=" + string(request), []any{"begin", userCode, lanyard.OrganizationID("org_1")}},
		"another account":      {[]string{"user_code", userCode, "decision", "another"}, nil, "/t/acme/login/password?request=" + string(request), nil},
		"signed out":           {[]string{"user_code", userCode, "decision", "allow"}, []func(*world){func(w *world) { w.people.accounts = nil }}, "/t/acme/login/password?request=" + string(request), nil},
		"neither":              {[]string{"user_code", userCode, "decision", "yes"}, nil, "", nil},
		"another code":         {[]string{"user_code", "BCDF-GHJK", "decision", "allow"}, nil, "", nil},
		"a very long one":      {[]string{"user_code", strings.Repeat("B", 65), "decision", "allow"}, nil, "", nil},
		"too long to type":     {[]string{"user_code", strings.Repeat("B", 65)}, nil, "", nil},
	} {
		w := newWorld(t, https)
		asking()(w)
		for _, state := range c.states {
			state(w)
		}
		rec := w.post("/device", values(c.form...))
		if got := rec.Header().Get("Location"); got != c.location {
			t.Errorf("%s: %d to %q, want %q", name, rec.Code, got, c.location)
		}
		if diff := cmp.Diff(c.called, w.devices.called); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if strings.Contains(rec.Body.String(), strings.Repeat("B", 65)) {
			t.Errorf("%s: what was typed is shown again", name)
		}
	}
}

// TestDevicePageComesBackWithItsCode after a sign-in, and decides nothing by itself.
func TestDevicePageComesBackWithItsCode(t *testing.T) {
	w := newWorld(t, https)
	asking()(w)
	w.people.accounts = nil
	w.get(deviceHere)
	if w.people.led == nil || w.people.led[0] != deviceHere {
		t.Errorf("led to %v", w.people.led)
	}
	w.post("/device", values("user_code", userCode, "decision", "allow"))
	if w.people.led[0] != deviceHere || w.devices.called != nil {
		t.Errorf("a form led to %v, called %v", w.people.led, w.devices.called)
	}
	w = newWorld(t, https)
	asking(unmet)(w)
	if rec := w.get(deviceHere + "&decision=allow"); rec.Header().Get("Location") == "" || !cmp.Equal([]any{"begin", userCode, lanyard.OrganizationID("")}, w.devices.called) {
		t.Errorf("%d, called %v", rec.Code, w.devices.called)
	}
	asking()(w)
	w.devices.called = nil
	if rec := w.get(deviceHere + "&decision=allow&organization=org_1"); rec.Code != http.StatusOK || w.devices.called != nil {
		t.Errorf("%d, called %v", rec.Code, w.devices.called)
	}
}

func TestDeviceRoutesAreForThePersonAlone(t *testing.T) {
	found := 0
	for _, route := range newWorld(t, https).pages.Routes() {
		if strings.HasPrefix(route.Path, "/device") {
			found++
			if route.Access != web.Session || route.CSRF != web.CSRFSameOrigin || route.CORS != web.CORSNone {
				t.Errorf("%s %s is declared as %s, %s, %s", route.Method, route.Path, route.Access, route.CSRF, route.CORS)
			}
		}
	}
	if found != 2 {
		t.Errorf("%d routes", found)
	}
}

// TestDevicePageShowsWhatStrangersSayAsText, in every field that they fill.
func TestDevicePageShowsWhatStrangersSayAsText(t *testing.T) {
	fresh := worlds(t)
	for _, evil := range payloads {
		w := fresh(local)
		infect(w, evil)
		asking(choosing, func(p *flow.DevicePage) {
			p.Client.ID, p.Client.Name, p.Client.URI, p.Label, p.Address, p.AskedFor = lanyard.ClientID(evil), evil, evil, evil, evil, ""
			p.Asked = []flow.ScopeText{{Name: evil}, {Name: evil, Description: evil, Resource: evil}}
			for i := range p.Choices {
				p.Choices[i].Organization.Name, p.Choices[i].Membership.Roles = evil, []string{evil}
			}
		})(w)
		for name, rec := range map[string]*httptest.ResponseRecorder{
			"confirm": w.get(deviceHere), "wrong": w.get("/device?" + values("user_code", evil).Encode()), "form": w.post("/device", values("user_code", evil, "decision", "allow")),
		} {
			if got := parse(t, rec.Body.String()).active(); len(got) != 0 || rec.Code != http.StatusOK {
				t.Errorf("%s with %q: %d %v", name, evil, rec.Code, got)
			}
		}
		w = fresh(local)
		asking(func(p *flow.DevicePage) { p.AskedFor = evil })(w)
		if got := parse(t, w.get(deviceHere).Body.String()).active(); len(got) != 0 {
			t.Errorf("not a member of %q: %v", evil, got)
		}
	}
}

// TestGuessesAreCountedForTheNeighbourhood of an address, as one person has all of it.
func TestGuessesAreCountedForTheNeighbourhood(t *testing.T) {
	w := newWorld(t, https)
	asking()(w)
	r := httptest.NewRequest("GET", deviceHere, nil)
	r.RemoteAddr = "[2001:db8::1234]:4711"
	w.do(r)
	if got := w.devices.from.Address; got != "2001:db8::/64" {
		t.Errorf("counted for %q", got)
	}
}
