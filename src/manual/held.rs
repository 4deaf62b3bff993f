//! Held mail, and how it is released.
//!
//! `brevdue held list` shows what waits, the oldest first; `release --road protected`, `release --digital-post` (see
//! [`digital_post`](super::digital_post)), `release --in-clear` and `discard` decide,
//! each with `--by` and `--why`, which stand in the register. A release in the clear is asked for twice and is a breach from
//! that moment, with its 72 hours. Who decides needs no root: `systemd/brevdue-release.path` wakes a unit that acts on Postfix's hold
//! queue, on the machine that has the mail, after it has compared id, sender and time of arrival. Senders are told when their mail
//! is held, discarded or refused after its release (`[hold] tell_senders`); the DPO is told of mail that nobody decides about
//! after 4 and 24 hours and then daily. No mail is ever deleted for its age, and one that disappears is said.
//! A decision that could not be done (there is no protected road, the key of this machine is lost) may be taken anew.
//!
//! Mail that we hold ourselves is each controller's own: one mail to the citizens of two is held as two, each sealed to its own
//! DPO. Postfix's hold queue has one file for all recipients, so there the first controller's DPO is told, and a release is for all.
