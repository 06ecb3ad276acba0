package adminapi

import (
	"context"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// invitations are the operations on invitations to organizations.
func (a *API) invitations() {
	m := a.management
	list(a, operation{Path: "/organizations/{organization}/invitations", ID: "listInvitations", Summary: "List invitations", Permission: lanyard.MayReadOrganizations, InOrganization: lanyard.MayManageInvitations},
		management.InvitationColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.Invitation], error) {
			return m.Invitations(ctx, c.Administrator, c.organization(), q)
		})
	create(a, operation{Path: "/organizations/{organization}/invitations", ID: "createInvitation", Summary: "Invite", Permission: lanyard.MayManageOrganizations, InOrganization: lanyard.MayManageInvitations},
		func(ctx context.Context, c call, n management.NewInvitation) (management.MadeInvitation, error) {
			return m.CreateInvitation(ctx, c.Administrator, c.organization(), n)
		})
	get(a, operation{Path: "/organizations/{organization}/invitations/{invitation}", ID: "getInvitation", Summary: "Show an invitation", Permission: lanyard.MayReadOrganizations, InOrganization: lanyard.MayManageInvitations},
		func(ctx context.Context, c call) (management.Invitation, error) {
			return m.Invitation(ctx, c.Administrator, c.organization(), lanyard.InvitationID(c.in("invitation")))
		})
	act(a, operation{Path: "/organizations/{organization}/invitations/{invitation}/resend", ID: "resendInvitation", Summary: "Mail an invitation again", Permission: lanyard.MayManageOrganizations, InOrganization: lanyard.MayManageInvitations},
		func(ctx context.Context, c call, _ nothing) (management.Invitation, error) {
			return m.ResendInvitation(ctx, c.Administrator, c.organization(), lanyard.InvitationID(c.in("invitation")))
		})
	remove(a, operation{Path: "/organizations/{organization}/invitations/{invitation}", ID: "deleteInvitation", Summary: "Revoke an invitation", Permission: lanyard.MayManageOrganizations, InOrganization: lanyard.MayManageInvitations},
		func(ctx context.Context, c call, when management.Condition[management.Invitation]) error {
			return m.RevokeInvitation(ctx, c.Administrator, c.organization(), lanyard.InvitationID(c.in("invitation")), when)
		})
}

// platformInvitations are the operations on invitations to sign up.
func (a *API) platformInvitations() {
	m := a.management
	list(a, operation{Path: "/invitations", ID: "listPlatformInvitations", Summary: "List invitations to sign up", Permission: lanyard.MayReadUsers},
		management.InvitationColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.Invitation], error) {
			return m.PlatformInvitations(ctx, c.Administrator, q)
		})
	create(a, operation{Path: "/invitations", ID: "createPlatformInvitation", Summary: "Invite to sign up", Permission: lanyard.MayManageUsers},
		func(ctx context.Context, c call, n management.NewPlatformInvitation) (management.MadeInvitation, error) {
			return m.CreatePlatformInvitation(ctx, c.Administrator, n)
		})
	get(a, operation{Path: "/invitations/{invitation}", ID: "getPlatformInvitation", Summary: "Show an invitation to sign up", Permission: lanyard.MayReadUsers},
		func(ctx context.Context, c call) (management.Invitation, error) {
			return m.PlatformInvitation(ctx, c.Administrator, lanyard.InvitationID(c.in("invitation")))
		})
	act(a, operation{Path: "/invitations/{invitation}/resend", ID: "resendPlatformInvitation", Summary: "Mail an invitation to sign up again", Permission: lanyard.MayManageUsers},
		func(ctx context.Context, c call, _ nothing) (management.Invitation, error) {
			return m.ResendPlatformInvitation(ctx, c.Administrator, lanyard.InvitationID(c.in("invitation")))
		})
	remove(a, operation{Path: "/invitations/{invitation}", ID: "deletePlatformInvitation", Summary: "Revoke an invitation to sign up", Permission: lanyard.MayManageUsers},
		func(ctx context.Context, c call, when management.Condition[management.Invitation]) error {
			return m.RevokePlatformInvitation(ctx, c.Administrator, lanyard.InvitationID(c.in("invitation")), when)
		})
}
