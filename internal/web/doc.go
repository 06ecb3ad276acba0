// Package web holds what every HTTP surface shares, each thing in one place: the
// route table and the engine built from it, security headers, the guard against
// forged forms, CORS, cookies, redirects, the client's address, request ids, the
// log line and the span of a request, and the translation of errors into answers.
//
// A [Route] declares who may call it, how it is guarded against cross-site
// requests, which origins may read it and how large a body may be; [NewEngine]
// refuses a table with anything left undeclared, so that a forgotten guard is a
// program that does not start. [Access] is a declaration that tests are
// generated from; apart from development routes it is enforced by the handlers,
// which alone know clients, tokens and sessions.
//
// The tenant is resolved outside, before the engine runs: the resolver strips the
// tenant's prefix from the path and leaves a [Site] in the context. The issuer is
// never derived from a request header.
//
// Not here: what pages look like (login-ui), OAuth errors (provider), and the
// listener with its timeouts (cmd).
//
// Invariant: no answer redirects to a place that is neither ours nor checked
// against a client's registration, and no cause of an error leaves the log.
package web
