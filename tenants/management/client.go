package management

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
)

// Client is the registration of a client, with the names of RFC 7591.
type Client struct {
	lanyard.Client
	// RequirePKCE is true where it is left out.
	RequirePKCE *bool `json:"require_pkce,omitempty" doc:"true unless said otherwise; always true for public clients"`
	// Secret is what a creation asks for, or made: it is shown there once and nowhere else.
	Secret    string    `json:"client_secret,omitempty" doc:"Taken and shown at the creation only; one of at least 32 characters is made if none is given"`
	CreatedAt time.Time `json:"created_at,omitzero" readOnly:"true"`
}

// ClientColumns are those of Clients.
var ClientColumns = Columns{Sorts: []string{"id", "created"}, Filters: []string{"type", "disabled"}}

func clientOf(c *lanyard.Client) Client {
	pkce := c.RequirePKCE
	return Client{Client: *c, RequirePKCE: &pkce, CreatedAt: c.CreatedAt}
}

// registration is the client as it is stored.
func (c Client) registration() lanyard.Client {
	out := c.Client
	out.RequirePKCE = c.RequirePKCE == nil || *c.RequirePKCE
	out.CreatedAt, out.Secrets = c.CreatedAt, nil
	out.Normalize()
	return out
}

// Clients lists the tenant's clients. The search is part of id or name; the filter
// disabled is true or false.
func (m *Management) Clients(ctx context.Context, a Administrator, q Query) (List[Client], error) {
	if err := a.Need(lanyard.MayReadClients); err != nil {
		return List[Client]{}, err
	}
	w, err := q.window(a, "clients", ClientColumns)
	if err != nil {
		return List[Client]{}, err
	}
	f := storage.ClientFilter{Search: q.Search, Type: lanyard.ClientType(q.Filter["type"])}
	if text := q.Filter["disabled"]; text != "" {
		disabled, err := strconv.ParseBool(text)
		if err != nil {
			return List[Client]{}, lanyard.ErrBadInput.Saying("disabled is true or false")
		}
		f.Disabled = &disabled
	}
	rows, err := a.Scope().ClientWindow(ctx, f, w)
	if err != nil {
		return List[Client]{}, err
	}
	return pageOf(a, &q, "clients", rows, func(c *lanyard.Client) storage.Position {
		if w.Sort == "created" {
			return storage.Position{Key: strconv.FormatInt(c.CreatedAt.UnixMicro(), 10), ID: string(c.ID)}
		}
		return storage.Position{ID: string(c.ID)}
	}, clientOf)
}

// Client is one of the tenant's clients.
func (m *Management) Client(ctx context.Context, a Administrator, id lanyard.ClientID) (Client, error) {
	if err := a.Need(lanyard.MayReadClients); err != nil {
		return Client{}, err
	}
	c, err := clientIn(ctx, a.Scope(), id)
	if err != nil {
		return Client{}, err
	}
	return clientOf(c), nil
}

// clientIn finds a client that can be managed: the console's is not there.
func clientIn(ctx context.Context, scope storage.Scope, id lanyard.ClientID) (*lanyard.Client, error) {
	if id == lanyard.ConsoleClient {
		return nil, lanyard.ErrNotFound
	}
	c, err := scope.Client(ctx, id)
	return c, gone(err)
}

