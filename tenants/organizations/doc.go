// Package organizations holds the deeds on a tenant's organizations: members, roles,
// invitations, domains, and who may do what in them.
//
// Whoever works in an organization comes in by Enter, which gives a Seat; every deed
// starts with inside, which locks the organization and reads the person's place in it
// again, so that changes of members come one after another and nobody acts on a role
// that was taken away. The one way to become a member is Organizations.admit, the one
// way out remove. An organization that is foreign, deleted, suspended or was never
// there is lanyard.ErrNotFound, always.
//
// Who somebody is, and their addresses, are package accounts; which organization a
// sign-in is for is provider/flow; pages and API only call what is here.
package organizations
