package organizations

import (
	"context"
	"crypto/subtle"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// lookRule is how many codes that nobody ever had an address may try. A code has 130
// random bits: the rule keeps the noise down, it is not what protects them. So it is
// never in the way of a code that is one, not even of one that was used: a whole office
// may open the same mail.
var lookRule = storage.AttemptRule{Free: 20, Delay: time.Minute, Longest: time.Hour, Memory: time.Hour}

// maxPending bounds the invitations that are shown to one person.
const maxPending = 20

// Look shows the invitation of a code without using it. Wrong, used, expired, revoked,
// of a closed organization or of another tenant, and made by somebody who may not
// invite any more: all are lanyard.ErrNotFound. Codes that nobody ever had are counted
// by address; too many are lanyard.ErrThrottled.
func (o *Organizations) Look(ctx context.Context, t accounts.Tenancy, code string, from accounts.From, now time.Time) (Offer, error) {
	i, err := byCode(ctx, t, code)
	if errors.Is(err, lanyard.ErrNotFound) {
		if err := accounts.Limit(ctx, t.Scope, "invite_code", from.Address, lookRule, now); err != nil {
			return Offer{}, err
		}
	}
	if err != nil {
		return Offer{}, err
	}
	offer, err := offerOf(ctx, t.Scope, t, i, now)
	if err == nil {
		offer.Shown = i.CodeHash
	}
	return offer, err
}

func byCode(ctx context.Context, t accounts.Tenancy, code string) (lanyard.Invitation, error) {
	secret, err := lanyard.ParseInviteCode(code)
	if err != nil {
		return lanyard.Invitation{}, err
	}
	return t.Scope.InvitationByCode(ctx, secret.Hash())
}

// OfferOf is Look for a code that was shown before: shown is Offer.Shown of then, nil
// for an invitation that waits for its address. It is lanyard.ErrNotFound once another
// code was sent.
func (o *Organizations) OfferOf(ctx context.Context, t accounts.Tenancy, id lanyard.InvitationID, shown []byte, now time.Time) (Offer, error) {
	i, err := t.Scope.Invitation(ctx, id)
	if err == nil && !opens(i, shown) {
		err = lanyard.ErrNotFound
	}
	if err != nil {
		return Offer{}, err
	}
	offer, err := offerOf(ctx, t.Scope, t, i, now)
	offer.Shown = shown
	return offer, err
}

// opens tells whether the hash of a code opens an invitation. Its id alone opens
// nothing, unless it is bound to an address, that has to be proved besides.
func opens(i lanyard.Invitation, shown []byte) bool {
	if len(shown) == 0 {
		return i.Email != ""
	}
	return subtle.ConstantTimeCompare(shown, i.CodeHash) == 1
}

// offerOf is an invitation as it stands: lanyard.ErrNotFound if nobody can use it.
func offerOf(ctx context.Context, scope storage.Scope, t accounts.Tenancy, i lanyard.Invitation, now time.Time) (Offer, error) {
	if !i.Live(now) {
		return Offer{}, lanyard.ErrNotFound
	}
	out := hidden(i)
	offer := Offer{Invitation: out.Invitation}
	if i.OrganizationID != "" {
		organization, err := scope.Organization(ctx, i.OrganizationID)
		if err == nil && !organization.Open() {
			err = lanyard.ErrNotFound
		}
		if err != nil {
			return Offer{}, err
		}
		offer.Organization = organization
	}
	var err error
	if offer.Inviter, err = inviterOf(ctx, scope, t, i); err != nil {
		return Offer{}, err
	}
	return offer, nil
}

// inviterOf is the name of who made an invitation; lanyard.ErrNotFound if they could
// not make it now. Operators have no name, and their right does not lapse.
func inviterOf(ctx context.Context, scope storage.Scope, t accounts.Tenancy, i lanyard.Invitation) (string, error) {
	if i.InviterID == "" {
		return "", nil
	}
	user, err := scope.User(ctx, i.InviterID)
	if err != nil {
		return "", err
	}
	joined, err := scope.Joined(ctx, i.InviterID, string(i.OrganizationID))
	if err != nil {
		return "", err
	}
	powers := joined.Powers(t.Roles)
	refused := func(role string) bool { return !powers.MayGive(role, t.Roles, joined.OwnRoles) }
	if user.Disabled || !joined.Counts() || !powers.May(lanyard.MayManageInvitations) || slices.ContainsFunc(i.Roles, refused) {
		return "", lanyard.ErrNotFound
	}
	return user.DisplayName(), nil
}

// Admit uses an invitation up for a guest, inside the transaction of the caller, who
// has to give up all of it on an error. With an organization it makes them a member; an
// invitation to the platform is only used, what it is for is the caller's.
//
// An invitation that nobody can use, or that the guest has shown no code for, is
// lanyard.ErrNotFound, and so is one that the same user used before; one for somebody else lanyard.ErrOtherAddress; a full organization
// lanyard.ErrNoSeat; a member lanyard.ErrAlreadyMember.
func (o *Organizations) Admit(ctx context.Context, tx storage.Scope, t accounts.Tenancy, g Guest, now time.Time) error {
	return tx.InTx(ctx, func(tx storage.Scope) error {
		_, err := o.use(ctx, tx, t, g, now)
		return err
	})
}

func (o *Organizations) use(ctx context.Context, tx storage.Scope, t accounts.Tenancy, g Guest, now time.Time) (Offer, error) {
	offer, err := held(ctx, tx, t, g.Invitation, g.Shown, now)
	if err != nil {
		return Offer{}, err
	}
	i := offer.Invitation
	if !i.Admits(g.Proved) {
		return Offer{}, lanyard.ErrOtherAddress
	}
	if err := checkSeat(ctx, tx, offer.Organization, g.User.ID); err != nil {
		return Offer{}, err
	}
	err = tx.SpendInvitation(ctx, i.ID, g.User.ID, now)
	if errors.Is(err, lanyard.ErrConflict) {
		err = lanyard.ErrNotFound // the user used it before, and was removed since
	}
	if err != nil {
		return Offer{}, err
	}
	if err := tx.InsertEvent(ctx, lanyard.Event{
		Type: lanyard.EventInvitationAccepted, At: now, Actor: string(g.User.ID), UserID: g.User.ID, SessionID: g.Session, ClientID: i.ClientID,
		OrganizationID: i.OrganizationID, Detail: map[string]string{"invitation": string(i.ID)},
	}); err != nil || i.OrganizationID == "" {
		return offer, err
	}
	return offer, o.admit(ctx, tx, admission{
		organization: offer.Organization, user: g.User.ID, roles: i.Roles, actor: string(g.User.ID), session: g.Session,
		detail: map[string]string{"invitation": string(i.ID)},
	}, now)
}

// held is an invitation as it stands, with its organization locked, for whoever showed its code.
func held(ctx context.Context, tx storage.Scope, t accounts.Tenancy, id lanyard.InvitationID, shown []byte, now time.Time) (Offer, error) {
	i, err := tx.Invitation(ctx, id)
	if err != nil {
		return Offer{}, err
	}
	if i.OrganizationID != "" {
		if _, err := tx.HoldOrganization(ctx, i.OrganizationID); err != nil {
			return Offer{}, err
		}
		if i, err = tx.Invitation(ctx, id); err != nil { // it may have been sent again since
			return Offer{}, err
		}
	}
	if !opens(i, shown) {
		return Offer{}, lanyard.ErrNotFound
	}
	return offerOf(ctx, tx, t, i, now)
}

// admission is somebody who becomes a member of an organization, which is locked.
type admission struct {
	organization lanyard.Organization
	user         lanyard.UserID
	roles        []string
	// actor is who lets them in: themselves, or an administrator.
	actor   string
	session lanyard.SessionID
	// detail says why.
	detail map[string]string
}

// checkSeat tells whether the user can become a member of a locked organization. None at all has room.
func checkSeat(ctx context.Context, tx storage.Scope, organization lanyard.Organization, user lanyard.UserID) error {
	if organization.ID == "" {
		return nil
	}
	_, err := tx.Membership(ctx, organization.ID, user)
	if err == nil {
		return lanyard.ErrAlreadyMember
	}
	if !errors.Is(err, lanyard.ErrNotFound) || organization.Seats == 0 {
		return ignoring(err, lanyard.ErrNotFound)
	}
	taken, err := tx.CountMembers(ctx, organization.ID, organization.Seats)
	if err == nil && taken >= organization.Seats {
		return lanyard.ErrNoSeat
	}
	return err
}

func ignoring(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

// admit makes a user a member, after checkSeat. It is the only way in.
func (o *Organizations) admit(ctx context.Context, tx storage.Scope, a admission, now time.Time) error {
	err := tx.InsertMembership(ctx, lanyard.Membership{OrganizationID: a.organization.ID, UserID: a.user, Roles: a.roles, CreatedAt: now})
	if errors.Is(err, lanyard.ErrConflict) {
		return lanyard.ErrAlreadyMember
	}
	if err != nil {
		return err
	}
	if err := ignoring(tx.TakeJoinRequest(ctx, a.organization.ID, a.user), lanyard.ErrNotFound); err != nil {
		return err
	}
	detail := map[string]string{"roles_after": strings.Join(a.roles, " ")}
	maps.Copy(detail, a.detail)
	return tx.InsertEvent(ctx, lanyard.Event{
		Type: lanyard.EventMemberAdded, At: now, Actor: a.actor, UserID: a.user, SessionID: a.session, OrganizationID: a.organization.ID, Detail: detail,
	})
}

// Accept is Admit for somebody who is signed in, with the hash of the code that they
// have shown: Offer.Shown, nil for an invitation of Pending. One to the platform is
// lanyard.ErrHasAccount.
func (o *Organizations) Accept(ctx context.Context, t accounts.Tenancy, a accounts.Actor, id lanyard.InvitationID, shown []byte, now time.Time) (Offer, error) {
	var out Offer
	err := t.Scope.InTx(ctx, func(tx storage.Scope) error {
		proved, err := accounts.ProvedAddresses(ctx, tx, a.User.ID)
		if err != nil {
			return err
		}
		out, err = o.use(ctx, tx, t, Guest{Invitation: id, Shown: shown, User: a.User, Proved: proved, Session: a.Session.ID}, now)
		if err == nil && out.Organization.ID == "" { // whoever has an account needs no invitation to make one
			err = lanyard.ErrHasAccount
		}
		return err
	})
	if err != nil {
		return Offer{}, err
	}
	return out, nil
}

// Pending lists the invitations that are bound to one of the proved addresses of a
// user and can be used, newest first, 20 at most.
func (o *Organizations) Pending(ctx context.Context, t accounts.Tenancy, user lanyard.UserID, now time.Time) ([]Offer, error) {
	proved, err := accounts.ProvedAddresses(ctx, t.Scope, user)
	if err != nil {
		return nil, err
	}
	all, err := t.Scope.InvitationsTo(ctx, proved, now, maxPending)
	if err != nil {
		return nil, err
	}
	var out []Offer
	for _, i := range all {
		offer, err := offerOf(ctx, t.Scope, t, i, now)
		if err == nil {
			_, err = t.Scope.Membership(ctx, i.OrganizationID, user)
			if errors.Is(err, lanyard.ErrNotFound) {
				out = append(out, offer)
			}
		}
		if err := ignoring(err, lanyard.ErrNotFound); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Decline ends an invitation that is bound to a proved address of the person; any
// other is lanyard.ErrNotFound.
func (o *Organizations) Decline(ctx context.Context, t accounts.Tenancy, a accounts.Actor, id lanyard.InvitationID, now time.Time) error {
	return t.Scope.InTx(ctx, func(tx storage.Scope) error {
		offer, err := held(ctx, tx, t, id, nil, now)
		if err != nil {
			return err
		}
		proved, err := accounts.ProvedAddresses(ctx, tx, a.User.ID)
		if err != nil {
			return err
		}
		i := offer.Invitation
		if !i.Admits(proved) {
			return lanyard.ErrNotFound
		}
		ended, err := tx.RevokeInvitation(ctx, i.OrganizationID, i.ID, now)
		if err == nil && !ended {
			err = lanyard.ErrNotFound
		}
		if err != nil {
			return err
		}
		return tx.InsertEvent(ctx, lanyard.Event{
			Type: lanyard.EventInvitationRevoked, At: now, Actor: string(a.User.ID), UserID: a.User.ID, SessionID: a.Session.ID,
			OrganizationID: i.OrganizationID, Detail: map[string]string{"invitation": string(i.ID), "reason": "declined"},
		})
	})
}
