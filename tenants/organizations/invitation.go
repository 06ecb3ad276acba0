package organizations

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// Invite is what an invitation is to be. The zero value is one for whoever has its
// code, once, as a member.
type Invite struct {
	// Email binds it to an address, Domain to the addresses of a domain; at most one of them.
	Email  string
	Domain string
	// Roles are those that it gives; none for member.
	Roles []string
	// MaxUses is how many people it lets in; zero for one. One that is bound to an address is for one.
	MaxUses int64
	// Lifetime is how long it lives; zero for lanyard.InviteLifetime.
	Lifetime time.Duration
	// ClientID is the application to land in; empty for our own pages.
	ClientID lanyard.ClientID
}

// Invited is a fresh invitation.
type Invited struct {
	Invitation lanyard.Invitation
	// Code is zero for an invitation that is bound to an address: it goes there, and nowhere else.
	Code lanyard.Secret
}

// invitationPage is how many invitations a page has.
const invitationPage = 50

// Invite makes an invitation to the organization, and mails it if it is bound to an
// address. It needs invitations:manage and the right to give each of its roles; what
// an invitation to the same address gave before, this one replaces. Too many within a
// day are lanyard.ErrQuota, or lanyard.ErrThrottled for one address; somebody who is in
// already is lanyard.ErrAlreadyMember.
func (o *Organizations) Invite(ctx context.Context, s Seat, form Invite, now time.Time) (Invited, error) {
	drafted, err := form.draft(now)
	if err != nil {
		return Invited{}, err
	}
	var out Invited
	err = o.inside(ctx, s, lanyard.MayManageInvitations, func(tx storage.Scope, seat Seat) error {
		out, err = o.invite(ctx, tx, seat, drafted, now)
		return err
	})
	if err != nil {
		return Invited{}, err
	}
	return out, nil
}

// draft reads the form.
func (f Invite) draft(now time.Time) (lanyard.Invitation, error) {
	i := lanyard.Invitation{
		ID: lanyard.NewInvitationID(), Email: f.Email, Domain: f.Domain, Roles: f.Roles, ClientID: f.ClientID, MaxUses: f.MaxUses, CreatedAt: now,
	}
	if len(i.Roles) == 0 {
		i.Roles = []string{lanyard.RoleMember}
	}
	if f.Lifetime != 0 {
		i.ExpiresAt = now.Add(f.Lifetime)
	}
	return checkDraft(i, now)
}

// checkDraft finds what is wrong with an invitation, and fills in what it does not say.
func checkDraft(i lanyard.Invitation, now time.Time) (lanyard.Invitation, error) {
	if i.MaxUses == 0 {
		i.MaxUses = 1
	}
	if i.ExpiresAt.IsZero() {
		i.ExpiresAt = now.Add(lanyard.InviteLifetime)
	}
	switch {
	case i.Email != "" && i.Domain != "":
		return i, lanyard.ErrBadInput.Saying("an invitation is for an address or for a domain")
	case i.MaxUses < 1 || i.MaxUses > lanyard.MaxInviteUses:
		return i, lanyard.ErrBadInput.Saying("an invitation has 1 to " + strconv.Itoa(lanyard.MaxInviteUses) + " uses")
	case i.Email != "" && i.MaxUses > 1:
		return i, lanyard.ErrBadInput.Saying("an invitation for an address is used once")
	case !i.ExpiresAt.After(now) || i.ExpiresAt.Sub(now) > lanyard.MaxInviteLifetime:
		return i, lanyard.ErrBadInput.Saying("an invitation lives for up to 90 days")
	}
	i.Roles = unique(i.Roles)
	var err error
	if i.Email != "" {
		i.Email, err = lanyard.CanonicalEmail(strings.TrimSpace(i.Email))
	}
	if i.Domain != "" && err == nil {
		i.Domain, err = canonicalDomain(i.Domain)
	}
	return i, err
}

// invite stores and sends a checked draft, inside.
func (o *Organizations) invite(ctx context.Context, tx storage.Scope, s Seat, i lanyard.Invitation, now time.Time) (Invited, error) {
	i.TenantID, i.OrganizationID, i.InviterID = s.Tenancy.Tenant.ID, s.Organization.ID, s.inviter().ID
	if err := s.mayInvite(ctx, tx, i, now); err != nil {
		return Invited{}, err
	}
	return o.put(ctx, tx, s.posting(now), i, lanyard.NewInviteCode())
}

// mayInvite tells whether the person may make or send an invitation now.
func (s Seat) mayInvite(ctx context.Context, tx storage.Scope, i lanyard.Invitation, now time.Time) error {
	if err := s.mayOffer(i.Roles); err != nil {
		return err
	}
	if i.Email != "" {
		in, err := tx.MemberAt(ctx, i.OrganizationID, i.Email)
		if err == nil && in {
			err = lanyard.ErrAlreadyMember
		}
		if err != nil {
			return err
		}
	}
	n, err := tx.CountInvitations(ctx, i.OrganizationID, now.Add(-quotaTime))
	if err == nil && n >= s.Tenancy.Tenant.Policy.InvitationsPerDay() {
		return lanyard.ErrQuota
	}
	return err
}

func (s Seat) posting(now time.Time) posting {
	return posting{
		tenancy: s.Tenancy, organization: s.Organization, inviter: s.inviter().DisplayName(), languages: s.languages(), now: now,
		created: s.event(lanyard.EventInvitationCreated, now, nil), sent: s.event(lanyard.EventInvitationSent, now, nil),
	}
}

