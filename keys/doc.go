// Package keys holds what a tenant signs with and what secrets are sealed with.
//
// Master seals secrets that must be read back (private keys, seeds, upstream
// secrets) under the operator's master key. Ring is one tenant's signing keys,
// opened once: it signs, verifies the tenant's own tokens and renders the JWKS.
// Keeper makes keys and moves them through their life: next (published, does not
// sign yet), active (signs), retired (verifies what it signed until that died).
//
// Left to others: what stands in a token (provider/token), when the rotation
// runs (internal/jobs), caching of rings per tenant (tenants), keys of foreign
// issuers (provider/federation).
//
// Invariants: a private key leaves this package sealed or not at all; a key is
// parsed when a ring is built and never on a request; a key of a message is
// never looked at; at most one key is next and one active per tenant and
// algorithm, which the database enforces, so any number of replicas may try.
package keys
