package fetch

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The peer's certificate (net/http/httptest) is made out to this name.
const peerName = "example.com"

func newClient(t *testing.T, o Options) *Client {
	t.Helper()
	client, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// peer is a TLS server on an address of this machine that counts what reaches it.
type peer struct {
	*httptest.Server
	port string
	hits atomic.Int32 // accepted connections, not only whole requests
}

func newPeer(t *testing.T, listen string, handler http.HandlerFunc) *peer {
	t.Helper()
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		t.Skipf("this machine has no address %s: %v", listen, err)
	}
	p := &peer{}
	p.Server = httptest.NewUnstartedServer(handler)
	_ = p.Listener.Close()
	p.Listener = listener
	p.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	p.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			p.hits.Add(1)
		}
	}
	_, p.port, _ = net.SplitHostPort(listener.Addr().String())
	t.Cleanup(p.Close)
	return p
}

func (p *peer) root() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw})
}

func hello(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	_, _ = io.WriteString(w, "hello")
}

// throughName is a client whose rules are the real ones except for the port, and
// whose names resolve to the given addresses, one list per query.
func throughName(t *testing.T, p *peer, answers ...[]string) *Client {
	t.Helper()
	client := newClient(t, Options{ExtraRoots: p.root(), Resolver: fakeDNS(t, answers...)})
	client.rules.port = p.port
	return client
}

