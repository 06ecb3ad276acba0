package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/keys"
	loginui "github.com/lanyard-id/lanyard/login-ui"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

func TestMailServerIsChecked(t *testing.T) {
	server := with(good(), "LANYARD_MAIL_HOST=smtp.example.test", "LANYARD_MAIL_FROM=no-reply@id.example.test")
	for name, c := range map[string]struct {
		environ []string
		want    string // a complaint; none if empty
	}{
		"good":           {server, ""},
		"from alone":     {with(good(), "LANYARD_MAIL_FROM=no-reply@id.example.test"), ""},
		"with a name":    {with(server, "LANYARD_MAIL_USERNAME=lanyard", "LANYARD_MAIL_PASSWORD=hunter2", "LANYARD_MAIL_TLS=implicit", "LANYARD_MAIL_PORT=2465", "LANYARD_MAIL_HELLO=id.example.test"), ""},
		"on the machine": {with(server, "LANYARD_MAIL_HOST=localhost", "LANYARD_MAIL_TLS=none"), ""},
		"IPv6":           {with(server, "LANYARD_MAIL_HOST=::1", "LANYARD_MAIL_TLS=none"), ""},
		"no from":        {with(server, "LANYARD_MAIL_FROM="), "mail.from is missing"},
		"bad from":       {with(server, "LANYARD_MAIL_FROM=Ada <ada@example.test>"), "mail.from is not an e-mail address"},
		"bad TLS":        {with(server, "LANYARD_MAIL_TLS=maybe"), "mail.tls is required, opportunistic, implicit or none"},
		"clear text":     {with(server, "LANYARD_MAIL_TLS=none"), "mail.tls none is for a mail server on this machine only"},
		"port in host":   {with(server, "LANYARD_MAIL_HOST=smtp.example.test:25"), "mail.host is a host name"},
		"URL as host":    {with(server, "LANYARD_MAIL_HOST=smtp://example.test"), "mail.host is a host name"},
		"socket as host": {with(server, "LANYARD_MAIL_HOST=unix:///run/smtp"), "mail.host is a host name"},
		"two lines":      {with(server, "LANYARD_MAIL_HELLO=a\r\nMAIL FROM"), "mail.hello is a host name"},
		"bad port":       {with(server, "LANYARD_MAIL_PORT=65536"), "mail.port is at most 65535"},
		"no password":    {with(server, "LANYARD_MAIL_USERNAME=lanyard"), "mail.username and mail.password go together"},
		"no user name":   {with(server, "LANYARD_MAIL_PASSWORD=hunter2"), "mail.username and mail.password go together"},
		"unknown key":    {with(server, "LANYARD_MAIL_PASWORD=x"), `did you mean "LANYARD_MAIL_PASSWORD"?`},
	} {
		code, _, errOut := command(t, c.environ, "config", "check")
		if (code == exitOK) != (c.want == "") || !strings.Contains(errOut, c.want) || strings.Count(errOut, "\n") > 1 {
			t.Errorf("%s: %d %s", name, code, errOut)
		}
		if strings.Contains(errOut, "hunter2") {
			t.Errorf("%s tells the password", name)
		}
	}
}

func TestMailPasswordComesByFileAndIsHidden(t *testing.T) {
	environ := with(good(), "LANYARD_MAIL_HOST=smtp.example.test", "LANYARD_MAIL_FROM=no-reply@id.example.test", "LANYARD_MAIL_USERNAME=lanyard",
		"LANYARD_MAIL_PASSWORD_FILE="+write(t, "password", "hunter2\n"))
	c := load(t, configSource{}, environ...)
	got, ok := c.sender("id.example.test").(*mail.SMTP)
	if !ok {
		t.Fatal("there is no mail server")
	}
	want := &mail.SMTP{Host: "smtp.example.test", Username: "lanyard", Password: lanyard.SecretOf("hunter2"), TLS: mail.TLSRequired, Hello: "id.example.test"}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(lanyard.Secret{}), cmpopts.IgnoreFields(mail.SMTP{}, "Dial")); diff != "" {
		t.Error(diff)
	}
	code, out, _ := command(t, environ, "config", "print")
	if code != exitOK || strings.Contains(out, "hunter2") || !strings.Contains(out, `password: "[secret]"`) || !strings.Contains(out, `host: "smtp.example.test"`) {
		t.Errorf("got %d\n%s", code, out)
	}
	if load(t, configSource{}, good()...).Mail.Host != "" {
		t.Error("there is a mail server that nobody configured")
	}
	plain := load(t, configSource{}, good()...)
	if sender := plain.sender("x"); sender != nil { // and no interface around a nil
		t.Errorf("got %v", sender)
	}
}

func TestServeWithoutAMailServerWarnsOnce(t *testing.T) {
	r := run(t, clock.Real(), migrated(t), "serve")
	_, ops := r.serving()
	if warned := strings.Count(r.errOut.String(), "mail.host is not configured"); warned != 1 {
		t.Errorf("warned %d times", warned)
	}
	_, body := get(t, ops+"/metrics")
	for _, name := range []string{"mail_queue_length 0", "mail_queue_age_seconds 0"} {
		if !strings.Contains(body, "\n"+name) {
			t.Errorf("no %s in\n%s", name, body)
		}
	}
}

// outbox asks a development server for mails.
func outbox(t *testing.T, issuer string, query url.Values) []loginui.Mail {
	t.Helper()
	query.Set("format", "json")
	answer, err := http.Get(issuer + "/dev/outbox?" + query.Encode())
	if err != nil {
		t.Error(err)
		return nil
	}
	defer func() { _ = answer.Body.Close() }()
	var got struct{ Mails []loginui.Mail }
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil || answer.StatusCode != 200 || got.Mails == nil {
		t.Errorf("%d %v", answer.StatusCode, err)
	}
	return got.Mails
}

