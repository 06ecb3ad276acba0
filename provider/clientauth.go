package provider

import (
	"errors"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
)

// credentials are what a request says of its client.
type credentials struct {
	id     lanyard.ClientID
	secret lanyard.Secret
	basic  bool
}

// authenticateClient finds out which client calls (RFC 6749 §2.3). Everything that
// fails is lanyard.ErrInvalidClient; more than one method is lanyard.ErrInvalidRequest.
func (p *Provider) authenticateClient(c *gin.Context, form url.Values) (*lanyard.Client, error) {
	creds, err := readCredentials(c, form)
	if err != nil {
		return nil, err
	}
	client, err := live(c).Client(c.Request.Context(), creds.id)
	if err != nil && !errors.Is(err, lanyard.ErrUnknownClient) {
		return nil, err
	}
	if client != nil {
		web.NoteClient(c.Request.Context(), client.ID)
	}
	if client == nil || !proves(client, creds, p.Clock.Now()) {
		return nil, p.clientRefused(c, creds)
	}
	return client, nil
}

// proves decides whether the credentials are those of the client. The right secret
// is told from a wrong one first, so that failures of others never block it.
func proves(client *lanyard.Client, creds credentials, now time.Time) bool {
	if client.Public() {
		return !client.Disabled && creds.secret.IsZero() && !creds.basic
	}
	return client.SecretMatches(creds.secret, now) && !client.Disabled
}

// readCredentials takes at most one method from the request.
func readCredentials(c *gin.Context, form url.Values) (credentials, error) {
	if form.Has("client_assertion") || form.Has("client_assertion_type") {
		if c.GetHeader("Authorization") != "" || form.Has("client_secret") {
			return credentials{}, lanyard.ErrInvalidRequest.Saying("more than one method of client authentication")
		}
		return credentials{}, lanyard.ErrInvalidClient.Saying("client assertions are not supported")
	}
	inBody := credentials{id: lanyard.ClientID(form.Get("client_id")), secret: lanyard.SecretOf(form.Get("client_secret"))}
	header := c.GetHeader("Authorization")
	if header == "" {
		if inBody.id == "" {
			return credentials{}, lanyard.ErrInvalidClient.Saying("the client did not authenticate")
		}
		return inBody, nil
	}
	basic, err := readBasic(c)
	if err != nil {
		return credentials{}, err
	}
	if !inBody.secret.IsZero() {
		return credentials{}, lanyard.ErrInvalidRequest.Saying("more than one method of client authentication")
	}
	if inBody.id != "" && inBody.id != basic.id {
		return credentials{}, lanyard.ErrInvalidRequest.Saying("client_id is not the client that authenticated")
	}
	return basic, nil
}

// readBasic decodes the header; id and secret are form-encoded in it (RFC 6749 §2.3.1).
func readBasic(c *gin.Context) (credentials, error) {
	bad := lanyard.ErrInvalidClient.Saying("the Authorization header is malformed")
	if len(c.Request.Header.Values("Authorization")) > 1 {
		return credentials{}, lanyard.ErrInvalidRequest.Saying("more than one Authorization header")
	}
	user, password, ok := c.Request.BasicAuth()
	if !ok {
		return credentials{}, bad
	}
	id, idErr := url.QueryUnescape(user)
	secret, secretErr := url.QueryUnescape(password)
	if idErr != nil || secretErr != nil || id == "" {
		return credentials{}, bad
	}
	return credentials{id: lanyard.ClientID(id), secret: lanyard.SecretOf(secret), basic: true}, nil
}

// clientRefused counts a wrong secret and gives the answer to it.
func (p *Provider) clientRefused(c *gin.Context, creds credentials) error {
	if creds.secret.IsZero() {
		return lanyard.ErrInvalidClient
	}
	ctx := c.Request.Context()
	return live(c).CountWrongSecret(ctx, web.Neighbourhood(web.AddressOf(ctx)), p.Clock.Now())
}
