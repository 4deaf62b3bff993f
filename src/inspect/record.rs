//! A finding into the register, before the mail is handed on and before the answer is given (invariant 6).
//!
//! The order: sealed numbers on disk, then the rows, then the answer. A crash between any two leaves a mail
//! that its sender still has, and at worst a number sealed twice.

use super::Setup;
use super::held::Upstream;
use crate::case::CaseId;
use crate::case::detection::{Detection, Outcome};
use crate::case::incident;
use crate::envelope::{Address, Controller, Envelope, Pass, Verdict, controller_of};
use crate::policy::Decision;
use crate::policy::road::Protection;
use crate::scan::Report;
use crate::scan::coverage::UnreadKind;
use crate::seal::{Digest, NodeKey, random};
use crate::spool::evidence::Evidence;
use crate::store::{Joined, Opening, Recording, Store, StoreError};
use chrono::{DateTime, NaiveDate, Utc};
use std::sync::Arc;

/// Where findings are recorded, and the secrets to do it with.
pub struct Register {
    /// Cases and notices.
    pub store: Arc<Store>,
    /// For digests.
    pub node_key: NodeKey,
    /// For sealed numbers.
    pub evidence: Evidence,
}

/// Whether a decision leaves anything in the register. Most mail does not, and never waits for a disk.
pub(super) fn is_needed(setup: &Setup, report: &Report, decision: &Decision) -> bool {
    outcome(report, decision).is_some() || setup.policy.unread.recorded(&report.coverage).next().is_some()
}

/// What became of the number, over all recipients; `None` when nothing leaked.
fn outcome(report: &Report, decision: &Decision) -> Option<Outcome> {
    let plainly = decision
        .recipients
        .iter()
        .any(|one| one.verdict == Verdict::Deliver(Pass::Observed) && one.protection != Protection::Unknown);
    report.leaks().then(|| Outcome::of(decision.strictest(), report, plainly)).flatten()
}

