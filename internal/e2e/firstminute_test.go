package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/lanyard-id/lanyard/internal/testkit"
)

// What somebody does who has just started the development server: open its
// address, try a sign-in, look at the tokens.
func TestFirstMinute(t *testing.T) {
	server := testkit.Dev(t)
	person := openBrowser(t)
	person.open(server.Issuer + "/")
	person.do("follow the link to the little app", chromedp.Click(`a[href$="/dev/try"]`, chromedp.ByQuery))
	person.click("try-start")
	person.signIn(server.Users[0])

	if name := person.sees("#try-name"); !strings.Contains(name, "Ada King Lovelace") {
		t.Errorf("the little app greets %q", name)
	}
	page := person.sees("main")
	for _, want := range []string{`"iss": "` + server.Issuer + `"`, `"email": "ada@example.test"`, "ID token", "Access token", "Refresh token"} {
		if !strings.Contains(page, want) {
			t.Errorf("the little app does not show %s:\n%s", want, page)
		}
	}
	person.click("try-refresh")
	person.click("try-userinfo")
	person.sees("#userinfo")
	person.click("try-logout")
	person.do("see the tokens go", chromedp.WaitNotPresent("#try-logout", chromedp.ByID))
	person.open(server.Issuer + "/dev/try")
	person.click("try-start")
	person.sees("#login-continue")
}

func TestDevelopmentServerInMemoryLeavesNothing(t *testing.T) {
	temporary, working := t.TempDir(), t.TempDir()
	server := testkit.Run(t, testkit.Command{
		Path: testkit.Binary(t),
		Args: []string{"dev", "--json", "--memory", "--listen", "127.0.0.1:0"},
		Env:  []string{"TMPDIR=" + temporary},
		Dir:  working,
	})
	server.Next(t, &testkit.DevServer{})
	if entries(t, temporary) == 0 {
		t.Error("the server keeps its data elsewhere: this test cannot see it")
	}
	if code := server.Stop(); code != 0 {
		t.Errorf("the server ended with %d", code)
	}
	if n := entries(t, temporary) + entries(t, working); n != 0 {
		t.Errorf("%d files are left", n)
	}
}

func entries(t *testing.T, folder string) int {
	t.Helper()
	found, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}
