package mail_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// mailServer is a mail server that can be told to misbehave.
type mailServer struct {
	listener net.Listener
	cert     tls.Certificate
	roots    *x509.CertPool

	// implicit is TLS from the first byte, starttls an offer of it.
	implicit, starttls bool
	// hang is the command after which nothing is said any more, "CONNECT" for the greeting.
	hang string
	// answers replace the usual ones, by command; "BODY" is the answer to the mail.
	answers map[string]string
	// drop is where the connection is cut: "BODY" after the mail and before the
	// answer, "ACCEPTED" after it.
	drop string

	mu       sync.Mutex
	received []received
	secrets  []string // what came with AUTH, and whether in clear
	// ended is told of every connection that is over.
	ended chan struct{}
}

// received is one mail that the server took.
type received struct {
	from, to string
	data     string
	secure   bool
}

func startMailServer(t *testing.T, s *mailServer) *mailServer {
	t.Helper()
	s.ended = make(chan struct{}, 100)
	s.cert, s.roots = certificate(t, "localhost")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.listener = listener
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

func (s *mailServer) port() int { return s.listener.Addr().(*net.TCPAddr).Port }

func (s *mailServer) mails() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received(nil), s.received...)
}

func (s *mailServer) signedIn() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.secrets...)
}

func (s *mailServer) serve(conn net.Conn) {
	defer func() {
		_ = conn.Close()
		s.ended <- struct{}{}
	}()
	if s.implicit {
		conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{s.cert}})
	}
	x := &exchange{s: s, conn: conn, in: bufio.NewReader(conn), secure: s.implicit}
	if !x.answer("CONNECT", "220 mail.test ESMTP") {
		return
	}
	for x.step() {
	}
}

// exchange is one connection.
type exchange struct {
	s      *mailServer
	conn   net.Conn
	in     *bufio.Reader
	secure bool
	mail   received
}

// answer says something, unless the server was told to say another thing or nothing.
func (x *exchange) answer(command, usual string) bool {
	if x.s.hang == command {
		_, _ = io.Copy(io.Discard, x.in) // until the other side gives up
		return false
	}
	if other := x.s.answers[command]; other != "" {
		usual = other
	}
	_, err := fmt.Fprintf(x.conn, "%s\r\n", strings.ReplaceAll(usual, "\n", "\r\n"))
	return err == nil && !strings.HasPrefix(usual, "421")
}

func (x *exchange) step() bool {
	line, err := x.in.ReadString('\n')
	if err != nil {
		return false
	}
	line = strings.TrimRight(line, "\r\n")
	command, rest, _ := strings.Cut(line, " ")
	switch command = strings.ToUpper(command); command {
	case "EHLO":
		return x.answer(command, x.greeting())
	case "STARTTLS":
		return x.startTLS()
	case "AUTH":
		return x.auth(rest)
	case "MAIL":
		x.mail = received{from: rest, secure: x.secure}
		return x.answer(command, "250 ok")
	case "RCPT":
		x.mail.to += rest
		return x.answer(command, "250 ok")
	case "DATA":
		return x.data()
	case "QUIT":
		x.answer(command, "221 bye")
		return false
	}
	return x.answer(command, "250 ok")
}

func (x *exchange) greeting() string {
	lines := []string{"mail.test", "8BITMIME", "SMTPUTF8", "AUTH PLAIN LOGIN"}
	if x.s.starttls && !x.secure {
		lines = append(lines, "STARTTLS")
	}
	return "250-" + strings.Join(lines[:len(lines)-1], "\n250-") + "\n250 " + lines[len(lines)-1]
}

func (x *exchange) startTLS() bool {
	if !x.answer("STARTTLS", "220 go on") {
		return false
	}
	x.conn = tls.Server(x.conn, &tls.Config{Certificates: []tls.Certificate{x.s.cert}})
	x.in, x.secure = bufio.NewReader(x.conn), true
	return true
}

func (x *exchange) auth(rest string) bool {
	_, encoded, _ := strings.Cut(rest, " ")
	plain, _ := base64.StdEncoding.DecodeString(encoded)
	x.s.mu.Lock()
	x.s.secrets = append(x.s.secrets, fmt.Sprintf("%q secure=%v", plain, x.secure))
	x.s.mu.Unlock()
	return x.answer("AUTH", "235 welcome")
}

func (x *exchange) data() bool {
	if !x.answer("DATA", "354 go on") || strings.HasPrefix(x.s.answers["DATA"], "5") {
		return x.s.hang != "DATA"
	}
	for {
		line, err := x.in.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		x.mail.data += strings.TrimPrefix(line, ".") // RFC 5321 §4.5.2
	}
	if x.s.drop == "BODY" {
		return false
	}
	if body := x.s.answers["BODY"]; body == "" || strings.HasPrefix(body, "2") {
		x.s.mu.Lock()
		x.s.received = append(x.s.received, x.mail)
		x.s.mu.Unlock()
	}
	return x.answer("BODY", "250 queued") && x.s.drop != "ACCEPTED"
}

// certificate makes a certificate of an authority of its own.
func certificate(t *testing.T, host string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}
