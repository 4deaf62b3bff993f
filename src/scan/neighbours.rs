//! What other numbers stand round an unlabelled one: in a list of CPR numbers all are, in a list of orders hardly any.

use super::ruleset::NeighbourWeights;
use crate::cpr::candidate::{self, Form, Touch};
use crate::cpr::date::Day;
use crate::cpr::runs::Runs;
use crate::cpr::{Cpr, Exceptions, Kind};
use std::ops::Range;

/// How far to each side neighbours are looked for, in bytes.
pub(super) const REACH: usize = 1024;

/// How many bytes on a tally still holds.
const HOLDS: u64 = 512;

/// Ten-digit numbers round a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Neighbours {
    /// Bare or with a dash, a CPR number by date and modulus 11.
    valid: u16,
    /// Bare, and none.
    other: u16,
}

impl Neighbours {
    /// What they are worth.
    pub(super) fn weight(self, weights: &NeighbourWeights) -> f32 {
        let sum = f32::from(self.valid) * weights.valid + f32::from(self.other) * weights.other;
        sum.clamp(-weights.most, weights.most)
    }
}

/// What a list puts on both sides of each number; `None` in prose, where nothing says that a number is of a list.
fn sides(text: &[u8], span: &Range<usize>) -> Option<(u8, u8)> {
    let mark = |byte: Option<&u8>| match byte {
        None | Some(b'\r' | b'\n') => Some(b'\n'),
        Some(byte @ (b';' | b',' | b'\t' | b'|' | b'"' | b'<' | b'>')) => Some(*byte),
        Some(_) => None,
    };
    Some((mark(span.start.checked_sub(1).and_then(|at| text.get(at)))?, mark(text.get(span.end))?))
}

/// A number that can be a neighbour.
#[derive(Clone, Copy)]
struct Number {
    /// Offset of its first digit.
    at: u64,
    digits: [u8; 10],
    sides: (u8, u8),
    is_valid: bool,
}

impl Number {
    fn read(
        text: &[u8],
        base: u64,
        run: &Range<usize>,
        today: Day,
        exceptions: Exceptions<'_>,
    ) -> Option<Self> {
        if !matches!(run.len(), 6 | 10) {
            return None;
        }
        let candidate = candidate::shaped_at(text, run).ok()?;
        let sides = sides(text, &candidate.span)?;
        if candidate.before == Touch::MoreDigits || candidate.after == Touch::MoreDigits {
            return None;
        }
        let read = Cpr::read(&candidate, today, exceptions);
        let is_valid = read.is_ok_and(|cpr| cpr.kind() == Kind::Cpr);
        // Case numbers and time stamps are written with a dash too, and say nothing of bare digits.
        let counts = candidate.form == Form::Plain || (candidate.form == Form::Dashed && is_valid);
        counts.then_some(Self { at: base + run.start as u64, digits: candidate.digits, sides, is_valid })
    }
}

/// The last tally, for numbers that follow closely. Holds digits, so it has no `Debug`.
#[derive(Default)]
pub(super) struct Tally {
    last: Option<(u64, Neighbours)>,
    /// What was read for it, so that it is not read for the next one again, and the offsets between which that is.
    numbers: Vec<Number>,
    read: Range<u64>,
}

impl Tally {
    /// The neighbours of the digits at `span`; `base` is the offset of the buffer in the text.
    pub(super) fn round(
        &mut self,
        text: &[u8],
        base: u64,
        span: &Range<usize>,
        today: Day,
        exceptions: Exceptions<'_>,
    ) -> Neighbours {
        let place = base + span.start as u64;
        if let Some((at, known)) = self.last
            && place >= at
            && place - at < HOLDS
        {
            return known;
        }
        let found = self.count(text, base, span, today, exceptions);
        self.last = Some((place, found));
        found
    }

    /// Counts those round `span`, without what stands there.
    fn count(
        &mut self,
        text: &[u8],
        base: u64,
        span: &Range<usize>,
        today: Day,
        exceptions: Exceptions<'_>,
    ) -> Neighbours {
        let Some(place) = sides(text, span) else { return Neighbours::default() };
        let from = span.start.saturating_sub(REACH);
        let to = (span.end + REACH).min(text.len());
        self.read_on(text, base, from..to, today, exceptions);
        let own = candidate::shaped_at(text, span).ok().map(|candidate| candidate.digits);
        let own_place = base + span.start as u64;
        let mut found = Neighbours::default();
        for number in &self.numbers {
            if number.sides != place || number.at == own_place || Some(number.digits) == own {
                continue;
            }
            if number.is_valid {
                found.valid += 1;
            } else {
                found.other += 1;
            }
        }
        found
    }

    /// Has `numbers` be those that lie within `range`. A run that its edge may have cut says nothing.
    fn read_on(
        &mut self,
        text: &[u8],
        base: u64,
        range: Range<usize>,
        today: Day,
        exceptions: Exceptions<'_>,
    ) {
        let first = base + range.start as u64;
        let end = base + range.end as u64;
        if self.read.start > first || !(first..=end).contains(&self.read.end) {
            self.numbers.clear();
            self.read.end = first;
        }
        self.read.start = first;
        self.numbers.retain(|number| number.at > first || range.start == 0);
        let from = usize::try_from(self.read.end - base).unwrap_or(range.end);
        self.read.end = end;
        for run in Runs::starting(text.get(..range.end).unwrap_or_default(), from) {
            if run.end == range.end {
                self.read.end = base + run.start as u64;
            } else if run.start > range.start || range.start == 0 {
                self.numbers.extend(Number::read(text, base, &run, today, exceptions));
            }
        }
    }

    /// Begins another text.
    pub(super) fn clear(&mut self) {
        let Self { last, numbers, read } = self;
        *last = None;
        numbers.clear();
        *read = 0..0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn what_was_read_before_counts_as_if_read_anew(
            pieces in proptest::collection::vec(prop::sample::select(vec![
                "2512484916", "1111111118", "9876543210", "251248-4916", "251248", "\n", ";", "\"", ",", " ", "0.", "x",
                "2512484916\n", "1111111118;", "9876543210\n",
            ]), 0..600),
        ) {
            let today = Day::literal(2026, 11, 2);
            let exceptions = Exceptions { as_of: today, dates: &[] };
            let text = pieces.concat();
            let mut tally = Tally::default();
            for run in Runs::starting(text.as_bytes(), 0).filter(|run| run.len() == 10) {
                let found = tally.count(text.as_bytes(), 0, &run, today, exceptions);
                let anew = Tally::default().count(text.as_bytes(), 0, &run, today, exceptions);
                prop_assert_eq!(found, anew, "{:?} in {:?}", run, text);
            }
        }
    }

    #[test]
    fn neighbours_are_told_by_what_they_are() {
        let today = Day::literal(2026, 11, 2);
        let exceptions = Exceptions { as_of: today, dates: &[] };
        let text =
            b"2512484916\n1111111118\n9876543210\n12345\n0.2512484916\n 2512484916\n1111111118\n2512484916";
        let found = Tally::default().round(text, 0, &(11..21), today, exceptions);
        // Itself again, a fraction, what stands otherwise, and what ends where the text does are none.
        assert_eq!(found, Neighbours { valid: 1, other: 1 });
    }
}
