package storage_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// deviceOf is what a device asks for, with codes of a name.
func deviceOf(name string) lanyard.DeviceAuthorization {
	return lanyard.DeviceAuthorization{
		CodeHash: hash("device " + name), UserCodeMAC: hash("user code " + name), ClientID: "web", Scopes: lanyard.Scopes{"openid", "read"},
		Resources: []string{"https://api.example.test"}, Organization: "acme", Label: "a 'label' ?", Address: "192.0.2.1",
		CreatedAt: now, ExpiresAt: now.Add(10 * time.Minute),
	}
}

// yes is the grant that the person of a house makes.
func yes(h *house, id lanyard.GrantID) lanyard.Grant {
	return lanyard.Grant{
		ID: id, TenantID: h.TenantID(), ClientID: "web", UserID: h.user.ID, SessionID: h.session, OrganizationID: h.org.ID,
		Scopes: lanyard.Scopes{"openid", "read"}, Resources: []string{"https://api.example.test"}, ACR: "1", AMR: []string{"pwd"}, AuthTime: now,
		CreatedAt: now, ExpiresAt: now.Add(10 * time.Minute),
	}
}

// begun is the same grant once the device has it.
func begun(g lanyard.Grant) lanyard.Grant {
	g.CreatedAt, g.ExpiresAt = now.Add(time.Minute), now.Add(time.Hour)
	g.Refresh = &lanyard.RefreshFamily{Sequence: 1, KeyID: "mac", Current: hash("of the device"), IdleUntil: now.Add(30 * time.Minute)}
	return g
}

// deviceAuthorizationCases are the calls of a stranger on what a device asks the victim for.
func deviceAuthorizationCases(t *testing.T, s stranger) (calls, own cases) {
	ctx, victim := t.Context(), s.victim
	waiting, approved := deviceOf("waiting"), deviceOf("approved")
	ok(t, first(victim.InsertDeviceAuthorization(ctx, waiting)))
	ok(t, first(victim.InsertDeviceAuthorization(ctx, approved)))
	g := yes(victim, "gra_device")
	ok(t, victim.ApproveDeviceAuthorization(ctx, approved.CodeHash, g, now))
	seen := func() []any {
		t.Helper()
		one, err := victim.DeviceAuthorization(ctx, waiting.CodeHash)
		ok(t, err)
		two, err := victim.DeviceAuthorization(ctx, approved.CodeHash)
		ok(t, err)
		standing, err := victim.Standing(ctx, g.ID)
		ok(t, err)
		return []any{one, two, standing.Grant}
	}
	before := seen()
	untouched := func(err error) error {
		if diff := cmp.Diff(before, seen()); diff != "" {
			return errors.New("what the victim's devices ask for changed:\n" + diff)
		}
		return err
	}
	return cases{
			"DeviceAuthorization":        func() error { return first(s.DeviceAuthorization(ctx, waiting.CodeHash)) },
			"WaitingDeviceAuthorization": func() error { return first(s.WaitingDeviceAuthorization(ctx, waiting.UserCodeMAC, now)) },
			"PollDeviceAuthorization":    func() error { return first(s.PollDeviceAuthorization(ctx, waiting.CodeHash, now)) },
			"ApproveDeviceAuthorization": func() error {
				return untouched(s.ApproveDeviceAuthorization(ctx, waiting.CodeHash, yes(victim, "gra_stranger"), now))
			},
			"DenyDeviceAuthorization": func() error { return untouched(s.DenyDeviceAuthorization(ctx, waiting.CodeHash, now)) },
			"SpendDeviceAuthorization": func() error {
				return untouched(touched(s.SpendDeviceAuthorization(ctx, approved.CodeHash, begun(g), now)))
			},
		}, cases{
			"InsertDeviceAuthorization": func() error {
				ok(t, s.PutClient(ctx, lanyard.Client{ID: "web", CreatedAt: now}))
				stored, err := s.InsertDeviceAuthorization(ctx, waiting)
				if err == nil && !stored {
					err = errors.New("the user code of another tenant is taken")
				}
				return untouched(err)
			},
		}
}

