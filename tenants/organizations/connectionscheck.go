package organizations

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lanyard-id/lanyard"
)

const (
	// maxConnectionText bounds each text of a connection, maxConnectionList each list,
	// maxConnectionSecret the secret or key, in bytes.
	maxConnectionText   = 500
	maxConnectionList   = 100
	maxConnectionSecret = 8 << 10
)

// CheckConnection tells what is wrong with a connection that somebody in the
// organization wants, and its secret (empty for the one it has): lanyard.ErrBadInput, or
// lanyard.ErrNotAllowed for roles that the person may not give.
func (o *Organizations) CheckConnection(s Seat, c lanyard.Connection, secret lanyard.Secret) error {
	if !slices.Contains(ConnectionKinds, c.Kind) {
		return lanyard.ErrBadInput.Saying("a connection of an organization is of the kind google, microsoft or oidc")
	}
	if c.Kind != lanyard.ConnectionOIDC && c.Auth == lanyard.UpstreamJWT {
		return lanyard.ErrBadInput.Saying("private_key_jwt is for the kind oidc")
	}
	if err := checkTexts(c); err != nil {
		return err
	}
	if err := o.Upstreams.Check(c); err != nil {
		return err
	}
	if err := checkSecret(c, secret); err != nil {
		return err
	}
	if c.JustInTime && letsAnybodyIn(c) {
		return lanyard.ErrBadInput.Saying("people become members by a connection of one Google Workspace domain, or of Microsoft tenants that are named")
	}
	for _, role := range c.DefaultRoles {
		switch {
		case role == lanyard.RoleOwner:
			return lanyard.ErrBadInput.Saying("nobody becomes an owner by signing in")
		case !known(role, s.Tenancy.Roles, s.OwnRoles):
			return lanyard.ErrBadInput.Saying("the role " + role + " does not exist")
		}
	}
	if !s.mayGiveAll(rolesOf(c)) {
		return lanyard.ErrNotAllowed
	}
	return nil
}

// letsAnybodyIn tells whether everybody who has an account at the upstream can sign in,
// whatever company they are of.
func letsAnybodyIn(c lanyard.Connection) bool {
	switch c.Kind {
	case lanyard.ConnectionGoogle:
		return c.HostedDomain == ""
	case lanyard.ConnectionMicrosoft:
		issuer, err := url.Parse(c.IssuerURL())
		if err != nil || len(c.AllowedTenants) > 0 {
			return err != nil
		}
		tenant, _, _ := strings.Cut(strings.TrimPrefix(issuer.Path, "/"), "/")
		return slices.Contains([]string{"", "common", "organizations", "consumers", lanyard.MicrosoftConsumers}, strings.ToLower(tenant))
	default:
		return false
	}
}

// checkTexts bounds what people type, and refuses what is no text of one line.
func checkTexts(c lanyard.Connection) error {
	all := slices.Concat([]string{c.Name, c.Issuer, c.UpstreamClientID, c.HostedDomain}, c.Scopes, c.AllowedTenants, c.RefusedTenants, c.DefaultRoles)
	for ours, theirs := range c.ClaimMapping {
		all = append(all, ours, theirs)
	}
	for theirs, ours := range c.ACRMapping {
		all = append(all, theirs, ours)
	}
	for _, text := range all {
		if len(text) > maxConnectionText || !utf8.ValidString(text) || strings.Map(printed, text) != text {
			return lanyard.ErrBadInput.Saying("a text of the connection is long, or not one line")
		}
	}
	if max(len(c.Scopes), len(c.AllowedTenants), len(c.RefusedTenants), len(c.DefaultRoles)) > maxConnectionList {
		return lanyard.ErrBadInput.Saying("a list of the connection is long")
	}
	if _, err := lanyard.ParseScopes(c.Scopes.String()); err != nil {
		return lanyard.ErrBadInput.Saying("a scope of the connection is malformed")
	}
	return nil
}

// checkSecret tells whether the connection can have the secret. Whether a key signs is
// for the test sign-in.
func checkSecret(c lanyard.Connection, secret lanyard.Secret) error {
	text := secret.Reveal()
	if len(text) > maxConnectionSecret || !utf8.ValidString(text) {
		return lanyard.ErrBadInput.Saying("the secret is long, or not text")
	}
	if c.Auth != lanyard.UpstreamJWT || secret.IsZero() {
		return nil
	}
	var jwk struct{ Kty, D string }
	if json.Unmarshal([]byte(text), &jwk) != nil || jwk.Kty == "" || jwk.D == "" {
		return lanyard.ErrBadInput.Saying("the key of a connection is a private JWK")
	}
	return nil
}
