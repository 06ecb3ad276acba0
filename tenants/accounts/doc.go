// Package accounts holds the deeds on people: making them, hashing and checking
// their passwords, and throttling whoever tries.
//
// Authenticate is the one place a password is checked. An attempt is reserved in
// the database before it is verified, counted once per account whatever spelling
// was typed, and a name that nobody has costs the same work as one that somebody has.
//
// Sessions are in provider/session, the steps of a sign-in in provider/flow.
package accounts
