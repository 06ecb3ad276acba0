package storage_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// administrationCases are the methods by which people, organizations and tenants are administered.
func administrationCases(t *testing.T, by stranger) (calls, own cases) {
	s, ctx, user := by.Scope, t.Context(), by.victim.user.ID
	window := storage.Window{Sort: "name", Limit: 10}
	calls = cases{
		"UserList": func() error {
			all, err := s.UserList(ctx, storage.UserQuery{Window: window})
			return touched(len(all), err)
		},
		"OrganizationList": func() error {
			all, err := s.OrganizationList(ctx, storage.OrganizationQuery{Window: window})
			return touched(len(all), err)
		},
		"SlugTaken":         func() error { return touched(s.SlugTaken(ctx, by.victim.org.Slug)) },
		"RolesOf":           func() error { all, err := s.RolesOf(ctx, []lanyard.UserID{user}); return touched(len(all[user]), err) },
		"LockUser":          func() error { return s.LockUser(ctx, user) },
		"OthersWithRole":    func() error { return touched(s.OthersWithRole(ctx, "usr_x", []string{"auditor", "x"})) },
		"TakeUserRole":      func() error { return s.TakeUserRole(ctx, user, "auditor") },
		"DeletePassword":    func() error { return s.DeletePassword(ctx, user) },
		"PasswordChanged":   func() error { at, _, err := s.PasswordChanged(ctx, user); return found(at, err) },
		"RecoveryCodesLeft": func() error { n, _, err := s.RecoveryCodesLeft(ctx, user); return touched(n, err) },
		"SetEmailVerified":  func() error { return s.SetEmailVerified(ctx, user, "ada@example.test", true) },
		"UserGrants":        func() error { all, err := s.UserGrants(ctx, user, now, window); return touched(len(all), err) },
		"RevokeUserGrant":   func() error { return first(s.RevokeUserGrant(ctx, user, by.victim.grant.ID, "x", now)) },
	}
	own = cases{
		"LockTenant": func() error { return s.LockTenant(ctx) },
		"Beside":     func() error { return s.Beside(s.TenantID()).LockTenant(ctx) },
	}
	return calls, own
}

func found(at time.Time, err error) error {
	if !at.IsZero() {
		return fmt.Errorf("%s is the victim's", at)
	}
	return err
}
