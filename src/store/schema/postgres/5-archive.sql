-- Version 5, old mail. Says the same as ../sqlite/5-archive.sql.

CREATE TABLE mail_content (
    message   BYTEA PRIMARY KEY REFERENCES detection (message) ON DELETE CASCADE CHECK (length(message) = 16),
    -- Keyed digest of Message-ID and controller: the same in every copy, wherever that was found.
    content   BYTEA NOT NULL CHECK (length(content) = 16),
    -- Whether it was found in an archive, and not on its way.
    archived  BIGINT NOT NULL CHECK (archived IN (0, 1)),
    -- What its own header says; when it was found is detection.at. NULL when it says nothing that can be.
    sent_at   BIGINT
);
CREATE INDEX mail_by_content ON mail_content (content);

-- The letters that a source system writes, so that all mails of one are one incident (case::template).
CREATE TABLE template (
    -- Keyed digest of the first mail's mark.
    id       BYTEA PRIMARY KEY CHECK (length(id) = 16),
    -- Keyed digest of the source's name.
    source   BYTEA NOT NULL CHECK (length(source) = 16),
    -- Keyed tags, four bytes each, of the subject's words and of pairs of neighbouring words of the text, without names,
    -- numbers and dates: two such sets can be compared, and neither read.
    subject  BYTEA NOT NULL,
    words    BYTEA NOT NULL,
    -- The same of the text's first and last pairs; empty where it is shorter.
    head     BYTEA NOT NULL,
    tail     BYTEA NOT NULL,
    -- Keyed digest of the numbers in the first mail: a copy of it is no second mail of the template.
    persons  BYTEA NOT NULL CHECK (length(persons) = 16),
    -- From how many mails it has learned what they have in common, the first included.
    members  BIGINT NOT NULL CHECK (members >= 1),
    -- From 1, in the order in which a source's were met: who knows some asks for those behind them.
    ordinal  BIGINT NOT NULL,
    seen_at  BIGINT NOT NULL
);
CREATE INDEX template_by_source ON template (source, ordinal);
