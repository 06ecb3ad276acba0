package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/storage"
)

// RotateKeys is the job that gives every tenant the keys it lacks and moves the
// others through their life. A tenant that fails does not keep the rest waiting.
func RotateKeys(store *storage.Store, keeper *keys.Keeper) Job {
	return Job{Name: "signing-keys", Every: time.Hour, Run: func(ctx context.Context, now time.Time) error {
		all, err := store.Tenants(ctx)
		if err != nil {
			return fmt.Errorf("list the tenants: %w", err)
		}
		var failed []error
		for _, t := range all {
			if ctx.Err() != nil {
				return errors.Join(append(failed, context.Cause(ctx))...)
			}
			scope := store.Tenant(t.ID)
			clients, err := scope.Clients(ctx)
			if err == nil {
				err = keeper.Ensure(ctx, scope, now)
			}
			if err == nil {
				err = keeper.Rotate(ctx, scope, keys.LifeOf(t.Policy, clients), now)
			}
			failed = append(failed, err)
		}
		return errors.Join(failed...)
	}}
}
