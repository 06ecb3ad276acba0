package tenants

import (
	"context"
	"encoding/base64"

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

// FirstAdministrator is who is made through a set-up link, by a password or by the
// answer of an authenticator.
type FirstAdministrator struct {
	// Profile has Name and Email.
	Profile  lanyard.Profile
	Password lanyard.Secret
	// Credential is the answer to the options of SetupPasskey; with one the password does not count.
	Credential []byte
	// Tenant is the new name of the default tenant; empty leaves the one it has.
	Tenant string
}

// SetupPasskey begins the making of the administrator's passkey and returns the
// options for navigator.credentials.create. Options before them are void; the token is
// not spent. Errors are those of FinishSetup; where passkeys do not work it is lanyard.ErrNotOffered.
func (s *Setup) SetupPasskey(ctx context.Context, live *Live, token lanyard.Secret, person lanyard.Profile) ([]byte, error) {
	if err := s.CheckSetup(ctx, live, token); err != nil {
		return nil, err
	}
	if _, err := lanyard.CanonicalEmail(person.Email); err != nil {
		return nil, err
	}
	return accounts.FirstPasskeyCreation(ctx, live.Tenancy(), person, setupHolder(token), s.Clock.Now())
}

// setupHolder is who a ceremony of a set-up link belongs to.
func setupHolder(token lanyard.Secret) string {
	return "setup:" + base64.RawURLEncoding.EncodeToString(token.Hash())
}

// FinishSetup spends the token and makes the administrator, in one transaction.
// lanyard.ErrNotFound is as for CheckSetup; lanyard.ErrBadInput and lanyard.ErrConflict
// refuse the address, the errors of accounts.Rules the password, lanyard.ErrNoPasskey and
// lanyard.ErrNotOffered the passkey, and leave the token as it is.
func (s *Setup) FinishSetup(ctx context.Context, live *Live, token lanyard.Secret, first FirstAdministrator) error {
	if err := s.CheckSetup(ctx, live, token); err != nil {
		return err
	}
	if _, err := lanyard.CanonicalEmail(first.Profile.Email); err != nil {
		return err
	}
	id, now := lanyard.NewUserID(), s.Clock.Now()
	user := lanyard.User{ID: id, Subject: string(id), Profile: lanyard.Profile{Name: first.Profile.Name}, UpdatedAt: now, CreatedAt: now}
	wayIn, err := s.wayIn(ctx, live, token, first, user)
	if err != nil {
		return err
	}
	return live.Scope.InTx(ctx, func(tx storage.Scope) error {
		if _, err := tx.SpendOneTimeToken(ctx, token.Hash(), SetupPurpose, now); err != nil {
			return err
		}
		for _, do := range []func() error{
			func() error { return tx.InsertUser(ctx, user) },
			func() error { return tx.SetPrimaryEmail(ctx, id, first.Profile.Email, false, now) },
			func() error { return wayIn(tx) },
			func() error { return tx.PutRole(ctx, "", RoleInstanceAdmin, []string{PermissionInstanceManage}, now) },
			func() error { return tx.GrantUserRole(ctx, id, RoleInstanceAdmin, now) },
			func() error { return rename(ctx, tx, first.Tenant) },
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

// wayIn checks password or passkey and returns how it is written.
func (s *Setup) wayIn(ctx context.Context, live *Live, token lanyard.Secret, first FirstAdministrator, user lanyard.User) (func(tx storage.Scope) error, error) {
	t := live.Tenancy()
	if len(first.Credential) > 0 {
		passkey, err := accounts.MadeFirstPasskey(ctx, t, user, setupHolder(token), first.Credential, user.CreatedAt)
		return func(tx storage.Scope) error { return passkey.Insert(ctx, tx) }, err
	}
	if err := s.rules.Check(t, accounts.NewPassword{Password: first.Password, User: lanyard.User{Profile: first.Profile}}); err != nil {
		return nil, err
	}
	hash, err := s.Hasher.Hash(ctx, first.Password)
	return func(tx storage.Scope) error {
		return tx.SetPassword(ctx, user.ID, storage.Password{Hash: hash}, user.CreatedAt)
	}, err
}

// rename gives the tenant its name, if there is a new one.
func rename(ctx context.Context, tx storage.Scope, name string) error {
	tenant, err := tx.Tenant(ctx)
	if err != nil || name == "" || name == tenant.Name {
		return err
	}
	tenant.Name = name
	return tx.UpdateTenant(ctx, tenant)
}
