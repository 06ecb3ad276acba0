package accounts

import (
	"bytes"
	"encoding/base32"
	"image/png"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/storage"
)

// codeOf is what a generator with the seed (in base32) shows at a moment.
func codeOf(t *testing.T, seed string, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCodeCustom(strings.ReplaceAll(seed, " ", ""), at, totp.ValidateOpts{Period: 30, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	ok(t, err)
	return code
}

// firstCode offers the actor's session a seed and shows its code.
func (h *home) firstCode(t *testing.T, actor Actor) string {
	t.Helper()
	e, err := h.BeginTOTP(t.Context(), h.t, actor.User, string(actor.Session.ID), factorNow)
	ok(t, err)
	return codeOf(t, e.Secret, factorNow)
}

// haveTOTP gives the user a generator, and recovery codes, behind the deeds' back. It returns the seed.
func (h *home) haveTOTP(t *testing.T) string {
	t.Helper()
	ctx, user := t.Context(), h.actor.User.ID
	_, err := h.t.Scope.DeleteTOTP(ctx, user)
	ok(t, err)
	e, err := h.BeginTOTP(ctx, h.t, h.actor.User, lanyard.NewSecret().Reveal(), factorNow)
	ok(t, err)
	row, err := h.t.Scope.TOTP(ctx, user)
	ok(t, err)
	ok(t, h.t.Scope.ConfirmTOTP(ctx, row, factorNow.Add(-time.Minute), factorNow))
	_, err = putRecoveryCodes(ctx, h.t.Scope, h.t.MACs, user, factorNow)
	ok(t, err)
	return e.Secret
}

func (h *home) proveTOTP(t *testing.T, code string, at time.Time) (Proven, error) {
	t.Helper()
	return h.ProveTOTP(t.Context(), h.t, h.actor.User, code, h.actor.From, at)
}

// TestStepOfACode holds the codes of RFC 6238 appendix B, cut to six digits, and the drift.
func TestStepOfACode(t *testing.T) {
	seed := []byte("12345678901234567890")
	for unix, code := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037"} {
		for drift, want := range map[int64]bool{-30: false, 0: true, 30: true, 60: false} {
			step, err := stepOf(seed, code, time.Unix(unix+drift, 0))
			ok(t, err)
			if found := step == unix/30; found != want {
				t.Errorf("the code of %d, %d seconds later: step %d", unix, drift, step)
			}
		}
	}
}

func TestPlainDigits(t *testing.T) {
	for typed, want := range map[string]string{
		"123456": "123456", " 123456": "123456", "123 456": "123456", "123-456": "123456", "12\u00a034\t56\n": "123456", "123\u2013456": "123456",
		"１２３４５６": "123456", "+123456": "", "12345": "", "1234567": "", "": "", "12345a": "", "0x1234": "", "١٢٣٤٥٦": "", "123456\x00": "",
		"-1-2-3-4-5-6-": "123456", strings.Repeat(" ", maxTyped) + "123456": "", "123456\xff": "",
	} {
		got, good := plainDigits(typed)
		if good != (want != "") || good && got != want {
			t.Errorf("%q is %q, %v", typed, got, good)
		}
	}
}

func TestEnrolmentShowsTheSeed(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		e, err := h.BeginTOTP(t.Context(), h.t, h.actor.User, "holder", factorNow)
		ok(t, err)
		if !regexp.MustCompile(`^([A-Z2-7]{4} ){7}[A-Z2-7]{4}$`).MatchString(e.Secret) {
			t.Errorf("the secret is %q", e.Secret)
		}
		uri, err := url.Parse(e.URI.Reveal())
		ok(t, err)
		seed, err := base32.StdEncoding.DecodeString(uri.Query().Get("secret"))
		if err != nil || len(seed) != 20 || uri.Query().Get("secret") != strings.ReplaceAll(e.Secret, " ", "") {
			t.Errorf("the seed is %x, %v", seed, err)
		}
		if uri.Scheme != "otpauth" || uri.Host != "totp" || uri.Path != "/Home  Acme:ada@example.test" || uri.Query().Get("issuer") != "Home  Acme" {
			t.Errorf("the URI is %s", uri)
		}
		picture, err := png.Decode(bytes.NewReader(e.QR))
		if err != nil || picture.Bounds().Dx() < 200 {
			t.Errorf("the picture is %v, %v", picture.Bounds(), err)
		}
		if !regexp.MustCompile(`^<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \d+ \d+" width="240" height="240" shape-rendering="crispEdges"><rect width="\d+" height="\d+" fill="#fff"/><path fill="#000" d="[Mhvz0-9 -]+"/></svg>$`).MatchString(e.QRSVG) {
			t.Errorf("the drawing is %s", e.QRSVG)
		}
	})
}

