package idp

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	_ "embed"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/internal/fetch"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/internal/server"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/manifest"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

//go:embed seed.yaml
var seed []byte

// Options say how the provider differs from the usual one.
type Options struct {
	// Database is a connection string; empty is a new SQLite file.
	Database string
	// Seed is a manifest; empty is seed.yaml.
	Seed string
	// Upstreams are the peers (host:port) on this machine that the provider may call.
	Upstreams []string
	// TelegramKey signs the data of Mini Apps; nil is Telegram's own.
	TelegramKey ed25519.PublicKey
}

// IDP is a running provider.
type IDP struct {
	Store  *storage.Store
	Clock  *clock.Manual
	Keeper *keys.Keeper
	Sealer *keys.Master
	// Zone is what the provider finds in the DNS.
	Zone    Zone
	Handler *server.Handler
	// Issuer is the issuer of the default tenant.
	Issuer string
	// Log is what the server wrote.
	Log *Log
	// transport reaches the provider; nil is the usual one.
	transport http.RoundTripper
	options   Options
	letters   []mail.Letter
	t         testing.TB
}

func (i *IDP) client() *http.Client { return &http.Client{Transport: i.transport} }

// At is a provider that runs elsewhere: every request goes to the next of the
// addresses, over a connection of its own. Only browsers and clients work with it.
func At(t testing.TB, issuer string, addresses ...string) *IDP {
	var turn atomic.Uint64
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, addresses[turn.Add(1)%uint64(len(addresses))])
	}
	return &IDP{Issuer: issuer, Log: &Log{}, t: t, transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
}

// Keeping is a provider that runs elsewhere, at its issuer's own address, over
// connections that are kept.
func Keeping(t testing.TB, issuer string) *IDP {
	const conns = 64
	return &IDP{Issuer: issuer, Log: &Log{}, t: t, transport: &http.Transport{MaxIdleConnsPerHost: conns, MaxIdleConns: conns}}
}

// Get reads a document of the provider.
func (i *IDP) Get(path string) (Answer, error) {
	answer, err := i.client().Get(i.Issuer + path) //nolint:noctx // the test's time bounds it
	if err != nil {
		return Answer{}, err
	}
	return ReadAnswer(i.t, answer), nil
}

// Seed applies seed.yaml, and what else is given, to a database, sealed under the master key.
func Seed(t testing.TB, database string, master *keys.Master, more ...string) {
	t.Helper()
	store, err := storage.Open(t.Context(), storage.Config{URL: database})
	must(t, err)
	defer func() { must(t, store.Close()) }()
	must(t, store.Migrate(t.Context()))
	i := &IDP{Store: store, Clock: clock.NewManual(time.Now().UTC()), t: t, Keeper: &keys.Keeper{Sealer: master, Generate: pooledKey}}
	i.apply("")
	for _, text := range more {
		i.apply(text)
	}
}

// Start runs a provider until the end of the test.
func Start(t testing.TB, o Options) *IDP {
	t.Helper()
	if o.Database == "" {
		o.Database = "sqlite:" + filepath.Join(t.TempDir(), "lanyard.db")
	}
	slog.SetDefault(slog.New(slog.DiscardHandler)) // as the command does
	store := opened(t, o.Database)
	must(t, store.Migrate(t.Context()))
	master, err := keys.NewMaster([]byte("0123456789abcdefghijklmnopqrstuv"))
	must(t, err)
	i := &IDP{
		Store: store, Clock: clock.NewManual(time.Now().UTC()), Sealer: master, Log: &Log{}, t: t,
		Keeper: &keys.Keeper{Sealer: master, Generate: pooledKey}, options: o,
	}
	i.apply(o.Seed)
	i.serve()
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(i.Log.Tail())
		}
	})
	return i
}

func opened(t testing.TB, database string) *storage.Store {
	t.Helper()
	store, err := storage.Open(t.Context(), storage.Config{URL: database, Ephemeral: true})
	must(t, err)
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// Replica is another server of the same provider: it has a store, a cache and an address
// of its own, and database, issuer, clock and master key with the first. Browsers and
// clients made from it reach this one.
func (i *IDP) Replica() *IDP { return i.Over(i.options.Database) }

// Over is a replica on another database, such as a copy.
func (i *IDP) Over(database string) *IDP {
	i.t.Helper()
	r := &IDP{
		Store: opened(i.t, database), Clock: i.Clock, Sealer: i.Sealer, Keeper: i.Keeper, Issuer: i.Issuer, Log: i.Log, t: i.t, options: i.options,
	}
	front := r.front()
	address := front.Listener.Addr().String()
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, address)
	}
	r.transport = &http.Transport{DialContext: dial}
	r.handle()
	front.Config.Handler = r.Handler
	front.Start()
	return r
}

