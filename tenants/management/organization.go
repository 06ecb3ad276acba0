package management

import (
	"context"
	"reflect"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// Organization is a customer of the tenant.
type Organization struct {
	ID   lanyard.OrganizationID `json:"id" readOnly:"true"`
	Slug string                 `json:"slug" doc:"Its name in URLs; chosen when it is made, or taken from the name, and never changes"`
	Name string                 `json:"name"`
	// Code is the display code. It opens nothing.
	Code     string `json:"code,omitempty" readOnly:"true"`
	Personal bool   `json:"personal,omitempty" readOnly:"true"`
	// Language is that of mails and pages where a person has none.
	Language string                     `json:"language,omitempty"`
	Branding lanyard.Branding           `json:"branding,omitzero"`
	Policy   lanyard.OrganizationPolicy `json:"policy,omitzero"`
	// Plan, TrialEnd, Seats and Suspended are for administrators of the tenant to change.
	Plan      string    `json:"plan,omitempty"`
	TrialEnd  time.Time `json:"trial_end,omitzero"`
	Seats     int64     `json:"seats,omitempty" doc:"The most members; left out for any number"`
	Suspended bool      `json:"suspended"`
	// DeleteAt is when the organization will be erased.
	DeleteAt  time.Time `json:"delete_at,omitzero" doc:"When it will be erased; null keeps it"`
	CreatedAt time.Time `json:"created_at,omitzero" readOnly:"true"`
}

// NewOrganization is an organization that is added.
type NewOrganization struct {
	Slug     string    `json:"slug,omitempty"`
	Name     string    `json:"name" required:"true"`
	Plan     string    `json:"plan,omitempty"`
	Seats    int64     `json:"seats,omitempty"`
	TrialEnd time.Time `json:"trial_end,omitzero"`
	// Owner is a user of the tenant; without one there is no member.
	Owner lanyard.UserID `json:"owner,omitempty"`
}

// OrganizationColumns are those of ListOrganizations.
var OrganizationColumns = Columns{Sorts: []string{"created", "slug", "name"}, Filters: []string{"suspended", "plan"}}

func organizationOf(o lanyard.Organization) Organization {
	return Organization{
		ID: o.ID, Slug: o.Slug, Name: o.Name, Code: o.Code, Personal: o.Personal, Language: o.Language, Branding: o.Branding, Policy: o.Policy,
		Plan: o.Plan, TrialEnd: o.TrialEnd, Seats: o.Seats, Suspended: o.Suspended, DeleteAt: o.DeleteAt, CreatedAt: o.CreatedAt,
	}
}

// ListOrganizations lists the organizations of the tenant, which is for its administrators. The search is
// part of a name or slug.
func (m *Management) ListOrganizations(ctx context.Context, a Administrator, q Query) (List[Organization], error) {
	if err := a.Need(lanyard.MayReadOrganizations); err != nil {
		return List[Organization]{}, err
	}
	w, err := q.window(a, "organizations", OrganizationColumns)
	if err != nil {
		return List[Organization]{}, err
	}
	asked := storage.OrganizationQuery{Search: q.Search, Plan: q.Filter["plan"], Window: w}
	if asked.Suspended, err = q.yesNo("suspended"); err != nil {
		return List[Organization]{}, err
	}
	found, err := a.Scope().OrganizationList(ctx, asked)
	if err != nil {
		return List[Organization]{}, err
	}
	where := func(o lanyard.Organization) storage.Position {
		return storage.Position{Key: map[string]string{"slug": o.Slug, "name": o.Name}[w.Sort], ID: string(o.ID)}
	}
	return pageOf(a, &q, "organizations", found, where, organizationOf)
}

// Organization is one organization, by id or slug, for administrators of the tenant and its own members.
func (m *Management) Organization(ctx context.Context, a Administrator, name string) (Organization, error) {
	seat, err := m.reading(ctx, a, name, lanyard.MayReadMembers)
	return organizationOf(seat.Organization), err
}

// CreateOrganization adds an organization. A slug that is, or was, another one's is lanyard.ErrSlugTaken.
func (m *Management) CreateOrganization(ctx context.Context, a Administrator, n NewOrganization) (Organization, error) {
	var made lanyard.Organization
	err := m.change(ctx, a, lanyard.MayManageOrganizations, false, func(tx storage.Scope) error {
		var err error
		made, err = m.Organizations.Found(ctx, tx, a.in(tx).Live.Tenancy(), organizations.Founding{Name: n.Name, Slug: n.Slug},
			organizations.Terms{Plan: n.Plan, TrialEnd: n.TrialEnd, Seats: n.Seats}, n.Owner, a.Actor(), a.Now)
		if err != nil {
			return err
		}
		made, err = tx.Organization(ctx, made.ID)
		return err
	})
	return organizationOf(made), err
}

// ChangeOrganization changes an organization: name, language, branding and policy by its
// own administrators too; plan, seats, trial, suspension, and whether a deletion is taken
// back, by those of the tenant. The slug stays.
func (m *Management) ChangeOrganization(ctx context.Context, a Administrator, name string, change Change[Organization]) (Organization, error) {
	var out Organization
	err := m.inOrganization(ctx, a, name, func(within Administrator, tx storage.Scope, seat organizations.Seat) error {
		before := organizationOf(seat.Organization)
		after, err := change(before)
		if err != nil {
			return err
		}
		if after.Slug != before.Slug {
			return lanyard.ErrBadInput.Saying("the slug of an organization never changes")
		}
		if err := m.describe(ctx, within, seat, before, after); err != nil {
			return err
		}
		if err := m.administer(ctx, within, seat, before, after); err != nil {
			return err
		}
		found, err := tx.Organization(ctx, before.ID)
		out = organizationOf(found)
		return err
	})
	return out, err
}

// describe changes what an organization decides about itself.
func (m *Management) describe(ctx context.Context, a Administrator, seat organizations.Seat, before, after Organization) error {
	deeds := m.Organizations
	if after.Name != before.Name || after.Language != before.Language {
		if err := deeds.Describe(ctx, seat, organizations.Details{Name: after.Name, Language: after.Language}, a.Now); err != nil {
			return err
		}
	}
	if after.Branding != before.Branding {
		if _, err := deeds.Brand(ctx, seat, after.Branding, a.Now); err != nil {
			return err
		}
	}
	if !reflect.DeepEqual(after.Policy, before.Policy) {
		return deeds.SetPolicy(ctx, seat, after.Policy, a.Now)
	}
	return nil
}

// administer changes what the tenant decides about an organization.
func (m *Management) administer(ctx context.Context, a Administrator, seat organizations.Seat, before, after Organization) error {
	deeds := m.Organizations
	if after.Plan != before.Plan || !after.TrialEnd.Equal(before.TrialEnd) || after.Seats != before.Seats {
		if err := deeds.SetTerms(ctx, seat, organizations.Terms{Plan: after.Plan, TrialEnd: after.TrialEnd, Seats: after.Seats}, a.Now); err != nil {
			return err
		}
	}
	switch {
	case after.Suspended == before.Suspended:
	case a.Need(lanyard.MayManageOrganizations) != nil:
		return lanyard.ErrNotAllowed
	case after.Suspended:
		if err := deeds.Suspend(ctx, seat.Tenancy, before.ID, a.Actor(), a.Now); err != nil {
			return err
		}
	default:
		if err := deeds.Resume(ctx, seat.Tenancy, before.ID, a.Actor(), a.Now); err != nil {
			return err
		}
	}
	switch {
	case after.DeleteAt.Equal(before.DeleteAt):
		return nil
	case !after.DeleteAt.IsZero():
		return lanyard.ErrBadInput.Saying("delete_at is taken back with null; DELETE sets it")
	}
	return deeds.KeepFor(ctx, seat, a.Now)
}

// RemoveOrganization closes an organization at once and has it erased when the tenant's
// grace period is over, as its owner's deletion does.
func (m *Management) RemoveOrganization(ctx context.Context, a Administrator, name string, when Condition[Organization]) error {
	return m.inOrganization(ctx, a, name, func(within Administrator, _ storage.Scope, seat organizations.Seat) error {
		if err := when.met(organizationOf(seat.Organization)); err != nil {
			return err
		}
		if !seat.Organization.DeleteAt.IsZero() {
			return nil
		}
		return m.Organizations.Delete(ctx, seat, seat.Organization.Slug, within.Now)
	})
}
