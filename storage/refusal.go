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
	var row struct {
		ID       string
		At       int64
		Code     string
		ClientID string
		Detail   string
	}
	err := s.find(ctx, &row, `SELECT id, at, code, client_id, detail FROM refusals WHERE tenant_id = ? AND id = ?`, string(s.tenant), requestID)
	if err != nil {
		return Refusal{}, err
	}
	out := Refusal{RequestID: row.ID, At: timeOf(row.At), Code: row.Code, ClientID: lanyard.ClientID(row.ClientID)}
	return out, json.Unmarshal([]byte(row.Detail), &out.Detail)
}
