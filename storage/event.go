package storage

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/lanyard-id/lanyard"
)

type eventRow struct {
	ID             string
	Type           string
	At             int64
	Actor          string
	UserID         string
	ClientID       string
	SessionID      string
	GrantID        string
	OrganizationID string
	Detail         string
}

// InsertEvent records a fact. It belongs into the transaction of the change.
func (s Scope) InsertEvent(ctx context.Context, e lanyard.Event) error {
	detail := ""
	if len(e.Detail) > 0 {
		detail = document(e.Detail)
	}
	if e.ID == "" {
		e.ID = lanyard.NewEventID()
	}
	if e.Actor == "" {
		e.Actor = "system"
	}
	_, err := s.change(ctx, `INSERT INTO events (tenant_id, id, type, at, actor, user_id, client_id, session_id, grant_id, organization_id, detail, pending)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, EXISTS (SELECT 1 FROM webhooks WHERE tenant_id = ? AND NOT disabled))`,
		string(s.tenant), string(e.ID), string(e.Type), micros(e.At), e.Actor,
		string(e.UserID), string(e.ClientID), string(e.SessionID), string(e.GrantID), string(e.OrganizationID), detail, string(s.tenant))
	if err != nil || s.witness == "" {
		return err
	}
	return s.tellWitness(ctx, e)
}

// tellWitness records in the administrator's own tenant what they did in this one. Ids
// of people and sessions stay where they belong.
func (s Scope) tellWitness(ctx context.Context, e lanyard.Event) error {
	detail := map[string]string{"tenant": s.known, "event": string(e.ID)}
	there := s
	there.tenant, there.witness = s.witness, ""
	return there.InsertEvent(ctx, lanyard.Event{Type: e.Type, At: e.At, Actor: e.Actor, Detail: detail})
}

// UserEvents lists what happened to a user, newest first, before an event (empty for the newest).
func (s Scope) UserEvents(ctx context.Context, user lanyard.UserID, before lanyard.EventID, limit int) ([]lanyard.Event, error) {
	if before == "" {
		before = "~" // after every id
	}
	return s.events(ctx, `user_id = ? AND id < ?`, limit, string(user), string(before))
}

// OrganizationEvents lists what happened in an organization, newest first, before an event (empty for the newest).
func (s Scope) OrganizationEvents(ctx context.Context, id lanyard.OrganizationID, before lanyard.EventID, limit int) ([]lanyard.Event, error) {
	if before == "" {
		before = "~" // after every id
	}
	return s.events(ctx, `organization_id = ? AND id < ?`, limit, string(id), string(before))
}

// Events lists the newest facts, newest first.
func (s Scope) Events(ctx context.Context, limit int) ([]lanyard.Event, error) {
	return s.events(ctx, `TRUE`, limit)
}

func (s Scope) events(ctx context.Context, where string, limit int, args ...any) ([]lanyard.Event, error) {
	return s.eventsBy(ctx, where+` ORDER BY id DESC LIMIT ?`, append(args, limit)...)
}

// eventsBy lists facts by the end of a query.
func (s Scope) eventsBy(ctx context.Context, tail string, args ...any) ([]lanyard.Event, error) {
	args = append([]any{string(s.tenant)}, args...)
	var rows []eventRow
	if err := s.list(ctx, &rows, `SELECT id, type, at, actor, user_id, client_id, session_id, grant_id, organization_id, detail
		FROM events WHERE tenant_id = ? AND `+tail, args...); err != nil {
		return nil, err
	}
	out := make([]lanyard.Event, 0, len(rows))
	for _, row := range rows {
		e := lanyard.Event{
			ID: lanyard.EventID(row.ID), TenantID: s.tenant, Type: lanyard.EventType(row.Type), At: timeOf(row.At), Actor: row.Actor,
			UserID: lanyard.UserID(row.UserID), ClientID: lanyard.ClientID(row.ClientID),
			SessionID: lanyard.SessionID(row.SessionID), GrantID: lanyard.GrantID(row.GrantID),
			OrganizationID: lanyard.OrganizationID(row.OrganizationID),
		}
		if row.Detail != "" {
			if err := json.Unmarshal([]byte(row.Detail), &e.Detail); err != nil {
				return nil, fmt.Errorf("reading event %s: %w", row.ID, err)
			}
		}
		out = append(out, e)
	}
	return out, nil
}
