package provider

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"
	"golang.org/x/time/rate"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/provider/token"
	"github.com/lanyard-id/lanyard/tenants"
)

// Pages draws what people see of the protocol.
type Pages interface {
	// Error shows a local error page; details are shown on a development server only.
	Error(c *gin.Context, err error, details ...[2]string) error
	// Stale shows that a sign-in has expired, with a way back to the client (nil if unknown).
	Stale(c *gin.Context, client *lanyard.Client) error
	// FormPost sends an answer on by a form.
	FormPost(c *gin.Context, answer web.Answer, client *lanyard.Client, uiLocales []string) error
	// LogoutConfirm asks whether to sign out; the form posts the hidden fields back.
	LogoutConfirm(c *gin.Context, client *lanyard.Client, accounts []lanyard.Account, hidden url.Values, origin string) error
	// UpstreamTested shows what a test sign-in over a connection found, with a way back.
	UpstreamTested(c *gin.Context, connection *lanyard.Connection, found lanyard.Assertion, back string) error
	// SignedOut says that it is done.
	SignedOut(c *gin.Context, client *lanyard.Client) error
	// StepPath is the path of the page of a step.
	StepPath(step flow.Step) string
}

// Provider serves the protocol endpoints.
type Provider struct {
	Flow   *flow.Flow
	Issuer *token.Issuer
	Pages  Pages
	Clock  clock.Clock
	Log    *slog.Logger
	// Dev shows on error pages what was expected and received.
	Dev bool

	engine    http.Handler
	exchanger *token.Exchanger
	documents *documents
	traces    *rate.Limiter
}

// tracesPerSecond bounds how many decision traces strangers can make the server write.
const tracesPerSecond = 20

// New checks that everything is there and sets up the engine.
func New(p Provider) (*Provider, error) {
	if p.Flow == nil || p.Issuer == nil || p.Pages == nil || p.Clock == nil || p.Log == nil {
		return nil, errors.New("provider: a part is missing")
	}
	p.engine, p.documents = newEngine(p.Issuer), &documents{}
	p.exchanger = newExchanger(p.Issuer, p.Flow.Accounts, p.Flow.Upstreams)
	p.traces = rate.NewLimiter(tracesPerSecond, tracesPerSecond)
	return &p, nil
}

func live(c *gin.Context) *tenants.Live { return tenants.FromContext(c.Request.Context()) }

func site(c *gin.Context) web.Site { return web.SiteOf(c.Request.Context()) }

// visitor is what the cookies of the request prove.
func visitor(c *gin.Context, id lanyard.AuthRequestID) flow.Visitor {
	return flow.Visitor{
		Browser: web.Browser(c.Request, site(c)), Binding: web.Binding(c.Request, site(c), id),
		UserAgent: web.UserAgent(c.Request), Address: web.AddressOf(c.Request.Context()),
	}
}
