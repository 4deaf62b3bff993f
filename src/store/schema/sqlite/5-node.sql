-- Version 5, of machines: which spool a name stands for. Two machines of one name would take each other's held mail off the list.
CREATE TABLE node (
    name     TEXT PRIMARY KEY CHECK (name <> ''),
    -- The random word in its spool.
    id       BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    -- When it last compared its spool with the register.
    seen_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
