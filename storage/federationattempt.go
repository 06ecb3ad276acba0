package storage

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
)

// FederationAttempt is a sign-in at an upstream that an authorization request waits for.
type FederationAttempt struct {
	RequestID lanyard.AuthRequestID
	// StateHash is the hash of the state that the upstream sends back (RFC 6749 §4.1.1).
	StateHash    []byte
	ConnectionID lanyard.ConnectionID
	// Sealed is what the answer is checked with.
	Sealed    []byte
	ExpiresAt time.Time
}

// PutFederationAttempt stores an attempt; an older one of the same request is void from now on.
func (s Scope) PutFederationAttempt(ctx context.Context, a FederationAttempt) error {
	_, err := s.change(ctx, `INSERT INTO federation_attempts (tenant_id, request_id, state_hash, connection_id, sealed, expires_at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant_id, request_id) DO UPDATE SET state_hash = EXCLUDED.state_hash, connection_id = EXCLUDED.connection_id,
			sealed = EXCLUDED.sealed, expires_at = EXCLUDED.expires_at`,
		string(s.tenant), string(a.RequestID), a.StateHash, string(a.ConnectionID), a.Sealed, micros(a.ExpiresAt))
	return err
}

// FederationAttemptRequest finds the request of an attempt, spending nothing, to see
// whose browser it belongs to; none is lanyard.ErrNotFound.
func (s Scope) FederationAttemptRequest(ctx context.Context, stateHash []byte) (lanyard.AuthRequestID, error) {
	var id string
	err := s.find(ctx, &id, `SELECT request_id FROM federation_attempts WHERE tenant_id = ? AND state_hash = ?`, string(s.tenant), stateHash)
	return lanyard.AuthRequestID(id), err
}

// SpendFederationAttempt takes an attempt out, once, and returns what was sealed. One
// that has expired, or is of another connection or request, is lanyard.ErrNotFound and stays.
func (s Scope) SpendFederationAttempt(ctx context.Context, stateHash []byte, c lanyard.ConnectionID, request lanyard.AuthRequestID, now time.Time) ([]byte, error) {
	var row struct{ Sealed []byte }
	err := s.changeReturning(ctx, &row, `DELETE FROM federation_attempts
		WHERE tenant_id = ? AND state_hash = ? AND connection_id = ? AND request_id = ? AND expires_at > ? RETURNING sealed`,
		string(s.tenant), stateHash, string(c), string(request), micros(now))
	return row.Sealed, err
}
