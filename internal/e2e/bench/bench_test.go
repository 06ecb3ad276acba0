package bench

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
	"github.com/lanyard-id/lanyard/keys"
)

func TestMain(m *testing.M) { testkit.Main(m) }

var masterKey = []byte("0123456789abcdefghijklmnopqrstuv")

const (
	ada         = "ada@example.test"
	adaPassword = "notes-on-the-engine-1842"
)

// target is a running server.
type target struct {
	*testkit.Process
	*idp.IDP
	env []string
	ops string
}

// serve starts the binary on a seeded database and waits for the first discovery.
func serve(b *testing.B, database string, more ...string) *target {
	b.Helper()
	master, err := keys.NewMaster(masterKey)
	if err != nil {
		b.Fatal(err)
	}
	idp.Seed(b, database, master, more...)
	port := testkit.FreePort(b)
	issuer := fmt.Sprintf("http://localhost:%d", port)
	ops := fmt.Sprintf("127.0.0.1:%d", testkit.FreePort(b))
	t := &target{IDP: idp.Keeping(b, issuer), ops: ops, env: []string{
		fmt.Sprintf("LANYARD_SERVER_LISTEN=127.0.0.1:%d", port), "LANYARD_SERVER_ISSUER=" + issuer, "LANYARD_LOG_LEVEL=warn",
		"LANYARD_OPERATIONS_LISTEN=" + ops, "LANYARD_DATABASE_URL=" + database,
		"LANYARD_KEYS_MASTER_KEY=" + base64.StdEncoding.EncodeToString(masterKey),
	}}
	t.start(b)
	return t
}

// start runs the server and tells how long the first discovery answer took.
func (t *target) start(b *testing.B) time.Duration {
	return t.startUntil(b, t.Issuer+"/.well-known/openid-configuration")
}

// startReady runs the server and tells how long it took until it said that it is ready.
func (t *target) startReady(b *testing.B) time.Duration {
	return t.startUntil(b, "http://"+t.ops+"/readyz")
}

func (t *target) startUntil(b *testing.B, address string) time.Duration {
	b.Helper()
	began := time.Now()
	t.Process = testkit.Run(b, testkit.Command{Path: testkit.Binary(b), Args: []string{"serve"}, Env: t.env})
	for time.Since(began) < time.Minute {
		answer, err := http.Get(address) //nolint:noctx // a benchmark
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return time.Since(began)
			}
		}
		time.Sleep(time.Millisecond)
	}
	b.Fatal("the server does not answer:\n" + t.Process.Log())
	return 0
}

// cpu is the CPU time that the server has used, in seconds.
func (t *target) cpu(b *testing.B) float64 {
	b.Helper()
	const ticksPerSecond = 100
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", t.PID()))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / ticksPerSecond
}

// resident is the memory of the server in megabytes.
func (t *target) resident(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", t.PID()))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kilobytes, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	return kilobytes / 1024
}

// workers is how many clients work at once.
const workers = 16

