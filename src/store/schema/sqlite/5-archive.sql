-- Version 5, old mail: by what copies of a mail are known, and when it says that it was sent.

CREATE TABLE mail_content (
    message   BLOB PRIMARY KEY REFERENCES detection (message) ON DELETE CASCADE CHECK (length(message) = 16),
    -- Keyed digest of Message-ID, numbers and controller: the same in every copy, wherever that was found.
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
    seen_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX template_by_source ON template (source);
