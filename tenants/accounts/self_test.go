package accounts_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// kinds are the mails by kind and recipient.
func kinds(letters []mail.Letter) []string {
	var out []string
	for _, l := range letters {
		out = append(out, string(l.Kind)+" "+l.To)
	}
	return out
}

func (h *town) wantMails(want ...string) {
	h.Helper()
	if diff := cmp.Diff(want, kinds(h.mails())); diff != "" {
		h.Errorf("mails (-want +got):\n%s", diff)
	}
}

func TestResentSignUpCodeReplacesTheFirst(t *testing.T) {
	inTown(t, func(h *town) {
		h.wants("nothing to send", h.ResendSignUp(h.Context(), h.t, request, accounts.Newcomer{}, h.from, h.now), lanyard.ErrCodeExpired)
		h.must(h.signUp(formOf(address)))
		first := h.mail(lanyard.MailSignUp, address)
		h.wants("too soon", h.ResendSignUp(h.Context(), h.t, request, accounts.Newcomer{}, h.from, h.now), lanyard.ErrThrottled)
		h.now = h.now.Add(time.Minute)
		h.must(h.ResendSignUp(h.Context(), h.t, request, accounts.Newcomer{}, h.from, h.now))
		second := h.mail(lanyard.MailSignUp, address)
		if first.Code != second.Code {
			_, err := h.finish(first.Code)
			h.wants("the first code", err, lanyard.ErrWrongCode)
		}
		proven, err := h.finish(second.Code)
		h.must(err)
		h.must(h.succeed(proven))
		h.must(h.signsIn(address, newPassword))
	})
}

func TestResentSignUpOfATakenAddressTellsItsOwner(t *testing.T) {
	inTown(t, func(h *town) {
		h.citizen("", address, true)
		h.must(h.signUp(formOf(address)))
		h.mail(lanyard.MailSignUpExists, address)
		h.now = h.now.Add(time.Minute)
		h.must(h.ResendSignUp(h.Context(), h.t, request, accounts.Newcomer{}, h.from, h.now))
		h.mail(lanyard.MailSignUpExists, address)
	})
}

func TestProfileTakesWhatIsWellFormed(t *testing.T) {
	inTown(t, func(h *town) {
		user := h.citizen("ada", address, true)
		actor := h.signedIn(user, "cookie")
		before := h.user(user.ID)
		for name, change := range map[string]func(*lanyard.Profile){
			"control characters":     func(p *lanyard.Profile) { p.Name = "Ada\r\nBcc: x" },
			"a long name":            func(p *lanyard.Profile) { p.Nickname = strings.Repeat("x", 201) },
			"a script as website":    func(p *lanyard.Profile) { p.Website = "javascript:alert(1)" },
			"a picture with a user":  func(p *lanyard.Profile) { p.Picture = "https://ada@example.test/p.png" },
			"a zone that is none":    func(p *lanyard.Profile) { p.Zoneinfo = "../etc/passwd" },
			"the machine's own zone": func(p *lanyard.Profile) { p.Zoneinfo = "Local" },
			"a locale of markup":     func(p *lanyard.Profile) { p.Locale = "<b>" },
			"a birthdate in words":   func(p *lanyard.Profile) { p.Birthdate = "yesterday" },
			"the 31st of February":   func(p *lanyard.Profile) { p.Birthdate = "1815-02-31" },
			"a phone number of text": func(p *lanyard.Profile) { p.PhoneNumber = "call me" },
			"an unknown attribute":   func(p *lanyard.Profile) { p.Attributes = map[string]string{"is_admin": "true"} },
			"a read-only attribute":  func(p *lanyard.Profile) { p.Attributes = map[string]string{"rank": "1"} },
		} {
			p := lanyard.Profile{Name: "Ada"}
			change(&p)
			h.wants(name, h.UpdateProfile(h.Context(), h.t, actor, p, h.now), lanyard.ErrBadInput)
		}
		if diff := cmp.Diff(before, h.user(user.ID)); diff != "" {
			h.Errorf("what was refused changed something:\n%s", diff)
		}
		want := lanyard.Profile{
			Name: "Ada Lovelace", Birthdate: "0000-12-10", Zoneinfo: "Europe/London", Locale: "en-GB", Website: "https://ada.example.test/",
			PhoneNumber: "+442071838750", Address: &lanyard.Address{Country: "UK"}, Attributes: map[string]string{"team": "engines"},
		}
		typed := want
		typed.Email, typed.EmailVerified, typed.PhoneNumberVerified = "eve@example.test", true, true
		h.must(h.UpdateProfile(h.Context(), h.t, actor, typed, h.now))
		want.Email, want.EmailVerified = address, true
		if diff := cmp.Diff(want, h.user(user.ID).Profile); diff != "" {
			h.Errorf("(-want +got):\n%s", diff)
		}
		h.must(h.UpdateProfile(h.Context(), h.t, accounts.Actor{User: h.user(user.ID), Session: actor.Session, From: actor.From}, typed, h.now))
		if n := h.happened(lanyard.EventUserUpdated, user.ID); n != 1 {
			h.Errorf("%d events of one change", n)
		}
	})
}

