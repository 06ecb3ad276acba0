-- how long a session was not used
ALTER TABLE sessions ADD COLUMN idle_gap INTEGER NOT NULL DEFAULT 0;
