//! CMS compressed data (RFC 3274, `smime-type=compressed-data`): a mail that was made smaller, and that anybody can read.
//!
//! Its structure leads to the content as a signature's does, so the same walk finds it; zlib is the one method there is.
//! Tests: below, with a structure made by hand, since the openssl of Debian has no zlib.

use super::archive::zip::pour;
use super::cms::{Ending, Piece, SignedContent};
use super::content::{Member, Page, Unread};
use flate2::read::ZlibDecoder;

/// `id-ct-compressedData` (RFC 3274 §1.1).
const OID: &[u8] = b"\x06\x0B\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x01\x09";
/// In which the walk finds the content type: see `cms` of the room above.
const START: usize = 32;

/// Whether a file is of this form.
pub(super) fn is(document: &[u8]) -> bool {
    let start = document.get(..START).unwrap_or(document);
    document.first() == Some(&0x30) && memchr::memmem::find(start, OID).is_some()
}

/// Tells the mail in it.
pub(super) fn read(document: &[u8], page: &mut Page<'_>) {
    let (mut walk, mut content) = (SignedContent::default(), Vec::new());
    walk.feed(document, &mut |piece| {
        if let Piece::Content(piece) = piece {
            content.extend_from_slice(piece);
        }
    });
    if walk.finish() != Ending::Whole {
        page.unread(Unread::Damaged);
    }
    page.enter(Member { name: "smime.p7z", media: "message/rfc822" });
    pour(ZlibDecoder::new(content.as_slice()), page);
    page.leave();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::content::{Event, Limits};
    use std::io::Write;

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82], length.as_slice(), content].concat()
    }

    fn compressed(mail: &[u8]) -> Vec<u8> {
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        zlib.write_all(mail).unwrap();
        let octets = element(0x04, &zlib.finish().unwrap());
        let data =
            [b"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x01".as_slice(), &element(0xA0, &octets)].concat();
        let algorithm = element(0x30, b"\x06\x0B\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x03\x08");
        let inner = [b"\x02\x01\x00".as_slice(), &algorithm, &element(0x30, &data)].concat();
        element(0x30, &[OID, &element(0xA0, &element(0x30, &inner))].concat())
    }

    fn told(document: &[u8]) -> (Vec<u8>, Vec<Unread>) {
        let (mut bytes, mut unread) = (Vec::new(), Vec::new());
        let mut content = |event: Event<'_>| match event {
            Event::Data(data) => bytes.extend_from_slice(data),
            Event::Unread(why) => unread.push(why),
            Event::Enter(_) | Event::Spot(_) | Event::Leave => {}
        };
        crate::extract::open(document, Limits::default(), &mut content);
        (bytes, unread)
    }

    #[test]
    fn the_mail_comes_out() {
        let mail = b"Content-Type: text/plain\r\n\r\nCPR-nr.: 150379-1028\r\n";
        let whole = compressed(mail);
        assert!(is(&whole));
        assert_eq!(told(&whole), (mail.to_vec(), Vec::new()));
        // Torn, and a bomb.
        let torn = told(&whole[..whole.len() - 8]).1;
        assert!(!torn.is_empty() && torn.iter().all(|why| *why == Unread::Damaged), "{torn:?}");
        let bomb = compressed(&vec![b'x'; 12 * 1024 * 1024]);
        assert_eq!(told(&bomb).1, [Unread::TooCompressed]);
    }
}
