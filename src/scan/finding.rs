//! A number that was found: where, how sure, and why.

use super::evidence::Reason;
use crate::cpr::{Cpr, Kind};
use std::fmt;
use std::sync::Arc;

/// How sure a finding is; `possible` is reported and never acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Confidence {
    /// More likely something else, and worth a look.
    Possible,
    /// More likely a person's number than not.
    Likely,
    /// Hardly anything else.
    Certain,
}

impl Confidence {
    /// The word of the jsonl contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }
}

/// Where in a part a number stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the text of a header field of this name.
    Header(&'static str),
    /// In another header field, whose name is masked: one that a program of the sender's wrote, or a machine's number.
    OtherHeader(MaskedText),
    /// In a text that is shown as the message.
    Body,
    /// In an attached file; its name is masked.
    Attachment(MaskedText),
    /// In the name of an attached file.
    FileName,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(out, "header:{name}"),
            Self::OtherHeader(name) => write!(out, "header:{name}"),
            Self::Body => out.write_str("body"),
            Self::Attachment(name) => write!(out, "attachment:{name}"),
            Self::FileName => out.write_str("filename"),
        }
    }
}

/// Text from a message with every digit starred, so that it can be shown (invariant 7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaskedText(String);

impl MaskedText {
    /// Stars every digit, of any script, and drops what would break a line or a terminal.
    pub fn new(text: &str) -> Self {
        let shown = text.chars().map(|c| {
            if c.is_numeric() {
                '*'
            } else if c.is_control() {
                ' '
            } else {
                c
            }
        });
        let mut masked = String::with_capacity(text.len());
        masked.extend(shown);
        Self(masked)
    }
}

impl MaskedText {
    /// A short name, such as a sheet's: as it is when it has too few digits to be a part of a number.
    pub fn of_short(name: &str) -> Self {
        let digits = name.chars().filter(|c| c.is_numeric()).count();
        if digits < 4 && !name.chars().any(char::is_control) {
            Self(name.to_owned())
        } else {
            Self::new(name)
        }
    }

    /// A file of this name in what this names, as gitleaks writes it: `a.zip!b/c.csv`.
    #[must_use]
    pub fn within(&self, member: &str) -> Self {
        let Self(member) = Self::new(member);
        Self(if self.0.is_empty() { member } else { format!("{}!{member}", self.0) })
    }
}

/// Where in a document a number stands, as its reader would say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// Page, from 1.
    Page(u32),
    /// Slide, from 1.
    Slide(u32),
    /// Paragraph, from 1.
    Paragraph(u32),
    /// Somewhere on this sheet.
    Sheet(Arc<MaskedText>),
    /// Cell of a sheet.
    Cell {
        /// The sheet's name.
        sheet: Option<Arc<MaskedText>>,
        /// The row's number, from 1.
        row: u32,
        /// The column's, from 1: 1 is A.
        column: u32,
    },
    /// A place with a name, such as a form field.
    Named(MaskedText),
}

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page(nr) => write!(out, "page {nr}"),
            Self::Slide(nr) => write!(out, "slide {nr}"),
            Self::Paragraph(nr) => write!(out, "paragraph {nr}"),
            Self::Sheet(name) => write!(out, "{name}"),
            Self::Cell { sheet, row, column } => {
                if let Some(sheet) = sheet {
                    write!(out, "{sheet}!")?;
                }
                // Digits of 26 letters, of which none is zero.
                let (mut letters, mut left) = ([0; 8], *column);
                let mut first = letters.len();
                while left > 0 && first > 0 {
                    first -= 1;
                    let letter = u8::try_from((left - 1) % 26).unwrap_or(0);
                    if let Some(place) = letters.get_mut(first) {
                        *place = b'A' + letter;
                    }
                    left = (left - 1) / 26;
                }
                let letters = letters.get(first..).unwrap_or_default();
                write!(out, "{}{row}", String::from_utf8_lossy(letters))
            }
            Self::Named(name) => write!(out, "{name}"),
        }
    }
}

impl fmt::Display for MaskedText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A number that was found. The number itself prints stars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The number.
    pub cpr: Cpr,
    /// What it is taken for: what it says it is, or a test number where the site has allowed it.
    pub kind: Kind,
    /// Whether the rules let numbers of this kind be leaks.
    pub counts: bool,
    /// How sure.
    pub confidence: Confidence,
    /// The part's path, as IMAP numbers sections.
    pub part: String,
    /// Where in the part.
    pub place: Place,
    /// Where in a document, when it has places of its own.
    pub position: Option<Position>,
    /// Line of the part's decoded text, or of the header block, from 1.
    pub line: u64,
    /// Offset of the first digit in the part's decoded text, in bytes from 0.
    pub offset: u64,
    /// What spoke for and against it, strongest words of the rules: `date`, `mod11`, `label:cpr-nr`.
    pub why: Vec<Reason>,
}

impl Finding {
    /// Whether a delivered message with this finding is a leak: of a kind that counts, and sure enough.
    pub fn is_leak(&self) -> bool {
        self.counts && self.confidence >= LEAST
    }

    /// What a screen shows in place of the number.
    pub const MASKED: &'static str = "******-****";
}

/// The least confidence of a leak; what is less is reported and not acted on.
pub(super) const LEAST: Confidence = Confidence::Likely;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_named_as_its_program_does() {
        let sheet = Some(Arc::new(MaskedText::of_short("Ark1")));
        for (column, row, name) in [
            (1, 1, "Ark1!A1"),
            (26, 2, "Ark1!Z2"),
            (27, 3, "Ark1!AA3"),
            (16384, 1_048_576, "Ark1!XFD1048576"),
        ] {
            assert_eq!(Position::Cell { sheet: sheet.clone(), row, column }.to_string(), name);
        }
    }

    #[test]
    fn shown_text_holds_no_digit() {
        assert_eq!(MaskedText::new("liste 010190-1234.csv\u{663}\n").to_string(), "liste ******-****.csv* ");
        assert_eq!(MaskedText::of_short("Ark12").to_string(), "Ark12");
        assert_eq!(MaskedText::of_short("Løn 2024").to_string(), "Løn ****");
    }
}
