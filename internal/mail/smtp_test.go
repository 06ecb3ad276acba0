package mail_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
)

// client is a client that trusts the server.
func (s *mailServer) client(mode mail.TLSMode) *mail.SMTP {
	return &mail.SMTP{
		Host: "localhost", Port: s.port(), TLS: mode, Hello: "id.example.test", Username: "lanyard", Password: lanyard.SecretOf("hunter2"),
		TLSConfig: &tls.Config{RootCAs: s.roots, MinVersion: tls.VersionTLS12}, Timeout: 10 * time.Second,
	}
}

func message(t *testing.T) mail.Message {
	t.Helper()
	e := envelope()
	e.Tenant.Mail.ReplyTo = "help@acme.test"
	e.Tenant.Name = `Äcme "of" <x@y>, Inc.`
	return compose(t, letterOf(lanyard.MailCode, "de"), e)
}

func TestMailArrivesInEveryMode(t *testing.T) {
	for mode, server := range map[mail.TLSMode]*mailServer{
		mail.TLSRequired:      {starttls: true},
		mail.TLSOpportunistic: {starttls: true},
		mail.TLSImplicit:      {implicit: true},
		mail.TLSNone:          {},
	} {
		t.Run(string(mode), func(t *testing.T) {
			s := startMailServer(t, server)
			if err := s.client(mode).Send(t.Context(), message(t)); err != nil {
				t.Fatal(err)
			}
			all := s.mails()
			if len(all) != 1 || all[0].from != "FROM:<no-reply@id.example.test> BODY=8BITMIME SMTPUTF8" || all[0].to != "TO:<ada@example.test>" {
				t.Fatalf("got %+v", all)
			}
			if all[0].secure != (mode != mail.TLSNone) {
				t.Errorf("secure is %v", all[0].secure)
			}
			if len(s.signedIn()) != 1 || !strings.Contains(s.signedIn()[0], `\x00lanyard\x00hunter2`) {
				t.Errorf("signed in with %v", s.signedIn())
			}
		})
	}
}

