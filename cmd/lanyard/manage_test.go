package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// instance is a database of its own for commands that work on one.
func instance(t *testing.T) []string {
	t.Helper()
	environ := []string{
		"LANYARD_DATABASE_URL=sqlite:" + filepath.Join(t.TempDir(), "lanyard.db"), "LANYARD_SERVER_ISSUER=https://id.example.test",
		"LANYARD_KEYS_MASTER_KEY=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
	}
	if code, _, errOut := command(t, environ, "migrate", "up"); code != exitOK {
		t.Fatal(errOut)
	}
	return environ
}

func TestThingsAreManagedOnTheDatabase(t *testing.T) {
	environ := instance(t)
	code, out, errOut := command(t, environ, "resource", "create", "--database", "-o", "json", "identifier=https://lamps.example.test", `scopes=[{"name":"light"}]`)
	var made struct{ ID, Identifier string }
	if err := json.Unmarshal([]byte(out), &made); code != exitOK || err != nil || made.Identifier != "https://lamps.example.test" {
		t.Fatal(code, out, errOut)
	}
	for _, c := range []struct {
		what string
		args []string
		code int
		says string
	}{
		{"changed", []string{"resource", "update", "--database", made.ID, "name=Lamps"}, exitOK, "Lamps"},
		{"listed", []string{"resource", "list", "--database"}, exitOK, "IDENTIFIER"},
		{"shown as YAML", []string{"resource", "get", "--database", "-o", "yaml", made.ID}, exitOK, "identifier: https://lamps.example.test"},
		{"an unknown member", []string{"resource", "create", "--database", "nope=1"}, exitUsage, "known are identifier"},
		{"a secret in the arguments", []string{"client", "create", "--database", "client_secret=abc"}, exitUsage, "@FILE"},
		{"not there", []string{"resource", "get", "--database", "res_never"}, exitFailure, "not_found"},
		{"removed without a word", []string{"resource", "delete", "--database", made.ID}, exitUsage, "--yes"},
		{"removed", []string{"resource", "delete", "--database", "--yes", made.ID}, exitOK, ""},
		{"nowhere", []string{"resource", "list"}, exitUsage, "--api"},
		{"without a token", []string{"resource", "list", "--api", "https://id.example.test"}, exitUsage, "an access token is needed"},
		{"in no organization", []string{"member", "list", "--database"}, exitUsage, "--org"},
	} {
		code, out, errOut := command(t, environ, c.args...)
		if code != c.code || !strings.Contains(out+errOut, c.says) {
			t.Errorf("%s: %d\n%s%s", c.what, code, out, errOut)
		}
	}
}

