package accounts

import (
	"bytes"
	"testing"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/storage"
)

// TestCodeIsBoundToEverythingAroundIt, so that a row moved to another place in the
// database opens nothing.
func TestCodeIsBoundToEverythingAroundIt(t *testing.T) {
	mac := func(change func(tenant *lanyard.TenantID, c *storage.Challenge, code, key *string)) string {
		tenant, code, key := lanyard.TenantID("ten_a"), "123456", "key"
		c := storage.Challenge{ID: "chg_a", Purpose: PurposeSignIn, Address: "ada@example.test", UserID: "usr_a"}
		change(&tenant, &c, &code, &key)
		return string(codeMAC("mac", []byte(key), tenant, c, lanyard.SecretOf(code)))
	}
	same := mac(func(*lanyard.TenantID, *storage.Challenge, *string, *string) {})
	if len(same) != 1+len("mac")+32 || same != mac(func(*lanyard.TenantID, *storage.Challenge, *string, *string) {}) {
		t.Errorf("the MAC is %x", same)
	}
	for what, change := range map[string]func(tenant *lanyard.TenantID, c *storage.Challenge, code, key *string){
		"tenant":    func(tenant *lanyard.TenantID, _ *storage.Challenge, _, _ *string) { *tenant = "ten_b" },
		"purpose":   func(_ *lanyard.TenantID, c *storage.Challenge, _, _ *string) { c.Purpose = PurposeRecovery },
		"challenge": func(_ *lanyard.TenantID, c *storage.Challenge, _, _ *string) { c.ID = "chg_b" },
		"address":   func(_ *lanyard.TenantID, c *storage.Challenge, _, _ *string) { c.Address = "eve@example.test" },
		"code":      func(_ *lanyard.TenantID, _ *storage.Challenge, code, _ *string) { *code = "123457" },
		"key":       func(_ *lanyard.TenantID, _ *storage.Challenge, _, key *string) { *key = "another" },
		"border": func(_ *lanyard.TenantID, c *storage.Challenge, code, _ *string) {
			c.Address, *code = c.Address+"1", "23456"
		},
	} {
		if mac(change) == same {
			t.Errorf("the code is not bound to the %s", what)
		}
	}
}

func TestBrokenMACOpensNothing(t *testing.T) {
	c := storage.Challenge{ID: "chg_a"}
	for _, stored := range [][]byte{nil, {0}, {9}, {255, 1}, bytes.Repeat([]byte{3}, 36)} {
		c.MAC = stored
		if opens(Tenancy{MACs: fixedMACs{"mac"}}, c, lanyard.Secret{}) {
			t.Errorf("%x opens", stored)
		}
	}
}

func TestCodesAreSixDigitsOfAnyKind(t *testing.T) {
	seen := map[byte]int{}
	for range 5_000 {
		code := newCode().Reveal()
		if typedCode(code).Reveal() != code {
			t.Fatalf("%q is not a code", code)
		}
		seen[code[0]]++
	}
	for digit := byte('0'); digit <= '9'; digit++ {
		if seen[digit] < 350 || seen[digit] > 650 { // 500 are expected, with a deviation of 21
			t.Errorf("%d of 5000 begin with %c", seen[digit], digit)
		}
	}
}

// FuzzTypedCode: what is typed is six digits or nothing.
func FuzzTypedCode(f *testing.F) {
	for _, seed := range []string{"", "123456", " 123-456 ", "１２３４５６", "+12345", "12345६", "①②③④⑤⑥", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code := typedCode(typed).Reveal()
		if code != "" && (len(code) != 6 || bytes.ContainsFunc([]byte(code), func(r rune) bool { return r < '0' || r > '9' })) {
			t.Errorf("%q is read as %q", typed, code)
		}
	})
}

// TestResetNeedsTheUserAsTheyWere when its rules were looked at: neither turned off
// since, nor with other credentials.
func TestResetNeedsTheUserAsTheyWere(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		ctx, token, ada := t.Context(), lanyard.NewSecret(), h.actor.User
		c := storage.Challenge{
			ID: lanyard.NewChallengeID(), Holder: "holder", Purpose: purposeReset, UserID: ada.ID, Address: addressOf(ada), MAC: []byte("mac"),
			LinkHash: token.Hash(), CreatedAt: factorNow, ExpiresAt: factorNow.Add(resetLives),
		}
		_, err := h.t.Scope.PutChallenge(ctx, c, 0)
		ok(t, err)
		spend := func(user lanyard.User) error {
			return h.t.Scope.InTx(ctx, func(tx storage.Scope) error { return h.spendReset(ctx, tx, token, user, factorNow) })
		}
		off := ada
		off.Disabled = true
		ok(t, h.t.Scope.UpdateUser(ctx, off))
		wants(t, "turned off meanwhile", spend(ada), lanyard.ErrLinkUsed)
		ok(t, h.t.Scope.UpdateUser(ctx, ada))
		_, err = h.t.Scope.BumpUserRevision(ctx, ada.ID)
		ok(t, err)
		wants(t, "with other credentials", spend(ada), lanyard.ErrLinkUsed)
		ada.Revision++
		ok(t, spend(ada))
		wants(t, "spent", spend(ada), lanyard.ErrLinkUsed)
	})
}

// TestSilentAndDeadChallengesOpenWithNothing, not even with a lucky guess.
func TestSilentAndDeadChallengesOpenWithNothing(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		ctx := t.Context()
		for name, s := range map[string]sending{"usual": {}, "silent": {silent: true}, "dead": {dead: true}} {
			s.holder, s.purpose, s.address, s.now, s.lives = name, PurposeSignIn, name+"@example.test", factorNow, codeLives
			s.letter = mail.Letter{Kind: lanyard.MailCode, To: s.address}
			ok(t, h.send(ctx, h.t, s))
			c, err := h.t.Scope.TryChallenge(ctx, name, PurposeSignIn)
			ok(t, err)
			inside, err := h.unlock(h.t, c)
			ok(t, err)
			if got := opens(h.t, c, lanyard.SecretOf(inside.Code)); got != (name == "usual") {
				t.Errorf("%s: its code opens it: %v", name, got)
			}
		}
	})
}
