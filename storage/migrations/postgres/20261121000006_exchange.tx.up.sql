-- grants by exchange, without a session
ALTER TABLE grants ADD COLUMN actor TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE grants ALTER COLUMN session_id DROP NOT NULL;
--bun:split
-- contract unreleased: a program that does not know actor always writes a session
ALTER TABLE grants ADD CONSTRAINT grants_proof CHECK ((session_id IS NULL) = (actor <> ''));
