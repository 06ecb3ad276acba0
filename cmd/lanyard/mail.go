package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/jobs"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/tenants"
)

// What is different under dev: mails are seen at once, and come from nobody.
const (
	devMailEvery = 100 * time.Millisecond
	devMailFrom  = "no-reply@lanyard.test"
)

var hostForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$|^[0-9A-Fa-f:.]+$`)

// checkMail finds what is wrong with the mail server of the configuration.
func (c *Config) checkMail(complain func(key, text string)) {
	m := c.Mail
	if m.Host != "" && !hostForm.MatchString(m.Host) {
		complain("mail.host", "mail.host is a host name or an address, without a port")
	}
	if m.Hello != "" && !hostForm.MatchString(m.Hello) {
		complain("mail.hello", "mail.hello is a host name")
	}
	if m.Port < 0 || m.Port > 65535 {
		complain("mail.port", "mail.port is at most 65535")
	}
	switch {
	case !slices.Contains(mail.TLSModes, mail.TLSMode(m.TLS)):
		complain("mail.tls", "mail.tls is required, opportunistic, implicit or none")
	case m.TLS == string(mail.TLSNone) && m.Host != "" && !lanyard.IsLoopbackHost(m.Host):
		complain("mail.tls", "mail.tls none is for a mail server on this machine only")
	}
	if (m.Username == "") == !(m.Password.IsZero() && m.PasswordFile == "") {
		complain("mail.username", "mail.username and mail.password go together")
	}
	if m.From == "" && m.Host != "" {
		complain("mail.from", "mail.from is missing: the address that mails come from")
	}
	if _, err := lanyard.CanonicalEmail(m.From); m.From != "" && err != nil {
		complain("mail.from", "mail.from is not an e-mail address")
	}
}

// sender is the mail server of the configuration; nil without one.
func (c *Config) sender(issuerHost string) mail.Sender {
	if c.Mail.Host == "" {
		return nil
	}
	hello := c.Mail.Hello
	if hello == "" {
		hello = issuerHost
	}
	return &mail.SMTP{
		Host: c.Mail.Host, Port: c.Mail.Port, TLS: mail.TLSMode(c.Mail.TLS),
		Username: c.Mail.Username, Password: c.Mail.Password.Secret, Hello: hello,
	}
}

// prepareMail makes what mails are written and sent with.
func (a *App) prepareMail(c *Config) error {
	from := c.Mail.From
	if from == "" {
		from = devMailFrom // nothing is sent from it: there is no host either
	}
	composer, err := mail.NewComposer(from, a.Log)
	if err != nil {
		return fmt.Errorf("prepare mails: %w", err)
	}
	a.Composer, a.Sender = composer, c.sender(a.Issuer.Hostname())
	if a.Dev != nil {
		a.Sender = a.Dev.Outbox
	}
	return nil
}

// deliverer is the job that sends mails.
func (a *App) deliverer() *jobs.Deliverer {
	directory := &tenants.Directory{Base: a.Issuer}
	d := &jobs.Deliverer{
		Store: a.Store, Sealer: a.Sealer, Composer: a.Composer, Sender: a.Sender, Clock: a.Clock, Log: a.Log,
		Issuer: directory.Issuer, Observe: a.Metrics.MailTried,
	}
	if a.Dev != nil {
		d.Every = devMailEvery
	}
	return d
}

// warnWithoutMail says once that no mail will leave.
func (a *App) warnWithoutMail(ctx context.Context) {
	if a.Sender == nil {
		a.Log.WarnContext(ctx, "mail.host is not configured: no mail leaves, not even the code of a sign-up; mails wait until they expire")
	}
}