// TestAddressCountsOnlyAfterItsProof is ATTACKS.md 133: a fresh proof, the old address
// told, active after the code, old links dead.
func TestAddressCountsOnlyAfterItsProof(t *testing.T) {
	inTown(t, func(h *town) {
		const fresh = "countess@example.test"
		user := h.citizen("", address, true)
		actor := h.signedIn(user, "cookie")
		stale := actor
		stale.Session.AuthTime = h.now.Add(-10 * time.Minute)
		for name, do := range map[string]func() error{
			"add":    func() error { return h.AddEmail(h.Context(), h.t, stale, fresh, h.now) },
			"change": func() error { return h.MakePrimary(h.Context(), h.t, stale, fresh, h.now) },
			"remove": func() error { return h.RemoveEmail(h.Context(), h.t, stale, fresh, h.now) },
		} {
			h.wants(name+" without a fresh proof", do(), lanyard.ErrFreshProof)
		}
		h.must(h.RequestReset(h.Context(), h.t, address, "", h.from, "", h.now))
		reset := h.tokenOf(h.mail(lanyard.MailReset, address))
		h.must(h.AddEmail(h.Context(), h.t, actor, fresh, h.now))
		letters := h.mails()
		if diff := cmp.Diff([]string{"email_added " + address, "verify " + fresh}, kinds(letters)); diff != "" {
			h.Fatal(diff)
		}
		h.wants("added twice", h.AddEmail(h.Context(), h.t, actor, strings.ToUpper(fresh[:1])+fresh[1:], h.now), lanyard.ErrConflict)
		h.wants("before the proof", h.MakePrimary(h.Context(), h.t, actor, fresh, h.now), lanyard.ErrNotFound)
		h.wants("a wrong code", h.VerifyEmail(h.Context(), h.t, actor, anotherCode(letters[1].Code), h.now), lanyard.ErrWrongCode)
		h.must(h.VerifyEmail(h.Context(), h.t, actor, letters[1].Code, h.now))
		h.wants("proved and not primary: it signs nobody in", h.signsIn(fresh, oldPassword), lanyard.ErrWrongCredentials)
		h.must(h.MakePrimary(h.Context(), h.t, actor, fresh, h.now))
		h.wantMails("email_changed "+address, "email_changed "+fresh)
		h.must(h.signsIn(fresh, oldPassword))
		h.wants("the old address signs in", h.signsIn(address, oldPassword), lanyard.ErrWrongCredentials)
		h.wants("the link to the old address", h.Reset(h.Context(), h.t, reset, lanyard.SecretOf(newPassword), h.from, h.now), lanyard.ErrLinkUsed)
		actor.User = h.user(user.ID)
		h.wants("removing the primary one", h.RemoveEmail(h.Context(), h.t, actor, fresh, h.now), lanyard.ErrNotFound)
		h.must(h.RemoveEmail(h.Context(), h.t, actor, address, h.now))
		h.wantMails("email_removed "+fresh, "email_removed "+address)
	})
}

