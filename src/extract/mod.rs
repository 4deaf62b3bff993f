//! What a part really is, told by its first bytes before its label.
//!
//! A label is a claim: a `.zip` called `logo.png` would pass a policy that lets pictures through. [`sniff`] tells what can
//! be read as text from what cannot; [`open`](open()) tells what is in a document, to a [`content::Content`], and runs in
//! a process of its own (`worker`). Each form has a file or a folder: `pdf`, `office` (OOXML, OpenDocument), `ole` (Office
//! until 2007, Outlook), `rtf`, `tnef`, `archive`; `raw` is the last resort. No I/O. Start reading at [`sniff`].

mod archive;
mod bytes;
pub mod cms;
mod codepage;
mod compressed;
pub mod content;
pub mod fold;
#[cfg(test)]
#[path = "../../tests/support/documents/mod.rs"]
mod made;
mod mapi;
mod office;
mod ole;
mod open;
mod pdf;
pub mod pgp;
mod raw;
mod rtf;
mod shown;
mod tnef;

pub use open::{Document, Kind, Opener, open};

/// How many first bytes [`sniff`] wants; fewer when the part is shorter. A PDF may begin within the first 1024.
pub const HEAD: usize = 1024 + PDF.len();

/// How many of them tell text from what is none.
const TELLING: usize = 512;

/// With what a PDF begins, and a digit of its version follows.
const PDF: &[u8] = b"%PDF-";

/// What a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// Can be read as text.
    Text,
    /// Claims to be text and holds NUL bytes: read as text, and some readers may see something else.
    DoubtfulText,
    /// A picture, a sound or a film, of this form.
    Image(&'static str),
    /// A document, an archive or unknown bytes, of this form.
    Document(&'static str),
    /// CMS enveloped data (RFC 5652 §6): encrypted to its reader.
    CmsEnveloped,
    /// CMS signed data with its content inside (RFC 5652 §5): readable by anybody who opens it.
    CmsSigned,
    /// An encrypted PGP message, armoured (RFC 9580 §6.2) or not.
    PgpMessage,
    /// Armour of a PGP message that is not encrypted, or of nothing that can be told.
    PgpReadable,
}

/// What the headers claim.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The media type's first half, lower case.
    pub main: &'a str,
    /// Its second half, lower case.
    pub sub: &'a str,
}

