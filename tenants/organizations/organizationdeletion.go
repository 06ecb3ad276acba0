package organizations

import (
	"context"
	"errors"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// Delete closes an organization at once, and lets it be erased when the tenant's grace
// period is over; until then Keep undoes it. It needs organization:delete, a fresh
// proof, and the slug typed by the person (lanyard.ErrBadInput if it is another).
func (o *Organizations) Delete(ctx context.Context, s Seat, typedSlug string, now time.Time) error {
	if !s.May(lanyard.MayDeleteOrganization) {
		return lanyard.ErrNotAllowed
	}
	if typedSlug != s.Organization.Slug {
		return lanyard.ErrBadInput.Saying("this is not the short name of the organization")
	}
	if err := o.checkFresh(ctx, s, now); err != nil {
		return err
	}
	return o.inside(ctx, s, lanyard.MayDeleteOrganization, func(tx storage.Scope, s Seat) error {
		at := now.Add(s.Tenancy.Tenant.Policy.GraceOfOrganizations())
		if err := tx.ScheduleOrganizationDeletion(ctx, s.Organization.ID, at); err != nil {
			return err
		}
		return tx.InsertEvent(ctx, s.event(lanyard.EventOrganizationDeletion, now, map[string]string{"delete_at": momentOf(at)}))
	})
}

// Keep opens an organization again that was deleted, while it is not erased. It is for
// members who may delete it; one that is not deleted is left alone, and one that is
// foreign, erased or was never there is lanyard.ErrNotFound.
func (o *Organizations) Keep(ctx context.Context, t accounts.Tenancy, a accounts.Actor, id lanyard.OrganizationID, now time.Time) error {
	return t.Scope.InTx(ctx, func(tx storage.Scope) error {
		found, err := tx.LockOrganization(ctx, id)
		if err != nil {
			return err
		}
		joined, err := tx.Joined(ctx, a.User.ID, string(id))
		switch {
		case err != nil:
			return err
		case !joined.Powers(t.Roles).May(lanyard.MayDeleteOrganization):
			return lanyard.ErrNotAllowed
		case !joined.Lets(a.Session, now):
			return lanyard.ErrPolicyUnmet
		case found.DeleteAt.IsZero():
			return nil
		case !now.Before(found.DeleteAt):
			return lanyard.ErrNotFound
		}
		if err := tx.ScheduleOrganizationDeletion(ctx, id, time.Time{}); err != nil {
			return err
		}
		return tx.InsertEvent(ctx, lanyard.Event{
			Type: lanyard.EventOrganizationKept, At: now, Actor: string(a.User.ID), SessionID: a.Session.ID, OrganizationID: id,
		})
	})
}

// KeepFor opens an organization again that was deleted, for an administrator of the tenant.
func (o *Organizations) KeepFor(ctx context.Context, s Seat, now time.Time) error {
	if !s.ofTenant() {
		return lanyard.ErrNotAllowed
	}
	return o.inside(ctx, s, lanyard.MayDeleteOrganization, func(tx storage.Scope, s Seat) error {
		if s.Organization.DeleteAt.IsZero() {
			return nil
		}
		if err := tx.ScheduleOrganizationDeletion(ctx, s.Organization.ID, time.Time{}); err != nil {
			return err
		}
		return tx.InsertEvent(ctx, s.event(lanyard.EventOrganizationKept, now, nil))
	})
}

// Erase deletes an organization whose grace period is over, with everything of it but
// its slug and its events. One that was kept after all, or erased by another process,
// is left alone.
func (o *Organizations) Erase(ctx context.Context, scope storage.Scope, id lanyard.OrganizationID, now time.Time) error {
	err := scope.InTx(ctx, func(tx storage.Scope) error {
		if _, err := tx.LockOrganization(ctx, id); err != nil {
			return err
		}
		if err := tx.EraseOrganization(ctx, id, now); err != nil {
			return err
		}
		return tx.InsertEvent(ctx, lanyard.Event{Type: lanyard.EventOrganizationDeleted, At: now, OrganizationID: id})
	})
	if errors.Is(err, lanyard.ErrConflict) || errors.Is(err, lanyard.ErrNotFound) {
		return nil
	}
	return err
}
