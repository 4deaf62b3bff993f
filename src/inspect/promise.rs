//! What a protected road promised: kept at the decision, asked for when the mail server's log tells how the mail went.
//!
//! A mail with numbers that a road of forced TLS allowed is no case, and its numbers must not be kept longer than needed.
//! But if it went plainly all the same, a case must count its persons and the DPO must be able to write to them. So all
//! that a case needs is put aside before the mail is handed on, the numbers sealed to the DPO's key alone; it becomes a
//! case when the promise is broken, and is erased when it is kept, or after 30 days. What is re-routed to a protected road
//! promises the same: somebody may requeue it, and then it goes another way. Start reading at `Register::promise`.
//!
//! | crash | on disk | what becomes of it |
//! |---|---|---|
//! | after the segment, before the row | a segment without a promise | the mail comes again; [`Register::tidy`] removes it |
//! | after the case's segment, before its rows | the numbers twice | the line is read again; a reader sees each once |
//! | after the rows, before the segment is removed | a segment without a promise | [`Register::tidy`] removes it |

use super::fate::{self, Part};
use super::record::{Cause, Found, Register};
use crate::case::detection::{Detection, Outcome};
use crate::envelope::{Pass, Verdict};
use crate::policy::RecipientDecision;
use crate::policy::road::Protection;
use crate::seal::{Digest, random};
use crate::store::{Broken, DeliveryRow, Promise, StoreError};
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// Longer than a mail stays in a queue (five days by default), and long enough for somebody to ask.
pub const KEPT_DAYS: i64 = 30;
/// A segment without a promise may belong to a mail that is being recorded right now.
const IDLE: Duration = Duration::from_hours(1);

/// Whether a message promises a protected road for numbers that it lets go.
pub(super) fn is_due(found: &Found<'_>) -> bool {
    found.has_log
        && found.report.leaks()
        && found.decision.recipients.iter().any(is_promised)
        && leaves(found.decision.strictest(), found.splits)
}

/// Whether anything goes out by a door that gives this answer.
fn leaves(overall: Verdict, splits: bool) -> bool {
    splits || matches!(overall, Verdict::Deliver(_) | Verdict::Reroute)
}

/// A tunnel is protected whatever SMTP says of it, so nothing is asked of that.
fn is_promised(one: &RecipientDecision) -> bool {
    match one.verdict {
        // A leak that passes as what was not read passes by its road: the stricter of the two passes is named, and a road's
        // is milder than that.
        Verdict::Deliver(Pass::ProtectedRoad | Pass::UnreadAllowed) => {
            one.protection == Protection::ForcedTls
        }
        Verdict::Reroute => true,
        Verdict::Deliver(Pass::Clean | Pass::Encrypted | Pass::Exempt | Pass::Observed)
        | Verdict::Hold
        | Verdict::Block
        | Verdict::Defer => false,
    }
}

/// Whether a delivery to this domain must keep the promise: one that it was made for, or one that the sender did not name,
/// to which an alias or a BCC map led.
pub fn concerns(promise: &Promise, domain: &str) -> bool {
    promise.domains.iter().any(|one| one == domain)
        || !promise.detection.recipient_domains.iter().any(|one| one == domain)
}

/// Whether nothing that left of this mail is in doubt. `rows` is all that the log has said of it.
pub fn is_kept(promise: &Promise, rows: &[DeliveryRow]) -> bool {
    let is_proved =
        |row: &DeliveryRow| row.proof == "local" || row.protocol == "TLSv1.2" || row.protocol == "TLSv1.3";
    let left = rows.iter().filter(|row| row.status == "sent");
    left.filter(|row| concerns(promise, &row.domain)).all(is_proved)
}

impl Register {
    /// Puts aside what a case of this mail would need, for each controller that it concerns. Where the same mail goes
    /// plainly to others it is a case already.
    ///
    /// # Errors
    /// When it cannot be written; the mail must not be handed on then.
    pub(super) fn promise(&self, found: &Found<'_>) -> Result<(), StoreError> {
        if !is_due(found) {
            return Ok(());
        }
        let parts = fate::parts(found);
        if parts.is_empty() {
            return Err(StoreError::Beside("no controller answers for this sender".to_owned()));
        }
        parts.iter().try_for_each(|part| match part.outcome(found.report) {
            Some(Outcome::Delivered { .. }) => Ok(()),
            Some(Outcome::Stopped) | None => self.promise_part(found, part),
        })
    }

    fn promise_part(&self, found: &Found<'_>, part: &Part<'_>) -> Result<(), StoreError> {
        let beside = |error: &dyn std::fmt::Display| StoreError::Beside(error.to_string());
        let (count, domains) = fate::domains(part.decisions().filter(|one| is_promised(one)));
        if count == 0 {
            return Ok(());
        }
        let (report, controller) = (found.report, part.controller);
        let outcome = Outcome::Delivered { certain: report.is_certain() };
        let (recipients, recipient_domains) = fate::domains(part.decisions());
        let detection = Detection {
            verdict: if part.verdict == Verdict::Reroute {
                Verdict::Reroute
            } else {
                Verdict::Deliver(Pass::ProtectedRoad)
            },
            recipients,
            recipient_domains,
            ..self.detection(found, part, outcome)
        };
        let Cause { source, root, grouping } = self.cause(found, controller, true, self.template(found)?);
        let promise = Promise {
            detection,
            domains,
            root,
            grouping,
            controller: controller.clone(),
            source: source.map(|source| (source.name.clone(), source.vendor.clone())),
        };
        let salt = random().map_err(|error| beside(&error))?;
        let message = &promise.detection.message;
        let numbers: Vec<[u8; 10]> = report.person_numbers().reveal().collect();
        // Before the transaction, for which others wait. A segment whose promise is not made is tidied away.
        if let Some(key) = controller.dpo_key.as_ref().filter(|_| !numbers.is_empty()) {
            self.evidence.append_promise(message, key, &numbers).map_err(|error| beside(&error))?;
        }
        self.store.record(|recording| {
            if recording.promise(&promise)? {
                let key = self.node_key.case_key(&recording.promise_salt(promise.grouping, salt)?);
                let digests: Vec<Digest> = numbers.iter().map(|number| key.person(number)).collect();
                recording.promise_persons(message, &digests)?;
            }
            Ok(())
        })
    }

