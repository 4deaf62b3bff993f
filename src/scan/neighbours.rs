//! What other numbers stand round an unlabelled one: in a list of CPR numbers all are, in a list of orders hardly any.

use super::ruleset::NeighbourWeights;
use crate::cpr::date::Day;
use crate::cpr::runs::Runs;
use crate::cpr::{Cpr, Exceptions, Kind};
use std::ops::Range;

/// How far to each side neighbours are looked for, in bytes.
pub(super) const REACH: usize = 1024;

/// How many bytes on a tally still holds.
const HOLDS: u64 = 512;

/// Bare ten-digit numbers round a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Neighbours {
    /// That are a CPR number by date and modulus 11.
    valid: u16,
    /// That are not.
    other: u16,
}

impl Neighbours {
    /// Those round `span`, without what stands there.
    fn round(text: &[u8], span: &Range<usize>, today: Day, exceptions: Exceptions<'_>) -> Self {
        let from = span.start.saturating_sub(REACH);
        let to = (span.end + REACH).min(text.len());
        let mut found = Self::default();
        for run in Runs::starting(text.get(..to).unwrap_or_default(), from) {
            // A run that the edge may have cut says nothing.
            if run.len() != 10 || run.start == span.start || (run.start == from && from > 0) || run.end == to {
                continue;
            }
            let Some(digits) = text.get(run).and_then(|digits| <&[u8; 10]>::try_from(digits).ok()) else { continue };
            let read = Cpr::parse(digits.map(|byte| byte - b'0'), today, exceptions);
            if read.is_ok_and(|cpr| cpr.kind() == Kind::Cpr) {
                found.valid += 1;
            } else {
                found.other += 1;
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
        let text = b"1111111118 1111111118 9876543210 12345 1111111118";
        let found = Neighbours::round(text, &(11..21), today, exceptions);
        // The last one ends where the text does, and might go on.
        assert_eq!(found, Neighbours { valid: 1, other: 1 });
    }
}
