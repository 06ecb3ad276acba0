package e2e

import (
	"strings"
)

// broken lists what must never be in a database, whatever happened to the
// processes on it: a name, and a statement that finds it.
var broken = map[string]string{
	"token without its grant": `SELECT count(*) FROM access_tokens t WHERE t.grant_id IS NOT NULL
		AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.tenant_id = t.tenant_id AND g.id = t.grant_id)`,
	"grant without its session": `SELECT count(*) FROM grants g
		WHERE NOT EXISTS (SELECT 1 FROM sessions s WHERE s.tenant_id = g.tenant_id AND s.id = g.session_id AND s.user_id = g.user_id)`,
	"used code without its grant": `SELECT count(*) FROM auth_requests r WHERE r.code_used_at IS NOT NULL
		AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.tenant_id = r.tenant_id AND g.id = r.code_grant_id AND g.client_id = r.client_id)`,
	"grant without its code": `SELECT count(*) FROM grants g
		WHERE NOT EXISTS (SELECT 1 FROM auth_requests r WHERE r.tenant_id = g.tenant_id AND r.code_grant_id = g.id AND r.code_used_at IS NOT NULL)`,
	"two grants of one code": `SELECT count(*) FROM (SELECT 1 FROM auth_requests r WHERE r.code_grant_id <> ''
		GROUP BY r.tenant_id, r.code_grant_id HAVING count(*) > 1) d`,
	"grant without an event": `SELECT count(*) FROM grants g
		WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.tenant_id = g.tenant_id AND e.grant_id = g.id AND e.type = 'grant.created')`,
	"revoked grant without an event": `SELECT count(*) FROM grants g WHERE g.revoked_at IS NOT NULL
		AND NOT EXISTS (SELECT 1 FROM events e WHERE e.tenant_id = g.tenant_id AND (e.grant_id = g.id AND e.type <> 'grant.created'
			OR e.session_id = g.session_id AND e.type = 'session.ended' OR e.type = 'tenant.restored' AND e.at = g.revoked_at))`,
	"ended session without an event": `SELECT count(*) FROM sessions s WHERE s.ended_at IS NOT NULL
		AND NOT EXISTS (SELECT 1 FROM events e WHERE e.tenant_id = s.tenant_id AND (e.session_id = s.id AND e.type = 'session.ended'
			OR e.type = 'tenant.restored' AND e.at = s.ended_at))`,
	"session without an event": `SELECT count(*) FROM sessions s
		WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.tenant_id = s.tenant_id AND e.session_id = s.id AND e.type = 'user.signed_in')`,
	"two live sessions of one person in one browser": `SELECT count(*) FROM (SELECT 1 FROM sessions s WHERE s.ended_at IS NULL
		GROUP BY s.tenant_id, s.browser_id, s.user_id HAVING count(*) > 1) d`,
	"rotated family without its parent": `SELECT count(*) FROM grants g WHERE g.refresh_sequence > 1 AND (g.refresh_current IS NULL OR g.refresh_previous IS NULL)`,
}

// fsck wants a database without anything broken, in which there is something to be seen.
func fsck(o *operator) {
	o.t.Helper()
	db := o.look()
	for name, statement := range broken {
		var n int
		if err := db.QueryRow(statement).Scan(&n); err != nil || n > 0 {
			o.t.Errorf("%d times %s (%v)", n, name, err)
		}
	}
	var grants int
	if err := db.QueryRow(`SELECT count(*) FROM grants`).Scan(&grants); err != nil || grants == 0 {
		o.t.Errorf("%d grants to look at (%v)", grants, err)
	}
	if !strings.HasPrefix(o.database, "sqlite:") {
		return
	}
	for pragma, want := range map[string]string{"integrity_check": "ok", "foreign_key_check": ""} {
		var found string
		err := db.QueryRow(`PRAGMA ` + pragma).Scan(&found)
		if found != want || err != nil && want != "" {
			o.t.Errorf("%s says %q (%v)", pragma, found, err)
		}
	}
}
