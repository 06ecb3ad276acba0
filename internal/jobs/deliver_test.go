package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/internal/jobs"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/schema"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

func TestMain(m *testing.M) { testkit.Main(m, schema.Newest) }

// recorder is a mail server that takes everything, unless it is told otherwise.
type recorder struct {
	mu    sync.Mutex
	mails []mail.Message
	// answer decides about a mail after it was recorded; nil takes it.
	answer func(mail.Message) error
}

func (r *recorder) Send(_ context.Context, m mail.Message) error {
	r.mu.Lock()
	r.mails = append(r.mails, m)
	answer := r.answer
	r.mu.Unlock()
	if answer == nil {
		return nil
	}
	return answer(m)
}

func (r *recorder) say(answer func(mail.Message) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func (r *recorder) sent() []mail.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]mail.Message(nil), r.mails...)
}

func down(mail.Message) error { return errors.New("connection refused") }

// office is a tenant whose mails wait for a deliverer.
type office struct {
	t      *testing.T
	url    string
	store  *storage.Store
	scope  storage.Scope
	clock  *clock.Manual
	sealer lanyard.Sealer
	sender *recorder
	log    *logBuffer
	serial int
}

// logBuffer is a log that goroutines may share.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// onBoth runs a behaviour on both databases.
func onBoth(t *testing.T, behaviour func(t *testing.T, o *office)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { behaviour(t, newOffice(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))) })
	t.Run("postgres", func(t *testing.T) { behaviour(t, newOffice(t, testkit.FastPostgres(t))) })
}

