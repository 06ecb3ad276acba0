package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
)

// documents are the texts for people, by their path in the repository.
func documents(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/adr/*.md", "examples/*.md", "examples/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(testkit.Root(), pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range found {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			out[file] = string(text)
		}
	}
	return out
}

var (
	documentLink   = regexp.MustCompile(`\]\(([^)#:]+)(?:#([a-z0-9-]+))?\)`)
	documentedVerb = regexp.MustCompile(`(?m)^(?:\w+=\$\()?lanyard ([a-z-]+)(?: ([a-z0-9-]+))?`)
)

// TestDocumentsLinkToWhatIsThere, files and headings.
func TestDocumentsLinkToWhatIsThere(t *testing.T) {
	all := documents(t)
	for file, text := range all {
		for _, link := range documentLink.FindAllStringSubmatch(text, -1) {
			target := filepath.Join(filepath.Dir(file), link[1])
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			if heading := strings.ReplaceAll(link[2], "-", " "); heading != "" && !strings.Contains(strings.ToLower(all[target]), "\n## "+heading+"\n") {
				t.Errorf("%s: %s has no heading %q", file, link[1], heading)
			}
		}
	}
}

// TestDocumentedCommandsExist: what the documents let people type is known to the program.
func TestDocumentedCommandsExist(t *testing.T) {
	help, err := exec.CommandContext(t.Context(), testkit.Binary(t), "--help").CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range documents(t) {
		for _, typed := range documentedVerb.FindAllStringSubmatch(text, -1) {
			known := strings.Contains(string(help), "\n  "+typed[1]+" [flags]") || strings.Contains(string(help), "\n  "+typed[1]+" "+typed[2]+" ") ||
				strings.Contains(string(help), "\n  "+typed[1]+" -") || strings.Contains(string(help), "\n  "+typed[1]+" <")
			if !known {
				t.Errorf("%s: there is no command %q", file, typed[0])
			}
		}
	}
}

// documentedFlag is a flag in a command that a document lets people type.
var documentedFlag = regexp.MustCompile(`(?m)^lanyard ([a-z-]+(?: [a-z-]+)?)[^#\n]* (--[a-z-]+)`)

// TestOperatorsFlagsExist: so do the flags that docs/operate.md names.
func TestOperatorsFlagsExist(t *testing.T) {
	text := documents(t)[filepath.Join(testkit.Root(), "docs", "operate.md")]
	seen := map[string]bool{}
	for text != "" {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		for typed := documentedFlag.FindStringSubmatch(line); typed != nil; typed = documentedFlag.FindStringSubmatch(line) {
			line = line[:strings.LastIndex(line, typed[2])]
			seen[typed[1]+" "+typed[2]] = true
		}
	}
	if len(seen) < 5 {
		t.Fatalf("only %v", seen)
	}
	for typed := range seen {
		words := strings.Fields(typed)
		help, err := exec.CommandContext(t.Context(), testkit.Binary(t), append(words[:len(words)-1:len(words)-1], "--help")...).CombinedOutput()
		if flag := words[len(words)-1]; err != nil || !strings.Contains(string(help), flag) {
			t.Errorf("there is no %s (%v)", typed, err)
		}
	}
}

// TestManagementDocumentIsComplete has every permission, by itself or in short.
func TestManagementDocumentIsComplete(t *testing.T) {
	text := documents(t)[filepath.Join(testkit.Root(), "docs", "management.md")]
	for _, permission := range lanyard.AdministrationPermissions {
		manage, reads := strings.CutSuffix(permission, ":read")
		if !strings.Contains(text, "`"+permission+"`") && (!reads || !strings.Contains(text, "`"+manage+":manage`, `:read`")) {
			t.Errorf("nothing is said about %s", permission)
		}
	}
}

// TestDocumentedVerificationOfWebhooks takes what the server signs, and nothing else.
func TestDocumentedVerificationOfWebhooks(t *testing.T) {
	text := documents(t)[filepath.Join(testkit.Root(), "docs", "management.md")]
	secret, at, body := lanyard.NewWebhookSecret(), time.Now(), `{"type":"user.created"}`
	folder := t.TempDir()
	for language, c := range map[string]struct {
		file, before, after string
		run                 []string
	}{
		"go": {"main.go", "package main\nimport (\"crypto/hmac\";\"crypto/sha256\";\"encoding/base64\";\"errors\";\"fmt\";\"net/http\";\"os\";\"strconv\";\"strings\";\"time\")\n", `
func main() {
	h := http.Header{}
	h.Set("webhook-id", "evt_1")
	h.Set("webhook-timestamp", os.Args[2])
	h.Set("webhook-signature", "v1,other "+os.Args[3])
	if verify(os.Args[1], h, []byte(os.Args[4]), time.Now()) != nil {
		os.Exit(3)
	}
}`, []string{"go", "run"}},
		"js": {"verify.mjs", "", `
const [secret, sent, signature, body] = process.argv.slice(2)
try {
  verify(secret, { 'webhook-id': 'evt_1', 'webhook-timestamp': sent, 'webhook-signature': 'v1,other ' + signature }, body)
} catch { process.exit(3) }`, []string{testkit.Need(t, "node")}},
	} {
		_, code, found := strings.Cut(text, "```"+language+"\n")
		code, _, closed := strings.Cut(code, "\n```")
		if !found || !closed {
			t.Fatalf("there is no code in %s", language)
		}
		program := filepath.Join(folder, c.file)
		if err := os.WriteFile(program, []byte(c.before+code+c.after), 0o600); err != nil {
			t.Fatal(err)
		}
		for name, tried := range map[string]struct {
			sent time.Time
			body string
			good bool
		}{"as it was sent": {at, body, true}, "another body": {at, body + " ", false}, "an old one": {at.Add(-time.Hour), body, false}} {
			signature, err := lanyard.SignWebhook(secret, "evt_1", tried.sent, []byte(body))
			if err != nil {
				t.Fatal(err)
			}
			args := slices.Concat(c.run[1:], []string{program, secret.Reveal(), strconv.FormatInt(tried.sent.Unix(), 10), signature, tried.body})
			out, err := exec.CommandContext(t.Context(), c.run[0], args...).CombinedOutput()
			if (err == nil) != tried.good {
				t.Errorf("%s, %s: %v\n%s", language, name, err, out)
			}
		}
	}
}
