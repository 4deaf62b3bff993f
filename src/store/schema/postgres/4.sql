-- The register on PostgreSQL, version 4, which is where it begins here. Says the same as ../sqlite/1.sql to 4.sql.
--
-- No message, subject, local part or CPR number stands in any column. Persons are digests under a key of
-- their case, which is made from the case's salt and the node's key; without that key nothing can be counted
-- again, and with the salt erased neither can it with the key. Times are seconds since 1970 in UTC.

-- What was entered is never changed and never deleted (GDPR art. 33(5)).
CREATE FUNCTION is_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the register is append-only'; END $$;

-- What this database is bound to.
CREATE TABLE binding (
    one             BIGINT PRIMARY KEY CHECK (one = 1),
    -- Tells the node key whose digests stand below from any other; says nothing of the key.
    node_key_check  BYTEA NOT NULL CHECK (length(node_key_check) = 16)
);

-- One cause. Each controller it concerns has a case of its own, with its own clock.
CREATE TABLE incident (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The source system of the configuration, or NULL for a sender that none names.
    source      TEXT,
    vendor      TEXT,
    opened_at   BIGINT NOT NULL,
    -- Keyed digest of the cause (case::incident::root), so that the case of another controller joins the same incident.
    root        BYTEA CHECK (root IS NULL OR length(root) = 16)
);
CREATE UNIQUE INDEX one_incident_per_root ON incident (root) WHERE root IS NOT NULL;

CREATE TABLE breach_case (
    -- BRV-2026-0042
    id                TEXT PRIMARY KEY CHECK (id ~ '^BRV-[0-9]{4}-[0-9]+$'),
    incident          BIGINT NOT NULL REFERENCES incident (id),
    -- Keyed digest of what belongs together (case::incident). One case is open for each.
    grouping          BYTEA NOT NULL CHECK (length(grouping) = 16),
    -- The controller as it was configured when the case was opened (GDPR art. 4(7)).
    controller_cvr    TEXT NOT NULL,
    controller_name   TEXT NOT NULL,
    dpo               TEXT NOT NULL,
    state             TEXT NOT NULL CHECK (state IN ('near_miss', 'suspected', 'assessing')),
    detected_at       BIGINT NOT NULL,
    -- Awareness and its deadline (GDPR art. 33(1)): both or neither, and a near miss has neither.
    aware_at          BIGINT,
    deadline          BIGINT,
    -- Rises when the deadline moves, so that notices of the old clock are told from those of the new.
    clock_version     BIGINT NOT NULL DEFAULT 1,
    -- Of the key under which this case counts persons.
    salt              BYTEA NOT NULL CHECK (length(salt) = 16),
    -- Whether all numbers are sealed to a DPO's key; those found while there was none cannot be written to.
    sealed            BIGINT NOT NULL CHECK (sealed IN (0, 1)),
    CHECK ((aware_at IS NULL) = (deadline IS NULL)),
    CHECK ((state = 'near_miss') = (deadline IS NULL))
);
CREATE UNIQUE INDEX one_open_case_per_grouping ON breach_case (grouping);
CREATE INDEX case_by_deadline ON breach_case (deadline);

-- One message with a number in it.
CREATE TABLE detection (
    id                 BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id            TEXT NOT NULL REFERENCES breach_case (id),
    -- Keyed digest of envelope, Message-ID, content and outcome: a message that comes again has the same, and
    -- raises attempts instead of the count.
    message            BYTEA NOT NULL UNIQUE CHECK (length(message) = 16),
    attempts           BIGINT NOT NULL DEFAULT 1 CHECK (attempts >= 1),
    at                 BIGINT NOT NULL,
    queue_id           TEXT,
    verdict            TEXT NOT NULL CHECK (verdict IN ('deliver', 'reroute', 'hold', 'block', 'defer')),
    outcome            TEXT NOT NULL CHECK (outcome IN ('stopped', 'delivered')),
    -- What did become of it, as far as is known: we answered; the mail server's log knows the rest.
    disposition        TEXT NOT NULL DEFAULT 'answered' CHECK (disposition IN ('answered')),
    sender_domain      TEXT NOT NULL,
    -- Sorted, separated by blanks.
    recipient_domains  TEXT NOT NULL,
    recipients         BIGINT NOT NULL,
    findings           BIGINT NOT NULL,
    persons            BIGINT NOT NULL,
    -- 0: there were more than are counted in one mail, and those were neither counted nor sealed.
    persons_exact      BIGINT NOT NULL CHECK (persons_exact IN (0, 1))
);
CREATE INDEX detection_by_case ON detection (case_id);

