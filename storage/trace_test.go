package storage

import (
	"context"
	"testing"
)

func TestStatementIsNamedByVerbAndTable(t *testing.T) {
	for query, want := range map[string]string{
		"SELECT a, b FROM users WHERE id = ?":                                 "SELECT users",
		"SELECT count(*) FROM\n\tdeliveries":                                  "SELECT deliveries",
		"INSERT INTO leases (tenant_id, name) VALUES (?, ?)":                  "INSERT leases",
		"UPDATE sessions SET seen_at = ? WHERE id IN (SELECT id FROM grants)": "UPDATE sessions",
		"DELETE FROM codes WHERE id = ? RETURNING id":                         "DELETE codes",
		"WITH x AS (SELECT 1) SELECT 1":                                       "WITH", "COMMIT": "COMMIT", "": "statement",
	} {
		if got := statementName(query); got != want {
			t.Errorf("%q is %q, want %q", query, got, want)
		}
	}
}

// TestTracingThatIsOffCostsNothing at a statement.
func TestTracingThatIsOffCostsNothing(t *testing.T) {
	s := &Store{}
	ctx := context.WithValue(t.Context(), statementsKey{}, "something")
	if n := testing.AllocsPerRun(100, func() { endTraced(s.traced(ctx, "SELECT 1"), nil) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
