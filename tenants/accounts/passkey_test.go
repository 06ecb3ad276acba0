package accounts

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/authenticator"
	"github.com/lanyard-id/lanyard/storage"
)

// havePasskey gives the user a credential that nobody holds, behind the deeds' back.
func (h *home) havePasskey(t *testing.T) string {
	t.Helper()
	id := lanyard.NewSecret().Reveal()
	ok(t, h.t.Scope.InsertPasskey(t.Context(), lanyard.Passkey{ID: id, UserID: h.actor.User.ID, RPID: "id.home.test", Record: "{}", CreatedAt: factorNow}, 0))
	return id
}

// device is an authenticator in a browser on the tenant's page.
func (h *home) device() *authenticator.Authenticator { return authenticator.New(h.t.Issuer) }

// create makes a passkey by the deeds; the actor needs to be fresh.
func (h *home) create(t *testing.T, key *authenticator.Authenticator, actor Actor) ([]lanyard.Secret, error) {
	t.Helper()
	options, err := h.PasskeyCreation(t.Context(), h.t, actor.User, string(actor.Session.ID), factorNow)
	ok(t, err)
	response, err := key.Create(options)
	ok(t, err)
	return h.AddPasskey(t.Context(), h.t, actor, response, "", factorNow)
}

// enrolled is an authenticator that the actor registered.
func (h *home) enrolled(t *testing.T) *authenticator.Authenticator {
	t.Helper()
	key := h.device()
	_, err := h.create(t, key, stepUp(h.actor, factorNow))
	ok(t, err)
	return key
}

// answer lets the authenticator answer a request for any user, or for one.
func (h *home) answer(t *testing.T, key *authenticator.Authenticator, user lanyard.UserID) []byte {
	t.Helper()
	options, err := h.PasskeyRequest(t.Context(), h.t, "holder", user, factorNow)
	ok(t, err)
	response, err := key.Get(options)
	ok(t, err)
	return response
}

func (h *home) provePasskey(t *testing.T, response []byte, user lanyard.UserID) (Proven, error) {
	t.Helper()
	p, err := h.ProvePasskey(t.Context(), h.t, "holder", response, user, h.actor.From, factorNow)
	ok(t, h.t.Scope.ClearAttempts(t.Context(), attemptKey("known-passkey", string(h.actor.User.ID), string(h.actor.From.BrowserHash))))
	return p, err
}

// signInBy proves by passkey and uses the proof up.
func (h *home) signInBy(t *testing.T, key *authenticator.Authenticator, user lanyard.UserID) (Proven, error) {
	t.Helper()
	p, err := h.provePasskey(t, h.answer(t, key, user), user)
	if err != nil {
		return p, err
	}
	return p, h.succeed(t.Context(), p)
}

// optionsOf reads what a page is given.
func optionsOf(t *testing.T, data []byte, err error) map[string]any {
	t.Helper()
	ok(t, err)
	var out map[string]any
	ok(t, json.Unmarshal(data, &out))
	return out
}

func TestPasskeyIsMadeAndSignsIn(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		key := h.device()
		key.Synced, key.Unasked = true, true
		copy(key.AAGUID[:], mustHex(t, "fbfc3007154e4ecc8c0b6e020557d7bd"))
		codes, err := h.create(t, key, h.actor)
		if err != nil || len(codes) != recoveryCodes {
			t.Fatalf("%d codes, %v", len(codes), err)
		}
		all, err := h.Passkeys(t.Context(), h.t, h.actor.User.ID)
		ok(t, err)
		if len(all) != 1 || all[0].Name != "iCloud Keychain" || all[0].RPID != "id.home.test" || !all[0].Synced || all[0].ID != key.Credentials[0].ID || !all[0].UsedAt.IsZero() {
			t.Errorf("the passkeys are %+v", all)
		}
		if len(key.Credentials[0].Handle) != handleBytes || bytes.Contains(key.Credentials[0].Handle, []byte(h.actor.User.ID)) {
			t.Errorf("the handle is %q", key.Credentials[0].Handle)
		}
		for _, user := range []lanyard.UserID{"", h.actor.User.ID} {
			p, err := h.signInBy(t, key, user)
			if err != nil || p.User.ID != h.actor.User.ID || p.Method != lanyard.MethodPasskey {
				t.Errorf("for %q: %+v, %v", user, p, err)
			}
		}
		all, err = h.Passkeys(t.Context(), h.t, h.actor.User.ID)
		if err != nil || !all[0].UsedAt.Equal(factorNow) {
			t.Errorf("used at %v, %v", all[0].UsedAt, err)
		}
		more, err := h.create(t, h.device(), stepUp(h.actor, factorNow))
		if err != nil || more != nil || h.factors(t).RecoveryCodes != recoveryCodes {
			t.Errorf("a second passkey brings %d codes, %v", len(more), err)
		}
		if h.told(t, lanyard.MailFactorAdded) != 2 || h.happened(t, lanyard.EventPasskeyAdded) != 2 {
			t.Error("it was not told")
		}
	})
}

