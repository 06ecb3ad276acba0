package federation_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/internal/testkit/upstream"
	"github.com/lanyard-id/lanyard/provider/federation"
)

func TestAnUpstreamThatAnswersNonsenseIsDown(t *testing.T) {
	for _, fault := range []upstream.Fault{upstream.ServerError, upstream.RedirectLoopback, upstream.Huge, upstream.NotJSON} {
		for _, path := range []string{upstream.PathDiscovery, upstream.PathJWKS, upstream.PathToken} {
			t.Run(string(fault)+" "+path, func(t *testing.T) {
				t.Parallel()
				h := newHouse(t, upstream.Options{}, nil)
				h.provider.Break(fault, path)
				h.mustFail(lanyard.ErrUpstreamDown)
				if n := h.provider.Hits(upstream.PathTrap); n != 0 {
					t.Errorf("a redirect was followed %d times", n)
				}
				h.provider.Mend()
				h.clock.Advance(15 * time.Second)
				h.mustSignIn()
			})
		}
	}
}

// One byte a second never comes to an end; the fetcher's five seconds do.
func TestASlowUpstreamIsDown(t *testing.T) {
	t.Parallel()
	h := newHouse(t, upstream.Options{}, nil)
	h.provider.Break(upstream.Slow, upstream.PathDiscovery)
	var all sync.WaitGroup
	for range 8 { // they wait for one and the same answer
		all.Go(func() {
			if _, _, err := h.start(); !errors.Is(err, lanyard.ErrUpstreamDown) {
				t.Errorf("got %v", err)
			}
		})
	}
	all.Wait()
	if n := h.provider.Hits(upstream.PathDiscovery); n != 1 {
		t.Errorf("a slow upstream was asked %d times", n)
	}
}

func TestADocumentOfAnotherIssuerIsRefused(t *testing.T) {
	for _, shape := range []upstream.Shape{upstream.Generic, upstream.Microsoft} {
		h := newHouse(t, upstream.Options{Shape: shape}, nil)
		h.provider.Break(upstream.OtherDiscovery)
		if _, target, err := h.start(); !errors.Is(err, lanyard.ErrUpstreamWrong) {
			t.Errorf("%s: a browser would be sent to %q, %v", shape, target, err)
		}
	}
}