func TestAddressOfSomebodyElseIsNotTaken(t *testing.T) {
	inTown(t, func(h *town) {
		const theirs = "bob@example.test"
		h.citizen("", theirs, true)
		actor := h.signedIn(h.citizen("", address, true), "cookie")
		h.must(h.AddEmail(h.Context(), h.t, actor, theirs, h.now))
		letters := h.mails()
		h.must(h.VerifyEmail(h.Context(), h.t, actor, letters[1].Code, h.now)) // with access to the mailbox
		h.wants("an address that signs somebody else in", h.MakePrimary(h.Context(), h.t, actor, theirs, h.now), lanyard.ErrConflict)
		if got := h.byEmail(theirs); got.ID == actor.User.ID {
			h.Error("the address changed hands")
		}
		h.wantMails()
	})
}

// TestAddressThatNobodyProvedGoesToItsOwner is ATTACKS.md 155 on the account page.
func TestAddressThatNobodyProvedGoesToItsOwner(t *testing.T) {
	inTown(t, func(h *town) {
		const claimed = "bob@example.test"
		squatter := h.citizen("", claimed, false)
		there := h.signedIn(squatter, "squatter")
		actor := h.signedIn(h.citizen("", address, true), "cookie")
		h.must(h.AddEmail(h.Context(), h.t, actor, claimed, h.now))
		h.must(h.VerifyEmail(h.Context(), h.t, actor, h.mails()[1].Code, h.now))
		h.must(h.MakePrimary(h.Context(), h.t, actor, claimed, h.now))
		if got := h.byEmail(claimed); got.ID != actor.User.ID {
			h.Error("the address stayed with whoever never proved it")
		}
		if _, err := h.t.Scope.PasswordHash(h.Context(), squatter.ID); !errors.Is(err, lanyard.ErrNotFound) {
			h.Errorf("the squatter still has a password: %v", err)
		}
		if h.session(there.Session.ID).EndedAt.IsZero() {
			h.Error("the squatter is still signed in")
		}
	})
}

// TestDevicesAreOnesOwn is ATTACKS.md 97.
func TestDevicesAreOnesOwn(t *testing.T) {
	inTown(t, func(h *town) {
		ada, bob := h.citizen("ada", address, true), h.citizen("bob", "bob@example.test", true)
		here, there, third := h.signedIn(ada, "one"), h.signedIn(ada, "two"), h.signedIn(ada, "three")
		foreign := h.signedIn(bob, "four")
		devices, err := h.Devices(h.Context(), h.t, ada.ID, h.now)
		h.must(err)
		if len(devices) != 3 {
			h.Fatalf("%d devices", len(devices))
		}
		h.wants("another person's session", h.EndDevice(h.Context(), h.t, here, foreign.Session.ID, h.now), lanyard.ErrNotFound)
		h.wants("no session", h.EndDevice(h.Context(), h.t, here, "ses_nothing", h.now), lanyard.ErrNotFound)
		h.must(h.EndDevice(h.Context(), h.t, here, there.Session.ID, h.now))
		h.wants("an ended session", h.EndDevice(h.Context(), h.t, here, there.Session.ID, h.now), lanyard.ErrNotFound)
		ended, err := h.EndOtherDevices(h.Context(), h.t, here, h.now)
		h.must(err)
		if ended != 1 || !h.session(third.Session.ID).EndedAt.Equal(h.now) || !h.session(here.Session.ID).EndedAt.IsZero() {
			h.Errorf("%d others ended", ended)
		}
		if !h.session(foreign.Session.ID).EndedAt.IsZero() {
			h.Error("another person was signed out")
		}
		ended, err = h.EndAllDevices(h.Context(), h.t, here, h.now)
		h.must(err)
		if ended != 1 || h.session(here.Session.ID).EndedAt.IsZero() {
			h.Errorf("%d ended", ended)
		}
		if h.happened(lanyard.EventSessionsEnded, ada.ID) != 2 || h.happened(lanyard.EventSessionEnded, ada.ID) != 1 {
			h.Error("not every end is recorded")
		}
	})
}

