package manifest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"github.com/lanyard-id/lanyard"
)

// Connection is an upstream provider of the tenant or of an organization. Its natural
// key is the id, which stands in the callback URL; without one it is the name among
// those of the same owner. It is replaced as a whole.
type Connection struct {
	lanyard.Connection
	// Enabled, SignIn, SignUp and Linking are true when the file leaves them out.
	Enabled *bool `json:"enabled"`
	SignIn  *bool `json:"sign_in"`
	SignUp  *bool `json:"sign_up"`
	Linking *bool `json:"linking"`
	// Secret is the client secret; PrivateKey, a JWK, stands for it with private_key_jwt.
	Secret     Secret `json:"client_secret"`
	PrivateKey Secret `json:"private_key"`
	BotToken   Secret `json:"bot_token"`
	// Tested says that a test sign-in with exactly this went well elsewhere.
	Tested bool `json:"tested"`
}

// connectionID keeps ids short and harmless in URLs.
var connectionID = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,40}$`)

// checkConnections complains about the connections of one owner. ids are those of the whole tenant.
func checkConnections(c checker, path string, all []Connection, owned bool, ids map[string]bool) {
	names := map[string]bool{}
	for i := range all {
		o, at := &all[i], fmt.Sprintf("%s.connections[%d]", path, i)
		c.unique(ids, at+".id", "connection", string(o.ID))
		c.unique(names, at+".name", "connection", o.Name)
		if o.ID != "" && !connectionID.MatchString(string(o.ID)) {
			c.complain(at+".id", "id is 1 to 41 of a-z, 0-9, - and _, and begins with a letter or digit")
		}
		o.check(c, at, owned)
	}
}

func (o *Connection) check(c checker, path string, owned bool) {
	o.Connection.Enabled, o.Connection.SignIn = chosen(o.Enabled, true), chosen(o.SignIn, true)
	o.Connection.SignUp, o.Connection.Linking = chosen(o.SignUp, true), chosen(o.Linking, true)
	if o.OrganizationID != "" {
		c.complain(path+".organization_id", "a connection belongs to whom it stands with")
	}
	checked := o.Connection
	if owned {
		checked.OrganizationID = "org_"
	}
	if err := checked.Check(); err != nil {
		c.complain(path, "%s", safe(err))
	}
	if owned && o.Kind == lanyard.ConnectionTelegram {
		c.complain(path+".kind", "telegram is for the tenant only")
	}
	if !owned && len(o.DefaultRoles) > 0 {
		c.complain(path+".default_roles", "default_roles are for an organization's connection")
	}
	if slices.Contains(o.DefaultRoles, lanyard.RoleOwner) {
		c.complain(path+".default_roles", "nobody becomes an owner by signing in")
	}
	o.checkSecrets(c, path)
}

// checkSecrets reads the secrets and insists on the one that the connection authenticates with.
func (o *Connection) checkSecrets(c checker, path string) {
	o.Secret.resolve(c, path+".client_secret")
	o.PrivateKey.resolve(c, path+".private_key")
	o.BotToken.resolve(c, path+".bot_token")
	needed, other := "client_secret", "private_key"
	if o.Auth == lanyard.UpstreamJWT {
		needed, other = other, needed
	}
	if !c.document.Has(path + "." + needed) {
		c.complain(path, "the connection needs a %s", needed)
	}
	if c.document.Has(path + "." + other) {
		c.complain(path+"."+other, "with %s a connection has no %s", needed, other)
	}
	if o.Kind != lanyard.ConnectionTelegram && c.document.Has(path+".bot_token") {
		c.complain(path+".bot_token", "only Telegram has bots")
	}
	if !o.PrivateKey.Value.IsZero() {
		if err := c.options.checkKey(o.PrivateKey.Value); err != nil {
			c.complain(path+".private_key", "%s", safe(err))
		}
	}
}

// checkKey is CheckKey, or without one a look at whether the text can be a private JWK.
func (o Options) checkKey(text lanyard.Secret) error {
	if o.CheckKey != nil {
		return o.CheckKey(text)
	}
	var jwk struct{ Kty, D string }
	if json.Unmarshal([]byte(text.Reveal()), &jwk) != nil || jwk.Kty == "" || jwk.D == "" {
		return lanyard.ErrBadInput.Saying("the key of a connection is a private JWK")
	}
	return nil
}

// secret is what the connection authenticates with.
func (o *Connection) secret() lanyard.Secret {
	if o.Auth == lanyard.UpstreamJWT {
		return o.PrivateKey.Value
	}
	return o.Secret.Value
}

// putConnections writes the connections of an organization, or of the tenant (empty).
func (r *run) putConnections(ctx context.Context, owner lanyard.OrganizationID, all []Connection) error {
	if len(all) == 0 {
		return nil
	}
	stored, err := r.scope.TenantConnections(ctx)
	if owner != "" {
		stored, err = r.scope.OrganizationConnections(ctx, owner)
	}
	if err != nil {
		return err
	}
	for i := range all {
		if err := r.putConnection(ctx, owner, &all[i], stored); err != nil {
			return fmt.Errorf("connection %s: %w", all[i].Name, err)
		}
	}
	return nil
}

func (r *run) putConnection(ctx context.Context, owner lanyard.OrganizationID, o *Connection, stored []lanyard.Connection) error {
	before, exists, err := o.among(stored)
	if err != nil {
		return err
	}
	after, err := r.sealed(o.onto(before, owner, r), before, o)
	if err != nil {
		return err
	}
	for _, role := range after.DefaultRoles {
		if err := r.organizationRole(ctx, owner, role); err != nil {
			return err
		}
	}
	if o.Tested {
		after.TestedAs = after.Fingerprint()
	}
	changed := !exists || !sameConnection(before, after) || after.TestedAs != before.TestedAs
	r.summary.count(exists, changed)
	if !changed {
		return nil
	}
	if exists && before.Kind != after.Kind {
		return lanyard.ErrBadInput.Saying("the kind of a connection can not be changed")
	}
	if err := r.scope.PutConnection(ctx, after); err != nil {
		return err
	}
	if o.Tested {
		if err := r.scope.NoteConnectionTest(ctx, after.ID, after.TestedAs); err != nil {
			return err
		}
	}
	return r.recordIn(ctx, owner, lanyard.EventConnectionUpdated, map[string]string{"connection": string(after.ID), "kind": string(after.Kind)})
}

// among finds what is stored of a connection.
func (o *Connection) among(stored []lanyard.Connection) (lanyard.Connection, bool, error) {
	at := slices.IndexFunc(stored, func(s lanyard.Connection) bool { return o.ID != "" && s.ID == o.ID })
	named := slices.IndexFunc(stored, func(s lanyard.Connection) bool { return s.Name == o.Name })
	switch {
	case at >= 0:
		return stored[at], true, nil
	case named >= 0 && o.ID != "":
		return lanyard.Connection{}, false, lanyard.ErrBadInput.Saying("it is there with the id " + string(stored[named].ID) + ", and an id can not be changed")
	case named >= 0:
		return stored[named], true, nil
	}
	return lanyard.Connection{}, false, nil
}

// onto is the connection as the file says, with what a file does not say.
func (o *Connection) onto(before lanyard.Connection, owner lanyard.OrganizationID, r *run) lanyard.Connection {
	out := o.Connection
	out.TenantID, out.OrganizationID, out.TestedAs, out.CreatedAt = r.scope.TenantID(), owner, before.TestedAs, before.CreatedAt
	if out.CreatedAt.IsZero() {
		out.CreatedAt = r.now
	}
	if before.ID != "" {
		out.ID = before.ID
	}
	if out.ID == "" {
		out.ID = lanyard.NewConnectionID()
	}
	return out
}

// sealed gives a connection its secrets, sealed anew only if they are others.
func (r *run) sealed(out, before lanyard.Connection, o *Connection) (lanyard.Connection, error) {
	var err error
	if out.SealedSecret, err = r.reseal(out.SecretPlace(), before.SealedSecret, o.secret()); err != nil {
		return out, err
	}
	out.SealedBotToken, err = r.reseal(out.BotTokenPlace(), before.SealedBotToken, o.BotToken.Value)
	return out, err
}

// reseal seals a secret for a place, unless what is sealed there opens to the same; an
// empty secret is none.
func (r *run) reseal(place lanyard.Place, before []byte, secret lanyard.Secret) ([]byte, error) {
	if secret.IsZero() {
		return nil, nil
	}
	if len(before) > 0 {
		if plain, err := r.deps.Keeper.Sealer.Open(place, before); err == nil && string(plain) == secret.Reveal() {
			return before, nil
		}
	}
	return r.deps.Keeper.Sealer.Seal(place, []byte(secret.Reveal()))
}

func sameConnection(a, b lanyard.Connection) bool {
	return sameDocument(a, b) && bytes.Equal(a.SealedSecret, b.SealedSecret) && bytes.Equal(a.SealedBotToken, b.SealedBotToken)
}

// checkConnected is lanyard.ErrConnectionNeeded for an organization that insists on its
// own connection and has none by which people sign in.
func (r *run) checkConnected(ctx context.Context, o lanyard.Organization) error {
	if !o.Policy.OwnConnectionOnly {
		return nil
	}
	all, err := r.scope.OrganizationConnections(ctx, o.ID)
	if err == nil && !slices.ContainsFunc(all, lanyard.Connection.Offered) {
		err = lanyard.ErrConnectionNeeded
	}
	return err
}
