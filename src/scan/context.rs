//! The evidence near a number: what the text round ten digits says about them.
//!
//! A sum of log-odds, not a chain of vetoes: form, modulus 11, age, the nearest label before the number and its
//! distance, the heading of its column, look-alikes, neighbours of the same kind. Always per number and never per
//! document, because a municipal signature with a P-number must not hide the CPR number above it. Runs only on digits
//! that are a real past date, so it may cost; where a table or a key says what the number is, it looks no further.
//! Start reading at [`weigh`].

use super::evidence::Evidence;
use super::finding::Confidence;
use super::neighbours::Neighbours;
use super::render::render;
use super::ruleset::Ruleset;
use super::table::{Cell, Column};
use crate::cpr::candidate::{Candidate, Form, Touch};
use crate::cpr::modulus::Check;
use crate::cpr::{Cpr, Kind};
use std::sync::Arc;

/// How many bytes before a number are looked at.
pub(super) const BEFORE: usize = 320;
/// How many bytes behind it.
pub(super) const AFTER: usize = 64;

/// A label as runnable.
#[derive(Debug)]
pub(super) struct Label {
    pub(super) reason: Arc<str>,
    pub(super) weight: f32,
}

/// Below this weight a label only hints: it adds to the strong label before it and does not hide it, as in
/// "Cpr-nr. og navn:".
const HINT: f32 = 2.0;

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
    /// At most [`AFTER`] bytes.
    pub(super) after: &'a [u8],
    /// The cell that it stands in; its start counts from the start of `before`.
    pub(super) cell: Option<Cell>,
    /// Whether it stands in a header field that no list names as one that people write.
    pub(super) in_other_header: bool,
}

/// Texts that are written anew for each candidate; kept so that nothing is allocated.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    before: String,
    after: String,
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
    let is_labelled = beside(rules, around, scratch, evidence);
    if !is_labelled && form == Form::Plain {
        let weight = neighbours().weight(&rules.weights.neighbours);
        if weight != 0.0 {
            evidence.add("neighbours", weight);
        }
    }
    let needs_label = matches!(form, Form::Nine | Form::Cells | Form::Spread);
    if needs_label && !is_labelled {
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
    } else if age >= weights.age.stamp_from && reads_as_time(candidate) {
        evidence.add("age-and-time", weights.age.stamp);
    }
}

/// Whether the serial reads as HHMM, as in a time stamp `DDMMYY-HHMM`.
fn reads_as_time(candidate: &Candidate) -> bool {
    let [.., h1, h2, m1, m2] = candidate.digits;
    h1 * 10 + h2 < 24 && m1 * 10 + m2 < 60
}

/// What stands beside the number. Returns whether a strong label is near.
fn beside(rules: &Ruleset, around: &Around<'_>, scratch: &mut Scratch, evidence: &mut Evidence) -> bool {
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
        && let Some(is_labelled) = alone_in_cell(rules, cell, around.before, evidence)
    {
        return is_labelled;
    }
    let key = own_key(around.before);
    if let Some(key) = key.filter(|_| is_free)
        && let Some(label) = rules.label_of_key(key)
    {
        evidence.add_rule(&label.reason, label.weight);
        return true;
    }
    let Scratch { before, after } = scratch;
    before.clear();
    after.clear();
    // In a column that is known, what stands before the cell is another matter.
    let known = around.cell.filter(|cell| cell.column != Column::Unknown);
    let from = known.map_or(0, |cell| cell.start.min(around.before.len()));
    render(around.before.get(from..).unwrap_or_default(), before);
    render(around.after, after);
    let [strong, hint] = rules.nearest_labels(before);
    // Another key stands between: `"cpr": "...", "ordre_id": "..."`.
    let fade = if key.is_some() { rules.weights.distance.other_key } else { 1.0 };
    let mut is_labelled = false;
    let mut is_glued = candidate.before == Touch::Letter;
    for (label, share) in [strong, hint].into_iter().flatten() {
        evidence.add_rule(&label.reason, label.weight * share * fade);
        if label.weight.abs() >= HINT && share * fade >= 0.5 {
            is_labelled = true;
            // A word that runs into the digits is a label glued to them, or the digits are part of an id.
            is_glued &= share < 1.0;
        }
    }
    if strong.is_none()
        && let Some(cell) = around.cell
    {
        is_labelled |= by_column(rules, cell.column, evidence);
    }
    if is_glued || candidate.after == Touch::Letter {
        evidence.add("touching", rules.weights.place.touching);
    }
    for lookalike in rules
        .lookalikes
        .iter()
        .filter(|one| !(one.only_unlabelled && is_labelled) && one.matches(candidate.form, before, after))
    {
        evidence.add_rule(&lookalike.reason, lookalike.weight);
    }
    is_labelled
}

