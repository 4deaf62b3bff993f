//! Files within compound files: what was dragged into a document lies in streams of a few known names.

use crate::extract::bytes::{part, size_at, u16_at, until_nul};
use crate::extract::codepage;
use crate::extract::content::{Member, Page};
use encoding_rs::WINDOWS_1252;

/// How files begin that are told as such wherever they lie.
const BEGINNINGS: [&[u8]; 7] = [
    b"%PDF-",
    b"PK\x03\x04",
    super::MAGIC,
    b"{\\rtf",
    b"\x89PNG\r\n\x1A\n",
    b"\xFF\xD8\xFF",
    b"7z\xBC\xAF\x27\x1C",
];

/// Whether these bytes are a file by their beginning.
pub(in crate::extract) fn is_file(bytes: &[u8]) -> bool {
    BEGINNINGS.iter().any(|beginning| bytes.starts_with(beginning))
}

/// Tells a file.
pub(in crate::extract) fn tell(name: &str, bytes: &[u8], page: &mut Page<'_>) {
    page.enter(Member::file(name));
    page.data(bytes);
    page.leave();
}

/// Tells the file in a stream `\x01Ole10Native`: its size, and what [`package`] takes.
pub(super) fn native(stream: &[u8], page: &mut Page<'_>) {
    let size = size_at(stream, 0).unwrap_or_default();
    package(part(stream, 4, size), page);
}

/// Tells the file that the Packager of Windows wrapped: label, path, path again, the file. Where it is none of its
/// wrappings, what is there is told as it is.
pub(in crate::extract) fn package(native: &[u8], page: &mut Page<'_>) {
    match unwrap(native) {
        Some((name, file)) => tell(&name, file, page),
        None => tell("object", native, page),
    }
}

fn unwrap(native: &[u8]) -> Option<(String, &[u8])> {
    if u16_at(native, 0)? != 2 {
        return None;
    }
    let label = until_nul(native.get(2..)?);
    let mut at = 2 + label.len() + 1;
    let path = until_nul(native.get(at..)?);
    at += path.len() + 1 + 4;
    let again = size_at(native, at)?;
    at = at.checked_add(4)?.checked_add(again)?;
    let size = size_at(native, at)?;
    let file = part(native, at.checked_add(4)?, size);
    // The label is what people read; the path is somebody's folder, and its end the file's name.
    let path = path.rsplit(|byte| *byte == b'\\' || *byte == b'/').next().unwrap_or_default();
    let name = if label.is_empty() { path } else { label };
    let name = codepage::decode(WINDOWS_1252, name);
    Some((if name.is_empty() { "object".to_owned() } else { name }, file))
}

/// Tells the pictures of Office's drawings in a stream (MS-ODRAW §2.2.23): JPEG and PNG, by their own first bytes and the
/// record before them, which knows their size. They are files to whoever reads pictures.
pub(super) fn pictures(stream: &[u8], page: &mut Page<'_>) {
    const FORMS: [(&[u8], [u8; 2], &str); 2] =
        [(b"\xFF\xD8\xFF", [0x1D, 0xF0], "picture.jpg"), (b"\x89PNG\r\n\x1A\n", [0x1E, 0xF0], "picture.png")];
    for (magic, record, name) in FORMS {
        for at in memchr::memmem::find_iter(stream, magic) {
            // One or two checksums of 16 bytes and a mark stand between the record's head and the picture.
            let sized = [17, 33].into_iter().find_map(|gap: usize| {
                let head = at.checked_sub(gap + 8)?;
                let size = size_at(stream, head + 4)?.checked_sub(gap)?;
                (stream.get(head + 2..head + 4) == Some(&record)).then_some(size)
            });
            if page.is_full() {
                return;
            }
            if let Some(size) = sized {
                tell(name, part(stream, at, size), page);
            }
        }
    }
}
