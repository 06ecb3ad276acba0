package imports

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// realm is what we take of a realm export of Keycloak.
type realm struct {
	Users   []realmUser   `json:"users"`
	Clients []realmClient `json:"clients"`
	Roles   struct {
		Realm []struct {
			Name string `json:"name"`
		} `json:"realm"`
	} `json:"roles"`
	Organizations []struct {
		Name    string `json:"name"`
		Alias   string `json:"alias"`
		Enabled *bool  `json:"enabled"`
		Domains []struct {
			Name     string `json:"name"`
			Verified bool   `json:"verified"`
		} `json:"domains"`
		Members []struct {
			Username string `json:"username"`
		} `json:"members"`
	} `json:"organizations"`
}

type realmUser struct {
	ID              string              `json:"id"`
	Username        string              `json:"username"`
	Email           string              `json:"email"`
	EmailVerified   bool                `json:"emailVerified"`
	FirstName       string              `json:"firstName"`
	LastName        string              `json:"lastName"`
	Enabled         *bool               `json:"enabled"`
	Attributes      map[string][]string `json:"attributes"`
	RealmRoles      []string            `json:"realmRoles"`
	RequiredActions []string            `json:"requiredActions"`
	ServiceAccount  string              `json:"serviceAccountClientId"`
	Credentials     []struct {
		Type           string `json:"type"`
		SecretData     string `json:"secretData"`
		CredentialData string `json:"credentialData"`
	} `json:"credentials"`
	FederatedIdentities []struct {
		Provider string `json:"identityProvider"`
	} `json:"federatedIdentities"`
}

type realmClient struct {
	ClientID        string            `json:"clientId"`
	Name            string            `json:"name"`
	Secret          string            `json:"secret"`
	Enabled         *bool             `json:"enabled"`
	Protocol        string            `json:"protocol"`
	Public          bool              `json:"publicClient"`
	BearerOnly      bool              `json:"bearerOnly"`
	StandardFlow    *bool             `json:"standardFlowEnabled"`
	ServiceAccounts bool              `json:"serviceAccountsEnabled"`
	ConsentRequired bool              `json:"consentRequired"`
	RedirectURIs    []string          `json:"redirectUris"`
	BaseURL         string            `json:"baseUrl"`
	Attributes      map[string]string `json:"attributes"`
}

// ownRoles are those that every realm has for itself, ownClients its own clients.
var (
	ownRoles   = []string{"offline_access", "uma_authorization"}
	ownClients = []string{"account", "account-console", "admin-cli", "broker", "realm-management", "security-admin-console"}
)

// Keycloak reads a realm export: people with their passwords, realm roles, clients and
// organizations. A user keeps their id as sub.
func Keycloak(r io.Reader) (Result, error) {
	var from realm
	if err := readDocument(r, &from); err != nil {
		return Result{}, err
	}
	var out Result
	for _, role := range from.Roles.Realm {
		if !ownRealmRole(role.Name) {
			out.Roles = append(out.Roles, Entry{"name": strings.ToLower(role.Name), "permissions": []string{}})
		}
	}
	for _, u := range from.Users {
		if u.ServiceAccount == "" {
			out.Users = append(out.Users, u.entry(&out))
		}
	}
	for _, c := range from.Clients {
		if entry := c.entry(&out); entry != nil {
			out.Clients = append(out.Clients, entry)
		}
	}
	for _, o := range from.Organizations {
		entry := Entry{"slug": strings.ToLower(o.Alias), "name": o.Name}
		entry.put("suspended", o.Enabled != nil && !*o.Enabled)
		var domains, members []Entry
		for _, d := range o.Domains {
			domains = append(domains, Entry{"domain": d.Name, "verified": d.Verified})
		}
		for _, m := range o.Members {
			members = append(members, Entry{"user": m.Username, "roles": []string{"member"}})
		}
		if len(domains) > 0 {
			entry["domains"] = domains
		}
		if len(members) > 0 {
			entry["members"] = members
		}
		out.Organizations = append(out.Organizations, entry)
	}
	return out, nil
}

func ownRealmRole(name string) bool {
	return slices.Contains(ownRoles, name) || strings.HasPrefix(name, "default-roles-")
}

func (u realmUser) entry(out *Result) Entry {
	e := Entry{}
	e.put("sub", u.ID)
	e.put("username", u.Username)
	if strings.Contains(u.Username, "@") { // the address is the name
		delete(e, "username")
	}
	e.put("email", u.Email)
	e.put("email_verified", u.EmailVerified)
	e.put("given_name", u.FirstName)
	e.put("family_name", u.LastName)
	e.put("name", strings.TrimSpace(u.FirstName+" "+u.LastName))
	e.put("disabled", u.Enabled != nil && !*u.Enabled)
	e.put("must_change_password", false)
	for attribute, claim := range map[string]string{"locale": "locale", "zoneinfo": "zoneinfo", "phoneNumber": "phone_number", "phone_number": "phone_number", "picture": "picture"} {
		if values := u.Attributes[attribute]; len(values) > 0 {
			e.put(claim, values[0])
		}
	}
	var roles []string
	for _, role := range u.RealmRoles {
		if !ownRealmRole(role) {
			roles = append(roles, strings.ToLower(role))
		}
	}
	e.put("roles", roles)
	u.credentials(e, out)
	if len(u.FederatedIdentities) > 0 {
		out.leave("user %s: links to %d identity providers; people link them again when they sign in", u.Username, len(u.FederatedIdentities))
	}
	return e
}

