//! Charsets, as little as a search for digits needs. In nearly every charset digits are ASCII bytes, so text passes
//! as it is and the detector reads bytes. Only three things are done here: UTF-16 text becomes UTF-8 as it streams
//! ([`TextStage`]), headers and parameters in the common one-byte charsets become UTF-8 ([`to_utf8`]), and the
//! charsets that hide digits are recognised ([`is_unreadable`]).
//!
//! Nothing here fails: lone surrogates become U+FFFD, as a browser shows them.

use super::transfer::Sheet;

/// The order of the two bytes of a UTF-16 unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Big,
    Little,
}

impl Order {
    fn unit(self, first: u8, second: u8) -> u16 {
        match self {
            Self::Big => u16::from_be_bytes([first, second]),
            Self::Little => u16::from_le_bytes([first, second]),
        }
    }
}

/// Whether `label` is `name`, by ASCII case.
fn is(label: &str, name: &str) -> bool {
    label.eq_ignore_ascii_case(name)
}

fn is_utf16(label: &str) -> bool {
    ["utf-16", "utf16", "utf-16le", "utf-16be", "unicode", "ucs-2", "iso-10646-ucs-2"]
        .iter()
        .any(|name| is(label, name))
}

/// Whether text under this label, in lower case, may hold digits that are no ASCII bytes and that are not read here.
pub(super) fn is_unreadable(label: &str) -> bool {
    const FAMILIES: [&str; 9] = [
        "utf-7",
        "utf7",
        "unicode-1-1-utf-7",
        "x-unicode-2-0-utf-7",
        "utf-32",
        "utf32",
        "ucs-4",
        "iso-10646-ucs-4",
        "ebcdic",
    ];
    // EBCDIC code pages are written ibm037, cp037, IBM-1142 or ccsid500; the Danish ones are 277 and 1142.
    const PAGES: [&str; 20] = [
        "37", "273", "277", "278", "280", "284", "285", "297", "500", "870", "871", "1026", "1047", "1140",
        "1141", "1142", "1143", "1145", "1148", "1149",
    ];
    let page = ["csibm", "ibm", "cp", "ccsid"].iter().find_map(|prefix| label.strip_prefix(prefix));
    let page = page.map(|number| number.trim_start_matches(['-', '_', '0']));
    page.is_some_and(|number| PAGES.contains(&number)) || FAMILIES.iter().any(|name| label.starts_with(name))
}

/// What a charset label says of UTF-16.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Label {
    #[default]
    Other,
    Utf16,
    Ordered(Order),
}

impl Label {
    fn read(label: &str) -> Self {
        let ends = |end: &str| {
            label.len().checked_sub(2).and_then(|at| label.get(at..)).is_some_and(|tail| is(tail, end))
        };
        if !is_utf16(label) {
            Self::Other
        } else if ends("le") {
            Self::Ordered(Order::Little)
        } else if ends("be") {
            Self::Ordered(Order::Big)
        } else {
            Self::Utf16
        }
    }
}

/// What a text leaf does with its decoded bytes.
#[derive(Debug, Default)]
pub(super) struct TextStage {
    state: State,
    label: Label,
    mismatch: bool,
}

#[derive(Debug, Default)]
enum State {
    /// Bytes go through untouched.
    #[default]
    Pass,
    /// Waiting for the first two bytes, which tell UTF-16 from all else.
    Sniff(Option<u8>),
    /// Half a unit, half a pair.
    Utf16 { order: Order, half: Option<u8>, high: Option<u16> },
}

impl TextStage {
    /// For content that is no text.
    pub(super) fn pass(&mut self) {
        *self = Self::default();
    }

    /// For a text leaf with this charset label.
    pub(super) fn start(&mut self, label: Option<&str>) {
        *self = Self {
            state: State::Sniff(None),
            label: label.map_or(Label::Other, Label::read),
            mismatch: false,
        };
    }

