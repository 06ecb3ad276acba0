package accounts

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/storage"
)

// factorNow is the moment at which tests of factors begin, in the middle of a time step.
var factorNow = time.Date(2026, 11, 21, 12, 0, 10, 0, time.UTC)

// fixedMACs are the keys of a tenant in tests; the first is the current one.
type fixedMACs []lanyard.KeyID

func (m fixedMACs) CurrentMAC() (lanyard.KeyID, []byte) { return m[0], m.key(m[0]) }

func (m fixedMACs) MAC(id lanyard.KeyID) ([]byte, bool) { return m.key(id), slices.Contains(m, id) }

func (m fixedMACs) key(id lanyard.KeyID) []byte { return []byte("key " + id) }

// home is a tenant with a person who has just signed in with a password.
type home struct {
	*Accounts
	t     Tenancy
	actor Actor
	store *storage.Store
}

// atHome runs a behaviour at a home of its own, on both databases.
func atHome(t *testing.T, behaviour func(t *testing.T, h *home)) {
	t.Helper()
	for name, url := range map[string]func() string{
		"sqlite":   func() string { return "sqlite:" + filepath.Join(t.TempDir(), "lanyard.db") },
		"postgres": func() string { return testkit.FastPostgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			store, err := storage.Open(t.Context(), storage.Config{URL: url(), Ephemeral: true})
			ok(t, err)
			t.Cleanup(func() { _ = store.Close() })
			ok(t, store.Migrate(t.Context()))
			behaviour(t, openHome(t, store, "home"))
		})
	}
}

func openHome(t *testing.T, store *storage.Store, slug string) *home {
	t.Helper()
	master, err := keys.NewMaster([]byte("0123456789abcdefghijklmnopqrstuv"))
	ok(t, err)
	tenant := lanyard.Tenant{ID: lanyard.NewTenantID(), Slug: slug, Name: "Home: Acme", Host: "id." + slug + ".test", CreatedAt: factorNow}
	ok(t, store.InsertTenant(t.Context(), tenant))
	h := &home{Accounts: New(NewHasher(), master), store: store, t: Tenancy{
		Scope: store.Tenant(tenant.ID), Tenant: tenant, Issuer: "https://id." + slug + ".test", MACs: fixedMACs{"mac-1"},
	}}
	h.actor = h.signIn(t, h.person(t, "ada"), "cookie")
	return h
}

// person makes a user with a verified address and a password.
func (h *home) person(t *testing.T, name string) lanyard.User {
	t.Helper()
	ctx, id := t.Context(), lanyard.NewUserID()
	ok(t, h.t.Scope.InsertUser(ctx, lanyard.User{ID: id, Subject: string(id), Username: name, UpdatedAt: factorNow, CreatedAt: factorNow}))
	ok(t, h.t.Scope.SetPrimaryEmail(ctx, id, name+"@example.test", true, factorNow))
	ok(t, h.t.Scope.SetPassword(ctx, id, storage.Password{Hash: "hash"}, factorNow))
	user, err := h.t.Scope.User(ctx, id)
	ok(t, err)
	return user
}

// signIn starts a session on a browser of its own.
func (h *home) signIn(t *testing.T, user lanyard.User, cookie string) Actor {
	t.Helper()
	ctx, hash := t.Context(), lanyard.SecretOf(cookie).Hash()
	browser, err := h.t.Scope.PutBrowser(ctx, nil, hash, lanyard.Browser{ID: lanyard.NewBrowserID(), SeenAt: factorNow})
	ok(t, err)
	id, err := h.t.Scope.StartSession(ctx, browser, storage.Proof{User: user.ID, At: factorNow, ACR: lanyard.ACRSingle, ExpiresAt: factorNow.Add(24 * time.Hour)})
	ok(t, err)
	session, err := h.t.Scope.Session(ctx, id)
	ok(t, err)
	return Actor{User: user, Session: session, From: From{BrowserHash: hash, Address: "192.0.2.1"}}
}

