-- Version 5, what proves the register: the heads that each anchor was made of, and the last line of an erased case.

-- The heads of chains that had changed since the anchor before: a head stands with the first anchor that has it.
CREATE TABLE anchor_head (
    anchor   INTEGER NOT NULL REFERENCES register_anchor (id),
    case_id  TEXT NOT NULL,
    ordinal  INTEGER NOT NULL,
    chain    BLOB NOT NULL CHECK (length(chain) = 32),
    PRIMARY KEY (case_id, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX head_by_anchor ON anchor_head (anchor);
CREATE TRIGGER head_is_not_changed BEFORE UPDATE ON anchor_head
BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END;
CREATE TRIGGER head_is_not_deleted BEFORE DELETE ON anchor_head
BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END;
CREATE TRIGGER head_is_not_replaced BEFORE INSERT ON anchor_head
WHEN EXISTS (SELECT 1 FROM anchor_head WHERE case_id = NEW.case_id AND ordinal = NEW.ordinal)
BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END;
CREATE TRIGGER anchor_is_not_replaced BEFORE INSERT ON register_anchor
WHEN EXISTS (SELECT 1 FROM register_anchor WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END;

-- The line that says that the case is erased, so that its digest at the end of the chain can be made again: what it said beside
-- the reason, and its salt.
ALTER TABLE tombstone ADD COLUMN detail TEXT NOT NULL DEFAULT '';
ALTER TABLE tombstone ADD COLUMN salt BLOB CHECK (length(salt) = 16);
CREATE TRIGGER tombstone_is_not_changed BEFORE UPDATE ON tombstone
BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END;
CREATE TRIGGER tombstone_is_not_deleted BEFORE DELETE ON tombstone
BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END;
CREATE TRIGGER tombstone_is_of_a_closed_case BEFORE INSERT ON tombstone
WHEN NOT EXISTS (SELECT 1 FROM breach_case WHERE id = NEW.case_id AND state = 'closed')
BEGIN SELECT RAISE(ABORT, 'only a closed case is erased'); END;