func newOffice(t *testing.T, url string) *office {
	t.Helper()
	master, err := keys.NewMaster([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	o := &office{t: t, url: url, clock: clock.NewManual(start), sealer: master, sender: &recorder{}, log: &logBuffer{}}
	o.store = o.open()
	o.ok(o.store.Migrate(t.Context()))
	o.scope = o.tenant("acme")
	return o
}

// open is another connection to the database, as a replica has.
func (o *office) open() *storage.Store {
	o.t.Helper()
	store, err := storage.Open(o.t.Context(), storage.Config{URL: o.url, Ephemeral: true})
	o.ok(err)
	o.t.Cleanup(func() { _ = store.Close() })
	return store
}

func (o *office) tenant(slug string) storage.Scope {
	o.t.Helper()
	id := lanyard.NewTenantID()
	o.ok(o.store.InsertTenant(o.t.Context(), lanyard.Tenant{ID: id, Slug: slug, Name: slug, CreatedAt: start}))
	return o.store.Tenant(id)
}

func (o *office) ok(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// queue seals and queues a code for somebody.
func (o *office) queue(to string, life time.Duration) lanyard.DeliveryID {
	o.t.Helper()
	letter := mail.Letter{Kind: lanyard.MailCode, To: to, Code: "482913", At: o.clock.Now()}
	return o.queueRaw(o.scope, to, letter.Marshal(), life)
}

func (o *office) queueRaw(s storage.Scope, to string, plain []byte, life time.Duration) lanyard.DeliveryID {
	o.t.Helper()
	o.serial++
	id := lanyard.DeliveryID(fmt.Sprintf("dlv_%04d", o.serial))
	sealed, err := o.sealer.Seal(accounts.MailPlace(s.TenantID(), id), plain)
	o.ok(err)
	event := lanyard.NewEventID()
	o.ok(s.InsertEvent(o.t.Context(), lanyard.Event{ID: event, Type: lanyard.EventMailQueued, At: o.clock.Now(), UserID: "usr_ada"}))
	now := o.clock.Now()
	o.ok(s.InsertDelivery(o.t.Context(), storage.NewDelivery{
		ID: id, EventID: event, Kind: storage.DeliveryMail, Recipient: to, Subject: "code", Sealed: sealed, DueAt: now, ExpiresAt: now.Add(life),
	}))
	return id
}

// worker is a deliverer that runs.
type worker struct {
	*jobs.Deliverer
	o       *office
	stop    context.CancelFunc
	done    chan struct{}
	results chan string
}

// hire starts a deliverer, which looks at the queue once.
func (o *office) hire(change func(*jobs.Deliverer)) *worker {
	o.t.Helper()
	w := o.prepare(change)
	waiters := o.clock.Waiters()
	w.start()
	settle(o.t, o.clock, waiters+1)
	return w
}

func (o *office) prepare(change func(*jobs.Deliverer)) *worker {
	o.t.Helper()
	log := slog.New(slog.NewTextHandler(o.log, nil))
	composer, err := mail.NewComposer("no-reply@id.example.test", log)
	o.ok(err)
	w := &worker{o: o, done: make(chan struct{}), results: make(chan string, 10_000)}
	w.Deliverer = &jobs.Deliverer{
		Store: o.store, Sealer: o.sealer, Composer: composer, Sender: o.sender, Clock: o.clock, Log: log,
		Issuer: func(t lanyard.Tenant) string { return "https://id.example.test/t/" + t.Slug }, Observe: func(result string) { w.results <- result },
	}
	if change != nil {
		change(w.Deliverer)
	}
	return w
}

func (w *worker) start() {
	ctx, cancel := context.WithCancel(w.o.t.Context())
	w.stop = cancel
	go func() {
		defer close(w.done)
		w.Run(ctx)
	}()
	w.o.t.Cleanup(w.end)
}

func (w *worker) end() {
	w.stop()
	<-w.done
}

// wait moves the clock and lets the deliverer look at the queue.
func (w *worker) wait(d time.Duration) {
	w.o.t.Helper()
	w.o.clock.Advance(d)
	settle(w.o.t, w.o.clock, 1)
}

// result is how the next try ended.
func (w *worker) result() string {
	w.o.t.Helper()
	select {
	case r := <-w.results:
		return r
	case <-time.After(20 * time.Second):
		w.o.t.Fatal("no try ended")
		return ""
	}
}

// state is what became of a mail.
func (o *office) state(id lanyard.DeliveryID) string {
	o.t.Helper()
	all, err := o.scope.Deliveries(o.t.Context(), 10_000)
	o.ok(err)
	for _, d := range all {
		if d.ID == string(id) {
			return fmt.Sprintf("%s %d wiped=%v", d.State, d.Tries, d.Wiped)
		}
	}
	return "gone"
}

func want(t *testing.T, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMailIsSentAndItsContentWiped(t *testing.T) {
	onBoth(t, func(t *testing.T, o *office) {
		id := o.queue("ada@example.test", time.Hour)
		w := o.hire(nil)
		want(t, w.result(), "sent")
		for range 100 {
			w.wait(time.Second)
		}
		want(t, o.state(id), "sent 1 wiped=true")
		sent := o.sender.sent()
		if len(sent) != 1 || sent[0].To != "ada@example.test" || sent[0].Subject != "Your acme code is 482 913" || sent[0].MessageID != string(id)+"@id.example.test" || !sent[0].Date.Equal(start) {
			t.Errorf("got %+v", sent)
		}
		if text := o.log.String(); strings.Contains(strings.ReplaceAll(text, " ", ""), "482913") {
			t.Errorf("the log tells the code: %s", text)
		}
	})
}

// TestMailIsTriedAgainEverLessOften until it expires.
func TestMailIsTriedAgainEverLessOften(t *testing.T) {
	onBoth(t, func(t *testing.T, o *office) {
		o.sender.say(down)
		id := o.queue("ada@example.test", 3*time.Hour)
		w := o.hire(nil)
		want(t, w.result(), "postponed")
		const soon = time.Microsecond
		for i, delay := range []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, time.Hour} {
			w.wait(delay - soon)
			want(t, o.state(id), fmt.Sprintf("queued %d wiped=false", i+1))
			w.wait(time.Second)
			want(t, w.result(), "postponed")
			want(t, o.state(id), fmt.Sprintf("queued %d wiped=false", i+2))
		}
		w.wait(3 * time.Hour)
		want(t, o.state(id), "expired 8 wiped=true")
		want(t, len(o.sender.sent()), 8)
	})
}

func TestExpiredMailIsNotSent(t *testing.T) {
	onBoth(t, func(t *testing.T, o *office) {
		o.sender.say(down)
		id := o.queue("ada@example.test", 10*time.Minute)
		w := o.hire(nil)
		want(t, w.result(), "postponed")
		w.end()
		o.sender.say(nil)
		o.clock.Advance(10 * time.Minute)
		o.hire(nil)
		want(t, o.state(id), "expired 1 wiped=true")
		want(t, len(o.sender.sent()), 1)
	})
}

// TestMailThatExpiresOnItsWayIsNotSent: the clock moves after it was claimed.
func TestMailThatExpiresOnItsWayIsNotSent(t *testing.T) {
	onBoth(t, func(t *testing.T, o *office) {
		id := o.queue("ada@example.test", time.Minute)
		w := o.hire(func(d *jobs.Deliverer) {
			issuer := d.Issuer
			d.Issuer = func(t lanyard.Tenant) string { o.clock.Advance(time.Minute); return issuer(t) }
		})
		want(t, w.result(), "postponed")
		w.wait(time.Second)
		want(t, o.state(id), "expired 1 wiped=true")
		want(t, len(o.sender.sent()), 0)
	})
}

// TestMailIsSentAgainAfterAKill between the server's answer and its record, and is
// the same mail then. The killed process is one whose sender never returns.
func TestMailIsSentAgainAfterAKill(t *testing.T) {
	onBoth(t, func(t *testing.T, o *office) {
		id := o.queue("ada@example.test", time.Hour)
		taken, killed := make(chan struct{}), make(chan struct{})
		release := sync.OnceFunc(func() { close(killed) })
		defer release()
		o.sender.say(func(mail.Message) error {
			close(taken)
			<-killed
			return nil
		})
		first := o.hire(func(d *jobs.Deliverer) { d.Parallel = 1 })
		<-taken
		o.sender.say(nil)
		second := o.hire(nil)
		o.clock.Advance(45*time.Second - time.Microsecond)
		settle(t, o.clock, 2)
		want(t, o.state(id), "queued 1 wiped=false")
		o.clock.Advance(time.Second)
		settle(t, o.clock, 2)
		want(t, second.result(), "sent")
		sent := o.sender.sent()
		if len(sent) != 2 {
			t.Fatalf("sent %d times", len(sent))
		}
		want(t, sent[1], sent[0])
		want(t, o.state(id), "sent 2 wiped=true")
		release()
		want(t, first.result(), "sent") // it has nothing to record any more
		want(t, o.state(id), "sent 2 wiped=true")
	})
}

// TestLateFailureDisturbsNobody: a deliverer stalls beyond its claim and fails then, while
// another one is sending the same mail. What the second does counts.
func TestLateFailureDisturbsNobody(t *testing.T) {
	onBoth(t, func(t *testing.T, o *office) {
		id := o.queue("ada@example.test", time.Hour)
		tries := make(chan chan error, 10)
		o.sender.say(func(mail.Message) error {
			answer := make(chan error, 1)
			tries <- answer
			select {
			case err := <-answer:
				return err
			case <-t.Context().Done():
				return errors.New("nobody answers")
			}
		})
		first := o.hire(func(d *jobs.Deliverer) { d.Parallel = 1 })
		stalled := <-tries
		second := o.hire(nil)
		o.clock.Advance(46 * time.Second)
		going := <-tries
		stalled <- errors.New("the connection broke")
		want(t, first.result(), "postponed")
		want(t, o.state(id), "queued 2 wiped=false")
		settle(t, o.clock, 2)
		o.clock.Advance(30 * time.Second) // a postponed one would be due by now
		settle(t, o.clock, 2)
		going <- nil
		want(t, second.result(), "sent")
		want(t, o.state(id), "sent 2 wiped=true")
		want(t, len(o.sender.sent()), 2)
	})
}

// TestClocksOfDeliverersMayDiffer by some seconds: nothing is taken from whoever is
// sending, for as long as a try may last.
func TestClocksOfDeliverersMayDiffer(t *testing.T) {
	onBoth(t, func(t *testing.T, o *office) {
		o.queue("ada@example.test", time.Hour)
		taken, answer := make(chan struct{}, 10), make(chan struct{})
		o.sender.say(func(mail.Message) error {
			taken <- struct{}{}
			<-answer
			return nil
		})
		defer close(answer)
		o.hire(func(d *jobs.Deliverer) { d.Parallel = 1 })
		<-taken
		ahead := clock.NewManual(o.clock.Now().Add(15 * time.Second))
		o.prepare(func(d *jobs.Deliverer) { d.Clock = ahead }).start()
		for range 20 { // seconds that one try may last
			settle(t, ahead, 1)
			ahead.Advance(time.Second)
		}
		settle(t, ahead, 1)
		want(t, len(o.sender.sent()), 1)
	})
}

// TestManyDeliverersSendEachMailOnce, each with its own connection to the database.
func TestManyDeliverersSendEachMailOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, o *office) {
		stores := []*storage.Store{o.store, o.store, o.store}
		if !o.store.IsSQLite() {
			stores = []*storage.Store{o.store, o.open(), o.open()}
		}
		for range testkit.Rounds(3, 100) {
			const mails = 60
			wanted := map[lanyard.DeliveryID]int{}
			for i := range mails {
				wanted[o.queue(fmt.Sprintf("u%d@example.test", i), time.Hour)] = 1
			}
			sender, results := &recorder{}, make(chan string, 1000)
			var workers []*worker
			for _, store := range stores {
				w := o.prepare(func(d *jobs.Deliverer) {
					d.Store, d.Sender, d.Observe, d.Every = store, sender, func(r string) { results <- r }, time.Millisecond
				})
				workers = append(workers, w)
			}
			for _, w := range workers {
				w.start()
			}
			for n := 0; n < mails; {
				select {
				case r := <-results:
					want(t, r, "sent")
					n++
				default:
					settle(t, o.clock, len(workers))  // those that found nothing, as others had claimed it, look again
					o.clock.Advance(time.Millisecond) // far from the end of any claim
				}
			}
			for _, w := range workers {
				w.end()
			}
			got := map[lanyard.DeliveryID]int{}
			for _, m := range sender.sent() {
				got[m.ID]++
			}
			want(t, got, wanted)
		}
	})
}

