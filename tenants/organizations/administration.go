package organizations

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

const (
	// maxPlan is the longest name of a plan, in bytes; maxSeats the most seats.
	maxPlan  = 100
	maxSeats = 1_000_000_000
)

// Terms are what the tenant decides about an organization.
type Terms struct {
	// Plan is what the tenant calls the plan; TrialEnd is zero without a trial.
	Plan     string
	TrialEnd time.Time
	// Seats is the most members; zero for any number.
	Seats int64
}

// CheckTerms is lanyard.ErrBadInput for what can not be stored.
func CheckTerms(t Terms) error {
	switch {
	case len(t.Plan) > maxPlan || strings.Map(printed, t.Plan) != t.Plan:
		return lanyard.ErrBadInput.Saying("the name of a plan is at most 100 characters in one line")
	case t.Seats < 0 || t.Seats > maxSeats:
		return lanyard.ErrBadInput.Saying("the seats of an organization are a number that is not negative")
	}
	return nil
}

// SetTerms changes the plan, for an administrator of the tenant. Members who are in stay in.
func (o *Organizations) SetTerms(ctx context.Context, s Seat, t Terms, now time.Time) error {
	if !s.ofTenant() {
		return lanyard.ErrNotAllowed
	}
	if err := CheckTerms(t); err != nil {
		return err
	}
	return o.update(ctx, s, "", now, func(after *lanyard.Organization) error {
		after.Plan, after.TrialEnd, after.Seats = t.Plan, t.TrialEnd, t.Seats
		return nil
	})
}

// Found makes an organization for an administrator of the tenant, inside the transaction of
// the caller, with an owner (empty for none). A slug that is, or was, another one's is
// lanyard.ErrSlugTaken.
func (o *Organizations) Found(
	ctx context.Context, tx storage.Scope, t accounts.Tenancy, f Founding, terms Terms, owner lanyard.UserID, by string, now time.Time,
) (lanyard.Organization, error) {
	name, err := CheckName(f.Name)
	if err != nil {
		return lanyard.Organization{}, err
	}
	if err := CheckTerms(terms); err != nil {
		return lanyard.Organization{}, err
	}
	made := lanyard.Organization{
		ID: lanyard.NewOrganizationID(), TenantID: t.Tenant.ID, Slug: f.Slug, Name: name, Code: NewCode(), Plan: terms.Plan, TrialEnd: terms.TrialEnd,
		Seats: terms.Seats, CreatedAt: now,
	}
	if made.Slug == "" {
		made.Slug = slugOf(name)
		taken, err := tx.SlugTaken(ctx, made.Slug)
		if err != nil {
			return lanyard.Organization{}, err
		}
		if taken {
			made.Slug = withSuffix(made.Slug, 4)
		}
	}
	if !lanyard.ValidSlug(made.Slug) {
		return lanyard.Organization{}, lanyard.ErrBadInput.Saying("the short name is 1 to 63 of a-z, 0-9 and -, and does not begin or end with -")
	}
	if err := tx.InsertOrganization(ctx, made); errors.Is(err, lanyard.ErrConflict) {
		return lanyard.Organization{}, lanyard.ErrSlugTaken
	} else if err != nil {
		return lanyard.Organization{}, err
	}
	if err := tx.InsertEvent(ctx, lanyard.Event{
		Type: lanyard.EventOrganizationCreated, At: now, Actor: by, OrganizationID: made.ID, Detail: Differences(lanyard.Organization{}, made),
	}); err != nil || owner == "" {
		return made, err
	}
	if _, err := tx.User(ctx, owner); errors.Is(err, lanyard.ErrNotFound) {
		return lanyard.Organization{}, lanyard.ErrBadInput.Saying("there is no such owner")
	} else if err != nil {
		return lanyard.Organization{}, err
	}
	return made, o.admit(ctx, tx, admission{organization: made, user: owner, roles: []string{lanyard.RoleOwner}, actor: by}, now)
}

