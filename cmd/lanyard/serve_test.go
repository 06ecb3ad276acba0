package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/storage"
)

// production is the environment of a server on loopback ports of its own.
func production(url string) []string {
	return []string{
		"LANYARD_DATABASE_URL=" + url, "LANYARD_KEYS_MASTER_KEY=" + master, "LANYARD_SERVER_ISSUER=http://localhost:8080",
		"LANYARD_SERVER_LISTEN=127.0.0.1:0", "LANYARD_OPERATIONS_LISTEN=127.0.0.1:0", "LANYARD_LOG_FORMAT=json",
	}
}

func sqliteURL(t *testing.T) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "lanyard.db")
}

// migrated is a production environment whose schema is current.
func migrated(t *testing.T) []string {
	t.Helper()
	environ := production(sqliteURL(t))
	if code, _, errOut := command(t, environ, "migrate", "up"); code != exitOK {
		t.Fatal(errOut)
	}
	return environ
}

func TestServerTellsHowItIs(t *testing.T) {
	r := run(t, clock.Real(), migrated(t), "serve")
	_, ops := r.serving()
	if code, body := get(t, ops+"/healthz"); code != 200 {
		t.Errorf("healthz: %d %s", code, body)
	}
	if code, body := get(t, ops+"/readyz"); code != 200 {
		t.Errorf("readyz: %d %s", code, body)
	}
	code, body := get(t, ops+"/metrics")
	for _, name := range []string{
		"build_info{", `signing_key_age_seconds{alg="RS256"}`, `signing_key_age_seconds{alg="ES256"}`, "db_pool_open_connections{", "password_hash_seconds_count", "go_goroutines",
	} {
		if !strings.Contains(body, "\n"+name) {
			t.Errorf("metrics (%d) have no %s", code, name)
		}
	}
	if strings.Contains(body, "HS256") {
		t.Error("the symmetric key shows itself")
	}
	if code, _ := get(t, ops+"/oauth/jwks"); code != 404 {
		t.Errorf("the operations listener serves the public: %d", code)
	}
}

