package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lanyard-id/lanyard"
)

// authRequestColumns reads an authorization request; the table is r.
const authRequestColumns = `r.id, r.client_id, r.params, r.binding_hash, r.identifier, r.session_id AS chosen_session, r.proved, r.chosen, r.agreed, r.denied, r.way, r.skipped, r.organization_id AS chosen_organization, r.joined, r.arrival, r.refusal, r.progress,
	r.created_at, r.expires_at, r.code_hash, r.code_issued_at, r.code_expires_at, r.code_used_at, r.code_grant_id, r.code_failures`

type authRequestRow struct {
	ID                 string
	ClientID           string
	Params             string
	BindingHash        []byte
	Identifier         string
	ChosenSession      string
	Proved             bool
	Chosen             bool
	Agreed             bool
	Denied             bool
	Way                string
	Skipped            bool
	ChosenOrganization string
	Joined             bool
	Arrival            string
	Refusal            string
	Progress           string
	CreatedAt          int64
	ExpiresAt          int64
	CodeHash           []byte
	CodeIssuedAt       int64
	CodeExpiresAt      int64
	CodeUsedAt         int64
	CodeGrantID        string
	CodeFailures       int64
}

func (r authRequestRow) request(tenant lanyard.TenantID) (lanyard.AuthRequest, error) {
	out := lanyard.AuthRequest{
		ID: lanyard.AuthRequestID(r.ID), TenantID: tenant, ClientID: lanyard.ClientID(r.ClientID), BindingHash: r.BindingHash,
		Identifier: r.Identifier, SessionID: lanyard.SessionID(r.ChosenSession), Proved: r.Proved, Chosen: r.Chosen, Agreed: r.Agreed,
		Denied: r.Denied, Way: lanyard.Way(r.Way), Skipped: r.Skipped, OrganizationID: lanyard.OrganizationID(r.ChosenOrganization), Joined: r.Joined, Refusal: r.Refusal, CreatedAt: timeOf(r.CreatedAt), ExpiresAt: timeOf(r.ExpiresAt),
	}
	if err := json.Unmarshal([]byte(r.Params), &out.Params); err != nil {
		return lanyard.AuthRequest{}, fmt.Errorf("reading authorization request %s: %w", r.ID, err)
	}
	if r.Arrival != "" {
		if err := json.Unmarshal([]byte(r.Arrival), &out.Arrival); err != nil {
			return lanyard.AuthRequest{}, fmt.Errorf("reading the arrival of request %s: %w", r.ID, err)
		}
	}
	if r.Progress != "" {
		if err := json.Unmarshal([]byte(r.Progress), &out.Progress); err != nil {
			return lanyard.AuthRequest{}, fmt.Errorf("reading the progress of request %s: %w", r.ID, err)
		}
	}
	if len(r.CodeHash) > 0 {
		out.Code = &lanyard.Code{
			Hash: r.CodeHash, IssuedAt: timeOf(r.CodeIssuedAt), ExpiresAt: timeOf(r.CodeExpiresAt), UsedAt: timeOf(r.CodeUsedAt),
			GrantID: lanyard.GrantID(r.CodeGrantID), Failures: int(r.CodeFailures),
		}
	}
	return out, nil
}

