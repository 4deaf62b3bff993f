//! Macros (MS-OVBA): the text of programs in a document, which is packed, so that nobody finds a number in it otherwise.
//!
//! A module's stream holds a cache of the program and behind it the text; where that begins another packed stream says.
//! It is found here by its own first bytes instead: no cache unfolds to text. Start reading at [`read`].

use super::compound::Compound;
use super::scraps;
use crate::extract::bytes::u16_at;
use crate::extract::codepage;
use crate::extract::content::{Page, Spot, Unread};
use encoding_rs::WINDOWS_1252;

/// A chunk unfolds to no more than this (§2.4.1.1.3).
const CHUNK: usize = 4096;

/// Whether a storage holds the modules of a program.
pub(super) fn is(compound: &Compound<'_>, storage: usize) -> bool {
    compound.child(storage, "_VBA_PROJECT").is_some() && compound.child(storage, "dir").is_some()
}

/// Tells the modules in a storage.
pub(super) fn read(compound: &Compound<'_>, storage: usize, page: &mut Page<'_>) {
    for child in compound.children(storage).filter(|child| !compound.is_storage(*child)) {
        if page.is_full() {
            return;
        }
        let (name, stream) = (compound.name(child), compound.stream(child));
        // What programs keep for themselves has no text; names and references lie packed in `dir`.
        let is_module = !name.starts_with('_') && !name.eq_ignore_ascii_case("dir");
        let (texts, is_sure) = texts(&stream);
        page.spot(Spot::Named("macro"));
        for text in &texts {
            page.text(&codepage::decode(WINDOWS_1252, text).replace("\r\n", "\n"));
            page.text("\n");
        }
        scraps(&stream, page);
        if is_module && (texts.is_empty() || !is_sure) {
            page.unread(Unread::UnknownForm);
        }
    }
    page.leave();
}

/// The texts that are packed in a stream, wherever they begin; and whether all of it was looked through.
fn texts(stream: &[u8]) -> (Vec<Vec<u8>>, bool) {
    // A stream may be made of beginnings that come to nothing.
    let mut work = stream.len().saturating_mul(16);
    let (mut texts, mut at) = (Vec::new(), 0);
    while let Some(rest) = stream.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(found) = memchr::memchr(1, rest) else { break };
        at += found + 1;
        // A head of a packed chunk follows.
        if u16_at(stream, at).is_none_or(|head| head >> 12 != 0b1011) {
            continue;
        }
        let (text, taken) = unfold(stream.get(at..).unwrap_or_default());
        let Some(left) = work.checked_sub(taken + text.len()) else { return (texts, false) };
        work = left;
        if is_text(&text) {
            texts.push(text);
            at += taken;
        }
    }
    (texts, true)
}

/// Unfolds chunks until one is none (§2.4.1.3.2); what they unfold to, and how many bytes they took. Ends at the first
/// chunk when that is no text.
fn unfold(packed: &[u8]) -> (Vec<u8>, usize) {
    let (mut text, mut at) = (Vec::new(), 0);
    while let Some(head) = u16_at(packed, at).filter(|head| head >> 12 & 0b111 == 0b011) {
        let size = usize::from(head & 0xFFF) + 1;
        let Some(chunk) = packed.get(at + 2..).map(|rest| rest.get(..size).unwrap_or(rest)) else { break };
        if head >> 15 == 0 {
            text.extend_from_slice(chunk);
        } else {
            unfold_chunk(chunk, &mut text);
        }
        at += 2 + chunk.len();
        if !is_text(&text) {
            break;
        }
    }
    (text, at)
}

