package deploy

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// stage is one FROM of a Dockerfile and what follows it.
type stage struct {
	from, name string
	flags      map[string]string
	steps      []step
}

// step is one instruction, its flags cut off.
type step struct {
	line  int
	name  string
	flags map[string][]string
	// words are the arguments: those of the exec form, or the text split at blanks.
	words []string
	// text is the rest of the line as it stands.
	text string
	exec bool
}

// instructions are those that our Dockerfile may use, with the flags that they may have.
var instructions = map[string][]string{
	"FROM": {"platform"}, "ARG": nil, "ENV": nil, "LABEL": nil, "WORKDIR": nil, "USER": nil, "EXPOSE": nil, "ENTRYPOINT": nil, "CMD": nil,
	"RUN": {"mount"}, "COPY": {"from", "chown"}, "HEALTHCHECK": {"interval", "timeout", "start-period", "retries"},
}

// parseDockerfile reads the subset of the language that we use, and refuses everything else.
func parseDockerfile(text string) ([]stage, error) {
	var stages []stage
	lines := strings.Split(text, "\n")
	for at := 0; at < len(lines); at++ {
		first := at + 1
		line := strings.TrimSpace(lines[at])
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		for strings.HasSuffix(line, "\\") && at+1 < len(lines) {
			at++
			line = strings.TrimSpace(strings.TrimSuffix(line, "\\")) + " " + strings.TrimSpace(lines[at])
		}
		s, err := parseStep(first, line)
		if err != nil {
			return nil, err
		}
		if s.name == "FROM" {
			if len(s.words) != 1 && (len(s.words) != 3 || s.words[1] != "AS") {
				return nil, fmt.Errorf("line %d: FROM image [AS name]", first)
			}
			next := stage{from: s.words[0], flags: map[string]string{}}
			if len(s.words) == 3 {
				next.name = s.words[2]
			}
			for name, values := range s.flags {
				next.flags[name] = values[0]
			}
			stages = append(stages, next)
			continue
		}
		if len(stages) == 0 {
			return nil, fmt.Errorf("line %d: %s before FROM", first, s.name)
		}
		last := &stages[len(stages)-1]
		last.steps = append(last.steps, s)
	}
	return stages, nil
}

func parseStep(number int, line string) (step, error) {
	name, rest, _ := strings.Cut(line, " ")
	s := step{line: number, name: name, flags: map[string][]string{}, text: strings.TrimSpace(rest)}
	known, ok := instructions[name]
	if !ok {
		return s, fmt.Errorf("line %d: unknown instruction %s", number, name)
	}
	for strings.HasPrefix(s.text, "--") {
		flag, rest, _ := strings.Cut(s.text, " ")
		key, value, hasValue := strings.Cut(strings.TrimPrefix(flag, "--"), "=")
		if !slices.Contains(known, key) || !hasValue {
			return s, fmt.Errorf("line %d: %s has no flag %s", number, name, flag)
		}
		s.flags[key], s.text = append(s.flags[key], value), strings.TrimSpace(rest)
	}
	if s.text == "" {
		return s, fmt.Errorf("line %d: %s has no argument", number, name)
	}
	form := s.text
	if name == "HEALTHCHECK" {
		var ok bool
		if form, ok = strings.CutPrefix(s.text, "CMD "); !ok {
			return s, fmt.Errorf("line %d: HEALTHCHECK has a CMD", number)
		}
	}
	if strings.HasPrefix(form, "[") {
		s.exec = true
		if err := json.Unmarshal([]byte(form), &s.words); err != nil {
			return s, fmt.Errorf("line %d: %s: %w", number, name, err)
		}
		return s, nil
	}
	s.words = strings.Fields(form)
	return s, nil
}

// all gives the steps of a name.
func (s stage) all(name string) []step {
	var out []step
	for _, step := range s.steps {
		if step.name == name {
			out = append(out, step)
		}
	}
	return out
}

// one gives the only step of a name.
func (s stage) one(t testing.TB, name string) step {
	t.Helper()
	found := s.all(name)
	if len(found) != 1 {
		t.Fatalf("stage %q has %d %s, want one", s.name, len(found), name)
	}
	return found[0]
}

// ignored is the list of a .dockerignore.
type ignored []struct {
	pattern *regexp.Regexp
	keep    bool
}

// parseIgnore reads a .dockerignore: the last pattern that fits a path or a folder above it counts.
func parseIgnore(text string) (ignored, error) {
	var out ignored
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		line, keep := strings.CutPrefix(line, "!")
		expr := regexp.QuoteMeta(path.Clean(strings.TrimPrefix(line, "/")))
		expr = strings.ReplaceAll(expr, `\*\*/`, `(.*/)?`)
		expr = strings.ReplaceAll(expr, `\*`, `[^/]*`)
		pattern, err := regexp.Compile("^" + expr + "(/|$)")
		if err != nil {
			return nil, err
		}
		out = append(out, struct {
			pattern *regexp.Regexp
			keep    bool
		}{pattern, keep})
	}
	return out, nil
}

func (i ignored) has(name string) bool {
	out := false
	for _, p := range i {
		if p.pattern.MatchString(name) {
			out = !p.keep
		}
	}
	return out
}

// copyContext copies what a build would be given into a folder.
func (i ignored) copyContext(t testing.TB, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		if below != "." && i.has(filepath.ToSlash(below)) {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		target := filepath.Join(to, below)
		if entry.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		return copyFile(name, target, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func copyFile(from, to string, mode fs.FileMode) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, mode)
}

func TestDockerfileParserIsStrict(t *testing.T) {
	for text, want := range map[string]string{
		"FROM a\nADD b /": "unknown instruction ADD", "FROM a\nCOPY --link b /": "no flag --link", "RUN x": "before FROM", "FROM a\nCMD [x]": "line 2",
		"FROM a\nUSER": "no argument", "FROM a\nHEALTHCHECK NONE": "has a CMD", "FROM a b": "FROM image", "from a": "unknown instruction from",
	} {
		if _, err := parseDockerfile(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestIgnoreFileIsReadAsTheEngineReadsIt(t *testing.T) {
	list, err := parseIgnore("# no\n.git\n**/node_modules\n**/*.db-*\ncoverage*\ndocs\n!docs/keep.md\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		".git": true, ".git/config": true, ".gitignore": false, "a/node_modules/b.js": true, "node_modules": true, "a/x.db-wal": true, "a/x.db": false,
		"coverage.out": true, "a/coverage": false, "docs/a.md": true, "docs/keep.md": false, "docsy": false,
	} {
		if list.has(name) != want {
			t.Errorf("%s: ignored is %v", name, !want)
		}
	}
}
