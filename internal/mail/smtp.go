package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/lanyard-id/lanyard"
)

// TLSMode says how a connection to the mail server is protected. Certificates are
// verified in every mode that has them.
type TLSMode string

// The modes.
const (
	// TLSRequired is STARTTLS, or no mail.
	TLSRequired TLSMode = "required"
	// TLSOpportunistic is STARTTLS where the server offers it. Passwords go over an
	// encrypted connection only.
	TLSOpportunistic TLSMode = "opportunistic"
	// TLSImplicit is TLS from the first byte.
	TLSImplicit TLSMode = "implicit"
	// TLSNone is for a server on the same machine.
	TLSNone TLSMode = "none"
)

// TLSModes lists all modes.
var TLSModes = []TLSMode{TLSRequired, TLSOpportunistic, TLSImplicit, TLSNone}

// sendTimeout bounds one attempt, from the first packet to the answer to the mail.
const sendTimeout = 20 * time.Second

// SMTP is a mail server that takes our mails. Each mail has a connection of its own.
type SMTP struct {
	Host string
	// Port is that of the mode if it is zero: 465 for implicit TLS, else 587.
	Port     int
	Username string
	Password lanyard.Secret
	TLS      TLSMode
	// Hello is the name that we give ourselves.
	Hello string

	// TLSConfig and Dial replace those of the machine; nil is usual.
	TLSConfig *tls.Config
	Dial      func(ctx context.Context, network, address string) (net.Conn, error)
	// Timeout bounds one attempt; default 20 seconds.
	Timeout time.Duration
}

// Address is the host and port of the server.
func (s *SMTP) Address() string {
	port := s.Port
	switch {
	case port != 0:
	case s.TLS == TLSImplicit:
		port = 465
	default:
		port = 587
	}
	return net.JoinHostPort(s.Host, strconv.Itoa(port))
}

// Send hands one mail to the server. What happens after the server took it, such as
// a connection that ends without a goodbye, is not a failure.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	timeout := s.Timeout
	if timeout == 0 {
		timeout = sendTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	msg, err := build(m)
	if err != nil {
		return &RefusedError{Cause: err}
	}
	client, err := s.client(ctx, timeout)
	if err != nil {
		return fmt.Errorf("prepare the connection to the mail server: %w", err)
	}
	err = client.DialAndSendWithContext(ctx, msg)
	if err == nil || msg.IsDelivered() {
		return nil
	}
	if ctx.Err() != nil {
		err = errors.Join(ctx.Err(), err)
	}
	return judge(err)
}

// client is a connection that is yet to be made. It is closed under whatever waits
// for it when ctx ends: the library looks at that only while it dials.
func (s *SMTP) client(ctx context.Context, timeout time.Duration) (*gomail.Client, error) {
	dial := func(dialing context.Context, network, _ string) (net.Conn, error) {
		conn, err := s.dial(dialing, network)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { _ = conn.Close() })
		return conn, nil
	}
	options := []gomail.Option{
		gomail.WithTimeout(timeout), gomail.WithTLSConfig(s.tlsConfig()), gomail.WithDialContextFunc(dial),
		gomail.WithTLSPolicy(gomail.TLSMandatory),
	}
	switch s.TLS {
	case TLSImplicit:
		options = append(options, gomail.WithSSL())
	case TLSOpportunistic:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	case TLSNone:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if s.Hello != "" {
		options = append(options, gomail.WithHELO(s.Hello))
	}
	if s.Username != "" {
		options = append(options, gomail.WithUsername(s.Username), gomail.WithPassword(s.Password.Reveal()),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthPlain, gomail.SMTPAuthLogin, gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1))
	}
	return gomail.NewClient(s.Host, options...)
}

func (s *SMTP) tlsConfig() *tls.Config {
	config := s.TLSConfig
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	config = config.Clone()
	config.ServerName = s.Host
	return config
}

// dial connects, with TLS where that comes first.
func (s *SMTP) dial(ctx context.Context, network string) (net.Conn, error) {
	dial := s.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	conn, err := dial(ctx, network, s.Address())
	if err != nil {
		return nil, err
	}
	if s.TLS != TLSImplicit {
		return conn, nil
	}
	secured := tls.Client(conn, s.tlsConfig())
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return secured, nil
}

// build makes the mail of the library. Every header has one place here.
func build(m Message) (*gomail.Msg, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	for _, address := range []string{m.From, m.To, cmp.Or(m.ReplyTo, m.From)} {
		if _, err := lanyard.CanonicalEmail(address); err != nil {
			return nil, err
		}
	}
	msg.FromMailAddress(&netmail.Address{Name: line(m.FromName), Address: m.From})
	msg.ToMailAddress(&netmail.Address{Address: m.To})
	if m.ReplyTo != "" {
		msg.ReplyToMailAddress(&netmail.Address{Address: m.ReplyTo})
	}
	msg.Subject(line(m.Subject))
	msg.SetMessageIDWithValue(line(m.MessageID))
	msg.SetDateWithValue(m.Date)
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader(gomail.HeaderContentLang, m.Language)
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	return msg, nil
}

// Answers that are about us and not about the mail: the server wants another password or connection.
var aboutUs = map[int]bool{530: true, 534: true, 535: true, 538: true}

// judge tells what is final from what may be tried again: only a server's own
// refusal of the recipient or of the mail is final. A sender that it does not want
// is our configuration, which somebody can mend.
func judge(err error) error {
	sent, ok := errors.AsType[*gomail.SendError](err)
	if ok && sent.ErrorCode() >= 500 && !aboutUs[sent.ErrorCode()] {
		switch sent.Reason {
		case gomail.ErrSMTPRcptTo, gomail.ErrSMTPData, gomail.ErrSMTPDataClose:
			return &RefusedError{Code: sent.ErrorCode(), Cause: err}
		}
	}
	return fmt.Errorf("send a mail: %w", err)
}

// Check connects, secures the connection and signs in, as Send does, and says goodbye without a mail.
func (s *SMTP) Check(ctx context.Context) error {
	timeout := s.Timeout
	if timeout == 0 {
		timeout = sendTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	client, err := s.client(ctx, timeout)
	if err != nil {
		return fmt.Errorf("prepare the connection to the mail server: %w", err)
	}
	if err := client.DialWithContext(ctx); err != nil {
		return fmt.Errorf("connect to the mail server: %w", err)
	}
	return client.Close()
}
