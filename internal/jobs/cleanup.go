package jobs

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard/storage"
)

// CleanUp is the job that deletes what has expired. Nothing depends on it but
// the size of the database: whether a thing has expired is decided when it is used.
func CleanUp(store *storage.Store) Job {
	return Job{Name: "clean-up", Every: 10 * time.Minute, Run: func(ctx context.Context, now time.Time) error {
		_, err := store.CleanUp(ctx, now)
		return err
	}}
}
