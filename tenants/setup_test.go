package tenants_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/authenticator"
	"github.com/lanyard-id/lanyard/internal/testkit/schema"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

func TestMain(m *testing.M) { testkit.Main(m, schema.Newest) }

// installation is a fresh database with its default tenant and a way to set it up.
type installation struct {
	*testing.T
	store *storage.Store
	clock *clock.Manual
	setup *tenants.Setup
	live  *tenants.Live
}

func onBoth(t *testing.T, test func(i installation)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(install(t, "sqlite:"+filepath.Join(t.TempDir(), "lanyard.db"))) })
	t.Run("postgres", func(t *testing.T) { test(install(t, testkit.FastPostgres(t))) })
}

func install(t *testing.T, url string) installation {
	t.Helper()
	store, err := storage.Open(t.Context(), storage.Config{URL: url, Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	i := installation{T: t, store: store, clock: clock.NewManual(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))}
	i.setup = &tenants.Setup{Hasher: accounts.NewHasher(), Clock: i.clock}
	i.live = i.tenant(lanyard.DefaultTenant)
	return i
}

func (i installation) must(err error) {
	i.Helper()
	if err != nil {
		i.Fatal(err)
	}
}

func (i installation) tenant(slug string) *tenants.Live {
	i.Helper()
	tenant := lanyard.Tenant{ID: lanyard.NewTenantID(), Slug: slug, Name: slug, CreatedAt: i.clock.Now()}
	i.must(i.store.InsertTenant(i.Context(), tenant))
	return &tenants.Live{Tenant: tenant, Scope: i.store.Tenant(tenant.ID), Issuer: "https://id.example.test"}
}

// link stores the token of a set-up link that lives for an hour.
func (i installation) link(live *tenants.Live, purpose string) lanyard.Secret {
	i.Helper()
	token := lanyard.NewSecret()
	i.must(live.Scope.InsertOneTimeToken(i.Context(), storage.OneTimeToken{
		Hash: token.Hash(), Purpose: purpose, CreatedAt: i.clock.Now(), ExpiresAt: i.clock.Now().Add(time.Hour),
	}, false))
	return token
}

func (i installation) finish(token lanyard.Secret, email, password string) error {
	return i.setup.FinishSetup(i.Context(), i.live, token, tenants.FirstAdministrator{
		Profile: lanyard.Profile{Name: "Ada", Email: email}, Password: lanyard.SecretOf(password),
	})
}

// users counts the rows of people, whatever became of them.
func (i installation) users() int64 {
	i.Helper()
	n, err := i.store.CountRows(i.Context(), "users")
	i.must(err)
	return n
}

const firstPassword = "correct horse battery"

func TestSetupMakesOneAdministrator(t *testing.T) {
	onBoth(t, func(i installation) {
		token := i.link(i.live, tenants.SetupPurpose)
		i.must(i.setup.CheckSetup(i.Context(), i.live, token))
		i.must(i.setup.CheckSetup(i.Context(), i.live, token)) // looking does not spend it
		i.must(i.finish(token, "Ada@Example.com", firstPassword))
		user, err := i.live.Scope.UserByEmail(i.Context(), "ada@example.com")
		i.must(err)
		roles, err := i.live.Scope.UserRoles(i.Context(), user.ID)
		i.must(err)
		permissions, err := i.live.Scope.RolePermissions(i.Context(), "", tenants.RoleInstanceAdmin)
		i.must(err)
		if fmt.Sprint(roles, permissions) != fmt.Sprintf("[%s] [%s]", tenants.RoleInstanceAdmin, tenants.PermissionInstanceManage) {
			i.Errorf("the administrator has %v, that may do %v", roles, permissions)
		}
		if user.Profile.EmailVerified {
			i.Error("an address that was only typed counts as verified")
		}
		credentials, err := i.live.Scope.CredentialsByName(i.Context(), "ada@example.com")
		i.must(err)
		if matches, _, err := i.setup.Hasher.Verify(i.Context(), credentials.PasswordHash, lanyard.SecretOf(firstPassword)); err != nil || !matches {
			i.Errorf("the password does not sign in: %v", err)
		}
		events, err := i.live.Scope.Events(i.Context(), 10)
		i.must(err)
		if len(events) != 1 || events[0].Type != lanyard.EventSetupUsed || events[0].UserID != user.ID {
			i.Errorf("the audit log says %+v", events)
		}
	})
}

// TestSetupLinkWorksOnceAndInTime: everything else that is shown as a token is as if it never was.
func TestSetupLinkWorksOnceAndInTime(t *testing.T) {
	onBoth(t, func(i installation) {
		used := i.link(i.live, tenants.SetupPurpose)
		i.must(i.finish(used, "first@example.com", firstPassword))
		other := i.tenant("acme")
		tokens := map[string]lanyard.Secret{
			"used": used, "none": {}, "never was": lanyard.NewSecret(), "for something else": i.link(i.live, "reset"),
			"of another tenant": i.link(other, tenants.SetupPurpose),
		}
		late := i.link(i.live, tenants.SetupPurpose)
		i.clock.Advance(time.Hour)
		tokens["at its end"] = late
		for name, token := range tokens {
			if err := i.setup.CheckSetup(i.Context(), i.live, token); !errors.Is(err, lanyard.ErrNotFound) {
				i.Errorf("%s: checked as %v", name, err)
			}
			if err := i.finish(token, "second@example.com", firstPassword); !errors.Is(err, lanyard.ErrNotFound) {
				i.Errorf("%s: finished as %v", name, err)
			}
		}
		if n := i.users(); n != 1 {
			i.Errorf("%d people exist", n)
		}
	})
}

// TestSetupBelongsToTheDefaultTenant, even if another one has such a token.
func TestSetupBelongsToTheDefaultTenant(t *testing.T) {
	onBoth(t, func(i installation) {
		i.live = i.tenant("acme")
		token := i.link(i.live, tenants.SetupPurpose)
		if err := i.setup.CheckSetup(i.Context(), i.live, token); !errors.Is(err, lanyard.ErrNotFound) {
			i.Errorf("checked as %v", err)
		}
		if err := i.finish(token, "ada@example.com", firstPassword); !errors.Is(err, lanyard.ErrNotFound) || i.users() != 0 {
			i.Errorf("finished as %v", err)
		}
	})
}

func TestRefusedSetupLeavesTheToken(t *testing.T) {
	onBoth(t, func(i installation) {
		i.must(i.finish(i.link(i.live, tenants.SetupPurpose), "taken@example.com", firstPassword))
		token := i.link(i.live, tenants.SetupPurpose)
		for name, c := range map[string]struct {
			email, password string
			want            error
		}{
			"14 characters":              {"ada@example.com", strings.Repeat("x", 14), lanyard.ErrShortPassword},
			"14 characters of two bytes": {"ada@example.com", strings.Repeat("\u00e4", 14), lanyard.ErrShortPassword},
			"no password":                {"ada@example.com", "", lanyard.ErrShortPassword},
			"1025 bytes":                 {"ada@example.com", strings.Repeat("x", 1025), lanyard.ErrLongPassword},
			"the address in it":          {"lovelace@example.com", "my name is LoveLace 1815", lanyard.ErrPersonalPassword},
			"a breached one":             {"ada@example.com", "1234567890123456789", lanyard.ErrBreachedPassword},
			"one that is easy to guess":  {"ada@example.com", strings.Repeat("x", 15), lanyard.ErrWeakPassword},
			"no address":                 {"lovelace", firstPassword, lanyard.ErrBadInput},
			"an address in use":          {"TAKEN@example.com", firstPassword, lanyard.ErrConflict},
		} {
			if err := i.finish(token, c.email, c.password); !errors.Is(err, c.want) {
				i.Errorf("%s: %v, want %v", name, err, c.want)
			}
			i.must(i.setup.CheckSetup(i.Context(), i.live, token))
		}
		if n := i.users(); n != 1 {
			i.Errorf("%d people exist", n)
		}
		i.must(i.finish(token, "ada@example.com", "\u00e4rger \u00fcber \u00d6ltanks"))
	})
}

// TestSetupIsRaced: 32 at once with one link make one administrator (ONCE).
func TestSetupIsRaced(t *testing.T) {
	onBoth(t, func(i installation) {
		token := i.link(i.live, tenants.SetupPurpose)
		var mu sync.Mutex
		made := 0
		var group sync.WaitGroup
		for n := range 32 {
			group.Go(func() {
				err := i.finish(token, fmt.Sprintf("person-%d@example.com", n), firstPassword)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					made++
				} else if !errors.Is(err, lanyard.ErrNotFound) {
					i.Error(err)
				}
			})
		}
		group.Wait()
		events, err := i.live.Scope.Events(i.Context(), 100)
		i.must(err)
		if n := i.users(); made != 1 || n != 1 || len(events) != 1 {
			i.Errorf("%d calls made %d people and %d events", made, n, len(events))
		}
	})
}

