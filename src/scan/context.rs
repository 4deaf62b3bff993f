//! The evidence near a number: what the text round ten digits says about them.
//!
//! A sum of log-odds, not a chain of vetoes: form, modulus 11, age, the nearest label before the number and its
//! distance, the heading of its column, look-alikes, neighbours of the same kind. Always per number and never per
//! document, because a municipal signature with a P-number must not hide the CPR number above it. Runs only on digits
//! that are a real past date, so it may cost; where a table or a key says what the number is, it looks no further.
//! Start reading at [`weigh`].

use super::evidence::Evidence;
use super::finding::Confidence;
use super::key::{Key, own_key};
use super::labels::Near;
use super::neighbours::Neighbours;
use super::render;
use super::ruleset::{Matches, Ruleset};
use super::seen::Seen;
use super::table::{Cell, Column};
use crate::cpr::candidate::{Candidate, Form, Touch};
use crate::cpr::modulus::Check;
use crate::cpr::{Cpr, Kind};
use std::sync::Arc;

/// How many bytes before a number are looked at,
pub(super) const BEFORE: usize = 320;
/// and how many behind it.
pub(super) const AFTER: usize = 64;

/// Below this weight a label only hints: it adds to the strong label before it and does not hide it, as in
/// "Cpr-nr. og navn:".
pub(super) const HINT: f32 = 2.0;

/// From this weight on, a label says that what it stands at is a CPR number.
pub(super) const PERSONAL: f32 = 5.0;

/// A candidate in its place.
pub(super) struct Around<'a> {
    pub(super) candidate: &'a Candidate,
    /// What its digits are.
    pub(super) cpr: &'a Cpr,
    /// Whole years since the birth date in them.
    pub(super) age: u16,
    /// At most [`BEFORE`] bytes.
    pub(super) before: &'a [u8],
    /// Where those end in the whole text.
    pub(super) at: u64,
    /// At most [`AFTER`] bytes.
    pub(super) after: &'a [u8],
    /// The cell that it stands in; its start counts from the start of `before`.
    pub(super) cell: Option<Cell>,
    /// Whether it stands in a header field that no list names as one that people write.
    pub(super) in_other_header: bool,
    /// Whether somebody wants to see all the evidence, however little it can change.
    pub(super) is_explained: bool,
}

/// What has been read round the candidates of a text so far.
#[derive(Default)]
pub(super) struct Scratch {
    seen: Seen,
    matches: Matches,
}

impl Scratch {
    /// Begins another text.
    pub(super) fn clear(&mut self) {
        self.seen.clear();
    }
}

/// Weighs a number in its place, and adds what was found to `evidence`. `neighbours` is asked only when nothing else
/// says what the number is.
pub(super) fn weigh(
    rules: &Ruleset,
    around: &Around<'_>,
    neighbours: impl FnOnce() -> Neighbours,
    scratch: &mut Scratch,
    evidence: &mut Evidence,
) -> Option<Confidence> {
    let form = around.candidate.form;
    itself(rules, around, evidence);
    if around.in_other_header {
        evidence.add("header:other", rules.weights.place.other_header);
    }
    let said = beside(rules, around, scratch, evidence)?;
    if said == Said::Nothing && form == Form::Plain {
        let weight = neighbours().weight(&rules.weights.neighbours);
        if weight != 0.0 {
            evidence.add("neighbours", weight);
        }
    }
    let needs_label = matches!(form, Form::Nine | Form::Cells | Form::Spread);
    if needs_label && said != Said::Label {
        return None;
    }
    let threshold = &rules.weights.threshold;
    let sum = evidence.sum();
    let confidence = if sum >= threshold.certain {
        Some(Confidence::Certain)
    } else if sum >= threshold.likely {
        Some(Confidence::Likely)
    } else if sum >= threshold.possible {
        Some(Confidence::Possible)
    } else {
        None
    };
    // A mistyped number is never certain: nobody can say whose it is.
    match around.cpr.kind() {
        Kind::Suspect => confidence.map(|c| c.min(Confidence::Likely)),
        Kind::Cpr | Kind::Replacement | Kind::NineDigit | Kind::Ecpr | Kind::Test => confidence,
    }
}

/// What the digits and their form say by themselves.
fn itself(rules: &Ruleset, around: &Around<'_>, evidence: &mut Evidence) {
    let Around { candidate, cpr, age, .. } = *around;
    let weights = &rules.weights;
    evidence.add("date", 0.0);
    let (form, word) = weights.form.of(candidate.form);
    evidence.add(word, form);
    let kind = weights.check.of_kind(cpr.kind());
    match cpr.check() {
        Check::Passes => evidence.add("mod11", weights.check.passes + kind),
        Check::Excepted if cpr.kind() == Kind::Ecpr => {}
        Check::Excepted => evidence.add("mod11-exempt", weights.check.excepted + kind),
        Check::Fails => evidence.add("no-mod11", kind),
    }
    if age > weights.age.old_from {
        evidence.add("age", weights.age.old);
    } else if age >= weights.age.stamp_from {
        let is_stamp = reads_as_time(candidate);
        let (word, weight) =
            if is_stamp { ("age-and-time", weights.age.stamp) } else { ("high-age", weights.age.high) };
        evidence.add(word, weight);
    }
}