// stepUp is the actor after a second factor.
func stepUp(a Actor, at time.Time) Actor {
	a.Session.ACR, a.Session.AuthTime = lanyard.ACRDouble, at
	return a
}

func (h *home) factors(t *testing.T) lanyard.Factors {
	t.Helper()
	f, err := h.Factors(t.Context(), h.t, h.actor.User.ID, h.actor.From.BrowserHash, factorNow)
	ok(t, err)
	return f
}

// succeed uses a proof up in a transaction of its own.
func (h *home) succeed(ctx context.Context, p Proven) error {
	return h.t.Scope.InTx(ctx, func(tx storage.Scope) error { return p.Success(ctx, tx) })
}

// happened counts the events of a type.
func (h *home) happened(t *testing.T, kind lanyard.EventType) int {
	t.Helper()
	all, err := h.t.Scope.Events(t.Context(), 1000)
	ok(t, err)
	n := 0
	for _, e := range all {
		if e.Type == kind {
			n++
		}
	}
	return n
}

// told counts the mails of a kind that wait to be sent.
func (h *home) told(t *testing.T, kind lanyard.MailKind) int {
	t.Helper()
	all, err := h.t.Scope.Deliveries(t.Context(), 1000)
	ok(t, err)
	n := 0
	for _, d := range all {
		if d.Subject == string(kind) && d.Recipient == "ada@example.test" {
			n++
		}
	}
	return n
}

// live tells whether a session was not ended.
func (h *home) live(t *testing.T, id lanyard.SessionID) bool {
	t.Helper()
	s, err := h.t.Scope.Session(t.Context(), id)
	ok(t, err)
	return s.Live(factorNow)
}

func wants(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

// fails is the error of a call whose value does not matter.
func fails(_ any, err error) error { return err }

// oneSucceeds uses proofs up at once and wants one winner; the others are refused alike.
func (h *home) oneSucceeds(t *testing.T, what string, proofs []Proven, refusal error) {
	t.Helper()
	var group sync.WaitGroup
	var winners atomic.Int64
	for _, p := range proofs {
		group.Go(func() {
			switch err := h.succeed(t.Context(), p); {
			case err == nil:
				winners.Add(1)
			case !errors.Is(err, refusal):
				t.Errorf("%s: a loser got %v", what, err)
			}
		})
	}
	group.Wait()
	if winners.Load() != 1 {
		t.Errorf("%s: %d winners", what, winners.Load())
	}
}

// forgive forgets what was counted.
func (h *home) forgive(t *testing.T, a attempt) {
	t.Helper()
	ok(t, h.t.Scope.ClearAttempts(t.Context(), a.account))
	ok(t, h.t.Scope.ClearAttempts(t.Context(), a.address))
}

// proofs proves 32 times what nobody has used up yet.
func (h *home) proofs(t *testing.T, prove func() (Proven, error)) []Proven {
	t.Helper()
	var out []Proven
	for range 32 {
		p, err := prove()
		ok(t, err)
		h.forgive(t, p.attempt)
		out = append(out, p)
	}
	return out
}

// TestChangeOfFactorsEndsWhatWasSignedIn is ATTACKS.md 98 and 110.
func TestChangeOfFactorsEndsWhatWasSignedIn(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		ctx, actor := t.Context(), h.actor
		for name, change := range map[string]func() error{
			"add a generator": func() error { return fails(h.AddTOTP(ctx, h.t, actor, h.firstCode(t, actor), factorNow)) },
			"renew codes":     func() error { return fails(h.RenewRecoveryCodes(ctx, h.t, stepUp(actor, factorNow), factorNow)) },
			"remove it":       func() error { return h.RemoveTOTP(ctx, h.t, stepUp(actor, factorNow), factorNow) },
		} {
			if name != "add a generator" {
				h.haveTOTP(t)
			}
			other := h.signIn(t, actor.User, "other "+name)
			ok(t, h.t.Scope.InTx(ctx, func(tx storage.Scope) error {
				return h.RememberDevice(ctx, tx, actor.User.ID, actor.Session.BrowserID, factorNow.Add(time.Hour), factorNow)
			}))
			if before := h.factors(t); !before.Remembered {
				t.Errorf("%s: the browser is not remembered", name)
			}
			before := h.factors(t).Revision
			ok(t, change())
			after := h.factors(t)
			if after.Remembered || after.Revision != before+1 {
				t.Errorf("%s: afterwards %+v, revision before was %d", name, after, before)
			}
			if h.live(t, other.Session.ID) || !h.live(t, actor.Session.ID) {
				t.Errorf("%s: the other session lives: %v, the own: %v", name, h.live(t, other.Session.ID), h.live(t, actor.Session.ID))
			}
			_, _ = h.t.Scope.DeleteTOTP(ctx, actor.User.ID)
		}
		if h.told(t, lanyard.MailFactorAdded) == 0 || h.told(t, lanyard.MailFactorRemoved) == 0 || h.told(t, lanyard.MailCodesRenewed) == 0 {
			t.Error("a change was not told by mail")
		}
	})
}

