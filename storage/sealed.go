package storage

import (
	"context"
	"slices"
	"strings"

	"github.com/lanyard-id/lanyard"
)

// sealedColumn is a column that holds values which were sealed under a master key.
type sealedColumn struct {
	table, column string
	// place is the column as lanyard.Place names it; empty for its own name.
	place string
	// keys are the columns that name a row beside its tenant, and row is how lanyard.Place
	// writes them.
	keys []string
	row  string // what stands between two keys
}

// sealedColumns are all there are; a test looks for binary columns that are not known
// here. Signing keys come last: a server looks at those when it starts, and when they are
// all under its master keys, then so is everything before them.
var sealedColumns = []sealedColumn{
	{table: "totp", column: "sealed", keys: []string{"user_id", "id"}, row: "/"},
	{table: "challenges", column: "sealed", keys: []string{"id"}},
	{table: "federation_attempts", column: "sealed", keys: []string{"request_id"}},
	{table: "deliveries", column: "sealed", keys: []string{"id"}},
	{table: "connections", column: "sealed_secret", place: "secret", keys: []string{"id"}},
	{table: "connections", column: "sealed_bot_token", place: "bot_token", keys: []string{"id"}},
	{table: "webhooks", column: "secret", keys: []string{"id"}},
	{table: "webhooks", column: "previous_secret", keys: []string{"id"}},
	{table: "idempotency_keys", column: "sealed", keys: []string{"actor", "key"}, row: "\n"},
	{table: "signing_keys", column: "sealed", keys: []string{"id"}},
}

// SealedColumns names the columns with sealed values, as table.column, signing keys last.
func SealedColumns() []string {
	var out []string
	for _, c := range sealedColumns {
		out = append(out, c.name())
	}
	return out
}

func (c sealedColumn) name() string { return c.table + "." + c.column }

func sealedColumnOf(name string) sealedColumn {
	at := slices.IndexFunc(sealedColumns, func(c sealedColumn) bool { return c.name() == name })
	if at < 0 {
		panic("storage: there is no sealed column " + name)
	}
	return sealedColumns[at]
}

// SealedRow is one sealed value.
type SealedRow struct {
	// Keys name the row in its table, beside the tenant.
	Keys   []string
	Place  lanyard.Place
	Sealed []byte
}

// SealedCount counts the sealed values that begin alike, as those of one master key do.
type SealedCount struct {
	Head    []byte
	Records int64
}

// CountSealed counts a tenant's values of a sealed column by their first bytes.
func (s Scope) CountSealed(ctx context.Context, column string, head int) ([]SealedCount, error) {
	c := sealedColumnOf(column)
	var out []SealedCount
	err := s.list(ctx, &out, `SELECT substr(`+c.column+`, 1, ?) AS head, count(*) AS records FROM `+c.table+`
		WHERE tenant_id = ? AND length(`+c.column+`) > 0 GROUP BY 1 ORDER BY 1`, head, string(s.tenant))
	return out, err
}

// SealedUnderOthers lists a tenant's values of a sealed column that do not begin with head,
// at most limit of them, after the row with the keys (none for the first ones), in order.
func (s Scope) SealedUnderOthers(ctx context.Context, column string, head []byte, after []string, limit int) ([]SealedRow, error) {
	c := sealedColumnOf(column)
	names := strings.Join(c.keys, ", ")
	where, args := "", []any{string(s.tenant), len(head), head}
	if len(after) == len(c.keys) {
		where = ` AND (` + names + `) > (?` + strings.Repeat(`, ?`, len(c.keys)-1) + `)`
		for _, key := range after {
			args = append(args, key)
		}
	}
	second := `''`
	if len(c.keys) > 1 {
		second = c.keys[1]
	}
	var rows []struct {
		First, Second string
		Sealed        []byte
	}
	err := s.list(ctx, &rows, `SELECT `+c.keys[0]+` AS first, `+second+` AS second, `+c.column+` AS sealed FROM `+c.table+`
		WHERE tenant_id = ? AND length(`+c.column+`) > 0 AND substr(`+c.column+`, 1, ?) <> ?`+where+` ORDER BY `+names+` LIMIT ?`, append(args, limit)...)
	var out []SealedRow
	for _, r := range rows {
		keys := []string{r.First, r.Second}[:len(c.keys)]
		out = append(out, SealedRow{Keys: keys, Place: c.placeOf(s.tenant, keys), Sealed: r.Sealed})
	}
	return out, err
}

func (c sealedColumn) placeOf(tenant lanyard.TenantID, keys []string) lanyard.Place {
	column := c.place
	if column == "" {
		column = c.column
	}
	return lanyard.Place{Tenant: tenant, Table: c.table, Column: column, Row: strings.Join(keys, c.row)}
}

// Reseal replaces a sealed value by another seal of the same secret; false if the row is
// gone or holds another value by now, which is then sealed as whoever wrote it does it.
func (s Scope) Reseal(ctx context.Context, column string, row SealedRow, sealed []byte) (bool, error) {
	c := sealedColumnOf(column)
	where, args := "", []any{sealed, string(s.tenant)}
	for at, name := range c.keys {
		where += ` AND ` + name + ` = ?`
		args = append(args, row.Keys[at])
	}
	n, err := s.change(ctx, `UPDATE `+c.table+` SET `+c.column+` = ? WHERE tenant_id = ?`+where+` AND `+c.column+` = ?`, append(args, row.Sealed)...)
	return n > 0, err
}

// SigningKeysUnder counts the signing keys of all tenants by the first bytes of their seals.
func (s *Store) SigningKeysUnder(ctx context.Context, head int) ([]SealedCount, error) {
	var out []SealedCount
	err := s.runner().list(ctx, &out, `SELECT substr(sealed, 1, ?) AS head, count(*) AS records FROM signing_keys GROUP BY 1 ORDER BY 1`, head)
	return out, err
}
