package jobs_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/jobs"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// quickRotation has keys replaced each month and forgotten a day after that.
const quickRotation = `
version: 1
tenants:
  - slug: default
    policy: {default_resource: "https://api.example.test/", signing_key_rotation: 720h, session_lifetime: 24h, remembered_session_lifetime: 24h}
`

// TestKeysRotateWithoutAFailedVerification walks through months in which keys are rotated
// by the schedule and on demand, at moments that suit nobody, and revoked. A relying party
// that keeps every key set it ever fetched for exactly as long as its header allows
// verifies what each server signs at each step, and each server what the others signed.
func TestKeysRotateWithoutAFailedVerification(t *testing.T) {
	t.Run("postgres", func(t *testing.T) { walkThroughMonths(t, testkit.FastPostgres(t), 3) })
	t.Run("sqlite", func(t *testing.T) { walkThroughMonths(t, "", 1) })
}

func walkThroughMonths(t *testing.T, database string, n int) {
	t.Helper()
	w := newWalk(t, database, n)
	for range testkit.Rounds(2, 24) {
		w.signIn()
		w.step(5 * time.Minute)
		w.demand("RS256", "ES256") // may be, however long ago the last one was
		w.demand("RS256")          // and again at once
		for range 5 {
			w.step(5 * time.Minute)
			w.demand("RS256", "ES256")
		}
		w.afterTheDeathOfTokens()
		w.untilItIsDue(2 * time.Minute)
		w.signIn()
		w.step(time.Minute)
		w.revoke(lanyard.KeyNext) // a successor that is young when the schedule wants it
		for range 8 {
			w.step(3 * time.Minute)
		}
		w.step(21 * time.Minute)
		w.revoke(lanyard.KeyActive) // followed by one that is known
		w.step(time.Minute)
		w.step(25 * time.Hour)
	}
	w.enough()
}

// walk is a provider of several servers that time goes by for.
type walk struct {
	*testing.T
	servers []*idp.IDP
	turn    int
	// sets are the key sets that a relying party may still use.
	sets []fetchedSet
	// refresh is the token of the last sign-in.
	refresh string
	hints   []idp.Answer
	// counts of what happened
	verified, rotated, refused, revoked int
}

type fetchedSet struct {
	set   jose.JSONWebKeySet
	until time.Time
}

func newWalk(t *testing.T, database string, n int) *walk {
	t.Helper()
	first := idp.Start(t, idp.Options{Database: database})
	first.Administration()
	first.Apply(quickRotation)
	w := &walk{T: t, servers: []*idp.IDP{first}}
	for len(w.servers) < n {
		w.servers = append(w.servers, first.Replica())
	}
	return w
}

func (w *walk) now() time.Time { return w.servers[0].Clock.Now() }

// next is another server than last time.
func (w *walk) next() *idp.IDP {
	w.turn++
	return w.servers[w.turn%len(w.servers)]
}

// fetch adds the key set of every server, as its header allows to keep it.
func (w *walk) fetch() {
	w.Helper()
	for _, s := range w.servers {
		a, err := s.Get("/oauth/jwks")
		age, found := strings.CutPrefix(a.Header.Get("Cache-Control"), "public, max-age=")
		seconds, wrong := strconv.Atoi(age)
		if err != nil || wrong != nil || !found {
			w.Fatalf("the key set may be kept %q (%v)", a.Header.Get("Cache-Control"), err)
		}
		f := fetchedSet{until: w.now().Add(time.Duration(seconds) * time.Second)}
		if err := json.Unmarshal([]byte(a.Raw), &f.set); err != nil {
			w.Fatal(err)
		}
		w.sets = append(w.sets, f)
	}
}

// step lets time go by, has one of the servers do what the schedule asks for, and looks at everything.
func (w *walk) step(d time.Duration) {
	w.Helper()
	w.servers[0].Clock.Advance(d)
	w.fetch()
	s := w.next()
	if err := jobs.RotateKeys(s.Store, s.Keeper).Run(w.Context(), w.now()); err != nil {
		w.Fatal(err)
	}
	w.look()
}

