-- Version 5, old mail: by what copies of a mail are known, and when it says that it was sent.

CREATE TABLE mail_content (
    message   BLOB PRIMARY KEY REFERENCES detection (message) ON DELETE CASCADE CHECK (length(message) = 16),
    -- Keyed digest of Message-ID and controller: the same in every copy, wherever that was found.
    content   BLOB NOT NULL CHECK (length(content) = 16),
    -- Whether it was found in an archive, and not on its way.
    archived  INTEGER NOT NULL CHECK (archived IN (0, 1)),
    -- What its own header says; when it was found is detection.at. NULL when it says nothing that can be.
    sent_at   INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX mail_by_content ON mail_content (content);

-- The letters that a source system writes, so that all mails of one are one incident (case::template).
CREATE TABLE template (
    -- Keyed digest of the first mail's mark.
    id       BLOB PRIMARY KEY CHECK (length(id) = 16),
    -- Keyed digest of the source's name.
    source   BLOB NOT NULL CHECK (length(source) = 16),
    -- Keyed tags, four bytes each, of the subject's words and of pairs of neighbouring words of the text, without names,
    -- numbers and dates: two such sets can be compared, and neither read.
    subject  BLOB NOT NULL,
    words    BLOB NOT NULL,
    -- The same of the text's first and last pairs; empty where it is shorter.
    head     BLOB NOT NULL,
    tail     BLOB NOT NULL,
    -- Keyed digest of the numbers in the first mail: a copy of it is no second mail of the template.
    persons  BLOB NOT NULL CHECK (length(persons) = 16),
    -- From how many mails it has learned what they have in common, the first included.
    members  INTEGER NOT NULL CHECK (members >= 1),
    -- From 1, in the order in which a source's were met: who knows some asks for those behind them.
    ordinal  INTEGER NOT NULL,
    seen_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX template_by_source ON template (source, ordinal);