// TestUnconfirmedSeedIsItsHoldersAndNeverActive is ATTACKS.md 143.
func TestUnconfirmedSeedIsItsHoldersAndNeverActive(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		ctx, user, from := t.Context(), h.actor.User, h.actor.From
		begin := func(holder string, at time.Time) string {
			t.Helper()
			e, err := h.BeginTOTP(ctx, h.t, user, holder, at)
			ok(t, err)
			return e.Secret
		}
		confirm := func(holder, code string, at time.Time) error {
			_, err := h.ConfirmTOTP(ctx, h.t, user, holder, code, from, at)
			return err
		}
		mine := begin("mine", factorNow)
		if begin("mine", factorNow.Add(29*time.Minute)) != mine {
			t.Error("a reload shows another seed")
		}
		wants(t, "an unconfirmed seed", fails(h.proveTOTP(t, codeOf(t, mine, factorNow), factorNow)), lanyard.ErrWrongCode)
		wants(t, "the seed of another session", confirm("other", codeOf(t, mine, factorNow), factorNow), lanyard.ErrCodeExpired)
		wants(t, "a wrong code", confirm("mine", wrongCode(codeOf(t, mine, factorNow)), factorNow), lanyard.ErrWrongCode)
		late := factorNow.Add(totpOffer)
		wants(t, "an old offer", confirm("mine", codeOf(t, mine, late), late), lanyard.ErrCodeExpired)
		ok(t, confirm("mine", codeOf(t, mine, factorNow), factorNow))
		if begin("mine", late) == mine {
			t.Error("a seed outlived its offer")
		}
		if begin("other", factorNow) == mine {
			t.Error("two sessions share a seed")
		}
		wants(t, "a replaced seed", confirm("mine", codeOf(t, mine, factorNow), factorNow), lanyard.ErrCodeExpired)
		if h.factors(t).TOTP {
			t.Error("it is active")
		}
		h.haveTOTP(t)
		wants(t, "a second generator", fails(h.BeginTOTP(ctx, h.t, user, "mine", factorNow)), lanyard.ErrConflict)
		wants(t, "confirming it", confirm("mine", "123456", factorNow), lanyard.ErrConflict)
	})
}

// wrongCode is a code that is not the given one.
func wrongCode(code string) string {
	return strings.Map(func(r rune) rune { return '0' + (r-'0'+5)%10 }, code)
}

// TestCodeThatConfirmedDoesNotSignIn: nor does the one before it.
func TestCodeThatConfirmedDoesNotSignIn(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		e, err := h.BeginTOTP(t.Context(), h.t, h.actor.User, string(h.actor.Session.ID), factorNow)
		ok(t, err)
		code := func(steps time.Duration) string { return codeOf(t, e.Secret, factorNow.Add(steps*30*time.Second)) }
		ok(t, fails(h.AddTOTP(t.Context(), h.t, h.actor, code(0), factorNow)))
		for _, steps := range []time.Duration{-1, 0, 1} {
			wants(t, "a code of then", fails(h.proveTOTP(t, code(steps), factorNow)), lanyard.ErrWrongCode)
		}
		next := factorNow.Add(30 * time.Second)
		wants(t, "the code that confirmed, late", fails(h.proveTOTP(t, code(0), next)), lanyard.ErrWrongCode)
		p, err := h.proveTOTP(t, code(1), next)
		ok(t, err)
		ok(t, h.succeed(t.Context(), p))
	})
}

// TestCodeIsSpentOnce is ATTACKS.md 136 and 137: the same code again, by another
// spelling, late, from 32 requests at once.
func TestCodeIsSpentOnce(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		seed := h.haveTOTP(t)
		at := factorNow
		for range testkit.Rounds(10, 200) {
			at = at.Add(30 * time.Second)
			code := codeOf(t, seed, at)
			proofs := h.proofs(t, func() (Proven, error) { return h.proveTOTP(t, code, at) })
			h.oneSucceeds(t, "a code", proofs, lanyard.ErrWrongCode)
			for _, again := range []string{code, " " + code[:3] + "-" + code[3:]} {
				wants(t, "the code again", fails(h.proveTOTP(t, again, at.Add(29*time.Second))), lanyard.ErrWrongCode)
			}
			h.forgive(t, proofs[0].attempt)
		}
	})
}

