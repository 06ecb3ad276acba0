package adminapi

import (
	"context"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// clients are the operations on clients.
func (a *API) clients() {
	m := a.management
	list(a, operation{Path: "/clients", ID: "listClients", Summary: "List clients", Permission: lanyard.MayReadClients},
		management.ClientColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.Client], error) {
			return m.Clients(ctx, c.Administrator, q)
		})
	create(a, operation{Path: "/clients", ID: "createClient", Summary: "Register a client", Permission: lanyard.MayManageClients},
		func(ctx context.Context, c call, client management.Client) (management.Client, error) {
			return m.CreateClient(ctx, c.Administrator, client)
		})
	act(a, operation{Path: "/clients/check", ID: "checkClient", Summary: "Look at a registration before it is made", Permission: lanyard.MayManageClients},
		func(ctx context.Context, c call, client management.Client) (management.ClientReport, error) {
			return m.CheckClient(ctx, c.Administrator, client)
		})
	get(a, operation{Path: "/clients/{client}", ID: "getClient", Summary: "Show a client", Permission: lanyard.MayReadClients},
		func(ctx context.Context, c call) (management.Client, error) {
			return m.Client(ctx, c.Administrator, c.client())
		})
	change(a, operation{Path: "/clients/{client}", ID: "updateClient", Summary: "Change a client", Permission: lanyard.MayManageClients},
		func(ctx context.Context, c call, change management.Change[management.Client]) (management.Client, error) {
			return m.ChangeClient(ctx, c.Administrator, c.client(), change)
		})
	remove(a, operation{Path: "/clients/{client}", ID: "deleteClient", Summary: "Remove a client and all that it was given", Permission: lanyard.MayManageClients},
		func(ctx context.Context, c call, when management.Condition[management.Client]) error {
			return m.RemoveClient(ctx, c.Administrator, c.client(), when)
		})
	list(a, operation{Path: "/clients/{client}/refusals", ID: "listClientRefusals", Summary: "List what was refused to a client", Permission: lanyard.MayReadClients},
		management.RefusalColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.Refusal], error) {
			return m.ClientRefusals(ctx, c.Administrator, c.client(), q)
		})
	a.clientSecrets()
	a.clientPlaces()
}

// client is the {client} of the path.
func (c call) client() lanyard.ClientID { return lanyard.ClientID(c.in("client")) }

// clientSecrets are the operations on the secrets of a client.
func (a *API) clientSecrets() {
	m := a.management
	list(a, operation{Path: "/clients/{client}/secrets", ID: "listClientSecrets", Summary: "List the secrets of a client, without what they are", Permission: lanyard.MayReadClients},
		management.ClientSecretColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.ClientSecret], error) {
			return m.ClientSecrets(ctx, c.Administrator, c.client(), q)
		})
	create(a, operation{Path: "/clients/{client}/secrets", ID: "createClientSecret", Summary: "Give a client another secret", Permission: lanyard.MayManageClients},
		func(ctx context.Context, c call, n management.NewClientSecret) (management.ClientSecret, error) {
			return m.AddClientSecret(ctx, c.Administrator, c.client(), n)
		})
	drop(a, operation{Path: "/clients/{client}/secrets/{secret}", ID: "deleteClientSecret", Summary: "Take a secret away", Permission: lanyard.MayManageClients},
		func(ctx context.Context, c call) error {
			return m.RemoveClientSecret(ctx, c.Administrator, c.client(), c.in("secret"))
		})
}

// clientPlaces are the operations on the places of machines in organizations.
func (a *API) clientPlaces() {
	m := a.management
	list(a, operation{Path: "/clients/{client}/organizations", ID: "listClientOrganizations", Summary: "List the organizations in which a machine has roles", Permission: lanyard.MayReadClients},
		management.ClientPlaceColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.ClientPlace], error) {
			return m.ClientPlaces(ctx, c.Administrator, c.client(), q)
		})
	put(a, operation{Path: "/clients/{client}/organizations/{organization}", ID: "setClientOrganization", Summary: "Give a machine roles in an organization", Permission: lanyard.MayManageClients},
		func(ctx context.Context, c call, p management.ClientPlace) (management.ClientPlace, error) {
			return m.PutClientPlace(ctx, c.Administrator, c.client(), c.organization(), p)
		})
	drop(a, operation{Path: "/clients/{client}/organizations/{organization}", ID: "deleteClientOrganization", Summary: "Take a machine out of an organization", Permission: lanyard.MayManageClients},
		func(ctx context.Context, c call) error {
			return m.RemoveClientPlace(ctx, c.Administrator, c.client(), c.organization())
		})
}
