package accounts_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

func (h *town) sendCode(name string) error {
	return h.SendSignInCode(h.Context(), h.t, request, name, h.from, "Grafana", h.now)
}

func (h *town) proveCode(name, code string) (accounts.Proven, error) {
	return h.ProveEmailCode(h.Context(), h.t, request, name, code, h.from, h.now)
}

func TestEmailCodeSignsInOnce(t *testing.T) {
	inTown(t, func(h *town) {
		ada := h.citizen("ada", "Ada@example.test", true)
		h.must(h.sendCode(" ADA@Example.test "))
		letter := h.mail(lanyard.MailCode, "Ada@example.test")
		if letter.App != "Grafana" || !letter.Expires.Equal(h.now.Add(10*time.Minute)) || !strings.HasPrefix(letter.Link, h.t.Issuer+accounts.LinkPath+"?token=") {
			h.Errorf("the letter is %+v", letter)
		}
		proven, err := h.proveCode(address, letter.Code)
		h.must(err)
		if proven.User.ID != ada.ID || proven.Method != lanyard.MethodEmailCode {
			h.Errorf("proved %+v", proven)
		}
		second, err := h.proveCode(address, letter.Code)
		h.must(err) // nothing is spent before it is used
		h.must(h.succeed(proven))
		h.wants("a proof of the same code", h.succeed(second), lanyard.ErrWrongCode)
		_, err = h.proveCode(address, letter.Code)
		h.wants("the code again", err, lanyard.ErrWrongCode)
	})
}

// TestCodeIsTakenAsPeopleTypeIt is ATTACKS.md 137.
func TestCodeIsTakenAsPeopleTypeIt(t *testing.T) {
	inTown(t, func(h *town) {
		h.citizen("ada", address, true)
		h.must(h.sendCode(address))
		code := h.mail(lanyard.MailCode, address).Code
		wide := strings.Map(func(r rune) rune { return r - '0' + '０' }, code)
		for _, typed := range []string{" " + code + "\n", code[:3] + " " + code[3:], code[:3] + "-" + code[3:], wide, code[:3] + "\u00a0\u2013" + code[3:]} {
			if h.Failed() {
				break
			}
			h.must(h.sendAnew())
			code2 := h.mail(lanyard.MailCode, address).Code
			_, err := h.proveCode(address, strings.NewReplacer(code[:3], code2[:3], code[3:], code2[3:], wide,
				strings.Map(func(r rune) rune { return r - '0' + '０' }, code2)).Replace(typed))
			if err != nil {
				h.Errorf("%q: %v", typed, err)
			}
		}
		h.must(h.sendAnew())
		code = h.mail(lanyard.MailCode, address).Code
		for _, typed := range []string{"+" + code, code + "0", code[1:], "", strings.Repeat(" ", 100) + code} {
			if _, err := h.proveCode(address, typed); !errors.Is(err, lanyard.ErrWrongCode) {
				h.Errorf("%q: %v", typed, err)
			}
		}
	})
}

// sendAnew sends another code, when all that counts mails and tries has been forgotten.
func (h *town) sendAnew() error {
	h.now = h.now.Add(2 * time.Hour)
	return h.sendCode(address)
}

func TestFifthWrongCodeVoidsTheChallenge(t *testing.T) {
	inTown(t, func(h *town) {
		h.citizen("ada", address, true)
		for wrong, want := range map[int]error{storage.ChallengeTries - 1: nil, storage.ChallengeTries: lanyard.ErrCodeExpired} {
			h.must(h.sendAnew())
			code := h.mail(lanyard.MailCode, address).Code
			for range wrong {
				_, err := h.proveCode(address, anotherCode(code))
				h.wants("another code", err, lanyard.ErrWrongCode)
			}
			if _, err := h.proveCode(address, code); !errors.Is(err, want) {
				h.Errorf("the right code after %d wrong ones: %v", wrong, err)
			}
		}
	})
}