// mailbox queues mails in the database of a development server, as another process would.
type mailbox struct {
	*testing.T
	sealer lanyard.Sealer
	store  *storage.Store
}

func openMailbox(t *testing.T) mailbox {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(devFolder, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	master, err := keys.ParseMaster(lanyard.SecretOf(string(key)))
	if err != nil {
		t.Fatal(err)
	}
	return mailbox{t, master, open(t, "sqlite:"+filepath.Join(devFolder, "lanyard.db"))}
}

func (b mailbox) post(slug, to, code string) lanyard.DeliveryID {
	b.Helper()
	ctx, now, id, event := b.Context(), clock.Real().Now(), lanyard.NewDeliveryID(), lanyard.NewEventID()
	tenant, err := b.store.TenantBySlug(ctx, slug)
	if err != nil {
		b.Fatal(err)
	}
	letter := mail.Letter{Kind: lanyard.MailCode, To: to, Code: code, Link: "http://localhost/link?code=" + code}
	sealed, err := b.sealer.Seal(accounts.MailPlace(tenant.ID, id), letter.Marshal())
	if err != nil {
		b.Fatal(err)
	}
	err = b.store.Tenant(tenant.ID).InTx(ctx, func(tx storage.Scope) error {
		if err := tx.InsertEvent(ctx, lanyard.Event{ID: event, Type: lanyard.EventMailQueued, At: now}); err != nil {
			return err
		}
		return tx.InsertDelivery(ctx, storage.NewDelivery{
			ID: id, EventID: event, Kind: storage.DeliveryMail, Recipient: to, Subject: "code", Sealed: sealed, DueAt: now, ExpiresAt: now.Add(time.Hour),
		})
	})
	if err != nil {
		b.Fatal(err)
	}
	return id
}

// TestDevCapturesMails from the row in the database to the page of their tenant.
func TestDevCapturesMails(t *testing.T) {
	t.Chdir(t.TempDir())
	seed := write(t, "seed.yaml", "version: 1\ntenants: [{slug: default, name: Lanyard}, {slug: second, name: Second}]\n")
	r, report := dev(t, "--seed", seed)
	box := openMailbox(t)
	first := box.post("default", "Ada@example.test", "111111")
	got := outbox(t, report.Issuer, url.Values{"to": {"ada@EXAMPLE.test"}, "wait": {"20s"}})
	if len(got) != 1 || got[0].ID != string(first) || got[0].Code != "111111" || got[0].Link != "http://localhost/link?code=111111" || got[0].Kind != "code" ||
		got[0].Subject != "Your Lanyard code is 111 111" || !strings.Contains(got[0].Text, "111 111") || !strings.Contains(got[0].HTML, "<html") || got[0].At.IsZero() {
		t.Fatalf("got %+v", got)
	}

	waited := make(chan []loginui.Mail)
	go func() {
		waited <- outbox(t, report.Issuer, url.Values{"to": {"ada@example.test"}, "after": {string(first)}, "wait": {"20s"}})
	}()
	box.post("second", "ada@example.test", "222222") // of another tenant
	box.post("default", "bob@example.test", "333333")
	third := box.post("default", "ada@example.test", "444444")
	if got := <-waited; len(got) != 1 || got[0].ID != string(third) || got[0].Code != "444444" {
		t.Errorf("got %+v", got)
	}
	if got := outbox(t, report.Issuer+"/t/second", url.Values{"wait": {"20"}}); len(got) != 1 || got[0].Code != "222222" {
		t.Errorf("the second tenant has %+v", got)
	}
	if got := outbox(t, report.Issuer, url.Values{"to": {"bob@example.test"}, "wait": {"20"}}); len(got) != 1 || got[0].Code != "333333" {
		t.Errorf("Bob has %+v", got)
	}
	if got := outbox(t, report.Issuer, url.Values{}); len(got) != 3 || got[2].ID != string(first) {
		t.Errorf("the first tenant has %d mails: %+v", len(got), got)
	}
	if code, page := get(t, report.Issuer+"/dev/outbox"); code != 200 || !strings.Contains(page, "444444") || strings.Contains(page, "222222") {
		t.Errorf("%d\n%s", code, page)
	}
	if got := outbox(t, report.Issuer, url.Values{"to": {"eve@example.test"}, "wait": {"10ms"}}); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
	if strings.Contains(r.errOut.String(), "111111") || strings.Contains(r.errOut.String(), "111 111") {
		t.Error("the log tells a code")
	}
}

// TestWhoWaitsForAMailDoesNotHoldUpTheEnd of the server: whoever waits is answered.
func TestWhoWaitsForAMailDoesNotHoldUpTheEnd(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	r, report := dev(t, "--memory")
	conn, err := net.Dial("tcp", strings.TrimPrefix(report.Issuer, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	// Two requests on one connection: the second is read after the first was answered.
	host := strings.TrimPrefix(report.Issuer, "http://")
	for _, path := range []string{"/dev/outbox?format=json", "/dev/outbox?format=json&wait=60"} {
		if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host); err != nil {
			t.Fatal(err)
		}
	}
	in := bufio.NewReader(conn)
	for range 2 {
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil || string(body) != `{"mails":[]}` {
			t.Errorf("got %s %v", body, err)
		}
		for range 50 { // time for the second one to arrive
			get(t, report.Ops+"/healthz")
		}
		r.stop()
	}
	if code := r.end(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
}
