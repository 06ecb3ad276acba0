package lanyard_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/lanyard-id/lanyard"

// floors is the order of the house. A package imports from lower floors only,
// never from its own. A star stands for one further level.
var floors = [][]string{
	0: {".", "internal/clock", "tenants/adminapi/client"},
	1: {"storage", "internal/web", "internal/mail", "internal/fetch", "internal/strictyaml", "internal/strictjson"},
	2: {"tenants/accounts", "keys", "provider/session"},
	3: {"tenants", "tenants/organizations"},
	4: {"provider/token", "provider/federation", "tenants/manifest"},
	5: {"tenants/management", "tenants/imports", "provider/flow", "provider/federation/*", "internal/jobs"},
	6: {"provider", "login-ui", "login-ui/console", "tenants/adminapi"},
	7: {"internal/server"},
	8: {"cmd/lanyard"},
}

// forTests are packages that may import anything and that nothing else imports.
var forTests = []string{"deploy", "internal/testkit", "internal/testkit/*", "internal/e2e", "internal/e2e/*"}

// walls say which packages may import a library, a prefix of import paths. What
// is not listed here is free.
var walls = map[string][]string{
	"github.com/uptrace/bun":             {"storage"},
	"github.com/jackc/pgx":               {"storage"},
	"modernc.org/sqlite":                 {"storage"},
	"database/sql":                       {"storage"},
	"github.com/zitadel/oidc":            {"provider", "provider/*", "provider/federation/*"},
	"github.com/gin-gonic/gin":           {"provider", "login-ui", "login-ui/console", "tenants/adminapi", "cmd/lanyard", "internal/web"},
	"github.com/danielgtaylor/huma":      {"tenants/adminapi"},
	"github.com/go-jose/go-jose":         {"keys", "provider/token", "provider/federation"},
	"github.com/pquerna/otp":             {"tenants/accounts"},
	"github.com/go-webauthn/webauthn":    {"tenants/accounts"},
	"github.com/wneessen/go-mail":        {"internal/mail"},
	"github.com/chromedp":                {},
	"go.opentelemetry.io/otel":           {"internal/web", "storage", "internal/fetch", "internal/jobs", "cmd/lanyard"},
	"go.opentelemetry.io/otel/sdk":       {"cmd/lanyard"}, // what makes spans gets a tracer, and knows no collector
	"go.opentelemetry.io/otel/exporters": {"cmd/lanyard"},
	"math/rand":                          {"storage"}, // the jitter of a retry; ids and secrets come from the root package
	"github.com/lanyard-id/lanyard/storage": { // pages and endpoints call a deed instead
		"tenants/accounts", "keys", "provider/session", "tenants", "tenants/organizations", "provider/token", "provider/federation",
		"tenants/manifest", "tenants/management", "provider/flow", "provider/federation/*", "internal/jobs", "internal/server", "cmd/lanyard",
	},
}

// calls are functions that only some packages may use.
var calls = map[string]struct {
	functions []string
	only      []string
	instead   string
}{
	"time": {
		functions: []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"},
		only:      []string{"internal/clock", "cmd/lanyard"},
		instead:   "the injected clock",
	},
	"os": {
		functions: []string{"Getenv", "LookupEnv", "Environ", "ExpandEnv"},
		only:      []string{"cmd/lanyard"},
		instead:   "a field that cmd/lanyard fills",
	},
	"net/http": {
		functions: []string{"Get", "Head", "Post", "PostForm", "DefaultClient", "DefaultTransport", "ProxyFromEnvironment"},
		only:      []string{},
		instead:   "internal/fetch",
	},
}

// emptyNames say nothing about what a package holds.
var emptyNames = []string{"util", "utils", "common", "helper", "helpers", "types", "models", "service", "services", "misc", "base"}

// source is one package, its files without the tests.
type source struct {
	path  string // below the module, "." for the root
	files map[string]*ast.File
}

