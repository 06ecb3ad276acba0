package storage_test

import (
	"errors"
	"testing"

	"github.com/lanyard-id/lanyard"
)

// managementCases are the methods that administration brought.
func managementCases(t *testing.T, by stranger) (calls, own cases) {
	s, ctx := by.Scope, t.Context()
	taken, err := by.victim.ClaimIdempotencyKey(ctx, "actor", "key", now)
	if err != nil || !taken {
		t.Fatal(taken, err)
	}
	calls = cases{
		"IdempotentAnswer":      func() error { return first(s.IdempotentAnswer(ctx, "actor", "key")) },
		"ReleaseIdempotencyKey": func() error { return s.ReleaseIdempotencyKey(ctx, "actor", "key", []byte{}) },
		"KeepIdempotentAnswer":  func() error { return s.KeepIdempotentAnswer(ctx, "actor", "key", hash("x")) },
		"ExportUsers":           func() error { all, err := s.ExportUsers(ctx, "", 10); return touched(len(all), err) },
		"ExportPlaces":          func() error { all, err := s.ExportPlaces(ctx); return touched(len(all), err) },
		"ExportIdentities":      func() error { all, err := s.ExportIdentities(ctx); return touched(len(all), err) },
		"ExportLogo":            func() error { return first(s.ExportLogo(ctx, by.victim.org.ID, false)) },
		"MarkEmailVerified":     func() error { return s.MarkEmailVerified(ctx, by.victim.user.ID, "ada@example.test") },
		"ImportIdentity": func() error {
			return s.ImportIdentity(ctx, lanyard.LinkedIdentity{UserID: by.victim.user.ID, Identity: lanyard.Identity{ConnectionID: "con_same", Issuer: "x", Subject: "x"}})
		},
		"DeleteResource": func() error { return s.DeleteResource(ctx, "res_same") },
	}
	own = cases{
		"ClaimIdempotencyKey": func() error {
			fresh, err := s.ClaimIdempotencyKey(ctx, "actor", "key", now)
			if err == nil && !fresh {
				err = errors.New("the key of another tenant is in the way")
			}
			return err
		},
		"Witnessed": func() error { return s.Witnessed(s.TenantID(), "x").InsertEvent(ctx, lanyard.Event{At: now}) },
	}
	return calls, own
}
