package accounts_test

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

func (h *town) forgot(name string) error {
	return h.RequestReset(h.Context(), h.t, name, request, h.from, "Grafana", h.now)
}

func (h *town) reset(token lanyard.Secret, password string) error {
	return h.Reset(h.Context(), h.t, token, lanyard.SecretOf(password), h.from, h.now)
}

// resetToken asks for a link, and takes it out of the mail.
func (h *town) resetToken() lanyard.Secret {
	h.Helper()
	h.now = h.now.Add(2 * time.Hour)
	h.must(h.forgot(address))
	for _, letter := range h.mails() {
		if letter.Kind == lanyard.MailReset {
			return h.tokenOf(letter)
		}
	}
	h.Fatal("no mail came")
	return lanyard.Secret{}
}

// TestResetSetsThePasswordAndNothingElse is ATTACKS.md 172 and 176.
func TestResetSetsThePasswordAndNothingElse(t *testing.T) {
	inTown(t, func(h *town) {
		ada := h.citizen("ada", address, false)
		h.setPassword(ada.ID, storage.Password{Hash: h.hash(oldPassword), MustChange: true, Short: true})
		actor := h.signedIn(ada, "cookie")
		h.must(h.forgot("ada"))
		letter := h.mail(lanyard.MailReset, address)
		link, err := url.Parse(letter.Link)
		h.must(err)
		if link.Query().Get("request") != request || letter.Code != "" || letter.App != "Grafana" || !letter.Expires.Equal(h.now.Add(30*time.Minute)) {
			h.Errorf("the letter is %+v", letter)
		}
		token := h.tokenOf(letter)
		view, err := h.ResetLives(h.Context(), h.t, token, h.now)
		h.must(err)
		if diff := cmp.Diff(accounts.ResetView{Name: address, Shortest: accounts.ShortestAlone}, view); diff != "" {
			h.Error(diff)
		}
		h.wants("a bad password", h.reset(token, "password1234567"), lanyard.ErrWeakPassword)
		h.must(h.reset(token, newPassword))
		h.mail(lanyard.MailPasswordChanged, address)
		h.must(h.signsIn(address, newPassword))
		h.wants("the old password", h.signsIn(address, oldPassword), lanyard.ErrWrongCredentials)
		factors, err := h.t.Scope.Factors(h.Context(), ada.ID, nil, h.now)
		h.must(err)
		want := lanyard.Factors{UserID: ada.ID, Revision: 1, Password: true, EmailVerified: true}
		if diff := cmp.Diff(want, factors); diff != "" || h.session(actor.Session.ID).EndedAt.IsZero() {
			h.Errorf("the session ended at %v\n%s", h.session(actor.Session.ID).EndedAt, diff)
		}
		if h.happened(lanyard.EventPasswordReset, ada.ID) != 1 || h.happened(lanyard.EventResetRequested, ada.ID) != 1 || h.happened(lanyard.EventEmailVerified, ada.ID) != 1 {
			h.Error("it is not recorded")
		}
		h.wants("the link again", h.reset(token, oldPassword), lanyard.ErrLinkUsed)
	})
}

// TestResetLinkDies is ATTACKS.md 172, 173 and 133.
func TestResetLinkDies(t *testing.T) {
	inTown(t, func(h *town) {
		ada := h.citizen("ada", address, true)
		dead := func(what string, token lanyard.Secret) {
			h.Helper()
			_, err := h.ResetLives(h.Context(), h.t, token, h.now)
			h.wants("looking: "+what, err, lanyard.ErrLinkUsed)
			h.wants("using: "+what, h.reset(token, newPassword), lanyard.ErrLinkUsed)
		}
		old := h.resetToken()
		token := h.resetToken()
		dead("an older link", old)
		dead("an invented one", lanyard.SecretOf("x"))
		elsewhere := h.tenant("elsewhere")
		h.wants("in another tenant", h.Reset(h.Context(), elsewhere, token, lanyard.SecretOf(newPassword), h.from, h.now), lanyard.ErrLinkUsed)
		_, err := h.LinkOf(h.Context(), h.t, token, h.now)
		h.wants("as a link with a code", err, lanyard.ErrLinkUsed)
		h.now = h.now.Add(30*time.Minute - time.Microsecond)
		_, err = h.ResetLives(h.Context(), h.t, token, h.now)
		h.must(err)
		h.now = h.now.Add(time.Microsecond)
		dead("after half an hour", token)

		token = h.resetToken()
		h.must(h.t.Scope.SetPrimaryEmail(h.Context(), ada.ID, "new@example.test", true, h.now))
		dead("after a change of address", token)
		h.must(h.t.Scope.SetPrimaryEmail(h.Context(), ada.ID, address, true, h.now))

		token = h.resetToken()
		h.must(h.ChangePassword(h.Context(), h.t, h.signedIn(h.user(ada.ID), "cookie"), lanyard.SecretOf(oldPassword), lanyard.SecretOf(newPassword), h.now))
		dead("after a change of the password", token)

		token = h.resetToken()
		h.turnOff(h.user(ada.ID))
		dead("of somebody who was turned off", token)
		h.must(h.t.Scope.UpdateUser(h.Context(), ada))

		h.must(h.SendVerification(h.Context(), h.t, request, ada, address, h.from, h.now))
		dead("a link for something else", h.tokenOf(h.mail(lanyard.MailVerify, address)))
	})
}

