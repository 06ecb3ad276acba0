package loginui

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// DeviceAuthorizations are the deeds behind the page for devices: *flow.Flow.
type DeviceAuthorizations interface {
	Device(ctx context.Context, live *tenants.Live, actor accounts.Actor, typed string) (flow.DevicePage, error)
	BeginDevice(ctx context.Context, live *tenants.Live, p flow.DevicePage, organization lanyard.OrganizationID, actor accounts.Actor, v flow.Visitor) (flow.Outcome, error)
	ApproveDevice(ctx context.Context, live *tenants.Live, actor accounts.Actor, p flow.DevicePage, organization lanyard.OrganizationID) error
	DenyDevice(ctx context.Context, live *tenants.Live, actor accounts.Actor, p flow.DevicePage) error
}

const (
	pathDevice    = flow.DevicePath
	userCodeField = "user_code"
	// maxUserCode is the longest code that is shown again, in bytes.
	maxUserCode = 64
)

// What the forms of the page say.
const (
	deviceAllow   = "allow"
	deviceDeny    = "deny"
	deviceAnother = "another"
)

// deviceRoutes are the page on which people decide about devices (RFC 8628 §3.3). The
// code of its address is typed for the person, never decided about.
func (p *Pages) deviceRoutes() []web.Route {
	if p.DeviceAuthorizations == nil || p.Accounts == nil || p.SignIn == nil {
		return nil
	}
	return []web.Route{page("GET", pathDevice, web.Session, p.getDevice), page("POST", pathDevice, web.Session, p.postDevice)}
}

// deviceCodeView is the page on which a user code is typed (L15).
type deviceCodeView struct {
	*frame
	Typed string
}

// deviceView is the page that asks whether a device may have what it asks for (L15).
type deviceView struct {
	*accountPage
	App string
	// Domain is where the application is from; empty if it does not say.
	Domain  string
	Account string
	// Code is to be compared with that of the device.
	Code       string
	Unverified bool
	Groups     []scopeGroup
	// Label is what the device calls itself, Asked when and Address where from it asked.
	Label   string
	Asked   moment
	Address string
	// Organization is what the access is for; empty for none, or where Choices are to be
	// chosen among.
	Organization string
	Choices      []choice
	// Barred says why the person can only refuse; empty where they can allow it.
	Barred string
}

// visit is a person with a code in front of the page.
type visit struct {
	me   self
	page flow.DevicePage
}

// deviceBack is the page to come back to after a sign-in, with what was typed.
func deviceBack(typed string) string { return flow.DevicePage{Code: typed}.Back() }

func (p *Pages) getDevice(c *gin.Context) error {
	me, err := p.self(c)
	if errors.Is(err, lanyard.ErrLoginRequired) {
		return p.signInFor(c, here(c, screen{path: pathDevice}))
	}
	if err != nil {
		return err
	}
	query := c.Request.URL.Query()
	if done := query.Get(doneParam); done == deviceAllow || done == deviceDeny {
		return p.showDeviceDone(c, me, done)
	}
	typed := query.Get(userCodeField)
	if typed == "" {
		return p.showDeviceCode(c, me, "", nil)
	}
	v, err := p.visit(c, me, typed)
	if err != nil {
		return p.deviceFault(c, me, typed, err)
	}
	if v.page.Unmet {
		return p.meetDevice(c, v, "")
	}
	return p.showDevice(c, v, "")
}

// visit looks at what a code stands for.
func (p *Pages) visit(c *gin.Context, me self, typed string) (visit, error) {
	me.From.Address = web.Neighbourhood(me.From.Address)
	found, err := p.DeviceAuthorizations.Device(c.Request.Context(), live(c), me.Actor, typed)
	return visit{me, found}, err
}

// deviceFault asks for another code; every one that opens nothing looks alike.
func (p *Pages) deviceFault(c *gin.Context, me self, typed string, err error) error {
	if !errors.Is(err, lanyard.ErrWrongCode) && !errors.Is(err, lanyard.ErrThrottled) {
		return err
	}
	return p.showDeviceCode(c, me, typed, err)
}

var deviceMistakes = among(
	mistake{errEmptyField, userCodeField, "device.empty", nil},
	mistake{lanyard.ErrWrongCode, userCodeField, "device.wrong", nil},
)

func (p *Pages) showDeviceCode(c *gin.Context, me self, typed string, wrong error) error {
	if len(typed) > maxUserCode || !utf8.ValidString(typed) {
		typed = ""
	}
	v, status := deviceCodeView{frame: p.deviceFrame(c, me), Typed: typed}, http.StatusOK
	if wrong != nil {
		var say words
		if say, status = p.explain(c, deviceMistakes, wrong); say == nil {
			return wrong
		}
		if err := say(&step{frame: v.frame}); err != nil {
			return err
		}
	}
	if err := v.heading("device.heading"); err != nil {
		return err
	}
	return p.show(c, status, "devicecode.html", v)
}

func (p *Pages) deviceFrame(c *gin.Context, me self) *frame {
	f := p.frame(c, []string{me.User.Profile.Locale})
	f.paint(live(c).Tenant.Branding)
	return f
}

// meetDevice lets the person sign in as it is needed, and come back.
func (p *Pages) meetDevice(c *gin.Context, v visit, organization lanyard.OrganizationID) error {
	o, err := p.DeviceAuthorizations.BeginDevice(c.Request.Context(), live(c), v.page, organization, v.me.Actor, p.newcomer(c))
	if err != nil {
		return err
	}
	if o.Local != "" { // there is nothing that would make it enough
		return lanyard.ErrPolicyUnmet
	}
	return p.lead(c, o)
}

