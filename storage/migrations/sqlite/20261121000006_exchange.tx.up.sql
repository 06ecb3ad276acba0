-- grants by exchange, without a session
CREATE TABLE grants_6 (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  client_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  session_id TEXT,
  scopes TEXT NOT NULL,
  resources TEXT NOT NULL,
  claims TEXT NOT NULL DEFAULT '',
  acr TEXT NOT NULL,
  amr TEXT NOT NULL,
  auth_time INTEGER NOT NULL,
  offline BOOLEAN NOT NULL DEFAULT FALSE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  revoked_at INTEGER,
  revoke_reason TEXT NOT NULL DEFAULT '',
  refresh_sequence INTEGER NOT NULL DEFAULT 0,
  refresh_key_id TEXT NOT NULL DEFAULT '',
  refresh_current BLOB,
  refresh_previous BLOB,
  refresh_rotated_at INTEGER,
  refresh_idle_until INTEGER,
  organization_id TEXT NOT NULL DEFAULT '',
  label TEXT NOT NULL DEFAULT '',
  connection_id TEXT NOT NULL DEFAULT '',
  confined BOOLEAN NOT NULL DEFAULT FALSE,
  actor TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
  FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id),
  CONSTRAINT grants_proof CHECK ((session_id IS NULL) = (actor <> ''))
);
--bun:split
INSERT INTO grants_6 (tenant_id, id, client_id, user_id, session_id, scopes, resources, claims, acr, amr, auth_time, offline, created_at, expires_at,
  revoked_at, revoke_reason, refresh_sequence, refresh_key_id, refresh_current, refresh_previous, refresh_rotated_at, refresh_idle_until,
  organization_id, label, connection_id, confined)
SELECT tenant_id, id, client_id, user_id, session_id, scopes, resources, claims, acr, amr, auth_time, offline, created_at, expires_at,
  revoked_at, revoke_reason, refresh_sequence, refresh_key_id, refresh_current, refresh_previous, refresh_rotated_at, refresh_idle_until,
  organization_id, label, connection_id, confined FROM grants;
--bun:split
CREATE TABLE access_tokens_6 (
  tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
  hash BLOB NOT NULL,
  grant_id TEXT,
  client_id TEXT NOT NULL,
  subject TEXT NOT NULL DEFAULT '',
  scopes TEXT NOT NULL,
  audience TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  revoked_at INTEGER,
  organization_id TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (tenant_id, hash),
  FOREIGN KEY (tenant_id, grant_id) REFERENCES grants_6 (tenant_id, id),
  FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id)
);
--bun:split
INSERT INTO access_tokens_6 (tenant_id, hash, grant_id, client_id, subject, scopes, audience, created_at, expires_at, revoked_at, organization_id)
SELECT tenant_id, hash, grant_id, client_id, subject, scopes, audience, created_at, expires_at, revoked_at, organization_id FROM access_tokens;
--bun:split
DROP TABLE access_tokens;
--bun:split
DROP TABLE grants;
--bun:split
-- contract unreleased: a program that does not know actor always writes a session
ALTER TABLE grants_6 RENAME TO grants;
--bun:split
ALTER TABLE access_tokens_6 RENAME TO access_tokens;
--bun:split
CREATE INDEX grants_user ON grants (tenant_id, user_id, client_id);
--bun:split
CREATE INDEX grants_session ON grants (tenant_id, session_id);
--bun:split
CREATE INDEX grants_expiry ON grants (tenant_id, expires_at);
--bun:split
CREATE INDEX grants_organization ON grants (tenant_id, organization_id, user_id) WHERE organization_id <> '';
--bun:split
CREATE INDEX access_tokens_grant ON access_tokens (tenant_id, grant_id);
--bun:split
CREATE INDEX access_tokens_expiry ON access_tokens (tenant_id, expires_at);
