//! Documents of Office that are one XML file: OpenDocument, Word 2003, and packages whose parts stand behind each other;
//! and drawings (SVG).
//!
//! All are text, and in a text a number that changes its look in the middle is parted by tags; so they are told apart
//! from other XML by their first element and read as what they are. A package is put into an archive and read as that.
//! Start reading at [`read`].

use super::lines::{Lines, has_digits};
use super::odf::Body;
use super::package::MOST_FILES;
use super::text::Text;
use super::unseen::Unseen;
use super::xml::{self, Tag, Walked, Walker};
use crate::extract::HEAD;
use crate::extract::content::{Member, Page, Unread};
use quick_xml::Reader;
use quick_xml::events::Event;
use std::io::{Cursor, Write};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

#[cfg(test)]
mod tests;

/// What an XML file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `.fodt`, `.fods` and the like.
    OpenDocument,
    /// Word 2003.
    Word,
    /// Parts of Office Open XML behind each other.
    Package,
    /// SVG.
    Drawing,
    /// None of these, or none that can be seen yet.
    Unknown,
}

/// First elements, and the space of names that they are of.
const ROOTS: [(Form, &str, &str); 4] = [
    (Form::OpenDocument, "document", "urn:oasis:names:tc:opendocument:xmlns:office:1.0"),
    (Form::Word, "wordDocument", "http://schemas.microsoft.com/office/word/2003/wordml"),
    (Form::Package, "package", "http://schemas.microsoft.com/office/2006/xmlPackage"),
    (Form::Drawing, "svg", "http://www.w3.org/2000/svg"),
];

/// Whether a file is of such a form by its first bytes, or may be when they do not reach to its first element.
pub(in crate::extract) fn is(head: &[u8]) -> bool {
    form(head).is_some()
}

/// Whether a whole file is to be read here: because it is of such a form, or because its first bytes seemed to be.
pub(in crate::extract) fn is_whole(document: &[u8]) -> bool {
    is(document) || is(document.get(..HEAD).unwrap_or(document))
}

fn form(document: &[u8]) -> Option<Form> {
    /// What a first element may need at the most, with all that it declares and what stands before it.
    const MOST: usize = 256 * 1024;
    let head = document.get(..MOST).unwrap_or(document);
    let is_marked =
        matches!(head, [0xEF, 0xBB, 0xBF, ..] | [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] | [0, b'<', ..]);
    if !is_marked && !may_begin(head.trim_ascii_start()) {
        return None;
    }
    let text = xml::decode(xml::cut(head));
    let text = text.trim_start();
    let Some((tag, is_whole)) = first_tag(text) else {
        // Something long stands before the first element.
        return (head.len() >= HEAD && text.starts_with("<?xml")).then_some(Form::Unknown);
    };
    let name = tag.split(|letter: char| letter.is_whitespace() || letter == '/').next().unwrap_or_default();
    let (prefix, local) = name.rsplit_once(':').unwrap_or(("", name));
    let (form, _, space) = ROOTS.into_iter().find(|(_, root, _)| *root == local)?;
    // The names that a document declares may be more than fit into its first bytes.
    let may_be = !is_whole && !prefix.is_empty();
    (tag.contains(space) || may_be).then_some(form)
}

/// Whether a text can be one, asked of every part: most begin with a letter, and of the rest most are HTML.
fn may_begin(text: &[u8]) -> bool {
    let Some(tag) = text.strip_prefix(b"<") else { return false };
    match tag.first() {
        Some(b'?') | None => true,
        Some(b'!') => !tag.get(..13).is_some_and(|tag| tag.eq_ignore_ascii_case(b"!doctype html")),
        Some(_) => {
            let end = tag.iter().position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>'));
            let name = tag.get(..end.unwrap_or(tag.len())).unwrap_or_default();
            let local = name.rsplit(|byte| *byte == b':').next().unwrap_or_default();
            // A name that the first bytes cut off may be any.
            end.is_none() || ROOTS.iter().any(|(_, root, _)| root.as_bytes() == local)
        }
    }
}

/// What stands in the first element's tag, and whether that ends.
fn first_tag(xml: &str) -> Option<(&str, bool)> {
    let mut rest = xml;
    loop {
        let (_, tag) = rest.split_once('<')?;
        let end = match tag {
            _ if tag.starts_with("!--") => "-->",
            _ if tag.starts_with('?') => "?>",
            // What a document declares stands in brackets, with tags of its own.
            _ if tag.starts_with('!') && tag.split('>').next().is_some_and(|first| first.contains('[')) => {
                "]>"
            }
            _ if tag.starts_with('!') => ">",
            _ => return Some(tag.split_once('>').map_or((tag, false), |(tag, _)| (tag, true))),
        };
        rest = tag.split_once(end)?.1;
    }
}

/// Tells what is in a document.
pub(in crate::extract) fn read(document: &[u8], page: &mut Page<'_>) {
    let xml = xml::decode(document);
    let walked = match form(document) {
        Some(Form::OpenDocument) => {
            page.enter(Member::TEXT);
            let mut body = Body::new(Lines::counted(), Unseen::default());
            let walked = xml::walk(&xml, &mut body, page);
            body.finish(page);
            page.leave();
            xml::walk(&xml, &mut Files::default(), page);
            walked
        }
        Some(Form::Word) => {
            page.enter(Member::TEXT);
            let mut text = Text::new(Lines::counted(), false);
            let walked = xml::walk(&xml, &mut text, page);
            text.finish(page);
            page.leave();
            xml::walk(&xml, &mut Files::default(), page);
            walked
        }
        Some(Form::Package) => parts(&xml, document.len(), page),
        Some(Form::Drawing) => {
            page.enter(Member::TEXT);
            let mut letters = Letters::default();
            let walked = xml::walk(&xml, &mut letters, page);
            page.leave();
            // All else in a drawing is read as in any other XML.
            walked.max(Walked::Remarked)
        }
        Some(Form::Unknown) | None => Walked::Remarked,
    };
    if walked == Walked::Broken {
        page.unread(Unread::Damaged);
    }
    if walked != Walked::Whole {
        page.enter(Member { name: "", media: "application/xml" });
        page.text(&xml);
        page.leave();
    }
}

