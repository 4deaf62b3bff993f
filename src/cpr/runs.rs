//! Where digits stand: the first pass over every byte.
//!
//! Clear and scalar. A vector form can replace [`next`] as long as it agrees with the naive twin in the
//! tests.

use std::ops::Range;

/// The maximal runs of ASCII digits of `text`, in order.
pub fn runs(text: &[u8]) -> Runs<'_> {
    Runs { text, at: 0 }
}

/// The first maximal run of ASCII digits at or after `from`; a run that `from` stands inside of begins
/// at `from`.
pub fn next(text: &[u8], from: usize) -> Option<Range<usize>> {
    let start = from + text.get(from..)?.iter().position(u8::is_ascii_digit)?;
    let length = text.get(start..)?.iter().position(|b| !b.is_ascii_digit());
    Some(start..length.map_or(text.len(), |length| start + length))
}

/// See [`runs`].
#[derive(Clone, Debug)]
pub struct Runs<'a> {
    text: &'a [u8],
    at: usize,
}

impl Iterator for Runs<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let run = next(self.text, self.at)?;
        self.at = run.end;
        Some(run)
    }
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

    proptest! {
        #[test]
        fn agrees_with_the_naive_twin(text in proptest::collection::vec(
            prop_oneof![Just(b'0'), Just(b'9'), Just(b' '), Just(b'/'), Just(b':'), any::<u8>()], 0..200)
        ) {
            prop_assert_eq!(runs(&text).collect::<Vec<_>>(), naive(&text));
        }
    }
}
