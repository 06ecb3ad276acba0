package lanyard

import (
	"slices"
	"strings"
	"time"
)

// Webhook is an endpoint of somebody else that is told what happens, by the rules of
// Standard Webhooks.
type Webhook struct {
	ID          WebhookID
	TenantID    TenantID
	URL         string
	Description string
	// Types are the facts that it is told of: user.created, or user.* for all of a noun; empty for all.
	Types    []string
	Disabled bool
	// Sealed is the signing secret; SealedPrevious the one before, good until PreviousUntil.
	Sealed         []byte
	SealedPrevious []byte
	PreviousUntil  time.Time
	// FailingSince is the first of the failures since the last success; zero if there is none.
	FailingSince time.Time
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// SecretPlace is where the signing secret is sealed, previous or not.
func (w Webhook) SecretPlace(previous bool) Place {
	column := "secret"
	if previous {
		column = "previous_secret"
	}
	return Place{Tenant: w.TenantID, Table: "webhooks", Column: column, Row: string(w.ID)}
}

// Wants tells whether the webhook is told of a fact.
func (w Webhook) Wants(fact EventType) bool {
	return !w.Disabled && (len(w.Types) == 0 || slices.ContainsFunc(w.Types, func(pattern string) bool {
		noun, all := strings.CutSuffix(pattern, ".*")
		return pattern == string(fact) || (all && strings.HasPrefix(string(fact), noun+"."))
	}))
}

// How long a webhook is left alone that fails: a while at first, and never more than that.
const (
	shortestLeave = 5 * time.Second
	longestLeave  = 10 * time.Minute
)

// LeftAlone is how long a webhook is not asked that fails since FailingSince; zero for one
// that does not: one that is dead takes nobody else's time.
func (w Webhook) LeftAlone(now time.Time) time.Duration {
	if w.FailingSince.IsZero() {
		return 0
	}
	return min(max(now.Sub(w.FailingSince)/4, shortestLeave), longestLeave)
}