/// Reads a package whose parts stand behind each other in one file.
fn parts(xml: &str, size: usize, page: &mut Page<'_>) -> Walked {
    // Each takes some hundred bytes beside its own.
    let mut left = MOST_FILES;
    let (mut zip, mut walked) = (ZipWriter::new(Cursor::new(Vec::new())), Walked::Whole);
    let mut add = |name: &str, bytes: &[u8], page: &mut Page<'_>| {
        let name = name.trim_start_matches('/');
        let is_added = zip.start_file(
            name,
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored),
        );
        if is_added.is_err() || zip.write_all(bytes).is_err() {
            // Two of the same name: this one by itself.
            page.enter(Member::file(name));
            page.data(bytes);
            page.leave();
        }
    };
    add("[Content_Types].xml", b"<Types/>", page);
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    let (mut name, mut began, mut depth) = (String::new(), None, 0_usize);
    while !page.is_full() {
        let before = position(&reader);
        let event = reader.read_event();
        match event {
            Ok(Event::Start(start)) => {
                let tag = Tag::of(&start);
                depth += usize::from(began.is_some());
                match tag.name() {
                    "part" if began.is_none() => name = tag.get("name").unwrap_or_default().into_owned(),
                    "xmlData" | "binaryData" if began.is_none() => {
                        (began, depth) = (Some((position(&reader), tag.name() == "binaryData")), 0);
                    }
                    _ => {}
                }
            }
            Ok(Event::End(_)) if depth > 0 => depth -= 1,
            Ok(Event::End(_)) => {
                let Some((start, is_binary)) = began.take() else { continue };
                let part = xml.get(start..before).unwrap_or_default();
                let Some(less) = left.checked_sub(1) else {
                    page.stop(Unread::TooMany);
                    return walked;
                };
                left = less;
                if is_binary {
                    add(&name, &base64(part), page);
                } else {
                    add(&name, part.as_bytes(), page);
                }
            }
            Ok(Event::Eof) if began.is_none() => break,
            Ok(Event::Eof) | Err(_) => {
                walked = Walked::Broken;
                break;
            }
            Ok(_) => {}
        }
    }
    let archive = zip.finish().map(Cursor::into_inner).unwrap_or_default();
    match zip::ZipArchive::new(Cursor::new(archive.as_slice())) {
        Ok(mut archive) => drop(super::read(&mut archive, size as u64, page)),
        Err(_) => walked = Walked::Broken,
    }
    walked
}

fn position(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

/// Tells the files that stand in a document in base64.
#[derive(Default)]
struct Files {
    is_open: bool,
    letters: String,
}

impl Walker for Files {
    fn open(&mut self, tag: &Tag<'_>, _: &mut Page<'_>) {
        self.is_open = matches!(tag.name(), "binary-data" | "binData");
    }

    fn close(&mut self, page: &mut Page<'_>) {
        self.is_open = false;
        let file = base64(&std::mem::take(&mut self.letters));
        if !file.is_empty() {
            page.enter(Member::file("object"));
            page.data(&file);
            page.leave();
        }
    }

    fn text(&mut self, text: &str, _: &mut Page<'_>) {
        if self.is_open {
            self.letters.push_str(text);
        }
    }
}

/// The bytes of letters in base64 (RFC 4648 §4); other letters are passed over.
fn base64(letters: &str) -> Vec<u8> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for letter in letters.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.extend(u8::try_from(bits >> count & 0xFF));
        }
    }
    bytes
}

/// Texts of a drawing of which pieces have tags of their own.
#[derive(Default)]
struct Letters {
    /// As it stands, with what begins elsewhere on a line of its own; and all in one.
    apart: String,
    joined: String,
    /// Elements that are open in a text, it included.
    depth: usize,
    pieces: usize,
}

impl Walker for Letters {
    fn open(&mut self, tag: &Tag<'_>, _: &mut Page<'_>) {
        if self.depth > 0 {
            self.depth += 1;
            self.pieces += 1;
            if tag.all().any(|(key, _)| matches!(key, "x" | "y" | "dy")) {
                self.apart.push('\n');
            }
        } else if tag.name() == "text" {
            self.depth = 1;
        }
    }

    fn close(&mut self, page: &mut Page<'_>) {
        self.depth = self.depth.saturating_sub(1);
        if self.depth > 0 {
            return;
        }
        let (apart, joined) = (std::mem::take(&mut self.apart), std::mem::take(&mut self.joined));
        // In one piece it is read with all the rest.
        if std::mem::take(&mut self.pieces) > 0 {
            page.text(&apart);
            page.text("\n");
            if joined != apart && has_digits(&joined, 6) {
                page.text(&joined);
                page.text("\n");
            }
        }
    }

    fn text(&mut self, text: &str, _: &mut Page<'_>) {
        // A line's end in the file, and the blanks that indent the next, are layout of the file.
        if self.depth > 0 && !(text.trim().is_empty() && text.contains('\n')) {
            self.apart.push_str(text);
            self.joined.push_str(text);
        }
    }
}
