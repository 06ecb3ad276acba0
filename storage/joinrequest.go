package storage

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
)

// InsertJoinRequest notes that a user wants to join; asking again changes nothing.
func (s Scope) InsertJoinRequest(ctx context.Context, organization lanyard.OrganizationID, user lanyard.UserID, at time.Time) (bool, error) {
	n, err := s.change(ctx, `INSERT INTO join_requests (tenant_id, organization_id, user_id, created_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (tenant_id, organization_id, user_id) DO NOTHING`, string(s.tenant), string(organization), string(user), micros(at))
	return n > 0, err
}

// TakeJoinRequest removes a request because it was answered; lanyard.ErrNotFound if there is none.
func (s Scope) TakeJoinRequest(ctx context.Context, organization lanyard.OrganizationID, user lanyard.UserID) error {
	var taken string
	return s.changeReturning(ctx, &taken, `DELETE FROM join_requests WHERE tenant_id = ? AND organization_id = ? AND user_id = ? RETURNING user_id`,
		string(s.tenant), string(organization), string(user))
}

// JoinRequests lists who wants to join an organization, oldest first, at most limit.
func (s Scope) JoinRequests(ctx context.Context, organization lanyard.OrganizationID, limit int) ([]lanyard.JoinRequest, error) {
	var rows []struct {
		userRow
		AskedAt int64
	}
	if err := s.list(ctx, &rows, `SELECT j.created_at AS asked_at, `+userColumns+` FROM join_requests j
		JOIN users u ON u.tenant_id = j.tenant_id AND u.id = j.user_id`+joinPrimaryEmail+`
		WHERE j.tenant_id = ? AND j.organization_id = ? ORDER BY j.created_at LIMIT ?`, string(s.tenant), string(organization), limit); err != nil {
		return nil, err
	}
	out := make([]lanyard.JoinRequest, 0, len(rows))
	for _, row := range rows {
		user, err := row.user(s.tenant)
		if err != nil {
			return nil, err
		}
		out = append(out, lanyard.JoinRequest{OrganizationID: organization, User: user, CreatedAt: timeOf(row.AskedAt)})
	}
	return out, nil
}

// JoinRequested tells whether a user has asked to join an organization.
func (s Scope) JoinRequested(ctx context.Context, organization lanyard.OrganizationID, user lanyard.UserID) (bool, error) {
	var n int64
	err := s.find(ctx, &n, `SELECT count(*) FROM join_requests WHERE tenant_id = ? AND organization_id = ? AND user_id = ?`,
		string(s.tenant), string(organization), string(user))
	return n > 0, err
}

// LeftBefore tells whether a user was a member of an organization and is none any
// more, as far as the events go back.
func (s Scope) LeftBefore(ctx context.Context, organization lanyard.OrganizationID, user lanyard.UserID) (bool, error) {
	var n int64
	err := s.find(ctx, &n, `SELECT count(*) FROM (SELECT 1 AS one FROM events WHERE tenant_id = ? AND organization_id = ? AND user_id = ? AND type IN (?, ?) LIMIT 1) AS found`,
		string(s.tenant), string(organization), string(user), string(lanyard.EventMemberRemoved), string(lanyard.EventMemberLeft))
	return n > 0, err
}
