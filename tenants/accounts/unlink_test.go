package accounts_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// native is a user without password, who signs in by identities.
func (h *town) native(name string, all ...lanyard.Arrival) lanyard.User {
	h.Helper()
	user := lanyard.User{ID: lanyard.NewUserID(), Subject: name, Username: name, UpdatedAt: h.now, CreatedAt: h.now}
	h.must(h.t.Scope.InsertUser(h.Context(), user))
	for _, a := range all {
		h.must(h.link(user, a))
	}
	return h.user(user.ID)
}

func (h *town) unlink(actor accounts.Actor, a lanyard.Arrival) error {
	return h.UnlinkIdentity(h.Context(), h.t, actor, a.Identity, h.now)
}

// TestLinkingIsRecordedAndTold, and an identity signs one user in.
func TestLinkingIsRecordedAndTold(t *testing.T) {
	inTown(t, func(h *town) {
		user, other, google := h.citizen("ada", address, true), h.citizen("bob", "bob@example.test", true), h.connection("google")
		a := arrival(google, "1", "ada@up.example.test", true)
		h.must(h.link(user, a))
		if letter := h.mail(lanyard.MailIdentityLinked, address); letter.Subject != "Harbour (ada@up.example.test)" {
			h.Errorf("it is called %q", letter.Subject)
		}
		if h.happened(lanyard.EventIdentityLinked, user.ID) != 1 {
			h.Error("it is not recorded")
		}
		h.wants("by another user", h.link(other, a), lanyard.ErrIdentityTaken)
		h.wants("once more", h.link(user, a), lanyard.ErrIdentityTaken)
		h.connection("google", func(c *lanyard.Connection) { c.Enabled = false })
		h.wants("over a connection that is off", h.link(other, arrival(google, "2", "", false)), lanyard.ErrUpstreamRefused)
		h.wants("over none", h.link(other, arrival(lanyard.Connection{ID: "none"}, "2", "", false)), lanyard.ErrUpstreamRefused)
		if h.identities(other.ID) != nil || h.rows() != 1 {
			h.Errorf("%v is linked, %d mails", h.identities(other.ID), h.rows())
		}
	})
}

// TestIdentityIsLinkedToOneUser, of 32 who link it at once.
func TestIdentityIsLinkedToOneUser(t *testing.T) {
	inTown(t, func(h *town) {
		google := h.connection("google")
		users := []lanyard.User{h.native("ada"), h.native("bob"), h.native("cleo"), h.native("dora")}
		for n := range testkit.Rounds(10, 300) {
			next := make(chan lanyard.User, 32)
			for i := range 32 {
				next <- users[i%len(users)]
			}
			a := arrival(google, fmt.Sprint(n), "", false)
			h.race(func() error { return h.link(<-next, a) }, lanyard.ErrIdentityTaken)
			owner, err := h.t.Scope.IdentityOwner(h.Context(), a.Identity)
			h.must(err)
			h.must(h.t.Scope.UnlinkIdentity(h.Context(), owner.UserID, a.Identity))
		}
	})
}

// TestUnlinkedIdentitySignsNobodyIn; what its connection signed in ends, but the actor's session.
func TestUnlinkedIdentitySignsNobodyIn(t *testing.T) {
	inTown(t, func(h *town) {
		user, google := h.citizen("ada", address, true), h.connection("google")
		a := arrival(google, "1", "ada@up.example.test", true)
		h.must(h.link(user, a))
		h.mails()
		elsewhere, actor, by := h.signedIn(user, "other"), h.signedIn(user, "own"), h.signedIn(user, "upstream")
		over, err := h.t.Scope.StartSession(h.Context(), by.Session.BrowserID, storage.Proof{
			User: user.ID, At: h.now, ACR: lanyard.ACRSingle, ExpiresAt: h.now.Add(time.Hour), Connection: "google",
		})
		h.must(err)
		old := actor
		old.Session.AuthTime = h.now.Add(-accounts.FreshFor)
		h.wants("with an old proof", h.unlink(old, a), lanyard.ErrFreshProof)
		h.wants("another's", h.unlink(h.signedIn(h.citizen("bob", "bob@example.test", true), "bob"), a), lanyard.ErrNotFound)
		h.must(h.unlink(actor, a))
		h.wants("once more", h.unlink(actor, a), lanyard.ErrNotFound)
		_, err = h.proves(a)
		h.wants("it signs in", err, lanyard.ErrNotFound)
		if letter := h.mail(lanyard.MailIdentityUnlinked, address); letter.Subject != "Harbour (ada@up.example.test)" {
			h.Errorf("it is called %q", letter.Subject)
		}
		got := []bool{h.session(over).Live(h.now), h.session(actor.Session.ID).Live(h.now), h.session(elsewhere.Session.ID).Live(h.now)}
		if diff := cmp.Diff([]bool{false, true, true}, got); diff != "" || h.happened(lanyard.EventIdentityUnlinked, user.ID) != 1 {
			h.Errorf("live sessions: %s", diff)
		}
		if h.user(user.ID).Revision != user.Revision+1 {
			h.Error("what was half proved still counts")
		}
	})
}

