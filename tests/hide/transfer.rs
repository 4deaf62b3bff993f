//! Transfer encodings, written as programs write them, as odd ones do, and damaged.

use super::random::Random;

/// How bytes are made fit for the road.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transfer {
    SevenBit,
    EightBit,
    Binary,
    Quoted,
    /// Soft breaks anywhere, and any character as its code.
    QuotedWildly,
    /// A field value of its own, with lines of this length (0: of any length).
    Base64(&'static str, usize),
    /// In a way that only a forgiving reader reads.
    Base64Damaged(Damage),
    /// Under one of its names.
    Uuencode(&'static str),
    /// A file in a text.
    UuencodeInText,
}

/// What is wrong with base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    Unpadded,
    Junk,
    Footer,
    /// Padding at each line's end.
    PaddedLines,
    BlankLines,
    /// The field says something that is not quite base64.
    Field(&'static str),
}

/// All of them.
pub(crate) const ALL: [Transfer; 28] = [
    Transfer::SevenBit,
    Transfer::EightBit,
    Transfer::Binary,
    Transfer::Quoted,
    Transfer::QuotedWildly,
    Transfer::Base64("base64", 76),
    Transfer::Base64("base64", 4),
    Transfer::Base64("base64", 60),
    Transfer::Base64("base64", 99_999),
    Transfer::Base64("base64", 0),
    Transfer::Base64("BASE64", 76),
    Transfer::Base64(" Base64 ", 76),
    Transfer::Base64("\n base64", 76),
    Transfer::Base64("base64 (sådan)", 76),
    Transfer::Base64("(x) base64", 72),
    Transfer::Base64Damaged(Damage::Unpadded),
    Transfer::Base64Damaged(Damage::Junk),
    Transfer::Base64Damaged(Damage::Footer),
    Transfer::Base64Damaged(Damage::PaddedLines),
    Transfer::Base64Damaged(Damage::BlankLines),
    Transfer::Base64Damaged(Damage::Field("base64;")),
    Transfer::Base64Damaged(Damage::Field("\"base64\"")),
    Transfer::Base64Damaged(Damage::Field("base-64")),
    Transfer::Base64Damaged(Damage::Field("x-base64")),
    Transfer::Uuencode("x-uuencode"),
    Transfer::Uuencode("uuencode"),
    Transfer::Uuencode("x-uue"),
    Transfer::UuencodeInText,
];

impl Transfer {
    /// Whether a reader that keeps to the RFCs reads it.
    pub(crate) fn is_sound(self) -> bool {
        !matches!(self, Self::Base64Damaged(_))
    }

    /// Whether bytes stand as they are.
    pub(crate) fn is_identity(self) -> bool {
        matches!(self, Self::SevenBit | Self::EightBit | Self::Binary)
    }

    /// The field's value and the bytes; `None` when they cannot go so.
    pub(crate) fn write(self, bytes: &[u8], ascii: bool, random: &mut Random) -> Option<(String, Vec<u8>)> {
        let written = match self {
            Self::SevenBit => ("7bit", (ascii && bytes.is_ascii()).then(|| bytes.to_vec())?),
            Self::EightBit => ("8bit", ascii.then(|| bytes.to_vec())?),
            Self::Binary => ("binary", ascii.then(|| bytes.to_vec())?),
            Self::Quoted => ("quoted-printable", quoted(bytes, false, ascii, random).into_bytes()),
            Self::QuotedWildly => ("Quoted-Printable", quoted(bytes, true, ascii, random).into_bytes()),
            Self::Base64(field, 0) => {
                let all = base64(bytes, usize::MAX);
                let mut rest = all.trim_end();
                let mut lines = String::new();
                while !rest.is_empty() {
                    let (line, later) = rest.split_at(random.within(1..80).min(rest.len()));
                    lines = lines + line + "\n";
                    rest = later;
                }
                (field, lines.into_bytes())
            }
            Self::Base64(field, width) => (field, base64(bytes, width).into_bytes()),
            Self::Base64Damaged(damage) => return Some(damage.write(bytes, random)),
            Self::Uuencode(field) => (field, uuencode(bytes).into_bytes()),
            Self::UuencodeInText => {
                ("7bit", format!("Hej\n\nSe filen.\n\n{}\nHilsen\n", uuencode(bytes)).into_bytes())
            }
        };
        Some((written.0.to_owned(), written.1))
    }
}

impl Damage {
    fn write(self, bytes: &[u8], random: &mut Random) -> (String, Vec<u8>) {
        let whole = base64(bytes, 76);
        let mut field = "base64";
        let text = match self {
            Self::Unpadded => whole.replace('=', ""),
            Self::Junk => {
                let mut text = whole;
                for _ in 0..random.within(1..4) {
                    let junk = random.pick(&["*", "!", " ", "\\", "?", "%", "\u{a0}"]);
                    let at = random.within(0..text.len());
                    if text.is_char_boundary(at) {
                        text.insert_str(at, junk);
                    }
                }
                text
            }
            Self::Footer => whole + "\n-- \nSendt fra listen borger@liste.example\n",
            Self::PaddedLines => bytes.chunks(40).map(|chunk| base64(chunk, 76)).collect(),
            Self::BlankLines => whole.replace('\n', "\n\n \n"),
            Self::Field(odd) => {
                field = odd;
                whole
            }
        };
        (field.to_owned(), text.into_bytes())
    }
}

/// RFC 2045 §6.8, in lines of `width`.
pub(crate) fn base64(bytes: &[u8], width: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    let mut column = 0;
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, nr| bits << 8 | usize::from(group.get(nr).copied().unwrap_or(0)));
        for nr in 0..4 {
            let sign = if nr > group.len() { b'=' } else { ALPHABET[bits >> (18 - 6 * nr) & 63] };
            out.push(char::from(sign));
            column += 1;
            if column == width {
                out.push('\n');
                column = 0;
            }
        }
    }
    if column > 0 {
        out.push('\n');
    }
    out
}

