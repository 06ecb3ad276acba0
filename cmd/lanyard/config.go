package main

import (
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
)

// Config is the configuration of a server. Every key is a key of the YAML file
// (section, then key) and a variable LANYARD_SECTION_KEY; a secret can also be
// given by file, under the same name with _file.
type Config struct {
	Server     ServerConfig     `json:"server"`
	Operations OperationsConfig `json:"operations"`
	Database   DatabaseConfig   `json:"database"`
	Keys       KeysConfig       `json:"keys"`
	Outbound   OutboundConfig   `json:"outbound"`
	Mail       MailConfig       `json:"mail"`
	Log        LogConfig        `json:"log"`

	// ephemeral gives up durability, for data that is thrown away.
	ephemeral bool
	// patient gives the database an hour for a statement, for commands that nobody waits for.
	patient bool
	// existing refuses a database that is not there, for commands that look after one.
	existing bool
	// extraRoots are certificates that are trusted besides the machine's.
	extraRoots []byte
}

// ServerConfig is the public listener.
type ServerConfig struct {
	Listen         string   `json:"listen" help:"Address and port of the public listener, such as :8080 or 127.0.0.1:8080."`
	Issuer         string   `json:"issuer" help:"Issuer of the default tenant: the public URL, without a trailing slash."`
	TLSCert        string   `json:"tls_cert" help:"File of the certificate chain in PEM, read at the start. Without one the listener speaks plain HTTP, for a proxy in front of it."`
	TLSKey         string   `json:"tls_key" help:"File of the certificate's private key in PEM."`
	TrustedProxies []string `json:"trusted_proxies" help:"Networks (10.0.0.0/8) or addresses of reverse proxies. Their X-Forwarded-For is believed, and their traceparent."`
	Replicas       int      `json:"replicas" help:"How many servers share the database. More than one needs PostgreSQL, and is refused on SQLite."`
}

// OperationsConfig is the listener for probes and metrics.
type OperationsConfig struct {
	Listen string `json:"listen" help:"Address and port of the operations listener (healthz, readyz, metrics)."`
	Pprof  bool   `json:"pprof" help:"Serve profiles of the process under /debug/pprof/ on the operations listener."`
}

// DatabaseConfig says where the data is.
type DatabaseConfig struct {
	URL            secretText `json:"url" help:"sqlite:PATH, or postgres://USER:PASSWORD@HOST:PORT/NAME?sslmode=verify-full with the parameters of libpq."`
	URLFile        string     `json:"url_file" help:"File that holds the URL of the database."`
	MaxConnections int        `json:"max_connections" help:"Most connections to PostgreSQL, for each server. SQLite has its own few."`
}

// KeysConfig is what secrets are sealed with.
type KeysConfig struct {
	MasterKey     secretText `json:"master_key" help:"32 random bytes in base64 or hex; older keys may follow, separated by spaces."`
	MasterKeyFile string     `json:"master_key_file" help:"File that holds the master key."`
}

// OutboundConfig is what the guarded fetcher may reach.
type OutboundConfig struct {
	Allow []string `json:"allow" help:"Peers as host:port that may be called though they are private, by plain http and on any port, too."`
	Proxy string   `json:"proxy" help:"URL (http or https) of a proxy for all other outbound requests; it has to refuse private addresses itself."`
}

// MailConfig is the mail server. Without a host no mail leaves.
type MailConfig struct {
	Host         string     `json:"host" help:"Host of the mail server; without one mails wait until they expire."`
	Port         int        `json:"port" help:"Port of the mail server; 0 is 465 for implicit TLS, else 587."`
	TLS          string     `json:"tls" help:"required (STARTTLS), opportunistic, implicit, or none for a server on this machine."`
	Username     string     `json:"username" help:"Name to sign in to the mail server with."`
	Password     secretText `json:"password" help:"Password to sign in to the mail server with."`
	PasswordFile string     `json:"password_file" help:"File that holds the password of the mail server."`
	From         string     `json:"from" help:"Address that mails come from."`
	Hello        string     `json:"hello" help:"Name that this server gives itself; the issuer's host without it."`
}

// LogConfig is the log.
type LogConfig struct {
	Level  logLevel `json:"level" help:"Least level that is logged: debug, info, warn or error. Requests are info, those that failed error."`
	Format string   `json:"format" help:"json, text, or auto: text in a terminal."`
}

// defaults is the configuration that nobody wrote.
func defaults() Config {
	return Config{
		Server:     ServerConfig{Listen: ":8080", Replicas: 1},
		Operations: OperationsConfig{Listen: ":8081"},
		Database:   DatabaseConfig{MaxConnections: 16},
		Mail:       MailConfig{TLS: string(mail.TLSRequired)},
		Log:        LogConfig{Format: "auto"},
	}
}