func TestNamesAreCheckedWhenTheyAreDialled(t *testing.T) {
	p := newPeer(t, "127.0.0.1:0", hello)
	p.StartTLS()
	target := "https://" + net.JoinHostPort(peerName, p.port) + "/"
	for name, addresses := range map[string][]string{
		"loopback":         {"127.0.0.1"},
		"IPv6 loopback":    {"::1"},
		"IPv4-mapped":      {"::ffff:127.0.0.1"},
		"unspecified":      {"0.0.0.0"},
		"metadata":         {"169.254.169.254"},
		"private":          {"10.0.0.1"},
		"unique local":     {"fd00::1"},
		"NAT64":            {"64:ff9b::7f00:1"},
		"two private ones": {"127.0.0.1", "10.0.0.1"},
	} {
		client := throughName(t, p, addresses)
		if _, err := client.Get(t.Context(), target, "*/*"); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if p.hits.Load() != 0 {
		t.Errorf("%d connections reached the peer", p.hits.Load())
	}

	// The same request without the check arrives: the cases above can fail.
	open := throughName(t, p, []string{"127.0.0.1"})
	open.rules.public = func(netip.Addr) bool { return true }
	if answer, err := open.Get(t.Context(), target, "*/*"); err != nil || string(answer.Body) != "hello" {
		t.Errorf("without the check: %v, %v", answer, err)
	}
}

// In the two tests below 127.0.0.2 plays the public address and 127.0.0.1 the
// private one, on the same port.
func publicAndPrivate(t *testing.T) (public, private *peer) {
	t.Helper()
	public = newPeer(t, "127.0.0.2:0", hello)
	public.StartTLS()
	private = newPeer(t, "127.0.0.1:"+public.port, hello)
	private.StartTLS()
	return public, private
}

func onlyTheSecond(addr netip.Addr) bool { return addr == netip.MustParseAddr("127.0.0.2") }

func TestNameThatMovesToAPrivateAddressIsRefused(t *testing.T) {
	public, private := publicAndPrivate(t)
	client := throughName(t, public, []string{"127.0.0.2"}, []string{"127.0.0.1"})
	client.rules.public = onlyTheSecond
	target := "https://" + net.JoinHostPort(peerName, public.port) + "/"

	if _, err := client.Get(t.Context(), target, "*/*"); err != nil {
		t.Fatalf("the public answer: %v", err)
	}
	if _, err := client.Get(t.Context(), target, "*/*"); !errors.Is(err, ErrRefused) {
		t.Errorf("the private answer: %v", err)
	}
	if private.hits.Load() != 0 {
		t.Error("the private address was connected")
	}
}

func TestPrivateAddressBehindADeadPublicOneIsNotTried(t *testing.T) {
	public, private := publicAndPrivate(t)
	client := throughName(t, public, []string{"127.0.0.2", "127.0.0.1"})
	client.rules.public = onlyTheSecond
	public.Close()
	target := "https://" + net.JoinHostPort(peerName, public.port) + "/"
	if _, err := client.Get(t.Context(), target, "*/*"); err == nil {
		t.Error("got an answer")
	}
	if private.hits.Load() != 0 {
		t.Error("the private address was connected")
	}
}

func TestPortIsCheckedWhenItIsDialled(t *testing.T) {
	d := dialer{rules: &rules{port: "443", public: public}}
	if err := d.check("tcp4", "8.8.8.8:443", nil); err != nil {
		t.Error(err)
	}
	for _, address := range []string{"8.8.8.8:22", "[2606:4700::1]:80", "127.0.0.1:443", "[fe80::1%lo]:443", "nonsense"} {
		if err := d.check("tcp", address, nil); err == nil {
			t.Errorf("%s was not refused", address)
		}
	}
}

// allowed starts a peer that the operator has named and a client for it.
func allowed(t *testing.T, handler http.HandlerFunc) (*Client, string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return newClient(t, Options{Allow: []string{strings.TrimPrefix(server.URL, "http://")}}), server.URL
}

func TestAllowedPeerIsReachedOverPlainHTTP(t *testing.T) {
	client, target := allowed(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, strings.Join([]string{r.Method, r.URL.RequestURI(), r.Header.Get("Accept"),
			r.Header.Get("Content-Type"), r.UserAgent(), string(body)}, " "))
	})

	got, err := client.Get(t.Context(), target+"/a?b=c#d", "application/jwk-set+json")
	if err != nil {
		t.Fatal(err)
	}
	want := Response{Status: http.StatusTeapot, ContentType: "application/json",
		Body: []byte("GET /a?b=c application/jwk-set+json  Lanyard ")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	got, err = client.Post(t.Context(), target+"/hook", "text/plain", []byte("body"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "POST /hook  text/plain Lanyard body"; string(got.Body) != want {
		t.Errorf("got %q, want %q", got.Body, want)
	}
}

func TestOtherMethodsAreNotSent(t *testing.T) {
	client, target := allowed(t, func(http.ResponseWriter, *http.Request) { t.Error("a request arrived") })
	for _, method := range []string{"PUT", "DELETE", "CONNECT", "get", "GET / HTTP/1.1\r\nX: y"} {
		if _, err := client.Do(t.Context(), Request{Method: method, URL: target}); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%q: got %v", method, err)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	private := newPeer(t, "127.0.0.1:0", hello)
	private.Start()
	for _, status := range []int{301, 302, 303, 307, 308} {
		client, target := allowed(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, private.URL, status)
		})
		answer, err := client.Post(t.Context(), target, "text/plain", []byte("secret"))
		if err != nil || answer.Status != status {
			t.Errorf("%d: got %v, %v", status, answer.Status, err)
		}
	}
	if private.hits.Load() != 0 {
		t.Error("a redirect was followed")
	}
}

func TestAnswerMayNotExceedTheLimit(t *testing.T) {
	client, target := allowed(t, func(w http.ResponseWriter, r *http.Request) {
		size := MaxBody
		if r.URL.Path == "/more" {
			size++
		}
		for chunk := bytes.Repeat([]byte("x"), 1<<12); size > 0; size -= len(chunk) {
			_, _ = w.Write(chunk[:min(size, len(chunk))])
		}
	})
	if answer, err := client.Get(t.Context(), target, "*/*"); err != nil || len(answer.Body) != MaxBody {
		t.Errorf("an answer of the largest size: %d bytes, %v", len(answer.Body), err)
	}
	if answer, err := client.Get(t.Context(), target+"/more", "*/*"); !errors.Is(err, ErrUnavailable) || answer.Body != nil {
		t.Errorf("an answer one byte larger: %d bytes, %v", len(answer.Body), err)
	}
}

func TestHeaderMayNotExceedItsLimit(t *testing.T) {
	client, target := allowed(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Large", strings.Repeat("x", 2*maxHeader))
	})
	if _, err := client.Get(t.Context(), target, "*/*"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestCompressedAnswerIsNotUnpacked(t *testing.T) {
	client, target := allowed(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "" {
			t.Errorf("asked for %q", r.Header.Get("Accept-Encoding"))
		}
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write([]byte{0x1f, 0x8b, 0x08})
	})
	answer, err := client.Get(t.Context(), target, "*/*")
	if err != nil || len(answer.Body) != 3 {
		t.Errorf("got %v, %v", answer.Body, err)
	}
}

func TestSlowPeerIsGivenUp(t *testing.T) {
	if Timeout != 5*time.Second || newClient(t, Options{}).timeout != Timeout {
		t.Error("a request does not end after 5 seconds")
	}
	slow := func(w http.ResponseWriter, r *http.Request) {
		for range 100 {
			_, _ = w.Write([]byte("x"))
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	client, target := allowed(t, slow)
	client.timeout = 100 * time.Millisecond
	began := time.Now()
	if _, err := client.Get(t.Context(), target, "*/*"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("gave up after %v", took)
	}
}

func TestPeerThatNeverAnswersIsGivenUp(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // accepts, then says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	peer := listener.Addr().String()
	client := newClient(t, Options{Allow: []string{peer}})
	client.timeout = 100 * time.Millisecond
	for _, scheme := range []string{"http://", "https://"} {
		if _, err := client.Get(t.Context(), scheme+peer, "*/*"); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: got %v", scheme, err)
		}
	}
}

func TestCallersOwnEndIsTold(t *testing.T) {
	client, target := allowed(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	cause := errors.New("shutting down")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(20*time.Millisecond, func() { cancel(cause) })
	if _, err := client.Get(ctx, target, "*/*"); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}

func TestCertificateOfThePeerIsVerified(t *testing.T) {
	p := newPeer(t, "127.0.0.1:0", hello)
	p.StartTLS()
	peer := "127.0.0.1:" + p.port
	stranger := newClient(t, Options{Allow: []string{peer}})
	if _, err := stranger.Get(t.Context(), p.URL, "*/*"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a self-signed peer: %v", err)
	}
	friend := newClient(t, Options{Allow: []string{peer}, ExtraRoots: p.root()})
	if _, err := friend.Get(t.Context(), p.URL, "*/*"); err != nil {
		t.Errorf("a peer under an extra root: %v", err)
	}
	other := newClient(t, Options{Allow: []string{"localhost:" + p.port}, ExtraRoots: p.root()})
	if _, err := other.Get(t.Context(), "https://localhost:"+p.port, "*/*"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a certificate of another name: %v", err)
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	for version, accepted := range map[uint16]bool{
		tls.VersionTLS10: false,
		tls.VersionTLS11: false,
		tls.VersionTLS12: true,
		tls.VersionTLS13: true,
	} {
		var negotiated atomic.Uint32
		p := newPeer(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
			negotiated.Store(uint32(r.TLS.Version))
			hello(w, r)
		})
		p.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: version}
		p.StartTLS()
		client := newClient(t, Options{Allow: []string{"127.0.0.1:" + p.port}, ExtraRoots: p.root()})
		_, err := client.Get(t.Context(), p.URL, "*/*")
		if accepted && (err != nil || negotiated.Load() != uint32(version)) {
			t.Errorf("%s: negotiated %x, %v", tls.VersionName(version), negotiated.Load(), err)
		}
		if !accepted && !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: got %v", tls.VersionName(version), err)
		}
	}
}

// net/http reads the environment once in the life of a process, so the test runs
// itself again in one that was born with the proxy.
func TestEnvironmentProxyIsIgnored(t *testing.T) {
	if os.Getenv("LANYARD_TEST_BORN_WITH_PROXY") == "" {
		proxy := newPeer(t, "127.0.0.1:0", hello)
		proxy.Start()
		again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestEnvironmentProxyIsIgnored$")
		again.Env = append(os.Environ(), "LANYARD_TEST_BORN_WITH_PROXY=1", "NO_PROXY=", "no_proxy=")
		for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"} {
			again.Env = append(again.Env, name+"="+proxy.URL)
		}
		if out, err := again.CombinedOutput(); err != nil || proxy.hits.Load() != 0 {
			t.Errorf("%v, %d connections to the proxy\n%s", err, proxy.hits.Load(), out)
		}
		return
	}
	p := newPeer(t, "127.0.0.1:0", hello)
	p.StartTLS()
	client := throughName(t, p, []string{"127.0.0.1"})
	client.rules.public = func(netip.Addr) bool { return true }
	if _, err := client.Get(t.Context(), "https://"+peerName+":"+p.port, "*/*"); err != nil {
		t.Error(err)
	}
}

