// Package client is the Go client of the management API, for programs of others.
//
// client.gen.go is made from openapi.json, the document of the API, by scripts/generate, as
// is lanyard.d.ts, the same for TypeScript. What is written by hand is how a client
// gets its tokens: Machine, or With for those that somebody else gets.
//
// It knows nothing of the rest of this module and may be imported without it.
package client
