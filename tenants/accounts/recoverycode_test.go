package accounts

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/storage"
)

// haveCodes gives the user a generator and a fresh set of codes, by the deed.
func (h *home) haveCodes(t *testing.T) []lanyard.Secret {
	t.Helper()
	h.haveTOTP(t)
	codes, err := h.RenewRecoveryCodes(t.Context(), h.t, stepUp(h.actor, factorNow), factorNow)
	ok(t, err)
	return codes
}

func (h *home) proveCode(t *testing.T, code string) (Proven, error) {
	t.Helper()
	return h.ProveRecoveryCode(t.Context(), h.t, h.actor.User, code, h.actor.From, factorNow)
}

func TestRecoveryCodesAreTenAndDiffer(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		seen := map[string]bool{}
		for range 3 {
			for _, code := range h.haveCodes(t) {
				if !regexp.MustCompile(`^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$`).MatchString(code.Reveal()) {
					t.Errorf("a code is %q", code.Reveal())
				}
				seen[code.Reveal()] = true
			}
		}
		if f := h.factors(t); len(seen) != 3*recoveryCodes || f.RecoveryCodes != recoveryCodes {
			t.Errorf("%d codes, %d are left", len(seen), f.RecoveryCodes)
		}
	})
}

// TestRecoveryCodeIsSpentOnce is ATTACKS.md 145.
func TestRecoveryCodeIsSpentOnce(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		codes := h.haveCodes(t)
		for i := range testkit.Rounds(10, 200) {
			if i%len(codes) == 0 && i > 0 {
				codes = h.haveCodes(t)
			}
			code := codes[i%len(codes)].Reveal()
			proofs := h.proofs(t, func() (Proven, error) { return h.proveCode(t, code) })
			h.oneSucceeds(t, "a recovery code", proofs, lanyard.ErrWrongCode)
			wants(t, "again", fails(h.proveCode(t, code)), lanyard.ErrWrongCode)
			h.forgive(t, proofs[0].attempt)
			if left := h.factors(t).RecoveryCodes; left != len(codes)-1-i%len(codes) {
				t.Errorf("%d codes are left after %d", left, i+1)
			}
		}
	})
}

func TestUsedRecoveryCodeIsTold(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		codes := h.haveCodes(t)
		p, err := h.proveCode(t, codes[3].Reveal())
		ok(t, err)
		ok(t, h.succeed(t.Context(), p))
		letters := h.letters(t, lanyard.MailRecoveryUsed)
		if len(letters) != 1 || letters[0].Subject != "9" || letters[0].To != "ada@example.test" || p.Method != lanyard.MethodRecoveryCode {
			t.Errorf("letters %+v, method %s", letters, p.Method)
		}
		if n := h.happened(t, lanyard.EventCodeUsed); n != 1 {
			t.Errorf("%d events", n)
		}
	})
}

// TestRecoveryCodeIsTakenInAnySpelling: what people type, and nothing else.
func TestRecoveryCodeIsTakenInAnySpelling(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		h.haveTOTP(t)
		id, key := h.t.MACs.CurrentMAC()
		ok(t, h.t.Scope.ReplaceRecoveryCodes(t.Context(), h.actor.User.ID, [][]byte{recoveryMAC(id, key, h.actor.User.ID, "0123456789ABCDEF")}, factorNow))
		for typed, right := range map[string]bool{
			"0123-4567-89AB-CDEF": true, "0123456789abcdef": true, " o1 23 45 67 89 ab cd ef ": true, "OI23–4567–89ab–cdef": true, "ol23456789abcdef": true,
			"０１２３-4567-89ab-cdef": true, "0123-4567-89AB-CDEG": false, "0123-4567-89AB-CDE": false, "0123-4567-89AB-CDEFF": false, "0123-4567-89AB-CDEU": false, "": false,
			"0123_4567_89AB_CDEF": false, strings.Repeat("-", 200) + "0123456789abcdef": false, "0123456789abcdef\xff": false,
		} {
			p, err := h.proveCode(t, typed)
			if (err == nil) != right {
				t.Errorf("%q: %v", typed, err)
			}
			if !right {
				wants(t, typed, err, lanyard.ErrWrongCode)
			}
			ok(t, h.t.Scope.ClearAttempts(t.Context(), attemptKey("known-recovery", string(h.actor.User.ID), string(h.actor.From.BrowserHash))))
			_ = p
		}
	})
}