// TestOnlyTheRightCodeLearnsThatItHasExpired: a guess learns nothing.
func TestOnlyTheRightCodeLearnsThatItHasExpired(t *testing.T) {
	inTown(t, func(h *town) {
		h.citizen("ada", address, true)
		h.must(h.sendCode(address))
		code := h.mail(lanyard.MailCode, address).Code
		h.now = h.now.Add(10*time.Minute - time.Microsecond)
		proven, err := h.proveCode(address, code)
		h.must(err)
		h.now = h.now.Add(time.Microsecond)
		_, err = h.proveCode(address, anotherCode(code))
		h.wants("another code", err, lanyard.ErrWrongCode)
		_, err = h.proveCode(address, code)
		h.wants("the right code", err, lanyard.ErrCodeExpired)
		h.must(h.succeed(proven)) // it was right in time
	})
}

func TestCodeIsForItsHolderNameAndTenant(t *testing.T) {
	inTown(t, func(h *town) {
		h.citizen("ada", address, true)
		h.citizen("bob", "bob@example.test", true)
		h.must(h.sendCode(address))
		code := h.mail(lanyard.MailCode, address).Code
		_, err := h.proveCode("bob", code)
		h.wants("for somebody else", err, lanyard.ErrWrongCode)
		_, err = h.proveCode("nobody@example.test", code)
		h.wants("for nobody", err, lanyard.ErrWrongCode)
		_, err = h.ProveEmailCode(h.Context(), h.t, "req_elsewhere", address, code, h.from, h.now)
		h.wants("in another request", err, lanyard.ErrWrongCode)
		_, err = h.ProveEmailRecovery(h.Context(), h.t, request, h.byEmail(address), code, h.from, h.now)
		h.wants("for another purpose", err, lanyard.ErrWrongCode)
		elsewhere := h.tenant("elsewhere")
		_, err = h.ProveEmailCode(h.Context(), elsewhere, request, address, code, h.from, h.now)
		h.wants("in another tenant", err, lanyard.ErrWrongCode)
		proven, err := h.proveCode("ada", code) // another name of the same person
		h.must(err)
		h.must(h.succeed(proven))
	})
}

func TestCodeDiesWithTheAddressAndWithACredentialChange(t *testing.T) {
	inTown(t, func(h *town) {
		ada := h.citizen("ada", address, true)
		h.must(h.sendCode("ada"))
		code := h.mail(lanyard.MailCode, address).Code
		proven, err := h.proveCode("ada", code)
		h.must(err)
		h.must(h.t.Scope.SetPrimaryEmail(h.Context(), ada.ID, "new@example.test", true, h.now))
		h.wants("a proof from before", h.succeed(proven), lanyard.ErrWrongCode)
		_, err = h.proveCode("ada", code)
		h.wants("the code from before", err, lanyard.ErrWrongCode)
		h.now = h.now.Add(2 * time.Hour)
		h.must(h.sendCode("ada"))
		code = h.mail(lanyard.MailCode, "new@example.test").Code
		h.must(h.t.Scope.DeleteOneTimeTokens(h.Context(), ada.ID))
		_, err = h.proveCode("ada", code)
		h.wants("after a change of credentials", err, lanyard.ErrWrongCode)
	})
}

func TestCodeOfAnOlderKeyStillWorks(t *testing.T) {
	inTown(t, func(h *town) {
		h.citizen("ada", address, true)
		h.must(h.sendCode(address))
		code := h.mail(lanyard.MailCode, address).Code
		h.t.MACs = macs{"mac-1", "mac-2"}
		proven, err := h.proveCode(address, code)
		h.must(err)
		h.must(h.succeed(proven))
	})
}

func TestWhoWasTurnedOffLearnsItWithTheRightCodeOnly(t *testing.T) {
	inTown(t, func(h *town) {
		ada := h.citizen("ada", address, true)
		h.must(h.sendCode(address))
		code := h.mail(lanyard.MailCode, address).Code
		h.turnOff(ada)
		_, err := h.proveCode(address, anotherCode(code))
		h.wants("another code", err, lanyard.ErrWrongCode)
		_, err = h.proveCode(address, code)
		h.wants("the right code", err, lanyard.ErrUserDisabled)
	})
}