// put stores an invitation, or renews the unused one to the same address, and sends it.
func (o *Organizations) put(ctx context.Context, tx storage.Scope, p posting, i lanyard.Invitation, code lanyard.Secret) (Invited, error) {
	i.CodeHash = code.Hash()
	if i.Email != "" {
		i.SentAt = p.now
		old, err := tx.UnusedInvitation(ctx, i.OrganizationID, i.Email)
		if err == nil {
			i.ID, i.CreatedAt = old.ID, old.CreatedAt
			return hidden(i), o.renew(ctx, tx, p, i, code)
		}
		if !errors.Is(err, lanyard.ErrNotFound) {
			return Invited{}, err
		}
	}
	if err := tx.InsertInvitation(ctx, i); err != nil {
		return Invited{}, err
	}
	if err := tx.InsertEvent(ctx, p.fact(p.created, i)); err != nil {
		return Invited{}, err
	}
	out := hidden(i)
	if i.Email == "" {
		out.Code = code
	}
	return out, o.post(ctx, tx, p, i, code)
}

// renew gives an invitation that is there already another code and end, and sends it.
func (o *Organizations) renew(ctx context.Context, tx storage.Scope, p posting, i lanyard.Invitation, code lanyard.Secret) error {
	i.CodeHash, i.SentAt = code.Hash(), p.now
	if err := tx.RenewInvitation(ctx, i, p.now.Add(-quotaTime)); err != nil {
		return err
	}
	if err := tx.InsertEvent(ctx, p.fact(p.sent, i)); err != nil {
		return err
	}
	return o.post(ctx, tx, p, i, code)
}

func hidden(i lanyard.Invitation) Invited {
	i.CodeHash = nil
	return Invited{Invitation: i}
}

// mayOffer tells whether the person may give each of these roles, and the roles are there.
func (s Seat) mayOffer(roles []string) error {
	for _, role := range roles {
		if !known(role, s.Tenancy.Roles, s.OwnRoles) {
			return lanyard.ErrBadInput.Saying("there is no role of this name")
		}
		if !s.Powers.MayGive(role, s.Tenancy.Roles, s.OwnRoles) {
			return lanyard.ErrNotAllowed
		}
	}
	return nil
}

// known tells whether there is a role of the name.
func known(role string, tenant, own []lanyard.Role) bool {
	named := func(r lanyard.Role) bool { return r.Name == role }
	return slices.Contains(lanyard.BuiltInRoles, role) || slices.ContainsFunc(tenant, named) || slices.ContainsFunc(own, named)
}

// quotaTime is the time in which invitations are counted.
const quotaTime = 24 * time.Hour

// Invitations lists those of the organization, newest first, before one (empty for the newest), 50 at most.
func (o *Organizations) Invitations(ctx context.Context, s Seat, before lanyard.InvitationID) ([]lanyard.Invitation, error) {
	if err := s.seesInvitations(); err != nil {
		return nil, err
	}
	all, err := s.Tenancy.Scope.Invitations(ctx, s.Organization.ID, before, invitationPage)
	for i := range all {
		all[i].CodeHash = nil
	}
	return all, err
}

// Uses lists who used an invitation of the organization, latest first.
func (o *Organizations) Uses(ctx context.Context, s Seat, id lanyard.InvitationID) ([]lanyard.InvitationUse, error) {
	if err := s.seesInvitations(); err != nil {
		return nil, err
	}
	i, err := s.Tenancy.Scope.Invitation(ctx, id)
	if err == nil && i.OrganizationID != s.Organization.ID {
		err = lanyard.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return s.Tenancy.Scope.InvitationUses(ctx, s.Organization.ID, id, lanyard.MaxInviteUses)
}

func (s Seat) seesInvitations() error {
	if s.May(lanyard.MayReadMembers) || s.May(lanyard.MayManageInvitations) {
		return nil
	}
	return lanyard.ErrNotAllowed
}

// Resend mails an invitation again that is bound to an address and was not used, with
// a new code: the one before is dead. It lives as long again as it did, and is then
// that of the person who sends it, who has to have the right to give its roles. One
// without an address can not be sent: lanyard.ErrBadInput.
func (o *Organizations) Resend(ctx context.Context, s Seat, id lanyard.InvitationID, now time.Time) error {
	return o.inside(ctx, s, lanyard.MayManageInvitations, func(tx storage.Scope, seat Seat) error {
		i, err := tx.Invitation(ctx, id)
		if err != nil {
			return err
		}
		if i.OrganizationID != seat.Organization.ID || !i.RevokedAt.IsZero() || i.Uses >= i.MaxUses {
			return lanyard.ErrNotFound
		}
		if i.Email == "" {
			return lanyard.ErrBadInput.Saying("the invitation is for no address")
		}
		i.ExpiresAt = now.Add(i.ExpiresAt.Sub(lastSent(i)))
		i.InviterID = seat.inviter().ID
		if err := seat.mayInvite(ctx, tx, i, now); err != nil {
			return err
		}
		return o.renew(ctx, tx, seat.posting(now), i, lanyard.NewInviteCode())
	})
}

func lastSent(i lanyard.Invitation) time.Time {
	if i.SentAt.IsZero() {
		return i.CreatedAt
	}
	return i.SentAt
}

// Revoke ends an invitation of the organization. One that was ended already is lanyard.ErrNotFound.
func (o *Organizations) Revoke(ctx context.Context, s Seat, id lanyard.InvitationID, now time.Time) error {
	return o.inside(ctx, s, lanyard.MayManageInvitations, func(tx storage.Scope, seat Seat) error {
		ended, err := tx.RevokeInvitation(ctx, seat.Organization.ID, id, now)
		if err == nil && !ended {
			err = lanyard.ErrNotFound
		}
		if err != nil {
			return err
		}
		return tx.InsertEvent(ctx, seat.event(lanyard.EventInvitationRevoked, now, map[string]string{"invitation": string(id)}))
	})
}