/// What a cell says that holds nothing but the number: the cell to its left when that is a label, or the heading of its
/// column. `None` when neither is known, and the text has to be read.
fn alone_in_cell(rules: &Ruleset, cell: Cell, before: &[u8], evidence: &mut Evidence) -> Option<bool> {
    if let Column::Labelled(_) = cell.column {
        return Some(by_column(rules, cell.column, evidence));
    }
    let left = before.get(..cell.start).and_then(left_cell).and_then(|left| rules.strongest_label(left));
    if let Some(label) = left {
        evidence.add("left-cell", 0.0);
        evidence.add_rule(&label.reason, label.weight);
        return Some(true);
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

fn by_column(rules: &Ruleset, column: Column, evidence: &mut Evidence) -> bool {
    let weights = &rules.weights.column;
    match column {
        Column::Unknown => false,
        Column::Labelled(label) => {
            let Some(label) = rules.labels.get(label) else { return false };
            evidence.add("column", 0.0);
            evidence.add_rule(&label.reason, label.weight);
            true
        }
        Column::Other { beside_cpr } => {
            let (word, weight) = if beside_cpr {
                ("column:beside-cpr", weights.beside_cpr)
            } else {
                ("column:other", weights.other)
            };
            evidence.add(word, weight);
            false
        }
    }
}

/// The key of a program's text that the number is the value of: `key=`, `"key": "`, `<ns:key>`. Words that say nothing
/// of the value are no keys.
fn own_key(before: &[u8]) -> Option<&[u8]> {
    const EMPTY: [&[u8]; 9] =
        [b"value", b"content", b"href", b"src", b"data", b"title", b"alt", b"text", b"id"];
    let is_quote = |byte: &u8| matches!(byte, b'"' | b'\'' | b'\\');
    let is_key = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | 0x80..);
    let trimmed = |text: &'_ [u8], drop: &dyn Fn(&u8) -> bool| {
        text.len() - text.iter().rev().take(6).take_while(|byte| drop(byte)).count()
    };
    let start = trimmed(before, &|byte| is_quote(byte) || *byte == b' ');
    let before = before.get(..start)?;
    let (mark, rest) = before.split_last()?;
    let key_end = match mark {
        b'=' => rest.len(),
        // `%3D`, `3D` of quoted-printable.
        b'D' | b'd' if rest.ends_with(b"%3") || rest.ends_with(b"=3") => rest.len() - 2,
        b':' => {
            let end = trimmed(rest, &|byte| *byte == b' ');
            let quoted = rest.get(..end)?;
            // In prose a colon ends a sentence as often as a label; between quotes it is a key's.
            is_quote(quoted.last()?).then_some(())?;
            trimmed(quoted, &is_quote)
        }
        b'>' => {
            let open = memchr::memrchr(b'<', rest)?;
            let crate::cpr::glyph::Tag::Named(name) = crate::cpr::glyph::tag(before.get(open..)?)?.0 else {
                return None;
            };
            return (before.get(open + 1) != Some(&b'/')).then_some(name);
        }
        _ => return None,
    };
    let rest = rest.get(..key_end)?;
    let length = rest.iter().rev().take(48).take_while(|byte| is_key(byte)).count();
    let key = rest.get(rest.len() - length..)?;
    let says =
        key.iter().any(u8::is_ascii_alphabetic) && !EMPTY.iter().any(|empty| empty.eq_ignore_ascii_case(key));
    says.then_some(key)
}

impl Ruleset {
    /// The strong label that ends last before the number, and the hint after it, each with the share of its weight
    /// that the distance leaves. `before` is rendered.
    fn nearest_labels(&self, before: &str) -> [Option<(&Label, f32)>; 2] {
        let (mut strong, mut hint) = (None, None);
        for (label, end) in self.labels_in(before.as_bytes()) {
            match self.labels.get(label) {
                Some(label) if label.weight.abs() >= HINT => (strong, hint) = (Some((label, end)), None),
                Some(label) => hint = Some((label, end)),
                None => {}
            }
        }
        [strong, hint].map(|label| {
            let (label, end) = label?;
            let distance = &self.weights.distance;
            let line = if label.weight < 0.0 { distance.line_against } else { distance.line };
            let letters = letters_between(before.as_bytes().get(end..)?, line, distance.sentence);
            let (near, far) = (f32::from(distance.near), f32::from(distance.far));
            let share = ((far - f32::from(letters)) / (far - near)).clamp(0.0, 1.0);
            (share > 0.0).then_some((label, share))
        })
    }

