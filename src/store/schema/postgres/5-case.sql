-- Version 5: the whole life of a case, what is written about it, and a chain over every line. As ../sqlite/5-case.sql.
ALTER TABLE breach_case DROP CONSTRAINT breach_case_state_check;
ALTER TABLE breach_case DROP CONSTRAINT breach_case_check;
ALTER TABLE breach_case DROP CONSTRAINT breach_case_check1;
ALTER TABLE breach_case
    ADD CHECK (state IN ('near_miss', 'suspected', 'assessing', 'notified_preliminary', 'notified_final',
        'documented_only', 'no_breach', 'closed')),
    ADD CHECK ((aware_at IS NULL) = (deadline IS NULL)),
    ADD CHECK (state <> 'near_miss' OR deadline IS NULL),
    ADD CHECK (state IN ('near_miss', 'closed') OR deadline IS NOT NULL),
    ADD COLUMN regime TEXT NOT NULL DEFAULT 'gdpr-2018',
    ADD COLUMN mails BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN persons BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN persons_exact BIGINT NOT NULL DEFAULT 1 CHECK (persons_exact IN (0, 1)),
    ADD COLUMN records BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN first_at BIGINT,
    ADD COLUMN last_at BIGINT,
    ADD COLUMN hits_after BIGINT NOT NULL DEFAULT 0;
UPDATE breach_case c SET
    mails = (SELECT count(*) FROM detection d WHERE d.case_id = c.id),
    persons = (SELECT count(*) FROM person p WHERE p.case_id = c.id),
    persons_exact = (SELECT coalesce(min(d.persons_exact), 1) FROM detection d WHERE d.case_id = c.id),
    records = (SELECT CAST(coalesce(sum(d.persons), 0) AS BIGINT) FROM detection d WHERE d.case_id = c.id),
    first_at = (SELECT min(d.at) FROM detection d WHERE d.case_id = c.id),
    last_at = (SELECT max(d.at) FROM detection d WHERE d.case_id = c.id);
CREATE INDEX case_by_incident ON breach_case (incident);

-- What was written about a case: the value that counts now. Every earlier one stands in the register's lines.
CREATE TABLE case_fact (
    case_id  TEXT NOT NULL REFERENCES breach_case (id),
    -- case::field
    field    TEXT NOT NULL,
    value    TEXT NOT NULL,
    PRIMARY KEY (case_id, field)
);

-- A paper that proves something: Datatilsynet's receipt, a letter that went. The file lies in the spool.
CREATE TABLE receipt (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id    TEXT NOT NULL REFERENCES breach_case (id),
    at         BIGINT NOT NULL,
    who        TEXT NOT NULL,
    -- notification: of the authority; other: anything else.
    kind       TEXT NOT NULL CHECK (kind IN ('notification', 'other')),
    -- SHA-256 of the file, and its name in the spool.
    sha256     BYTEA NOT NULL CHECK (length(sha256) = 32),
    file       TEXT NOT NULL,
    size       BIGINT NOT NULL,
    UNIQUE (case_id, sha256)
);

-- What is still to be done about a case.
CREATE TABLE task (
    id        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id   TEXT NOT NULL REFERENCES breach_case (id),
    what      TEXT NOT NULL,
    who       TEXT NOT NULL,
    added_at  BIGINT NOT NULL,
    done_at   BIGINT
);
CREATE INDEX task_by_case ON task (case_id);

-- What else was said with a line, as JSON; empty in lines of before.
ALTER TABLE register_entry ADD COLUMN detail TEXT NOT NULL DEFAULT '';

-- The salt of a line's digest; erased with the line.
CREATE TABLE register_salt (
    case_id  TEXT NOT NULL REFERENCES breach_case (id),
    ordinal  BIGINT NOT NULL,
    salt     BYTEA NOT NULL CHECK (length(salt) = 16),
    PRIMARY KEY (case_id, ordinal)
);

-- The chain (case::chain): never changed, never deleted, also when the line itself was erased by the rule of retention.
CREATE TABLE register_link (
    case_id  TEXT NOT NULL,
    ordinal  BIGINT NOT NULL,
    digest   BYTEA NOT NULL CHECK (length(digest) = 32),
    chain    BYTEA NOT NULL CHECK (length(chain) = 32),
    PRIMARY KEY (case_id, ordinal)
);
CREATE TRIGGER link_is_not_changed BEFORE UPDATE ON register_link FOR EACH ROW EXECUTE FUNCTION is_append_only();
CREATE TRIGGER link_is_not_deleted BEFORE DELETE ON register_link FOR EACH ROW EXECUTE FUNCTION is_append_only();

-- All heads of all chains, hashed together every hour.
CREATE TABLE register_anchor (
    id     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     BIGINT NOT NULL,
    -- How many cases it speaks of, and the hash.
    cases  BIGINT NOT NULL,
    hash   BYTEA NOT NULL CHECK (length(hash) = 32)
);
CREATE TRIGGER anchor_is_not_changed BEFORE UPDATE ON register_anchor FOR EACH ROW EXECUTE FUNCTION is_append_only();
CREATE TRIGGER anchor_is_not_deleted BEFORE DELETE ON register_anchor FOR EACH ROW EXECUTE FUNCTION is_append_only();

-- A case that was erased by the rule of retention: its lines may go, and its links stay.
CREATE TABLE tombstone (
    case_id  TEXT PRIMARY KEY,
    at       BIGINT NOT NULL,
    who      TEXT NOT NULL,
    reason   TEXT NOT NULL
);
DROP TRIGGER register_is_not_deleted ON register_entry;
CREATE FUNCTION is_kept() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM tombstone WHERE case_id = OLD.case_id) THEN
        RAISE EXCEPTION 'the register is append-only';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER register_is_not_deleted BEFORE DELETE ON register_entry FOR EACH ROW EXECUTE FUNCTION is_kept();

-- As SQLite has it: where a text stands in another, from 1; 0 when it does not.
CREATE FUNCTION instr(text, text) RETURNS BIGINT LANGUAGE sql IMMUTABLE AS
$$ SELECT CAST(strpos($1, $2) AS BIGINT) $$;

-- What else stood in a case's mails, by type, in how many of them: words only (scan::beside).
CREATE TABLE case_beside (
    case_id  TEXT NOT NULL REFERENCES breach_case (id),
    word     TEXT NOT NULL CHECK (word IN ('name', 'address', 'account', 'health', 'child')),
    mails    BIGINT NOT NULL,
    PRIMARY KEY (case_id, word)
);

-- Those whose awareness a clock ahead has put into the future.
CREATE INDEX breach_case_by_awareness ON breach_case (aware_at);
