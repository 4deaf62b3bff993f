//! A mail as documents: its text is the main document, each file beside it an additional one.
//!
//! Alternatives of one text (RFC 2046 §5.1.4) are files of the one main document. Text is told in UTF-8, since MeMo has no
//! charset. What is lost with the mail's header (who, to whom, when, and the subject) stands in a small document of its own, as do
//! file names that had to be replaced: a document is where a number may stand, and a title or a file name is not. Memory: the
//! documents, decoded; a mail above the limit is refused as soon as that is seen. Start reading at [`Documents::of`].

use super::{Settings, Unfit};
use crate::mime::{
    Class, Disposition, HeaderFilter, HeaderName, Part, PartKind, PartPath, PartSink, Problem, Walker,
};
use crate::scan::finding::MaskedText;
use encoding_rs::{Encoding, WINDOWS_1252};
use std::io::{self, Read};
use std::sync::Arc;

/// One file.
pub(super) struct Document {
    /// `encodingFormat`.
    pub(super) media: String,
    /// With no digit run in it.
    pub(super) name: String,
    /// Decoded.
    pub(super) bytes: Vec<u8>,
}

/// What a mail holds, as documents.
pub struct Documents {
    /// Renderings of the text; never empty.
    pub(super) main: Vec<Document>,
    pub(super) additional: Vec<Document>,
}

/// Why a mail did not become documents.
#[derive(Debug)]
pub enum NotTaken {
    /// It could not be read; it may go well another time.
    Io(io::Error),
    /// It cannot be a letter.
    Unfit(Unfit),
}

impl From<Unfit> for NotTaken {
    fn from(unfit: Unfit) -> Self {
        Self::Unfit(unfit)
    }
}

impl Documents {
    /// Takes a mail apart.
    ///
    /// # Errors
    /// When it cannot be read, is too large, or holds a file that Digital Post does not take.
    pub fn of(mail: &mut dyn Read, settings: &Settings) -> Result<Self, NotTaken> {
        let mut sink = Sink { most: settings.max_bytes, ..Sink::default() };
        // Every field is told; what is not wanted is dropped at once.
        let mut walker = Walker::new().with_headers(Arc::new(HeaderFilter::new([])));
        let mut piece = vec![0; 64 * 1024];
        loop {
            let read = mail.read(&mut piece).map_err(NotTaken::Io)?;
            let bytes = piece.get(..read).unwrap_or_default();
            if bytes.is_empty() {
                break;
            }
            walker.feed(bytes, &mut sink);
            if let Some(unfit) = sink.unfit.take() {
                return Err(unfit.into());
            }
        }
        walker.finish(&mut sink);
        if let Some(unfit) = sink.unfit.take() {
            return Err(unfit.into());
        }
        Ok(sink.documents(settings)?)
    }

    /// Every file.
    pub(super) fn all(&self) -> impl Iterator<Item = &Document> {
        self.main.iter().chain(&self.additional)
    }
}

/// A leaf of the mail.
struct Leaf {
    media: String,
    charset: Option<String>,
    is_attachment: bool,
    filename: Option<String>,
    /// The multipart/alternative that it is a rendering in.
    choice: Option<PartPath>,
    bytes: Vec<u8>,
}

#[derive(Default)]
struct Sink {
    leaves: Vec<Leaf>,
    /// What is entered, from the outside in: the alternative that it is, or nothing.
    entered: Vec<Option<PartPath>>,
    /// Whether the innermost leaf is one that is kept.
    is_open: bool,
    /// Bytes of documents so far, and at most.
    count: u64,
    most: u64,
    /// Lines of the document about the mail.
    about: Vec<String>,
    unfit: Option<Unfit>,
}

impl PartSink for Sink {
    fn header(&mut self, _: &PartPath, name: HeaderName, _: u64, text: &[u8]) {
        let what = match name {
            HeaderName::From => "Fra",
            HeaderName::To => "Til",
            HeaderName::Cc => "Kopi til",
            HeaderName::Subject => "Emne",
            HeaderName::Comments
            | HeaderName::Keywords
            | HeaderName::ContentDescription
            | HeaderName::Sender
            | HeaderName::ReplyTo
            | HeaderName::Bcc
            | HeaderName::ThreadTopic
            | HeaderName::MessageId => return,
        };
        self.about.push(format!("{what}: {}", String::from_utf8_lossy(text).trim()));
    }

