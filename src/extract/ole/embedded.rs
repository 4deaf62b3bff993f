//! Files within compound files: what was dragged into a document lies in streams of a few known names.

use crate::extract::bytes::{part, size_at, u16_at, until_nul};
use crate::extract::codepage;
use crate::extract::content::{Member, Page, Unread};
use encoding_rs::WINDOWS_1252;
use std::io::Read;

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
/// record before them, which knows their size. They are files to whoever reads pictures; of the others, which nobody
/// reads, metafiles hold their texts as such, packed.
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
    drawn(stream, page);
}

/// Pictures that are drawn by commands (EMF, WMF, PICT), and those of dots in forms of old (DIB, TIFF).
fn drawn(stream: &[u8], page: &mut Page<'_>) {
    // How their records begin, and how many bytes of checksums follow: one or two.
    const RECORDS: [([u8; 4], usize); 10] = [
        ([0x40, 0x3D, 0x1A, 0xF0], 16),
        ([0x50, 0x3D, 0x1A, 0xF0], 32),
        ([0x60, 0x21, 0x1B, 0xF0], 16),
        ([0x70, 0x21, 0x1B, 0xF0], 32),
        ([0x20, 0x54, 0x1C, 0xF0], 16),
        ([0x30, 0x54, 0x1C, 0xF0], 32),
        ([0x80, 0x7A, 0x1F, 0xF0], 16),
        ([0x90, 0x7A, 0x1F, 0xF0], 32),
        ([0x40, 0x6E, 0x29, 0xF0], 16),
        ([0x50, 0x6E, 0x29, 0xF0], 32),
    ];
    let mut is_any = false;
    for (record, checksums) in RECORDS {
        for at in memchr::memmem::find_iter(stream, &record) {
            if page.is_full() {
                return;
            }
            is_any = true;
            // Sizes stand in 34 bytes before what zlib packed.
            let packed = stream.get(at + 8 + checksums + 34..).unwrap_or_default();
            let mut open = Vec::new();
            let most = page.left().min(16 << 20);
            if flate2::read::ZlibDecoder::new(packed).take(most).read_to_end(&mut open).is_ok() {
                super::scraps(&open, page);
            }
        }
    }
    if is_any {
        page.unread(Unread::Picture);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::ole::tests::told;
    use std::io::Write;

    #[test]
    fn pictures_are_files_and_the_texts_of_metafiles_are_read() {
        let png = b"\x89PNG\r\n\x1A\n123";
        let size = u32::try_from(17 + png.len()).unwrap().to_le_bytes();
        let dots = [&[0x00, 0x6E, 0x1E, 0xF0][..], &size, &[7; 17], png, b"behind"].concat();
        let (text, unread) = told(&dots, pictures);
        assert_eq!((text.as_str(), unread.len()), ("<picture.png>\u{FFFD}PNG\r\n\u{1A}\n123", 0));
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        packed
            .write_all(&"150379-1028".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>())
            .unwrap();
        let lines = [&[0x50, 0x3D, 0x1A, 0xF0, 0, 0, 0, 0][..], &[0; 66], &packed.finish().unwrap()].concat();
        assert_eq!(told(&lines, pictures), ("150379-1028\n".to_owned(), vec![Unread::Picture]));
    }

    #[test]
    fn a_wrapping_that_is_none_is_told_as_it_is() {
        assert_eq!(told(b"\x05\0\0\0hello", native).0, "<object>hello");
        assert_eq!(told(b"", native).0, "<object>");
    }
}
