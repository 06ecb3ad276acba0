package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/internal/testkit"
)

// dev starts a development server and reads its line.
func dev(t *testing.T, args ...string) (*running, devReport) {
	t.Helper()
	r := run(t, clock.Real(), nil, append([]string{"dev", "--json", "--listen", "127.0.0.1:0"}, args...)...)
	line, err := r.lines.ReadBytes('\n')
	if err != nil {
		t.Fatalf("it says nothing: %v\n%s", err, r.errOut)
	}
	var report devReport
	if err := json.Unmarshal(line, &report); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return r, report
}

func TestDevSaysWhatOneNeedsInOneLine(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	r, report := dev(t, "--memory")
	issuer, err := url.Parse(report.Issuer)
	if err != nil || issuer.Scheme != "http" || issuer.Hostname() != "localhost" || issuer.Port() == "0" || issuer.Path != "" {
		t.Errorf("issuer %s", report.Issuer)
	}
	if len(report.Tenants) != 1 || report.Tenants[0] != (devTenant{"default", report.Issuer}) {
		t.Errorf("tenants %v", report.Tenants)
	}
	if len(report.Users) != 1 || report.Users[0].Username != "ada@example.test" || report.Users[0].Password == "" {
		t.Errorf("users %v", report.Users)
	}
	var ids []string
	for _, c := range report.Clients {
		ids = append(ids, string(c.ID))
	}
	if !slices.Equal(ids, []string{"web", "spa", "machine", "cli"}) || report.Clients[0].Secret == "" || report.Clients[1].Secret != "" {
		t.Errorf("clients %+v", report.Clients)
	}
	if !slices.Contains(report.Clients[0].RedirectURIs, "http://127.0.0.1:3000/callback") || !slices.Contains(report.Clients[0].RedirectURIs, "http://localhost:3000/callback") {
		t.Errorf("redirects of web: %v", report.Clients[0].RedirectURIs)
	}
	if code, body := get(t, report.Ops+"/readyz"); code != 200 {
		t.Errorf("readyz: %d %s", code, body)
	}
	if code := r.end(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	if rest, _ := r.lines.ReadString('\n'); rest != "" {
		t.Errorf("it said more: %q", rest)
	}
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) > 0 {
		t.Errorf("data is left: %v", left)
	}
}

func TestDevListensInBothFamilies(t *testing.T) {
	_, report := dev(t, "--memory")
	port := strings.TrimPrefix(report.Issuer, "http://localhost:")
	for _, host := range []string{"127.0.0.1", "::1"} {
		probe, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Logf("this machine has no %s", host)
			continue
		}
		_ = probe.Close()
		conn, err := net.Dial("tcp", net.JoinHostPort(host, port))
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		_ = conn.Close()
	}
}

func TestTwoDevelopmentServersStandSideBySide(t *testing.T) {
	_, a := dev(t, "--memory")
	_, b := dev(t, "--memory")
	if a.Issuer == b.Issuer || a.Ops == b.Ops {
		t.Errorf("they share %s %s", a.Issuer, a.Ops)
	}
}

func TestDevKeepsItsDataAndKeys(t *testing.T) {
	t.Chdir(t.TempDir())
	r, report := dev(t)
	_, before := get(t, report.Issuer+"/oauth/jwks")
	if code := r.end(); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	for name, mode := range map[string]os.FileMode{"data": 0o700, "data/master.key": 0o600} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	r, report = dev(t)
	if _, after := get(t, report.Issuer+"/oauth/jwks"); after != before {
		t.Error("the keys are others after a restart")
	}
	code, _, errOut := command(t, nil, "dev", "--listen", "127.0.0.1:0")
	if code != exitFailure || !strings.Contains(errOut, "another server uses") {
		t.Errorf("a second server on the folder: %d %s", code, errOut)
	}
	r.end()
}

