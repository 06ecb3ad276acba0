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

func formOf(email string) accounts.SignUpForm {
	return accounts.SignUpForm{Email: email, Name: "Ada Byron", Password: lanyard.SecretOf(newPassword), Locale: "en"}
}

func (h *town) signUp(form accounts.SignUpForm) error {
	return h.SignUp(h.Context(), h.t, request, form, h.from, h.now)
}

func (h *town) finish(code string) (accounts.Proven, error) {
	return h.FinishSignUp(h.Context(), h.t, request, code, accounts.Newcomer{}, h.from, h.now)
}

func TestSignUpMakesAnAccountOfAProvedAddress(t *testing.T) {
	inTown(t, func(h *town) {
		form := formOf("Ada@example.test")
		form.Attributes = map[string]string{"team": "engines"}
		h.must(h.signUp(form))
		letter := h.mail(lanyard.MailSignUp, "Ada@example.test")
		_, err := h.t.Scope.UserByEmail(h.Context(), address)
		h.wants("before the proof", err, lanyard.ErrNotFound)
		_, err = h.finish(anotherCode(letter.Code))
		h.wants("another code", err, lanyard.ErrWrongCode)
		_, err = h.FinishSignUp(h.Context(), h.t, "req_elsewhere", letter.Code, accounts.Newcomer{}, h.from, h.now)
		h.wants("in another request", err, lanyard.ErrWrongCode)
		proven, err := h.finish(letter.Code)
		h.must(err)
		h.must(h.succeed(proven))
		got := h.byEmail(address)
		proven.User.TenantID = got.TenantID
		if diff := cmp.Diff(proven.User, got); diff != "" || proven.Method != lanyard.MethodPassword {
			h.Errorf("by %s, (-proved +stored)\n%s", proven.Method, diff)
		}
		want := lanyard.Profile{Name: "Ada Byron", Email: "Ada@example.test", EmailVerified: true, Locale: "en", Attributes: map[string]string{"team": "engines"}}
		if diff := cmp.Diff(want, got.Profile); diff != "" {
			h.Error(diff)
		}
		roles, err := h.t.Scope.UserRoles(h.Context(), got.ID)
		h.must(err)
		if cmp.Diff([]string{"reader"}, roles) != "" || h.happened(lanyard.EventUserSignedUp, got.ID) != 1 {
			h.Errorf("roles %v", roles)
		}
		h.must(h.signsIn(address, newPassword))
		_, err = h.finish(letter.Code)
		h.wants("the code again", err, lanyard.ErrWrongCode)
	})
}

// TestSignUpIsRefused is ATTACKS.md 127, 128, 130 and 181: nothing is stored or sent.
func TestSignUpIsRefused(t *testing.T) {
	inTown(t, func(h *town) {
		for _, policy := range []lanyard.SignUp{lanyard.SignUpClosed, lanyard.SignUpInvite, ""} {
			h.t.Tenant.Policy.SignUp = policy
			h.wants(string(policy), h.signUp(accounts.SignUpForm{Email: "not an address"}), lanyard.ErrSignUpClosed)
			_, err := h.finish("123456")
			h.wants("finishing "+string(policy), err, lanyard.ErrSignUpClosed)
		}
		h.t.Tenant.Policy.SignUp = lanyard.SignUpOpen
		for name, c := range map[string]struct {
			change func(*accounts.SignUpForm)
			want   error
		}{
			"no address":            {func(f *accounts.SignUpForm) { f.Email = "ada" }, lanyard.ErrBadInput},
			"an address with CRLF":  {func(f *accounts.SignUpForm) { f.Email = "ada@example.test\r\nBcc: eve@example.test" }, lanyard.ErrBadInput},
			"a name with CRLF":      {func(f *accounts.SignUpForm) { f.Name = "Ada\r\nBcc: eve@example.test" }, lanyard.ErrBadInput},
			"a long name":           {func(f *accounts.SignUpForm) { f.Name = strings.Repeat("a", 300) }, lanyard.ErrBadInput},
			"a locale of markup":    {func(f *accounts.SignUpForm) { f.Locale = "<b>" }, lanyard.ErrBadInput},
			"an unknown attribute":  {func(f *accounts.SignUpForm) { f.Attributes = map[string]string{"is_admin": "true"} }, lanyard.ErrBadInput},
			"an attribute not ours": {func(f *accounts.SignUpForm) { f.Attributes = map[string]string{"rank": "1"} }, lanyard.ErrBadInput},
			"a short password":      {func(f *accounts.SignUpForm) { f.Password = lanyard.SecretOf("14 characters!") }, lanyard.ErrShortPassword},
			"the own name":          {func(f *accounts.SignUpForm) { f.Password = lanyard.SecretOf("walnut byron quilt") }, lanyard.ErrPersonalPassword},
		} {
			form := formOf(address)
			c.change(&form)
			h.wants(name, h.signUp(form), c.want)
		}
		if h.rows() != 0 || h.hashes.Load() != 0 {
			h.Errorf("%d mails, %d hashes", h.rows(), h.hashes.Load())
		}
	})
}

