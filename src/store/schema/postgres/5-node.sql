-- Version 5, of machines: see `sqlite/5-node.sql`.
CREATE TABLE node (
    name     TEXT PRIMARY KEY CHECK (name <> ''),
    id       BYTEA NOT NULL UNIQUE CHECK (octet_length(id) = 16),
    seen_at  BIGINT NOT NULL
);
