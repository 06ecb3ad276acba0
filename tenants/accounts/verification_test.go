package accounts_test

import (
	"context"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/storage"
)

func (h *town) verify(user lanyard.User, code string) (func(context.Context, storage.Scope) error, error) {
	return h.VerifyAddress(h.Context(), h.t, request, user, code, h.from, h.now)
}

func (h *town) sendVerification(user lanyard.User, email string) error {
	return h.SendVerification(h.Context(), h.t, request, user, email, h.from, h.now)
}

// TestVerificationIsForUserAddressAndHolder is ATTACKS.md 178.
func TestVerificationIsForUserAddressAndHolder(t *testing.T) {
	inTown(t, func(h *town) {
		ada, eve := h.citizen("ada", "Ada@example.test", false), h.citizen("eve", "eve@example.test", false)
		h.wants("an address of somebody else", h.sendVerification(eve, address), lanyard.ErrNotFound)
		h.must(h.sendVerification(ada, address))
		code := h.mail(lanyard.MailVerify, "Ada@example.test").Code
		_, err := h.verify(eve, code)
		h.wants("by somebody else", err, lanyard.ErrWrongCode)
		_, err = h.VerifyAddress(h.Context(), h.t, "req_elsewhere", ada, code, h.from, h.now)
		h.wants("in another request", err, lanyard.ErrWrongCode)
		_, err = h.verify(ada, anotherCode(code))
		h.wants("another code", err, lanyard.ErrWrongCode)
		apply, err := h.verify(ada, code)
		h.must(err)
		if h.user(ada.ID).Profile.EmailVerified {
			h.Error("it is verified before it is applied")
		}
		h.must(h.apply(apply))
		if !h.user(ada.ID).Profile.EmailVerified || h.user(eve.ID).Profile.EmailVerified || h.happened(lanyard.EventEmailVerified, ada.ID) != 1 {
			h.Error("the address is not verified, or another one is")
		}
		h.wants("once more", h.apply(apply), lanyard.ErrWrongCode)
	})
}

// TestAddressThatIsGoneIsNotVerified is ATTACKS.md 179.
func TestAddressThatIsGoneIsNotVerified(t *testing.T) {
	inTown(t, func(h *town) {
		ada := h.citizen("ada", address, true)
		h.must(h.t.Scope.AddEmail(h.Context(), ada.ID, "second@example.test", h.now))
		h.must(h.sendVerification(ada, "second@example.test"))
		code := h.mail(lanyard.MailVerify, "second@example.test").Code
		apply, err := h.verify(ada, code)
		h.must(err)
		h.must(h.t.Scope.RemoveEmail(h.Context(), ada.ID, "second@example.test"))
		h.wants("after it was removed", h.apply(apply), lanyard.ErrWrongCode)
		h.must(h.t.Scope.AddEmail(h.Context(), ada.ID, "second@example.test", h.now))
		h.must(h.apply(apply)) // it is theirs, and the code was in its mailbox
		emails, err := h.Emails(h.Context(), h.t, ada.ID)
		h.must(err)
		if len(emails) != 2 || !emails[1].Verified {
			h.Errorf("the addresses are %+v", emails)
		}
	})
}

func TestVerificationIsAppliedOnce(t *testing.T) {
	inTown(t, func(h *town) {
		ada := h.citizen("ada", address, false)
		for range testkit.Rounds(10, 500) {
			h.now = h.now.Add(2 * time.Hour)
			h.must(h.sendVerification(ada, address))
			apply, err := h.verify(ada, h.mail(lanyard.MailVerify, address).Code)
			h.must(err)
			h.race(func() error { return h.apply(apply) }, lanyard.ErrWrongCode)
		}
	})
}