// TestUnlinkingKeepsAWayIn of the person's own: an organization's is none, nor one that is off.
func TestUnlinkingKeepsAWayIn(t *testing.T) {
	inTown(t, func(h *town) {
		google, other := arrival(h.connection("google"), "1", "", false), arrival(h.connection("other"), "1", "", false)
		acme := arrival(h.connection("acme", h.owned), "1", "", false)
		h.t.Tenant.Policy.EmailCode = false
		actor := h.signedIn(h.native("ada", google, other, acme), "cookie")
		off := func(c *lanyard.Connection) { c.Enabled = false }
		h.connection("other", off)
		h.wants("the other connection is off", h.unlink(actor, google), lanyard.ErrLastWayIn)
		h.connection("other", func(c *lanyard.Connection) { c.SignIn = false })
		h.wants("the other connection signs nobody in", h.unlink(actor, google), lanyard.ErrLastWayIn)
		h.connection("other")
		h.must(h.unlink(actor, google))
		h.wants("the organization's is left", h.unlink(actor, other), lanyard.ErrLastWayIn)
		h.must(h.unlink(actor, acme))
		h.must(h.t.Scope.SetPrimaryEmail(h.Context(), actor.User.ID, address, true, h.now))
		actor.User = h.user(actor.User.ID)
		h.wants("codes are not offered", h.unlink(actor, other), lanyard.ErrLastWayIn)
		if diff := cmp.Diff([]string{"other 1"}, h.identities(actor.User.ID)); diff != "" {
			h.Error(diff)
		}
		h.t.Tenant.Policy.EmailCode = true
		h.must(h.unlink(actor, other))
	})
}

// TestUnlinkingTwoAtOnceLeavesOne: 32 requests for two identities.
func TestUnlinkingTwoAtOnceLeavesOne(t *testing.T) {
	inTown(t, func(h *town) {
		google, other := h.connection("google"), h.connection("other")
		for n := range testkit.Rounds(10, 300) {
			name := "native-" + string(rune('a'+n%26)) + string(rune('a'+n/26))
			both := []lanyard.Arrival{arrival(google, name, "", false), arrival(other, name, "", false)}
			actor := h.signedIn(h.native(name, both...), name)
			next := make(chan lanyard.Arrival, 32)
			for i := range 32 {
				next <- both[i%2]
			}
			h.race(func() error { return h.unlink(actor, <-next) }, lanyard.ErrConflict, lanyard.ErrLastWayIn, lanyard.ErrNotFound)
			if left := h.identities(actor.User.ID); len(left) != 1 {
				h.Fatalf("%v is left", left)
			}
		}
	})
}

