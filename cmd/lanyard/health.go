package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// healthTimeout bounds the whole of 'lanyard health'.
const healthTimeout = 2 * time.Second

// maxHealthBody bounds what is read of an answer: a word, a sentence, or discovery.
const maxHealthBody = 64 << 10

type healthCommand struct {
	configSource
	Ready     bool   `help:"Ask whether it takes requests, not only whether it is alive." xor:"what"`
	Discovery string `placeholder:"URL" help:"Ask at this address of the public listener, a Service for instance, whether the issuer of the configuration is served there." xor:"what"`
}

// Run asks the server of this configuration, at its operations listener, how it is.
// It is the health check of the image, which has no other program to ask with. It
// reads no secret and wants no database: who asks need not be able to serve.
func (c healthCommand) Run(ctx context.Context, p *program) error {
	config, err := c.loadOpenly(p)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	if c.Discovery != "" {
		return askDiscovery(ctx, p, c.Discovery, config.Server.Issuer)
	}
	addresses, err := reachable(config.Operations.Listen)
	if err != nil {
		return err
	}
	path := "/healthz"
	if c.Ready {
		path = "/readyz"
	}
	said, err := askHealth(ctx, addresses, path)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.out, said)
	return err
}

// reachable are the addresses at which somebody on this machine reaches a listener:
// one that listens everywhere is asked over loopback.
func reachable(listen string) ([]string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil || port == "" || port == "0" {
		return nil, fmt.Errorf("operations.listen: %q is no address and port that can be asked", listen)
	}
	if addr, err := netip.ParseAddr(host); host != "" && (err != nil || !addr.IsUnspecified()) {
		return []string{listen}, nil
	}
	return []string{net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("::1", port)}, nil
}

// askHealth gives what the first address that takes the connection says.
func askHealth(ctx context.Context, addresses []string, path string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addresses[0]+path, nil)
	if err != nil {
		return "", fmt.Errorf("operations.listen: %w", err)
	}
	status, body, err := ask(r, addresses)
	if err != nil {
		return "", fmt.Errorf("the server does not answer at %s: %w", strings.Join(addresses, " or "), err)
	}
	said, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
	if status != http.StatusOK {
		return "", fmt.Errorf("%s answers %d: %s", path, status, said)
	}
	return said, nil
}

// askDiscovery asks for the issuer's discovery document at an address that is not the
// issuer's own, under the issuer's name, as a proxy before the server would.
func askDiscovery(ctx context.Context, p *program, at, issuer string) error {
	base, err := url.Parse(at)
	if err != nil || base.Scheme != "http" || base.Host == "" {
		return usageError("--discovery is an http URL, such as http://lanyard:80")
	}
	public, err := url.Parse(issuer)
	if err != nil || public.Host == "" {
		return errors.New("server.issuer is missing: the public URL of the server")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+base.Host+public.Path+"/.well-known/openid-configuration", nil)
	if err != nil {
		return usageError("--discovery: " + err.Error())
	}
	r.Host = public.Host
	port := cmp.Or(base.Port(), "80")
	status, body, err := ask(r, []string{net.JoinHostPort(base.Hostname(), port)})
	if err != nil {
		return fmt.Errorf("nobody answers at %s: %w", at, err)
	}
	var document struct {
		Issuer string `json:"issuer"`
	}
	if err := json.Unmarshal(body, &document); status != http.StatusOK || err != nil || document.Issuer != issuer {
		return fmt.Errorf("discovery at %s answers %d and names the issuer %q, not %q", at, status, document.Issuer, issuer)
	}
	_, err = fmt.Fprintln(p.out, issuer+" is served")
	return err
}

// ask sends a request to the first address that takes the connection and gives status
// and body. No proxy of the environment stands between, and no redirect is followed.
func ask(r *http.Request, addresses []string) (int, []byte, error) {
	var dialer net.Dialer
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, addresses[0])
		for _, next := range addresses[1:] {
			if err == nil {
				break
			}
			conn, err = dialer.DialContext(ctx, network, next)
		}
		return conn, err
	}}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxHealthBody))
	return answer.StatusCode, body, err
}
