package manifest_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/strictyaml"
	"github.com/lanyard-id/lanyard/tenants/manifest"
)

// development allows secrets in line; production is the opposite.
var development = manifest.Options{AllowInline: true, Getenv: getenv, ReadFile: readFile}
var production = manifest.Options{Getenv: getenv, ReadFile: readFile}

func getenv(name string) (string, bool) {
	value, ok := map[string]string{"SECRET": strings.Repeat("e", 40), "EMPTY": "", "INVITE": "0123-4567 89AB-CDEF-GHJK-MNPQ-RT"}[name]
	return value, ok
}

func readFile(name string) ([]byte, error) {
	data, ok := map[string]string{"secret.txt": strings.Repeat("f", 40) + "\r\n", "empty.txt": "\n"}[name]
	if !ok {
		return nil, os.ErrNotExist
	}
	return []byte(data), nil
}

// full is a file that uses everything there is.
const full = `
version: 1
tenants:
  - slug: default
    name: Default
    redirect_hosts: [www.id.example.test]
    policy:
      default_resource: https://api.example.test
      session_lifetime: 12h
      privacy_url: https://example.test/privacy
    branding: {accent: "#0a5fd8"}
    resources:
      - identifier: https://api.example.test
        name: API
        scopes: [read, {name: write, description: Change things}]
        permissions: [invoice:read, {name: invoice:write, description: Make out invoices}]
        token_format: jwt
        signing_alg: ES256
    roles:
      - {name: auditor, permissions: [audit:read]}
    users:
      - sub: imported-1
        username: Ada
        email: Ada@Example.test
        email_verified: true
        given_name: Ada
        postal_code_is_in: {}
        address: {country: GB, postal_code: 01234}
        password: a-good-long-password
        roles: [auditor]
        disabled: false
      - email: bob@example.test
        password: {env: SECRET}
    organizations:
      - slug: acme
        name: Acme
        roles: [{name: billing, permissions: [invoice:read]}]
        members:
          - {user: ada@example.test, roles: [owner, billing]}
          - {user: bob@example.test}
        plan: team
        trial_end: 2027-01-31
        seats: 25
        language: de
        branding: {accent: "#0a5fd8", logo_url: /assets/acme.png}
        policy: {methods: [password, passkey], session_lifetime: 8h}
        invitations:
          - {email: Carol@Example.test, roles: [billing]}
          - {code: 0123456789abcdefghjkmnpqrs, domain: Acme.test, uses: 20, expires_at: 2026-02-01T00:00:00Z, client_id: web}
        domains:
          - {domain: ACME.test, verified: true, joining: request}
          - {domain: acme.example.test}
      - slug: closed
        suspended: true
    clients:
      - client_id: web
        client_secret: {file: secret.txt}
        redirect_uris: [https://app.example.test/callback]
        id_token_signed_response_alg: EdDSA
        backchannel_logout_uri: https://app.example.test/logout
        require_pkce: false
        access_token_lifetime: 5m
      - client_id: machine
        type: machine
        client_secret: {env: SECRET}
        organizations: [{organization: acme, roles: [billing]}]
      - client_id: spa
        token_endpoint_auth_method: none
        redirect_uris: [https://spa.example.test/callback]
    invitations:
      - {email: dora@example.test, plan: standard, trial_days: 14}
      - {code: {env: INVITE}, uses: 3}
    trusted_issuers:
      - issuer: https://other.example.test
        jwks_uri: https://other.example.test/jwks
        algorithms: [RS256]
        owner: acme
        purposes: [token_exchange]
  - slug: second
    host: second.example.test
    connections: []
`