// AddMember makes somebody a member who did not ask, for an administrator of the tenant.
// No roles are member. No seat left is lanyard.ErrNoSeat, a member lanyard.ErrAlreadyMember.
func (o *Organizations) AddMember(ctx context.Context, s Seat, user lanyard.UserID, roles []string, now time.Time) error {
	if !s.ofTenant() {
		return lanyard.ErrNotAllowed
	}
	if roles = unique(roles); len(roles) == 0 {
		roles = []string{lanyard.RoleMember}
	}
	return o.inside(ctx, s, lanyard.MayManageMembers, func(tx storage.Scope, s Seat) error {
		if err := s.mayOffer(roles); err != nil {
			return err
		}
		if _, err := tx.User(ctx, user); err != nil {
			return err
		}
		if err := checkSeat(ctx, tx, s.Organization, user); err != nil {
			return err
		}
		return o.admit(ctx, tx, admission{
			organization: s.Organization, user: user, roles: roles, actor: s.by(), session: s.Actor.Session.ID, detail: map[string]string{"reason": "administrator"},
		}, now)
	})
}

// MaxTrialDays is the longest trial that an invitation to sign up brings.
const MaxTrialDays = 3650

// InviteToSignUp makes an invitation to sign up, for an administrator of the tenant whom
// events name. Its fields are those of InviteToPlatform.
func (o *Organizations) InviteToSignUp(ctx context.Context, t accounts.Tenancy, i lanyard.Invitation, by string, now time.Time) (Invited, error) {
	switch {
	case i.OrganizationID != "" || len(i.Roles) > 0:
		return Invited{}, lanyard.ErrBadInput.Saying("an invitation to sign up has no roles")
	case i.TrialDays < 0 || i.TrialDays > MaxTrialDays:
		return Invited{}, lanyard.ErrBadInput.Saying("a trial has 0 to 3650 days")
	}
	if err := CheckTerms(Terms{Plan: i.Plan}); err != nil {
		return Invited{}, err
	}
	return o.inviteFrom(ctx, t.Scope, t, i, lanyard.Secret{}, by, now)
}

// ResendToSignUp mails an invitation to sign up again, with a new code, as Resend does.
func (o *Organizations) ResendToSignUp(ctx context.Context, t accounts.Tenancy, id lanyard.InvitationID, by string, now time.Time) error {
	return t.Scope.InTx(ctx, func(tx storage.Scope) error {
		i, err := tx.Invitation(ctx, id)
		if err != nil {
			return err
		}
		if i.OrganizationID != "" || !i.RevokedAt.IsZero() || i.Uses >= i.MaxUses {
			return lanyard.ErrNotFound
		}
		if i.Email == "" {
			return lanyard.ErrBadInput.Saying("the invitation is for no address")
		}
		i.ExpiresAt = now.Add(i.ExpiresAt.Sub(lastSent(i)))
		p := posting{tenancy: t, now: now, languages: []string{t.Tenant.Mail.Language}}
		p.sent = lanyard.Event{Type: lanyard.EventInvitationSent, At: now, Actor: by}
		return o.renew(ctx, tx, p, i, lanyard.NewInviteCode())
	})
}

// RevokeToSignUp ends an invitation to sign up. One that was ended already is lanyard.ErrNotFound.
func (o *Organizations) RevokeToSignUp(ctx context.Context, t accounts.Tenancy, id lanyard.InvitationID, by string, now time.Time) error {
	return t.Scope.InTx(ctx, func(tx storage.Scope) error {
		ended, err := tx.RevokeInvitation(ctx, "", id, now)
		if err == nil && !ended {
			err = lanyard.ErrNotFound
		}
		if err != nil {
			return err
		}
		return tx.InsertEvent(ctx, lanyard.Event{Type: lanyard.EventInvitationRevoked, At: now, Actor: by, Detail: map[string]string{"invitation": string(id)}})
	})
}
