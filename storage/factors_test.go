package storage_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/storage"
)

// equip gives the user of a house one of each factor.
func equip(t *testing.T, h *house) {
	t.Helper()
	ctx := t.Context()
	ok(t, h.OfferTOTP(ctx, seedOf(h), now))
	ok(t, h.ConfirmTOTP(ctx, seedOf(h), now.Add(-time.Minute), now))
	ok(t, h.ReplaceRecoveryCodes(ctx, h.user.ID, [][]byte{[]byte("one"), []byte("two")}, now))
	ok(t, h.InsertPasskey(ctx, passkeyOf(h), 5))
	ok(t, first(h.UserHandle(ctx, h.user.ID, []byte("handle"))))
	ok(t, h.RememberDevice(ctx, h.user.ID, h.browser, now.Add(time.Hour), now))
	ok(t, h.PutCeremony(ctx, ceremony))
}

func seedOf(h *house) storage.TOTP {
	return storage.TOTP{UserID: h.user.ID, ID: "seed", Sealed: []byte("sealed"), Holder: "holder", LastStep: 7, CreatedAt: now}
}

func passkeyOf(h *house) lanyard.Passkey {
	return lanyard.Passkey{ID: "key", UserID: h.user.ID, RPID: "example.test", Name: "Key", Record: "{}", CreatedAt: now}
}

var ceremony = storage.Ceremony{Holder: "holder", Purpose: "create", Data: "{}", ExpiresAt: now.Add(time.Minute)}

// factorCases are the calls of a stranger on the factors of the victim.
func factorCases(t *testing.T, s stranger) (calls, own cases) {
	ctx, user := t.Context(), s.victim.user.ID
	equip(t, s.victim)
	return cases{
			"Factors":      func() error { return first(s.Factors(ctx, user, hash("cookie"), now)) },
			"OfferTOTP":    func() error { return s.OfferTOTP(ctx, seedOf(s.victim), now.Add(time.Hour)) },
			"TOTP":         func() error { return first(s.TOTP(ctx, user)) },
			"ConfirmTOTP":  func() error { return s.ConfirmTOTP(ctx, seedOf(s.victim), now.Add(-time.Minute), now) },
			"SpendTOTP":    func() error { return s.SpendTOTP(ctx, user, "seed", 8) },
			"DeleteTOTP":   func() error { return touched(s.DeleteTOTP(ctx, user)) },
			"UserHandle":   func() error { return first(s.UserHandle(ctx, user, []byte("other"))) },
			"OwnedPasskey": func() error { return first(s.OwnedPasskey(ctx, "key")) },
			"Passkeys":     func() error { all, err := s.Passkeys(ctx, user); return touched(len(all), err) },
			"UsePasskey": func() error {
				return s.UsePasskey(ctx, storage.PasskeyUse{ID: "key", UserID: user, Record: "x", Counter: 9, Above: 8}, now)
			},
			"RenamePasskey":        func() error { return s.RenamePasskey(ctx, user, "key", "x") },
			"DeletePasskey":        func() error { return s.DeletePasskey(ctx, user, "key", now) },
			"PasskeyDeleted":       func() error { return touched(s.PasskeyDeleted(ctx, "gone")) },
			"InsertPasskey":        func() error { return s.InsertPasskey(ctx, passkeyOf(s.victim), 0) },
			"ReplaceRecoveryCodes": func() error { return s.ReplaceRecoveryCodes(ctx, user, [][]byte{[]byte("x")}, now) },
			"RecoveryCodes":        func() error { all, err := s.RecoveryCodes(ctx, user); return touched(len(all), err) },
			"SpendRecoveryCode":    func() error { return s.SpendRecoveryCode(ctx, user, []byte("one")) },
			"DropSecondFactor":     func() error { return s.DropSecondFactor(ctx, user) },
			"SpendCeremony":        func() error { return touched(s.SpendCeremony(ctx, "holder", "create", now)) },
			"RememberDevice":       func() error { return s.RememberDevice(ctx, user, s.victim.browser, now, now) },
			"ForgetDevices":        func() error { return touched(s.ForgetDevices(ctx, user, now)) },
		}, cases{
			"PutCeremony": func() error {
				c := ceremony
				c.Data = "stranger"
				return s.PutCeremony(ctx, c)
			},
		}
}