    fn other_header(&mut self, _: &PartPath, name: &[u8], _: u64, text: &[u8]) {
        if name.eq_ignore_ascii_case(b"date") {
            self.about.push(format!("Dato: {}", String::from_utf8_lossy(text).trim()));
        }
    }

    fn enter(&mut self, part: &Part<'_>) {
        let is_choice = part.kind == PartKind::Multipart && part.media.subtype() == "alternative";
        let choice = is_choice.then(|| part.path.clone());
        self.entered.push(choice);
        // What stands before the first part and after the last is shown by nobody.
        self.is_open = part.kind == PartKind::Leaf;
        if self.is_open {
            self.leaves.push(Leaf {
                media: part.media.as_str().to_ascii_lowercase(),
                charset: part.charset.map(str::to_owned),
                is_attachment: part.disposition == Disposition::Attachment,
                filename: part.filename.map(str::to_owned),
                choice: self.entered.iter().rev().find_map(Clone::clone),
                bytes: Vec::new(),
            });
        }
    }

    fn data(&mut self, bytes: &[u8]) {
        if !self.is_open {
            return;
        }
        self.count += bytes.len() as u64;
        if self.count > self.most {
            self.unfit = Some(Unfit::TooLarge(self.most));
        } else if let Some(leaf) = self.leaves.last_mut() {
            leaf.bytes.extend_from_slice(bytes);
        }
    }

    fn leave(&mut self) {
        self.entered.pop();
        self.is_open = false;
    }

    fn problem(&mut self, _: &PartPath, problem: Problem) {
        let what = match problem.class() {
            Class::Damaged => "a part of it is damaged",
            Class::Limit => "it nests too deep or has too many parts",
            Class::Ambiguous => "programs read a part of it in more than one way",
        };
        self.unfit.get_or_insert(Unfit::Doubtful(what));
    }
}

impl Sink {
    fn documents(self, settings: &Settings) -> Result<Documents, Unfit> {
        let Self { leaves, mut about, .. } = self;
        let is_text = |leaf: &Leaf| {
            !leaf.is_attachment
                && matches!(leaf.media.as_str(), "text/plain" | "text/html")
                && leaf.filename.is_none()
        };
        let first = leaves.iter().position(|leaf| is_text(leaf) && !leaf.bytes.trim_ascii().is_empty());
        let choice = first.and_then(|at| leaves.get(at)).and_then(|leaf| leaf.choice.clone());
        let (mut main, mut additional) = (Vec::new(), Vec::new());
        for (at, leaf) in leaves.into_iter().enumerate() {
            let is_main = Some(at) == first || is_text(&leaf) && choice.is_some() && leaf.choice == choice;
            if is_text(&leaf) && leaf.bytes.trim_ascii().is_empty() {
                // What has no text at all says nothing.
                continue;
            }
            let media = leaf.media();
            if SIGNATURES.contains(&media.as_str()) {
                about.push("Mailens digitale signatur er ikke med her.".to_owned());
                continue;
            }
            if !settings.file_types.contains(&media) {
                return Err(Unfit::FileType(shown(&media)));
            }
            if is_main {
                let name = format!("meddelelse.{}", ending(&media).unwrap_or("txt"));
                main.push(Document { media, name, bytes: leaf.text() });
            } else {
                let number = additional.len() + 1;
                let mut name = leaf.name(&media, number, &mut about);
                if additional.iter().any(|one: &Document| one.name == name) {
                    // Whoever saves them side by side keeps both.
                    name = format!("{number}-{name}");
                }
                let bytes = if leaf.media.starts_with("text/") { leaf.text() } else { leaf.bytes };
                additional.push(Document { media, name, bytes });
            }
        }
        let bytes = about.join("\r\n").into_bytes();
        let about =
            Document { media: "text/plain".to_owned(), name: "oplysninger-om-mailen.txt".to_owned(), bytes };
        if main.is_empty() {
            main.push(about);
        } else {
            additional.push(about);
        }
        Ok(Documents { main, additional })
    }
}

