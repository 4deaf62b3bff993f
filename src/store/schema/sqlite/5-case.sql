-- Version 5: the whole life of a case, what is written about it, and a chain over every line.
--
-- breach_case is made anew, because its states are more now and SQLite changes no CHECK.
CREATE TABLE breach_case_5 (
    -- BRV-2026-0042
    id                TEXT PRIMARY KEY CHECK (id GLOB 'BRV-[0-9][0-9][0-9][0-9]-[0-9]*'),
    incident          INTEGER NOT NULL REFERENCES incident (id),
    -- Keyed digest of what belongs together (case::incident). A hit after closing finds its case by it.
    grouping          BLOB NOT NULL CHECK (length(grouping) = 16),
    -- The controller as it was configured when the case was opened (GDPR art. 4(7)).
    controller_cvr    TEXT NOT NULL,
    controller_name   TEXT NOT NULL,
    dpo               TEXT NOT NULL,
    -- case::State
    state             TEXT NOT NULL CHECK (state IN ('near_miss', 'suspected', 'assessing', 'notified_preliminary',
                          'notified_final', 'documented_only', 'no_breach', 'closed')),
    -- case::regime: the law under which it was opened.
    regime            TEXT NOT NULL DEFAULT 'gdpr-2018',
    detected_at       INTEGER NOT NULL,
    -- Awareness and its deadline (GDPR art. 33(1)): both or neither, and a near miss has neither.
    aware_at          INTEGER,
    deadline          INTEGER,
    -- Rises when the deadline moves, so that notices of the old clock are told from those of the new.
    clock_version     INTEGER NOT NULL DEFAULT 1,
    -- Of the key under which this case counts persons.
    salt              BLOB NOT NULL CHECK (length(salt) = 16),
    -- Whether all numbers are sealed to a DPO's key; those found while there was none cannot be written to.
    sealed            INTEGER NOT NULL CHECK (sealed IN (0, 1)),
    -- Counted as messages join, so that a list of many cases counts nothing: different messages, different persons, persons
    -- in each message added up (records), and when the first and the last message was found.
    mails             INTEGER NOT NULL DEFAULT 0,
    persons           INTEGER NOT NULL DEFAULT 0,
    persons_exact     INTEGER NOT NULL DEFAULT 1 CHECK (persons_exact IN (0, 1)),
    records           INTEGER NOT NULL DEFAULT 0,
    first_at          INTEGER,
    last_at           INTEGER,
    -- Messages that came after it was settled: a person is asked to reopen it.
    hits_after        INTEGER NOT NULL DEFAULT 0,
    CHECK ((aware_at IS NULL) = (deadline IS NULL)),
    CHECK (state <> 'near_miss' OR deadline IS NULL),
    CHECK (state IN ('near_miss', 'closed') OR deadline IS NOT NULL)
) STRICT;
INSERT INTO breach_case_5 (id, incident, grouping, controller_cvr, controller_name, dpo, state, detected_at, aware_at,
        deadline, clock_version, salt, sealed, mails, persons, persons_exact, records, first_at, last_at)
    SELECT id, incident, grouping, controller_cvr, controller_name, dpo, state, detected_at, aware_at, deadline,
        clock_version, salt, sealed,
        (SELECT count(*) FROM detection d WHERE d.case_id = c.id),
        (SELECT count(*) FROM person p WHERE p.case_id = c.id),
        (SELECT ifnull(min(d.persons_exact), 1) FROM detection d WHERE d.case_id = c.id),
        (SELECT ifnull(sum(d.persons), 0) FROM detection d WHERE d.case_id = c.id),
        (SELECT min(d.at) FROM detection d WHERE d.case_id = c.id),
        (SELECT max(d.at) FROM detection d WHERE d.case_id = c.id)
    FROM breach_case c;
DROP TABLE breach_case;
ALTER TABLE breach_case_5 RENAME TO breach_case;
CREATE UNIQUE INDEX one_open_case_per_grouping ON breach_case (grouping);
CREATE INDEX case_by_deadline ON breach_case (deadline);
CREATE INDEX case_by_incident ON breach_case (incident);