// InsertAuthRequest stores a request, with its code if it needed no interaction.
func (s Scope) InsertAuthRequest(ctx context.Context, r lanyard.AuthRequest) error {
	code := lanyard.Code{}
	var hash any
	if r.Code != nil {
		code, hash = *r.Code, r.Code.Hash
	}
	_, err := s.change(ctx, `INSERT INTO auth_requests (tenant_id, id, client_id, params, binding_hash, session_id, organization_id, way, created_at, expires_at,
		code_hash, code_issued_at, code_expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		string(s.tenant), string(r.ID), orNull(string(r.ClientID)), document(r.Params), r.BindingHash, string(r.SessionID), string(r.OrganizationID), string(r.Way),
		micros(r.CreatedAt), micros(r.ExpiresAt), hash, maybeMicros(code.IssuedAt), maybeMicros(code.ExpiresAt))
	return err
}

// AuthRequest finds a request by id.
func (s Scope) AuthRequest(ctx context.Context, id lanyard.AuthRequestID) (lanyard.AuthRequest, error) {
	var row authRequestRow
	err := s.find(ctx, &row, `SELECT `+authRequestColumns+` FROM auth_requests r WHERE r.tenant_id = ? AND r.id = ?`, string(s.tenant), string(id))
	if err != nil {
		return lanyard.AuthRequest{}, err
	}
	return row.request(s.tenant)
}

// UpdateAuthRequest stores the progress of a request that is neither finished nor
// expired; otherwise it is lanyard.ErrConflict.
func (s Scope) UpdateAuthRequest(ctx context.Context, r lanyard.AuthRequest, now time.Time) error {
	return s.must(ctx, `UPDATE auth_requests SET identifier = ?, session_id = ?, proved = ?, chosen = ?, agreed = ?, denied = ?, way = ?, skipped = ?, organization_id = ?, joined = ?,
		arrival = ?, refusal = ?, progress = ?
		WHERE tenant_id = ? AND id = ? AND code_hash IS NULL AND expires_at > ?`,
		r.Identifier, string(r.SessionID), r.Proved, r.Chosen, r.Agreed, r.Denied, string(r.Way), r.Skipped, string(r.OrganizationID), r.Joined,
		arrivalOf(r), r.Refusal, progressOf(r), string(s.tenant), string(r.ID), micros(now))
}

// arrivalOf is the arrival as it is stored; empty for none.
func arrivalOf(r lanyard.AuthRequest) string {
	if r.Arrival == nil {
		return ""
	}
	return document(r.Arrival)
}

// progressOf is the progress as it is stored; empty for none.
func progressOf(r lanyard.AuthRequest) string {
	if r.Progress == nil {
		return ""
	}
	return document(r.Progress)
}

// IssueCode gives the request its one code; a request that has one already, was
// closed or has expired is lanyard.ErrConflict.
func (s Scope) IssueCode(ctx context.Context, r lanyard.AuthRequest, now time.Time) error {
	return s.must(ctx, `UPDATE auth_requests SET session_id = ?, organization_id = ?, code_hash = ?, code_issued_at = ?, code_expires_at = ?
		WHERE tenant_id = ? AND id = ? AND code_hash IS NULL AND expires_at > ?`,
		string(r.SessionID), string(r.OrganizationID), r.Code.Hash, micros(r.Code.IssuedAt), micros(r.Code.ExpiresAt), string(s.tenant), string(r.ID), micros(now))
}

// CloseAuthRequest removes a request that was answered with an error; one that is
// gone or has a code is lanyard.ErrConflict.
func (s Scope) CloseAuthRequest(ctx context.Context, id lanyard.AuthRequestID) error {
	return s.must(ctx, `DELETE FROM auth_requests WHERE tenant_id = ? AND id = ? AND code_hash IS NULL`, string(s.tenant), string(id))
}

// CodeStanding is a request by its code, with the session and user it speaks for.
type CodeStanding struct {
	Request lanyard.AuthRequest
	Session lanyard.Session
	User    lanyard.User
	// Joined is the request's organization and the user's place in it; zero without one.
	Joined      lanyard.Joined
	TenantRoles []string
}

// ByCode finds a request by the hash of its code.
func (s Scope) ByCode(ctx context.Context, hash []byte) (CodeStanding, error) {
	var row struct {
		authRequestRow
		sessionRow
		userRow
	}
	err := s.find(ctx, &row, `SELECT `+authRequestColumns+`, `+sessionColumns+`, `+userColumns+`
		FROM auth_requests r
		JOIN sessions s ON s.tenant_id = r.tenant_id AND s.id = r.session_id
		JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id`+joinPrimaryEmail+`
		WHERE r.tenant_id = ? AND r.code_hash = ?`, string(s.tenant), hash)
	if err != nil {
		return CodeStanding{}, err
	}
	request, err := row.request(s.tenant)
	if err != nil {
		return CodeStanding{}, err
	}
	user, err := row.user(s.tenant)
	if err != nil {
		return CodeStanding{}, err
	}
	session := row.session(s.tenant)
	joined, roles, err := s.place(ctx, user.ID, request.OrganizationID, request.Params.Scopes.Has(lanyard.ScopeRoles) && session.Opens(""))
	return CodeStanding{Request: request, Session: session, User: user, Joined: joined, TenantRoles: roles}, err
}

// MaxCodeFailures burns a code: so many redemptions may fail a binding.
const MaxCodeFailures = 5

// SpendCode redeems a code for a grant, once: false if it was used, burned or has
// expired, or if its session or user no longer counts at this moment.
func (s Scope) SpendCode(ctx context.Context, hash []byte, grant lanyard.GrantID, now time.Time) (bool, error) {
	n, err := s.change(ctx, `UPDATE auth_requests SET code_used_at = ?, code_grant_id = ?
		WHERE tenant_id = ? AND code_hash = ? AND code_used_at IS NULL AND code_expires_at > ? AND code_failures < ?
		AND EXISTS (SELECT 1 FROM sessions s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
			WHERE s.tenant_id = auth_requests.tenant_id AND s.id = auth_requests.session_id
			AND s.ended_at IS NULL AND s.expires_at > ? AND NOT u.disabled)`,
		micros(now), string(grant), string(s.tenant), hash, micros(now), MaxCodeFailures, micros(now))
	return n > 0, err
}

// CountCodeFailure counts a redemption that failed a binding and tells how many there were.
func (s Scope) CountCodeFailure(ctx context.Context, hash []byte) (int, error) {
	var failures int64
	err := s.changeReturning(ctx, &failures, `UPDATE auth_requests SET code_failures = code_failures + 1
		WHERE tenant_id = ? AND code_hash = ? RETURNING code_failures`, string(s.tenant), hash)
	return int(failures), err
}
