-- sign-in on devices
CREATE TABLE device_codes (
  tenant_id TEXT NOT NULL,
  code_hash BLOB NOT NULL,
  user_code_mac BLOB NOT NULL,
  client_id TEXT NOT NULL,
  scopes TEXT NOT NULL,
  resources TEXT NOT NULL,
  organization TEXT NOT NULL DEFAULT '',
  label TEXT NOT NULL DEFAULT '',
  address TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  poll_interval INTEGER NOT NULL,
  polled_at INTEGER,
  hurried BOOLEAN NOT NULL DEFAULT FALSE,
  decided_at INTEGER,
  grant_id TEXT NOT NULL DEFAULT '',
  used_at INTEGER,
  PRIMARY KEY (tenant_id, code_hash),
  UNIQUE (tenant_id, user_code_mac),
  FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id)
);
--bun:split
CREATE INDEX device_codes_expiry ON device_codes (expires_at);
--bun:split
ALTER TABLE grants ADD COLUMN label TEXT NOT NULL DEFAULT '';
