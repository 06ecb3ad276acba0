// Package imports reads what other systems export and gives it as entries of a
// declarative file: users as CSV or JSON lines, a realm of Keycloak, users of Auth0.
//
// It translates and decides nothing: the entries pass the same rules as those of a file
// that somebody wrote (tenants/manifest). What has no counterpart here is said in Result.Left.
//
// Invariant: a password is only ever taken as a hash, which is verified once and then made anew.
package imports