// showDevice asks for a decision, with what was wrong with the last one.
func (p *Pages) showDevice(c *gin.Context, v visit, wrong string) error {
	d := v.page
	view := deviceView{
		accountPage: &accountPage{frame: p.deviceFrame(c, v.me), me: v.me, now: p.Clock.Now(), zone: zoneOf(v.me.User.Profile.Zoneinfo)},
		App:         appName(d.Client), Domain: hostOf(safeLink(d.Client.URI)), Account: plain(v.me.User.SignInName()), Code: d.Code,
		Unverified: !d.Client.FirstParty, Label: plain(d.Label), Address: d.Address,
	}
	if d.Organization != nil {
		view.Organization = plain(d.Organization.Organization.Name)
	}
	fill := []func() error{
		func() error { return view.heading("device.confirm_heading", "App", view.App) },
		func() error { return view.fillScopes(d) },
		func() error { return view.fillChoices(d, c.Request.PostForm.Get(organizationField)) },
		func() error { return view.fillBarred(d) },
	}
	for _, each := range fill {
		if err := each(); err != nil {
			return err
		}
	}
	var err error
	if view.Asked, err = view.moment(d.AskedAt); err != nil {
		return err
	}
	if wrong != "" {
		if err := view.problem("", wrong); err != nil {
			return err
		}
	}
	return p.show(c, http.StatusOK, "device.html", view)
}

func (v *deviceView) fillScopes(d flow.DevicePage) error {
	asked := d.Asked
	if len(asked) == 0 {
		asked = []flow.ScopeText{{Name: lanyard.ScopeOpenID}} // what every grant tells
	}
	var err error
	v.Groups, err = v.groups(asked)
	return err
}

func (v *deviceView) fillChoices(d flow.DevicePage, checked string) error {
	for _, j := range d.Choices {
		roles, err := v.roleNames(j.Membership.Roles)
		if err != nil {
			return err
		}
		id := string(j.Organization.ID)
		v.Choices = append(v.Choices, choice{ID: id, orgHead: headOf(j.Organization), Roles: roles, Checked: id == checked || len(d.Choices) == 1})
	}
	return nil
}

// fillBarred says why the person can not allow it. What they are not in is named as
// the device named it, whether it exists or not.
func (v *deviceView) fillBarred(d flow.DevicePage) error {
	if !d.Barred() {
		return nil
	}
	var err error
	if d.AskedFor == "" {
		v.Barred, err = v.T("device.no_organization", "App", v.App)
	} else {
		v.Barred, err = v.T("device.not_member", "Organization", plain(d.AskedFor))
	}
	return err
}

func (p *Pages) showDeviceDone(c *gin.Context, me self, done string) error {
	v := messageView{frame: p.deviceFrame(c, me)}
	if err := v.heading("device.done_" + done); err != nil {
		return err
	}
	text, err := v.T("device.done")
	if err != nil {
		return err
	}
	v.Texts = []string{text}
	return p.show(c, http.StatusOK, "message.html", v)
}

// postDevice takes a typed code or a decision. The form of a decision carries the
// code, and everything is looked at again.
func (p *Pages) postDevice(c *gin.Context) error {
	values, err := singleFields(c)
	if err != nil {
		return err
	}
	typed := strings.TrimSpace(values.Get(userCodeField))
	back := pathDevice
	if typed != "" && len(typed) <= maxUserCode {
		back = deviceBack(typed)
	}
	me, err := p.self(c)
	if errors.Is(err, lanyard.ErrLoginRequired) {
		return p.signInFor(c, back)
	}
	if err != nil {
		return err
	}
	switch decision := values.Get("decision"); {
	case typed == "":
		return p.showDeviceCode(c, me, "", errEmptyField)
	case decision == "" && len(typed) <= maxUserCode:
		return leadTo(pathDevice, url.Values{userCodeField: {typed}})(c)
	case decision == deviceAnother:
		return p.deviceFor(c, back)
	case decision == deviceAllow || decision == deviceDeny:
		return p.decideDevice(c, me, typed, posted{values: values})
	case decision == "":
		return p.showDeviceCode(c, me, "", lanyard.ErrWrongCode)
	}
	return errUndecided
}

// deviceFor lets another account decide.
func (p *Pages) deviceFor(c *gin.Context, back string) error {
	o, err := p.SignIn.BeginAnother(c.Request.Context(), live(c), back, p.newcomer(c))
	if err != nil {
		return err
	}
	return p.lead(c, o)
}

func (p *Pages) decideDevice(c *gin.Context, me self, typed string, f posted) error {
	v, err := p.visit(c, me, typed)
	if err != nil {
		return p.deviceFault(c, me, typed, err)
	}
	ctx, decision, organization := c.Request.Context(), f.value("decision"), lanyard.OrganizationID(f.value(organizationField))
	if decision == deviceDeny {
		err = p.DeviceAuthorizations.DenyDevice(ctx, live(c), me.Actor, v.page)
	} else {
		err = p.DeviceAuthorizations.ApproveDevice(ctx, live(c), me.Actor, v.page, organization)
	}
	switch {
	case err == nil:
		return leadTo(pathDevice, url.Values{doneParam: {decision}})(c)
	case errors.Is(err, lanyard.ErrPolicyUnmet):
		return p.meetDevice(c, v, organization)
	case errors.Is(err, lanyard.ErrNotFound):
		web.Note(c, err)
		return p.showDevice(c, v, "device.choose")
	}
	return p.deviceFault(c, me, typed, err)
}
