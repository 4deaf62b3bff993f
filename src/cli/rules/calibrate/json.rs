//! For programs: one object. Start reading at [`Whole`].

use super::PROMISES;
use super::tally::{Share, Spot, Tally};
use crate::scan::finding::Confidence;
use crate::scan::ruleset::Kinds;
use serde::Serialize;
use std::collections::BTreeMap;

/// Everything that the table shows, with nothing left out.
#[derive(Serialize)]
pub(super) struct Whole<'a> {
    promises_hold: bool,
    messages: usize,
    not_in_truth: u64,
    not_in_mail: usize,
    findings: BTreeMap<&'static str, Found>,
    neutral: u64,
    numbers: Numbers,
    bins: Vec<BinRow>,
    kinds: BTreeMap<&'static str, BTreeMap<&'static str, Found>>,
    reasons: Vec<ReasonRow<'a>>,
    wrong: Vec<SpotRow<'a>>,
    missed: Vec<SpotRow<'a>>,
}

#[derive(Serialize)]
struct Found {
    count: u64,
    right: u64,
    /// `null` of nothing.
    share: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    promised: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<bool>,
}

/// What became of the right numbers.
#[derive(Serialize)]
struct Numbers {
    all: u64,
    certain: u64,
    likely: u64,
    possible: u64,
    not_reported: u64,
    not_seen: u64,
    not_seen_in_part_read: u64,
}

#[derive(Serialize)]
struct BinRow {
    /// The lower edge, one below the next; `null` for all that is lower.
    from: Option<i16>,
    count: u64,
    right: u64,
    share: Option<f64>,
    promised: f64,
    too_sure: bool,
}

#[derive(Serialize)]
struct ReasonRow<'a> {
    reason: &'a str,
    /// Spoke for likely and certain findings that are wrong, or right.
    for_wrong: u32,
    for_right: u32,
    /// Spoke against numbers less than likely that are right, or wrong.
    against_missed: u32,
    against_averted: u32,
}

#[derive(Serialize)]
struct SpotRow<'a> {
    file: &'a str,
    part: &'a str,
    r#where: &'a str,
    line: u64,
    sum: f64,
    confidence: Option<&'static str>,
}

const CONFIDENCES: [Confidence; 3] = [Confidence::Certain, Confidence::Likely, Confidence::Possible];

impl<'a> Whole<'a> {
    pub(super) fn of(tally: &'a Tally, missing: usize) -> Self {
        let found = |confidence| (confidence, tally.found(confidence));
        let kind = |kind| CONFIDENCES.map(|one| (one.word(), Found::of(tally.of_kind(kind, one))));
        let reasons = tally.worst(|blame| blame.wrong + blame.missed);
        Self {
            promises_hold: PROMISES.iter().all(|(confidence, share)| tally.keeps(*confidence, *share)),
            messages: tally.files(),
            not_in_truth: tally.unknown,
            not_in_mail: missing,
            findings: CONFIDENCES
                .map(found)
                .map(|(one, share)| (one.word(), promised(tally, one, share)))
                .into(),
            neutral: tally.neutral,
            numbers: Numbers {
                all: tally.right,
                certain: tally.found(Confidence::Certain).right,
                likely: tally.found(Confidence::Likely).right,
                possible: tally.found(Confidence::Possible).right,
                not_reported: tally.unreported,
                not_seen: tally.unseen,
                not_seen_in_part_read: tally.unread,
            },
            bins: tally
                .bins()
                .map(|(from, bin)| BinRow {
                    from,
                    count: bin.share.all,
                    right: bin.share.right,
                    share: bin.share.share(),
                    promised: bin.promised(),
                    too_sure: bin.is_too_sure(),
                })
                .collect(),
            kinds: Kinds::ALL.iter().map(|one| (one.word(), kind(*one).into())).collect(),
            reasons: reasons
                .into_iter()
                .map(|(reason, blame)| ReasonRow {
                    reason,
                    for_wrong: blame.wrong,
                    for_right: blame.right,
                    against_missed: blame.missed,
                    against_averted: blame.averted,
                })
                .collect(),
            wrong: tally.wrong.iter().map(SpotRow::of).collect(),
            missed: tally.missed.iter().map(SpotRow::of).collect(),
        }
    }
}

impl Found {
    fn of(share: Share) -> Self {
        Self { count: share.all, right: share.right, share: share.share(), promised: None, kept: None }
    }
}

fn promised(tally: &Tally, confidence: Confidence, share: Share) -> Found {
    let least = PROMISES.iter().find(|(one, _)| *one == confidence).map(|(_, least)| *least);
    Found { promised: least, kept: least.map(|least| tally.keeps(confidence, least)), ..Found::of(share) }
}

impl<'a> SpotRow<'a> {
    fn of(spot: &'a Spot) -> Self {
        let Spot { file, part, place, line, sum, confidence } = spot;
        let sum = (f64::from(*sum) * 1000.0).round() / 1000.0;
        let confidence = confidence.map(Confidence::word);
        Self { file, part, r#where: place, line: *line, sum, confidence }
    }
}