-- What was written about a case: the value that counts now. Every earlier one stands in the register's lines.
CREATE TABLE case_fact (
    case_id  TEXT NOT NULL REFERENCES breach_case (id),
    -- case::field
    field    TEXT NOT NULL,
    value    TEXT NOT NULL,
    PRIMARY KEY (case_id, field)
) STRICT, WITHOUT ROWID;

-- A paper that proves something: Datatilsynet's receipt, a letter that went. The file lies in the spool.
CREATE TABLE receipt (
    id         INTEGER PRIMARY KEY,
    case_id    TEXT NOT NULL REFERENCES breach_case (id),
    at         INTEGER NOT NULL,
    who        TEXT NOT NULL,
    -- notification: of the authority; other: anything else.
    kind       TEXT NOT NULL CHECK (kind IN ('notification', 'other')),
    -- SHA-256 of the file, and its name in the spool.
    sha256     BLOB NOT NULL CHECK (length(sha256) = 32),
    file       TEXT NOT NULL,
    size       INTEGER NOT NULL,
    UNIQUE (case_id, sha256)
) STRICT;

-- What is still to be done about a case.
CREATE TABLE task (
    id        INTEGER PRIMARY KEY,
    case_id   TEXT NOT NULL REFERENCES breach_case (id),
    what      TEXT NOT NULL,
    who       TEXT NOT NULL,
    added_at  INTEGER NOT NULL,
    done_at   INTEGER
) STRICT;
CREATE INDEX task_by_case ON task (case_id);

-- What else was said with a line, as JSON; empty in lines of before.
ALTER TABLE register_entry ADD COLUMN detail TEXT NOT NULL DEFAULT '';

-- The salt of a line's digest; erased with the line.
CREATE TABLE register_salt (
    case_id  TEXT NOT NULL REFERENCES breach_case (id),
    ordinal  INTEGER NOT NULL,
    salt     BLOB NOT NULL CHECK (length(salt) = 16),
    PRIMARY KEY (case_id, ordinal)
) STRICT, WITHOUT ROWID;

-- The chain (case::chain): never changed, never deleted, also when the line itself was erased by the rule of retention.
CREATE TABLE register_link (
    case_id  TEXT NOT NULL,
    ordinal  INTEGER NOT NULL,
    digest   BLOB NOT NULL CHECK (length(digest) = 32),
    chain    BLOB NOT NULL CHECK (length(chain) = 32),
    PRIMARY KEY (case_id, ordinal)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER link_is_not_changed BEFORE UPDATE ON register_link
BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END;
CREATE TRIGGER link_is_not_deleted BEFORE DELETE ON register_link
BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END;
CREATE TRIGGER link_is_not_replaced BEFORE INSERT ON register_link
WHEN EXISTS (SELECT 1 FROM register_link WHERE case_id = NEW.case_id AND ordinal = NEW.ordinal)
BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END;

-- All heads of all chains, hashed together every hour.
CREATE TABLE register_anchor (
    id     INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    -- How many cases it speaks of, and the hash.
    cases  INTEGER NOT NULL,
    hash   BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE TRIGGER anchor_is_not_changed BEFORE UPDATE ON register_anchor
BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END;
CREATE TRIGGER anchor_is_not_deleted BEFORE DELETE ON register_anchor
BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END;

-- A case that was erased by the rule of retention: its lines may go, and its links stay.
CREATE TABLE tombstone (
    case_id  TEXT PRIMARY KEY,
    at       INTEGER NOT NULL,
    who      TEXT NOT NULL,
    reason   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
DROP TRIGGER register_is_not_deleted;
CREATE TRIGGER register_is_not_deleted BEFORE DELETE ON register_entry
WHEN NOT EXISTS (SELECT 1 FROM tombstone WHERE case_id = OLD.case_id)
BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END;

-- What else stood in a case's mails, by type, in how many of them: words only (scan::beside).
CREATE TABLE case_beside (
    case_id  TEXT NOT NULL REFERENCES breach_case (id),
    word     TEXT NOT NULL CHECK (word IN ('name', 'address', 'account', 'health', 'child')),
    mails    INTEGER NOT NULL,
    PRIMARY KEY (case_id, word)
) STRICT, WITHOUT ROWID;

-- Those whose awareness a clock ahead has put into the future.
CREATE INDEX breach_case_by_awareness ON breach_case (aware_at);
