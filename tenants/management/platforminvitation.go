package management

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// NewPlatformInvitation is an invitation to sign up that is made.
type NewPlatformInvitation struct {
	Email     string           `json:"email,omitempty"`
	Domain    string           `json:"domain,omitempty"`
	ClientID  lanyard.ClientID `json:"client_id,omitempty" doc:"The application to land in"`
	Plan      string           `json:"plan,omitempty" doc:"The plan of the organization that the new user gets"`
	TrialDays int64            `json:"trial_days,omitempty"`
	MaxUses   int64            `json:"max_uses,omitempty" doc:"1 by default, and for an address"`
	ExpiresAt time.Time        `json:"expires_at,omitzero" doc:"In 7 days by default, in 90 at most"`
}

// PlatformInvitations lists the invitations to sign up, newest first.
func (m *Management) PlatformInvitations(ctx context.Context, a Administrator, q Query) (List[Invitation], error) {
	if err := a.Need(lanyard.MayReadUsers); err != nil {
		return List[Invitation]{}, err
	}
	return invitations(ctx, a, "", q)
}

// PlatformInvitation is one invitation to sign up, with those who used it.
func (m *Management) PlatformInvitation(ctx context.Context, a Administrator, id lanyard.InvitationID) (Invitation, error) {
	if err := a.Need(lanyard.MayReadUsers); err != nil {
		return Invitation{}, err
	}
	return invitation(ctx, a.Scope(), "", id)
}

// CreatePlatformInvitation invites to sign up: an address, to which the code is mailed, or
// whoever gets the code of the answer.
func (m *Management) CreatePlatformInvitation(ctx context.Context, a Administrator, n NewPlatformInvitation) (MadeInvitation, error) {
	var out MadeInvitation
	err := m.change(ctx, a, lanyard.MayManageUsers, false, func(tx storage.Scope) error {
		made, err := m.Organizations.InviteToSignUp(ctx, a.in(tx).Live.Tenancy(), lanyard.Invitation{
			Email: n.Email, Domain: n.Domain, ClientID: n.ClientID, Plan: n.Plan, TrialDays: n.TrialDays, MaxUses: n.MaxUses, ExpiresAt: n.ExpiresAt,
		}, a.Actor(), a.Now)
		out = madeOf(a, made)
		return err
	})
	return out, err
}

// ResendPlatformInvitation mails an invitation to sign up again, with another code.
func (m *Management) ResendPlatformInvitation(ctx context.Context, a Administrator, id lanyard.InvitationID) (Invitation, error) {
	var out Invitation
	err := m.change(ctx, a, lanyard.MayManageUsers, false, func(tx storage.Scope) error {
		if err := m.Organizations.ResendToSignUp(ctx, a.in(tx).Live.Tenancy(), id, a.Actor(), a.Now); err != nil {
			return err
		}
		var err error
		out, err = invitation(ctx, tx, "", id)
		return err
	})
	return out, err
}

// RevokePlatformInvitation ends an invitation to sign up.
func (m *Management) RevokePlatformInvitation(ctx context.Context, a Administrator, id lanyard.InvitationID, when Condition[Invitation]) error {
	return m.change(ctx, a, lanyard.MayManageUsers, false, func(tx storage.Scope) error {
		before, err := invitation(ctx, tx, "", id)
		if err != nil {
			return err
		}
		if err := when.met(before); err != nil {
			return err
		}
		return m.Organizations.RevokeToSignUp(ctx, a.in(tx).Live.Tenancy(), id, a.Actor(), a.Now)
	})
}
