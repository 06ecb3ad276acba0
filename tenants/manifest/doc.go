// Package manifest reads the declarative file of tenants and brings a database
// to what it says.
//
// Parse reads YAML with the standards' own names: users with OpenID Connect
// claims, clients with RFC 7591 metadata, resources, organizations, roles,
// connections, trusted issuers and webhooks, one file per noun in this package. It complains about
// everything it does not understand at once, with line and column, and about
// what this version does not do yet instead of ignoring it.
//
// Apply creates and updates by natural keys (slug, client_id, resource
// identifier, sub, e-mail address or username, id or name of a connection), one
// transaction per tenant, with events. What a file does not mention stays: a claim
// that a user entry leaves out, an organization that is not listed. A client, a
// resource, a role, a connection and a membership are replaced as a whole. An
// invitation is made once, by its address or its code, and never again. Nothing is
// removed, unless the file says prune: then what its lists lack, of configuration and members.
//
// Export writes a tenant as such a file, with secrets by reference and hashes in line;
// applied to an empty database it gives the same tenant. Diff says what Apply would
// change, by applying in a transaction that is undone.
//
// Left to others: the rules of clients (tenants), of organizations and invitations
// (tenants/organizations), hashing (tenants/accounts), keys (keys), where a file and
// its secrets come from (cmd).
//
// Invariant: applying a file a second time changes nothing.
package manifest
