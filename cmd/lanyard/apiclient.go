package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/adminapi"
)

// Variables of the commands that work through the API.
const (
	envAPI          = "LANYARD_API"
	envToken        = "LANYARD_TOKEN"
	envClientID     = "LANYARD_CLIENT_ID"
	envClientSecret = "LANYARD_CLIENT_SECRET"
)

// apiVariables are those that are no keys of the configuration although they look like it.
var apiVariables = []string{envToken + "_FILE", envClientID, envClientSecret, envClientSecret + "_FILE"}

// apiTimeout bounds one call of the API, maxAnswer its answer in bytes.
const (
	apiTimeout = 60 * time.Second
	maxAnswer  = 64 << 20
)

// apiSource are the flags of every command that works through the management API.
type apiSource struct {
	configSource
	API       string `placeholder:"ISSUER" help:"Issuer whose API is called (or LANYARD_API)."`
	Database  bool   `help:"Work on the configured database itself, with the rights of the operator."`
	Tenant    string `placeholder:"SLUG" help:"Tenant to work on, if not the one of the issuer."`
	TokenFile string `placeholder:"FILE" help:"File with an access token (or LANYARD_TOKEN, or LANYARD_CLIENT_ID and LANYARD_CLIENT_SECRET of a machine; each also as …_FILE)."`
	Output    string `short:"o" enum:"table,json,yaml" default:"table" help:"table, json or yaml."`
}

// apiClient calls the management API, over the network or in this process.
type apiClient struct {
	do    func(*http.Request) (*http.Response, error)
	base  string
	token string
	close func() error
}

