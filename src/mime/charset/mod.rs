//! Charsets, as little as a search for digits needs. In nearly every charset digits are ASCII bytes, so text passes
//! as it is and the detector reads bytes. Converted is what hides them: UTF-16, UTF-32, UTF-7 and EBCDIC become UTF-8 as
//! they stream ([`TextStage`]), by label or, for the wide ones, by their look. Headers and parameters in the common
//! one-byte charsets become UTF-8 too ([`to_utf8`]), and what else may hide digits is recognised ([`is_unreadable`]).
//!
//! Nothing here fails: what is no character becomes U+FFFD, as a browser shows it. Start at `stage.rs`; `wide.rs` has
//! UTF-16 and UTF-32, `utf7.rs` and `ebcdic.rs` the others. Tests: in each.

mod ebcdic;
mod stage;
mod utf7;
mod wide;

pub use stage::{Stream, TextStage};

use wide::{Order, Width};

/// Whether text under this label, in lower case, may hold digits that are no ASCII bytes and that are not read here.
pub(super) fn is_unreadable(label: &str) -> bool {
    !is_usual(label)
        && ["utf-7-imap", "imap4-utf-7", "scsu", "bocu-1", "csbocu", "utf-9", "utf-18", "utf-ebcdic"]
            .iter()
            .any(|name| label.starts_with(name))
}

/// What nearly all text is in, and nothing needs to be asked about.
fn is_usual(label: &str) -> bool {
    matches!(label, "utf-8" | "us-ascii" | "iso-8859-1" | "windows-1252")
}

/// What a charset label promises, as far as it matters here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Label {
    /// Nothing was said.
    #[default]
    None,
    /// A charset whose digits are ASCII bytes.
    Ascii,
    /// UTF-16 or UTF-32, with or without an order.
    Wide(Width, Option<Order>),
    Utf7,
    Ebcdic(ebcdic::Page),
}

impl Label {
    /// Reads a label in lower case.
    fn read(label: &str) -> Self {
        if is_usual(label) {
            return Self::Ascii;
        }
        let (name, order) = match label.strip_suffix("le") {
            Some(name) => (name, Some(Order::Little)),
            None => match label.strip_suffix("be") {
                Some(name) => (name, Some(Order::Big)),
                None => (label, None),
            },
        };
        match name.trim_end_matches(['-', '_']) {
            "utf-16" | "utf16" | "utf_16" | "unicode" | "ucs-2" | "ucs2" | "iso-10646-ucs-2"
            | "csunicode" | "unicodefffe" | "unicodefeff" | "csutf16" => Self::Wide(Width::Two, order),
            "utf-32" | "utf32" | "utf_32" | "ucs-4" | "ucs4" | "iso-10646-ucs-4" | "csucs4" | "csutf32" => {
                Self::Wide(Width::Four, order)
            }
            "utf-7" | "utf7" | "unicode-1-1-utf-7" | "x-unicode-2-0-utf-7" | "csunicode11utf7" | "csutf7" => {
                Self::Utf7
            }
            "" => Self::None,
            _ => ebcdic::Page::of(label).map_or(Self::Ascii, Self::Ebcdic),
        }
    }

    fn converts(self) -> bool {
        matches!(self, Self::Wide(..) | Self::Utf7 | Self::Ebcdic(_))
    }
}

/// Whether text under this label, in lower case, is converted here.
pub(super) fn is_converted(label: &str) -> bool {
    Label::read(label).converts()
}

/// Writes `bytes` as UTF-8 where the charset is known, else as they are.
pub(super) fn to_utf8(label: &str, bytes: &[u8], out: &mut Vec<u8>) {
    if label.eq_ignore_ascii_case("utf-8") {
        out.extend_from_slice(bytes);
        return;
    }
    let latin = ["iso-8859-1", "latin1", "windows-1252", "cp1252", "iso_8859-1", "l1"]
        .iter()
        .any(|name| label.eq_ignore_ascii_case(name));
    if latin {
        one_byte(bytes, windows_1252, out);
        return;
    }
    if ["iso-8859-15", "latin9", "iso_8859-15", "latin-9"].iter().any(|name| label.eq_ignore_ascii_case(name))
    {
        one_byte(bytes, latin_9, out);
        return;
    }
    let label = label.to_ascii_lowercase();
    if is_converted(&label) {
        let mut stage = TextStage::default();
        stage.start(Some(&label));
        let mut take = |stream: Stream, text: &[u8]| {
            if stream == Stream::Main {
                out.extend_from_slice(text);
            }
        };
        stage.feed(bytes, &mut take);
        stage.finish(&mut take);
    } else {
        out.extend_from_slice(bytes);
    }
}

/// Text that names no charset and must become UTF-8: UTF-8 if it is, else windows-1252, which never fails.
pub(super) fn guess_utf8(bytes: &[u8], out: &mut String) {
    match std::str::from_utf8(bytes) {
        Ok(text) => out.push_str(text),
        Err(_) => out.extend(bytes.iter().map(|byte| windows_1252(*byte))),
    }
}

fn one_byte(bytes: &[u8], table: impl Fn(u8) -> char, out: &mut Vec<u8>) {
    let mut four = [0; 4];
    for byte in bytes {
        if byte.is_ascii() {
            out.push(*byte);
        } else {
            out.extend_from_slice(table(*byte).encode_utf8(&mut four).as_bytes());
        }
    }
}

/// ISO 8859-1 is read as windows-1252, as every browser does: the two differ only where 8859-1 has control codes.
fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH.get(usize::from(byte & 0x1f)).copied().unwrap_or(char::REPLACEMENT_CHARACTER),
        _ => char::from(byte),
    }
}

fn latin_9(byte: u8) -> char {
    match byte {
        0xa4 => '€',
        0xa6 => 'Š',
        0xa8 => 'š',
        0xb4 => 'Ž',
        0xb8 => 'ž',
        0xbc => 'Œ',
        0xbd => 'œ',
        0xbe => 'Ÿ',
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_it_cannot_read() {
        for label in ["scsu", "bocu-1", "utf-7-imap", "utf-ebcdic"] {
            assert!(is_unreadable(label), "{label}");
        }
        for label in ["utf-8", "cp1252", "ibm850", "cp850", "iso-8859-1", "koi8-r", "", "utf-7", "ibm037"] {
            assert!(!is_unreadable(label), "{label}");
        }
    }

    #[test]
    fn labels() {
        for label in ["utf-16", "utf-16le", "ucs-4be", "utf-7", "ibm037", "cp500", "ibm-1142", "ebcdic-dk-no"]
        {
            assert!(is_converted(label), "{label}");
        }
        for label in ["utf-8", "us-ascii", "iso-2022-jp", "cp437", "ibm865", "", "be", "le"] {
            assert!(!is_converted(label), "{label}");
        }
    }

    #[test]
    fn words_of_headers() {
        let mut out = Vec::new();
        to_utf8("ISO-8859-1", b"\xe6\x80", &mut out);
        to_utf8("iso-8859-15", b"\xa4", &mut out);
        to_utf8("koi8-r", b"\xe6", &mut out);
        assert_eq!(out, b"\xc3\xa6\xe2\x82\xac\xe2\x82\xac\xe6");
        out.clear();
        to_utf8("UTF-7", b"+ADA-1", &mut out);
        to_utf8("ibm277", b"\xf0\xc0", &mut out);
        to_utf8("utf-32be", b"\0\0\x000", &mut out);
        assert_eq!(out, "010\u{e6}0".as_bytes());
    }
}