// makesPasskey answers the options for a person with an authenticator.
func (i installation) makesPasskey(token lanyard.Secret, person lanyard.Profile, key *authenticator.Authenticator) []byte {
	i.Helper()
	options, err := i.setup.SetupPasskey(i.Context(), i.live, token, person)
	i.must(err)
	answer, err := key.Create(options)
	i.must(err)
	return answer
}

var ada = lanyard.Profile{Name: "Ada", Email: "ada@example.com"}

// TestSetupByPasskey makes an administrator who signs in with it, and has no password.
func TestSetupByPasskey(t *testing.T) {
	onBoth(t, func(i installation) {
		token, key := i.link(i.live, tenants.SetupPurpose), authenticator.New(i.live.Issuer)
		first := tenants.FirstAdministrator{Profile: ada, Tenant: "Analytical Engines", Credential: i.makesPasskey(token, ada, key)}
		i.must(i.setup.FinishSetup(i.Context(), i.live, token, first))
		tenant, err := i.live.Scope.Tenant(i.Context())
		i.must(err)
		if tenant.Name != "Analytical Engines" || tenant.Slug != lanyard.DefaultTenant {
			i.Errorf("the tenant is %s, %q", tenant.Slug, tenant.Name)
		}
		people, now := &accounts.Accounts{Hasher: i.setup.Hasher}, i.clock.Now()
		options, err := people.PasskeyRequest(i.Context(), i.live.Tenancy(), "a request", "", now)
		i.must(err)
		answer, err := key.Get(options)
		i.must(err)
		proven, err := people.ProvePasskey(i.Context(), i.live.Tenancy(), "a request", answer, "", accounts.From{}, now)
		i.must(err)
		roles, err := i.live.Scope.UserRoles(i.Context(), proven.User.ID)
		i.must(err)
		if proven.Method != lanyard.MethodPasskey || fmt.Sprint(roles) != "["+tenants.RoleInstanceAdmin+"]" {
			i.Errorf("the passkey proves %s of somebody with %v", proven.Method, roles)
		}
		credentials, err := i.live.Scope.CredentialsByName(i.Context(), ada.Email)
		i.must(err)
		if credentials.PasswordHash != "" {
			i.Error("there is a password, too")
		}
	})
}

