package federation

import (
	"crypto/subtle"
	"net/url"
	"unicode/utf8"

	"github.com/lanyard-id/lanyard"
)

const (
	// maxParameter bounds each parameter of a callback, in bytes. Codes of real providers have up to 2000.
	maxParameter = 4096
	// maxParameters bounds their number.
	maxParameters = 32
)

// callback is the answer of an authorization request (RFC 6749 §4.1.2, RFC 9207 §2).
type callback struct {
	code, state, issuer, failure string
}

// readCallback takes the parameters that count, each at most once.
func readCallback(values url.Values) (callback, error) {
	if len(values) > maxParameters {
		return callback{}, wrong("its answer has too many parameters")
	}
	var cb callback
	for name, into := range map[string]*string{"code": &cb.code, "state": &cb.state, "iss": &cb.issuer, "error": &cb.failure} {
		switch given := values[name]; {
		case len(given) == 0:
		case len(given) > 1 || len(given[0]) > maxParameter || !plain(given[0]):
			return callback{}, wrong("%s in its answer is repeated, too long or no plain text", name)
		default:
			*into = given[0]
		}
	}
	if (cb.code == "") == (cb.failure == "") {
		return callback{}, wrong("its answer has neither code nor error, or both")
	}
	return cb, nil
}

// plain tells whether text is UTF-8 without control characters.
func plain(text string) bool {
	for _, r := range text {
		if r < ' ' || r == 0x7f {
			return false
		}
	}
	return utf8.ValidString(text)
}

// check compares the answer with the attempt, before anything of it is used: the state,
// and who answers (RFC 9207 §2.4), so that a code never goes to another provider.
func (cb callback) check(c lanyard.Connection, d discovery, a Attempt) error {
	switch {
	case !same(cb.state, a.State):
		return wrong("the state is not the one of the attempt")
	case cb.issuer == "" && d.namesIssuer:
		return wrong("its answer does not say who answers")
	case cb.issuer != "" && !rulesOf(c).issues(d.issuer, cb.issuer):
		return wrong("another provider answers")
	}
	return nil
}

// outcomes are what the errors of an authorization endpoint come down to (RFC 6749
// §4.1.2.1, OpenID Connect Core §3.1.2.6). All others say that the connection is set up wrongly.
var outcomes = map[string]func(string, ...any) error{
	"access_denied": refused, "login_required": refused, "consent_required": refused, "interaction_required": refused,
	"account_selection_required": refused, "user_cancelled_authorize": refused, "user_cancelled_login": refused,
	"server_error": down, "temporarily_unavailable": down,
}

// err is what an error in the answer means; nil without one.
func (cb callback) err() error {
	if cb.failure == "" {
		return nil
	}
	outcome, known := outcomes[cb.failure]
	if !known {
		outcome = wrong
	}
	return outcome("it answers %.40q", cb.failure)
}

// same compares in constant time; nothing is the same as an empty text.
func same(a, b string) bool {
	return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}
