package storage_test

import (
	"context"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/storage"
)

// TestShrinkLosesNothing: what is given back is read again, and a transaction goes on.
func TestShrinkLosesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		ok(t, h.InTx(ctx, func(tx storage.Scope) error {
			if err := tx.SetPassword(ctx, h.user.ID, storage.Password{Hash: "another"}, now); err != nil {
				return err
			}
			shrinking, cancel := context.WithTimeout(ctx, 50*time.Millisecond) // the writer is busy
			defer cancel()
			store.Shrink(shrinking)
			return nil
		}))
		store.Shrink(ctx)
		if got, err := h.PasswordHash(ctx, h.user.ID); err != nil || got != "another" {
			t.Errorf("%q %v", got, err)
		}
	})
}
