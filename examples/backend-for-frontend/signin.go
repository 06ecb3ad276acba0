package main

import (
	"crypto/rand"
	"crypto/subtle"
	"log"
	"net/http"
	"net/url"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// attempt is a sign-in that was begun in this browser.
type attempt struct{ State, Nonce, Verifier string }

// login begins a sign-in and sends the browser to Lanyard.
func (a *app) login(w http.ResponseWriter, r *http.Request) {
	begun := attempt{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	if err := a.sealer.set(w, "login", begun, 10*time.Minute); err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	to := a.client.AuthCodeURL(begun.State, oauth2.S256ChallengeOption(begun.Verifier), oidc.Nonce(begun.Nonce))
	http.Redirect(w, r, to, http.StatusFound)
}

// callback ends a sign-in. A code that this browser did not ask for is refused, so
// that nobody is signed in to somebody else's account.
func (a *app) callback(w http.ResponseWriter, r *http.Request) {
	var begun attempt
	err := a.sealer.get(r, "login", &begun)
	a.sealer.drop(w, "login")
	if err != nil || subtle.ConstantTimeCompare([]byte(begun.State), []byte(r.FormValue("state"))) != 1 {
		http.Error(w, "This sign-in was not begun here, or long ago. Try again.", http.StatusBadRequest)
		return
	}
	if refused := r.FormValue("error"); refused != "" {
		http.Redirect(w, r, "/?"+url.Values{"error": {refused}}.Encode(), http.StatusFound)
		return
	}
	token, err := a.client.Exchange(r.Context(), r.FormValue("code"), oauth2.VerifierOption(begun.Verifier))
	if err != nil {
		fail(w, http.StatusBadGateway, err)
		return
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := a.verifier.Verify(r.Context(), raw)
	if err != nil || id.Nonce != begun.Nonce {
		fail(w, http.StatusBadGateway, err)
		return
	}
	if err := a.keep(w, sessionOf(token), raw); err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	http.Redirect(w, r, "/", http.StatusFound)
}

// logout ends the session here, and leads to Lanyard, which ends it there and leads
// back. It is a POST from our own page: nobody is signed out by a link or an image.
func (a *app) logout(w http.ResponseWriter, r *http.Request) {
	var hint string
	err := a.sealer.get(r, "id", &hint)
	a.forget(w)
	if err != nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	query := url.Values{"id_token_hint": {hint}, "client_id": {a.client.ClientID}, "post_logout_redirect_uri": {a.base + "/"}}
	http.Redirect(w, r, a.endpoint.EndSession+"?"+query.Encode(), http.StatusSeeOther)
}

// fail says no more than that, and logs why.
func fail(w http.ResponseWriter, status int, err error) {
	log.Print(err)
	http.Error(w, http.StatusText(status), status)
}
