package organizations

import "github.com/lanyard-id/lanyard"

// Offer is an invitation as the person who is invited sees it.
type Offer struct {
	Invitation lanyard.Invitation
	// Organization is zero for an invitation to the platform.
	Organization lanyard.Organization
	// Inviter is the name of who made it; empty for the tenant's operators.
	Inviter string
}

// Joinable is an organization that lets people of a proved mail domain in.
type Joinable struct {
	Organization lanyard.Organization
	Joining      lanyard.Joining
	// Requested says that the person has asked already.
	Requested bool
}
