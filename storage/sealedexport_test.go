package storage

import "context"

// BinaryColumns lists the columns of the schema that hold bytes, as table.column.
func (s *Store) BinaryColumns(ctx context.Context) ([]string, error) {
	query := `SELECT m.name || '.' || p.name FROM sqlite_master m, pragma_table_info(m.name) p WHERE m.type = 'table' AND p.type = 'BLOB' ORDER BY 1`
	if !s.IsSQLite() {
		query = `SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = current_schema() AND data_type = 'bytea' ORDER BY 1`
	}
	var out []string
	err := s.runner().list(ctx, &out, query)
	return out, err
}
