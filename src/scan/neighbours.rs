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
    /// Those round `span`, without what stands there.
    fn round(text: &[u8], span: &Range<usize>, today: Day, exceptions: Exceptions<'_>) -> Self {
        let from = span.start.saturating_sub(REACH);
        let to = (span.end + REACH).min(text.len());
        let Some(place) = sides(text, span) else { return Self::default() };
        let place = Some(place);
        let own = candidate::shaped_at(text, span).ok().map(|candidate| candidate.digits);
        let mut found = Self::default();
        for run in Runs::starting(text.get(..to).unwrap_or_default(), from) {
            // A run that the edge may have cut says nothing.
            let is_cut = (run.start == from && from > 0) || run.end == to;
            if is_cut || run.start == span.start || !matches!(run.len(), 6 | 10) {
                continue;
            }
            let Ok(candidate) = candidate::shaped_at(text, &run) else { continue };
            if sides(text, &candidate.span) != place {
                continue;
            }
            let is_itself = own.is_some_and(|own| own == candidate.digits);
            if is_itself || candidate.before == Touch::MoreDigits || candidate.after == Touch::MoreDigits {
                continue;
            }
            let read = Cpr::read(&candidate, today, exceptions);
            match (candidate.form, read.is_ok_and(|cpr| cpr.kind() == Kind::Cpr)) {
                (Form::Plain | Form::Dashed, true) => found.valid += 1,
                // Case numbers and time stamps are written with a dash too, and say nothing of bare digits.
                (Form::Plain, false) => found.other += 1,
                _ => {}
            }
        }
        found
    }

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

/// The last tally, for numbers that follow closely.
#[derive(Debug, Default)]
pub(super) struct Tally {
    last: Option<(u64, Neighbours)>,
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
        let found = Neighbours::round(text, span, today, exceptions);
        self.last = Some((place, found));
        found
    }

    /// Begins another text.
    pub(super) fn clear(&mut self) {
        self.last = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_told_by_what_they_are() {
        let today = Day::literal(2026, 11, 2);
        let exceptions = Exceptions { as_of: today, dates: &[] };
        let text =
            b"2512484916\n1111111118\n9876543210\n12345\n0.2512484916\n 2512484916\n1111111118\n2512484916";
        let found = Neighbours::round(text, &(11..21), today, exceptions);
        // Itself again, a fraction, what stands otherwise, and what ends where the text does are none.
        assert_eq!(found, Neighbours { valid: 1, other: 1 });
    }
}