/// Unfolds a chunk: eight letters or copies behind each byte that says which of them are copies (§2.4.1.3.5).
fn unfold_chunk(chunk: &[u8], text: &mut Vec<u8>) {
    let begins = text.len();
    let mut at = 0;
    while let Some(flags) = chunk.get(at) {
        at += 1;
        for bit in 0..8 {
            let so_far = text.len() - begins;
            if so_far >= CHUNK {
                return;
            }
            if flags >> bit & 1 == 0 {
                let Some(letter) = chunk.get(at) else { return };
                text.push(*letter);
                at += 1;
                continue;
            }
            let Some(copy) = u16_at(chunk, at) else { return };
            at += 2;
            // The more there is to copy from, the more of the number says from where (§2.4.1.3.19.1).
            let bits = usize::BITS - so_far.saturating_sub(1).leading_zeros();
            let bits = bits.max(4);
            let length = usize::from(copy & (0xFFFF >> bits)) + 3;
            let back = usize::from(copy >> (16 - bits)) + 1;
            let Some(from) = so_far.checked_sub(back).map(|from| from + begins) else { return };
            for nr in 0..length.min(CHUNK - so_far) {
                let Some(letter) = text.get(from + nr).copied() else { return };
                text.push(letter);
            }
        }
    }
}

/// Whether these bytes are a program's text, or what lies packed beside it: names and references, with numbers between.
fn is_text(bytes: &[u8]) -> bool {
    const LEAST: usize = 8;
    let controls =
        bytes.iter().filter(|byte| **byte < b' ' && !matches!(byte, b'\t' | b'\r' | b'\n')).count();
    bytes.len() >= LEAST && controls * 20 <= bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::ole::tests::{compound, told, torment};

    /// Packs letters without any copy.
    fn pack(text: &[u8]) -> Vec<u8> {
        let mut out = vec![1];
        for chunk in text.chunks(CHUNK) {
            let mut packed = Vec::new();
            for eight in chunk.chunks(8) {
                packed.push(0);
                packed.extend_from_slice(eight);
            }
            let head = 0xB000 | u16::try_from(packed.len() - 1).unwrap();
            out.extend(head.to_le_bytes());
            out.extend(packed);
        }
        out
    }

    #[test]
    fn the_text_of_modules_is_unfolded() {
        let text = "Attribute VB_Name = \"Modul1\"\r\nCPR = \"150379-1028\"\r\n";
        let module = [b"\x01\x02\xB0\0cache\x01".as_slice(), &pack(text.as_bytes())].concat();
        for path in ["VBA", "Macros/VBA", "_VBA_PROJECT_CUR/VBA"] {
            let file = compound(&[
                (&format!("{path}/_VBA_PROJECT"), b"\xCC\x61"),
                (&format!("{path}/dir"), &pack(b"\x01\0\0")),
                (&format!("{path}/Modul1"), &module),
            ]);
            let (told, unread) = told(&file, crate::extract::ole::read);
            assert!(told.contains("Name = \"Modul1\"\nCPR = \"150379-1028\"\n"), "{told}");
            assert_eq!(unread, []);
        }
        torment(&module, |bytes, _| drop(texts(bytes)));
    }

    #[test]
    fn a_module_that_does_not_unfold_is_said() {
        let file =
            compound(&[("VBA/_VBA_PROJECT", b"\xCC\x61"), ("VBA/dir", b""), ("VBA/Modul1", b"\x01\0\0")]);
        assert_eq!(told(&file, crate::extract::ole::read).1, [Unread::UnknownForm]);
        let hostile = b"\x01\xFF\xBF".repeat(100_000);
        assert!(texts(&hostile).0.len() < 2);
    }

    #[test]
    fn copies_are_copied() {
        // The examples of §3.2: without any pattern, with some, and with nothing else.
        let (text, _) = unfold(b"\x19\xB0\x00abcdefgh\x00ijklmnop\x00qrstuv.");
        assert_eq!(text, b"abcdefghijklmnopqrstuv.");
        let (text, _) = unfold(
            b"\x2F\xB0\x00#aaabcde\x82f\x00\x70aghij\x018\x08akl\x00\x30mnop\x06q\x02\x70\x04\x10rstuv\x10wxyz\x00\x3C",
        );
        assert_eq!(text, b"#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa");
        let (text, _) = unfold(b"\x03\xB0\x02a\x45\x00");
        assert_eq!(text, b"a".repeat(73));
    }
}
