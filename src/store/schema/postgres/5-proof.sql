-- Version 5, what proves the register: the heads that each anchor was made of, and the last line of an erased case. As ../sqlite/5-proof.sql.

-- The heads of chains that had changed since the anchor before: a head stands with the first anchor that has it.
CREATE TABLE anchor_head (
    anchor   BIGINT NOT NULL REFERENCES register_anchor (id),
    case_id  TEXT NOT NULL,
    ordinal  BIGINT NOT NULL,
    chain    BYTEA NOT NULL CHECK (length(chain) = 32),
    PRIMARY KEY (case_id, ordinal)
);
CREATE INDEX head_by_anchor ON anchor_head (anchor);
CREATE TRIGGER head_is_not_changed BEFORE UPDATE ON anchor_head FOR EACH ROW EXECUTE FUNCTION is_append_only();
CREATE TRIGGER head_is_not_deleted BEFORE DELETE ON anchor_head FOR EACH ROW EXECUTE FUNCTION is_append_only();

-- The line that says that the case is erased, so that its digest at the end of the chain can be made again: what it said beside
-- the reason, and its salt.
ALTER TABLE tombstone ADD COLUMN detail TEXT NOT NULL DEFAULT '';
ALTER TABLE tombstone ADD COLUMN salt BYTEA CHECK (length(salt) = 16);
CREATE TRIGGER tombstone_is_not_changed BEFORE UPDATE ON tombstone FOR EACH ROW EXECUTE FUNCTION is_append_only();
CREATE TRIGGER tombstone_is_not_deleted BEFORE DELETE ON tombstone FOR EACH ROW EXECUTE FUNCTION is_append_only();
CREATE FUNCTION is_of_a_closed_case() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM breach_case WHERE id = NEW.case_id AND state = 'closed') THEN
        RAISE EXCEPTION 'only a closed case is erased';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER tombstone_is_of_a_closed_case BEFORE INSERT ON tombstone
    FOR EACH ROW EXECUTE FUNCTION is_of_a_closed_case();