// TestRiskyChangesNeedAFreshProof is ATTACKS.md 143 and 149: with an old session, or
// without the factor that there is, nothing changes.
func TestRiskyChangesNeedAFreshProof(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		ctx := t.Context()
		stale := h.actor
		stale.Session.AuthTime = factorNow.Add(-FreshFor)
		code := h.firstCode(t, h.actor)
		wants(t, "add with an old session", fails(h.AddTOTP(ctx, h.t, stale, code, factorNow)), lanyard.ErrFreshProof)
		wants(t, "a wrong code with an old session", fails(h.AddTOTP(ctx, h.t, stale, wrongCode(code), factorNow)), lanyard.ErrFreshProof)
		codes, err := h.AddTOTP(ctx, h.t, h.actor, code, factorNow)
		if err != nil || len(codes) != recoveryCodes {
			t.Fatalf("%d codes, %v", len(codes), err)
		}
		for name, actor := range map[string]Actor{"old": stepUp(h.actor, factorNow.Add(-FreshFor)), "password only": h.actor} {
			wants(t, name+": add a passkey", fails(h.AddPasskey(ctx, h.t, actor, nil, "", factorNow)), lanyard.ErrFreshProof)
			wants(t, name+": renew codes", fails(h.RenewRecoveryCodes(ctx, h.t, actor, factorNow)), lanyard.ErrFreshProof)
			wants(t, name+": remove", h.RemoveTOTP(ctx, h.t, actor, factorNow), lanyard.ErrFreshProof)
			wants(t, name+": remove a passkey", h.RemovePasskey(ctx, h.t, actor, "x", factorNow), lanyard.ErrFreshProof)
		}
		if f := h.factors(t); !f.TOTP || f.RecoveryCodes != recoveryCodes {
			t.Errorf("something changed: %+v", f)
		}
		wants(t, "a user who is turned off", h.turnedOff(t, func() error {
			return h.RemoveTOTP(ctx, h.t, stepUp(h.actor, factorNow), factorNow)
		}), lanyard.ErrUserDisabled)
	})
}

// turnedOff runs a call while the user is turned off.
func (h *home) turnedOff(t *testing.T, call func() error) error {
	t.Helper()
	off := h.actor.User
	off.Disabled = true
	ok(t, h.t.Scope.UpdateUser(t.Context(), off))
	defer func() { ok(t, h.t.Scope.UpdateUser(t.Context(), h.actor.User)) }()
	return call()
}