// TestConfinedSessionChangesNoAccount, is not among one's own, and opens its organization.
func TestConfinedSessionChangesNoAccount(t *testing.T) {
	inTown(t, func(h *town) {
		ada, bob := h.citizen("ada", address, true), h.citizen("bob", "bob@example.test", true)
		actor := h.signedIn(ada, "cookie")
		start := func(user lanyard.User, at time.Time, organization lanyard.OrganizationID) lanyard.Session {
			id, err := h.t.Scope.StartSession(h.Context(), actor.Session.BrowserID, storage.Proof{
				User: user.ID, At: at, ACR: lanyard.ACRSingle, ExpiresAt: h.now.Add(24 * time.Hour), Connection: "acme", ConfinedTo: organization,
			})
			h.must(err)
			return h.session(id)
		}
		confined, others := start(ada, h.now.Add(time.Minute), "org_acme"), start(bob, h.now.Add(2*time.Minute), "org_globex")
		h.now = h.now.Add(3 * time.Minute)
		self, all, err := h.Self(h.Context(), h.t, actor.From, h.now)
		h.must(err)
		if self.Session.ID != actor.Session.ID || len(all) != 1 {
			h.Errorf("%s of %d accounts", self.Session.ID, len(all))
		}
		h.wants("switching to it", h.Switch(h.Context(), h.t, actor.From, confined.ID, h.now), lanyard.ErrNotFound)
		list := func() []lanyard.SessionID {
			everybody, err := h.SelfIn(h.Context(), h.t, actor.From, h.now)
			h.must(err)
			var out []lanyard.SessionID
			for _, a := range everybody {
				if a.Session.UserID != a.User.ID || a.From.Address != h.from.Address || !h.session(a.Session.ID).UsedAt.Equal(h.now) {
					h.Errorf("the actor is %+v", a)
				}
				out = append(out, a.Session.ID)
			}
			return out
		}
		if diff := cmp.Diff([]lanyard.SessionID{actor.Session.ID, others.ID, confined.ID}, list()); diff != "" {
			h.Error(diff)
		}
		h.turnOff(bob)
		_, err = h.t.Scope.EndSession(h.Context(), actor.Session.ID, h.now)
		h.must(err)
		if diff := cmp.Diff([]lanyard.SessionID{confined.ID}, list()); diff != "" {
			h.Error(diff)
		}
		_, _, err = h.Self(h.Context(), h.t, actor.From, h.now)
		h.wants("only the organization's", err, lanyard.ErrLoginRequired)
		_, err = h.SelfIn(h.Context(), h.t, accounts.From{}, h.now)
		h.wants("nobody", err, lanyard.ErrLoginRequired)

		inside := accounts.Actor{User: ada, Session: confined, From: actor.From}
		h.wants("an address", h.AddEmail(h.Context(), h.t, inside, "new@example.test", h.now), lanyard.ErrFreshProof)
		h.wants("an identity", h.unlink(inside, arrival(lanyard.Connection{ID: "google"}, "1", "", false)), lanyard.ErrFreshProof)
		h.must(h.CheckFresh(h.Context(), h.t, inside, h.now))
		h.wants("later", h.CheckFresh(h.Context(), h.t, inside, h.now.Add(accounts.FreshFor)), lanyard.ErrFreshProof)
		h.must(h.t.Scope.InsertPasskey(h.Context(), lanyard.Passkey{ID: "key", UserID: ada.ID, CreatedAt: h.now}, 0))
		h.wants("without the second factor", h.CheckFresh(h.Context(), h.t, inside, h.now), lanyard.ErrFreshProof)
		inside.Session.ACR = lanyard.ACRDouble
		h.must(h.CheckFresh(h.Context(), h.t, inside, h.now))
	})
}

// TestIdentitiesAreTakenAlong in the export.
func TestIdentitiesAreTakenAlong(t *testing.T) {
	inTown(t, func(h *town) {
		user := h.citizen("ada", address, true)
		h.must(h.link(user, arrival(h.connection("google"), "1", "ada@up.example.test", true)))
		export, err := h.ExportData(h.Context(), h.t, h.signedIn(user, "cookie"), h.now)
		h.must(err)
		if len(export.Identities) != 1 {
			h.Fatalf("%+v", export.Identities)
		}
		got := export.Identities[0]
		if got.Connection != "Harbour" || got.Issuer != "https://up.example.test" || got.Subject != "1" || got.Label != "ada@up.example.test" || !got.LinkedAt.Equal(h.now) || !got.UsedAt.Equal(h.now) {
			h.Errorf("%+v", got)
		}
	})
}

// TestResetByTheTrueOwnerUnlinks what somebody linked who never proved the address;
// an owner who proved it before keeps theirs.
func TestResetByTheTrueOwnerUnlinks(t *testing.T) {
	inTown(t, func(h *town) {
		google := h.connection("google")
		for n, verified := range []bool{false, true} {
			user := h.citizen("", address, verified)
			a := arrival(google, user.Subject, "", false)
			h.must(h.link(user, a))
			h.must(h.reset(h.resetToken(), newPassword))
			_, err := h.proves(a)
			if want := []error{lanyard.ErrNotFound, nil}[n]; !errors.Is(err, want) || h.happened(lanyard.EventIdentityUnlinked, user.ID) != 1-n {
				h.Errorf("proved before %v: %v", verified, err)
			}
			h.must(h.t.Scope.SetPrimaryEmail(h.Context(), user.ID, user.Subject+"@example.test", true, h.now))
			h.must(h.t.Scope.RemoveEmail(h.Context(), user.ID, address))
		}
	})
}
