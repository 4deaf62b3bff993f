//! gzip (RFC 1952): the one file in it, by the name it had.

use super::zip::pour;
use crate::extract::content::{Member, Page};
use flate2::bufread::MultiGzDecoder;

/// Whether a file is of this form.
pub(in crate::extract) fn is(document: &[u8]) -> bool {
    // The third byte is the one method there is.
    document.starts_with(b"\x1F\x8B\x08")
}

/// Tells the file.
pub(in crate::extract) fn read(document: &[u8], page: &mut Page<'_>) {
    // Files behind each other are one file (RFC 1952 §2.2), and its name is that of the first.
    let file = MultiGzDecoder::new(document);
    let header = file.header();
    if let Some(comment) = header.and_then(|header| header.comment()) {
        page.data(comment);
        page.leave();
    }
    let name = header.and_then(|header| header.filename()).unwrap_or(b"gzip");
    page.enter(Member::file(&String::from_utf8_lossy(name)));
    pour(file, page);
    page.leave();
}
