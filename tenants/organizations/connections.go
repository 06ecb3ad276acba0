package organizations

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// Upstreams judges connections: *federation.Upstreams.
type Upstreams interface {
	// Check is lanyard.ErrBadInput for what can not be stored.
	Check(c lanyard.Connection) error
	// Probe fetches what the upstream publishes: lanyard.ErrUpstreamDown or
	// lanyard.ErrUpstreamWrong if it can not be used.
	Probe(ctx context.Context, c lanyard.Connection) error
}

// ConnectionKinds are those that an organization can have. Telegram's bots are the tenant's.
var ConnectionKinds = []lanyard.ConnectionKind{lanyard.ConnectionGoogle, lanyard.ConnectionMicrosoft, lanyard.ConnectionOIDC}

// maxConnections bounds the connections of an organization.
const maxConnections = 10

// probeRule is how often an organization has upstreams asked for their documents.
var probeRule = storage.AttemptRule{Free: 30, Delay: 10 * time.Second, Longest: 5 * time.Minute, Memory: time.Hour}

// Connections lists the connections of the organization in the order of their
// buttons. It needs connections:manage, as everything here does.
func (o *Organizations) Connections(ctx context.Context, s Seat) ([]lanyard.Connection, error) {
	if !s.May(lanyard.MayManageConnections) {
		return nil, lanyard.ErrNotAllowed
	}
	return s.Tenancy.Scope.OrganizationConnections(ctx, s.Organization.ID)
}

// Connection finds one of the organization's connections; another's is lanyard.ErrNotFound.
func (o *Organizations) Connection(ctx context.Context, s Seat, id lanyard.ConnectionID) (lanyard.Connection, error) {
	if !s.May(lanyard.MayManageConnections) {
		return lanyard.Connection{}, lanyard.ErrNotAllowed
	}
	return connectionOf(ctx, s.Tenancy.Scope, s, id)
}

func connectionOf(ctx context.Context, scope storage.Scope, s Seat, id lanyard.ConnectionID) (lanyard.Connection, error) {
	all, err := scope.OrganizationConnections(ctx, s.Organization.ID)
	if err != nil {
		return lanyard.Connection{}, err
	}
	i := slices.IndexFunc(all, func(c lanyard.Connection) bool { return c.ID == id })
	if i < 0 {
		return lanyard.Connection{}, lanyard.ErrNotFound
	}
	return all[i], nil
}

// AddConnection adds a connection, switched off, after a fresh proof. Id, owner and
// times are not the caller's to choose. What is wrong with it is lanyard.ErrBadInput, a
// role that the person may not give lanyard.ErrNotAllowed; an upstream whose documents
// can not be used now is lanyard.ErrUpstreamDown or lanyard.ErrUpstreamWrong.
func (o *Organizations) AddConnection(ctx context.Context, s Seat, c lanyard.Connection, secret lanyard.Secret, now time.Time) (lanyard.Connection, error) {
	if secret.IsZero() {
		return lanyard.Connection{}, lanyard.ErrBadInput.Saying("a connection needs a client secret")
	}
	c.ID, c.TestedAs, c.CreatedAt, c.Enabled = lanyard.NewConnectionID(), "", now, false
	c.TenantID, c.OrganizationID, c.SealedSecret, c.SealedBotToken = s.Tenancy.Tenant.ID, s.Organization.ID, nil, nil
	if err := o.mayWrite(ctx, s, c, secret, true, now); err != nil {
		return lanyard.Connection{}, err
	}
	var err error
	if c.SealedSecret, err = o.Accounts.Sealer.Seal(c.SecretPlace(), []byte(secret.Reveal())); err != nil {
		return lanyard.Connection{}, err
	}
	return c, o.inside(ctx, s, lanyard.MayManageConnections, func(tx storage.Scope, s Seat) error {
		all, err := tx.OrganizationConnections(ctx, s.Organization.ID)
		switch {
		case err != nil:
			return err
		case len(all) >= maxConnections:
			return lanyard.ErrBadInput.Saying("an organization has at most 10 connections")
		case !s.mayGiveAll(rolesOf(c)):
			return lanyard.ErrNotAllowed
		}
		return putConnection(ctx, tx, s, lanyard.Connection{}, c, all, now)
	})
}