func TestCodesByMailAreOfferedByPolicy(t *testing.T) {
	inTown(t, func(h *town) {
		ada := h.citizen("ada", address, true)
		h.t.Tenant.Policy.EmailCode, h.t.Tenant.Policy.EmailRecovery = false, false
		h.wants("sending", h.sendCode(address), lanyard.ErrNotOffered)
		_, err := h.proveCode(address, "123456")
		h.wants("proving", err, lanyard.ErrNotOffered)
		h.wants("recovery", h.SendRecoveryCode(h.Context(), h.t, request, ada, h.from, h.now), lanyard.ErrNotOffered)
		_, err = h.ProveEmailRecovery(h.Context(), h.t, request, ada, "123456", h.from, h.now)
		h.wants("proving recovery", err, lanyard.ErrNotOffered)
		if h.rows() != 0 {
			h.Error("something was sent")
		}
	})
}

// TestEmailRecoveryCountsAsARecoveryCode that is recorded and told.
func TestEmailRecoveryCountsAsARecoveryCode(t *testing.T) {
	inTown(t, func(h *town) {
		ada := h.citizen("ada", address, true)
		h.must(h.SendRecoveryCode(h.Context(), h.t, request, ada, h.from, h.now))
		code := h.mail(lanyard.MailCode, address).Code
		bob := h.citizen("bob", "bob@example.test", true)
		_, err := h.ProveEmailRecovery(h.Context(), h.t, request, bob, code, h.from, h.now)
		h.wants("by somebody else", err, lanyard.ErrWrongCode)
		proven, err := h.ProveEmailRecovery(h.Context(), h.t, request, ada, code, h.from, h.now)
		h.must(err)
		h.must(h.succeed(proven))
		h.mail(lanyard.MailRecoveryUsed, address)
		if proven.Method != lanyard.MethodRecoveryCode || h.happened(lanyard.EventCodeUsed, ada.ID) != 1 {
			h.Errorf("method %s", proven.Method)
		}
		for _, user := range []lanyard.User{h.citizen("cleo", "cleo@example.test", false), h.citizen("dan", "", false)} {
			h.wants(user.Username, h.SendRecoveryCode(h.Context(), h.t, "req_"+user.Username, user, h.from, h.now), lanyard.ErrNotOffered)
		}
	})
}

// TestMailsOfCodesAreCounted: one a minute for a holder, five an hour for an address,
// whoever asks; what is asked for too early does not count.
func TestMailsOfCodesAreCounted(t *testing.T) {
	inTown(t, func(h *town) {
		h.citizen("ada", address, true)
		wait := func(err error) time.Duration {
			h.Helper()
			var e *lanyard.Error
			if !errors.As(err, &e) || e.Code != lanyard.ErrThrottled.Code {
				h.Fatalf("got %v, want %v", err, lanyard.ErrThrottled)
			}
			return e.RetryAfter
		}
		for n := range 5 {
			h.must(h.sendCode(address))
			h.now = h.now.Add(59 * time.Second)
			for range 3 {
				if w := wait(h.sendCode(address)); w != time.Second {
					h.Errorf("after mail %d: wait %v", n+1, w)
				}
			}
			h.now = h.now.Add(time.Second)
		}
		if w := wait(h.SendSignInCode(h.Context(), h.t, "req_other", "ADA", h.from, "", h.now)); w > time.Hour || w < 50*time.Minute {
			h.Errorf("the sixth: wait %v", w)
		}
		if n := len(h.mails()); n != 5 {
			h.Errorf("%d mails", n)
		}
		h.must(h.SendSignInCode(h.Context(), h.t, "req_other", "nobody@example.test", h.from, "", h.now))
		h.now = h.now.Add(time.Hour)
		h.must(h.sendCode(address))
	})
}

// TestOwnBrowserStillGetsACode when strangers have used up what the address gets.
func TestOwnBrowserStillGetsACode(t *testing.T) {
	inTown(t, func(h *town) {
		ada := h.citizen("ada", address, true)
		own := h.signedIn(ada, "cookie")
		for n := range 5 {
			h.must(h.SendSignInCode(h.Context(), h.t, strings.Repeat("x", n+1), address, h.from, "", h.now))
		}
		h.wants("a stranger", h.sendCode(address), lanyard.ErrThrottled)
		h.must(h.SendSignInCode(h.Context(), h.t, request, address, own.From, "", h.now))
	})
}