// holdings reads back what equip wrote.
func holdings(t *testing.T, h *house) map[string]any {
	t.Helper()
	ctx := t.Context()
	out := map[string]any{}
	var err error
	out["factors"], err = h.Factors(ctx, h.user.ID, hash("cookie"), now)
	ok(t, err)
	out["totp"], err = h.TOTP(ctx, h.user.ID)
	ok(t, err)
	out["codes"], err = h.RecoveryCodes(ctx, h.user.ID)
	ok(t, err)
	out["passkey"], err = h.OwnedPasskey(ctx, "key")
	ok(t, err)
	return out
}

// TestSecondTenantLeavesFactorsAlone: ATTACKS.md TEN, on the rows of factors.
func TestSecondTenantLeavesFactorsAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, victim := t.Context(), furnish(t, store, "victim")
		id := lanyard.NewTenantID()
		ok(t, store.InsertTenant(ctx, lanyard.Tenant{ID: id, Slug: "stranger", Name: "stranger", CreatedAt: now}))
		calls, own := factorCases(t, stranger{store.Tenant(id), victim})
		ok(t, victim.InsertPasskey(ctx, lanyard.Passkey{ID: "gone", UserID: victim.user.ID, CreatedAt: now}, 0))
		ok(t, victim.DeletePasskey(ctx, victim.user.ID, "gone", now))
		before := holdings(t, victim)
		for _, all := range []cases{calls, own} {
			for name, call := range all {
				if err := call(); err != nil && lanyard.KindOf(err) != lanyard.NotFound && lanyard.KindOf(err) != lanyard.Conflict {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		if diff := cmp.Diff(before, holdings(t, victim)); diff != "" {
			t.Errorf("the victim changed (-before +after):\n%s", diff)
		}
		if data, err := victim.SpendCeremony(ctx, "holder", "create", now); err != nil || data != "{}" {
			t.Errorf("the victim's ceremony is %q, %v", data, err)
		}
	})
}

// TestFactorsAreReadInOneStatement: every factor shows, also inside a transaction.
func TestFactorsAreReadInOneStatement(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		h := furnish(t, store, "home")
		want := lanyard.Factors{UserID: h.user.ID, Password: true, EmailVerified: true}
		check := func(what string, s storage.Scope) {
			t.Helper()
			ctx, statements := storage.CountStatements(t.Context())
			got, err := s.Factors(ctx, h.user.ID, hash("cookie"), now)
			ok(t, err)
			if diff := cmp.Diff(want, got); diff != "" || len(statements.Seen()) != 1 {
				t.Errorf("%s, %d statements (-want +got):\n%s", what, len(statements.Seen()), diff)
			}
		}
		check("a password", h.Scope)
		ok(t, h.OfferTOTP(t.Context(), storage.TOTP{UserID: h.user.ID, ID: "first", Sealed: []byte("x"), Holder: "h", CreatedAt: now.Add(-time.Hour)}, now))
		check("an unconfirmed seed", h.Scope)
		ok(t, h.InTx(t.Context(), func(tx storage.Scope) error {
			inner := *h
			inner.Scope = tx
			equip(t, &inner)
			want.TOTP, want.RecoveryCodes, want.Passkeys, want.Remembered = true, 2, 1, true
			check("everything, before the commit", tx)
			return nil
		}))
		check("everything", h.Scope)
		for name, read := range map[string]func() (lanyard.Factors, error){
			"another browser": func() (lanyard.Factors, error) { return h.Factors(t.Context(), h.user.ID, hash("other"), now) },
			"no browser":      func() (lanyard.Factors, error) { return h.Factors(t.Context(), h.user.ID, nil, now) },
			"later": func() (lanyard.Factors, error) {
				return h.Factors(t.Context(), h.user.ID, hash("cookie"), now.Add(time.Hour))
			},
		} {
			if got, err := read(); err != nil || got.Remembered {
				t.Errorf("%s is remembered, %v", name, err)
			}
		}
		ok(t, h.SetPrimaryEmail(t.Context(), h.user.ID, "new@example.test", false, now))
		ok(t, first(h.BumpUserRevision(t.Context(), h.user.ID)))
		want.Revision, want.EmailVerified, want.Remembered = 1, false, false
		check("after a change of credentials", h.Scope)
		wantErr(t, first(h.Factors(t.Context(), "usr_nobody", nil, now)), lanyard.ErrNotFound)
	})
}