func parse(t *testing.T, text string) manifest.File {
	t.Helper()
	file, err := manifest.Parse([]byte(text), development)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// fullFile is the full file without the line that is not understood.
func fullFile() string { return strings.Replace(full, "        postal_code_is_in: {}\n", "", 1) }

func TestFullFileIsUnderstood(t *testing.T) {
	f := parse(t, fullFile())
	ada, web := f.Tenants[0].Users[0], f.Tenants[0].Clients[0]
	if ada.Address.PostalCode != "01234" || ada.Password.Value.Reveal() != "a-good-long-password" || !*ada.EmailVerified {
		t.Errorf("ada: %+v", ada)
	}
	if f.Tenants[0].Users[1].Password.Value.Reveal() != strings.Repeat("e", 40) {
		t.Error("the password from the environment is missing")
	}
	if web.Secret.Value.Reveal() != strings.Repeat("f", 40) {
		t.Error("the secret from the file is not cut at the line end")
	}
	if web.Client.RequirePKCE || !f.Tenants[0].Clients[2].Client.RequirePKCE {
		t.Error("require_pkce is not true by default, or not false when the file says so")
	}
	if web.AuthMethod != lanyard.AuthBasic || !web.MayUse(lanyard.GrantRefreshToken) || f.Tenants[0].Clients[2].Type != lanyard.ClientSPA {
		t.Errorf("defaults are missing: %+v", web.Client)
	}
	want := []lanyard.ResourceScope{{Name: "read"}, {Name: "write", Description: "Change things"}}
	if diff := cmp.Diff(want, f.Tenants[0].Resources[0].Resource.Scopes); diff != "" {
		t.Error(diff)
	}
}

func TestUnknownKeyIsAnErrorWithItsPlace(t *testing.T) {
	_, err := manifest.Parse([]byte(full), development)
	line := 1 + strings.Count(full[:strings.Index(full, "postal_code_is_in")], "\n")
	var complaints strictyaml.Complaints
	if !errors.As(err, &complaints) || len(complaints) != 1 || complaints[0].Line != line || complaints[0].Column != 9 {
		t.Errorf("got %v", err)
	}
}

// tenant puts lines into a file with one tenant.
func tenant(lines string) string {
	return "version: 1\ntenants:\n  - slug: default\n    " + strings.ReplaceAll(lines, "\n", "\n    ") + "\n"
}

func client(lines string) string {
	return tenant("clients:\n  - client_id: web\n    redirect_uris: [https://a.test/cb]\n    client_secret: {env: SECRET}\n    " + strings.ReplaceAll(lines, "\n", "\n    "))
}

func TestComplaintsSayWhatIsWrong(t *testing.T) {
	cases := []struct{ file, want string }{
		{"", "version has to be 1"},
		{"version: 2\ntenants: []", "1:1: version has to be 1"},
		{"version: 1\ntenants: [{slug: UPPER}]", "slug is 1 to 63 of a-z"},
		{"version: 1\ntenants: [{slug: a}, {slug: a}]", `tenant "a" stands here a second time`},
		{"version: 1\ntenants: [{slug: a, host: x.test}, {slug: b, redirect_hosts: [x.test]}]", `host "x.test" stands here a second time`},
		{"version: 1\ntenants: [{slug: a, host: 127.0.0.1}]", `"127.0.0.1" is not a host name`},
		{"version: 1\ntenants: [{slug: a, host: 'https://a.test'}]", `"https://a.test" is not a host name`},
		{"version: 1\ntenants: [{slug: a, host: A.test}]", `"A.test" is not a host name`},
		{tenant("host: id.test"), "4:5: the default tenant is at the configured issuer"},
		{tenant("polcy: {}"), `4:5: unknown key "polcy"; did you mean "policy"?`},
		{tenant("policy: {session_lifetime: forever}"), "session_lifetime: a duration is written like 10m or 720h"},
		{tenant("policy: {terms_url: 'javascript:alert(1)'}"), "terms_url is not an https URL"},
		{tenant("policy: {default_resource: api}"), "a resource is an absolute URI"},
		{tenant("branding: {accent: red}"), "a colour is written like #0a5fd8"},

		{tenant("users: [{name: Ada}]"), "a user needs sub, email or username"},
		{tenant("users: [{email: nobody}]"), "the e-mail address is not valid"},
		{tenant("users: [{username: a b}]"), "the username has a character that is not allowed"},
		{tenant("users: [{email: a@b.test}, {email: A@B.test}]"), `email "a@b.test" stands here a second time`},
		{tenant("users: [{sub: x, username: Ada}, {sub: x, username: ada}]"), `sub "x" stands here a second time`},
		{tenant("users: [{sub: x, username: Ada}, {sub: y, username: ada}]"), `username "ada" stands here a second time`},
		{tenant("users: [{sub: 'a b'}]"), "sub is at most 255 printable ASCII characters"},
		{tenant("users: [{sub: a, password: {env: SECRET}}]"), "a password needs an email or username"},
		{tenant("users: [{username: ada, password: {env: MISSING}}]"), "the environment variable MISSING is not set"},
		{tenant("users: [{username: ada, password: {env: EMPTY}}]"), "the environment variable EMPTY is not set"},
		{tenant("users: [{username: ada, password: {file: missing.txt}}]"), "the file can not be read"},
		{tenant("users: [{username: ada, password: {file: empty.txt}}]"), "the file empty.txt is empty"},
		{tenant("users: [{username: ada, password: {env: A, file: b}}]"), "give either env or file"},
		{tenant("users: [{username: ada, password: {}}]"), "a secret is {env: NAME} or {file: path}"},
		{tenant("users: [{username: ada, password: {enf: A}}]"), `unknown key "enf"; did you mean "env"?`},
		{tenant("users: [{username: ada, roles: ['A B']}]"), `"A B" is not the name of a role`},
		{tenant("users: [{username: ada, emial: x}]"), `unknown key "emial"; did you mean "email"?`},

		{tenant("clients: [{client_id: spa, token_endpoint_auth_method: none}]"), "redirect_uris is empty"},
		{tenant("clients: [{redirect_uris: [https://a.test/cb], client_secret: {env: SECRET}}]"), "client_id is 1 to 128"},
		{tenant("clients: [{client_id: web, redirect_uris: [https://a.test/cb]}]"), "needs a client_secret"},
		{tenant("clients: [{client_id: spa, type: spa, redirect_uris: [https://a.test/cb], client_secret: {env: SECRET}}]"), "a public client has no secret"},
		{tenant("clients: [{client_id: spa, type: spa, redirect_uris: [https://a.test/cb], require_pkce: false}]"), "a public client needs PKCE"},
		{tenant("clients: [{client_id: web, redirect_uris: [https://a.test/cb], client_secret: short}]"), "a client secret has at least 32 characters"},
		{tenant("clients: [{client_id: web, redirect_uris: ['javascript:alert(1)'], client_secret: {env: SECRET}}]"), "is not acceptable"},
		{client("token_endpoint_auth_method: private_key_jwt"), "token_endpoint_auth_method private_key_jwt is not supported"},
		{client("token_endpoint_auth_method: client_secret_jwt"), "token_endpoint_auth_method client_secret_jwt is not supported"},
		{client("profile: fapi2"), "profile fapi2 is not supported"},
		{client("type: website"), "type is web, spa, native or machine"},
		{client("grant_types: [password]"), "grant type password is not supported"},
		{client("id_token_signed_response_alg: none"), "id_token_signed_response_alg none is not supported"},
		{client("redirect_uri: x"), `unknown key "redirect_uri"; did you mean "redirect_uris"?`},
		{client("tenant_id: x"), `unknown key "tenant_id"`},
		{client("default_resource: api"), "the resource api is not an absolute URI"},

		{tenant("resources: [{identifier: api}]"), "identifier is an absolute URI"},
		{tenant("resources: [{identifier: 'https://a.test'}, {identifier: 'HTTPS://A.test'}]"), `resource "https://a.test" stands here a second time`},
		{tenant("resources: [{identifier: 'https://a.test', token_format: paseto}]"), "token_format is jwt or opaque"},
		{tenant("resources: [{identifier: 'https://a.test', signing_alg: HS256}]"), "signing_alg is RS256, ES256 or EdDSA"},
		{tenant("resources: [{identifier: 'https://a.test', scopes: [a, a]}]"), `scope "a" stands here a second time`},
		{tenant("resources: [{identifier: 'https://a.test', scopes: ['a b']}]"), "a scope is one word"},
		{tenant("resources: [{identifier: 'https://a.test', scopes: [openid]}]"), "openid is a standard scope"},

		{tenant("organizations: [{slug: acme, domains: [{domain: a}]}]"), "the domain is not valid"},
		{tenant("organizations: [{slug: acme, domains: [{domain: gmail.com}]}]"), "belongs to a mail provider"},
		{tenant("organizations: [{slug: acme, domains: [{domain: a.test}, {domain: A.test}]}]"), `domain "a.test" stands here a second time`},
		{tenant("organizations: [{slug: acme, domains: [{domain: a.test, joining: always}]}]"), "joining is one of off, request, automatic"},
		{tenant("organizations: [{slug: acme, invitations: [{roles: [member]}]}]"), "an invitation has either email or code"},
		{tenant("organizations: [{slug: acme, invitations: [{email: a@b.test, code: 0123456789abcdefghjkmnpqrs}]}]"), "an invitation has either email or code"},
		{tenant("organizations: [{slug: acme, invitations: [{domain: b.test}]}]"), "an invitation has either email or code"},
		{tenant("organizations: [{slug: acme, invitations: [{email: a@b.test}, {email: A@b.test}]}]"), `invitation "a@b.test" stands here a second time`},
		{tenant("organizations: [{slug: acme, invitations: [{email: a@b.test, uses: 2}]}]"), "an invitation has 1 to 10000 uses"},
		{tenant("organizations: [{slug: acme, invitations: [{code: short}]}]"), "a code is 26 to 64 letters and digits"},
		{tenant("organizations: [{slug: acme, invitations: [{code: 0123456789abcdefghjkmnpqrs}, {code: OI23-456789abcdefghjkmnpqrs}]}]"), "this code stands here a second time"},
		{tenant("organizations: [{slug: acme, invitations: [{email: a@b.test, plan: team}]}]"), "has no plan and no trial"},
		{tenant("organizations: [{slug: acme, invitations: [{email: a@b.test, expires_at: soon}]}]"), "a moment is written like"},
		{tenant("organizations: [{slug: acme, invitations: [{email: a@b.test, roles: ['A B']}]}]"), `"A B" is not the name of a role`},
		{tenant("invitations: [{email: a@b.test, roles: [member]}]"), "an invitation to sign up has no roles"},
		{tenant("invitations: [{email: a@b.test, trial_days: -1}]"), "a trial has 0 to 3650 days"},
		{tenant("organizations: [{slug: acme, code: abcdefgh}]"), "code is 8 capital letters and digits"},
		{tenant("organizations: [{slug: acme, id: org_x}]"), "id is org_ and 26 letters and digits"},
		{tenant("organizations: [{slug: acme, logo: bm90IGEgcGljdHVyZQ==}]"), "logo"},
		{tenant("suspended: true"), "the default tenant can not be suspended"},
		{tenant("clients: [{client_id: a, redirect_uris: ['https://a.test/cb'], client_secret_hashes: [{sha256: short}]}]"), "sha256 is a hash"},
		{tenant("clients: [{client_id: a, type: spa, redirect_uris: ['https://a.test/cb'], client_secret_hashes: [{sha256: short}]}]"), "a public client has no secret"},
		{tenant("users: [{email: a@b.test, emails: [{address: nope}]}]"), "address"},
		{tenant("users: [{email: a@b.test, identities: [{connection: google}]}]"), "an identity has connection, issuer and subject"},
		{tenant("invitations: [{code_sha256: short}]"), "code_sha256 is a hash"},
		{tenant("organizations: [{slug: acme, seats: -1}]"), "seats is the most members"},
		{tenant("organizations: [{slug: acme, language: klingon language}]"), "is not a language"},
		{tenant("organizations: [{slug: acme, branding: {accent: red}}]"), "a colour is written like"},
		{tenant("organizations: [{slug: acme, branding: {logo_url: 'https://evil.test/x.png'}}]"), "logo_url is the path of a file of our own origin"},
		{tenant("organizations: [{slug: acme, policy: {methods: [totp]}}]"), "methods are some of"},
		{tenant("policy: {organization_grace: 1s}"), "organization_grace is between a minute and ten years"},
		{tenant("policy: {personal_trial_days: -1}"), "a trial has 0 to 3650 days"},
		{tenant("policy: {invitation_quota: -1}"), "a quota is not negative"},
		{client("organizations: [{organization: acme, roles: [member]}]"), "only a machine client has roles in organizations"},
		{client("type: machine\norganizations: [{organization: acme}]"), "a machine has at least one role"},
		{tenant("resources: [{identifier: 'https://a.test', permissions: [read]}]"), "a permission is noun:verb"},
		{tenant("resources: [{identifier: 'https://a.test', permissions: ['members:manage']}]"), "members:manage is a permission of ours"},
		{tenant("resources: [{identifier: 'https://a.test', scopes: ['members:manage']}]"), "members:manage is a permission of ours"},
		{tenant("resources: [{identifier: 'https://a.test', permissions: ['a:b', 'a:b']}]"), `permission "a:b" stands here a second time`},
		{tenant("organizations: [{slug: acme, members: [{roles: [owner]}]}]"), "a member needs user"},
		{tenant("organizations: [{slug: acme, roles: [{name: owner}]}]"), "owner is built in"},
		{tenant("organizations: [{slug: acme}, {slug: acme}]"), `organization "acme" stands here a second time`},
		{tenant("roles: [{name: A}]"), "the name of a role is"},
		{tenant("roles: [{name: a, permissions: ['x y']}]"), "a permission is one word"},

		{tenant("trusted_issuers: [{issuer: 'http://a.test', jwks_uri: 'https://a.test/k'}]"), "issuer is an https URL"},
		{tenant("trusted_issuers: [{issuer: 'https://a.test'}]"), "either jwks or jwks_uri"},
		{tenant("trusted_issuers: [{issuer: 'https://a.test', jwks_uri: 'https://a.test/k', algorithms: [HS256]}]"), `"HS256" is not an algorithm with a public key`},
		{tenant("trusted_issuers: [{issuer: 'https://a.test', jwks_uri: 'https://a.test/k', algorithms: [none]}]"), `"none" is not an algorithm with a public key`},
	}
	for _, c := range cases {
		_, err := manifest.Parse([]byte(c.file), development)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n got %v\nwant %s", c.file, err, c.want)
		}
	}
}

func TestSecretInLineIsForDevelopmentOnly(t *testing.T) {
	file := tenant("users: [{username: ada, password: in-line-secret}]")
	if _, err := manifest.Parse([]byte(file), development); err != nil {
		t.Error(err)
	}
	_, err := manifest.Parse([]byte(file), production)
	if err == nil || !strings.Contains(err.Error(), "4:29: a secret in line is for development only") {
		t.Errorf("got %v", err)
	}
	if err != nil && strings.Contains(err.Error(), "in-line-secret") {
		t.Error("the complaint shows the secret")
	}
}

func TestInvitationCodeInLineIsForDevelopmentOnly(t *testing.T) {
	file := tenant("invitations: [{code: 0123456789abcdefghjkmnpqrs}]")
	if _, err := manifest.Parse([]byte(file), development); err != nil {
		t.Error(err)
	}
	_, err := manifest.Parse([]byte(file), production)
	if err == nil || !strings.Contains(err.Error(), "a secret in line is for development only") || strings.Contains(err.Error(), "0123456789") {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(full)
	f.Add(fullFile())
	f.Add(tenant("clients: [{client_id: spa, type: spa}]"))
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = manifest.Parse([]byte(text), development)
	})
}