// TestFailedPasskeyLeavesTheSetupLink: the ceremony is gone, and another one or a
// password ends the set-up.
func TestFailedPasskeyLeavesTheSetupLink(t *testing.T) {
	onBoth(t, func(i installation) {
		i.must(i.finish(i.link(i.live, tenants.SetupPurpose), "taken@example.com", firstPassword))
		token, issuer := i.link(i.live, tenants.SetupPurpose), i.live.Issuer
		for name, c := range map[string]struct {
			key  authenticator.Authenticator
			want error
			who  lanyard.Profile
			late time.Duration
		}{
			"another origin":    {authenticator.Authenticator{Origin: issuer, WrongOrigin: "https://evil.example"}, lanyard.ErrNoPasskey, ada, 0},
			"no verification":   {authenticator.Authenticator{Origin: issuer, NoUV: true}, lanyard.ErrNoPasskey, ada, 0},
			"another challenge": {authenticator.Authenticator{Origin: issuer, WrongChallenge: strings.Repeat("A", 43)}, lanyard.ErrNoPasskey, ada, 0},
			"too late":          {authenticator.Authenticator{Origin: issuer}, lanyard.ErrNoPasskey, ada, 5 * time.Minute},
			"an address in use": {authenticator.Authenticator{Origin: issuer}, lanyard.ErrConflict, lanyard.Profile{Name: "Ada", Email: "TAKEN@example.com"}, 0},
		} {
			first := tenants.FirstAdministrator{Profile: c.who, Credential: i.makesPasskey(token, c.who, &c.key)}
			i.clock.Advance(c.late)
			for _, want := range []error{c.want, lanyard.ErrNoPasskey} { // a ceremony is spent by its first answer
				if err := i.setup.FinishSetup(i.Context(), i.live, token, first); !errors.Is(err, want) {
					i.Errorf("%s: %v, want %v", name, err, want)
				}
			}
			i.must(i.setup.CheckSetup(i.Context(), i.live, token))
		}
		if n := i.users(); n != 1 {
			i.Errorf("%d people exist", n)
		}
		i.live.Tenant.Policy.NoPasskeys = true
		if _, err := i.setup.SetupPasskey(i.Context(), i.live, token, ada); !errors.Is(err, lanyard.ErrNotOffered) {
			i.Errorf("where passkeys are turned off: %v", err)
		}
		i.must(i.finish(token, ada.Email, firstPassword))
	})
}