-- The different persons of a case.
CREATE TABLE person (
    case_id  TEXT NOT NULL REFERENCES breach_case (id),
    digest   BYTEA NOT NULL CHECK (length(digest) = 16),
    PRIMARY KEY (case_id, digest)
);

-- What happened to a case, in order; never changed, never deleted (GDPR art. 33(5)).
CREATE TABLE register_entry (
    case_id     TEXT NOT NULL REFERENCES breach_case (id),
    ordinal     BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    who         TEXT NOT NULL,
    event       TEXT NOT NULL,
    from_state  TEXT,
    to_state    TEXT,
    reason      TEXT NOT NULL,
    PRIMARY KEY (case_id, ordinal)
);
CREATE TRIGGER register_is_not_changed BEFORE UPDATE ON register_entry FOR EACH ROW EXECUTE FUNCTION is_append_only();
CREATE TRIGGER register_is_not_deleted BEFORE DELETE ON register_entry FOR EACH ROW EXECUTE FUNCTION is_append_only();

-- Somebody is to be told. The key makes each telling one row, however often it is planned.
CREATE TABLE notice (
    id             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id        TEXT NOT NULL REFERENCES breach_case (id),
    milestone      TEXT NOT NULL,
    ordinal        BIGINT NOT NULL DEFAULT 1,
    clock_version  BIGINT NOT NULL,
    recipient      TEXT NOT NULL,
    channel        TEXT NOT NULL CHECK (channel IN ('mail')),
    due_at         BIGINT NOT NULL,
    -- due: to be sent; sent: the mail server said 250; merged: a more pressing one was sent in its place.
    state          TEXT NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'sent', 'merged')),
    next_try_at    BIGINT NOT NULL,
    attempts       BIGINT NOT NULL DEFAULT 0,
    -- Of the last failed attempt, for a person to read.
    last_error     TEXT,
    sent_at        BIGINT,
    -- When handing it over began; sent_at is when the receiving server took it (GDPR art. 33(2): both are shown).
    begun_at       BIGINT,
    UNIQUE (case_id, milestone, ordinal, clock_version, recipient, channel),
    CHECK ((state = 'sent') = (sent_at IS NOT NULL))
);
CREATE INDEX notice_to_send ON notice (next_try_at) WHERE state = 'due';

-- Messages that passed although not all of them was read: counted, never a case or a clock.
CREATE TABLE unread_tally (
    -- Days since 1970 in UTC.
    day       BIGINT NOT NULL,
    kind      TEXT NOT NULL,
    verdict   TEXT NOT NULL,
    messages  BIGINT NOT NULL,
    PRIMARY KEY (day, kind, verdict)
);

-- The audit trail of what passed: a mail with a number that an exemption let through, or that carried many persons'
-- numbers on a protected road. No case, no clock; never changed, never deleted.
CREATE TABLE passage (
    id                 BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Keyed digest as in detection: a message that comes again is the same row.
    message            BYTEA NOT NULL CHECK (length(message) = 16),
    at                 BIGINT NOT NULL,
    why                TEXT NOT NULL CHECK (why IN ('exempt', 'many_persons')),
    -- The exemption's name, or the domain of the road.
    name               TEXT NOT NULL,
    -- Of an exemption as it was written then: who, why, and its last day; empty for a road.
    by_whom            TEXT NOT NULL,
    reason             TEXT NOT NULL,
    until              TEXT NOT NULL,
    queue_id           TEXT,
    sender_domain      TEXT NOT NULL,
    -- Sorted, separated by blanks; of those recipients whom this let through.
    recipient_domains  TEXT NOT NULL,
    recipients         BIGINT NOT NULL,
    findings           BIGINT NOT NULL,
    persons            BIGINT NOT NULL,
    UNIQUE (message, why, name)
);
CREATE TRIGGER passage_is_not_changed BEFORE UPDATE ON passage FOR EACH ROW EXECUTE FUNCTION is_append_only();
CREATE TRIGGER passage_is_not_deleted BEFORE DELETE ON passage FOR EACH ROW EXECUTE FUNCTION is_append_only();

-- Proof afterwards: what the mail server's log says became of a mail that stands in the register.
--
-- Only such a mail has rows here. Of a recipient the domain is kept, never the address.