func mustHex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	ok(t, err)
	return b
}

func TestPasskeyOptionsSayWhatIsWanted(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		key := h.enrolled(t)
		data, err := h.PasskeyCreation(t.Context(), h.t, h.actor.User, "holder", factorNow)
		creation := optionsOf(t, data, err)
		selection, _ := creation["authenticatorSelection"].(map[string]any)
		rp, _ := creation["rp"].(map[string]any)
		if selection["residentKey"] != "required" || selection["userVerification"] != "preferred" || rp["id"] != "id.home.test" || creation["timeout"] != 300000.0 {
			t.Errorf("creation: %v", creation)
		}
		if attestation := creation["attestation"]; attestation != nil && attestation != "none" {
			t.Errorf("attestation is %v", attestation)
		}
		if _, err := key.Create(data); err != authenticator.ErrExcluded { //nolint:errorlint // as it is
			t.Errorf("a device that has one: %v", err)
		}
		data, err = h.PasskeyRequest(t.Context(), h.t, "holder", "", factorNow)
		anybody := optionsOf(t, data, err)
		if allowed, _ := anybody["allowCredentials"].([]any); len(allowed) > 0 || anybody["userVerification"] != "required" || anybody["rpId"] != "id.home.test" {
			t.Errorf("for anybody: %v", anybody)
		}
		data, err = h.PasskeyRequest(t.Context(), h.t, "holder", h.actor.User.ID, factorNow)
		one := optionsOf(t, data, err)
		if allowed, _ := one["allowCredentials"].([]any); len(allowed) != 1 || one["userVerification"] != "preferred" || one["challenge"] == anybody["challenge"] {
			t.Errorf("for one: %v", one)
		}
		bob := h.person(t, "bob")
		wants(t, "a user without passkeys", fails(h.PasskeyRequest(t.Context(), h.t, "holder", bob.ID, factorNow)), lanyard.ErrNoPasskey)
	})
}

