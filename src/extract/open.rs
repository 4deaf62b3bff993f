//! Opens a document: finds out what it is by its content, and has the reader of that form tell what is in it.
//!
//! A file may be of more than one form (a PDF with an archive behind it): it is read as each that it is. Readers of forms
//! take whole documents, because archives and PDF begin at their end; so this runs where a budget holds, in a worker.
//! Start reading at [`open`].

use super::content::{Content, Limits, Page, Unread};
use super::office::flat;
use super::{archive, compressed, ole, pdf, raw, rtf, tnef};
use std::sync::Arc;

/// A form of documents that is opened.
struct Form {
    /// Whether a file of these bytes is of this form. Its name and its label do not matter.
    is: fn(&[u8]) -> bool,
    /// Tells what is in it.
    read: fn(&[u8], &mut Page<'_>),
}

const FORMS: &[Form] = &[
    Form { is: pdf::is, read: pdf::read },
    Form { is: is_zip, read: archive::zip::read },
    Form { is: archive::seven::is, read: archive::seven::read },
    Form { is: archive::tar::is, read: archive::tar::read },
    Form { is: archive::gzip::is, read: archive::gzip::read },
    Form { is: ole::is, read: ole::read },
    Form { is: rtf::is, read: rtf::read },
    Form { is: flat::is_whole, read: flat::read },
    Form { is: tnef::is, read: tnef::read },
    Form { is: compressed::is, read: compressed::read },
];

/// Tells what is in a document.
pub fn open(document: &[u8], limits: Limits, content: &mut dyn Content) {
    let mut page = Page::new(content, limits, document.len() as u64);
    if document.len() as u64 > limits.bytes {
        return page.stop(Unread::TooLarge);
    }
    forms(document, &mut page);
    page.leave();
}

/// Tells what is in a document as each form that it is.
pub(super) fn forms(document: &[u8], page: &mut Page<'_>) {
    let mut known = false;
    for form in FORMS.iter().filter(|form| (form.is)(document)) {
        known = true;
        (form.read)(document, page);
        page.leave();
    }
    if !known {
        page.unread(Unread::UnknownForm);
        raw::sweep(document, page);
    }
}

/// An archive is found from its end, and may stand behind anything (APPNOTE 6.3 §4.3.16).
fn is_zip(document: &[u8]) -> bool {
    const END: &[u8] = b"PK\x05\x06";
    let tail = document.len().saturating_sub(22 + 65_535);
    document.starts_with(b"PK\x03\x04")
        || memchr::memmem::rfind(document.get(tail..).unwrap_or_default(), END).is_some()
}

/// A document that gathers its bytes until it is opened.
pub trait Document: Send + Sync {
    /// The next bytes, cut anywhere.
    fn data(&mut self, bytes: &[u8]);

    /// It is whole: tells what is in it. May take a while, and never fails: what could not be read is told.
    fn open(self: Box<Self>, content: &mut dyn Content);
}

/// How a document is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By its form: see [`open`].
    Document,
    /// As a picture, in which letters are recognised.
    Picture,
}

/// Who opens documents.
pub trait Opener: Send + Sync {
    /// Begins to gather one; `None` when those of this kind are not opened.
    fn begin(self: Arc<Self>, kind: Kind) -> Option<Box<dyn Document>>;

    /// How many documents one may lie within to be opened.
    fn deepest(&self) -> usize;
}
