-- Version 5, alerts: as ../sqlite/5-alarm.sql.
ALTER TABLE notice DROP CONSTRAINT notice_channel_check;
ALTER TABLE notice DROP CONSTRAINT notice_state_check;
ALTER TABLE notice
    ADD CHECK (channel IN ('mail', 'second', 'webhook')),
    ADD CHECK (state IN ('due', 'sent', 'merged', 'stopped')),
    ADD COLUMN claimed_by TEXT,
    ADD COLUMN claimed_until BIGINT,
    ADD CHECK ((claimed_by IS NULL) = (claimed_until IS NULL));

-- Somebody has read an alert: what repeats that step is stopped, and never the next step.
CREATE TABLE acknowledgement (
    id             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id        TEXT NOT NULL REFERENCES breach_case (id),
    milestone      TEXT NOT NULL,
    clock_version  BIGINT NOT NULL,
    at             BIGINT NOT NULL,
    who            TEXT NOT NULL,
    UNIQUE (case_id, milestone, clock_version, who)
);

-- What the alarm does beside the cases' notices, by name, so that one node of many does it: the weekly letter, for example.
CREATE TABLE alarm_task (
    name           TEXT PRIMARY KEY,
    -- When it was last done.
    done_at        BIGINT,
    claimed_by     TEXT,
    claimed_until  BIGINT,
    CHECK ((claimed_by IS NULL) = (claimed_until IS NULL))
);

-- How many openings a person was told of in the last hour.
CREATE INDEX notice_of_opening ON notice (recipient, sent_at) WHERE milestone = 'opened';
