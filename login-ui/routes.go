package loginui

import (
	"slices"

	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
)

// Routes is the table of the pages. That of the tiny relying party (PathTry and
// below) belongs to whoever runs it.
func (p *Pages) Routes() []web.Route {
	routes := slices.Concat([]web.Route{
		page("GET", "/", web.Anyone, p.getHome),
		{
			Method: "GET", Path: assetsPath + ":name", Kind: web.File, Access: web.Anyone, CSRF: web.CSRFExempt("files change nothing"),
			CORS: web.CORSNone, Head: true, Handler: p.getAsset,
		},
	}, p.signInRoutes(), p.proofRoutes(), p.dutyRoutes(), p.wellKnownRoutes(), p.accountRoutes(), p.deviceRoutes(), p.organizationRoutes())
	if p.hasOrganizations() {
		routes = append(routes, slices.Concat(p.inviteRoutes(), p.orgRoutes(), []web.Route{p.logoRoute()})...)
	}
	if p.Recovery != nil {
		routes = append(routes,
			page("GET", pathReset, web.OneTime, p.getReset),
			page("POST", pathReset, web.OneTime, p.postReset),
			page("GET", pathResetDone, web.Anyone, p.getResetDone),
			page("GET", pathLink, web.OneTime, p.getLink),
		)
	}
	if p.Setup != nil {
		setupForm, setupOptions := page("POST", pathSetup, web.OneTime, p.postSetup), options(pathSetupPasskey, p.setupOptions)
		setupForm.MaxBody, setupOptions.Access = maxCredentialForm, web.OneTime
		routes = append(routes,
			page("GET", pathSetup, web.OneTime, p.getSetup),
			setupForm,
			setupOptions,
			page("GET", pathSetupDone, web.Anyone, p.getSetupDone),
		)
	}
	if p.Development != nil {
		routes = append(routes, page("GET", pathOutbox, web.Development, p.getOutbox))
	}
	return routes
}

// signInRoutes are who signs in, new accounts, and where the sign-in leads.
func (p *Pages) signInRoutes() []web.Route {
	return slices.Concat(
		p.stepRoutes(flow.StepIdentify, p.stepForm(p.identify, p.complain(flow.StepIdentify, identifierMistakes))),
		p.stepRoutes(flow.StepChoose, p.stepForm(p.chooseAccount, noComplaint)),
		p.stepRoutes(flow.StepConsent, p.stepForm(p.consent, noComplaint)),
		p.stepRoutes(flow.StepSignUp, p.stepForm(p.signUp, p.complainNewcomer(flow.StepSignUp, signUpMistakes))),
		p.stepRoutes(flow.StepSignUpCode, p.stepForm(p.signUpCode, p.complainNewcomer(flow.StepSignUpCode, emailCodeMistakes))),
		p.stepRoutes(flow.StepForgot, p.formThen(p.forgot, p.complain(flow.StepForgot, identifierMistakes), p.forgotSent)),
		p.formRoutes(pathChange, p.stepForm(p.back, noComplaint)),
	)
}

// proofRoutes are the ways to prove who one is.
func (p *Pages) proofRoutes() []web.Route {
	return slices.Concat(
		p.stepRoutes(flow.StepPassword, p.stepForm(p.password, p.complain(flow.StepPassword, passwordMistakes))),
		p.stepRoutes(flow.StepPasskey, p.stepForm(p.passkey, p.complainPasskey)),
		p.stepRoutes(flow.StepEmailCode, p.stepForm(p.emailCode, p.complain(flow.StepEmailCode, emailCodeMistakes))),
		p.stepRoutes(flow.StepFactor, p.stepForm(p.factor, p.complain(flow.StepFactor, factorMistakes))),
		p.formRoutes(pathWay, p.stepForm(p.takeWay, p.complain(whicheverStep, tooSoon))),
		p.stepRoutes(flow.StepLink, p.stepForm(p.link, p.complain(flow.StepLink, linkMistakes))),
		p.formRoutes(pathResend, p.formThen(p.resend, p.complain(whicheverStep, tooSoon), p.resent)),
		[]web.Route{page("GET", pathConnection, web.Flow, p.stepPage(flow.StepConnection)), options(pathPasskeyOptions, p.passkeyRequest)},
	)
}

// dutyRoutes are what has to be done before a sign-in ends.
func (p *Pages) dutyRoutes() []web.Route {
	return slices.Concat(
		p.stepRoutes(flow.StepNewPassword, p.stepForm(p.newPassword, p.complain(flow.StepNewPassword, changeMistakes))),
		p.stepRoutes(flow.StepVerifyEmail, p.stepForm(p.verifyEmail, p.complain(flow.StepVerifyEmail, emailCodeMistakes))),
		p.stepRoutes(flow.StepEnrol, p.stepForm(p.enrolTOTP, p.complain(flow.StepEnrol, enrolMistakes))),
		p.formRoutes(pathEnrolPasskey, p.stepForm(p.enrolPasskey, p.complain(flow.StepEnrol, enrolPasskeyMistakes))),
		p.formRoutes(pathEnrolSkip, p.stepForm(p.skipEnrolment, p.complain(flow.StepEnrol, enrolMistakes))),
		p.stepRoutes(flow.StepCodes, p.stepForm(p.codesSaved, noComplaint)),
		p.formRoutes(pathNewCodes, p.stepForm(p.renewCodes, noComplaint)),
		[]web.Route{options(pathEnrolOptions, p.passkeyCreation)},
	)
}

func (p *Pages) wellKnownRoutes() []web.Route {
	return []web.Route{
		page("GET", "/.well-known/change-password", web.Anyone, p.getChangePassword),
		published("/.well-known/passkey-endpoints", p.getPasskeyEndpoints),
		published("/.well-known/webauthn", p.getRelatedOrigins),
	}
}

// stepRoutes are the page of a step and its form.
func (p *Pages) stepRoutes(step flow.Step, form web.Handler) []web.Route {
	return []web.Route{page("GET", pathOf[step], web.Flow, p.stepPage(step)), post(pathOf[step], form)}
}

// formRoutes are a form that stands on several pages, and a way on for whoever
// loads its address again.
func (p *Pages) formRoutes(path string, form web.Handler) []web.Route {
	return []web.Route{page("GET", path, web.Flow, p.leadOn), post(path, form)}
}

// post is a form of the sign-in. Those with the answer of an authenticator are larger.
func post(path string, form web.Handler) web.Route {
	r := page("POST", path, web.Flow, form)
	if path == pathPasskey || path == pathEnrolPasskey {
		r.MaxBody = maxCredentialForm
	}
	return r
}

// options is a route for the script of the pages: the options of a ceremony.
func options(path string, h web.Handler) web.Route {
	return web.Route{Method: "POST", Path: path, Kind: web.Data, Access: web.Flow, CSRF: web.CSRFSameOrigin, CORS: web.CORSNone, Handler: h}
}

// published is a document for everybody's programs.
func published(path string, h web.Handler) web.Route {
	return web.Route{
		Method: "GET", Path: path, Kind: web.Data, Access: web.Anyone, CSRF: web.CSRFExempt("a document changes nothing"),
		CORS: web.CORSPublic, Head: true, Handler: h,
	}
}

// page is a route for people. Pages of a sign-in may run in a window that the
// application opened.
func page(method, path string, access web.Access, h web.Handler) web.Route {
	return web.Route{
		Method: method, Path: path, Kind: web.Page, Access: access, CSRF: web.CSRFSameOrigin, CORS: web.CORSNone,
		Popup: access == web.Flow, Head: path == "/", Handler: h,
	}
}