func TestMailsOfASuspendedTenantWait(t *testing.T) {
	onBoth(t, func(t *testing.T, o *office) {
		tenant, err := o.scope.Tenant(t.Context())
		o.ok(err)
		tenant.Suspended = true
		o.ok(o.scope.UpdateTenant(t.Context(), tenant))
		id := o.queue("ada@example.test", time.Hour)
		w := o.hire(nil)
		w.wait(time.Minute)
		want(t, o.state(id), "queued 0 wiped=false")
		tenant.Suspended = false
		o.ok(o.scope.UpdateTenant(t.Context(), tenant))
		w.wait(time.Second)
		want(t, w.result(), "sent")
	})
}

// TestHangingServerHoldsUpOnlyWhatItHas: the mails behind it go on.
func TestHangingServerHoldsUpOnlyWhatItHas(t *testing.T) {
	onBoth(t, func(t *testing.T, o *office) {
		hang := make(chan struct{})
		o.sender.say(func(m mail.Message) error {
			if strings.HasPrefix(m.To, "hang") {
				<-hang
			}
			return nil
		})
		for i := range 3 { // of four hands
			o.queue(fmt.Sprintf("hang%d@example.test", i), time.Hour)
		}
		for i := range 20 {
			o.queue(fmt.Sprintf("u%d@example.test", i), time.Hour)
		}
		w := o.hire(nil)
		for range 20 {
			want(t, w.result(), "sent")
		}
		close(hang)
		for range 3 {
			want(t, w.result(), "sent")
		}
	})
}

func TestNoMoreThanFourMailsAreSentAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, o *office) {
		arrived, leave := make(chan struct{}, 100), make(chan struct{})
		o.sender.say(func(mail.Message) error {
			arrived <- struct{}{}
			<-leave
			return nil
		})
		for i := range 12 {
			o.queue(fmt.Sprintf("u%d@example.test", i), time.Hour)
		}
		w := o.hire(nil)
		for range 4 {
			<-arrived
		}
		w.wait(time.Second) // it looked again, with its hands full
		if n := len(o.sender.sent()); n != 4 {
			t.Errorf("%d at once", n)
		}
		close(leave)
		for range 12 {
			want(t, w.result(), "sent")
		}
	})
}

func TestOldestMailsGoFirst(t *testing.T) {
	onBoth(t, func(t *testing.T, o *office) {
		var wanted []string
		for i := range 10 {
			wanted = append(wanted, fmt.Sprintf("u%d@example.test", i))
			o.queue(wanted[i], time.Hour)
			o.clock.Advance(time.Second)
		}
		w := o.hire(func(d *jobs.Deliverer) { d.Parallel = 1 })
		var got []string
		for range 10 {
			want(t, w.result(), "sent")
		}
		for _, m := range o.sender.sent() {
			got = append(got, m.To)
		}
		want(t, got, wanted)
	})
}

