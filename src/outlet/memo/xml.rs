//! Writes the message: elements in the order of the schema, text escaped, documents in base64.

use super::content::Document;
use super::{Documents, Letter, NAMESPACE};
use chrono::SecondsFormat;
use data_encoding::BASE64;
use quick_xml::escape::escape;

/// The longest text that MeMo takes (`memoTextType`), in characters.
const TEXT: usize = 256;

/// The whole message.
pub(super) fn message(letter: &Letter<'_>, documents: &Documents) -> String {
    let size: usize = documents.all().map(|one| one.bytes.len()).sum();
    let mut xml = Xml(String::with_capacity(size / 3 * 4 + 4096));
    xml.0.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Version 1.2 has no memoSchVersion.
    for piece in ["<memo:Message xmlns:memo=\"", NAMESPACE, "\" memoVersion=\"1.2\">\n"] {
        xml.0.push_str(piece);
    }
    xml.within("MessageHeader", |xml| header(xml, letter));
    xml.within("MessageBody", |xml| {
        xml.text("createdDateTime", &letter.created.to_rfc3339_opts(SecondsFormat::Secs, true));
        xml.within("MainDocument", |xml| documents.main.iter().for_each(|one| file(xml, one)));
        for one in &documents.additional {
            xml.within("AdditionalDocument", |xml| file(xml, one));
        }
    });
    xml.0.push_str("</memo:Message>\n");
    xml.0
}

fn header(xml: &mut Xml, letter: &Letter<'_>) {
    xml.text("messageType", "DIGITALPOST");
    xml.text("messageUUID", letter.uuid);
    xml.text("label", letter.label);
    xml.maybe("notification", letter.notification);
    xml.maybe("additionalNotification", letter.additional_notification);
    // Version 1.1 asks for both, 1.2 takes them.
    xml.text("mandatory", "false");
    xml.text("legalNotification", "false");
    xml.within("Sender", |xml| {
        xml.text("senderID", &letter.sender.cvr);
        xml.text("idType", "CVR");
        xml.text("label", &letter.sender.label);
        xml.within("AttentionData", |xml| {
            xml.within("GeneratingSystem", |xml| {
                xml.text("generatingSystemID", letter.system);
                xml.text("label", letter.system);
            });
        });
    });
    xml.within("Recipient", |xml| {
        let (kind, id) = letter.recipient.reveal();
        xml.text("recipientID", id);
        xml.text("idType", kind);
    });
}

fn file(xml: &mut Xml, document: &Document) {
    xml.within("File", |xml| {
        xml.text("encodingFormat", &document.media);
        xml.text("filename", &document.name);
        xml.text("language", "da");
        xml.open("content");
        // Whole groups of three bytes, so that the pieces are one base64.
        for piece in document.bytes.chunks(3 << 14) {
            BASE64.encode_append(piece, &mut xml.0);
        }
        xml.close("content");
    });
}

/// The message so far.
struct Xml(String);

impl Xml {
    fn open(&mut self, name: &str) {
        self.0.push_str("<memo:");
        self.0.push_str(name);
        self.0.push('>');
    }

    fn close(&mut self, name: &str) {
        self.0.push_str("</memo:");
        self.0.push_str(name);
        self.0.push_str(">\n");
    }

    fn within(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.open(name);
        self.0.push('\n');
        fill(self);
        self.close(name);
    }

    /// An element of text: what XML cannot hold is left out (XML 1.0 §2.2), what MeMo has no room for is cut.
    fn text(&mut self, name: &str, text: &str) {
        let is_xml = |c: &char| !c.is_control() && !matches!(c, '\u{FFFE}' | '\u{FFFF}');
        let plain: String = text.chars().filter(is_xml).take(TEXT).collect();
        self.open(name);
        self.0.push_str(&escape(plain.as_str()));
        self.close(name);
    }

    fn maybe(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }
}