// untilItIsDue steps, a few days at a time, to shortly before the schedule wants another RS256 key.
func (w *walk) untilItIsDue(before time.Duration) {
	w.Helper()
	stored, err := w.servers[0].Scope().SigningKeys(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	for _, k := range stored {
		if k.Algorithm != lanyard.AlgRS256 || k.State != lanyard.KeyActive {
			continue
		}
		due := k.ActivatedAt.Add(720*time.Hour - before)
		for left := due.Sub(w.now()); left > 0; left = due.Sub(w.now()) {
			w.step(min(left, 9*24*time.Hour))
		}
	}
}

// look has every server sign, and verifies it with every key set that may be used.
func (w *walk) look() {
	w.Helper()
	w.fetch()
	for _, s := range w.servers {
		a := s.Client("api-default").Refresh(w.refresh, nil)
		if a.Status != http.StatusOK {
			w.signIn()
			a = s.Client("api-default").Refresh(w.refresh, nil)
		}
		w.refresh = a.Text("refresh_token")
		for _, token := range []string{a.Text("id_token"), a.Text("access_token")} {
			w.verify(token)
		}
		w.takenEverywhere(a.Text("access_token"), true)
	}
}

func (w *walk) verify(token string) {
	w.Helper()
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	if err != nil {
		w.Fatalf("%v: %q", err, token)
	}
	kid := signed.Signatures[0].Header.KeyID
	for _, f := range w.sets {
		if !w.now().Before(f.until) {
			continue
		}
		w.verified++
		known := f.set.Key(kid)
		if len(known) != 1 {
			w.Fatalf("a relying party that may keep its key set for another %v does not know the key %s", f.until.Sub(w.now()), kid)
		}
		if _, err := signed.Verify(known[0]); err != nil {
			w.Fatal(err)
		}
	}
}

// takenEverywhere wants every server to take an access token, or none.
func (w *walk) takenEverywhere(token string, want bool) {
	w.Helper()
	for at, s := range w.servers {
		got := s.Client("https://files.example.test").Call("/oauth/introspect", url.Values{"token": {token}})
		if got.Body["active"] != want {
			w.Fatalf("server %d says of the token: %s", at, got.Raw)
		}
		if status := s.Client("web").Userinfo(token).Status; (status == http.StatusOK) != want {
			w.Fatalf("server %d answers userinfo with %d", at, status)
		}
	}
}

// signIn starts a family, and gets an ID token that will be shown as a hint much later.
func (w *walk) signIn() {
	w.Helper()
	s := w.next()
	c := s.Client("api-default")
	a := c.Exchange(c.Code(s.Browser(), "ada@example.test", "notes-on-the-engine-1842", url.Values{"scope": {"openid files offline_access"}}), nil)
	if a.Status != http.StatusOK {
		w.Fatal(a.Raw)
	}
	w.refresh = a.Text("refresh_token")
	w.hints = append(w.hints, s.Client("web").Tokens(nil))
}

// demand rotates on demand, at any server, and takes no for an answer only if it says when.
func (w *walk) demand(algorithms ...string) {
	w.Helper()
	for _, alg := range algorithms {
		a := w.next().Administrator("admin").Do("POST", "/keys/rotate", `{"algorithm":"`+alg+`"}`)
		switch {
		case a.Status == http.StatusOK:
			w.rotated++
		case a.Status == http.StatusConflict && a.Text("code") == "key_unpublished" && strings.Contains(a.Text("detail"), "can sign from "):
			w.refused++
		default:
			w.Fatal(a.Raw)
		}
		w.look()
	}
}

// revoke takes the key of a state away. What an active one signed is worth nothing at any
// server from then on, and that of others is good.
func (w *walk) revoke(state lanyard.KeyState) {
	w.Helper()
	before := w.next().Client("api-default").Refresh(w.refresh, nil)
	w.refresh = before.Text("refresh_token")
	hint := w.next().Client("web").Tokens(nil)
	for _, alg := range []string{"ES256", "RS256"} {
		found := w.next().Administrator("admin").Must("GET", "/keys?state="+string(state)+"&algorithm="+alg, nil)
		list, _ := found.Body["items"].([]any)
		key, _ := list[0].(map[string]any)
		w.next().Administrator("admin").Must("POST", "/keys/"+key["id"].(string)+"/revoke", nil)
		w.revoked++
	}
	good := state != lanyard.KeyActive
	w.takenEverywhere(before.Text("access_token"), good)
	for _, s := range w.servers {
		w.hint(s, hint, good)
	}
	if !good {
		w.hints = nil
	}
	w.look()
}

// hint shows an ID token at the end session endpoint, to which it may have expired.
func (w *walk) hint(s *idp.IDP, tokens idp.Answer, want bool) {
	w.Helper()
	page := s.Browser().Get("/oauth/logout?" + url.Values{"id_token_hint": {tokens.Text("id_token")}}.Encode())
	if (page.Status == http.StatusOK) != want {
		w.Fatalf("the hint was answered with %s", page)
	}
}

// afterTheDeathOfTokens: a key that does not sign any more knows an expired hint, until the
// longest session that it could be of is over; then it is gone.
func (w *walk) afterTheDeathOfTokens() {
	w.Helper()
	old := w.hints[len(w.hints)-1]
	w.step(20 * time.Hour)
	w.hint(w.next(), old, true)
	kid, _ := idp.Header(w, old.Text("id_token"))["kid"].(string)
	w.step(24 * time.Hour)
	w.step(3 * time.Second) // the key set may lag
	if a, err := w.next().Get("/oauth/jwks"); err != nil || strings.Contains(a.Raw, kid) {
		w.Fatalf("the key %s is still there (%v)", kid, err)
	}
	w.hint(w.next(), old, false)
}

// enough wants that something was seen at all.
func (w *walk) enough() {
	w.Helper()
	w.Logf("%d verifications; %d rotations on demand, %d refused, %d keys revoked", w.verified, w.rotated, w.refused, w.revoked)
	if w.verified == 0 || w.rotated == 0 || w.refused == 0 || w.revoked == 0 {
		w.Error("there was nothing to see")
	}
	events, err := w.servers[0].Scope().Events(w.Context(), 100_000)
	if err != nil {
		w.Fatal(err)
	}
	scheduled := 0
	for _, e := range events {
		if e.Type == lanyard.EventKeyActivated && e.Actor == "system" {
			scheduled++
		}
	}
	if scheduled == 0 {
		w.Error("nothing was rotated by the schedule")
	}
}
