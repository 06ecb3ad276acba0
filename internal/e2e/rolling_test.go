package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// traffic is people who sign in and applications that refresh, over and over, none of
// whom forgives a request that failed.
type traffic struct {
	t *testing.T
	f *fleet
	// keys is the key set that every application fetched before it began. It may be kept for
	// ten minutes (Cache-Control), and nobody asks again.
	keys     jose.JSONWebKeySet
	over     atomic.Bool
	signIns  atomic.Int64
	refreshs atomic.Int64
	kids     sync.Map
	group    sync.WaitGroup
	families []*family
}

// begin starts people and applications; each family has a token already.
func (f *fleet) begin(t *testing.T, people, applications int) *traffic {
	t.Helper()
	tr := &traffic{t: t, f: f}
	set, err := f.Get("/oauth/jwks")
	if err != nil || json.Unmarshal([]byte(set.Raw), &tr.keys) != nil || len(tr.keys.Keys) == 0 {
		t.Fatalf("the key set: %s %v", set.Raw, err)
	}
	for range applications {
		tr.families = append(tr.families, &family{last: f.Client("web").Tokens(nil).Text("refresh_token")})
	}
	for _, family := range tr.families {
		tr.group.Go(func() {
			for tr.refresh(family) && !tr.over.Load() {
			}
		})
	}
	for range people {
		tr.group.Go(func() {
			for tr.signIn() && !tr.over.Load() {
			}
		})
	}
	return tr
}

// end waits for everybody, and wants all that was answered to be worth something.
func (tr *traffic) end() {
	tr.t.Helper()
	tr.over.Store(true)
	tr.group.Wait()
	for at, family := range tr.families {
		family.survives(tr.t, tr.f.Client("web"), "family "+string(rune('a'+at)))
	}
	if failed := tr.f.balancer.failures(); len(failed) > 0 {
		tr.t.Errorf("%d requests got no answer: %v", len(failed), failed)
	}
	tr.t.Logf("%d sign-ins, %d refreshes", tr.signIns.Load(), tr.refreshs.Load())
}

func (tr *traffic) refresh(f *family) bool {
	web := tr.f.Client("web")
	a, err := web.Try("/oauth/token", one("grant_type", "refresh_token", "refresh_token", f.last))
	if err != nil || a.Status != http.StatusOK {
		tr.t.Errorf("a refresh: %d %s %v", a.Status, a.Raw, err)
		return false
	}
	f.parent, f.last = f.last, a.Text("refresh_token")
	tr.refreshs.Add(1)
	return tr.verifies(a)
}

func (tr *traffic) signIn() bool {
	jar, err := cookiejar.New(nil)
	if err != nil {
		tr.t.Error(err)
		return false
	}
	client := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host == "app.example.test" {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	web := tr.f.Client("web")
	code := (&person{t: tr.t}).signIn(client, web)
	if code == "" {
		tr.t.Error("a sign-in got no answer")
		return false
	}
	a, err := web.Try("/oauth/token", web.Exchanging(code, nil))
	if err != nil || a.Status != http.StatusOK {
		tr.t.Errorf("a code: %d %s %v", a.Status, a.Raw, err)
		return false
	}
	tr.signIns.Add(1)
	return tr.verifies(a)
}

// verifies wants the ID token to be good under the keys that were fetched at the beginning.
func (tr *traffic) verifies(a idp.Answer) bool {
	signed, err := jose.ParseSignedCompact(a.Text("id_token"), []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		tr.t.Errorf("an ID token: %v", err)
		return false
	}
	kid := signed.Signatures[0].Header.KeyID
	found := tr.keys.Key(kid)
	if len(found) != 1 {
		tr.t.Errorf("a token is signed by %s, which was not published", kid)
		return false
	}
	if _, err := signed.Verify(found[0]); err != nil {
		tr.t.Errorf("an ID token of key %s: %v", kid, err)
		return false
	}
	tr.kids.Store(kid, true)
	return true
}

func (tr *traffic) keysSeen() (n int) {
	tr.kids.Range(func(any, any) bool { n++; return true })
	return n
}

// TestRollingRestartAndRotationFailNobody: three replicas are drained and replaced one
// after the other, and the signing key is rotated in between. No request fails, and no
// token is worth nothing, also for who keeps the key set as long as it may.
func TestRollingRestartAndRotationFailNobody(t *testing.T) {
	t.Parallel() // most of it is waiting for servers that drain
	f := launchFleet(t, 3, nil)
	tr := f.begin(t, 1, 4)
	admin := f.Administrator("admin")
	signIns, refreshs := int64(testkit.Rounds(1, 200)), int64(testkit.Rounds(100, 20_000))
	for round := 0; round == 0 || tr.signIns.Load() < signIns || tr.refreshs.Load() < refreshs; round++ {
		for at := range f.replicas {
			f.restart(at)
			if round == 0 && at == 0 {
				admin.Must(http.MethodPost, "/keys/rotate", map[string]any{"algorithm": "RS256"})
			}
		}
		if t.Failed() {
			break
		}
	}
	tr.end()
	if tr.keysSeen() != 2 {
		t.Errorf("tokens of %d keys were seen", tr.keysSeen())
	}
	fsck(f.replicas[0])
}
