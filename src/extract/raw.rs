//! The last resort: what can be read in the bytes of a document as they stand.
//!
//! A broken document may still show its text to a patient reader, and text lies in most old forms as it is, in bytes or
//! in UTF-16. So runs of letters are told, one a line, as `strings` finds them; the document is told as unread besides,
//! for this is no reading of it. Start reading at [`sweep`].

use super::content::{Member, Page};

/// Fewer letters are chance, and no number.
const LEAST: usize = 6;

/// Tells the runs of letters in a document: those of single bytes first, then those of UTF-16 (little endian).
pub(super) fn sweep(document: &[u8], page: &mut Page<'_>) {
    page.enter(Member::TEXT);
    for run in document.split(|byte| !is_text(*byte)).filter(|run| run.len() >= LEAST) {
        page.data(run);
        page.data(b"\n");
    }
    // Runs begin at even and at odd places.
    for start in 0..2 {
        let mut text = String::new();
        let (units, _) = document.get(start..).unwrap_or_default().as_chunks::<2>();
        for unit in units.iter().map(|unit| u16::from_le_bytes(*unit)).chain([0]) {
            match char::from_u32(u32::from(unit)) {
                // Letters of Europe; in any two bytes one finds a letter of some script.
                Some(letter) if unit < 0x250 && !letter.is_control() => text.push(letter),
                Some(_) | None => {
                    if text.chars().count() >= LEAST {
                        text.push('\n');
                        page.text(&text);
                    }
                    text.clear();
                }
            }
        }
        if page.is_full() {
            return;
        }
    }
    page.leave();
}

/// Printable in ASCII or in a charset of one byte a letter.
fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0xA0..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::content::{Event, Limits};

    #[test]
    fn text_of_bytes_and_of_utf_16_is_found() {
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let document =
            [b"\x01\x02CPR-nr. 1\x00\x03abc\x04".as_slice(), &wide("løn 12345"), b"\0\0\0", &wide("ulige 6")]
                .concat();
        let mut text = Vec::new();
        let mut content = |event: Event<'_>| {
            if let Event::Data(bytes) = event {
                text.extend_from_slice(bytes);
            }
        };
        let mut page = Page::new(&mut content, Limits::default(), 1);
        sweep(&document, &mut page);
        assert_eq!(String::from_utf8_lossy(&text), "CPR-nr. 1\nulige 6\nløn 12345\n");
    }
}