func TestDevRefusesALostOrForeignMasterKey(t *testing.T) {
	t.Chdir(t.TempDir())
	r, _ := dev(t)
	r.end()
	key := filepath.Join("data", "master.key")
	if err := os.WriteFile(key, []byte(strings.Repeat("0123456789abcdef", 4)), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errOut := command(t, nil, "dev", "--listen", "127.0.0.1:0")
	if code != exitFailure || !strings.Contains(errOut, "the master key does not open this database") {
		t.Errorf("a foreign key: %d %s", code, errOut)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	code, _, errOut = command(t, nil, "dev", "--listen", "127.0.0.1:0")
	if code != exitFailure || !strings.Contains(errOut, "put it back or remove the database") {
		t.Errorf("a lost key: %d %s", code, errOut)
	}
	if _, err := os.Stat(key); err == nil {
		t.Error("a new key was made in silence")
	}
}

func TestDevTakesASeedAndRedirects(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	seed := write(t, "seed.yaml", `version: 1
tenants:
  - slug: second
    users: [{username: bob, password: a-long-password}, {email: carol@example.test, username: carol}]
  - slug: third
    host: third.localhost:8443
  - slug: default
    clients:
      - {client_id: web, client_secret: {file: secret}, redirect_uris: [http://127.0.0.1:9000/cb]}
`)
	if err := os.WriteFile(filepath.Join(filepath.Dir(seed), "secret"), []byte(strings.Repeat("x", 40)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, report := dev(t, "--memory", "--seed", seed, "--redirect", "http://127.0.0.1:9999/cb", "--issuer", "http://localhost:9876")
	want := []devTenant{
		{"default", "http://localhost:9876"}, {"second", "http://localhost:9876/t/second"}, {"third", "http://third.localhost:8443"},
	}
	if !slices.Equal(report.Tenants, want) {
		t.Errorf("tenants %v", report.Tenants)
	}
	if len(report.Users) != 1 || report.Users[0] != (devUser{"bob", "a-long-password", "second"}) {
		t.Errorf("users %v", report.Users)
	}
	if len(report.Clients) != 1 || report.Clients[0].Secret != strings.Repeat("x", 40) ||
		!slices.Equal(report.Clients[0].RedirectURIs, []string{"http://127.0.0.1:9000/cb", "http://127.0.0.1:9999/cb"}) {
		t.Errorf("clients %+v", report.Clients)
	}
}

func TestDevWithoutTheDefaultTenantInTheSeedStillHasIt(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	seed := write(t, "seed.yaml", "version: 1\ntenants: [{slug: second}]\n")
	_, report := dev(t, "--memory", "--seed", seed)
	if len(report.Tenants) != 2 || report.Tenants[0].Slug != "default" {
		t.Errorf("tenants %v", report.Tenants)
	}
	if code, body := get(t, report.Ops+"/readyz"); code != 200 {
		t.Errorf("readyz: %d %s", code, body)
	}
	t.Chdir(t.TempDir())
	code, _, errOut := command(t, nil, "dev", "--memory", "--seed", seed, "--redirect", "http://127.0.0.1:1/cb")
	if code != exitUsage || !strings.Contains(errOut, "which the seed does not have") {
		t.Errorf("got %d: %s", code, errOut)
	}
}

func TestDevTellsAPersonWhatToDo(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	r := run(t, clock.Real(), nil, "dev", "--memory", "--listen", "127.0.0.1:0")
	var text strings.Builder
	for !strings.Contains(text.String(), "grant_type=client_credentials") {
		line, err := r.lines.ReadString('\n')
		if err != nil {
			t.Fatalf("%v after\n%s", err, text.String())
		}
		text.WriteString(line)
	}
	for _, want := range []string{"Issuer", "ada@example.test", "web", "/dev/outbox", "/dev/try", "curl -s"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}

// TestDevServesHTTPS also asks whether the server can call itself, as /dev/try does.
func TestDevServesHTTPS(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	cert, key := certificate(t)
	_, report := dev(t, "--memory", "--tls-cert", cert, "--tls-key", key)
	if !strings.HasPrefix(report.Issuer, "https://localhost:") {
		t.Errorf("issuer %s", report.Issuer)
	}
	config, err := devCommand{Memory: true, Issuer: report.Issuer, TLSCert: cert, TLSKey: key}.config(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	fetcher, err := config.fetcher()
	if err != nil {
		t.Fatal(err)
	}
	answer, err := fetcher.Get(t.Context(), report.Issuer+"/.well-known/openid-configuration", "application/json")
	if err != nil || answer.Status != 200 || !strings.Contains(string(answer.Body), `"issuer":"`+report.Issuer+`"`) {
		t.Errorf("got %+v, %v", answer, err)
	}
}

// certificate makes a self-signed certificate for localhost.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert = write(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	return cert, write(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
}

func TestTermEndsTheProcessCleanly(t *testing.T) {
	folder := t.TempDir()
	server := testkit.Dev(t)
	if code := server.Stop(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	process := testkit.Run(t, testkit.Command{
		Path: testkit.Binary(t), Args: []string{"dev", "--json", "--memory", "--listen", "127.0.0.1:0"}, Env: []string{"TMPDIR=" + folder},
	})
	var report devReport
	process.Next(t, &report)
	if code := process.Stop(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	if left, _ := os.ReadDir(folder); len(left) > 0 {
		t.Errorf("data is left: %v", left)
	}
}
