package manifest_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/manifest"
)

const connected = `version: 1
tenants:
  - slug: default
    roles: [{name: viewer}]
    connections:
      - id: google
        kind: google
        name: Google
        client_id: us
        client_secret: {env: SECRET}
        hosted_domain: example.test
        order: 2
      - kind: telegram
        name: Telegram
        client_id: "77"
        client_secret: {env: SECRET}
        bot_token: "77:in-line"
        sign_up: false
    organizations:
      - slug: acme
        policy: {own_connection_only: true}
        connections:
          - id: acme
            kind: oidc
            name: Acme
            issuer: https://id.acme.test/realm
            client_id: lanyard
            token_endpoint_auth_method: private_key_jwt
            private_key: '{"kty":"OKP","crv":"Ed25519","x":"x","d":"d"}'
            scopes: [openid, email]
            algorithms: [EdDSA]
            just_in_time: true
            default_roles: [viewer]
            claim_mapping: {name: display_name, attributes.team: department}
            acr_mapping: {"": "1", gold: "2"}
            linking: false
`

// opened are the secrets of a connection.
func (f fixture) opened(c lanyard.Connection) [2]string {
	f.Helper()
	var out [2]string
	for i, sealed := range []struct {
		place lanyard.Place
		data  []byte
	}{{c.SecretPlace(), c.SealedSecret}, {c.BotTokenPlace(), c.SealedBotToken}} {
		if len(sealed.data) > 0 {
			out[i] = string(must[[]byte](f)(f.deps.Keeper.Sealer.Open(sealed.place, sealed.data)))
		}
	}
	return out
}

// connections are those of the tenant and of acme, without their secrets.
func (f fixture) connections() ([]lanyard.Connection, []lanyard.Connection) {
	f.Helper()
	scope := f.scope("default")
	acme := must[lanyard.Organization](f)(scope.OrganizationBySlug(f.Context(), "acme"))
	return must[[]lanyard.Connection](f)(scope.TenantConnections(f.Context())), must[[]lanyard.Connection](f)(scope.OrganizationConnections(f.Context(), acme.ID))
}

func TestConnectionsAreWhatTheFileSays(t *testing.T) {
	onBoth(t, func(f fixture) {
		f.apply(connected, start)
		own, acme := f.connections()
		if len(own) != 2 || len(acme) != 1 {
			f.Fatalf("%d and %d connections", len(own), len(acme))
		}
		secret, _ := getenv("SECRET")
		got := [][2]string{f.opened(own[0]), f.opened(own[1]), f.opened(acme[0])}
		want := [][2]string{{secret, "77:in-line"}, {secret, ""}, {`{"kty":"OKP","crv":"Ed25519","x":"x","d":"d"}`, ""}}
		if diff := cmp.Diff(want, got); diff != "" {
			f.Errorf("secrets (-want +got):\n%s", diff)
		}
		telegram, google, company := own[0], own[1], acme[0]
		for _, c := range []*lanyard.Connection{&telegram, &google, &company} {
			c.SealedSecret, c.SealedBotToken = nil, nil
		}
		tenant := f.scope("default").TenantID()
		if diff := cmp.Diff([]lanyard.Connection{
			{
				ID: telegram.ID, TenantID: tenant, Kind: lanyard.ConnectionTelegram, Name: "Telegram", UpstreamClientID: "77",
				Enabled: true, SignIn: true, Linking: true, CreatedAt: start,
			},
			{
				ID: "google", TenantID: tenant, Kind: lanyard.ConnectionGoogle, Name: "Google", UpstreamClientID: "us", HostedDomain: "example.test",
				Order: 2, Enabled: true, SignIn: true, SignUp: true, Linking: true, CreatedAt: start,
			},
			{
				ID: "acme", TenantID: tenant, Kind: lanyard.ConnectionOIDC, OrganizationID: company.OrganizationID, Name: "Acme", Issuer: "https://id.acme.test/realm",
				UpstreamClientID: "lanyard", Auth: lanyard.UpstreamJWT, Scopes: lanyard.Scopes{"openid", "email"}, Algorithms: []string{"EdDSA"},
				JustInTime: true, DefaultRoles: []string{"viewer"}, ClaimMapping: map[string]string{"name": "display_name", "attributes.team": "department"},
				ACRMapping: map[string]string{"": "1", "gold": "2"}, Enabled: true, SignIn: true, SignUp: true, CreatedAt: start,
			},
		}, []lanyard.Connection{telegram, google, company}); diff != "" {
			f.Errorf("(-want +got):\n%s", diff)
		}
		if !strings.HasPrefix(string(telegram.ID), "con_") {
			f.Errorf("the id is %s", telegram.ID)
		}
	})
}