    pub(super) fn feed(&mut self, bytes: &[u8], out: &mut impl FnMut(&[u8])) {
        let mut rest = bytes;
        if let State::Sniff(first) = &mut self.state {
            let first = match (*first, rest.split_first()) {
                (_, None) => return,
                (Some(first), Some(_)) => first,
                (None, Some((byte, after))) => {
                    *first = Some(*byte);
                    rest = after;
                    *byte
                }
            };
            let Some((second, after)) = rest.split_first() else { return };
            rest = after;
            self.decide(first, *second, out);
        }
        match &mut self.state {
            State::Pass => {
                if !rest.is_empty() {
                    out(rest);
                }
            }
            State::Sniff(_) => {}
            State::Utf16 { order, half, high } => narrow(rest, *order, half, high, out),
        }
    }

    /// The text ended. True when its label claimed UTF-16 and its bytes did not.
    pub(super) fn finish(&mut self, out: &mut impl FnMut(&[u8])) -> bool {
        match &self.state {
            State::Sniff(Some(first)) => out(&[*first]),
            State::Utf16 { half, high, .. } if half.is_some() || high.is_some() => out(REPLACEMENT),
            State::Pass | State::Sniff(None) | State::Utf16 { .. } => {}
        }
        let mismatch = self.mismatch;
        self.pass();
        mismatch
    }

    /// Chooses by the first two bytes: a byte order mark is believed before any label, and exactly one NUL in two
    /// bytes of text is UTF-16 whatever the label says, and the mismatch is told where the label has the other
    /// order. A label of UTF-16 over two printable ASCII bytes is not
    /// believed: read as UTF-16, the digits of such a text would be gone.
    fn decide(&mut self, first: u8, second: u8, out: &mut impl FnMut(&[u8])) {
        let printable = |byte: u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
        let (order, mark) = match (first, second, self.label) {
            (0xfe, 0xff, _) => (Some(Order::Big), true),
            (0xff, 0xfe, _) => (Some(Order::Little), true),
            (0, 1.., _) => (Some(Order::Big), false),
            (1.., 0, _) => (Some(Order::Little), false),
            (_, _, Label::Other) => (None, false),
            _ if printable(first) && printable(second) => {
                self.mismatch = true;
                (None, false)
            }
            (_, _, Label::Ordered(order)) => (Some(order), false),
            // No order and no mark: little-endian, as browsers have it, against RFC 2781 §4.3.
            (_, _, Label::Utf16) => (Some(Order::Little), false),
        };
        if let (Label::Ordered(labelled), Some(order), false) = (self.label, order, mark) {
            self.mismatch |= labelled != order;
        }
        match order {
            None => {
                self.state = State::Pass;
                out(&[first, second]);
            }
            Some(order) => {
                let (mut half, mut high) = (None, None);
                if !mark {
                    narrow(&[first, second], order, &mut half, &mut high, out);
                }
                self.state = State::Utf16 { order, half, high };
            }
        }
    }
}

const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// UTF-16 to UTF-8 through a small buffer, with half a unit and half a pair kept between calls.
fn narrow(
    bytes: &[u8],
    order: Order,
    half: &mut Option<u8>,
    high: &mut Option<u16>,
    out: &mut impl FnMut(&[u8]),
) {
    let mut buffer = [0; 2048];
    let mut sheet = Sheet::new(&mut buffer, out);
    let mut rest = bytes;
    if let (Some(first), Some((second, after))) = (*half, rest.split_first()) {
        *half = None;
        rest = after;
        unit(order.unit(first, *second), high, &mut sheet);
    }
    let (pairs, odd) = rest.as_chunks::<2>();
    for [first, second] in pairs {
        // Nearly all of Danish text.
        if let (None, Ok(letter @ 0..=0x7f)) = (*high, u8::try_from(order.unit(*first, *second))) {
            sheet.push(letter);
            continue;
        }
        unit(order.unit(*first, *second), high, &mut sheet);
    }
    if let [byte] = odd {
        *half = Some(*byte);
    }
    sheet.flush();
}

fn unit(unit: u16, high: &mut Option<u16>, sheet: &mut Sheet<'_, impl FnMut(&[u8])>) {
    let mut put = |code: u32| {
        let mut four = [0; 4];
        let letter = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        sheet.write(letter.encode_utf8(&mut four).as_bytes());
    };
    match (high.take(), unit) {
        (Some(first), 0xdc00..=0xdfff) => {
            put(0x1_0000 + ((u32::from(first) & 0x3ff) << 10) + (u32::from(unit) & 0x3ff));
            return;
        }
        // A high half alone is no character; `put` shows it as U+FFFD.
        (Some(first), _) => put(u32::from(first)),
        (None, _) => {}
    }
    if (0xd800..0xdc00).contains(&unit) {
        *high = Some(unit);
    } else {
        put(u32::from(unit));
    }
}