// secretText is a secret that reads itself from text and never shows itself.
type secretText struct{ lanyard.Secret }

// UnmarshalText takes the secret.
func (s *secretText) UnmarshalText(text []byte) error {
	s.Secret = lanyard.SecretOf(strings.TrimSpace(string(text)))
	return nil
}

// logLevel is a level of the log; it has a type of its own for the words it accepts.
type logLevel struct{ slog.Level }

// UnmarshalText reads one of the four words.
func (l *logLevel) UnmarshalText(text []byte) error {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if strings.EqualFold(level.String(), string(text)) {
			l.Level = level
			return nil
		}
	}
	return lanyard.ErrBadInput.Saying("it is debug, info, warn or error")
}

// MarshalJSON writes the word.
func (l logLevel) MarshalJSON() ([]byte, error) {
	return []byte(`"` + strings.ToLower(l.String()) + `"`), nil
}

// needs says which parts of the configuration a command can not do without.
type needs struct {
	database bool
	keys     bool
	server   bool
}

// check finds everything that is wrong with the configuration as a whole.
func (c *Config) check(complain func(key, text string), n needs) {
	if n.database && c.Database.URL.IsZero() && c.Database.URLFile == "" {
		complain("database.url", "database.url is missing: sqlite:PATH or postgres://…")
	}
	if n.keys && c.Keys.MasterKey.IsZero() && c.Keys.MasterKeyFile == "" {
		complain("keys.master_key", "keys.master_key is missing: 32 random bytes in base64 or hex, for example from 'openssl rand -base64 32'; a server never makes one itself")
	}
	c.checkDatabase(complain)
	c.checkServer(complain, n)
	c.checkMail(complain)
	for _, peer := range c.Outbound.Allow {
		if _, port, err := net.SplitHostPort(peer); err != nil || port == "" || strings.Trim(port, "0123456789") != "" {
			complain("outbound.allow", "outbound.allow: "+peer+" is not host:port")
		}
	}
	if !strings.Contains(" auto json text ", " "+c.Log.Format+" ") {
		complain("log.format", "log.format is auto, json or text")
	}
}

func (c *Config) checkDatabase(complain func(key, text string)) {
	dsn := c.Database.URL.Reveal()
	isSQLite := strings.HasPrefix(dsn, "sqlite:")
	if dsn != "" && !isSQLite && !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		complain("database.url", "database.url begins with sqlite: or postgres://")
	}
	if isSQLite && c.Server.Replicas > 1 {
		complain("server.replicas", "SQLite serves one replica; use PostgreSQL for several")
	}
	if c.Server.Replicas < 1 {
		complain("server.replicas", "server.replicas is at least 1")
	}
	if c.Database.MaxConnections < 2 {
		complain("database.max_connections", "database.max_connections is at least 2")
	}
}

func (c *Config) checkServer(complain func(key, text string), n needs) {
	if c.Server.Issuer == "" {
		if n.server {
			complain("server.issuer", "server.issuer is missing: the public URL of this server")
		}
	} else if text := issuerFault(c.Server.Issuer); text != "" {
		complain("server.issuer", "server.issuer "+text)
	}
	if (c.Server.TLSCert == "") != (c.Server.TLSKey == "") {
		complain("server.tls_cert", "server.tls_cert and server.tls_key go together")
	}
	for _, text := range c.Server.TrustedProxies {
		if prefix, err := parseNetwork(text); err != nil {
			complain("server.trusted_proxies", "server.trusted_proxies: "+text+" is not a network like 10.0.0.0/8")
		} else if prefix.Bits() == 0 {
			complain("server.trusted_proxies", "server.trusted_proxies: "+text+" would believe everybody")
		}
	}
}

// issuerFault says what is wrong with an issuer; empty if nothing is.
func issuerFault(issuer string) string {
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return "is not an https URL"
	case u.Scheme == "http" && !lanyard.IsLoopbackHost(u.Hostname()):
		return "must be https; plain http is for loopback only"
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(issuer, "#"):
		return "has no user information, query or fragment"
	case strings.HasSuffix(issuer, "/"):
		return "has no trailing slash"
	case u.String() != issuer || issuer != strings.ToLower(u.Scheme+"://"+u.Host)+u.Path:
		return "is not in its plain form: scheme and host in lower case, nothing escaped"
	case strings.HasPrefix(u.Path+"/", "/t/"):
		return "must not have a path of tenants (/t/…)"
	}
	return ""
}

// parseNetwork reads a network, or a single address as the network of itself.
func parseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	return prefix.Masked(), err
}
