//! What a document in RTF has besides text: pictures, objects, and what drawings and groups that nobody knows say.

use super::{Reader, digits};
use crate::extract::bytes::{part, size_at, u32_at, until_nul};
use crate::extract::content::{Page, Unread};
use crate::extract::ole;

/// The bytes of a file.
pub(super) enum File {
    Picture(Vec<u8>),
    Object(Vec<u8>),
}

impl Reader<'_, '_> {
    pub(super) fn judge_unknown(&mut self) {
        let text = std::mem::take(&mut self.unknown);
        let is_hex = text.len() > 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b' ');
        if digits(&text) && !is_hex {
            self.beside.push('\n');
            self.beside.push_str(&text);
            self.beside.push('\n');
        }
    }

    /// A drawing says something: what it shows to those who do not see it, its address, its letters.
    pub(super) fn drawn(&mut self) {
        let (name, value) = &self.drawing;
        if ["wz", "gtext", "pihl"].iter().any(|start| name.starts_with(start)) {
            self.beside.push_str(value);
            self.beside.push('\n');
        }
    }

    /// A picture ends.
    pub(super) fn picture(&mut self) {
        let (bytes, _) = std::mem::take(&mut self.hex);
        self.files.push(File::Picture(bytes));
    }

    /// An object ends.
    pub(super) fn object(&mut self) {
        let (bytes, _) = std::mem::take(&mut self.hex);
        self.files.push(File::Object(bytes));
    }

    pub(super) fn tell_files(&mut self) {
        for file in std::mem::take(&mut self.files) {
            match file {
                File::Picture(bytes) => picture(&bytes, self.page),
                File::Object(bytes) => object(&bytes, self.page),
            }
        }
        self.page.leave();
    }
}

fn picture(bytes: &[u8], page: &mut Page<'_>) {
    // A smaller one has no room for a text.
    const LARGE: usize = 4096;
    if ole::is_file(bytes) {
        let name = if bytes.starts_with(b"\xFF") { "picture.jpg" } else { "picture.png" };
        ole::tell(name, bytes, page);
    } else if bytes.len() > LARGE {
        // A metafile's texts lie in it as they are.
        ole::scraps(bytes, page);
        page.unread(Unread::Picture);
    }
}

/// An object in OLE 1.0 (MS-OLEDS §2.2): version, kind, three names, and its bytes.
fn object(bytes: &[u8], page: &mut Page<'_>) {
    match unwrap(bytes) {
        Some((b"Package", native)) => ole::package(native, page),
        Some((_, native)) => ole::tell("object", native, page),
        None if bytes.is_empty() => {}
        None => {
            let at = memchr::memmem::find(bytes, ole::MAGIC).unwrap_or_default();
            ole::tell("object", bytes.get(at..).unwrap_or_default(), page);
        }
    }
}

/// The kind of an embedded object and its own bytes.
fn unwrap(object: &[u8]) -> Option<(&[u8], &[u8])> {
    const EMBEDDED: u32 = 2;
    if u32_at(object, 4)? != EMBEDDED {
        return None;
    }
    let mut at = 8;
    let mut class = &[][..];
    for nr in 0..3 {
        let size = size_at(object, at)?;
        if nr == 0 {
            class = until_nul(part(object, at + 4, size));
        }
        at = at.checked_add(4)?.checked_add(size)?;
    }
    let size = size_at(object, at)?;
    Some((class, part(object, at.checked_add(4)?, size)))
}