func TestImportsGoDown(t *testing.T) {
	for _, p := range sources(t) {
		for _, imported := range p.imports() {
			if complaint := upward(p.path, imported); complaint != "" {
				t.Error(complaint)
			}
		}
	}
}

func TestEveryPackageHasAFloorAndAPurpose(t *testing.T) {
	for _, p := range sources(t) {
		if floor(p.path) < 0 && !matches(forTests, p.path) {
			t.Errorf("%s has no floor: say in imports_test.go where it stands", p.path)
		}
		if slices.Contains(emptyNames, path.Base(p.path)) {
			t.Errorf("%s: name a package for what it holds", p.path)
		}
		if doc := p.files["doc.go"]; doc == nil || doc.Doc == nil {
			t.Errorf("%s has no doc.go with a comment on what it does and what it leaves to whom", p.path)
		}
	}
}

func TestLibrariesStayBehindTheirWalls(t *testing.T) {
	for _, p := range sources(t) {
		for _, imported := range p.imports() {
			if complaint := overWall(p.path, imported); complaint != "" {
				t.Error(complaint)
			}
		}
	}
}

func TestTimeEnvironmentAndNetworkAreInjected(t *testing.T) {
	for _, p := range sources(t) {
		for name, file := range p.files {
			for _, complaint := range forbiddenCalls(p.path, file) {
				t.Errorf("%s: %s", path.Join(p.path, name), complaint)
			}
		}
	}
}

// The rules are tried on a house that breaks each of them.
func TestRulesSeeWhatTheyForbid(t *testing.T) {
	for _, c := range []struct {
		rule           func(importer, imported string) string
		importer, what string
		allowed        bool
	}{
		{upward, "tenants", module + "/storage", true},
		{upward, "cmd/lanyard", module, true},
		{upward, "tenants", "fmt", true},
		{upward, "internal/e2e", module + "/cmd/lanyard", true},
		{upward, "storage", module + "/tenants", false},
		{upward, "keys", module + "/tenants/accounts", false},
		{upward, "provider/federation", module + "/provider/federation/google", false},
		{upward, "storage", module + "/internal/testkit", false},
		{upward, "storage", module + "/unknown", false},
		{upward, ".", module + "/internal/clock", false},
		{overWall, "storage", "github.com/uptrace/bun/dialect/pgdialect", true},
		{overWall, "provider/token", "github.com/zitadel/oidc/v3/pkg/op", true},
		{overWall, "tenants", "github.com/uptrace/bunny", true},
		{overWall, "internal/testkit", "github.com/jackc/pgx/v5", true},
		{overWall, "tenants", "github.com/uptrace/bun", false},
		{overWall, "login-ui", "github.com/zitadel/oidc/v3/pkg/oidc", false},
		{overWall, "provider", module + "/storage", false},
		{overWall, "storage", "go.opentelemetry.io/otel/trace", true},
		{overWall, "cmd/lanyard", "go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp", true},
		{overWall, "storage", "go.opentelemetry.io/otel/sdk/trace", false},
		{overWall, "provider", "go.opentelemetry.io/otel/trace", false},
		{overWall, "keys", "math/rand/v2", false},
		{overWall, "provider", "github.com/go-jose/go-jose/v4/jwt", false},
	} {
		if complaint := c.rule(c.importer, c.what); (complaint == "") != c.allowed {
			t.Errorf("%s importing %s: allowed should be %v, got %q", c.importer, c.what, c.allowed, complaint)
		}
	}
}

func TestForbiddenCallsAreSeenUnderAnyName(t *testing.T) {
	const text = `package p
import ("os"; "time"; c "time"; "net/http")
var a, b, d = time.Now(), c.Now, time.Second
var e = os.Getenv("X")
var f = http.DefaultClient
func g() { time := struct{ Nothing int }{}; _ = time.Nothing }
`
	file, err := parser.ParseFile(token.NewFileSet(), "p.go", text, 0)
	if err != nil {
		t.Fatal(err)
	}
	for where, want := range map[string]int{"tenants": 4, "internal/clock": 2, "cmd/lanyard": 1, "internal/testkit": 0} {
		if got := forbiddenCalls(where, file); len(got) != want {
			t.Errorf("in %s: got %v, want %d", where, got, want)
		}
	}
}

