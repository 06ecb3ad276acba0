package management

import (
	"context"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/provider/token"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/manifest"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// Management holds what the deeds need besides the tenant.
type Management struct {
	Store         *storage.Store
	Directory     *tenants.Directory
	Accounts      *accounts.Accounts
	Organizations *organizations.Organizations
	Keeper        *keys.Keeper
	Sealer        lanyard.Sealer
	Clock         clock.Clock
	// CheckURL tells whether an address of somebody else may be called at all.
	CheckURL func(string) error
	// Manifest is what declarative files need; Parse what reading one needs.
	Manifest manifest.Deps
	Parse    manifest.Options
}

// Administrator is who calls a deed, made anew for every call by Enter or Operator.
type Administrator struct {
	// Live is the tenant that is administered, Home the one that the caller belongs to.
	Live, Home *tenants.Live
	// Person is the signed-in person; zero for a machine or the operator.
	Person accounts.Actor
	// Client is the client that was given the token; empty for the operator.
	Client lanyard.ClientID
	// Powers are those over the tenant Live.
	Powers lanyard.Powers
	// Joined is the place of the caller in the organization of the token; zero without one.
	Joined lanyard.Joined
	// ReadOnly callers change nothing, whatever their powers are.
	ReadOnly bool
	// Grant is the grant behind a person's token.
	Grant lanyard.GrantID
	// operator is whoever holds the database itself.
	operator bool
	// Now is the moment of the call.
	Now time.Time
}

// Enter is the caller behind an access token of the tenant home, at work in the tenant
// live. A token that is not for the management API of home is lanyard.ErrInsufficientScope;
// another tenant than their own is for administrators of the instance, in the default
// tenant (lanyard.ErrNotAllowed otherwise).
func (m *Management) Enter(ctx context.Context, home, live *tenants.Live, v token.Verified) (Administrator, error) {
	resource := lanyard.ManagementResource(home.Issuer)
	writes := v.Scopes.Has(lanyard.ScopeManage)
	if !slices.Contains(v.Audience, resource.Identifier) || !(writes || v.Scopes.Has(lanyard.ScopeManageRead)) {
		return Administrator{}, lanyard.ErrInsufficientScope
	}
	a := Administrator{Live: live, Home: home, Client: v.ClientID, Joined: v.Joined, ReadOnly: !writes, Now: m.Clock.Now()}
	roles, err := m.tenantRoles(ctx, home, v)
	if err != nil {
		return Administrator{}, err
	}
	if v.Standing != nil {
		a.Person = accounts.Actor{User: v.Standing.User, Session: v.Standing.Session}
		a.Grant = v.Standing.Grant.ID
	}
	a.Powers = lanyard.TenantPowersOf(roles, home.Roles, home.Tenant.Slug == lanyard.DefaultTenant)
	if live != home {
		if !a.Powers.May(lanyard.MayManageInstance) {
			return Administrator{}, lanyard.ErrNotAllowed
		}
		a.Joined = lanyard.Joined{}
		a.Live = live.In(live.Scope.Witnessed(home.Tenant.ID, live.Tenant.Slug))
	}
	if a.ReadOnly {
		a.Powers = a.Powers.ReadOnly()
	}
	return a, nil
}

// tenantRoles are the roles in the home tenant of whoever has a token. What an
// organization's own connection proved has none.
func (m *Management) tenantRoles(ctx context.Context, home *tenants.Live, v token.Verified) ([]string, error) {
	switch {
	case v.Standing == nil:
		client, err := home.Client(ctx, v.ClientID)
		if err != nil {
			return nil, err
		}
		if client.Type != lanyard.ClientMachine {
			return nil, nil
		}
		return client.Roles, nil
	case v.Standing.Grant.Confined:
		return nil, nil
	}
	return home.Scope.UserRoles(ctx, v.Standing.User.ID)
}

// Operator is whoever holds the database and the master key: the command line at the server.
func (m *Management) Operator(live *tenants.Live) Administrator {
	return Administrator{Live: live, Home: live, Powers: lanyard.EveryTenantPower(), operator: true, Now: m.Clock.Now()}
}

// Need is lanyard.ErrNotAllowed unless the caller has the permission.
func (a Administrator) Need(permission string) error {
	if !a.Powers.May(permission) {
		return lanyard.ErrNotAllowed
	}
	return nil
}

// Scope is the rows of the tenant.
func (a Administrator) Scope() storage.Scope { return a.Live.Scope }

// Actor is the caller as events name them.
func (a Administrator) Actor() string {
	switch {
	case a.Person.User.ID != "":
		return string(a.Person.User.ID)
	case a.Client != "" && a.Home.Tenant.ID != a.Live.Tenant.ID: // a client of that name may be here, too
		return string(a.Client) + "@" + a.Home.Tenant.Slug
	case a.Client != "":
		return string(a.Client)
	}
	return actorOperator
}

// actorOperator is whoever holds the database, as events name them. No client and no
// person can have a name with @ in front.
const actorOperator = "@operator"

// in is the same caller within a transaction.
func (a Administrator) in(tx storage.Scope) Administrator {
	out := a
	out.Live = a.Live.In(tx)
	if a.Home == a.Live {
		out.Home = out.Live
	}
	return out
}

// powersOf are the powers over the tenant that tenant roles give, as they are in the transaction.
func (a Administrator) powersOf(ctx context.Context, tx storage.Scope, names []string) (lanyard.Powers, error) {
	roles, err := tx.Roles(ctx, "")
	return lanyard.TenantPowersOf(names, roles, a.Live.Tenant.Slug == lanyard.DefaultTenant), err
}

// Above is lanyard.ErrNotAllowed unless the caller has at least the powers that somebody with
// these tenant roles has. Reading the roles in the transaction of the change makes it hold there.
func (a Administrator) Above(ctx context.Context, tx storage.Scope, names []string) error {
	theirs, err := a.powersOf(ctx, tx, names)
	if err == nil && !a.Powers.Covers(theirs) {
		err = lanyard.ErrNotAllowed.Saying("this needs at least the powers that are given, taken or acted on")
	}
	return err
}

// still is lanyard.ErrNotAllowed when the caller lost the permission meanwhile. It is
// asked in the transaction of a change.
func (a Administrator) still(ctx context.Context, tx storage.Scope, permission string) error {
	if a.operator || a.Live.Tenant.ID != a.Home.Tenant.ID || a.Person.User.ID == "" {
		return a.Need(permission)
	}
	names, err := tx.UserRoles(ctx, a.Person.User.ID)
	if err != nil {
		return err
	}
	now, err := a.powersOf(ctx, tx, names)
	if err == nil && (!now.May(permission) || !a.Powers.May(permission)) {
		err = lanyard.ErrNotAllowed
	}
	return err
}

// record writes a fact into the transaction of its change.
func (m *Management) record(ctx context.Context, tx storage.Scope, a Administrator, e lanyard.Event) error {
	e.At, e.Actor, e.SessionID = a.Now, a.Actor(), a.session(e.SessionID)
	return tx.InsertEvent(ctx, e)
}

// session is the caller's own session, unless the fact is about another one. A session of another tenant says nothing.
func (a Administrator) session(about lanyard.SessionID) lanyard.SessionID {
	if about != "" || a.Live.Tenant.ID != a.Home.Tenant.ID {
		return about
	}
	return a.Person.Session.ID
}
