package upstream

import (
	"crypto"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Shape is whom the provider plays.
type Shape string

// The shapes.
const (
	Generic   Shape = "oidc"
	Google    Shape = "google"
	Microsoft Shape = "microsoft"
	Telegram  Shape = "telegram"
)

// Options say what the provider is like. The zero value plays a generic provider
// for the client "our-client" with the secret "our-secret".
type Options struct {
	Shape Shape
	// ClientID, ClientSecret and ClientKey are the one client; with a ClientKey (a public
	// key) it authenticates by private_key_jwt only.
	ClientID     string
	ClientSecret string
	ClientKey    crypto.PublicKey
	// Redirects are the registered redirect URIs; empty takes any.
	Redirects []string
	// Auth is the only way to authenticate, as discovery names it; empty is basic and post.
	Auth string
	// Algorithm is that of ID tokens: RS256, PS256, ES256 or EdDSA; default RS256.
	Algorithm string
	// Authority is the first segment of Microsoft's issuer; default common.
	Authority string
	// Button shows a page with one button, with the id upstream-continue, before it answers.
	Button bool
	// NamesIssuer adds iss to answers and says so in discovery (RFC 9207).
	NamesIssuer bool
	// ThinIDToken leaves profile and address to userinfo.
	ThinIDToken bool
	// Now is the provider's clock; nil is the machine's.
	Now func() time.Time
}

// Provider is a running provider.
type Provider struct {
	// Issuer is what a connection is configured with.
	Issuer string
	// Peer is host:port, for the list of allowed peers of the guarded fetcher.
	Peer    string
	options Options
	t       testing.TB

	mu       sync.Mutex
	server   *httptest.Server
	person   Person
	faults   map[Fault][]string
	hits     map[string]int
	codes    map[string]request
	lastCode string
	access   map[string]Person
	waiting  map[string]request
	keys     keyring
	unknown  int // names of keys that nobody publishes
}

// Start runs a provider until the test ends.
func Start(t testing.TB, o Options) *Provider {
	t.Helper()
	if o.Shape == "" {
		o.Shape = Generic
	}
	if o.ClientID == "" {
		o.ClientID, o.ClientSecret = "our-client", "our-secret"
	}
	if o.Algorithm == "" {
		o.Algorithm = "RS256"
	}
	if o.Authority == "" {
		o.Authority = "common"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	p := &Provider{
		options: o, t: t, person: Ada(o.Shape), faults: map[Fault][]string{}, hits: map[string]int{},
		codes: map[string]request{}, access: map[string]Person{}, waiting: map[string]request{},
	}
	p.keys = newKeyring(1)
	p.server = httptest.NewServer(p)
	p.Peer = strings.TrimPrefix(p.server.URL, "http://")
	p.Issuer = p.base()
	if o.Shape == Microsoft {
		p.Issuer = p.base() + "/" + o.Authority + "/v2.0"
	}
	t.Cleanup(p.Down)
	return p
}

func (p *Provider) base() string { return "http://" + p.Peer }

// SignIn says who signs in from now on.
func (p *Provider) SignIn(person Person) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.person = person
}

// Down stops answering: connections are refused.
func (p *Provider) Down() {
	p.mu.Lock()
	server := p.server
	p.server = nil
	p.mu.Unlock()
	if server != nil {
		server.CloseClientConnections()
		server.Close()
	}
}

// Up answers again, at the same address.
func (p *Provider) Up() {
	p.t.Helper()
	listener, err := net.Listen("tcp", p.Peer)
	if err != nil {
		p.t.Fatalf("start the upstream provider again: %v", err)
	}
	server := httptest.NewUnstartedServer(p)
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.server = server
}

// Rotate replaces the signature keys: the old ones are not published any more.
func (p *Provider) Rotate() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = newKeyring(p.keys.serial + 1)
}

// Hits is how often a path was asked for: /authorize, /token, /jwks, /userinfo,
// /.well-known/openid-configuration (whatever is before it), or /trap, where a
// redirect of RedirectLoopback leads.
func (p *Provider) Hits(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hits[path]
}

// Paths of the provider.
const (
	PathDiscovery = "/.well-known/openid-configuration"
	PathAuthorize = "/authorize"
	PathContinue  = "/continue"
	PathToken     = "/token"
	PathJWKS      = "/jwks"
	PathUserInfo  = "/userinfo"
	PathTrap      = "/trap"
)

// ServeHTTP answers as the provider.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if strings.HasSuffix(path, PathDiscovery) {
		if "http://"+p.Peer+strings.TrimSuffix(path, PathDiscovery) != p.Issuer {
			http.NotFound(w, r)
			return
		}
		path = PathDiscovery
	}
	p.mu.Lock()
	p.hits[path]++
	p.mu.Unlock()
	if p.spoil(w, r, path) {
		return
	}
	if path == PathTrap { // what a redirect that is followed would find
		path = r.URL.Query().Get("for")
	}
	p.answer(w, r, path)
}

func (p *Provider) answer(w http.ResponseWriter, r *http.Request, path string) {
	switch path {
	case PathDiscovery:
		p.serveDiscovery(w)
	case PathJWKS:
		p.serveKeys(w)
	case PathAuthorize:
		p.serveAuthorize(w, r)
	case PathContinue:
		p.serveContinue(w, r)
	case PathToken:
		p.serveToken(w, r)
	case PathUserInfo:
		p.serveUserInfo(w, r)
	default:
		http.NotFound(w, r)
	}
}

// broken tells whether a fault is switched on for a path; a fault without paths is for all.
func (p *Provider) broken(f Fault, path string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	paths, on := p.faults[f]
	return on && (len(paths) == 0 || slices.Contains(paths, path))
}
