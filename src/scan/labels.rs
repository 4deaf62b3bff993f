//! Words before a number, found and measured: which label is the nearest, and how much the distance leaves of it.
//!
//! The words are the rules'; this is the search for them. Start reading at [`Ruleset::nearest_labels`]. Tests: the
//! examples of `rules/context.da.toml`.

use super::context::{HINT, PERSONAL};
use super::key::Key;
use super::ruleset::{Distance, LookAlike, Ruleset};
use crate::cpr::candidate::Form;
use std::sync::Arc;

/// A label as runnable.
#[derive(Debug)]
pub(super) struct Label {
    pub(super) reason: Arc<str>,
    pub(super) weight: f32,
}

/// A label near a number.
#[derive(Clone, Copy)]
pub(super) struct Near<'a> {
    pub(super) label: &'a Label,
    /// Of its weight, what the distance leaves.
    pub(super) share: f32,
    /// Where it ends in the rendered text.
    pub(super) end: usize,
}

impl Ruleset {
    /// The strong label that ends last before the number, and the hint after it. `before` is rendered.
    pub(super) fn nearest_labels(&self, before: &str) -> [Option<Near<'_>>; 2] {
        let (mut strong, mut hint) = (None, None);
        let from = self.reach_of_labels(before.as_bytes());
        let labels = self.labels_in(before.as_bytes().get(from..).unwrap_or_default());
        for (label, end) in labels.map(|(label, end)| (label, from + end)) {
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
            let letters = letters_between(before.as_bytes().get(end..)?, line, distance);
            let (near, far) = (f32::from(distance.near), f32::from(distance.far));
            let share = ((far - f32::from(letters)) / (far - near)).clamp(0.0, 1.0);
            (share > 0.0).then_some(Near { label, share, end })
        })
    }

    /// Where the text begins that can hold a label near enough to count, and the whole of that label.
    fn reach_of_labels(&self, before: &[u8]) -> usize {
        let distance = &self.weights.distance;
        let (mut letters, mut digits) = (0_u16, 0_u16);
        for (at, byte) in before.iter().enumerate().rev() {
            match byte {
                b'\n' => letters = letters.saturating_add(distance.line.min(distance.line_against)),
                byte if byte.is_ascii_digit() => digits += 1,
                byte if is_letter(*byte) => letters = letters.saturating_add(1),
                _ => continue,
            }
            let taken = if digits >= 10 && letters >= 4 { distance.taken } else { 0 };
            if letters.saturating_add(taken) >= distance.far {
                return at.saturating_sub(self.longest_word + LEAD);
            }
        }
        0
    }

    /// The label in a program's key, where a hint is as good as a label, and a word for CPR numbers counts in a compound
    /// too: `borgercpr`.
    pub(super) fn label_of_key(&self, key: Key<'_>) -> Option<&Label> {
        let in_compound = || {
            let personal = |label: usize| self.labels.get(label).filter(|label| label.weight >= PERSONAL);
            self.words.find_iter(key.name).find_map(|found| {
                let is_edge = found.start() == 0 || found.end() == key.name.len();
                let label = self.label_of_word.get(found.pattern().as_usize());
                (is_edge && found.len() > 2).then(|| label.copied().and_then(personal)).flatten()
            })
        };
        let hint = || self.labels_in(key.name).last().and_then(|(label, _)| self.labels.get(label));
        let label = self.strongest_label(key.name).or_else(in_compound);
        label.or_else(|| self.strongest_label(key.more)).or_else(hint)
    }

    /// The strong label in a cell or a heading; one that speaks for a number goes before one that speaks against it.
    pub(super) fn strongest_label(&self, text: &[u8]) -> Option<&Label> {
        self.strongest(text).and_then(|label| self.labels.get(label))
    }

    /// The label in the heading of a column, where a hint is as good as a label; as its place in [`Self::labels`].
    pub(super) fn label_of_heading(&self, text: &str) -> Option<usize> {
        let hint = || self.labels_in(text.as_bytes()).last().map(|(label, _)| label);
        self.strongest(text.as_bytes()).or_else(hint)
    }

    /// The label in a line above a list: one of CPR numbers, or the first, as the head of a Danish phrase stands first:
    /// "Borgere uden NemKonto". `Err` when it names the numbers by no word that is known.
    pub(super) fn label_of_list(&self, text: &str) -> Result<Option<usize>, ()> {
        let personal = |label: &usize| self.labels.get(*label).is_some_and(|label| label.weight >= PERSONAL);
        let mut labels = self.labels_in(text.as_bytes()).map(|(label, _)| label);
        let first = labels.next();
        let label = first.into_iter().chain(labels).find(personal).or(first);
        let ended = text.trim_end_matches([' ', ':', '.', '\n', '\t']);
        let is_guess = |one: &LookAlike| {
            one.only_unlabelled
                && one.is_before()
                && one.starts(Form::Plain, &format!("{ended} "), "").is_some()
        };
        match label {
            None if self.lookalikes.iter().any(is_guess) || names_numbers(text) => Err(()),
            label => Ok(label),
        }
    }

    fn strongest(&self, text: &[u8]) -> Option<usize> {
        let mut best: Option<usize> = None;
        for (label, _) in self.labels_in(text) {
            // "CPR (ordre)" is one of CPR numbers, "ordre til borger" is none.
            let rank = |label: usize| {
                let weight = self.labels.get(label).map_or(0.0, |label| label.weight);
                if weight >= PERSONAL { weight + 100.0 } else { weight.abs() }
            };
            if rank(label) >= HINT && best.is_none_or(|best| rank(label) >= rank(best)) {
                best = Some(label);
            }
        }
        best
    }

    /// The labels in a text, each with its end: whole words, parts of a `camelCase` name, and ends of compounds, where
    /// Danish says what a thing is: `elmåler`, `finansbilag`, `børnecpr`.
    fn labels_in(&self, text: &[u8]) -> impl Iterator<Item = (usize, usize)> {
        self.words.find_iter(text).filter_map(move |found| {
            let (start, end) = (found.start(), found.end());
            let byte = |at: usize| text.get(at).copied().unwrap_or(b' ');
            let apart = |left: u8, right: u8| {
                !is_letter(left)
                    || !is_letter(right)
                    || (left.is_ascii_lowercase() && right.is_ascii_uppercase())
            };
            let label = *self.label_of_word.get(found.pattern().as_usize())?;
            let ends_compound = || {
                let word = text.get(start..end).unwrap_or_default();
                let is_long = word.len() >= 5 || word.eq_ignore_ascii_case(b"cpr");
                let is_strong = self.labels.get(label).is_some_and(|label| label.weight.abs() >= HINT);
                let lead = start.checked_sub(LEAD).and_then(|lead| text.get(lead..start));
                is_long
                    && is_strong
                    && lead.is_some_and(|lead| lead.iter().all(|b| is_letter(*b) || *b >= 0x80))
            };
            let starts = start == 0 || apart(byte(start - 1), byte(start)) || ends_compound();
            let ends = end >= text.len() || apart(byte(end - 1), byte(end));
            (starts && ends).then_some((label, end))
        })
    }
}

