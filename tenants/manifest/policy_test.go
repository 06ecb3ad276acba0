package manifest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/manifest"
)

// everyPolicy is a file that decides everything about people.
var everyPolicy = tenant(`policy:
  sign_up: open
  email_verification: optional
  second_factor: required
  second_factor_deadline: 2027-01-31
  email_code: true
  email_recovery: true
  no_passkeys: true
  no_remember_device: true
  remember_device: 24h
  deletion_grace: 48h
  session_idle: 30m
  default_roles: [reader]
  attributes:
    - {name: team, label: Team, type: string, required: true, options: [engines, wings], claim: team}
    - {name: badge, type: number, read_only: true}
mail:
  from_name: Acme
  reply_to: help@acme.test
  language: de
  templates:
    code: {en: {subject: "{{.Code}}", text: "Your code is {{.Code}}."}}
users:
  - username: ada
    attributes: {team: wings, badge: 7}`)

func TestPolicyAndMailSettingsAreStored(t *testing.T) {
	f := newFixture(t)
	f.apply(everyPolicy, start)
	stored, err := f.scope("default").Tenant(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := lanyard.Policy{
		SignUp: lanyard.SignUpOpen, EmailVerification: lanyard.VerificationOptional, SecondFactor: lanyard.SecondFactorRequired,
		SecondFactorDeadline: "2027-01-31", EmailCode: true, EmailRecovery: true, NoPasskeys: true, NoRememberDevice: true,
		RememberDevice: lanyard.Duration(24 * time.Hour), DeletionGrace: lanyard.Duration(48 * time.Hour), SessionIdle: lanyard.Duration(30 * time.Minute),
		DefaultRoles: []string{"reader"}, Attributes: []lanyard.Attribute{
			{Name: "team", Label: "Team", Type: "string", Required: true, Options: []string{"engines", "wings"}, Claim: "team"},
			{Name: "badge", Type: "number", ReadOnly: true},
		},
	}
	if diff := cmp.Diff(want, stored.Policy); diff != "" {
		t.Error(diff)
	}
	mail := lanyard.MailSettings{FromName: "Acme", ReplyTo: "help@acme.test", Language: "de", Templates: map[lanyard.MailKind]map[string]lanyard.MailTemplate{
		lanyard.MailCode: {"en": {Subject: "{{.Code}}", Text: "Your code is {{.Code}}."}},
	}}
	if diff := cmp.Diff(mail, stored.Mail); diff != "" {
		t.Error(diff)
	}
	ada := must[lanyard.User](f)(f.scope("default").UserByUsername(t.Context(), "ada"))
	if diff := cmp.Diff(map[string]string{"team": "wings", "badge": "7"}, ada.Profile.Attributes); diff != "" {
		t.Error(diff)
	}
	if again := f.apply(everyPolicy, start); again.Created+again.Updated != 0 {
		t.Errorf("the second time: %+v", again)
	}
}

func TestComplaintsAboutPeople(t *testing.T) {
	const bcrypt = "$2b$04$abcdefghijklmnopqrstuu0NSMUD6CT5jG9iS3QiPT7kytvajk2tq"
	for _, c := range []struct{ file, want string }{
		{tenant("policy: {sign_up: everybody}"), "sign_up is one of open, invite, closed"},
		{tenant("policy: {email_verification: yes}"), "email_verification is one of required, optional, off"},
		{tenant("policy: {second_factor: always}"), "second_factor is one of optional, offered, required"},
		{tenant("policy: {second_factor_deadline: soon}"), "a deadline is a date"},
		{tenant("policy: {session_idle: 1s}"), "session_idle is between a minute and ten years"},
		{tenant("policy: {remember_device: 999999h}"), "remember_device is between a minute and ten years"},
		{tenant("policy: {deletion_grace: forever}"), "deletion_grace: a duration is written like"},
		{tenant("policy: {default_roles: ['']}"), `"" is not the name of a role`},
		{tenant("policy: {default_roles: ['A B']}"), `"A B" is not the name of a role`},
		{tenant("policy: {attributes: [{name: Team, type: string}]}"), "a name is made of a-z"},
		{tenant("policy: {attributes: [{name: team, type: text}]}"), "the type is string"},
		{tenant("policy: {attributes: [{name: team, type: string, claim: sub}]}"), "the claim sub has a meaning of its own"},
		{tenant("policy: {attributes: [{name: team, type: string}, {name: team, type: string}]}"), "is there twice"},
		{tenant("policy: {}\nusers: [{username: ada, attributes: {team: x}}]"), `the policy has no attribute "team"`},
		{tenant("policy: {attributes: [{name: badge, type: number}]}\nusers: [{username: ada, attributes: {badge: x}}]"), "badge: it is a number"},

		{tenant(`mail: {from_name: "A\r\nBcc: eve@example.test"}`), "from_name is at most 100 characters in one line"},
		{tenant("mail: {from_name: " + strings.Repeat("a", 101) + "}"), "from_name is at most 100 characters"},
		{tenant("mail: {reply_to: nobody}"), "the e-mail address is not valid"},
		{tenant("mail: {language: '?'}"), `"?" is not a language`},
		{tenant("mail: {templates: {letter: {en: {subject: a, text: b}}}}"), "there is no mail of kind letter"},
		{tenant("mail: {templates: {code: {en: {subject: a, text: '{{.Nothing}}'}}}}"), "the mail template of code"},
		{tenant("mail: {templates: {code: {en: {subject: a, text: nothing}}}}"), "the mail template of code"},
		{tenant("mail: {templates: {code: {'?': {subject: '{{.Code}}', text: '{{.Code}}'}}}}"), `"?" is not a language`},

		{tenant("users: [{username: ada, password_hash: '$1$abc$def'}]"), "the hash is not Argon2, bcrypt, scrypt or PBKDF2"},
		{tenant("users: [{username: ada, password_hash: ''}]"), "password_hash: it is empty"},
		{tenant("users: [{sub: ada, password_hash: '" + bcrypt + "'}]"), "a password needs an email or username"},
		{tenant("users: [{username: ada, password: {env: SECRET}, password_hash: '" + bcrypt + "'}]"), "give either password or password_hash"},
		{tenant("users: [{username: ada, must_change_password: true}]"), "there is no password to change"},
	} {
		_, err := manifest.Parse([]byte(c.file), production)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n got %v\nwant %s", c.file, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), bcrypt) {
			t.Errorf("the complaint shows the hash: %v", err)
		}
	}
}

