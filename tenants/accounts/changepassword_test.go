package accounts_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

func (h *town) changePassword(actor accounts.Actor, current, password string) error {
	return h.ChangePassword(h.Context(), h.t, actor, lanyard.SecretOf(current), lanyard.SecretOf(password), h.now)
}

func TestChangedPasswordEndsEverythingElse(t *testing.T) {
	inTown(t, func(h *town) {
		ada := h.citizen("ada", address, true)
		here, there := h.signedIn(ada, "here"), h.signedIn(ada, "there")
		h.must(h.changePassword(here, oldPassword, newPassword))
		h.mail(lanyard.MailPasswordChanged, address)
		if !h.session(here.Session.ID).EndedAt.IsZero() || h.session(there.Session.ID).EndedAt.IsZero() || h.happened(lanyard.EventPasswordChanged, ada.ID) != 1 {
			h.Error("the own session ended, or the other did not")
		}
		h.must(h.signsIn("ada", newPassword))
		h.wants("the old one", h.signsIn("ada", oldPassword), lanyard.ErrWrongCredentials)
	})
}

func TestPasswordIsNotChanged(t *testing.T) {
	inTown(t, func(h *town) {
		ada := h.citizen("ada", address, true)
		actor := h.signedIn(ada, "cookie")
		for _, c := range []struct {
			name, current, password string
			want                    error
		}{
			{"without the current one", "walnut harbour", newPassword, lanyard.ErrWrongCredentials},
			{"to the same", oldPassword, oldPassword, lanyard.ErrSamePassword},
			{"to a short one", oldPassword, "short", lanyard.ErrShortPassword},
			{"to the own address", oldPassword, "the lighthouse keeper", lanyard.ErrPersonalPassword},
		} {
			h.wants(c.name, h.changePassword(actor, c.current, c.password), c.want)
		}
		h.must(h.signsIn("ada", oldPassword))
		if h.rows() != 0 || h.user(ada.ID).Revision != 0 {
			h.Error("something changed")
		}
	})
}

// TestCurrentPasswordIsCounted is ATTACKS.md 119, together with those of a sign-in.
func TestCurrentPasswordIsCounted(t *testing.T) {
	inTown(t, func(h *town) {
		actor := h.signedIn(h.citizen("ada", address, true), "cookie")
		for range 8 {
			h.wants("a wrong one", h.changePassword(actor, newPassword, newPassword), lanyard.ErrWrongCredentials)
		}
		h.wants("the ninth", h.changePassword(actor, oldPassword, newPassword), lanyard.ErrThrottled)
		h.now = h.now.Add(time.Second)
		h.must(h.changePassword(actor, oldPassword, newPassword))
	})
}

func TestFirstPasswordNeedsAFreshProof(t *testing.T) {
	inTown(t, func(h *town) {
		id := lanyard.NewUserID()
		h.must(h.t.Scope.InsertUser(h.Context(), lanyard.User{ID: id, Subject: string(id), Username: "ada", CreatedAt: h.now, UpdatedAt: h.now}))
		actor := h.signedIn(h.user(id), "cookie")
		h.now = h.now.Add(10 * time.Minute)
		h.wants("ten minutes later", h.changePassword(actor, "", newPassword), lanyard.ErrFreshProof)
		h.now = h.now.Add(-time.Second)
		h.must(h.changePassword(actor, "", newPassword))
		h.must(h.signsIn("ada", newPassword))
	})
}

func TestOneOfManyPasswordChangesWins(t *testing.T) {
	inTown(t, func(h *town) {
		actor := h.signedIn(h.citizen("ada", address, true), "cookie")
		h.race(func() error { return h.changePassword(actor, oldPassword, newPassword) },
			lanyard.ErrConflict, lanyard.ErrWrongCredentials, lanyard.ErrThrottled, lanyard.ErrUnavailable)
	})
}

func TestReplacedPasswordNeedNotBeReplacedAgain(t *testing.T) {
	inTown(t, func(h *town) {
		ada := h.citizen("ada", address, true)
		h.setPassword(ada.ID, storage.Password{Hash: h.hash(oldPassword), MustChange: true})
		here, there := h.signedIn(ada, "here"), h.signedIn(ada, "there")
		replace := func(password string, second bool) (accounts.Change, error) {
			return h.ReplacePassword(h.Context(), h.t, ada, lanyard.SecretOf(password), second, h.from, h.now)
		}
		_, err := replace(oldPassword, false)
		h.wants("the same", err, lanyard.ErrSamePassword)
		_, err = replace("gnu vortex", false)
		h.wants("a short one", err, lanyard.ErrShortPassword)
		change, err := replace("gnu vortex", true)
		h.must(err)
		h.must(h.signsIn("ada", oldPassword)) // nothing is stored yet
		change.Except = here.Session.ID
		undone := errors.New("undone")
		h.wants("an undone transaction", h.apply(func(ctx context.Context, tx storage.Scope) error {
			h.must(change.Apply(ctx, tx))
			return undone
		}), undone)
		h.must(h.signsIn("ada", oldPassword))
		h.must(h.apply(change.Apply))
		h.must(h.signsIn("ada", "gnu vortex"))
		factors, err := h.t.Scope.Factors(h.Context(), ada.ID, nil, h.now)
		h.must(err)
		if factors.MustChange || !factors.ShortPassword || factors.Revision != 1 {
			h.Errorf("factors %+v", factors)
		}
		if !h.session(here.Session.ID).EndedAt.IsZero() || h.session(there.Session.ID).EndedAt.IsZero() {
			h.Error("the session of the change ended, or the other did not")
		}
	})
}
