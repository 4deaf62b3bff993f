//! What a finished header block says about its entity: media type, charset, encoding, disposition, file name.
//!
//! One `Entity` serves all parts of a walk; its buffers are reused, so a part without fields costs no allocation.

use super::boundary::BOUNDARY_CAP;
use super::header::Head;
use super::param::Params;
use super::{Disposition, MediaType, Part, PartKind, PartPath, Problem, TransferEncoding, charset, word};

/// Which media type holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Source {
    #[default]
    Text,
    Message,
    Stated,
}

/// The description of the entity whose header was read last.
#[derive(Debug)]
pub(super) struct Entity {
    source: Source,
    stated: MediaType,
    text: MediaType,
    message: MediaType,
    pub(super) encoding: TransferEncoding,
    disposition: Disposition,
    charset: String,
    filename: String,
    type_params: Params,
    disposition_params: Params,
    nothing: Params,
    scratch: Vec<u8>,
    decoded: Vec<u8>,
}

impl Default for Entity {
    fn default() -> Self {
        Self {
            source: Source::default(),
            stated: MediaType::text_plain(),
            text: MediaType::text_plain(),
            message: MediaType::message_rfc822(),
            encoding: TransferEncoding::default(),
            disposition: Disposition::default(),
            charset: String::new(),
            filename: String::new(),
            type_params: Params::default(),
            disposition_params: Params::default(),
            nothing: Params::default(),
            scratch: Vec::new(),
            decoded: Vec::new(),
        }
    }
}

impl Entity {
    /// How many bytes its buffers have.
    pub(super) fn held(&self) -> usize {
        let names = self.charset.capacity() + self.filename.capacity();
        let texts = self.scratch.capacity() + self.decoded.capacity();
        names + texts + self.type_params.held() + self.disposition_params.held()
    }

    /// Reads what the block collected. `digest`: the entity is a part of a multipart/digest.
    pub(super) fn read(&mut self, head: &Head, digest: bool, mut report: impl FnMut(Problem)) {
        self.source = if digest { Source::Message } else { Source::Text };
        self.encoding = TransferEncoding::default();
        self.disposition = Disposition::default();
        self.charset.clear();
        self.filename.clear();
        self.type_params.clear();
        self.disposition_params.clear();
        if let Some(value) = head.content_type.value() {
            self.read_type(value, &mut report);
        }
        if let Some(value) = head.encoding.value() {
            self.read_encoding(value, &mut report);
        }
        if let Some(value) = head.disposition.value() {
            self.disposition_params.read(value);
            let word = self.disposition_params.word().trim_ascii();
            self.disposition = match word {
                b"" => Disposition::Unstated,
                _ if word.eq_ignore_ascii_case(b"inline") => Disposition::Inline,
                _ => Disposition::Attachment,
            };
        }
        self.read_filename();
    }

    fn read_type(&mut self, value: &[u8], report: &mut impl FnMut(Problem)) {
        self.type_params.read(value);
        if self.stated.read(self.type_params.word()) {
            self.source = Source::Stated;
        }
        // Two charsets matter only where digits may be other bytes in one of them.
        let hides = |label: Option<Vec<u8>>| {
            label.is_some_and(|label| {
                charset::is_converted(&String::from_utf8_lossy(&label).trim().to_ascii_lowercase())
            })
        };
        let params = &self.type_params;
        if params.contradicts("boundary")
            || params.contradicts("charset")
                && (hides(params.last_reading("charset"))
                    || hides(params.value("charset").map(String::into_bytes)))
        {
            report(Problem::ConflictingType);
        }
        self.scratch.clear();
        if self.type_params.find("charset", &mut self.scratch) {
            self.scratch.make_ascii_lowercase();
            charset::guess_utf8(self.scratch.trim_ascii(), &mut self.charset);
        }
    }

    fn read_encoding(&mut self, value: &[u8], report: &mut impl FnMut(Problem)) {
        self.encoding = TransferEncoding::read(value);
        if self.encoding == TransferEncoding::Unknown {
            let mut field = Params::default();
            field.read(value);
            self.encoding = TransferEncoding::read(field.word());
        }
        if self.is_multipart() {
            // RFC 2045 §6.4: a multipart has no encoding of its own; its parts do.
            if !matches!(
                self.encoding,
                TransferEncoding::SevenBit | TransferEncoding::EightBit | TransferEncoding::Binary
            ) {
                report(Problem::EncodedMultipart);
                self.encoding = TransferEncoding::Binary;
            }
        } else if self.encoding == TransferEncoding::Unknown {
            report(Problem::UnknownEncoding);
        }
    }

