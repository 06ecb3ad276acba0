// Package lanyard is the vocabulary of the product: the nouns that every other
// package speaks of (tenant, user, client, resource, session, grant, ...), the
// rules that need nothing but their own values, and the catalogue of errors.
//
// It does no I/O, reads no clock and knows neither HTTP nor SQL. Deeds are in
// tenants and provider/flow, rows in storage, pages in login-ui, endpoints in
// provider.
package lanyard
