package e2e

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
	"github.com/lanyard-id/lanyard/keys"
)

const (
	ada         = "ada@example.test"
	adaPassword = "notes-on-the-engine-1842"
)

var masterKey = []byte("0123456789abcdefghijklmnopqrstuv")

// replica is one `lanyard serve` process that a test kills and starts again.
type replica struct {
	*testkit.Process
	issuer, address, ops, database string
}

// seeded makes a database with the test seed and what else is given.
func seeded(t *testing.T, database string, more ...string) {
	t.Helper()
	master, err := keys.NewMaster(masterKey)
	if err != nil {
		t.Fatal(err)
	}
	idp.Seed(t, database, master, more...)
}

// replicas starts n servers on one database; the issuer is the address of the first.
func replicas(t *testing.T, database string, n int) []*replica {
	t.Helper()
	out := make([]*replica, n)
	issuer := fmt.Sprintf("http://localhost:%d", testkit.FreePort(t))
	for at := range out {
		out[at] = &replica{
			issuer: issuer, database: database,
			address: fmt.Sprintf("127.0.0.1:%d", testkit.FreePort(t)), ops: fmt.Sprintf("127.0.0.1:%d", testkit.FreePort(t)),
		}
		out[at].start(t, n)
	}
	for _, r := range out {
		r.await(t)
	}
	return out
}

func (r *replica) start(t *testing.T, n int) {
	t.Helper()
	r.Process = testkit.Run(t, testkit.Command{Path: testkit.Binary(t), Args: []string{"serve"}, Env: []string{
		"LANYARD_SERVER_LISTEN=" + r.address, "LANYARD_SERVER_ISSUER=" + r.issuer, fmt.Sprintf("LANYARD_SERVER_REPLICAS=%d", n),
		"LANYARD_OPERATIONS_LISTEN=" + r.ops, "LANYARD_DATABASE_URL=" + r.database,
		"LANYARD_KEYS_MASTER_KEY=" + base64.StdEncoding.EncodeToString(masterKey),
	}})
}

// await waits until the server is ready.
func (r *replica) await(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		answer, err := http.Get("http://" + r.ops + "/readyz") //nolint:noctx // a test
		if err != nil {
			continue
		}
		_ = answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			return
		}
	}
	t.Fatalf("%s never became ready:\n%s", r.address, r.Log())
}

func addresses(all []*replica) []string {
	var out []string
	for _, r := range all {
		out = append(out, r.address)
	}
	return out
}

// TestRacesOverProcesses: 32 requests at once over three processes on one
// PostgreSQL, and over one on SQLite; a code has one winner, a refresh token one successor.
func TestRacesOverProcesses(t *testing.T) {
	t.Parallel()
	t.Run("postgres", func(t *testing.T) { race(t, testkit.Postgres(t), 3, 10) })
	// As distributed databases have it: transactions lose against each other, and are tried again.
	t.Run("serializable", func(t *testing.T) { race(t, testkit.Postgres(t)+"&default_transaction_isolation=serializable", 3, 3) })
	t.Run("sqlite", func(t *testing.T) { race(t, "sqlite:"+filepath.Join(t.TempDir(), "lanyard.db"), 1, 10) })
}

// race runs some rounds, and twenty times as many in the long form.
func race(t *testing.T, database string, n, rounds int) {
	t.Helper()
	seeded(t, database)
	all := replicas(t, database, n)
	i := idp.At(t, all[0].issuer, addresses(all)...)
	web := i.Client("web")
	b := i.Browser()
	code := web.Code(b, ada, adaPassword, nil)
	for round := range testkit.Rounds(rounds, 20*rounds) {
		if round > 0 {
			code = web.Code(b, ada, adaPassword, nil)
		}
		won := at32(t, func() idp.Answer { return web.Exchange(code, nil) })
		if len(won) != 1 {
			t.Fatalf("round %d: %d redemptions of one code won", round, len(won))
		}
		tokens := web.Exchange(web.Code(b, ada, adaPassword, nil), nil)
		successors := map[string]bool{}
		won = at32(t, func() idp.Answer { return web.Refresh(tokens.Text("refresh_token"), nil) })
		for _, a := range won {
			successors[a.Text("refresh_token")] = true
		}
		if len(successors) != 1 {
			t.Fatalf("round %d: %d successors in %d answers", round, len(successors), len(won))
		}
		for successor := range successors {
			if a := web.Refresh(successor, nil); a.Status != http.StatusOK {
				t.Fatalf("round %d: the successor is dead: %s", round, a.Raw)
			}
		}
	}
}

