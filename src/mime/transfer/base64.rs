//! Base64 (RFC 2045 §6.8), forgiving: line breaks and blanks mean nothing, missing padding is supplied, bytes outside
//! the alphabet are skipped and remembered. It never stops early: what follows padding or a footer is decoded too,
//! since a reader that stopped there would miss what another one shows. The URL alphabet (`-`, `_`) is junk in mail.
//! Where the first junk stands, or a blank between letters, is told, so that the text can be shown as it is too.
//!
//! Four letters make three bytes. Whole groups, with line ends between them, go by [`Kernels::base64`], many at a time;
//! anything else goes letter by letter until the next group starts. Tests: against a twin that gathers bits one at a
//! time.

use crate::kernel::Kernels;

const SKIP: u8 = 64;
const PAD: u8 = 65;
const JUNK: u8 = 66;

/// For each byte its six bits, or one of the classes above.
static CLASS: [u8; 256] = classes();

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "evaluated by the compiler; the index stays below 256"
)]
const fn classes() -> [u8; 256] {
    let mut table = [JUNK; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            upper @ b'A'..=b'Z' => upper - b'A',
            lower @ b'a'..=b'z' => lower - b'a' + 26,
            digit @ b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'\r' | b'\n' | b' ' | b'\t' => SKIP,
            b'=' => PAD,
            _ => JUNK,
        };
        byte += 1;
    }
    table
}

fn class(byte: u8) -> u8 {
    CLASS.get(usize::from(byte)).copied().unwrap_or(JUNK)
}

/// Whether it is worth while to look for whole groups here: a mail may be junk from end to end.
fn may_begin_a_group(byte: u8) -> bool {
    class(byte) < SKIP || matches!(byte, b'\r' | b'\n')
}

/// A base64 stream between two slices.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub(in crate::mime) struct Base64 {
    /// The letters of an unfinished group, six bits each, the latest lowest.
    bits: u32,
    letters: u8,
    padded: bool,
    junk: bool,
    /// The byte before was a blank.
    blank: bool,
    /// A letter came after a blank.
    odd: bool,
    /// The first oddity has been told.
    told: bool,
    /// Where in the slice read last the first oddity stood.
    odd_at: Option<usize>,
}

impl Base64 {
    /// Decodes `bytes` by way of `buffer`, which must hold at least a group of three.
    pub(in crate::mime) fn feed(&mut self, bytes: &[u8], buffer: &mut [u8], out: &mut impl FnMut(&[u8])) {
        self.feed_by(Kernels::best(), bytes, buffer, out);
    }

    fn feed_by(&mut self, kernels: &Kernels, bytes: &[u8], buffer: &mut [u8], out: &mut impl FnMut(&[u8])) {
        let mut rest = bytes;
        let mut used = 0;
        self.odd_at = None;
        while !rest.is_empty() {
            if buffer.len().saturating_sub(used) < 3 {
                out(buffer.get(..used).unwrap_or_default());
                used = 0;
            }
            if self.letters == 0
                && !self.padded
                && !self.blank
                && rest.first().is_some_and(|byte| may_begin_a_group(*byte))
            {
                let (taken, made) = (kernels.base64)(rest, buffer.get_mut(used..).unwrap_or_default());
                used += made;
                rest = rest.get(taken..).unwrap_or_default();
                if made > 0 && buffer.len().saturating_sub(used) < 3 {
                    continue;
                }
            }
            let Some((byte, after)) = rest.split_first() else { break };
            rest = after;
            let (made, count) = self.letter(*byte);
            if (self.junk || self.odd) && !self.told {
                self.told = true;
                self.odd_at = Some(bytes.len() - rest.len() - 1);
            }
            for byte in made.iter().take(count) {
                if let Some(slot) = buffer.get_mut(used) {
                    *slot = *byte;
                    used += 1;
                }
            }
        }
        if used > 0 {
            out(buffer.get(..used).unwrap_or_default());
        }
    }

    /// The stream ended. Hands on the whole bytes of an unfinished group (missing padding); true when there was junk.
    pub(in crate::mime) fn finish(&mut self, out: &mut impl FnMut(&[u8])) -> bool {
        let (made, count) = self.close_group();
        if count > 0 {
            out(made.get(..count).unwrap_or_default());
        }
        self.junk
    }

