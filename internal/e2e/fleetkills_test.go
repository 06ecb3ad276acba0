package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// hosts invites people by mail, who come; both go on when a replica was killed under them.
type hosts struct {
	t     *testing.T
	f     *fleet
	mails *testkit.MailServer
	over  atomic.Bool
	group sync.WaitGroup

	mu sync.Mutex
	// invited are the addresses whose invitation was answered, joined those who were let in.
	invited, joined []string
}

func (h *hosts) begin(n int) {
	token := h.f.Administrator("admin").Token
	for at := range n {
		h.group.Go(func() {
			for guest := 0; !h.over.Load(); guest++ {
				h.entertain(token, fmt.Sprintf("guest-%d-%d@example.test", at, guest))
			}
		})
	}
}

// entertain invites somebody and lets them sign up, if nothing comes in between.
func (h *hosts) entertain(token, address string) {
	body := fmt.Sprintf(`{"email":%q,"roles":["member"]}`, address)
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.f.Issuer+"/api/v1/organizations/acme/invitations", strings.NewReader(body))
	if err != nil {
		h.t.Error(err)
		return
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	if status, text := did(r); status != http.StatusCreated {
		h.unanswered("an invitation", status, text)
		return
	}
	h.note(&h.invited, address)
	link := h.link(address)
	if link == "" {
		return // its mail comes later
	}
	form := one("email", address, "name", "Guest", "password", newPassword)
	if status, text := h.signUp(link, form.Encode()); status != http.StatusSeeOther {
		h.unanswered("a sign-up", status, text)
		return
	}
	h.note(&h.joined, address)
}

// unanswered tolerates what a killed replica leaves: no answer of its own.
func (h *hosts) unanswered(what string, status int, text string) {
	if status != http.StatusBadGateway && status != http.StatusServiceUnavailable {
		h.t.Errorf("%s: %d %s", what, status, text)
	}
}

func (h *hosts) note(list *[]string, address string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*list = append(*list, address)
}

// link waits a while for the mail to an address.
func (h *hosts) link(address string) string {
	for deadline := time.Now().Add(3 * time.Second); time.Now().Before(deadline) && !h.over.Load(); time.Sleep(20 * time.Millisecond) {
		for _, m := range h.mails.Mails() {
			if m.To == address {
				return m.Link()
			}
		}
	}
	return ""
}