func upward(importer, imported string) string {
	below, ours := strings.CutPrefix(imported, module)
	if !ours || matches(forTests, importer) {
		return ""
	}
	below = path.Join(".", below)
	from, to := floor(importer), floor(below)
	switch {
	case from < 0: // a complaint of its own
		return ""
	case to < 0:
		return fmt.Sprintf("%s (floor %d) imports %s, which has no floor", importer, from, below)
	case to >= from:
		return fmt.Sprintf("%s (floor %d) imports %s (floor %d): imports go down", importer, from, below, to)
	}
	return ""
}

func overWall(importer, imported string) string {
	if matches(forTests, importer) {
		return ""
	}
	for library, allowed := range walls {
		inside := imported == library || strings.HasPrefix(imported, library+"/")
		if inside && !matches(allowed, importer) {
			return fmt.Sprintf("%s imports %s, which belongs to %v", importer, imported, allowed)
		}
	}
	return ""
}

func forbiddenCalls(importer string, file *ast.File) []string {
	if matches(forTests, importer) {
		return nil
	}
	imported := map[string]string{} // name in the file to import path
	for _, spec := range file.Imports {
		target := importPath(spec)
		name := path.Base(target)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imported[name] = target
	}
	var complaints []string
	ast.Inspect(file, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		name, ok := selector.X.(*ast.Ident)
		if !ok {
			return true
		}
		rule, ruled := calls[imported[name.Name]]
		if ruled && slices.Contains(rule.functions, selector.Sel.Name) && !matches(rule.only, importer) {
			complaints = append(complaints, fmt.Sprintf("%s.%s: use %s", name.Name, selector.Sel.Name, rule.instead))
		}
		return true
	})
	return complaints
}

func floor(where string) int {
	for number, packages := range floors {
		if matches(packages, where) {
			return number
		}
	}
	return -1
}

func matches(patterns []string, where string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, _ := path.Match(pattern, where)
		return ok
	})
}

func (s source) imports() []string {
	var all []string
	for _, file := range s.files {
		for _, spec := range file.Imports {
			all = append(all, importPath(spec))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func importPath(spec *ast.ImportSpec) string {
	text, _ := strconv.Unquote(spec.Path.Value)
	return text
}

// sources reads every package of the module.
func sources(t *testing.T) []source {
	t.Helper()
	all, err := readOnce()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var readOnce = sync.OnceValues(func() ([]source, error) {
	found := map[string]source{}
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return descend(name)
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		where := filepath.ToSlash(filepath.Dir(name))
		if found[where].files == nil {
			found[where] = source{path: where, files: map[string]*ast.File{}}
		}
		found[where].files[filepath.Base(name)] = file
		return nil
	})
	var all []source
	for _, p := range found {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b source) int { return strings.Compare(a.path, b.path) })
	return all, err
})

// descend leaves out what the go command leaves out, and modules of their own.
func descend(folder string) error {
	base := filepath.Base(folder)
	if folder == "." {
		return nil
	}
	if strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || slices.Contains([]string{"testdata", "node_modules", "data", "bin"}, base) {
		return fs.SkipDir
	}
	if modules, _ := filepath.Glob(filepath.Join(folder, "go.mod")); len(modules) > 0 {
		return fs.SkipDir
	}
	return nil
}

func TestSourcesFindThisModule(t *testing.T) {
	var found []string
	for _, p := range sources(t) {
		if matches([]string{".", "internal/clock", "internal/testkit"}, p.path) {
			found = append(found, p.path)
		}
	}
	if diff := cmp.Diff([]string{".", "internal/clock", "internal/testkit"}, found); diff != "" {
		t.Error(diff)
	}
}
