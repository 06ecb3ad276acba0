package testkit

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// MailServer takes every mail over SMTP, without encryption, and keeps it.
type MailServer struct {
	t        testing.TB
	listener net.Listener
	accepted func(Mail)

	mu    sync.Mutex
	mails []Mail
}

// Mail is what was accepted: the answer to its data was written.
type Mail struct {
	MessageID, To, Subject, Text string
	// Hello is the name that the sender gave itself.
	Hello string
	At    time.Time
}

// StartMailServer runs a server until the test ends. The function is called between the
// acceptance of a mail and its answer; nil is fine.
func StartMailServer(t testing.TB, accepted func(Mail)) *MailServer {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &MailServer{t: t, listener: listener, accepted: accepted}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	t.Cleanup(func() { _ = listener.Close() })
	return s
}

// Env is the configuration of a server that sends its mails here.
func (s *MailServer) Env() []string {
	return []string{
		"LANYARD_MAIL_HOST=127.0.0.1", fmt.Sprintf("LANYARD_MAIL_PORT=%d", s.listener.Addr().(*net.TCPAddr).Port),
		"LANYARD_MAIL_TLS=none", "LANYARD_MAIL_FROM=no-reply@id.example.test",
	}
}

// Mails are all that were accepted so far, in order.
func (s *MailServer) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

// Await waits for the newest mail to an address, after those that came before.
func (s *MailServer) Await(to string, before int) Mail {
	s.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		for _, m := range s.Mails()[before:] {
			if m.To == to {
				return m
			}
		}
	}
	s.t.Fatalf("no mail came to %s", to)
	return Mail{}
}

var linkForm = regexp.MustCompile(`https?://\S+`)

// Link is the first link that the mail shows.
func (m Mail) Link() string { return linkForm.FindString(m.Text) }

func (s *MailServer) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	in, to, hello := bufio.NewReader(conn), "", ""
	say := func(line string) bool {
		_, err := io.WriteString(conn, line+"\r\n")
		return err == nil
	}
	for more := say("220 mail.test ESMTP"); more; {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		command, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch strings.ToUpper(command) {
		case "EHLO":
			hello = rest
			more = say("250-mail.test\r\n250-8BITMIME\r\n250 SMTPUTF8")
		case "RCPT":
			to = strings.Trim(strings.TrimPrefix(rest, "TO:"), "<>")
			more = say("250 ok")
		case "DATA":
			more = say("354 go on") && s.take(in, Mail{To: to, Hello: hello}) && say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			more = say("250 ok")
		}
	}
}

// take reads the data of a mail and accepts it.
func (s *MailServer) take(in *bufio.Reader, envelope Mail) bool {
	var data bytes.Buffer
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		data.WriteString(strings.TrimPrefix(line, "."))
	}
	m, err := readMail(&data)
	if err != nil {
		s.t.Errorf("a mail that can not be read: %v", err)
		return false
	}
	m.To, m.Hello, m.At = envelope.To, envelope.Hello, time.Now()
	s.mu.Lock()
	s.mails = append(s.mails, m)
	s.mu.Unlock()
	if s.accepted != nil {
		s.accepted(m)
	}
	return true
}

// readMail finds the text of a mail with several parts.
func readMail(data io.Reader) (Mail, error) {
	m, err := mail.ReadMessage(data)
	if err != nil {
		return Mail{}, err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return Mail{}, err
	}
	out := Mail{MessageID: m.Header.Get("Message-Id"), Subject: subject}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return Mail{}, err
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err != nil {
			return Mail{}, fmt.Errorf("it has no text: %w", err)
		}
		if !strings.HasPrefix(part.Header.Get("Content-Type"), "text/plain") {
			continue
		}
		var body io.Reader = part
		if strings.EqualFold(part.Header.Get("Content-Transfer-Encoding"), "quoted-printable") {
			body = quotedprintable.NewReader(part)
		}
		text, err := io.ReadAll(body)
		out.Text = string(text)
		return out, err
	}
}
