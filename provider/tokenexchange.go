package provider

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/federation"
	"github.com/lanyard-id/lanyard/provider/token"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// exchangeAnswer is a successful answer to a token exchange (RFC 8693 §2.2.1).
type exchangeAnswer struct {
	tokenAnswer
	IssuedTokenType string `json:"issued_token_type"`
}

// checkExchange finds what is asked for that is never given (RFC 8693 §2.1).
func checkExchange(form url.Values) error {
	wanted := form.Get("requested_token_type")
	switch {
	case form.Get("subject_token") == "":
		return lanyard.ErrInvalidRequest.Saying("subject_token is missing")
	case form.Get("subject_token_type") != lanyard.TokenTypeMiniApp:
		return lanyard.ErrInvalidRequest.Saying("subject_token_type is missing or not supported")
	case wanted != "" && wanted != lanyard.TokenTypeAccessToken:
		return lanyard.ErrInvalidRequest.Saying("requested_token_type is not supported")
	case form.Has("actor_token"), form.Has("actor_token_type"):
		return lanyard.ErrInvalidRequest.Saying("the client itself is the actor: there is no actor_token")
	case form.Has("audience"):
		return lanyard.ErrInvalidTarget.Saying("audience is not supported: name a resource")
	case form.Has("organization"):
		return lanyard.ErrInvalidTarget.Saying("an exchanged token is for no organization")
	}
	return nil
}

// exchange is RFC 8693. The engine is left out: it knows no kinds of tokens but its own.
func (p *Provider) exchange(c *gin.Context, x *call) error {
	tokens, err := p.exchanged(c, x)
	if err != nil {
		writeOAuth(c, err)
		return nil
	}
	body, err := json.Marshal(exchangeAnswer{
		tokenAnswer: tokenAnswer{
			AccessToken: tokens.AccessToken, TokenType: oidc.BearerToken, ExpiresIn: int64(tokens.ExpiresIn / time.Second), Scope: tokens.Scopes.String(),
		},
		IssuedTokenType: lanyard.TokenTypeAccessToken,
	})
	if err != nil {
		return fmt.Errorf("writing the tokens: %w", err)
	}
	web.NoStore(c.Writer.Header())
	c.Data(http.StatusOK, "application/json", body)
	return nil
}

func (p *Provider) exchanged(c *gin.Context, x *call) (token.Tokens, error) {
	if err := checkExchange(x.form); err != nil {
		return token.Tokens{}, err
	}
	scopes, err := lanyard.ParseScopes(x.form.Get("scope"))
	if err != nil {
		return token.Tokens{}, err
	}
	return p.exchanger.Exchange(c.Request.Context(), live(c), token.Exchange{
		Client: x.client, Scopes: scopes, Resources: x.form["resource"], Connection: lanyard.ConnectionID(x.form.Get("connection")),
		InitData: x.form.Get("subject_token"),
	})
}

// newExchanger lets exchanges believe what upstreams prove to Mini Apps.
func newExchanger(issuer *token.Issuer, a *accounts.Accounts, u *federation.Upstreams) *token.Exchanger {
	return &token.Exchanger{Issuer: issuer, Accounts: a, Verify: func(c lanyard.Connection, initData string) (token.Evidence, error) {
		m, err := u.MiniApp(c, initData)
		return token.Evidence{Assertion: m.Assertion, At: m.AuthDate, Until: m.Until, Once: m.Once[:]}, err
	}}
}