// TestStopDrains walks through the end of a server: not ready but serving, then
// gone, with exit code 0 and its leases given back.
func TestStopDrains(t *testing.T) {
	c := clock.NewManual(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	environ := migrated(t)
	r := run(t, c, environ, "serve")
	public, ops := r.serving()
	settled, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := c.AwaitWaiters(settled, 6); err != nil { // four jobs and those who deliver mails and webhooks wait for their next turn
		t.Fatal(err)
	}
	r.stop()
	if err := c.AwaitWaiters(settled, 7); err != nil { // and the drain
		t.Fatal(err)
	}
	if code, body := get(t, ops+"/readyz"); code != 503 || !strings.Contains(body, "draining") {
		t.Errorf("readyz: %d %s", code, body)
	}
	if code, body := get(t, public+"/"); code == 0 {
		t.Errorf("a draining server refuses connections: %s", body)
	}
	c.Advance(serveDrainWait)
	if code := r.end(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	if code, _ := get(t, public+"/"); code != 0 {
		t.Errorf("it still answers: %d", code)
	}
	store := open(t, strings.TrimPrefix(environ[0], "LANYARD_DATABASE_URL="))
	for _, job := range []string{"job:signing-keys", "job:clean-up"} {
		if ours, err := store.AcquireLease(t.Context(), job, "successor", c.Now(), c.Now().Add(time.Minute)); err != nil || !ours {
			t.Errorf("the lease %s was not given back: %v", job, err)
		}
	}
}

func open(t *testing.T, url string) *storage.Store {
	t.Helper()
	store, err := storage.Open(t.Context(), storage.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func TestServeRefusesAnOutdatedSchema(t *testing.T) {
	environ := production(sqliteURL(t))
	code, _, errOut := command(t, environ, "serve")
	if code != exitFailure || !strings.Contains(errOut, "run 'lanyard migrate up'") {
		t.Errorf("got %d: %s", code, errOut)
	}
	if code, out, _ := command(t, environ, "migrate", "status"); code != exitFailure || !strings.Contains(out, "pending") {
		t.Errorf("status: %d %s", code, out)
	}
	r := run(t, clock.Real(), environ, "serve", "--migrate")
	r.serving()
	if code, out, _ := command(t, environ, "migrate", "status"); code != exitOK || strings.Contains(out, "pending") {
		t.Errorf("status: %d %s", code, out)
	}
}

func TestServeRefusesAnotherMasterKey(t *testing.T) {
	environ := migrated(t)
	if code, _, errOut := command(t, environ, "setup-link"); code != exitOK {
		t.Fatal(errOut)
	}
	other := with(environ, "LANYARD_KEYS_MASTER_KEY="+strings.Repeat("0123456789abcdef", 4))
	for _, args := range [][]string{{"serve"}, {"setup-link"}} {
		code, _, errOut := command(t, other, args...)
		if code != exitFailure || !strings.Contains(errOut, "the master key does not open this database") {
			t.Errorf("%v: got %d: %s", args, code, errOut)
		}
	}
}

// TestWrongMasterKeyAddsNothing has a gap among the keys, which a server with the
// right master key would fill.
func TestWrongMasterKeyAddsNothing(t *testing.T) {
	environ := migrated(t)
	if code, _, errOut := command(t, environ, "setup-link"); code != exitOK {
		t.Fatal(errOut)
	}
	store := open(t, strings.TrimPrefix(environ[0], "LANYARD_DATABASE_URL="))
	tenant, err := store.TenantBySlug(t.Context(), lanyard.DefaultTenant)
	if err != nil {
		t.Fatal(err)
	}
	scope := store.Tenant(tenant.ID)
	before := signingKeys(t, scope)
	if err := scope.DeleteSigningKey(t.Context(), before[0].ID); err != nil {
		t.Fatal(err)
	}
	command(t, with(environ, "LANYARD_KEYS_MASTER_KEY="+strings.Repeat("0123456789abcdef", 4)), "setup-link")
	if after := signingKeys(t, scope); len(after) != len(before)-1 {
		t.Errorf("%d keys became %d", len(before)-1, len(after))
	}
}

func signingKeys(t *testing.T, scope storage.Scope) []lanyard.SigningKey {
	t.Helper()
	stored, err := scope.SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

func TestServeOpensWithTheOldMasterKeyBesideTheNew(t *testing.T) {
	environ := migrated(t)
	if code, _, errOut := command(t, environ, "setup-link"); code != exitOK {
		t.Fatal(errOut)
	}
	both := with(environ, "LANYARD_KEYS_MASTER_KEY="+strings.Repeat("0123456789abcdef", 4)+" "+master)
	run(t, clock.Real(), both, "serve").serving()
}

func TestServeRefusesDevelopmentSecrets(t *testing.T) {
	for name, seed := range map[string]string{
		"client": "version: 1\ntenants: [{slug: second, clients: [{client_id: machine, type: machine, client_secret: dev-only-machine-secret-that-everybody-knows}]}]",
		"user":   "version: 1\ntenants: [{slug: default, users: [{email: ada@example.test, password: analytical-engine-1843}]}]",
	} {
		t.Run(name, func(t *testing.T) {
			environ := migrated(t)
			plant(t, environ, seed)
			code, _, errOut := command(t, environ, "serve")
			if code != exitFailure || !strings.Contains(errOut, "this is a development database") {
				t.Errorf("got %d: %s", code, errOut)
			}
		})
	}
}

// plant applies a file as the development server would.
func plant(t *testing.T, environ []string, seed string) {
	t.Helper()
	p := &program{out: os.Stdout, errOut: os.Stderr, clock: clock.Real(), environ: environ}
	config, err := configSource{}.load(p, needs{})
	if err != nil {
		t.Fatal(err)
	}
	app, err := config.openApp(t.Context(), p, false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = app.Store.Close() }()
	file, err := p.readManifest(write(t, "seed.yaml", seed), true)
	if err != nil {
		t.Fatal(err)
	}
	app.Dev = &Development{Seed: file, TrySecret: lanyard.NewSecret()}
	if err := app.seed(t.Context(), file); err != nil {
		t.Fatal(err)
	}
}

func TestSecondServerOnOneSQLiteFileIsRefused(t *testing.T) {
	environ := migrated(t)
	run(t, clock.Real(), environ, "serve").serving()
	code, _, errOut := command(t, environ, "serve")
	if code != exitFailure || !strings.Contains(errOut, "another server uses") {
		t.Errorf("got %d: %s", code, errOut)
	}
	if code, _, errOut := command(t, environ, "migrate", "status"); code != exitOK {
		t.Errorf("migrate status beside a server: %d %s", code, errOut)
	}
}

func TestSetupLinkBelongsToTheIssuerAndIsStoredHashed(t *testing.T) {
	environ := migrated(t)
	code, out, errOut := command(t, environ, "setup-link")
	token, found := strings.CutPrefix(strings.TrimSpace(out), "http://localhost:8080/setup?token=")
	if code != exitOK || !found || len(token) != 43 {
		t.Fatalf("got %d: %s%s", code, out, errOut)
	}
	store := open(t, strings.TrimPrefix(environ[0], "LANYARD_DATABASE_URL="))
	tenant, err := store.TenantBySlug(t.Context(), lanyard.DefaultTenant)
	if err != nil {
		t.Fatal(err)
	}
	scope, now := store.Tenant(tenant.ID), clock.Real().Now()
	lives := func(at time.Time) bool {
		t.Helper()
		live, err := scope.OneTimeTokenLives(t.Context(), lanyard.SecretOf(token).Hash(), setupPurpose, at)
		if err != nil {
			t.Fatal(err)
		}
		return live
	}
	if !lives(now) || lives(now.Add(setupLifetime)) {
		t.Error("the link does not live 15 minutes")
	}
	if code, _, errOut := command(t, environ, "setup-link"); code != exitOK {
		t.Fatal(errOut)
	}
	if lives(now) {
		t.Error("an older link still works")
	}
}

func TestApplyIsIdempotentAndRefusesKnownSecrets(t *testing.T) {
	environ := with(migrated(t), "WEB_SECRET="+strings.Repeat("s", 40))
	file := write(t, "tenants.yaml", `version: 1
tenants:
  - slug: default
    name: Example
    clients:
      - client_id: web
        client_secret: {env: WEB_SECRET}
        redirect_uris: [https://app.example.test/callback]
`)
	for _, want := range []string{"1 created, 1 updated, 0 unchanged\n", "0 created, 0 updated, 2 unchanged\n"} {
		if code, out, errOut := command(t, environ, "apply", "-f", file); code != exitOK || out != want {
			t.Errorf("got %d: %s%s", code, out, errOut)
		}
	}
	known := with(environ, "WEB_SECRET=dev-only-web-secret-that-everybody-knows")
	if code, _, errOut := command(t, known, "apply", "-f", file); code != exitFailure || !strings.Contains(errOut, "everybody knows") {
		t.Errorf("got %d: %s", code, errOut)
	}
	bad := write(t, "bad.yaml", "version: 1\ntenants:\n  - slug: default\n    clents: []\n    users: [{username: a, password: in-line}]\n")
	code, _, errOut := command(t, environ, "apply", "-f", bad)
	for _, want := range []string{bad + `:4:5: unknown key "clents"; did you mean "clients"?`, bad + ":5:27: a secret in line is for development only"} {
		if code != exitFailure || !strings.Contains(errOut, want) {
			t.Errorf("no complaint %q: %d %s", want, code, errOut)
		}
	}
}

// TestManyServersStartOnAnEmptyDatabase is the first-start race: ten replicas,
// one tenant, one active key for each algorithm.
func TestManyServersStartOnAnEmptyDatabase(t *testing.T) {
	for name, url := range map[string]func(*testing.T) string{
		"sqlite": sqliteURL, "postgres": func(t *testing.T) string { return testkit.FastPostgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			environ := production(url(t))
			var group sync.WaitGroup
			for range 10 {
				group.Go(func() {
					for _, args := range [][]string{{"migrate", "up"}, {"setup-link"}} {
						if code, _, errOut := command(t, environ, args...); code != exitOK {
							t.Errorf("%v: %d %s", args, code, errOut)
						}
					}
				})
			}
			group.Wait()
			store := open(t, strings.TrimPrefix(environ[0], "LANYARD_DATABASE_URL="))
			tenants, err := store.Tenants(t.Context())
			if err != nil || len(tenants) != 1 {
				t.Fatalf("%d tenants, %v", len(tenants), err)
			}
			stored, err := store.Tenant(tenants[0].ID).SigningKeys(t.Context())
			if err != nil || len(stored) != 5 {
				t.Errorf("%d keys, %v", len(stored), err)
			}
		})
	}
}