// TestNobodyAndSomebodyCostTheSame is ATTACKS.md 113 and 175: the same statements,
// hashes and rows, and the same answer.
func TestNobodyAndSomebodyCostTheSame(t *testing.T) {
	inTown(t, func(h *town) {
		h.citizen("ada", address, true)
		h.citizen("bob", "bob@example.test", false)
		h.turnOff(h.citizen("cleo", "cleo@example.test", true))
		h.citizen("dan", "", false)
		for _, names := range [][]string{ // the form of a name decides where it is looked for
			{address, "bob@example.test", "cleo@example.test", "nobody@example.test"},
			{"ada", "bob", "cleo", "dan", "nobody", "@@@"},
		} {
			h.now = h.now.Add(2 * time.Hour)
			h.sameWork(names, func(ctx context.Context, name string) error {
				return h.SendSignInCode(ctx, h.t, "req_"+name, name, h.from, "", h.now)
			}, work{Hashes: 1, Deliveries: 1})
			h.sameWork(names, func(ctx context.Context, name string) error {
				_, err := h.ProveEmailCode(ctx, h.t, "req_"+name, name, "no code", h.from, h.now)
				return err
			}, work{Answer: lanyard.ErrWrongCode.Error()})
		}
		if diff := cmp.Diff(map[string]int{storage.DeliveryQueued: 2, storage.DeliveryVoid: 8}, h.deliveries()); diff != "" {
			h.Errorf("deliveries:\n%s", diff)
		}
	})
}

// TestLinkShowsItsCodeAndSpendsNothing: programs open links before people do.
func TestLinkShowsItsCodeAndSpendsNothing(t *testing.T) {
	inTown(t, func(h *town) {
		h.citizen("ada", address, true)
		h.must(h.sendCode(address))
		letter := h.mail(lanyard.MailCode, address)
		for range storage.ChallengeTries + 1 {
			view, err := h.LinkOf(h.Context(), h.t, h.tokenOf(letter), h.now)
			h.must(err)
			if view.Code.Reveal() != letter.Code || view.Holder != request || view.Purpose != accounts.PurposeSignIn || view.Address != address {
				h.Errorf("the link says %+v", view)
			}
		}
		_, err := h.LinkOf(h.Context(), h.tenant("elsewhere"), h.tokenOf(letter), h.now)
		h.wants("in another tenant", err, lanyard.ErrLinkUsed)
		_, err = h.LinkOf(h.Context(), h.t, lanyard.SecretOf("x"), h.now)
		h.wants("an invented link", err, lanyard.ErrLinkUsed)
		_, err = h.LinkOf(h.Context(), h.t, h.tokenOf(letter), h.now.Add(10*time.Minute))
		h.wants("an old link", err, lanyard.ErrLinkUsed)
		proven, err := h.proveCode(address, letter.Code)
		h.must(err)
		h.must(h.succeed(proven))
		_, err = h.LinkOf(h.Context(), h.t, h.tokenOf(letter), h.now)
		h.wants("a used link", err, lanyard.ErrLinkUsed)
	})
}

func TestEmailCodeIsSpentOnce(t *testing.T) {
	inTown(t, func(h *town) {
		h.citizen("ada", address, true)
		for range testkit.Rounds(10, 500) {
			h.must(h.sendAnew())
			code := h.mail(lanyard.MailCode, address).Code
			var proofs []accounts.Proven
			for range storage.ChallengeTries {
				proven, err := h.proveCode(address, code)
				h.must(err)
				proofs = append(proofs, proven)
			}
			next := make(chan accounts.Proven, 32)
			for n := range 32 {
				next <- proofs[n%len(proofs)]
			}
			h.race(func() error { return h.succeed(<-next) }, lanyard.ErrWrongCode)
		}
	})
}
