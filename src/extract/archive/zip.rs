//! ZIP (APPNOTE 6.3): every file of the directory, with its name.

use crate::extract::content::{Member, Page, Unread};
use crate::extract::office;
use ::zip::ZipArchive;
use ::zip::read::ZipFile;
use ::zip::result::ZipError;
use std::borrow::Cow;
use std::io::{Cursor, Read};

/// An archive in memory.
pub(in crate::extract) type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// Tells what is in an archive.
pub(in crate::extract) fn read(document: &[u8], page: &mut Page<'_>) {
    let Ok(mut archive) = ZipArchive::new(Cursor::new(document)) else { return page.unread(Unread::Damaged) };
    if office::read(&mut archive, document.len() as u64, page) {
        return;
    }
    for nr in 0..archive.len() {
        if page.is_full() {
            return;
        }
        tell(&mut archive, nr, page);
    }
}

/// Tells one file of an archive as it is.
pub(in crate::extract) fn tell(archive: &mut Archive<'_>, nr: usize, page: &mut Page<'_>) {
    let name = archive.name_for_index(nr).and_then(Result::ok).map(Cow::into_owned).unwrap_or_default();
    let file = archive.by_index(nr);
    if file.as_ref().is_ok_and(ZipFile::is_dir) {
        return;
    }
    page.enter(Member::file(&name));
    match file {
        Ok(file) => pour(file, page),
        Err(error) => page.unread(reason(&error)),
    }
    page.leave();
}

/// Tells all that a file unfolds to, as far as the limits go.
pub(in crate::extract) fn pour(mut file: impl Read, page: &mut Page<'_>) {
    let mut buffer = vec![0; 64 * 1024];
    while !page.is_full() {
        match file.read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => page.data(buffer.get(..read).unwrap_or_default()),
            Err(_) => return page.unread(Unread::Damaged),
        }
    }
}

/// Why a file of an archive cannot be read.
pub(in crate::extract) fn reason(error: &ZipError) -> Unread {
    if let ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) = error {
        Unread::Password
    } else if let ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_) = error {
        Unread::UnknownForm
    } else {
        Unread::Damaged
    }
}
