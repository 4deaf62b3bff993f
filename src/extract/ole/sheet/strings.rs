//! Texts of BIFF8 (MS-XLS §2.5.293 and after): letters of one byte or two, over the ends of records.
//!
//! A record has at most 8,224 bytes; what is longer goes on in CONTINUE records, each of which may change the width of a
//! letter in the middle of a text, and so of a number.

use crate::extract::bytes::{part, u16_at};

/// Reads through a record and those that continue it.
pub(super) struct Pieces<'a> {
    segments: &'a [&'a [u8]],
    /// What is left of the first of them.
    now: &'a [u8],
}

impl<'a> Pieces<'a> {
    pub(super) fn new(segments: &'a [&'a [u8]], skip: usize) -> Self {
        let (first, rest) = segments.split_first().map_or((&[][..], &[][..]), |(first, rest)| (*first, rest));
        Self { segments: rest, now: first.get(skip..).unwrap_or_default() }
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.now.is_empty() && self.segments.is_empty()
    }

    fn turn(&mut self) -> Option<()> {
        let (next, rest) = self.segments.split_first()?;
        (self.now, self.segments) = (next, rest);
        Some(())
    }

    fn byte(&mut self) -> Option<u8> {
        while self.now.is_empty() {
            self.turn()?;
        }
        let (byte, rest) = self.now.split_first()?;
        self.now = rest;
        Some(*byte)
    }

    fn number(&mut self, bytes: u32) -> Option<usize> {
        (0..bytes).try_fold(0, |sum, nr| Some(sum | usize::from(self.byte()?) << (8 * nr)))
    }

    fn skip(&mut self, mut bytes: usize) {
        while bytes > self.now.len() {
            bytes -= self.now.len();
            self.now = &[];
            if self.turn().is_none() {
                return;
            }
        }
        self.now = self.now.get(bytes..).unwrap_or_default();
    }

    /// A text with its length in two bytes, its formatting and its phonetics, which are passed over.
    pub(super) fn rich(&mut self, out: &mut String) -> Option<()> {
        let letters = self.number(2)?;
        let flags = self.byte()?;
        let runs = if flags & 8 == 0 { 0 } else { self.number(2)? };
        let phonetics = if flags & 4 == 0 { 0 } else { self.number(4)? };
        self.letters(letters, flags, out);
        self.skip(runs * 4 + phonetics);
        Some(())
    }

    /// So many letters, with the byte before them that says how wide they are.
    pub(super) fn flagged(&mut self, letters: usize, out: &mut String) {
        if let Some(flags) = self.byte() {
            self.letters(letters, flags, out);
        }
    }

    fn letters(&mut self, mut left: usize, mut flags: u8, out: &mut String) {
        loop {
            let is_wide = flags & 1 != 0;
            let bytes = part(self.now, 0, if is_wide { left.saturating_mul(2) } else { left });
            if is_wide {
                out.push_str(&crate::extract::bytes::wide(bytes));
            } else {
                out.extend(bytes.iter().map(|byte| char::from(*byte)));
            }
            self.now = self.now.get(bytes.len()..).unwrap_or_default();
            left = left.saturating_sub(if is_wide { bytes.len() / 2 } else { bytes.len() });
            if left == 0 || self.turn().is_none() {
                return;
            }
            let Some((again, rest)) = self.now.split_first() else { return };
            (flags, self.now) = (*again, rest);
        }
    }
}

/// The texts that cells share (§2.4.265), one after another in one string.
#[derive(Default)]
pub(super) struct Shared {
    text: String,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Shared {
    pub(super) fn read(segments: &[&[u8]]) -> Self {
        let mut shared = Self::default();
        let mut pieces = Pieces::new(segments, 8);
        while !pieces.is_empty() && pieces.rich(&mut shared.text).is_some() {
            shared.ends.push(shared.text.len());
        }
        shared
    }

    pub(super) fn at(&self, nr: usize) -> &str {
        let from = nr.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied());
        let range = from.zip(self.ends.get(nr).copied());
        range.and_then(|(from, to)| self.text.get(from..to)).unwrap_or_default()
    }
}

/// A text of BIFF5 with its length before it, letters of one byte: the bytes of its letters.
pub(super) fn short(record: &[u8], at: usize, is_long: bool) -> &[u8] {
    let (length, at) = if is_long {
        (usize::from(u16_at(record, at).unwrap_or_default()), at + 2)
    } else {
        (usize::from(record.get(at).copied().unwrap_or_default()), at + 1)
    };
    part(record, at, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_changes_its_width_within_a_number_is_whole() {
        let first = b"\0\0\0\0\0\0\0\0\x0B\0\x001503".as_slice();
        let second = b"\x017\09\0-\0".as_slice();
        let third = b"\x001028\x02\0\x08\x01\0Hi\0\0\0\0".as_slice();
        let shared = Shared::read(&[first, second, third]);
        assert_eq!((shared.at(0), shared.at(1), shared.at(2)), ("150379-1028", "Hi", ""));
    }
}
