-- connections to upstream providers
CREATE TABLE connections (
  tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
  id TEXT NOT NULL,
  organization_id TEXT,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  document TEXT NOT NULL,
  sealed_secret BLOB,
  sealed_bot_token BLOB,
  enabled BOOLEAN NOT NULL DEFAULT FALSE,
  signs_in BOOLEAN NOT NULL DEFAULT FALSE,
  signs_up BOOLEAN NOT NULL DEFAULT FALSE,
  links BOOLEAN NOT NULL DEFAULT FALSE,
  tested_as TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id)
);
--bun:split
CREATE INDEX connections_organization ON connections (tenant_id, organization_id);
--bun:split
CREATE TABLE identities (
  tenant_id TEXT NOT NULL,
  connection_id TEXT NOT NULL,
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  user_id TEXT NOT NULL,
  label TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, connection_id, issuer, subject),
  FOREIGN KEY (tenant_id, connection_id) REFERENCES connections (tenant_id, id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
--bun:split
CREATE INDEX identities_user ON identities (tenant_id, user_id);
--bun:split
CREATE TABLE federation_attempts (
  tenant_id TEXT NOT NULL,
  request_id TEXT NOT NULL,
  state_hash BLOB NOT NULL,
  connection_id TEXT NOT NULL,
  sealed BLOB NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, request_id),
  UNIQUE (tenant_id, state_hash),
  FOREIGN KEY (tenant_id, connection_id) REFERENCES connections (tenant_id, id)
);
--bun:split
CREATE INDEX federation_attempts_expiry ON federation_attempts (expires_at);
--bun:split
ALTER TABLE auth_requests ADD COLUMN arrival TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE auth_requests ADD COLUMN refusal TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE sessions ADD COLUMN connection_id TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE sessions ADD COLUMN confined_to TEXT NOT NULL DEFAULT '';
--bun:split
-- contract unreleased: a program without confined_to looks for this index in its ON CONFLICT
DROP INDEX sessions_browser;
--bun:split
-- contract unreleased: takes the place of the one above
CREATE UNIQUE INDEX sessions_browser ON sessions (tenant_id, browser_id, user_id, confined_to) WHERE ended_at IS NULL;
--bun:split
ALTER TABLE grants ADD COLUMN connection_id TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE grants ADD COLUMN confined BOOLEAN NOT NULL DEFAULT FALSE;
--bun:split
ALTER TABLE browsers ADD COLUMN connection_id TEXT NOT NULL DEFAULT '';
