// Package console is the admin console: server-rendered pages below /console of every
// issuer, for whoever administers the tenant.
//
// It is an ordinary client of its own issuer (lanyard.ConsoleClient). A person signs in by
// an authorization code; the console redeems it in process and keeps the opaque access
// token for the management API in a cookie that no script can read. Every request turns
// that token into an Administrator and calls the deeds of tenants/management, which decide;
// the console knows nothing that the API and the command line do not, and each page shows
// the same thing as a command and as a call.
//
// A noun has one file. It describes its pages in Go as blocks (facts, tables, forms), and
// one set of templates draws them. Every screen and every deed is one line of a table with
// the permission that it needs; what is left out does not start. The address is the state:
// things are named in the query, because the id of a client may be a URL.
//
// The pages work without script. The script adds searching while typing, paging in place,
// copying, and messages that screen readers hear. There is nothing in line, and of the
// library htmx neither its evaluation of code nor its styles are used. Pages are in English
// only for now.
//
// Administrators of the instance reach other tenants below /console/tenants/{tenant}/ of the
// default tenant; the same pages are then about that tenant.
//
// Left to others: what may be done (tenants/management), the sign-in itself
// (provider, provider/flow, login-ui), the administration of one organization by its owners
// (login-ui).
package console
