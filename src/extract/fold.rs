//! Calendars and address cards: lines are folded anywhere, in the middle of a number too (RFC 5545 §3.1, RFC 6350 §3.2).
//!
//! Takes the folds out as the text streams; keeps no more than a line break. Start reading at [`Unfold`].

/// Whether a text that begins so is a calendar or a card.
pub fn is_folded(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    [b"BEGIN:VCALENDAR".as_slice(), b"BEGIN:VCARD"]
        .iter()
        .any(|begin| head.get(..begin.len()).is_some_and(|start| start.eq_ignore_ascii_case(begin)))
}

/// Joins folded lines: a line break with one blank behind it is nothing.
#[derive(Clone, Debug, Default)]
pub struct Unfold {
    /// The line break that the last bytes ended in, or the carriage return of one.
    held: &'static [u8],
}

impl Unfold {
    /// Takes the next bytes, cut anywhere, and hands on the text without folds.
    pub fn feed(&mut self, mut bytes: &[u8], out: &mut impl FnMut(&[u8])) {
        while let Some(first) = bytes.first() {
            match (self.held, first) {
                (b"\r", b'\n') => self.held = b"\r\n",
                // A carriage return alone is no line's end by the letter, and is one where a mail lost its line feeds.
                (b"\r" | b"\n" | b"\r\n", b' ' | b'\t') => self.held = b"",
                (b"", _) => {
                    let end = memchr::memchr2(b'\r', b'\n', bytes).unwrap_or(bytes.len());
                    let (text, rest) = bytes.split_at(end);
                    out(text);
                    bytes = rest;
                    self.held = match rest.first() {
                        Some(b'\r') => b"\r",
                        Some(_) => b"\n",
                        None => return,
                    };
                }
                (held, _) => {
                    out(held);
                    self.held = b"";
                    continue;
                }
            }
            bytes = bytes.get(1..).unwrap_or_default();
        }
    }

    /// The text ended.
    pub fn finish(&mut self, out: &mut impl FnMut(&[u8])) {
        out(self.held);
        self.held = b"";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_are_nothing_however_cut() {
        for (text, unfolded) in [
            ("A:1\r\n 2\r\nB:3\r\n", "A:12\r\nB:3\r\n"),
            ("A:1\n\t2\n\nB", "A:12\n\nB"),
            ("A\r\n\r\n B\r", "A\r\nB\r"),
            ("A\rB\r\r\n C", "A\rB\rC"),
            ("A:1\r 2\rB", "A:12\rB"),
            ("", ""),
        ] {
            for size in 1..=text.len().max(1) {
                let (mut unfold, mut out) = (Unfold::default(), Vec::new());
                for piece in text.as_bytes().chunks(size) {
                    unfold.feed(piece, &mut |text| out.extend_from_slice(text));
                }
                unfold.finish(&mut |text| out.extend_from_slice(text));
                assert_eq!(String::from_utf8_lossy(&out), unfolded, "{text:?} by {size}");
            }
        }
    }

    #[test]
    fn a_calendar_begins_as_one() {
        assert!(is_folded(b"BEGIN:VCALENDAR\r\n") && is_folded(b"\xEF\xBB\xBFbegin:vcard\n"));
        assert!(!is_folded(b"BEGIN:VEVENT") && !is_folded(b"Hej\nBEGIN:VCARD"));
    }
}
