package loginui_test

import (
	"context"
	"io"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// fakeOrgs is one organization, acme, and somebody's place in it, with deeds that
// only note that they were called. Any other slug is not found.
type fakeOrgs struct {
	joined   lanyard.Joined
	roles    []lanyard.Role // of the tenant
	enterErr error

	offer    organizations.Offer
	lookErr  error
	all      []lanyard.Joined
	offers   []organizations.Offer
	joinable []organizations.Joinable

	members     []lanyard.Member
	more        bool
	used        int64
	requests    []lanyard.JoinRequest
	invitations []lanyard.Invitation
	code        string
	uses        []lanyard.InvitationUse
	rows        []organizations.BulkRow
	domains     []lanyard.Domain
	connections []lanyard.Connection
	facts       []organizations.Fact
	logo        []byte
	catalogue   []lanyard.ResourceScope

	// err is what the deeds that change something answer.
	err    error
	called []any
	looked []string
}

const (
	acmeID     = lanyard.OrganizationID("org_06dfkxmqvt4y1ebz0nhh3pc2ar")
	inviteCode = "06dfkxmqvt4y1ebz0nhh3pc2ar"
)

// acmeOrg is the organization, with somebody in it who has the roles.
func acmeOrg(roles ...string) lanyard.Joined {
	return lanyard.Joined{
		Organization: lanyard.Organization{
			ID: acmeID, Slug: "looms", Name: "Looms & Sons", Code: "K7M2QX4A", Plan: "Team", Seats: 25, TrialEnd: now.AddDate(0, 1, 0), CreatedAt: now,
		},
		Membership: lanyard.Membership{OrganizationID: acmeID, UserID: "usr_1", Roles: roles, CreatedAt: now},
		OwnRoles:   []lanyard.Role{{OrganizationID: acmeID, Name: "weaver", Permissions: []string{lanyard.MayReadMembers}}},
	}
}

func newOrgs() *fakeOrgs {
	return &fakeOrgs{
		joined: acmeOrg(lanyard.RoleOwner), lookErr: lanyard.ErrNotFound, used: 3,
		roles:       []lanyard.Role{{Name: "billing", Permissions: []string{"invoices:read"}}},
		connections: []lanyard.Connection{loomsID(nil)},
	}
}

func (f *fakeOrgs) note(call ...any) error {
	f.called = call
	return f.err
}

func (f *fakeOrgs) Enter(_ context.Context, t accounts.Tenancy, actor accounts.Actor, slug string, _ time.Time) (organizations.Seat, error) {
	if slug != f.joined.Organization.Slug {
		return organizations.Seat{}, lanyard.ErrNotFound
	}
	t.Roles = f.roles
	return organizations.Seat{Tenancy: t, Actor: actor, Joined: f.joined, Powers: f.joined.Powers(f.roles)}, f.enterErr
}

func (f *fakeOrgs) Look(_ context.Context, _ accounts.Tenancy, code string, _ accounts.From, _ time.Time) (organizations.Offer, error) {
	f.looked = append(f.looked, code)
	return f.offer, f.lookErr
}

func (f *fakeOrgs) Accept(_ context.Context, _ accounts.Tenancy, a accounts.Actor, id lanyard.InvitationID, shown []byte, _ time.Time) (organizations.Offer, error) {
	return f.offer, f.note("accept", a.User.ID, id, string(shown))
}

func (f *fakeOrgs) Decline(_ context.Context, _ accounts.Tenancy, a accounts.Actor, id lanyard.InvitationID, _ time.Time) error {
	return f.note("decline", a.User.ID, id)
}

func (f *fakeOrgs) Pending(context.Context, accounts.Tenancy, lanyard.UserID, time.Time) ([]organizations.Offer, error) {
	return f.offers, nil
}

func (f *fakeOrgs) All(context.Context, accounts.Tenancy, lanyard.UserID) ([]lanyard.Joined, error) {
	return f.all, nil
}

func (f *fakeOrgs) Choose(_ context.Context, _ accounts.Tenancy, a accounts.Actor, id lanyard.OrganizationID, always bool, _ time.Time) error {
	return f.note("choose", a.User.ID, id, always)
}

func (f *fakeOrgs) Leave(_ context.Context, _ accounts.Tenancy, a accounts.Actor, id lanyard.OrganizationID, _ time.Time) error {
	return f.note("leave", a.User.ID, id)
}

func (f *fakeOrgs) Keep(_ context.Context, _ accounts.Tenancy, a accounts.Actor, id lanyard.OrganizationID, _ time.Time) error {
	return f.note("keep", a.User.ID, id)
}

func (f *fakeOrgs) Create(_ context.Context, _ accounts.Tenancy, a accounts.Actor, founding organizations.Founding, _ time.Time) (lanyard.Organization, error) {
	return f.joined.Organization, f.note("create", a.User.ID, founding)
}

func (f *fakeOrgs) Joinable(context.Context, accounts.Tenancy, lanyard.UserID, time.Time) ([]organizations.Joinable, error) {
	return f.joinable, nil
}

func (f *fakeOrgs) AskToJoin(_ context.Context, _ accounts.Tenancy, a accounts.Actor, id lanyard.OrganizationID, _ time.Time) error {
	return f.note("ask", a.User.ID, id)
}

func (f *fakeOrgs) Members(_ context.Context, _ organizations.Seat, search string, after lanyard.UserID) ([]lanyard.Member, bool, error) {
	f.called = []any{"members", search, after}
	return f.members, f.more, nil
}

func (f *fakeOrgs) SeatsUsed(context.Context, organizations.Seat) (int64, error) { return f.used, nil }

func (f *fakeOrgs) SetRoles(_ context.Context, s organizations.Seat, user lanyard.UserID, roles []string, _ time.Time) error {
	return f.note("roles", s.Organization.ID, user, roles)
}

func (f *fakeOrgs) Remove(_ context.Context, s organizations.Seat, user lanyard.UserID, _ time.Time) error {
	return f.note("remove", s.Organization.ID, user)
}

func (f *fakeOrgs) Transfer(_ context.Context, s organizations.Seat, to lanyard.UserID, _ time.Time) error {
	return f.note("transfer", s.Organization.ID, to)
}

func (f *fakeOrgs) JoinRequests(context.Context, organizations.Seat) ([]lanyard.JoinRequest, error) {
	return f.requests, nil
}

func (f *fakeOrgs) AnswerJoinRequest(_ context.Context, s organizations.Seat, user lanyard.UserID, roles []string, admit bool, _ time.Time) error {
	return f.note("answer", s.Organization.ID, user, roles, admit)
}

func (f *fakeOrgs) Invite(_ context.Context, s organizations.Seat, form organizations.Invite, _ time.Time) (organizations.Invited, error) {
	out := organizations.Invited{}
	if form.Email == "" {
		out.Code = lanyard.SecretOf(f.code)
	}
	return out, f.note("invite", s.Organization.ID, form)
}

func (f *fakeOrgs) InviteMany(_ context.Context, s organizations.Seat, emails []string, form organizations.Invite, _ time.Time) ([]organizations.BulkRow, error) {
	return f.rows, f.note("invite many", s.Organization.ID, emails, form)
}

func (f *fakeOrgs) Invitations(context.Context, organizations.Seat, lanyard.InvitationID) ([]lanyard.Invitation, error) {
	return f.invitations, nil
}

func (f *fakeOrgs) Resend(_ context.Context, s organizations.Seat, id lanyard.InvitationID, _ time.Time) error {
	return f.note("resend", s.Organization.ID, id)
}

func (f *fakeOrgs) Revoke(_ context.Context, s organizations.Seat, id lanyard.InvitationID, _ time.Time) error {
	return f.note("revoke", s.Organization.ID, id)
}

func (f *fakeOrgs) Uses(_ context.Context, _ organizations.Seat, id lanyard.InvitationID) ([]lanyard.InvitationUse, error) {
	f.called = []any{"uses", id}
	return f.uses, nil
}

func (f *fakeOrgs) Roles(context.Context, organizations.Seat) (tenant, own []lanyard.Role, err error) {
	return f.roles, f.joined.OwnRoles, nil
}

func (f *fakeOrgs) PutRole(_ context.Context, s organizations.Seat, r lanyard.Role, _ time.Time) error {
	return f.note("put role", s.Organization.ID, r.Name, r.Permissions)
}

func (f *fakeOrgs) DeleteRole(_ context.Context, s organizations.Seat, name string, _ time.Time) error {
	return f.note("delete role", s.Organization.ID, name)
}

func (f *fakeOrgs) Catalogue(accounts.Tenancy) []lanyard.ResourceScope {
	if f.catalogue != nil {
		return f.catalogue
	}
	return append(organizations.Catalogue(nil), lanyard.ResourceScope{Name: "invoices:read", Description: "Read invoices"}, lanyard.ResourceScope{Name: "looms:run"})
}

func (f *fakeOrgs) Domains(context.Context, organizations.Seat) ([]lanyard.Domain, error) {
	return f.domains, nil
}

func (f *fakeOrgs) AddDomain(_ context.Context, s organizations.Seat, name string, _ time.Time) (lanyard.Domain, error) {
	return lanyard.Domain{}, f.note("add domain", s.Organization.ID, name)
}

func (f *fakeOrgs) VerifyDomain(_ context.Context, s organizations.Seat, name string, _ time.Time) error {
	return f.note("verify domain", s.Organization.ID, name)
}

func (f *fakeOrgs) SetJoining(_ context.Context, s organizations.Seat, name string, joining lanyard.Joining, _ time.Time) error {
	return f.note("joining", s.Organization.ID, name, joining)
}

func (f *fakeOrgs) RemoveDomain(_ context.Context, s organizations.Seat, name string, _ time.Time) error {
	return f.note("remove domain", s.Organization.ID, name)
}

func (f *fakeOrgs) Connections(context.Context, organizations.Seat) ([]lanyard.Connection, error) {
	return f.connections, nil
}

func (f *fakeOrgs) Connection(_ context.Context, _ organizations.Seat, id lanyard.ConnectionID) (lanyard.Connection, error) {
	for _, c := range f.connections {
		if c.ID == id {
			return c, nil
		}
	}
	return lanyard.Connection{}, lanyard.ErrNotFound
}

func (f *fakeOrgs) AddConnection(_ context.Context, s organizations.Seat, c lanyard.Connection, secret lanyard.Secret, _ time.Time) (lanyard.Connection, error) {
	err := f.note("add connection", s.Organization.ID, c, secret.Reveal())
	c.ID = "con_1"
	return c, err
}

func (f *fakeOrgs) ChangeConnection(_ context.Context, s organizations.Seat, c lanyard.Connection, secret lanyard.Secret, _ time.Time) (lanyard.Connection, error) {
	return c, f.note("change connection", s.Organization.ID, c, secret.Reveal())
}

func (f *fakeOrgs) EnableConnection(_ context.Context, s organizations.Seat, id lanyard.ConnectionID, _ time.Time) error {
	return f.note("enable connection", s.Organization.ID, id)
}

func (f *fakeOrgs) DisableConnection(_ context.Context, s organizations.Seat, id lanyard.ConnectionID, _ time.Time) error {
	return f.note("disable connection", s.Organization.ID, id)
}

func (f *fakeOrgs) RemoveConnection(_ context.Context, s organizations.Seat, id lanyard.ConnectionID, name string, _ time.Time) error {
	return f.note("remove connection", s.Organization.ID, id, name)
}

func (f *fakeOrgs) Describe(_ context.Context, s organizations.Seat, d organizations.Details, _ time.Time) error {
	return f.note("describe", s.Organization.ID, d)
}

func (f *fakeOrgs) Brand(_ context.Context, s organizations.Seat, b lanyard.Branding, _ time.Time) (lanyard.Branding, error) {
	return b, f.note("brand", s.Organization.ID, b)
}

func (f *fakeOrgs) SetLogo(_ context.Context, s organizations.Seat, dark bool, content []byte, _ time.Time) error {
	return f.note("logo", s.Organization.ID, dark, string(content))
}

func (f *fakeOrgs) Logo(_ context.Context, _ accounts.Tenancy, id lanyard.OrganizationID, dark bool) ([]byte, error) {
	if id != acmeID || !dark || f.logo == nil {
		return nil, lanyard.ErrNotFound
	}
	return f.logo, nil
}

func (f *fakeOrgs) SetPolicy(_ context.Context, s organizations.Seat, policy lanyard.OrganizationPolicy, _ time.Time) error {
	return f.note("policy", s.Organization.ID, policy)
}

func (f *fakeOrgs) Delete(_ context.Context, s organizations.Seat, slug string, _ time.Time) error {
	return f.note("delete", s.Organization.ID, slug)
}

func (f *fakeOrgs) Activity(_ context.Context, _ organizations.Seat, before lanyard.EventID) ([]organizations.Fact, bool, error) {
	f.called = []any{"activity", before}
	return f.facts, f.more, nil
}

func (f *fakeOrgs) ExportActivity(_ context.Context, s organizations.Seat, w io.Writer, _ time.Time) error {
	if !s.May(lanyard.MayReadActivity) {
		return lanyard.ErrNotAllowed
	}
	_, err := io.WriteString(w, "\"time\"\r\n")
	return err
}

// fakeEntrance is the part of the sign-in for organizations.
type fakeEntrance struct {
	flow   *fakeFlow
	people *fakePeople
}

func (f fakeEntrance) Organization(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, organization lanyard.OrganizationID, remember bool) (flow.Moved, error) {
	return f.flow.note(v, "organization", id, token, organization, remember)
}

func (f fakeEntrance) AcceptOffer(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, invitation lanyard.InvitationID) (flow.Moved, error) {
	return f.flow.note(v, "offer", id, token, invitation)
}

func (f fakeEntrance) AskToJoin(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, organization lanyard.OrganizationID) (flow.Moved, error) {
	return f.flow.note(v, "ask", id, token, organization)
}

func (f fakeEntrance) Deny(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string) (flow.Moved, error) {
	return f.flow.note(v, "deny", id, token)
}

func (f fakeEntrance) AcceptInvitation(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, accept bool) (flow.Moved, error) {
	return f.flow.note(v, "invitation", id, token, accept)
}

func (f fakeEntrance) BeginInvitation(_ context.Context, _ *tenants.Live, offer organizations.Offer, signUp bool, _ flow.Visitor) (flow.Outcome, error) {
	return f.people.lead(false, "", "invitation", offer.Invitation.ID, string(offer.Shown), signUp)
}

func (f fakeEntrance) BeginOrganization(_ context.Context, _ *tenants.Live, page, organization, again string, _ flow.Visitor) (flow.Outcome, error) {
	return f.people.lead(again != "" && f.people.fresh, page, "organization", organization, again)
}