func (u realmUser) credentials(e Entry, out *Result) {
	for _, c := range u.Credentials {
		if c.Type != "password" {
			out.leave("user %s: a credential of type %s", u.Username, c.Type)
			continue
		}
		hash, err := keycloakHash(c.SecretData, c.CredentialData)
		if err != nil {
			out.leave("user %s: the password: %s", u.Username, err)
			continue
		}
		e["password_hash"] = hash
		e.put("must_change_password", slices.Contains(u.RequiredActions, "UPDATE_PASSWORD"))
	}
}

// keycloakHash writes a password of Keycloak as a PHC string.
func keycloakHash(secretData, credentialData string) (string, error) {
	var secret struct{ Value, Salt string }
	var how struct {
		Algorithm  string              `json:"algorithm"`
		Iterations int                 `json:"hashIterations"`
		More       map[string][]string `json:"additionalParameters"`
	}
	if json.Unmarshal([]byte(secretData), &secret) != nil || json.Unmarshal([]byte(credentialData), &how) != nil {
		return "", fmt.Errorf("it can not be read")
	}
	key, kerr := base64.StdEncoding.DecodeString(secret.Value)
	salt, serr := base64.StdEncoding.DecodeString(secret.Salt)
	if kerr != nil || serr != nil {
		return "", fmt.Errorf("it can not be read")
	}
	return phc(how.Algorithm, how.Iterations, salt, key, func(name string) string {
		if values := how.More[name]; len(values) > 0 {
			return values[0]
		}
		return ""
	})
}

// phc is a hash in the form of the PHC string format.
func phc(algorithm string, iterations int, salt, key []byte, more func(string) string) (string, error) {
	b64 := base64.RawStdEncoding.EncodeToString
	switch algorithm {
	case "pbkdf2", "pbkdf2-sha1", "pbkdf2-sha256", "pbkdf2-sha512":
		return fmt.Sprintf("$%s$i=%d,l=%d$%s$%s", algorithm, iterations, len(key), b64(salt), b64(key)), nil
	case "argon2":
		if more("version") != "1.3" && more("version") != "" {
			return "", fmt.Errorf("argon2 of version %s", more("version"))
		}
		return fmt.Sprintf("$argon2%s$v=19$m=%s,t=%d,p=%s$%s$%s", more("type"), more("memory"), iterations, more("parallelism"), b64(salt), b64(key)), nil
	}
	return "", fmt.Errorf("the algorithm %s", algorithm)
}

func (c realmClient) entry(out *Result) Entry {
	switch {
	case slices.Contains(ownClients, c.ClientID) || strings.HasSuffix(c.ClientID, "-realm"):
		return nil
	case c.Protocol != "" && c.Protocol != "openid-connect":
		out.leave("client %s: the protocol %s", c.ClientID, c.Protocol)
		return nil
	case c.BearerOnly:
		out.leave("client %s: it only takes tokens; register a resource", c.ClientID)
		return nil
	}
	e := Entry{"client_id": c.ClientID, "first_party": !c.ConsentRequired}
	e.put("client_name", c.Name)
	e.put("disabled", c.Enabled != nil && !*c.Enabled)
	redirects := c.redirects(c.RedirectURIs, out)
	e.put("redirect_uris", redirects)
	e.put("post_logout_redirect_uris", c.redirects(strings.Split(strings.Trim(c.Attributes["post.logout.redirect.uris"], "+"), "##"), out))
	code := c.StandardFlow == nil || *c.StandardFlow
	switch {
	case c.Public:
		e["type"], e["token_endpoint_auth_method"] = "spa", "none"
	case !code && c.ServiceAccounts:
		e["type"], e["grant_types"] = "machine", []string{"client_credentials"}
	default:
		e["type"] = "web"
	}
	if !c.Public && c.Attributes["pkce.code.challenge.method"] == "" {
		e["require_pkce"] = false
	}
	if !c.Public {
		if c.Secret == "" || strings.Trim(c.Secret, "*") == "" {
			out.leave("client %s: its secret is not in the export", c.ClientID)
			return nil
		}
		e["client_secret"] = c.Secret
	}
	if code && len(redirects) == 0 {
		out.leave("client %s: no redirect URI is left", c.ClientID)
		return nil
	}
	return e
}

// redirects are those that are exact: patterns are never taken over.
func (c realmClient) redirects(all []string, out *Result) []string {
	var exact []string
	for _, uri := range all {
		switch {
		case uri == "":
		case strings.Contains(uri, "*") || strings.HasPrefix(uri, "/"):
			out.leave("client %s: the pattern %s; register each redirect URI", c.ClientID, uri)
		default:
			exact = append(exact, uri)
		}
	}
	return exact
}
