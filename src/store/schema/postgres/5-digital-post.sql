-- Version 5, of held mail: a held mail may leave by Digital Post, which is one of the protected roads.

-- The order: the file in the node's spool that names the recipient, sealed to the node's release key. Neither a number nor a
-- name of a recipient stands here. Of no other decision, and never without one.
ALTER TABLE held ADD COLUMN digital_post TEXT
    CHECK (digital_post IS NULL OR (act IS NOT DISTINCT FROM 'protected' AND digital_post ~ '^[a-z]+$'));
