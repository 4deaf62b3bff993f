//! ZIP (APPNOTE 6.3): every file of the directory, with its name.

use crate::extract::content::{Member, Page, Unread};
use ::zip::ZipArchive;
use ::zip::result::ZipError;
use std::borrow::Cow;
use std::io::{Cursor, Read};

/// Tells what is in an archive.
pub(in crate::extract) fn read(document: &[u8], page: &mut Page<'_>) {
    let Ok(mut archive) = ZipArchive::new(Cursor::new(document)) else { return page.unread(Unread::Damaged) };
    let mut buffer = vec![0; 64 * 1024];
    for nr in 0..archive.len() {
        if page.is_full() {
            return;
        }
        let name = archive.name_for_index(nr).and_then(Result::ok).map(Cow::into_owned).unwrap_or_default();
        match archive.by_index(nr) {
            Ok(file) if file.is_dir() => {}
            Ok(mut file) => {
                page.enter(Member::file(&name));
                loop {
                    match file.read(&mut buffer) {
                        Ok(0) => break,
                        Ok(read) => page.data(buffer.get(..read).unwrap_or_default()),
                        Err(_) => {
                            page.unread(Unread::Damaged);
                            break;
                        }
                    }
                    if page.is_full() {
                        return;
                    }
                }
                page.leave();
            }
            Err(error) => {
                page.enter(Member::file(&name));
                page.unread(match error {
                    ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => Unread::Password,
                    ZipError::UnsupportedArchive(_) => Unread::UnknownForm,
                    _ => Unread::Damaged,
                });
                page.leave();
            }
        }
    }
}
