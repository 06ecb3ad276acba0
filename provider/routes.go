package provider

import (
	"net/http"

	"github.com/lanyard-id/lanyard/internal/web"
)

// Paths of the endpoints below the issuer.
const (
	PathAuthorize  = "/oauth/authorize"
	PathResume     = "/oauth/resume"
	PathToken      = "/oauth/token"
	PathIntrospect = "/oauth/introspect"
	PathRevoke     = "/oauth/revoke"
	PathUserinfo   = "/oauth/userinfo"
	PathLogout     = "/oauth/logout"
	PathJWKS       = "/oauth/jwks"
	PathDiscovery  = "/.well-known/openid-configuration"
	PathMetadata   = "/.well-known/oauth-authorization-server"

	PathDeviceAuthorization = "/oauth/device_authorization"

	pathUpstreamAnswer = "/federation/:connection/callback"
)

// Routes is the table of the protocol endpoints.
func (p *Provider) Routes() []web.Route {
	const (
		get  = http.MethodGet
		post = http.MethodPost
	)
	var (
		byClient = web.CSRFExempt("the client proves itself, no cookie is read")
		byBearer = web.CSRFExempt("the access token proves the caller, no cookie is read")
		stored   = web.CSRFExempt("a cross-site form decides nothing: it is stored and answered by a redirect to a GET")
		logout   = web.CSRFExempt("a relying party may post here; only a form with the browser's own token ends anything")
	)
	return []web.Route{
		{Method: get, Path: PathDiscovery, Kind: web.Data, Access: web.Anyone, CSRF: web.CSRFSameOrigin, CORS: web.CORSPublic, Head: true, Handler: p.discovery},
		{Method: get, Path: PathMetadata, Kind: web.Data, Access: web.Anyone, CSRF: web.CSRFSameOrigin, CORS: web.CORSPublic, Head: true, Handler: p.discovery},
		{Method: get, Path: PathJWKS, Kind: web.Data, Access: web.Anyone, CSRF: web.CSRFSameOrigin, CORS: web.CORSPublic, Head: true, Handler: p.jwks},
		{Method: get, Path: PathAuthorize, Kind: web.Page, Access: web.Anyone, CSRF: web.CSRFSameOrigin, CORS: web.CORSNone, Popup: true, Handler: p.authorize},
		{Method: post, Path: PathAuthorize, Kind: web.Page, Access: web.Anyone, CSRF: stored, CORS: web.CORSNone, Popup: true, Handler: p.authorizePosted},
		{Method: get, Path: PathResume, Kind: web.Page, Access: web.Flow, CSRF: web.CSRFSameOrigin, CORS: web.CORSNone, Popup: true, Handler: p.resume},
		{Method: post, Path: PathToken, Kind: web.Data, Access: web.Client, CSRF: byClient, CORS: web.CORSRegistered, Handler: p.guarded(tokenRequest)},
		{Method: post, Path: PathIntrospect, Kind: web.Data, Access: web.Client, CSRF: byClient, CORS: web.CORSNone, Handler: p.guarded(introspectRequest)},
		{Method: post, Path: PathRevoke, Kind: web.Data, Access: web.Client, CSRF: byClient, CORS: web.CORSRegistered, Handler: p.guarded(revokeRequest)},
		{Method: post, Path: PathDeviceAuthorization, Kind: web.Data, Access: web.Client, CSRF: byClient, CORS: web.CORSRegistered, Handler: p.guarded(deviceRequest)},
		{Method: get, Path: pathUpstreamAnswer, Kind: web.Page, Access: web.Flow, CSRF: web.CSRFSameOrigin, CORS: web.CORSNone, Popup: true, Handler: p.upstreamAnswer},
		{Method: get, Path: PathUserinfo, Kind: web.Data, Access: web.Bearer, CSRF: web.CSRFSameOrigin, CORS: web.CORSRegistered, Handler: p.userinfo},
		{Method: post, Path: PathUserinfo, Kind: web.Data, Access: web.Bearer, CSRF: byBearer, CORS: web.CORSRegistered, Handler: p.userinfo},
		{Method: get, Path: PathLogout, Kind: web.Page, Access: web.Anyone, CSRF: web.CSRFSameOrigin, CORS: web.CORSNone, Handler: p.logout},
		{Method: post, Path: PathLogout, Kind: web.Page, Access: web.Anyone, CSRF: logout, CORS: web.CORSNone, Handler: p.logoutPosted},
	}
}
