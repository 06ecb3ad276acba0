package storage

import (
	"context"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
)

// sessionColumns reads a session; the table is s.
const sessionColumns = `s.id AS session_id, s.browser_id AS session_browser_id, s.user_id AS session_user_id, s.auth_time AS session_auth_time,
	s.acr AS session_acr, s.amr AS session_amr, s.expires_at AS session_expires_at, s.ended_at AS session_ended_at, s.used_at AS session_used_at,
	s.idle_until AS session_idle_until, s.idle_gap AS session_idle_gap, s.created_at AS session_created_at, s.organization_id AS session_organization_id,
	s.connection_id AS session_connection_id, s.confined_to AS session_confined_to`

type sessionRow struct {
	SessionID             string
	SessionBrowserID      string
	SessionUserID         string
	SessionAuthTime       int64
	SessionAcr            string
	SessionAmr            string
	SessionExpiresAt      int64
	SessionEndedAt        int64
	SessionUsedAt         int64
	SessionIdleUntil      int64
	SessionIdleGap        int64
	SessionCreatedAt      int64
	SessionOrganizationID string
	SessionConnectionID   string
	SessionConfinedTo     string
}

func (r sessionRow) session(tenant lanyard.TenantID) lanyard.Session {
	return lanyard.Session{
		ID: lanyard.SessionID(r.SessionID), TenantID: tenant, BrowserID: lanyard.BrowserID(r.SessionBrowserID),
		UserID: lanyard.UserID(r.SessionUserID), AuthTime: timeOf(r.SessionAuthTime), ACR: r.SessionAcr,
		AMR: strings.Fields(r.SessionAmr), ExpiresAt: timeOf(r.SessionExpiresAt), EndedAt: timeOf(r.SessionEndedAt),
		UsedAt: timeOf(r.SessionUsedAt), IdleUntil: timeOf(r.SessionIdleUntil), CreatedAt: timeOf(r.SessionCreatedAt),
		Gap:            time.Duration(r.SessionIdleGap) * time.Microsecond,
		OrganizationID: lanyard.OrganizationID(r.SessionOrganizationID), ConnectionID: lanyard.ConnectionID(r.SessionConnectionID),
		ConfinedTo: lanyard.OrganizationID(r.SessionConfinedTo),
	}
}

// maxAccounts bounds the sessions that one browser shows.
const maxAccounts = 16

type accountRow struct {
	sessionRow
	userRow
	BrowserID         string
	BrowserConnection string
	ConsentScopes     string
	ConsentResources  string
	Preferred         string
}

// Accounts finds a browser by the hash of its cookie, with its sessions that were
// not ended, newest first and those of organizations' connections last, and what their users agreed to for a client. An
// unknown browser is lanyard.ErrNotFound; one without sessions has no accounts. Of the
// browser itself only id and last connection are read.
func (s Scope) Accounts(ctx context.Context, browserHash []byte, client lanyard.ClientID) (lanyard.Browser, []lanyard.Account, error) {
	var rows []accountRow
	err := s.list(ctx, &rows, `SELECT b.id AS browser_id, b.connection_id AS browser_connection, `+sessionColumns+`, `+userColumns+`,
		c.scopes AS consent_scopes, c.resources AS consent_resources, u.organization_id AS preferred
		FROM browsers b
		LEFT JOIN sessions s ON s.tenant_id = b.tenant_id AND s.browser_id = b.id AND s.ended_at IS NULL
		LEFT JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id`+joinPrimaryEmail+`
		LEFT JOIN consents c ON c.tenant_id = u.tenant_id AND c.user_id = u.id AND c.client_id = ?
		WHERE b.tenant_id = ? AND b.secret_hash = ? ORDER BY COALESCE(s.confined_to, '') <> '', s.auth_time DESC LIMIT ?`,
		string(client), string(s.tenant), browserHash, maxAccounts)
	if err != nil {
		return lanyard.Browser{}, nil, err
	}
	if len(rows) == 0 {
		return lanyard.Browser{}, nil, lanyard.ErrNotFound
	}
	var out []lanyard.Account
	for _, row := range rows {
		if row.SessionID == "" {
			continue
		}
		user, err := row.user(s.tenant)
		if err != nil {
			return lanyard.Browser{}, nil, err
		}
		out = append(out, lanyard.Account{
			Session: row.session(s.tenant), User: user, Preferred: lanyard.OrganizationID(row.Preferred),
			Consented: strings.Fields(row.ConsentScopes), ConsentedResources: strings.Fields(row.ConsentResources),
		})
	}
	browser := lanyard.Browser{ID: lanyard.BrowserID(rows[0].BrowserID), TenantID: s.tenant, ConnectionID: lanyard.ConnectionID(rows[0].BrowserConnection)}
	return browser, out, nil
}