// TestWhatDoesNotProveIsRefusedAlike: each way to be wrong, and afterwards the right one.
func TestWhatDoesNotProveIsRefusedAlike(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		key := h.enrolled(t)
		stranger := authenticator.New(h.t.Issuer)
		bob := h.signIn(t, h.person(t, "bob"), "bob's cookie")
		if _, err := h.create(t, stranger, bob); err != nil {
			t.Fatal(err)
		}
		for name, misbehave := range map[string]func(a *authenticator.Authenticator){
			"no verification": func(a *authenticator.Authenticator) { a.NoUV = true },
			"no presence":     func(a *authenticator.Authenticator) { a.NoUP = true },
			"origin":          func(a *authenticator.Authenticator) { a.WrongOrigin = "https://evil.example" },
			"origin's scheme": func(a *authenticator.Authenticator) { a.WrongOrigin = "http://id.home.test" },
			"origin's port":   func(a *authenticator.Authenticator) { a.WrongOrigin = "https://id.home.test:8443" },
			"subdomain":       func(a *authenticator.Authenticator) { a.WrongOrigin = "https://x.id.home.test" },
			"relying party":   func(a *authenticator.Authenticator) { a.WrongRPID = "home.test" },
			"challenge":       func(a *authenticator.Authenticator) { a.WrongChallenge = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
			"type":            func(a *authenticator.Authenticator) { a.WrongType = "webauthn.create" },
			"signature":       func(a *authenticator.Authenticator) { a.BadSignature = true },
			"handle":          func(a *authenticator.Authenticator) { a.WrongHandle = stranger.Credentials[0].Handle },
			"no handle":       func(a *authenticator.Authenticator) { a.NoHandle = true },
			"frame":           func(a *authenticator.Authenticator) { a.CrossOrigin = true },
		} {
			bad := *key
			misbehave(&bad)
			wants(t, name, fails(h.provePasskey(t, h.answer(t, &bad, ""), "")), lanyard.ErrNoPasskey)
		}
		if _, err := h.signInBy(t, key, ""); err != nil {
			t.Errorf("the right one: %v", err)
		}
		if n := h.happened(t, lanyard.EventSignInFailed); n != 13 {
			t.Errorf("%d wrong answers are in the activity", n)
		}
		unknown := authenticator.New(h.t.Issuer)
		options, err := h.PasskeyCreation(t.Context(), h.t, h.actor.User, "unfinished", factorNow)
		ok(t, err)
		ok(t, fails(unknown.Create(options)))
		wants(t, "never registered", fails(h.provePasskey(t, h.answer(t, unknown, ""), "")), lanyard.ErrNoPasskey)
	})
}

// TestPasskeyOfSomebodyElseIsNoSecondFactor: neither by its own ceremony nor by the victim's.
func TestPasskeyOfSomebodyElseIsNoSecondFactor(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		key := h.enrolled(t)
		bob := h.signIn(t, h.person(t, "bob"), "bob's cookie")
		bobs := h.device()
		ok(t, fails(h.create(t, bobs, bob)))
		bobs.Use = bobs.Credentials[0].ID
		wants(t, "bob's key in ada's ceremony", fails(h.provePasskey(t, h.answer(t, bobs, h.actor.User.ID), h.actor.User.ID)), lanyard.ErrNoPasskey)
		response := h.answer(t, bobs, bob.User.ID)
		wants(t, "bob's ceremony for ada", fails(h.provePasskey(t, response, h.actor.User.ID)), lanyard.ErrNoPasskey)
		key.Use = key.Credentials[0].ID
		response = h.answer(t, key, bob.User.ID)
		wants(t, "ada's key in bob's ceremony", fails(h.provePasskey(t, response, h.actor.User.ID)), lanyard.ErrNoPasskey)
		response = h.answer(t, key, "")
		wants(t, "a sign-in as a second factor", fails(h.provePasskey(t, response, h.actor.User.ID)), lanyard.ErrNoPasskey)
		key.NoUV = true
		response = h.answer(t, key, h.actor.User.ID)
		wants(t, "a second factor as a sign-in", fails(h.provePasskey(t, response, "")), lanyard.ErrNoPasskey)
		p, err := h.signInBy(t, key, h.actor.User.ID)
		if err != nil || p.Method != lanyard.MethodSecurityKey {
			t.Errorf("without verification: %s, %v", p.Method, err)
		}
	})
}

// TestPasskeyMadeWithoutVerificationIsASecurityKey: making one says no more than using it.
func TestPasskeyMadeWithoutVerificationIsASecurityKey(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		for _, without := range []bool{true, false} {
			key := h.device()
			key.NoUV = without
			options, err := h.PasskeyCreation(t.Context(), h.t, h.actor.User, "holder", factorNow)
			ok(t, err)
			response, err := key.Create(options)
			ok(t, err)
			e, err := h.EnrolPasskey(t.Context(), h.t, h.actor.User, "holder", response, "Blue", h.actor.From, factorNow)
			if err != nil || e.Method.Second() != without {
				t.Errorf("verified %v: %s, %v", !without, e.Method, err)
			}
		}
	})
}

