package tenants

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/storage"
)

// Restoration begins a new epoch in a database that was brought back from a copy. The copy
// knows nothing of what happened after it was made, so everything that may have been used,
// replaced or revoked since then ends: a used thing is never accepted again.
type Restoration struct {
	Store  *storage.Store
	Keeper *keys.Keeper
	// RotateKeys takes every signing key away as well, so that what was signed after the copy
	// was made, or under a key that was revoked after it, is worth nothing either.
	RotateKeys bool
}

// RestoredTenant is what ended in a tenant, counted by kind.
type RestoredTenant struct {
	Slug  string           `json:"tenant"`
	Ended map[string]int64 `json:"ended"`
}

// Do ends it, tenant by tenant, each in one transaction with its line in the audit log. It
// may be done again, and has to be when it was ended early.
func (r *Restoration) Do(ctx context.Context, now time.Time) ([]RestoredTenant, error) {
	all, err := r.Store.Tenants(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the tenants: %w", err)
	}
	var out []RestoredTenant
	for _, t := range all {
		ended, err := r.tenant(ctx, t, now)
		if err != nil {
			return out, fmt.Errorf("restore tenant %s: %w", t.Slug, err)
		}
		out = append(out, RestoredTenant{t.Slug, ended})
	}
	return out, nil
}

func (r *Restoration) tenant(ctx context.Context, t lanyard.Tenant, now time.Time) (map[string]int64, error) {
	scope := r.Store.Tenant(t.ID)
	removed := int64(0)
	if r.RotateKeys {
		var err error
		if removed, err = r.removeKeys(ctx, scope, now); err != nil {
			return nil, err
		}
	}
	var ended map[string]int64
	err := scope.InTx(ctx, func(tx storage.Scope) error {
		var err error
		if ended, err = tx.EndEverything(ctx, now); err != nil {
			return err
		}
		if removed > 0 {
			ended["signing_keys"] = removed
		}
		detail := map[string]string{}
		for what, n := range ended {
			detail[what] = strconv.FormatInt(n, 10)
		}
		return tx.InsertEvent(ctx, lanyard.Event{
			ID: lanyard.NewEventID(), TenantID: t.ID, Type: lanyard.EventTenantRestored, At: now, Actor: "system", Detail: detail,
		})
	})
	return ended, err
}

// removeKeys takes all signing keys away that there are: those that sign come last, so that
// what follows them is new.
func (r *Restoration) removeKeys(ctx context.Context, scope storage.Scope, now time.Time) (int64, error) {
	stored, err := scope.SigningKeys(ctx)
	if err != nil {
		return 0, err
	}
	removed := int64(0)
	for _, state := range []lanyard.KeyState{lanyard.KeyRetired, lanyard.KeyNext, lanyard.KeyActive} {
		for _, key := range stored {
			if key.State != state || key.Algorithm == lanyard.AlgMAC {
				continue
			}
			if err := r.Keeper.Revoke(ctx, scope, keys.By{}, key.ID, now); err != nil {
				return removed, err
			}
			removed++
		}
	}
	return removed, nil
}
