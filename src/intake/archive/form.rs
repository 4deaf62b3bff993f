//! Whether an input is a message, an mbox or a document, told by its name and its first bytes.
//!
//! A wrong guess costs: a mail that is read as text keeps its base64 closed, and a text that is read as a mail
//! has its first lines taken for headers. So a name that says it decides (`.eml`, `.csv`); a `.txt` that is
//! plainly a mail on the wire is one; and without a telling name it is a mail only with a mail's headers.

use std::borrow::Cow;
use std::path::Path;

/// How an input is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// One message (RFC 5322).
    Message,
    /// Messages one after the other (RFC 4155).
    Mbox,
    /// One document of this media type.
    Document(Cow<'static, str>),
}

/// Extensions of documents. A lie costs nothing here: `scan` sniffs the bytes, and a form that it cannot open
/// is said to be unread.
const DOCUMENTS: &[(&str, &str)] = &[
    ("txt", "text/plain"),
    ("text", "text/plain"),
    ("log", "text/plain"),
    ("md", "text/markdown"),
    ("csv", "text/csv"),
    ("tsv", "text/tab-separated-values"),
    ("json", "application/json"),
    ("jsonl", "application/json"),
    ("ndjson", "application/json"),
    ("xml", "application/xml"),
    ("html", "text/html"),
    ("htm", "text/html"),
    ("xhtml", "application/xhtml+xml"),
    ("ics", "text/calendar"),
    ("vcs", "text/calendar"),
    ("vcf", "text/vcard"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
    ("toml", "application/toml"),
    ("ini", "text/plain"),
    ("conf", "text/plain"),
    ("sql", "application/sql"),
    ("svg", "image/svg+xml"),
    ("rtf", "application/rtf"),
    ("pdf", "application/pdf"),
    ("doc", "application/msword"),
    ("xls", "application/vnd.ms-excel"),
    ("ppt", "application/vnd.ms-powerpoint"),
    ("msg", "application/vnd.ms-outlook"),
    ("pst", "application/vnd.ms-outlook-pst"),
    ("ost", "application/vnd.ms-outlook-pst"),
    ("nsf", "application/vnd.lotus-notes"),
    ("dbx", "application/vnd.ms-outlook-dbx"),
    ("edb", "application/vnd.ms-exchange-edb"),
    // A zip, whose messages are XML of Outlook's own.
    ("olm", OLM),
    ("tar", "application/x-tar"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ("odp", "application/vnd.oasis.opendocument.presentation"),
    ("zip", "application/zip"),
    ("gz", "application/gzip"),
    ("tgz", "application/gzip"),
    ("bz2", "application/x-bzip2"),
    ("tbz", "application/x-bzip2"),
    ("tbz2", "application/x-bzip2"),
    ("xz", "application/x-xz"),
    ("txz", "application/x-xz"),
    ("lzma", "application/x-lzma"),
    ("tlz", "application/x-lzma"),
    ("lz", "application/x-lzip"),
    ("lz4", "application/x-lz4"),
    ("z", "application/x-compress"),
    ("taz", "application/x-compress"),
    ("zst", "application/zstd"),
    ("tzst", "application/zstd"),
    ("cab", "application/vnd.ms-cab-compressed"),
    ("7z", "application/x-7z-compressed"),
    ("rar", "application/vnd.rar"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("bmp", "image/bmp"),
    ("webp", "image/webp"),
];

/// The messages and folders of Outlook for Mac.
pub(super) const OLM: &str = "application/vnd.ms-outlook-olm";

/// First bytes of what is packed or is a program's own, whatever its name is: an archive that somebody called `arkiv.mbox`
/// would be read as one mail.
const PACKED: &[(&[u8], &str)] = &[
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"PK\x07\x08", "application/zip"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\0", "application/x-xz"),
    (b"\x5d\0\0", "application/x-lzma"),
    (b"LZIP\x01", "application/x-lzip"),
    (b"\x04\x22\x4d\x18", "application/x-lz4"),
    (b"\x1f\x9d", "application/x-compress"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"MSCF\0", "application/vnd.ms-cab-compressed"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"!BDN", "application/vnd.ms-outlook-pst"),
    (b"\xcf\xad\x12\xfe", "application/vnd.ms-outlook-dbx"),
    (b"\x89PNG\r\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
];

/// First bytes of documents that look like a header block, or like nothing at all. `scan` sniffs the rest.
const SIGNATURES: &[(&str, &str)] = &[
    ("BEGIN:VCALENDAR", "text/calendar"),
    ("BEGIN:VCARD", "text/vcard"),
    ("%PDF-", "application/pdf"),
    ("{\\rtf", "application/rtf"),
    ("<!DOCTYPE html", "text/html"),
    ("<html", "text/html"),
    ("<?xml", "application/xml"),
];

/// Documents in which mail may lie: an archive of mail is not read whole while one of them is closed.
const HOLDS_MAIL: &[&str] = &[
    "application/zip",
    "application/gzip",
    "application/x-bzip2",
    "application/x-xz",
    "application/zstd",
    "application/x-7z-compressed",
    "application/vnd.rar",
    "application/x-tar",
    "application/vnd.ms-outlook",
    "application/vnd.ms-outlook-pst",
    "application/vnd.lotus-notes",
    "application/x-lzma",
    "application/x-lzip",
    "application/x-lz4",
    "application/x-compress",
    "application/vnd.ms-cab-compressed",
    "application/vnd.ms-outlook-dbx",
    "application/vnd.ms-exchange-edb",
    "application/x-ole-storage",
    OLM,
    UNKNOWN,
];

/// Of what is no text, and nobody knows.
const UNKNOWN: &str = "application/octet-stream";

/// Header fields that only mail on the wire has.
const WIRE: &[&str] = &[
    "received",
    "return-path",
    "delivered-to",
    "mime-version",
    "message-id",
    "content-transfer-encoding",
    "dkim-signature",
];

/// Fields that a mail may begin with, and seldom a text.
const MAIL: &[&str] = &[
    "from",
    "to",
    "cc",
    "bcc",
    "subject",
    "date",
    "sender",
    "reply-to",
    "in-reply-to",
    "references",
    "comments",
    "keywords",
    "priority",
    "importance",
    "organization",
    "auto-submitted",
    "errors-to",
    "status",
];

/// Prefixes of such fields.
const FAMILIES: &[&str] = &["x-", "content-", "list-", "arc-", "resent-", "authentication-", "received-"];

impl Form {
    /// The form that a person named: `message/rfc822`, `application/mbox`, or a document's type. `None` when it
    /// is no media type.
    pub fn named(media: &str) -> Option<Self> {
        let token = |text: &str| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
        };
        let media = media.trim().to_ascii_lowercase();
        let (main, sub) = media.split_once('/')?;
        if !token(main) || !token(sub) {
            return None;
        }
        Some(match media.as_str() {
            "message/rfc822" | "message/global" => Self::Message,
            "application/mbox" => Self::Mbox,
            _ => Self::Document(Cow::Owned(media)),
        })
    }

    /// The form of an input with this name (`None`: standard input) and these first bytes.
    pub fn of(name: Option<&Path>, head: &[u8]) -> Self {
        Self::told(name, head).unwrap_or_else(|| Self::untold(head))
    }

    /// The form as far as its name or its first bytes tell it.
    pub(super) fn told(name: Option<&Path>, head: &[u8]) -> Option<Self> {
        let extension = name
            .and_then(|name| name.extension())
            .map(|extension| extension.to_string_lossy().to_ascii_lowercase())
            .unwrap_or_default();
        let document = DOCUMENTS.iter().find(|(known, _)| *known == extension).map(|(_, media)| *media);
        let is_vague = matches!(extension.as_str(), "txt" | "text" | "log" | "dat" | "bin");
        if let Some(media) = document.filter(|_| !is_vague).or_else(|| packed(head)) {
            return Some(Self::Document(media.into()));
        }
        match (extension.as_str(), document) {
            _ if is_vague && has_field(head, |name| WIRE.contains(&name)) => {
                Some(Self::message_or_mbox(head))
            }
            (_, Some(media)) => Some(Self::Document(media.into())),
            // An empty one holds no mail, and is not a mail that is empty.
            ("mbox" | "mbx", None) if unled(head).is_empty() => Some(Self::Mbox),
            ("eml" | "emlx" | "mbox" | "mbx" | "mail", None) => Some(Self::message_or_mbox(head)),
            (_, None) => Self::by_bytes(head, is_vague),
        }
    }

    fn by_bytes(head: &[u8], is_vague: bool) -> Option<Self> {
        let start = unled(head);
        let begins = |with: &str| {
            start.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()))
        };
        if let Some((_, media)) = SIGNATURES.iter().find(|(signature, _)| begins(signature)) {
            return Some(Self::Document((*media).into()));
        }
        // An old tar begins with a name and NUL bytes, and goes on with the mail.
        let is_text = start.split(|byte| *byte == b'\n').next().is_none_or(|line| !line.contains(&0));
        let is_mail = start.starts_with(b"From ") || has_field(start, is_known_field);
        (is_mail && is_text && !is_vague).then(|| Self::message_or_mbox(head))
    }

    /// NUL bytes are no text; `scan` tells what they are, or says that it cannot.
    fn untold(head: &[u8]) -> Self {
        Self::Document(if head.contains(&0) { UNKNOWN } else { "text/plain" }.into())
    }

    fn message_or_mbox(head: &[u8]) -> Self {
        if unled(head).starts_with(b"From ") { Self::Mbox } else { Self::Message }
    }

    /// Whether mail may lie in a document of this type.
    pub fn may_hold_mail(media: &str) -> bool {
        HOLDS_MAIL.contains(&media)
    }
}

/// What these first bytes are packed as.
fn packed(head: &[u8]) -> Option<&'static str> {
    // POSIX.1-1988 ustar: the word stands behind the name, the mode, the owner, the size and the time.
    if head.get(257..262) == Some(b"ustar") {
        return Some("application/x-tar");
    }
    PACKED.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, media)| *media)
}