// TestCeremonyIsSpentOnce: an answer, right or wrong, ends its ceremony; of 32 at once one is looked at.
func TestCeremonyIsSpentOnce(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		key := h.enrolled(t)
		for range testkit.Rounds(10, 200) {
			response := h.answer(t, key, "")
			results := make(chan error, 32)
			for range 32 {
				go func() {
					results <- fails(h.ProvePasskey(t.Context(), h.t, "holder", response, "", From{Address: "192.0.2.9"}, factorNow))
				}()
			}
			winners := 0
			for range 32 {
				if err := <-results; err == nil {
					winners++
				} else if lanyard.KindOf(err) != lanyard.Unauthenticated {
					t.Error(err)
				}
			}
			if winners != 1 {
				t.Fatalf("%d winners", winners)
			}
			wants(t, "a replay", fails(h.provePasskey(t, response, "")), lanyard.ErrNoPasskey)
			h.forgive(t, attempt{account: attemptKey("passkey", string(h.actor.User.ID)), address: attemptKey("address", "192.0.2.9")})
		}
		response := h.answer(t, key, "")
		wants(t, "too much", fails(h.provePasskey(t, append(response, bytes.Repeat([]byte(" "), maxPasskeyResponse)...), "")), lanyard.ErrNoPasskey)
		wants(t, "rubbish", fails(h.provePasskey(t, []byte("{}"), "")), lanyard.ErrNoPasskey)
		late := factorNow.Add(ceremonyFor)
		wants(t, "too late", fails(h.ProvePasskey(t.Context(), h.t, "holder", response, "", h.actor.From, late)), lanyard.ErrNoPasskey)
		ok(t, fails(h.ProvePasskey(t.Context(), h.t, "holder", response, "", h.actor.From, late.Add(-time.Second))))
	})
}

func TestCreationIsItsHoldersAndUsersAndOnce(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		ctx, bob := t.Context(), h.person(t, "bob")
		made := func() []byte {
			options, err := h.PasskeyCreation(ctx, h.t, h.actor.User, "holder", factorNow)
			ok(t, err)
			response, err := h.device().Create(options)
			ok(t, err)
			return response
		}
		enrol := func(user lanyard.User, holder string, response []byte, at time.Time) error {
			_, err := h.EnrolPasskey(ctx, h.t, user, holder, response, "", h.actor.From, at)
			return err
		}
		wants(t, "another user", enrol(bob, "holder", made(), factorNow), lanyard.ErrNoPasskey)
		wants(t, "another holder", enrol(h.actor.User, "other", made(), factorNow), lanyard.ErrNoPasskey)
		wants(t, "too late", enrol(h.actor.User, "holder", made(), factorNow.Add(ceremonyFor)), lanyard.ErrNoPasskey)
		response := made()
		ok(t, enrol(h.actor.User, "holder", response, factorNow))
		wants(t, "again", enrol(h.actor.User, "holder", response, factorNow), lanyard.ErrNoPasskey)
		wants(t, "nothing", enrol(h.actor.User, "holder", nil, factorNow), lanyard.ErrNoPasskey)
		wants(t, "too much", enrol(h.actor.User, "holder", append(made(), bytes.Repeat([]byte(" "), maxPasskeyResponse)...), factorNow), lanyard.ErrNoPasskey)
		for name, misbehave := range map[string]func(a *authenticator.Authenticator){
			"origin":        func(a *authenticator.Authenticator) { a.WrongOrigin = "https://evil.example" },
			"relying party": func(a *authenticator.Authenticator) { a.WrongRPID = "evil.example" },
			"challenge":     func(a *authenticator.Authenticator) { a.WrongChallenge = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
			"presence":      func(a *authenticator.Authenticator) { a.NoUP = true },
			"type":          func(a *authenticator.Authenticator) { a.WrongType = "webauthn.get" },
		} {
			key := h.device()
			misbehave(key)
			options, err := h.PasskeyCreation(ctx, h.t, h.actor.User, "holder", factorNow)
			ok(t, err)
			response, err := key.Create(options)
			ok(t, err)
			wants(t, name, enrol(h.actor.User, "holder", response, factorNow), lanyard.ErrNoPasskey)
		}
		if f := h.factors(t); f.Passkeys != 0 {
			t.Errorf("%d passkeys", f.Passkeys)
		}
	})
}

