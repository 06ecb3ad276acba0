package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/internal/testkit"
)

// soon is how long a server may take to refuse its start.
const soon = 20 * time.Second

// refuses starts the server and wants it to end by itself, with a text that says what to do.
func (o *operator) refuses(want string, args ...string) {
	o.t.Helper()
	began := time.Now()
	code, text := o.run(append([]string{"serve"}, args...)...)
	if took := time.Since(began); code != 1 || took > soon || !strings.Contains(text, want) {
		o.t.Errorf("serve %v ended with %d after %v, want %q:\n%s", args, code, took, want, text)
	}
}

// TestServeRefusesConfiguration is what no database is needed for (ATTACKS.md 85, 289).
func TestServeRefusesConfiguration(t *testing.T) {
	o := operates(t, sqliteURL(t))
	const noKey = "LANYARD_KEYS_MASTER_KEY="
	for name, c := range map[string]struct{ env, want string }{
		"no master key":           {noKey, "openssl rand -base64 32"},
		"short master key":        {"LANYARD_KEYS_MASTER_KEY=c2hvcnQ=", "a master key is 32 random bytes in base64 or hex"},
		"lost master key file":    {noKey + " LANYARD_KEYS_MASTER_KEY_FILE=/nowhere/master.key", "/nowhere/master.key"},
		"no issuer":               {"LANYARD_SERVER_ISSUER=", "server.issuer is missing: the public URL of this server"},
		"http off loopback":       {"LANYARD_SERVER_ISSUER=http://id.example.test", "must be https; plain http is for loopback only"},
		"no database":             {"LANYARD_DATABASE_URL=", "database.url is missing: sqlite:PATH or postgres://"},
		"replicas on SQLite":      {"LANYARD_SERVER_REPLICAS=2", "SQLite serves one replica; use PostgreSQL for several"},
		"half a certificate":      {"LANYARD_SERVER_TLS_CERT=cert.pem", "server.tls_cert and server.tls_key go together"},
		"a proxy that is all":     {"LANYARD_SERVER_TRUSTED_PROXIES=0.0.0.0/0", "would believe everybody"},
		"a variable with a slip":  {"LANYARD_SERVER_ISUER=x", "LANYARD_SERVER_ISSUER"},
		"a folder that is not":    {"LANYARD_DATABASE_URL=sqlite:" + filepath.Join(o.folder, "nowhere", "lanyard.db"), filepath.Join(o.folder, "nowhere")},
		"a database out of reach": {"LANYARD_DATABASE_URL=postgres://lanyard@127.0.0.1:1/lanyard", "127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			o := o.with(strings.Split(c.env, " ")...)
			o.t = t
			o.refuses(c.want, "--migrate")
		})
	}
}

// TestServeRefusesDatabase is what a database is refused for (ATTACKS.md 85, 277, 283, 289).
func TestServeRefusesDatabase(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		o := operates(t, database)
		o.refuses("run 'lanyard migrate up'")
		o.must("migrate", "up")
		o.must("setup-link") // makes the keys
		before := o.keys()
		other := o.with("LANYARD_KEYS_MASTER_KEY=" + strings.Repeat("0123456789abcdef", 4))
		other.refuses("the master key does not open this database")
		if code, text := other.run("setup-link"); code != 1 {
			t.Errorf("setup-link under another master key: %d %s", code, text)
		}
		o.refusesForeignFile(other)
		if after := o.keys(); after != before || before == "" {
			t.Errorf("another master key changed the keys:\n%s\n%s", before, after)
		}
		o.serve()
	})
}

// refusesForeignFile lets another master key apply a file: nothing of it may be there afterwards.
func (o *operator) refusesForeignFile(other *operator) {
	o.t.Helper()
	o.write("shop.secret", shopSecret)
	o.write("joan.password", joanPassword)
	code, text := other.with("SHOP_SECRET="+shopSecret).run("apply", "-f", o.write("tenants.yaml", shopFile))
	if code != 1 || !strings.Contains(text, "the master key does not open this database") {
		o.t.Errorf("apply under another master key: %d %s", code, text)
	}
	var tenants int
	if err := o.look().QueryRow(`SELECT count(*) FROM tenants`).Scan(&tenants); err != nil || tenants != 1 {
		o.t.Errorf("apply under another master key left %d tenants, %v", tenants, err)
	}
}

// keys lists the signing keys as they are stored.
func (o *operator) keys() string {
	o.t.Helper()
	rows, err := o.look().Query(`SELECT tenant_id, id, algorithm, state, sealed FROM signing_keys ORDER BY tenant_id, id`)
	if err != nil {
		o.t.Fatal(err)
	}
	defer rows.Close()
	var out strings.Builder
	for rows.Next() {
		var tenant, id, algorithm, state string
		var sealed []byte
		if err := rows.Scan(&tenant, &id, &algorithm, &state, &sealed); err != nil {
			o.t.Fatal(err)
		}
		out.WriteString(strings.Join([]string{tenant, id, algorithm, state, string(sealed)}, " ") + "\n")
	}
	if err := rows.Err(); err != nil {
		o.t.Fatal(err)
	}
	return out.String()
}

// TestSecondServerOnOneFileIsRefused: the file has one server at a time, and the
// next one may start as soon as that is gone, however it went (ATTACKS.md 277).
func TestSecondServerOnOneFileIsRefused(t *testing.T) {
	database := sqliteURL(t)
	first, second := operates(t, database), operates(t, database)
	first.serve("--migrate")
	second.refuses("another server uses")
	first.server.Kill()
	second.serve()
}

// TestServeRefusesDamagedFile: not a database, read-only, or deleted under a
// server that is to be started again (ATTACKS.md 277).
func TestServeRefusesDamagedFile(t *testing.T) {
	o := operates(t, sqliteURL(t))
	path := strings.TrimPrefix(o.database, "sqlite:")
	if err := os.WriteFile(path, []byte(strings.Repeat("this is no database\n", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	o.refuses("file is not a database", "--migrate")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	o.refuses("run 'lanyard migrate up'") // and not a new, empty one that is served
}

// TestServeRefusesDevelopmentData: a database of the development server is not
// served, and neither is its seed applied (ATTACKS.md 289).
func TestServeRefusesDevelopmentData(t *testing.T) {
	folder := t.TempDir()
	dev := testkit.Run(t, testkit.Command{Path: testkit.Binary(t), Args: []string{"dev", "--json", "--listen", "127.0.0.1:0"}, Dir: folder})
	t.Cleanup(dev.Kill)
	var ready struct{ Issuer string }
	dev.Next(t, &ready)
	dev.Kill()
	key, err := os.ReadFile(filepath.Join(folder, "data", "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	o := operates(t, "sqlite:"+filepath.Join(folder, "data", "lanyard.db"))
	o.with("LANYARD_KEYS_MASTER_KEY=" + string(key)).refuses("which everybody knows: this is a development database")
	o.with("LANYARD_KEYS_MASTER_KEY=").refuses("keys.master_key is missing")
}
