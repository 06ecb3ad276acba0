package storage

import (
	"context"
	"fmt"
	"time"
)

// cleanUpBatch bounds one deleting statement, so that clean-up never holds up a sign-in.
const cleanUpBatch = 500

// keepAfterEnd is how long rows stay after they ended, for the audit of a replay.
// Requests that never led to a code have nothing to replay and go at once.
const keepAfterEnd = 24 * time.Hour

// keepDeviceCodes is how long a device is told that its code has expired.
const keepDeviceCodes = time.Hour

// keepRefusals is how long decision traces stay.
const keepRefusals = 7 * 24 * time.Hour

// keepDeliveries is how long deliveries that are over stay, without their content.
const keepDeliveries = 7 * 24 * time.Hour

// keepWebhookDeliveries is how long messages to webhooks can be seen and sent again.
const keepWebhookDeliveries = 30 * 24 * time.Hour

// keepIdempotencyKeys is how long a creation that is asked for again gets the first answer.
const keepIdempotencyKeys = 24 * time.Hour

// keepDeletedPasskeys is how long a browser that still offers a deleted passkey is told to forget it.
const keepDeletedPasskeys = 400 * 24 * time.Hour

// keepNobody is how long the record of attempts stays that were about nobody's account.
const keepNobody = 30 * 24 * time.Hour

// keepBrowsers is how long a browser is known that nobody is signed in on; its cookie lives no longer.
const keepBrowsers = 400 * 24 * time.Hour

// CleanUp deletes what has expired, in small batches, children first. It decides
// nothing: expiry is decided at use. It returns how many rows went.
func (s *Store) CleanUp(ctx context.Context, now time.Time) (int64, error) {
	ended := micros(now.Add(-keepAfterEnd))
	steps := []struct {
		table, key, where string
		args              []any
	}{
		{"replays", "key", "expires_at <= ?", []any{micros(now)}},
		{"attempts", "key", "expires_at <= ?", []any{micros(now)}},
		{"one_time_tokens", "hash", "expires_at <= ?", []any{ended}},
		{"challenges", "id", "expires_at <= ?", []any{ended}},
		{"federation_attempts", "request_id", "expires_at <= ?", []any{micros(now)}},
		{"device_codes", "code_hash", "expires_at <= ?", []any{micros(now.Add(-keepDeviceCodes))}},
		{"access_tokens", "hash", "expires_at <= ?", []any{ended}},
		{"auth_requests", "id", "expires_at <= ? AND (code_hash IS NULL OR expires_at <= ?)", []any{micros(now), ended}},
		{"grants", "id", "(expires_at <= ? OR refresh_idle_until <= ? OR revoked_at <= ?) AND NOT EXISTS (SELECT 1 FROM access_tokens t WHERE t.tenant_id = grants.tenant_id AND t.grant_id = grants.id)", []any{ended, ended, ended}},
		{"sessions", "id", "(expires_at <= ? OR ended_at <= ?) AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.tenant_id = sessions.tenant_id AND g.session_id = sessions.id)", []any{ended, ended}},
		{"refusals", "id", "at <= ?", []any{micros(now.Add(-keepRefusals))}},
		{"ceremonies", "holder, purpose", "expires_at <= ?", []any{micros(now)}},
		{"remembered_devices", "user_id, browser_id", "expires_at <= ?", []any{micros(now)}},
		{"deleted_passkeys", "id", "deleted_at <= ?", []any{micros(now.Add(-keepDeletedPasskeys))}},
		{"deliveries", "id", "state <> 'queued' AND kind <> 'webhook' AND expires_at <= ?", []any{micros(now.Add(-keepDeliveries))}},
		{"deliveries", "id", "state <> 'queued' AND kind = 'webhook' AND created_at <= ?", []any{micros(now.Add(-keepWebhookDeliveries))}},
		{"idempotency_keys", "actor, key", "created_at <= ?", []any{micros(now.Add(-keepIdempotencyKeys))}},
		{"events", "id", `user_id = '' AND at <= ? AND type IN ('user.sign_in_failed', 'mail.queued', 'password.reset_requested')
			AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.tenant_id = events.tenant_id AND d.event_id = events.id)`, []any{micros(now.Add(-keepNobody))}},
		{"browsers", "id", `seen_at <= ? AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.tenant_id = browsers.tenant_id AND s.browser_id = browsers.id)
			AND NOT EXISTS (SELECT 1 FROM remembered_devices d WHERE d.tenant_id = browsers.tenant_id AND d.browser_id = browsers.id)`, []any{micros(now.Add(-keepBrowsers))}},
	}
	var total int64
	for _, step := range steps {
		n, err := s.deleteBatches(ctx, step.table, step.key, step.where, step.args)
		total += n
		if err != nil {
			return total, fmt.Errorf("cleaning up %s: %w", step.table, err)
		}
	}
	forgotten, err := s.forgetEvents(ctx, now)
	return total + forgotten, err
}

// forgetEvents deletes the events of tenants whose policy bounds how long they stay. What
// waits to be delivered keeps its event; what was delivered does not.
func (s *Store) forgetEvents(ctx context.Context, now time.Time) (int64, error) {
	tenants, err := s.Tenants(ctx)
	if err != nil {
		return 0, fmt.Errorf("listing the tenants: %w", err)
	}
	var total int64
	for _, t := range tenants {
		if t.Policy.EventRetention <= 0 {
			continue
		}
		before := micros(now.Add(-time.Duration(t.Policy.EventRetention)))
		for _, step := range [][2]string{
			{"deliveries", `tenant_id = ? AND state <> 'queued' AND EXISTS (SELECT 1 FROM events e
				WHERE e.tenant_id = deliveries.tenant_id AND e.id = deliveries.event_id AND e.at <= ?)`},
			{"events", `tenant_id = ? AND at <= ? AND NOT pending AND NOT EXISTS (SELECT 1 FROM deliveries d
				WHERE d.tenant_id = events.tenant_id AND d.event_id = events.id)`},
		} {
			n, err := s.deleteBatches(ctx, step[0], "id", step[1], []any{string(t.ID), before})
			total += n
			if err != nil {
				return total, fmt.Errorf("forgetting %s: %w", step[0], err)
			}
		}
	}
	return total, nil
}

func (s *Store) deleteBatches(ctx context.Context, table, key, where string, args []any) (int64, error) {
	query := fmt.Sprintf(`DELETE FROM %[1]s WHERE (tenant_id, %[2]s) IN (SELECT tenant_id, %[2]s FROM %[1]s WHERE %[3]s LIMIT %[4]d)`,
		table, key, where, cleanUpBatch)
	var total int64
	for ctx.Err() == nil {
		n, err := s.runner().change(ctx, query, args...)
		total += n
		if err != nil || n < cleanUpBatch {
			return total, err
		}
	}
	return total, fault(ctx.Err())
}
