//! A number that was found: where, how sure, and why.

use super::evidence::Reason;
use crate::cpr::{Cpr, Kind};
use std::fmt;

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
    fn shown_text_holds_no_digit() {
        assert_eq!(MaskedText::new("liste 010190-1234.csv\u{663}\n").to_string(), "liste ******-****.csv* ");
    }
}
