package deploy

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"

	root "github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
	"github.com/lanyard-id/lanyard/keys"
)

// composition reads docker-compose.yml with the reference implementation, which
// refuses what the specification does not have.
func composition(t testing.TB, environ types.Mapping) *types.Project {
	t.Helper()
	project, err := loader.LoadWithContext(context.Background(), types.ConfigDetails{
		WorkingDir:  testkit.Root(),
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(testkit.Root(), "docker-compose.yml")}},
		Environment: environ,
	})
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// ofLanyard are the services that run the image of the Dockerfile.
func ofLanyard(p *types.Project) []types.ServiceConfig {
	var out []types.ServiceConfig
	for _, name := range slices.Sorted(maps.Keys(p.Services)) {
		if s := p.Services[name]; strings.HasPrefix(s.Image, "lanyard:") {
			out = append(out, s)
		}
	}
	return out
}

func TestCompositionIsStrictAndSafe(t *testing.T) {
	p, i := composition(t, nil), readImage(t)
	for name, s := range p.Services {
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s is published to everybody: %+v", name, port)
			}
		}
		if s.Logging == nil || s.Logging.Options["max-size"] == "" || s.Logging.Options["max-file"] == "" {
			t.Errorf("%s fills the disk with its log", name)
		}
		if !regexp.MustCompile(`^[a-z/]+:v?\d+(\.\d+)*(-alpine)?$`).MatchString(s.Image) {
			t.Errorf("%s: image %q has no version, or names a registry", name, s.Image)
		}
		if !slices.Contains(s.SecurityOpt, "no-new-privileges:true") || s.Privileged {
			t.Errorf("%s may gain privileges", name)
		}
		for variable := range s.Environment {
			knowsVariables(t, name, variable)
			if secret := regexp.MustCompile(`(?i)(password|master_key|database_url)$`); secret.MatchString(variable) {
				t.Errorf("%s: %s is a secret in the environment, where everybody who may inspect sees it", name, variable)
			}
		}
		once := s.Restart == "" || s.Restart == "no"
		if !once && (s.HealthCheck == nil || s.HealthCheck.Disable) && name != "mail" {
			t.Errorf("%s has no health check", name)
		}
	}
	own := ofLanyard(p)
	if len(own) != 3 {
		t.Fatalf("%d services of ours, want two replicas and the migration", len(own))
	}
	for _, s := range own {
		if s.Image != "lanyard:"+i.version || !s.ReadOnly || s.User != i.user || !slices.Equal(s.CapDrop, []string{"ALL"}) || s.MemLimit == 0 {
			t.Errorf("%s is not confined: %+v", s.Name, s)
		}
		switch build := s.Build; {
		case s.Name == "migrate" && (build == nil || s.PullPolicy != types.PullPolicyBuild || *build.Args["VERSION"] != i.version):
			t.Errorf("the image is not built by what runs first: %+v, %s", build, s.PullPolicy)
		case s.Name != "migrate" && (build != nil || s.PullPolicy != types.PullPolicyNever):
			t.Errorf("%s is built again, or pulled from wherever: %s", s.Name, s.PullPolicy)
		}
	}
}

