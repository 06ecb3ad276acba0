package organizations_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// stage is an organization in which every deed can be done by who is allowed to.
type stage struct {
	lanyard.Organization
	other, asking accounts.Actor
	invitation    lanyard.InvitationID
	connection    lanyard.Connection
}

// deed is something that people do in an organization: with one of the permissions,
// or as its owner.
type deed struct {
	with []string
	do   func(ctx context.Context, h *town, s organizations.Seat, on stage) error
}

const (
	asOwner  = "as its owner"
	asMember = "as any member"
	asAdmin  = "as its owner or an admin"
)

// newConnection is one that an organization can add.
func newConnection(name string) lanyard.Connection {
	return lanyard.Connection{Kind: lanyard.ConnectionOIDC, Name: name, Issuer: "https://idp.example.test", UpstreamClientID: "lanyard", SignIn: true, SignUp: true, Linking: true}
}

// deeds has every method that takes a Seat, by name.
var deeds = map[string]deed{
	"Describe": {[]string{lanyard.MayUpdateOrganization}, func(ctx context.Context, h *town, s organizations.Seat, _ stage) error {
		return h.Describe(ctx, s, organizations.Details{Name: "Renamed", Language: "de"}, h.now)
	}},
	"Brand": {[]string{lanyard.MayUpdateOrganization}, func(ctx context.Context, h *town, s organizations.Seat, _ stage) error {
		_, err := h.Brand(ctx, s, lanyard.Branding{Accent: "#2b4a9b"}, h.now)
		return err
	}},
	"SetLogo": {[]string{lanyard.MayUpdateOrganization}, func(ctx context.Context, h *town, s organizations.Seat, _ stage) error {
		return h.SetLogo(ctx, s, false, pngOf(8, 8), h.now)
	}},
	"SetPolicy": {[]string{lanyard.MayManagePolicy}, func(ctx context.Context, h *town, s organizations.Seat, _ stage) error {
		return h.SetPolicy(ctx, s, lanyard.OrganizationPolicy{SessionLifetime: lanyard.Duration(time.Hour)}, h.now)
	}},
	"Delete": {[]string{lanyard.MayDeleteOrganization}, func(ctx context.Context, h *town, s organizations.Seat, on stage) error {
		return h.Delete(ctx, s, on.Slug, h.now)
	}},
	"Members": {[]string{lanyard.MayReadMembers}, func(ctx context.Context, h *town, s organizations.Seat, _ stage) error {
		_, _, err := h.Members(ctx, s, "", "")
		return err
	}},
	"SeatsUsed": {[]string{asMember}, func(ctx context.Context, h *town, s organizations.Seat, _ stage) error {
		return first(h.SeatsUsed(ctx, s))
	}},
	"SetRoles": {[]string{lanyard.MayManageMembers}, func(ctx context.Context, h *town, s organizations.Seat, on stage) error {
		return h.SetRoles(ctx, s, on.other.User.ID, []string{"plain"}, h.now)
	}},
	"Remove": {[]string{lanyard.MayManageMembers}, func(ctx context.Context, h *town, s organizations.Seat, on stage) error {
		return h.Remove(ctx, s, on.other.User.ID, h.now)
	}},
	"Transfer": {[]string{asOwner}, func(ctx context.Context, h *town, s organizations.Seat, on stage) error {
		return h.Transfer(ctx, s, on.other.User.ID, h.now)
	}},
	"Roles": {[]string{lanyard.MayReadMembers, lanyard.MayManageMembers, lanyard.MayManageInvitations, lanyard.MayManageRoles},
		func(ctx context.Context, h *town, s organizations.Seat, _ stage) error {
			_, _, err := h.Roles(ctx, s)
			return err
		}},
	"PutRole": {[]string{lanyard.MayManageRoles}, func(ctx context.Context, h *town, s organizations.Seat, _ stage) error {
		return h.PutRole(ctx, s, lanyard.Role{Name: "fresh"}, h.now)
	}},
	"DeleteRole": {[]string{lanyard.MayManageRoles}, func(ctx context.Context, h *town, s organizations.Seat, _ stage) error {
		return h.DeleteRole(ctx, s, "plain", h.now)
	}},
	"Activity": {[]string{lanyard.MayReadActivity}, func(ctx context.Context, h *town, s organizations.Seat, _ stage) error {
		_, _, err := h.Activity(ctx, s, "")
		return err
	}},
	"ExportActivity": {[]string{lanyard.MayReadActivity}, func(ctx context.Context, h *town, s organizations.Seat, _ stage) error {
		return h.ExportActivity(ctx, s, io.Discard, h.now)
	}},
	"Invite": {[]string{lanyard.MayManageInvitations}, func(ctx context.Context, h *town, s organizations.Seat, _ stage) error {
		_, err := h.Invite(ctx, s, organizations.Invite{}, h.now)
		return err
	}},
	"InviteMany": {[]string{lanyard.MayManageInvitations}, func(ctx context.Context, h *town, s organizations.Seat, _ stage) error {
		rows, err := h.InviteMany(ctx, s, []string{"new@example.test"}, organizations.Invite{}, h.now)
		for _, row := range rows {
			err = errors.Join(err, row.Err)
		}
		return err
	}},
	"Invitations": {[]string{lanyard.MayReadMembers, lanyard.MayManageInvitations}, func(ctx context.Context, h *town, s organizations.Seat, _ stage) error {
		_, err := h.Invitations(ctx, s, "")
		return err
	}},
	"Uses": {[]string{lanyard.MayReadMembers, lanyard.MayManageInvitations}, func(ctx context.Context, h *town, s organizations.Seat, on stage) error {
		_, err := h.Uses(ctx, s, on.invitation)
		return err
	}},
	"Resend": {[]string{lanyard.MayManageInvitations}, func(ctx context.Context, h *town, s organizations.Seat, on stage) error {
		return h.Resend(ctx, s, on.invitation, h.now.Add(24*time.Hour))
	}},
	"Revoke": {[]string{lanyard.MayManageInvitations}, func(ctx context.Context, h *town, s organizations.Seat, on stage) error {
		return h.Revoke(ctx, s, on.invitation, h.now)
	}},
	"Domains": {[]string{lanyard.MayManageDomains}, func(ctx context.Context, h *town, s organizations.Seat, _ stage) error {
		_, err := h.Domains(ctx, s)
		return err
	}},
	"AddDomain": {[]string{lanyard.MayManageDomains}, func(ctx context.Context, h *town, s organizations.Seat, on stage) error {
		_, err := h.AddDomain(ctx, s, on.Slug+"-new.test", h.now)
		return err
	}},
	"VerifyDomain": {[]string{lanyard.MayManageDomains}, func(ctx context.Context, h *town, s organizations.Seat, on stage) error {
		return h.VerifyDomain(ctx, s, on.Slug+".test", h.now)
	}},
	"SetJoining": {[]string{lanyard.MayManageDomains}, func(ctx context.Context, h *town, s organizations.Seat, on stage) error {
		return h.SetJoining(ctx, s, on.Slug+".test", lanyard.JoiningRequest, h.now)
	}},
	"RemoveDomain": {[]string{lanyard.MayManageDomains}, func(ctx context.Context, h *town, s organizations.Seat, on stage) error {
		return h.RemoveDomain(ctx, s, on.Slug+".test", h.now)
	}},
	"Connections": {[]string{lanyard.MayManageConnections}, func(ctx context.Context, h *town, s organizations.Seat, _ stage) error {
		return first(h.Connections(ctx, s))
	}},
	"Connection": {[]string{lanyard.MayManageConnections}, func(ctx context.Context, h *town, s organizations.Seat, on stage) error {
		return first(h.Connection(ctx, s, on.connection.ID))
	}},
	"CheckConnection": {append(slices.Clone(lanyard.OwnPermissions), asMember), func(_ context.Context, h *town, s organizations.Seat, _ stage) error {
		return h.CheckConnection(s, newConnection("any"), lanyard.Secret{})
	}},
	"AddConnection": {[]string{lanyard.MayManageConnections}, func(ctx context.Context, h *town, s organizations.Seat, _ stage) error {
		return first(h.AddConnection(ctx, s, newConnection("fresh"), lanyard.NewSecret(), h.now))
	}},
	"ChangeConnection": {[]string{lanyard.MayManageConnections}, func(ctx context.Context, h *town, s organizations.Seat, on stage) error {
		c := on.connection
		c.Name = "renamed"
		return first(h.ChangeConnection(ctx, s, c, lanyard.Secret{}, h.now))
	}},
	"EnableConnection": {[]string{asAdmin}, func(ctx context.Context, h *town, s organizations.Seat, on stage) error {
		return h.EnableConnection(ctx, s, on.connection.ID, h.now)
	}},
	"DisableConnection": {[]string{lanyard.MayManageConnections}, func(ctx context.Context, h *town, s organizations.Seat, on stage) error {
		return h.DisableConnection(ctx, s, on.connection.ID, h.now)
	}},
	"RemoveConnection": {[]string{lanyard.MayManageConnections}, func(ctx context.Context, h *town, s organizations.Seat, on stage) error {
		return h.RemoveConnection(ctx, s, on.connection.ID, on.connection.Name, h.now)
	}},
	"JoinRequests": {[]string{lanyard.MayManageMembers}, func(ctx context.Context, h *town, s organizations.Seat, _ stage) error {
		_, err := h.JoinRequests(ctx, s)
		return err
	}},
	"AnswerJoinRequest": {[]string{lanyard.MayManageMembers}, func(ctx context.Context, h *town, s organizations.Seat, on stage) error {
		return h.AnswerJoinRequest(ctx, s, on.asking.User.ID, []string{lanyard.RoleMember}, true, h.now)
	}},
}

