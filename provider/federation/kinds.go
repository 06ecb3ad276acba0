package federation

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lanyard-id/lanyard"
)

// rules are what the kinds of connections differ in.
type rules struct {
	// publishes tells whether a discovery document with the issuer published is that of the configured one.
	publishes func(configured, published string) bool
	// issues tells whether an upstream that publishes that issuer can be the issuer given in an answer.
	issues func(published, given string) bool
	// issued tells whether the upstream issued an ID token with these claims.
	issued func(published string, all claims) bool
	// identify finds the identity, and refuses people who do not get in.
	identify func(c lanyard.Connection, all claims) (lanyard.Identity, error)
	// email finds the address and whether the upstream has proved it.
	email func(c lanyard.Connection, all claims) (address string, verified bool)
}

var (
	plainRules = rules{publishes: equal, issues: equal, issued: issuedBy, identify: bySubject, email: mappedEmail}

	kinds = map[lanyard.ConnectionKind]rules{
		lanyard.ConnectionOIDC:   plainRules,
		lanyard.ConnectionGoogle: {publishes: equal, issues: equal, issued: issuedBy, identify: byGoogle, email: flaggedEmail},
		lanyard.ConnectionMicrosoft: {
			publishes: microsoftPublishes, issues: microsoftIssues, issued: microsoftIssued, identify: byObject, email: ownedEmail,
		},
		lanyard.ConnectionTelegram: {publishes: equal, issues: equal, issued: issuedBy, identify: byNumber, email: noEmail},
	}
)

func rulesOf(c lanyard.Connection) rules {
	if r, known := kinds[c.Kind]; known {
		return r
	}
	return plainRules
}

// assert makes an assertion of a validated ID token.
func (r rules) assert(c lanyard.Connection, all claims) (lanyard.Assertion, error) {
	identity, err := r.identify(c, all)
	if err != nil {
		return lanyard.Assertion{}, err
	}
	out := lanyard.Assertion{Identity: identity, Claims: bounded(all), UpstreamACR: label(all.text("acr")), UpstreamAMR: labels(all.list("amr"))}
	out.Email, out.EmailVerified = r.email(c, all)
	out.AuthTime, _ = all.moment("auth_time")
	out.ACR = level(c, out)
	switch c.Kind {
	case lanyard.ConnectionGoogle:
		out.HostedDomain = label(all.text("hd"))
	case lanyard.ConnectionMicrosoft:
		out.MicrosoftTenant = all.text("tid")
	}
	addProfile(&out, c, all)
	return out, nil
}

func equal(a, b string) bool { return a == b && a != "" }

func issuedBy(published string, all claims) bool { return equal(published, all.text("iss")) }

// maxSubject is the longest sub (OpenID Connect Core §2), in bytes.
const maxSubject = 255

// bySubject: iss and sub.
func bySubject(c lanyard.Connection, all claims) (lanyard.Identity, error) {
	subject := all.text("sub")
	if subject == "" || len(subject) > maxSubject || !plain(subject) {
		return lanyard.Identity{}, wrong("its ID token has no proper subject")
	}
	return lanyard.Identity{ConnectionID: c.ID, Issuer: all.text("iss"), Subject: subject}, nil
}

// byGoogle: iss and sub; people of a Workspace domain are known by hd, never by the end of an address.
func byGoogle(c lanyard.Connection, all claims) (lanyard.Identity, error) {
	if c.HostedDomain != "" && !strings.EqualFold(all.text("hd"), c.HostedDomain) {
		return lanyard.Identity{}, refused("the account is not of the hosted domain")
	}
	return bySubject(c, all)
}

// byObject: tid and oid. sub is another one for every application, and addresses are what a tenant's
// administrator types.
func byObject(c lanyard.Connection, all claims) (lanyard.Identity, error) {
	tenant, object := all.text("tid"), all.text("oid")
	if !lanyard.IsMicrosoftID(tenant) || !lanyard.IsMicrosoftID(object) {
		return lanyard.Identity{}, wrong("its ID token has no tid and oid")
	}
	if _, authority, _ := splitAuthority(c.IssuerURL()); authority == organizations && tenant == lanyard.MicrosoftConsumers {
		return lanyard.Identity{}, refused("the account is a personal one")
	}
	if !c.Lets(tenant) {
		return lanyard.Identity{}, refused("the account is of a tenant that is not let in")
	}
	return lanyard.Identity{ConnectionID: c.ID, Issuer: all.text("iss"), Subject: tenant + "/" + object}, nil
}

