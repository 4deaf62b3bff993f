//! Documents that are encrypted (MS-OFFCRYPTO): opened when anybody can, else told as locked.
//!
//! Excel encrypts a workbook whose structure is protected with a password that it knows by heart, `VelvetSweatshop`, and
//! opens it without asking; so that is no secret and no protection of what is in it. Any other password is one. The
//! newer form is a package in a stream (`package.rs`), the older one lies over the records of the stream
//! (`workbook.rs`). Start reading at [`package`] and [`workbook()`].

mod key;
mod package;
mod workbook;

use super::compound::Compound;
use super::embedded;
use crate::extract::content::{Page, Unread};

pub(super) use workbook::open as workbook;

/// What Excel tries before it asks.
const PASSWORD: &str = "VelvetSweatshop";

/// Tells an encrypted document of the newer forms (a ZIP archive within).
pub(super) fn package(compound: &Compound<'_>, storage: usize, stream: &[u8], page: &mut Page<'_>) {
    let info = compound.stream_in(storage, "EncryptionInfo").unwrap_or_default();
    match package::open(&info, stream) {
        Some(document) => embedded::tell("Package", &document, page),
        None => page.unread(Unread::Password),
    }
}

#[cfg(test)]
mod tests;