    fn read_filename(&mut self) {
        self.scratch.clear();
        let found = self.disposition_params.find("filename", &mut self.scratch)
            || self.type_params.find("name", &mut self.scratch);
        if found {
            // RFC 2047 §5 forbids encoded words here; most clients write and read them all the same.
            self.decoded.clear();
            word::decode(&self.scratch, &mut self.decoded);
            charset::guess_utf8(&self.decoded, &mut self.filename);
        }
    }

    pub(super) fn media(&self) -> &MediaType {
        match self.source {
            Source::Text => &self.text,
            Source::Message => &self.message,
            Source::Stated => &self.stated,
        }
    }

    pub(super) fn is_multipart(&self) -> bool {
        self.source == Source::Stated && self.stated.top() == "multipart"
    }

    /// Whether the content is a message with a header of its own. `message/global` is RFC 6532's, `message/news`
    /// RFC 5536's; delivery reports and partial messages are read as text.
    pub(super) fn is_message(&self) -> bool {
        matches!(self.media().as_str(), "message/rfc822" | "message/global" | "message/news")
    }

    pub(super) fn charset(&self) -> Option<&str> {
        (!self.charset.is_empty()).then_some(self.charset.as_str())
    }

    /// The boundary, empty when there is none that can be used. Blanks at its end cannot be part of it (RFC 2046
    /// §5.1.1), as they could not be told from padding.
    pub(super) fn boundary(&mut self) -> &[u8] {
        self.scratch.clear();
        self.type_params.find("boundary", &mut self.scratch);
        let boundary = self.scratch.trim_ascii_end();
        if boundary.len() > BOUNDARY_CAP { &[] } else { boundary }
    }

    /// Whether a boundary is named that can be used.
    pub(super) fn has_boundary(&mut self) -> bool {
        !self.boundary().is_empty()
    }

    /// Writes the header that another program may read where this one contradicts itself: of each field, and of each
    /// parameter that matters, the last one. Gives the encoding of the entity as a whole, of which RFC 2045 knows none.
    pub(super) fn other_header(head: &Head, out: &mut Vec<u8>) -> TransferEncoding {
        let mut field = |name: &[u8], value: &[u8]| {
            out.extend_from_slice(name);
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        };
        let mut last_type = Params::default();
        last_type.read(head.content_type.last().unwrap_or_default());
        let mut value = last_type.word().to_vec();
        for name in ["boundary", "charset", "name", "protocol"] {
            if let Some(last) = last_type.last_reading(name) {
                value.extend_from_slice(format!("; {name}=\"").as_bytes());
                for byte in last {
                    if matches!(byte, b'"' | b'\\') {
                        value.push(b'\\');
                    }
                    value.push(byte);
                }
                value.push(b'"');
            }
        }
        if !value.is_empty() {
            field(b"Content-Type: ", &value);
        }
        if let Some(value) = head.disposition.last() {
            field(b"Content-Disposition: ", value);
        }
        let mut encoding = TransferEncoding::Binary;
        if let Some(value) = head.encoding.last() {
            let mut params = Params::default();
            params.read(value);
            let mut media = MediaType::text_plain();
            if media.read(last_type.word()) && media.top() == "multipart" {
                encoding = TransferEncoding::read(params.word());
            } else {
                field(b"Content-Transfer-Encoding: ", value);
            }
        }
        out.extend_from_slice(b"\r\n");
        encoding
    }

    /// This entity, to be shown to a sink.
    pub(super) fn part<'a>(&'a self, path: &'a PartPath, kind: PartKind) -> Part<'a> {
        Part {
            path,
            kind,
            media: self.media(),
            charset: self.charset(),
            encoding: self.encoding,
            disposition: self.disposition,
            filename: (!self.filename.is_empty()).then_some(self.filename.as_str()),
            type_params: &self.type_params,
            disposition_params: &self.disposition_params,
        }
    }

    /// A preamble or epilogue, which no header describes.
    pub(super) fn margin<'a>(&'a self, path: &'a PartPath, kind: PartKind) -> Part<'a> {
        Part {
            path,
            kind,
            media: &self.text,
            charset: None,
            encoding: TransferEncoding::SevenBit,
            disposition: Disposition::Unstated,
            filename: None,
            type_params: &self.nothing,
            disposition_params: &self.nothing,
        }
    }
}
