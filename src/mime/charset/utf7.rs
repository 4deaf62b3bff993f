//! UTF-7 (RFC 2152) to UTF-8, streaming: `+ADA-` is `0`. Only by label; nobody guesses it any more.
//!
//! Forgiving: any letter may stand for itself, a shift ends at the first byte that is no base64, and bits left over are
//! dropped.

use super::super::transfer::Sheet;
use super::wide::unit_of_two;

/// A stream of UTF-7 between two slices.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Utf7 {
    /// Within `+...-`.
    shifted: bool,
    /// Nothing of the shift has been read.
    empty: bool,
    bits: u32,
    count: u32,
    high: Option<u16>,
}

impl Utf7 {
    pub(super) fn feed(&mut self, bytes: &[u8], out: &mut impl FnMut(&[u8])) {
        let mut buffer = [0; 512];
        let mut sheet = Sheet::new(&mut buffer, out);
        for byte in bytes {
            self.byte(*byte, &mut sheet);
        }
        sheet.flush();
    }

    fn byte(&mut self, byte: u8, sheet: &mut Sheet<'_, impl FnMut(&[u8])>) {
        if !self.shifted {
            if byte == b'+' {
                *self = Self { shifted: true, empty: true, ..Self::default() };
            } else {
                sheet.push(byte);
            }
            return;
        }
        if let Some(six) = six(byte) {
            self.empty = false;
            self.bits = self.bits << 6 | six;
            self.count += 6;
            if self.count >= 16 {
                self.count -= 16;
                let unit = u16::try_from(self.bits >> self.count & 0xffff).unwrap_or_default();
                self.bits &= (1 << self.count) - 1;
                unit_of_two(unit, &mut self.high, sheet);
            }
            return;
        }
        match (byte, self.empty) {
            (b'-', true) => sheet.push(b'+'),
            (b'-', false) => {}
            _ => sheet.push(byte),
        }
        *self = Self::default();
    }
}

fn six(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_examples_of_the_standard() {
        for (text, expect) in [
            ("A+ImIDkQ.", "A\u{2262}\u{391}."),
            ("Hi Mom -+Jjo--!", "Hi Mom -\u{263a}-!"),
            ("+ZeVnLIqe-", "\u{65e5}\u{672c}\u{8a9e}"),
            ("Item 3 is +AKM-1.", "Item 3 is \u{a3}1."),
            ("150379+AC0-+ADEAMAAyADg-", "150379-1028"),
            ("1+-1", "1+1"),
            ("+2D3cJg!", "\u{1f426}!"),
        ] {
            for cut in [1, 2, 5, 100] {
                let mut out = Vec::new();
                let mut stream = Utf7::default();
                text.as_bytes().chunks(cut).for_each(|piece| {
                    stream.feed(piece, &mut |made| out.extend_from_slice(made));
                });
                assert_eq!(String::from_utf8_lossy(&out), expect);
            }
        }
    }
}