// TestSignUpDoesNotTellWhoIsThere is ATTACKS.md 113 for registration: the same
// statements, hashes, rows and answers.
func TestSignUpDoesNotTellWhoIsThere(t *testing.T) {
	inTown(t, func(h *town) {
		h.citizen("ada", address, true)
		h.citizen("bob", "bob@example.test", false)
		h.turnOff(h.citizen("cleo", "cleo@example.test", true))
		names := []string{"new@example.test", address, "bob@example.test", "cleo@example.test"}
		for _, policy := range []lanyard.EmailVerification{"", lanyard.VerificationRequired, lanyard.VerificationOptional, lanyard.VerificationOff} {
			h.t.Tenant.Policy.EmailVerification = policy
			h.now = h.now.Add(2 * time.Hour)
			names[0] = "new" + string(policy) + "@example.test"
			h.sameWork(names, func(ctx context.Context, name string) error {
				return h.SignUp(ctx, h.t, "req_"+name, formOf(name), h.from, h.now)
			}, work{Hashes: 1, Deliveries: 1})
			h.sameWork(names, func(ctx context.Context, name string) error {
				_, err := h.FinishSignUp(ctx, h.t, "req_"+name, "no code", accounts.Newcomer{}, h.from, h.now)
				return err
			}, work{Answer: lanyard.ErrWrongCode.Error()})
		}
	})
}

func TestOwnerIsToldOfASignUpThreeTimesAnHour(t *testing.T) {
	inTown(t, func(h *town) {
		h.citizen("ada", "Ada@example.test", true)
		for n := range 4 {
			h.must(h.signUp(formOf("ADA@example.test")))
			if n < 3 {
				letter := h.mail(lanyard.MailSignUpExists, "Ada@example.test")
				if letter.Code != "" || letter.Link != "" {
					h.Errorf("the letter opens something: %+v", letter)
				}
			}
			h.now = h.now.Add(time.Minute)
		}
		if mails := h.mails(); len(mails) != 0 {
			h.Errorf("the fourth mail: %+v", mails)
		}
		if diff := cmp.Diff(map[string]int{storage.DeliveryQueued: 3, storage.DeliveryVoid: 1}, h.deliveries()); diff != "" {
			h.Error(diff)
		}
	})
}

// TestAddressTakenMeanwhileLeavesNothing behind, and neither does a lost transaction.
func TestAddressTakenMeanwhileLeavesNothing(t *testing.T) {
	inTown(t, func(h *town) {
		h.must(h.signUp(formOf(address)))
		proven, err := h.finish(h.mail(lanyard.MailSignUp, address).Code)
		h.must(err)
		lost := errors.New("lost")
		h.wants("a transaction that is lost", h.apply(func(ctx context.Context, tx storage.Scope) error {
			h.must(proven.Success(ctx, tx))
			return lost
		}), lost)
		h.citizen("other", address, true)
		h.wants("taken", h.succeed(proven), lanyard.ErrWrongCode)
		_, err = h.t.Scope.User(h.Context(), proven.User.ID)
		h.wants("the account", err, lanyard.ErrNotFound)
		if h.happened(lanyard.EventUserSignedUp, proven.User.ID) != 0 || h.byEmail(address).Username != "other" {
			h.Error("something stayed")
		}
	})
}

// TestOwnerOfAMailboxTakesItsAddressBack is ATTACKS.md 155: whoever set an account
// up at an address that they never proved is left with nothing.
func TestOwnerOfAMailboxTakesItsAddressBack(t *testing.T) {
	inTown(t, func(h *town) {
		eve := h.citizen("eve", address, false)
		actor := h.signedIn(eve, "cookie")
		h.must(h.signUp(formOf(address)))
		proven, err := h.finish(h.mail(lanyard.MailSignUp, address).Code)
		h.must(err)
		h.must(h.succeed(proven))
		ada := h.byEmail(address)
		if ada.ID == eve.ID || ada.ID != proven.User.ID || h.user(eve.ID).Profile.Email != "" || h.session(actor.Session.ID).EndedAt.IsZero() {
			h.Errorf("the address is of %s (%s before), the session ended at %v", ada.ID, eve.ID, h.session(actor.Session.ID).EndedAt)
		}
		h.wants("the old password by name", h.signsIn("eve", oldPassword), lanyard.ErrWrongCredentials)
		h.wants("the old password by address", h.signsIn(address, oldPassword), lanyard.ErrWrongCredentials)
		h.must(h.signsIn(address, newPassword))
		if h.happened(lanyard.EventEmailRemoved, eve.ID) != 1 {
			h.Error("it is not recorded")
		}
	})
}

