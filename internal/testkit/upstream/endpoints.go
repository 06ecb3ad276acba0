package upstream

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// request is an authorization request that was accepted.
type request struct {
	redirect, state, nonce, challenge string
	scopes                            []string
	person                            Person
}

func (p *Provider) serveDiscovery(w http.ResponseWriter) {
	issuer := p.Issuer
	if p.options.Shape == Microsoft {
		issuer = p.microsoftIssuer()
	}
	if p.broken(OtherDiscovery, PathDiscovery) {
		issuer = p.base() + "/another"
	}
	document := map[string]any{
		"issuer": issuer, "authorization_endpoint": p.base() + PathAuthorize, "token_endpoint": p.base() + PathToken,
		"jwks_uri": p.base() + PathJWKS, "response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{p.options.Algorithm},
		"token_endpoint_auth_methods_supported": p.authMethods(), "code_challenge_methods_supported": []string{"S256"},
	}
	if p.options.Shape != Telegram {
		document["userinfo_endpoint"] = p.base() + PathUserInfo
	}
	if p.options.NamesIssuer {
		document["authorization_response_iss_parameter_supported"] = true
	}
	writeJSON(w, http.StatusOK, document)
}

// microsoftIssuer is what Microsoft publishes: a template for all tenants, or one of them.
func (p *Provider) microsoftIssuer() string {
	switch p.options.Authority {
	case "common", "organizations":
		return p.base() + "/{tenantid}/v2.0"
	case "consumers":
		return p.base() + "/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"
	}
	return p.Issuer
}

func (p *Provider) authMethods() []string {
	switch {
	case p.options.ClientKey != nil:
		return []string{"private_key_jwt"}
	case p.options.Auth != "":
		return []string{p.options.Auth}
	}
	return []string{"client_secret_basic", "client_secret_post"}
}

func (p *Provider) serveKeys(w http.ResponseWriter) {
	p.mu.Lock()
	keys := p.keys
	p.mu.Unlock()
	set := keys.public()
	issuer := p.microsoftIssuer()
	if p.broken(OtherKeyIssuer, PathJWKS) {
		issuer = p.base() + "/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"
	}
	if p.options.Shape == Microsoft {
		for _, key := range set["keys"].([]map[string]any) {
			key["issuer"] = issuer
		}
	}
	writeJSON(w, http.StatusOK, set)
}

// serveAuthorize answers for the person that the test chose, at once or after a button.
func (p *Provider) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	accepted, complaint := p.accept(r.URL.Query())
	if complaint != "" {
		http.Error(w, complaint, http.StatusBadRequest)
		return
	}
	if !p.options.Button {
		http.Redirect(w, r, p.answerTo(accepted), http.StatusFound)
		return
	}
	id := rand.Text()
	p.mu.Lock()
	p.waiting[id] = accepted
	p.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Upstream</title><main><h1>%s</h1><p>You are %s.</p>`+
		`<form action="%s"><input type="hidden" name="request" value="%s"><button id="upstream-continue">Continue</button></form></main>`,
		html.EscapeString(string(p.options.Shape)), html.EscapeString(accepted.person.Name), PathContinue, id)
}

func (p *Provider) serveContinue(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("request")
	p.mu.Lock()
	accepted, found := p.waiting[id]
	delete(p.waiting, id)
	p.mu.Unlock()
	if !found {
		http.Error(w, "no such request", http.StatusBadRequest)
		return
	}
	http.Redirect(w, r, p.answerTo(accepted), http.StatusFound)
}

// accept checks an authorization request as a strict provider does.
func (p *Provider) accept(q url.Values) (request, string) {
	p.mu.Lock()
	person := p.person
	p.mu.Unlock()
	for name, given := range q {
		if len(given) != 1 {
			return request{}, name + " is repeated"
		}
	}
	scopes := strings.Fields(q.Get("scope"))
	switch {
	case q.Get("client_id") != p.options.ClientID:
		return request{}, "client_id is not known"
	case q.Get("redirect_uri") == "", len(p.options.Redirects) > 0 && !slices.Contains(p.options.Redirects, q.Get("redirect_uri")):
		return request{}, "redirect_uri is not registered"
	case q.Get("response_type") != "code":
		return request{}, "response_type is not code"
	case !slices.Contains(scopes, "openid"):
		return request{}, "scope has no openid"
	case q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43:
		return request{}, "PKCE with S256 is required"
	case q.Get("state") == "" || q.Get("nonce") == "":
		return request{}, "state and nonce are required here"
	}
	return request{
		redirect: q.Get("redirect_uri"), state: q.Get("state"), nonce: q.Get("nonce"), challenge: q.Get("code_challenge"),
		scopes: scopes, person: person,
	}, ""
}

// answerTo is where the browser goes back to.
func (p *Provider) answerTo(r request) string {
	q := url.Values{"state": {r.state}}
	if p.broken(WrongState, PathAuthorize) {
		q.Set("state", "another")
	}
	switch {
	case p.broken(WrongIss, PathAuthorize):
		q.Set("iss", p.base()+"/another")
	case p.options.NamesIssuer && !p.broken(NoIss, PathAuthorize):
		q.Set("iss", p.tokenIssuer(r.person))
	}
	switch {
	case p.broken(AccessDenied, PathAuthorize):
		q.Set("error", "access_denied")
	case p.broken(OtherError, PathAuthorize):
		q.Set("error", "invalid_request")
	default:
		q.Set("code", p.newCode(r))
	}
	separator := "?"
	if strings.Contains(r.redirect, "?") {
		separator = "&"
	}
	return r.redirect + separator + q.Encode()
}

func (p *Provider) newCode(r request) string {
	if p.broken(SameCode, PathAuthorize) {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.lastCode
	}
	code := "4/" + rand.Text() // as Google's, with a character that has to be escaped
	p.mu.Lock()
	defer p.mu.Unlock()
	p.codes[code], p.lastCode = r, code
	return code
}

// serveToken gives tokens for a code, once (RFC 6749 §4.1.3, RFC 7636 §4.6).
func (p *Provider) serveToken(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.ParseForm() != nil {
		http.Error(w, "a form is posted here", http.StatusMethodNotAllowed)
		return
	}
	if complaint := p.authenticate(r); complaint != "" {
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client", "error_description": complaint})
		return
	}
	code := r.PostForm.Get("code")
	p.mu.Lock()
	accepted, found := p.codes[code]
	delete(p.codes, code)
	p.mu.Unlock()
	sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	if !found || r.PostForm.Get("grant_type") != "authorization_code" || r.PostForm.Get("redirect_uri") != accepted.redirect ||
		encode(sum[:]) != accepted.challenge {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	access := rand.Text()
	p.mu.Lock()
	p.access[access] = accepted.person
	p.mu.Unlock()
	answer := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 3600, "scope": strings.Join(accepted.scopes, " ")}
	if !p.broken(NoIDToken, PathToken) {
		answer["id_token"] = p.idToken(p.idClaims(accepted, access))
	}
	writeJSON(w, http.StatusOK, answer)
}

func (p *Provider) serveUserInfo(w http.ResponseWriter, r *http.Request) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	p.mu.Lock()
	person, found := p.access[token]
	p.mu.Unlock()
	if !found || p.options.Shape == Telegram {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		http.Error(w, "unknown token", http.StatusUnauthorized)
		return
	}
	writeJSON(w, http.StatusOK, p.userInfo(person))
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}
