//! Documents that the tests and the benches make: writers of every form that is opened, and a small document of each.
//!
//! Shared by the unit tests of the readers, the integration tests and the bench (`#[path]`), so it knows none of them.
//! What is in them is made up. Start reading at [`SMALL`].

#![allow(dead_code, unused_imports, reason = "each of those who share it uses some of it")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "it writes to memory what stands here, and a mistake is to be seen at once"
)]

use std::io::{Cursor, Write};
use std::path::Path;

pub(crate) mod archives;
pub(crate) mod excel;
pub(crate) mod message;
pub(crate) mod office;
pub(crate) mod pdf;
pub(crate) mod slides;
pub(crate) mod small;
pub(crate) mod tnef;
pub(crate) mod word;

pub(crate) use small::{SMALL, Small};

/// A compound file with these streams; what lies before a slash is a storage.
pub(crate) fn compound(streams: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    for (name, bytes) in streams {
        let path = Path::new("/").join(name);
        file.create_storage_all(path.parent().unwrap()).unwrap();
        file.create_stream(&path).unwrap().write_all(bytes).unwrap();
    }
    file.flush().unwrap();
    file.into_inner().into_inner()
}

pub(crate) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A mail with these files.
pub(crate) fn mail(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut mail = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_vec();
    for (name, content) in files {
        let head = format!(
            "--b\r\nContent-Type: application/octet-stream; name=\"{name}\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        );
        mail.extend_from_slice(head.as_bytes());
        mail.extend_from_slice(data_encoding::BASE64_MIME.encode(content).as_bytes());
        mail.extend_from_slice(b"\r\n");
    }
    mail.extend_from_slice(b"--b--\r\n");
    mail
}
