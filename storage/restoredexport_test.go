package storage

import (
	"context"
	"regexp"
)

// Tables lists the tables of the schema.
func (s *Store) Tables(ctx context.Context) ([]string, error) {
	query := `SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1`
	if !s.IsSQLite() {
		query = `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() ORDER BY 1`
	}
	var out []string
	err := s.runner().list(ctx, &out, query)
	return out, err
}

// EndedTables lists the tables of which a restoration ends rows.
func EndedTables() []string {
	var out []string
	for _, e := range endings {
		out = append(out, regexp.MustCompile(`^(?:UPDATE|DELETE FROM) (\w+)`).FindStringSubmatch(e.statement)[1])
	}
	return out
}
