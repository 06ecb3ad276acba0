package provider

import (
	"context"
	"net/url"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/provider/token"
	"github.com/lanyard-id/lanyard/tenants"
)

// deviceAnswer is a successful device authorization response (RFC 8628 §3.2).
type deviceAnswer struct {
	DeviceCode              string `json:"device_code"`
	UserCode                string `json:"user_code"`
	VerificationURI         string `json:"verification_uri"`
	VerificationURIComplete string `json:"verification_uri_complete"`
	ExpiresIn               int64  `json:"expires_in"`
	Interval                int64  `json:"interval"`
}

// deviceRequest drops what a device authorization request has no use for.
func deviceRequest(form url.Values) error {
	form.Del("grant_type")
	return nil
}

// deviceChecks are those of an authorization request that mean something without a browser.
var deviceChecks = []func(*question) error{(*question).checkScope, (*question).checkOrganization, (*question).checkTarget}

// DeviceAuthorization is RFC 8628 §3.1, with the resources of RFC 8707.
func (s *server) DeviceAuthorization(ctx context.Context, _ *op.ClientRequest[oidc.DeviceAuthorizationRequest]) (*op.Response, error) {
	x, l := callOf(ctx), tenants.FromContext(ctx)
	q := &question{ctx: ctx, live: l, values: x.form, client: x.client}
	if err := q.run(deviceChecks); err != nil {
		return failed(ctx, err)
	}
	address := web.AddressOf(ctx)
	codes, err := s.issuer.BeginDevice(ctx, l, token.DeviceOrder{
		Client: x.client, Scopes: q.params.Scopes, Resources: q.params.Resources, Organization: q.params.Organization,
		Label: x.form.Get("device_label"), Address: address, Neighbourhood: web.Neighbourhood(address),
	})
	if err != nil {
		return failed(ctx, err)
	}
	shown := lanyard.ShowUserCode(codes.UserCode)
	return op.NewResponse(deviceAnswer{
		DeviceCode: codes.DeviceCode.Reveal(), UserCode: shown, VerificationURI: l.Issuer + flow.DevicePath,
		VerificationURIComplete: l.Issuer + flow.DevicePage{Code: shown}.Back(),
		ExpiresIn:               int64(codes.ExpiresIn / time.Second), Interval: int64(codes.Interval / time.Second),
	}), nil
}

// DeviceToken is RFC 8628 §3.4.
func (s *server) DeviceToken(ctx context.Context, r *op.ClientRequest[oidc.DeviceAccessTokenRequest]) (*op.Response, error) {
	x := callOf(ctx)
	tokens, err := s.issuer.RedeemDevice(ctx, tenants.FromContext(ctx), token.DeviceRedemption{
		Client: x.client, Code: lanyard.SecretOf(r.Data.DeviceCode), Resources: x.form["resource"],
	})
	return s.answer(ctx, tokens, err)
}
