package accounts_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// arriving is the form of somebody who comes from an upstream that proved no address.
func arriving(a lanyard.Arrival, email string) accounts.SignUpForm {
	return accounts.SignUpForm{Email: email, Name: "Ada", Locale: "de", Arrival: &a}
}

// TestArrivalProvesItsAddressFirst, whatever the policy says, and gets an account without password.
func TestArrivalProvesItsAddressFirst(t *testing.T) {
	inTown(t, func(h *town) {
		google := h.connection("google")
		for n, policy := range []lanyard.EmailVerification{"", lanyard.VerificationRequired, lanyard.VerificationOptional, lanyard.VerificationOff} {
			h.t.Tenant.Policy.EmailVerification = policy
			h.now = h.now.Add(2 * time.Hour)
			email := "ada" + string(policy) + "@example.test"
			a := arrival(google, string(rune('a'+n)), "unproved@example.test", false)
			a.Profile.FamilyName, a.Profile.Picture, a.Profile.Attributes = "Byron", "javascript:x", map[string]string{"rank": "7", "team": "looms"}
			form := arriving(a, email)
			form.Attributes = map[string]string{"team": "engines"}
			h.must(h.signUp(form))
			h.mail(lanyard.MailSignUp, email)
			_, err := h.t.Scope.UserByEmail(h.Context(), email)
			h.wants("before the proof", err, lanyard.ErrNotFound)
			h.now = h.now.Add(time.Minute)
			h.must(h.ResendSignUp(h.Context(), h.t, request, accounts.Newcomer{}, h.from, h.now))
			_, err = h.t.Scope.UserByEmail(h.Context(), email)
			h.wants("after the code was sent again", err, lanyard.ErrNotFound)
			p, err := h.finish(h.mail(lanyard.MailSignUp, email).Code)
			h.must(err)
			h.must(h.succeed(p))
			got := h.byEmail(email)
			want := lanyard.Profile{
				Name: "Ada", FamilyName: "Byron", Email: email, EmailVerified: true, Locale: "de", Attributes: map[string]string{"team": "engines", "rank": "7"},
			}
			if diff := cmp.Diff(want, got.Profile); diff != "" || p.Method != lanyard.MethodFederated || p.Arrival == nil || p.Arrival.Identity != a.Identity {
				h.Errorf("by %s (-want +got):\n%s", p.Method, diff)
			}
			_, err = h.t.Scope.PasswordHash(h.Context(), got.ID)
			h.wants("a password", err, lanyard.ErrNotFound)
			again, err := h.proves(a)
			h.must(err)
			if again.User.ID != got.ID || h.hashes.Load() != 0 {
				h.Errorf("the identity signs in %s, %d hashes", again.User.ID, h.hashes.Load())
			}
		}
	})
}

// TestArrivalDoesNotTellWhoIsThere: the same statements, rows and answers for addresses that are free and taken.
func TestArrivalDoesNotTellWhoIsThere(t *testing.T) {
	inTown(t, func(h *town) {
		google := h.connection("google")
		h.citizen("ada", address, true)
		h.citizen("bob", "bob@example.test", false)
		h.turnOff(h.citizen("cleo", "cleo@example.test", true))
		names := []string{"new@example.test", address, "bob@example.test", "cleo@example.test"}
		for _, policy := range []lanyard.EmailVerification{"", lanyard.VerificationOptional} {
			h.t.Tenant.Policy.EmailVerification = policy
			h.now = h.now.Add(2 * time.Hour)
			h.sameWork(names, func(ctx context.Context, name string) error {
				return h.SignUp(ctx, h.t, "req_"+name, arriving(arrival(google, name, "", false), name), h.from, h.now)
			}, work{Deliveries: 1})
		}
	})
}

// TestArrivalIsRefusedWhenItComesTooLate: the identity or the address is somebody's by then.
func TestArrivalIsRefusedWhenItComesTooLate(t *testing.T) {
	inTown(t, func(h *town) {
		google := h.connection("google")
		for name, c := range map[string]struct {
			meanwhile func(a lanyard.Arrival, email string)
			want      error
		}{
			"identity": {func(a lanyard.Arrival, _ string) { h.must(h.link(h.citizen("", "other@example.test", true), a)) }, lanyard.ErrIdentityTaken},
			"address":  {func(_ lanyard.Arrival, email string) { h.citizen("", email, true) }, lanyard.ErrWrongCode},
			"connection": {func(lanyard.Arrival, string) {
				h.connection("google", func(c *lanyard.Connection) { c.Enabled = false })
			}, lanyard.ErrUpstreamRefused},
		} {
			h.connection("google")
			h.now = h.now.Add(2 * time.Hour)
			email, a := name+"@example.test", arrival(google, name, "", false)
			h.must(h.signUp(arriving(a, email)))
			p, err := h.finish(h.mail(lanyard.MailSignUp, email).Code)
			h.must(err)
			c.meanwhile(a, email)
			h.mails()
			h.wants(name, h.succeed(p), c.want)
		}
	})
}

// TestInvitedArrivalNeedsNoCode: the invitation was mailed to the address.
func TestInvitedArrivalNeedsNoCode(t *testing.T) {
	inTown(t, func(h *town) {
		h.t.Tenant.Policy.SignUp = lanyard.SignUpInvite
		a := arrival(h.connection("google"), "1", "", false)
		form := arriving(a, address)
		form.Newcomer = accounts.Newcomer{Invited: true, Address: address}
		p, err := h.SignUpInvited(h.Context(), h.t, form, h.from, h.now)
		h.must(err)
		h.must(h.apply(func(ctx context.Context, tx storage.Scope) error { return p.Success(ctx, tx) }))
		got := h.byEmail(address)
		if diff := cmp.Diff([]string{"google 1"}, h.identities(got.ID)); diff != "" || p.Method != lanyard.MethodFederated || !got.Profile.EmailVerified {
			h.Errorf("by %s: %s", p.Method, diff)
		}
	})
}
