// Package token makes, refreshes, verifies and revokes tokens.
//
// Issuer.make is the one issuance pipeline: whatever the grant type, audience,
// scope, format, algorithm and claims are decided there and nowhere else. It does
// no I/O; the deeds around it (Redeem, Refresh, Machine) read, decide, and write
// in one transaction before anything is answered.
//
// A refresh-token family is the state of one grant row: rotation is one
// compare-and-swap, the successor is derived from its parent, so a lost answer is
// healed by asking again and never forks the family (doc of family.go).
//
// Client authentication and the wire are in provider, keys in keys.
package token
