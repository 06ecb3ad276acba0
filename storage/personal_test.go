package storage_test

import (
	"errors"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// TestPersonalOrganizationGoesWithItsUser, unless others are in it: then its only owner stays.
func TestPersonalOrganizationGoesWithItsUser(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "house")
		user := lanyard.User{ID: "usr_loner", Subject: "loner", CreatedAt: now, UpdatedAt: now}
		ok(t, h.InsertUser(ctx, user))
		o := lanyard.Organization{ID: "org_loner", Slug: "loner", Name: "Loner", Personal: true, CreatedAt: now}
		ok(t, h.InsertOrganization(ctx, o))
		ok(t, h.InsertMembership(ctx, lanyard.Membership{OrganizationID: o.ID, UserID: user.ID, Roles: []string{"owner"}, CreatedAt: now}))
		sole := func() []string {
			t.Helper()
			names, err := h.SoleOwnerships(ctx, user.ID)
			ok(t, err)
			return names
		}
		if got := sole(); len(got) != 0 {
			t.Errorf("the personal organization holds its user: %v", got)
		}
		ok(t, h.InsertMembership(ctx, lanyard.Membership{OrganizationID: o.ID, UserID: h.user.ID, Roles: []string{"member"}, CreatedAt: now}))
		if got := sole(); len(got) != 1 {
			t.Errorf("with another member it does not: %v", got)
		}
		ok(t, h.DeleteMembership(ctx, o.ID, h.user.ID, now))
		ok(t, h.ScheduleDeletion(ctx, user.ID, now))
		ok(t, h.EraseUser(ctx, user.ID, now.Add(time.Second)))
		due, err := store.DueOrganizations(ctx, now.Add(time.Second), 10)
		ok(t, err)
		if len(due) != 1 || due[0].OrganizationID != o.ID {
			t.Fatalf("due is %v", due)
		}
		ok(t, h.EraseOrganization(ctx, o.ID, now.Add(time.Second)))
		if _, err := h.OrganizationBySlug(ctx, "loner"); !errors.Is(err, lanyard.ErrNotFound) {
			t.Errorf("it is still there: %v", err)
		}
		if err := h.InsertOrganization(ctx, lanyard.Organization{ID: "org_thief", Slug: "loner", Name: "Thief", CreatedAt: now}); !errors.Is(err, lanyard.ErrConflict) {
			t.Errorf("its slug was given away: %v", err)
		}
	})
}
