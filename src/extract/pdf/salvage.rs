//! What a broken PDF still shows: its streams one by one, unfolded, and the texts that they draw.
//!
//! Without a root nobody knows the pages, and without pages nobody knows the fonts; but most text is drawn with codes that
//! are letters, in strings between brackets. This is no reading, and is told as none. Start reading at [`streams`].

use crate::extract::content::{Member, Page};
use flate2::read::ZlibDecoder;
use memchr::memmem;
use std::io::Read;

/// No stream of a page is larger, and a bomb is.
const MOST: u64 = 8 * 1024 * 1024;

/// A root for a file that lost its own: [`Pdf`](hayro_interpret::hayro_syntax::Pdf) searches the pages itself when there
/// are none at the root, and takes what stands last in the file.
pub(super) const ROOT: &[u8] =
    b"\nendstream\nendobj\n8388607 0 obj\n<</Type/Catalog/Pages 8388606 0 R>>\nendobj\ntrailer\n<</Root 8388607 0 R>>\n";

/// Tells the texts in the streams of a document.
pub(super) fn streams(document: &[u8], page: &mut Page<'_>) {
    let mut unfolded = Vec::new();
    let mut rest = document;
    while let Some(at) = memmem::find(rest, b"stream") {
        rest = rest.get(at + b"stream".len()..).unwrap_or_default();
        let body = rest.strip_prefix(b"\r").unwrap_or(rest);
        let body = body.strip_prefix(b"\n").unwrap_or(body);
        unfolded.clear();
        // A zlib stream begins so (RFC 1950 §2.2); what is cut off is told as far as it goes.
        if body.first().is_some_and(|first| first & 0x0F == 8) {
            ZlibDecoder::new(body).take(MOST.min(page.left())).read_to_end(&mut unfolded).ok();
        }
        if !unfolded.is_empty() {
            page.enter(Member::TEXT);
            tell(&unfolded, page);
            page.leave();
        }
        if page.is_full() {
            return;
        }
    }
    // Streams that are not folded.
    page.enter(Member::TEXT);
    tell(document, page);
    page.leave();
}

/// Tells the strings of a stream: those of one array are one text, others one a line; text that stands as it is, likewise.
fn tell(stream: &[u8], page: &mut Page<'_>) {
    if !is_drawing(stream) {
        for run in stream.split(|byte| !matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~' | 0xA0..)) {
            if run.len() >= 6 {
                page.data(run);
                page.data(b"\n");
            }
        }
        return;
    }
    strings(stream, |text| page.data(text));
}

/// The strings of a stream that draws letters, likewise.
pub(super) fn strings(stream: &[u8], mut told: impl FnMut(&[u8])) {
    let (mut text, mut in_array) = (Vec::new(), false);
    let mut rest = stream;
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'(' | b'[' | b']' | b'<')) {
        let (first, after) = (rest.get(at).copied(), rest.get(at + 1..).unwrap_or_default());
        rest = match first {
            Some(b'(') => literal(after, &mut text),
            Some(b'<') => hexadecimal(after, &mut text),
            _ => {
                in_array = first == Some(b'[');
                after
            }
        };
        if !in_array && !text.is_empty() {
            text.push(b'\n');
            told(&text);
            text.clear();
        }
    }
    told(&text);
}

/// Whether a stream draws letters.
pub(super) fn is_drawing(stream: &[u8]) -> bool {
    memmem::find(stream, b"Tj").is_some() || memmem::find(stream, b"TJ").is_some()
}

/// A string in brackets (ISO 32000-2 §7.3.4.2), added as bytes; what follows it.
fn literal<'a>(rest: &'a [u8], text: &mut Vec<u8>) -> &'a [u8] {
    let (mut depth, mut at) = (0_u32, 0);
    while let Some(byte) = rest.get(at) {
        at += 1;
        match byte {
            b'(' => depth += 1,
            b')' if depth == 0 => break,
            b')' => depth -= 1,
            b'\\' => {
                let digits: Vec<u8> = rest
                    .iter()
                    .skip(at)
                    .take(3)
                    .take_while(|byte| matches!(byte, b'0'..=b'7'))
                    .copied()
                    .collect();
                if digits.is_empty() {
                    text.extend(rest.get(at).filter(|byte| !byte.is_ascii_alphabetic()));
                    at += 1;
                } else {
                    let code = digits.iter().fold(0_u32, |code, digit| code * 8 + u32::from(digit - b'0'));
                    text.push(u8::try_from(code & 0xFF).unwrap_or_default());
                    at += digits.len();
                }
            }
            // Letters of two bytes have a nought before those of ASCII.
            0 => {}
            _ => text.push(*byte),
        }
    }
    rest.get(at..).unwrap_or_default()
}

/// A string of hexadecimal digits, likewise.
fn hexadecimal<'a>(rest: &'a [u8], text: &mut Vec<u8>) -> &'a [u8] {
    let end = rest.iter().position(|byte| !byte.is_ascii_hexdigit() && !byte.is_ascii_whitespace());
    let Some(end) = end.filter(|end| rest.get(*end) == Some(&b'>')) else { return rest };
    let digits: Vec<u8> = rest
        .iter()
        .take(end)
        .filter_map(|byte| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    text.extend(
        digits
            .chunks(2)
            .map(|pair| pair.iter().fold(0, |code, digit| code << 4 | digit))
            .filter(|byte| *byte != 0),
    );
    rest.get(end..).unwrap_or_default()
}
