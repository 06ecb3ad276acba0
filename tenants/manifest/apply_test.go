package manifest_test

import (
	"context"
	"crypto"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/schema"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/manifest"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

func TestMain(m *testing.M) { testkit.Main(m, schema.Newest) }

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// plainHasher keeps passwords readable and counts how often it hashed.
type plainHasher struct {
	mu     sync.Mutex
	hashed int
}

func (h *plainHasher) Hash(_ context.Context, password lanyard.Secret) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hashed++
	return "plain:" + password.Reveal(), nil
}

func (h *plainHasher) Verify(_ context.Context, phc string, password lanyard.Secret) (bool, bool, error) {
	return phc == "plain:"+password.Reveal(), false, nil
}

type fixture struct {
	*testing.T
	deps   manifest.Deps
	hasher *plainHasher
}

func newFixture(t *testing.T) fixture {
	t.Helper()
	return newFixtureOn(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
}

func newFixtureOn(t *testing.T, url string) fixture {
	t.Helper()
	store, err := storage.Open(t.Context(), storage.Config{URL: url, Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	master, err := keys.NewMaster([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	keeper := &keys.Keeper{Sealer: master, Generate: func(string) (crypto.Signer, error) { return keys.Generate(lanyard.AlgES256) }}
	hasher := &plainHasher{}
	deps := manifest.Deps{Store: store, Keeper: keeper, Hasher: hasher, Issuer: func(t lanyard.Tenant) string { return "https://id.example.test/t/" + t.Slug }}
	deps.Organizations = &organizations.Organizations{Accounts: accounts.New(accounts.NewHasher(), master)}
	return fixture{t, deps, hasher}
}

func (f fixture) apply(text string, at time.Time) manifest.Summary {
	f.Helper()
	summary, err := manifest.Apply(f.Context(), f.deps, parse(f.T, text), at)
	if err != nil {
		f.Fatal(err)
	}
	return summary
}

func (f fixture) scope(slug string) storage.Scope {
	f.Helper()
	t, err := f.deps.Store.TenantBySlug(f.Context(), slug)
	if err != nil {
		f.Fatal(err)
	}
	return f.deps.Store.Tenant(t.ID)
}

func (f fixture) events(slug string) []lanyard.Event {
	f.Helper()
	events, err := f.scope(slug).Events(f.Context(), 1000)
	if err != nil {
		f.Fatal(err)
	}
	return events
}

// must gives the value or fails the test.
func must[T any](f fixture) func(T, error) T {
	return func(v T, err error) T {
		f.Helper()
		if err != nil {
			f.Fatal(err)
		}
		return v
	}
}

func TestFileFillsAnEmptyDatabase(t *testing.T) {
	f := newFixture(t)
	got := f.apply(fullFile(), start)
	// two tenants, resource, role, two users, three clients, two organizations, one with a
	// role, two members, two domains, two invitations and a machine, two invitations to sign up, trusted issuer
	if want := (manifest.Summary{Created: 22}); got != want {
		t.Errorf("got %+v", got)
	}
	scope := f.scope("default")
	ada := must[lanyard.User](f)(scope.UserByEmail(t.Context(), "ada@example.test"))
	if ada.Subject != "imported-1" || ada.Username != "Ada" || !ada.Profile.EmailVerified || ada.Profile.Address.PostalCode != "01234" {
		t.Errorf("ada: %+v", ada)
	}
	bob := must[lanyard.User](f)(scope.UserByEmail(t.Context(), "bob@example.test"))
	if bob.Subject != string(bob.ID) || bob.Profile.EmailVerified {
		t.Errorf("bob: %+v", bob)
	}
	acme := must[lanyard.Organization](f)(scope.OrganizationBySlug(t.Context(), "acme"))
	members := must[[]lanyard.Membership](f)(scope.Memberships(t.Context(), acme.ID))
	if len(members) != 2 || !slices.ContainsFunc(members, func(m lanyard.Membership) bool {
		return m.UserID == ada.ID && slices.Equal(m.Roles, []string{"owner", "billing"})
	}) {
		t.Errorf("members: %+v", members)
	}
	web := must[*lanyard.Client](f)(scope.Client(t.Context(), "web"))
	if !web.SecretMatches(lanyard.SecretOf(strings.Repeat("f", 40)), start) || web.RequirePKCE || web.AccessTokenFor() != 5*time.Minute {
		t.Errorf("web: %+v", web)
	}
	if roles := must[[]string](f)(scope.UserRoles(t.Context(), ada.ID)); !slices.Equal(roles, []string{"auditor"}) {
		t.Errorf("roles of ada: %v", roles)
	}
	trusted := must[[]lanyard.TrustedIssuer](f)(scope.TrustedIssuers(t.Context()))
	if len(trusted) != 1 || trusted[0].Owner != acme.ID {
		t.Errorf("trusted issuers: %+v", trusted)
	}
}

func TestTenantsGetTheKeysThatTheirClientsNeed(t *testing.T) {
	f := newFixture(t)
	f.apply(fullFile(), start)
	for slug, want := range map[string][]string{"default": {"ES256", "EdDSA", "HS256", "RS256"}, "second": {"ES256", "HS256", "RS256"}} {
		var got []string
		for _, key := range must[[]lanyard.SigningKey](f)(f.scope(slug).SigningKeys(t.Context())) {
			if key.State == lanyard.KeyActive {
				got = append(got, key.Algorithm)
			}
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s: got %v", slug, got)
		}
	}
}

func TestSecondApplicationChangesNothing(t *testing.T) {
	f := newFixture(t)
	f.apply(fullFile(), start)
	revision := must[int64](f)(f.scope("default").Revision(t.Context()))
	events, hashed := len(f.events("default")), f.hasher.hashed

	if got, want := f.apply(fullFile(), start.Add(time.Hour)), (manifest.Summary{Unchanged: 22}); got != want {
		t.Errorf("got %+v", got)
	}
	if now := must[int64](f)(f.scope("default").Revision(t.Context())); now != revision {
		t.Error("the revision grew")
	}
	if len(f.events("default")) != events {
		t.Error("events were written")
	}
	if f.hasher.hashed != hashed {
		t.Error("an unchanged password was hashed again")
	}
}

func TestSecondTenantSeesNothingOfTheFirst(t *testing.T) {
	f := newFixture(t)
	f.apply(fullFile(), start)
	scope := f.scope("second")
	if _, err := scope.UserByEmail(t.Context(), "ada@example.test"); !errors.Is(err, lanyard.ErrNotFound) {
		t.Errorf("user: %v", err)
	}
	if _, err := scope.Client(t.Context(), "web"); !errors.Is(err, lanyard.ErrNotFound) {
		t.Errorf("client: %v", err)
	}
	for _, e := range f.events("second") {
		if e.TenantID != scope.TenantID() || e.UserID != "" {
			t.Errorf("event: %+v", e)
		}
	}
}

func TestChangesAreCountedRecordedAndSeen(t *testing.T) {
	f := newFixture(t)
	f.apply(fullFile(), start)
	revision := must[int64](f)(f.scope("default").Revision(t.Context()))
	before := len(f.events("default"))
	changed := strings.NewReplacer(
		"given_name: Ada", "given_name: Augusta",
		"access_token_lifetime: 5m", "access_token_lifetime: 6m",
		"name: Acme", "name: Acme Ltd",
	).Replace(fullFile())
	if got, want := f.apply(changed, start.Add(time.Hour)), (manifest.Summary{Updated: 3, Unchanged: 19}); got != want {
		t.Errorf("got %+v", got)
	}
	var facts []lanyard.EventType
	for _, e := range f.events("default")[:len(f.events("default"))-before] {
		facts = append(facts, e.Type)
	}
	slices.Sort(facts)
	want := []lanyard.EventType{lanyard.EventClientUpdated, lanyard.EventOrganizationUpdated, lanyard.EventUserUpdated}
	if diff := cmp.Diff(want, facts); diff != "" {
		t.Error(diff)
	}
	if now := must[int64](f)(f.scope("default").Revision(t.Context())); now != revision+1 {
		t.Errorf("the revision went from %d to %d", revision, now)
	}
	ada := must[lanyard.User](f)(f.scope("default").UserBySubject(t.Context(), "imported-1"))
	if ada.Profile.GivenName != "Augusta" || !ada.UpdatedAt.Equal(start.Add(time.Hour)) || !ada.CreatedAt.Equal(start) {
		t.Errorf("ada: %+v", ada)
	}
}

func TestGivenMomentOfChangeStays(t *testing.T) {
	f := newFixture(t)
	f.apply(tenant("users: [{username: ada, given_name: Ada, updated_at: 1700000000}]"), start)
	renamed := tenant("users: [{username: ada, given_name: Augusta, updated_at: 1700000000}]")
	if got := f.apply(renamed, start.Add(time.Hour)); got.Updated != 1 {
		t.Errorf("got %+v", got)
	}
	if got := f.apply(renamed, start.Add(2*time.Hour)); got.Updated != 0 {
		t.Errorf("the second application changed something: %+v", got)
	}
	ada := must[lanyard.User](f)(f.scope("default").UserByUsername(t.Context(), "ada"))
	if ada.UpdatedAt.Unix() != 1700000000 {
		t.Errorf("updated_at is %v", ada.UpdatedAt)
	}
}

func TestUserKeepsWhatTheFileLeavesOut(t *testing.T) {
	f := newFixture(t)
	f.apply(fullFile(), start)
	f.apply(tenant("users: [{sub: imported-1, nickname: Countess}]"), start)
	ada := must[lanyard.User](f)(f.scope("default").UserBySubject(t.Context(), "imported-1"))
	if ada.Profile.Nickname != "Countess" || ada.Profile.GivenName != "Ada" || !ada.Profile.EmailVerified || ada.Profile.Email != "Ada@Example.test" {
		t.Errorf("ada: %+v", ada)
	}
	if hash := must[string](f)(f.scope("default").PasswordHash(t.Context(), ada.ID)); hash != "plain:a-good-long-password" {
		t.Errorf("the password is %q", hash)
	}
}

func TestUserIsFoundByUsernameWhenTheAddressChanges(t *testing.T) {
	f := newFixture(t)
	f.apply(tenant("users: [{username: ada, email: old@example.test}]"), start)
	if got := f.apply(tenant("users: [{username: ada, email: new@example.test}]"), start); got.Created != 0 || got.Updated != 1 {
		t.Errorf("got %+v", got)
	}
	if _, err := f.scope("default").UserByEmail(t.Context(), "old@example.test"); !errors.Is(err, lanyard.ErrNotFound) {
		t.Errorf("the old address still signs in: %v", err)
	}
}

func TestNewPasswordEndsWhatTheOldOneStarted(t *testing.T) {
	f := newFixture(t)
	f.apply(tenant("users: [{username: ada, password: first-password}]"), start)
	scope := f.scope("default")
	ada := must[lanyard.User](f)(scope.UserByUsername(t.Context(), "ada"))
	id := startSession(f, scope, ada.ID)

	f.apply(tenant("users: [{username: ada, password: first-password}]"), start.Add(time.Minute))
	if s := must[lanyard.Session](f)(scope.Session(t.Context(), id)); !s.EndedAt.IsZero() {
		t.Error("the same password ended the session")
	}
	f.apply(tenant("users: [{username: ada, password: second-password}]"), start.Add(time.Minute))
	if s := must[lanyard.Session](f)(scope.Session(t.Context(), id)); s.EndedAt.IsZero() {
		t.Error("the session outlived its password")
	}
	if !slices.ContainsFunc(f.events("default"), func(e lanyard.Event) bool { return e.Type == lanyard.EventPasswordSet && e.UserID == ada.ID }) {
		t.Error("the change was not recorded")
	}
}

func startSession(f fixture, scope storage.Scope, user lanyard.UserID) lanyard.SessionID {
	f.Helper()
	browser := lanyard.Browser{ID: lanyard.NewBrowserID(), TenantID: scope.TenantID(), CreatedAt: start, SeenAt: start}
	id := must[lanyard.BrowserID](f)(scope.PutBrowser(f.Context(), nil, []byte("hash"), browser))
	return must[lanyard.SessionID](f)(scope.StartSession(f.Context(), id, storage.Proof{
		User: user, At: start, ExpiresAt: start.Add(time.Hour), ACR: lanyard.ACRSingle, AMR: []string{lanyard.AMRPassword},
	}))
}

func TestNewClientSecretReplacesTheOldOne(t *testing.T) {
	f := newFixture(t)
	first, second := strings.Repeat("a", 32), strings.Repeat("b", 32)
	file := func(secret string) string {
		return tenant("clients: [{client_id: m, type: machine, client_secret: " + secret + "}]")
	}
	f.apply(file(first), start)
	if got := f.apply(file(second), start); got.Updated != 1 {
		t.Errorf("got %+v", got)
	}
	m := must[*lanyard.Client](f)(f.scope("default").Client(t.Context(), "m"))
	if m.SecretMatches(lanyard.SecretOf(first), start) || !m.SecretMatches(lanyard.SecretOf(second), start) {
		t.Error("the old secret works, or the new one does not")
	}
	public := tenant("clients: [{client_id: m, type: native, redirect_uris: ['com.example:/cb']}]")
	f.apply(public, start)
	if m := must[*lanyard.Client](f)(f.scope("default").Client(t.Context(), "m")); len(m.Secrets) > 0 {
		t.Error("a public client kept its secret")
	}
}

func TestTenantThatFailsIsLeftAsItWas(t *testing.T) {
	cases := map[string]struct {
		file string
		want error
	}{
		"unknown member":           {tenant("users: [{username: new}]\norganizations: [{slug: acme, members: [{user: nobody}]}]"), lanyard.ErrBadInput},
		"unknown role of a member": {tenant("users: [{username: new}]\norganizations: [{slug: acme, members: [{user: new, roles: [king]}]}]"), lanyard.ErrBadInput},
		"unknown role of a user":   {tenant("users: [{username: new, roles: [king]}]"), lanyard.ErrBadInput},
		"unknown resource":         {tenant("users: [{username: new}]\npolicy: {default_resource: 'https://nowhere.test'}"), lanyard.ErrBadInput},
		"unknown client resource":  {tenant("users: [{username: new}]\nclients: [{client_id: m, type: machine, client_secret: {env: SECRET}, resources: ['https://nowhere.test']}]"), lanyard.ErrBadInput},
		"unknown owner":            {tenant("users: [{username: new}]\ntrusted_issuers: [{issuer: 'https://a.test', jwks_uri: 'https://a.test/k', owner: nobody}]"), lanyard.ErrBadInput},
		"address of somebody else": {tenant("users: [{username: new}, {sub: thief, email: ada@example.test}]"), lanyard.ErrConflict},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.apply(tenant("users: [{username: ada, email: ada@example.test}]"), start)
			events := len(f.events("default"))
			if _, err := manifest.Apply(t.Context(), f.deps, parse(t, c.file), start); !errors.Is(err, c.want) {
				t.Errorf("got %v", err)
			}
			if _, err := f.scope("default").UserByUsername(t.Context(), "new"); !errors.Is(err, lanyard.ErrNotFound) {
				t.Errorf("half of the file was written: %v", err)
			}
			if len(f.events("default")) != events {
				t.Error("events of a failed application are left")
			}
		})
	}
}

func TestHostOfAnotherTenantIsRefused(t *testing.T) {
	f := newFixture(t)
	f.apply("version: 1\ntenants: [{slug: a, host: id.test}]", start)
	_, err := manifest.Apply(t.Context(), f.deps, parse(t, "version: 1\ntenants: [{slug: b, host: id.test}]"), start)
	if !errors.Is(err, lanyard.ErrConflict) {
		t.Errorf("got %v", err)
	}
}

func TestManyFirstApplicationsMakeOneOfEach(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { manyFirstApplications(newFixture(t)) })
	t.Run("postgres", func(t *testing.T) { manyFirstApplications(newFixtureOn(t, testkit.FastPostgres(t))) })
}

func manyFirstApplications(f fixture) {
	t := f.T
	file := parse(t, fullFile())
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, err := manifest.Apply(t.Context(), f.deps, file, start); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if tenants := must[[]lanyard.Tenant](f)(f.deps.Store.Tenants(t.Context())); len(tenants) != 2 {
		t.Errorf("%d tenants", len(tenants))
	}
	created := 0
	for _, e := range f.events("default") {
		if e.Type == lanyard.EventUserCreated || e.Type == lanyard.EventTenantCreated {
			created++
		}
	}
	if created != 3 {
		t.Errorf("%d things were created", created)
	}
}

func TestEventsHoldNoSecretsAndNoAddresses(t *testing.T) {
	f := newFixture(t)
	f.apply(fullFile(), start)
	for _, e := range f.events("default") {
		for key, value := range e.Detail {
			if strings.Contains(value, "@") || strings.Contains(value, "long-password") || strings.Contains(value, "0123456789") || strings.Contains(value, strings.Repeat("f", 40)) {
				t.Errorf("%s: %s=%s", e.Type, key, value)
			}
		}
	}
}

func TestManagementIsNamedByItsAddressToo(t *testing.T) {
	f := newFixture(t)
	file := func(resource string) manifest.File {
		return f.parse("version: 1\ntenants: [{slug: acme, clients: [{client_id: robot, type: machine, client_secret: robot-secret-0123456789-0123456789-01, resources: ['" + resource + "']}]}]")
	}
	for _, resource := range []string{lanyard.ManagementName, "https://id.example.test/t/acme/api/v1"} {
		f.applyFile(file(resource), start)
	}
	if _, err := manifest.Apply(t.Context(), f.deps, file("https://id.example.test/t/other/api/v1"), start); !errors.Is(err, lanyard.ErrBadInput) {
		t.Errorf("that of another tenant: %v", err)
	}
}