    /// The mail left with less than was promised: a breach, of which we are aware from now on. `why` goes into the
    /// register, in Danish.
    ///
    /// # Errors
    /// When the register or the evidence cannot be written; nothing has changed then, and it is to be tried again.
    pub fn break_promise(
        &self,
        promise: &Promise,
        now: DateTime<Utc>,
        why: &str,
    ) -> Result<Broken, StoreError> {
        let beside = |error: &dyn std::fmt::Display| StoreError::Beside(error.to_string());
        let message = &promise.detection.message;
        let salt = random().map_err(|error| beside(&error))?;
        let joined = self.store.record(|recording| {
            let joined = recording.break_promise(promise, now, salt, why)?;
            if joined.opened {
                self.evidence.begin(&joined.case).map_err(|error| beside(&error))?;
            }
            self.evidence.break_promise(message, &joined.case).map_err(|error| beside(&error))?;
            Ok(joined)
        })?;
        self.drop_segment(message);
        Ok(Broken { case: joined.case, opened: joined.opened })
    }

    /// The promise was kept, or nobody asks any more: nothing of it stays.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn drop_promise(&self, promise: &Promise) -> Result<(), StoreError> {
        self.store.record(|recording| recording.drop_promise(promise))?;
        self.drop_segment(&promise.detection.message);
        Ok(())
    }

    /// Erases promises that are too old to be asked for, and segments without a promise. How many promises.
    ///
    /// # Errors
    /// When the register or the folder cannot be read or written.
    pub fn tidy(&self, now: DateTime<Utc>) -> Result<usize, StoreError> {
        let old = self.store.promises_before(now - TimeDelta::days(KEPT_DAYS))?;
        for promise in &old {
            self.drop_promise(promise)?;
        }
        let segments = self.evidence.promises(IDLE);
        for message in segments.map_err(|error| StoreError::Beside(error.to_string()))? {
            if !self.store.has_promise(&message)? {
                self.drop_segment(&message);
            }
        }
        Ok(old.len())
    }

    /// What cannot be removed now is removed by [`Self::tidy`].
    fn drop_segment(&self, message: &Digest) {
        if let Err(error) = self.evidence.drop_promise(message) {
            tracing::warn!(%error, "the numbers of a promise could not be removed; tried again within the hour");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::Controller;

    fn promise() -> Promise {
        let domains = |text: &str| text.split(' ').map(str::to_owned).collect();
        Promise {
            detection: Detection {
                at: DateTime::UNIX_EPOCH,
                queue_id: None,
                message: [0; 16],
                verdict: Verdict::Reroute,
                outcome: Outcome::Delivered { certain: true },
                sender_domain: String::new(),
                recipient_domains: domains("sikker.example tunnel.example"),
                recipients: 2,
                findings: 1,
                persons: 1,
                persons_exact: true,
            },
            domains: domains("sikker.example"),
            root: [0; 16],
            grouping: [0; 16],
            controller: Controller::default(),
            source: None,
        }
    }

    #[test]
    fn a_promise_is_kept_when_all_that_left_is_proved() {
        let row = |domain: &str, status: &str, proof: &str, protocol: &str| DeliveryRow {
            first_at: DateTime::UNIX_EPOCH,
            last_at: DateTime::UNIX_EPOCH,
            times: 1,
            queue_id: String::new(),
            domain: domain.to_owned(),
            transport: "smtp".to_owned(),
            relay: String::new(),
            status: status.to_owned(),
            proof: proof.to_owned(),
            protocol: protocol.to_owned(),
            cipher: String::new(),
        };
        for (rows, kept) in [
            (vec![row("sikker.example", "sent", "verified", "TLSv1.3")], true),
            (vec![row("sikker.example", "sent", "untrusted", "TLSv1.2")], true),
            (vec![row("sikker.example", "sent", "verified", "TLSv1.1")], false),
            (vec![row("sikker.example", "sent", "unproven", "")], false),
            (vec![row("sikker.example", "sent", "plaintext", "")], false),
            // A tunnel needs no TLS; where an alias led needs it.
            (vec![row("tunnel.example", "sent", "plaintext", "")], true),
            (vec![row("elsewhere.example", "sent", "plaintext", "")], false),
            (vec![row("elsewhere.example", "sent", "local", "")], true),
            (vec![row("sikker.example", "deferred", "unproven", "")], true),
            (
                vec![
                    row("sikker.example", "sent", "verified", "TLSv1.3"),
                    row("sikker.example", "sent", "unproven", ""),
                ],
                false,
            ),
        ] {
            assert_eq!(is_kept(&promise(), &rows), kept, "{rows:?}");
        }
    }
}