// TestImportedPasswordIsTheUsersOwnAfterwards: a file that is applied again does
// not bring back what the user has changed since.
func TestImportedPasswordIsTheUsersOwnAfterwards(t *testing.T) {
	const bcrypt = "$2b$04$abcdefghijklmnopqrstuu0NSMUD6CT5jG9iS3QiPT7kytvajk2tq"
	for name, c := range map[string]struct {
		file string
		want storage.Password
	}{
		"a hash":                    {"users: [{username: ada, password_hash: '" + bcrypt + "'}]", storage.Password{Hash: bcrypt}},
		"a hash for once":           {"users: [{username: ada, password_hash: '" + bcrypt + "', must_change_password: true}]", storage.Password{Hash: bcrypt, MustChange: true}},
		"a password for once":       {"users: [{username: ada, password: a-good-long-password, must_change_password: true}]", storage.Password{Hash: "plain:a-good-long-password", MustChange: true}},
		"a short password for once": {"users: [{username: ada, password: short, must_change_password: true}]", storage.Password{Hash: "plain:short", MustChange: true, Short: true}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.apply(tenant(c.file), start)
			scope := f.scope("default")
			ada := must[lanyard.User](f)(scope.UserByUsername(t.Context(), "ada"))
			factors := must[lanyard.Factors](f)(scope.Factors(t.Context(), ada.ID, nil, start))
			hash := must[string](f)(scope.PasswordHash(t.Context(), ada.ID))
			got := storage.Password{Hash: hash, MustChange: factors.MustChange, Short: factors.ShortPassword}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			own := storage.Password{Hash: "plain:own"}
			if err := scope.SetPassword(t.Context(), ada.ID, own, start); err != nil {
				t.Fatal(err)
			}
			if again := f.apply(tenant(c.file), start); again.Created+again.Updated != 0 {
				t.Errorf("the second time: %+v", again)
			}
			if hash := must[string](f)(scope.PasswordHash(t.Context(), ada.ID)); hash != own.Hash {
				t.Errorf("the hash is %q", hash)
			}
		})
	}
}

// TestPasswordOfAFileVoidsWhatIsPending: proofs, links and codes from before.
func TestPasswordOfAFileVoidsWhatIsPending(t *testing.T) {
	f := newFixture(t)
	f.apply(tenant("users: [{username: ada, password: first-password}]"), start)
	scope := f.scope("default")
	ada := must[lanyard.User](f)(scope.UserByUsername(t.Context(), "ada"))
	challenge := storage.Challenge{ID: "chg_1", Holder: "req_1", Purpose: "sign_in", UserID: ada.ID, MAC: []byte("mac"), LinkHash: []byte("link"), CreatedAt: start, ExpiresAt: start.Add(time.Hour)}
	if _, err := scope.PutChallenge(t.Context(), challenge, 0); err != nil {
		t.Fatal(err)
	}
	f.apply(tenant("users: [{username: ada, password: second-password}]"), start)
	if _, err := scope.ChallengeByLink(t.Context(), challenge.LinkHash); lanyard.KindOf(err) != lanyard.NotFound {
		t.Errorf("the code lives on: %v", err)
	}
	if after := must[lanyard.User](f)(scope.User(t.Context(), ada.ID)); after.Revision != ada.Revision+1 {
		t.Errorf("the revision is %d after %d", after.Revision, ada.Revision)
	}
}