// TestMailIsWhatWasWritten reads the mail as a mail program does.
func TestMailIsWhatWasWritten(t *testing.T) {
	s := startMailServer(t, &mailServer{})
	want := message(t)
	if err := s.client(mail.TLSNone).Send(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	m, err := netmail.ReadMessage(strings.NewReader(s.mails()[0].data))
	if err != nil {
		t.Fatal(err)
	}
	for key, expected := range map[string]string{
		"Message-Id": "<" + want.MessageID + ">", "Auto-Submitted": "auto-generated", "Content-Language": "de", "Date": "Thu, 02 Jan 2031 03:04:05 +0000",
		"List-Unsubscribe": "", "User-Agent": "", "X-Mailer": "", "To": "<ada@example.test>", "Reply-To": "<help@acme.test>", "Bcc": "", "Cc": "",
	} {
		if got := m.Header.Get(key); got != expected {
			t.Errorf("%s is %q", key, got)
		}
	}
	from, err := m.Header.AddressList("From")
	if err != nil || len(from) != 1 || from[0].Name != `Äcme "of" <x@y>, Inc.` || from[0].Address != "no-reply@id.example.test" {
		t.Errorf("from %v %v", from, err)
	}
	if subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil || subject != want.Subject {
		t.Errorf("subject %q %v", subject, err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatal(kind, err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for _, expected := range []struct{ kind, body string }{{"text/plain; charset=UTF-8", want.Text}, {"text/html; charset=UTF-8", want.HTML}} {
		part, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil || strings.ReplaceAll(string(body), "\r\n", "\n") != expected.body || part.Header.Get("Content-Type") != expected.kind {
			t.Errorf("%v: %v\n%s", part.Header, err, body)
		}
	}
	if _, err := parts.NextPart(); !errors.Is(err, io.EOF) {
		t.Error("there is a third part")
	}
}

// TestRefusalIsToldFromTrouble: only what the server says of the mail or its recipient is final.
func TestRefusalIsToldFromTrouble(t *testing.T) {
	for name, c := range map[string]struct {
		server *mailServer
		code   int // of a refusal; 0 for trouble
	}{
		"no such mailbox":     {&mailServer{answers: map[string]string{"RCPT": "550 no such user"}}, 550},
		"mail refused":        {&mailServer{answers: map[string]string{"BODY": "554 spam"}}, 554},
		"DATA refused":        {&mailServer{answers: map[string]string{"DATA": "554 no"}}, 554},
		"mailbox busy":        {&mailServer{answers: map[string]string{"RCPT": "450 later"}}, 0},
		"greylisted":          {&mailServer{answers: map[string]string{"BODY": "451 later"}}, 0},
		"sender not wanted":   {&mailServer{answers: map[string]string{"MAIL": "553 not you"}}, 0},
		"sign in first":       {&mailServer{answers: map[string]string{"RCPT": "530 authentication required"}}, 0},
		"wrong password":      {&mailServer{answers: map[string]string{"AUTH": "535 wrong"}}, 0},
		"server closes":       {&mailServer{answers: map[string]string{"CONNECT": "421 busy"}}, 0},
		"no service":          {&mailServer{answers: map[string]string{"CONNECT": "554 no service"}}, 0},
		"cut before answer":   {&mailServer{drop: "BODY"}, 0},
		"nonsense":            {&mailServer{answers: map[string]string{"RCPT": "hello"}}, 0},
		"two lines of banner": {&mailServer{answers: map[string]string{"BODY": "552-too\n552 big"}}, 552},
	} {
		t.Run(name, func(t *testing.T) {
			s := startMailServer(t, c.server)
			err := s.client(mail.TLSNone).Send(t.Context(), message(t))
			refused, final := errors.AsType[*mail.RefusedError](err)
			if err == nil || final != (c.code != 0) || final && refused.Code != c.code {
				t.Errorf("got %v", err)
			}
			if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "482 913") || strings.Contains(err.Error(), "482913")) {
				t.Errorf("the error tells too much: %v", err)
			}
			if len(s.mails()) != 0 {
				t.Error("the server took it")
			}
		})
	}
}

// TestWhatTheServerTookIsSent: a connection that breaks afterwards is no reason to send it again.
func TestWhatTheServerTookIsSent(t *testing.T) {
	for name, server := range map[string]*mailServer{
		"cut after the answer": {drop: "ACCEPTED"},
		"no reset":             {answers: map[string]string{"RSET": "500 what"}},
		"no goodbye":           {answers: map[string]string{"QUIT": "500 what"}},
	} {
		s := startMailServer(t, server)
		if err := s.client(mail.TLSNone).Send(t.Context(), message(t)); err != nil || len(s.mails()) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSilentServerIsGivenUp at every point where it can fall silent, and the connection is closed.
func TestSilentServerIsGivenUp(t *testing.T) {
	for _, hang := range []string{"CONNECT", "EHLO", "AUTH", "NOOP", "MAIL", "RCPT", "DATA", "BODY"} {
		t.Run(hang, func(t *testing.T) {
			s := startMailServer(t, &mailServer{hang: hang})
			client := s.client(mail.TLSNone)
			client.Timeout = 300 * time.Millisecond
			err := client.Send(t.Context(), message(t))
			if _, final := errors.AsType[*mail.RefusedError](err); err == nil || final {
				t.Errorf("got %v", err)
			}
			select {
			case <-s.ended: // the server does not close the connection itself
			case <-time.After(10 * time.Second):
				t.Error("the connection stays open")
			}
		})
	}
}

// TestSilenceAfterTheMailWasTakenIsNotAFailure, though the goodbye is waited for in vain.
func TestSilenceAfterTheMailWasTakenIsNotAFailure(t *testing.T) {
	for _, hang := range []string{"RSET", "QUIT"} {
		s := startMailServer(t, &mailServer{hang: hang})
		client := s.client(mail.TLSNone)
		client.Timeout = 300 * time.Millisecond
		if err := client.Send(t.Context(), message(t)); err != nil || len(s.mails()) != 1 {
			t.Errorf("%s: %v", hang, err)
		}
	}
}

// TestNothingIsSentInClear where TLS was asked for, and no password in any case.
func TestNothingIsSentInClear(t *testing.T) {
	for name, c := range map[string]struct {
		server *mailServer
		change func(*mail.SMTP)
		mode   mail.TLSMode
	}{
		"no STARTTLS":                       {server: &mailServer{}, mode: mail.TLSRequired},
		"STARTTLS refused":                  {server: &mailServer{starttls: true, answers: map[string]string{"STARTTLS": "454 not now"}}, mode: mail.TLSRequired},
		"STARTTLS refused when it was told": {server: &mailServer{starttls: true, answers: map[string]string{"STARTTLS": "454 not now"}}, mode: mail.TLSOpportunistic},
		"unknown authority":                 {server: &mailServer{starttls: true}, mode: mail.TLSRequired, change: func(s *mail.SMTP) { s.TLSConfig = &tls.Config{RootCAs: x509.NewCertPool()} }},
		"unknown authority, opportunistic":  {server: &mailServer{starttls: true}, mode: mail.TLSOpportunistic, change: func(s *mail.SMTP) { s.TLSConfig = nil }},
		"unknown authority, implicit":       {server: &mailServer{implicit: true}, mode: mail.TLSImplicit, change: func(s *mail.SMTP) { s.TLSConfig = nil }},
		"another name":                      {server: &mailServer{starttls: true}, mode: mail.TLSRequired, change: func(s *mail.SMTP) { s.Host = "127.0.0.1" }},
		"plain server, implicit":            {server: &mailServer{}, mode: mail.TLSImplicit},
		"password without TLS":              {server: &mailServer{}, mode: mail.TLSOpportunistic, change: elsewhere},
	} {
		t.Run(name, func(t *testing.T) {
			s := startMailServer(t, c.server)
			client := s.client(c.mode)
			client.Timeout = time.Second
			if c.change != nil {
				c.change(client)
			}
			err := client.Send(t.Context(), message(t))
			if _, final := errors.AsType[*mail.RefusedError](err); err == nil || final {
				t.Errorf("got %v", err)
			}
			for _, secret := range s.signedIn() {
				if strings.Contains(secret, "secure=false") {
					t.Errorf("a password in clear: %s", secret)
				}
			}
			if len(s.mails()) != 0 {
				t.Error("the mail was sent")
			}
		})
	}
}

// elsewhere gives the server a name that is not this machine's.
func elsewhere(s *mail.SMTP) {
	target := s.Address()
	s.Host, s.Dial = "mail.test", func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, target)
	}
}

func TestAddressOfTheServer(t *testing.T) {
	for want, s := range map[string]mail.SMTP{
		"mail.test:587":  {Host: "mail.test", TLS: mail.TLSRequired},
		"mail.test:465":  {Host: "mail.test", TLS: mail.TLSImplicit},
		"[::1]:587":      {Host: "::1", TLS: mail.TLSNone},
		"mail.test:2525": {Host: "mail.test", Port: 2525, TLS: mail.TLSImplicit},
	} {
		if got := s.Address(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestMessageWithABadAddressNeverReachesTheServer, whoever made it.
func TestMessageWithABadAddressNeverReachesTheServer(t *testing.T) {
	s := startMailServer(t, &mailServer{})
	for name, change := range map[string]func(*mail.Message){
		"to":    func(m *mail.Message) { m.To = "ada@example.test>\r\nRCPT TO:<eve@example.test" },
		"from":  func(m *mail.Message) { m.From = "" },
		"reply": func(m *mail.Message) { m.ReplyTo = "a@b.test\r\nBcc: eve@example.test" },
	} {
		m := message(t)
		change(&m)
		err := s.client(mail.TLSNone).Send(t.Context(), m)
		if _, final := errors.AsType[*mail.RefusedError](err); !final {
			t.Errorf("%s: %v", name, err)
		}
	}
	m := message(t)
	m.Subject, m.FromName, m.MessageID, m.Language = "a\r\nBcc: eve@example.test", "b\r\nBcc: eve@example.test", "c\r\nBcc: eve@example.test", "d\r\nBcc: eve@example.test"
	if err := s.client(mail.TLSNone).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if all := s.mails(); len(all) != 1 || strings.Contains(all[0].data, "\nBcc:") || all[0].to != "TO:<ada@example.test>" {
		t.Errorf("got %+v", all)
	}
}
