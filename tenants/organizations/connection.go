package organizations

import (
	"context"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// JoinByConnection makes a user, inside the transaction of the caller, a member of the
// organization whose own connection they came over for the first time, with the
// connection's default roles. Members stay as they are, and who was a member and is
// none any more does not come back by signing in. No seat left is lanyard.ErrNoSeat.
func (o *Organizations) JoinByConnection(ctx context.Context, tx storage.Scope, t accounts.Tenancy, c lanyard.Connection, user lanyard.User, now time.Time) error {
	return tx.InTx(ctx, func(tx storage.Scope) error {
		organization, err := tx.HoldOrganization(ctx, c.OrganizationID)
		if err != nil {
			return err
		}
		left, err := tx.LeftBefore(ctx, c.OrganizationID, user.ID)
		if err != nil || left {
			return err
		}
		if err := checkSeat(ctx, tx, organization, user.ID); err != nil {
			return ignoring(err, lanyard.ErrAlreadyMember)
		}
		roles, err := existing(ctx, tx, t, c)
		if err != nil {
			return err
		}
		return o.admit(ctx, tx, admission{
			organization: organization, user: user.ID, roles: roles, actor: string(user.ID), detail: map[string]string{"connection": string(c.ID)},
		}, now)
	})
}

// existing are the default roles of a connection that are there; member if none is.
func existing(ctx context.Context, tx storage.Scope, t accounts.Tenancy, c lanyard.Connection) ([]string, error) {
	own, err := tx.Roles(ctx, c.OrganizationID)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range c.DefaultRoles {
		named := func(r lanyard.Role) bool { return r.Name == name }
		known := slices.Contains(lanyard.BuiltInRoles, name) || slices.ContainsFunc(t.Roles, named) || slices.ContainsFunc(own, named)
		if known && name != lanyard.RoleOwner && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		out = []string{lanyard.RoleMember}
	}
	return out, nil
}