// TestCounterThatGoesBackIsAClone: and a use at the same time as a later one is refused too.
func TestCounterThatGoesBackIsAClone(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		key := h.device()
		key.Counting, key.Counter = true, 10
		ok(t, fails(h.create(t, key, h.actor)))
		ok(t, fails(h.signInBy(t, key, "")))
		early, err := h.provePasskey(t, h.answer(t, key, ""), "")
		ok(t, err)
		ok(t, fails(h.signInBy(t, key, "")))
		wants(t, "one that was overtaken", h.succeed(t.Context(), early), lanyard.ErrNoPasskey)
		if n := h.happened(t, lanyard.EventPasskeyCloned); n != 0 {
			t.Errorf("%d clones", n)
		}
		key.Counter = 5
		wants(t, "a clone", fails(h.signInBy(t, key, "")), lanyard.ErrNoPasskey)
		if n := h.happened(t, lanyard.EventPasskeyCloned); n != 1 {
			t.Errorf("%d clones", n)
		}
		key.Counter = 13
		ok(t, fails(h.signInBy(t, key, "")))
		key.Counting, key.Counter = false, 0
		ok(t, fails(h.signInBy(t, key, "")))
	})
}

// TestDeletedPasskeyIsToldApart: so that the browser can forget it, but only by the tenant that deleted it.
func TestDeletedPasskeyIsToldApart(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		key := h.enrolled(t)
		id := key.Credentials[0].ID
		p, err := h.provePasskey(t, h.answer(t, key, ""), "")
		ok(t, err)
		other := h.signIn(t, h.person(t, "bob"), "bob's cookie")
		wants(t, "by somebody else", h.RemovePasskey(t.Context(), h.t, stepUp(other, factorNow), id, factorNow), lanyard.ErrNotFound)
		ok(t, h.RemovePasskey(t.Context(), h.t, stepUp(h.actor, factorNow), id, factorNow))
		wants(t, "proved before, used after", h.succeed(t.Context(), p), lanyard.ErrNoPasskey)
		wants(t, "afterwards", fails(h.provePasskey(t, h.answer(t, key, ""), "")), lanyard.ErrDeletedPasskey)
		if f := h.factors(t); f.Second() || f.RecoveryCodes != 0 || h.told(t, lanyard.MailFactorRemoved) != 1 {
			t.Errorf("afterwards: %+v", f)
		}
		tenant := openHome(t, h.store, "other")
		tenant.t.Issuer = h.t.Issuer // even on the same host
		wants(t, "another tenant", fails(tenant.provePasskey(t, tenant.answer(t, key, ""), "")), lanyard.ErrNoPasskey)
	})
}

// TestPasskeyOfAnotherTenantProvesNothing, even if its issuer were on the same host.
func TestPasskeyOfAnotherTenantProvesNothing(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		key, other := h.enrolled(t), openHome(t, h.store, "other")
		other.t.Issuer = h.t.Issuer
		wants(t, "another tenant", fails(other.provePasskey(t, other.answer(t, key, ""), "")), lanyard.ErrNoPasskey)
		response := h.answer(t, key, "")
		wants(t, "a ceremony of one tenant", fails(other.provePasskey(t, response, "")), lanyard.ErrNoPasskey)
		ok(t, fails(h.provePasskey(t, response, "")))
		all, err := other.Passkeys(t.Context(), other.t, h.actor.User.ID)
		if err != nil || len(all) != 0 {
			t.Errorf("the other tenant sees %v, %v", all, err)
		}
	})
}

