package provider

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/token"
	"github.com/lanyard-id/lanyard/tenants"
)

// server is our side of the engine. It serves token, introspection, revocation and
// device authorization; the guard has authenticated the client before.
type server struct {
	op.UnimplementedServer
	issuer *token.Issuer
}

func newEngine(issuer *token.Issuer) http.Handler {
	return op.RegisterServer(&server{issuer: issuer}, op.Endpoints{
		Token: op.NewEndpoint(PathToken), Introspection: op.NewEndpoint(PathIntrospect), Revocation: op.NewEndpoint(PathRevoke),
		DeviceAuthorization: op.NewEndpoint(PathDeviceAuthorization),
	}, op.WithServerCORSOptions(nil))
}

// VerifyClient hands over the client that the guard authenticated.
func (s *server) VerifyClient(ctx context.Context, _ *op.Request[op.ClientCredentials]) (op.Client, error) {
	return opClient{callOf(ctx).client}, nil
}

// tokenAnswer is a successful answer (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3).
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	Scope        string `json:"scope,omitempty"`
}

// answer passes an outcome on. The engine only ever sees a bare OAuth error: it
// prints the parents of errors. The real one waits in the call.
func (s *server) answer(ctx context.Context, t token.Tokens, err error) (*op.Response, error) {
	if err != nil {
		return failed(ctx, err)
	}
	return op.NewResponse(tokenAnswer{
		AccessToken: t.AccessToken, TokenType: oidc.BearerToken, ExpiresIn: int64(t.ExpiresIn / time.Second),
		RefreshToken: t.RefreshToken, IDToken: t.IDToken, Scope: t.Scopes.String(),
	}), nil
}

func failed(ctx context.Context, err error) (*op.Response, error) {
	callOf(ctx).err = err
	return nil, op.NewStatusError(oidc.ErrInvalidRequest(), http.StatusBadRequest)
}

// CodeExchange is RFC 6749 §4.1.3.
func (s *server) CodeExchange(ctx context.Context, r *op.ClientRequest[oidc.AccessTokenRequest]) (*op.Response, error) {
	x := callOf(ctx)
	tokens, err := s.issuer.Redeem(ctx, tenants.FromContext(ctx), token.Redemption{
		Client: x.client, Code: lanyard.SecretOf(r.Data.Code), RedirectURI: r.Data.RedirectURI, Verifier: r.Data.CodeVerifier,
		Resources: x.form["resource"],
	})
	return s.answer(ctx, tokens, err)
}

// RefreshToken is RFC 6749 §6.
func (s *server) RefreshToken(ctx context.Context, r *op.ClientRequest[oidc.RefreshTokenRequest]) (*op.Response, error) {
	x := callOf(ctx)
	scopes, err := lanyard.ParseScopes(x.form.Get("scope"))
	if err != nil {
		return failed(ctx, err)
	}
	tokens, err := s.issuer.Refresh(ctx, tenants.FromContext(ctx), token.Renewal{
		Client: x.client, Token: r.Data.RefreshToken, Scopes: scopes, Resources: x.form["resource"],
	})
	return s.answer(ctx, tokens, err)
}

// ClientCredentialsExchange is RFC 6749 §4.4.
func (s *server) ClientCredentialsExchange(ctx context.Context, _ *op.ClientRequest[oidc.ClientCredentialsRequest]) (*op.Response, error) {
	x := callOf(ctx)
	scopes, err := lanyard.ParseScopes(x.form.Get("scope"))
	if err != nil {
		return failed(ctx, err)
	}
	tokens, err := s.issuer.Machine(ctx, tenants.FromContext(ctx), token.MachineOrder{
		Client: x.client, Scopes: scopes, Resources: x.form["resource"],
		Organization: x.form.Get("organization"),
	})
	return s.answer(ctx, tokens, err)
}

// introspection is what is told of a token (RFC 7662 §2.2).
type introspection struct {
	Active    bool     `json:"active"`
	Scope     string   `json:"scope,omitempty"`
	ClientID  string   `json:"client_id,omitempty"`
	Username  string   `json:"username,omitempty"`
	TokenType string   `json:"token_type,omitempty"`
	Expires   int64    `json:"exp,omitempty"`
	IssuedAt  int64    `json:"iat,omitempty"`
	Subject   string   `json:"sub,omitempty"`
	Audience  any      `json:"aud,omitempty"`
	Issuer    string   `json:"iss,omitempty"`
	JTI       string   `json:"jti,omitempty"`
	SID       string   `json:"sid,omitempty"`
	ACR       string   `json:"acr,omitempty"`
	AMR       []string `json:"amr,omitempty"`
	AuthTime  int64    `json:"auth_time,omitempty"`
	// Acting is who acts for the person (RFC 8693 §4.1).
	Acting *lanyard.Acting `json:"act,omitempty"`
	lanyard.OrganizationClaims
	Permissions []string `json:"permissions,omitempty"`
}

// Introspect is RFC 7662. What does not concern the caller is inactive, without a reason.
func (s *server) Introspect(ctx context.Context, r *op.Request[op.IntrospectionRequest]) (*op.Response, error) {
	l, x := tenants.FromContext(ctx), callOf(ctx)
	v, err := s.issuer.Introspect(ctx, l, x.client.ID, x.form.Get("token"))
	if web.Public(err).Code == lanyard.ErrInvalidToken.Code && err != nil {
		return op.NewResponse(introspection{}), nil
	}
	if err != nil {
		return failed(ctx, err)
	}
	out := introspection{
		Active: true, Scope: v.Scopes.String(), ClientID: string(v.ClientID), TokenType: oidc.BearerToken, Expires: v.ExpiresAt.Unix(),
		IssuedAt: v.IssuedAt.Unix(), Subject: v.Subject, Issuer: l.Issuer, JTI: v.JTI, Audience: oneOrMany(v.Audience),
		OrganizationClaims: v.Organization(), Permissions: v.Permissions(l),
	}
	if v.Refresh {
		out.TokenType = "refresh_token"
	}
	if st := v.Standing; st != nil {
		out.SID, out.ACR, out.AMR, out.AuthTime = string(st.Grant.SessionID), st.Grant.ACR, st.Grant.AMR, st.Grant.AuthTime.Unix()
		out.Username, out.Acting = st.User.SignInName(), st.Grant.Acting()
	}
	return op.NewResponse(out), nil
}

func oneOrMany(audience []string) any {
	switch len(audience) {
	case 0:
		return nil
	case 1:
		return audience[0]
	}
	return audience
}

// Revocation is RFC 7009: unknown tokens are fine, an outage is not.
func (s *server) Revocation(ctx context.Context, _ *op.ClientRequest[oidc.RevocationRequest]) (*op.Response, error) {
	x := callOf(ctx)
	if err := s.issuer.Revoke(ctx, tenants.FromContext(ctx), x.client.ID, x.form.Get("token")); err != nil {
		return failed(ctx, err)
	}
	return op.NewResponse(json.RawMessage(`{}`)), nil
}
