package testkit

import (
	"slices"
	"testing"
)

// DevServer is a running development server and what it said of itself.
type DevServer struct {
	*Process `json:"-"`

	Issuer  string      `json:"issuer"`
	Ops     string      `json:"ops"` // base URL of the operations listener
	Console string      `json:"console"`
	Outbox  string      `json:"outbox"`
	Tenants []DevTenant `json:"tenants"`
	Users   []DevUser   `json:"users"`
	Clients []DevClient `json:"clients"`
}

// DevTenant is a seeded tenant.
type DevTenant struct {
	Slug   string `json:"slug"`
	Issuer string `json:"issuer"`
}

// DevUser is a seeded person.
type DevUser struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// DevClient is a seeded client.
type DevClient struct {
	ID           string   `json:"client_id"`
	Secret       string   `json:"client_secret"`
	Type         string   `json:"type"`
	RedirectURIs []string `json:"redirect_uris"`
}

// Dev starts a development server in memory on a free port, with further
// arguments of lanyard dev, and waits until it is ready. It is stopped after the
// test.
func Dev(t testing.TB, args ...string) *DevServer {
	t.Helper()
	args = append([]string{"dev", "--json", "--memory", "--listen", "127.0.0.1:0"}, args...)
	server := &DevServer{Process: Run(t, Command{
		Path: Binary(t),
		Args: args,
		Dir:  t.TempDir(),
		Env:  []string{"TMPDIR=" + t.TempDir()},
	})}
	server.Next(t, server)
	if server.Issuer == "" {
		t.Fatal("the first line of the development server names no issuer")
	}
	return server
}

// Client returns a seeded client by its id, or fails the test.
func (s *DevServer) Client(t testing.TB, id string) DevClient {
	t.Helper()
	i := slices.IndexFunc(s.Clients, func(c DevClient) bool { return c.ID == id })
	if i < 0 {
		t.Fatalf("no client %q is seeded", id)
	}
	return s.Clients[i]
}
