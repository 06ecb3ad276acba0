package upstream

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Fault is one way to go wrong.
type Fault string

// What can be wrong with an ID token. It is signed by the provider's key all the same,
// unless the fault is about that.
const (
	WrongAudience Fault = "the token is for another application"
	// ManyAudiences adds another audience, with azp as it should be; NoAuthorizedParty leaves azp out then.
	ManyAudiences        Fault = "the token is for others too"
	NoAuthorizedParty    Fault = "the token is for others too and says not for whom it was made"
	WrongAuthorizedParty Fault = "the token was made for another application"
	WrongIssuer          Fault = "the token is of another issuer"
	WrongNonce           Fault = "the nonce is another"
	NoNonce              Fault = "the nonce is missing"
	AlgNone              Fault = "the token is not signed"
	// AlgHS256 is signed with the public key as the secret, in the form that libraries hash: PEM.
	AlgHS256       Fault = "the token is signed with the public key"
	WrongSignature Fault = "the token is signed by another key of the same name"
	UnknownKey     Fault = "each token names a key that nobody publishes"
	NoKeyID        Fault = "the token names no key"
	Expired        Fault = "the token has expired"
	Future         Fault = "the token was issued in the future"
	WrongHash      Fault = "at_hash is another"
	NoIDToken      Fault = "there is no ID token"
	DuplicateClaim Fault = "the token says sub twice"
)

// What can be wrong with an answer at the callback.
const (
	AccessDenied   Fault = "the person refuses"
	OtherError     Fault = "the request is called invalid"
	WrongState     Fault = "the state is another"
	WrongIss       Fault = "iss of the answer is another's"
	NoIss          Fault = "iss of the answer is missing"
	SameCode       Fault = "the code is the one before"
	OtherDiscovery Fault = "the discovery document is another issuer's"
	OtherSubject   Fault = "userinfo is about somebody else"
	// OtherKeyIssuer publishes keys that are for the tokens of another issuer, as Microsoft can say.
	OtherKeyIssuer Fault = "the keys are another issuer's"
)

// What can be wrong with an endpoint.
const (
	// Slow sends a byte now and then, and never comes to an end.
	Slow             Fault = "it is slow"
	ServerError      Fault = "it answers 500"
	RedirectLoopback Fault = "it redirects to this machine"
	Huge             Fault = "it answers ten megabytes"
	NotJSON          Fault = "it answers a page"
)

// Break switches a fault on, for some paths or for all.
func (p *Provider) Break(f Fault, paths ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults[f] = paths
}

// Mend switches faults off, all if none is named.
func (p *Provider) Mend(faults ...Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(faults) == 0 {
		clear(p.faults)
	}
	for _, f := range faults {
		delete(p.faults, f)
	}
}

const hugeAnswer = 10 << 20

// spoil answers in place of an endpoint that is broken.
func (p *Provider) spoil(w http.ResponseWriter, r *http.Request, path string) bool {
	if path == PathTrap {
		return false
	}
	switch {
	case p.broken(Slow, path):
		drip(w, r)
	case p.broken(ServerError, path):
		http.Error(w, "an error", http.StatusInternalServerError)
	case p.broken(RedirectLoopback, path):
		http.Redirect(w, r, p.base()+PathTrap+"?for="+url.QueryEscape(path), http.StatusTemporaryRedirect)
	case p.broken(Huge, path):
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"padding":"` + string(bytes.Repeat([]byte("x"), hugeAnswer)) + `"}`))
	case p.broken(NotJSON, path):
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>Maintenance</title>"))
	default:
		return false
	}
	return true
}

func drip(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"padding":"`))
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		select {
		case <-r.Context().Done():
			return
		case <-every.C:
			_, _ = w.Write([]byte(strings.Repeat("x", 1)))
		}
	}
}
