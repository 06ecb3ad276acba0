package provider_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
	"github.com/lanyard-id/lanyard/internal/testkit/upstream"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/storage"
)

const nextMasterKey = "another-master-key-of-32-bytes-!"

// TestEverySealedColumnIsSealedAgain uses everything that seals, has it sealed under another
// master key, and looks for the one before in the whole database: nothing names it any more,
// and everything opens. What does not open is named and left.
func TestEverySealedColumnIsSealedAgain(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { sealedAgain(t, "sqlite", "sqlite:"+t.TempDir()+"/lanyard.db") })
	t.Run("postgres", func(t *testing.T) { sealedAgain(t, "pgx", testkit.FastPostgres(t)) })
}

func sealedAgain(t *testing.T, driver, database string) {
	t.Helper()
	s := sealsEverything(t, database)
	next, err := keys.NewMaster([]byte(nextMasterKey), []byte("0123456789abcdefghijklmnopqrstuv"))
	if err != nil {
		t.Fatal(err)
	}
	r := &keys.Resealer{Store: s.Store, Master: next, Now: s.Clock.Now}
	before := census(t, r)
	for _, column := range storage.SealedColumns() {
		if !slices.ContainsFunc(before, func(c keys.Sealing) bool { return c.Column == column && c.Standing == keys.KeyOlder && c.Records > 0 }) {
			t.Errorf("nothing was sealed in %s: %v", column, before)
		}
	}
	broken := lanyard.Place{Tenant: s.Scope().TenantID(), Table: "webhooks", Column: "secret", Row: "whk_broken"}
	sealed, err := s.Sealer.Seal(lanyard.Place{}, []byte("moved here from elsewhere"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Scope().PutWebhook(t.Context(), lanyard.Webhook{ID: "whk_broken", TenantID: broken.Tenant, URL: "https://a.example.test", Sealed: sealed, CreatedAt: s.Clock.Now()}); err != nil {
		t.Fatal(err)
	}
	dropped, err := keys.NewMaster([]byte(nextMasterKey))
	if err != nil {
		t.Fatal(err)
	}
	endedAnywhere(t, r, dropped)
	done, err := r.Reseal(t.Context())
	if err != nil || done.Records == 0 || len(done.Stuck) != 1 || done.Stuck[0].Place != broken {
		t.Fatalf("%d records, %v, %v", done.Records, done.Stuck, err)
	}
	if err := s.Scope().DeleteWebhook(t.Context(), "whk_broken"); err != nil {
		t.Fatal(err)
	}
	for _, c := range census(t, r) {
		if c.Standing != keys.KeyCurrent {
			t.Errorf("left behind: %+v", c)
		}
	}
	if err := dropped.Known(t.Context(), s.Store); err != nil {
		t.Errorf("the old key can not be dropped: %v", err)
	}
	if where := namedIn(t, driver, database, s.Sealer.ID()); len(where) > 0 {
		t.Errorf("the old key is still named in %v", where)
	}
	twiceAtOnce(t, s)
	records := 0
	events, err := s.Scope().Events(t.Context(), 1000)
	for _, e := range events {
		if e.Type == lanyard.EventTenantResealed && e.Detail["master_key"] == next.ID() {
			records++
		}
	}
	if err != nil || records < len(storage.SealedColumns()) {
		t.Errorf("%d lines in the audit log (%v)", records, err)
	}
}

// endedAnywhere begins again and again, and is ended at a later statement each time: no
// record is ever without its secret. It stops while there is something left to do.
func endedAnywhere(t *testing.T, r *keys.Resealer, dropped *keys.Master) {
	t.Helper()
	for at := 1; at < 44; at += 7 {
		ctx, end := context.WithCancel(t.Context())
		ctx, statements := storage.CountStatements(ctx)
		statements.Before = func(n int) {
			if n == at {
				end()
			}
		}
		_, err := r.Reseal(ctx)
		end()
		if err == nil {
			t.Fatalf("statement %d was never reached", at)
		}
		left := map[keys.KeyStanding]int{}
		for _, c := range census(t, r) {
			left[c.Standing]++
		}
		if left[keys.KeyUnknown] > 0 {
			t.Fatalf("ended at statement %d it leaves records that nobody knows", at)
		}
		if err := dropped.Known(t.Context(), r.Store); err == nil && left[keys.KeyOlder] > 0 || err != nil && !errors.Is(err, keys.ErrWrongMasterKey) {
			t.Fatalf("ended at statement %d a server without the old key would start: %v", at, err)
		}
	}
}

// twiceAtOnce goes on to a third key with two at the same time: each record is done once.
func twiceAtOnce(t *testing.T, s *sky) {
	t.Helper()
	third, err := keys.NewMaster([]byte("the-third-master-key-of-32-bytes"), []byte(nextMasterKey))
	if err != nil {
		t.Fatal(err)
	}
	r := &keys.Resealer{Store: s.Store, Master: third, Now: s.Clock.Now}
	var want, got atomic.Int64
	for _, c := range census(t, r) {
		want.Add(c.Records)
	}
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			done, err := r.Reseal(t.Context())
			if err != nil || len(done.Stuck) > 0 {
				t.Error(err, done.Stuck)
			}
			got.Add(int64(done.Records))
		})
	}
	group.Wait()
	if got.Load() != want.Load() {
		t.Errorf("two at once sealed %d records, there are %d", got.Load(), want.Load())
	}
	if again, err := r.Reseal(t.Context()); err != nil || again.Records != 0 {
		t.Errorf("a second time: %d records, %v", again.Records, err)
	}
}

