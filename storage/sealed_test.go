package storage_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// unsealed are the binary columns that hold no secret under a master key, and what they hold.
var unsealed = map[string]string{
	"signing_keys.public":            "a public key",
	"client_secrets.hash":            "a hash",
	"browsers.secret_hash":           "a hash",
	"auth_requests.binding_hash":     "a hash",
	"auth_requests.code_hash":        "a hash",
	"grants.refresh_current":         "a hash",
	"grants.refresh_previous":        "a hash",
	"access_tokens.hash":             "a hash",
	"one_time_tokens.hash":           "a hash",
	"replays.key":                    "a hash",
	"users.handle":                   "random, and known to authenticators",
	"recovery_codes.mac":             "a MAC",
	"challenges.mac":                 "a MAC",
	"challenges.link_hash":           "a hash",
	"invitations.code_hash":          "a hash",
	"organization_logos.content":     "a picture",
	"device_codes.code_hash":         "a hash",
	"device_codes.user_code_mac":     "a MAC",
	"federation_attempts.state_hash": "a hash",
}

// TestEverySealedColumnIsKnown: a binary column is either sealed, and then another master key
// has to be able to seal it again, or somebody said here what it is.
func TestEverySealedColumnIsKnown(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		sealed := storage.SealedColumns()
		columns, err := store.BinaryColumns(t.Context())
		ok(t, err)
		for _, column := range columns {
			if _, is := unsealed[column]; is == slices.Contains(sealed, column) {
				t.Errorf("%s: is it sealed? Say so in sealed.go or here", column)
			}
		}
		for _, column := range sealed {
			if !slices.Contains(columns, column) {
				t.Errorf("there is no binary column %s", column)
			}
		}
		if last := sealed[len(sealed)-1]; last != "signing_keys.sealed" {
			t.Errorf("%s comes last: a server that starts looks at the signing keys only", last)
		}
	})
}

// TestResealedValueReplacesOnlyWhatWasRead: a change in between stays, and the row of another tenant is another row.
func TestResealedValueReplacesOnlyWhatWasRead(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		const column = "signing_keys.sealed"
		a, b := furnish(t, store, "a"), furnish(t, store, "b")
		head := []byte("x")
		rows, err := a.SealedUnderOthers(t.Context(), column, head, nil, 10)
		ok(t, err)
		want := lanyard.Place{Tenant: a.TenantID(), Table: "signing_keys", Column: "sealed", Row: "key"}
		if len(rows) != 1 || rows[0].Place != want || string(rows[0].Sealed) != "a" {
			t.Fatalf("got %+v", rows)
		}
		if more, err := a.SealedUnderOthers(t.Context(), column, head, rows[0].Keys, 10); err != nil || len(more) != 0 {
			t.Errorf("after the last one: %v, %v", more, err)
		}
		changed, err := b.Reseal(t.Context(), column, rows[0], []byte("stolen"))
		if err != nil || changed {
			t.Errorf("in another tenant: %v, %v", changed, err)
		}
		for round, want := range []bool{true, false} {
			changed, err := a.Reseal(t.Context(), column, rows[0], fmt.Append(nil, "x", round))
			if err != nil || changed != want {
				t.Errorf("round %d: %v, %v", round, changed, err)
			}
		}
		counts, err := a.CountSealed(t.Context(), column, 1)
		if err != nil || len(counts) != 1 || string(counts[0].Head) != "x" || counts[0].Records != 1 {
			t.Errorf("got %+v, %v", counts, err)
		}
		everywhere, err := store.SigningKeysUnder(t.Context(), 1)
		if err != nil || len(everywhere) != 2 {
			t.Errorf("got %+v, %v", everywhere, err)
		}
	})
}

// sealedCases are what a stranger gets of sealed values, and what ends when a database was restored.
func sealedCases(t *testing.T, st stranger) (calls, own cases) {
	t.Helper()
	ctx, s := t.Context(), st.Scope
	const column = "signing_keys.sealed"
	row := storage.SealedRow{Keys: []string{string(st.victim.key.ID)}, Sealed: st.victim.key.Sealed}
	return cases{
			"CountSealed": func() error { found, err := s.CountSealed(ctx, column, 1); return touched(len(found), err) },
			"SealedUnderOthers": func() error {
				found, err := s.SealedUnderOthers(ctx, column, []byte("x"), nil, 10)
				return touched(len(found), err)
			},
			"Reseal": func() error { return touched(s.Reseal(ctx, column, row, []byte("stolen"))) },
		}, cases{
			"EndEverything": func() error { return first(s.EndEverything(ctx, now)) },
		}
}