/// Without what editors and exports put before the first line: a byte order mark, blank lines.
pub(super) fn unled(head: &[u8]) -> &[u8] {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let begins = head.iter().position(|byte| !matches!(byte, b'\r' | b'\n'));
    begins.and_then(|at| head.get(at..)).unwrap_or_default()
}

/// Whether a header field of this name, in lower case, is one that mail has.
pub(super) fn is_known_field(name: &str) -> bool {
    WIRE.contains(&name) || MAIL.contains(&name) || FAMILIES.iter().any(|family| name.starts_with(family))
}

/// Whether the lines before the first blank one hold a field whose name, in lower case, is one of these.
fn has_field(head: &[u8], is_one: impl Fn(&str) -> bool) -> bool {
    head.split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.get(..memchr::memchr(b':', line)?))
        .filter_map(|name| std::str::from_utf8(name).ok())
        .any(|name| is_one(&name.trim_end().to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(media: &'static str) -> Form {
        Form::Document(media.into())
    }

    #[test]
    fn the_name_decides_where_it_can() {
        for (name, head, form) in [
            ("a.eml", "hvad som helst", Form::Message),
            ("a.EML", "From x\nSubject: y\n\n", Form::Mbox),
            ("a.csv", "Subject: x\n\n", document("text/csv")),
            ("a.txt", "Subject: x\nCPR: 1\n\n", document("text/plain")),
            ("a.txt", "From here on, it is text", document("text/plain")),
            ("a.txt", "Subject: x\nMIME-Version: 1.0\n\n", Form::Message),
            ("a.txt", "From x\nReceived: y\n\n", Form::Mbox),
            ("a.pdf", "", document("application/pdf")),
            ("mbox", "From x\n", Form::Mbox),
            ("a.mbox", "\n\r\n", Form::Mbox),
            ("a.mbox", "\n\u{feff}x", Form::Message),
            ("a.mbox", "\u{feff}\nFrom x\n", Form::Mbox),
            ("a.mbox", "\nFrom x\n", Form::Mbox),
        ] {
            assert_eq!(Form::of(Some(Path::new(name)), head.as_bytes()), form, "{name} {head}");
        }
    }

    #[test]
    fn without_a_telling_name_a_mail_has_a_mails_headers() {
        for (head, form) in [
            ("Subject: x\n\n", Form::Message),
            ("x: 1\r\nX-Mailer: y\r\n\r\n", Form::Message),
            ("Navn: Bo\nCPR-nr.: 1\n\nSubject: citeret\n", document("text/plain")),
            ("hej", document("text/plain")),
            ("", document("text/plain")),
            ("BEGIN:VCARD\nTO:x", document("text/vcard")),
            ("\u{feff}<HTML>", document("text/html")),
            ("\0\0", document("application/octet-stream")),
            ("\nFrom x\nReceived: y\n\n", Form::Mbox),
            ("PK\u{3}\u{4}", document("application/zip")),
            ("mail\0\0 x\nReceived: y\n\n", document("application/octet-stream")),
        ] {
            assert_eq!(Form::of(None, head.as_bytes()), form, "{head:?}");
            assert_eq!(Form::of(Some(Path::new("17.M1P2.vaert:2,S")), head.as_bytes()), form, "{head:?}");
        }
    }

    #[test]
    fn what_is_packed_is_known_whatever_it_is_called() {
        let mut tar = vec![0; 512];
        tar.splice(257..262, *b"ustar");
        tar.extend_from_slice(b"Received: x\nSubject: y\n\n");
        for (head, media) in [
            (tar.as_slice(), "application/x-tar"),
            (b"BZh91AY&SY", "application/x-bzip2"),
            (b"\xfd7zXZ\0\0", "application/x-xz"),
            (b"\x28\xb5\x2f\xfd", "application/zstd"),
            (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
            (b"Rar!\x1a\x07\x01", "application/vnd.rar"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
            (b"\x1f\x9d\x90", "application/x-compress"),
            (b"\x5d\0\0\x80\0", "application/x-lzma"),
        ] {
            for name in ["arkiv", "arkiv.mbox", "a.eml", "a.1", "a.001", "a.dat", "a.txt"] {
                assert_eq!(Form::of(Some(Path::new(name)), head), document(media), "{name}");
            }
            assert!(Form::may_hold_mail(media));
        }
        for name in ["arkiv.txz", "a.tbz2", "a.olm", "a.dbx", "a.edb", "a.mbox.lzma", "a.mbox.Z"] {
            let Form::Document(media) = Form::of(Some(Path::new(name)), b"x") else { panic!("{name}") };
            assert!(Form::may_hold_mail(&media), "{name}");
        }
        assert!(Form::of(Some(Path::new("a.bin")), b"hej") == document("text/plain"));
        assert!(!Form::may_hold_mail("image/jpeg") && !Form::may_hold_mail("text/plain"));
    }

    #[test]
    fn a_form_can_be_named() {
        assert_eq!(Form::named("message/rfc822"), Some(Form::Message));
        assert_eq!(Form::named("Application/MBOX"), Some(Form::Mbox));
        assert_eq!(Form::named("text/csv"), Some(document("text/csv")));
        for bad in ["", "text", "text/", "/x", "a b/c", "text/plain; charset=x"] {
            assert_eq!(Form::named(bad), None, "{bad}");
        }
    }
}