// TestSetupIsRacedByPasskey: 32 at once, half of them with the passkey and half with a
// password, make one administrator (ONCE), who has one of the two.
func TestSetupIsRacedByPasskey(t *testing.T) {
	onBoth(t, func(i installation) {
		token := i.link(i.live, tenants.SetupPurpose)
		credential := i.makesPasskey(token, ada, authenticator.New(i.live.Issuer))
		made := make([]bool, 32)
		var group sync.WaitGroup
		for n := range made {
			group.Go(func() {
				first := tenants.FirstAdministrator{Profile: ada, Credential: credential}
				if n%2 == 0 {
					first = tenants.FirstAdministrator{Profile: lanyard.Profile{Name: "Ada", Email: fmt.Sprintf("ada-%d@example.com", n)}, Password: lanyard.SecretOf(firstPassword)}
				}
				err := i.setup.FinishSetup(i.Context(), i.live, token, first)
				made[n] = err == nil
				if err != nil && !errors.Is(err, lanyard.ErrNotFound) && !errors.Is(err, lanyard.ErrNoPasskey) {
					i.Error(err)
				}
			})
		}
		group.Wait()
		winner := slices.Index(made, true)
		if i.users() != 1 || winner < 0 || slices.Contains(made[winner+1:], true) {
			i.Fatalf("%v made %d people", made, i.users())
		}
		email := ada.Email
		if winner%2 == 0 {
			email = fmt.Sprintf("ada-%d@example.com", winner)
		}
		user, err := i.live.Scope.UserByEmail(i.Context(), email)
		i.must(err)
		passkeys, err := i.live.Scope.Passkeys(i.Context(), user.ID)
		i.must(err)
		if len(passkeys) != winner%2 {
			i.Errorf("number %d made %d passkeys", winner, len(passkeys))
		}
	})
}
