package management

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// Connection is an upstream provider of the tenant. What it authenticates with is
// written and never read.
type Connection struct {
	lanyard.Connection
	// These are true where they are left out.
	Enabled *bool `json:"enabled,omitempty"`
	SignIn  *bool `json:"sign_in,omitempty"`
	SignUp  *bool `json:"sign_up,omitempty"`
	Linking *bool `json:"linking,omitempty"`
	// Secret is the client secret; PrivateKey, a JWK, stands for it with private_key_jwt. A change without them keeps them.
	Secret     string `json:"client_secret,omitempty" writeOnly:"true"`
	PrivateKey string `json:"private_key,omitempty" writeOnly:"true"`
	BotToken   string `json:"bot_token,omitempty" writeOnly:"true"`
	// CallbackURL is what the upstream has to know.
	CallbackURL string `json:"callback_url,omitempty" readOnly:"true"`
	// Tested says that a test sign-in went well with exactly this.
	Tested    bool      `json:"tested" readOnly:"true"`
	CreatedAt time.Time `json:"created_at,omitzero" readOnly:"true"`
}

// ConnectionColumns are those of Connections.
var ConnectionColumns = Columns{Sorts: []string{"name", "created"}, Filters: []string{"kind"}}

// connectionID keeps ids short and harmless in URLs.
var connectionID = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,40}$`)

func (a Administrator) connectionOf(c lanyard.Connection) Connection {
	on := func(b bool) *bool { return &b }
	return Connection{
		Connection: c, Enabled: on(c.Enabled), SignIn: on(c.SignIn), SignUp: on(c.SignUp), Linking: on(c.Linking),
		CallbackURL: a.Live.Issuer + "/federation/" + string(c.ID) + "/callback", Tested: c.TestedAs != "" && c.TestedAs == c.Fingerprint(), CreatedAt: c.CreatedAt,
	}
}

// connection is what is stored, before its secrets.
func (c Connection) connection() lanyard.Connection {
	on := func(b *bool) bool { return b == nil || *b }
	out := c.Connection
	out.Enabled, out.SignIn, out.SignUp, out.Linking = on(c.Enabled), on(c.SignIn), on(c.SignUp), on(c.Linking)
	return out
}

// Connections lists the tenant's own connections. The search is part of the name.
func (m *Management) Connections(ctx context.Context, a Administrator, q Query) (List[Connection], error) {
	if err := a.Need(lanyard.MayReadTrust); err != nil {
		return List[Connection]{}, err
	}
	all, err := a.Scope().TenantConnections(ctx)
	if err != nil {
		return List[Connection]{}, err
	}
	return pageOfAll(a, &q, "connections", ConnectionColumns, all, few[lanyard.Connection, Connection]{
		key: func(c lanyard.Connection, sort string) string {
			if sort == "created" {
				return c.CreatedAt.Format("20060102150405.000000")
			}
			return c.Name
		},
		id:    func(c lanyard.Connection) string { return string(c.ID) },
		words: func(c lanyard.Connection) []string { return []string{c.Name} },
		keep:  func(c lanyard.Connection, _, value string) bool { return string(c.Kind) == value },
		as:    a.connectionOf,
	})
}

// Connection is one of the tenant's own connections.
func (m *Management) Connection(ctx context.Context, a Administrator, id lanyard.ConnectionID) (Connection, error) {
	if err := a.Need(lanyard.MayReadTrust); err != nil {
		return Connection{}, err
	}
	c, _, err := connectionIn(ctx, a.Scope(), id)
	return a.connectionOf(c), err
}

// connectionIn finds one of the tenant's own connections, and the others.
func connectionIn(ctx context.Context, scope storage.Scope, id lanyard.ConnectionID) (lanyard.Connection, []lanyard.Connection, error) {
	all, err := scope.TenantConnections(ctx)
	if err != nil {
		return lanyard.Connection{}, nil, err
	}
	at := slices.IndexFunc(all, func(c lanyard.Connection) bool { return c.ID == id })
	if at < 0 {
		return lanyard.Connection{}, all, lanyard.ErrNotFound
	}
	found := all[at]
	return found, slices.Delete(all, at, at+1), nil
}

// CreateConnection adds a connection. An id or name that there is is lanyard.ErrConflict.
func (m *Management) CreateConnection(ctx context.Context, a Administrator, c Connection) (Connection, error) {
	after := c.connection()
	if after.ID == "" {
		after.ID = lanyard.NewConnectionID()
	}
	after.TenantID, after.TestedAs, after.CreatedAt = a.Live.Tenant.ID, "", a.Now
	err := m.change(ctx, a, lanyard.MayManageTrust, true, func(tx storage.Scope) error {
		if !connectionID.MatchString(string(after.ID)) {
			return lanyard.ErrBadInput.Saying("id is 1 to 41 of a-z, 0-9, - and _, and begins with a letter or digit")
		}
		if _, err := tx.Connection(ctx, after.ID); err == nil {
			return lanyard.ErrConflict.Saying("there is a connection with this id")
		}
		var err error
		after, err = m.putConnection(ctx, tx, a, lanyard.Connection{}, after, c)
		return err
	})
	return a.connectionOf(after), err
}

// ChangeConnection changes a connection. Its id and kind stay: identities belong to them.
func (m *Management) ChangeConnection(ctx context.Context, a Administrator, id lanyard.ConnectionID, change Change[Connection]) (Connection, error) {
	var out lanyard.Connection
	err := m.change(ctx, a, lanyard.MayManageTrust, true, func(tx storage.Scope) error {
		before, _, err := connectionIn(ctx, tx, id)
		if err != nil {
			return err
		}
		wanted, err := change(a.connectionOf(before))
		if err != nil {
			return err
		}
		after := wanted.connection()
		if after.ID != before.ID || after.Kind != before.Kind {
			return lanyard.ErrBadInput.Saying("id and kind of a connection can not be changed")
		}
		after.TenantID, after.TestedAs, after.CreatedAt = before.TenantID, before.TestedAs, before.CreatedAt
		after.SealedSecret, after.SealedBotToken = before.SealedSecret, before.SealedBotToken
		out, err = m.putConnection(ctx, tx, a, before, after, wanted)
		return err
	})
	return a.connectionOf(out), err
}

// putConnection checks, seals and stores a connection; what is given of secrets stands in c.
func (m *Management) putConnection(ctx context.Context, tx storage.Scope, a Administrator, before, after lanyard.Connection, c Connection) (lanyard.Connection, error) {
	if err := m.checkConnection(before, after, c); err != nil {
		return after, err
	}
	_, others, err := connectionIn(ctx, tx, after.ID)
	if err != nil && len(before.ID) > 0 {
		return after, err
	}
	if slices.ContainsFunc(others, func(o lanyard.Connection) bool { return strings.EqualFold(o.Name, after.Name) }) {
		return after, lanyard.ErrConflict.Saying("there is a connection of this name")
	}
	for _, s := range []struct {
		given string
		place lanyard.Place
		into  *[]byte
	}{{c.Secret + c.PrivateKey, after.SecretPlace(), &after.SealedSecret}, {c.BotToken, after.BotTokenPlace(), &after.SealedBotToken}} {
		if s.given == "" {
			continue
		}
		if *s.into, err = m.Sealer.Seal(s.place, []byte(s.given)); err != nil {
			return after, err
		}
	}
	if err := tx.PutConnection(ctx, after); err != nil {
		return after, err
	}
	return after, m.record(ctx, tx, a, lanyard.Event{
		Type: lanyard.EventConnectionUpdated, Detail: map[string]string{"connection": string(after.ID), "kind": string(after.Kind)},
	})
}

func (m *Management) checkConnection(before, after lanyard.Connection, c Connection) error {
	if err := after.Check(); err != nil {
		return err
	}
	byKey := after.Auth == lanyard.UpstreamJWT
	another := (before.Auth == lanyard.UpstreamJWT) != byKey || before.IssuerURL() != after.IssuerURL()
	given, needed := c.Secret, "client_secret"
	if byKey {
		given, needed = c.PrivateKey, "private_key"
	}
	switch {
	case after.OrganizationID != "":
		return lanyard.ErrBadInput.Saying("organizations have connections of their own")
	case len(after.DefaultRoles) > 0:
		return lanyard.ErrBadInput.Saying("default_roles are for an organization's connection")
	case c.Secret != "" && c.PrivateKey != "", given == "" && c.Secret+c.PrivateKey != "":
		return lanyard.ErrBadInput.Saying("the connection authenticates with a " + needed + " alone")
	case given == "" && (before.ID == "" || another): // what one upstream knows is not for the next
		return lanyard.ErrBadInput.Saying("the connection needs a " + needed)
	case c.BotToken != "" && after.Kind != lanyard.ConnectionTelegram:
		return lanyard.ErrBadInput.Saying("only Telegram has bots")
	}
	if byKey && given != "" && m.Parse.CheckKey != nil {
		if err := m.Parse.CheckKey(lanyard.SecretOf(given)); err != nil {
			return err
		}
	}
	if m.Organizations != nil && m.Organizations.Upstreams != nil {
		return m.Organizations.Upstreams.Check(after)
	}
	return nil
}

// RemoveConnection takes a connection away, with the identities and whatever was signed in by it.
func (m *Management) RemoveConnection(ctx context.Context, a Administrator, id lanyard.ConnectionID, when Condition[Connection]) error {
	return m.change(ctx, a, lanyard.MayManageTrust, true, func(tx storage.Scope) error {
		before, _, err := connectionIn(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := when.met(a.connectionOf(before)); err != nil {
			return err
		}
		if err := tx.RemoveConnection(ctx, id, a.Now); err != nil {
			return err
		}
		return m.record(ctx, tx, a, lanyard.Event{
			Type: lanyard.EventConnectionRemoved, Detail: map[string]string{"connection": string(id), "kind": string(before.Kind)},
		})
	})
}