func census(t *testing.T, r *keys.Resealer) []keys.Sealing {
	t.Helper()
	out, err := r.Census(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// sealsEverything is a provider in which each sealed column was written by who does it.
func sealsEverything(t *testing.T, database string) *sky {
	t.Helper()
	company := upstream.Start(t, upstream.Options{Shape: upstream.Generic})
	s := &sky{t: t, upstream: map[lanyard.ConnectionID]*upstream.Provider{atCompany: company}}
	s.IDP = idp.Start(t, idp.Options{Database: database, Upstreams: []string{company.Peer}})
	s.Apply(opened)
	s.Administration()
	s.connect(atCompany, func(c *lanyard.Connection) {
		var err error
		if c.SealedBotToken, err = s.Sealer.Seal(c.BotTokenPlace(), []byte("123:bot")); err != nil {
			t.Fatal(err)
		}
	})
	web := s.Client("web")
	withApp(t, s.IDP)
	b := s.Browser()
	b.Press(b.Get(web.Authorize(nil)), "provider-"+string(atCompany), nil)
	b = s.Browser()
	if page := b.Press(b.Get(web.Authorize(one("prompt", "create"))), "signup-submit", signUpForm("new@example.test")); !page.Has("code-submit") {
		t.Fatal(page)
	}
	api := s.Administrator("admin")
	hook := api.With("Idempotency-Key", "one").Must(http.MethodPost, "/webhooks", `{"url":"https://hooks.example.test/in"}`)
	api.Must(http.MethodPost, "/webhooks/"+hook.Text("id")+"/rotate", `{}`)
	return s
}

// namedIn lists the columns of a database in which records name a master key.
func namedIn(t *testing.T, driver, database, id string) []string {
	t.Helper()
	db, err := sql.Open(driver, strings.TrimPrefix(database, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	head, err := hex.DecodeString(id)
	if err != nil {
		t.Fatal(err)
	}
	columns := `SELECT m.name, p.name FROM sqlite_master m, pragma_table_info(m.name) p WHERE m.type = 'table'`
	if driver == "pgx" {
		columns = `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema() AND data_type = 'bytea'`
	}
	var out []string
	for _, c := range pairs(t, db, columns) {
		if columnHas(t, db, c[0], c[1], head) {
			out = append(out, c[0]+"."+c[1])
		}
	}
	return out
}

// columnHas tells whether a value of a column has some bytes in it.
func columnHas(t *testing.T, db *sql.DB, table, column string, bytesOf []byte) bool {
	t.Helper()
	rows, err := db.Query(`SELECT ` + column + ` FROM ` + table + ` WHERE ` + column + ` IS NOT NULL`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found := false
	for rows.Next() {
		var value sql.RawBytes
		if err := rows.Scan(&value); err != nil {
			t.Fatal(err)
		}
		found = found || bytes.Contains(value, bytesOf)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

func pairs(t *testing.T, db *sql.DB, query string) [][2]string {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out [][2]string
	for rows.Next() {
		var p [2]string
		if err := rows.Scan(&p[0], &p[1]); err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
