//! 7z: every file, with its name; what is encrypted is told apart from what is broken.

use super::zip::pour;
use crate::extract::content::{Member, Page, Unread};
use sevenz_rust2::{Archive, ArchiveEntry, BlockDecoder, Error, Password};
use std::collections::BTreeSet;
use std::io::{Cursor, Read};

/// Whether a file is an archive of this form.
pub(in crate::extract) fn is(document: &[u8]) -> bool {
    document.starts_with(b"7z\xBC\xAF\x27\x1C")
}

/// Tells what is in an archive.
pub(in crate::extract) fn read(document: &[u8], page: &mut Page<'_>) {
    let (mut source, password) = (Cursor::new(document), Password::empty());
    let archive = match Archive::read(&mut source, &password) {
        Ok(archive) => archive,
        // Even the names are encrypted.
        Err(error) => return page.unread(reason(&error)),
    };
    let mut told = BTreeSet::new();
    // Block by block, since one that is encrypted or broken says nothing of the next; and in this thread, since the
    // ready-made reader asks the system how many it may have.
    for block in 0..archive.blocks.len() {
        let decoder = BlockDecoder::new(1, block, &archive, &password, &mut source);
        let done = decoder.for_each_entries(&mut |entry: &ArchiveEntry, file: &mut dyn Read| {
            told.insert(entry.name().to_owned());
            page.enter(Member::file(entry.name()));
            pour(file, page);
            page.leave();
            Ok(!page.is_full())
        });
        if page.is_full() {
            return;
        }
        if let Err(error) = done {
            page.unread(reason(&error));
        }
    }
    // The names of empty files, and of those that could not be unpacked, can be read all the same.
    for file in archive.files.iter().filter(|file| !file.is_directory() && !told.contains(file.name())) {
        page.enter(Member::file(file.name()));
        page.leave();
    }
}

fn reason(error: &Error) -> Unread {
    match error {
        Error::PasswordRequired | Error::MaybeBadPassword(_) => Unread::Password,
        Error::MaxMemLimited { .. } => Unread::Memory,
        Error::UnsupportedCompressionMethod(_) | Error::UnsupportedVersion { .. } | Error::Unsupported(_) => {
            Unread::UnknownMethod
        }
        Error::BadSignature(_)
        | Error::ChecksumVerificationFailed
        | Error::NextHeaderCrcMismatch
        | Error::Io(..)
        | Error::FileOpen(..)
        | Error::Other(_)
        | Error::BadTerminatedStreamsInfo(_)
        | Error::BadTerminatedUnpackInfo
        | Error::BadTerminatedPackInfo(_)
        | Error::BadTerminatedSubStreamsInfo
        | Error::BadTerminatedHeader(_)
        | Error::ExternalUnsupported
        | Error::FileNotFound => Unread::Damaged,
    }
}
