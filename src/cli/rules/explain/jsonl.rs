//! For programs: one object a message, the summary as the last line.
//!
//! `{"file", "candidates": [{"cpr" (stars, or ten digits with `--reveal`), "kind" or "not", "outcome", "sum", "part",
//! "where", "line", "offset", "evidence": [{"reason", "weight", "file", "line"}], "before", "after" (with `--reveal`)}],
//! "unread": [{"part", "reason"}]}`. Start reading at [`write`]. Tests: `tests/explain.rs`.

use super::tally::Tally;
use super::{Item, Job, Outcome, words};
use crate::scan::{Explained, Reason};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Line<'a> {
    /// As people are shown it: a name may hold a number.
    file: String,
    candidates: Vec<Candidate<'a>>,
    unread: Vec<Unread<'a>>,
}

#[derive(Serialize)]
struct Unread<'a> {
    part: &'a str,
    reason: &'static str,
}

#[derive(Serialize)]
struct Candidate<'a> {
    cpr: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not: Option<&'static str>,
    outcome: &'static str,
    sum: f64,
    part: &'a str,
    r#where: String,
    line: u64,
    offset: u64,
    evidence: Vec<Evidence<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<&'a str>,
}

#[derive(Serialize)]
struct Evidence<'a> {
    reason: &'a str,
    weight: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
}

#[derive(Serialize)]
struct Whole {
    summary: Summary,
}

#[derive(Serialize)]
struct Summary {
    messages: u64,
    candidates: u64,
    outcomes: BTreeMap<&'static str, u64>,
    entries: Vec<Often>,
}

#[derive(Serialize)]
struct Often {
    reason: String,
    times: u32,
    mean_weight: f64,
}

pub(super) fn write(job: &Job, out: &mut Vec<u8>, item: &Item<'_>) {
    let unread = item.report.coverage.unread();
    let line = Line {
        file: job.how.name(item.file),
        candidates: job.shown(item).map(|one| candidate(job, one)).collect(),
        unread: unread.iter().map(|one| Unread { part: &one.part, reason: one.reason }).collect(),
    };
    let start = out.len();
    // Strings and numbers into memory cannot fail; half a line would be worse than none.
    if serde_json::to_writer(&mut *out, &line).is_err() {
        out.truncate(start);
        return;
    }
    out.push(b'\n');
}

fn candidate<'a>(job: &'a Job, one: &'a Explained) -> Candidate<'a> {
    let text = job.how.reveal.then(|| one.bare.reveal_text());
    let number = job.number(one);
    Candidate {
        cpr: if job.how.reveal { number.replace('-', "") } else { number },
        kind: one.kind.ok().map(crate::cpr::Kind::word),
        not: one.kind.err().map(words::why_not),
        outcome: Outcome::of(&job.how.rules, one).word(),
        sum: rounded(one.sum),
        part: &one.part,
        r#where: one.place.to_string(),
        line: one.line,
        offset: one.offset,
        evidence: one.evidence.iter().map(|(reason, weight)| evidence(job, reason, *weight)).collect(),
        before: text.map(|(before, _)| before),
        after: text.map(|(_, after)| after),
    }
}

fn evidence<'a>(job: &'a Job, reason: &'a Reason, weight: f32) -> Evidence<'a> {
    let entry = job.entries.get(&**reason);
    let weight = rounded(weight);
    Evidence { reason, weight, file: entry.map(|entry| &*entry.file), line: entry.map(|entry| entry.line) }
}

/// As people write weights.
fn rounded(weight: f32) -> f64 {
    (f64::from(weight) * 1000.0).round() / 1000.0
}

pub(super) fn end(tally: &Tally) -> serde_json::Result<String> {
    let often = |(name, counted): &(&str, super::tally::Counted)| Often {
        reason: (*name).to_owned(),
        times: counted.times,
        mean_weight: counted.mean(),
    };
    let outcomes = Outcome::ALL.map(|outcome| (outcome.word(), tally.outcome(outcome)));
    serde_json::to_string(&Whole {
        summary: Summary {
            messages: tally.items,
            candidates: tally.candidates(),
            outcomes: outcomes.into(),
            entries: tally.entries().iter().map(often).collect(),
        },
    })
}
