package loginui

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// Flow is the sign-in behind the pages: *flow.Flow.
type Flow interface {
	// Page may come with an error and the client of a request that has expired,
	// so that the page about it can lead back there.
	Page(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor) (flow.Page, error)
	Identify(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token, username string) (flow.Moved, error)
	Choose(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, session lanyard.SessionID) (flow.Moved, error)
	Consent(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, allow bool) (flow.Moved, error)
	// Back lets the person type another sign-in name.
	Back(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string) (flow.Moved, error)
	Proofs
	Newcomers
	Duties
	Federation
}

// Federation is the way over upstreams.
type Federation interface {
	// Upstream begins a sign-in there and tells where the browser has to go.
	Upstream(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor) (string, error)
	Link(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, link bool) (flow.Moved, error)
}

// Proofs are the ways to prove who one is.
type Proofs interface {
	Password(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, password lanyard.Secret, keep bool) (flow.Moved, error)
	// TakeWay goes on by another way, Resend sends the code of the page once more.
	TakeWay(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, way lanyard.Way) (flow.Moved, error)
	Resend(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string) (flow.Moved, error)
	EmailCode(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token, code string, keep bool) (flow.Moved, error)
	// PasskeyRequest makes the options for navigator.credentials.get, Passkey takes its answer.
	PasskeyRequest(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor) ([]byte, error)
	Passkey(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, response []byte, keep, remember bool) (flow.Moved, error)
	Factor(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token, code string, remember bool) (flow.Moved, error)
}

// Newcomers make an account, or a new password for one.
type Newcomers interface {
	SignUp(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, form accounts.SignUpForm) (flow.Moved, error)
	SignUpCode(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token, code string) (flow.Moved, error)
	Forgot(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token, name string) error
}

// Duties have to be done before a sign-in ends.
type Duties interface {
	NewPassword(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, password lanyard.Secret) (flow.Moved, error)
	VerifyEmail(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token, code string) (flow.Moved, error)
	EnrolTOTP(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token, code string) (flow.Moved, error)
	// PasskeyCreation makes the options for navigator.credentials.create, EnrolPasskey takes its answer.
	PasskeyCreation(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor) ([]byte, error)
	EnrolPasskey(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, response []byte, name string) (flow.Moved, error)
	SkipEnrolment(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string) (flow.Moved, error)
	RenewCodes(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string) (flow.Moved, error)
	CodesSaved(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string) (flow.Moved, error)
}

// Paths of the steps, and of the forms on several of them.
const (
	pathLogin       = "/login"
	pathPassword    = "/login/password"
	pathPasskey     = "/login/passkey"
	pathEmailCode   = "/login/code"
	pathFactor      = "/login/factor"
	pathChoose      = "/login/choose"
	pathConsent     = "/login/consent"
	pathSignUp      = "/signup"
	pathSignUpCode  = "/signup/verify"
	pathForgot      = "/login/forgot"
	pathNewPassword = "/login/new-password"
	pathVerifyEmail = "/login/verify-email"
	pathEnrol       = "/login/enrol"
	pathCodes       = "/login/codes"
	pathResume      = "/oauth/resume"

	pathChange         = "/login/change"
	pathWay            = "/login/way"
	pathResend         = "/login/resend"
	pathPasskeyOptions = "/login/passkey/options"
	pathEnrolPasskey   = "/login/enrol/passkey"
	pathEnrolOptions   = "/login/enrol/passkey/options"
	pathEnrolSkip      = "/login/enrol/skip"
	pathNewCodes       = "/login/codes/new"
)

var pathOf = map[flow.Step]string{
	flow.StepIdentify:    pathLogin,
	flow.StepPassword:    pathPassword,
	flow.StepPasskey:     pathPasskey,
	flow.StepEmailCode:   pathEmailCode,
	flow.StepFactor:      pathFactor,
	flow.StepChoose:      pathChoose,
	flow.StepConsent:     pathConsent,
	flow.StepSignUp:      pathSignUp,
	flow.StepSignUpCode:  pathSignUpCode,
	flow.StepForgot:      pathForgot,
	flow.StepNewPassword: pathNewPassword,
	flow.StepVerifyEmail: pathVerifyEmail,
	flow.StepEnrol:       pathEnrol,
	flow.StepCodes:       pathCodes,
	flow.StepDone:        pathResume,

	flow.StepOrganization: pathOrganization,
	flow.StepNotMember:    pathNotMember,
	flow.StepInvitation:   pathInvitation,

	flow.StepConnection: pathConnection,
	flow.StepLink:       pathLinkIdentity,
}

// renderStep shows the page of a step.
type renderStep func(p *Pages, c *gin.Context, s *step, status int) error

// rendererOf are the pages of the steps.
var rendererOf = map[flow.Step]renderStep{
	flow.StepIdentify:    renderIdentifier,
	flow.StepPassword:    renderPassword,
	flow.StepPasskey:     renderPasskey,
	flow.StepEmailCode:   renderEmailCode,
	flow.StepFactor:      renderFactor,
	flow.StepChoose:      renderChooser,
	flow.StepConsent:     renderConsent,
	flow.StepSignUp:      renderSignUp,
	flow.StepSignUpCode:  renderSignUpCode,
	flow.StepForgot:      renderForgot,
	flow.StepNewPassword: renderNewPassword,
	flow.StepVerifyEmail: renderVerifyEmail,
	flow.StepEnrol:       renderEnrol,
	flow.StepCodes:       renderCodes,

	flow.StepOrganization: renderOrganization,
	flow.StepNotMember:    renderNotMember,
	flow.StepInvitation:   renderInvitation,

	flow.StepConnection: renderConnection,
	flow.StepLink:       renderLink,
}

// StepPath is the path of the page of a step, for the endpoints that lead there.
func (p *Pages) StepPath(step flow.Step) string { return pathOf[step] }
