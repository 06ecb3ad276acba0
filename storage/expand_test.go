package storage_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// beforeRelease is the newest migration that no released program ever ran beside: until then
// a contraction needed only a word of why.
const beforeRelease = "20261122000001"

// contraction marks a statement that a program of the release before could not live with, were
// it not for what an earlier migration did: -- contract 20270101000001: nothing reads it since.
var contraction = regexp.MustCompile(`(?m)^-- contract (unreleased|\d{14}): (\S.*)$`)

// unsafe are statements under which a program of the release before may fail: what it reads or
// writes is gone or has another shape, or it is refused something it always did.
var unsafe = map[string]*regexp.Regexp{
	"takes a table away":       regexp.MustCompile(`(?i)\bDROP\s+TABLE\s+(?:IF\s+EXISTS\s+)?(\w+)`),
	"takes a column away":      regexp.MustCompile(`(?i)\bALTER\s+TABLE\b[^;]*?\bDROP\s+(?:COLUMN\b|(\w+))`),
	"renames":                  regexp.MustCompile(`(?i)\bRENAME\b`),
	"changes a type":           regexp.MustCompile(`(?i)\bALTER\s+(?:COLUMN\s+)?\w+\s+(?:SET\s+DATA\s+)?TYPE\b`),
	"wants a value":            regexp.MustCompile(`(?i)\bSET\s+NOT\s+NULL\b`),
	"takes a default away":     regexp.MustCompile(`(?i)\bDROP\s+DEFAULT\b`),
	"adds a rule":              regexp.MustCompile(`(?i)\bALTER\s+TABLE\s+\w+\s+ADD\s+(?:CONSTRAINT|CHECK|UNIQUE|FOREIGN|PRIMARY)\b`),
	"takes an index away":      regexp.MustCompile(`(?i)\bDROP\s+INDEX\b`),
	"adds uniqueness":          regexp.MustCompile(`(?i)\bCREATE\s+UNIQUE\s+INDEX\s+(?:IF\s+NOT\s+EXISTS\s+)?\w+\s+ON\s+(\w+)`),
	"adds a column to be told": regexp.MustCompile(`(?is)\bALTER\s+TABLE\b.*\bADD\b.*\bNOT\s+NULL\b`),
	"deletes":                  regexp.MustCompile(`(?i)^\s*(?:DELETE|TRUNCATE)\b`),
}

// complaints lists what in a migration an older program could not survive, by statement.
func complaints(name, text string, earlier []string) []string {
	var out []string
	for part := range strings.SplitSeq(text, "--bun:split") {
		marked := contraction.FindStringSubmatch(part)
		switch {
		case marked == nil:
		case marked[1] == "unreleased" && name > beforeRelease:
			out = append(out, "is released: name the migration that made the thing unused")
			continue
		case marked[1] != "unreleased" && !slices.Contains(earlier, marked[1]):
			out = append(out, "there is no earlier migration "+marked[1])
			continue
		default:
			continue
		}
		statement := regexp.MustCompile(`(?m)^\s*--.*$`).ReplaceAllString(part, "")
		for what, pattern := range unsafe {
			if found := pattern.FindStringSubmatch(statement); found != nil && !harmless(what, found, statement, text) {
				out = append(out, fmt.Sprintf("%s: %.60s", what, strings.Join(strings.Fields(statement), " ")))
			}
		}
	}
	return out
}

// harmless knows what only looks like a contraction: a column with a default, a table of this
// very migration, and SQLite's way to change a table by making it anew under its own name.
func harmless(what string, found []string, statement, text string) bool {
	made := func(table string) bool {
		return regexp.MustCompile(`(?i)\bCREATE\s+TABLE\s+` + table + `\b`).MatchString(text)
	}
	switch what {
	case "takes a column away": // COLUMN need not be said, so what is no column has to be known
		return regexp.MustCompile(`(?i)^(?:CONSTRAINT|DEFAULT|NOT|EXPRESSION|IDENTITY)$`).MatchString(found[1])
	case "adds a column to be told":
		clauses := regexp.MustCompile(`(?i)\bADD\b`).Split(statement, -1)
		return !slices.ContainsFunc(clauses[1:], func(clause string) bool {
			return regexp.MustCompile(`(?i)\bNOT\s+NULL\b`).MatchString(clause) && !regexp.MustCompile(`(?i)\bDEFAULT\b`).MatchString(clause)
		})
	case "adds uniqueness":
		return made(found[1])
	case "takes a table away":
		return regexp.MustCompile(`(?i)\bRENAME\s+TO\s+` + found[1] + `\b`).MatchString(text)
	case "renames":
		rebuilt := regexp.MustCompile(`(?i)\bALTER\s+TABLE\s+(\w+)\s+RENAME\s+TO\s+(\w+)`).FindStringSubmatch(statement)
		return rebuilt != nil && made(rebuilt[1]) && regexp.MustCompile(`(?i)\bDROP\s+TABLE\s+`+rebuilt[2]+`\b`).MatchString(text)
	}
	return false
}

