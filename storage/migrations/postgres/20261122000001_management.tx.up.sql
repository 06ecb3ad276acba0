-- webhooks, idempotency keys, indexes of lists
CREATE TABLE webhooks (
  tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
  id TEXT NOT NULL,
  url TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  types TEXT NOT NULL DEFAULT '',
  disabled BOOLEAN NOT NULL DEFAULT FALSE,
  secret BYTEA NOT NULL,
  previous_secret BYTEA,
  previous_until BIGINT,
  failing_since BIGINT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
--bun:split
CREATE TABLE idempotency_keys (
  tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
  actor TEXT NOT NULL,
  key TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, actor, key)
);
--bun:split
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
--bun:split
ALTER TABLE deliveries ADD COLUMN webhook_id TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE deliveries ADD COLUMN response BIGINT NOT NULL DEFAULT 0;
--bun:split
ALTER TABLE deliveries ADD COLUMN error TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE deliveries ADD COLUMN tried_at BIGINT;
--bun:split
CREATE INDEX deliveries_webhook ON deliveries (tenant_id, webhook_id, id) WHERE webhook_id <> '';
--bun:split
ALTER TABLE events ADD COLUMN pending BOOLEAN NOT NULL DEFAULT FALSE;
--bun:split
CREATE INDEX events_pending ON events (tenant_id, id) WHERE pending;
--bun:split
CREATE INDEX events_type ON events (tenant_id, type, id);
--bun:split
CREATE INDEX events_client ON events (tenant_id, client_id, id) WHERE client_id <> '';
--bun:split
CREATE INDEX refusals_client ON refusals (tenant_id, client_id, at) WHERE client_id <> '';
--bun:split
CREATE INDEX users_name ON users (tenant_id, name_key, id);
--bun:split
CREATE INDEX user_roles_role ON user_roles (tenant_id, role, user_id);
--bun:split
CREATE INDEX grants_client ON grants (tenant_id, client_id, id);
--bun:split
ALTER TABLE clients ADD COLUMN type TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE clients ADD COLUMN disabled BOOLEAN NOT NULL DEFAULT FALSE;
--bun:split
ALTER TABLE clients ADD COLUMN words TEXT NOT NULL DEFAULT '';
--bun:split
UPDATE clients SET type = COALESCE(document::json ->> 'type', ''), disabled = COALESCE((document::json ->> 'disabled')::boolean, FALSE),
  words = lower(id || ' ' || COALESCE(document::json ->> 'client_name', ''));
--bun:split
CREATE INDEX clients_created ON clients (tenant_id, created_at, id);
--bun:split
ALTER TABLE client_secrets ADD COLUMN id TEXT NOT NULL DEFAULT '';
--bun:split
UPDATE client_secrets SET id = 'sec_' || substr(md5(random()::text || tenant_id || client_id), 1, 24);
--bun:split
CREATE INDEX emails_address ON emails (tenant_id, address_key, user_id);
--bun:split
CREATE INDEX users_disabled ON users (tenant_id, id) WHERE disabled;
--bun:split
CREATE INDEX users_disabled_name ON users (tenant_id, name_key, id) WHERE disabled;
--bun:split
CREATE INDEX organizations_name ON organizations (tenant_id, name, id);
--bun:split
CREATE INDEX access_tokens_client ON access_tokens (tenant_id, client_id);
