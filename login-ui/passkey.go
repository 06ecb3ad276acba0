package loginui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
)

const (
	// maxCredential bounds the answer of an authenticator, in bytes of JSON, and
	// maxCredentialForm the form around it, where every byte may be written as three.
	maxCredential     = 64 << 10
	maxCredentialForm = 256 << 10
	// maxCredentialID is the longest credential id, 1023 bytes (WebAuthn §4), in base64url.
	maxCredentialID = 1364
)

// passkeyView is the page that asks for a passkey (L4).
type passkeyView struct {
	*step
	Keep bool
}

func renderPasskey(p *Pages, c *gin.Context, s *step, status int) error {
	if err := s.heading("passkey.heading", "App", s.App); err != nil {
		return err
	}
	return p.show(c, status, "passkey.html", passkeyView{s, c.Request.PostForm.Get("keep") != ""})
}

func (p *Pages) passkey(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	credential, err := f.credential()
	if err != nil {
		return flow.Moved{}, err
	}
	return p.Flow.Passkey(ctx, live, f.id, v, f.token, credential, f.ticked("keep"), f.ticked("remember"))
}

// credential is the answer of an authenticator, as script wrote it into the form.
func (f posted) credential() ([]byte, error) {
	credential := f.value("credential")
	switch {
	case credential == "":
		return nil, errEmptyField
	case len(credential) > maxCredential:
		return nil, errLongField
	}
	return []byte(credential), nil
}

var passkeyMistakes = among(
	mistake{errEmptyField, "", "passkey.none", nil},
	mistake{lanyard.ErrNoPasskey, "", "passkey.refused", nil},
)

// complainPasskey shows whichever page is due. One that asks for a passkey that
// was deleted here tells the browser so.
func (p *Pages) complainPasskey(c *gin.Context, f posted, err error) (bool, error) {
	deleted := func(err error) words {
		if !errors.Is(err, lanyard.ErrDeletedPasskey) {
			return nil
		}
		return func(s *step) error {
			err := s.problem("", "passkey.deleted")
			s.Problem.Credential, s.Problem.RPID = credentialID(f.value("credential")), rpID(s.Site)
			return err
		}
	}
	return p.complain(whicheverStep, either(deleted, passkeyMistakes))(c, f, err)
}

// credentialID is the id in the answer of an authenticator; empty if there is none.
func credentialID(response string) string {
	var answer struct {
		ID string `json:"id"`
	}
	if json.Unmarshal([]byte(response), &answer) != nil || len(answer.ID) > maxCredentialID {
		return ""
	}
	const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	if strings.Trim(answer.ID, base64url) != "" {
		return ""
	}
	return answer.ID
}

// rpID is the host that the passkeys of a site are made for (WebAuthn §4).
func rpID(s web.Site) string {
	u, err := url.Parse(s.Issuer)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// passkeyRequest answers script with the options for navigator.credentials.get.
func (p *Pages) passkeyRequest(c *gin.Context) error {
	return p.passkeyOptions(c, p.Flow.PasskeyRequest)
}

// passkeyCreation answers script with the options for navigator.credentials.create.
func (p *Pages) passkeyCreation(c *gin.Context) error {
	return p.passkeyOptions(c, p.Flow.PasskeyCreation)
}

type optionsDeed func(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor) ([]byte, error)

func (p *Pages) passkeyOptions(c *gin.Context, do optionsDeed) error {
	id := lanyard.AuthRequestID(c.Query("request"))
	if id == "" || len(id) > maxID {
		return lanyard.ErrStaleFlow
	}
	options, err := do(c.Request.Context(), live(c), id, visitor(c, id))
	if err != nil {
		return err
	}
	writeJSON(c, options)
	return nil
}

// writeJSON answers a program.
func writeJSON(c *gin.Context, body []byte) {
	h := c.Writer.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.Writer.WriteHeader(http.StatusOK)
	if c.Request.Method != http.MethodHead {
		_, _ = c.Writer.Write(body) // the reader may have gone
	}
}

// marshalTo answers a program with a value.
func marshalTo(c *gin.Context, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("write an answer: %w", err)
	}
	writeJSON(c, body)
	return nil
}
