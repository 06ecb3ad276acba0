package organizations

import "github.com/lanyard-id/lanyard"

// Offer is an invitation as the person who is invited sees it.
type Offer struct {
	Invitation lanyard.Invitation
	// Organization is zero for an invitation to the platform.
	Organization lanyard.Organization
	// Inviter is the name of who made it; empty for the tenant's operators.
	Inviter string
	// Shown is the hash of the code by which it was looked at; nil without one. It is
	// what opens an invitation that is bound to nobody.
	Shown []byte
}

// Guest is somebody who wants to use an invitation.
type Guest struct {
	Invitation lanyard.InvitationID
	// Shown is the hash of the code that they have shown, from Offer; nil for none.
	Shown []byte
	User  lanyard.User
	// Proved are the canonical addresses that the user has proved.
	Proved []string
	// Session is the one in which they accept; empty for who makes an account.
	Session lanyard.SessionID
}

// Joinable is an organization that lets people of a proved mail domain in.
type Joinable struct {
	Organization lanyard.Organization
	Joining      lanyard.Joining
	// Requested says that the person has asked already.
	Requested bool
}