// open gives the API that the flags and the environment name. The caller closes it.
func (s apiSource) open(ctx context.Context, p *program) (*apiClient, error) {
	if s.Database {
		return s.inProcess(ctx, p)
	}
	issuer := s.API
	if issuer == "" {
		issuer, _ = p.getenv(envAPI)
	}
	if issuer == "" {
		return nil, usageError("name the issuer with --api or LANYARD_API, or work on the database with --database")
	}
	issuer = strings.TrimSuffix(issuer, "/")
	if text := issuerFault(issuer); text != "" && !strings.Contains(issuer, "/t/") {
		return nil, usageError("--api " + text)
	}
	client := &http.Client{Timeout: apiTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	c := &apiClient{do: client.Do, base: issuer + lanyard.PathManagement, close: func() error { return nil }}
	if s.Tenant != "" {
		c.base += "/tenants/" + url.PathEscape(s.Tenant)
	}
	var err error
	c.token, err = s.accessToken(ctx, p, client, issuer)
	return c, err
}

// accessToken is the one that was given, or one that a machine's credentials get.
func (s apiSource) accessToken(ctx context.Context, p *program, client *http.Client, issuer string) (string, error) {
	if s.TokenFile != "" {
		data, err := os.ReadFile(s.TokenFile)
		return strings.TrimSpace(string(data)), err
	}
	token, err := p.secretVariable(envToken)
	if err != nil || !token.IsZero() {
		return token.Reveal(), err
	}
	id, _ := p.getenv(envClientID)
	secret, err := p.secretVariable(envClientSecret)
	if err != nil {
		return "", err
	}
	if id == "" || secret.IsZero() {
		return "", usageError("an access token is needed: --token-file, LANYARD_TOKEN, or LANYARD_CLIENT_ID and LANYARD_CLIENT_SECRET")
	}
	return machineToken(ctx, client, issuer, id, secret)
}

// secretVariable reads a secret by variable, or by the file that the variable with _FILE names.
func (p *program) secretVariable(name string) (lanyard.Secret, error) {
	if value, ok := p.getenv(name); ok {
		return lanyard.SecretOf(value), nil
	}
	path, ok := p.getenv(name + "_FILE")
	if !ok {
		return lanyard.Secret{}, nil
	}
	data, err := os.ReadFile(path)
	return lanyard.SecretOf(strings.TrimSpace(string(data))), err
}

func machineToken(ctx context.Context, client *http.Client, issuer, id string, secret lanyard.Secret) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "resource": {lanyard.ManagementName}, "scope": {lanyard.ScopeManage}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, issuer+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret.Reveal()))
	answer, err := client.Do(r)
	if err != nil {
		return "", fmt.Errorf("ask for a token: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	var body struct {
		AccessToken string `json:"access_token"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(&body); err != nil {
		return "", fmt.Errorf("read the token: %w", err)
	}
	if body.AccessToken == "" {
		return "", fmt.Errorf("no token: %s: %s", body.Error, body.Description)
	}
	return body.AccessToken, nil
}

// inProcess serves the API to this process alone, over the configured database.
func (s apiSource) inProcess(ctx context.Context, p *program) (*apiClient, error) {
	config, err := s.load(p, needs{database: true, keys: true, server: true})
	if err != nil {
		return nil, err
	}
	app, err := config.openApp(ctx, p, false)
	if err != nil {
		return nil, err
	}
	app.Log = discardLog()
	handler, err := s.operatorHandler(ctx, app)
	if err != nil {
		return nil, errors.Join(err, app.Store.Close())
	}
	base := app.Issuer.String() + lanyard.PathManagement
	if s.Tenant != "" {
		base += "/tenants/" + url.PathEscape(s.Tenant)
	}
	return &apiClient{base: base, close: app.Store.Close, do: func(r *http.Request) (*http.Response, error) {
		w := &recorder{header: http.Header{}}
		handler.ServeHTTP(w, r.WithContext(adminapi.AsOperator(r.Context())))
		return w.response(), nil
	}}, nil
}

func (s apiSource) operatorHandler(ctx context.Context, app *App) (http.Handler, error) {
	if err := needCurrent(ctx, app.Store); err != nil {
		return nil, err
	}
	if err := app.prepare(ctx); err != nil {
		return nil, err
	}
	return newHandler(app)
}

// recorder keeps an answer in memory.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (w *recorder) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// Write implements http.ResponseWriter.
func (w *recorder) Write(data []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(data)
}

func (w *recorder) response() *http.Response {
	w.WriteHeader(http.StatusOK)
	return &http.Response{StatusCode: w.status, Header: w.header, Body: io.NopCloser(&w.body)}
}

// apiFault is a problem (RFC 9457) that the API answered with.
type apiFault struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	ID     string `json:"request_id"`
	Errors []struct {
		Location string `json:"location"`
		Message  string `json:"message"`
	} `json:"errors"`
}

// Error implements error with a line for each thing that is wrong.
func (f apiFault) Error() string {
	lines := []string{fmt.Sprintf("%s: %s (%d, request %s)", f.Code, f.Detail, f.Status, f.ID)}
	for _, e := range f.Errors {
		lines = append(lines, strings.TrimPrefix(e.Location, "body.")+": "+e.Message)
	}
	return strings.Join(lines, "\n")
}

// call sends one request and reads the answer, which is JSON; its numbers stay as they are written.
func (c *apiClient) call(ctx context.Context, method, path string, body any) (any, error) {
	var content io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(data)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, content)
	if err != nil {
		return nil, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if method == http.MethodPatch {
		r.Header.Set("Content-Type", "application/merge-patch+json")
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	answer, err := c.do(r)
	if err != nil {
		return nil, fmt.Errorf("call the API: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return readAnswer(answer.StatusCode, data)
}

func readAnswer(status int, data []byte) (any, error) {
	if status/100 != 2 {
		var fault apiFault
		if err := json.Unmarshal(data, &fault); err != nil || fault.Code == "" {
			return nil, fmt.Errorf("the server answered %d", status)
		}
		return nil, fault
	}
	if len(data) == 0 {
		return nil, nil //nolint:nilnil // 204 has no body
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var out any
	if err := decoder.Decode(&out); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return out, nil
}