// tenantDeeds are for administrators of the tenant alone.
var tenantDeeds = map[string]func(context.Context, *town, organizations.Seat) error{
	"AddMember": func(ctx context.Context, h *town, s organizations.Seat) error {
		return h.AddMember(ctx, s, h.person(fmt.Sprintf("added-%t", s.Office != nil)).User.ID, nil, h.now)
	},
	"KeepFor": func(ctx context.Context, h *town, s organizations.Seat) error { return h.KeepFor(ctx, s, h.now) },
	"SetTerms": func(ctx context.Context, h *town, s organizations.Seat) error {
		return h.SetTerms(ctx, s, organizations.Terms{Plan: "gold"}, h.now)
	},
}

func TestOwnersDoNotDecideForTheTenant(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		olga := h.seated("olga", acme, lanyard.RoleOwner)
		for name, deed := range tenantDeeds {
			if err := deed(h.Context(), h, olga); !errors.Is(err, lanyard.ErrNotAllowed) {
				t.Errorf("%s: %v", name, err)
			}
		}
		office := organizations.Office{Actor: "somebody", Still: func(context.Context, storage.Scope) error { return nil }}
		seat, err := h.Attend(h.Context(), h.t, accounts.Actor{}, office, acme.Slug)
		h.must(err)
		for name, deed := range tenantDeeds {
			if err := deed(h.Context(), h, seat); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// Every deed asks for its permission: each is tried by each role, and done by those
// alone that have it.
func TestDeedsAreForThoseWhoMay(t *testing.T) {
	kind := reflect.TypeFor[*organizations.Organizations]()
	for at := range kind.NumMethod() {
		method := kind.Method(at)
		takesSeat := false
		for in := range method.Type.NumIn() {
			takesSeat = takesSeat || method.Type.In(in) == reflect.TypeFor[organizations.Seat]()
		}
		_, has := deeds[method.Name]
		if _, ofTenant := tenantDeeds[method.Name]; (has || ofTenant) != takesSeat {
			t.Errorf("%s: it takes a seat is %v, and a row says %v", method.Name, takesSeat, has)
		}
	}
	inTown(t, func(h *town) {
		actor := h.person("actor")
		for name, deed := range deeds {
			for i, role := range append(slices.Clone(lanyard.BuiltInRoles), lanyard.OwnPermissions...) {
				on := h.stage(fmt.Sprintf("%s-%d", lowerOf(name), i), actor, role)
				may := role == lanyard.RoleOwner || slices.ContainsFunc(deed.with, func(with string) bool {
					return with == role || with == asMember || (role == lanyard.RoleAdmin && with != lanyard.MayDeleteOrganization && with != asOwner)
				})
				h.tries(name, role, deed, h.seat(actor, on.Organization), on, may)
			}
		}
	})
}

func lowerOf(name string) string { return string(bytes.ToLower([]byte(name))) }

// stage makes an organization, in which the actor has a built-in role, or one that
// allows what it is called.
func (h *town) stage(slug string, actor accounts.Actor, role string) stage {
	h.Helper()
	ctx, on := h.Context(), stage{Organization: h.organization(slug)}
	scope, id := h.t.Scope, on.Organization.ID
	h.must(scope.PutRole(ctx, id, "plain", nil, h.now))
	if !slices.Contains(lanyard.BuiltInRoles, role) {
		h.must(scope.PutRole(ctx, id, "custom", []string{role}, h.now))
		role = "custom"
	}
	h.joins(actor, on.Organization, role)
	on.other, on.asking = h.person(slug+".other"), h.person(slug+".asking")
	h.joins(on.other, on.Organization, lanyard.RoleMember)
	h.must(scope.InsertDomain(ctx, lanyard.Domain{OrganizationID: id, Name: slug + ".test", Token: "t", CreatedAt: h.now}))
	h.must(scope.VerifyDomain(ctx, id, slug+".test", h.now))
	h.must(first(scope.InsertJoinRequest(ctx, id, on.asking.User.ID, h.now)))
	on.invitation = lanyard.NewInvitationID()
	h.must(scope.InsertInvitation(ctx, lanyard.Invitation{
		ID: on.invitation, OrganizationID: id, CodeHash: lanyard.NewSecret().Hash(), Email: slug + "@example.test", Roles: []string{lanyard.RoleMember},
		MaxUses: 1, CreatedAt: h.now, ExpiresAt: h.now.Add(48 * time.Hour),
	}))
	on.connection = h.connected(on.Organization, "company", nil)
	return on
}

// tries does a deed: who may not is told so, and changes nothing.
func (h *town) tries(name, role string, deed deed, s organizations.Seat, on stage, may bool) {
	h.Helper()
	before := h.state(on.Organization.ID)
	err := deed.do(h.Context(), h, s, on)
	switch {
	case may && err != nil && !errors.Is(err, lanyard.ErrDomainUnproved):
		h.Errorf("%s as %s: %v", name, role, err)
	case !may && !errors.Is(err, lanyard.ErrNotAllowed):
		h.Errorf("%s as %s: got %v, want it to be refused", name, role, err)
	case !may:
		if diff := cmp.Diff(before, h.state(on.Organization.ID)); diff != "" {
			h.Errorf("%s as %s was refused, and changed:\n%s", name, role, diff)
		}
	}
}

// state is what deeds change in an organization.
func (h *town) state(id lanyard.OrganizationID) []any {
	h.Helper()
	ctx := h.Context()
	o, err := h.t.Scope.Organization(ctx, id)
	h.must(err)
	members, err := h.t.Scope.Memberships(ctx, id)
	h.must(err)
	roles, err := h.t.Scope.Roles(ctx, id)
	h.must(err)
	domains, err := h.t.Scope.Domains(ctx, id)
	h.must(err)
	events, err := h.t.Scope.OrganizationEvents(ctx, id, "", 100)
	h.must(err)
	connections, err := h.t.Scope.OrganizationConnections(ctx, id)
	h.must(err)
	return []any{o, members, roles, domains, events, connections}
}

func first(_ any, err error) error { return err }
