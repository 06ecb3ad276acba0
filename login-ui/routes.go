package loginui

import (
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
)

// Routes is the table of the pages. That of the tiny relying party (PathTry and
// below) belongs to whoever runs it.
func (p *Pages) Routes() []web.Route {
	routes := []web.Route{
		page("GET", "/", web.Anyone, p.getHome),
		page("GET", pathLogin, web.Flow, p.stepPage(flow.StepIdentify, renderIdentifier)),
		page("POST", pathLogin, web.Flow, p.stepForm(p.identify, p.complainIdentifier)),
		page("GET", pathPassword, web.Flow, p.stepPage(flow.StepPassword, renderPassword)),
		page("POST", pathPassword, web.Flow, p.stepForm(p.password, p.complainPassword)),
		page("POST", pathChange, web.Flow, p.stepForm(p.back, noComplaint)),
		page("GET", pathChoose, web.Flow, p.stepPage(flow.StepChoose, renderChooser)),
		page("POST", pathChoose, web.Flow, p.stepForm(p.chooseAccount, noComplaint)),
		page("GET", pathConsent, web.Flow, p.stepPage(flow.StepConsent, renderConsent)),
		page("POST", pathConsent, web.Flow, p.stepForm(p.consent, noComplaint)),
		{
			Method: "GET", Path: assetsPath + ":name", Kind: web.File, Access: web.Anyone, CSRF: web.CSRFExempt("files change nothing"),
			CORS: web.CORSNone, Head: true, Handler: p.getAsset,
		},
	}
	if p.Setup != nil {
		routes = append(routes,
			page("GET", pathSetup, web.OneTime, p.getSetup),
			page("POST", pathSetup, web.OneTime, p.postSetup),
			page("GET", pathSetupDone, web.Anyone, p.getSetupDone),
		)
	}
	if p.Development != nil {
		routes = append(routes, page("GET", pathOutbox, web.Development, p.getOutbox))
	}
	return routes
}

// page is a route for people. Pages of a sign-in may run in a window that the
// application opened.
func page(method, path string, access web.Access, h web.Handler) web.Route {
	return web.Route{
		Method: method, Path: path, Kind: web.Page, Access: access, CSRF: web.CSRFSameOrigin, CORS: web.CORSNone,
		Popup: access == web.Flow, Head: path == "/", Handler: h,
	}
}
