//! A finding into the register, before the mail is handed on and before the answer is given (invariant 6).
//!
//! The order: sealed numbers on disk, then the rows, then the answer. A crash between any two leaves a mail
//! that its sender still has, and at worst a number sealed twice.

use super::fate::{self, Part};
use super::held::Upstream;
use super::{Concern, Setup, archived, promise};
use crate::case::CaseId;
use crate::case::detection::{Detection, Outcome};
use crate::case::incident::{self, Source};
use crate::case::template::{Letter, Mark, MarkBytes};
use crate::envelope::{Address, Controller, Envelope, Verdict};
use crate::policy::Decision;
use crate::scan::Report;
use crate::scan::beside::{self, Beside};
use crate::scan::coverage::UnreadKind;
use crate::scan::ruleset::day_of;
use crate::seal::{Digest, NodeKey, random};
use crate::spool::evidence::Evidence;
use crate::store::held::HeldIn;
use crate::store::{Joined, Opening, Recording, Store, StoreError};
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::BTreeSet;
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

/// A message that is recorded: what was found, what was decided, and how its door answers.
pub(super) struct Found<'a> {
    pub(super) setup: &'a Setup,
    pub(super) envelope: &'a Envelope,
    pub(super) report: &'a Report,
    pub(super) decision: &'a Decision,
    /// Whether the door treats each recipient apart: see [`crate::policy::Hands`].
    pub(super) splits: bool,
    /// Whether the mail server's log will tell how it went, so that promises are kept until then.
    pub(super) has_log: bool,
    /// It is only asked about: if it is sent, it passes a door of its own.
    pub(super) is_asked: bool,
    /// The machine whose mail server keeps what is held; `None` where the door does.
    pub(super) keeper: Option<&'a str>,
    pub(super) now: DateTime<Utc>,
    pub(super) local_day: NaiveDate,
}

/// What a message belongs to: the system that sent it, the incident, and the controller's case in that.
pub(super) struct Cause<'a> {
    pub(super) source: Option<&'a Source>,
    pub(super) root: Digest,
    pub(super) grouping: Digest,
}

impl Found<'_> {
    /// Whether it leaves anything in the register. Most mail does not, and never waits for a disk.
    pub(super) fn is_needed(&self) -> bool {
        self.setup.policy.unread.recorded(&self.report.coverage).next().is_some()
            || self.report.leaks() && fate::matters(self.decision, self.splits)
            || promise::is_due(self)
            || self.keeper.is_some() && self.decision.strictest() == Verdict::Hold
    }
}

/// Numbers that are sealed to a case already.
pub(super) struct Sealed {
    case: CaseId,
    numbers: BTreeSet<[u8; 10]>,
}

/// Whether the persons that are counted are all: in what was not read, and is worth a word by the policy, others may stand.
pub(super) fn counts_all(setup: &Setup, report: &Report) -> bool {
    report.person_numbers().is_exact() && setup.policy.unread.recorded(&report.coverage).next().is_none()
}

