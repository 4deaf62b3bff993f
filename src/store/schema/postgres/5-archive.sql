-- Version 5, old mail. Says the same as ../sqlite/5-archive.sql.

CREATE TABLE mail_content (
    message   BYTEA PRIMARY KEY REFERENCES detection (message) ON DELETE CASCADE CHECK (length(message) = 16),
    -- Keyed digest of Message-ID, numbers and controller: the same in every copy, wherever that was found.
    content   BYTEA NOT NULL CHECK (length(content) = 16),
    -- Whether it was found in an archive, and not on its way.
    archived  BIGINT NOT NULL CHECK (archived IN (0, 1)),
    -- What its own header says; when it was found is detection.at. NULL when it says nothing that can be.
    sent_at   BIGINT
);
CREATE INDEX mail_by_content ON mail_content (content);
