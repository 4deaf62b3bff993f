-- Version 5, alerts: rows are kept when they become needless, other roads than mail, claims, and acknowledgements.
--
-- notice is made anew, because its states and channels are more now and SQLite changes no CHECK.
CREATE TABLE notice_5 (
    id             INTEGER PRIMARY KEY,
    case_id        TEXT NOT NULL REFERENCES breach_case (id),
    -- case::milestone
    milestone      TEXT NOT NULL,
    -- Of a step that repeats, from 1.
    ordinal        INTEGER NOT NULL DEFAULT 1,
    clock_version  INTEGER NOT NULL,
    recipient      TEXT NOT NULL,
    -- mail: by [alarm] smtp; second: by [alarm] second, when the first failed; webhook: to [alarm] webhook, likewise.
    channel        TEXT NOT NULL CHECK (channel IN ('mail', 'second', 'webhook')),
    due_at         INTEGER NOT NULL,
    -- due: to be sent; sent: the receiving server said yes; merged: another letter or road told it; stopped: needless now.
    state          TEXT NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'sent', 'merged', 'stopped')),
    next_try_at    INTEGER NOT NULL,
    attempts       INTEGER NOT NULL DEFAULT 0,
    -- Of the last failed attempt, for a person to read.
    last_error     TEXT,
    sent_at        INTEGER,
    -- When handing it over began; sent_at is when the receiving server took it (GDPR art. 33(2): both are shown).
    begun_at       INTEGER,
    -- Which node is at it, and until when the others leave it alone.
    claimed_by     TEXT,
    claimed_until  INTEGER,
    UNIQUE (case_id, milestone, ordinal, clock_version, recipient, channel),
    CHECK ((state = 'sent') = (sent_at IS NOT NULL)),
    CHECK ((claimed_by IS NULL) = (claimed_until IS NULL))
) STRICT;
INSERT INTO notice_5 (id, case_id, milestone, ordinal, clock_version, recipient, channel, due_at, state, next_try_at,
        attempts, last_error, sent_at, begun_at)
    SELECT id, case_id, milestone, ordinal, clock_version, recipient, channel, due_at, state, next_try_at, attempts,
        last_error, sent_at, begun_at
    FROM notice;
DROP TABLE notice;
ALTER TABLE notice_5 RENAME TO notice;
CREATE INDEX notice_to_send ON notice (next_try_at) WHERE state = 'due';

-- Somebody has read an alert: what repeats that step is stopped, and never the next step.
CREATE TABLE acknowledgement (
    id             INTEGER PRIMARY KEY,
    case_id        TEXT NOT NULL REFERENCES breach_case (id),
    milestone      TEXT NOT NULL,
    clock_version  INTEGER NOT NULL,
    at             INTEGER NOT NULL,
    who            TEXT NOT NULL,
    UNIQUE (case_id, milestone, clock_version, who)
) STRICT;

-- What the alarm does beside the cases' notices, by name, so that one node of many does it: the weekly letter, for example.
CREATE TABLE alarm_task (
    name           TEXT PRIMARY KEY,
    -- When it was last done.
    done_at        INTEGER,
    claimed_by     TEXT,
    claimed_until  INTEGER,
    CHECK ((claimed_by IS NULL) = (claimed_until IS NULL))
) STRICT, WITHOUT ROWID;

-- How many openings a person was told of in the last hour.
CREATE INDEX notice_of_opening ON notice (recipient, sent_at) WHERE milestone = 'opened';
