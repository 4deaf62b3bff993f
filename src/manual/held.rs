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
//!
//! # One mail of many
//!
//! A near miss may hold many mails: all that a template wrote, or all that one person wrote in a day. Who releases one of them in
//! the clear makes a breach of that one: it leaves the near miss for a case of its own, of the same incident, with its own persons
//! and records, its own deadline and alerts, and the near miss stays one, without a clock. Each has a line that names the
//! other. `case list` counts the mail in the new case and no more in the near miss, whose persons are those of the mails that are
//! left; what the mail server's log says of it stands with the new case, and so do its sealed numbers. The next mail released from
//! the same near miss joins that case while it is being assessed or notified in part, and begins no other clock; when the case is
//! settled it opens another. A near miss that has the mail alone becomes the breach itself. So does, with all its mails, one of
//! which it is not known which of them was released (mail that was held by a version of before); the case says so. Where it is
//! known which mail it was and not who stands in it, which a mail can be that was held because its road refused it, its persons are
//! counted by their number, in both cases.
//!
//! A decision that could not be done leaves the new case as it is, and to decide anew opens no other: the clock of a breach is
//! stopped by a person alone (`brevdue case`). To know who leaves, the register keeps for each held mail which of its case's keyed
//! digests stood in it, until the mail is released or discarded.
//!
//! A mail that somebody lets out of Postfix's hold queue by hand (`postsuper -H`) is such a breach too, when it is seen in the
//! queue on its way, or when the mail server's log says that it went; its numbers are then sealed to nobody, and the case says so.
//! Where that log is not read (`[maillog]`) a mail that is gone is only said to be gone.
