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
