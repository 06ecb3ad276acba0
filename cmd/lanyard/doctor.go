package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/storage"
)

type doctorCommand struct {
	configSource
	Output string `short:"o" enum:"table,json,yaml" default:"table" help:"table, json or yaml."`
}

// finding is what one examination came to.
type finding struct {
	Check string `json:"check"`
	// State is ok, warning or failure.
	State string `json:"state"`
	Found string `json:"found"`
	// Do says what to do about it; empty if that is nothing.
	Do string `json:"do,omitempty"`
}

// The states of a finding.
const (
	stateOK      = "ok"
	stateWarning = "warning"
	stateFailure = "failure"
)

func fine(check, found string) finding { return finding{check, stateOK, found, ""} }

// Limits of what is fine.
const (
	doctorTimeout   = 10 * time.Second
	clockTolerance  = 5 * time.Second
	certificateSoon = 21 * 24 * time.Hour
	slowDatabase    = 50 * time.Millisecond
)

// Run examines the configuration and what it names: database, keys, issuer, clock,
// certificate, proxy headers and mail server. It changes nothing.
func (c doctorCommand) Run(ctx context.Context, p *program) error {
	config, err := c.load(p, needs{database: true, keys: true, server: true})
	if err != nil {
		return err
	}
	config.existing = true
	d := &doctor{p: p, config: config, client: &http.Client{
		Timeout:       doctorTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	findings := d.database(ctx)
	for _, examine := range []func(context.Context) []finding{d.issuer, d.certificate, d.proxies, d.mail} {
		findings = append(findings, examine(ctx)...)
	}
	if err := d.show(c.Output, findings); err != nil {
		return err
	}
	for _, f := range findings {
		if f.State == stateFailure {
			return errors.New("something is broken")
		}
	}
	return nil
}

type doctor struct {
	p      *program
	config Config
	client *http.Client
}

func (d *doctor) show(form string, findings []finding) error {
	if form != "table" {
		return d.p.show(form, findings, nil)
	}
	for _, f := range findings {
		fmt.Fprintf(d.p.out, "%-8s %-12s %s\n", f.State, f.Check, cell(f.Found))
		if f.Do != "" {
			fmt.Fprintf(d.p.out, "%-8s %-12s %s\n", "", "", f.Do)
		}
	}
	return nil
}

// database looks at the connection, the schema and the keys in it.
func (d *doctor) database(ctx context.Context) []finding {
	store, err := d.config.openStore(ctx, false)
	if err != nil {
		return []finding{{"database", stateFailure, err.Error(), "check database.url and that the server runs and lets this host in; 'lanyard migrate up' makes a new SQLite database"}}
	}
	defer func() { _ = store.Close() }()
	began := d.p.clock.Now()
	status, err := store.MigrationStatus(ctx)
	took := d.p.clock.Now().Sub(began)
	if err != nil {
		return []finding{{"database", stateFailure, err.Error(), "check that the user may read and write"}}
	}
	out := []finding{fine("database", fmt.Sprintf("answers in %s", took.Round(time.Millisecond)))}
	if took > slowDatabase {
		out[0] = finding{"database", stateWarning, fmt.Sprintf("answers in %s", took.Round(time.Millisecond)), "bring the server nearer to its database"}
	}
	if !status.Current() {
		return append(out, finding{"schema", stateFailure, fmt.Sprintf("%d migrations are pending", len(status.Pending)), "run 'lanyard migrate up'"})
	}
	return append(append(out, fine("schema", "is current")), d.keys(ctx, store)...)
}

// keys opens every tenant's keys under the master key and looks at their ages.
func (d *doctor) keys(ctx context.Context, store *storage.Store) []finding {
	master, err := d.config.master()
	if err != nil {
		return []finding{{"master key", stateFailure, err.Error(), "give the key that the database was made with"}}
	}
	all, err := store.Tenants(ctx)
	if err != nil {
		return []finding{{"keys", stateFailure, err.Error(), ""}}
	}
	var out []finding
	for _, t := range all {
		stored, err := store.Tenant(t.ID).SigningKeys(ctx)
		if err == nil {
			_, err = keys.NewRing(t.ID, stored, master)
		}
		if err != nil {
			out = append(out, finding{"keys", stateFailure, "tenant " + t.Slug + ": the keys do not open", "give the master key that the database was made with"})
			continue
		}
		if f := d.oldKeys(t, stored); f.Check != "" {
			out = append(out, f)
		}
	}
	if len(all) == 0 {
		return []finding{{"keys", stateWarning, "there is no tenant yet", "start the server once"}}
	}
	if len(out) == 0 {
		out = append(out, fine("keys", fmt.Sprintf("of %d tenants open under the master key", len(all))))
	}
	return append(out, d.masterKeys(ctx, store, master))
}

// masterKeys looks at what is sealed under which master key, and which of them are needed.
func (d *doctor) masterKeys(ctx context.Context, store *storage.Store, master *keys.Master) finding {
	const check = "master key"
	r := &keys.Resealer{Store: store, Master: master, Now: d.p.clock.Now}
	census, err := r.Census(ctx)
	if err != nil {
		return finding{check, stateFailure, err.Error(), ""}
	}
	by := recordsBy(census)
	switch {
	case by[keys.KeyUnknown] > 0:
		return finding{check, stateFailure, fmt.Sprintf("%d sealed records are under a key that is not configured", by[keys.KeyUnknown]),
			"add it to keys.master_key behind the first one; 'lanyard master-key status' has its id"}
	case by[keys.KeyOlder] > 0:
		return finding{check, stateWarning, fmt.Sprintf("an older key is still needed, for %d records", by[keys.KeyOlder]), "run 'lanyard master-key reseal'"}
	case len(master.IDs()) > 1:
		return finding{check, stateWarning, "only the first of several keys is needed", "drop the others, unless one of them is about to become the first"}
	}
	return fine(check, "seals all there is")
}

// oldKeys complains about a key that the schedule should have replaced.
func (d *doctor) oldKeys(t lanyard.Tenant, stored []lanyard.SigningKey) finding {
	limit := t.Policy.KeyRotation() + keyRotationGrace
	active := 0
	for _, k := range stored {
		if k.State != lanyard.KeyActive || k.Algorithm == lanyard.AlgMAC {
			continue
		}
		active++
		if age := d.p.clock.Now().Sub(k.ActivatedAt); age > limit {
			return finding{"keys", stateWarning, fmt.Sprintf("tenant %s: the %s key is %d days old", t.Slug, k.Algorithm, int(age.Hours()/24)),
				"check that a server runs, since its jobs rotate keys, or run 'lanyard key rotate'"}
		}
	}
	if active == 0 {
		return finding{"keys", stateFailure, "tenant " + t.Slug + " has no signing key", "start the server, or run 'lanyard key rotate'"}
	}
	return finding{}
}

// keyRotationGrace is how late a rotation may be before somebody should look.
const keyRotationGrace = 7 * 24 * time.Hour

// issuer asks the running server, through whatever stands before it, who it is and what time it has.
func (d *doctor) issuer(ctx context.Context) []finding {
	answer, err := d.get(ctx, d.config.Server.Issuer+"/.well-known/openid-configuration", nil)
	if err != nil {
		return []finding{{"issuer", stateFailure, err.Error(), "start the server, and check that the issuer's name and port lead to it"}}
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	switch {
	case err != nil || answer.StatusCode != http.StatusOK:
		return []finding{{"issuer", stateFailure, fmt.Sprintf("discovery answers %d", answer.StatusCode), "check that the proxy hands requests on with their Host"}}
	case !strings.Contains(string(body), `"issuer":"`+d.config.Server.Issuer+`"`):
		return []finding{{"issuer", stateFailure, "another issuer answers at this address", "check server.issuer, and where its name leads"}}
	}
	out := []finding{fine("issuer", d.config.Server.Issuer+" answers")}
	theirs, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return out
	}
	if apart := d.p.clock.Now().Sub(theirs).Abs(); apart > clockTolerance {
		return append(out, finding{"clock", stateFailure, fmt.Sprintf("differs from the server's by %s", apart.Round(time.Second)), "set both by NTP: codes and tokens depend on it"})
	}
	return append(out, fine("clock", "agrees with the server's"))
}

func (d *doctor) get(ctx context.Context, address string, header http.Header) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		r.Header[name] = values
	}
	return d.client.Do(r)
}

