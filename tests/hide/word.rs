//! Text in header fields and in file names: encoded words (RFC 2047), parameters with a charset and in pieces (RFC 2231).

use super::entity::Entity;
use super::notation::Notation;
use super::random::Random;
use super::transfer;

/// How the text of a field is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Words {
    /// As it is, ASCII only.
    Plain,
    /// Bytes of UTF-8 as they are (RFC 6532).
    Raw,
    /// Folded before the number.
    Folded,
    /// In one encoded word: charset, and B or else Q.
    One(&'static str, bool),
    /// In many, cut anywhere between characters.
    Many(&'static str, bool),
}

/// All of them.
pub(crate) const ALL: [Words; 12] = [
    Words::Plain,
    Words::Raw,
    Words::Folded,
    Words::One("utf-8", true),
    Words::One("UTF-8", false),
    Words::One("iso-8859-1", true),
    Words::One("windows-1252", false),
    Words::One("utf-16be", true),
    Words::Many("utf-8", true),
    Words::Many("utf-8", false),
    Words::Many("ISO-8859-1", false),
    Words::Many("utf-8*da", true),
];

impl Words {
    pub(crate) fn takes(self, notation: Notation) -> bool {
        match self {
            Self::Plain | Self::Folded => notation.is_in(str::is_ascii),
            Self::One(charset, _) | Self::Many(charset, _) => {
                notation.is_in(|text| encode(charset, text).is_some())
            }
            Self::Raw => true,
        }
    }

    pub(crate) fn write(self, label: &str, written: &str, random: &mut Random) -> String {
        // A field whose own name is the label holds nothing else.
        let begin = if label.is_empty() { "" } else { "Sag." };
        let said = format!("{begin} {label}{written}").trim_start().replace('\t', " ");
        match self {
            Self::Plain | Self::Raw => said,
            Self::Folded => format!("{begin}\n {label}{written}"),
            Self::One(charset, base64) => word(charset, base64, &said),
            Self::Many(charset, base64) => {
                let all: Vec<char> = said.chars().collect();
                let mut rest = all.as_slice();
                let mut words = Vec::new();
                while !rest.is_empty() {
                    let (now, later) = rest.split_at(random.within(1..8).min(rest.len()));
                    words.push(word(charset, base64, &now.iter().collect::<String>()));
                    rest = later;
                }
                let gap = random.pick(&["\n ", " ", "\n\t"]);
                words.join(gap)
            }
        }
    }
}

/// The bytes of a text in a charset of a field; `None` when it has not all the characters.
fn encode(charset: &str, text: &str) -> Option<Vec<u8>> {
    let known = charset.split('*').next().unwrap_or_default().to_ascii_lowercase();
    super::charset::Charset::of(&known).encode(text)
}

fn word(charset: &str, base64: bool, text: &str) -> String {
    // The labels have letters beyond ASCII in places; what a charset lacks is left to UTF-8.
    let (charset, bytes) = match encode(charset, text) {
        Some(bytes) => (charset, bytes),
        None => ("utf-8", text.as_bytes().to_vec()),
    };
    if base64 {
        return format!("=?{charset}?B?{}?=", transfer::base64(&bytes, usize::MAX).trim_end());
    }
    let q: String = bytes
        .iter()
        .map(|byte| match byte {
            b' ' => "_".to_owned(),
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' => char::from(*byte).to_string(),
            other => format!("={other:02X}"),
        })
        .collect();
    format!("=?{charset}?q?{q}?=")
}

/// How a file's name is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// `filename="..."`.
    Quoted,
    /// The type's `name="..."`.
    OfType,
    /// `filename*=utf-8''...`.
    Extended,
    /// `filename*=iso-8859-1'da'...`.
    ExtendedLatin1,
    /// `filename*0*=utf-8''...; filename*1*=...`.
    ExtendedPieces,
    /// `filename*0="..."; filename*1="..."`.
    Pieces,
    /// An encoded word in quotes, which RFC 2047 §5 forbids and many programs write.
    Word,
}

/// All of them.
pub(crate) const NAMES: [Name; 7] = [
    Name::Quoted,
    Name::OfType,
    Name::Extended,
    Name::ExtendedLatin1,
    Name::ExtendedPieces,
    Name::Pieces,
    Name::Word,
];

impl Name {
    pub(crate) fn takes(self, notation: Notation) -> bool {
        match self {
            Self::Extended | Self::ExtendedPieces | Self::Word => true,
            Self::ExtendedLatin1 => notation.is_in(|text| encode("iso-8859-1", text).is_some()),
            Self::Quoted | Self::OfType | Self::Pieces => notation.is_in(str::is_ascii),
        }
    }

    pub(crate) fn write(self, name: &str, entity: &mut Entity, random: &mut Random) {
        let field = if self == Self::OfType { "Content-Type" } else { "Content-Disposition" };
        let parameter = match self {
            Self::Quoted => format!("filename=\"{name}\""),
            Self::OfType => format!("name=\"{name}\""),
            Self::Word => format!("filename=\"{}\"", word("utf-8", true, name)),
            Self::Extended => format!("filename*=utf-8''{}", percent(name.as_bytes())),
            Self::ExtendedLatin1 => {
                let bytes = encode("iso-8859-1", name).unwrap_or_default();
                format!("filename*=iso-8859-1'da'{}", percent(&bytes))
            }
            Self::ExtendedPieces | Self::Pieces => {
                let mut pieces = Vec::new();
                let all: Vec<char> = name.chars().collect();
                let mut rest = all.as_slice();
                while !rest.is_empty() {
                    let (now, later) = rest.split_at(random.within(2..9).min(rest.len()));
                    let (nr, piece) = (pieces.len(), now.iter().collect::<String>());
                    pieces.push(match self {
                        Self::Pieces => format!("filename*{nr}=\"{piece}\""),
                        _ if nr == 0 => format!("filename*0*=utf-8'da'{}", percent(piece.as_bytes())),
                        _ => format!("filename*{nr}*={}", percent(piece.as_bytes())),
                    });
                    rest = later;
                }
                if random.one_in(3) {
                    pieces.reverse();
                }
                pieces.join(";\n ")
            }
        };
        entity.set_parameter(field, &parameter);
    }
}

fn percent(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' => char::from(*byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}