// at32 does 32 calls at once and gives those that were answered 200. To lose is no outage.
func at32(t *testing.T, call func() idp.Answer) []idp.Answer {
	t.Helper()
	var mu sync.Mutex
	var won []idp.Answer
	start := make(chan struct{})
	var group sync.WaitGroup
	for range 32 {
		group.Go(func() {
			<-start
			switch a := call(); {
			case a.Status >= http.StatusInternalServerError:
				t.Errorf("who lost was answered %d %s", a.Status, a.Raw)
			case a.Status == http.StatusOK:
				mu.Lock()
				defer mu.Unlock()
				won = append(won, a)
			}
		})
	}
	close(start)
	group.Wait()
	return won
}

// TestKillUnderRotation kills the server while tokens rotate: no answered token is
// lost, and no second one lives (ATTACKS.md 265, S1, S3, S6).
func TestKillUnderRotation(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) { killed(t, "sqlite:"+filepath.Join(t.TempDir(), "lanyard.db")) })
	t.Run("postgres", func(t *testing.T) { killed(t, testkit.Postgres(t)) })
}

// family is what one client knows of its refresh tokens.
type family struct {
	// last was in a complete answer; before it came its parent.
	last, parent string
}

func killed(t *testing.T, database string) {
	t.Helper()
	seeded(t, database)
	server := replicas(t, database, 1)[0]
	i := idp.At(t, server.issuer, server.address)
	web := i.Client("web")
	b := i.Browser()
	families := make([]*family, 8)
	for at := range families {
		families[at] = &family{last: web.Exchange(web.Code(b, ada, adaPassword, nil), nil).Text("refresh_token")}
	}
	for round := range testkit.Rounds(3, 20) {
		rotations := rotateUntilKilled(t, server, web, families)
		server.start(t, 1)
		server.await(t)
		for at, f := range families {
			a := web.Refresh(f.last, nil)
			if a.Status != http.StatusOK {
				t.Fatalf("round %d, after %d rotations: the last answered token of family %d is lost: %d %s", round, rotations, at, a.Status, a.Raw)
			}
			for name, old := range map[string]string{"the presented": f.last, "its parent": f.parent} {
				if old != "" && web.Call("/oauth/introspect", url.Values{"token": {old}}).Body["active"] == true {
					t.Fatalf("round %d: %s token of family %d lives beside its successor", round, name, at)
				}
			}
			f.parent, f.last = f.last, a.Text("refresh_token")
		}
	}
}

// rotateUntilKilled rotates all families at once, kills the server somewhere in
// between, and tells how many rotations were answered.
func rotateUntilKilled(t *testing.T, server *replica, web *idp.Client, families []*family) int {
	t.Helper()
	var mu sync.Mutex
	rotations := 0
	var group sync.WaitGroup
	for _, f := range families {
		group.Go(func() {
			for {
				a, err := web.Try("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {f.last}})
				if err != nil || a.Status != http.StatusOK || a.Text("refresh_token") == "" {
					return
				}
				mu.Lock()
				rotations++
				mu.Unlock()
				f.parent, f.last = f.last, a.Text("refresh_token")
			}
		})
	}
	time.Sleep(time.Duration(100+rand.IntN(400)) * time.Millisecond)
	server.Kill()
	group.Wait()
	if rotations == 0 {
		t.Fatalf("nothing was rotated before the kill:\n%s", server.Log())
	}
	return rotations
}
