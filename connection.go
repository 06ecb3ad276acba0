package lanyard

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// ConnectionKind says which rules an upstream provider is believed by.
type ConnectionKind string

// The kinds of connections.
const (
	ConnectionGoogle    ConnectionKind = "google"
	ConnectionMicrosoft ConnectionKind = "microsoft"
	ConnectionOIDC      ConnectionKind = "oidc"
	ConnectionTelegram  ConnectionKind = "telegram"
)

// ConnectionKinds lists the kinds in the order in which they are offered.
var ConnectionKinds = []ConnectionKind{ConnectionGoogle, ConnectionMicrosoft, ConnectionOIDC, ConnectionTelegram}

// AlgPS256 is a signature algorithm of upstreams, beside our own (RFC 7518 §3.5).
const AlgPS256 = "PS256"

// UpstreamAlgorithms are the only ones in which an upstream's ID token is ever
// believed: never "none", and never a symmetric one, whose key could be a public key.
var UpstreamAlgorithms = []string{AlgRS256, AlgES256, AlgEdDSA, AlgPS256}

// UpstreamAuth is how we authenticate at an upstream's token endpoint (OpenID Connect Core §9).
type UpstreamAuth string

// The ways. The zero value takes what the upstream offers: basic before post.
const (
	UpstreamBasic UpstreamAuth = "client_secret_basic"
	UpstreamPost  UpstreamAuth = "client_secret_post"
	UpstreamJWT   UpstreamAuth = "private_key_jwt"
)

// MicrosoftConsumers is the tenant of Microsoft's personal accounts.
const MicrosoftConsumers = "9188040d-6c67-4c5b-b112-36a304b66dad"

// Connection is an upstream identity provider, of the tenant or of one organization.
// The zero value is off and allows nothing.
type Connection struct {
	ID       ConnectionID   `json:"id"`
	TenantID TenantID       `json:"-"`
	Kind     ConnectionKind `json:"kind"`
	// OrganizationID is the organization that owns it; empty for the tenant.
	OrganizationID OrganizationID `json:"organization_id,omitempty"`
	Name           string         `json:"name"`
	// Issuer is where discovery begins, byte for byte what tokens must say. For
	// Microsoft it is the authority, whose first segment is common, organizations,
	// consumers or the id of one Microsoft tenant. Empty is the kind's own.
	Issuer string `json:"issuer,omitempty"`
	// UpstreamClientID is what the upstream calls us.
	UpstreamClientID string       `json:"client_id"`
	Auth             UpstreamAuth `json:"token_endpoint_auth_method,omitempty"`
	// SealedSecret is the client secret, or for private_key_jwt the private key as a JWK, sealed for SecretPlace.
	SealedSecret []byte `json:"-"`
	// SealedBotToken is a Telegram bot's token, sealed for BotTokenPlace; it verifies Mini App data.
	SealedBotToken []byte `json:"-"`
	// Scopes are what is asked for; empty is the kind's own.
	Scopes Scopes `json:"scopes,omitempty"`
	// Algorithms are those of its ID tokens; empty is the kind's own.
	Algorithms []string `json:"algorithms,omitempty"`
	// AllowedTenants are the only Microsoft tenants let in, if there are any; RefusedTenants never are.
	AllowedTenants []string `json:"allowed_tenants,omitempty"`
	RefusedTenants []string `json:"refused_tenants,omitempty"`
	// HostedDomain is the one Google Workspace domain let in; empty for every Google account.
	HostedDomain string `json:"hosted_domain,omitempty"`
	// UserInfo also asks the userinfo endpoint, for a profile only.
	UserInfo bool `json:"userinfo,omitempty"`

	Enabled bool `json:"enabled"`
	SignIn  bool `json:"sign_in"`
	SignUp  bool `json:"sign_up"`
	Linking bool `json:"linking"`
	// TrustedForMFA believes the upstream when it says that it asked for a second factor: by
	// "mfa" in amr, or by an acr that ACRMapping maps to "2".
	TrustedForMFA bool `json:"trusted_for_mfa,omitempty"`
	// ACRMapping translates the upstream's acr into ours; the key "" is an ID token without acr.
	ACRMapping map[string]string `json:"acr_mapping,omitempty"`
	// JustInTime makes members of an organization of those who sign in, with DefaultRoles.
	JustInTime   bool     `json:"just_in_time,omitempty"`
	DefaultRoles []string `json:"default_roles,omitempty"`
	// ClaimMapping says from which upstream claim one of ours is taken, by our name:
	// a claim of the profile, or attributes. followed by the name of an attribute.
	ClaimMapping map[string]string `json:"claim_mapping,omitempty"`
	// Order is the place of its button, lowest first.
	Order int64 `json:"order,omitempty"`
	// TestedAs is the Fingerprint that the connection had at its last test sign-in that went well.
	TestedAs  string    `json:"-"`
	CreatedAt time.Time `json:"-"`
}

// Offered tells whether people may sign in by the connection.
func (c Connection) Offered() bool { return c.Enabled && c.SignIn }

