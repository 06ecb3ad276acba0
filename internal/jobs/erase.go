package jobs

import (
	"context"
	"errors"
	"time"

	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// eraseBatch bounds the accounts, or organizations, that one run erases.
const eraseBatch = 100

// Erase is the job that deletes the accounts whose owners asked for it, when the
// grace period is over.
func Erase(store *storage.Store, people *accounts.Accounts) Job {
	return Job{Name: "erase", Every: 10 * time.Minute, Run: func(ctx context.Context, now time.Time) error {
		due, err := store.DueErasures(ctx, now, eraseBatch)
		for _, d := range due {
			err = errors.Join(err, people.Erase(ctx, store.Tenant(d.TenantID), d.UserID, now))
		}
		return err
	}}
}

// EraseOrganizations is the job that deletes the organizations whose grace period is over.
func EraseOrganizations(store *storage.Store, deeds *organizations.Organizations) Job {
	return Job{Name: "erase-organizations", Every: 10 * time.Minute, Run: func(ctx context.Context, now time.Time) error {
		due, err := store.DueOrganizations(ctx, now, eraseBatch)
		for _, d := range due {
			err = errors.Join(err, deeds.Erase(ctx, store.Tenant(d.TenantID), d.OrganizationID, now))
		}
		return err
	}}
}