func TestOperatorsProxyIsUsedForAllButAllowedPeers(t *testing.T) {
	var asked atomic.Value
	proxy := newPeer(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.Method + " " + r.Host)
		w.WriteHeader(http.StatusForbidden)
	})
	proxy.Start()
	direct := httptest.NewServer(http.HandlerFunc(hello))
	defer direct.Close()
	client := newClient(t, Options{Proxy: proxy.URL, Allow: []string{strings.TrimPrefix(direct.URL, "http://")}})

	if _, err := client.Get(t.Context(), direct.URL, "*/*"); err != nil || proxy.hits.Load() != 0 {
		t.Errorf("the allowed peer: %v, %d connections to the proxy", err, proxy.hits.Load())
	}
	if _, err := client.Get(t.Context(), "https://"+peerName, "*/*"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a proxy that refuses: %v", err)
	}
	if asked.Load() != "CONNECT "+peerName+":443" {
		t.Errorf("the proxy was asked to %v", asked.Load())
	}
	if _, err := client.Get(t.Context(), "https://10.0.0.1", "*/*"); !errors.Is(err, ErrRefused) {
		t.Errorf("a private address through the proxy: %v", err)
	}
}

func TestErrorsAndLogKeepSecrets(t *testing.T) {
	var log bytes.Buffer
	p := newPeer(t, "127.0.0.1:0", hello)
	p.StartTLS()
	client := newClient(t, Options{
		Resolver: fakeDNS(t, []string{"127.0.0.1"}),
		Log:      slog.New(slog.NewTextHandler(&log, nil)),
	})
	for _, raw := range []string{"https://example.com/hook?key=hunter2", "https://u:hunter2@example.com/"} {
		_, err := client.Get(t.Context(), raw, "*/*")
		if !errors.Is(err, ErrRefused) || strings.Contains(err.Error(), "127.0.0.1") || strings.Contains(err.Error(), "example") {
			t.Errorf("got %v", err)
		}
	}
	if text := log.String(); strings.Contains(text, "hunter2") || strings.Count(text, "cause=") != 2 {
		t.Errorf("the log says %s", text)
	}
	if err := withoutURL(&url.Error{Op: "Get", URL: "https://x/?hunter2", Err: io.EOF}); !errors.Is(err, io.EOF) ||
		strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}
