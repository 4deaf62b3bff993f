-- Version 2: one incident for all controllers that a cause concerns, and what passed although a number stood in it.

-- Keyed digest of the cause (case::incident::root), so that the case of another controller joins the same incident. NULL
-- in incidents of version 1: they are joined by their cases alone.
ALTER TABLE incident ADD COLUMN root BLOB CHECK (root IS NULL OR length(root) = 16);
CREATE UNIQUE INDEX one_incident_per_root ON incident (root) WHERE root IS NOT NULL;

-- The audit trail of what passed: a mail with a number that an exemption let through, or that carried many persons'
-- numbers on a protected road. No case, no clock; never changed, never deleted.
CREATE TABLE passage (
    id                 INTEGER PRIMARY KEY,
    -- Keyed digest as in detection: a message that comes again is the same row.
    message            BLOB NOT NULL CHECK (length(message) = 16),
    at                 INTEGER NOT NULL,
    why                TEXT NOT NULL CHECK (why IN ('exempt', 'many_persons')),
    -- The exemption's name, or the domain of the road.
    name               TEXT NOT NULL,
    -- Of an exemption as it was written then: who, why, and its last day; empty for a road.
    by_whom            TEXT NOT NULL,
    reason             TEXT NOT NULL,
    until              TEXT NOT NULL,
    queue_id           TEXT,
    sender_domain      TEXT NOT NULL,
    -- Sorted, separated by blanks; of those recipients whom this let through.
    recipient_domains  TEXT NOT NULL,
    recipients         INTEGER NOT NULL,
    findings           INTEGER NOT NULL,
    persons            INTEGER NOT NULL,
    UNIQUE (message, why, name)
) STRICT;
CREATE TRIGGER passage_is_not_changed BEFORE UPDATE ON passage
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER passage_is_not_deleted BEFORE DELETE ON passage
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;

-- When handing a notice over began; sent_at is when the receiving server took it (GDPR art. 33(2): both are shown).
ALTER TABLE notice ADD COLUMN begun_at INTEGER;