func TestAccountWithoutProofIsMadeAtOnce(t *testing.T) {
	inTown(t, func(h *town) {
		h.t.Tenant.Policy.EmailVerification = lanyard.VerificationOptional
		h.must(h.signUp(formOf(address)))
		code := h.mail(lanyard.MailVerify, address).Code
		ada := h.byEmail(address)
		if ada.Profile.EmailVerified || ada.Profile.Name != "Ada Byron" {
			h.Errorf("made %+v", ada)
		}
		h.must(h.signsIn(address, newPassword))
		apply, err := h.verify(ada, code)
		h.must(err)
		h.must(h.apply(apply))
		if !h.byEmail(address).Profile.EmailVerified {
			h.Error("the code did not prove the address")
		}
		h.t.Tenant.Policy.EmailVerification = lanyard.VerificationOff
		h.must(h.SignUp(h.Context(), h.t, "req_other", formOf("bob@example.test"), h.from, h.now))
		h.must(h.signsIn("bob@example.test", newPassword))
		if mails := h.mails(); len(mails) != 0 {
			h.Errorf("mails: %+v", mails)
		}
	})
}

// TestTakenAddressStaysAsItIs where accounts are made at once, proved or not.
func TestTakenAddressStaysAsItIs(t *testing.T) {
	inTown(t, func(h *town) {
		h.t.Tenant.Policy.EmailVerification = lanyard.VerificationOff
		bob := h.citizen("bob", "bob@example.test", false)
		users, err := h.store.CountRows(h.Context(), "users")
		h.must(err)
		h.must(h.signUp(formOf("bob@example.test")))
		h.mail(lanyard.MailSignUpExists, "bob@example.test")
		h.wants("the new password", h.signsIn("bob@example.test", newPassword), lanyard.ErrWrongCredentials)
		h.must(h.signsIn("bob@example.test", oldPassword))
		now, err := h.store.CountRows(h.Context(), "users")
		h.must(err)
		if now != users || h.byEmail("bob@example.test").ID != bob.ID {
			h.Errorf("%d users, %d before", now, users)
		}
	})
}

func TestSignUpCodeMakesOneAccount(t *testing.T) {
	inTown(t, func(h *town) {
		for n := range testkit.Rounds(10, 500) {
			h.now = h.now.Add(2 * time.Hour)
			email := strings.Repeat("a", n%60+1) + "." + strings.Repeat("b", n/60+1) + "@example.test"
			h.must(h.signUp(formOf(email)))
			code := h.mail(lanyard.MailSignUp, email).Code
			next := make(chan accounts.Proven, 32)
			for range storage.ChallengeTries {
				proven, err := h.finish(code) // each would make an account of its own
				h.must(err)
				for range 32/storage.ChallengeTries + 1 {
					select {
					case next <- proven:
					default:
					}
				}
			}
			h.race(func() error { return h.succeed(<-next) }, lanyard.ErrWrongCode)
		}
	})
}

// TestTwoWhoProveOneAddressMakeOneAccount, from two requests at once.
func TestTwoWhoProveOneAddressMakeOneAccount(t *testing.T) {
	inTown(t, func(h *town) {
		for n := range testkit.Rounds(10, 500) {
			h.now = h.now.Add(2 * time.Hour)
			email := strings.Repeat("c", n%60+1) + "." + strings.Repeat("d", n/60+1) + "@example.test"
			next := make(chan accounts.Proven, 32)
			for _, holder := range []string{"req_1", "req_2", "req_3", "req_4"} {
				h.must(h.SignUp(h.Context(), h.t, holder, formOf(email), h.from, h.now))
				proven, err := h.FinishSignUp(h.Context(), h.t, holder, h.mail(lanyard.MailSignUp, email).Code, accounts.Newcomer{}, h.from, h.now)
				h.must(err)
				for range 8 {
					next <- proven
				}
			}
			h.race(func() error { return h.succeed(<-next) }, lanyard.ErrWrongCode)
		}
	})
}
