-- authenticators, codes by mail, remembered devices
ALTER TABLE tenants ADD COLUMN mail TEXT NOT NULL DEFAULT '{}';
--bun:split
ALTER TABLE users ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;
--bun:split
ALTER TABLE users ADD COLUMN handle BYTEA;
--bun:split
ALTER TABLE users ADD COLUMN delete_at BIGINT;
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
ALTER TABLE sessions ADD COLUMN used_at BIGINT NOT NULL DEFAULT 0;
--bun:split
ALTER TABLE sessions ADD COLUMN idle_until BIGINT;
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
  sealed BYTEA NOT NULL,
  holder TEXT NOT NULL DEFAULT '',
  last_step BIGINT NOT NULL DEFAULT 0,
  confirmed_at BIGINT,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, user_id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
--bun:split
CREATE TABLE recovery_codes (
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  mac BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
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
  counter BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  used_at BIGINT,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
--bun:split
CREATE INDEX passkeys_user ON passkeys (tenant_id, user_id);
--bun:split
CREATE TABLE deleted_passkeys (
  tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
  id TEXT NOT NULL,
  deleted_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
--bun:split
CREATE TABLE ceremonies (
  tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
  holder TEXT NOT NULL,
  purpose TEXT NOT NULL,
  data TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, holder, purpose)
);
--bun:split
CREATE INDEX ceremonies_expiry ON ceremonies (expires_at);
--bun:split
CREATE TABLE remembered_devices (
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  browser_id TEXT NOT NULL,
  revision BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
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
  mac BYTEA NOT NULL,
  link_hash BYTEA NOT NULL,
  sealed BYTEA,
  failures BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, holder, purpose),
  UNIQUE (tenant_id, link_hash)
);
--bun:split
CREATE INDEX challenges_user ON challenges (tenant_id, user_id);
--bun:split
CREATE INDEX challenges_expiry ON challenges (expires_at);
--bun:split
ALTER TABLE auth_requests ALTER COLUMN client_id DROP NOT NULL;
--bun:split
ALTER TABLE auth_requests ADD COLUMN way TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE auth_requests ADD COLUMN skipped BOOLEAN NOT NULL DEFAULT FALSE;
--bun:split
ALTER TABLE auth_requests ADD COLUMN progress TEXT NOT NULL DEFAULT '';