impl Leaf {
    /// Its media type; by its name where the mail says only that it is bytes.
    fn media(&self) -> String {
        let unsaid =
            matches!(self.media.as_str(), "application/octet-stream" | "application/x-download" | "");
        let ending =
            self.filename.as_deref().and_then(|name| name.rsplit_once('.')).map(|(_, ending)| ending);
        let known = ending.filter(|_| unsaid).and_then(|ending| {
            ENDINGS.iter().find(|(_, known)| known.eq_ignore_ascii_case(ending)).map(|(media, _)| *media)
        });
        known.map_or_else(|| self.media.clone(), str::to_owned)
    }

    /// Its text in UTF-8; a page that may name another charset in itself says so by its first character, which goes first
    /// (HTML, "determining the character encoding").
    fn text(self) -> Vec<u8> {
        let Self { media, charset, bytes, is_attachment, .. } = self;
        let said = charset.as_deref().and_then(|label| Encoding::for_label(label.as_bytes()));
        let text = match (std::str::from_utf8(&bytes), said) {
            // The walker tells UTF-16 and its like in UTF-8.
            (Ok(_), None) => bytes,
            (Ok(_), Some(encoding)) if encoding.output_encoding() == encoding_rs::UTF_8 => bytes,
            // A file whose charset nobody said is left as it is.
            (Err(_), None) if is_attachment => return bytes,
            (Err(_), None) => WINDOWS_1252.decode_without_bom_handling(&bytes).0.into_owned().into_bytes(),
            (_, Some(encoding)) => encoding.decode_without_bom_handling(&bytes).0.into_owned().into_bytes(),
        };
        if media == "text/html" && !text.is_ascii() && !text.starts_with(BOM) {
            return [BOM, &text].concat();
        }
        text
    }

    /// Its file name. One with many digits may hold a number: it is replaced, and stands in the document about the mail.
    fn name(&self, media: &str, number: usize, about: &mut Vec<String>) -> String {
        let ending = ending(media);
        let plain = |name: &str| {
            let name = name.rsplit(['/', '\\']).next().unwrap_or_default().trim();
            name.chars().filter(|c| !c.is_control()).collect::<String>()
        };
        let given = self.filename.as_deref().map(plain).filter(|name| !name.trim_matches('.').is_empty());
        let fits = |name: &String| {
            name.chars().filter(|c| c.is_numeric()).count() < 6 && name.chars().count() <= 200
        };
        let replaced = format!("bilag-{number}.{}", ending.unwrap_or("bin"));
        match given {
            Some(name) if fits(&name) && name.contains('.') => name,
            Some(name) if fits(&name) && ending.is_some() => format!("{name}.{}", ending.unwrap_or_default()),
            Some(name) => {
                about.push(format!("{replaced} hed i mailen: {name}"));
                replaced
            }
            None => replaced,
        }
    }
}

/// What signs a mail says nothing of a letter that is taken out of it.
const SIGNATURES: [&str; 3] =
    ["application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"];

const BOM: &[u8] = "\u{FEFF}".as_bytes();

/// A media type as it may be shown.
fn shown(media: &str) -> String {
    MaskedText::new(&media.chars().take(80).collect::<String>()).to_string()
}

fn ending(media: &str) -> Option<&'static str> {
    ENDINGS.iter().find(|(known, _)| *known == media).map(|(_, ending)| *ending)
}

/// Media types and how their files end. Those that Digital Post takes by default are [`Settings::FILE_TYPES`].
const ENDINGS: [(&str, &str); 15] = [
    ("text/plain", "txt"),
    ("text/html", "html"),
    ("text/csv", "csv"),
    ("text/calendar", "ics"),
    ("application/pdf", "pdf"),
    ("application/rtf", "rtf"),
    ("application/msword", "doc"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx"),
    ("application/vnd.oasis.opendocument.text", "odt"),
    ("application/vnd.oasis.opendocument.spreadsheet", "ods"),
    ("image/png", "png"),
    ("image/jpeg", "jpg"),
    ("image/gif", "gif"),
];

impl Settings {
    /// What Digital Post is taken to accept where the configuration does not say: text, PDF, Office documents and pictures. The
    /// agency's own list (*Tilladte filtyper i Digital Post*) rules.
    pub const FILE_TYPES: [&str; 12] = [
        "text/plain",
        "text/html",
        "application/pdf",
        "application/rtf",
        "application/msword",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "application/vnd.oasis.opendocument.text",
        "application/vnd.oasis.opendocument.spreadsheet",
        "image/png",
        "image/jpeg",
    ];
}
