-- Proof afterwards: what the mail server's log says became of a mail that stands in the register.
--
-- Only such a mail has rows here. Of a recipient the domain is kept, never the address.

-- The names by which the mail server knows a mail: its first, under which it was found, and those it got when somebody
-- put it into the queue anew, or a filter of this machine handed it back.
CREATE TABLE mail_name (
    queue_id  TEXT PRIMARY KEY,
    -- The first name.
    mail      TEXT NOT NULL,
    at        INTEGER NOT NULL,
    -- 1: the mail is in the queue no more under this name.
    gone      INTEGER NOT NULL DEFAULT 0 CHECK (gone IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX mail_name_by_mail ON mail_name (mail);
INSERT INTO mail_name (queue_id, mail, at)
    SELECT queue_id, queue_id, max(at) FROM detection WHERE queue_id IS NOT NULL GROUP BY queue_id;
CREATE INDEX detection_by_queue_id ON detection (queue_id);

-- What became of a mail: lines of the log that say the same are counted, for a mail that is tried for five days fills
-- no register.
CREATE TABLE delivery (
    id         INTEGER PRIMARY KEY,
    mail       TEXT NOT NULL,
    -- Its name when that was logged.
    queue_id   TEXT NOT NULL,
    domain     TEXT NOT NULL,
    transport  TEXT NOT NULL,
    -- As the mail server names the peer; empty where none was reached.
    relay      TEXT NOT NULL,
    status     TEXT NOT NULL CHECK (status IN ('sent', 'deferred', 'returned')),
    -- nothing: no content was handed over.
    proof      TEXT NOT NULL CHECK (proof IN ('verified', 'trusted', 'untrusted', 'anonymous', 'plaintext', 'local',
                   'unproven', 'nothing')),
    -- Of the TLS session; empty where there was none, or it is not known.
    protocol   TEXT NOT NULL,
    cipher     TEXT NOT NULL,
    first_at   INTEGER NOT NULL,
    last_at    INTEGER NOT NULL,
    times      INTEGER NOT NULL CHECK (times >= 1),
    UNIQUE (mail, queue_id, domain, transport, relay, status, proof, protocol, cipher)
) STRICT;

-- What a mail that may become a breach would need, kept until it is proved that it travelled protected: a mail with
-- numbers that a protected road allowed. Nothing of it is a breach, and no case shows it.
CREATE TABLE promise (
    -- Keyed digest, as a detection of this mail would have it if it had left plainly.
    message            BLOB PRIMARY KEY CHECK (length(message) = 16),
    -- The first name.
    queue_id           TEXT,
    at                 INTEGER NOT NULL,
    verdict            TEXT NOT NULL CHECK (verdict IN ('deliver', 'reroute')),
    -- Of these domains a protected road was promised, separated by blanks.
    domains            TEXT NOT NULL,
    -- Which case it would join or open.
    grouping           BLOB NOT NULL CHECK (length(grouping) = 16),
    -- Of which incident.
    root               BLOB NOT NULL CHECK (length(root) = 16),
    controller_cvr     TEXT NOT NULL,
    controller_name    TEXT NOT NULL,
    dpo                TEXT NOT NULL,
    source             TEXT,
    vendor             TEXT,
    -- Whether the numbers are sealed to the DPO's key, in a segment of their own.
    sealed             INTEGER NOT NULL CHECK (sealed IN (0, 1)),
    sender_domain      TEXT NOT NULL,
    recipient_domains  TEXT NOT NULL,
    recipients         INTEGER NOT NULL,
    findings           INTEGER NOT NULL,
    certain            INTEGER NOT NULL CHECK (certain IN (0, 1)),
    persons            INTEGER NOT NULL,
    persons_exact      INTEGER NOT NULL CHECK (persons_exact IN (0, 1))
) STRICT;
CREATE INDEX promise_by_queue_id ON promise (queue_id);
CREATE INDEX promise_by_time ON promise (at);
CREATE INDEX promise_by_grouping ON promise (grouping);

CREATE TABLE promise_person (
    message  BLOB NOT NULL REFERENCES promise (message) ON DELETE CASCADE,
    digest   BLOB NOT NULL CHECK (length(digest) = 16),
    PRIMARY KEY (message, digest)
) STRICT, WITHOUT ROWID;

-- The salt of the key that counts the persons of promises of one grouping, until a case is opened and takes it, or the
-- last promise is kept and it is erased.
CREATE TABLE promise_salt (
    grouping  BLOB PRIMARY KEY CHECK (length(grouping) = 16),
    salt      BLOB NOT NULL CHECK (length(salt) = 16)
) STRICT, WITHOUT ROWID;

-- Mail that left without passing us, by the hour in which it was noticed.
CREATE TABLE bypass (
    -- Hours since 1970 in UTC.
    hour          INTEGER PRIMARY KEY,
    mails         INTEGER NOT NULL CHECK (mails >= 1),
    -- The first and the last of them: when, and by what name and way the last one went.
    first_at      INTEGER NOT NULL,
    last_at       INTEGER NOT NULL,
    queue_id      TEXT NOT NULL,
    transport     TEXT NOT NULL,
    relay         TEXT NOT NULL,
    -- Who is told, and of how many they were told.
    recipient     TEXT NOT NULL,
    told          INTEGER NOT NULL DEFAULT 0,
    told_at       INTEGER,
    next_try_at   INTEGER NOT NULL,
    attempts      INTEGER NOT NULL DEFAULT 0,
    last_error    TEXT
) STRICT;
CREATE INDEX bypass_to_tell ON bypass (next_try_at) WHERE told < mails;