func TestOldSetIsVoidAfterRenewal(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		old := h.haveCodes(t)
		p, err := h.proveCode(t, old[0].Reveal())
		ok(t, err)
		fresh := h.haveCodes(t)
		wants(t, "proved before, used after", h.succeed(t.Context(), p), lanyard.ErrWrongCode)
		wants(t, "the old set", fails(h.proveCode(t, old[1].Reveal())), lanyard.ErrWrongCode)
		p, err = h.proveCode(t, fresh[0].Reveal())
		ok(t, err)
		ok(t, h.succeed(t.Context(), p))
	})
}

func TestRecoveryCodesSurviveARotationOfTheirKey(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		codes := h.haveCodes(t)
		h.t.MACs = fixedMACs{"mac-2", "mac-1"}
		p, err := h.proveCode(t, codes[0].Reveal())
		ok(t, err)
		ok(t, h.succeed(t.Context(), p))
		h.t.MACs = fixedMACs{"mac-2"}
		wants(t, "the key is gone", fails(h.proveCode(t, codes[1].Reveal())), lanyard.ErrWrongCode)
	})
}

// TestRecoveryCodeIsItsUsersAlone: the stored form says whose it is, so that a row
// that was copied to another user is worth nothing there.
func TestRecoveryCodeIsItsUsersAlone(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		codes, bob := h.haveCodes(t), h.person(t, "bob")
		stored, err := h.t.Scope.RecoveryCodes(t.Context(), h.actor.User.ID)
		ok(t, err)
		ok(t, h.t.Scope.ReplaceRecoveryCodes(t.Context(), bob.ID, stored, factorNow))
		wants(t, "bob", fails(h.ProveRecoveryCode(t.Context(), h.t, bob, codes[0].Reveal(), From{}, factorNow)), lanyard.ErrWrongCode)
		other := openHome(t, h.store, "other")
		wants(t, "another tenant", fails(h.ProveRecoveryCode(t.Context(), other.t, h.actor.User, codes[0].Reveal(), From{}, factorNow)), lanyard.ErrWrongCode)
		off := h.actor.User
		off.Disabled = true
		wants(t, "turned off", fails(h.ProveRecoveryCode(t.Context(), h.t, off, codes[0].Reveal(), From{}, factorNow)), lanyard.ErrUserDisabled)
	})
}

func TestRecoveryCodesAreThrottled(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		h.haveCodes(t)
		for range accountRule.Free {
			wants(t, "a wrong code", fails(h.proveCode(t, "0000-0000-0000-0000")), lanyard.ErrWrongCode)
			if lanyard.KindOf(fails(h.proveCode(t, "short"))) == lanyard.Throttled {
				t.Error("what can not be a code is counted")
			}
		}
		wants(t, "one more", fails(h.proveCode(t, "0000-0000-0000-0000")), lanyard.ErrThrottled)
	})
}

func TestNewCodesDuringASignInVoidTheOldOnes(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		old := h.haveCodes(t)
		var codes []lanyard.Secret
		fresh := func(ctx context.Context) error {
			return h.t.Scope.InTx(ctx, func(tx storage.Scope) error {
				var err error
				codes, err = h.NewRecoveryCodes(ctx, h.t, tx, h.actor.User, h.actor.From, factorNow)
				return err
			})
		}
		ok(t, fresh(t.Context()))
		wants(t, "the old set", fails(h.proveCode(t, old[0].Reveal())), lanyard.ErrWrongCode)
		ok(t, fails(h.proveCode(t, codes[0].Reveal())))
		_, err := h.t.Scope.DeleteTOTP(t.Context(), h.actor.User.ID)
		ok(t, err)
		wants(t, "without a second factor", fresh(t.Context()), lanyard.ErrConflict)
	})
}
