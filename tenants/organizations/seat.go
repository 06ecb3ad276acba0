package organizations

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// Resolver looks TXT records up: *net.Resolver outside of tests.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// Organizations holds the deeds on organizations.
type Organizations struct {
	// Accounts sends the mails.
	Accounts *accounts.Accounts
	Resolver Resolver
	// Upstreams is needed where organizations set up connections.
	Upstreams Upstreams
}

// Seat is a signed-in person at work in one organization. It is made anew for every
// request, by Enter.
type Seat struct {
	Tenancy accounts.Tenancy
	Actor   accounts.Actor
	lanyard.Joined
	Powers lanyard.Powers
	// Office is set when it is not a member's, but that of an administrator of the tenant.
	Office *Office
}

// Office is an administrator of the tenant at work in an organization, with the powers of
// an owner, or a machine that has roles in it.
type Office struct {
	// Actor is who it is, as events name them.
	Actor string
	// Still tells in the transaction of a change whether they may be there yet; an error
	// is why not.
	Still func(ctx context.Context, tx storage.Scope) error
	// Roles are those of a machine in the organization, which has to be open then: its powers
	// are theirs. It is nil for an administrator of the tenant.
	Roles func(ctx context.Context, scope storage.Scope, organization lanyard.OrganizationID) ([]string, error)
}

// Attend lets an administrator of the tenant work in an organization, that is named by
// id or slug, suspended ones too. One that is foreign, erased or was never there is lanyard.ErrNotFound.
func (o *Organizations) Attend(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, office Office, organization string) (Seat, error) {
	return officeAt(ctx, t.Scope, t, actor, office, organization)
}

func officeAt(ctx context.Context, scope storage.Scope, t accounts.Tenancy, actor accounts.Actor, office Office, organization string) (Seat, error) {
	find := scope.OrganizationBySlug
	if lanyard.IsOrganizationID(organization) {
		find = func(ctx context.Context, id string) (lanyard.Organization, error) {
			return scope.Organization(ctx, lanyard.OrganizationID(id))
		}
	}
	found, err := find(ctx, organization)
	if err != nil {
		return Seat{}, err
	}
	own, err := scope.Roles(ctx, found.ID)
	if err != nil {
		return Seat{}, err
	}
	roles := []string{lanyard.RoleOwner}
	if office.Roles != nil {
		if !found.Open() {
			return Seat{}, lanyard.ErrNotFound
		}
		if roles, err = office.Roles(ctx, scope, found.ID); err != nil {
			return Seat{}, err
		}
	}
	joined := lanyard.Joined{Organization: found, OwnRoles: own}
	return Seat{Tenancy: t, Actor: actor, Joined: joined, Powers: lanyard.PowersOf(roles, t.Roles, own), Office: &office}, nil
}

// ofTenant tells whether it is the office of an administrator of the tenant, who may do
// what members may not.
func (s Seat) ofTenant() bool { return s.Office != nil && s.Office.Roles == nil }

// by is who is at work, as events name them.
func (s Seat) by() string {
	if s.Office != nil {
		return s.Office.Actor
	}
	return string(s.Actor.User.ID)
}

// inviter is the member whose right to invite an invitation lives by; empty for an office,
// whose right does not lapse.
func (s Seat) inviter() lanyard.User {
	if s.Office != nil {
		return lanyard.User{}
	}
	return s.Actor.User
}

// checkFresh asks the person of a seat for a fresh proof. Of an office nothing is asked:
// its token was.
func (o *Organizations) checkFresh(ctx context.Context, s Seat, now time.Time) error {
	if s.Office != nil {
		return nil
	}
	return o.Accounts.CheckFresh(ctx, s.Tenancy, s.Actor, now)
}

// May tells whether the person may do what the permission names.
func (s Seat) May(permission string) bool { return s.Powers.May(permission) }

// Enter lets a member work in an organization, that is named by slug. One that is
// foreign, closed or was never there is lanyard.ErrNotFound; a session that the
// organization's policy does not accept is lanyard.ErrPolicyUnmet.
func (o *Organizations) Enter(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, slug string, now time.Time) (Seat, error) {
	if !lanyard.ValidSlug(slug) {
		return Seat{}, lanyard.ErrNotFound
	}
	seat, err := seatOf(ctx, t.Scope, t, actor, slug)
	if err == nil && !seat.Lets(actor.Session, now) {
		err = lanyard.ErrPolicyUnmet
	}
	return seat, err
}

func seatOf(ctx context.Context, scope storage.Scope, t accounts.Tenancy, actor accounts.Actor, organization string) (Seat, error) {
	joined, err := scope.Joined(ctx, actor.User.ID, organization)
	if err == nil && !joined.Counts() {
		err = lanyard.ErrNotFound
	}
	if err != nil {
		return Seat{}, err
	}
	return Seat{Tenancy: t, Actor: actor, Joined: joined, Powers: joined.Powers(t.Roles)}, nil
}

// inside does something that needs a permission (empty for none), in one transaction
// that holds the organization. The seat that do gets was read in it.
func (o *Organizations) inside(ctx context.Context, s Seat, permission string, do func(tx storage.Scope, now Seat) error) error {
	return s.Tenancy.Scope.InTx(ctx, func(tx storage.Scope) error {
		hold := tx.HoldOrganization
		if s.ofTenant() {
			hold = tx.LockOrganization // a closed one too
		}
		if _, err := hold(ctx, s.Organization.ID); err != nil {
			return err
		}
		current, err := s.again(ctx, tx)
		if err != nil {
			return err
		}
		if permission != "" && !current.May(permission) {
			return lanyard.ErrNotAllowed
		}
		return do(tx, current)
	})
}

// again is the seat as it is in a transaction.
func (s Seat) again(ctx context.Context, tx storage.Scope) (Seat, error) {
	if s.Office == nil {
		return seatOf(ctx, tx, s.Tenancy, s.Actor, string(s.Organization.ID))
	}
	if err := s.Office.Still(ctx, tx); err != nil {
		return Seat{}, err
	}
	return officeAt(ctx, tx, s.Tenancy, s.Actor, *s.Office, string(s.Organization.ID))
}

// event is a fact of the organization, done by the person of the seat.
func (s Seat) event(kind lanyard.EventType, now time.Time, detail map[string]string) lanyard.Event {
	return lanyard.Event{
		Type: kind, At: now, Actor: s.by(), SessionID: s.Actor.Session.ID, OrganizationID: s.Organization.ID, Detail: detail,
	}
}
