-- tenants, keys, people, clients, sessions, grants, events
CREATE TABLE tenants (
  tenant_id TEXT NOT NULL PRIMARY KEY,
  slug TEXT NOT NULL UNIQUE,
  host TEXT UNIQUE,
  name TEXT NOT NULL,
  redirect_hosts TEXT NOT NULL DEFAULT '',
  suspended BOOLEAN NOT NULL DEFAULT FALSE,
  policy TEXT NOT NULL DEFAULT '{}',
  branding TEXT NOT NULL DEFAULT '{}',
  revision BIGINT NOT NULL DEFAULT 1,
  created_at BIGINT NOT NULL
);
--bun:split
CREATE TABLE signing_keys (
  tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
  id TEXT NOT NULL,
  algorithm TEXT NOT NULL,
  state TEXT NOT NULL,
  public BYTEA NOT NULL,
  sealed BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  activated_at BIGINT,
  retired_at BIGINT,
  expires_at BIGINT,
  PRIMARY KEY (tenant_id, id)
);
--bun:split
CREATE UNIQUE INDEX signing_keys_active ON signing_keys (tenant_id, algorithm) WHERE state = 'active';
--bun:split
CREATE UNIQUE INDEX signing_keys_next ON signing_keys (tenant_id, algorithm) WHERE state = 'next';
--bun:split
CREATE TABLE users (
  tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
  id TEXT NOT NULL,
  subject TEXT NOT NULL,
  username TEXT,
  username_key TEXT,
  disabled BOOLEAN NOT NULL DEFAULT FALSE,
  profile TEXT NOT NULL DEFAULT '{}',
  updated_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, subject),
  UNIQUE (tenant_id, username_key)
);
--bun:split
CREATE TABLE emails (
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  address_key TEXT NOT NULL,
  address TEXT NOT NULL,
  verified BOOLEAN NOT NULL DEFAULT FALSE,
  is_primary BOOLEAN NOT NULL DEFAULT FALSE,
  signs_in BOOLEAN NOT NULL DEFAULT FALSE,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, user_id, address_key),
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
--bun:split
CREATE UNIQUE INDEX emails_sign_in ON emails (tenant_id, address_key) WHERE signs_in;
--bun:split
CREATE UNIQUE INDEX emails_primary ON emails (tenant_id, user_id) WHERE is_primary;
--bun:split
CREATE TABLE passwords (
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  hash TEXT NOT NULL,
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, user_id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
--bun:split
CREATE TABLE user_roles (
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  role TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, user_id, role),
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
--bun:split
CREATE TABLE organizations (
  tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
  id TEXT NOT NULL,
  slug TEXT NOT NULL,
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, slug)
);
--bun:split
CREATE TABLE memberships (
  tenant_id TEXT NOT NULL,
  organization_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  roles TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, organization_id, user_id),
  FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
