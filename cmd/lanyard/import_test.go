package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

func TestUsersComeOverWithTheirPasswords(t *testing.T) {
	environ := instance(t)
	hash, err := bcrypt.GenerateFromPassword([]byte("notes-on-the-engine"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	table.WriteString("sub,email,name,password_hash\n")
	table.WriteString("ada-subject,ada@example.test,Ada," + string(hash) + "\n")
	for range 3 {
		table.WriteString("bad subject,,,\n")
	}
	table.WriteString("bob-subject,bob@example.test,Bob,\n")
	file := write(t, "users.csv", table.String())
	code, out, errOut := command(t, environ, "import", "users", "-f", file, "--dry-run")
	if code != exitOK || !strings.Contains(out, "5 users") {
		t.Errorf("%d %s%s", code, out, errOut)
	}
	code, out, errOut = command(t, environ, "import", "users", "-f", file)
	if code != exitFailure || !strings.Contains(out, "2 created") || !strings.Contains(out, "3 refused") || strings.Count(errOut, "refused: bad subject") != 3 {
		t.Errorf("%d %s%s", code, out, errOut)
	}
	database, _ := strings.CutPrefix(environ[0], "LANYARD_DATABASE_URL=")
	store, err := storage.Open(t.Context(), storage.Config{URL: database})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	tenant, err := store.TenantBySlug(t.Context(), "default")
	if err != nil {
		t.Fatal(err)
	}
	found, err := store.Tenant(tenant.ID).CredentialsByName(t.Context(), "ada@example.test")
	if err != nil || found.User.Subject != "ada-subject" {
		t.Fatal(found.User, err)
	}
	if matches, _, err := accounts.NewHasher().Verify(t.Context(), found.PasswordHash, lanyard.SecretOf("notes-on-the-engine")); err != nil || !matches {
		t.Errorf("the password is not the one that it was: %v", err)
	}
}

func TestARealmComesOver(t *testing.T) {
	environ := instance(t)
	file := write(t, "realm.json", `{"roles":{"realm":[{"name":"clerk"}]},"users":[{"id":"1","username":"ada","email":"ada@example.test","realmRoles":["clerk"]}],
		"clients":[{"clientId":"spa","publicClient":true,"redirectUris":["https://spa.test/cb"]}],"organizations":[{"name":"Acme","alias":"acme","members":[{"username":"ada"}]}]}`)
	code, out, errOut := command(t, environ, "import", "keycloak", "-f", file)
	if code != exitOK || !strings.Contains(out, "0 refused") {
		t.Fatal(code, out, errOut)
	}
	_, out, _ = command(t, environ, "export")
	for _, line := range []string{"sub: \"1\"", "client_id: spa", "slug: acme", "- clerk", "user: \"1\""} {
		if !strings.Contains(out, line) {
			t.Errorf("%s is not in\n%s", line, out)
		}
	}
}

func TestDoctorSaysWhatToDo(t *testing.T) {
	environ := instance(t)
	environ[1] = "LANYARD_SERVER_ISSUER=https://localhost:9" // where nobody answers
	code, out, _ := command(t, environ, "doctor")
	if code != exitFailure {
		t.Errorf("nothing is broken: %s", out)
	}
	for _, line := range []string{"ok       schema", "warning  keys", "failure  issuer", "warning  proxy", "warning  mail", "start the server", "failure  certificate"} {
		if !strings.Contains(out, line) {
			t.Errorf("%q is not in\n%s", line, out)
		}
	}
	pending := []string{"LANYARD_DATABASE_URL=sqlite:" + filepath.Join(t.TempDir(), "new.db"), environ[1], environ[2]}
	if _, out, _ := command(t, pending, "doctor", "-o", "json"); !strings.Contains(out, "migrate up") {
		t.Error(out)
	}
}

func TestShellsComplete(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		code, out, errOut := command(t, nil, "completion", shell)
		if code != exitOK || !strings.Contains(out, "setup-link") || !strings.Contains(out, "search") {
			t.Errorf("%s: %d %s%.200s", shell, code, errOut, out)
		}
	}
	if code, _, _ := command(t, nil, "completion", "tcsh"); code != exitUsage {
		t.Error("another shell: ", code)
	}
	if _, err := os.Stat("/bin/bash"); err != nil {
		t.Fatal("a bash is needed to try the completion:", err)
	}
}
