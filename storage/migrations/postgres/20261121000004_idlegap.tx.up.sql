-- how long a session was not used
ALTER TABLE sessions ADD COLUMN idle_gap BIGINT NOT NULL DEFAULT 0;
