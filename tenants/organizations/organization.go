package organizations

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

const (
	// maxName is the longest name of an organization, in characters.
	maxName = 100
	// maxOwned is how many organizations one person can own, personal ones apart.
	maxOwned = 10
	// maxJoined bounds the organizations of one person that are looked at.
	maxJoined = 1000
)

// Founding is what somebody says about a new organization.
type Founding struct {
	Name string
	// Slug names it in URLs; empty for one that is made from the name.
	Slug string
}

// Create makes an organization that its founder owns, where the tenant's policy lets
// people do so (lanyard.ErrNotOffered otherwise, as for the eleventh of one person). A
// slug that is, or was, another one's is lanyard.ErrSlugTaken.
func (o *Organizations) Create(ctx context.Context, t accounts.Tenancy, a accounts.Actor, f Founding, now time.Time) (lanyard.Organization, error) {
	if !t.Tenant.Policy.CreateOrganizations {
		return lanyard.Organization{}, lanyard.ErrNotOffered
	}
	name, err := CheckName(f.Name)
	if err != nil {
		return lanyard.Organization{}, err
	}
	if f.Slug != "" && !lanyard.ValidSlug(f.Slug) {
		return lanyard.Organization{}, lanyard.ErrBadInput.Saying("the short name is 1 to 63 of a-z, 0-9 and -, and does not begin or end with -")
	}
	for _, slug := range slugsFor(f.Slug, name) {
		made := lanyard.Organization{ID: lanyard.NewOrganizationID(), TenantID: t.Tenant.ID, Slug: slug, Name: name, Code: NewCode(), CreatedAt: now}
		if err = o.create(ctx, t, a, made, now); !errors.Is(err, errTaken) {
			return made, err
		}
	}
	return lanyard.Organization{}, lanyard.ErrSlugTaken
}

// errTaken is a slug or display code that is, or was, another organization's.
var errTaken = errors.New("the slug or the code is taken")

func (o *Organizations) create(ctx context.Context, t accounts.Tenancy, a accounts.Actor, made lanyard.Organization, now time.Time) error {
	return t.Scope.InTx(ctx, func(tx storage.Scope) error {
		// The person's row is held, so that their organizations are counted one after another.
		if err := tx.HoldUser(ctx, a.User.ID, a.User.Revision); err != nil {
			return err
		}
		all, err := tx.AllJoined(ctx, a.User.ID, maxJoined)
		if err != nil {
			return err
		}
		owned := 0
		for _, j := range all {
			if j.Membership.Owner() && !j.Organization.Personal {
				owned++
			}
		}
		if owned >= maxOwned {
			return lanyard.ErrNotOffered.Saying("one person can own ten organizations")
		}
		if err := tx.InsertOrganization(ctx, made); errors.Is(err, lanyard.ErrConflict) {
			return errTaken
		} else if err != nil {
			return err
		}
		return own(ctx, tx, made, a.User.ID, now)
	})
}

// own records a new organization and makes somebody its owner.
func own(ctx context.Context, tx storage.Scope, made lanyard.Organization, owner lanyard.UserID, now time.Time) error {
	roles := []string{lanyard.RoleOwner}
	if err := tx.InsertMembership(ctx, lanyard.Membership{OrganizationID: made.ID, UserID: owner, Roles: roles, CreatedAt: now}); err != nil {
		return err
	}
	created := lanyard.Event{Type: lanyard.EventOrganizationCreated, At: now, Actor: string(owner), OrganizationID: made.ID, Detail: Differences(lanyard.Organization{}, made)}
	if err := tx.InsertEvent(ctx, created); err != nil {
		return err
	}
	return tx.InsertEvent(ctx, lanyard.Event{
		Type: lanyard.EventMemberAdded, At: now, Actor: string(owner), UserID: owner, OrganizationID: made.ID, Detail: RolesDetail(nil, roles),
	})
}

