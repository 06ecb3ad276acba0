// Package provider is OAuth 2.0 and OpenID Connect on the wire: it parses,
// authenticates clients, calls one deed and writes the answer.
//
//	specification                                   file
//	OpenID Connect Core §3.1.2, RFC 6749 §4.1.1     authorize.go, checks.go
//	RFC 9207, Form Post Response Mode               answer.go
//	RFC 6749 §3.2, §5; RFC 9700                     guard.go, clientauth.go, server.go
//	RFC 7662 introspection, RFC 7009 revocation     server.go
//	RFC 8628 device authorization                   deviceauthorization.go
//	RFC 8693 token exchange                         tokenexchange.go
//	OpenID Connect Core §5.3 userinfo, RFC 6750     userinfo.go
//	OpenID Connect Discovery, RFC 8414              discovery.go
//	RFC 7517 JWK set                                discovery.go
//	OpenID Connect RP-Initiated Logout              logout.go
//	tenant of a request (host, /t/{slug})           sites.go
//	errors on the wire                              faults.go
//
// Token, introspection, revocation and device authorization go through the engine's
// op.RegisterServer behind a guard; token exchange, whose kinds of tokens the engine
// does not know, and everything that answers browsers, whom the engine would answer
// errors as JSON, are written here. What is decided is in provider/flow and
// provider/token; pages are drawn by whoever implements Pages.
package provider
