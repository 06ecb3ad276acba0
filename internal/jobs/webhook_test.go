package jobs_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/internal/fetch"
	"github.com/lanyard-id/lanyard/internal/jobs"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/storage"
)

// told is a message that reached the receiver.
type told struct {
	Header http.Header
	Body   []byte
}

// receiver is somebody's endpoint, and the tellers that call it.
type receiver struct {
	t       *testing.T
	store   *storage.Store
	scope   storage.Scope
	clock   *clock.Manual
	sealer  *keys.Master
	fetcher *fetch.Client
	url     string
	secret  lanyard.Secret

	mu     sync.Mutex
	status int
	got    []told
}

func overBoth(t *testing.T, behaviour func(t *testing.T, r *receiver)) {
	t.Helper()
	for name, database := range map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "lanyard.db") },
		"postgres": func(t *testing.T) string { return testkit.FastPostgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			behaviour(t, newReceiver(t, database(t)))
		})
	}
}

func newReceiver(t *testing.T, database string) *receiver {
	t.Helper()
	ctx := t.Context()
	store, err := storage.Open(ctx, storage.Config{URL: database, Ephemeral: true})
	fine(t, err)
	t.Cleanup(func() { _ = store.Close() })
	fine(t, store.Migrate(ctx))
	r := &receiver{t: t, store: store, status: http.StatusNoContent, clock: clock.NewManual(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)), secret: lanyard.NewWebhookSecret()}
	r.sealer, err = keys.NewMaster([]byte("0123456789abcdefghijklmnopqrstuv"))
	fine(t, err)
	id := lanyard.NewTenantID()
	fine(t, store.InsertTenant(ctx, lanyard.Tenant{ID: id, Slug: "default", Name: "x", CreatedAt: r.clock.Now()}))
	r.scope = store.Tenant(id)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, in *http.Request) {
		body, _ := io.ReadAll(in.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = append(r.got, told{in.Header, body})
		w.WriteHeader(r.status)
	}))
	t.Cleanup(server.Close)
	r.url = server.URL + "/hook"
	at, err := url.Parse(server.URL)
	fine(t, err)
	r.fetcher, err = fetch.New(fetch.Options{Allow: []string{at.Host}})
	fine(t, err)
	return r
}

func fine(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (r *receiver) hook(change func(*lanyard.Webhook)) lanyard.Webhook {
	r.t.Helper()
	w := lanyard.Webhook{ID: lanyard.NewWebhookID(), TenantID: r.scope.TenantID(), URL: r.url, CreatedAt: r.clock.Now(), UpdatedAt: r.clock.Now()}
	var err error
	w.Sealed, err = r.sealer.Seal(w.SecretPlace(false), []byte(r.secret.Reveal()))
	fine(r.t, err)
	if change != nil {
		change(&w)
	}
	fine(r.t, r.scope.PutWebhook(r.t.Context(), w))
	return w
}

func (r *receiver) happens(fact lanyard.EventType) lanyard.EventID {
	r.t.Helper()
	id := lanyard.NewEventID()
	fine(r.t, r.scope.InsertEvent(r.t.Context(), lanyard.Event{ID: id, Type: fact, At: r.clock.Now(), UserID: "usr_ada", Detail: map[string]string{"role": "x"}}))
	return id
}

func (r *receiver) teller() *jobs.Teller {
	return &jobs.Teller{Store: r.store, Sealer: r.sealer, Fetcher: r.fetcher, Clock: r.clock, Log: slog.New(slog.DiscardHandler)}
}

// turns lets a teller work until nothing is due.
func (r *receiver) turns() {
	for d := r.teller(); d.Turn(r.t.Context()); {
	}
}

func (r *receiver) answers(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

func (r *receiver) heard() []told {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// verify is what receivers do, by the text of the specification.
func verify(m told, secret lanyard.Secret) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret.Reveal(), "whsec_"))
	if err != nil || len(key) < 24 {
		return false
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte(m.Header.Get("webhook-id") + "." + m.Header.Get("webhook-timestamp") + "." + string(m.Body)))
	return slices.Contains(strings.Fields(m.Header.Get("webhook-signature")), "v1,"+base64.StdEncoding.EncodeToString(h.Sum(nil)))
}

func (r *receiver) states(w lanyard.Webhook) []string {
	r.t.Helper()
	all, err := r.scope.WebhookDeliveries(r.t.Context(), w.ID, "", storage.Window{Limit: 200})
	fine(r.t, err)
	var out []string
	for _, d := range all {
		out = append(out, d.State)
	}
	return out
}

