package federation

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/fetch"
)

// discovery is what an upstream publishes about itself (OpenID Connect Discovery §3), as far as it is used.
type discovery struct {
	// issuer is what ID tokens must say; for Microsoft it may have a {tenantid} in it.
	issuer    string
	authorize string
	token     string
	userinfo  string
	jwks      string
	// auth are the ways to authenticate at the token endpoint, empty for the default (basic).
	auth []string
	// namesIssuer says that the answer at our callback always carries iss (RFC 9207 §3).
	namesIssuer bool
}

// discoveryURL is where the document of an issuer is (OpenID Connect Discovery §4).
func discoveryURL(issuer string) string {
	return strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration"
}

func (u *Upstreams) discover(ctx context.Context, c lanyard.Connection) (discovery, error) {
	return u.of(c).discovery.get(ctx, u.clock.Now, func(ctx context.Context) (discovery, error) {
		return u.loadDiscovery(ctx, c)
	})
}

func (u *Upstreams) loadDiscovery(ctx context.Context, c lanyard.Connection) (discovery, error) {
	body, err := u.document(ctx, discoveryURL(c.IssuerURL()))
	if err != nil {
		return discovery{}, err
	}
	var text struct {
		Issuer    string   `json:"issuer"`
		Authorize string   `json:"authorization_endpoint"`
		Token     string   `json:"token_endpoint"`
		UserInfo  string   `json:"userinfo_endpoint"`
		JWKS      string   `json:"jwks_uri"`
		Auth      []string `json:"token_endpoint_auth_methods_supported"`
		Names     bool     `json:"authorization_response_iss_parameter_supported"`
	}
	if json.Unmarshal(body, &text) != nil {
		return discovery{}, down("its discovery document can not be read")
	}
	if !rulesOf(c).publishes(c.IssuerURL(), text.Issuer) {
		return discovery{}, wrong("its discovery document is of another issuer")
	}
	for _, endpoint := range []string{text.Authorize, text.Token, text.JWKS} {
		if u.fetch.Check(endpoint) != nil {
			return discovery{}, wrong("an endpoint of it is not one that may be called")
		}
	}
	if text.UserInfo != "" && u.fetch.Check(text.UserInfo) != nil {
		text.UserInfo = ""
	}
	return discovery{
		issuer: text.Issuer, authorize: text.Authorize, token: text.Token, userinfo: text.UserInfo, jwks: text.JWKS,
		auth: text.Auth, namesIssuer: text.Names,
	}, nil
}

// document fetches JSON that anybody may read.
func (u *Upstreams) document(ctx context.Context, address string) ([]byte, error) {
	answer, err := u.ask(ctx, fetch.Request{URL: address, Header: http.Header{"Accept": {"application/json"}}})
	if err != nil {
		return nil, err
	}
	if answer.Status != http.StatusOK {
		return nil, down("a document of it comes with status %d", answer.Status)
	}
	return answer.Body, nil
}

// ask sends a request. What may not be called and what does not answer are the same to callers.
func (u *Upstreams) ask(ctx context.Context, r fetch.Request) (fetch.Response, error) {
	answer, err := u.fetch.Do(ctx, r)
	if errors.Is(err, fetch.ErrRefused) || errors.Is(err, fetch.ErrUnavailable) {
		return fetch.Response{}, down("%s: %v", hostOf(r.URL), err)
	}
	return answer, err
}

// hostOf is the part of a URL that may stand in a log.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an address"
	}
	return u.Host
}

// method is how we authenticate at the token endpoint.
func (d discovery) method(c lanyard.Connection) lanyard.UpstreamAuth {
	switch {
	case c.Auth != "":
		return c.Auth
	case len(d.auth) == 0, slices.Contains(d.auth, string(lanyard.UpstreamBasic)):
		return lanyard.UpstreamBasic
	}
	return lanyard.UpstreamPost
}
