package storage

import "context"

// FillQueue queues n deliveries of an event, a thousand by statement; one by one would take a minute.
func FillQueue(ctx context.Context, s Scope, event string, n int, now int64) error {
	const batch = 1000
	for from := 1; from <= n; from += batch {
		_, err := s.change(ctx, `INSERT INTO deliveries (tenant_id, id, event_id, kind, recipient, sealed, state, due_at, expires_at, created_at)
			WITH RECURSIVE numbers(i) AS (SELECT CAST(? AS BIGINT) UNION ALL SELECT i + 1 FROM numbers WHERE i < ?)
			SELECT ?, 'dlv_' || i, ?, 'mail', 'ada@example.test', NULL, 'queued', CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT) FROM numbers`,
			from, min(from+batch-1, n), string(s.tenant), event, now, now+1e9, now)
		if err != nil {
			return err
		}
	}
	return nil
}