func TestDeviceAuthorizationComesBack(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h, d := t.Context(), furnish(t, store, "home"), deviceOf("one")
		stored, err := h.InsertDeviceAuthorization(ctx, d)
		ok(t, err)
		got, err := h.WaitingDeviceAuthorization(ctx, d.UserCodeMAC, now)
		ok(t, err)
		if diff := cmp.Diff(d, got); diff != "" || !stored {
			t.Errorf("stored %v (-want +got):\n%s", stored, diff)
		}
		twin := deviceOf("two")
		twin.UserCodeMAC = d.UserCodeMAC
		if stored, err := h.InsertDeviceAuthorization(ctx, twin); stored || err != nil {
			t.Errorf("a user code that is taken: %v %v", stored, err)
		}
		g := yes(h, "gra_device")
		ok(t, h.ApproveDeviceAuthorization(ctx, d.CodeHash, g, now))
		d.DecidedAt, d.GrantID = now, g.ID
		got, err = h.DeviceAuthorization(ctx, d.CodeHash)
		ok(t, err)
		if diff := cmp.Diff(d, got); diff != "" {
			t.Errorf("approved (-want +got):\n%s", diff)
		}
		spent, err := h.SpendDeviceAuthorization(ctx, d.CodeHash, begun(g), now)
		ok(t, err)
		standing, err := h.Standing(ctx, g.ID)
		ok(t, err)
		if diff := cmp.Diff(begun(g), standing.Grant, cmpopts.EquateEmpty()); diff != "" || !spent {
			t.Errorf("spent %v, the grant (-want +got):\n%s", spent, diff)
		}
		if label, err := storage.LabelOf(ctx, h.Scope, g.ID); label != d.Label || err != nil {
			t.Errorf("the grant is labelled %q, %v", label, err)
		}
	})
}

// TestDeviceAuthorizationIsDecidedAndSpentOnce, in its time.
func TestDeviceAuthorizationIsDecidedAndSpentOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		asked := func(name string) []byte {
			t.Helper()
			d := deviceOf(name)
			ok(t, first(h.InsertDeviceAuthorization(ctx, d)))
			return d.CodeHash
		}
		end := now.Add(10 * time.Minute)
		code, g := asked("approved"), yes(h, "gra_1")
		spend := func(at time.Time, g lanyard.Grant) bool {
			t.Helper()
			spent, err := h.SpendDeviceAuthorization(ctx, code, g, at)
			ok(t, err)
			return spent
		}
		if spend(now, begun(yes(h, ""))) {
			t.Error("it is spent before the decision")
		}
		wantErr(t, h.ApproveDeviceAuthorization(ctx, code, g, end), lanyard.ErrNotFound)
		ok(t, h.ApproveDeviceAuthorization(ctx, code, g, end.Add(-time.Microsecond)))
		wantErr(t, h.ApproveDeviceAuthorization(ctx, code, yes(h, "gra_2"), now), lanyard.ErrNotFound)
		wantErr(t, h.DenyDeviceAuthorization(ctx, code, now), lanyard.ErrNotFound)
		wantErr(t, first(h.PollDeviceAuthorization(ctx, code, now)), lanyard.ErrNotFound)
		wantErr(t, first(h.WaitingDeviceAuthorization(ctx, deviceOf("approved").UserCodeMAC, now)), lanyard.ErrNotFound)
		other := begun(g)
		other.ID = "gra_same"
		foreign := begun(g)
		foreign.ClientID = "other"
		if spend(end, begun(g)) || spend(now, other) || spend(now, foreign) {
			t.Error("it is spent too late, for another grant or by another client")
		}
		if !spend(now, begun(g)) || spend(now, begun(g)) {
			t.Error("it is not spent, or twice")
		}
		denied := asked("denied")
		ok(t, h.DenyDeviceAuthorization(ctx, denied, now))
		wantErr(t, h.ApproveDeviceAuthorization(ctx, denied, yes(h, "gra_3"), now), lanyard.ErrNotFound)
		late := asked("late")
		wantErr(t, h.DenyDeviceAuthorization(ctx, late, end), lanyard.ErrNotFound)
		wantErr(t, first(h.PollDeviceAuthorization(ctx, late, end)), lanyard.ErrNotFound)
		wantErr(t, first(h.WaitingDeviceAuthorization(ctx, deviceOf("late").UserCodeMAC, end)), lanyard.ErrNotFound)
	})
}

