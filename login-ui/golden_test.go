package loginui_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	assetHash  = regexp.MustCompile(`(/assets/[a-z-]+(?:[0-9a-f]{6})?\.)[0-9a-f]{12}\.`)
	blankLines = regexp.MustCompile(`\n\s*\n+`)
)

// Golden: what people see, in English and in German.
func TestPagesLookAsKept(t *testing.T) {
	fresh := worlds(t)
	all := map[string][]pageCase{"": append(cases(t), servedCases()...), "dev-": devCases()}
	for prefix, list := range all {
		for _, c := range list {
			for _, lang := range []string{"en", "de"} {
				site := https
				if prefix != "" {
					site = local
				}
				w := fresh(site)
				rec := c.show(w, "&lang="+lang)
				if rec.Code != c.status {
					t.Errorf("%s %s: status %d, want %d", c.name, lang, rec.Code, c.status)
				}
				got := assetHash.ReplaceAllString(rec.Body.String(), "${1}HASH.")
				golden(t, prefix+c.name+"."+lang+".html", blankLines.ReplaceAllString(got, "\n"))
			}
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (run with -update if that is intended):\n%s", name, diff)
	}
}