// signUp posts the sign-up form of an invitation.
func (h *hosts) signUp(link, form string) (int, string) {
	client := h.f.newVisitor(h.t)
	answer, err := client.Get(link) //nolint:noctx // a test
	if err == nil && answer.StatusCode == http.StatusOK {
		_ = answer.Body.Close()
		answer, err = client.PostForm(link, one("action", "sign_up")) //nolint:noctx // a test
	}
	if err != nil {
		return http.StatusBadGateway, err.Error()
	}
	if answer.StatusCode/100 == 5 {
		_ = answer.Body.Close()
		return answer.StatusCode, link
	}
	action, fields, err := readForm(answer, "password")
	if err != nil {
		return 0, err.Error()
	}
	for name, values := range mustQuery(form) {
		fields[name] = values
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err = client.PostForm(action, fields) //nolint:noctx // a test
	if err != nil {
		return http.StatusBadGateway, err.Error()
	}
	_ = answer.Body.Close()
	return answer.StatusCode, answer.Request.URL.Path
}

// healing rotates tokens and shows the same one again where no answer came.
type healing struct {
	family
	rotations int
}

func (f *healing) rotate(t *testing.T, web *idp.Client, over *atomic.Bool) {
	for !over.Load() {
		a, err := web.Try("/oauth/token", one("grant_type", "refresh_token", "refresh_token", f.last))
		switch {
		case err == nil && a.Status == http.StatusOK:
			f.parent, f.last = f.last, a.Text("refresh_token")
			f.rotations++
		case err == nil && a.Status != http.StatusBadGateway && a.Status != http.StatusServiceUnavailable:
			t.Errorf("a refresh: %d %s", a.Status, a.Raw)
			return
		}
	}
}

// TestKilledReplicasLoseNothing kills replicas at random while tokens rotate, people are
// invited and join, and mails are sent. What was answered holds, nothing is half done, and
// each mail was sent, under one Message-ID; twice only by a replica that was killed between
// the acceptance of the mail and its record.
func TestKilledReplicasLoseNothing(t *testing.T) {
	t.Parallel()
	var f *fleet
	mails := testkit.StartMailServer(t, nil)
	f = launchFleet(t, 3, mails.Env(), crossing)
	var over atomic.Bool
	families, group := make([]*healing, 4), sync.WaitGroup{}
	for at := range families {
		families[at] = &healing{family: family{last: f.Client("web").Tokens(nil).Text("refresh_token")}}
		group.Go(func() { families[at].rotate(t, f.Client("web"), &over) })
	}
	h := &hosts{t: t, f: f, mails: mails}
	h.begin(2)
	kills := testkit.Rounds(3, 20)
	killed := map[string][]time.Time{}
	for range kills {
		time.Sleep(time.Duration(300+rand.IntN(700)) * time.Millisecond)
		at := rand.IntN(len(f.replicas))
		f.crash(at, func() { killed[replicaName(at)] = append(killed[replicaName(at)], time.Now()) })
	}
	h.over.Store(true)
	over.Store(true)
	h.group.Wait()
	group.Wait()
	f.catchesUp()
	rotations := 0
	for at, family := range families {
		rotations += family.rotations
		family.survives(t, f.Client("web"), fmt.Sprintf("family %d", at))
	}
	twice := h.mailsAreOnce(killed)
	h.joinedWhole()
	fsck(f.replicas[0])
	t.Logf("%d kills: %d rotations, %d invited, %d joined, %d mails, %d of them twice", kills, rotations, len(h.invited), len(h.joined), len(mails.Mails()), twice)
	if rotations == 0 || len(h.joined) == 0 {
		t.Error("nothing went on")
	}
}

// catchesUp waits until every mail was sent. What a killed replica had claimed waits for
// its claim to end; the claims are made old here, as if that time had passed.
func (f *fleet) catchesUp() {
	f.t.Helper()
	db := looking(f.t, f.database)
	eventually(f.t, 60*time.Second, "every mail is sent", func() bool {
		if !testkit.Soak() {
			if _, err := db.Exec(`UPDATE deliveries SET due_at = due_at - 60000000 WHERE state = 'queued' AND tries > 0`); err != nil {
				f.t.Fatal(err)
			}
		}
		time.Sleep(200 * time.Millisecond)
		var waiting int
		err := db.QueryRow(`SELECT count(*) FROM deliveries WHERE state = 'queued'`).Scan(&waiting)
		return err == nil && waiting == 0
	})
}

// mailsAreOnce wants each invitation that was answered to have been mailed, under one
// Message-ID, and once, unless the replica that sent it first was killed before it can have
// recorded that. It tells how many were sent twice.
func (h *hosts) mailsAreOnce(killed map[string][]time.Time) (twice int) {
	h.t.Helper()
	const unrecorded = 5 * time.Second // a record may take that long on a busy machine
	ids, copies := map[string]map[string]bool{}, map[string][]testkit.Mail{}
	for _, m := range h.mails.Mails() {
		if ids[m.To] == nil {
			ids[m.To] = map[string]bool{}
		}
		ids[m.To][m.MessageID] = true
		copies[m.MessageID] = append(copies[m.MessageID], m)
	}
	for _, address := range h.invited {
		if len(ids[address]) != 1 {
			h.t.Errorf("%s has mails %v", address, ids[address])
		}
	}
	for id, sent := range copies {
		twice += min(len(sent)-1, 1)
		for _, m := range sent[:len(sent)-1] {
			if !slices.ContainsFunc(killed[m.Hello], func(at time.Time) bool { return at.After(m.At) && at.Sub(m.At) < unrecorded }) {
				h.t.Errorf("mail %s was sent again, and %s was not killed after it had sent it", id, m.Hello)
			}
		}
	}
	return twice
}

// joinedWhole wants each invitation to be used by a member, and each guest to be one.
func (h *hosts) joinedWhole() {
	h.t.Helper()
	db := looking(h.t, h.f.database)
	for what, statement := range map[string]string{
		"invitation used by nobody": `SELECT count(*) FROM invitations i WHERE i.email LIKE 'guest-%' AND i.uses > 0 AND NOT EXISTS (
			SELECT 1 FROM emails e JOIN memberships m ON m.tenant_id = e.tenant_id AND m.user_id = e.user_id AND m.organization_id = i.organization_id
			WHERE e.tenant_id = i.tenant_id AND e.address_key = i.email)`,
		"guest without a used invitation": `SELECT count(*) FROM emails e WHERE e.address_key LIKE 'guest-%' AND NOT EXISTS (
			SELECT 1 FROM invitations i WHERE i.tenant_id = e.tenant_id AND i.email = e.address_key AND i.uses = 1)`,
		"guest who is no member": `SELECT count(*) FROM emails e WHERE e.address_key LIKE 'guest-%' AND NOT EXISTS (
			SELECT 1 FROM memberships m WHERE m.tenant_id = e.tenant_id AND m.user_id = e.user_id)`,
	} {
		var n int
		if err := db.QueryRow(statement).Scan(&n); err != nil || n > 0 {
			h.t.Errorf("%d times %s (%v)", n, what, err)
		}
	}
	for _, address := range h.joined {
		var n int
		if err := db.QueryRow(`SELECT count(*) FROM emails e JOIN memberships m ON m.tenant_id = e.tenant_id AND m.user_id = e.user_id WHERE e.address_key = $1`, address).Scan(&n); err != nil || n != 1 {
			h.t.Errorf("%s, who was let in, is in %d organizations (%v)", address, n, err)
		}
	}
}

// TestMailOfAKilledReplicaIsSentByAnother: a replica dies after the mail server has taken a
// mail and before it is told. Another one sends it again, as the same mail.
func TestMailOfAKilledReplicaIsSentByAnother(t *testing.T) {
	t.Parallel()
	const address = "twice@example.test"
	var f *fleet
	var once sync.Once
	mails := testkit.StartMailServer(t, func(m testkit.Mail) {
		once.Do(func() {
			at := slices.IndexFunc(f.replicas, func(o *operator) bool { return strings.Contains(strings.Join(o.env, " "), m.Hello) })
			f.replicas[at].server.Kill()
		})
	})
	f = launchFleet(t, 2, mails.Env(), crossing)
	f.Administrator("admin").Must(http.MethodPost, "/organizations/acme/invitations", map[string]any{"email": address})
	first := mails.Await(address, 0)
	f.catchesUp()
	again := mails.Await(address, 1)
	if first.MessageID == "" || again.MessageID != first.MessageID || again.Hello == first.Hello || again.Text != first.Text {
		t.Errorf("first %s from %s, then %s from %s", first.MessageID, first.Hello, again.MessageID, again.Hello)
	}
	if all := mails.Mails(); len(all) != 2 {
		t.Errorf("%d mails were sent", len(all))
	}
}
