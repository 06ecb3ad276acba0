// Package federation speaks with upstream identity providers: it sends a person's
// browser there (Start) and turns what comes back into an Assertion (Finish). The
// data of a Telegram Mini App is the third way to one (MiniApp).
//
//	upstreams.go, attempt.go  what a caller holds
//	start.go                  the authorization request (OpenID Connect Core §3.1.2.1, RFC 7636)
//	callback.go, finish.go    its answer (RFC 6749 §4.1.2, RFC 9207)
//	exchange.go, clientauth.go  code for tokens (RFC 6749 §4.1.3, RFC 7523)
//	idtoken.go, claims.go     validation (OpenID Connect Core §3.1.3.7)
//	userinfo.go               profile from userinfo (OpenID Connect Core §5.3)
//	kinds.go                  what Google, Microsoft, Telegram and everybody else mean by identity and proved address
//	discovery.go, keyset.go, cached.go  documents of the upstream and how long they are believed
//	telegram.go               initData of Mini Apps
//
// The invariant: an Assertion comes out only if its ID token was signed, in an allowed
// algorithm, by a key of the issuer that the connection names, for us, in answer to
// this very attempt, and has not expired; its identity is taken from that token alone.
// Every other error is one of lanyard.ErrUpstreamRefused, ErrUpstreamDown and
// ErrUpstreamWrong, with a cause for the log.
//
// Not here: whether the connection is enabled and for what, whose attempt it is and
// that it is used once (the caller keeps it, bound to a browser), what an identity
// opens, linking, storage, pages. That Mini App data is used once is the caller's too.
package federation
