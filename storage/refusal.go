package storage

import (
	"context"
	"encoding/json"
	"time"

	"github.com/lanyard-id/lanyard"
)

// Refusal is the decision trace of a request that was refused, found by request id.
type Refusal struct {
	RequestID string
	At        time.Time
	Code      string
	ClientID  lanyard.ClientID
	// Detail says what was expected and what was received.
	Detail map[string]string
}

// InsertRefusal stores a decision trace.
func (s Scope) InsertRefusal(ctx context.Context, r Refusal) error {
	_, err := s.change(ctx, `INSERT INTO refusals (tenant_id, id, at, code, client_id, detail) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (tenant_id, id) DO NOTHING`,
		string(s.tenant), r.RequestID, micros(r.At), r.Code, string(r.ClientID), document(r.Detail))
	return err
}

// Refusal finds a decision trace by request id.
func (s Scope) Refusal(ctx context.Context, requestID string) (Refusal, error) {
	var row refusalRow
	if err := s.find(ctx, &row, `SELECT id, at, code, client_id, detail FROM refusals WHERE tenant_id = ? AND id = ?`, string(s.tenant), requestID); err != nil {
		return Refusal{}, err
	}
	return row.refusal()
}

type refusalRow struct {
	ID       string
	At       int64
	Code     string
	ClientID string
	Detail   string
}

func (r refusalRow) refusal() (Refusal, error) {
	out := Refusal{RequestID: r.ID, At: timeOf(r.At), Code: r.Code, ClientID: lanyard.ClientID(r.ClientID)}
	return out, json.Unmarshal([]byte(r.Detail), &out.Detail)
}

// ClientRefusals lists what was refused to a client, in the order of time.
func (s Scope) ClientRefusals(ctx context.Context, client lanyard.ClientID, w Window) ([]Refusal, error) {
	after, more, tail := w.order("at", "id")
	more, err := timeKeys(more)
	if err != nil {
		return nil, err
	}
	args := append(append([]any{string(s.tenant), string(client)}, more...), w.Limit)
	var rows []refusalRow
	if err := s.list(ctx, &rows, `SELECT id, at, code, client_id, detail FROM refusals WHERE tenant_id = ? AND client_id <> '' AND client_id = ?`+after+tail, args...); err != nil {
		return nil, err
	}
	out := make([]Refusal, 0, len(rows))
	for _, row := range rows {
		r, err := row.refusal()
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}
