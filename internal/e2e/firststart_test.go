package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/internal/testkit"
)

// TestTenServersStartAtOnce: on an empty database all become ready, and there is
// one tenant with one active key for each algorithm (ATTACKS.md 86, 280).
func TestTenServersStartAtOnce(t *testing.T) {
	database := testkit.Postgres(t)
	all := make([]*operator, 10)
	for at := range all {
		all[at] = operates(t, database).with("LANYARD_SERVER_REPLICAS=10", "LANYARD_DATABASE_MAX_CONNECTIONS=4")
		all[at].launch("--migrate")
	}
	for _, o := range all {
		o.await()
	}
	all[0].hasOneOfEachKey()
	documents := map[string]bool{}
	for _, o := range all {
		if status, _ := fetched("http://" + o.address + "/oauth/jwks"); status != http.StatusMisdirectedRequest {
			t.Errorf("a server answers on an address that is not its issuer: %d", status)
		}
		status, keys := fetchedAs(o.address, o.issuer, "/oauth/jwks")
		if status != http.StatusOK {
			t.Errorf("%s: %d", o.address, status)
		}
		documents[keys] = true
	}
	if len(documents) != 1 {
		t.Errorf("the servers publish %d different sets of keys", len(documents))
	}
}

// fetchedAs asks a server at an address for a document of an issuer.
func fetchedAs(address, issuer, path string) (int, string) {
	r, err := http.NewRequest(http.MethodGet, "http://"+address+path, nil) //nolint:noctx // the client has a time limit
	if err != nil {
		return 0, err.Error()
	}
	r.Host = issuer[len("http://"):]
	return did(r)
}

// hasOneOfEachKey looks at the keys of the only tenant.
func (o *operator) hasOneOfEachKey() {
	o.t.Helper()
	rows, err := o.look().Query(`SELECT tenant_id, algorithm, state, count(*) FROM signing_keys GROUP BY tenant_id, algorithm, state`)
	if err != nil {
		o.t.Fatal(err)
	}
	defer rows.Close()
	found, tenants := map[string]int{}, map[string]bool{}
	for rows.Next() {
		var tenant, algorithm, state string
		var n int
		if err := rows.Scan(&tenant, &algorithm, &state, &n); err != nil {
			o.t.Fatal(err)
		}
		found[algorithm+" "+state], tenants[tenant] = n, true
	}
	if err := rows.Err(); err != nil {
		o.t.Fatal(err)
	}
	if len(tenants) != 1 || found["RS256 active"] != 1 || found["ES256 active"] != 1 || found["RS256 next"] != 1 || found["ES256 next"] != 1 || len(found) != 5 {
		o.t.Errorf("%d tenants with the keys %v", len(tenants), found)
	}
}

// TestKilledWhileMigrating: a server that dies in the middle leaves neither half a
// schema nor a lock; the next one starts (ATTACKS.md 281).
func TestKilledWhileMigrating(t *testing.T) {
	t.Parallel()
	t.Run("postgres", func(t *testing.T) {
		o := operates(t, testkit.Postgres(t))
		db := o.look()
		// A table that is being made elsewhere stops the migration at its end.
		tx, err := db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(`CREATE TABLE leases (n INTEGER)`); err != nil {
			t.Fatal(err)
		}
		o.launch("--migrate")
		eventually(t, 20*time.Second, "the migration waits", func() bool {
			var waiting int
			err := db.QueryRow(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting)
			return err == nil && waiting == 1
		})
		o.server.Kill()
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		eventually(t, 10*time.Second, "nothing is left of the migration", func() bool {
			var tables int
			err := db.QueryRow(`SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = 'tenants'`).Scan(&tables)
			return err == nil && tables == 0
		})
		o.refuses("run 'lanyard migrate up'")
		o.serve("--migrate")
		o.hasOneOfEachKey()
	})
	for round := range testkit.Rounds(2, 50) {
		for name, database := range map[string]func(*testing.T) string{
			"sqlite": sqliteURL, "postgres": func(t *testing.T) string { return testkit.Postgres(t) },
		} {
			t.Run(fmt.Sprintf("%s at random %d", name, round), func(t *testing.T) {
				o := operates(t, database(t))
				o.launch("--migrate")
				time.Sleep(time.Duration(rand.IntN(400)) * time.Millisecond)
				o.server.Kill()
				o.serve("--migrate")
				o.hasOneOfEachKey()
			})
		}
	}
}
