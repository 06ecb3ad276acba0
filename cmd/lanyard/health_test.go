package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/internal/clock"
)

// TestHealthTellsHowTheServerIs asks a real server with nothing of its configuration
// but the listener: neither database nor master key, whose file does not even exist.
func TestHealthTellsHowTheServerIs(t *testing.T) {
	r := run(t, clock.Real(), migrated(t), "serve")
	public, ops := r.serving()
	environ := []string{"LANYARD_OPERATIONS_LISTEN=" + strings.TrimPrefix(ops, "http://"), "LANYARD_KEYS_MASTER_KEY_FILE=/nonexistent",
		"LANYARD_SERVER_ISSUER=http://localhost:8080"}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"health"}, "alive\n"},
		{[]string{"health", "--ready"}, "ready\n"},
		{[]string{"health", "--discovery", public}, "http://localhost:8080 is served\n"},
	} {
		if code, out, errOut := command(t, environ, c.args...); code != exitOK || out != c.want || errOut != "" {
			t.Errorf("%v: got %d, %q, %q", c.args, code, out, errOut)
		}
	}
	other := with(environ, "LANYARD_SERVER_ISSUER=http://localhost:8080/other")
	if code, _, errOut := command(t, other, "health", "--discovery", public); code != exitFailure || !strings.Contains(errOut, "http://localhost:8080/other") {
		t.Errorf("another issuer: %d %q", code, errOut)
	}
}

// TestHealthAsksOverLoopback: a listener on every address is asked at 127.0.0.1 and [::1].
func TestHealthAsksOverLoopback(t *testing.T) {
	for listen, want := range map[string]string{
		":8081": "127.0.0.1:8081 [::1]:8081", "0.0.0.0:8081": "127.0.0.1:8081 [::1]:8081", "[::]:8081": "127.0.0.1:8081 [::1]:8081",
		"127.0.0.1:9": "127.0.0.1:9", "[::1]:9": "[::1]:9", "ops.internal:9": "ops.internal:9", "8081": "", ":": "", ":0": "",
	} {
		got, err := reachable(listen)
		if strings.Join(got, " ") != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %v, %v", listen, got, err)
		}
	}
}

func TestHealthFailsInOneClearLine(t *testing.T) {
	status := http.StatusServiceUnavailable
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "draining "+r.URL.Path, status)
	}))
	listen := "LANYARD_OPERATIONS_LISTEN=" + strings.TrimPrefix(server.URL, "http://")
	check := func(want string, code int, environ []string, args ...string) {
		t.Helper()
		got, out, errOut := command(t, environ, append([]string{"health"}, args...)...)
		if got != code || out != "" || strings.Count(errOut, "\n") != 1 || !strings.Contains(errOut, want) {
			t.Errorf("%v: got %d %q %q", args, got, out, errOut)
		}
	}
	check("/readyz answers 503: draining /readyz", exitFailure, []string{listen}, "--ready")
	check("/healthz answers 503: draining /healthz", exitFailure, []string{listen})
	status = http.StatusFound
	check("/healthz answers 302", exitFailure, []string{listen})
	check("server.issuer is missing", exitFailure, nil, "--discovery", server.URL)
	check("--discovery is an http URL", exitUsage, nil, "--discovery", "lanyard:80")
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, `{"issuer":"https://other.example.test"}`)
	}))
	defer other.Close()
	check(`names the issuer "https://other.example.test"`, exitFailure, []string{"LANYARD_SERVER_ISSUER=https://id.example.test"}, "--discovery", other.URL)
	server.Close()
	check("does not answer", exitFailure, []string{listen})
	check(`unknown variable "LANYARD_OPERATIONS_LISTN"`, exitFailure, []string{"LANYARD_OPERATIONS_LISTN=:1"})
	check(`"nonsense" is no address`, exitFailure, []string{"LANYARD_OPERATIONS_LISTEN=nonsense"})
}