// certificate looks at what the issuer's address presents.
func (d *doctor) certificate(ctx context.Context) []finding {
	u, err := url.Parse(d.config.Server.Issuer)
	if err != nil || u.Scheme != "https" {
		return []finding{fine("certificate", "none is needed on loopback")}
	}
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), "443")
	}
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	dialer := &tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS12}}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return []finding{{"certificate", stateFailure, err.Error(), "renew it, or send its whole chain"}}
	}
	defer func() { _ = conn.Close() }()
	secured, isTLS := conn.(*tls.Conn)
	if !isTLS {
		return nil
	}
	left := secured.ConnectionState().PeerCertificates[0].NotAfter.Sub(d.p.clock.Now())
	if left < certificateSoon {
		return []finding{{"certificate", stateWarning, fmt.Sprintf("ends in %d days", int(left.Hours()/24)), "see why it is not renewed"}}
	}
	return []finding{fine("certificate", fmt.Sprintf("is good for %d days", int(left.Hours()/24)))}
}

// proxies looks at whether whoever stands before the server is believed, and nobody else.
func (d *doctor) proxies(context.Context) []finding {
	trusted := d.config.Server.TrustedProxies
	switch {
	case d.config.Server.TLSCert == "" && strings.HasPrefix(d.config.Server.Issuer, "https:") && len(trusted) == 0:
		return []finding{{"proxy", stateWarning, "the issuer is https and the server speaks plain HTTP, so a proxy stands before it that is not believed",
			"name its network in server.trusted_proxies, else everybody has the proxy's address and is throttled together"}}
	case d.config.Server.TLSCert != "" && len(trusted) > 0:
		return []finding{{"proxy", stateWarning, "the server has its own certificate and believes proxies", "take server.trusted_proxies away if none stands before it"}}
	case len(trusted) > 0:
		return []finding{fine("proxy", "X-Forwarded-For is believed from "+strings.Join(trusted, ", "))}
	}
	return []finding{fine("proxy", "none is believed")}
}

// mail connects to the mail server as a mail would, and sends nothing.
func (d *doctor) mail(ctx context.Context) []finding {
	u, err := url.Parse(d.config.Server.Issuer)
	if err != nil {
		return nil
	}
	sender, isSMTP := d.config.sender(u.Hostname()).(*mail.SMTP)
	if !isSMTP || sender == nil {
		return []finding{{"mail", stateWarning, "there is no mail server: invitations, codes and links wait until they expire", "set mail.host and mail.from"}}
	}
	if err := sender.Check(ctx); err != nil {
		return []finding{{"mail", stateFailure, err.Error(), "check mail.host, mail.port, mail.tls, mail.username and mail.password"}}
	}
	return []finding{fine("mail", sender.Address()+" takes our connection")}
}