// MakePersonal makes the organization that somebody gets when they sign up, in the
// transaction of that, with a plan (empty for none) and a trial of some days (zero for none).
func (o *Organizations) MakePersonal(
	ctx context.Context, tx storage.Scope, t accounts.Tenancy, user lanyard.User, plan string, trialDays int64, now time.Time,
) (lanyard.Organization, error) {
	name, _, _ := strings.Cut(user.DisplayName(), "@") // an address is nobody's business
	name = firstRunes(strings.Map(printed, name), maxName)
	if strings.TrimSpace(name) == "" {
		name = "Personal"
	}
	made := lanyard.Organization{
		ID: lanyard.NewOrganizationID(), TenantID: t.Tenant.ID, Slug: withSuffix(slugOf(name), 10), Name: name, Code: NewCode(),
		Personal: true, Plan: plan, CreatedAt: now,
	}
	if trialDays > 0 {
		made.TrialEnd = now.AddDate(0, 0, int(trialDays))
	}
	if err := tx.InsertOrganization(ctx, made); err != nil {
		return lanyard.Organization{}, err
	}
	return made, own(ctx, tx, made, user.ID, now)
}

// CheckName is the name of an organization as it is stored; one that is empty, long or
// has control characters is lanyard.ErrBadInput.
func CheckName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if n := utf8.RuneCountInString(name); n == 0 || n > maxName || strings.Map(printed, name) != name {
		return "", lanyard.ErrBadInput.Saying("the name of an organization is 1 to 100 characters in one line")
	}
	return name, nil
}

// printed drops what has no place in one line: control characters, and those that turn its direction.
func printed(r rune) rune {
	if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError {
		return -1
	}
	return r
}

// Details are what an organization says about itself.
type Details struct {
	Name string
	// Language is a BCP 47 tag, or empty for the tenant's.
	Language string
}

// Describe changes the name and the language. It needs organization:update.
func (o *Organizations) Describe(ctx context.Context, s Seat, d Details, now time.Time) error {
	name, err := CheckName(d.Name)
	if err != nil {
		return err
	}
	if err := CheckLanguage(d.Language); err != nil {
		return err
	}
	return o.update(ctx, s, lanyard.MayUpdateOrganization, now, func(after *lanyard.Organization) error {
		after.Name, after.Language = name, d.Language
		return nil
	})
}

// CheckLanguage is lanyard.ErrBadInput for what is no language tag; empty is fine.
func CheckLanguage(tag string) error {
	if _, err := language.Parse(tag); tag != "" && err != nil {
		return lanyard.ErrBadInput.Saying("this is not a language")
	}
	return nil
}

// update changes an organization by its members, and records what is different.
func (o *Organizations) update(ctx context.Context, s Seat, permission string, now time.Time, edit func(*lanyard.Organization) error) error {
	return o.inside(ctx, s, permission, func(tx storage.Scope, s Seat) error {
		after := s.Organization
		if err := edit(&after); err != nil {
			return err
		}
		return updateTo(ctx, tx, s, after, now)
	})
}

// updateTo stores an organization as it is to be, and records what is different.
func updateTo(ctx context.Context, tx storage.Scope, s Seat, after lanyard.Organization, now time.Time) error {
	detail := Differences(s.Organization, after)
	if len(detail) == 0 {
		return nil
	}
	if err := tx.UpdateOrganization(ctx, after); err != nil {
		return err
	}
	return tx.InsertEvent(ctx, s.event(lanyard.EventOrganizationUpdated, now, detail))
}

// Suspend closes an organization until Resume, for the tenant, whose actor is named as
// in events. It is done to deleted ones too; lanyard.ErrNotFound if there is none.
func (o *Organizations) Suspend(ctx context.Context, t accounts.Tenancy, id lanyard.OrganizationID, actor string, now time.Time) error {
	return setSuspended(ctx, t.Scope, id, true, lanyard.Event{Type: lanyard.EventOrganizationSuspended, At: now, Actor: actor})
}

// Resume opens an organization that was suspended.
func (o *Organizations) Resume(ctx context.Context, t accounts.Tenancy, id lanyard.OrganizationID, actor string, now time.Time) error {
	return setSuspended(ctx, t.Scope, id, false, lanyard.Event{Type: lanyard.EventOrganizationResumed, At: now, Actor: actor})
}

func setSuspended(ctx context.Context, scope storage.Scope, id lanyard.OrganizationID, suspended bool, fact lanyard.Event) error {
	return scope.InTx(ctx, func(tx storage.Scope) error {
		found, err := tx.LockOrganization(ctx, id)
		if err != nil || found.Suspended == suspended {
			return err
		}
		found.Suspended, fact.OrganizationID = suspended, id
		if err := tx.UpdateOrganization(ctx, found); err != nil {
			return err
		}
		return tx.InsertEvent(ctx, fact)
	})
}
