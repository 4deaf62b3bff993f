//! What becomes of a number for each recipient, and whose case that is.
//!
//! The policy decides for each recipient; what *left* depends on the door as well: one with a single answer stops all
//! when it stops one. Pure. Start reading at [`parts`].

use super::record::Found;
use crate::case::detection::Outcome;
use crate::case::passage::{Passage, Reason};
use crate::envelope::{Address, Controller, Pass, Verdict, controller_of};
use crate::policy::road::Protection;
use crate::policy::why::Rule;
use crate::policy::{Decision, RecipientDecision};
use crate::scan::Report;
use crate::scan::finding::MaskedText;

/// What becomes of a number on its way to one recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It does not leave.
    Stopped,
    /// It leaves readable.
    Left {
        /// Whether the road is known to be open.
        plainly: bool,
    },
    /// It leaves, and the audit trail says why.
    Passed,
    /// It leaves protected, or whoever has it keeps it.
    Nothing,
}

/// `overall` is the answer of a door that has only one; of a message that is only asked about nothing leaves.
fn fate(one: &RecipientDecision, overall: Verdict, (splits, is_asked): (bool, bool)) -> Fate {
    let leaves = splits || matches!(overall, Verdict::Deliver(_));
    match one.verdict {
        Verdict::Deliver(Pass::Observed) if leaves && !is_asked => {
            Fate::Left { plainly: one.protection != Protection::Unknown }
        }
        Verdict::Block | Verdict::Hold | Verdict::Reroute | Verdict::Deliver(Pass::Observed) => Fate::Stopped,
        Verdict::Deliver(Pass::Exempt) if leaves => Fate::Passed,
        Verdict::Deliver(_) if one.why.many_persons.is_some() && leaves => Fate::Passed,
        Verdict::Deliver(
            Pass::Clean | Pass::Encrypted | Pass::ProtectedRoad | Pass::UnreadAllowed | Pass::Exempt,
        )
        | Verdict::Defer => Fate::Nothing,
    }
}

/// Whether a leak leaves anything in the register.
pub(super) fn matters(decision: &Decision, splits: bool) -> bool {
    let overall = decision.strictest();
    decision.recipients.iter().any(|one| fate(one, overall, (splits, false)) != Fate::Nothing)
}

/// One controller's part of a message: its recipients, and what becomes of the number on the way to each.
pub(super) struct Part<'a> {
    pub(super) controller: &'a Controller,
    /// What was answered for it.
    pub(super) verdict: Verdict,
    recipients: Vec<(&'a RecipientDecision, Fate)>,
}

/// The parts of a message, in the order of their first recipients; empty when nobody answers for the sender.
pub(super) fn parts<'a>(found: &Found<'a>) -> Vec<Part<'a>> {
    let overall = found.decision.strictest();
    let mut parts: Vec<Part<'a>> = Vec::new();
    for one in &found.decision.recipients {
        let sender = found.envelope.sender.as_ref();
        let Some(controller) = controller_of(sender, one.recipient.as_ref(), &found.setup.controllers) else {
            continue;
        };
        let with_fate = (one, fate(one, overall, (found.splits, found.is_asked)));
        match parts.iter_mut().find(|part| std::ptr::eq(part.controller, controller)) {
            Some(part) => part.recipients.push(with_fate),
            None => parts.push(Part { controller, verdict: overall, recipients: vec![with_fate] }),
        }
    }
    for part in parts.iter_mut().filter(|_| found.splits) {
        let verdicts = part.recipients.iter().map(|(one, _)| one.verdict);
        part.verdict = verdicts.max_by_key(Verdict::strictness).unwrap_or(overall);
    }
    parts
}

impl Part<'_> {
    /// What became of the number; `None` when it is no incident of this controller's.
    pub(super) fn outcome(&self, report: &Report) -> Option<Outcome> {
        let fates = || self.recipients.iter().map(|(_, fate)| *fate);
        if fates().any(|fate| matches!(fate, Fate::Left { .. })) {
            let plainly = fates().any(|fate| fate == Fate::Left { plainly: true });
            Some(Outcome::Delivered { certain: report.is_certain() && plainly })
        } else {
            fates().any(|fate| fate == Fate::Stopped).then_some(Outcome::Stopped)
        }
        .filter(|_| report.leaks())
    }

    /// Whether a person is to decide about it, for all by a door that has one answer, or for some of its recipients.
    pub(super) fn is_held(&self, splits: bool) -> bool {
        let is_hold = |verdict| verdict == Verdict::Hold;
        if splits { self.decisions().any(|one| is_hold(one.verdict)) } else { is_hold(self.verdict) }
    }

    /// How many recipients the outcome is about, and their domains: of what left those who got it readable, of what was
    /// stopped all.
    pub(super) fn reached(&self, outcome: Outcome) -> (u64, Vec<String>) {
        let all = self.recipients.iter().filter(|(_, fate)| match outcome {
            Outcome::Stopped => true,
            Outcome::Delivered { .. } => matches!(fate, Fate::Left { .. }),
        });
        domains(all.map(|(one, _)| *one))
    }
}

impl<'a> Part<'a> {
    /// What was decided for each of its recipients.
    pub(super) fn decisions(&self) -> impl Iterator<Item = &'a RecipientDecision> {
        self.recipients.iter().map(|(one, _)| *one)
    }
}

/// What the audit trail is told: a line for each exemption and each road that let the number pass.
pub(super) fn passages(found: &Found<'_>, message: [u8; 16]) -> Vec<Passage> {
    if !found.report.leaks() {
        return Vec::new();
    }
    let overall = found.decision.strictest();
    let mut reasons: Vec<(Reason, Vec<&RecipientDecision>)> = Vec::new();
    for one in &found.decision.recipients {
        if fate(one, overall, (found.splits, found.is_asked)) != Fate::Passed {
            continue;
        }
        let Some(reason) = reason(one) else { continue };
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, recipients)) => recipients.push(one),
            None => reasons.push((reason, vec![one])),
        }
    }
    let line = |(reason, recipients): (Reason, Vec<&RecipientDecision>)| {
        let (recipients, recipient_domains) = domains(recipients.into_iter());
        Passage {
            at: found.now,
            message,
            reason,
            queue_id: found.envelope.queue_id.clone(),
            sender_domain: found.envelope.sender.as_ref().map(Address::shown_domain).unwrap_or_default(),
            recipient_domains,
            recipients,
            findings: found.report.count(),
            persons: found.report.persons(),
        }
    };
    reasons.into_iter().map(line).collect()
}

fn reason(decided: &RecipientDecision) -> Option<Reason> {
    if let Rule::Exemption(one) = &decided.why.rule {
        return Some(Reason::Exempt {
            name: one.name.clone(),
            by: one.by.clone(),
            reason: MaskedText::of_short(&one.reason).to_string(),
            until: format!("{:04}-{:02}-{:02}", one.until.year(), one.until.month(), one.until.day()),
        });
    }
    decided.why.many_persons.clone().map(|road| Reason::ManyPersons { road })
}

pub(super) fn domains<'a>(decisions: impl Iterator<Item = &'a RecipientDecision>) -> (u64, Vec<String>) {
    let mut domains: Vec<String> =
        decisions.filter_map(|one| one.recipient.as_ref()).map(Address::shown_domain).collect();
    let count = domains.len() as u64;
    domains.sort_unstable();
    domains.dedup();
    (count, domains)
}