/// Whether the serial reads as HHMM, as in a time stamp `DDMMYY-HHMM`.
fn reads_as_time(candidate: &Candidate) -> bool {
    let [.., h1, h2, m1, m2] = candidate.digits;
    h1 * 10 + h2 < 24 && m1 * 10 + m2 < 60
}

/// What the text beside a number says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// A strong label is near, for it or against it.
    Label,
    /// It has a name, and not one that is known.
    Other,
    Nothing,
}

/// What stands beside the number; `None` when nothing that is still to be read could make a finding of it.
fn beside(
    rules: &Ruleset,
    around: &Around<'_>,
    scratch: &mut Scratch,
    evidence: &mut Evidence,
) -> Option<Said> {
    let candidate = around.candidate;
    let is_free = matches!(candidate.after, Touch::Free | Touch::Mark(b'<' | b'&' | b'|' | b'\\'))
        && matches!(candidate.before, Touch::Free | Touch::Mark(b'=' | b'|' | b'&' | b'\\'));
    // `,` with a digit behind it may part cells: where the number has its cell to itself under a heading, it does.
    let has_cell = |cell: &Cell| {
        let parts = |touch: Touch| matches!(touch, Touch::Free | Touch::MoreDigits);
        cell.whole
            && (is_free
                || (matches!(cell.column, Column::Labelled(_))
                    && parts(candidate.before)
                    && parts(candidate.after)))
    };
    if let Some(cell) = around.cell.filter(has_cell)
        && let Some(said) = alone_in_cell(rules, cell, around.before, evidence)
    {
        return Some(said);
    }
    let key = own_key(around.before);
    let key_label = key.and_then(|key| rules.label_of_key(key));
    if let Some(label) = key_label.filter(|_| is_free) {
        evidence.add_rule(&label.reason, label.weight);
        return Some(Said::Label);
    }
    // In a column that is known, what stands before the cell is another matter.
    let known = around.cell.filter(|cell| cell.column != Column::Unknown);
    let edge = known.map_or(0, |cell| cell.start.min(around.before.len()));
    let Scratch { seen, matches } = scratch;
    let before = seen.before(rules, around.before, around.at, edge);
    let [strong, hint] = before.labels;
    if !around.is_explained
        && evidence.sum() + most_gain(rules, around, strong, hint) < rules.weights.threshold.possible
    {
        return None;
    }
    let label_end = [strong, hint].iter().flatten().map(|near| near.end).max();
    // A guess at a label counts where no label that is known stands nearer.
    rules.find_lookalikes(candidate.form, &before, around.after, matches);
    let lookalikes = || matches.iter().filter_map(|(nr, start)| Some((rules.lookalikes.get(nr)?, start)));
    let guess = lookalikes().filter(|(one, _)| one.only_unlabelled).find(|(one, start)| {
        if one.is_before() {
            label_end.is_none_or(|end| end <= *start)
        } else {
            strong.is_none_or(|near| near.share < 0.5)
        }
    });
    // The id in an element of a person: `"borger": {"id": "..."`.
    let is_persons = key.is_some_and(Key::is_bare) && hint.is_some_and(|near| near.share >= 1.0);
    let guess = guess.filter(|(one, _)| !(is_persons && one.is_before()));
    let key = key.filter(|_| !is_persons);
    // Another key or number's name stands between: `"cpr": "...", "ordre_id": "..."`.
    let is_other = (key.is_some() && key_label.is_none()) || guess.is_some_and(|(one, _)| one.is_before());
    let fade = if is_other { rules.weights.distance.other_key } else { 1.0 };
    let mut said = if is_other { Said::Other } else { Said::Nothing };
    let mut is_glued = candidate.before == Touch::Letter;
    for Near { label, share, .. } in [strong, hint].into_iter().flatten() {
        evidence.add_rule(&label.reason, label.weight * share * fade);
        if label.weight.abs() >= HINT && share * fade >= 0.5 {
            said = Said::Label;
            // A word that runs into the digits is a label glued to them, or the digits are part of an id.
            is_glued &= share < 1.0;
        }
    }
    if strong.is_none()
        && let Some(cell) = around.cell
    {
        said = by_column(rules, cell.column, evidence);
    }
    if is_glued || candidate.after == Touch::Letter {
        evidence.add("touching", rules.weights.place.touching);
    }
    if let Some((guess, _)) = guess {
        evidence.add_rule(&guess.reason, guess.weight);
    } else if key.is_some() && said != Said::Label {
        evidence.add("other-key", rules.weights.column.other_key);
    }
    for (lookalike, _) in lookalikes().filter(|(one, _)| !one.only_unlabelled) {
        evidence.add_rule(&lookalike.reason, lookalike.weight);
    }
    Some(said)
}

