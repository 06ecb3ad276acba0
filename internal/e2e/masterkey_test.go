package e2e

import (
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// crew are people with passwords, for whom an authenticator app is set up.
const crewSize = 8

func crewSeed() string {
	var out strings.Builder
	out.WriteString("version: 1\ntenants:\n  - slug: default\n    users:\n")
	for n := range crewSize {
		fmt.Fprintf(&out, "      - {email: crew-%d@example.test, email_verified: true, password: crew-of-the-apollo-%d}\n", n, n)
	}
	return out.String()
}

// sailor is one of the crew, who signs in with password and app.
type sailor struct {
	t              *testing.T
	name, password string
	secret         string
	step           int64 // of the last code
}

// code is one that was not used yet. It waits for its time.
func (s *sailor) code() string {
	s.t.Helper()
	const period = 30
	step := max(s.step+1, time.Now().Unix()/period-1)
	for step > time.Now().Unix()/period+1 {
		time.Sleep(100 * time.Millisecond)
	}
	s.step = step
	code, err := totp.GenerateCode(s.secret, time.Unix(step*period, 0))
	if err != nil {
		s.t.Fatal(err)
	}
	return code
}

// enrols sets up the app at the first sign-in that asks for it.
func (s *sailor) enrols(i *idp.IDP) {
	s.t.Helper()
	b := i.Browser()
	page := b.SignIn(i.Client("web").Authorize(url.Values{"acr_values": {"2"}}), s.name, s.password)
	s.secret = strings.ReplaceAll(page.Text("#totp-secret"), " ", "")
	if s.secret == "" {
		s.t.Fatalf("no secret is shown: %s\n%s", page, page.Body)
	}
	page = b.Press(page, "code-submit", url.Values{"code": {s.code()}})
	if page = b.Press(page, "codes-saved", nil); page.Away == nil {
		s.t.Fatalf("after the set-up of the app: %s", page)
	}
}

// signsIn goes through password and app, and redeems the code.
func (s *sailor) signsIn(i *idp.IDP) {
	s.t.Helper()
	web, b := i.Client("web"), i.Browser()
	page := b.SignIn(web.Authorize(nil), s.name, s.password)
	page = b.Press(page, "code-submit", url.Values{"code": {s.code()}})
	if page.Away == nil || page.Away.Query().Get("code") == "" {
		s.t.Fatalf("%s and a code of the app lead to %s", s.name, page)
	}
	if a := web.Exchange(page.Away.Query().Get("code"), nil); a.Status != 200 {
		s.t.Fatal(a.Raw)
	}
}

// TestMasterKeyRotatesUnderLoad goes the documented way with two servers on PostgreSQL:
// "old new", "new old", reseal, "new". People sign in with a second factor and families are
// refreshed all the time, and none of it fails (ATTACKS.md 295).
func TestMasterKeyRotatesUnderLoad(t *testing.T) {
	t.Parallel() // most of it is waiting for servers that drain
	database := testkit.Postgres(t)
	seeded(t, database, crewSeed())
	f := assembles(t, database, 2)
	old, next := hex.EncodeToString(masterKey), f.createsMasterKey()
	crew := make([]*sailor, crewSize)
	for n := range crew {
		crew[n] = &sailor{t: t, name: fmt.Sprintf("crew-%d@example.test", n), password: fmt.Sprintf("crew-of-the-apollo-%d", n)}
		crew[n].enrols(f.idp())
	}
	turn := 0
	someone := func() {
		turn++
		crew[turn%len(crew)].signsIn(f.idp())
	}
	load := f.refreshes(testkit.Rounds(3, 8))
	key := func(value string) string { return "LANYARD_KEYS_MASTER_KEY=" + value }
	f.with(key(old+" "+next)).judged(0, "seal nothing and can be dropped")

	f.rolls(testkit.Binary(t), someone, key(old+" "+next)) // 1: every server knows the new one
	f.with(key(next)).refuses("the master key does not open this database")
	f.rolls(testkit.Binary(t), someone, key(next+" "+old)) // 2: the new one seals
	f.with(key(next+" "+old)).judged(3, "run 'lanyard master-key reseal'")
	f.with(key(next)).judged(1, "under a key that keys.master_key does not have")
	if text := f.with(key(next+" "+old)).must("master-key", "reseal"); !strings.Contains(text, "records again") { // 3
		t.Errorf("reseal says %q", text)
	}
	someone()
	f.with(key(next+" "+old)).judged(0, "can be dropped")
	f.with(key(next)).judged(0, "records are sealed under")
	f.rolls(testkit.Binary(t), someone, key(next)) // 4: the old one is gone
	someone()
	load.ends()
	f.with(key(old)).refuses("the master key does not open this database")
	f.with(key(old)).judged(1, "does not have")
}

// judged wants master-key status to end in a way, and to say something.
func (o *operator) judged(want int, says string) {
	o.t.Helper()
	if code, text := o.run("master-key", "status"); code != want || !strings.Contains(text, says) {
		o.t.Errorf("master-key status ended with %d, want %d and %q:\n%s", code, want, says, text)
	}
}

// createsMasterKey makes a key by the command: for its owner only, and never over another.
func (o *operator) createsMasterKey() string {
	o.t.Helper()
	file := filepath.Join(o.folder, "next.key")
	o.must("master-key", "create", "-f", file)
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		o.t.Fatalf("%v, %v", info, err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		o.t.Fatal(err)
	}
	if code, said := o.run("master-key", "create", "-f", file); code != 1 || !strings.Contains(said, "never overwritten") {
		o.t.Errorf("over an existing file: %d %s", code, said)
	}
	if after, err := os.ReadFile(file); err != nil || string(after) != string(text) {
		o.t.Errorf("the file was changed (%v)", err)
	}
	return strings.TrimSpace(string(text))
}

// TestMasterKeyOfFile is the same on one SQLite file that is served meanwhile, and what doctor says of it.
func TestMasterKeyOfFile(t *testing.T) {
	o := operates(t, sqliteURL(t))
	seeded(t, o.database)
	next, old := o.createsMasterKey(), hex.EncodeToString(masterKey)
	o = o.with("LANYARD_KEYS_MASTER_KEY=" + next + " " + old)
	o.serve()
	o.judged(3, "under an older key")
	if _, text := o.run("doctor"); !strings.Contains(text, "an older key is still needed") {
		t.Errorf("doctor says %s", text)
	}
	before := o.keys()
	if code, text := o.with("LANYARD_KEYS_MASTER_KEY="+next).run("master-key", "reseal"); code != 1 || !strings.Contains(text, "signing_keys.sealed") || o.keys() != before {
		t.Errorf("without the old key: %d %s", code, text)
	}
	o.must("master-key", "reseal")
	o.judged(0, "can be dropped")
	if _, text := o.run("doctor"); !strings.Contains(text, "only the first of several keys is needed") {
		t.Errorf("doctor says %s", text)
	}
	web := o.idp().Client("web")
	if a := web.Exchange(web.Code(o.idp().Browser(), ada, adaPassword, nil), nil); a.Status != 200 {
		t.Error(a.Raw)
	}
	o.server.Kill()
	o.with("LANYARD_KEYS_MASTER_KEY=" + next).serve()
	o.with("LANYARD_KEYS_MASTER_KEY="+old).judged(1, "does not have")
}

// TestLostMasterKey goes the way of docs/operate.md out of the loss, with the statements that
// stand there: people sign in again by password, and everything that was sealed is new or gone
// (ATTACKS.md 85, 295).
func TestLostMasterKey(t *testing.T) {
	_, rest, found := strings.Cut(documents(t)[filepath.Join(testkit.Root(), "docs", "operate.md")], "```sql\n")
	statements, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatal("docs/operate.md has no statements")
	}
	onBoth(t, func(t *testing.T, database string) {
		o := operates(t, database)
		seeded(t, database)
		o.serve()
		web := o.idp().Client("web")
		tokens := web.Exchange(web.Code(o.idp().Browser(), ada, adaPassword, nil), nil)
		o.server.Kill()
		lost := o.with("LANYARD_KEYS_MASTER_KEY=" + o.createsMasterKey())
		lost.refuses("the master key does not open this database")
		for statement := range strings.SplitSeq(statements, ";\n") {
			if _, err := o.look().Exec(statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
		lost.must("restored")
		lost.serve()
		lost.judged(0, "records are sealed under")
		if a := web.Refresh(tokens.Text("refresh_token"), nil); a.Status == 200 {
			t.Errorf("a refresh token from before: %s", a.Raw)
		}
		if a := web.Exchange(web.Code(o.idp().Browser(), ada, adaPassword, nil), nil); a.Status != 200 {
			t.Errorf("nobody signs in: %s", a.Raw)
		}
		fsck(o)
		lost.server.Kill()
	})
}