func TestNotMeEndsEverythingElse(t *testing.T) {
	inTown(t, func(h *town) {
		ada := h.citizen("ada", address, true)
		here, there := h.signedIn(ada, "one"), h.signedIn(ada, "two")
		h.must(h.RequestReset(h.Context(), h.t, address, "", h.from, "", h.now))
		reset := h.tokenOf(h.mail(lanyard.MailReset, address))
		ended, err := h.NotMe(h.Context(), h.t, here, h.now)
		h.must(err)
		if ended != 1 || h.session(there.Session.ID).EndedAt.IsZero() || !h.session(here.Session.ID).EndedAt.IsZero() {
			h.Errorf("%d sessions ended", ended)
		}
		h.wants("a link from before", h.Reset(h.Context(), h.t, reset, lanyard.SecretOf(newPassword), h.from, h.now), lanyard.ErrLinkUsed)
		factors, err := h.Factors(h.Context(), h.t, ada.ID, nil, h.now)
		h.must(err)
		if !factors.MustChange || factors.Revision == ada.Revision {
			h.Errorf("the password may stay: %+v", factors)
		}
	})
}

// TestBrowserShowsItsOwnAccounts: the one that was chosen, else the one proved last.
func TestBrowserShowsItsOwnAccounts(t *testing.T) {
	inTown(t, func(h *town) {
		ada := h.signedIn(h.citizen("ada", address, true), "one")
		other := h.signedIn(h.citizen("bob", "bob@example.test", true), "two")
		self, all, err := h.Self(h.Context(), h.t, ada.From, h.now)
		h.must(err)
		if self.Session.ID != ada.Session.ID || len(all) != 1 {
			h.Errorf("%s of %d", self.Session.ID, len(all))
		}
		h.wants("a session of another browser", h.Switch(h.Context(), h.t, ada.From, other.Session.ID, h.now), lanyard.ErrNotFound)
		stranger := h.from
		stranger.BrowserHash = lanyard.SecretOf("none").Hash()
		_, _, err = h.Self(h.Context(), h.t, stranger, h.now)
		h.wants("an unknown browser", err, lanyard.ErrLoginRequired)
		elsewhere := h.tenant("elsewhere")
		_, _, err = h.Self(h.Context(), elsewhere, ada.From, h.now)
		h.wants("another tenant", err, lanyard.ErrLoginRequired)
		_, _, err = h.Self(h.Context(), h.t, ada.From, h.now.Add(24*time.Hour))
		h.wants("an expired session", err, lanyard.ErrLoginRequired)
	})
}

func TestSessionEndsInItsBrowserWhenIdle(t *testing.T) {
	inTown(t, func(h *town) {
		h.t.Tenant.Policy.SessionIdle = lanyard.Duration(30 * time.Minute)
		ada := h.signedIn(h.citizen("ada", address, true), "one")
		for range 4 { // used every 20 minutes, it goes on
			h.now = h.now.Add(20 * time.Minute)
			_, _, err := h.Self(h.Context(), h.t, ada.From, h.now)
			h.must(err)
		}
		h.now = h.now.Add(30 * time.Minute)
		_, _, err := h.Self(h.Context(), h.t, ada.From, h.now)
		h.wants("idle for too long", err, lanyard.ErrLoginRequired)
		devices, err := h.Devices(h.Context(), h.t, ada.User.ID, h.now)
		h.must(err)
		if len(devices) != 0 {
			h.Error("an idle session is listed")
		}
	})
}

// TestExportHoldsNoSecret: everything about the person, nothing that opens anything.
func TestExportHoldsNoSecret(t *testing.T) {
	inTown(t, func(h *town) {
		ada := h.citizen("ada", address, true)
		actor := h.signedIn(ada, "cookie")
		hash, err := h.t.Scope.PasswordHash(h.Context(), ada.ID)
		h.must(err)
		stale := actor
		stale.Session.AuthTime = h.now.Add(-time.Hour)
		_, err = h.ExportData(h.Context(), h.t, stale, h.now)
		h.wants("without a fresh proof", err, lanyard.ErrFreshProof)
		export, err := h.ExportData(h.Context(), h.t, actor, h.now)
		h.must(err)
		data, err := json.Marshal(export)
		h.must(err)
		for _, want := range []string{address, ada.Subject, string(actor.Session.ID)} {
			if !strings.Contains(string(data), want) {
				h.Errorf("the export lacks %s", want)
			}
		}
		if strings.Contains(string(data), hash) || strings.Contains(string(data), "$argon2id") {
			h.Error("the export has a hash")
		}
		if h.happened(lanyard.EventUserExported, ada.ID) != 1 {
			h.Error("the export is not recorded")
		}
	})
}

