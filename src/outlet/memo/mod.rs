//! Digital Post: a mail as a message of *MeMo* 1.2 (*MeddelelsesModel*), as a file in an outbox folder.
//!
//! *What it is*: the format in which authorities give a message to Digital Post; whoever sends for the organisation (its
//! *afsendersystem*) takes the file from the folder. *What it never does*: choose a recipient. A [`Recipient`] is named by a
//! person or by the configuration, and no function here looks for one in a mail. A number stands in `recipientID` and in
//! documents, and nowhere else: what is shown before the letter is opened is read by our own scanner, and a file in which it
//! finds something is never written.
//!
//! *Start reading at* [`Letter::make`], then [`Checked::file`]. `content` is the mail as documents, `xml` writes, `check` reads
//! it back against the order of elements that the schema has. *Tests*: beside the code, and `tests/held/digital_post.rs`.
//!
//! Sources: the schema of MeMo 1.2 (namespace `https://DigitalPost.dk/MeMo-1`, `MeMo_core.xsd` and `MeMo_dataTypes.xsd` of the
//! Agency for Digital Government's MeMo-lib) and its notice of 23 February 2024 on version 1.2, by which `memoSchVersion` is gone
//! from the root. The schema is not ours to pass on, so `check` is a table of our own, made from it; `tests/held/digital_post.rs`
//! asks the schema itself where `BREVDUE_MEMO_XSD` names it.

mod check;
mod content;
mod outbox;
mod xml;

pub use check::Fault;
pub use content::{Documents, NotTaken};
pub use outbox::{Filed, NotFiled};

use crate::scan::ruleset::Ruleset;
use crate::scan::{Day, Scan};
use chrono::{DateTime, Utc};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The namespace of every version 1.
pub const NAMESPACE: &str = "https://DigitalPost.dk/MeMo-1";

/// `[digital_post]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The folder that the sending system empties.
    pub outbox: PathBuf,
    /// Whose letters they are; `None` is the controller whose mail it is.
    pub sender: Option<Party>,
    /// What made the message (`generatingSystemID`), as the sending system is to know it.
    pub system: String,
    /// The letter's title, which the recipient sees in a list and in a notification.
    pub label: String,
    /// The text of the notification by SMS or mail; `None` leaves Digital Post's own.
    pub notification: Option<String>,
    /// Likewise, the longer one.
    pub additional_notification: Option<String>,
    /// Media types that Digital Post takes, in lower case.
    pub file_types: Vec<String>,
    /// The most bytes that the documents of one letter may have, decoded.
    pub max_bytes: u64,
    /// Recipients that the configuration names.
    pub mappings: Vec<Mapping>,
}

/// One `[[digital_post.mapping]]`: an authority that mail of a source to these addresses is meant for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// As the register calls it.
    pub name: String,
    /// Senders, as [`crate::envelope::Address::is_named_by`] reads them; never empty.
    pub from: Vec<String>,
    /// Recipients of the mail, likewise; never empty, and every recipient of a mail must be among them.
    pub to: Vec<String>,
    /// The authority.
    pub recipient: Recipient,
    /// In the place of the settings' title.
    pub label: Option<String>,
    /// Whether it needs no person: held mail that it names leaves by itself.
    pub automatic: bool,
}

/// A sender: an authority and its CVR number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Eight digits.
    pub cvr: String,
    /// Its name, as the recipient sees it.
    pub label: String,
}

/// Who gets it. Made from what a person or the configuration said, never from a mail. `Debug` prints no person's number.
#[derive(Clone, PartialEq, Eq)]
pub enum Recipient {
    /// A person: ten digits.
    Cpr(Zeroizing<String>),
    /// An authority or a company: eight digits.
    Cvr(String),
}

impl Recipient {
    /// A person, by the digits of a number that the caller has read as one.
    pub fn person(digits: &[u8; 10]) -> Self {
        Self::Cpr(Zeroizing::new(digits.iter().copied().map(char::from).collect()))
    }