// TestLastWayInStays: a password, another passkey or a code by mail is another way in.
func TestLastWayInStays(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		ctx := t.Context()
		carl := lanyard.User{ID: lanyard.NewUserID(), Subject: "carl", Username: "carl", UpdatedAt: factorNow, CreatedAt: factorNow}
		ok(t, h.t.Scope.InsertUser(ctx, carl))
		h.actor = stepUp(h.signIn(t, carl, "carl's cookie"), factorNow)
		first, second := h.havePasskey(t), h.havePasskey(t)
		ok(t, h.RemovePasskey(ctx, h.t, h.actor, first, factorNow))
		wants(t, "the last", h.RemovePasskey(ctx, h.t, h.actor, second, factorNow), lanyard.ErrLastWayIn)
		h.t.Tenant.Policy.EmailCode = true
		wants(t, "the last, without an address", h.RemovePasskey(ctx, h.t, h.actor, second, factorNow), lanyard.ErrLastWayIn)
		for _, verified := range []bool{false, true} {
			ok(t, h.t.Scope.SetPrimaryEmail(ctx, carl.ID, "carl@example.test", verified, factorNow))
			var err error
			h.actor.User, err = h.t.Scope.User(ctx, carl.ID)
			ok(t, err)
			h.t.Tenant.Policy.EmailCode = false
			wants(t, "where codes are not offered", h.RemovePasskey(ctx, h.t, h.actor, second, factorNow), lanyard.ErrLastWayIn)
			h.t.Tenant.Policy.EmailCode = true
			if err := h.RemovePasskey(ctx, h.t, h.actor, second, factorNow); (err == nil) != verified {
				t.Errorf("verified %v: %v", verified, err)
			}
		}
	})
}

func TestPasskeyHasTheNameThatItsOwnerGives(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		ctx := t.Context()
		id := h.enrolled(t).Credentials[0].ID
		name := func() string {
			all, err := h.Passkeys(ctx, h.t, h.actor.User.ID)
			ok(t, err)
			return all[0].Name
		}
		if name() != "Passkey" {
			t.Errorf("at first it is %q", name())
		}
		ok(t, h.RenamePasskey(ctx, h.t, h.actor, id, " My\u202e \x00 blue\n key ", factorNow))
		if name() != "My blue key" || h.happened(t, lanyard.EventPasskeyRenamed) != 1 {
			t.Errorf("it is %q", name())
		}
		for _, empty := range []string{"", " \n", "\u202e", "\xff"} {
			wants(t, empty, h.RenamePasskey(ctx, h.t, h.actor, id, empty, factorNow), lanyard.ErrBadInput)
		}
		ok(t, h.RenamePasskey(ctx, h.t, h.actor, id, strings.Repeat("é", 5000), factorNow))
		if name() != strings.Repeat("é", maxPasskeyName) {
			t.Errorf("it is %q", name())
		}
		bob := h.signIn(t, h.person(t, "bob"), "bob's cookie")
		wants(t, "by somebody else", h.RenamePasskey(ctx, h.t, bob, id, "x", factorNow), lanyard.ErrNotFound)
	})
}

func TestPasskeysAreOfferedByPolicyAndBounded(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		ctx, key := t.Context(), h.enrolled(t)
		h.t.Tenant.Policy.NoPasskeys = true
		wants(t, "a new one", fails(h.PasskeyCreation(ctx, h.t, h.actor.User, "holder", factorNow)), lanyard.ErrNotOffered)
		wants(t, "its end", fails(h.EnrolPasskey(ctx, h.t, h.actor.User, "holder", nil, "", From{}, factorNow)), lanyard.ErrNotOffered)
		wants(t, "a sign-in", fails(h.PasskeyRequest(ctx, h.t, "holder", "", factorNow)), lanyard.ErrNotOffered)
		ok(t, fails(h.signInBy(t, key, h.actor.User.ID)))
		h.t.Tenant.Policy.NoPasskeys = false
		for range maxPasskeys - 1 {
			h.havePasskey(t)
		}
		wants(t, "one too many", fails(h.create(t, h.device(), stepUp(h.actor, factorNow))), lanyard.ErrConflict)
		address := h.t
		address.Issuer = "http://127.0.0.1:8080"
		wants(t, "an issuer at an address", fails(h.PasskeyCreation(ctx, address, h.actor.User, "holder", factorNow)), lanyard.ErrNotOffered)
	})
}

// TestTurnedOffUserLearnsItByTheRightPasskeyOnly.
func TestTurnedOffUserLearnsItByTheRightPasskeyOnly(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		key := h.enrolled(t)
		wants(t, "right", h.turnedOff(t, func() error { return fails(h.signInBy(t, key, "")) }), lanyard.ErrUserDisabled)
		key.BadSignature = true
		wants(t, "wrong", h.turnedOff(t, func() error { return fails(h.signInBy(t, key, "")) }), lanyard.ErrNoPasskey)
	})
}