/// The most that labels, column, look-alikes and neighbours can add.
fn most_gain(rules: &Ruleset, around: &Around<'_>, strong: Option<Near<'_>>, hint: Option<Near<'_>>) -> f32 {
    let labels = [strong, hint].into_iter().flatten().map(|near| (near.label.weight * near.share).max(0.0));
    let column = around.cell.map_or(0.0, |cell| match cell.column {
        Column::Labelled(label) => rules.labels.get(label).map_or(0.0, |label| label.weight.max(0.0)),
        Column::Unknown => 0.0,
        Column::Other { .. } => rules.weights.column.other.max(rules.weights.column.beside_cpr).max(0.0),
    });
    // Ours speak against a number; a site may write others.
    let fade = rules.weights.distance.other_key.max(1.0);
    let own = rules.weights.place.touching.max(0.0) + rules.weights.column.other_key.max(0.0);
    labels.sum::<f32>() * fade + column + own + rules.lookalike_gain + rules.weights.neighbours.most
}

/// What a cell says that holds nothing but the number: the cell to its left when that is a label, or the heading of its
/// column. `None` when neither is known, and the text has to be read.
fn alone_in_cell(rules: &Ruleset, cell: Cell, before: &[u8], evidence: &mut Evidence) -> Option<Said> {
    if let Column::Labelled(_) = cell.column {
        return Some(by_column(rules, cell.column, evidence));
    }
    let left = before.get(..cell.start).and_then(left_cell).and_then(|left| rules.strongest_label(left));
    if let Some(label) = left {
        evidence.add("left-cell", 0.0);
        evidence.add_rule(&label.reason, label.weight);
        return Some(Said::Label);
    }
    (cell.column != Column::Unknown).then(|| by_column(rules, cell.column, evidence))
}

/// The text of the cell that ends where this text does, if it is short and holds no digit.
fn left_cell(before: &[u8]) -> Option<&[u8]> {
    let end = before.iter().rposition(u8::is_ascii_alphanumeric).map(|at| at + 1)?;
    // The last tag, if the cells are tags.
    let end = if before.get(end..)?.contains(&b'>') && memchr::memrchr(b'<', before.get(..end)?).is_some() {
        last_tags(before)?
    } else {
        end
    };
    let start =
        before.get(..end)?.iter().rposition(|byte| matches!(byte, b'>' | b';' | b'\t' | b'|' | b'\n'));
    let cell = before.get(start.map_or(0, |at| at + 1)..end)?;
    (cell.len() <= 48 && !cell.iter().any(u8::is_ascii_digit)).then_some(cell)
}

/// Where the tags begin that end this text.
fn last_tags(text: &[u8]) -> Option<usize> {
    let mut end = text.len();
    loop {
        let rest = text.get(..end)?.trim_ascii_end();
        if rest.last() != Some(&b'>') {
            return Some(rest.len());
        }
        end = memchr::memrchr(b'<', rest)?;
    }
}

fn by_column(rules: &Ruleset, column: Column, evidence: &mut Evidence) -> Said {
    let weights = &rules.weights.column;
    match column {
        Column::Unknown => Said::Nothing,
        Column::Labelled(label) => {
            let Some(label) = rules.labels.get(label) else { return Said::Nothing };
            evidence.add("column", 0.0);
            evidence.add_rule(&label.reason, label.weight);
            Said::Label
        }
        Column::Other { beside_cpr } => {
            let (word, weight) = if beside_cpr {
                ("column:beside-cpr", weights.beside_cpr)
            } else {
                ("column:other", weights.other)
            };
            evidence.add(word, weight);
            Said::Other
        }
    }
}

/// Whether the entry called `reason` counts for a number between these two texts.
pub(super) fn counts(rules: &Ruleset, reason: &Arc<str>, before: &[u8], after: &[u8]) -> bool {
    let (mut seen, mut behind) = (Vec::new(), Vec::new());
    render::write(before, &mut seen, |_, _| ());
    render::write(after, &mut behind, |_, _| ());
    if let Some(label) = own_key(before).and_then(|key| rules.label_of_key(key)) {
        return label.reason == *reason;
    }
    rules.nearest_labels(&seen).iter().flatten().any(|near| near.label.reason == *reason)
        || rules
            .lookalikes
            .iter()
            .any(|one| one.reason == *reason && one.matches(one.example_form(), &seen, &behind))
}