func TestWebhookIsToldWithASignature(t *testing.T) {
	overBoth(t, func(t *testing.T, r *receiver) {
		old := lanyard.NewWebhookSecret()
		w := r.hook(func(w *lanyard.Webhook) {
			w.Types, w.PreviousUntil = []string{"user.*"}, r.clock.Now().Add(time.Hour)
			w.SealedPrevious, _ = r.sealer.Seal(w.SecretPlace(true), []byte(old.Reveal()))
		})
		r.hook(func(w *lanyard.Webhook) { w.Disabled = true })
		id := r.happens(lanyard.EventUserCreated)
		r.happens(lanyard.EventClientCreated)
		r.turns()
		got := r.heard()
		if len(got) != 1 || !verify(got[0], r.secret) || !verify(got[0], old) || verify(got[0], lanyard.NewWebhookSecret()) || got[0].Header.Get("webhook-id") != string(id) {
			t.Fatalf("%v", got)
		}
		var body struct {
			Type      string
			Timestamp time.Time
			Data      map[string]any
		}
		fine(t, json.Unmarshal(got[0].Body, &body))
		if body.Type != "user.created" || !body.Timestamp.Equal(r.clock.Now()) || body.Data["user_id"] != "usr_ada" || body.Data["id"] != string(id) {
			t.Errorf("%s", got[0].Body)
		}
		r.clock.Advance(2 * time.Hour)
		r.happens(lanyard.EventUserCreated)
		r.turns()
		if got := r.heard(); len(got) != 2 || verify(got[1], old) || !verify(got[1], r.secret) {
			t.Error("the secret before signs after its time")
		}
		if states := r.states(w); !slices.Equal(states, []string{"sent", "sent"}) {
			t.Error(states)
		}
	})
}

func TestWebhookIsToldAgainUntilItAnswers(t *testing.T) {
	overBoth(t, func(t *testing.T, r *receiver) {
		w := r.hook(nil)
		r.answers(http.StatusFound) // no redirect is followed, and none is a success
		id := r.happens(lanyard.EventUserCreated)
		for range 20 {
			r.turns()
			r.clock.Advance(time.Minute)
		}
		before := r.heard()
		if len(before) < 3 || len(before) > 8 {
			t.Errorf("%d tries in 20 minutes", len(before))
		}
		r.answers(http.StatusOK)
		r.clock.Advance(time.Hour)
		r.turns()
		got := r.heard()
		for _, m := range got {
			if m.Header.Get("webhook-id") != string(id) || !verify(m, r.secret) {
				t.Errorf("%v", m.Header)
			}
		}
		if len(got) != len(before)+1 || !slices.Equal(r.states(w), []string{"sent"}) {
			t.Error(len(got), r.states(w))
		}
		if w, err := r.scope.Webhook(t.Context(), w.ID); err != nil || !w.FailingSince.IsZero() {
			t.Error(w.FailingSince, err)
		}
	})
}

func TestWebhookThatIsGoneOrFailsForDaysIsDisabled(t *testing.T) {
	overBoth(t, func(t *testing.T, r *receiver) {
		gone := r.hook(nil)
		r.answers(http.StatusGone)
		r.happens(lanyard.EventUserCreated)
		r.happens(lanyard.EventUserUpdated)
		r.turns()
		if w, err := r.scope.Webhook(t.Context(), gone.ID); err != nil || !w.Disabled {
			t.Error(w, err)
		}
		fine(t, r.scope.DeleteWebhook(t.Context(), gone.ID))
		failing := r.hook(nil)
		r.answers(http.StatusInternalServerError)
		r.happens(lanyard.EventUserCreated)
		for hour := 0; hour < 6*24; hour += 4 {
			r.turns()
			if hour%24 == 0 {
				r.happens(lanyard.EventUserUpdated)
			}
			r.clock.Advance(4 * time.Hour)
		}
		w, err := r.scope.Webhook(t.Context(), failing.ID)
		if err != nil || !w.Disabled {
			t.Error(w, err)
		}
		states := r.states(failing)
		if len(states) < 3 || slices.Contains(states, "queued") || slices.Contains(states, "sent") {
			t.Error(states)
		}
		facts, err := r.scope.Events(t.Context(), 50)
		fine(t, err)
		if !slices.ContainsFunc(facts, func(e lanyard.Event) bool {
			return e.Type == lanyard.EventWebhookUpdated && e.Detail["disabled"] == "failing"
		}) {
			t.Error("nobody is told that it is disabled")
		}
	})
}

