//! tar (POSIX.1-2001 pax, ustar, GNU): every file, and the names of links.

use super::zip::pour;
use crate::extract::content::{Member, Page, Unread};
use std::borrow::Cow;

/// Where the word of the form stands in the first header.
const MAGIC: std::ops::Range<usize> = 257..262;

/// Whether a file is an archive of this form.
pub(in crate::extract) fn is(document: &[u8]) -> bool {
    document.get(MAGIC) == Some(b"ustar")
}

/// Tells what is in an archive.
pub(in crate::extract) fn read(document: &[u8], page: &mut Page<'_>) {
    let mut archive = ::tar::Archive::new(document);
    let Ok(entries) = archive.entries() else { return page.unread(Unread::Damaged) };
    for entry in entries {
        if page.is_full() {
            return;
        }
        let Ok(entry) = entry else { return page.unread(Unread::Damaged) };
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        // The name that a link points to is text as well.
        let target = entry.link_name_bytes().map(Cow::into_owned);
        let is_folder = entry.header().entry_type().is_dir();
        page.enter(Member::file(&name));
        if let Some(target) = target {
            page.data(&target);
        }
        if !is_folder {
            pour(entry, page);
        }
        page.leave();
    }
}