// telegramNumber is a Telegram account's number as JSON has it: beyond 32 bits, within 52.
var telegramNumber = regexp.MustCompile(`^[1-9][0-9]{0,15}$`)

const maxTelegramNumber = 1<<52 - 1

// byNumber: the number of the account, which Mini Apps and bots know too. sub is another number.
func byNumber(c lanyard.Connection, all claims) (lanyard.Identity, error) {
	return telegramIdentity(c, strings.Trim(string(all["id"]), `"`))
}

func telegramIdentity(c lanyard.Connection, number string) (lanyard.Identity, error) {
	if n, err := strconv.ParseInt(number, 10, 64); err != nil || !telegramNumber.MatchString(number) || n > maxTelegramNumber {
		return lanyard.Identity{}, wrong("it does not say the number of the account")
	}
	return lanyard.Identity{ConnectionID: c.ID, Issuer: c.IssuerURL(), Subject: number}, nil
}

// flaggedEmail counts as proved with the literal email_verified: true only.
func flaggedEmail(_ lanyard.Connection, all claims) (string, bool) {
	return address(all.text("email"), all.truth("email_verified"))
}

// mappedEmail is flaggedEmail for the claims that the connection names. A flag says
// nothing of an address from another claim unless the mapping says so too.
func mappedEmail(c lanyard.Connection, all claims) (string, bool) {
	from, flag := mapped(c, "email"), mapped(c, "email_verified")
	return address(all.text(from), all.truth(flag) && (from == "email" || flag != "email_verified"))
}

// ownedEmail counts as proved if the domain of the address belongs to the person's
// tenant (xms_edov), which Microsoft writes as true, 1 or a text of these.
func ownedEmail(_ lanyard.Connection, all claims) (string, bool) {
	owned := strings.Trim(string(all["xms_edov"]), `"`)
	return address(all.text("email"), owned == "true" || owned == "1")
}

func noEmail(lanyard.Connection, claims) (string, bool) { return "", false }

// address leaves out what is no address by our own grammar.
func address(text string, verified bool) (string, bool) {
	if _, err := lanyard.CanonicalEmail(text); err != nil {
		return "", false
	}
	return text, verified
}

const (
	// tenantHole stands for the person's tenant in what Microsoft publishes for all of them.
	tenantHole    = "{tenantid}"
	organizations = "organizations"
	consumers     = "consumers"
	everybody     = "common"
)

// splitAuthority finds the tenant in an issuer of Microsoft: the first segment of its path.
func splitAuthority(issuer string) (before, tenant, after string) {
	u, err := url.Parse(issuer)
	if err != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", "", ""
	}
	tenant, after, _ = strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	return u.Scheme + "://" + u.Host + "/", tenant, "/" + after
}

func microsoftPublishes(configured, published string) bool {
	before, tenant, after := splitAuthority(configured)
	_, given, _ := splitAuthority(published)
	if before == "" || published != before+given+after {
		return false
	}
	switch tenant {
	case everybody, organizations:
		return given == tenantHole
	case consumers:
		return given == lanyard.MicrosoftConsumers
	}
	// A tenant may be configured by the name of its domain; what is published has its id.
	return lanyard.IsMicrosoftID(given) && (given == tenant || !lanyard.IsMicrosoftID(tenant))
}

func microsoftIssues(published, given string) bool {
	_, tenant, _ := splitAuthority(given)
	return given == published || (lanyard.IsMicrosoftID(tenant) && given == strings.ReplaceAll(published, tenantHole, tenant))
}

// microsoftIssued: iss is what is published with the token's own tid in it.
func microsoftIssued(published string, all claims) bool {
	tenant := all.text("tid")
	_, named, _ := splitAuthority(published)
	return lanyard.IsMicrosoftID(tenant) && (named == tenantHole || named == tenant) &&
		all.text("iss") == strings.ReplaceAll(published, tenantHole, tenant)
}

const (
	maxLabel  = 200
	maxLabels = 16
)

// label is a short text of an upstream; empty if it is not short and plain.
func label(text string) string {
	if len(text) > maxLabel || !plain(text) || !utf8.ValidString(text) {
		return ""
	}
	return text
}

func labels(list []string) []string {
	var short []string
	for _, text := range list[:min(len(list), maxLabels)] {
		if text = label(text); text != "" {
			short = append(short, text)
		}
	}
	return short
}
