-- The register, version 1. Reads as a document: what is a row, and what may never be one.
--
-- No message, subject, local part or CPR number stands in any column. Persons are digests under a key of
-- their case, which is made from the case's salt and the node's key; without that key nothing can be counted
-- again, and with the salt erased neither can it with the key. Times are seconds since 1970 in UTC.

-- What this database is bound to.
CREATE TABLE binding (
    one             INTEGER PRIMARY KEY CHECK (one = 1),
    -- Tells the node key whose digests stand below from any other; says nothing of the key.
    node_key_check  BLOB NOT NULL CHECK (length(node_key_check) = 16)
) STRICT;

-- One cause. Each controller it concerns has a case of its own, with its own clock.
CREATE TABLE incident (
    id          INTEGER PRIMARY KEY,
    -- The source system of the configuration, or NULL for a sender that none names.
    source      TEXT,
    vendor      TEXT,
    opened_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE breach_case (
    -- BRV-2026-0042
    id                TEXT PRIMARY KEY CHECK (id GLOB 'BRV-[0-9][0-9][0-9][0-9]-[0-9]*'),
    incident          INTEGER NOT NULL REFERENCES incident (id),
    -- Keyed digest of what belongs together (case::incident). One case is open for each.
    grouping          BLOB NOT NULL CHECK (length(grouping) = 16),
    -- The controller as it was configured when the case was opened (GDPR art. 4(7)).
    controller_cvr    TEXT NOT NULL,
    controller_name   TEXT NOT NULL,
    dpo               TEXT NOT NULL,
    state             TEXT NOT NULL CHECK (state IN ('near_miss', 'suspected', 'assessing')),
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
    CHECK ((aware_at IS NULL) = (deadline IS NULL)),
    CHECK ((state = 'near_miss') = (deadline IS NULL))
) STRICT;
CREATE UNIQUE INDEX one_open_case_per_grouping ON breach_case (grouping);
CREATE INDEX case_by_deadline ON breach_case (deadline);

-- One message with a number in it.
CREATE TABLE detection (
    id                 INTEGER PRIMARY KEY,
    case_id            TEXT NOT NULL REFERENCES breach_case (id),
    -- Keyed digest of envelope, Message-ID, content and outcome: a message that comes again has the same, and
    -- raises attempts instead of the count.
    message            BLOB NOT NULL UNIQUE CHECK (length(message) = 16),
    attempts           INTEGER NOT NULL DEFAULT 1 CHECK (attempts >= 1),
    at                 INTEGER NOT NULL,
    queue_id           TEXT,
    verdict            TEXT NOT NULL CHECK (verdict IN ('deliver', 'reroute', 'hold', 'block', 'defer')),
    outcome            TEXT NOT NULL CHECK (outcome IN ('stopped', 'delivered')),
    -- What did become of it, as far as is known: we answered; the mail server's log knows the rest.
    disposition        TEXT NOT NULL DEFAULT 'answered' CHECK (disposition IN ('answered')),
    sender_domain      TEXT NOT NULL,
    -- Sorted, separated by blanks.
    recipient_domains  TEXT NOT NULL,
    recipients         INTEGER NOT NULL,
    findings           INTEGER NOT NULL,
    persons            INTEGER NOT NULL,
    -- 0: there were more than are counted in one mail, and those were neither counted nor sealed.
    persons_exact      INTEGER NOT NULL CHECK (persons_exact IN (0, 1))
) STRICT;
CREATE INDEX detection_by_case ON detection (case_id);

-- The different persons of a case.
CREATE TABLE person (
    case_id  TEXT NOT NULL REFERENCES breach_case (id),
    digest   BLOB NOT NULL CHECK (length(digest) = 16),
    PRIMARY KEY (case_id, digest)
) STRICT, WITHOUT ROWID;

-- What happened to a case, in order; never changed, never deleted (GDPR art. 33(5)).
CREATE TABLE register_entry (
    case_id     TEXT NOT NULL REFERENCES breach_case (id),
    ordinal     INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    who         TEXT NOT NULL,
    event       TEXT NOT NULL,
    from_state  TEXT,
    to_state    TEXT,
    reason      TEXT NOT NULL,
    PRIMARY KEY (case_id, ordinal)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER register_is_not_changed BEFORE UPDATE ON register_entry
BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END;
CREATE TRIGGER register_is_not_deleted BEFORE DELETE ON register_entry
BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END;
-- REPLACE deletes the old row without asking the trigger above.
CREATE TRIGGER register_is_not_replaced BEFORE INSERT ON register_entry
WHEN EXISTS (SELECT 1 FROM register_entry WHERE case_id = NEW.case_id AND ordinal = NEW.ordinal)
BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END;

-- Somebody is to be told. The key makes each telling one row, however often it is planned.
CREATE TABLE notice (
    id             INTEGER PRIMARY KEY,
    case_id        TEXT NOT NULL REFERENCES breach_case (id),
    milestone      TEXT NOT NULL,
    ordinal        INTEGER NOT NULL DEFAULT 1,
    clock_version  INTEGER NOT NULL,
    recipient      TEXT NOT NULL,
    channel        TEXT NOT NULL CHECK (channel IN ('mail')),
    due_at         INTEGER NOT NULL,
    -- due: to be sent; sent: the mail server said 250; merged: a more pressing one was sent in its place.
    state          TEXT NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'sent', 'merged')),
    next_try_at    INTEGER NOT NULL,
    attempts       INTEGER NOT NULL DEFAULT 0,
    -- Of the last failed attempt, for a person to read.
    last_error     TEXT,
    sent_at        INTEGER,
    UNIQUE (case_id, milestone, ordinal, clock_version, recipient, channel),
    CHECK ((state = 'sent') = (sent_at IS NOT NULL))
) STRICT;
CREATE INDEX notice_to_send ON notice (next_try_at) WHERE state = 'due';

-- Messages that passed although not all of them was read: counted, never a case or a clock.
CREATE TABLE unread_tally (
    -- Days since 1970 in UTC.
    day       INTEGER NOT NULL,
    kind      TEXT NOT NULL,
    verdict   TEXT NOT NULL,
    messages  INTEGER NOT NULL,
    PRIMARY KEY (day, kind, verdict)
) STRICT, WITHOUT ROWID;