// CreateClient registers a client. One that authenticates with a secret gets it here; an
// id that there is is lanyard.ErrConflict.
func (m *Management) CreateClient(ctx context.Context, a Administrator, c Client) (Client, error) {
	if err := a.Need(lanyard.MayManageClients); err != nil {
		return Client{}, err
	}
	if c.ID == "" {
		c.ID = lanyard.NewClientID()
	}
	after := c.registration()
	after.CreatedAt = a.Now
	secret, err := firstSecret(&after, c.Secret)
	if err == nil {
		err = tenants.CheckClient(&after)
	}
	if err == nil {
		err = m.ensureAlgorithm(ctx, a, after.IDTokenAlg)
	}
	if err != nil {
		return Client{}, err
	}
	err = m.change(ctx, a, lanyard.MayManageClients, true, func(tx storage.Scope) error {
		if _, err := tx.Client(ctx, after.ID); !errors.Is(err, lanyard.ErrNotFound) {
			return errors.Join(err, lanyard.ErrConflict.Saying("there is a client with this client_id"))
		}
		if err := a.mayRegister(ctx, tx, &after); err != nil {
			return err
		}
		if err := tenants.ClientIDFree(ctx, tx, after.ID); err != nil {
			return err
		}
		if err := tx.PutClient(ctx, after); err != nil {
			return err
		}
		if !secret.IsZero() {
			if err := tx.AddClientSecret(ctx, after.ID, lanyard.NewClientSecretID(), lanyard.ClientSecret{Hash: secret.Hash()}, a.Now); err != nil {
				return err
			}
		}
		return m.record(ctx, tx, a, lanyard.Event{Type: lanyard.EventClientCreated, ClientID: after.ID})
	})
	out := clientOf(&after)
	out.Secret = secret.Reveal()
	return out, err
}

// firstSecret is the secret of a new client; zero for a public one.
func firstSecret(c *lanyard.Client, given string) (lanyard.Secret, error) {
	secret := lanyard.SecretOf(given)
	switch {
	case c.Public() && given != "":
		return lanyard.Secret{}, lanyard.ErrBadInput.Saying("a public client has no secret")
	case c.Public():
		return lanyard.Secret{}, nil
	case given == "":
		return lanyard.NewSecret(), nil
	}
	return secret, tenants.CheckClientSecret(secret)
}

// ChangeClient changes a registration. Its id stays, and what is a machine stays one.
// Disabling it, and making it public, ends what it was given.
func (m *Management) ChangeClient(ctx context.Context, a Administrator, id lanyard.ClientID, change Change[Client]) (Client, error) {
	var out Client
	if err := a.Need(lanyard.MayManageClients); err != nil {
		return out, err
	}
	err := m.change(ctx, a, lanyard.MayManageClients, true, func(tx storage.Scope) error {
		before, err := clientIn(ctx, tx, id)
		if err != nil {
			return err
		}
		changed, err := change(clientOf(before))
		if err != nil {
			return err
		}
		after := changed.registration()
		after.CreatedAt = before.CreatedAt
		if err := clientMayBecome(before, &after, changed.Secret); err != nil {
			return err
		}
		if err := a.mayHold(ctx, tx, before); err != nil {
			return err
		}
		if err := a.mayRegister(ctx, tx, &after); err != nil {
			return err
		}
		if err := m.ensureAlgorithm(ctx, a.in(tx), after.IDTokenAlg); err != nil {
			return err
		}
		out = clientOf(&after)
		return m.putClient(ctx, tx, a, before, after)
	})
	return out, err
}

func clientMayBecome(before, after *lanyard.Client, secret string) error {
	switch {
	case after.ID != before.ID:
		return lanyard.ErrBadInput.Saying("the client_id can not be changed")
	case secret != "":
		return lanyard.ErrBadInput.Saying("secrets are added and removed below /secrets")
	case (after.Type == lanyard.ClientMachine) != (before.Type == lanyard.ClientMachine):
		return lanyard.ErrBadInput.Saying("a machine stays a machine, and nothing else becomes one")
	}
	return tenants.CheckClient(after)
}

func (m *Management) putClient(ctx context.Context, tx storage.Scope, a Administrator, before *lanyard.Client, after lanyard.Client) error {
	if err := tx.PutClient(ctx, after); err != nil {
		return err
	}
	public := after.Public() && !before.Public()
	if public {
		if err := tx.SetClientSecrets(ctx, after.ID, nil, a.Now); err != nil {
			return err
		}
	}
	if public || (after.Disabled && !before.Disabled) {
		if err := tx.EndClient(ctx, after.ID, lanyard.RevokedClient, a.Now); err != nil {
			return err
		}
	}
	return m.record(ctx, tx, a, lanyard.Event{Type: lanyard.EventClientUpdated, ClientID: after.ID})
}

