//! Quoted-printable (RFC 2045 §6.7), forgiving: hex digits of either case, blanks after a soft break, and `=` that
//! escapes nothing stands for itself, so that `= 010190-1234` comes out whole. It keeps at most [`RUN`] blanks.
//!
//! Only three things need care: an escape, blanks before a line end (§6.7(3): transport added them, so they go), and
//! either of them cut in two by a chunk's end. What is written as it should be goes by [`Kernels::quoted`], many bytes at
//! a time; what is not, or does not lie whole within the slice, goes to [`QuotedPrintable::step`], which reads one byte
//! at a time and holds the undecided ones. Tests: against a twin that works line by line on the whole text.

use super::Sheet;
use crate::kernel::{Kernels, hex};

/// The longest run of blanks that is held back to see whether a line ends after it; longer ones are content.
const RUN: usize = 128;

/// A quoted-printable stream between two slices.
#[derive(Clone, Debug, Default)]
pub(in crate::mime) struct QuotedPrintable {
    /// Undecided bytes: `=` and what followed it, or blanks and perhaps a carriage return.
    held: Vec<u8>,
    /// Inside a run of blanks that grew too long to hold.
    long: bool,
}

impl QuotedPrintable {
    pub(in crate::mime) fn reset(&mut self) {
        self.held.clear();
        self.long = false;
    }

    pub(in crate::mime) fn feed(&mut self, bytes: &[u8], sheet: &mut Sheet<'_, impl FnMut(&[u8])>) {
        self.feed_by(Kernels::best(), bytes, sheet);
    }

    fn feed_by(&mut self, kernels: &Kernels, bytes: &[u8], sheet: &mut Sheet<'_, impl FnMut(&[u8])>) {
        let mut rest = bytes;
        while let Some((first, after)) = rest.split_first() {
            if !self.held.is_empty() || self.long {
                self.step(*first, sheet);
                rest = after;
                continue;
            }
            match rest {
                // A kernel would stop right here, and a mail may consist of nothing else.
                [b' ' | b'\t', b'\r' | b'\n', ..] => {}
                [b'=', second, ..] if !matches!(second, b'\r' | b'\n') && hex(*second).is_none() => {
                    self.step(*first, sheet);
                    rest = after;
                    continue;
                }
                _ => {
                    let (used, made) = (kernels.quoted)(rest, sheet.room());
                    sheet.took(made);
                    rest = rest.get(used..).unwrap_or_default();
                    if made > 0 && sheet.room().is_empty() {
                        sheet.flush();
                        continue;
                    }
                }
            }
            let Some(at) = memchr::memchr2(b'=', b'\n', rest) else {
                // Blanks at the slice's end may stand before a line end in the next.
                let (text, tail) = split_blanks(rest);
                sheet.write(text);
                for byte in tail {
                    self.step(*byte, sheet);
                }
                return;
            };
            let (text, found) = rest.split_at_checked(at).unwrap_or((rest, &[]));
            if let [b'\n', after @ ..] = found {
                let (kept, tail) = split_blanks(text);
                let blanks = tail.strip_suffix(b"\r").unwrap_or(tail).len();
                if blanks == 0 || blanks > RUN {
                    sheet.write(text);
                    sheet.push(b'\n');
                } else {
                    sheet.write(kept);
                    sheet.write(if tail.ends_with(b"\r") { b"\r\n" } else { b"\n" });
                }
                rest = after;
                continue;
            }
            sheet.write(text);
            match found {
                [b'=', high, low, after @ ..] if hex(*high).is_some() && hex(*low).is_some() => {
                    sheet.push(hex(*high).unwrap_or(0) << 4 | hex(*low).unwrap_or(0));
                    rest = after;
                }
                [b'=', b'\r', b'\n', after @ ..] | [b'=', b'\n', after @ ..] => rest = after,
                [first, after @ ..] => {
                    self.step(*first, sheet);
                    rest = after;
                }
                [] => return,
            }
        }
    }

    /// The content ended, which ends its last line too: blanks and a last soft break go, half an escape stays.
    pub(in crate::mime) fn finish(&mut self, sheet: &mut Sheet<'_, impl FnMut(&[u8])>) {
        match self.held.as_slice() {
            [b'=', second, ..] if hex(*second).is_some() => sheet.write(&self.held),
            [.., b'\r'] if !self.held.starts_with(b"=") => sheet.push(b'\r'),
            _ => {}
        }
        self.reset();
    }