/// RFC 2045 §6.7. `wild`: escapes and soft breaks where none are needed. Line feeds of a text stay; of what is no text
/// in ASCII they are bytes.
fn quoted(bytes: &[u8], wild: bool, text: bool, random: &mut Random) -> String {
    let mut out = String::new();
    let mut column = 0;
    for (nr, byte) in bytes.iter().enumerate() {
        if *byte == b'\n' && text {
            out.push('\n');
            column = 0;
            continue;
        }
        let ends_line = bytes.get(nr + 1).is_none_or(|next| *next == b'\n');
        let plain = matches!(byte, b'!'..=b'<' | b'>'..=b'~') || (matches!(byte, b' ' | b'\t') && !ends_line);
        // A `From ` or a dot at a line's start is written so by careful programs; here they stand.
        let sign = match plain && !(wild && random.one_in(4)) {
            true => char::from(*byte).to_string(),
            false if wild && random.one_in(3) => format!("={byte:02x}"),
            false => format!("={byte:02X}"),
        };
        if column + sign.len() > 75 || (wild && random.one_in(9)) {
            out.push('=');
            out.push_str(if wild && random.one_in(4) { " \n" } else { "\n" });
            column = 0;
        }
        column += sign.len();
        out.push_str(&sign);
    }
    out
}

/// The file of a text, as `uuencode` of POSIX writes it.
fn uuencode(bytes: &[u8]) -> String {
    let mut out = "begin 644 liste.csv\n".to_owned();
    let sign = |bits: usize| char::from(if bits == 0 { b'`' } else { u8::try_from(bits).unwrap() + 32 });
    for line in bytes.chunks(45) {
        out.push(sign(line.len()));
        for group in line.chunks(3) {
            let bits =
                (0..3).fold(0, |bits, nr| bits << 8 | usize::from(group.get(nr).copied().unwrap_or(0)));
            out.extend((0..4).map(|nr| sign(bits >> (18 - 6 * nr) & 63)));
        }
        out.push('\n');
    }
    out + "`\nend\n"
}
