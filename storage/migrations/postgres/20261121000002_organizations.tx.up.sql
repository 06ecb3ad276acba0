-- organizations with members, invitations and domains
ALTER TABLE organizations ADD COLUMN code TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE organizations ADD COLUMN personal BOOLEAN NOT NULL DEFAULT FALSE;
--bun:split
ALTER TABLE organizations ADD COLUMN plan TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE organizations ADD COLUMN trial_end BIGINT;
--bun:split
ALTER TABLE organizations ADD COLUMN seats BIGINT NOT NULL DEFAULT 0;
--bun:split
ALTER TABLE organizations ADD COLUMN language TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE organizations ADD COLUMN branding TEXT NOT NULL DEFAULT '{}';
--bun:split
ALTER TABLE organizations ADD COLUMN policy TEXT NOT NULL DEFAULT '{}';
--bun:split
ALTER TABLE organizations ADD COLUMN suspended BOOLEAN NOT NULL DEFAULT FALSE;
--bun:split
ALTER TABLE organizations ADD COLUMN delete_at BIGINT;
--bun:split
ALTER TABLE organizations ADD COLUMN erased BOOLEAN NOT NULL DEFAULT FALSE;
--bun:split
-- contract unreleased: code is new, and a program that does not know it writes none
CREATE UNIQUE INDEX organizations_code ON organizations (tenant_id, code) WHERE code <> '';
--bun:split
CREATE INDEX organizations_delete ON organizations (delete_at) WHERE delete_at IS NOT NULL AND NOT erased;
--bun:split
ALTER TABLE users ADD COLUMN organization_id TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE users ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
--bun:split
UPDATE users SET name_key = lower(COALESCE(profile::json->>'name', '')) WHERE profile <> '';
--bun:split
ALTER TABLE sessions ADD COLUMN organization_id TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE auth_requests ADD COLUMN organization_id TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE auth_requests ADD COLUMN joined BOOLEAN NOT NULL DEFAULT FALSE;
--bun:split
ALTER TABLE grants ADD COLUMN organization_id TEXT NOT NULL DEFAULT '';
--bun:split
CREATE INDEX grants_organization ON grants (tenant_id, organization_id, user_id) WHERE organization_id <> '';
--bun:split
ALTER TABLE access_tokens ADD COLUMN organization_id TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE events ADD COLUMN organization_id TEXT NOT NULL DEFAULT '';
--bun:split
CREATE INDEX events_organization ON events (tenant_id, organization_id, id) WHERE organization_id <> '';
--bun:split
CREATE TABLE client_roles (
  tenant_id TEXT NOT NULL,
  client_id TEXT NOT NULL,
  organization_id TEXT NOT NULL,
  roles TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, organization_id, client_id),
  FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id),
  FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id)
);
--bun:split
CREATE TABLE invitations (
  tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
  id TEXT NOT NULL,
  organization_id TEXT,
  code_hash BYTEA NOT NULL,
  email TEXT NOT NULL DEFAULT '',
  domain TEXT NOT NULL DEFAULT '',
  roles TEXT NOT NULL DEFAULT '',
  client_id TEXT NOT NULL DEFAULT '',
  plan TEXT NOT NULL DEFAULT '',
  trial_days BIGINT NOT NULL DEFAULT 0,
  max_uses BIGINT NOT NULL,
  uses BIGINT NOT NULL DEFAULT 0,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT,
  inviter_id TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL,
  sent_at BIGINT,
  sends BIGINT NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, code_hash),
  FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id)
);
--bun:split
CREATE INDEX invitations_organization ON invitations (tenant_id, organization_id, id);
--bun:split
CREATE INDEX invitations_email ON invitations (tenant_id, email) WHERE email <> '';
--bun:split
CREATE TABLE invitation_uses (
  tenant_id TEXT NOT NULL,
  invitation_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  used_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, invitation_id, user_id),
  FOREIGN KEY (tenant_id, invitation_id) REFERENCES invitations (tenant_id, id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
--bun:split
CREATE INDEX invitation_uses_user ON invitation_uses (tenant_id, user_id);
--bun:split
CREATE TABLE organization_domains (
  tenant_id TEXT NOT NULL,
  organization_id TEXT NOT NULL,
  domain TEXT NOT NULL,
  token TEXT NOT NULL,
  joining TEXT NOT NULL DEFAULT 'off',
  verified_at BIGINT,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, organization_id, domain),
  FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id)
);
--bun:split
CREATE UNIQUE INDEX organization_domains_verified ON organization_domains (tenant_id, domain) WHERE verified_at IS NOT NULL;
--bun:split
CREATE TABLE organization_logos (
  tenant_id TEXT NOT NULL,
  organization_id TEXT NOT NULL,
  dark BOOLEAN NOT NULL,
  content BYTEA NOT NULL,
  PRIMARY KEY (tenant_id, organization_id, dark),
  FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id)
);
--bun:split
CREATE TABLE join_requests (
  tenant_id TEXT NOT NULL,
  organization_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, organization_id, user_id),
  FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
--bun:split
CREATE INDEX join_requests_user ON join_requests (tenant_id, user_id);
