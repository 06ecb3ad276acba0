package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

// session is what the browser keeps for us, sealed.
type session struct {
	Access, Refresh string
	Expiry          time.Time
}

func sessionOf(t *oauth2.Token) session {
	return session{Access: t.AccessToken, Refresh: t.RefreshToken, Expiry: t.Expiry}
}

// keep writes the cookies of a session. The ID token, which is only needed to sign
// out, has one of its own: browsers take no cookie of more than 4096 bytes.
func (a *app) keep(w http.ResponseWriter, s session, idToken string) error {
	if idToken != "" {
		if err := a.sealer.set(w, "id", idToken, 30*24*time.Hour); err != nil {
			return err
		}
	}
	return a.sealer.set(w, "session", s, 30*24*time.Hour)
}

func (a *app) forget(w http.ResponseWriter) {
	a.sealer.drop(w, "session")
	a.sealer.drop(w, "id")
}

// me tells the page who is signed in, with an access token that is still good.
func (a *app) me(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	s, err := a.current(w, r)
	if err != nil {
		a.forget(w)
		http.Error(w, "nobody is signed in", http.StatusUnauthorized)
		return
	}
	info, err := a.provider.UserInfo(r.Context(), oauth2.StaticTokenSource(&oauth2.Token{AccessToken: s.Access}))
	if err != nil {
		a.forget(w)
		http.Error(w, "the session has ended", http.StatusUnauthorized)
		return
	}
	var claims struct {
		Name  string `json:"name"`
		Email string `json:"email"`
	}
	if err := info.Claims(&claims); err != nil {
		fail(w, http.StatusBadGateway, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(claims) // the reader may have gone
}

// current is the session of a request, refreshed when its access token ends soon.
func (a *app) current(w http.ResponseWriter, r *http.Request) (session, error) {
	var s session
	if err := a.sealer.get(r, "session", &s); err != nil {
		return s, err
	}
	if time.Until(s.Expiry) > a.ahead {
		return s, nil
	}
	fresh, err := a.turns.refresh(s.Refresh, func() (session, error) {
		// Not with the request's context: others may wait for the answer.
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		// A source whose token has ended refreshes at once.
		token, err := a.client.TokenSource(ctx, &oauth2.Token{RefreshToken: s.Refresh, Expiry: time.Unix(1, 0)}).Token()
		if err != nil {
			return session{}, err
		}
		log.Print("refreshed")
		return sessionOf(token), nil
	})
	if err != nil {
		return s, err
	}
	return fresh, a.keep(w, fresh, "")
}

// turns lets one request refresh a session and gives the others that come with the same
// refresh token its answer. A refresh token is used once: Lanyard takes another use
// for theft, and only forgives a repetition within 30 seconds.
type turns struct {
	mu   sync.Mutex
	went map[string]*turn
}

type turn struct {
	done chan struct{}
	got  session
	err  error
}

// remembered is how long requests may still come with a refresh token that was used.
const remembered = 30 * time.Second

var errNoRefresh = errors.New("the session can not be refreshed")

func (t *turns) refresh(old string, do func() (session, error)) (session, error) {
	if old == "" {
		return session{}, errNoRefresh
	}
	t.mu.Lock()
	other, there := t.went[old]
	if there {
		t.mu.Unlock()
		<-other.done
		return other.got, other.err
	}
	mine := &turn{done: make(chan struct{})}
	if t.went == nil {
		t.went = map[string]*turn{}
	}
	t.went[old] = mine
	t.mu.Unlock()

	mine.got, mine.err = do()
	close(mine.done)
	time.AfterFunc(remembered, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.went, old)
	})
	return mine.got, mine.err
}
