package federation

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/fetch"
)

// tokens is what a token endpoint answers (RFC 6749 §5.1).
type tokens struct {
	ID        string `json:"id_token"`
	Access    string `json:"access_token"`
	TokenType string `json:"token_type"`
}

// exchange gives the code for tokens (RFC 6749 §4.1.3, RFC 7636 §4.5).
func (u *Upstreams) exchange(ctx context.Context, c lanyard.Connection, d discovery, a Attempt, code string) (tokens, error) {
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {a.RedirectURI}, "code_verifier": {a.Verifier.Reveal()},
	}
	header := http.Header{"Accept": {"application/json"}, "Content-Type": {"application/x-www-form-urlencoded"}}
	if err := u.authenticate(c, d, header, form); err != nil {
		return tokens{}, err
	}
	answer, err := u.ask(ctx, fetch.Request{Method: http.MethodPost, URL: d.token, Header: header, Body: []byte(form.Encode())})
	if err != nil {
		return tokens{}, err
	}
	var got tokens
	switch {
	case answer.Status == http.StatusBadRequest || answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden:
		return tokens{}, wrong("it refuses the code: status %d, error %s", answer.Status, errorOf(answer.Body))
	case answer.Status != http.StatusOK:
		return tokens{}, down("its token endpoint answers with status %d", answer.Status)
	case json.Unmarshal(answer.Body, &got) != nil:
		return tokens{}, down("the answer of its token endpoint can not be read")
	case got.ID == "":
		return tokens{}, wrong("it gives no ID token")
	}
	return got, nil
}

// errorOf is the error code of an answer (RFC 6749 §5.2), if it looks like one: the rest is not for our log.
func errorOf(body []byte) string {
	var text struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &text) != nil || !errorCode.MatchString(text.Error) {
		return "unknown"
	}
	return text.Error
}
