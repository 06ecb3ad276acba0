// Package server puts together what the public listener serves: the tenants'
// sites around one engine with the routes of protocol and pages. The command
// runs it, tests build it on a clock of their own.
//
// It decides nothing. Configuration is in cmd/lanyard, the parts are where their
// nouns are.
package server
