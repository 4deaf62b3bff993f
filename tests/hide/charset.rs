//! Text as bytes, in the charsets that mail comes in and some that hide digits. Written out here and not taken from the
//! program, which must not be its own judge.

/// A charset, or a way of writing one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charset {
    Ascii,
    Utf8,
    /// UTF-8 that begins with a byte order mark.
    Utf8Marked,
    Latin1,
    Windows1252,
    Utf16Little,
    Utf16Big,
    /// `utf-16` with its mark.
    Utf16Marked,
    /// UTF-16 with its mark that says it is UTF-8.
    Utf16Mislabelled,
    /// UTF-16 without a mark that says nothing.
    Utf16Unlabelled,
    Utf7,
    /// UTF-7 in which all is shifted.
    Utf7Shifted,
    Utf32,
    Ibm277,
    /// UTF-8 without a label.
    Unlabelled,
    /// UTF-8 under the label of another.
    Wrong(&'static str),
}

/// All of them.
pub(crate) const ALL: [Charset; 19] = [
    Charset::Ascii,
    Charset::Utf8,
    Charset::Utf8Marked,
    Charset::Latin1,
    Charset::Windows1252,
    Charset::Utf16Little,
    Charset::Utf16Big,
    Charset::Utf16Marked,
    Charset::Utf16Mislabelled,
    Charset::Utf16Unlabelled,
    Charset::Utf7,
    Charset::Utf7Shifted,
    Charset::Utf32,
    Charset::Ibm277,
    Charset::Unlabelled,
    Charset::Wrong("iso-8859-1"),
    Charset::Wrong("utf-16"),
    Charset::Wrong("ibm277"),
    Charset::Wrong("x-unknown"),
];

impl Charset {
    /// The one of this name in lower case, for a field's words.
    pub(crate) fn of(name: &str) -> Self {
        match name {
            "us-ascii" => Self::Ascii,
            "iso-8859-1" => Self::Latin1,
            "windows-1252" => Self::Windows1252,
            "utf-16be" => Self::Utf16Big,
            _ => Self::Utf8,
        }
    }

    pub(crate) fn label(self) -> Option<&'static str> {
        Some(match self {
            Self::Ascii => "us-ascii",
            Self::Utf8 => "UTF-8",
            Self::Utf8Marked | Self::Utf16Mislabelled => "utf-8",
            Self::Latin1 => "iso-8859-1",
            Self::Windows1252 => "\"Windows-1252\"",
            Self::Utf16Little => "utf-16le",
            Self::Utf16Big => "UTF-16BE",
            Self::Utf16Marked => "utf-16",
            Self::Utf7 | Self::Utf7Shifted => "utf-7",
            Self::Utf32 => "utf-32be",
            Self::Ibm277 => "ibm277",
            Self::Wrong(label) => label,
            Self::Utf16Unlabelled | Self::Unlabelled => return None,
        })
    }

    /// Whether the label says what the bytes are.
    pub(crate) fn is_true(self) -> bool {
        !matches!(self, Self::Utf16Mislabelled | Self::Utf16Unlabelled | Self::Unlabelled | Self::Wrong(_))
    }

    pub(crate) fn is_utf7(self) -> bool {
        matches!(self, Self::Utf7 | Self::Utf7Shifted)
    }

    pub(crate) fn hides_digits(self) -> bool {
        self.is_utf7() || !self.is_ascii()
    }

    /// Whether digits are ASCII bytes in it, and a line feed nothing else.
    pub(crate) fn is_ascii(self) -> bool {
        !matches!(
            self,
            Self::Utf16Little
                | Self::Utf16Big
                | Self::Utf16Marked
                | Self::Utf16Mislabelled
                | Self::Utf16Unlabelled
                | Self::Utf32
                | Self::Ibm277
        )
    }

    /// `None` when it has not all of these characters.
    pub(crate) fn encode(self, text: &str) -> Option<Vec<u8>> {
        let utf16 = |mark: bool, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            let mark = mark.then_some(0xFEFF);
            mark.into_iter().chain(text.encode_utf16()).flat_map(bytes).collect()
        };
        let each = |byte: fn(char) -> Option<u8>| text.chars().map(byte).collect::<Option<Vec<u8>>>();
        match self {
            Self::Ascii => each(|c| c.is_ascii().then_some(c as u8)),
            Self::Utf8 | Self::Unlabelled | Self::Wrong(_) => Some(text.as_bytes().to_vec()),
            Self::Utf8Marked => Some([b"\xEF\xBB\xBF", text.as_bytes()].concat()),
            Self::Latin1 => each(|c| u8::try_from(c).ok()),
            Self::Windows1252 => each(|c| match c {
                '\u{2013}' => Some(0x96),
                '\u{2014}' => Some(0x97),
                '\u{80}'..='\u{9F}' => None,
                c => u8::try_from(c).ok(),
            }),
            Self::Utf16Little | Self::Utf16Unlabelled => Some(utf16(false, u16::to_le_bytes)),
            Self::Utf16Big => Some(utf16(false, u16::to_be_bytes)),
            Self::Utf16Marked | Self::Utf16Mislabelled => Some(utf16(true, u16::to_le_bytes)),
            Self::Utf7 => Some(utf7(text, |c| c.is_ascii() && !matches!(c, '+' | '\\' | '~'))),
            Self::Utf7Shifted => Some(utf7(text, |c| matches!(c, '\n' | ' '))),
            Self::Utf32 => Some(text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect()),
            Self::Ibm277 => each(ibm277),
        }
    }
}

/// RFC 2152; what is not `direct` is shifted.
fn utf7(text: &str, direct: fn(char) -> bool) -> Vec<u8> {
    let mut out = Vec::new();
    let mut shifted = String::new();
    let flush = |shifted: &mut String, out: &mut Vec<u8>| {
        if !shifted.is_empty() {
            let units: Vec<u8> = shifted.encode_utf16().flat_map(u16::to_be_bytes).collect();
            out.push(b'+');
            let text = super::transfer::base64(&units, usize::MAX);
            out.extend_from_slice(text.trim_end().trim_end_matches('=').as_bytes());
            out.push(b'-');
            shifted.clear();
        }
    };
    for c in text.chars() {
        if direct(c) {
            flush(&mut shifted, &mut out);
            out.push(c as u8);
        } else {
            shifted.push(c);
        }
    }
    flush(&mut shifted, &mut out);
    out
}

/// EBCDIC for Denmark and Norway, as far as texts here need it.
fn ibm277(c: char) -> Option<u8> {
    const MARKS: &str = " .<(+!&*);-/,%_>?:'=\"\n\tÅÆØøæå#@";
    const CODES: [u8; 31] = [
        0x40, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F, 0x50, 0x5C, 0x5D, 0x5E, 0x60, 0x61, 0x6B, 0x6C, 0x6D, 0x6E, 0x6F,
        0x7A, 0x7D, 0x7E, 0x7F, 0x25, 0x05, 0x5B, 0x7B, 0x7C, 0x6A, 0xC0, 0xD0, 0x4A, 0x80,
    ];
    let from = |base: u8, first: u8| Some(base + (c as u8 - first));
    match c {
        '0'..='9' => from(0xF0, b'0'),
        'a'..='i' => from(0x81, b'a'),
        'j'..='r' => from(0x91, b'j'),
        's'..='z' => from(0xA2, b's'),
        'A'..='I' => from(0xC1, b'A'),
        'J'..='R' => from(0xD1, b'J'),
        'S'..='Z' => from(0xE2, b'S'),
        _ => MARKS.chars().position(|mark| mark == c).map(|at| CODES[at]),
    }
}