// TestRefusedMailIsGivenUp, with an event about its user.
func TestRefusedMailIsGivenUp(t *testing.T) {
	onBoth(t, func(t *testing.T, o *office) {
		o.sender.say(func(mail.Message) error { return &mail.RefusedError{Code: 550, Cause: errors.New("no such user")} })
		id := o.queue("ada@example.test", time.Hour)
		w := o.hire(nil)
		want(t, w.result(), "failed")
		w.wait(30 * time.Minute)
		want(t, o.state(id), "failed 1 wiped=true")
		want(t, len(o.sender.sent()), 1)
		events, err := o.scope.Events(t.Context(), 1)
		o.ok(err)
		if events[0].Type != lanyard.EventMailFailed || events[0].UserID != "usr_ada" {
			t.Errorf("got %+v", events[0])
		}
		want(t, events[0].Detail, map[string]string{"kind": "code", "delivery": string(id), "smtp": "550"})
	})
}

// TestMailThatCanNotBeWritten: what will never be right is given up, what may be is tried again.
func TestMailThatCanNotBeWritten(t *testing.T) {
	empty := mail.Letter{Kind: lanyard.MailCode, To: "ada@example.test"} // without its code
	for name, c := range map[string]struct {
		queue  func(*office) lanyard.DeliveryID
		result string
		state  string
	}{
		"no letter": {func(o *office) lanyard.DeliveryID {
			return o.queueRaw(o.scope, "ada@example.test", []byte("nonsense"), time.Hour)
		}, "failed", "failed 1 wiped=true"},
		"no code": {func(o *office) lanyard.DeliveryID {
			return o.queueRaw(o.scope, "ada@example.test", empty.Marshal(), time.Hour)
		}, "failed", "failed 1 wiped=true"},
		"no address": {func(o *office) lanyard.DeliveryID {
			return o.queue("ada@example.test\r\nBcc: eve@example.test", time.Hour)
		}, "failed", "failed 1 wiped=true"},
		"another master key": {func(o *office) lanyard.DeliveryID {
			other, err := keys.NewMaster([]byte("fedcba9876543210fedcba9876543210"))
			o.ok(err)
			o.sealer = other
			return o.queue("ada@example.test", time.Hour)
		}, "postponed", "queued 1 wiped=false"},
		"a panic": {func(o *office) lanyard.DeliveryID {
			o.sender.say(func(mail.Message) error { panic("out of order") })
			return o.queue("ada@example.test", time.Hour)
		}, "postponed", "queued 1 wiped=false"},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, o *office) {
				sealer := o.sealer
				id := c.queue(o)
				w := o.hire(func(d *jobs.Deliverer) { d.Sealer = sealer })
				want(t, w.result(), c.result)
				w.end()
				want(t, o.state(id), c.state)
				if digits := strings.ReplaceAll(o.log.String(), " ", ""); strings.Contains(digits, "482913") { // three of them stand in many a stack
					t.Error("the log tells the code")
				}
			})
		})
	}
}

func TestWithoutAServerMailsWaitAndExpire(t *testing.T) {
	onBoth(t, func(t *testing.T, o *office) {
		id := o.queue("ada@example.test", time.Hour)
		w := o.hire(func(d *jobs.Deliverer) { d.Sender = nil })
		w.wait(time.Hour - time.Microsecond)
		want(t, o.state(id), "queued 0 wiped=false")
		w.wait(time.Second)
		want(t, o.state(id), "expired 0 wiped=true")
	})
}

// TestEndWaitsForWhatIsBeingSent, and records it.
func TestEndWaitsForWhatIsBeingSent(t *testing.T) {
	onBoth(t, func(t *testing.T, o *office) {
		arrived, leave := make(chan struct{}), make(chan struct{})
		o.sender.say(func(mail.Message) error {
			close(arrived)
			<-leave
			return nil
		})
		id := o.queue("ada@example.test", time.Hour)
		w := o.hire(nil)
		<-arrived
		w.stop()
		select {
		case <-w.done:
			t.Error("it did not wait")
		default:
		}
		close(leave)
		<-w.done
		want(t, o.state(id), "sent 1 wiped=true")
	})
}

// TestOutageOfTheDatabaseEndsNothing: it is said, and the next look is like the first.
func TestOutageOfTheDatabaseEndsNothing(t *testing.T) {
	o := newOffice(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	broken := o.open()
	o.ok(broken.Close())
	w := o.hire(func(d *jobs.Deliverer) { d.Store = broken })
	want(t, w.result(), "error")
	w.wait(time.Second)
	want(t, w.result(), "error")
}
