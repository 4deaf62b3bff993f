//! What leaves on paper: the copy sheet for Virk, letters, notices, the register, and how mail is sent.
//!
//! *What it is*: a case and what surrounds it come in as they stand in the register, a [`Paper`] goes out, and a renderer makes
//! text, HTML, CSV, XLSX or PDF of it. *What it never does*: read the register, write a file, ask the time; send anything to
//! Datatilsynet, or say that it was sent. No document holds a number: each passes our own scanner ([`check`]) as text before it is
//! made and as a file after. *Start reading at* [`copy_sheet`], the longest document, and [`paper`], which all are made of.
//! *Tests*: beside the code, and `tests/paper.rs`.

pub mod check;
pub mod copy_sheet;
pub mod encryption;
pub mod file;
pub mod html;
pub mod letter;
pub mod notice;
pub mod paper;
pub mod pdf;
pub mod register;
pub mod severity;
pub mod text;
pub mod words;

pub use check::Reader;
pub use paper::Paper;

use crate::store::{CaseFile, Surroundings};
use chrono::{DateTime, Utc};

/// A case with all that a document about it shows.
#[derive(Clone, Copy, Debug)]
pub struct Whole<'a> {
    /// The case.
    pub file: &'a CaseFile,
    /// What surrounds it.
    pub around: &'a Surroundings,
    /// When the document is made.
    pub now: DateTime<Utc>,
}

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Our own scanner found a number in it.
    #[error(
        "{0} would hold what looks like a CPR number, so it was not written: find the field it stands in and say it without the \
         number / dokumentet ville indeholde et CPR-nummer og er ikke skrevet"
    )]
    Number(String),
    /// A near miss is not notified, and nobody is written to about it.
    #[error("{0} is a near miss: nothing got out, so there is nothing to notify and nobody to tell")]
    NearMiss(String),
    /// A supplement to nothing.
    #[error(
        "{0} has no notification in the register that could be supplemented: take --kind preliminary first"
    )]
    NotNotified(String),
    /// The file could not be made.
    #[error("cannot make the {what}: {why}")]
    Made {
        /// Which.
        what: &'static str,
        /// What the library says.
        why: String,
    },
}
