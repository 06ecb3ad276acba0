// Package tenants holds the deeds on a tenant's configuration and the live
// view of it that requests are served from.
//
// Live is an in-process snapshot: tenant, keys, resources and the clients seen
// so far, all of one revision. Directory hands out a snapshot whose revision
// was read from the database after the request arrived (Current), or one that
// may lag two seconds for what is published anyway (Published). A miss is
// looked up; nothing that decides access is taken from an older revision.
//
// Users and their credentials are in tenants/accounts, signing in provider/token.
package tenants