impl Register {
    /// Records a message: its unread parts in the tally, its leak in a case, and that the mail server holds it, where
    /// `keeper` names the machine that does. Returns the case.
    ///
    /// # Errors
    /// When the register or the evidence cannot be written; nothing was recorded then, and the mail must not
    /// be handed on.
    pub(super) fn record(
        &self,
        setup: &Setup,
        envelope: &Envelope,
        report: &Report,
        decision: &Decision,
        (now, local_day): (DateTime<Utc>, NaiveDate),
        keeper: Option<&str>,
    ) -> Result<Option<CaseId>, StoreError> {
        let upstream = keeper.map(|node| {
            let controllers = &setup.controllers;
            Upstream { node, envelope, report, decision, controllers, now }
        });
        let hold = |recording: &Recording<'_>, cases: &[CaseId]| {
            upstream.as_ref().map_or(Ok(()), |mail| mail.note(&self.node_key, recording, cases))
        };
        let unread: Vec<&str> =
            setup.policy.unread.recorded(&report.coverage).map(UnreadKind::word).collect();
        let verdict = decision.strictest().word();
        let Some(outcome) = outcome(report, decision) else {
            self.store.record(|recording| {
                recording.tally_unread(now, &unread, verdict)?;
                hold(recording, &[])
            })?;
            return Ok(None);
        };
        let Some(controller) = controller_of(envelope.sender.as_ref(), &setup.controllers) else {
            return Err(StoreError::Beside("no controller answers for this sender".to_owned()));
        };
        let detection = Detection {
            at: now,
            queue_id: envelope.queue_id.clone(),
            message: self.message_digest(envelope, report, outcome, local_day),
            verdict: decision.strictest(),
            outcome,
            sender_domain: envelope.sender.as_ref().map(Address::shown_domain).unwrap_or_default(),
            recipient_domains: domains(&envelope.recipients),
            recipients: envelope.recipients.len() as u64,
            findings: report.count(),
            persons: report.persons(),
            persons_exact: report.person_numbers().is_exact(),
        };
        let source = incident::source_of(envelope.sender.as_ref(), &setup.sources);
        let left = matches!(outcome, Outcome::Delivered { .. });
        let parts =
            incident::grouping(controller, source, &report.sketch, envelope.sender.as_ref(), local_day, left);
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let opening = Opening {
            controller,
            source,
            grouping: self.node_key.digest("grouping", &parts),
            salt: random().map_err(|error| StoreError::Beside(error.to_string()))?,
        };
        let joined = self.store.record(|recording| {
            let joined = recording.join(&detection, &opening)?;
            if joined.attempts == 1 {
                recording.tally_unread(now, &unread, verdict)?;
                let key = self.node_key.case_key(&joined.salt);
                let numbers: Vec<[u8; 10]> = report.person_numbers().reveal().collect();
                let digests: Vec<Digest> = numbers.iter().map(|number| key.person(number)).collect();
                let new = recording.add_persons(&joined.case, &digests)?;
                if left {
                    let new: Vec<_> = new.iter().filter_map(|at| numbers.get(*at)).copied().collect();
                    self.seal(&joined, controller, &new)?;
                }
            }
            hold(recording, std::slice::from_ref(&joined.case))?;
            Ok(joined)
        })?;
        if joined.opened {
            tracing::warn!(case = %joined.case, state = joined.state.word(), "case opened");
        }
        Ok(Some(joined.case))
    }

    /// Only what left is sealed: nobody has to be written to about a near miss.
    fn seal(&self, joined: &Joined, controller: &Controller, new: &[[u8; 10]]) -> Result<(), StoreError> {
        match &controller.dpo_key {
            Some(key) if !new.is_empty() => self
                .evidence
                .append(&joined.case, key, new)
                .map_err(|error| StoreError::Beside(error.to_string())),
            Some(_) | None => Ok(()),
        }
    }

    /// The same for a message that comes again after a lost answer or a 451, and for no other: envelope,
    /// Message-ID, size, the start of its text, every kept number with its place, and what became of it. The
    /// body is stood for by these, because hashing all of it would cost every clean mail. A mail that its sender
    /// gave no Message-ID is the same on the same day only: a nightly job may write the same words again.
    fn message_digest(
        &self,
        envelope: &Envelope,
        report: &Report,
        outcome: Outcome,
        local_day: NaiveDate,
    ) -> Digest {
        let mut recipients: Vec<String> = envelope.recipients.iter().map(Address::reveal).collect();
        recipients.sort_unstable();
        let places: Vec<u8> = report
            .findings
            .iter()
            .flat_map(|finding| {
                let mut place = finding.part.clone().into_bytes();
                place.extend_from_slice(&finding.offset.to_be_bytes());
                place.extend_from_slice(&finding.cpr.reveal());
                place
            })
            .collect();
        let (id, size) = own_id_and_size(envelope, report);
        let day = if id.is_empty() { local_day.to_string() } else { String::new() };
        self.node_key.digest(
            "message",
            &[
                envelope.sender.as_ref().map(Address::reveal).unwrap_or_default().as_bytes(),
                recipients.join("\n").as_bytes(),
                id,
                &size.to_be_bytes(),
                report.sketch.text(),
                &places,
                outcome.word().as_bytes(),
                day.as_bytes(),
            ],
        )
    }
}

/// The Message-ID that the sender gave, and the size of what the sender gave. Postfix gives a mail without an
/// id `<QUEUE-ID@HOST>` (or `<TIME.QUEUE-ID@HOST>` where queue ids are short), another each time that it comes.
fn own_id_and_size<'a>(envelope: &Envelope, report: &'a Report) -> (&'a [u8], u64) {
    let (id, size) = (report.sketch.message_id().unwrap_or_default(), report.sketch.bytes());
    let local = id.strip_prefix(b"<").and_then(|id| id.split(|byte| *byte == b'@').next());
    let last = local.and_then(|local| local.rsplit(|byte| *byte == b'.').next());
    match (&envelope.queue_id, last) {
        // Not always of the same length, either.
        (Some(queue_id), Some(last)) if last == queue_id.as_str().as_bytes() => {
            (b"", size.saturating_sub(id.len() as u64))
        }
        (Some(_) | None, _) => (id, size),
    }
}

fn domains(addresses: &[Address]) -> Vec<String> {
    let mut domains: Vec<String> = addresses.iter().map(Address::shown_domain).collect();
    domains.sort_unstable();
    domains.dedup();
    domains
}
