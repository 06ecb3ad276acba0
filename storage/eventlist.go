package storage

import (
	"context"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
)

// EventFilter says which facts are meant; what is empty does not count.
type EventFilter struct {
	// Type is a fact, or all of a noun: user.created, user.*
	Type           string
	UserID         lanyard.UserID
	ClientID       lanyard.ClientID
	OrganizationID lanyard.OrganizationID
	Actor          string
	// Since is the first moment, Until the one after the last.
	Since, Until time.Time
}

func (f EventFilter) where() (where string, args []any) {
	add := func(condition string, arg any) { where, args = where+` AND `+condition, append(args, arg) }
	if noun, all := strings.CutSuffix(f.Type, ".*"); all {
		add(`type LIKE ? ESCAPE '\'`, likeEscapes.Replace(noun)+".%")
	} else if f.Type != "" {
		add(`type = ?`, f.Type)
	}
	if f.UserID != "" {
		add(`user_id = ?`, string(f.UserID))
	}
	if f.ClientID != "" {
		add(`client_id <> '' AND client_id = ?`, string(f.ClientID))
	}
	if f.OrganizationID != "" {
		add(`organization_id <> '' AND organization_id = ?`, string(f.OrganizationID))
	}
	if f.Actor != "" {
		add(`actor = ?`, f.Actor)
	}
	if !f.Since.IsZero() {
		add(`at >= ?`, micros(f.Since))
	}
	if !f.Until.IsZero() {
		add(`at < ?`, micros(f.Until))
	}
	return where, args
}

// EventWindow lists facts in the order in which they were recorded.
func (s Scope) EventWindow(ctx context.Context, f EventFilter, w Window) ([]lanyard.Event, error) {
	where, args := f.where()
	after, more, tail := w.order("id", "id")
	return s.eventsBy(ctx, `TRUE`+where+after+tail, append(append(args, more...), w.Limit)...)
}