// ChangeConnection changes a connection after a fresh proof, all but its id, kind and
// owner, and whether it is on. An empty secret keeps the one that it has, at the same issuer: it
// is not for another one to learn. What decides
// whether sign-ins work switches it off until it was tested again; where the
// organization insists on its own and has no other, that is lanyard.ErrConnectionNeeded.
func (o *Organizations) ChangeConnection(ctx context.Context, s Seat, c lanyard.Connection, secret lanyard.Secret, now time.Time) (lanyard.Connection, error) {
	if !s.May(lanyard.MayManageConnections) {
		return lanyard.Connection{}, lanyard.ErrNotAllowed
	}
	before, err := connectionOf(ctx, s.Tenancy.Scope, s, c.ID)
	if err != nil {
		return lanyard.Connection{}, err
	}
	if (c.Auth == lanyard.UpstreamJWT) != (before.Auth == lanyard.UpstreamJWT) && secret.IsZero() {
		return lanyard.Connection{}, lanyard.ErrBadInput.Saying("a secret and a key are two things: give the new one")
	}
	c = onto(c, before)
	moved := c.IssuerURL() != before.IssuerURL()
	if err := o.mayWrite(ctx, s, c, secret, moved && !secret.IsZero(), now); err != nil {
		return lanyard.Connection{}, err
	}
	if moved && secret.IsZero() {
		return lanyard.Connection{}, lanyard.ErrBadInput.Saying("another issuer has another secret: give it")
	}
	if !secret.IsZero() {
		if c.SealedSecret, err = o.Accounts.Sealer.Seal(c.SecretPlace(), []byte(secret.Reveal())); err != nil {
			return lanyard.Connection{}, err
		}
	}
	return c, o.edit(ctx, s, lanyard.MayManageConnections, c.ID, now, func(s Seat, current lanyard.Connection) (lanyard.Connection, error) {
		switch {
		case !same(current, before): // somebody else was quicker
			return current, lanyard.ErrConflict
		case !s.mayGiveAll(rolesOf(c)):
			return current, lanyard.ErrNotAllowed
		}
		c.Enabled = c.Enabled && c.Fingerprint() == before.Fingerprint()
		return c, nil
	})
}

// onto is a connection with what a change leaves as it was.
func onto(c, before lanyard.Connection) lanyard.Connection {
	c.TenantID, c.OrganizationID, c.Kind, c.Enabled = before.TenantID, before.OrganizationID, before.Kind, before.Enabled
	c.SealedSecret, c.SealedBotToken, c.TestedAs, c.CreatedAt = before.SealedSecret, before.SealedBotToken, before.TestedAs, before.CreatedAt
	return c
}

// mayWrite tells whether the person may store the connection, and whether it can be:
// asking is for those whose upstream has to be asked first.
func (o *Organizations) mayWrite(ctx context.Context, s Seat, c lanyard.Connection, secret lanyard.Secret, asking bool, now time.Time) error {
	if !s.May(lanyard.MayManageConnections) {
		return lanyard.ErrNotAllowed
	}
	if err := o.CheckConnection(s, c, secret); err != nil {
		return err
	}
	if err := o.checkFresh(ctx, s, now); err != nil || !asking {
		return err
	}
	if err := accounts.Limit(ctx, s.Tenancy.Scope, "connection_probe", string(s.Organization.ID), probeRule, now); err != nil {
		return err
	}
	return o.Upstreams.Probe(ctx, c)
}

// EnableConnection lets people sign in by a connection. It needs policy:manage too, a
// fresh proof, and that somebody signed in with the connection as it is (lanyard.ErrUntested).
func (o *Organizations) EnableConnection(ctx context.Context, s Seat, id lanyard.ConnectionID, now time.Time) error {
	return o.setEnabled(ctx, s, lanyard.MayManagePolicy, id, now, func(s Seat, c lanyard.Connection) (lanyard.Connection, error) {
		switch {
		case c.TestedAs != c.Fingerprint():
			return c, lanyard.ErrUntested
		case !s.mayGiveAll(rolesOf(c)):
			return c, lanyard.ErrNotAllowed
		}
		c.Enabled = true
		return c, nil
	})
}

// DisableConnection closes a connection after a fresh proof. The last one of an
// organization that insists on its own is lanyard.ErrConnectionNeeded.
func (o *Organizations) DisableConnection(ctx context.Context, s Seat, id lanyard.ConnectionID, now time.Time) error {
	return o.setEnabled(ctx, s, lanyard.MayManageConnections, id, now, func(_ Seat, c lanyard.Connection) (lanyard.Connection, error) {
		c.Enabled = false
		return c, nil
	})
}

func (o *Organizations) setEnabled(ctx context.Context, s Seat, permission string, id lanyard.ConnectionID, now time.Time, change editing) error {
	if !s.May(lanyard.MayManageConnections) || !s.May(permission) {
		return lanyard.ErrNotAllowed
	}
	if err := o.checkFresh(ctx, s, now); err != nil {
		return err
	}
	return o.edit(ctx, s, permission, id, now, change)
}