// TestConnectionsAreAppliedOnce: a second time nothing changes, not even what is sealed.
func TestConnectionsAreAppliedOnce(t *testing.T) {
	onBoth(t, func(f fixture) {
		first := f.apply(connected, start)
		before := f.snapshotOfConnections()
		events := len(f.events("default"))
		if got := f.apply(connected, start.Add(time.Hour)); got != (manifest.Summary{Unchanged: first.Created}) {
			f.Errorf("got %+v", got)
		}
		if diff := cmp.Diff(before, f.snapshotOfConnections()); diff != "" || len(f.events("default")) != events {
			f.Errorf("%d events, (-before +after):\n%s", len(f.events("default"))-events, diff)
		}
	})
}

func (f fixture) snapshotOfConnections() []lanyard.Connection {
	f.Helper()
	own, acme := f.connections()
	return append(own, acme...)
}

// TestConnectionIsReplacedAsAWhole: what a test found stays, a token that the file leaves out goes.
func TestConnectionIsReplacedAsAWhole(t *testing.T) {
	onBoth(t, func(f fixture) {
		f.apply(connected, start)
		before := f.snapshotOfConnections()
		if err := f.scope("default").NoteConnectionTest(f.Context(), "google", "tested"); err != nil {
			f.Fatal(err)
		}
		revision := must[lanyard.Tenant](f)(f.scope("default").Tenant(f.Context())).Revision
		text := strings.NewReplacer(
			"        hosted_domain: example.test\n", "        enabled: false\n", "        bot_token: \"77:in-line\"\n", "",
			"client_id: us\n        client_secret: {env: SECRET}", "client_id: us\n        client_secret: another",
		).Replace(connected)
		if got := f.apply(text, start.Add(time.Hour)); got.Created != 0 || got.Updated != 2 {
			f.Errorf("got %+v", got)
		}
		own, _ := f.connections()
		telegram, google := own[0], own[1]
		if google.HostedDomain != "" || google.Enabled || google.TestedAs != "tested" || !google.CreatedAt.Equal(start) || f.opened(google)[0] != "another" {
			f.Errorf("google: %+v", google)
		}
		if f.opened(telegram)[1] != "" || telegram.ID != before[0].ID || !slices.Equal(telegram.SealedSecret, before[0].SealedSecret) {
			f.Errorf("telegram: %+v", telegram)
		}
		if after := must[lanyard.Tenant](f)(f.scope("default").Tenant(f.Context())).Revision; after == revision {
			f.Error("snapshots of the tenant are not stale")
		}
	})
}

// TestConnectionIsRefused where it would be another one, or take away what an organization insists on.
func TestConnectionIsRefused(t *testing.T) {
	onBoth(t, func(f fixture) {
		f.apply(connected, start)
		before := f.snapshotOfConnections()
		google := func(rest string) string {
			return tenant(`connections: [{kind: google, client_id: us, client_secret: {env: SECRET}, ` + rest + `}]`)
		}
		company := func(rest string) string {
			return tenant(`organizations: [{slug: acme, connections: [{kind: oidc, client_id: us, client_secret: {env: SECRET}, issuer: https://id.acme.test, ` + rest + `}]}]`)
		}
		for name, c := range map[string]struct {
			text string
			want error
		}{
			"another id":              {google("name: Google, id: other"), lanyard.ErrBadInput},
			"another kind":            {google("name: Telegram"), lanyard.ErrBadInput},
			"an organization's id":    {google("name: New, id: acme"), lanyard.ErrConflict},
			"a role that nobody made": {company("name: New, default_roles: [nobody]"), lanyard.ErrBadInput},
			"the only one off":        {company("name: Acme, enabled: false"), lanyard.ErrConnectionNeeded},
			"the only one no sign-in": {company("name: Acme, sign_in: false"), lanyard.ErrConnectionNeeded},
			"an organization without": {tenant("organizations: [{slug: new, policy: {own_connection_only: true}}]"), lanyard.ErrConnectionNeeded},
		} {
			_, err := manifest.Apply(f.Context(), f.deps, parse(f.T, c.text), start)
			if !errors.Is(err, c.want) {
				f.Errorf("%s: %v", name, err)
			}
		}
		if diff := cmp.Diff(before, f.snapshotOfConnections()); diff != "" {
			f.Errorf("(-before +after):\n%s", diff)
		}
		f.apply(tenant(`organizations: [{slug: acme, policy: {}, connections: [{id: acme, kind: oidc, name: Acme, client_id: us, client_secret: {env: SECRET}, issuer: https://id.acme.test, enabled: false}]}]`), start)
	})
}