// Proof is a sign-in that was proved and is to become a session.
type Proof struct {
	User      lanyard.UserID
	At        time.Time
	ACR       string
	AMR       []string
	ExpiresAt time.Time
	// IdleUntil ends the session in its browser when that does not use it; zero for never.
	IdleUntil time.Time
	// Connection is the upstream that proved it, ConfinedTo the organization that owns
	// that; both are empty for a proof of our own.
	Connection lanyard.ConnectionID
	ConfinedTo lanyard.OrganizationID
}

// StartSession makes the proof a session of the browser: the live one of the same
// user keeps its id, an expired one is ended first. What an organization's own
// connection proved is a session beside the person's own. It returns the session's id.
func (s Scope) StartSession(ctx context.Context, browser lanyard.BrowserID, p Proof) (lanyard.SessionID, error) {
	if _, err := s.change(ctx, `UPDATE sessions SET ended_at = ? WHERE tenant_id = ? AND browser_id = ? AND user_id = ? AND confined_to = ? AND ended_at IS NULL AND expires_at <= ?`,
		micros(p.At), string(s.tenant), string(browser), string(p.User), string(p.ConfinedTo), micros(p.At)); err != nil {
		return "", err
	}
	var id string
	err := s.changeReturning(ctx, &id, `INSERT INTO sessions (tenant_id, id, browser_id, user_id, auth_time, acr, amr, expires_at, used_at, idle_until, created_at,
		connection_id, confined_to) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant_id, browser_id, user_id, confined_to) WHERE ended_at IS NULL
		DO UPDATE SET auth_time = EXCLUDED.auth_time, acr = EXCLUDED.acr, amr = EXCLUDED.amr, expires_at = EXCLUDED.expires_at,
			used_at = EXCLUDED.used_at, idle_gap = 0, idle_until = EXCLUDED.idle_until, connection_id = EXCLUDED.connection_id
		RETURNING id`,
		string(s.tenant), string(lanyard.NewSessionID()), string(browser), string(p.User), micros(p.At), p.ACR,
		strings.Join(p.AMR, " "), micros(p.ExpiresAt), micros(p.At), maybeMicros(p.IdleUntil), micros(p.At),
		string(p.Connection), string(p.ConfinedTo))
	return lanyard.SessionID(id), err
}

// Session finds a session by id.
func (s Scope) Session(ctx context.Context, id lanyard.SessionID) (lanyard.Session, error) {
	var row sessionRow
	err := s.find(ctx, &row, `SELECT `+sessionColumns+` FROM sessions s WHERE s.tenant_id = ? AND s.id = ?`, string(s.tenant), string(id))
	return row.session(s.tenant), err
}

// TouchSession notes that the browser used a session, and how long it had not if that
// is the longest since its proof; idle is zero for never.
func (s Scope) TouchSession(ctx context.Context, id lanyard.SessionID, now, idle time.Time) error {
	_, err := s.change(ctx, `UPDATE sessions SET used_at = ?, idle_until = ?, idle_gap = CASE WHEN ? - used_at > idle_gap THEN ? - used_at ELSE idle_gap END
		WHERE tenant_id = ? AND id = ? AND ended_at IS NULL`, micros(now), maybeMicros(idle), micros(now), micros(now), string(s.tenant), string(id))
	return err
}

// EndSession ends a session; false if it was ended before or never existed. Grants
// that are not offline end with it, since their session is read with them.
func (s Scope) EndSession(ctx context.Context, id lanyard.SessionID, at time.Time) (bool, error) {
	n, err := s.change(ctx, `UPDATE sessions SET ended_at = ? WHERE tenant_id = ? AND id = ? AND ended_at IS NULL`,
		micros(at), string(s.tenant), string(id))
	return n > 0, err
}

// EndUserSessions ends the sessions of a user except one (empty for none) and tells how many.
func (s Scope) EndUserSessions(ctx context.Context, user lanyard.UserID, except lanyard.SessionID, at time.Time) (int64, error) {
	return s.change(ctx, `UPDATE sessions SET ended_at = ? WHERE tenant_id = ? AND user_id = ? AND id <> ? AND ended_at IS NULL`,
		micros(at), string(s.tenant), string(user), string(except))
}
