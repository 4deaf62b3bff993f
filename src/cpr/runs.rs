//! Where digits stand: the first pass over every byte.
//!
//! 64 bytes become 64 bits, a one for each digit (`digits`); runs are then counted in the bits. No `unsafe`, and no
//! machine is asked what it can. Tests: against a twin that looks at one byte after the other.

use std::ops::Range;

/// How many bytes are looked at together.
const BLOCK: usize = 64;

/// The maximal runs of ASCII digits of `text`, in order.
pub fn runs(text: &[u8]) -> Runs<'_> {
    Runs::starting(text, 0)
}

/// The first maximal run of ASCII digits at or after `from`; a run that `from` stands inside of begins
/// at `from`.
pub fn next(text: &[u8], from: usize) -> Option<Range<usize>> {
    Runs::starting(text, from).next()
}

/// See [`runs`].
#[derive(Clone, Debug)]
pub struct Runs<'a> {
    text: &'a [u8],
    base: usize,
    /// The digits of the block at `base` that are still to be told of.
    digits: u64,
}

impl<'a> Runs<'a> {
    /// The runs at or after `from`; one that `from` stands inside of begins there.
    pub fn starting(text: &'a [u8], from: usize) -> Self {
        Self { text, base: from, digits: digits_at(text, from) }
    }

    /// Leaves out what stands before `to`.
    pub fn skip_to(&mut self, to: usize) {
        match to.saturating_sub(self.base) {
            ahead @ 0..BLOCK => self.digits &= u64::MAX << ahead,
            _ => *self = Self::starting(self.text, to),
        }
    }
}

impl Iterator for Runs<'_> {
    type Item = Range<usize>;

    #[inline]
    fn next(&mut self) -> Option<Range<usize>> {
        while self.digits == 0 {
            if self.base >= self.text.len() {
                return None;
            }
            self.base += BLOCK;
            self.digits = digits_at(self.text, self.base);
        }
        let first = self.digits.trailing_zeros();
        let start = self.base + first as usize;
        let mut end = first + (self.digits >> first).trailing_ones();
        while end == u64::BITS {
            self.base += BLOCK;
            self.digits = digits_at(self.text, self.base);
            end = self.digits.trailing_ones();
        }
        self.digits &= u64::MAX << end;
        Some(start..self.base + end as usize)
    }
}

/// The digits of the block at `at`; beyond the text there are none.
#[inline]
fn digits_at(text: &[u8], at: usize) -> u64 {
    let rest = text.get(at..).unwrap_or_default();
    if let Some(block) = rest.first_chunk() {
        return digits(block);
    }
    if rest.is_empty() {
        return 0;
    }
    let mut block = [0; BLOCK];
    if let Some(start) = block.get_mut(..rest.len()) {
        start.copy_from_slice(rest);
    }
    digits(&block)
}

/// A one for each digit, the first byte's lowest.
///
/// Written so that the compiler makes vectors of it. Of each byte that is a digit the bit of its place among eight is
/// kept; multiplying by ones adds the eight up in the top byte.
#[inline]
#[expect(
    clippy::indexing_slicing,
    reason = "both are as long as the loop; iterators here are not always compiled into it"
)]
fn digits(block: &[u8; BLOCK]) -> u64 {
    let mut marks = [0; BLOCK];
    for place in 0..BLOCK {
        marks[place] = if block[place].is_ascii_digit() { u8::MAX } else { 0 };
    }
    let mut bits = 0;
    for (nr, eight) in marks.as_chunks::<8>().0.iter().enumerate() {
        let places = u64::from_le_bytes(*eight) & 0x8040_2010_0804_0201;
        bits |= (places.wrapping_mul(0x0101_0101_0101_0101) >> 56) << (8 * nr);
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One byte after the other, with no idea of searching.
    fn naive(text: &[u8]) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for (at, byte) in text.iter().enumerate() {
            if byte.is_ascii_digit() {
                match found.last_mut() {
                    Some(run) if run.end == at => run.end = at + 1,
                    _ => found.push(at..at + 1),
                }
            }
        }
        found
    }

    #[test]
    fn every_byte_at_every_place() {
        for (byte, place) in (0..=u8::MAX).flat_map(|byte| (0..BLOCK).map(move |place| (byte, place))) {
            for around in [b' ', 0, 0xff, b'/', b':'] {
                let mut block = [around; BLOCK];
                block[place] = byte;
                let expect = u64::from(byte.is_ascii_digit()) << place;
                assert_eq!(digits(&block), expect, "{byte} at {place}");
            }
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_naive_twin(text in proptest::collection::vec(
            prop_oneof![Just(b'0'), Just(b'9'), Just(b' '), Just(b'/'), Just(b':'), any::<u8>()], 0..200),
            from in 0usize..220,
        ) {
            prop_assert_eq!(runs(&text).collect::<Vec<_>>(), naive(&text));
            let rest = naive(text.get(from..).unwrap_or_default());
            let shifted = |run: &Range<usize>| run.start + from..run.end + from;
            prop_assert_eq!(next(&text, from), rest.first().map(shifted));
            let mut skipped = runs(&text);
            skipped.next();
            skipped.skip_to(from.max(skipped.base));
            let from = from.max(naive(&text).first().map_or(0, |run| run.end));
            let rest = naive(text.get(from..).unwrap_or_default());
            prop_assert_eq!(skipped.next(), rest.first().map(|run| run.start + from..run.end + from));
        }

        #[test]
        fn long_runs_are_whole(lengths in proptest::collection::vec((0usize..200, 1usize..200), 0..6)) {
            let mut text = Vec::new();
            for (digits, blanks) in lengths {
                text.extend(std::iter::repeat_n(b'7', digits));
                text.extend(std::iter::repeat_n(b' ', blanks));
            }
            prop_assert_eq!(runs(&text).collect::<Vec<_>>(), naive(&text));
        }
    }
}
