package tenants

import (
	"net/url"
	"slices"
	"strings"

	"github.com/lanyard-id/lanyard"
)

// CheckClient refuses a registration that breaks a rule, with lanyard.ErrBadInput
// that says which. Call Client.Normalize before.
func CheckClient(c *lanyard.Client) error {
	for _, check := range []func(*lanyard.Client) string{
		checkClientID, checkMethod, checkGrants, checkRedirects, checkLinks, checkAlgorithms, checkPKCE, checkResources,
	} {
		if complaint := check(c); complaint != "" {
			return lanyard.ErrBadInput.Saying("client " + string(c.ID) + ": " + complaint)
		}
	}
	return nil
}

// CheckClientSecret refuses a secret that is too short to stand against guessing.
func CheckClientSecret(secret lanyard.Secret) error {
	if len(secret.Reveal()) < lanyard.MinClientSecret {
		return lanyard.ErrBadInput.Saying("a client secret has at least 32 characters")
	}
	return nil
}

func checkClientID(c *lanyard.Client) string {
	id := string(c.ID)
	if id == "" || len(id) > 128 || strings.Trim(id, clientIDCharacters) != "" {
		return "client_id is 1 to 128 letters, digits and . _ ~ : / -"
	}
	if c.ID == lanyard.ConsoleClient {
		return "client_id belongs to the console"
	}
	if len(c.Roles) > 0 && c.Type != lanyard.ClientMachine {
		return "only a machine client has roles; people have their own"
	}
	if lanyard.IsUserID(id) {
		return "client_id looks like the id of a person"
	}
	return ""
}

const clientIDCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~:/-"

func checkMethod(c *lanyard.Client) string {
	if !slices.Contains([]string{lanyard.AuthBasic, lanyard.AuthPost, lanyard.AuthNone}, c.AuthMethod) {
		return "token_endpoint_auth_method " + c.AuthMethod + " is not supported"
	}
	if c.Profile != "" && c.Profile != "oidc" {
		return "profile " + c.Profile + " is not supported"
	}
	return ""
}

func checkGrants(c *lanyard.Client) string {
	known := []string{lanyard.GrantAuthorizationCode, lanyard.GrantRefreshToken, lanyard.GrantClientCredentials, lanyard.GrantDeviceCode, lanyard.GrantTokenExchange}
	for _, g := range c.GrantTypes {
		if !slices.Contains(known, g) {
			return "grant type " + g + " is not supported"
		}
	}
	if c.Public() && c.MayUse(lanyard.GrantClientCredentials) {
		return "a public client can not use client_credentials"
	}
	if c.Public() && c.MayUse(lanyard.GrantTokenExchange) {
		return "a public client can not exchange tokens"
	}
	for _, t := range c.ResponseTypes {
		if t != "code" {
			return "response type " + t + " is not supported"
		}
	}
	return ""
}

func checkRedirects(c *lanyard.Client) string {
	if c.MayUse(lanyard.GrantAuthorizationCode) && len(c.RedirectURIs) == 0 {
		return "redirect_uris is empty"
	}
	for _, uri := range slices.Concat(c.RedirectURIs, c.PostLogoutRedirectURIs) {
		if lanyard.CheckRedirectURI(uri) != nil {
			return "the redirect URI " + uri + " is not acceptable"
		}
	}
	return ""
}

// checkLinks refuses script URLs in everything that is shown or called.
func checkLinks(c *lanyard.Client) string {
	for name, link := range map[string]string{
		"client_uri": c.URI, "logo_uri": c.LogoURI, "policy_uri": c.Policy, "tos_uri": c.Terms,
		"initiate_login_uri": c.InitiateLoginURI, "jwks_uri": c.JWKSURI,
		"backchannel_logout_uri": c.BackchannelLogoutURI, "frontchannel_logout_uri": c.FrontchannelLogoutURI,
	} {
		if link == "" {
			continue
		}
		u, err := url.Parse(link)
		if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && !(u.Scheme == "http" && lanyard.IsLoopbackHost(u.Hostname()))) {
			return name + " is not an https URL"
		}
	}
	return ""
}

func checkAlgorithms(c *lanyard.Client) string {
	if !slices.Contains([]string{lanyard.AlgRS256, lanyard.AlgES256, lanyard.AlgEdDSA}, c.IDTokenAlg) {
		return "id_token_signed_response_alg " + c.IDTokenAlg + " is not supported"
	}
	return ""
}

func checkPKCE(c *lanyard.Client) string {
	if c.Public() && !c.RequirePKCE {
		return "a public client needs PKCE"
	}
	return ""
}

func checkResources(c *lanyard.Client) string {
	for _, r := range slices.Concat(c.Resources, []string{c.DefaultResource}) {
		if r == "" {
			continue
		}
		if _, err := lanyard.ResourceKey(r); err != nil {
			return "the resource " + r + " is not an absolute URI without a fragment"
		}
	}
	return ""
}