// TestMigrationsExpandBeforeTheyContract: a migration runs while programs of the release before
// serve, so whatever those need is there until a later one says that nobody does any more.
// Both databases have the same migrations, with a title.
func TestMigrationsExpandBeforeTheyContract(t *testing.T) {
	names := map[string][]string{}
	for _, dialect := range []string{"postgres", "sqlite"} {
		files, err := filepath.Glob(filepath.Join("migrations", dialect, "*"))
		ok(t, err)
		var earlier []string
		for _, file := range files {
			text, err := os.ReadFile(file)
			ok(t, err)
			base := filepath.Base(file)
			names[dialect] = append(names[dialect], base)
			if !regexp.MustCompile(`^\d{14}_[a-z]+\.tx\.up\.sql$`).MatchString(base) || !regexp.MustCompile(`^-- [a-z]`).Match(text) {
				t.Errorf("%s/%s needs a name like its neighbours', and a first line that says what it is about", dialect, base)
			}
			for _, complaint := range complaints(base[:14], string(text), earlier) {
				t.Errorf("%s/%s %s", dialect, base, complaint)
			}
			earlier = append(earlier, base[:14])
		}
	}
	if len(names["sqlite"]) == 0 || !slices.Equal(names["sqlite"], names["postgres"]) {
		t.Errorf("the databases differ: %v", names)
	}
}