/// First bytes of forms that are not text.
const SIGNATURES: &[(&[u8], Nature)] = &[
    (b"%PDF-", Nature::Document("pdf")),
    (b"PK\x03\x04", Nature::Document("zip")),
    (b"PK\x05\x06", Nature::Document("zip")),
    (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", Nature::Document("ole")),
    (b"{\\rtf", Nature::Document("rtf")),
    (b"7z\xBC\xAF\x27\x1C", Nature::Document("7z")),
    (b"Rar!\x1A\x07", Nature::Document("rar")),
    (b"\x1F\x8B", Nature::Document("gzip")),
    (b"BZh", Nature::Document("bzip2")),
    (b"\xFD7zXZ\x00", Nature::Document("xz")),
    (b"\x28\xB5\x2F\xFD", Nature::Document("zstd")),
    (b"\x78\x9F\x3E\x22", Nature::Document("tnef")),
    (b"\x89PNG\r\n\x1A\n", Nature::Image("png")),
    (b"\xFF\xD8\xFF", Nature::Image("jpeg")),
    (b"GIF87a", Nature::Image("gif")),
    (b"GIF89a", Nature::Image("gif")),
    (b"II*\x00", Nature::Image("tiff")),
    (b"MM\x00*", Nature::Image("tiff")),
    (b"\x00\x00\x01\x00", Nature::Image("icon")),
    (b"ID3", Nature::Image("mp3")),
    (b"OggS", Nature::Image("ogg")),
    (b"\x1A\x45\xDF\xA3", Nature::Image("matroska")),
    (b"-----BEGIN PGP MESSAGE-----", Nature::PgpMessage),
];

/// The bytes with which they begin.
#[expect(clippy::indexing_slicing, reason = "in a constant: out of bounds does not compile")]
const FIRST: [bool; 256] = {
    let mut first = [false; 256];
    let mut nr = 0;
    while nr < SIGNATURES.len() {
        first[SIGNATURES[nr].0[0] as usize] = true;
        nr += 1;
    }
    first
};

/// Tells what a part is from its first [`HEAD`] bytes (all of it when shorter) and its claim. What the bytes
/// say goes before what the label says; a picture is one only when its bytes are.
pub fn sniff(head: &[u8], claim: Claim<'_>) -> Nature {
    let all = head;
    let head = head.get(..TELLING).unwrap_or(head);
    let nature = signature(head);
    // Most parts have no such byte in all their head, and this is all that they are asked.
    if memchr::memchr(b'%', all).is_some() && is_pdf_within(all, nature, claim) {
        return Nature::Document("pdf");
    }
    if let Some(nature) = nature {
        return nature;
    }
    // None is shorter: its first element names the space that it is of.
    if all.len() >= 40 && office::flat::is(all) {
        return Nature::Document("flat-xml");
    }
    match claim.main {
        "text" | "message" | "multipart" if memchr::memchr(0, head).is_some() => Nature::DoubtfulText,
        "text" | "message" | "multipart" => Nature::Text,
        _ if looks_like_text(head) => Nature::Text,
        _ => Nature::Document("binary"),
    }
}

/// Whether a PDF begins behind other bytes: most readers look for it in the first 1024. Such a part is told as the
/// document, since whoever opens that reads what stands before it as well, and all of it as text when it is none after
/// all. A text that speaks of PDF does so within a line, and stays what it claims; an unlabelled one may be either.
fn is_pdf_within(head: &[u8], nature: Option<Nature>, claim: Claim<'_>) -> bool {
    let is_text = matches!(claim.main, "text" | "message" | "multipart");
    let may_be = match nature {
        // Pictures pass unread, and text may claim to be anything.
        None | Some(Nature::Image(_) | Nature::Text | Nature::DoubtfulText) => true,
        // These are opened and read as each form that they are.
        Some(
            Nature::Document(_)
            | Nature::CmsEnveloped
            | Nature::CmsSigned
            | Nature::PgpMessage
            | Nature::PgpReadable,
        ) => false,
    };
    may_be
        && memchr::memmem::find_iter(head, PDF).any(|at| {
            let begins_line = at
                .checked_sub(1)
                .and_then(|at| head.get(at))
                .is_none_or(|byte| matches!(byte, b'\n' | b'\r'));
            let version = head.get(at + PDF.len()).is_none_or(u8::is_ascii_digit);
            version && (begins_line || !is_text)
        })
}

/// Whether a text begins as a mail does, or an mbox: two header fields that mail has, one of them hardly anything else.
pub fn begins_as_mail(head: &[u8]) -> bool {
    const SURE: [&[u8]; 6] =
        [b"received", b"return-path", b"mime-version", b"message-id", b"content-type", b"dkim-signature"];
    const USUAL: [&[u8]; 7] = [b"from", b"to", b"subject", b"date", b"reply-to", b"sender", b"cc"];
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    let (mut sure, mut usual) = (0, 0);
    for (nr, line) in head.split(|byte| *byte == b'\n').enumerate() {
        let is_fold = line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'));
        if is_fold || nr == 0 && line.starts_with(b"From ") {
            continue;
        }
        let Some(colon) = memchr::memchr(b':', line) else { break };
        let name = line.get(..colon).unwrap_or_default();
        let is = |names: &[&[u8]]| names.iter().any(|one| name.eq_ignore_ascii_case(one));
        sure += usize::from(is(&SURE));
        usual += usize::from(is(&USUAL));
    }
    sure > 0 && sure + usual > 1
}

fn signature(head: &[u8]) -> Option<Nature> {
    // Asked of every part, and nearly none begins so: the first byte tells.
    let may_be = head.first().is_some_and(|first| FIRST.get(usize::from(*first)) == Some(&true));
    let signatures = if may_be { SIGNATURES } else { &[] };
    let known = signatures.iter().find(|(bytes, _)| head.starts_with(bytes));
    let known = known.map(|(bytes, nature)| (bytes.len(), *nature));
    let is_text = looks_like_text(head);
    // Signatures of letters only must not take a text for what it is not: "BZh", "ID3" and the like count
    // when the rest is not text, and so does every picture, since pictures pass unread.
    match known {
        Some((_, Nature::PgpMessage)) => {
            let is_encrypted = pgp::armoured(head) == Some(pgp::Message::Encrypted);
            return Some(if is_encrypted { Nature::PgpMessage } else { Nature::PgpReadable });
        }
        Some((length, nature)) if (length > 4 && !matches!(nature, Nature::Image(_))) || !is_text => {
            return Some(nature);
        }
        Some(_) | None => {}
    }
    if is_text {
        return cms(head);
    }
    if head.starts_with(b"RIFF")
        && head.get(8..12).is_some_and(|form| form == b"WEBP" || form == b"WAVE" || form == b"AVI ")
    {
        return Some(Nature::Image("riff"));
    }
    if head.get(4..8) == Some(b"ftyp".as_slice()) {
        return Some(Nature::Image("iso-media"));
    }
    if head.starts_with(b"BM") {
        return Some(Nature::Image("bmp"));
    }
    cms(head).or_else(|| (pgp::binary(head) == Some(pgp::Message::Encrypted)).then_some(Nature::PgpMessage))
}

/// The content type of a CMS structure: an OID near the start of a BER SEQUENCE (RFC 5652 §3).
fn cms(head: &[u8]) -> Option<Nature> {
    const PKCS7: &[u8] = b"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07";
    const SMIME_CT: &[u8] = b"\x06\x0B\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x01";
    if head.first() != Some(&0x30) {
        return None;
    }
    let start = head.get(..32.min(head.len()))?;
    if let Some(at) = memchr::memmem::find(start, PKCS7) {
        return match head.get(at + PKCS7.len())? {
            2 => Some(Nature::CmsSigned),
            3 => Some(Nature::CmsEnveloped),
            _ => Some(Nature::Document("cms")),
        };
    }
    let at = memchr::memmem::find(start, SMIME_CT)?;
    match head.get(at + SMIME_CT.len())? {
        23 => Some(Nature::CmsEnveloped),
        _ => Some(Nature::Document("cms")),
    }
}

/// No NUL, and next to no control characters: any 8-bit charset passes, random bytes hardly ever do.
fn looks_like_text(head: &[u8]) -> bool {
    // Counted in bytes and without a branch, so that the compiler makes vectors of it.
    let count = |piece: &[u8]| {
        piece.iter().fold(0, |sum: u8, b| {
            let is_text = *b >= 0x20 || (b.wrapping_sub(b'\t') < 5 && *b != 0x0B) || *b == 0x1B;
            sum + u8::from(!is_text)
        })
    };
    let (pieces, rest) = head.as_chunks::<128>();
    let pieces = pieces.iter().map(|piece| usize::from(count(piece)));
    let controls = pieces.sum::<usize>() + usize::from(count(rest));
    memchr::memchr(0, head).is_none() && controls * 50 <= head.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(main: &'static str, sub: &'static str) -> Claim<'static> {
        Claim { main, sub }
    }

    #[test]
    fn bytes_go_before_labels() {
        let png = b"\x89PNG\r\n\x1A\n\x00\x00";
        assert_eq!(sniff(png, claim("image", "png")), Nature::Image("png"));
        assert_eq!(sniff(png, claim("text", "plain")), Nature::Image("png"));
        assert_eq!(sniff(b"PK\x03\x04\x14\x00", claim("image", "png")), Nature::Document("zip"));
        assert_eq!(sniff(b"CPR-nr. 1", claim("image", "png")), Nature::Text);
        assert_eq!(sniff(b"\x00\x01\x02\x03", claim("image", "png")), Nature::Document("binary"));
        assert_eq!(sniff(b"<svg xmlns=", claim("image", "svg+xml")), Nature::Text);
        assert_eq!(sniff(b"", claim("application", "octet-stream")), Nature::Text);
    }

    #[test]
    fn a_mail_is_known_by_its_fields() {
        assert!(begins_as_mail(b"From a@b.example Mon Nov 02\nReturn-Path: <>\nDate: x\n\n"));
        assert!(begins_as_mail(b"Subject: x\r\nX-A: y\r\n z\r\nMIME-Version: 1.0\r\n\r\n"));
        for text in [
            b"Fra: A\nTil: B\nEmne: C\n".as_slice(),
            b"From: a\nTo: b\nSubject: c\n\nforwarded",
            b"Content-Type: text/plain\n\nx",
            b"Hej\nReceived: x\nDate: y\n",
            b"",
        ] {
            assert!(!begins_as_mail(text), "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn text_is_text_whatever_it_starts_with() {
        assert_eq!(sniff(b"BZh is a form of archive", claim("text", "plain")), Nature::Text);
        assert_eq!(sniff(b"ID3;navn;cpr\r\n", claim("application", "octet-stream")), Nature::Text);
        assert_eq!(sniff(b"GIF89a er et format. CPR-nr. 1", claim("text", "plain")), Nature::Text);
        assert_eq!(sniff(b"gem ftyp i filen", claim("text", "plain")), Nature::Text);
        assert_eq!(sniff(b"Hej \xE6\xF8\xE5", claim("text", "plain")), Nature::Text);
        assert_eq!(sniff(b"a\x00b", claim("text", "plain")), Nature::DoubtfulText);
    }

    #[test]
    fn a_pdf_may_begin_behind_other_bytes() {
        for junk in [b"\n".repeat(1023), b"From: a\r\n\r\n".to_vec(), b"\xFF\xD8\xFF\xE0\0\n".to_vec()] {
            let head = [junk.as_slice(), b"%PDF-1.7\n"].concat();
            let head = head.get(..HEAD).unwrap_or(&head);
            assert_eq!(sniff(head, claim("application", "pdf")), Nature::Document("pdf"));
            assert_eq!(sniff(head, claim("text", "plain")), Nature::Document("pdf"));
        }
        let spoken = b"En PDF begynder med %PDF-1.7, og CPR-nr. 1";
        assert_eq!(sniff(spoken, claim("text", "plain")), Nature::Text);
        assert_eq!(sniff(spoken, claim("application", "octet-stream")), Nature::Document("pdf"));
        assert_eq!(sniff(b"100 %PDF-filer\r\n%PDF-filer", claim("text", "plain")), Nature::Text);
    }

    #[test]
    fn cms_is_told_by_its_oid() {
        let enveloped = b"\x30\x82\x02\x0A\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x03\xA0";
        let signed = b"\x30\x80\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02\xA0";
        let auth = b"\x30\x82\x02\x0A\x06\x0B\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x01\x17";
        assert_eq!(sniff(enveloped, claim("application", "pkcs7-mime")), Nature::CmsEnveloped);
        assert_eq!(sniff(auth, claim("application", "pkcs7-mime")), Nature::CmsEnveloped);
        assert_eq!(sniff(signed, claim("application", "pkcs7-mime")), Nature::CmsSigned);
        assert_eq!(
            sniff(b"\x30\x03\x02\x01\x05", claim("application", "pkcs7-mime")),
            Nature::Document("binary")
        );
    }
}
