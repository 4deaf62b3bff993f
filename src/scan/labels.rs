//! Words before a number, found and measured: which label is the nearest, and how much the distance leaves of it.
//!
//! The words are the rules'; this is the search for them. Start reading at [`Nearest`]. Tests: the examples of
//! `rules/context.da.toml`.

use super::context::{HINT, PERSONAL};
use super::key::Key;
use super::ruleset::{Distance, LookAlike, Ruleset};
use crate::cpr::candidate::Form;
use aho_corasick::Input;
use std::ops::Range;
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
    /// Where it ends in the text that is looked at.
    pub(super) end: usize,
}

impl Ruleset {
    /// The strong label that ends last before the number, and the hint after it. `before` is rendered.
    pub(super) fn nearest_labels(&self, before: &[u8]) -> [Option<Near<'_>>; 2] {
        let mut nearest = Nearest::default();
        nearest.read_on(self, before);
        nearest.since(self, 0)
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
        if label.is_some() {
            return Ok(label);
        }
        let before = format!("{ended} ");
        let is_guess = |one: &LookAlike| {
            one.only_unlabelled
                && one.is_before()
                && one.starts(Form::Plain, before.as_bytes(), b"").is_some()
        };
        let names = self.lookalikes.iter().any(is_guess) || names_numbers(text);
        if names { Err(()) } else { Ok(None) }
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
        self.labels_within(text, 0..text.len()).map(|(label, place)| (label, place.end))
    }

    /// As [`Self::labels_in`], those that lie within `range`; each with its place.
    fn labels_within(&self, text: &[u8], range: Range<usize>) -> impl Iterator<Item = (usize, Range<usize>)> {
        self.words.find_iter(Input::new(text).range(range)).filter_map(move |found| {
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
            (starts && ends).then_some((label, start..end))
        })
    }
}

/// How much before a word is looked at to see whether it begins or ends a compound.
const LEAD: usize = 3;

/// The labels that end last in a text, while it is read piece by piece.
#[derive(Clone, Copy, Default)]
pub(super) struct Nearest {
    strong: Option<Found>,
    /// After the strong one.
    hint: Option<Found>,
    /// How much has been read.
    read: usize,
}

#[derive(Clone, Copy)]
struct Found {
    label: usize,
    start: usize,
    end: usize,
    way: Way,
}

impl Nearest {
    /// Reads what has been added to `text`, which a number follows.
    pub(super) fn read_on(&mut self, rules: &Ruleset, text: &[u8]) {
        // Blanks at the end may yet become a line feed.
        let blanks = text.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let (from, end) = (self.read, text.len() - blanks);
        if from >= end {
            return;
        }
        let new = text.get(from..end).unwrap_or_default();
        // Between numbers there is often none.
        if new.iter().any(|byte| rules.word_marks.holds(*byte)) {
            self.find(rules, text, from..end);
        }
        let distance = &rules.weights.distance;
        for slot in [&mut self.strong, &mut self.hint] {
            if let Some(found) = slot {
                let is_against = rules.labels.get(found.label).is_some_and(|label| label.weight < 0.0);
                let line = if is_against { distance.line_against } else { distance.line };
                found.way.go_on(text.get(found.end.max(from)..end).unwrap_or_default(), line, distance);
                // It only grows.
                if found.way.letters >= distance.far {
                    *slot = None;
                }
            }
        }
        self.read = end;
    }

    fn find(&mut self, rules: &Ruleset, text: &[u8], range: Range<usize>) {
        for (label, place) in rules.labels_within(text, range) {
            let is_strong = rules.labels.get(label).is_some_and(|label| label.weight.abs() >= HINT);
            let found = Some(Found { label, start: place.start, end: place.end, way: Way::default() });
            if is_strong {
                (self.strong, self.hint) = (found, None);
            } else {
                self.hint = found;
            }
        }
    }

    /// Those that begin at or after `start`, and near enough to count. Their ends are counted from there.
    pub(super) fn since<'a>(&self, rules: &'a Ruleset, start: usize) -> [Option<Near<'a>>; 2] {
        let distance = &rules.weights.distance;
        let (near, far) = (f32::from(distance.near), f32::from(distance.far));
        [self.strong, self.hint].map(|found| {
            let Found { label, end, way, .. } = found.filter(|found| found.start >= start)?;
            let share = ((far - f32::from(way.length(distance))) / (far - near)).clamp(0.0, 1.0);
            (share > 0.0).then_some(Near { label: rules.labels.get(label)?, share, end: end - start })
        })
    }

    /// Takes note that the first bytes of the text are gone.
    pub(super) fn shorten(&mut self, gone: usize) {
        for slot in [&mut self.strong, &mut self.hint] {
            *slot = slot.filter(|found| found.start >= gone).map(|found| Found {
                start: found.start - gone,
                end: found.end - gone,
                ..found
            });
        }
        self.read = self.read.saturating_sub(gone);
    }
}

/// The way from a label to a number, in letters. A line break counts as some, so does the end of a sentence, and so does
/// another long number that took the label for itself.
#[derive(Clone, Copy, Default)]
struct Way {
    letters: u16,
    digits: u16,
    /// The last byte that is no blank.
    mark: u8,
}

impl Way {
    fn go_on(&mut self, text: &[u8], line: u16, distance: &Distance) {
        for byte in text {
            match byte {
                b'\n' => self.letters = self.letters.saturating_add(line),
                byte if byte.is_ascii_digit() => self.digits = self.digits.saturating_add(1),
                byte if is_letter(*byte) => {
                    // "CPR-nr. Hans" ends no sentence: the label's own point is not counted.
                    let ended = self.letters > 0
                        && matches!(self.mark, b'.' | b'!' | b'?')
                        && !byte.is_ascii_lowercase();
                    self.letters = self.letters.saturating_add(if ended { distance.sentence } else { 1 });
                }
                _ => {}
            }
            if !matches!(byte, b' ' | b'\n') {
                self.mark = *byte;
            }
        }
    }

    fn length(self, distance: &Distance) -> u16 {
        // "CPR-numre: 010190-0000, 020290-0000" is one list.
        let is_taken = self.digits >= 10 && self.letters >= 4;
        self.letters.saturating_add(if is_taken { distance.taken } else { 0 })
    }
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