--bun:split
CREATE INDEX memberships_user ON memberships (tenant_id, user_id);
--bun:split
CREATE TABLE roles (
  tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
  organization_id TEXT NOT NULL DEFAULT '',
  name TEXT NOT NULL,
  permissions TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, organization_id, name)
);
--bun:split
CREATE TABLE clients (
  tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
  id TEXT NOT NULL,
  document TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
--bun:split
CREATE TABLE client_secrets (
  tenant_id TEXT NOT NULL,
  client_id TEXT NOT NULL,
  hash BYTEA NOT NULL,
  expires_at BIGINT,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, client_id, hash),
  FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id)
);
--bun:split
CREATE TABLE resources (
  tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
  id TEXT NOT NULL,
  identifier_key TEXT NOT NULL,
  document TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, identifier_key)
);
--bun:split
CREATE TABLE trusted_issuers (
  tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
  issuer TEXT NOT NULL,
  document TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, issuer)
);
--bun:split
CREATE TABLE browsers (
  tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
  id TEXT NOT NULL,
  secret_hash BYTEA NOT NULL,
  user_agent TEXT NOT NULL,
  address TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, secret_hash)
);
--bun:split
CREATE TABLE sessions (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  browser_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  auth_time BIGINT NOT NULL,
  acr TEXT NOT NULL,
  amr TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  ended_at BIGINT,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, browser_id) REFERENCES browsers (tenant_id, id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
--bun:split
CREATE UNIQUE INDEX sessions_browser ON sessions (tenant_id, browser_id, user_id) WHERE ended_at IS NULL;
--bun:split
CREATE INDEX sessions_user ON sessions (tenant_id, user_id);
--bun:split
CREATE INDEX sessions_expiry ON sessions (tenant_id, expires_at);
--bun:split
CREATE TABLE auth_requests (
  tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
  id TEXT NOT NULL,
  client_id TEXT NOT NULL,
  params TEXT NOT NULL,
  binding_hash BYTEA NOT NULL,
  identifier TEXT NOT NULL DEFAULT '',
  session_id TEXT NOT NULL DEFAULT '',
  proved BOOLEAN NOT NULL DEFAULT FALSE,
  chosen BOOLEAN NOT NULL DEFAULT FALSE,
  agreed BOOLEAN NOT NULL DEFAULT FALSE,
  denied BOOLEAN NOT NULL DEFAULT FALSE,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  code_hash BYTEA,
  code_issued_at BIGINT,
  code_expires_at BIGINT,
  code_used_at BIGINT,
  code_grant_id TEXT NOT NULL DEFAULT '',
  code_failures BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, code_hash),
  FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id)
);
--bun:split
CREATE INDEX auth_requests_expiry ON auth_requests (tenant_id, expires_at);
--bun:split
CREATE TABLE grants (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  client_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  session_id TEXT NOT NULL,
  scopes TEXT NOT NULL,
  resources TEXT NOT NULL,
  claims TEXT NOT NULL DEFAULT '',
  acr TEXT NOT NULL,
  amr TEXT NOT NULL,
  auth_time BIGINT NOT NULL,
  offline BOOLEAN NOT NULL DEFAULT FALSE,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT,
  revoke_reason TEXT NOT NULL DEFAULT '',
  refresh_sequence BIGINT NOT NULL DEFAULT 0,
  refresh_key_id TEXT NOT NULL DEFAULT '',
  refresh_current BYTEA,
  refresh_previous BYTEA,
  refresh_rotated_at BIGINT,
  refresh_idle_until BIGINT,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
  FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id)
);
--bun:split
CREATE INDEX grants_user ON grants (tenant_id, user_id, client_id);
--bun:split
CREATE INDEX grants_session ON grants (tenant_id, session_id);
--bun:split
CREATE INDEX grants_expiry ON grants (tenant_id, expires_at);
--bun:split
CREATE TABLE access_tokens (
  tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
  hash BYTEA NOT NULL,
  grant_id TEXT,
  client_id TEXT NOT NULL,
  subject TEXT NOT NULL DEFAULT '',
  scopes TEXT NOT NULL,
  audience TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT,
  PRIMARY KEY (tenant_id, hash),
  FOREIGN KEY (tenant_id, grant_id) REFERENCES grants (tenant_id, id),
  FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id)
);
--bun:split
CREATE INDEX access_tokens_grant ON access_tokens (tenant_id, grant_id);
--bun:split
CREATE INDEX access_tokens_expiry ON access_tokens (tenant_id, expires_at);
--bun:split
CREATE TABLE consents (
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  client_id TEXT NOT NULL,
  scopes TEXT NOT NULL,
  resources TEXT NOT NULL,
  granted_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, user_id, client_id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
  FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id)
);
--bun:split
CREATE TABLE one_time_tokens (
  tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
  hash BYTEA NOT NULL,
  purpose TEXT NOT NULL,
  user_id TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, hash)
);
--bun:split
CREATE TABLE attempts (
  tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
  key TEXT NOT NULL,
  failures BIGINT NOT NULL,
  blocked_until BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, key)
);
--bun:split
CREATE INDEX attempts_expiry ON attempts (tenant_id, expires_at);
--bun:split
CREATE TABLE replays (
  tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
  key BYTEA NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, key)
);
--bun:split
CREATE INDEX replays_expiry ON replays (tenant_id, expires_at);
--bun:split
CREATE TABLE events (
  tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  user_id TEXT NOT NULL DEFAULT '',
  client_id TEXT NOT NULL DEFAULT '',
  session_id TEXT NOT NULL DEFAULT '',
  grant_id TEXT NOT NULL DEFAULT '',
  detail TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (tenant_id, id)
);
--bun:split
CREATE TABLE deliveries (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  recipient TEXT NOT NULL,
  subject TEXT NOT NULL DEFAULT '',
  sealed BYTEA,
  state TEXT NOT NULL,
  tries BIGINT NOT NULL DEFAULT 0,
  due_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, event_id) REFERENCES events (tenant_id, id)
);
--bun:split
CREATE INDEX deliveries_due ON deliveries (tenant_id, state, due_at);
--bun:split
CREATE TABLE refusals (
  tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
  id TEXT NOT NULL,
  at BIGINT NOT NULL,
  code TEXT NOT NULL,
  client_id TEXT NOT NULL DEFAULT '',
  detail TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (tenant_id, id)
);
--bun:split
CREATE INDEX refusals_at ON refusals (tenant_id, at);
--bun:split
CREATE TABLE leases (
  tenant_id TEXT NOT NULL DEFAULT '',
  name TEXT NOT NULL,
  holder TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, name)
);