// TestRelatedOriginsAreThoseOfAHostOfItsOwn: on the shared host nobody else's origin counts.
func TestRelatedOriginsAreThoseOfAHostOfItsOwn(t *testing.T) {
	for _, c := range []struct {
		host, issuer string
		redirects    []string
		id           string
		want         []string
	}{
		{"id.acme.test", "https://id.acme.test", []string{"login.acme.test"}, "id.acme.test", []string{"https://id.acme.test", "https://login.acme.test"}},
		{"", "https://id.example.test/t/acme", []string{"login.acme.test"}, "id.example.test", []string{"https://id.example.test"}},
		{"", "http://localhost:8080", nil, "localhost", []string{"http://localhost:8080"}},
		{"id.acme.test:8443", "https://id.acme.test:8443", nil, "id.acme.test", []string{"https://id.acme.test:8443"}},
	} {
		party, err := relyingParty(Tenancy{Tenant: lanyard.Tenant{Slug: "acme", Host: c.host, RedirectHosts: c.redirects}, Issuer: c.issuer})
		ok(t, err)
		if party.Config.RPID != c.id || !slices.Equal(party.Config.RPOrigins, c.want) {
			t.Errorf("%s: %s, %v", c.issuer, party.Config.RPID, party.Config.RPOrigins)
		}
	}
}

// TestPasskeyTriesAreCounted per owner of the credential, and per address.
func TestPasskeyTriesAreCounted(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		key := h.enrolled(t)
		key.BadSignature = true
		try := func() error {
			return fails(h.ProvePasskey(t.Context(), h.t, "holder", h.answer(t, key, ""), "", From{Address: "192.0.2.7"}, factorNow))
		}
		for range accountRule.Free {
			wants(t, "a wrong answer", try(), lanyard.ErrNoPasskey)
		}
		key.BadSignature = false
		wants(t, "one more", try(), lanyard.ErrThrottled)
		ok(t, fails(h.signInBy(t, key, ""))) // the owner's own browser
	})
}

// FuzzPasskeyResponse: nothing that a stranger sends makes a panic or anything but a refusal.
func FuzzPasskeyResponse(f *testing.F) {
	key := authenticator.New("https://id.home.test")
	creation, err := key.Create([]byte(`{"rp":{"id":"id.home.test"},"user":{"id":"AAAA","name":"ada"},"challenge":"AAAA","pubKeyCredParams":[{"type":"public-key","alg":-7}]}`))
	if err != nil {
		f.Fatal(err)
	}
	request, err := key.Get([]byte(`{"rpId":"id.home.test","challenge":"AAAA"}`))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{creation, request, nil, []byte("{}"), []byte("null"), []byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{}}`)} {
		f.Add(seed)
	}
	party, err := relyingParty(Tenancy{Tenant: lanyard.Tenant{Slug: "home"}, Issuer: "https://id.home.test"})
	if err != nil {
		f.Fatal(err)
	}
	_, session, err := party.BeginRegistration(person{handle: []byte("handle"), user: lanyard.User{Username: "ada"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, response []byte) {
		if answer, err := parseCreation(response); err != nil {
			wants(t, "creation", err, lanyard.ErrNoPasskey)
		} else if _, err := party.CreateCredential(person{handle: []byte("handle")}, *session, answer); err == nil {
			t.Error("somebody guessed a challenge")
		}
		answer, err := parseRequest(response)
		if err != nil {
			wants(t, "request", err, lanyard.ErrNoPasskey)
			return
		}
		owned := storage.OwnedPasskey{Passkey: lanyard.Passkey{ID: passkeyID(answer.RawID), Record: `{"id":"` + passkeyID(answer.RawID) + `"}`}, Handle: answer.Response.UserHandle}
		if _, err := verifyPasskey(party, *session, answer, owned); err == nil {
			t.Error("somebody guessed a challenge")
		}
	})
}
