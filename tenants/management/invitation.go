package management

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// Invitation lets people into an organization or, without one, sign up.
type Invitation struct {
	ID lanyard.InvitationID `json:"id"`
	// Email or Domain is what it is bound to; without either it is for whoever has the code.
	Email     string           `json:"email,omitempty"`
	Domain    string           `json:"domain,omitempty"`
	Roles     []string         `json:"roles,omitempty"`
	ClientID  lanyard.ClientID `json:"client_id,omitempty"`
	Plan      string           `json:"plan,omitempty"`
	TrialDays int64            `json:"trial_days,omitempty"`
	MaxUses   int64            `json:"max_uses"`
	Uses      int64            `json:"uses"`
	InviterID lanyard.UserID   `json:"inviter_id,omitempty"`
	// Users are those who used it, latest first; only where one invitation is read.
	Users     []InvitationUse `json:"users,omitempty"`
	SentAt    time.Time       `json:"sent_at,omitzero"`
	RevokedAt time.Time       `json:"revoked_at,omitzero"`
	CreatedAt time.Time       `json:"created_at,omitzero"`
	ExpiresAt time.Time       `json:"expires_at,omitzero"`
}

// InvitationUse is somebody who used an invitation.
type InvitationUse struct {
	UserID lanyard.UserID `json:"user_id"`
	Name   string         `json:"name,omitempty"`
	UsedAt time.Time      `json:"used_at,omitzero"`
}

// NewInvitation is an invitation that is made.
type NewInvitation struct {
	Email     string           `json:"email,omitempty"`
	Domain    string           `json:"domain,omitempty"`
	Roles     []string         `json:"roles,omitempty"`
	ClientID  lanyard.ClientID `json:"client_id,omitempty" doc:"The application to land in"`
	MaxUses   int64            `json:"max_uses,omitempty" doc:"1 by default, and for an address"`
	ExpiresAt time.Time        `json:"expires_at,omitzero" doc:"In 7 days by default, in 90 at most"`
}

// MadeInvitation is a fresh invitation. Its code is shown this once, and only if it is bound
// to no address: otherwise it is mailed there.
type MadeInvitation struct {
	Invitation
	Code string `json:"code,omitempty"`
	Link string `json:"link,omitempty"`
}

// InvitationColumns are those of invitations.
var InvitationColumns = Columns{Sorts: []string{"-created"}}

func invitationOf(i lanyard.Invitation) Invitation {
	return Invitation{
		ID: i.ID, Email: i.Email, Domain: i.Domain, Roles: i.Roles, ClientID: i.ClientID, Plan: i.Plan, TrialDays: i.TrialDays, MaxUses: i.MaxUses, Uses: i.Uses,
		InviterID: i.InviterID, SentAt: i.SentAt, RevokedAt: i.RevokedAt, CreatedAt: i.CreatedAt, ExpiresAt: i.ExpiresAt,
	}
}

func madeOf(a Administrator, made organizations.Invited) MadeInvitation {
	out := MadeInvitation{Invitation: invitationOf(made.Invitation)}
	if !made.Code.IsZero() {
		out.Code = made.Code.Reveal()
		out.Link = a.Live.Issuer + organizations.InvitePath + out.Code
	}
	return out
}

// invitations is a page of those of an organization (empty for the platform), newest first.
func invitations(ctx context.Context, a Administrator, organization lanyard.OrganizationID, q Query) (List[Invitation], error) {
	list := "invitations " + string(organization)
	w, err := q.window(a, list, InvitationColumns)
	if err != nil {
		return List[Invitation]{}, err
	}
	found, err := a.Scope().Invitations(ctx, organization, lanyard.InvitationID(w.After.ID), w.Limit)
	if err != nil {
		return List[Invitation]{}, err
	}
	return pageOf(a, &q, list, found, func(i lanyard.Invitation) storage.Position { return storage.Position{ID: string(i.ID)} }, invitationOf)
}

// invitation is one of an organization (empty for the platform), with those who used it.
func invitation(ctx context.Context, scope storage.Scope, organization lanyard.OrganizationID, id lanyard.InvitationID) (Invitation, error) {
	found, err := scope.Invitation(ctx, id)
	if err == nil && found.OrganizationID != organization {
		err = lanyard.ErrNotFound
	}
	if err != nil {
		return Invitation{}, gone(err)
	}
	out := invitationOf(found)
	uses, err := scope.InvitationUses(ctx, organization, id, MaxLimit)
	for _, use := range uses {
		out.Users = append(out.Users, InvitationUse{UserID: use.User.ID, Name: use.User.Profile.Name, UsedAt: use.UsedAt})
	}
	return out, err
}

// Invitations lists the invitations of an organization, newest first.
func (m *Management) Invitations(ctx context.Context, a Administrator, organization string, q Query) (List[Invitation], error) {
	seat, err := m.reading(ctx, a, organization, lanyard.MayManageInvitations)
	if err != nil {
		return List[Invitation]{}, err
	}
	return invitations(ctx, a, seat.Organization.ID, q)
}

// Invitation is one invitation of an organization, with those who used it.
func (m *Management) Invitation(ctx context.Context, a Administrator, organization string, id lanyard.InvitationID) (Invitation, error) {
	seat, err := m.reading(ctx, a, organization, lanyard.MayManageInvitations)
	if err != nil {
		return Invitation{}, err
	}
	return invitation(ctx, a.Scope(), seat.Organization.ID, id)
}

// CreateInvitation invites to an organization: an address, to which the code is mailed, or
// whoever gets the code of the answer.
func (m *Management) CreateInvitation(ctx context.Context, a Administrator, organization string, n NewInvitation) (MadeInvitation, error) {
	var out MadeInvitation
	err := m.inOrganization(ctx, a, organization, func(_ Administrator, _ storage.Scope, seat organizations.Seat) error {
		form := organizations.Invite{Email: n.Email, Domain: n.Domain, Roles: n.Roles, MaxUses: n.MaxUses, ClientID: n.ClientID}
		if !n.ExpiresAt.IsZero() {
			if form.Lifetime = n.ExpiresAt.Sub(a.Now); form.Lifetime <= 0 {
				return lanyard.ErrBadInput.Saying("the invitation would be over already")
			}
		}
		made, err := m.Organizations.Invite(ctx, seat, form, a.Now)
		out = madeOf(a, made)
		return err
	})
	return out, err
}

// ResendInvitation mails an invitation again, with another code.
func (m *Management) ResendInvitation(ctx context.Context, a Administrator, organization string, id lanyard.InvitationID) (Invitation, error) {
	var out Invitation
	err := m.inOrganization(ctx, a, organization, func(_ Administrator, tx storage.Scope, seat organizations.Seat) error {
		if err := m.Organizations.Resend(ctx, seat, id, a.Now); err != nil {
			return err
		}
		var err error
		out, err = invitation(ctx, tx, seat.Organization.ID, id)
		return err
	})
	return out, err
}

// RevokeInvitation ends an invitation.
func (m *Management) RevokeInvitation(ctx context.Context, a Administrator, organization string, id lanyard.InvitationID, when Condition[Invitation]) error {
	return m.inOrganization(ctx, a, organization, func(_ Administrator, tx storage.Scope, seat organizations.Seat) error {
		before, err := invitation(ctx, tx, seat.Organization.ID, id)
		if err != nil {
			return err
		}
		if err := when.met(before); err != nil {
			return err
		}
		return m.Organizations.Revoke(ctx, seat, id, a.Now)
	})
}