/// Writes `bytes` as UTF-8 where the charset is known, else as they are.
pub(super) fn to_utf8(label: &str, bytes: &[u8], out: &mut Vec<u8>) {
    let latin = ["iso-8859-1", "latin1", "windows-1252", "cp1252", "iso_8859-1", "l1"]
        .iter()
        .any(|name| is(label, name));
    if latin {
        one_byte(bytes, windows_1252, out);
    } else if ["iso-8859-15", "latin9", "iso_8859-15", "latin-9"].iter().any(|name| is(label, name)) {
        one_byte(bytes, latin_9, out);
    } else if is_utf16(label) {
        let mut stage = TextStage::default();
        stage.start(Some(label));
        stage.feed(bytes, &mut |text| out.extend_from_slice(text));
        stage.finish(&mut |text| out.extend_from_slice(text));
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
    use proptest::prelude::*;

    fn staged(label: Option<&str>, bytes: &[u8], cut: usize) -> (Vec<u8>, bool) {
        let mut out = Vec::new();
        let mut stage = TextStage::default();
        stage.start(label);
        for piece in bytes.chunks(cut) {
            stage.feed(piece, &mut |text| out.extend_from_slice(text));
        }
        let mismatch = stage.finish(&mut |text| out.extend_from_slice(text));
        (out, mismatch)
    }

    fn bytes_of(text: &str, big: bool) -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
            .collect()
    }

    #[test]
    fn finds_utf16_by_label_mark_and_nul() {
        for big in [true, false] {
            let text = "010190-1234 \u{e6}\u{1f426}";
            let bare = bytes_of(text, big);
            let marked = bytes_of(&format!("\u{feff}{text}"), big);
            for label in
                [None, Some("utf-8"), Some("UTF-16"), Some(if big { "utf-16be" } else { "utf-16le" })]
            {
                assert_eq!(staged(label, &bare, 3), (text.into(), false));
                assert_eq!(staged(label, &marked, 3), (text.into(), false));
            }
        }
    }

    #[test]
    fn a_wrong_label_is_not_believed() {
        assert_eq!(staged(Some("utf-16"), b"010190-1234", 4), (b"010190-1234".to_vec(), true));
        assert_eq!(staged(Some("utf-16le"), b"\x000\x001", 4), (b"01".to_vec(), true));
        assert_eq!(staged(None, b"0", 4), (b"0".to_vec(), false));
        assert_eq!(
            staged(Some("utf-16le"), b"b\x00\x00\xd8a\x00\x00\xdc", 1).0,
            "b\u{fffd}a\u{fffd}".as_bytes()
        );
    }

    #[test]
    fn names_what_it_cannot_read() {
        for label in ["utf-7", "utf-32le", "ibm037", "ibm277", "cp500", "ibm-1142", "ebcdic-dk-no"] {
            assert!(is_unreadable(label), "{label}");
        }
        for label in ["utf-8", "cp1252", "ibm850", "cp850", "iso-8859-1", "koi8-r", ""] {
            assert!(!is_unreadable(label), "{label}");
        }
    }

    #[test]
    fn one_byte_charsets() {
        let mut out = Vec::new();
        to_utf8("ISO-8859-1", b"\xe6\x80", &mut out);
        to_utf8("iso-8859-15", b"\xa4", &mut out);
        to_utf8("koi8-r", b"\xe6", &mut out);
        assert_eq!(out, b"\xc3\xa6\xe2\x82\xac\xe2\x82\xac\xe6");
    }

    proptest! {
        #[test]
        fn agrees_with_the_standard_library(units: Vec<u16>, big: bool, cut in 1usize..9) {
            let bytes: Vec<u8> = units.iter().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect();
            let mut marked = bytes_of("\u{feff}", big);
            marked.extend_from_slice(&bytes);
            prop_assert_eq!(staged(None, &marked, cut).0, String::from_utf16_lossy(&units).into_bytes());
        }
    }
}