// mayRegister is lanyard.ErrNotAllowed unless the caller may hold what the client holds:
// the powers of its roles, and the management of the tenant if it may ask for that. Roles
// and resources that are not there are lanyard.ErrBadInput.
func (a Administrator) mayRegister(ctx context.Context, tx storage.Scope, c *lanyard.Client) error {
	if err := a.mayHold(ctx, tx, c); err != nil {
		return err
	}
	roles, err := tx.Roles(ctx, "")
	if err != nil {
		return err
	}
	for _, name := range c.Roles {
		if !slices.ContainsFunc(roles, func(r lanyard.Role) bool { return r.Name == name }) {
			return lanyard.ErrBadInput.Saying("there is no role of one of these names")
		}
	}
	return a.mayNameResources(ctx, tx, namedBy(c))
}

// namedBy are the resources that a client names.
func namedBy(c *lanyard.Client) []string { return append(slices.Clone(c.Resources), c.DefaultResource) }

func (a Administrator) mayNameResources(ctx context.Context, tx storage.Scope, names []string) error {
	names = slices.DeleteFunc(names, func(name string) bool { return name == "" })
	if err := a.mayManageBy(names); err != nil || len(names) == 0 {
		return err
	}
	stored, err := tx.Resources(ctx)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, r := range stored {
		if key, err := lanyard.ResourceKey(r.Identifier); err == nil {
			known[key] = true
		}
	}
	for _, name := range names {
		if key, err := lanyard.ResourceKey(name); !a.manages(name) && (err != nil || !known[key]) {
			return lanyard.ErrBadInput.Saying("there is no resource of one of these names")
		}
	}
	return nil
}

// mayManageBy is lanyard.ErrNotAllowed if the management API is among these resources and the
// caller may not manage the tenant.
func (a Administrator) mayManageBy(names []string) error {
	if slices.ContainsFunc(names, a.manages) && !a.Powers.May(lanyard.MayManageTenant) {
		return lanyard.ErrNotAllowed.Saying("a client of the management API needs who may manage the tenant")
	}
	return nil
}

// manages tells whether a resource is the tenant's management API, in any spelling.
func (a Administrator) manages(name string) bool {
	key, err := lanyard.ResourceKey(name)
	own, wrong := lanyard.ResourceKey(lanyard.ManagementResource(a.Live.Issuer).Identifier)
	return name == lanyard.ManagementName || (err == nil && wrong == nil && key == own)
}

// ensureAlgorithm makes the keys of an algorithm that the tenant does not sign with yet.
func (m *Management) ensureAlgorithm(ctx context.Context, a Administrator, algorithm string) error {
	known := []string{lanyard.AlgRS256, lanyard.AlgES256, lanyard.AlgEdDSA}
	if !slices.Contains(known, algorithm) || slices.Contains(a.Live.Ring.Algorithms(), algorithm) {
		return nil
	}
	return m.Keeper.Ensure(ctx, a.Scope(), a.Now, algorithm)
}

// RemoveClient deletes a client with everything that it was given.
func (m *Management) RemoveClient(ctx context.Context, a Administrator, id lanyard.ClientID, when Condition[Client]) error {
	return m.change(ctx, a, lanyard.MayManageClients, true, func(tx storage.Scope) error {
		before, err := clientIn(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := when.met(clientOf(before)); err != nil {
			return err
		}
		if err := a.mayHold(ctx, tx, before); err != nil {
			return err
		}
		if err := tx.DeleteClient(ctx, id); err != nil {
			return err
		}
		return m.record(ctx, tx, a, lanyard.Event{Type: lanyard.EventClientRemoved, ClientID: id})
	})
}

// mayHold is lanyard.ErrNotAllowed unless the caller has what the client can get. What it
// names and is not there any more neither helps nor hinders.
func (a Administrator) mayHold(ctx context.Context, tx storage.Scope, c *lanyard.Client) error {
	if err := a.Above(ctx, tx, c.Roles); err != nil {
		return err
	}
	return a.mayManageBy(namedBy(c))
}
