// Package authenticator is for tests only: a WebAuthn client and authenticator in
// software. It answers the options of a page as a browser with a passkey would (ES256,
// discoverable credentials, no attestation) and misbehaves on demand.
//
// Not here: anything that knows the product's packages, and the verifying side.
package authenticator
