// Package idp is for tests only: an identity provider in process, on a clock that
// the test moves, and a browser without a screen that keeps cookies, follows
// redirects within the issuer and fills in forms.
//
// Everything goes over HTTP on a loopback port, so independent clients can use it too.
package idp
