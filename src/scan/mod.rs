//! Is there a CPR number in it?
//!
//! [`Scan`] takes the bytes of a message as they come and ends in a [`Report`]: what was found, what could
//! not be read, whether the content is protected. It does no I/O, reads no clock, and cannot fail: what could
//! not be read is data. Memory is flat, whatever the message, and serves the next one (`spare`). Start reading at [`Scan`]; the text goes
//! through `window`, a candidate is weighed in `context`. Tests: `tests/` (corpus, chunking) and here.

pub mod beside;
pub mod coverage;
pub mod finding;
pub mod ruleset;

mod context;
mod evidence;
mod explained;
mod key;
mod labels;
mod neighbours;
mod persons;
mod reader;
mod render;
mod report;
mod seen;
mod sketch;
mod spare;
mod subject;
mod table;
mod unseen;
mod window;

pub use crate::cpr::date::Day;
pub use evidence::Reason;
pub use explained::{Bare, Explained};
pub use persons::Persons;
pub use report::{Protection, Report, Verdict};
pub use sketch::Sketch;
pub use subject::Subject;

use crate::extract::Opener;
use reader::Reader;
use ruleset::Ruleset;
use std::sync::Arc;

/// One message being read.
pub struct Scan {
    open: Box<spare::Machine>,
}

impl Scan {
    /// Begins a message under these rules; `today` decides who is born.
    pub fn new(rules: Arc<Ruleset>, today: Day) -> Self {
        Self { open: spare::take(rules, today) }
    }

    /// Begins a single document of this media type instead of a message, e.g. `text` / `csv`.
    pub fn document(rules: Arc<Ruleset>, today: Day, name: &str) -> DocumentScan {
        DocumentScan { reader: Reader::document(rules, today, name) }
    }

    /// Keeps the evidence of every candidate too, for [`Self::finish_explained`].
    #[must_use]
    pub fn explaining(mut self) -> Self {
        self.open.reader.explain();
        self
    }

    /// Has documents opened by `opener`, when the message has ended; without, they are unread.
    #[must_use]
    pub fn opening(mut self, opener: Arc<dyn Opener>) -> Self {
        self.open.reader.open_by(opener);
        self
    }

    /// Whether a document waits to be opened, so that [`Self::finish`] takes a while: not on a thread that others
    /// wait for.
    pub fn has_documents(&self) -> bool {
        self.open.reader.has_documents()
    }

    /// Reads the next bytes of the message, cut anywhere.
    pub fn feed(&mut self, bytes: &[u8]) {
        let spare::Machine { walker, reader } = &mut *self.open;
        reader.count(bytes.len());
        walker.feed(bytes, reader);
    }

    /// How many findings have been kept whole so far: a door may stop reading when the verdict is sure and
    /// the evidence enough.
    pub fn kept(&self) -> usize {
        self.open.reader.report().findings.len()
    }

    /// Whether a leak has been found so far.
    pub fn leaks(&self) -> bool {
        self.open.reader.leaks()
    }

    /// The message's subject, once its header has ended.
    pub fn subject(&self) -> Option<&Subject> {
        self.open.reader.subject()
    }

    /// Ends the message.
    pub fn finish(self) -> Report {
        self.finish_explained().0
    }

    /// Ends the message, and says what became of every candidate and why: see [`Self::explaining`].
    pub fn finish_explained(mut self) -> (Report, Vec<Explained>) {
        let spare::Machine { walker, reader } = &mut *self.open;
        walker.end(reader);
        let ended = reader.take_explained();
        spare::keep(self.open);
        ended
    }
}

/// One document being read; see [`Scan::document`].
pub struct DocumentScan {
    reader: Reader,
}

impl DocumentScan {
    /// As [`Scan::opening`].
    #[must_use]
    pub fn opening(mut self, opener: Arc<dyn Opener>) -> Self {
        self.reader.open_by(opener);
        self
    }

    /// As [`Scan::explaining`].
    #[must_use]
    pub fn explaining(mut self) -> Self {
        self.reader.explain();
        self
    }

    /// As [`Scan::finish_explained`].
    pub fn finish_explained(mut self) -> (Report, Vec<Explained>) {
        crate::mime::PartSink::leave(&mut self.reader);
        self.reader.take_explained()
    }

    /// Reads the next bytes, cut anywhere.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.reader.count(bytes.len());
        crate::mime::PartSink::data(&mut self.reader, bytes);
    }

    /// Ends the document.
    pub fn finish(mut self) -> Report {
        crate::mime::PartSink::leave(&mut self.reader);
        self.reader.take_explained().0
    }
}