// TestContractionsAreSeen in each spelling, and what is none is let through.
func TestContractionsAreSeen(t *testing.T) {
	const next = "20270101000001"
	for text, want := range map[string]bool{
		`DROP TABLE users`: true, `ALTER TABLE users DROP COLUMN name`: true, `alter table users rename column a to b`: true,
		`ALTER TABLE a RENAME TO b`: true, `ALTER TABLE users ALTER COLUMN a TYPE BIGINT`: true, `ALTER TABLE users ALTER a SET DATA TYPE BIGINT`: true,
		`ALTER TABLE users ALTER COLUMN a SET NOT NULL`: true, `ALTER TABLE users ADD COLUMN a TEXT NOT NULL`: true,
		`CREATE UNIQUE INDEX a ON users (name)`: true, `ALTER TABLE users ADD CONSTRAINT c CHECK (a > 0)`: true, `DROP INDEX a`: true,
		`ALTER TABLE users ALTER COLUMN a DROP DEFAULT`: true, `DELETE FROM users`: true,
		"-- contract 20261121000001: nobody reads it\nDROP TABLE users":                                    false,
		"-- contract 20991121000001: nobody reads it\nDROP TABLE users":                                    true,
		"-- contract unreleased: we did so before\nDROP TABLE users":                                       true,
		"-- contract 20261121000001:\nDROP TABLE users":                                                    true,
		`ALTER TABLE users ADD COLUMN a TEXT NOT NULL DEFAULT ''`:                                          false,
		`ALTER TABLE users ADD COLUMN a TEXT`:                                                              false,
		"CREATE TABLE a (b TEXT NOT NULL);\n--bun:split\nCREATE UNIQUE INDEX c ON a (b)":                   false,
		"CREATE TABLE a_2 (b TEXT);\n--bun:split\nDROP TABLE a;\n--bun:split\nALTER TABLE a_2 RENAME TO a": false,
		`ALTER TABLE users DROP name`:                                                                      true,
		`ALTER TABLE users ADD a TEXT NOT NULL`:                                                            true,
		"ALTER TABLE users\n  ADD COLUMN a TEXT\n  NOT NULL":                                               true,
		`ALTER TABLE users ADD COLUMN a TEXT DEFAULT '', ADD COLUMN b TEXT NOT NULL`:                       true,
		`ALTER TABLE users DROP CONSTRAINT c`:                                                              false,
		`CREATE INDEX a ON users (name)`:                                                                   false,
		`ALTER TABLE users ALTER COLUMN a DROP NOT NULL`:                                                   false,
		"-- contract 20261121000001: nobody reads it\nDROP TABLE a;\n--bun:split\nDROP TABLE users":        true,
	} {
		if got := complaints(next, text, []string{"20261121000001"}); (len(got) > 0) != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// shape is what an older program relies on in a SQLite database: columns by table, and how
// many rules (CHECK, UNIQUE) a table has.
type shape struct {
	columns map[string]map[string]columnShape
	rules   map[string]int
}

type columnShape struct {
	kind             string
	required, filled bool // it may not be NULL; it has a default
}

func shapeOf(t *testing.T, db *sql.DB) shape {
	t.Helper()
	out := shape{map[string]map[string]columnShape{}, map[string]int{}}
	rows, err := db.QueryContext(t.Context(), `SELECT m.name, m.sql, p.name, p.type, p."notnull", p.dflt_value IS NOT NULL
		FROM sqlite_master m, pragma_table_info(m.name) p WHERE m.type = 'table'`)
	ok(t, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var table, text, name string
		var c columnShape
		ok(t, rows.Scan(&table, &text, &name, &c.kind, &c.required, &c.filled))
		if out.columns[table] == nil {
			out.columns[table] = map[string]columnShape{}
			out.rules[table] = len(regexp.MustCompile(`(?i)\b(?:CHECK|UNIQUE)\s*\(`).FindAllString(text, -1))
		}
		out.columns[table][name] = c
	}
	ok(t, rows.Err())
	return out
}

// lost lists what a program that knew the shape before could stumble over in the one after.
func (before shape) lost(after shape) []string {
	var out []string
	for table, columns := range before.columns {
		now, there := after.columns[table]
		if !there {
			out = append(out, table+" is gone")
			continue
		}
		if after.rules[table] > before.rules[table] {
			out = append(out, table+" has a new rule")
		}
		for name, was := range columns {
			is, there := now[name]
			if !there || is.kind != was.kind || is.required && !was.required || was.filled && !is.filled {
				out = append(out, fmt.Sprintf("%s.%s was %+v and is %+v", table, name, was, is))
			}
		}
		for name, is := range now {
			if _, there := columns[name]; !there && is.required && !is.filled {
				out = append(out, table+"."+name+" is new and has to be told")
			}
		}
	}
	slices.Sort(out)
	return out
}

// contracted runs a migration and lists what it took away, whatever its statements look like.
func contracted(t *testing.T, db *sql.DB, text string) []string {
	t.Helper()
	before := shapeOf(t, db)
	for statement := range strings.SplitSeq(text, "--bun:split") {
		_, err := db.ExecContext(t.Context(), statement)
		ok(t, err)
	}
	return before.lost(shapeOf(t, db))
}

// TestTablesThatAreMadeAnewKeepTheirColumns: where SQLite changes a table by making it anew, no
// statement says what was left out, so the tables are compared. A contraction says so.
func TestTablesThatAreMadeAnewKeepTheirColumns(t *testing.T) {
	open := func() *sql.DB {
		db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "a.db"))
		ok(t, err)
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	db := open()
	files, err := filepath.Glob("migrations/sqlite/*")
	ok(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		ok(t, err)
		if found := contracted(t, db, string(text)); len(found) > 0 && !contraction.Match(text) {
			t.Errorf("%s: %q", file, found)
		}
	}
	for text, want := range map[string]bool{
		`CREATE TABLE b (x TEXT NOT NULL, y TEXT)`: false,
		"CREATE TABLE a_2 (x TEXT NOT NULL, y TEXT DEFAULT '', z INTEGER);\n--bun:split\nDROP TABLE a;\n--bun:split\nALTER TABLE a_2 RENAME TO a": false,
		"CREATE TABLE a_2 (x TEXT NOT NULL, z TEXT);\n--bun:split\nDROP TABLE a;\n--bun:split\nALTER TABLE a_2 RENAME TO a":                       true,
		"CREATE TABLE a_2 (x TEXT NOT NULL, y TEXT NOT NULL);\n--bun:split\nDROP TABLE a;\n--bun:split\nALTER TABLE a_2 RENAME TO a":              true,
		"CREATE TABLE a_2 (x TEXT, y TEXT CHECK (y <> ''));\n--bun:split\nDROP TABLE a;\n--bun:split\nALTER TABLE a_2 RENAME TO a":                true,
		"CREATE TABLE a_2 (x TEXT, y TEXT, z TEXT NOT NULL);\n--bun:split\nDROP TABLE a;\n--bun:split\nALTER TABLE a_2 RENAME TO a":               true,
	} {
		db := open()
		_, err := db.ExecContext(t.Context(), `CREATE TABLE a (x TEXT NOT NULL, y TEXT DEFAULT '')`)
		ok(t, err)
		if found := contracted(t, db, text); (len(found) > 0) != want {
			t.Errorf("%q: %q", text, found)
		}
	}
}
