package loginui

import (
	"context"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// deviceDeeds list and end the sessions of a person.
type deviceDeeds interface {
	Devices(ctx context.Context, t accounts.Tenancy, user lanyard.UserID, now time.Time) ([]lanyard.Device, error)
	EndDevice(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, id lanyard.SessionID, now time.Time) error
	EndOtherDevices(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, now time.Time) (int64, error)
	EndAllDevices(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, now time.Time) (int64, error)
}

// devicesView is the page of where the person is signed in (A4).
type devicesView struct {
	*accountPage
	Devices []device
	// Several says that there are others than this one.
	Several bool
}

type device struct {
	Session, Name, Address string
	This, Remembered       bool
	Used, Created          moment
}

func (p *Pages) devicesScreen() screen {
	return screen{path: pathDevices, area: pathDevices, heading: "account.devices.heading", template: "accountdevices.html", view: p.viewDevices}
}

func (p *Pages) deviceForms() []accountForm {
	at := p.devicesScreen()
	return []accountForm{
		{path: pathDevices + "/end", at: at, do: p.endDevice, explain: noMistakes},
		{path: pathDevices + "/others", at: at, do: p.endOthers, explain: noMistakes},
		{path: pathDevices + "/all", at: at, do: p.endAll, explain: noMistakes},
	}
}

func (p *Pages) endDevice(c *gin.Context, me self, f posted) (web.Handler, error) {
	id := lanyard.SessionID(f.value("session"))
	if id == "" || len(id) > maxID {
		return nil, lanyard.ErrNotFound
	}
	answer := done(pathDevices, "device_ended")
	if id == me.Session.ID {
		answer = p.gone
	}
	return answer, p.Accounts.EndDevice(c.Request.Context(), live(c).Tenancy(), me.Actor, id, p.Clock.Now())
}

func (p *Pages) endOthers(c *gin.Context, me self, _ posted) (web.Handler, error) {
	n, err := p.Accounts.EndOtherDevices(c.Request.Context(), live(c).Tenancy(), me.Actor, p.Clock.Now())
	return done(pathDevices, "devices_ended", n), err
}

func (p *Pages) endAll(c *gin.Context, me self, _ posted) (web.Handler, error) {
	_, err := p.Accounts.EndAllDevices(c.Request.Context(), live(c).Tenancy(), me.Actor, p.Clock.Now())
	return p.gone, err
}

func (p *Pages) viewDevices(c *gin.Context, v *accountPage) (any, error) {
	all, err := p.Accounts.Devices(c.Request.Context(), live(c).Tenancy(), v.me.User.ID, v.now)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b lanyard.Device) int { return v.here(b) - v.here(a) })
	out := devicesView{accountPage: v, Several: len(all) > 1}
	for _, d := range all {
		entry, err := v.device(d)
		if err != nil {
			return nil, err
		}
		out.Devices = append(out.Devices, entry)
	}
	return out, nil
}

// here is 1 for the device of the request, which stands first, else 0.
func (v *accountPage) here(d lanyard.Device) int {
	if d.Session.ID == v.me.Session.ID {
		return 1
	}
	return 0
}

func (v *accountPage) device(d lanyard.Device) (device, error) {
	out := device{Session: string(d.Session.ID), Address: plain(d.Browser.Address), This: v.here(d) == 1, Remembered: d.Remembered}
	var err error
	if out.Name, err = v.deviceName(d.Browser.UserAgent); err != nil {
		return out, err
	}
	if out.Used, err = v.moment(d.Session.UsedAt); err != nil {
		return out, err
	}
	out.Created, err = v.moment(d.Session.CreatedAt)
	return out, err
}

// deviceName says which browser and system a user agent names.
func (f *frame) deviceName(userAgent string) (string, error) {
	browser, system := mail.Device(userAgent)
	switch {
	case browser != "" && system != "":
		return f.T("account.device.both", "Browser", browser, "System", system)
	case browser != "":
		return browser, nil
	case system != "":
		return system, nil
	default:
		return f.T("account.device.unknown")
	}
}
