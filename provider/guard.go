package provider

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
)

// repeatable parameters may come more than once (RFC 8707 §2, RFC 8693 §2.1).
var repeatable = []string{"resource", "audience"}

// call is a request that passed the guard, on its way through the engine.
type call struct {
	client *lanyard.Client
	form   url.Values
	// err is what the deed answered; the engine's own rendering of it is dropped.
	err error
}

type callKey struct{}

func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// requestCheck looks at what is special to one endpoint, before the client authenticates.
type requestCheck func(form url.Values) error

// guarded is everything in front of the engine: the shape of the request, the
// grant type, the client; and behind it the headers that the engine does not set.
func (p *Provider) guarded(check requestCheck) web.Handler {
	return func(c *gin.Context) error {
		x, err := p.admit(c, check)
		if err != nil {
			writeOAuth(c, err)
			return nil
		}
		if x.form.Get("grant_type") == lanyard.GrantTokenExchange {
			return p.exchange(c, x)
		}
		answer := &held{header: http.Header{}}
		ctx := context.WithValue(c.Request.Context(), callKey{}, x)
		p.engine.ServeHTTP(answer, c.Request.WithContext(ctx))
		if x.err == nil {
			x.err = answer.fault()
		}
		if x.err != nil {
			writeOAuth(c, x.err)
			return nil
		}
		web.NoStore(c.Writer.Header())
		c.Data(http.StatusOK, "application/json", answer.body.Bytes())
		return nil
	}
}

func (p *Provider) admit(c *gin.Context, check requestCheck) (*call, error) {
	if c.Request.URL.RawQuery != "" {
		return nil, lanyard.ErrInvalidRequest.Saying("parameters belong into the body")
	}
	form, err := web.PostForm(c.Request)
	if errors.Is(err, web.ErrMedia) {
		return nil, lanyard.ErrInvalidRequest.Saying("the content type is not application/x-www-form-urlencoded")
	}
	if err != nil {
		return nil, asInvalidRequest(err)
	}
	if err := checkForm(form); err != nil {
		return nil, err
	}
	if err := check(form); err != nil {
		return nil, err
	}
	c.Request.Form = form // the engine sees what was checked, and nothing else
	client, err := p.authenticateClient(c, form)
	if err != nil {
		return nil, err
	}
	if grant := form.Get("grant_type"); grant != "" && !client.MayUse(grant) {
		return nil, lanyard.ErrUnauthorizedClient
	}
	return &call{client: client, form: form}, nil
}

// asInvalidRequest gives a malformed body the code of RFC 6749 §5.2; the size keeps its own.
func asInvalidRequest(err error) error {
	if errors.Is(err, lanyard.ErrBadInput) {
		return lanyard.ErrInvalidRequest.Saying("the body is not valid text")
	}
	return err
}

// checkForm refuses repeats and drops parameters without a value (RFC 6749 §3.2).
func checkForm(form url.Values) error {
	for name, values := range form {
		if len(values) > 1 && !slices.Contains(repeatable, name) {
			return lanyard.ErrInvalidRequest.Saying("a parameter is repeated")
		}
		if values = slices.DeleteFunc(values, func(v string) bool { return v == "" }); len(values) == 0 {
			delete(form, name)
		} else {
			form[name] = values
		}
	}
	return nil
}

// grantTypes are those that the token endpoint knows.
var grantTypes = []string{
	lanyard.GrantAuthorizationCode, lanyard.GrantRefreshToken, lanyard.GrantClientCredentials, lanyard.GrantDeviceCode, lanyard.GrantTokenExchange,
}

func tokenRequest(form url.Values) error {
	switch grant := form.Get("grant_type"); {
	case grant == "":
		return lanyard.ErrInvalidRequest.Saying("grant_type is missing")
	case !slices.Contains(grantTypes, grant):
		return lanyard.ErrUnsupportedGrantType
	}
	return nil
}

func introspectRequest(form url.Values) error { return needsToken(form) }

func revokeRequest(form url.Values) error { return needsToken(form) }

func needsToken(form url.Values) error {
	if form.Get("token") == "" {
		return lanyard.ErrInvalidRequest.Saying("token is missing")
	}
	form.Del("grant_type")
	return nil
}

// held keeps the engine's answer back until it is known to be good.
type held struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (h *held) Header() http.Header { return h.header }

// WriteHeader implements http.ResponseWriter.
func (h *held) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}

// Write implements http.ResponseWriter.
func (h *held) Write(b []byte) (int, error) { return h.body.Write(b) }

// fault is the engine's own refusal, for what it checks before it asks us.
func (h *held) fault() error {
	if h.status == 0 || h.status == http.StatusOK {
		return nil
	}
	if h.status < http.StatusInternalServerError {
		for _, known := range []*lanyard.Error{lanyard.ErrInvalidClient, lanyard.ErrUnauthorizedClient, lanyard.ErrUnsupportedGrantType} {
			if strings.Contains(h.body.String(), `"`+known.Code+`"`) {
				return known
			}
		}
		return lanyard.ErrInvalidRequest.Saying("a parameter is missing or malformed")
	}
	return fmt.Errorf("the engine answered %d", h.status)
}
