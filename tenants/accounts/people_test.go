package accounts_test

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

const (
	oldPassword = "seven grumpy otters"
	newPassword = "walnut harbour quilt"
	address     = "ada@example.test"
	request     = "req_here"
)

// town is a tenant whose people sign up, forget their passwords and get mail.
type town struct {
	*testing.T
	*accounts.Accounts
	store  *storage.Store
	t      accounts.Tenancy
	now    time.Time
	from   accounts.From
	hashes *atomic.Int64
}

// macs are the keys for codes; the last one is current.
type macs []lanyard.KeyID

func (m macs) CurrentMAC() (lanyard.KeyID, []byte) { return m[len(m)-1], []byte(m[len(m)-1]) }
func (m macs) MAC(id lanyard.KeyID) ([]byte, bool) { return []byte(id), slices.Contains(m, id) }

// inTown runs a behaviour on both databases.
func inTown(t *testing.T, behaviour func(h *town)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		behaviour(found(t, "sqlite:"+filepath.Join(t.TempDir(), "lanyard.db")))
	})
	t.Run("postgres", func(t *testing.T) { behaviour(found(t, testkit.FastPostgres(t))) })
}

func found(t *testing.T, database string) *town {
	t.Helper()
	store, err := storage.Open(t.Context(), storage.Config{URL: database, Ephemeral: true})
	h := &town{T: t, store: store, now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), hashes: &atomic.Int64{}}
	h.must(err)
	t.Cleanup(func() { _ = store.Close() })
	h.must(store.Migrate(t.Context()))
	master, err := keys.NewMaster(lanyard.NewSecret().Hash())
	h.must(err)
	hasher := accounts.NewHasher()
	hasher.Now, hasher.Observe = func() time.Time { return time.Time{} }, func(time.Duration) { h.hashes.Add(1) }
	h.Accounts = accounts.New(hasher, master)
	h.from = accounts.From{Address: "192.0.2.1", UserAgent: "ua", Languages: []string{"en"}}
	h.t = h.tenant("town")
	return h
}

func (h *town) tenant(slug string) accounts.Tenancy {
	h.Helper()
	tenant := lanyard.Tenant{ID: lanyard.NewTenantID(), Slug: slug, Name: "Lighthouse", CreatedAt: h.now, Policy: lanyard.Policy{
		SignUp: lanyard.SignUpOpen, EmailCode: true, EmailRecovery: true, DefaultRoles: []string{"reader"},
		Attributes: []lanyard.Attribute{{Name: "team", Type: lanyard.AttributeString}, {Name: "rank", Type: lanyard.AttributeString, ReadOnly: true}},
	}}
	h.must(h.store.InsertTenant(h.Context(), tenant))
	return accounts.Tenancy{Scope: h.store.Tenant(tenant.ID), Tenant: tenant, Issuer: "https://id.lighthouse.test/t/" + slug, MACs: macs{"mac-1"}}
}

func (h *town) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *town) wants(what string, err, want error) {
	h.Helper()
	if !errors.Is(err, want) {
		h.Errorf("%s: got %v, want %v", what, err, want)
	}
}

// citizen makes a user with a password; without an address it has a username only.
func (h *town) citizen(username, email string, verified bool) lanyard.User {
	h.Helper()
	ctx, id := h.Context(), lanyard.NewUserID()
	h.must(h.t.Scope.InsertUser(ctx, lanyard.User{ID: id, Subject: string(id), Username: username, UpdatedAt: h.now, CreatedAt: h.now}))
	if email != "" {
		h.must(h.t.Scope.SetPrimaryEmail(ctx, id, email, verified, h.now))
	}
	h.setPassword(id, storage.Password{Hash: h.hash(oldPassword)})
	return h.user(id)
}

func (h *town) setPassword(id lanyard.UserID, p storage.Password) {
	h.Helper()
	h.must(h.t.Scope.SetPassword(h.Context(), id, p, h.now))
}

func (h *town) hash(password string) string {
	h.Helper()
	phc, err := h.Hasher.Hash(h.Context(), lanyard.SecretOf(password))
	h.must(err)
	return phc
}

func (h *town) user(id lanyard.UserID) lanyard.User {
	h.Helper()
	user, err := h.t.Scope.User(h.Context(), id)
	h.must(err)
	return user
}

func (h *town) byEmail(email string) lanyard.User {
	h.Helper()
	user, err := h.t.Scope.UserByEmail(h.Context(), email)
	h.must(err)
	return user
}

func (h *town) turnOff(user lanyard.User) {
	h.Helper()
	user.Disabled = true
	h.must(h.t.Scope.UpdateUser(h.Context(), user))
}

// signedIn starts a session on a browser of its own.
func (h *town) signedIn(user lanyard.User, cookie string) accounts.Actor {
	h.Helper()
	ctx, hash := h.Context(), lanyard.SecretOf(cookie).Hash()
	browser, err := h.t.Scope.PutBrowser(ctx, nil, hash, lanyard.Browser{ID: lanyard.NewBrowserID(), SeenAt: h.now})
	h.must(err)
	id, err := h.t.Scope.StartSession(ctx, browser, storage.Proof{User: user.ID, At: h.now, ACR: lanyard.ACRSingle, ExpiresAt: h.now.Add(24 * time.Hour)})
	h.must(err)
	from := h.from
	from.BrowserHash = hash
	return accounts.Actor{User: user, Session: h.session(id), From: from}
}