    /// Reads one byte with all care.
    fn step(&mut self, byte: u8, sheet: &mut Sheet<'_, impl FnMut(&[u8])>) {
        if self.long {
            if is_blank(byte) {
                sheet.push(byte);
                return;
            }
            self.long = false;
        }
        match (self.held.as_slice(), byte) {
            ([], b'=' | b' ' | b'\t') => self.held.push(byte),
            ([], _) => sheet.push(byte),
            // A soft line break, with the blanks that transport put into it (§6.7(5)).
            ([b'=', ..], b'\n') if self.breaks() => self.held.clear(),
            ([.., b'\r'], b'\n') => {
                self.held.clear();
                sheet.write(b"\r\n");
            }
            ([b' ' | b'\t', ..], b'\n') => {
                self.held.clear();
                sheet.push(b'\n');
            }
            // A soft break of a bare return, as old programs write it.
            ([b'=', .., b'\r'], _) if self.breaks() => {
                self.held.clear();
                self.step(byte, sheet);
            }
            ([.., b'\r'], _) => self.give_up(byte, sheet),
            ([b'='], _) if hex(byte).is_some() => self.held.push(byte),
            ([b'=', high], _) if hex(*high).is_some() && hex(byte).is_some() => {
                sheet.push(hex(*high).unwrap_or(0) << 4 | hex(byte).unwrap_or(0));
                self.held.clear();
            }
            ([.., last], b'\r') if is_blank(*last) || *last == b'=' => self.held.push(byte),
            ([.., last], b' ' | b'\t') if is_blank(*last) || *last == b'=' => {
                self.held.push(byte);
                let blanks = self.held.len() - usize::from(self.held.starts_with(b"="));
                if blanks > RUN {
                    sheet.write(&self.held);
                    self.held.clear();
                    self.long = true;
                }
            }
            _ => self.give_up(byte, sheet),
        }
    }

    /// Whether the held bytes are `=`, blanks, and perhaps a carriage return.
    fn breaks(&self) -> bool {
        self.held.get(1).is_none_or(|second| hex(*second).is_none())
    }

    /// What was held means nothing special; `byte` begins afresh.
    fn give_up(&mut self, byte: u8, sheet: &mut Sheet<'_, impl FnMut(&[u8])>) {
        sheet.write(&self.held);
        self.held.clear();
        self.step(byte, sheet);
    }
}

/// Cuts off trailing blanks, with one carriage return after them; a return alone stays with the text.
fn split_blanks(text: &[u8]) -> (&[u8], &[u8]) {
    let line = text.strip_suffix(b"\r").unwrap_or(text);
    let end = line.iter().rposition(|byte| !is_blank(*byte)).map_or(0, |at| at + 1);
    if end == line.len() { (text, &[]) } else { text.split_at_checked(end).unwrap_or((text, &[])) }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::super::twin::{RUN as TWINS, quoted_printable as naive};
    use super::*;
    use proptest::prelude::*;

    /// By every kernel, with a buffer too small for their wide loops, one that they leave often, and one that holds all.
    fn fast(bytes: &[u8], cut: usize) -> Vec<u8> {
        let first = decode(Kernels::best(), bytes, cut, 5);
        for kernels in Kernels::all() {
            for buffer in [5, 150, 4000] {
                assert_eq!(first, decode(kernels, bytes, cut, buffer), "{}", kernels.name);
            }
        }
        first
    }

    fn decode(kernels: &Kernels, bytes: &[u8], cut: usize, buffer: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let mut decoder = QuotedPrintable::default();
        let mut buffer = vec![0; buffer];
        for piece in bytes.chunks(cut) {
            let mut take = |made: &[u8]| out.extend_from_slice(made);
            let mut sheet = Sheet::new(&mut buffer, &mut take);
            decoder.feed_by(kernels, piece, &mut sheet);
            sheet.flush();
        }
        let mut take = |made: &[u8]| out.extend_from_slice(made);
        let mut sheet = Sheet::new(&mut buffer, &mut take);
        decoder.finish(&mut sheet);
        sheet.flush();
        out
    }

    const _: () = assert!(RUN == TWINS);

    #[test]
    fn forgives() {
        let long = format!("x{}\ny", " ".repeat(RUN + 1));
        let held = format!("x{}\ny", " ".repeat(RUN));
        for (text, expect) in [
            ("=C3=a6", "\u{e6}"),
            ("01=\r\n01=\n90", "010190"),
            ("01= \t\r\n01", "0101"),
            ("x \t\r\ny \nz ", "x\r\ny\nz"),
            ("= 010190-1234", "= 010190-1234"),
            ("=ZZ =4Z =4", "=ZZ =4Z =4"),
            ("a=", "a"),
            ("=3D=", "="),
            ("=\rX", "X"),
            ("a \rb", "a \rb"),
            ("==41", "=A"),
            (&long, &long),
            (&held, "x\ny"),
        ] {
            for cut in [1, 2, 3, 1000] {
                assert_eq!(fast(text.as_bytes(), cut), expect.as_bytes(), "{text:?} by {cut}");
            }
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_naive_twin(
            bytes in prop::collection::vec(prop::sample::select(b"=== \t \r\n\n3DcfZ\xe6".to_vec()), 0..60),
            cut in 1usize..20,
        ) {
            prop_assert_eq!(fast(&bytes, cut), naive(&bytes));
        }

        #[test]
        fn agrees_on_lines(
            lines in prop::collection::vec("([a-z]{1,12}|=[0-9A-F]{2}|=C3=A6| ){0,9}( |\t)?=?[ \t]?(\r\n|\n|\r)", 0..8),
            cut in 1usize..200,
        ) {
            let text = lines.concat();
            prop_assert_eq!(fast(text.as_bytes(), cut), naive(text.as_bytes()));
        }

        #[test]
        fn agrees_on_long_runs(before in 0usize..4, run in 120usize..136, cr: bool, soft: bool, cut in 1usize..140) {
            let text = format!("{}{}{}{}\nx", "y".repeat(before), if soft { "=" } else { "" }, " ".repeat(run), if cr { "\r" } else { "" });
            prop_assert_eq!(fast(text.as_bytes(), cut), naive(text.as_bytes()));
        }
    }
}