// TestExportTellsMemberships, of the person alone.
func TestExportTellsMemberships(t *testing.T) {
	inTown(t, func(h *town) {
		ada, bob := h.citizen("ada", address, true), h.citizen("bob", "bob@example.test", true)
		join := func(slug string, suspended bool, user lanyard.User, roles ...string) {
			o := lanyard.Organization{ID: lanyard.NewOrganizationID(), Slug: slug, Name: "The " + slug, Code: "K7M2QX4" + slug, CreatedAt: h.now}
			h.must(h.t.Scope.InsertOrganization(h.Context(), o))
			h.must(h.t.Scope.PutMembership(h.Context(), lanyard.Membership{OrganizationID: o.ID, UserID: user.ID, Roles: roles, CreatedAt: h.now}))
			o.Suspended = suspended
			h.must(h.t.Scope.UpdateOrganization(h.Context(), o))
		}
		join("acme", false, ada, "owner", "clerk")
		join("beta", true, ada, "member")
		join("gamma", false, bob, "member")
		actor := h.signedIn(ada, "cookie")
		export, err := h.ExportData(h.Context(), h.t, actor, h.now)
		h.must(err)
		data, err := json.Marshal(export)
		h.must(err)
		type membership struct {
			Organization, Name string
			Roles              []string
			Since              time.Time
		}
		var got struct{ Memberships []membership }
		h.must(json.Unmarshal(data, &got))
		want := []membership{{"acme", "The acme", []string{"owner", "clerk"}, h.now}, {"beta", "The beta", []string{"member"}, h.now}}
		if diff := cmp.Diff(want, got.Memberships); diff != "" {
			h.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestDeletionWaitsAndThenLeavesNothing is ATTACKS.md 134.
func TestDeletionWaitsAndThenLeavesNothing(t *testing.T) {
	inTown(t, func(h *town) {
		ada := h.citizen("ada", address, true)
		actor, other := h.signedIn(ada, "one"), h.signedIn(ada, "two")
		h.must(h.AskDeletion(h.Context(), h.t, actor, h.now))
		h.wantMails("deletion_asked " + address)
		if h.session(other.Session.ID).EndedAt.IsZero() {
			h.Error("the other device is still signed in")
		}
		h.must(h.signsIn(address, oldPassword))
		h.must(h.Erase(h.Context(), h.t.Scope, ada.ID, h.now.Add(13*24*time.Hour)))
		if h.user(ada.ID).DeleteAt.IsZero() {
			h.Error("it was erased or kept before its time")
		}
		h.must(h.UndoDeletion(h.Context(), h.t, actor, h.now))
		h.wantMails("deletion_undone " + address)
		h.must(h.Erase(h.Context(), h.t.Scope, ada.ID, h.now.Add(365*24*time.Hour)))
		h.user(ada.ID)

		h.must(h.AskDeletion(h.Context(), h.t, actor, h.now))
		h.mails()
		later := h.now.Add(14 * 24 * time.Hour)
		due, err := h.store.DueErasures(h.Context(), later, 10)
		h.must(err)
		if len(due) != 1 || due[0].UserID != ada.ID || due[0].TenantID != h.t.Scope.TenantID() {
			h.Fatalf("due: %+v", due)
		}
		h.now = later
		h.race(func() error {
			_, err := h.t.Scope.User(h.Context(), ada.ID)
			if err != nil {
				return lanyard.ErrNotFound
			}
			return h.t.Scope.EraseUser(h.Context(), ada.ID, later)
		}, lanyard.ErrNotFound, lanyard.ErrConflict)
		_, err = h.t.Scope.User(h.Context(), ada.ID)
		h.wants("the user", err, lanyard.ErrNotFound)
		h.wants("the password", h.signsIn(address, oldPassword), lanyard.ErrWrongCredentials)
		_, _, err = h.Self(h.Context(), h.t, actor.From, h.now)
		h.wants("the session", err, lanyard.ErrLoginRequired)
		again := h.citizen("ada", address, true)
		if again.ID == ada.ID || again.Subject == ada.Subject {
			h.Error("an id was used again")
		}
	})
}

func TestErasureSaysGoodbye(t *testing.T) {
	inTown(t, func(h *town) {
		ada := h.citizen("ada", address, true)
		h.must(h.AskDeletion(h.Context(), h.t, h.signedIn(ada, "one"), h.now))
		h.mails()
		h.now = h.now.Add(14 * 24 * time.Hour)
		h.must(h.Erase(h.Context(), h.t.Scope, ada.ID, h.now))
		h.must(h.Erase(h.Context(), h.t.Scope, ada.ID, h.now))
		h.wantMails("deleted " + address)
		if h.happened(lanyard.EventUserDeleted, ada.ID) != 1 {
			h.Error("the end is not recorded once")
		}
	})
}

func TestOnlyOwnerOfAnOrganizationStays(t *testing.T) {
	inTown(t, func(h *town) {
		ada, bob := h.citizen("ada", address, true), h.citizen("bob", "bob@example.test", true)
		org := lanyard.Organization{ID: lanyard.NewOrganizationID(), Slug: "acme", Name: "Acme", CreatedAt: h.now}
		h.must(h.t.Scope.InsertOrganization(h.Context(), org))
		h.must(h.t.Scope.PutMembership(h.Context(), lanyard.Membership{OrganizationID: org.ID, UserID: ada.ID, Roles: []string{"owner"}, CreatedAt: h.now}))
		h.must(h.t.Scope.PutMembership(h.Context(), lanyard.Membership{OrganizationID: org.ID, UserID: bob.ID, Roles: []string{"co-owner"}, CreatedAt: h.now}))
		actor := h.signedIn(ada, "one")
		h.wants("the only owner", h.AskDeletion(h.Context(), h.t, actor, h.now), lanyard.ErrConflict)
		h.must(h.t.Scope.PutMembership(h.Context(), lanyard.Membership{OrganizationID: org.ID, UserID: bob.ID, Roles: []string{"owner"}, CreatedAt: h.now}))
		h.must(h.AskDeletion(h.Context(), h.t, actor, h.now))
	})
}

func TestActivityIsOnesOwnAndGoesBack(t *testing.T) {
	inTown(t, func(h *town) {
		ada, bob := h.citizen("ada", address, true), h.citizen("bob", "bob@example.test", true)
		for range 60 {
			h.must(h.t.Scope.InsertEvent(h.Context(), lanyard.Event{Type: lanyard.EventUserSignedIn, At: h.now, UserID: ada.ID}))
		}
		h.must(h.t.Scope.InsertEvent(h.Context(), lanyard.Event{Type: lanyard.EventMailQueued, At: h.now, UserID: ada.ID}))
		h.must(h.t.Scope.InsertEvent(h.Context(), lanyard.Event{Type: lanyard.EventUserSignedIn, At: h.now, UserID: bob.ID}))
		first, next, err := h.Activity(h.Context(), h.t, ada.ID, "")
		h.must(err)
		second, end, err := h.Activity(h.Context(), h.t, ada.ID, next)
		h.must(err)
		if len(first)+len(second) != 60 || next == "" || end != "" {
			h.Errorf("%d and %d events, then %q and %q", len(first), len(second), next, end)
		}
		for _, e := range append(first, second...) {
			if e.UserID != ada.ID || e.Type != lanyard.EventUserSignedIn {
				h.Errorf("%s of %s", e.Type, e.UserID)
			}
		}
	})
}

func TestNewDeviceIsTold(t *testing.T) {
	inTown(t, func(h *town) {
		ada := h.citizen("ada", address, true)
		tell := func() {
			h.must(h.TellNewDevice(h.Context(), h.t.Scope, ada, "ses_x", h.from, h.now))
		}
		tell()
		h.wantMails()
		h.now = h.now.Add(time.Hour)
		tell()
		letter := h.mail(lanyard.MailNewDevice, address)
		if letter.Address != h.from.Address || letter.UserAgent != h.from.UserAgent || !letter.At.Equal(h.now) {
			h.Errorf("the mail says %+v", letter)
		}
	})
}