func (h *town) session(id lanyard.SessionID) lanyard.Session {
	h.Helper()
	session, err := h.t.Scope.Session(h.Context(), id)
	h.must(err)
	return session
}

// signsIn tells what a password does.
func (h *town) signsIn(name, password string) error {
	_, err := h.Authenticate(h.Context(), h.t.Scope, accounts.Try{Name: name, Password: lanyard.SecretOf(password), From: accounts.From{Address: "198.51.100.7"}}, h.now)
	return err
}

// succeed uses a proof up in a transaction of its own.
func (h *town) succeed(p accounts.Proven) error {
	return h.apply(p.Success)
}

func (h *town) apply(do func(context.Context, storage.Scope) error) error {
	return h.t.Scope.InTx(h.Context(), func(tx storage.Scope) error { return do(h.Context(), tx) })
}

// mails are those that were queued since the last look.
func (h *town) mails() []mail.Letter {
	h.Helper()
	due, err := h.store.DueDeliveries(h.Context(), storage.DeliveryMail, h.now, 365*24*time.Hour, 1000)
	h.must(err)
	var out []mail.Letter
	for _, d := range due {
		plain, err := h.Sealer.Open(accounts.MailPlace(d.TenantID, d.ID), d.Sealed)
		h.must(err)
		letter, err := mail.Unmarshal(plain)
		h.must(err)
		if letter.To != d.Recipient {
			h.Errorf("the letter goes to %s, the delivery to %s", letter.To, d.Recipient)
		}
		out = append(out, letter)
	}
	return out
}

// mail is the only one that was queued since the last look.
func (h *town) mail(kind lanyard.MailKind, to string) mail.Letter {
	h.Helper()
	all := h.mails()
	if len(all) != 1 || all[0].Kind != kind || all[0].To != to {
		h.Fatalf("mails: got %+v, want %s to %s", all, kind, to)
	}
	return all[0]
}

// deliveries counts rows by state.
func (h *town) deliveries() map[string]int {
	h.Helper()
	all, err := h.t.Scope.Deliveries(h.Context(), 1000)
	h.must(err)
	out := map[string]int{}
	for _, d := range all {
		out[d.State]++
	}
	return out
}

// happened counts the events of a type about a user.
func (h *town) happened(kind lanyard.EventType, user lanyard.UserID) int {
	h.Helper()
	all, err := h.t.Scope.Events(h.Context(), 1000)
	h.must(err)
	n := 0
	for _, e := range all {
		if e.Type == kind && e.UserID == user {
			n++
		}
	}
	return n
}

// tokenOf is the secret of the link in a letter.
func (h *town) tokenOf(letter mail.Letter) lanyard.Secret {
	h.Helper()
	link, err := url.Parse(letter.Link)
	if err != nil || link.Query().Get("token") == "" {
		h.Fatalf("the link is %q: %v", letter.Link, err)
	}
	return lanyard.SecretOf(link.Query().Get("token"))
}

// anotherCode is a code that is not the one of the letter.
func anotherCode(code string) string {
	return strings.Map(func(r rune) rune { return '0' + (r-'0'+1)%10 }, code)
}

// work is what a deed costs: statements, hashes and deliveries, and what it says.
type work struct {
	Statements []string
	Hashes     int64
	Deliveries int
	Answer     string
}

func (h *town) workOf(do func(ctx context.Context) error) work {
	h.Helper()
	ctx, statements := storage.CountStatements(h.Context())
	hashes, deliveries := h.hashes.Load(), h.rows()
	err := do(ctx)
	w := work{Statements: statements.Seen(), Hashes: h.hashes.Load() - hashes, Deliveries: h.rows() - deliveries}
	if err != nil {
		w.Answer = err.Error()
	}
	return w
}

// sameWork does something for each name, and finds that it costs and says the same:
// what is wanted, besides the statements.
func (h *town) sameWork(names []string, do func(ctx context.Context, name string) error, want work) {
	h.Helper()
	for i, name := range names {
		got := h.workOf(func(ctx context.Context) error { return do(ctx, name) })
		if i == 0 {
			want.Statements = got.Statements
		}
		if diff := cmp.Diff(want, got); diff != "" || len(got.Statements) == 0 {
			h.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func (h *town) rows() int {
	n := 0
	for _, count := range h.deliveries() {
		n += count
	}
	return n
}

// race runs many at once, and counts who won; losers fail as they may.
func (h *town) race(do func() error, losing ...error) {
	h.Helper()
	var won atomic.Int32
	var group sync.WaitGroup
	for range 32 {
		group.Go(func() {
			err := do()
			if err == nil {
				won.Add(1)
				return
			}
			if !slices.ContainsFunc(losing, func(want error) bool { return errors.Is(err, want) }) {
				h.Errorf("a loser: %v", err)
			}
		})
	}
	group.Wait()
	if won.Load() != 1 {
		h.Fatalf("%d winners", won.Load())
	}
}
