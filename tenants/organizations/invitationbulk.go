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
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// maxBulk is how many addresses are invited at once.
const maxBulk = 200

// BulkRow is what became of one address: invited, or why not.
type BulkRow struct {
	Email string
	Err   error
}

// InviteMany invites each address on its own, in the order of the list; an address
// that comes twice is invited once, and blank lines are left out. What is wrong with
// one of them is in its row; what is wrong with all, such as roles that the person may
// not give, is the error.
func (o *Organizations) InviteMany(ctx context.Context, s Seat, emails []string, form Invite, now time.Time) ([]BulkRow, error) {
	rows := bulkRows(emails)
	if len(rows) > maxBulk {
		return nil, lanyard.ErrBadInput.Saying("at most " + strconv.Itoa(maxBulk) + " addresses are invited at once")
	}
	form.Email, form.Domain = "", ""
	drafted, err := form.draft(now)
	if err == nil && drafted.MaxUses > 1 {
		err = lanyard.ErrBadInput.Saying("an invitation for an address is used once")
	}
	if err == nil {
		err = o.inside(ctx, s, lanyard.MayManageInvitations, func(tx storage.Scope, seat Seat) error {
			if _, err := appOf(ctx, tx, drafted.ClientID); err != nil {
				return err
			}
			return seat.mayOffer(drafted.Roles)
		})
	}
	if err != nil {
		return nil, err
	}
	for i := range rows {
		form.Email = rows[i].Email
		_, err := o.Invite(ctx, s, form, now)
		if !ofOneRow(err) {
			return nil, err
		}
		rows[i].Err = err
	}
	return rows, nil
}

// bulkRows are the addresses as they were typed, each once.
func bulkRows(emails []string) []BulkRow {
	var out []BulkRow
	seen := map[string]bool{"": true}
	for _, email := range emails {
		email = strings.TrimSpace(email)
		key := email
		if canonical, err := lanyard.CanonicalEmail(email); err == nil {
			key = canonical
		}
		if !seen[key] {
			seen[key] = true
			out = append(out, BulkRow{Email: email})
		}
	}
	return out
}

// ofOneRow tells whether an outcome is about one address, so that the next one may have another.
func ofOneRow(err error) bool {
	about := []error{lanyard.ErrAlreadyMember, lanyard.ErrBadInput, lanyard.ErrQuota, lanyard.ErrThrottled}
	return err == nil || slices.ContainsFunc(about, func(want error) bool { return errors.Is(err, want) })
}

// InviteToPlatform stores an invitation of the tenant's operators: to sign up or, with
// an organization, to join it with roles. Its fields are those that Invite has, and the
// plan and trial of an invitation to sign up; a zero code is made, and one bound to an
// address is mailed. A code that was ever used is lanyard.ErrConflict.
func (o *Organizations) InviteToPlatform(ctx context.Context, scope storage.Scope, t accounts.Tenancy, i lanyard.Invitation, code lanyard.Secret, now time.Time) (Invited, error) {
	return o.inviteFrom(ctx, scope, t, i, code, "", now)
}

// inviteFrom is InviteToPlatform by whoever events name; empty for the product itself.
func (o *Organizations) inviteFrom(
	ctx context.Context, scope storage.Scope, t accounts.Tenancy, i lanyard.Invitation, code lanyard.Secret, by string, now time.Time,
) (Invited, error) {
	i.ID, i.TenantID, i.InviterID, i.CreatedAt = lanyard.NewInvitationID(), t.Tenant.ID, "", now
	i, err := checkDraft(i, now)
	if err == nil {
		code, err = platformCode(code)
	}
	if err != nil {
		return Invited{}, err
	}
	p := posting{tenancy: t, now: now, languages: []string{t.Tenant.Mail.Language}}
	p.created = lanyard.Event{Type: lanyard.EventInvitationCreated, At: now, Actor: by, OrganizationID: i.OrganizationID}
	var out Invited
	err = scope.InTx(ctx, func(tx storage.Scope) error {
		if p.organization, err = destination(ctx, tx, t, i); err != nil {
			return err
		}
		i.CodeHash = code.Hash()
		if i.Email != "" {
			i.SentAt = now
		}
		if err := tx.InsertInvitation(ctx, i); err != nil {
			return err
		}
		if err := tx.InsertEvent(ctx, p.fact(p.created, i)); err != nil {
			return err
		}
		out = hidden(i)
		if i.Email == "" {
			out.Code = code
		}
		return o.post(ctx, tx, p, i, code)
	})
	if err != nil {
		return Invited{}, err
	}
	return out, nil
}

func platformCode(code lanyard.Secret) (lanyard.Secret, error) {
	if code.IsZero() {
		return lanyard.NewInviteCode(), nil
	}
	parsed, err := lanyard.ParseInviteCode(code.Reveal())
	if err != nil {
		return code, lanyard.ErrBadInput.Saying("the code of an invitation has " + strconv.Itoa(lanyard.MinInviteCode) + " to 64 letters and digits, without u")
	}
	return parsed, nil
}

// destination holds the organization of an operators' invitation, and checks what it
// gives there; the zero one for an invitation to sign up.
func destination(ctx context.Context, tx storage.Scope, t accounts.Tenancy, i lanyard.Invitation) (lanyard.Organization, error) {
	if i.OrganizationID == "" {
		if len(i.Roles) > 0 || i.TrialDays < 0 {
			return lanyard.Organization{}, lanyard.ErrBadInput.Saying("an invitation to sign up has no roles, and a trial of 0 days or more")
		}
		return lanyard.Organization{}, nil
	}
	if i.Plan != "" || i.TrialDays != 0 || len(i.Roles) == 0 {
		return lanyard.Organization{}, lanyard.ErrBadInput.Saying("an invitation to an organization has roles, and no plan")
	}
	organization, err := tx.HoldOrganization(ctx, i.OrganizationID)
	if err != nil {
		return lanyard.Organization{}, err
	}
	own, err := tx.Roles(ctx, i.OrganizationID)
	if err != nil {
		return lanyard.Organization{}, err
	}
	for _, role := range i.Roles {
		if !known(role, t.Roles, own) {
			return lanyard.Organization{}, lanyard.ErrBadInput.Saying("there is no role of this name")
		}
	}
	return organization, nil
}
