-- Version 3: mail that waits for a person's decision, wherever it lies, and what was done about it.
--
-- No address stands here: the sender is a keyed digest, by which whoever acts makes sure that it is the same mail.

CREATE TABLE held (
    id                 INTEGER PRIMARY KEY,
    -- Of the file in our spool, or the mail server's queue id.
    name               TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 32 AND name NOT GLOB '*[^0-9A-Za-z]*'),
    place              TEXT NOT NULL CHECK (place IN ('spool', 'postfix')),
    -- The machine that has it: whoever decides, that machine acts.
    node               TEXT NOT NULL,
    -- When it was held. A queue id that came to be used again belongs to a mail that arrived later.
    at                 INTEGER NOT NULL,
    -- When it arrived, by the mail server's queue; NULL until it was asked.
    arrived_at         INTEGER,
    -- Bytes; 0 when the row was made again from a file that could not be opened.
    size               INTEGER NOT NULL,
    sender             BLOB NOT NULL CHECK (length(sender) = 16),
    -- Empty for the null sender, who is never told of anything.
    sender_domain      TEXT NOT NULL,
    -- Sorted, separated by blanks.
    recipient_domains  TEXT NOT NULL,
    recipients         INTEGER NOT NULL,
    -- Who is told when nobody decides.
    dpo                TEXT NOT NULL,
    -- waiting: for a person; approved: decided, and to be acted on by its node; released, discarded: done;
    -- gone: it is not where it lay, and nobody of ours took it.
    state              TEXT NOT NULL DEFAULT 'waiting'
                           CHECK (state IN ('waiting', 'approved', 'released', 'discarded', 'gone')),
    act                TEXT CHECK (act IN ('clear', 'protected', 'discard')),
    decided_by         TEXT,
    why                TEXT,
    decided_at         INTEGER,
    -- The step that cannot be taken back was begun, and the next hop has said yes: a crash between is told from a loss.
    began_at           INTEGER,
    accepted_at        INTEGER,
    settled_at         INTEGER,
    attempts           INTEGER NOT NULL DEFAULT 0,
    next_try_at        INTEGER NOT NULL DEFAULT 0,
    last_error         TEXT,
    -- The last alarm that nobody has decided.
    alarmed_at         INTEGER,
    CHECK ((state IN ('approved', 'released', 'discarded')) <= (act IS NOT NULL)),
    CHECK ((act IS NULL) = (decided_by IS NULL) AND (act IS NULL) = (why IS NULL) AND (act IS NULL) = (decided_at IS NULL)),
    CHECK ((state IN ('released', 'discarded', 'gone')) = (settled_at IS NOT NULL))
) STRICT;
-- A name lies in one place once, at any one time.
CREATE UNIQUE INDEX one_held_mail_of_a_name ON held (node, place, name) WHERE state IN ('waiting', 'approved');
CREATE INDEX held_by_sender ON held (sender);
CREATE INDEX held_by_age ON held (at) WHERE state IN ('waiting', 'approved');

-- The cases that a held mail's finding was put into: one for each controller. None for a mail held because it could not be
-- read.
CREATE TABLE held_case (
    held     INTEGER NOT NULL REFERENCES held (id),
    case_id  TEXT NOT NULL REFERENCES breach_case (id),
    PRIMARY KEY (held, case_id)
) STRICT, WITHOUT ROWID;

-- What was done about a held mail, in order; never changed, never deleted.
CREATE TABLE held_entry (
    held     INTEGER NOT NULL REFERENCES held (id),
    ordinal  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    who      TEXT NOT NULL,
    event    TEXT NOT NULL,
    reason   TEXT NOT NULL,
    PRIMARY KEY (held, ordinal)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER held_entry_is_not_changed BEFORE UPDATE ON held_entry
BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END;
CREATE TRIGGER held_entry_is_not_deleted BEFORE DELETE ON held_entry
BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END;
CREATE TRIGGER held_entry_is_not_replaced BEFORE INSERT ON held_entry
WHEN EXISTS (SELECT 1 FROM held_entry WHERE held = NEW.held AND ordinal = NEW.ordinal)
BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END;

-- The sender is to be told, of each thing once.
CREATE TABLE held_telling (
    held         INTEGER NOT NULL REFERENCES held (id),
    what         TEXT NOT NULL CHECK (what IN ('held', 'discarded', 'failed')),
    next_try_at  INTEGER NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,
    last_error   TEXT,
    -- told: the mail server said 250; left: it could not be told, for the reason in last_error.
    state        TEXT NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'told', 'left')),
    settled_at   INTEGER,
    PRIMARY KEY (held, what)
) STRICT, WITHOUT ROWID;
CREATE INDEX held_telling_to_do ON held_telling (next_try_at) WHERE state = 'due';
