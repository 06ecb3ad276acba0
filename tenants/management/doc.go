// Package management holds the deeds of administrators: what the management API, the
// command line and the console do to a tenant and to everything in it.
//
// Each noun has one file with its representation, which is the same in all of them, and
// with its deeds. Every deed takes an Administrator, which says whose tenant it is and
// what the caller may do, and begins with Administrator.Need. A change is made in one
// transaction: the thing is read and held in it, handed to a Change, checked by the
// rules that files obey too, written, and recorded with record. Who acts on somebody, or
// gives a role or a right, has at least the powers that these have and get.
//
// Left to others: what organizations let their own administrators do
// (tenants/organizations), proofs of people (tenants/accounts), whole files
// (tenants/manifest), HTTP, statuses and documents (tenants/adminapi).
//
// Invariant: no value of this package holds a secret that is stored; what is made new is
// shown once, by the deed that made it.
package management