// measure runs the work of all workers until it was done b.N times in all.
func measure(b *testing.B, t *target, work func(worker int) error) {
	b.Helper()
	var mu sync.Mutex
	left := b.N
	take := func() bool {
		mu.Lock()
		defer mu.Unlock()
		left--
		return left >= 0
	}
	b.ResetTimer()
	began, before := time.Now(), t.cpu(b)
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for take() {
				if err := work(worker); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	wall, used := time.Since(began).Seconds(), t.cpu(b)-before
	b.StopTimer()
	b.ReportMetric(float64(b.N)/wall, "req/s")
	if used > 0 {
		b.ReportMetric(float64(b.N)/used, "req/cpu-s")
	}
	b.ReportMetric(t.resident(b), "MB-resident")
}

func wantOK(a idp.Answer, err error) error {
	if err == nil && a.Status != http.StatusOK {
		err = fmt.Errorf("answered %d %s", a.Status, a.Raw)
	}
	return err
}

// BenchmarkSQLite and BenchmarkPostgreSQL run everything against one server each, on durable storage.
func BenchmarkSQLite(b *testing.B) {
	all(b, serve(b, "sqlite:"+filepath.Join(b.TempDir(), "lanyard.db")))
}

// BenchmarkPostgreSQL is BenchmarkSQLite on PostgreSQL.
func BenchmarkPostgreSQL(b *testing.B) { all(b, serve(b, testkit.Postgres(b))) }

func all(b *testing.B, t *target) {
	b.Helper()
	for _, c := range []struct {
		name  string
		begin func(t *target) func(worker int) error
	}{
		{"Discovery", document("/.well-known/openid-configuration")},
		{"JWKS", document("/oauth/jwks")},
		{"ClientCredentialsRS256", machine("https://api.example.test/", "read")},
		{"ClientCredentialsES256", machine("https://files.example.test", "files")},
		{"CodeFlow", codeFlow},
		{"CodeFlowSignedIn", codeFlowSignedIn},
		{"RefreshRS256", refresh("web")},
		{"RefreshES256", refresh("claims")},
		{"Userinfo", userinfo},
		{"Introspection", introspection},
	} {
		b.Run(c.name, func(b *testing.B) { measure(b, t, c.begin(t)) })
	}
	b.Run("ColdStart", t.coldStart) // last: the server it starts ends with it
}

func document(path string) func(*target) func(int) error {
	return func(t *target) func(int) error { return func(int) error { return wantOK(t.Get(path)) } }
}

func machine(resource, scope string) func(*target) func(int) error {
	return func(t *target) func(int) error {
		client := t.Client("machine")
		form := url.Values{"grant_type": {"client_credentials"}, "resource": {resource}, "scope": {scope}}
		return func(int) error { return wantOK(client.Try("/oauth/token", form)) }
	}
}

// codeFlow is the whole flow with pages and password.
func codeFlow(t *target) func(int) error {
	web := t.Client("web")
	return func(int) error {
		return wantOK(web.Try("/oauth/token", web.Exchanging(web.Code(t.Browser(), ada, adaPassword, nil), nil)))
	}
}

// codeFlowSignedIn is the flow of a person who is signed in.
func codeFlowSignedIn(t *target) func(int) error {
	web := t.Client("web")
	browsers := make([]*idp.Browser, workers)
	for at := range browsers {
		browsers[at] = t.Browser()
		web.Code(browsers[at], ada, adaPassword, nil)
	}
	return func(worker int) error {
		return wantOK(web.Try("/oauth/token", web.Exchanging(web.Code(browsers[worker], ada, adaPassword, nil), nil)))
	}
}

func refresh(id string) func(*target) func(int) error {
	return func(t *target) func(int) error {
		client := t.Client(id)
		live := make([]string, workers)
		for at := range live {
			live[at] = client.Tokens(nil).Text("refresh_token")
		}
		return func(worker int) error {
			a, err := client.Try("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {live[worker]}})
			live[worker] = a.Text("refresh_token")
			return wantOK(a, err)
		}
	}
}

func userinfo(t *target) func(int) error {
	web := t.Client("web")
	token := web.Tokens(url.Values{"scope": {"openid profile email"}}).Text("access_token")
	return func(int) error { return wantOK(web.Userinfo(token), nil) }
}

func introspection(t *target) func(int) error {
	web := t.Client("web")
	token := web.Tokens(nil).Text("access_token")
	return func(int) error { return wantOK(web.Try("/oauth/introspect", url.Values{"token": {token}})) }
}

// coldStart is the time from the start of the process to the first discovery
// answer on an existing database, and the memory then.
func (t *target) coldStart(b *testing.B) {
	var total time.Duration
	for range b.N {
		t.Kill()
		total += t.start(b)
	}
	b.ReportMetric(float64(total.Milliseconds())/float64(b.N), "ms-to-discovery")
	b.ReportMetric(t.resident(b), "MB-resident-idle")
}
