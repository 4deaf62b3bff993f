//! The evidence near a number: what the text round ten digits says about them.
//!
//! A sum of log-odds, not a chain of vetoes: form, modulus 11, age, the nearest label before the number and
//! its distance, look-alikes. Always per number and never per document, because a municipal signature with a
//! P-number must not hide the CPR number above it. Runs only on digits that are a real past date, so it may
//! cost. Start reading at [`weigh`].

use super::finding::Confidence;
use super::ruleset::Ruleset;
use crate::cpr::candidate::{Candidate, Touch};
use crate::cpr::date::Day;
use crate::cpr::modulus::Check;
use crate::cpr::{Cpr, Kind};
use std::sync::Arc;

/// How many bytes before a number are looked at.
pub(super) const BEFORE: usize = 192;
/// How many bytes behind it.
pub(super) const AFTER: usize = 32;

/// A label as runnable.
#[derive(Debug)]
pub(super) struct Label {
    pub(super) reason: Arc<str>,
    pub(super) weight: f32,
}

/// What was found about a candidate.
#[derive(Debug)]
pub(super) struct Weighed {
    pub(super) confidence: Option<Confidence>,
    pub(super) why: Why,
}

/// The reasons, when somebody will read them.
#[derive(Debug)]
pub(super) struct Why(Option<Vec<Arc<str>>>);

impl Why {
    fn because(&mut self, word: &'static str) {
        if let Some(words) = &mut self.0 {
            words.push(word.into());
        }
    }

    fn because_of(&mut self, rule: &Arc<str>) {
        if let Some(words) = &mut self.0 {
            words.push(Arc::clone(rule));
        }
    }

    /// What was said, in order.
    pub(super) fn said(self) -> Vec<Arc<str>> {
        self.0.unwrap_or_default()
    }
}

/// Weighs a number in its place: `before` and `after` are the bytes round it, at most [`BEFORE`] and
/// [`AFTER`] of them; `say_why` keeps the reasons.
pub(super) fn weigh(
    rules: &Ruleset,
    candidate: &Candidate,
    cpr: &Cpr,
    today: Day,
    before: &[u8],
    after: &[u8],
    say_why: bool,
) -> Weighed {
    let weights = &rules.weights;
    let mut why = Why(say_why.then(Vec::new));
    why.because("date");
    let (form, form_word) = weights.form.of(candidate.form);
    why.because(form_word);
    let mut sum = form + weights.check.of_kind(cpr.kind());
    match cpr.check() {
        Check::Passes => {
            sum += weights.check.passes;
            why.because("mod11");
        }
        Check::Excepted => {
            sum += weights.check.excepted;
            why.because("mod11-exempt");
        }
        Check::Fails => why.because("no-mod11"),
    }
    let age = cpr.birth().years_until(today);
    if age > weights.age.old_from {
        sum += weights.age.old;
        why.because("age");
    } else if age >= weights.age.stamp_from && reads_as_time(candidate) {
        sum += weights.age.stamp;
        why.because("age-and-time");
    }
    let labels = nearest_labels(rules, before);
    for (label, share) in labels.into_iter().flatten() {
        sum += label.weight * share;
        why.because_of(&label.reason);
    }
    // A word that runs into the digits is a label glued to them, or the digits are part of an id.
    let is_labelled =
        labels.iter().flatten().any(|(label, share)| *share >= 1.0 && label.weight.abs() >= HINT);
    let is_glued = candidate.before == Touch::Letter && !is_labelled;
    if is_glued || candidate.after == Touch::Letter {
        sum += TOUCHING;
        why.because("touching");
    }
    let threshold = &weights.threshold;
    // Look-alikes only ever lower the sum, and cost more than all that was asked before.
    if sum < threshold.possible {
        return Weighed { confidence: None, why };
    }
    for lookalike in rules
        .lookalikes
        .iter()
        .filter(|one| !(one.only_unlabelled && is_labelled) && one.matches(candidate.form, before, after))
    {
        sum += lookalike.weight;
        why.because_of(&lookalike.reason);
    }
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
    let confidence = match cpr.kind() {
        Kind::Suspect => confidence.map(|c| c.min(Confidence::Likely)),
        Kind::Cpr | Kind::Replacement | Kind::NineDigit | Kind::Ecpr | Kind::Test => confidence,
    };
    Weighed { confidence, why }
}