func (i *IDP) apply(text string) {
	i.t.Helper()
	data := []byte(text)
	if text == "" {
		data = seed
	}
	file, err := manifest.Parse(data, manifest.Options{AllowInline: true})
	must(i.t, err)
	deps := manifest.Deps{
		Store: i.Store, Keeper: i.Keeper, Hasher: hasher(), Issuer: i.issuerOf,
		Organizations: &organizations.Organizations{Accounts: accounts.New(hasher(), i.Keeper.Sealer)},
	}
	_, err = manifest.Apply(context.Background(), deps, file, i.Clock.Now())
	must(i.t, err)
}

// issuerOf is the issuer of a tenant, as mails name it.
func (i *IDP) issuerOf(t lanyard.Tenant) string {
	base, err := url.Parse(i.Issuer)
	must(i.t, err)
	return (&tenants.Directory{Base: base}).Issuer(t)
}

// Apply applies a manifest to the running provider.
func (i *IDP) Apply(text string) {
	i.t.Helper()
	i.apply(text)
}

func (i *IDP) serve() {
	i.t.Helper()
	front := i.front()
	_, port, _ := splitHostPort(front.Listener.Addr().String())
	i.Issuer = "http://localhost:" + port
	i.handle()
	front.Config.Handler = i.Handler
	front.Start()
}

func (i *IDP) front() *httptest.Server {
	front := httptest.NewUnstartedServer(nil)
	i.t.Cleanup(front.Close)
	return front
}

// handle makes the handler of the issuer.
func (i *IDP) handle() {
	i.t.Helper()
	issuer, err := url.Parse(i.Issuer)
	must(i.t, err)
	fetcher, err := fetch.New(fetch.Options{Allow: i.options.Upstreams})
	must(i.t, err)
	i.Handler, err = server.New(server.Parts{
		Store: i.Store, Sealer: i.Sealer, Keeper: i.Keeper, Hasher: hasher(), Clock: i.Clock, Log: slog.New(slog.NewJSONHandler(i.Log, nil)), Issuer: issuer,
		Fetcher: fetcher, Resolver: &i.Zone, TelegramKey: i.options.TelegramKey,
	})
	must(i.t, err)
}

// Do sends a request to the handler without the network, under a context that
// counts its statements.
func (i *IDP) Do(r *http.Request) (*http.Response, *storage.Statements) {
	ctx, statements := storage.CountStatements(r.Context())
	rec := httptest.NewRecorder()
	i.Handler.ServeHTTP(rec, r.WithContext(ctx))
	return rec.Result(), statements
}

// Scope is the default tenant's rows.
func (i *IDP) Scope() storage.Scope { return i.ScopeOf("default") }

// ScopeOf is a tenant's rows.
func (i *IDP) ScopeOf(slug string) storage.Scope {
	i.t.Helper()
	tenant, err := i.Store.TenantBySlug(context.Background(), slug)
	must(i.t, err)
	return i.Store.Tenant(tenant.ID)
}

// Log collects what the server writes.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// String is all that was written so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Tail is the end of it, for a test that failed.
func (l *Log) Tail() string {
	const most = 4000
	text := l.String()
	return text[max(0, len(text)-most):]
}

var hasher = sync.OnceValue(accounts.NewHasher)

// pool holds private keys that tests share: making RSA keys is the slowest thing
// they would do. Keys handed out in a row differ.
var pool struct {
	sync.Mutex
	made map[string][]crypto.Signer
	next map[string]int
}

const poolSize = 12

func pooledKey(alg string) (crypto.Signer, error) {
	pool.Lock()
	defer pool.Unlock()
	if pool.made == nil {
		pool.made, pool.next = map[string][]crypto.Signer{}, map[string]int{}
	}
	at := pool.next[alg] % poolSize
	pool.next[alg]++
	if at < len(pool.made[alg]) {
		return pool.made[alg][at], nil
	}
	key, err := keys.Generate(alg)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	pool.made[alg] = append(pool.made[alg], key)
	return key, nil
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Status sends a request over the network, follows nothing, and tells how it was answered.
func (i *IDP) Status(r *http.Request) int {
	answer, err := i.client().Transport.RoundTrip(r)
	if err != nil {
		return 0
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}
