//! What is decided of one candidate, and the report that it comes to.
//!
//! Start reading at [`Judge::judge`].

use super::document::{Documents, Positions};
use crate::cpr::date::Day;
use crate::cpr::{Cpr, Kind};
use crate::mime::PartPath;
use crate::scan::context::{self, Around};
use crate::scan::coverage::{Unread, UnreadKind};
use crate::scan::evidence::{Evidence, Reason};
use crate::scan::explained::{Bare, Explained};
use crate::scan::finding::{Finding, MaskedText, Place};
use crate::scan::report::Report;
use crate::scan::ruleset::{Ruleset, Treatment};
use crate::scan::window::Hit;
use std::sync::Arc;

/// Judges candidates and keeps the report: what the window's visits need besides the window.
pub(super) struct Judge {
    pub(super) rules: Arc<Ruleset>,
    pub(super) today: Day,
    pub(super) report: Report,
    /// The first text's start is being gathered.
    pub(super) sketching: bool,
    /// Every candidate with its evidence, when somebody asked.
    pub(super) explained: Option<Vec<Explained>>,
    /// What paths begin with: the part whose signature was opened, with a dot.
    pub(super) prefix: String,
    pub(super) documents: Documents,
    /// The text or file of a document that is read.
    pub(super) member: Option<MaskedText>,
    /// Where in a document its text stands.
    pub(super) positions: Positions,
}

impl Judge {
    pub(super) fn new(rules: Arc<Ruleset>, today: Day) -> Self {
        Self {
            rules,
            today,
            report: Report::default(),
            sketching: false,
            explained: None,
            prefix: String::new(),
            documents: Documents::default(),
            member: None,
            positions: Positions::default(),
        }
    }

    /// Gets ready for another message, whose sketch is gathered in `memory`.
    pub(super) fn renew(&mut self, new_rules: Arc<Ruleset>, new_today: Day, memory: Vec<u8>) {
        let Self { rules, today, report, sketching, explained, prefix, documents, member, positions } = self;
        (*rules, *today) = (new_rules, new_today);
        *report = Report::default();
        report.sketch.gather_in(memory);
        *sketching = false;
        *explained = None;
        prefix.clear();
        documents.clear();
        *member = None;
        positions.clear();
    }

    pub(super) fn judge(&mut self, mut hit: Hit<'_>, path: &PartPath, place: &Place) {
        let Self { rules, today, report, explained, .. } = self;
        let candidate = hit.candidate;
        let read = Cpr::read(candidate, *today, rules.exceptions());
        if read.is_err() && explained.is_none() {
            return;
        }
        let keep = report.has_room();
        let mut evidence = Evidence::new(keep || explained.is_some());
        let is_told = read.is_ok_and(|cpr| rules.kinds().of(cpr.kind()) != Treatment::Ignore);
        let confidence = read.ok().filter(|_| is_told).and_then(|cpr| {
            let cell = hit.cell(rules);
            let age = cpr.birth().years_until(*today);
            let in_other_header = matches!(place, Place::OtherHeader(_));
            let (before, after, at) = (hit.before(), hit.after(), hit.offset());
            let is_explained = explained.is_some();
            let around =
                Around { candidate, cpr: &cpr, age, before, at, after, cell, in_other_header, is_explained };
            let (scratch, neighbours) = hit.surroundings(rules, *today);
            context::weigh(rules, &around, neighbours, scratch, &mut evidence)
        });
        // Asked last, since a digest costs: a number that the site knows to be nobody's is a test number.
        let is_allowed = confidence.is_some() && read.is_ok_and(|cpr| rules.allows(&cpr));
        let allowed = is_allowed.then_some(Reason::Word("allowed"));
        if let Some(explained) = explained.as_mut().filter(|all| all.len() < Explained::MOST) {
            let reasons = evidence.reasons().iter().cloned();
            explained.push(Explained {
                bare: Bare::new(candidate, hit.before(), hit.after()),
                part: format!("{}{path}", self.prefix),
                place: place.clone(),
                line: hit.line(),
                offset: hit.offset(),
                kind: read.map(|cpr| if is_allowed { Kind::Test } else { cpr.kind() }),
                evidence: reasons.chain(allowed.clone().map(|reason| (reason, 0.0))).collect(),
                sum: evidence.sum(),
                confidence,
            });
        }
        let (Ok(cpr), Some(confidence)) = (read, confidence) else { return };
        let kind = if is_allowed { Kind::Test } else { cpr.kind() };
        let treatment = rules.kinds().of(kind);
        if treatment == Treatment::Ignore {
            return;
        }
        let counts = treatment == Treatment::Count;
        let in_header = matches!(place, Place::Header(_) | Place::OtherHeader(_))
            && self.prefix.is_empty()
            && path.is_whole();
        report.count_in(&cpr, counts, confidence, in_header);
        if keep {
            let reasons = evidence.reasons().iter().map(|(reason, _)| reason.clone());
            let why = reasons.chain(allowed).collect();
            let (offset, line) = (hit.offset(), hit.line());
            let position = self.positions.at(offset).cloned();
            report.findings.push(Finding {
                cpr,
                kind,
                counts,
                confidence,
                part: format!("{}{path}", self.prefix),
                place: place.clone(),
                position,
                line,
                offset,
                why,
            });
        }
    }

    pub(super) fn unread(&mut self, path: &PartPath, kind: UnreadKind, reason: &'static str) {
        let (part, member) = (format!("{}{path}", self.prefix), self.member.clone());
        self.report.coverage.add(Unread { part, member, kind, reason });
    }
}