/// Whether the serial reads as HHMM, as in a time stamp `DDMMYY-HHMM`.
fn reads_as_time(candidate: &Candidate) -> bool {
    let [.., h1, h2, m1, m2] = candidate.digits;
    h1 * 10 + h2 < 24 && m1 * 10 + m2 < 60
}

/// Letters that touch the digits: hex, a UUID, base64, a product code.
const TOUCHING: f32 = -7.0;

/// Below this weight a label only hints: it adds to the strong label before it and does not hide it, as in
/// "Cpr-nr. og navn:".
const HINT: f32 = 2.0;

/// The strong label that ends last before the number, and the hint after it, each with the share of its weight
/// that the distance leaves.
fn nearest_labels<'a>(rules: &'a Ruleset, before: &[u8]) -> [Option<(&'a Label, f32)>; 2] {
    let (mut strong, mut hint) = (None, None);
    for found in rules.words.find_iter(before) {
        let free = |byte: Option<&u8>| byte.is_none_or(|b| !is_letter(*b));
        let start_is_free = found.start().checked_sub(1).is_none_or(|at| free(before.get(at)));
        if !start_is_free || !free(before.get(found.end())) {
            continue;
        }
        let label = rules.label_of_word.get(found.pattern().as_usize()).and_then(|at| rules.labels.get(*at));
        match label {
            Some(label) if label.weight.abs() >= HINT => (strong, hint) = (Some((label, found.end())), None),
            Some(label) => hint = Some((label, found.end())),
            None => {}
        }
    }
    [strong, hint].map(|label| {
        let (label, end) = label?;
        let distance = &rules.weights.distance;
        let line = if label.weight < 0.0 { distance.line_against } else { distance.line };
        let letters = letters_between(before.get(end..)?, line);
        let (near, far) = (f32::from(distance.near), f32::from(distance.far));
        let share = ((far - f32::from(letters)) / (far - near)).clamp(0.0, 1.0);
        (share > 0.0).then_some((label, share))
    })
}

/// Letters between label and number, with tags of HTML and XML left out and a line break as some letters.
fn letters_between(text: &[u8], line: u16) -> u16 {
    let mut letters = 0_u16;
    let mut in_tag = false;
    for byte in text {
        match byte {
            b'<' => in_tag = true,
            b'>' => in_tag = false,
            b'\n' => letters = letters.saturating_add(line),
            byte if !in_tag && is_letter(*byte) => letters = letters.saturating_add(1),
            _ => {}
        }
    }
    letters
}

/// An ASCII letter, or a byte of a letter in UTF-8 or an 8-bit charset. The lead byte 0xC2 and the bytes
/// 0x80-0xBF carry marks and blanks far more often than letters.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte >= 0xC3
}

/// A word as bytes, in each charset that writes it differently, both cases of letters beyond ASCII.
pub(super) fn spellings(word: &str) -> Vec<Vec<u8>> {
    let latin =
        |text: &str| -> Option<Vec<u8>> { text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect() };
    let upper = word.to_uppercase();
    let mut all = vec![word.as_bytes().to_vec()];
    if !word.is_ascii() {
        all.push(upper.as_bytes().to_vec());
        all.extend(latin(word));
        all.extend(latin(&upper));
    }
    all
}

/// Whether the entry called `reason` counts for a number between these two texts.
pub(super) fn counts(rules: &Ruleset, reason: &Arc<str>, before: &[u8], after: &[u8]) -> bool {
    let label = nearest_labels(rules, before).iter().flatten().any(|(label, _)| label.reason == *reason);
    label
        || rules
            .lookalikes
            .iter()
            .any(|one| one.reason == *reason && one.matches(one.example_form(), before, after))
}
