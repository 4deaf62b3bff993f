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
//! # A number that comes to light
//!
//! A mail may be held because a part of it could not be read, and in no case. Before it is sent on in the clear it is read once
//! more, and by then it may be readable. A number that is found then was not known to whoever decided: nothing is sent, the mail
//! stands in a near miss, and it waits for a second decision (`CPR-nummer fundet ved frigivelsen`). To an SMS gateway it is not
//! sent at all, by whatever road.
//!
//! # Machines and their names
//!
//! A held mail is addressed to the machine that has it, by name (`[hold] node`, or the host name). The name is bound to the spool
//! by the word in its `node.id`; a second machine of the same name does not start. Renamed, a machine takes its mail along. Where
//! a spool is lost for good its name is free after ten minutes, or, while the list has mail of it, after 24 hours; that mail is then
//! said to be gone.
//!
//! # Whose it is
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
//! stopped by a person alone. Each failed try stands in the case. Where the next hop refused the mail by its own words, and no try
//! before that ended in silence (`måske sendt`), the register knows that it has not left, and `brevdue case refute` takes the
//! breach back, with a reason; released in the clear once more it is one again, with 72 hours of its own. To know who leaves, the register keeps for each held mail which of its case's keyed
//! digests stood in it, until the mail is released or discarded.
//!
//! A mail that somebody lets out of Postfix's hold queue by hand (`postsuper -H`) is such a breach too, when it is seen in the
//! queue on its way, or when the mail server's log says that it went; its numbers are then sealed to nobody, and the case says so.
//! Where that log is not read (`[maillog]`) a mail that is gone is only said to be gone.
