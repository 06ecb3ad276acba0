package e2e

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"syscall"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// fleet is several servers on one PostgreSQL behind a balancer.
type fleet struct {
	*idp.IDP
	t        *testing.T
	balancer *balancer
	database string
	replicas []*operator
}

// launchFleet starts n replicas on a new database with the test seed, the administrators
// of tests, and what else is given; env are further variables of each.
func launchFleet(t *testing.T, n int, env []string, more ...string) *fleet {
	t.Helper()
	f := &fleet{t: t, balancer: balance(t), database: testkit.Postgres(t)}
	f.IDP = idp.Keeping(t, f.balancer.issuer())
	seeded(t, f.database, append([]string{idp.Administration}, more...)...)
	for at := range n {
		o := operates(t, f.database).with(append([]string{
			"LANYARD_SERVER_ISSUER=" + f.balancer.issuer(), fmt.Sprintf("LANYARD_SERVER_REPLICAS=%d", n), "LANYARD_SERVER_TRUSTED_PROXIES=127.0.0.1/32",
			"LANYARD_DATABASE_MAX_CONNECTIONS=8", "LANYARD_MAIL_HELLO=" + replicaName(at),
		}, env...)...)
		o.issuer = f.balancer.issuer()
		o.launch()
		f.replicas = append(f.replicas, o)
	}
	for _, o := range f.replicas {
		o.await()
	}
	f.balancer.watch(f.replicas)
	return f
}

// replicaName is how a replica calls itself to a mail server.
func replicaName(at int) string { return fmt.Sprintf("replica-%d.example.test", at) }

// only is the fleet as somebody sees it whose every request goes to one replica.
func (f *fleet) only(at int) *idp.IDP { return idp.At(f.t, f.Issuer, f.replicas[at].address) }

// each does something at every replica, the last first.
func (f *fleet) each(do func(at int, i *idp.IDP)) {
	f.t.Helper()
	for at := len(f.replicas) - 1; at >= 0; at-- {
		do(at, f.only(at))
	}
}

// restart drains one replica and starts it again.
func (f *fleet) restart(at int) {
	f.t.Helper()
	o := f.replicas[at]
	o.server.Signal(syscall.SIGTERM)
	if code := o.server.Wait(f.t); code != 0 {
		f.t.Errorf("replica %d ended with %d:\n%s", at, code, o.server.Log())
	}
	o.launch()
	o.await()
	eventually(f.t, 10*time.Second, "the balancer has the replica back", f.balancer.replicas[at].ready.Load)
}

// crash kills one replica, tells so, and starts it again.
func (f *fleet) crash(at int, killed func()) {
	f.t.Helper()
	f.replicas[at].server.Kill()
	killed()
	f.replicas[at].launch()
	f.replicas[at].await()
}

// wantOK wants an answer with 200 to be one.
func wantOK(t *testing.T, what string, a idp.Answer) idp.Answer {
	t.Helper()
	if a.Status != http.StatusOK {
		t.Fatalf("%s: %d %s", what, a.Status, a.Raw)
	}
	return a
}

// newVisitor is a browser that follows redirects and fails nobody's test.
func (f *fleet) newVisitor(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Error(err)
	}
	return &http.Client{Jar: jar, Timeout: 20 * time.Second}
}

func mustQuery(form string) url.Values {
	v, _ := url.ParseQuery(form) // our own encoding
	return v
}
