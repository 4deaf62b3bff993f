//! A case: what a person may do with it when, and why something is refused.
//!
//! One table decides, [`decide`](crate::case::act::decide); this is how to read it.
//!
//! | where it stands | what is next |
//! |---|---|
//! | near miss (*afværget*) | close it, once none of its mails is held any more |
//! | suspected (*mistanke*) | `confirm` or `refute`; the clock runs |
//! | being assessed (*under vurdering*) | `notified`, or `document` where a risk is unlikely; the clock runs |
//! | notified, preliminary (*foreløbigt anmeldt*) | `supplemented`, the last with `--final`; the clock has stopped |
//! | notified, final; documented only | `close`, or `reopen` |
//! | no breach (*intet brud*) | `close`, or `reopen` |
//! | closed (*afsluttet*) | `reopen` |
//!
//! # Opened again
//! The clock runs until the first notification (GDPR art. 33(1)), and no reopening makes that late afterwards. What was notified is
//! *foreløbigt anmeldt* again: what is new is a supplement (art. 33(4)), reminded of 14 days later, and the copy sheet begins with
//! what has changed. Where there was nothing to add after all, and it was notified to its end before, `close --why` closes it. What
//! was never notified is assessed again under the clock that it had, which may be over: then the alerts go on.
//!
//! # A risk that rises
//! Documented only is for an unlikely risk. `assess --risk risk` is refused there: reopen the case, assess, notify. "Not required" is
//! for a risk that is not high: with a high one the case is not closed before the persons are told or an exemption is given.
//!
//! # Times that were wrong
//! `aware` moves the deadline: earlier always, later with `--why`, never past the notification. A notification that is late by it asks
//! for its reasons; `record CASE delay_reason` words them better. `correct-notified` corrects when the first notification was
//! sent, with `--why`. The register keeps what stood there before, always.
//!
//! # NIS2
//! `nis2 mark` begins a clock of another law: 24 hours, 72 hours, a calendar month after the notification. It goes on whatever
//! becomes of the case, also when the suspicion is refuted, and the case is not closed while a step is to come. `nis2 withdraw
//! --why` ends it.
//!
//! # Messages after it was settled
//! They join their case and start no clock. The DPO is told of the first, the DPO and the deputy at most once a day of what comes then,
//! and at once when mails or persons are twice what was told. Reopening sets the count to nothing.