func TestAFileGoesOutAndIn(t *testing.T) {
	environ := instance(t)
	if code, _, errOut := command(t, environ, "resource", "create", "--database", "identifier=https://lamps.example.test"); code != exitOK {
		t.Fatal(errOut)
	}
	file := filepath.Join(t.TempDir(), "out.yaml")
	if code, _, errOut := command(t, environ, "export", "-f", file); code != exitOK {
		t.Fatal(errOut)
	}
	if code, out, errOut := command(t, environ, "diff", "-f", file); code != exitOK || out != "" {
		t.Errorf("differs from itself: %d %s%s", code, out, errOut)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	other := instance(t)
	if code, out, _ := command(t, other, "diff", "-f", file); code != exitDifferent || !strings.Contains(out, "default: + resources[https://lamps.example.test].identifier: https://lamps.example.test") {
		t.Errorf("an empty database: %d %s", code, out)
	}
	if code, _, errOut := command(t, other, "apply", "-f", file); code != exitOK {
		t.Fatal(errOut)
	}
	if code, out, _ := command(t, other, "export"); code != exitOK || out != string(text) {
		t.Errorf("exported again:\n%s\nnot\n%s", out, text)
	}
}

// The columns and paths of the nouns are those that the API's own document has.
func TestNounsAreThoseOfTheAPI(t *testing.T) {
	code, out, errOut := command(t, instance(t), "api", "GET", "/openapi.json", "--database", "-o", "json")
	var document any
	if err := json.Unmarshal([]byte(out), &document); code != exitOK || err != nil {
		t.Fatal(errOut, err)
	}
	paths, _ := memberOf(document, "paths").(map[string]any)
	for name, n := range nouns {
		path := n.path
		if n.in {
			path = "/organizations/{organization}" + path
		}
		if name != "refusal" {
			page := resolved(document, memberOf(responseOf(paths[path], "get"), "schema"))
			item := resolved(document, memberOf(page, "properties.items.items"))
			properties, _ := memberOf(item, "properties").(map[string]any)
			for _, column := range n.columns {
				if properties[column] == nil {
					t.Errorf("%s has no %s: %v", name, column, sortedNames(properties))
				}
			}
		}
		if name == "event" {
			continue
		}
		found := false
		for known := range paths {
			found = found || (strings.HasPrefix(known, path+"/{") && strings.HasSuffix(known, "}") && strings.Count(known, "/") == strings.Count(path, "/")+1)
		}
		if !found {
			t.Errorf("%s: nothing is below %s", name, path)
		}
	}
}

// responseOf is the body of a successful answer.
func responseOf(path any, method string) any {
	operation, _ := path.(map[string]any)
	responses, _ := memberOf(operation[method], "responses").(map[string]any)
	content, _ := memberOf(responses["200"], "content").(map[string]any)
	return content["application/json"]
}

// A machine's credentials are enough for the command line to work through the network.
func TestThingsAreManagedOverTheAPI(t *testing.T) {
	server, report := dev(t, "--memory", "--seed", write(t, "seed.yaml", `
version: 1
tenants:
  - slug: default
    roles: [{name: boss, permissions: ["tenant:manage"]}]
    clients: [{client_id: robot, type: machine, client_secret: robot-secret-0123456789-0123456789-01, roles: [boss], resources: ["urn:lanyard:management"]}]
`))
	defer server.end()
	secret := write(t, "secret", "robot-secret-0123456789-0123456789-01\n")
	environ := []string{"LANYARD_API=" + report.Issuer, "LANYARD_CLIENT_ID=robot", "LANYARD_CLIENT_SECRET_FILE=" + secret}
	password := write(t, "password", "a navy of nanoseconds 1952\n")
	code, out, errOut := command(t, environ, "user", "create", "-o", "json", "email=grace@example.test", "email_verified=true", "name=Grace Hopper", "password=@"+password)
	var made struct{ ID, Name string }
	if err := json.Unmarshal([]byte(out), &made); code != exitOK || err != nil || made.Name != "Grace Hopper" {
		t.Fatal(code, out, errOut)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"user", "list", "--search", "grace"}, exitOK, "grace@example.test"},
		{[]string{"user", "list", "--limit", "1"}, exitOK, "EMAIL"},
		{[]string{"user", "update", made.ID, "disabled=true", "nickname=Amazing"}, exitOK, "Amazing"},
		{[]string{"api", "GET", "/users/" + made.ID + "/authenticators"}, exitOK, "password"},
		{[]string{"tenant", "list"}, exitFailure, "not_allowed"},
		{[]string{"user", "list", "--tenant", "other"}, exitFailure, "not_allowed"},
		{[]string{"key", "list"}, exitOK, "RS256"},
		{[]string{"user", "delete", "--yes", made.ID}, exitOK, ""},
		{[]string{"event", "list", "--filter", "type=user.deleted"}, exitOK, "robot"},
	} {
		code, out, errOut := command(t, environ, c.args...)
		if code != c.code || !strings.Contains(out+errOut, c.says) || strings.Contains(out+errOut, "robot-secret") {
			t.Errorf("%v: %d\n%s%s", c.args, code, out, errOut)
		}
	}
	wrong := []string{"LANYARD_API=" + report.Issuer, "LANYARD_CLIENT_ID=robot", "LANYARD_CLIENT_SECRET=wrong-secret-0123456789-0123456789-01"}
	if code, _, errOut := command(t, wrong, "user", "list"); code != exitFailure || !strings.Contains(errOut, "invalid_client") {
		t.Error(code, errOut)
	}
}

