package tenants

import (
	"context"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// SetupPurpose marks the one-time tokens of set-up links.
const SetupPurpose = "setup"

// Role of whoever administers the instance, a role of the default tenant, and what it may do.
const (
	RoleInstanceAdmin        = "instance-admin"
	PermissionInstanceManage = "instance:manage"
)

// MinPassword is the shortest password, in characters, of an account without a second factor.
const MinPassword = accounts.ShortestAlone

// Setup makes the first administrator through a set-up link.
type Setup struct {
	Hasher *accounts.Hasher
	Clock  clock.Clock
	rules  accounts.Rules
}

// CheckSetup tells whether the token of a set-up link can still be used;
// lanyard.ErrNotFound if it was used, has expired or never was.
func (s *Setup) CheckSetup(ctx context.Context, live *Live, token lanyard.Secret) error {
	lives, err := live.Scope.OneTimeTokenLives(ctx, token.Hash(), SetupPurpose, s.Clock.Now())
	if err == nil && (!lives || live.Tenant.Slug != lanyard.DefaultTenant) {
		return lanyard.ErrNotFound
	}
	return err
}

// FinishSetup spends the token and makes the administrator, in one transaction.
// lanyard.ErrNotFound is as for CheckSetup; lanyard.ErrBadInput and lanyard.ErrConflict
// refuse the address, the errors of accounts.Rules the password, and leave the token as it is.
func (s *Setup) FinishSetup(ctx context.Context, live *Live, token lanyard.Secret, person lanyard.Profile, password lanyard.Secret) error {
	if err := s.CheckSetup(ctx, live, token); err != nil {
		return err
	}
	if _, err := lanyard.CanonicalEmail(person.Email); err != nil {
		return err
	}
	t := accounts.Tenancy{Scope: live.Scope, Tenant: live.Tenant, Issuer: live.Issuer}
	if err := s.rules.Check(t, accounts.NewPassword{Password: password, User: lanyard.User{Profile: person}}); err != nil {
		return err
	}
	hash, err := s.Hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	now := s.Clock.Now()
	id := lanyard.NewUserID()
	user := lanyard.User{ID: id, Subject: string(id), Profile: lanyard.Profile{Name: person.Name}, UpdatedAt: now, CreatedAt: now}
	return live.Scope.InTx(ctx, func(tx storage.Scope) error {
		if _, err := tx.SpendOneTimeToken(ctx, token.Hash(), SetupPurpose, now); err != nil {
			return err
		}
		for _, do := range []func() error{
			func() error { return tx.InsertUser(ctx, user) },
			func() error { return tx.SetPrimaryEmail(ctx, id, person.Email, false, now) },
			func() error { return tx.SetPassword(ctx, id, storage.Password{Hash: hash}, now) },
			func() error { return tx.PutRole(ctx, "", RoleInstanceAdmin, []string{PermissionInstanceManage}, now) },
			func() error { return tx.GrantUserRole(ctx, id, RoleInstanceAdmin, now) },
			func() error {
				return tx.InsertEvent(ctx, lanyard.Event{Type: lanyard.EventSetupUsed, At: now, Actor: string(id), UserID: id})
			},
		} {
			if err := do(); err != nil {
				return err
			}
		}
		return nil
	})
}
