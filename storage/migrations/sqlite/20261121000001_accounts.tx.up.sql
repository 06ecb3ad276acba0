-- authenticators, codes by mail, remembered devices
ALTER TABLE tenants ADD COLUMN mail TEXT NOT NULL DEFAULT '{}';
--bun:split
ALTER TABLE users ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
--bun:split
ALTER TABLE users ADD COLUMN handle BLOB;
--bun:split
ALTER TABLE users ADD COLUMN delete_at INTEGER;
--bun:split
-- contract unreleased: handle is new, and a program that does not know it writes none
CREATE UNIQUE INDEX users_handle ON users (tenant_id, handle) WHERE handle IS NOT NULL;
--bun:split
CREATE INDEX users_delete ON users (delete_at) WHERE delete_at IS NOT NULL;
--bun:split
ALTER TABLE passwords ADD COLUMN must_change BOOLEAN NOT NULL DEFAULT FALSE;
--bun:split
ALTER TABLE passwords ADD COLUMN short BOOLEAN NOT NULL DEFAULT FALSE;
--bun:split
ALTER TABLE sessions ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
--bun:split
ALTER TABLE sessions ADD COLUMN idle_until INTEGER;
--bun:split
ALTER TABLE browsers ADD COLUMN session_id TEXT NOT NULL DEFAULT '';
--bun:split
CREATE INDEX events_user ON events (tenant_id, user_id, id);
--bun:split
CREATE INDEX events_nobody ON events (at) WHERE user_id = '';
--bun:split
CREATE INDEX browsers_seen ON browsers (seen_at);
--bun:split
CREATE INDEX one_time_tokens_user ON one_time_tokens (tenant_id, user_id, purpose);
--bun:split
CREATE INDEX deliveries_waiting ON deliveries (due_at) WHERE state = 'queued';
--bun:split
CREATE TABLE totp (
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  id TEXT NOT NULL,
  sealed BLOB NOT NULL,
  holder TEXT NOT NULL DEFAULT '',
  last_step INTEGER NOT NULL DEFAULT 0,
  confirmed_at INTEGER,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, user_id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
--bun:split
CREATE TABLE recovery_codes (
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  mac BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, user_id, mac),
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
--bun:split
CREATE TABLE passkeys (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  rp_id TEXT NOT NULL,
  name TEXT NOT NULL,
  record TEXT NOT NULL,
  counter INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  used_at INTEGER,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
--bun:split
CREATE INDEX passkeys_user ON passkeys (tenant_id, user_id);
--bun:split
CREATE TABLE deleted_passkeys (
  tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
  id TEXT NOT NULL,
  deleted_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
--bun:split
CREATE TABLE ceremonies (
  tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
  holder TEXT NOT NULL,
  purpose TEXT NOT NULL,
  data TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, holder, purpose)
);
--bun:split
CREATE INDEX ceremonies_expiry ON ceremonies (expires_at);
--bun:split
CREATE TABLE remembered_devices (
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  browser_id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, user_id, browser_id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
  FOREIGN KEY (tenant_id, browser_id) REFERENCES browsers (tenant_id, id)
);
--bun:split
CREATE INDEX remembered_devices_expiry ON remembered_devices (expires_at);
--bun:split
CREATE TABLE challenges (
  tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
  id TEXT NOT NULL,
  holder TEXT NOT NULL,
  purpose TEXT NOT NULL,
  user_id TEXT NOT NULL DEFAULT '',
  address TEXT NOT NULL,
  mac BLOB NOT NULL,
  link_hash BLOB NOT NULL,
  sealed BLOB,
  failures INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, holder, purpose),
  UNIQUE (tenant_id, link_hash)
);
--bun:split
CREATE INDEX challenges_user ON challenges (tenant_id, user_id);
--bun:split
CREATE INDEX challenges_expiry ON challenges (expires_at);
--bun:split
CREATE TABLE auth_requests_2 (
  tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
  id TEXT NOT NULL,
  client_id TEXT,
  params TEXT NOT NULL,
  binding_hash BLOB NOT NULL,
  identifier TEXT NOT NULL DEFAULT '',
  session_id TEXT NOT NULL DEFAULT '',
  proved BOOLEAN NOT NULL DEFAULT FALSE,
  chosen BOOLEAN NOT NULL DEFAULT FALSE,
  agreed BOOLEAN NOT NULL DEFAULT FALSE,
  denied BOOLEAN NOT NULL DEFAULT FALSE,
  way TEXT NOT NULL DEFAULT '',
  skipped BOOLEAN NOT NULL DEFAULT FALSE,
  progress TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  code_hash BLOB,
  code_issued_at INTEGER,
  code_expires_at INTEGER,
  code_used_at INTEGER,
  code_grant_id TEXT NOT NULL DEFAULT '',
  code_failures INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, code_hash),
  FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id)
);
--bun:split
INSERT INTO auth_requests_2 (tenant_id, id, client_id, params, binding_hash, identifier, session_id, proved, chosen, agreed, denied,
  created_at, expires_at, code_hash, code_issued_at, code_expires_at, code_used_at, code_grant_id, code_failures)
SELECT tenant_id, id, client_id, params, binding_hash, identifier, session_id, proved, chosen, agreed, denied,
  created_at, expires_at, code_hash, code_issued_at, code_expires_at, code_used_at, code_grant_id, code_failures FROM auth_requests;
--bun:split
DROP TABLE auth_requests;
--bun:split
ALTER TABLE auth_requests_2 RENAME TO auth_requests;
--bun:split
CREATE INDEX auth_requests_expiry ON auth_requests (tenant_id, expires_at);