// TestOneConfirmationWins: 32 forms with the right code make one generator and one set of codes.
func TestOneConfirmationWins(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		ctx := t.Context()
		code := h.firstCode(t, h.actor)
		e, err := h.ConfirmTOTP(ctx, h.t, h.actor.User, string(h.actor.Session.ID), code, h.actor.From, factorNow)
		ok(t, err)
		var group sync.WaitGroup
		var winners atomic.Int64
		for range 32 {
			group.Go(func() {
				err := h.t.Scope.InTx(ctx, func(tx storage.Scope) error { return fails(e.Apply(ctx, tx)) })
				if err == nil {
					winners.Add(1)
				} else if lanyard.KindOf(err) != lanyard.Conflict {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if f := h.factors(t); winners.Load() != 1 || f.RecoveryCodes != recoveryCodes || f.Revision != 1 {
			t.Errorf("%d winners, %+v", winners.Load(), f)
		}
	})
}

// TestGuessingCodesIsSlow is ATTACKS.md 139: neither a new address nor a right password helps.
func TestGuessingCodesIsSlow(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		ctx, seed := t.Context(), h.haveTOTP(t)
		guess := func(code, address string, at time.Time) error {
			return fails(h.ProveTOTP(ctx, h.t, h.actor.User, code, From{Address: address}, at))
		}
		wrong := wrongCode(codeOf(t, seed, factorNow))
		tried := 0
		for at := factorNow; at.Before(factorNow.Add(24 * time.Hour)); at = at.Add(time.Minute) {
			for i := range 3 {
				err := guess(wrong, strings.Repeat("x", tried+i), at)
				if lanyard.KindOf(err) != lanyard.Throttled {
					tried++
				}
			}
		}
		if tried < 6 || tried > 45 {
			t.Errorf("%d codes a day can be tried", tried)
		}
		late := factorNow.Add(24 * time.Hour)
		wants(t, "the right code of a throttled stranger", guess(codeOf(t, seed, late), "x", late), lanyard.ErrThrottled)
		p, err := h.proveTOTP(t, codeOf(t, seed, late), late)
		if err != nil {
			t.Fatalf("the owner's own browser: %v", err)
		}
		ok(t, h.succeed(ctx, p))
		if n := h.happened(t, lanyard.EventSignInFailed); n != tried {
			t.Errorf("%d wrong codes are in the activity, of %d", n, tried)
		}
	})
}

// TestNobodysGeneratorRefusesAlike: unknown and wrong look alike and are counted alike.
func TestNobodysGeneratorRefusesAlike(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		statements := func(user lanyard.User) int {
			ctx, seen := storage.CountStatements(t.Context())
			wants(t, "a wrong code", fails(h.ProveTOTP(ctx, h.t, user, "000000", h.actor.From, factorNow)), lanyard.ErrWrongCode)
			return len(seen.Seen())
		}
		nobody := statements(h.actor.User)
		seed := h.haveTOTP(t)
		if somebody := statements(h.actor.User); somebody != nobody {
			t.Errorf("%d statements with a generator, %d without", somebody, nobody)
		}
		off := h.actor.User
		off.Disabled = true
		wants(t, "turned off, wrong", fails(h.ProveTOTP(t.Context(), h.t, off, wrongCode(codeOf(t, seed, factorNow)), h.actor.From, factorNow)), lanyard.ErrWrongCode)
		wants(t, "turned off, right", fails(h.ProveTOTP(t.Context(), h.t, off, codeOf(t, seed, factorNow), h.actor.From, factorNow)), lanyard.ErrUserDisabled)
	})
}

// TestMovedSeedDoesNotOpen is ATTACKS.md 148: a seed that was copied into another user's row.
func TestMovedSeedDoesNotOpen(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		ctx, seed := t.Context(), h.haveTOTP(t)
		row, err := h.t.Scope.TOTP(ctx, h.actor.User.ID)
		ok(t, err)
		bob := h.person(t, "bob")
		row.UserID, row.Holder = bob.ID, "holder"
		ok(t, h.t.Scope.OfferTOTP(ctx, row, factorNow))
		ok(t, h.t.Scope.ConfirmTOTP(ctx, row, factorNow.Add(-time.Minute), factorNow))
		if _, err := h.ProveTOTP(ctx, h.t, bob, codeOf(t, seed, factorNow), h.actor.From, factorNow); err == nil || lanyard.KindOf(err) != lanyard.Internal {
			t.Errorf("the moved seed: %v", err)
		}
	})
}

// TestGeneratorOfAnotherTenantProvesNothing: the same person's id in another tenant.
func TestGeneratorOfAnotherTenantProvesNothing(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		seed := h.haveTOTP(t)
		other := openHome(t, h.store, "other")
		wants(t, "the other tenant", fails(h.ProveTOTP(t.Context(), other.t, h.actor.User, codeOf(t, seed, factorNow), h.actor.From, factorNow)), lanyard.ErrWrongCode)
	})
}