// RemoveConnection takes a connection away, with everything that was signed in to by
// it, after a fresh proof. typedName repeats its name, lanyard.ErrBadInput otherwise.
// The last one of an organization that insists on its own is lanyard.ErrConnectionNeeded.
func (o *Organizations) RemoveConnection(ctx context.Context, s Seat, id lanyard.ConnectionID, typedName string, now time.Time) error {
	if !s.May(lanyard.MayManageConnections) {
		return lanyard.ErrNotAllowed
	}
	if err := o.checkFresh(ctx, s, now); err != nil {
		return err
	}
	return o.inside(ctx, s, lanyard.MayManageConnections, func(tx storage.Scope, s Seat) error {
		all, err := tx.OrganizationConnections(ctx, s.Organization.ID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(c lanyard.Connection) bool { return c.ID == id })
		if i < 0 {
			return lanyard.ErrNotFound
		}
		gone := all[i]
		if strings.TrimSpace(typedName) != gone.Name {
			return lanyard.ErrBadInput.Saying("the name of the connection is another one")
		}
		if err := s.keepConnection(slices.Delete(all, i, i+1)); err != nil {
			return err
		}
		if err := tx.RemoveConnection(ctx, id, now); err != nil {
			return err
		}
		if err := tx.BumpRevision(ctx); err != nil {
			return err
		}
		return tx.InsertEvent(ctx, s.event(lanyard.EventConnectionRemoved, now, connectionDetail(gone, lanyard.Connection{ID: gone.ID, Kind: gone.Kind})))
	})
}

// editing is a change of a connection, by what the person may do at that moment.
type editing func(s Seat, c lanyard.Connection) (lanyard.Connection, error)

// edit changes a connection of the organization.
func (o *Organizations) edit(ctx context.Context, s Seat, permission string, id lanyard.ConnectionID, now time.Time, change editing) error {
	return o.inside(ctx, s, permission, func(tx storage.Scope, s Seat) error {
		if !s.May(lanyard.MayManageConnections) {
			return lanyard.ErrNotAllowed
		}
		all, err := tx.OrganizationConnections(ctx, s.Organization.ID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(c lanyard.Connection) bool { return c.ID == id })
		if i < 0 {
			return lanyard.ErrNotFound
		}
		before := all[i]
		if all[i], err = change(s, before); err != nil || same(before, all[i]) {
			return err
		}
		if before.Offered() && !all[i].Offered() {
			if err := s.keepConnection(all); err != nil {
				return err
			}
		}
		return putConnection(ctx, tx, s, before, all[i], slices.Delete(slices.Clone(all), i, i+1), now)
	})
}

// keepConnection is lanyard.ErrConnectionNeeded for connections by which nobody signs
// in to an organization that insists on them.
func (s Seat) keepConnection(left []lanyard.Connection) error {
	if s.Organization.Policy.OwnConnectionOnly && !slices.ContainsFunc(left, lanyard.Connection.Offered) {
		return lanyard.ErrConnectionNeeded
	}
	return nil
}

// putConnection stores a connection beside the others, and records what is different.
func putConnection(ctx context.Context, tx storage.Scope, s Seat, before, after lanyard.Connection, others []lanyard.Connection, now time.Time) error {
	if slices.ContainsFunc(others, func(c lanyard.Connection) bool { return c.Name == after.Name }) {
		return lanyard.ErrConflict.Saying("there is a connection with this name")
	}
	if err := tx.PutConnection(ctx, after); err != nil {
		return err
	}
	if err := tx.BumpRevision(ctx); err != nil {
		return err
	}
	return tx.InsertEvent(ctx, s.event(lanyard.EventConnectionUpdated, now, connectionDetail(before, after)))
}

// rolesOf are the roles that people get who come over a connection.
func rolesOf(c lanyard.Connection) []string {
	if c.JustInTime && len(c.DefaultRoles) == 0 {
		return []string{lanyard.RoleMember}
	}
	return c.DefaultRoles
}

func same(a, b lanyard.Connection) bool {
	return len(connectionDetail(a, b)) == len(connectionDetail(a, a))
}

// connectionDetail is what an event says of a change: what is different, as it is in
// documents, and never a secret.
func connectionDetail(before, after lanyard.Connection) map[string]string {
	out := map[string]string{"connection": string(after.ID), "kind": string(after.Kind)}
	was, is := fieldsOf(before), fieldsOf(after)
	for name := range is {
		if _, known := was[name]; !known {
			was[name] = nil
		}
	}
	for name, old := range was {
		if name == "id" || name == "kind" || name == "organization_id" || bytes.Equal(old, is[name]) {
			continue
		}
		if len(old) > 0 {
			out[name+"_before"] = wordOf(old)
		}
		if len(is[name]) > 0 {
			out[name+"_after"] = wordOf(is[name])
		}
	}
	if !bytes.Equal(before.SealedSecret, after.SealedSecret) {
		out["secret"] = "changed"
	}
	return out
}

func fieldsOf(c lanyard.Connection) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	if c.Name == "" { // none at all
		return out
	}
	document, err := json.Marshal(c)
	if err == nil {
		err = json.Unmarshal(document, &out)
	}
	if err != nil { // a struct of text, lists and maps is always written, and read
		panic(err)
	}
	return out
}

// wordOf is a text without its quotes; everything else stays JSON.
func wordOf(field json.RawMessage) string {
	var text string
	if json.Unmarshal(field, &text) == nil {
		return text
	}
	return string(field)
}