// Fingerprint changes with everything that decides whether a sign-in at the upstream works.
func (c Connection) Fingerprint() string {
	c.Enabled, c.SignIn, c.SignUp, c.Linking, c.JustInTime = false, false, false, false, false
	c.Name, c.Order, c.DefaultRoles = "", 0, nil
	document, _ := json.Marshal(c) // a struct of text, lists and maps is always written
	sum := sha256.Sum256(slices.Concat(document, []byte("\n"), c.SealedSecret, []byte("\n"), c.SealedBotToken))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Identity is a user's key at an upstream: it never changes there, and nobody gets it
// again. No e-mail address, name or domain is part of it.
type Identity struct {
	ConnectionID ConnectionID `json:"connection"`
	// Issuer is the issuer of the ID token; for Microsoft the one of the person's own tenant.
	Issuer string `json:"issuer"`
	// Subject is sub; for Microsoft tid and oid with a slash between; for Telegram the number of the account.
	Subject string `json:"subject"`
}

// LinkedIdentity is an identity that signs a user in.
type LinkedIdentity struct {
	Identity
	UserID UserID
	// Label is what the upstream called the person when it was linked: an address or a
	// name, for its owner to tell it from others. It decides nothing.
	Label     string
	CreatedAt time.Time
	UsedAt    time.Time
}

// UpstreamProof is what an upstream proved in a sign-in that goes on.
type UpstreamProof struct {
	Connection ConnectionID `json:"connection"`
	// Organization owns the connection: the session will be confined to it. Empty for the tenant's.
	Organization OrganizationID `json:"organization,omitempty"`
	// ACR is the level that the upstream's sign-in counts as.
	ACR string `json:"acr"`
}

// Arrival is what an upstream proved about a person who has no account with that
// identity yet. It waits in the request, that is bound to the browser, for what
// makes it a way in: a new account, or the proof of the one that has the address.
type Arrival struct {
	Identity Identity `json:"identity"`
	// Email is what the upstream calls the person's address, EmailVerified whether we
	// believe that: an organization's own upstream is believed within its domains alone.
	Email         string        `json:"email,omitempty"`
	EmailVerified bool          `json:"email_verified,omitempty"`
	Profile       Profile       `json:"profile"`
	Proof         UpstreamProof `json:"proof"`
	// User is the owner of the account that has the address, who has to prove it; empty for none.
	User UserID    `json:"user,omitempty"`
	At   time.Time `json:"at"`
}

// Label is what the identity is called on its owner's page.
func (a Arrival) Label() string {
	for _, name := range []string{a.Email, a.Profile.PreferredUsername, a.Profile.Name} {
		if name != "" {
			return name
		}
	}
	return a.Identity.Subject
}

// Assertion is what an upstream proved about a person in one sign-in.
type Assertion struct {
	Identity Identity
	// Email is the address that the upstream names, empty if it names none or a
	// malformed one. It is never a reason to open an account.
	Email string
	// EmailVerified says that the upstream has proved the address by the rules of its
	// kind: Google and generic email_verified, Microsoft the domain's owner. An
	// organization's own upstream can say so of any address in the world.
	EmailVerified bool
	// HostedDomain is the Google Workspace domain, MicrosoftTenant the tid; empty elsewhere.
	HostedDomain    string
	MicrosoftTenant string
	// Profile holds names, language and picture, without control characters and of bounded
	// length; its Email is empty.
	Profile Profile
	// ACR is the level that this sign-in counts as here: more than ACRSingle only if the connection is trusted for it.
	ACR string
	// UpstreamACR and UpstreamAMR are the upstream's own words.
	UpstreamACR string
	UpstreamAMR []string
	// AuthTime is when the person proved who they are there; zero if it is not said.
	AuthTime time.Time
	// Claims is the whole payload of the ID token, or the user of a Mini App, for the administrator's test sign-in.
	Claims json.RawMessage
}

// Owned tells whether the connection belongs to an organization.
func (c Connection) Owned() bool { return c.OrganizationID != "" }

// SecretPlace is where the client secret or key is sealed for.
func (c Connection) SecretPlace() Place {
	return Place{Tenant: c.TenantID, Table: "connections", Column: "secret", Row: string(c.ID)}
}

// BotTokenPlace is where the bot token is sealed for.
func (c Connection) BotTokenPlace() Place {
	return Place{Tenant: c.TenantID, Table: "connections", Column: "bot_token", Row: string(c.ID)}
}

// kindDefaults are what a connection of a kind has where it says nothing itself.
var kindDefaults = map[ConnectionKind]struct {
	issuer     string
	scopes     Scopes
	algorithms []string
}{
	ConnectionGoogle:    {"https://accounts.google.com", Scopes{"openid", "profile", "email"}, []string{AlgRS256}},
	ConnectionMicrosoft: {"https://login.microsoftonline.com/common/v2.0", Scopes{"openid", "profile", "email"}, []string{AlgRS256}},
	ConnectionOIDC:      {"", Scopes{"openid", "profile", "email"}, UpstreamAlgorithms},
	ConnectionTelegram:  {"https://oauth.telegram.org", Scopes{"openid", "profile"}, UpstreamAlgorithms},
}

// IssuerURL is the issuer, or the kind's own.
func (c Connection) IssuerURL() string {
	if c.Issuer == "" {
		return kindDefaults[c.Kind].issuer
	}
	return c.Issuer
}

// AskedScopes are the scopes of a sign-in; openid is always among them.
func (c Connection) AskedScopes() Scopes {
	switch {
	case len(c.Scopes) == 0:
		return kindDefaults[c.Kind].scopes
	case slices.Contains(c.Scopes, "openid"):
		return c.Scopes
	}
	return append(Scopes{"openid"}, c.Scopes...)
}

// SignedBy are the algorithms that its ID tokens may have. What is not in UpstreamAlgorithms never is.
func (c Connection) SignedBy() []string {
	if len(c.Algorithms) == 0 {
		return kindDefaults[c.Kind].algorithms
	}
	return slices.DeleteFunc(slices.Clone(c.Algorithms), func(alg string) bool { return !slices.Contains(UpstreamAlgorithms, alg) })
}

// Lets tells whether people of a Microsoft tenant get in.
func (c Connection) Lets(microsoftTenant string) bool {
	if slices.ContainsFunc(c.RefusedTenants, func(t string) bool { return strings.EqualFold(t, microsoftTenant) }) {
		return false
	}
	return len(c.AllowedTenants) == 0 ||
		slices.ContainsFunc(c.AllowedTenants, func(t string) bool { return strings.EqualFold(t, microsoftTenant) })
}

const (
	maxConnectionName = 100
	maxMappings       = 50
	// AttributePrefix begins the name of an attribute in a ClaimMapping.
	AttributePrefix = "attributes."
)

// microsoftTenant is the only form of a tenant's id in tokens and lists.
var microsoftTenant = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// IsMicrosoftID tells whether s is the id of a tenant or object of Microsoft, as tokens write it.
func IsMicrosoftID(s string) bool { return microsoftTenant.MatchString(s) }

// Check finds what is wrong with a connection; ErrBadInput says what. Whether its
// addresses may be called is for the one who calls them.
func (c Connection) Check() error {
	bad := func(what string) error { return ErrBadInput.Saying("connection " + c.Name + ": " + what) }
	issuer, err := url.Parse(c.IssuerURL())
	switch {
	case !slices.Contains(ConnectionKinds, c.Kind):
		return ErrBadInput.Saying("a connection is of the kind google, microsoft, oidc or telegram")
	case c.Name == "" || len(c.Name) > maxConnectionName:
		return ErrBadInput.Saying("a connection has a name of at most 100 bytes")
	case err != nil || issuer.Host == "" || issuer.RawQuery != "" || issuer.Fragment != "" || issuer.User != nil:
		return bad("the issuer is a URL without query and fragment")
	case c.UpstreamClientID == "":
		return bad("it has no client_id")
	case !slices.Contains([]UpstreamAuth{"", UpstreamBasic, UpstreamPost, UpstreamJWT}, c.Auth):
		return bad("token_endpoint_auth_method is client_secret_basic, client_secret_post or private_key_jwt")
	case len(c.SignedBy()) < len(c.Algorithms) || len(c.SignedBy()) == 0:
		return bad("algorithms are RS256, ES256, EdDSA and PS256")
	case c.HostedDomain != "" && c.Kind != ConnectionGoogle:
		return bad("only Google has hosted domains")
	case len(c.AllowedTenants)+len(c.RefusedTenants) > 0 && c.Kind != ConnectionMicrosoft:
		return bad("only Microsoft has tenants")
	case c.JustInTime && !c.Owned():
		return bad("only an organization's connection makes members")
	}
	for _, t := range slices.Concat(c.AllowedTenants, c.RefusedTenants) {
		if !IsMicrosoftID(strings.ToLower(t)) {
			return bad("a Microsoft tenant is named by its id")
		}
	}
	return c.checkMappings()
}

// mappable are the claims that a mapping may fill. The identity is not among them.
var mappable = []string{
	"name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "picture", "locale", "zoneinfo",
	"email", "email_verified",
}

func (c Connection) checkMappings() error {
	for ours, theirs := range c.ClaimMapping {
		attribute, isAttribute := strings.CutPrefix(ours, AttributePrefix)
		switch {
		case isAttribute && !attributeName.MatchString(attribute), !isAttribute && !slices.Contains(mappable, ours):
			return ErrBadInput.Saying("claim_mapping has no place for " + ours)
		case !claimName.MatchString(theirs):
			return ErrBadInput.Saying("claim_mapping takes " + ours + " from a claim without a proper name")
		case strings.HasPrefix(ours, "email") && c.Kind != ConnectionOIDC:
			return ErrBadInput.Saying("claim_mapping can not choose the address: " + string(c.Kind) + " has rules of its own for it")
		}
	}
	for _, level := range c.ACRMapping {
		if level != ACRSingle && level != ACRDouble {
			return ErrBadInput.Saying("acr_mapping maps to 1 or 2")
		}
	}
	if len(c.ClaimMapping) > maxMappings || len(c.ACRMapping) > maxMappings {
		return ErrBadInput.Saying("a connection has at most 50 mappings")
	}
	return nil
}
