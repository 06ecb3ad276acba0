// Package adminapi is the management API: REST below /api/v1 of every issuer, described by
// OpenAPI 3.1 at /api/v1/openapi.json.
//
// One file per noun lists its operations; each names its permission, is found in the route
// table, and calls one deed of tenants/management. API.door lets callers in: by an access
// token of the tenant whose audience is the management API, with the permission of the
// operation, or within their own organization with that of the organization. Bodies are
// strict (no unknown, repeated or re-cased members), lists have cursors, what is read has an
// ETag and is changed under If-Match, a creation with an Idempotency-Key happens once, and
// errors are problems (RFC 9457) with the codes of the catalogue.
//
// The default tenant has everything a second time below /api/v1/tenants/{tenant}, for
// administrators of the instance.
//
// Left to others: what may be done and what it does (tenants/management), which tenant a
// request belongs to (provider), the command line and the console.
package adminapi