// TestResetRequestDoesNotTellWhoIsThere is ATTACKS.md 115 and 175.
func TestResetRequestDoesNotTellWhoIsThere(t *testing.T) {
	inTown(t, func(h *town) {
		h.citizen("ada", address, true)
		h.citizen("bob", "bob@example.test", false)
		h.turnOff(h.citizen("cleo", "cleo@example.test", true))
		h.citizen("dan", "", false)
		h.withSecondFactor(h.citizen("eve", "eve@example.test", true))
		h.withSecondFactor(h.citizen("fay", "fay@example.test", false))
		var to []string
		for _, names := range [][]string{
			{address, "bob@example.test", "cleo@example.test", "eve@example.test", "fay@example.test", "nobody@example.test"},
			{"ada", "dan", "cleo", "nobody", "@@@"},
		} {
			h.now = h.now.Add(2 * time.Hour)
			h.sameWork(names, func(ctx context.Context, name string) error {
				return h.RequestReset(ctx, h.t, name, "", h.from, "", h.now)
			}, work{Hashes: 1, Deliveries: 1})
			for _, letter := range h.mails() {
				to = append(to, letter.To)
			}
		}
		slices.Sort(to)
		if diff := cmp.Diff([]string{address, address, "bob@example.test", "eve@example.test"}, to); diff != "" {
			h.Errorf("who got a link (-want +got):\n%s", diff)
		}
	})
}

// withSecondFactor gives a user a confirmed seed.
func (h *town) withSecondFactor(user lanyard.User) {
	h.Helper()
	seed := storage.TOTP{UserID: user.ID, ID: "seed", Sealed: []byte("sealed"), Holder: "holder", CreatedAt: h.now}
	h.must(h.t.Scope.OfferTOTP(h.Context(), seed, h.now))
	h.must(h.t.Scope.ConfirmTOTP(h.Context(), seed, h.now.Add(-time.Minute), h.now))
}

// TestResetLeavesTheSecondFactor, which is why a shorter password is enough.
func TestResetLeavesTheSecondFactor(t *testing.T) {
	inTown(t, func(h *town) {
		ada := h.citizen("ada", address, true)
		h.withSecondFactor(ada)
		token := h.resetToken()
		view, err := h.ResetLives(h.Context(), h.t, token, h.now)
		h.must(err)
		h.must(h.reset(token, "gnu vortex"))
		factors, err := h.t.Scope.Factors(h.Context(), ada.ID, nil, h.now)
		h.must(err)
		if !factors.TOTP || !factors.ShortPassword || view.Shortest != accounts.ShortestSecond {
			h.Errorf("factors %+v, view %+v", factors, view)
		}
	})
}

func TestUserWithoutAPasswordGetsOneByReset(t *testing.T) {
	inTown(t, func(h *town) {
		id := lanyard.NewUserID()
		h.must(h.t.Scope.InsertUser(h.Context(), lanyard.User{ID: id, Subject: string(id), CreatedAt: h.now, UpdatedAt: h.now}))
		h.must(h.t.Scope.SetPrimaryEmail(h.Context(), id, address, true, h.now))
		h.must(h.reset(h.resetToken(), newPassword))
		h.must(h.signsIn(address, newPassword))
	})
}

// TestResetsAreCounted by their link, whatever comes of them, and by address.
func TestResetsAreCounted(t *testing.T) {
	inTown(t, func(h *town) {
		h.citizen("ada", address, true)
		token := h.resetToken()
		for range 20 { // a person may need more than one idea
			h.wants("a short password", h.reset(token, "short"), lanyard.ErrShortPassword)
		}
		for range 8 {
			h.wants("an invented link", h.reset(lanyard.SecretOf("x"), newPassword), lanyard.ErrLinkUsed)
		}
		h.wants("too many", h.reset(lanyard.SecretOf("x"), newPassword), lanyard.ErrThrottled)
		h.must(h.reset(token, newPassword))
	})
}

func TestResetLinkIsUsedOnce(t *testing.T) {
	inTown(t, func(h *town) {
		h.citizen("ada", address, true)
		for range testkit.Rounds(3, 100) { // each try costs a hash
			token := h.resetToken()
			h.race(func() error { return h.reset(token, newPassword) }, lanyard.ErrLinkUsed, lanyard.ErrThrottled)
		}
	})
}

// TestResetNeverWinsAgainstAChangeOfAddressThatWasAnswered: either the reset came
// first, or the link is dead.
func TestResetNeverWinsAgainstAChangeOfAddressThatWasAnswered(t *testing.T) {
	inTown(t, func(h *town) {
		ada := h.citizen("ada", address, true)
		for range testkit.Rounds(10, 300) {
			h.setPassword(ada.ID, storage.Password{Hash: h.hash(oldPassword)})
			token := h.resetToken()
			var before bool // the password was the new one when the address had changed
			var reset, moved error
			var group sync.WaitGroup
			group.Go(func() { reset = h.reset(token, newPassword) })
			group.Go(func() {
				moved = h.apply(func(ctx context.Context, tx storage.Scope) error {
					return tx.SetPrimaryEmail(ctx, ada.ID, "new@example.test", true, h.now)
				})
				before = h.signsIn("ada", newPassword) == nil
			})
			group.Wait()
			h.must(moved)
			after := h.signsIn("ada", newPassword) == nil
			if reset == nil != after || before != after || (reset != nil && !errors.Is(reset, lanyard.ErrLinkUsed)) {
				h.Fatalf("reset: %v; the new password worked %v when the address had changed, %v in the end", reset, before, after)
			}
			h.must(h.t.Scope.SetPrimaryEmail(h.Context(), ada.ID, address, true, h.now))
		}
	})
}