func TestADocumentWithAnErrorIsNone(t *testing.T) {
	for _, status := range []int{http.StatusNotFound, http.StatusCreated, http.StatusBadGateway} {
		var issuer string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"issuer":%[1]q,"authorization_endpoint":%[1]q,"token_endpoint":%[1]q,"jwks_uri":%[1]q}`, issuer)
		}))
		issuer = server.URL
		c := connect(t, upstream.Options{}, issuer, nil)
		u := newUpstreams(t, clock.NewManual(noon), strings.TrimPrefix(issuer, "http://"))
		if target, err := u.Start(t.Context(), c, federation.NewAttempt(c, callbackURL)); !errors.Is(err, lanyard.ErrUpstreamDown) {
			t.Errorf("status %d: got %q, %v", status, target, err)
		}
		server.Close()
	}
}

func TestAProbeAsksAnew(t *testing.T) {
	h := newHouse(t, upstream.Options{}, nil)
	h.mustSignIn()
	if err := h.upstreams.Probe(t.Context(), h.c); err != nil {
		t.Error(err)
	}
	h.hits(2, 2)
	for path, want := range map[string]error{upstream.PathDiscovery: lanyard.ErrUpstreamDown, upstream.PathJWKS: lanyard.ErrUpstreamDown} {
		h.provider.Break(upstream.NotJSON, path)
		if err := h.upstreams.Probe(t.Context(), h.c); !errors.Is(err, want) {
			t.Errorf("%s is broken: %v", path, err)
		}
		h.provider.Mend()
	}
}

func TestDocumentsAreFetchedOnce(t *testing.T) {
	h := newHouse(t, upstream.Options{}, nil)
	const callers = 32
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			if _, err := h.signIn(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	h.hits(1, 1)
	h.clock.Advance(10*time.Minute - time.Second)
	h.mustSignIn()
	h.hits(1, 1)
	h.clock.Advance(time.Second)
	h.mustSignIn()
	h.hits(2, 2)
	if n := h.provider.Hits(upstream.PathToken); n != callers+2 {
		t.Errorf("%d codes were exchanged", n)
	}
}

// hits checks how often discovery and key set were fetched so far.
func (h *house) hits(discovery, keys int) {
	h.t.Helper()
	if d, k := h.provider.Hits(upstream.PathDiscovery), h.provider.Hits(upstream.PathJWKS); d != discovery || k != keys {
		h.t.Errorf("discovery was fetched %d times and the keys %d, want %d and %d", d, k, discovery, keys)
	}
}

func TestRotatedKeysAreFoundAtOnce(t *testing.T) {
	h := newHouse(t, upstream.Options{}, nil)
	h.mustSignIn()
	h.provider.Rotate()
	h.mustSignIn()
	h.hits(1, 2)
	h.provider.Rotate() // within the same minute: that looks like a flood
	h.mustFail(lanyard.ErrUpstreamWrong)
	h.clock.Advance(time.Minute)
	h.mustSignIn()
	h.hits(1, 3)
}

// Whoever comes while the new keys are fetched waits for them.
func TestARotationFailsNobody(t *testing.T) {
	h := newHouse(t, upstream.Options{}, nil)
	for round := range 10 {
		h.mustSignIn()
		h.provider.Rotate()
		var all sync.WaitGroup
		for range 32 {
			all.Go(func() {
				if _, err := h.signIn(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := h.provider.Hits(upstream.PathJWKS); n != 2+round {
			t.Errorf("the keys were fetched %d times in round %d", n, round)
		}
		h.clock.Advance(time.Minute)
	}
}

func TestAFloodOfUnknownKeysFetchesOnceAMinute(t *testing.T) {
	h := newHouse(t, upstream.Options{}, nil)
	h.mustSignIn()
	h.provider.Break(upstream.UnknownKey)
	for minute := range 3 {
		var all sync.WaitGroup
		for range 32 {
			all.Go(func() { h.mustFail(lanyard.ErrUpstreamWrong) })
		}
		all.Wait()
		h.hits(1, 2+minute)
		h.clock.Advance(time.Minute)
	}
	h.provider.Mend()
	h.mustSignIn()
}

func TestStaleDocumentsAreUsedWhileTheUpstreamIsDown(t *testing.T) {
	h := newHouse(t, upstream.Options{}, nil)
	h.mustSignIn()
	for _, path := range []string{upstream.PathDiscovery, upstream.PathJWKS} {
		h.provider.Break(upstream.ServerError, path)
		h.clock.Advance(11 * time.Hour)
		h.mustSignIn()
		h.mustSignIn()
		h.provider.Mend()
	}
	h.clock.Advance(24 * time.Hour)
	h.provider.Break(upstream.ServerError, upstream.PathJWKS)
	h.mustFail(lanyard.ErrUpstreamDown)
}

func TestAnUpstreamThatIsDownIsLeftAloneForAWhile(t *testing.T) {
	h := newHouse(t, upstream.Options{}, nil)
	h.provider.Break(upstream.ServerError, upstream.PathDiscovery)
	for range 5 {
		h.mustFail(lanyard.ErrUpstreamDown)
	}
	h.hits(1, 0)
	h.clock.Advance(15 * time.Second)
	h.mustFail(lanyard.ErrUpstreamDown)
	h.hits(2, 0)
	h.provider.Mend()
	h.clock.Advance(15 * time.Second)
	h.mustSignIn()
}

func TestARefusedConnectionIsAnOutage(t *testing.T) {
	h := newHouse(t, upstream.Options{}, nil)
	h.mustSignIn()
	a, target, err := h.start()
	if err != nil {
		t.Fatal(err)
	}
	values := h.visit(target)
	h.provider.Down()
	if _, err := h.upstreams.Finish(t.Context(), h.c, a, values); !errors.Is(err, lanyard.ErrUpstreamDown) || lanyard.KindOf(err) != lanyard.Unavailable {
		t.Errorf("got %v", err)
	}
	if err := h.upstreams.Probe(t.Context(), h.c); !errors.Is(err, lanyard.ErrUpstreamDown) {
		t.Errorf("a probe of what is down: %v", err)
	}
	h.provider.Up()
	h.clock.Advance(15 * time.Second)
	h.mustSignIn()
	if err := h.upstreams.Probe(t.Context(), h.c); err != nil {
		t.Error(err)
	}
}

// Two connections to one issuer, or one in two tenants, share nothing.
func TestDocumentsBelongToOneConnection(t *testing.T) {
	h := newHouse(t, upstream.Options{}, nil)
	h.mustSignIn()
	elsewhere := h.c
	elsewhere.TenantID = "ten_2"
	if _, err := h.upstreams.Start(t.Context(), elsewhere, federation.NewAttempt(elsewhere, callbackURL)); err != nil {
		t.Error(err)
	}
	h.hits(2, 1)
	elsewhere = h.c
	elsewhere.ID = lanyard.NewConnectionID()
	if _, err := h.upstreams.Start(t.Context(), elsewhere, federation.NewAttempt(elsewhere, callbackURL)); err != nil {
		t.Error(err)
	}
	h.hits(3, 1)
}

func TestANewIssuerBeginsAnew(t *testing.T) {
	h, other := newHouse(t, upstream.Options{}, nil), newHouse(t, upstream.Options{}, nil)
	h.upstreams = newUpstreams(t, h.clock, h.provider.Peer, other.provider.Peer)
	h.mustSignIn()
	before, target, err := h.start()
	if err != nil {
		t.Fatal(err)
	}
	answer := h.visit(target)
	h.c.Issuer = other.provider.Issuer
	h.provider = other.provider
	if out, err := h.upstreams.Finish(t.Context(), h.c, before, answer); !errors.Is(err, lanyard.ErrUpstreamWrong) ||
		other.provider.Hits(upstream.PathToken) != 0 {
		t.Errorf("the code of one went to the other: %v, %v", out.Identity, err)
	}
	if _, target, err := h.start(); err != nil || !strings.HasPrefix(target, other.provider.Issuer+"/") {
		t.Errorf("the browser is sent to %q, %v", target, err)
	}
	h.mustSignIn()
}