// TestReplicasAreAlike: the two differ in nothing but their name.
func TestReplicasAreAlike(t *testing.T) {
	p, i := composition(t, nil), readImage(t)
	for _, s := range []types.ServiceConfig{p.Services["lanyard-1"], p.Services["lanyard-2"]} {
		if got, want := strings.Join(s.HealthCheck.Test, " "), "CMD "+strings.Join(i.entrypoint, " ")+" health --ready"; got != want {
			t.Errorf("%s: health check %q, want %q", s.Name, got, want)
		}
		if grace := time.Duration(*s.StopGracePeriod); grace < 35*time.Second {
			t.Errorf("%s is killed after %v, while it drains", s.Name, grace)
		}
		for _, other := range []string{"secrets", "migrate", "postgres"} {
			if want := map[string]string{"postgres": "service_healthy"}[other]; s.DependsOn[other].Condition != orElse(want, "service_completed_successfully") {
				t.Errorf("%s starts before %s is done: %q", s.Name, other, s.DependsOn[other].Condition)
			}
		}
		if s.Restart != "unless-stopped" || *s.Environment["LANYARD_SERVER_REPLICAS"] != "2" {
			t.Errorf("%s: restart %q, replicas %q", s.Name, s.Restart, *s.Environment["LANYARD_SERVER_REPLICAS"])
		}
	}
	one, two := p.Services["lanyard-1"], p.Services["lanyard-2"]
	two.Name = one.Name
	if diff := cmp.Diff(one, two); diff != "" {
		t.Errorf("the replicas differ:\n%s", diff)
	}
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// TestOnlyTheProxyIsBelieved: what is trusted is the load balancer's own address, which
// nobody else can be given, and never the gateway through which browsers come.
func TestOnlyTheProxyIsBelieved(t *testing.T) {
	p := composition(t, nil)
	own := p.Services["proxy"].Networks["lanyard"].Ipv4Address
	if trusted := *p.Services["lanyard-1"].Environment["LANYARD_SERVER_TRUSTED_PROXIES"]; own == "" || trusted != own {
		t.Errorf("trusted is %q, the load balancer is %q", trusted, own)
	}
	pool := p.Networks["lanyard"].Ipam.Config[0]
	address := netip.MustParseAddr(own)
	if !netip.MustParsePrefix(pool.Subnet).Contains(address) || netip.MustParsePrefix(pool.IPRange).Contains(address) || pool.Gateway == own {
		t.Errorf("%s is outside of %+v, or may be given to somebody else", own, pool)
	}
}

// secretsMade runs the script of the secrets service into a folder.
func secretsMade(t *testing.T, folder string) string {
	t.Helper()
	s := composition(t, nil).Services["secrets"]
	if got := strings.Join(s.Entrypoint, " "); got != "sh /make-secrets.sh /run/secrets" {
		t.Fatalf("the service runs %q", got)
	}
	script := filepath.Join(testkit.Root(), "deploy", "compose", "make-secrets.sh")
	out, err := exec.Command("sh", script, folder, fmt.Sprintf("%d:%d", os.Getuid(), os.Getgid())).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

func TestSecretsAreMadeOnce(t *testing.T) {
	folder := t.TempDir()
	contents := func() map[string]string {
		out := map[string]string{}
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil || info.Mode().Perm() != 0o400 {
				t.Errorf("%s: %v %v", e.Name(), info.Mode(), err)
			}
			data, err := os.ReadFile(filepath.Join(folder, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			out[e.Name()] = string(data)
		}
		return out
	}
	secretsMade(t, folder)
	first := contents()
	if key, err := base64.StdEncoding.DecodeString(first["master.key"]); len(first) != 3 || err != nil || len(key) != 32 {
		t.Errorf("made %v: %d bytes, %v", slices.Sorted(maps.Keys(first)), len(key), err)
	}
	u, err := url.Parse(first["database.url"])
	if err != nil {
		t.Fatal(err)
	}
	if password, _ := u.User.Password(); len(password) < 40 || password != first["database.password"] || u.Host != "postgres:5432" {
		t.Errorf("the URL does not fit: %s", u.Redacted())
	}
	if said := secretsMade(t, folder); said != "" || !maps.Equal(first, contents()) {
		t.Errorf("the second start made other secrets: %s", said)
	}
	if err := os.Remove(filepath.Join(folder, "database.url")); err != nil {
		t.Fatal(err)
	}
	if secretsMade(t, folder); !maps.Equal(first, contents()) {
		t.Error("a URL that was lost comes back with another password")
	}
}

// TestSecretsAreMadeAfterAKilledStart: what a start left behind that was killed between two
// lines does not stand in the way of the next one. Root has the rights that it has in the
// composition: to change owners, and not to write to what nobody may write to.
func TestSecretsAreMadeAfterAKilledStart(t *testing.T) {
	testkit.NeedRoot(t)
	folder, rights := t.TempDir(), "-all"
	for _, right := range composition(t, nil).Services["secrets"].CapAdd {
		rights += ",+" + strings.ToLower(right)
	}
	for name, owner := range map[string]int{".master.key": 65532, ".database.password": 0, ".database.url": 65532} {
		left := filepath.Join(folder, name)
		write(t, left, "half of")
		if err := errors.Join(os.Chmod(left, 0o400), os.Chown(left, owner, owner)); err != nil {
			t.Fatal(err)
		}
	}
	script := filepath.Join(testkit.Root(), "deploy", "compose", "make-secrets.sh")
	out, err := exec.Command("setpriv", "--bounding-set", rights, "sh", script, folder).CombinedOutput()
	if err != nil || strings.Count(string(out), "made ") != 3 {
		t.Errorf("%v\n%s", err, out)
	}
}

// environmentOf is what a service has, its folder of secrets replaced; later pairs win.
func environmentOf(s types.ServiceConfig, secrets string, more ...string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(s.Environment)) {
		out = append(out, name+"="+strings.ReplaceAll(*s.Environment[name], "/run/secrets", secrets))
	}
	return append(out, more...)
}

// TestCompositionIsConfigured: the configuration of each service is one that the
// binary takes, under the built-in name and under one of the operator's.
func TestCompositionIsConfigured(t *testing.T) {
	folder := t.TempDir()
	secretsMade(t, folder)
	for _, issuer := range []string{"", "https://id.example.com"} {
		p := composition(t, types.Mapping{"ISSUER": issuer})
		for _, s := range ofLanyard(p) {
			if want := orElse(issuer, "http://localhost:8080"); *s.Environment["LANYARD_SERVER_ISSUER"] != want {
				t.Errorf("%s: issuer %s, want %s", s.Name, *s.Environment["LANYARD_SERVER_ISSUER"], want)
			}
			if code, out := lanyard(t, environmentOf(s, folder), "config", "check"); code != 0 {
				t.Errorf("%s: %s", s.Name, out)
			}
		}
	}
}

// balancer runs HAProxy with the file of the composition before two backends on this
// machine, each a public and an operations address, and gives its own address.
func balancer(t *testing.T, one, two [2]string) string {
	t.Helper()
	haproxy := testkit.Need(t, "haproxy")
	public, health := loopback(t), loopback(t)
	config := read(t, "deploy/compose/haproxy.cfg")
	replace := func(old, text string) {
		if strings.Count(config, old) != 1 {
			t.Fatalf("haproxy.cfg has %q %d times", old, strings.Count(config, old))
		}
		config = strings.Replace(config, old, text, 1)
	}
	_, portOne, _ := strings.Cut(one[1], ":")
	_, portTwo, _ := strings.Cut(two[1], ":")
	replace("bind :8080\n", "bind "+public+"\n")
	replace("bind 127.0.0.1:8404\n", "bind "+health+"\n")
	replace(" lanyard-1:8080\n", " "+one[0]+" port "+portOne+"\n")
	replace(" lanyard-2:8080\n", " "+two[0]+" port "+portTwo+"\n")
	file := filepath.Join(t.TempDir(), "haproxy.cfg")
	write(t, file, config)
	if out, err := exec.Command(haproxy, "-c", "-f", file).CombinedOutput(); err != nil || strings.Contains(string(out), "WARNING") {
		t.Fatalf("haproxy -c: %v\n%s", err, out)
	}
	p := testkit.Run(t, testkit.Command{Path: haproxy, Args: []string{"-db", "-f", file}})
	t.Cleanup(p.Kill)
	eventually(t, 10*time.Second, "the load balancer has a replica", func() bool {
		status, _ := get("http://" + health + "/")
		return status == http.StatusOK
	})
	return public
}

// TestCompositionRuns runs the services of the composition, without the engine: the
// secrets, the migration, two replicas with the environment of theirs, the load
// balancer with its file. A person signs in through it, and one replica is told to
// stop while refreshes go on: none of them fails.
func TestCompositionRuns(t *testing.T) {
	t.Parallel() // it waits for a server to drain
	p := composition(t, nil)
	database, folder := testkit.FastPostgres(t), t.TempDir()
	secretsMade(t, folder)
	if err := os.Remove(filepath.Join(folder, "database.url")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "database.url"), database)
	one, two := [2]string{loopback(t), loopback(t)}, [2]string{loopback(t), loopback(t)}

	if code, out := lanyard(t, environmentOf(p.Services["migrate"], folder), p.Services["migrate"].Command...); code != 0 {
		t.Fatalf("migrate: %d %s", code, out)
	}
	master, err := os.ReadFile(filepath.Join(folder, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.ParseMaster(root.SecretOf(string(master)))
	if err != nil {
		t.Fatal(err)
	}
	idp.Seed(t, database, key)

	const issuer = "http://localhost:8080"
	start := func(name string, at [2]string) *testkit.Process {
		s := p.Services[name]
		process := testkit.Run(t, testkit.Command{Path: testkit.Binary(t), Args: s.Command, Dir: t.TempDir(), Env: environmentOf(s, folder,
			"LANYARD_SERVER_LISTEN="+at[0], "LANYARD_OPERATIONS_LISTEN="+at[1], "LANYARD_SERVER_TRUSTED_PROXIES=127.0.0.1")})
		t.Cleanup(process.Kill)
		return process
	}
	stopping := start("lanyard-1", one)
	start("lanyard-2", two)
	for _, at := range [][2]string{one, two} {
		eventually(t, 30*time.Second, "a replica is ready", func() bool {
			status, _ := get("http://" + at[1] + "/readyz")
			return status == http.StatusOK
		})
	}
	front := balancer(t, one, two)

	i := idp.At(t, issuer, front)
	web := i.Client("web")
	tokens := web.Exchange(web.Code(i.Browser(), "ada@example.test", "notes-on-the-engine-1842", nil), nil)
	if tokens.Status != http.StatusOK {
		t.Fatalf("the sign-in ends with %d %s", tokens.Status, tokens.Raw)
	}
	for _, at := range [][2]string{one, two} {
		if _, numbers := get("http://" + at[1] + "/metrics"); !strings.Contains(numbers, `http_request_duration_seconds_count{`) {
			t.Errorf("the replica at %s got no request", at[0])
		}
	}
	asked := goesOn(t, i, web, tokens.Text("refresh_token"), func() {
		stopping.Signal(syscall.SIGTERM)
		if code := stopping.Wait(t); code != 0 {
			t.Errorf("told to stop, it ends with %d", code)
		}
	})
	t.Logf("%d requests while a replica stopped", asked)
}

// goesOn sends refreshes and reads keys while something happens; none may fail.
func goesOn(t *testing.T, i *idp.IDP, web *idp.Client, refresh string, happens func()) int64 {
	t.Helper()
	var asked, failed atomic.Int64
	var group sync.WaitGroup
	done := make(chan struct{})
	loop := func(once func() (idp.Answer, error)) {
		for {
			select {
			case <-done:
				return
			default:
			}
			asked.Add(1)
			if a, err := once(); err != nil || a.Status != http.StatusOK {
				failed.Add(1)
				t.Errorf("a request failed: %v, %d %s", err, a.Status, a.Raw)
				return
			}
		}
	}
	group.Go(func() {
		loop(func() (idp.Answer, error) {
			a, err := web.Try("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
			refresh = a.Text("refresh_token")
			return a, err
		})
	})
	for range 3 {
		group.Go(func() { loop(func() (idp.Answer, error) { return i.Get("/oauth/jwks") }) })
	}
	happens()
	close(done)
	group.Wait()
	if asked.Load() < 50 {
		t.Errorf("only %d requests were sent", asked.Load())
	}
	return asked.Load()
}

// TestLoadBalancerTellsTheTruth: an address that a browser claims is dropped, a request
// that may have been done is not sent twice, each has a connection of its own, and who
// is not ready gets nothing.
func TestLoadBalancerTellsTheTruth(t *testing.T) {
	var draining atomic.Bool
	var seen [2]atomic.Int64
	var connections sync.Map
	backend := func(number int) [2]string {
		public := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen[number].Add(1)
			if r.Method == http.MethodPost { // it was received, and its answer is lost
				panic(http.ErrAbortHandler)
			}
			connections.Store(r.RemoteAddr, true)
			fmt.Fprintf(w, "%s|%s", strings.Join(r.Header.Values("X-Forwarded-For"), ","), r.Header.Get("Forwarded"))
		}))
		ops := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/readyz" || number == 0 && draining.Load() {
				http.Error(w, "draining", http.StatusServiceUnavailable)
			}
		}))
		t.Cleanup(public.Close)
		t.Cleanup(ops.Close)
		return [2]string{public.Listener.Addr().String(), ops.Listener.Addr().String()}
	}
	front := balancer(t, backend(0), backend(1))
	r, err := http.NewRequest(http.MethodGet, "http://"+front+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"X-Forwarded-For": {"203.0.113.9", "198.51.100.1"}, "Forwarded": {"for=203.0.113.9"}}
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if got := idp.ReadAnswer(t, answer).Raw; got != "127.0.0.1|" {
		t.Errorf("behind the load balancer the client is %q", got)
	}
	before := seen[0].Load() + seen[1].Load()
	answer, err = client.Post("http://"+front+"/", "text/plain", strings.NewReader("spend it"))
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if n := seen[0].Load() + seen[1].Load() - before; n != 1 || answer.StatusCode != http.StatusBadGateway {
		t.Errorf("a request whose answer was lost was sent %d times, and answered %d", n, answer.StatusCode)
	}
	// A replica that stops closes what is idle, which must not be what a request was just sent over.
	kept := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{}}
	connections.Clear()
	for range 6 {
		answer, err := kept.Get("http://" + front + "/")
		if err != nil {
			t.Fatal(err)
		}
		idp.ReadAnswer(t, answer)
	}
	made := 0
	connections.Range(func(any, any) bool { made++; return true })
	if made != 6 {
		t.Errorf("6 requests came over %d connections", made)
	}
	if seen[0].Load() == 0 || seen[1].Load() == 0 {
		t.Error("it is not a round robin")
	}
	draining.Store(true)
	eventually(t, 5*time.Second, "a replica that drains gets no request", func() bool {
		had := seen[0].Load()
		for range 4 {
			if status, _ := get("http://" + front + "/"); status != http.StatusOK {
				t.Errorf("answered %d", status)
			}
		}
		return seen[0].Load() == had
	})
}
