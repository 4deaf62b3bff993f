-- Version 5, of held mail: one of many that is released in the clear leaves its near miss alone, with what it brought into it.

-- Which message of the case it is. NULL where that is not known: a row of before, or one that was made again from a file that
-- does not say. Released, such a mail makes a breach of its whole case.
ALTER TABLE held_case ADD COLUMN message BLOB CHECK (message IS NULL OR length(message) = 16);
CREATE INDEX held_case_by_message ON held_case (message) WHERE message IS NOT NULL;

-- In how many messages of a near miss the person stands, so that one who stood in no other leaves with the message. Not
-- counted in a breach, which no message leaves; NULL in rows of before, who never leave.
ALTER TABLE person ADD COLUMN mails INTEGER CHECK (mails >= 0);

-- Who stands in a held message, by the key of its case, and what else; until it is released or discarded.
CREATE TABLE held_person (
    message  BLOB NOT NULL REFERENCES detection (message) ON DELETE CASCADE,
    digest   BLOB NOT NULL CHECK (length(digest) = 16),
    PRIMARY KEY (message, digest)
) STRICT, WITHOUT ROWID;
CREATE TABLE held_beside (
    message  BLOB NOT NULL REFERENCES detection (message) ON DELETE CASCADE,
    word     TEXT NOT NULL,
    PRIMARY KEY (message, word)
) STRICT, WITHOUT ROWID;

-- The breach cases of mail that was released out of a near miss. The near miss' next one joins while that is open.
CREATE TABLE released_case (
    case_id    TEXT PRIMARY KEY REFERENCES breach_case (id),
    near_miss  TEXT NOT NULL REFERENCES breach_case (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX released_by_near_miss ON released_case (near_miss);

-- Such a case is opened by whoever decides, who may be far from the spool. So each machine that has a mail of it begins its
-- evidence there, once, before it seals: a segment of the same number is one that an undone opening has left.
CREATE TABLE evidence_begun (
    case_id  TEXT NOT NULL REFERENCES released_case (case_id) ON DELETE CASCADE,
    node     TEXT NOT NULL,
    PRIMARY KEY (case_id, node)
) STRICT, WITHOUT ROWID;
CREATE INDEX held_case_by_case ON held_case (case_id);