// TestApprovalNeedsWhoGivesIt: a session that ended, a user who is turned off and
// somebody who is no member approve nothing, and leave it as it was.
func TestApprovalNeedsWhoGivesIt(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h, d := t.Context(), furnish(t, store, "home"), deviceOf("one")
		ok(t, first(h.InsertDeviceAuthorization(ctx, d)))
		approve := func(g lanyard.Grant) error { return h.ApproveDeviceAuthorization(ctx, d.CodeHash, g, now) }
		wrong := yes(h, "gra_1")
		wrong.OrganizationID = "org_other"
		wantErr(t, approve(wrong), lanyard.ErrNotFound)
		wrong = yes(h, "gra_1")
		wrong.UserID = "usr_other"
		wantErr(t, approve(wrong), lanyard.ErrNotFound)
		wrong = yes(h, "gra_1")
		wrong.ClientID = "other"
		wantErr(t, approve(wrong), lanyard.ErrNotFound)
		off := h.user
		off.Disabled = true
		ok(t, h.UpdateUser(ctx, off))
		wantErr(t, approve(yes(h, "gra_1")), lanyard.ErrNotFound)
		ok(t, h.UpdateUser(ctx, h.user))
		ok(t, first(h.WaitingDeviceAuthorization(ctx, d.UserCodeMAC, now)))
		ok(t, first(h.EndSession(ctx, h.session, now)))
		wantErr(t, approve(yes(h, "gra_1")), lanyard.ErrNotFound)
	})
}

// TestEndedGrantIsNotBegun: revoked, user turned off, session ended unless offline.
func TestEndedGrantIsNotBegun(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx := t.Context()
		for n, c := range []struct {
			name    string
			offline bool
			end     func(h *house) error
			want    bool
		}{
			{"nothing", false, func(*house) error { return nil }, true},
			{"revoked", true, func(h *house) error { return first(h.RevokeUserGrants(ctx, h.user.ID, "", "x", now)) }, false},
			{"session ended", false, func(h *house) error { return first(h.EndSession(ctx, h.session, now)) }, false},
			{"offline", true, func(h *house) error { return first(h.EndSession(ctx, h.session, now)) }, true},
			{"user off", true, func(h *house) error { u := h.user; u.Disabled = true; return h.UpdateUser(ctx, u) }, false},
			{"organization is gone", true, func(h *house) error { return h.ScheduleOrganizationDeletion(ctx, h.org.ID, now) }, false},
		} {
			h, d := furnish(t, store, fmt.Sprintf("home-%d", n)), deviceOf("one")
			ok(t, first(h.InsertDeviceAuthorization(ctx, d)))
			g := yes(h, "gra_device")
			g.Offline = c.offline
			ok(t, h.ApproveDeviceAuthorization(ctx, d.CodeHash, g, now))
			ok(t, c.end(h))
			spent, err := h.SpendDeviceAuthorization(ctx, d.CodeHash, begun(g), now)
			if spent != c.want || (err != nil && !errors.Is(err, lanyard.ErrNotFound)) {
				t.Errorf("%s: %v %v", c.name, spent, err)
			}
		}
	})
}

// TestPollsAreToldApart: each that comes early makes the pause longer, in the row.
func TestPollsAreToldApart(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h, d := t.Context(), furnish(t, store, "home"), deviceOf("one")
		ok(t, first(h.InsertDeviceAuthorization(ctx, d)))
		at := now
		for n, step := range []struct {
			wait    time.Duration
			hurried bool
		}{
			{0, false}, {4600 * time.Millisecond, false}, {4499 * time.Millisecond, true}, {10 * time.Second, false}, {0, true}, {10 * time.Second, true}, {20 * time.Second, false},
		} {
			at = at.Add(step.wait)
			hurried, err := h.PollDeviceAuthorization(ctx, d.CodeHash, at)
			ok(t, err)
			if hurried != step.hurried {
				t.Errorf("poll %d: %v", n, hurried)
			}
		}
	})
}