    /// The label in a program's key, where a hint is as good as a label.
    fn label_of_key(&self, key: &[u8]) -> Option<&Label> {
        let hint = || self.labels_in(key).last().and_then(|(label, _)| self.labels.get(label));
        self.strongest_label(key).or_else(hint)
    }

    /// The strong label in a cell or a heading; one that speaks for a number goes before one that speaks against it.
    fn strongest_label(&self, text: &[u8]) -> Option<&Label> {
        self.strongest(text).0.and_then(|label| self.labels.get(label))
    }

    fn strongest(&self, text: &[u8]) -> (Option<usize>, bool) {
        let (mut best, mut any): (Option<usize>, bool) = (None, false);
        for (label, _) in self.labels_in(text) {
            any = true;
            // "CPR (ordre)" is one of CPR numbers, "ordre til borger" is none.
            let rank = |label: usize| {
                let weight = self.labels.get(label).map_or(0.0, |label| label.weight);
                if weight >= PERSONAL { weight + 100.0 } else { weight.abs() }
            };
            if rank(label) >= HINT && best.is_none_or(|best| rank(label) >= rank(best)) {
                best = Some(label);
            }
        }
        (best, any)
    }

    /// The labels in a text, each with its end: whole words, or parts of a `camelCase` name.
    fn labels_in(&self, text: &[u8]) -> impl Iterator<Item = (usize, usize)> {
        self.words.find_iter(text).filter_map(move |found| {
            let (start, end) = (found.start(), found.end());
            let byte = |at: usize| text.get(at).copied().unwrap_or(b' ');
            let apart = |left: u8, right: u8| {
                !is_letter(left)
                    || !is_letter(right)
                    || (left.is_ascii_lowercase() && right.is_ascii_uppercase())
            };
            let starts = start == 0 || apart(byte(start - 1), byte(start));
            // `CPRNr` ends the first word one letter before a small one.
            let ends = end >= text.len() || apart(byte(end - 1), byte(end));
            (starts && ends)
                .then(|| self.label_of_word.get(found.pattern().as_usize()).map(|label| (*label, end)))?
        })
    }
}

/// The label in the heading of a column, and whether any word in it is known.
pub(super) fn heading(rules: &Ruleset, text: &str) -> (Option<usize>, bool) {
    rules.strongest(text.as_bytes())
}

/// Letters between label and number; a line break counts as some, and so does the end of a sentence.
fn letters_between(text: &[u8], line: u16, sentence: u16) -> u16 {
    let mut letters = 0_u16;
    let mut before = [b' '; 2];
    for byte in text {
        match byte {
            b'\n' => letters = letters.saturating_add(line),
            byte if is_letter(*byte) => {
                // "CPR-nr. Hans" ends no sentence: the label's own point is not counted.
                let ended =
                    letters > 0 && matches!(before, [b'.' | b'!' | b'?', b' ']) && !byte.is_ascii_lowercase();
                letters = letters.saturating_add(if ended { sentence } else { 1 });
            }
            _ => {}
        }
        before = [before[1], *byte];
    }
    letters
}

/// An ASCII letter, or the first byte of a letter in UTF-8. The lead byte 0xC2 and the bytes 0x80-0xBF carry marks and
/// blanks far more often than letters, and 0xE2 the marks of typographers.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || (byte >= 0xC3 && byte != 0xE2)
}

/// A word in both cases of its letters beyond ASCII; of the others the automaton takes care.
pub(super) fn spellings(word: &str) -> Vec<Vec<u8>> {
    let mut all = vec![word.as_bytes().to_vec()];
    if !word.is_ascii() {
        all.push(word.to_uppercase().into_bytes());
        let mut letters = word.chars();
        let capital = letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>());
        all.extend(capital.map(String::into_bytes));
        all.sort_unstable();
        all.dedup();
    }
    all
}

/// Whether the entry called `reason` counts for a number between these two texts.
pub(super) fn counts(rules: &Ruleset, reason: &Arc<str>, before: &[u8], after: &[u8]) -> bool {
    let (mut seen, mut behind) = (String::new(), String::new());
    render(before, &mut seen);
    render(after, &mut behind);
    if let Some(label) = own_key(before).and_then(|key| rules.label_of_key(key)) {
        return label.reason == *reason;
    }
    rules.nearest_labels(&seen).iter().flatten().any(|(label, _)| label.reason == *reason)
        || rules
            .lookalikes
            .iter()
            .any(|one| one.reason == *reason && one.matches(one.example_form(), &seen, &behind))
}