// TestTwoReplicasTellOnce: 32 facts, two tellers at once.
func TestTwoReplicasTellOnce(t *testing.T) {
	overBoth(t, func(t *testing.T, r *receiver) {
		r.hook(nil)
		for range 32 {
			r.happens(lanyard.EventUserCreated)
		}
		var group sync.WaitGroup
		for range 2 {
			group.Go(func() {
				for d := r.teller(); d.Turn(t.Context()); {
				}
			})
		}
		group.Wait()
		r.turns()
		seen := map[string]bool{}
		for _, m := range r.heard() {
			seen[m.Header.Get("webhook-id")] = true
		}
		if len(seen) != 32 || len(r.heard()) != 32 {
			t.Errorf("%d facts, %d messages", len(seen), len(r.heard()))
		}
	})
}

// TestNothingIsLostBetweenTwoStatements dies before each statement in turn; whoever comes after
// tells the fact, with the same id.
func TestNothingIsLostBetweenTwoStatements(t *testing.T) {
	r := newReceiver(t, "sqlite:"+filepath.Join(t.TempDir(), "lanyard.db"))
	r.hook(nil)
	for at := 1; ; at++ {
		id := r.happens(lanyard.EventUserCreated)
		already := len(r.heard())
		ctx, cancel := context.WithCancel(t.Context())
		counting, statements := storage.CountStatements(ctx)
		statements.Before = func(n int) {
			if n == at {
				cancel()
			}
		}
		r.teller().Turn(counting)
		died := len(statements.Seen()) >= at
		cancel()
		r.clock.Advance(time.Minute) // the lease ends
		r.turns()
		r.clock.Advance(time.Minute)
		r.turns()
		news := r.heard()[already:]
		if len(news) == 0 || len(news) > 2 {
			t.Fatalf("death before statement %d: %d messages", at, len(news))
		}
		for _, m := range news {
			if m.Header.Get("webhook-id") != string(id) {
				t.Errorf("death before statement %d: another id", at)
			}
		}
		if !died {
			break
		}
	}
}

func TestSuspendedTenantTellsNobody(t *testing.T) {
	r := newReceiver(t, "sqlite:"+filepath.Join(t.TempDir(), "lanyard.db"))
	r.hook(nil)
	tenant, err := r.scope.Tenant(t.Context())
	fine(t, err)
	tenant.Suspended = true
	fine(t, r.scope.UpdateTenant(t.Context(), tenant))
	r.happens(lanyard.EventUserCreated)
	r.turns()
	if got := r.heard(); len(got) != 0 {
		t.Error(got)
	}
	tenant.Suspended = false
	fine(t, r.scope.UpdateTenant(t.Context(), tenant))
	r.turns()
	if got := r.heard(); len(got) != 1 {
		t.Error(got)
	}
}

func TestPrivateAddressIsNotTold(t *testing.T) {
	r := newReceiver(t, "sqlite:"+filepath.Join(t.TempDir(), "lanyard.db"))
	strict, err := fetch.New(fetch.Options{})
	fine(t, err)
	r.fetcher = strict
	w := r.hook(nil)
	r.happens(lanyard.EventUserCreated)
	r.turns()
	all, err := r.scope.WebhookDeliveries(t.Context(), w.ID, "queued", storage.Window{Limit: 5})
	if err != nil || len(r.heard()) != 0 || len(all) != 1 || all[0].Error != "unreachable" || all[0].Response != 0 {
		t.Error(all, err, r.heard())
	}
}

// A webhook is told of what happens from then on, whatever waits for others.
func TestNewWebhookIsNotToldWhatWasBefore(t *testing.T) {
	overBoth(t, func(t *testing.T, r *receiver) {
		first := r.hook(nil)
		before := r.happens(lanyard.EventUserCreated)
		second := r.hook(func(w *lanyard.Webhook) { w.Types = []string{"user.*"} })
		first.Types = []string{"client.*"} // what was before was wanted then
		fine(t, r.scope.PutWebhook(t.Context(), first))
		after := r.happens(lanyard.EventUserCreated)
		r.turns()
		for w, want := range map[lanyard.WebhookID][]lanyard.EventID{first.ID: {before}, second.ID: {after}} {
			all, err := r.scope.WebhookDeliveries(t.Context(), w, "", storage.Window{Limit: 10})
			fine(t, err)
			var got []lanyard.EventID
			for _, d := range all {
				got = append(got, d.EventID)
			}
			if !slices.Equal(got, want) {
				t.Errorf("told of %v, not %v", got, want)
			}
		}
	})
}
