// Package upstream is for tests only: an OpenID provider that stands in for Google,
// Microsoft, Telegram or a company's own, on a loopback port, with keys of its own and
// on the clock that the test moves.
//
// It speaks as the real ones do (discovery, authorize, token, JWKS, userinfo; PKCE is
// required, a code works once, clients authenticate), has the claims of the kind that it
// plays, and can be told to go wrong in one way at a time or several. It knows nothing
// of the product, so its opinion of the protocol is its own: it writes and signs tokens
// with the standard library alone.
//
// Not here: consent, sessions, passwords. Who signs in is what the test says.
package upstream