    /// Where the first oddity stood, if it did in the slice read last.
    pub(in crate::mime) fn odd_at(&self) -> Option<usize> {
        self.odd_at
    }

    /// Takes one letter; gives the bytes it completes, at most three.
    fn letter(&mut self, byte: u8) -> ([u8; 3], usize) {
        let after_blank = std::mem::take(&mut self.blank);
        match class(byte) {
            SKIP => {
                self.blank = matches!(byte, b' ' | b'\t');
                ([0; 3], 0)
            }
            PAD => {
                self.padded = true;
                self.close_group()
            }
            JUNK => {
                self.junk = true;
                ([0; 3], 0)
            }
            six => {
                self.odd |= after_blank;
                // RFC 2045 §6.8: padding ends the data. More letters are someone's second piece, or a disguise.
                if self.padded {
                    self.padded = false;
                    self.junk = true;
                }
                self.bits = self.bits << 6 | u32::from(six);
                self.letters += 1;
                if self.letters < 4 {
                    return ([0; 3], 0);
                }
                let [_, made @ ..] = self.bits.to_be_bytes();
                self.bits = 0;
                self.letters = 0;
                (made, 3)
            }
        }
    }

    /// Ends a group early: two letters hold one byte, three hold two, one holds none and is damage.
    fn close_group(&mut self) -> ([u8; 3], usize) {
        let missing = 4 - u32::from(self.letters.min(4));
        let [_, made @ ..] = (self.bits << (6 * missing)).to_be_bytes();
        let count = match self.letters {
            2 => 1,
            3 => 2,
            1 => {
                self.junk = true;
                0
            }
            _ => 0,
        };
        self.bits = 0;
        self.letters = 0;
        (made, count)
    }
}

#[cfg(test)]
mod tests {
    use super::super::twin::base64 as naive;
    use super::*;
    use proptest::prelude::*;

    /// By every kernel, with a buffer for two groups and one for some lines.
    fn fast(bytes: &[u8], cut: usize) -> (Vec<u8>, bool) {
        let first = decode(Kernels::best(), bytes, cut, 7);
        for kernels in Kernels::all() {
            for buffer in [7, 300] {
                assert_eq!(first, decode(kernels, bytes, cut, buffer), "{}", kernels.name);
            }
        }
        first
    }

    fn decode(kernels: &Kernels, bytes: &[u8], cut: usize, buffer: usize) -> (Vec<u8>, bool) {
        let mut out = Vec::new();
        let mut decoder = Base64::default();
        let mut buffer = vec![0; buffer];
        for piece in bytes.chunks(cut) {
            decoder.feed_by(kernels, piece, &mut buffer, &mut |made| out.extend_from_slice(made));
        }
        let junk = decoder.finish(&mut |made| out.extend_from_slice(made));
        (out, junk)
    }

    #[test]
    fn forgives() {
        for (text, expect, junk) in [
            ("MDEw\r\nMTkw", "010190", false),
            ("MDEwMTk", "01019", false),
            ("MDEwMQ", "0101", false),
            ("MDEwMQ==", "0101", false),
            ("MDEw MQ=\r\n=\r\n", "0101", false),
            ("MDEw!MTkw", "010190", true),
            ("MDEwMQ==MDEw", "0101010", true),
            ("MDEwM", "010", true),
            ("MDEw_-", "010", true),
            ("", "", false),
        ] {
            assert_eq!(fast(text.as_bytes(), 100), (expect.as_bytes().to_vec(), junk), "{text}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_naive_twin(text in "([A-Za-z0-9+/]{0,40}(\r\n|\n|=|==|-| |\\PC)?){0,8}", cut in 1usize..50) {
            prop_assert_eq!(fast(text.as_bytes(), cut), naive(text.as_bytes()));
        }

        #[test]
        fn agrees_on_lines(
            lines in prop::collection::vec("([A-Za-z0-9+/]{76}|[A-Za-z0-9+/]{60,80})(\r\n|\n|\r|=)", 0..8),
            cut in 1usize..400,
        ) {
            let text = lines.concat();
            prop_assert_eq!(fast(text.as_bytes(), cut), naive(text.as_bytes()));
        }

        #[test]
        fn agrees_on_any_bytes(bytes: Vec<u8>, cut in 1usize..50) {
            prop_assert_eq!(fast(&bytes, cut), naive(&bytes));
        }
    }
}
