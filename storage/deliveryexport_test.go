package storage

import "context"

// FillQueue queues n deliveries of an event in one statement; one by one would take a minute.
func FillQueue(ctx context.Context, s Scope, event string, n int, now int64) error {
	_, err := s.change(ctx, `INSERT INTO deliveries (tenant_id, id, event_id, kind, recipient, sealed, state, due_at, expires_at, created_at)
		WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ?)
		SELECT ?, 'dlv_' || i, ?, 'mail', 'ada@example.test', NULL, 'queued', CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT) FROM numbers`, n, string(s.tenant), event, now, now+1e9, now)
	return err
}
