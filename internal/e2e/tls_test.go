package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/internal/testkit"
)

// certificate makes a certificate for localhost that nobody but its owner trusts.
func certificate(t *testing.T) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	certFile, keyFile = filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	for path, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots = x509.NewCertPool()
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(parsed)
	return certFile, keyFile, roots
}

// TestDevelopmentServerSpeaksTLS: a given certificate is served with modern TLS
// only, and no cookie is set that could leave it (ATTACKS.md 250).
func TestDevelopmentServerSpeaksTLS(t *testing.T) {
	cert, key, roots := certificate(t)
	server := testkit.Dev(t, "--tls-cert", cert, "--tls-key", key)
	if !strings.HasPrefix(server.Issuer, "https://localhost:") {
		t.Fatalf("the issuer is %s", server.Issuer)
	}
	speaksModernTLS(t, strings.TrimPrefix(server.Issuer, "https://"), roots)
	set := cookiesOfSignIn(t, server, roots)
	if len(set) < 3 {
		t.Errorf("only %d cookies were set", len(set))
	}
	for _, c := range set {
		if !strings.HasPrefix(c.Name, "__Host-lanyard-") || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("the cookie %s", c.Raw)
		}
	}
}

// TestServeSpeaksTLS is the same for the server of production.
func TestServeSpeaksTLS(t *testing.T) {
	cert, key, roots := certificate(t)
	o := operates(t, sqliteURL(t))
	o.issuer = strings.Replace(o.issuer, "http://", "https://", 1)
	o = o.with("LANYARD_SERVER_ISSUER="+o.issuer, "LANYARD_SERVER_TLS_CERT="+cert, "LANYARD_SERVER_TLS_KEY="+key)
	o.must("config", "check")
	o.serve("--migrate")
	speaksModernTLS(t, o.address, roots)
	// A word of plain HTTP gets none of the answers.
	if status, text := fetched("http://" + o.address + "/oauth/jwks"); status != http.StatusBadRequest || strings.Contains(text, "keys") {
		t.Errorf("plain HTTP is answered with %d %s", status, text)
	}
	broken := o.write("broken.pem", "no key")
	if code, text := o.with("LANYARD_SERVER_TLS_KEY="+broken).run("config", "check"); code != 1 || !strings.Contains(text, "load the certificate") {
		t.Errorf("a broken key: %d %s", code, text)
	}
}

// speaksModernTLS reads what was negotiated.
func speaksModernTLS(t *testing.T, address string, roots *x509.CertPool) {
	t.Helper()
	for _, c := range []struct{ max, want uint16 }{{tls.VersionTLS13, tls.VersionTLS13}, {tls.VersionTLS12, tls.VersionTLS12}, {tls.VersionTLS11, 0}, {tls.VersionTLS10, 0}} {
		conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS10, MaxVersion: c.max, NextProtos: []string{"h2"}})
		if c.want == 0 {
			if err == nil {
				t.Errorf("%s is spoken", tls.VersionName(c.max))
				_ = conn.Close()
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tls.VersionName(c.max), err)
			continue
		}
		state := conn.ConnectionState()
		_ = conn.Close()
		if state.Version != c.want || state.NegotiatedProtocol != "h2" {
			t.Errorf("negotiated %s with %q, want %s", tls.VersionName(state.Version), state.NegotiatedProtocol, tls.VersionName(c.want))
		}
	}
}

// cookiesOfSignIn are all that are set by a sign-in through the tiny relying party,
// from the front page to signing out.
func cookiesOfSignIn(t *testing.T, server *testkit.DevServer, roots *x509.CertPool) []*http.Cookie {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	collected := &collector{RoundTripper: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}}
	client := &http.Client{Jar: jar, Transport: collected}
	get := func(path string) *http.Response {
		answer, err := client.Get(server.Issuer + path) //nolint:noctx // a test
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	_ = get("/?lang=de").Body.Close()
	web := server.Client(t, "web")
	answer := get("/oauth/authorize?" + url.Values{
		"client_id": {"web"}, "redirect_uri": {server.Issuer + "/nowhere"}, "response_type": {"code"},
	}.Encode())
	_ = answer.Body.Close()
	answer = get("/oauth/authorize?" + url.Values{
		"client_id": {"web"}, "redirect_uri": {web.RedirectURIs[0]}, "response_type": {"code"}, "scope": {"openid"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}.Encode())
	for _, field := range [][2]string{{"username", server.Users[0].Username}, {"password", server.Users[0].Password}} {
		action, form, err := readForm(answer, field[0])
		if err != nil {
			t.Fatal(err)
		}
		form.Set(field[0], field[1])
		if answer, err = client.PostForm(action, form); err != nil { //nolint:noctx // a test
			if strings.Contains(err.Error(), "127.0.0.1:3000") { // the application is not there
				break
			}
			t.Fatal(err)
		}
	}
	answer = get("/dev/try")
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("/dev/try: %d %v %s", answer.StatusCode, err, body)
	}
	answer, err = client.PostForm(server.Issuer+"/dev/try/start", nil) //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	body, err = io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(body), "try-name") {
		t.Errorf("a person who has a session comes to %s: %d %v\n%s", answer.Request.URL, answer.StatusCode, err, body)
	}
	return collected.set
}

// collector keeps every cookie that is set.
type collector struct {
	http.RoundTripper
	set []*http.Cookie
}

func (c *collector) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := c.RoundTripper.RoundTrip(r)
	if err == nil {
		c.set = append(c.set, answer.Cookies()...)
	}
	return answer, err
}
