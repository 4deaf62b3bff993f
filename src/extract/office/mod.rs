//! Office Open XML and OpenDocument: a ZIP of XML files that are told as lines and rows, and of files that are told as
//! they are.
//!
//! What a file in the package is, its own first element says, and never its name: a part that was renamed, that nothing
//! refers to or that stands in another format's place is read like any other. Every file is told, as text or as it is,
//! but for the few in [`is_mute`]; one that breaks while it is read is told as it is besides. So nothing in a package
//! escapes, whatever was not foreseen. Start reading at [`read`].

pub(super) mod flat;
mod lines;
mod number_format;
mod odf;
mod ooxml;
mod package;
mod pivot;
mod rows;
mod sheet;
mod text;
mod unseen;
mod xml;

#[cfg(test)]
mod tests;

use super::archive::zip::Archive;
use super::content::Page;
use package::Package;

/// Tells what is in a package; `false`, and nothing, when the archive is none.
pub(in crate::extract) fn read(archive: &mut Archive<'_>, size: u64, page: &mut Page<'_>) -> bool {
    if !is_package(archive) {
        return false;
    }
    let mut package = Package::new(archive, size, page);
    if package.find("mimetype").is_some() || package.find("content.xml").is_some() {
        odf::read(&mut package, page);
    }
    // A package of both forms is read as both.
    ooxml::read(&mut package, page);
    package.tell_rest(page);
    true
}

/// Whether an archive is laid out as one. A book for reading aloud or a program is not, and is told file by file.
fn is_package(archive: &Archive<'_>) -> bool {
    (0..archive.len()).any(|nr| {
        let Some(Ok(name)) = archive.name_for_index(nr) else { return false };
        // Of OpenDocument the text is enough: readers repair what has lost the rest. The last one is all of a document
        // that is encrypted as one, since OpenDocument 1.3.
        let names = ["[Content_Types].xml", "_rels/.rels", "content.xml", "encrypted-package"];
        names.iter().any(|known| name.eq_ignore_ascii_case(known))
    })
}

/// Whether a file of a package says nothing to anybody: fonts, which only look like the text that is told anyway.
fn is_mute(name: &str, bytes: &[u8]) -> bool {
    const FONTS: [&[u8]; 5] = [b"\0\x01\0\0", b"OTTO", b"true", b"wOFF", b"wOF2"];
    // The first bytes of fonts in Office Open XML are masked, so only their names tell.
    let is_masked = name.as_bytes().ends_with(b".odttf") || name.as_bytes().ends_with(b".fntdata");
    let is_font = is_masked || FONTS.iter().any(|first| bytes.starts_with(first));
    // A name is a claim, and a word is no signature: what may be a text or another document is told.
    let is_binary = bytes.iter().take(512).any(|byte| *byte == 0);
    let is_other = [b"PK\x03\x04".as_slice(), b"%PDF", b"\xD0\xCF\x11\xE0", b"\xFF\xFE", b"\xFE\xFF"];
    is_font && is_binary && !is_other.iter().any(|first| bytes.starts_with(first))
}

/// Whether a file is the small picture of a document that file managers show: what it shows is read in the document.
fn is_thumbnail(name: &str, bytes: &[u8]) -> bool {
    const MOST: usize = 512 * 1024;
    let name = name.to_ascii_lowercase();
    let is_picture = bytes.starts_with(b"\x89PNG") || bytes.starts_with(b"\xFF\xD8\xFF");
    let is_named = name.starts_with("thumbnails/thumbnail.") || name.starts_with("docprops/thumbnail.");
    is_named && is_picture && bytes.len() <= MOST
}
