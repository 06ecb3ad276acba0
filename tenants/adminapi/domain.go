package adminapi

import (
	"context"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// domains are the operations on the domains of organizations.
func (a *API) domains() {
	m := a.management
	list(a, operation{Path: "/organizations/{organization}/domains", ID: "listDomains", Summary: "List domains", Permission: lanyard.MayReadOrganizations, InOrganization: lanyard.MayManageDomains},
		management.DomainColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.Domain], error) {
			return m.Domains(ctx, c.Administrator, c.organization(), q)
		})
	create(a, operation{Path: "/organizations/{organization}/domains", ID: "createDomain", Summary: "Claim a domain", Permission: lanyard.MayManageOrganizations, InOrganization: lanyard.MayManageDomains},
		func(ctx context.Context, c call, n management.NewDomain) (management.Domain, error) {
			return m.AddDomain(ctx, c.Administrator, c.organization(), n)
		})
	get(a, operation{Path: "/organizations/{organization}/domains/{domain}", ID: "getDomain", Summary: "Show a domain", Permission: lanyard.MayReadOrganizations, InOrganization: lanyard.MayManageDomains},
		func(ctx context.Context, c call) (management.Domain, error) {
			return m.Domain(ctx, c.Administrator, c.organization(), c.in("domain"))
		})
	act(a, operation{Path: "/organizations/{organization}/domains/{domain}/verify", ID: "verifyDomain", Summary: "Look the TXT record up", Permission: lanyard.MayManageOrganizations, InOrganization: lanyard.MayManageDomains},
		func(ctx context.Context, c call, _ nothing) (management.Domain, error) {
			return m.VerifyDomain(ctx, c.Administrator, c.organization(), c.in("domain"))
		})
	change(a, operation{Path: "/organizations/{organization}/domains/{domain}", ID: "updateDomain", Summary: "Say what a domain does", Permission: lanyard.MayManageOrganizations, InOrganization: lanyard.MayManageDomains},
		func(ctx context.Context, c call, change management.Change[management.Domain]) (management.Domain, error) {
			return m.ChangeDomain(ctx, c.Administrator, c.organization(), c.in("domain"), change)
		})
	remove(a, operation{Path: "/organizations/{organization}/domains/{domain}", ID: "deleteDomain", Summary: "Give a domain up", Permission: lanyard.MayManageOrganizations, InOrganization: lanyard.MayManageDomains},
		func(ctx context.Context, c call, when management.Condition[management.Domain]) error {
			return m.RemoveDomain(ctx, c.Administrator, c.organization(), c.in("domain"), when)
		})
}