// What somebody else chose can neither steer a terminal nor turn its text around.
func TestCellsAreHarmless(t *testing.T) {
	if got := cell("a\x1b[31mb\u0085c\u202ed\u2066e\nf"); got != "a [31mb c d e f" {
		t.Errorf("%q", got)
	}
}

// The operator of the database has a name that no client can have.
func TestOperatorIsNobodysName(t *testing.T) {
	environ := instance(t)
	if code, _, errOut := command(t, environ, "resource", "create", "--database", "identifier=https://lamps.example.test"); code != exitOK {
		t.Fatal(errOut)
	}
	if _, out, errOut := command(t, environ, "event", "list", "--database", "--filter", "type=resource.updated"); !strings.Contains(out, "@operator") {
		t.Error(out, errOut)
	}
	if code, _, _ := command(t, environ, "client", "create", "--database", "client_id=@operator", "type=machine"); code != exitFailure {
		t.Error("a client has the operator's name")
	}
}

// TestKeysRotateByCommand: a second time right after the first is refused with the moment from
// which it can be done, and forced. A revocation waits for nobody.
func TestKeysRotateByCommand(t *testing.T) {
	environ := instance(t)
	rotate := []string{"key", "rotate", "--database", "--algorithm", "ES256"}
	if code, _, errOut := command(t, environ, rotate...); code != exitOK {
		t.Fatal(code, errOut)
	}
	if code, _, errOut := command(t, environ, rotate...); code != exitFailure || !strings.Contains(errOut, "can sign from ") {
		t.Errorf("at once: %d %s", code, errOut)
	}
	code, out, errOut := command(t, environ, append(rotate, "--force", "-o", "json")...)
	var key struct{ ID, State string }
	if err := json.Unmarshal([]byte(out), &key); code != exitOK || err != nil || key.State != "active" {
		t.Fatal(code, out, errOut)
	}
	code, out, errOut = command(t, environ, "key", "delete", "--database", "--yes", "-o", "json", key.ID)
	var next struct{ ID, State string }
	if err := json.Unmarshal([]byte(out), &next); code != exitOK || err != nil || next.State != "active" || next.ID == key.ID {
		t.Error(code, out, errOut)
	}
}

// TestThingsAreTurnedOffByCommand, as docs/operate.md says.
func TestThingsAreTurnedOffByCommand(t *testing.T) {
	environ := instance(t)
	create := func(noun string, members ...string) string {
		t.Helper()
		code, out, errOut := command(t, environ, append([]string{noun, "create", "--database", "-o", "json"}, members...)...)
		var made struct {
			ID       string
			ClientID string `json:"client_id"`
			Slug     string
		}
		if err := json.Unmarshal([]byte(out), &made); code != exitOK || err != nil {
			t.Fatal(noun, code, out, errOut)
		}
		return made.Slug + made.ID + made.ClientID
	}
	create("tenant", "slug=acme", "name=Acme")
	create("org", "slug=lamps", "name=Lamps")
	for noun, c := range map[string]struct{ id, member string }{
		"tenant": {"acme", "suspended=true"}, "org": {"lamps", "suspended=true"},
		"user":   {create("user", "email=ada@example.test"), "disabled=true"},
		"client": {create("client", "client_id=shop", "type=web", "redirect_uris=https://shop.example.com/callback"), "disabled=true"},
	} {
		if code, out, errOut := command(t, environ, noun, "update", "--database", c.id, c.member); code != exitOK || !strings.Contains(out, "true") {
			t.Errorf("%s: %d %s%s", noun, code, out, errOut)
		}
	}
}
