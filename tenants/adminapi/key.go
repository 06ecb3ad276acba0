package adminapi

import (
	"context"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// keys are the operations on signing keys.
func (a *API) keys() {
	m := a.management
	list(a, operation{Path: "/keys", ID: "listKeys", Summary: "List the signing keys", Permission: lanyard.MayReadKeys},
		management.KeyColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.Key], error) {
			return m.Keys(ctx, c.Administrator, q)
		})
	get(a, operation{Path: "/keys/{key}", ID: "getKey", Summary: "Show a signing key", Permission: lanyard.MayReadKeys},
		func(ctx context.Context, c call) (management.Key, error) {
			return m.Key(ctx, c.Administrator, lanyard.KeyID(c.in("key")))
		})
	act(a, operation{Path: "/keys/rotate", ID: "rotateKey", Summary: "Have the next key sign at once", Permission: lanyard.MayManageKeys},
		func(ctx context.Context, c call, r management.Rotation) (management.Key, error) {
			return m.RotateKey(ctx, c.Administrator, r)
		})
	actOn(a, operation{Path: "/keys/{key}/revoke", ID: "revokeKey", Summary: "Remove a key in an emergency", Permission: lanyard.MayManageKeys},
		func(ctx context.Context, c call) (management.Key, error) {
			return m.RevokeKey(ctx, c.Administrator, lanyard.KeyID(c.in("key")))
		})
}

// refusals are the operations on decision traces.
func (a *API) refusals() {
	get(a, operation{Path: "/refusals/{request}", ID: "getRefusal", Summary: "Show why a request was refused", Permission: lanyard.MayReadEvents},
		func(ctx context.Context, c call) (management.Refusal, error) {
			return a.management.Refusal(ctx, c.Administrator, c.in("request"))
		})
}