// TestLastSecondFactorStaysWhereOneIsRequired: also when two go at once.
func TestLastSecondFactorStaysWhereOneIsRequired(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		ctx, actor := t.Context(), stepUp(h.actor, factorNow)
		h.t.Tenant.Policy.SecondFactor = lanyard.SecondFactorRequired
		for range testkit.Rounds(10, 200) {
			h.haveTOTP(t)
			id := h.havePasskey(t)
			var group sync.WaitGroup
			var gone atomic.Int64
			for _, remove := range []func() error{
				func() error { return h.RemoveTOTP(ctx, h.t, actor, factorNow) },
				func() error { return h.RemovePasskey(ctx, h.t, actor, id, factorNow) },
			} {
				group.Go(func() {
					if err := remove(); err == nil {
						gone.Add(1)
					} else if !errors.Is(err, lanyard.ErrConflict) {
						t.Error(err)
					}
				})
			}
			group.Wait()
			if f := h.factors(t); gone.Load() != 1 || !f.Second() || f.RecoveryCodes == 0 {
				t.Fatalf("%d went, left is %+v", gone.Load(), f)
			}
			if f := h.factors(t); f.Passkeys > 0 {
				ok(t, h.t.Scope.DeletePasskey(ctx, actor.User.ID, id, factorNow))
			}
		}
	})
}

func TestRecoveryCodesGoWithTheLastSecondFactor(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		ctx, actor := t.Context(), stepUp(h.actor, factorNow)
		ok(t, h.t.Scope.SetPassword(ctx, actor.User.ID, storage.Password{Hash: "hash", Short: true}, factorNow))
		h.haveTOTP(t)
		id := h.havePasskey(t)
		ok(t, h.RemovePasskey(ctx, h.t, actor, id, factorNow))
		if f := h.factors(t); f.RecoveryCodes != recoveryCodes || f.MustChange {
			t.Errorf("codes went with a factor that was not the last: %+v", f)
		}
		ok(t, h.RemoveTOTP(ctx, h.t, actor, factorNow))
		if f := h.factors(t); f.Second() || f.RecoveryCodes != 0 || !f.MustChange {
			t.Errorf("afterwards: %+v", f)
		}
		wants(t, "again", h.RemoveTOTP(ctx, h.t, actor, factorNow), lanyard.ErrNotFound)
		wants(t, "codes for nothing", fails(h.RenewRecoveryCodes(ctx, h.t, actor, factorNow)), lanyard.ErrConflict)
	})
}

// TestEnrolmentIsUndoneWithItsTransaction: a factor is active only with what it was made for.
func TestEnrolmentIsUndoneWithItsTransaction(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		ctx := t.Context()
		e, err := h.ConfirmTOTP(ctx, h.t, h.actor.User, string(h.actor.Session.ID), h.firstCode(t, h.actor), h.actor.From, factorNow)
		ok(t, err)
		boom := fmt.Errorf("boom")
		wants(t, "the transaction", h.t.Scope.InTx(ctx, func(tx storage.Scope) error {
			if _, err := e.Apply(ctx, tx); err != nil {
				return err
			}
			return boom
		}), boom)
		if f := h.factors(t); f.Second() || f.RecoveryCodes != 0 || f.Revision != 0 || h.told(t, lanyard.MailFactorAdded) != 0 {
			t.Errorf("something stayed: %+v", f)
		}
		var codes []lanyard.Secret
		ok(t, h.t.Scope.InTx(ctx, func(tx storage.Scope) error { codes, err = e.Apply(ctx, tx); return err }))
		if f := h.factors(t); !f.TOTP || len(codes) != recoveryCodes || e.Method != lanyard.MethodTOTP || h.live(t, h.actor.Session.ID) {
			t.Errorf("afterwards: %+v, %d codes, method %s, the session lives: %v", f, len(codes), e.Method, h.live(t, h.actor.Session.ID))
		}
	})
}

// letters are the mails of a kind, opened.
func (h *home) letters(t *testing.T, kind lanyard.MailKind) []mail.Letter {
	t.Helper()
	due, err := h.store.DueDeliveries(t.Context(), storage.DeliveryMail, factorNow.Add(time.Minute), time.Minute, 1000)
	ok(t, err)
	var out []mail.Letter
	for _, d := range due {
		plain, err := h.Sealer.Open(MailPlace(d.TenantID, d.ID), d.Sealed)
		ok(t, err)
		letter, err := mail.Unmarshal(plain)
		ok(t, err)
		if letter.Kind == kind {
			out = append(out, letter)
		}
	}
	return out
}