-- The names by which the mail server knows a mail: its first, under which it was found, and those it got when somebody
-- put it into the queue anew, or a filter of this machine handed it back.
CREATE TABLE mail_name (
    queue_id  TEXT PRIMARY KEY,
    -- The first name.
    mail      TEXT NOT NULL,
    at        BIGINT NOT NULL,
    -- 1: the mail is in the queue no more under this name.
    gone      BIGINT NOT NULL DEFAULT 0 CHECK (gone IN (0, 1))
);
CREATE INDEX mail_name_by_mail ON mail_name (mail);
CREATE INDEX detection_by_queue_id ON detection (queue_id);

-- What became of a mail: lines of the log that say the same are counted, for a mail that is tried for five days fills
-- no register.
CREATE TABLE delivery (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
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
    first_at   BIGINT NOT NULL,
    last_at    BIGINT NOT NULL,
    times      BIGINT NOT NULL CHECK (times >= 1),
    UNIQUE (mail, queue_id, domain, transport, relay, status, proof, protocol, cipher)
);

-- What a mail that may become a breach would need, kept until it is proved that it travelled protected: a mail with
-- numbers that a protected road allowed. Nothing of it is a breach, and no case shows it.
CREATE TABLE promise (
    -- Keyed digest, as a detection of this mail would have it if it had left plainly.
    message            BYTEA PRIMARY KEY CHECK (length(message) = 16),
    -- The first name.
    queue_id           TEXT,
    at                 BIGINT NOT NULL,
    verdict            TEXT NOT NULL CHECK (verdict IN ('deliver', 'reroute')),
    -- Of these domains a protected road was promised, separated by blanks.
    domains            TEXT NOT NULL,
    -- Which case it would join or open.
    grouping           BYTEA NOT NULL CHECK (length(grouping) = 16),
    -- Of which incident.
    root               BYTEA NOT NULL CHECK (length(root) = 16),
    controller_cvr     TEXT NOT NULL,
    controller_name    TEXT NOT NULL,
    dpo                TEXT NOT NULL,
    source             TEXT,
    vendor             TEXT,
    -- Whether the numbers are sealed to the DPO's key, in a segment of their own.
    sealed             BIGINT NOT NULL CHECK (sealed IN (0, 1)),
    sender_domain      TEXT NOT NULL,
    recipient_domains  TEXT NOT NULL,
    recipients         BIGINT NOT NULL,
    findings           BIGINT NOT NULL,
    certain            BIGINT NOT NULL CHECK (certain IN (0, 1)),
    persons            BIGINT NOT NULL,
    persons_exact      BIGINT NOT NULL CHECK (persons_exact IN (0, 1))
);
CREATE INDEX promise_by_queue_id ON promise (queue_id);
CREATE INDEX promise_by_time ON promise (at);
CREATE INDEX promise_by_grouping ON promise (grouping);

CREATE TABLE promise_person (
    message  BYTEA NOT NULL REFERENCES promise (message) ON DELETE CASCADE,
    digest   BYTEA NOT NULL CHECK (length(digest) = 16),
    PRIMARY KEY (message, digest)
);

-- The salt of the key that counts the persons of promises of one grouping, until a case is opened and takes it, or the
-- last promise is kept and it is erased.
CREATE TABLE promise_salt (
    grouping  BYTEA PRIMARY KEY CHECK (length(grouping) = 16),
    salt      BYTEA NOT NULL CHECK (length(salt) = 16)
);

-- Mail that left without passing us, by the hour in which it was noticed.
CREATE TABLE bypass (
    -- Hours since 1970 in UTC.
    hour          BIGINT PRIMARY KEY,
    mails         BIGINT NOT NULL CHECK (mails >= 1),
    -- The first and the last of them: when, and by what name and way the last one went.
    first_at      BIGINT NOT NULL,
    last_at       BIGINT NOT NULL,
    queue_id      TEXT NOT NULL,
    transport     TEXT NOT NULL,
    relay         TEXT NOT NULL,
    -- Who is told, and of how many they were told.
    recipient     TEXT NOT NULL,
    told          BIGINT NOT NULL DEFAULT 0,
    told_at       BIGINT,
    next_try_at   BIGINT NOT NULL,
    attempts      BIGINT NOT NULL DEFAULT 0,
    last_error    TEXT
);
CREATE INDEX bypass_to_tell ON bypass (next_try_at) WHERE told < mails;

-- Mail that waits for a person's decision, wherever it lies, and what was done about it.
--
-- No address stands here: the sender is a keyed digest, by which whoever acts makes sure that it is the same mail.