    /// An authority or a company; `None` unless it is eight digits.
    pub fn organisation(cvr: &str) -> Option<Self> {
        let is_one = cvr.len() == 8 && cvr.bytes().all(|byte| byte.is_ascii_digit());
        is_one.then(|| Self::Cvr(cvr.to_owned()))
    }

    /// `idType` and `recipientID`; what it gives belongs into a sealed file or into a MeMo, and nowhere else.
    pub fn reveal(&self) -> (&'static str, &str) {
        match self {
            Self::Cpr(digits) => ("CPR", digits),
            Self::Cvr(cvr) => ("CVR", cvr),
        }
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpr(_) => out.write_str("Cpr(*)"),
            Self::Cvr(cvr) => write!(out, "Cvr({cvr})"),
        }
    }
}

/// Why a mail cannot be a letter. It says nothing of the mail but kinds and counts, digits starred.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A file of a kind that Digital Post does not take.
    #[error("a file of the type {0} is not in `[digital_post] file_types`")]
    FileType(String),
    /// Too much of it.
    #[error("its documents have more than {0} bytes (`[digital_post] max_mb`)")]
    TooLarge(u64),
    /// A part of it could not be read as it was meant, so that a document may be missing.
    #[error("it cannot be taken apart without doubt: {0}")]
    Doubtful(&'static str),
    /// Nobody is named as its recipient or as its sender: why.
    #[error("{0}")]
    Unnamed(&'static str),
    /// A number where none may stand.
    #[error("what looks like a CPR number stands outside recipientID and the documents, in {0}")]
    Number(String),
    /// It breaks the order of the schema: a fault of ours, or of a setting.
    #[error("not a valid MeMo: {0}")]
    Invalid(#[from] Fault),
}

/// A letter to be made.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// Names the message: the same for every try, so that whoever gets it twice can tell.
    pub uuid: &'a str,
    /// Whose letter it is.
    pub sender: &'a Party,
    /// What made it.
    pub system: &'a str,
    /// Who gets it.
    pub recipient: &'a Recipient,
    /// Its title.
    pub label: &'a str,
    /// The text of the notification.
    pub notification: Option<&'a str>,
    /// The longer one.
    pub additional_notification: Option<&'a str>,
    /// When it was made.
    pub created: DateTime<Utc>,
}

impl Letter<'_> {
    /// Makes the message, reads it back against the schema's order, and has our own scanner read what is no document.
    ///
    /// # Errors
    /// When it is not valid, or a number stands where none may.
    pub fn make(&self, documents: &Documents, rules: &Arc<Ruleset>, today: Day) -> Result<Checked, Unfit> {
        let message = xml::message(self, documents);
        for (place, text) in check::read(&message)? {
            if has_number(&text, rules, today) {
                return Err(Unfit::Number(place));
            }
        }
        Ok(Checked { uuid: self.uuid.to_owned(), message })
    }
}

/// A message that is valid and holds numbers only where MeMo allows them. Made only by [`Letter::make`].
pub struct Checked {
    uuid: String,
    message: String,
}

impl Checked {
    /// The message.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// Whether our own scanner finds anything in a text, sure or not: a title or a notification is no place to be unsure.
pub fn has_number(text: &str, rules: &Arc<Ruleset>, today: Day) -> bool {
    let mut scan = Scan::new(Arc::clone(rules), today);
    scan.feed(format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n").as_bytes());
    scan.finish().count() > 0
}

/// A UUID of version 4 (RFC 9562 §5.4), which is what MeMo asks for, from sixteen bytes.
pub fn uuid(bytes: [u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.into_iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let byte = match at {
            6 => byte & 0x0F | 0x40,
            8 => byte & 0x3F | 0x80,
            _ => byte,
        };
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(nibble.into(), 16).unwrap_or('0'));
        }
    }
    text
}

#[cfg(test)]
mod tests;