/// How much before a word is looked at to see whether it begins or ends a compound.
const LEAD: usize = 3;

/// Letters between label and number. A line break counts as some, so does the end of a sentence, and so does another long
/// number that took the label for itself.
fn letters_between(text: &[u8], line: u16, distance: &Distance) -> u16 {
    let (mut letters, mut digits) = (0_u16, 0_u16);
    let mut mark = b' ';
    for byte in text {
        match byte {
            b'\n' => letters = letters.saturating_add(line),
            byte if byte.is_ascii_digit() => digits += 1,
            byte if is_letter(*byte) => {
                // "CPR-nr. Hans" ends no sentence: the label's own point is not counted.
                let ended = letters > 0 && matches!(mark, b'.' | b'!' | b'?') && !byte.is_ascii_lowercase();
                letters = letters.saturating_add(if ended { distance.sentence } else { 1 });
            }
            _ => {}
        }
        if !matches!(byte, b' ' | b'\n') {
            mark = *byte;
        }
    }
    // "CPR-numre: 010190-0000, 020290-0000" is one list.
    let is_taken = digits >= 10 && letters >= 4;
    letters.saturating_add(if is_taken { distance.taken } else { 0 })
}

/// Whether a line speaks of numbers or ids: of some that are no CPR numbers, or it would say so.
fn names_numbers(text: &str) -> bool {
    let lower = text.to_lowercase();
    let is_name = |word: &str| {
        matches!(word, "nr" | "no" | "id" | "ids")
            || ["numre", "nummer", "numrene", "numbers", "koder"].iter().any(|end| word.ends_with(end))
    };
    lower.split(|c: char| !c.is_alphanumeric()).any(is_name)
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