func TestSeedIsOfferedToOneHolder(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		offer := func(id, holder string, at time.Time) error {
			return h.OfferTOTP(ctx, storage.TOTP{UserID: h.user.ID, ID: id, Sealed: []byte(id), Holder: holder, CreatedAt: at}, at.Add(-time.Minute))
		}
		ok(t, offer("a", "ada", now))
		wantErr(t, offer("b", "ada", now.Add(time.Second)), lanyard.ErrConflict)
		ok(t, offer("c", "ada", now.Add(time.Minute)))
		ok(t, offer("d", "bob", now.Add(time.Minute)))
		seed := storage.TOTP{UserID: h.user.ID, ID: "d", Holder: "bob", LastStep: 3}
		for name, wrong := range map[string]func(storage.TOTP) storage.TOTP{
			"seed":   func(s storage.TOTP) storage.TOTP { s.ID = "c"; return s },
			"holder": func(s storage.TOTP) storage.TOTP { s.Holder = "ada"; return s },
		} {
			if err := h.ConfirmTOTP(ctx, wrong(seed), now, now); err == nil {
				t.Errorf("another %s was confirmed", name)
			}
		}
		wantErr(t, h.ConfirmTOTP(ctx, seed, now.Add(time.Minute), now), lanyard.ErrConflict)
		wantErr(t, h.SpendTOTP(ctx, h.user.ID, "d", 9), lanyard.ErrNotFound)
		ok(t, h.ConfirmTOTP(ctx, seed, now, now))
		for _, holder := range []string{seed.Holder, ""} {
			seed.Holder = holder
			wantErr(t, h.ConfirmTOTP(ctx, seed, now, now), lanyard.ErrConflict)
		}
		wantErr(t, offer("e", "eve", now.Add(time.Hour)), lanyard.ErrConflict)
		wantErr(t, h.SpendTOTP(ctx, h.user.ID, "d", 3), lanyard.ErrNotFound)
		wantErr(t, h.SpendTOTP(ctx, h.user.ID, "c", 4), lanyard.ErrNotFound)
		ok(t, h.SpendTOTP(ctx, h.user.ID, "d", 4))
	})
}

// oneWins runs a spending call 32 times at once and wants one winner.
func oneWins(t *testing.T, what string, spend func() error) {
	t.Helper()
	var group sync.WaitGroup
	var winners atomic.Int64
	for range 32 {
		group.Go(func() {
			err := spend()
			if err == nil {
				winners.Add(1)
			} else if lanyard.KindOf(err) != lanyard.NotFound {
				t.Errorf("%s: %v", what, err)
			}
		})
	}
	group.Wait()
	if winners.Load() != 1 {
		t.Errorf("%s was spent %d times", what, winners.Load())
	}
}

// TestFactorIsSpentOnce: the step of a generator, a recovery code, a ceremony, the count of a passkey.
func TestFactorIsSpentOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		equip(t, h)
		for round := range testkit.Rounds(10, 1000) {
			code := fmt.Appendf(nil, "code %d", round)
			ok(t, h.ReplaceRecoveryCodes(ctx, h.user.ID, [][]byte{code, []byte("rest")}, now))
			ok(t, h.PutCeremony(ctx, ceremony))
			oneWins(t, "a step", func() error { return h.SpendTOTP(ctx, h.user.ID, "seed", int64(8+round)) })
			oneWins(t, "a recovery code", func() error { return h.SpendRecoveryCode(ctx, h.user.ID, code) })
			oneWins(t, "a ceremony", func() error { return first(h.SpendCeremony(ctx, "holder", "create", now)) })
			use := storage.PasskeyUse{ID: "key", UserID: h.user.ID, Record: "{}", Counter: uint32(6 + round), Above: uint32(5 + round)}
			oneWins(t, "a count", func() error { return h.UsePasskey(ctx, use, now) })
		}
		left, err := h.RecoveryCodes(ctx, h.user.ID)
		if err != nil || len(left) != 1 || string(left[0]) != "rest" {
			t.Errorf("left is %q, %v", left, err)
		}
	})
}

func TestCeremonyEndsByTimeHolderAndPurpose(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		ok(t, h.PutCeremony(ctx, ceremony))
		wantErr(t, first(h.SpendCeremony(ctx, "other", "create", now)), lanyard.ErrNotFound)
		wantErr(t, first(h.SpendCeremony(ctx, "holder", "second", now)), lanyard.ErrNotFound)
		wantErr(t, first(h.SpendCeremony(ctx, "holder", "create", now.Add(time.Minute))), lanyard.ErrNotFound)
		newer := ceremony
		newer.Data = "newer"
		ok(t, h.PutCeremony(ctx, newer))
		data, err := h.SpendCeremony(ctx, "holder", "create", now)
		if err != nil || data != "newer" {
			t.Errorf("got %q, %v", data, err)
		}
	})
}

func TestUserHandleIsMadeOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		var group sync.WaitGroup
		handles := make([]string, 32)
		for i := range handles {
			group.Go(func() {
				handle, err := h.UserHandle(ctx, h.user.ID, fmt.Appendf(nil, "handle \x00 %d", i))
				if err != nil {
					t.Error(err)
				}
				handles[i] = string(handle)
			})
		}
		group.Wait()
		for _, handle := range handles {
			if handle != handles[0] || handle == "" {
				t.Fatalf("the handles are %q", handles)
			}
		}
	})
}

func TestDeletedPasskeyIsRemembered(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		equip(t, h)
		wantErr(t, h.InsertPasskey(ctx, passkeyOf(h), 0), lanyard.ErrConflict)
		wantErr(t, h.RenamePasskey(ctx, "usr_other", "key", "x"), lanyard.ErrNotFound)
		ok(t, h.RenamePasskey(ctx, h.user.ID, "key", "Blue"))
		owned, err := h.OwnedPasskey(ctx, "key")
		if err != nil || owned.Passkey.Name != "Blue" || owned.User.ID != h.user.ID || string(owned.Handle) != "handle" {
			t.Errorf("got %+v, %v", owned, err)
		}
		wantErr(t, h.DeletePasskey(ctx, "usr_other", "key", now), lanyard.ErrNotFound)
		if deleted, err := h.PasskeyDeleted(ctx, "key"); err != nil || deleted {
			t.Errorf("before: %v, %v", deleted, err)
		}
		ok(t, h.DeletePasskey(ctx, h.user.ID, "key", now))
		wantErr(t, first(h.OwnedPasskey(ctx, "key")), lanyard.ErrNotFound)
		if deleted, err := h.PasskeyDeleted(ctx, "key"); err != nil || !deleted {
			t.Errorf("after: %v, %v", deleted, err)
		}
	})
}

func TestForgottenDevicesAreCountedWhileTheyLive(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		remember := func() { t.Helper(); ok(t, h.RememberDevice(ctx, h.user.ID, h.browser, now.Add(time.Hour), now)) }
		forget := func(at time.Time, want int64) {
			t.Helper()
			if n, err := h.ForgetDevices(ctx, h.user.ID, at); err != nil || n != want {
				t.Errorf("%d were forgotten, want %d, %v", n, want, err)
			}
		}
		remember()
		remember()
		forget(now, 1)
		forget(now, 0)
		remember()
		forget(now.Add(time.Hour), 0)
		remember()
		ok(t, first(h.BumpUserRevision(ctx, h.user.ID)))
		forget(now, 0)
		wantErr(t, h.RememberDevice(ctx, h.user.ID, "bro_nobody", now, now), lanyard.ErrConflict)
		wantErr(t, h.RememberDevice(ctx, "usr_nobody", h.browser, now, now), lanyard.ErrConflict)
	})
}

func TestWithoutASecondFactorAShortPasswordMustChange(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		equip(t, h)
		ok(t, h.DropSecondFactor(ctx, h.user.ID))
		f, err := h.Factors(ctx, h.user.ID, nil, now)
		if err != nil || f.RecoveryCodes != 0 || f.MustChange {
			t.Errorf("a long password: %+v, %v", f, err)
		}
	})
}

func TestCleanUpKeepsWhatLivesOfFactors(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		equip(t, h)
		later := ceremony
		later.Purpose, later.ExpiresAt = "second", now.Add(30*time.Minute)
		ok(t, h.PutCeremony(ctx, later))
		ok(t, h.DeletePasskey(ctx, h.user.ID, "key", now))
		ok(t, first(store.CleanUp(ctx, now.Add(10*time.Minute))))
		wantErr(t, first(h.SpendCeremony(ctx, "holder", "create", now)), lanyard.ErrNotFound)
		ok(t, first(h.SpendCeremony(ctx, "holder", "second", now)))
		if f, err := h.Factors(ctx, h.user.ID, hash("cookie"), now); err != nil || !f.Remembered {
			t.Errorf("a remembered browser went early, %v", err)
		}
		ok(t, first(store.CleanUp(ctx, now.Add(399*24*time.Hour))))
		if f, err := h.Factors(ctx, h.user.ID, hash("cookie"), now); err != nil || f.Remembered {
			t.Errorf("a remembered browser stayed, %v", err)
		}
		if deleted, err := h.PasskeyDeleted(ctx, "key"); err != nil || !deleted {
			t.Errorf("a deleted passkey was forgotten early, %v", err)
		}
		ok(t, first(store.CleanUp(ctx, now.Add(400*24*time.Hour))))
		if deleted, err := h.PasskeyDeleted(ctx, "key"); err != nil || deleted {
			t.Errorf("a deleted passkey is never forgotten, %v", err)
		}
	})
}
