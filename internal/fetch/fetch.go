package fetch

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// Timeout is how long one request may take, from resolution to the last byte
	// of the answer.
	Timeout = 5 * time.Second
	// MaxBody is the largest answer that is accepted, in bytes.
	MaxBody = 1 << 20

	maxHeader = 64 << 10
	userAgent = "Lanyard"
)

var (
	// ErrRefused means that the request was not sent, because its URL or the
	// address behind it is not one that Lanyard calls. Trying again is useless
	// until the URL changes.
	ErrRefused = errors.New("the address is not one that may be called")
	// ErrUnavailable means that the peer gave no acceptable answer: not in time,
	// not over verified TLS, or not within [MaxBody]. Trying again may help.
	ErrUnavailable = errors.New("the address gave no acceptable answer")
)

// Options are the operator's choices. The zero value is the strictest.
type Options struct {
	// Allow lists peers as host:port, exactly as they stand in URLs. They may be
	// private, on any port, and plain http.
	Allow []string
	// Proxy is the URL of an http or https proxy for everything but the peers in
	// Allow. Empty means none; the environment is never asked.
	Proxy string
	// ExtraRoots are PEM certificates trusted in addition to the machine's.
	ExtraRoots []byte
	// Resolver resolves names. Nil is the machine's.
	Resolver *net.Resolver
	// Log receives the causes of failures, with the host and without the path
	// and query. Nil discards them.
	Log *slog.Logger
}

// Client sends guarded requests. It is safe for use by several goroutines.
type Client struct {
	rules   rules
	http    *http.Client
	log     *slog.Logger
	timeout time.Duration
}

// Request is what is sent. The zero Method is GET; POST is the only other one.
type Request struct {
	Method string
	URL    string
	Header http.Header
	Body   []byte
}

// Response is an answer, of any status. Redirects are returned, not followed:
// a caller that wants a success compares Status with the ones it accepts.
type Response struct {
	Status      int
	ContentType string
	Body        []byte
}

// New returns a client. It fails when an option cannot be read.
func New(o Options) (*Client, error) {
	allowed, err := parseAllow(o.Allow)
	if err != nil {
		return nil, err
	}
	proxy, err := parseProxy(o.Proxy)
	if err != nil {
		return nil, err
	}
	roots, err := withRoots(o.ExtraRoots)
	if err != nil {
		return nil, err
	}
	c := &Client{
		rules:   rules{allowed: allowed, port: "443", public: public},
		log:     o.Log,
		timeout: Timeout,
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	d := &dialer{rules: &c.rules, resolver: o.Resolver, proxy: proxyPeer(proxy)}
	c.http = &http.Client{
		Transport: &http.Transport{
			DialContext:            d.dial,
			Proxy:                  c.proxyFor(proxy),
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
			TLSHandshakeTimeout:    Timeout,
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeader,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// Check reports [ErrRefused] for a URL that no request would be sent to, as far
// as its text tells. It is for the moment a URL is stored; the address behind a
// name is checked each time it is called.
func (c *Client) Check(rawURL string) error {
	if _, err := c.rules.parse(rawURL); err != nil {
		return ErrRefused
	}
	return nil
}

// Get fetches a URL and says which media types it can read.
func (c *Client) Get(ctx context.Context, rawURL, accept string) (Response, error) {
	return c.Do(ctx, Request{URL: rawURL, Header: http.Header{"Accept": {accept}}})
}

// Post sends a body of the given media type.
func (c *Client) Post(ctx context.Context, rawURL, contentType string, body []byte) (Response, error) {
	header := http.Header{"Content-Type": {contentType}}
	return c.Do(ctx, Request{Method: http.MethodPost, URL: rawURL, Header: header, Body: body})
}

// Do sends one request and reads its answer. The error is [ErrRefused],
// [ErrUnavailable] or, when the caller's ctx ended, its cause.
func (c *Client) Do(ctx context.Context, r Request) (Response, error) {
	target, err := c.rules.parse(r.URL)
	if err != nil {
		c.log.WarnContext(ctx, "outbound request refused", "cause", err)
		return Response{}, ErrRefused
	}
	span := traced(ctx, target, r.Method)
	answer, err := c.try(ctx, target, r)
	endTraced(span, answer, err)
	return answer, err
}

// try sends one request to a checked URL within its time, and says what became of it in our words.
func (c *Client) try(ctx context.Context, target *url.URL, r Request) (Response, error) {
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	answer, err := c.send(limited, target, r)
	if err == nil {
		return answer, nil
	}
	if ctx.Err() != nil {
		return Response{}, context.Cause(ctx)
	}
	c.log.WarnContext(ctx, "outbound request failed", "host", target.Host, "cause", withoutURL(err))
	if errors.Is(err, errNotPublic) {
		return Response{}, ErrRefused
	}
	return Response{}, ErrUnavailable
}

func (c *Client) send(ctx context.Context, target *url.URL, r Request) (Response, error) {
	if r.Method != "" && r.Method != http.MethodGet && r.Method != http.MethodPost {
		return Response{}, fmt.Errorf("method %q is not sent", r.Method)
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, target.String(), bytes.NewReader(r.Body))
	if err != nil {
		return Response{}, err
	}
	if r.Header != nil {
		request.Header = r.Header.Clone()
	}
	request.Header.Set("User-Agent", userAgent)
	answer, err := c.http.Do(request)
	if err != nil {
		return Response{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, MaxBody+1))
	if err != nil {
		return Response{}, err
	}
	if len(body) > MaxBody {
		return Response{}, errors.New("the answer is larger than the limit")
	}
	return Response{Status: answer.StatusCode, ContentType: answer.Header.Get("Content-Type"), Body: body}, nil
}

func (c *Client) proxyFor(proxy *url.URL) func(*http.Request) (*url.URL, error) {
	if proxy == nil {
		return nil
	}
	return func(r *http.Request) (*url.URL, error) {
		if c.rules.allows(peerOf(r.URL)) {
			return nil, nil // net/http's way to say "no proxy"
		}
		return proxy, nil
	}
}

func parseProxy(raw string) (*url.URL, error) {
	if raw == "" {
		return nil, nil //nolint:nilnil // no proxy is a setting, not a failure
	}
	proxy, err := url.Parse(raw)
	if err != nil || proxy.Host == "" || (proxy.Scheme != "http" && proxy.Scheme != "https") {
		// The text may hold a password, so it is not repeated.
		return nil, errors.New("outbound proxy: want http://host:port or https://host:port")
	}
	proxy.Host = strings.ToLower(proxy.Host)
	return proxy, nil
}

func proxyPeer(proxy *url.URL) string {
	if proxy == nil {
		return ""
	}
	return peerOf(proxy)
}

func withRoots(pem []byte) (*x509.CertPool, error) {
	if len(pem) == 0 {
		return nil, nil //nolint:nilnil // crypto/tls takes nil for the machine's own roots
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("read the machine's root certificates: %w", err)
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("outbound root certificates: no PEM certificate found")
	}
	return roots, nil
}

// withoutURL takes the URL out of an error of net/http: paths and queries hold
// secrets.
func withoutURL(err error) error {
	var withURL *url.Error
	if errors.As(err, &withURL) {
		return withURL.Err
	}
	return err
}