/// What else stood in the message, as words.
pub(super) fn beside_of(found: &Found<'_>) -> Vec<&'static str> {
    let numbers = found.report.person_numbers().reveal();
    let beside = beside::beside(&found.report.sketch, numbers, day_of(found.local_day));
    beside.into_iter().map(Beside::word).collect()
}

impl Register {
    /// Records a message: its unread parts in the tally, what let a number pass in the audit trail, its leak in a case
    /// of each controller that it concerns, and that the mail server holds it. Returns what it was put into.
    ///
    /// # Errors
    /// When the register or the evidence cannot be written; nothing was recorded then, and the mail must not
    /// be handed on.
    pub(super) fn record(&self, found: &Found<'_>) -> Result<Vec<Concern>, StoreError> {
        let Found { setup, report, decision, now, .. } = *found;
        let unread: Vec<&str> =
            setup.policy.unread.recorded(&report.coverage).map(UnreadKind::word).collect();
        let verdict = decision.strictest().word();
        let parts = fate::parts(found);
        if parts.is_empty() && report.leaks() && fate::matters(decision, found.splits) {
            return Err(StoreError::Beside("no controller answers for this sender".to_owned()));
        }
        let template = if report.leaks() { self.template(found)? } else { None };
        // Before the transaction, for which others wait.
        let joins = parts.iter().any(|part| part.outcome(report).is_some());
        let beside = if joins { beside_of(found) } else { Vec::new() };
        let sealed = self.seal_ahead(found, &parts, template)?;
        let joined = self.store.record(|recording| {
            for passage in fate::passages(found, self.message_digest(found, None)) {
                recording.passed(&passage)?;
            }
            let mut joined = Vec::new();
            for part in &parts {
                if let Some(outcome) = part.outcome(report) {
                    joined.push((
                        part.controller,
                        self.join(found, part, outcome, (template, &beside, &sealed), recording)?,
                    ));
                }
            }
            // A message that came before was counted then.
            if joined.is_empty() || joined.iter().any(|(_, one)| one.attempts == 1) {
                recording.tally_unread(now, &unread, verdict)?;
            }
            if let Some(node) = found.keeper {
                let held =
                    |(_, one): &(_, Joined)| HeldIn { case: one.case.clone(), message: Some(one.message) };
                let cases: Vec<HeldIn> = joined.iter().map(held).collect();
                Upstream { node, found }.note(&self.node_key, recording, &cases)?;
            }
            Ok(joined)
        })?;
        for one in joined.iter().map(|(_, one)| one).filter(|one| one.opened) {
            tracing::warn!(case = %one.case, state = one.state.word(), "case opened");
        }
        let concern = |(controller, one): (&Controller, Joined)| Concern {
            cvr: controller.cvr.clone(),
            case: one.case,
            message: one.message,
        };
        Ok(joined.into_iter().map(concern).collect())
    }

    /// Puts one controller's part of a message into its case.
    pub(super) fn join(
        &self,
        found: &Found<'_>,
        part: &Part<'_>,
        outcome: Outcome,
        (template, beside, sealed): (Option<Digest>, &[&str], &[Sealed]),
        recording: &Recording<'_>,
    ) -> Result<Joined, StoreError> {
        let report = found.report;
        let detection = self.detection(found, part, outcome);
        let left = matches!(outcome, Outcome::Delivered { .. });
        let controller = part.controller;
        let Cause { source, root, grouping } = self.cause(found, controller, left, template);
        let opening = Opening {
            controller,
            source,
            root,
            grouping,
            salt: random().map_err(|error| StoreError::Beside(error.to_string()))?,
        };
        let joined = recording.join(&detection, &opening)?;
        if joined.opened {
            self.evidence.begin(&joined.case).map_err(|error| StoreError::Beside(error.to_string()))?;
        }
        let is_held = outcome == Outcome::Stopped && part.is_held(found.splits);
        if joined.attempts > 1 && !is_held {
            return Ok(joined);
        }
        let key = self.node_key.case_key(&joined.salt);
        let numbers: Vec<[u8; 10]> = report.person_numbers().reveal().collect();
        let digests: Vec<Digest> = numbers.iter().map(|number| key.person(number)).collect();
        if is_held {
            // Should this mail alone be released. One that comes again may have been decided about before.
            recording.note_held(&detection.message, &digests, beside)?;
        }
        if joined.attempts == 1 {
            if let Some(id) = report.sketch.message_id().filter(|id| !id.is_empty()) {
                // By which a copy of it in an archive is known.
                let stamp = archived::Stamp::of_id(id);
                let content = archived::content(&self.node_key, &stamp, report, controller);
                recording.note_content(&detection.message, &content)?;
            }
            recording.add_beside(&joined.case, beside)?;
            let new = recording.add_persons(&joined.case, &digests)?;
            if left {
                let there = |number: &&[u8; 10]| {
                    sealed.iter().any(|one| one.case == joined.case && one.numbers.contains(*number))
                };
                let new = new.iter().filter_map(|at| numbers.get(*at)).filter(|one| !there(one));
                self.seal(&joined.case, controller, &new.copied().collect::<Vec<_>>())?;
            }
        }
        Ok(joined)
    }

    /// One controller's part of a message, as it stands in its case.
    pub(super) fn detection(&self, found: &Found<'_>, part: &Part<'_>, outcome: Outcome) -> Detection {
        let Found { envelope, report, now, .. } = *found;
        let (recipients, recipient_domains) = part.reached(outcome);
        Detection {
            at: now,
            queue_id: envelope.queue_id.clone(),
            message: self.message_digest(found, Some((part.controller, outcome))),
            verdict: part.verdict,
            outcome,
            sender_domain: envelope.sender.as_ref().map(Address::shown_domain).unwrap_or_default(),
            recipient_domains,
            recipients,
            findings: report.count(),
            persons: report.persons(),
            persons_exact: counts_all(found.setup, report),
        }
    }

    /// Which template a message is of, when a source is named for its sender.
    ///
    /// # Errors
    /// When the register cannot be read or written.
    pub(super) fn template(&self, found: &Found<'_>) -> Result<Option<Digest>, StoreError> {
        let source = incident::source_of(found.envelope.sender.as_ref(), &found.setup.sources);
        let of = |source| self.store.template(&letter(&self.node_key, source, found.report), found.now);
        source.map(of).transpose()
    }

    /// What a message belongs to; `template` is [`Self::template`]'s.
    pub(super) fn cause<'a>(
        &self,
        found: &Found<'a>,
        controller: &Controller,
        left: bool,
        template: Option<Digest>,
    ) -> Cause<'a> {
        let Found { setup, envelope, local_day, .. } = *found;
        let sender = envelope.sender.as_ref();
        let source = incident::source_of(sender, &setup.sources);
        let digest = |purpose: &str, parts: Vec<Vec<u8>>| {
            let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            self.node_key.digest(purpose, &parts)
        };
        let template = template.unwrap_or_default();
        let grouping = incident::grouping(controller, source, &template, sender, local_day, left);
        Cause {
            source,
            root: digest("incident", incident::root(source, &template, sender, local_day)),
            grouping: digest("grouping", grouping),
        }
    }

    /// Seals what is new to cases that are there already, before the transaction for which others wait: the fsync of one mail's
    /// numbers is then nobody else's. A crash, or a register that cannot be written, leaves numbers sealed whose mail comes again.
    fn seal_ahead(
        &self,
        found: &Found<'_>,
        parts: &[Part<'_>],
        template: Option<Digest>,
    ) -> Result<Vec<Sealed>, StoreError> {
        let mut sealed = Vec::new();
        for part in parts {
            let left = matches!(part.outcome(found.report), Some(Outcome::Delivered { .. }));
            if !left || part.controller.dpo_key.is_none() {
                continue;
            }
            let Cause { grouping, .. } = self.cause(found, part.controller, left, template);
            let Some((case, salt)) = self.store.case_of_grouping(grouping)? else { continue };
            let key = self.node_key.case_key(&salt);
            let numbers: Vec<[u8; 10]> = found.report.person_numbers().reveal().collect();
            let digests: Vec<Digest> = numbers.iter().map(|number| key.person(number)).collect();
            let new = self.store.unknown_persons(&case, &digests)?;
            let numbers: BTreeSet<_> = new.iter().filter_map(|at| numbers.get(*at)).copied().collect();
            self.seal(&case, part.controller, &numbers.iter().copied().collect::<Vec<_>>())?;
            sealed.push(Sealed { case, numbers });
        }
        Ok(sealed)
    }

    /// Only what left is sealed: nobody has to be written to about a near miss.
    fn seal(&self, case: &CaseId, controller: &Controller, new: &[[u8; 10]]) -> Result<(), StoreError> {
        match &controller.dpo_key {
            Some(key) if !new.is_empty() => {
                self.evidence.append(case, key, new).map_err(|error| StoreError::Beside(error.to_string()))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The same for a message that comes again after a lost answer or a 451, and for no other: envelope,
    /// Message-ID, size, the start of its text, every kept number with its place, and what became of it. The
    /// body is stood for by these, because hashing all of it would cost every clean mail. A mail that its sender
    /// gave no Message-ID is the same on the same day only: a nightly job may write the same words again.
    ///
    /// Each controller's part of it is a message of its own, and so is its line in the audit trail.
    fn message_digest(&self, found: &Found<'_>, part: Option<(&Controller, Outcome)>) -> Digest {
        let Found { envelope, report, local_day, .. } = *found;
        let (controller, became) =
            part.map_or(("", "passed"), |(controller, outcome)| (controller.cvr.as_str(), outcome.word()));
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
                became.as_bytes(),
                day.as_bytes(),
                controller.as_bytes(),
            ],
        )
    }
}

/// What tells the template of a source's mail.
pub(super) fn letter(key: &NodeKey, source: &Source, report: &Report) -> Letter {
    let marker = key.marker("template words");
    let subject = report.subject.words().iter().map(|word| marker.tag(&[word])).collect();
    let words = report.sketch.words();
    let pairs: Vec<u32> = words.windows(2).map(|pair| marker.tag(pair)).collect();
    let mark = Mark::new(subject, &pairs);
    let source = key.digest("source", &[source.name.as_bytes()]);
    let MarkBytes { subject, text, .. } = mark.to_bytes();
    let numbers: Vec<[u8; 10]> = report.person_numbers().reveal().collect();
    Letter {
        name: key.digest("template", &[&source, &subject, &text]),
        others: key.digest("other templates", &[&source]),
        persons: key.digest("template persons", &[&numbers.concat()]),
        source,
        mark,
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
