package adminapi

import (
	"context"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// trustedIssuers are the operations on trusted issuers.
func (a *API) trustedIssuers() {
	m := a.management
	id := func(c call) string { return c.in("issuer") }
	list(a, operation{Path: "/trusted-issuers", ID: "listTrustedIssuers", Summary: "List trusted issuers", Permission: lanyard.MayReadTrust},
		management.TrustedIssuerColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.TrustedIssuer], error) {
			return m.TrustedIssuers(ctx, c.Administrator, q)
		})
	create(a, operation{Path: "/trusted-issuers", ID: "createTrustedIssuer", Summary: "Add a trusted issuer", Permission: lanyard.MayManageTrust},
		func(ctx context.Context, c call, thing management.TrustedIssuer) (management.TrustedIssuer, error) {
			return m.CreateTrustedIssuer(ctx, c.Administrator, thing)
		})
	get(a, operation{Path: "/trusted-issuers/{issuer}", ID: "getTrustedIssuer", Summary: "Show a trusted issuer", Permission: lanyard.MayReadTrust},
		func(ctx context.Context, c call) (management.TrustedIssuer, error) {
			return m.TrustedIssuer(ctx, c.Administrator, id(c))
		})
	change(a, operation{Path: "/trusted-issuers/{issuer}", ID: "updateTrustedIssuer", Summary: "Change a trusted issuer", Permission: lanyard.MayManageTrust},
		func(ctx context.Context, c call, change management.Change[management.TrustedIssuer]) (management.TrustedIssuer, error) {
			return m.ChangeTrustedIssuer(ctx, c.Administrator, id(c), change)
		})
	remove(a, operation{Path: "/trusted-issuers/{issuer}", ID: "deleteTrustedIssuer", Summary: "Remove a trusted issuer", Permission: lanyard.MayManageTrust},
		func(ctx context.Context, c call, when management.Condition[management.TrustedIssuer]) error {
			return m.RemoveTrustedIssuer(ctx, c.Administrator, id(c), when)
		})
}
