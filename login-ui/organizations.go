package loginui

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// Organizations are the deeds behind the pages of organizations: *organizations.Organizations.
type Organizations interface {
	offerDeeds
	joinedDeeds
	memberDeeds
	inviteDeeds
	roleDeeds
	domainDeeds
	connectionDeeds
	brandingDeeds
	orgDeeds
	factDeeds
}

// Entrance is the part of a sign-in that has to do with organizations: *flow.Flow.
type Entrance interface {
	// Organization takes the choice of the picker, AcceptOffer an invitation that waits
	// there, AskToJoin the wish to become a member; Deny goes back to the client without any.
	Organization(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, organization lanyard.OrganizationID, remember bool) (flow.Moved, error)
	AcceptOffer(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, invitation lanyard.InvitationID) (flow.Moved, error)
	AskToJoin(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, organization lanyard.OrganizationID) (flow.Moved, error)
	Deny(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string) (flow.Moved, error)
	// AcceptInvitation answers the invitation that the sign-in is for.
	AcceptInvitation(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, accept bool) (flow.Moved, error)
	// BeginInvitation lets somebody sign in, or up, for an invitation whose code was
	// just looked at; BeginOrganization for a page of an organization whose policy has to be
	// met, anew for somebody whose sub is given.
	BeginInvitation(ctx context.Context, live *tenants.Live, offer organizations.Offer, signUp bool, v flow.Visitor) (flow.Outcome, error)
	BeginOrganization(ctx context.Context, live *tenants.Live, page, organization, again string, v flow.Visitor) (flow.Outcome, error)
}

// hasOrganizations tells whether there are pages of organizations.
func (p *Pages) hasOrganizations() bool {
	return p.Organizations != nil && p.Entrance != nil && p.Accounts != nil && p.SignIn != nil
}

// offerDeeds show and answer invitations.
type offerDeeds interface {
	Look(ctx context.Context, t accounts.Tenancy, code string, from accounts.From, now time.Time) (organizations.Offer, error)
	Accept(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, id lanyard.InvitationID, shown []byte, now time.Time) (organizations.Offer, error)
	Decline(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, id lanyard.InvitationID, now time.Time) error
	Pending(ctx context.Context, t accounts.Tenancy, user lanyard.UserID, now time.Time) ([]organizations.Offer, error)
}

// joinedDeeds are what people do about the organizations that they are in, or could be in.
type joinedDeeds interface {
	All(ctx context.Context, t accounts.Tenancy, user lanyard.UserID) ([]lanyard.Joined, error)
	Choose(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, id lanyard.OrganizationID, always bool, now time.Time) error
	Leave(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, id lanyard.OrganizationID, now time.Time) error
	Keep(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, id lanyard.OrganizationID, now time.Time) error
	Create(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, f organizations.Founding, now time.Time) (lanyard.Organization, error)
	Joinable(ctx context.Context, t accounts.Tenancy, user lanyard.UserID, now time.Time) ([]organizations.Joinable, error)
	AskToJoin(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, organization lanyard.OrganizationID, now time.Time) error
}
