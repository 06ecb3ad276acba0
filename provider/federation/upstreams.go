package federation

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/internal/fetch"
)

// Upstreams speaks with all upstream providers, and keeps their documents. It is
// safe for use by several goroutines; one serves a whole process.
type Upstreams struct {
	fetch  *fetch.Client
	clock  clock.Clock
	sealer lanyard.Sealer
	// TelegramKey is the key with which Telegram signs Mini App data; only tests have another.
	TelegramKey ed25519.PublicKey

	mu    sync.Mutex
	known map[upstreamKey]*upstream
}

// upstreamKey names the documents of one connection as it is configured now.
type upstreamKey struct {
	tenant     lanyard.TenantID
	connection lanyard.ConnectionID
	issuer     string
}

// upstream is what is remembered of one provider.
type upstream struct {
	discovery *cached[discovery]
	keys      *cached[keySet]
}

// maxKnown bounds the providers that are remembered; who is forgotten is asked again.
const maxKnown = 2048

// New makes it. All parts are needed: the guarded fetcher, the clock, and what opens sealed secrets.
func New(f *fetch.Client, c clock.Clock, s lanyard.Sealer) (*Upstreams, error) {
	if f == nil || c == nil || s == nil {
		return nil, errors.New("federation needs a fetcher, a clock and a sealer")
	}
	key, err := hex.DecodeString(telegramKey)
	if err != nil {
		return nil, fmt.Errorf("read Telegram's key: %w", err)
	}
	return &Upstreams{fetch: f, clock: c, sealer: s, TelegramKey: key, known: map[upstreamKey]*upstream{}}, nil
}

// Check tells whether a connection can be stored: its own rules, and that its issuer is an
// address that we call. Everything refused is lanyard.ErrBadInput.
func (u *Upstreams) Check(c lanyard.Connection) error {
	if err := c.Check(); err != nil {
		return err
	}
	if u.fetch.Check(discoveryURL(c.IssuerURL())) != nil {
		return lanyard.ErrBadInput.Saying("the issuer is not an address that is called from here")
	}
	return nil
}

// Probe fetches what is published about the upstream now, for the moment a connection is set up.
func (u *Upstreams) Probe(ctx context.Context, c lanyard.Connection) error {
	at := u.of(c)
	at.discovery.forget()
	at.keys.forget()
	d, err := u.discover(ctx, c)
	if err != nil {
		return err
	}
	_, err = u.keysOf(ctx, c, d)
	return err
}

// of is what is remembered of a connection's provider. A changed issuer begins anew.
func (u *Upstreams) of(c lanyard.Connection) *upstream {
	key := upstreamKey{tenant: c.TenantID, connection: c.ID, issuer: c.IssuerURL()}
	u.mu.Lock()
	defer u.mu.Unlock()
	at, found := u.known[key]
	if !found {
		if len(u.known) >= maxKnown {
			u.forgetOne()
		}
		at = &upstream{discovery: newCached[discovery](), keys: newCached[keySet]()}
		u.known[key] = at
	}
	return at
}

// forgetOne makes room: any one will do, since it is only asked again.
func (u *Upstreams) forgetOne() {
	for key := range u.known {
		delete(u.known, key)
		return
	}
}

func wrong(format string, args ...any) error {
	return fmt.Errorf("upstream: %w: %s", lanyard.ErrUpstreamWrong, fmt.Sprintf(format, args...))
}

func refused(format string, args ...any) error {
	return fmt.Errorf("upstream: %w: %s", lanyard.ErrUpstreamRefused, fmt.Sprintf(format, args...))
}

func down(format string, args ...any) error {
	return fmt.Errorf("upstream: %w: %s", lanyard.ErrUpstreamDown, fmt.Sprintf(format, args...))
}
