package accounts

import (
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// TestRememberedBrowserIsThatOneAlone is ATTACKS.md 110: not another browser, user or tenant, and not for ever.
func TestRememberedBrowserIsThatOneAlone(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		ctx, actor := t.Context(), h.actor
		bob := h.signIn(t, h.person(t, "bob"), "bob's cookie")
		ok(t, h.t.Scope.InTx(ctx, func(tx storage.Scope) error {
			return h.RememberDevice(ctx, tx, actor.User.ID, actor.Session.BrowserID, factorNow.Add(time.Hour), factorNow)
		}))
		other := openHome(t, h.store, "other")
		for name, c := range map[string]struct {
			user   lanyard.UserID
			cookie []byte
			at     time.Time
			want   bool
		}{
			"itself":          {actor.User.ID, actor.From.BrowserHash, factorNow.Add(time.Hour - 1), true},
			"later":           {actor.User.ID, actor.From.BrowserHash, factorNow.Add(time.Hour), false},
			"another browser": {actor.User.ID, bob.From.BrowserHash, factorNow, false},
			"another user":    {bob.User.ID, actor.From.BrowserHash, factorNow, false},
			"no cookie":       {actor.User.ID, nil, factorNow, false},
		} {
			f, err := h.Factors(ctx, h.t, c.user, c.cookie, c.at)
			if err != nil || f.Remembered != c.want {
				t.Errorf("%s: %v, %v", name, f.Remembered, err)
			}
		}
		wants(t, "another tenant", other.t.Scope.RememberDevice(ctx, actor.User.ID, actor.Session.BrowserID, factorNow, factorNow), lanyard.ErrConflict)
		if n, err := h.ForgetDevices(ctx, h.t, actor, factorNow); err != nil || n != 1 || h.factors(t).Remembered {
			t.Errorf("forgot %d, %v", n, err)
		}
		if n, err := h.ForgetDevices(ctx, h.t, actor, factorNow); err != nil || n != 0 || h.happened(t, lanyard.EventDeviceForgotten) != 1 {
			t.Errorf("forgot %d once more, %v", n, err)
		}
	})
}