func TestComplaintsAboutConnections(t *testing.T) {
	one := func(rest string) string { return tenant("connections: [{" + rest + "}]") }
	google := func(rest string) string {
		return one("kind: google, name: G, client_id: us, client_secret: {env: SECRET}, " + rest)
	}
	owned := func(rest string) string {
		return tenant("organizations: [{slug: acme, connections: [{kind: oidc, name: A, issuer: https://a.test, client_id: us, client_secret: {env: SECRET}, " + rest + "}]}]")
	}
	for _, c := range []struct{ file, want string }{
		{one("id: google"), "a connection is of the kind google"},
		{one("kind: google, client_id: us, client_secret: {env: SECRET}"), "a connection has a name"},
		{one("kind: google, name: G, client_secret: {env: SECRET}"), "it has no client_id"},
		{one("kind: google, name: G, client_id: us"), "the connection needs a client_secret"},
		{one("kind: google, name: G, client_id: us, client_secret: {env: MISSING}"), "the environment variable MISSING is not set"},
		{one("kind: oidc, name: G, client_id: us, client_secret: {env: SECRET}"), "the issuer is a URL"},
		{one("kind: oidc, name: G, issuer: https://a.test, client_id: us, client_secret: {env: SECRET}, token_endpoint_auth_method: private_key_jwt"), "needs a private_key"},
		{google("private_key: '{}'"), "with client_secret a connection has no private_key"},
		{google("private_key: '{}'"), "the key of a connection is a private JWK"},
		{google("bot_token: x"), "only Telegram has bots"},
		{google("id: Google"), "id is 1 to 41 of a-z"},
		{google("id: a/b"), "id is 1 to 41 of a-z"},
		{google("id: -a"), "id is 1 to 41 of a-z"},
		{google("id: " + strings.Repeat("a", 42)), "id is 1 to 41 of a-z"},
		{google("organization_id: org_1"), "a connection belongs to whom it stands with"},
		{google("just_in_time: true"), "only an organization's connection makes members"},
		{google("default_roles: [member]"), "default_roles are for an organization's connection"},
		{google("algorithms: [HS256]"), "algorithms are RS256"},
		{google("sign_inn: true"), `unknown key "sign_inn"; did you mean "sign_in"?`},
		{google("tested_as: x"), `unknown key "tested_as"`},
		{owned("default_roles: [owner]"), "nobody becomes an owner by signing in"},
		{tenant("organizations: [{slug: acme, connections: [{kind: telegram, name: T, client_id: us, client_secret: {env: SECRET}}]}]"), "telegram is for the tenant only"},
		{tenant("connections: [{id: a}, {id: a}]"), `connection "a" stands here a second time`},
		{tenant("connections: [{id: a, name: x}, {id: b, name: x}]"), `connection "x" stands here a second time`},
		{tenant("connections: [{id: a}]\norganizations: [{slug: acme, connections: [{id: a}]}]"), `connection "a" stands here a second time`},
	} {
		_, err := manifest.Parse([]byte(c.file), development)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n got %v\nwant %s", c.file, err, c.want)
		}
	}
	strict := development
	strict.CheckKey = func(key lanyard.Secret) error {
		return lanyard.ErrBadInput.Saying("checked " + key.Reveal())
	}
	if _, err := manifest.Parse([]byte(connected), strict); err == nil || !strings.Contains(err.Error(), `checked {"kty"`) {
		t.Errorf("the key: %v", err)
	}
	if _, err := manifest.Parse([]byte(connected), production); err == nil || !strings.Contains(err.Error(), "a secret in line is for development only") {
		t.Errorf("a token in line: %v", err)
	}
}
