package adminapi

import (
	"context"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// members are the operations on members.
func (a *API) members() {
	m := a.management
	list(a, operation{Path: "/organizations/{organization}/members", ID: "listMembers", Summary: "List members", Permission: lanyard.MayReadOrganizations, InOrganization: lanyard.MayReadMembers},
		management.MemberColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.Member], error) {
			return m.Members(ctx, c.Administrator, c.organization(), q)
		})
	create(a, operation{Path: "/organizations/{organization}/members", ID: "createMember", Summary: "Add a user as a member", Permission: lanyard.MayManageOrganizations},
		func(ctx context.Context, c call, n management.Member) (management.Member, error) {
			return m.AddMember(ctx, c.Administrator, c.organization(), n)
		})
	get(a, operation{Path: "/organizations/{organization}/members/{user}", ID: "getMember", Summary: "Show a member", Permission: lanyard.MayReadOrganizations, InOrganization: lanyard.MayReadMembers},
		func(ctx context.Context, c call) (management.Member, error) {
			return m.Member(ctx, c.Administrator, c.organization(), lanyard.UserID(c.in("user")))
		})
	change(a, operation{Path: "/organizations/{organization}/members/{user}", ID: "updateMember", Summary: "Change the roles of a member", Permission: lanyard.MayManageOrganizations, InOrganization: lanyard.MayManageMembers},
		func(ctx context.Context, c call, change management.Change[management.Member]) (management.Member, error) {
			return m.ChangeMember(ctx, c.Administrator, c.organization(), lanyard.UserID(c.in("user")), change)
		})
	remove(a, operation{Path: "/organizations/{organization}/members/{user}", ID: "deleteMember", Summary: "Remove a member", Permission: lanyard.MayManageOrganizations, InOrganization: lanyard.MayManageMembers},
		func(ctx context.Context, c call, when management.Condition[management.Member]) error {
			return m.RemoveMember(ctx, c.Administrator, c.organization(), lanyard.UserID(c.in("user")), when)
		})
}

// joinRequests are the operations on requests to join.
func (a *API) joinRequests() {
	m := a.management
	list(a, operation{Path: "/organizations/{organization}/join-requests", ID: "listJoinRequests", Summary: "List who wants to join", Permission: lanyard.MayReadOrganizations, InOrganization: lanyard.MayManageMembers},
		management.UserPartColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.JoinRequest], error) {
			return m.JoinRequests(ctx, c.Administrator, c.organization(), q)
		})
	act(a, operation{Path: "/organizations/{organization}/join-requests/{user}", ID: "answerJoinRequest", Summary: "Answer a request to join", Permission: lanyard.MayManageOrganizations, InOrganization: lanyard.MayManageMembers},
		func(ctx context.Context, c call, n management.JoinAnswer) (nothing, error) {
			return nothing{}, m.AnswerJoinRequest(ctx, c.Administrator, c.organization(), lanyard.UserID(c.in("user")), n)
		})
}