CREATE TABLE held (
    id                 BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Of the file in our spool, or the mail server's queue id.
    name               TEXT NOT NULL CHECK (name ~ '^[0-9A-Za-z]{1,32}$'),
    place              TEXT NOT NULL CHECK (place IN ('spool', 'postfix')),
    -- The machine that has it: whoever decides, that machine acts.
    node               TEXT NOT NULL,
    -- When it was held. A queue id that came to be used again belongs to a mail that arrived later.
    at                 BIGINT NOT NULL,
    -- When it arrived, by the mail server's queue; NULL until it was asked.
    arrived_at         BIGINT,
    -- Bytes; 0 when the row was made again from a file that could not be opened.
    size               BIGINT NOT NULL,
    sender             BYTEA NOT NULL CHECK (length(sender) = 16),
    -- Empty for the null sender, who is never told of anything.
    sender_domain      TEXT NOT NULL,
    -- Sorted, separated by blanks.
    recipient_domains  TEXT NOT NULL,
    recipients         BIGINT NOT NULL,
    -- Who is told when nobody decides.
    dpo                TEXT NOT NULL,
    -- waiting: for a person; approved: decided, and to be acted on by its node; released, discarded: done;
    -- gone: it is not where it lay, and nobody of ours took it.
    state              TEXT NOT NULL DEFAULT 'waiting'
                           CHECK (state IN ('waiting', 'approved', 'released', 'discarded', 'gone')),
    act                TEXT CHECK (act IN ('clear', 'protected', 'discard')),
    decided_by         TEXT,
    why                TEXT,
    decided_at         BIGINT,
    -- The step that cannot be taken back was begun, and the next hop has said yes: a crash between is told from a loss.
    began_at           BIGINT,
    accepted_at        BIGINT,
    settled_at         BIGINT,
    attempts           BIGINT NOT NULL DEFAULT 0,
    next_try_at        BIGINT NOT NULL DEFAULT 0,
    last_error         TEXT,
    -- The last alarm that nobody has decided.
    alarmed_at         BIGINT,
    CHECK ((state IN ('approved', 'released', 'discarded')) <= (act IS NOT NULL)),
    CHECK ((act IS NULL) = (decided_by IS NULL) AND (act IS NULL) = (why IS NULL) AND (act IS NULL) = (decided_at IS NULL)),
    CHECK ((state IN ('released', 'discarded', 'gone')) = (settled_at IS NOT NULL))
);
-- A name lies in one place once, at any one time.
CREATE UNIQUE INDEX one_held_mail_of_a_name ON held (node, place, name) WHERE state IN ('waiting', 'approved');
CREATE INDEX held_by_sender ON held (sender);
CREATE INDEX held_by_age ON held (at) WHERE state IN ('waiting', 'approved');

-- The cases that a held mail's finding was put into: one for each controller. None for a mail held because it could not be
-- read.
CREATE TABLE held_case (
    held     BIGINT NOT NULL REFERENCES held (id),
    case_id  TEXT NOT NULL REFERENCES breach_case (id),
    PRIMARY KEY (held, case_id)
);

-- What was done about a held mail, in order; never changed, never deleted.
CREATE TABLE held_entry (
    held     BIGINT NOT NULL REFERENCES held (id),
    ordinal  BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    who      TEXT NOT NULL,
    event    TEXT NOT NULL,
    reason   TEXT NOT NULL,
    PRIMARY KEY (held, ordinal)
);
CREATE TRIGGER held_entry_is_not_changed BEFORE UPDATE ON held_entry FOR EACH ROW EXECUTE FUNCTION is_append_only();
CREATE TRIGGER held_entry_is_not_deleted BEFORE DELETE ON held_entry FOR EACH ROW EXECUTE FUNCTION is_append_only();

-- The sender is to be told, of each thing once.
CREATE TABLE held_telling (
    held         BIGINT NOT NULL REFERENCES held (id),
    what         TEXT NOT NULL CHECK (what IN ('held', 'discarded', 'failed')),
    next_try_at  BIGINT NOT NULL,
    attempts     BIGINT NOT NULL DEFAULT 0,
    last_error   TEXT,
    -- told: the mail server said 250; left: it could not be told, for the reason in last_error.
    state        TEXT NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'told', 'left')),
    settled_at   BIGINT,
    PRIMARY KEY (held, what)
);
CREATE INDEX held_telling_to_do ON held_telling (next_try_at) WHERE state = 'due';

