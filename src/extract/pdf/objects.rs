//! What a PDF says beside its pages: form fields, comments, properties, links, bookmarks, scripts, files.
//!
//! Rather than each structure by its own road, every dictionary of the file is looked at: what nothing on a page refers to
//! any more goes out with the mail too, and a road that is not known cannot be missed. Strings that are no text for people
//! (fonts, keys, checksums, dates) are left out by their names. Files are told last, for they may be the largest. Start
//! reading at [`Walk::tell`].

use super::earlier::Known;
use super::{EARLIER, text};
use crate::extract::content::{Member, Page, Spot};
use hayro_interpret::hayro_syntax::Pdf;
use hayro_interpret::hayro_syntax::object::{
    Array, Dict, MaybeRef, Name, Object, ObjectIdentifier, Stream, String as Text,
};
use std::collections::HashSet;

/// Values within values are followed as deep as this, and names of fields up as far.
const DEEPEST: usize = 32;

/// Strings that nobody reads: of encryption, fonts, colours and structure.
const NO_TEXT: [&[u8]; 21] = [
    b"ID",
    b"O",
    b"U",
    b"OE",
    b"UE",
    b"Perms",
    b"DA",
    b"DS",
    b"Lang",
    b"Registry",
    b"Ordering",
    b"CharSet",
    b"FontFamily",
    b"CheckSum",
    b"Cert",
    b"Lookup",
    b"CreationDate",
    b"ModDate",
    b"M",
    b"ColorSpace",
    b"OCProperties",
];

/// Strings that hold text in arrays: choices, values, names.
const LISTS: [&[u8]; 9] = [b"", b"V", b"DV", b"Opt", b"I", b"Names", b"Kids", b"JS", b"XFA"];

/// Streams with these entries are not those that draw a page.
const NOT_PLAIN: [&str; 9] =
    ["Type", "Subtype", "FunctionType", "ShadingType", "PatternType", "Length1", "N", "Width", "CMapName"];

/// Looks through a file.
pub(super) struct Walk<'a, 'k> {
    known: &'k mut Known,
    /// Lines of what belongs to a form.
    fields: String,
    /// Lines of everything else.
    others: String,
    /// Texts that are marked up, with their type.
    marked: Vec<(&'static str, Stream<'a>)>,
    rich: String,
    files: Vec<(String, Stream<'a>)>,
    /// Streams that were taken: one may be met by its name and by itself.
    taken: HashSet<ObjectIdentifier>,
    /// Streams that are files, whatever refers to them.
    bare: Vec<Stream<'a>>,
    xfa: Vec<Stream<'a>>,
    /// Digits that fields in a row hold, and the first one's name.
    digits: String,
    first: String,
    /// Streams of which their own entries do not say what they are, as those of pages.
    plain: Vec<Stream<'a>>,
    /// Streams that pages are drawn by.
    drawn: HashSet<ObjectIdentifier>,
}

/// Whether there are pages that hang in no tree.
pub(super) fn has_loose_pages(pdf: &Pdf) -> bool {
    let hung: HashSet<_> = pdf.pages().iter().map(|leaf| leaf.raw().obj_id()).collect();
    let is_loose =
        |object| matches!(object, Object::Dict(dict) if is_page(&dict) && !hung.contains(&dict.obj_id()));
    pdf.objects().into_iter().any(is_loose)
}

fn is_page(dict: &Dict<'_>) -> bool {
    dict.get::<Name<'_>>("Type").is_some_and(|name| name.as_ref() == b"Page")
}

impl<'a, 'k> Walk<'a, 'k> {
    /// Tells what is beside the pages, and is not known.
    pub(super) fn tell(pdf: &'a Pdf, page: &mut Page<'_>, known: &'k mut Known) {
        let mut walk = Self {
            known,
            fields: String::new(),
            others: String::new(),
            marked: Vec::new(),
            rich: String::new(),
            files: Vec::new(),
            taken: HashSet::new(),
            bare: Vec::new(),
            xfa: Vec::new(),
            digits: String::new(),
            first: String::new(),
            plain: Vec::new(),
            drawn: HashSet::new(),
        };
        for object in pdf.objects() {
            walk.value(&object, b"", 0);
        }
        walk.end_digits();
        walk.write(page);
    }

    fn write(mut self, page: &mut Page<'_>) {
        for (place, lines) in [("form", &self.fields), ("properties", &self.others)] {
            if !lines.is_empty() {
                page.enter(Member::TEXT);
                page.spot(if self.known.is_earlier { EARLIER } else { Spot::Named(place) });
                page.text(lines);
                page.leave();
            }
        }
        if !self.rich.is_empty() {
            page.enter(Member { name: "", media: "text/html" });
            page.text(&self.rich);
            page.leave();
        }
        for (media, stream) in std::mem::take(&mut self.marked) {
            if page.is_full() {
                return;
            }
            if self.known.is_new(stream.raw_data()) {
                page.enter(Member { name: "", media });
                page.data(&bytes(&stream));
                page.leave();
            }
        }
        let xfa: Vec<_> = self.xfa.iter().map(Stream::raw_data).collect();
        if !xfa.is_empty() && self.known.is_new(&xfa) {
            page.enter(Member { name: "", media: "application/xml" });
            page.spot(Spot::Named("form"));
            // A form of pieces is one document.
            for piece in std::mem::take(&mut self.xfa) {
                page.data(&bytes(&piece));
            }
            page.leave();
        }
        let bare = std::mem::take(&mut self.bare).into_iter();
        let bare = bare.filter(|stream| !self.taken.contains(&stream.obj_id()));
        let bare = bare.map(|stream| ("file".to_owned(), stream)).collect::<Vec<_>>();
        for (name, stream) in self.files.iter().chain(&bare) {
            if page.is_full() {
                return;
            }
            if self.known.is_new((name, stream.raw_data())) {
                page.enter(Member::file(name));
                page.data(&bytes(stream));
                page.leave();
            }
        }
        for stream in self.plain.iter().filter(|stream| !self.drawn.contains(&stream.obj_id())) {
            self.known.is_left(&stream.raw_data(), || bytes(stream));
        }
    }

    fn value(&mut self, object: &Object<'a>, key: &[u8], depth: usize) {
        if depth > DEEPEST {
            return;
        }
        match object {
            Object::Dict(dict) => self.dict(dict, depth),
            Object::Stream(stream) => self.stream(stream, key, depth),
            Object::Array(array) => {
                for item in array.raw_iter() {
                    match item {
                        MaybeRef::NotRef(Object::String(text)) if LISTS.contains(&key) => {
                            self.line(key, &text);
                        }
                        MaybeRef::NotRef(inner) => self.value(&inner, key, depth + 1),
                        // Told where it stands by itself.
                        MaybeRef::Ref(_) => {}
                    }
                }
            }
            Object::String(text) => self.line(key, text),
            Object::Null(_) | Object::Boolean(_) | Object::Number(_) | Object::Name(_) => {}
        }
    }

    fn stream(&mut self, stream: &Stream<'a>, key: &[u8], depth: usize) {
        let dict = stream.dict();
        if depth == 0 && !NOT_PLAIN.into_iter().any(|key| dict.contains_key(key)) {
            self.plain.push(stream.clone());
        }
        let is =
            |key: &str, value: &[u8]| dict.get::<Name<'_>>(key).is_some_and(|name| name.as_ref() == value);
        if is("Type", b"Metadata") {
            self.take("application/xml", stream);
        } else if is("Type", b"EmbeddedFile") {
            self.bare.push(stream.clone());
        } else if key == b"JS" || is("Type", b"JavaScript") {
            self.take("text/plain", stream);
        }
        self.dict(dict, depth);
    }

    fn take(&mut self, media: &'static str, stream: &Stream<'a>) {
        if self.taken.insert(stream.obj_id()) {
            self.marked.push((media, stream.clone()));
        }
    }

    fn dict(&mut self, dict: &Dict<'a>, depth: usize) {
        self.file(dict);
        if is_page(dict) {
            let drawn = match dict.get::<Object<'a>>("Contents") {
                Some(Object::Stream(stream)) => vec![stream],
                Some(Object::Array(pieces)) => pieces.iter::<Stream<'a>>().collect(),
                Some(_) | None => Vec::new(),
            };
            for stream in drawn {
                self.known.is_drawing(&stream.raw_data());
                self.drawn.insert(stream.obj_id());
            }
        }
        let is_field = dict.contains_key("V")
            && (dict.contains_key("FT") || dict.contains_key("T") || dict.contains_key("Parent"));
        if is_field {
            self.field(dict);
        }
        // A signature's own bytes, and those that a font or a colour is made of.
        let is_signature = dict.contains_key("ByteRange");
        for (key, value) in dict.entries() {
            let key = key.as_ref();
            let is_told = is_field && matches!(key, b"V" | b"T" | b"TU");
            if NO_TEXT.contains(&key) || is_told || (is_signature && key == b"Contents") {
                continue;
            }
            match value {
                MaybeRef::NotRef(inner) => self.value(&inner, key, depth + 1),
                MaybeRef::Ref(_) => self.referred(dict, key),
            }
        }
    }

    /// Streams and strings that are text because of what refers to them.
    fn referred(&mut self, dict: &Dict<'a>, key: &[u8]) {
        match key {
            b"JS" | b"RV" | b"RC" => {
                let media = if key == b"JS" { "text/plain" } else { "text/html" };
                match dict.get::<Object<'a>>(key) {
                    Some(Object::Stream(stream)) => self.take(media, &stream),
                    Some(Object::String(text)) => self.line(key, &text),
                    Some(_) | None => {}
                }
            }
            b"XFA" => match dict.get::<Object<'a>>(key) {
                Some(Object::Stream(stream)) => self.xfa.push(stream),
                Some(Object::Array(pieces)) => self.pieces(&pieces),
                Some(_) | None => {}
            },
            // Strings by themselves, as some programs write each.
            b"Contents" | b"Title" | b"Author" | b"Subject" | b"Keywords" | b"URI" | b"Alt"
            | b"ActualText" => {
                if let Some(Object::String(text)) = dict.get::<Object<'a>>(key) {
                    self.line(key, &text);
                }
            }
            _ => {}
        }
    }

    fn pieces(&mut self, pieces: &Array<'a>) {
        self.xfa.extend(pieces.iter::<Object<'a>>().filter_map(Object::into_stream));
    }

    /// A file specification (ISO 32000-2 §7.11.3) with its file.
    fn file(&mut self, dict: &Dict<'a>) {
        if let Some(pieces) = dict.get_raw::<Array<'a>>("XFA").and_then(|raw| match raw {
            MaybeRef::NotRef(pieces) => Some(pieces),
            MaybeRef::Ref(_) => None,
        }) {
            self.pieces(&pieces);
        }
        let Some(held) = dict.get::<Dict<'a>>("EF") else { return };
        let name = ["UF", "F", "Unix", "DOS", "Mac"]
            .into_iter()
            .find_map(|key| text::decode(&dict.get::<Text<'a>>(key)?));
        let name = name.unwrap_or_else(|| "file".to_owned());
        for key in ["UF", "F", "Unix", "DOS", "Mac"] {
            if let Some(stream) = held.get::<Stream<'a>>(key)
                && self.taken.insert(stream.obj_id())
            {
                self.files.push((name.clone(), stream));
            }
        }
    }

    /// A field of a form, with its name: `name: value`.
    fn field(&mut self, dict: &Dict<'a>) {
        let name = name(dict);
        let value = match dict.get::<Object<'a>>("V") {
            Some(Object::String(value)) => text::decode(&value),
            Some(Object::Array(values)) => {
                let values = values.iter::<Text<'a>>().filter_map(|value| text::decode(&value));
                Some(values.collect::<Vec<_>>().join("\n"))
            }
            Some(Object::Stream(value)) => text::decode(&bytes(&value)),
            Some(Object::Name(value)) => text::decode(value.as_ref()),
            Some(Object::Dict(_) | Object::Null(_) | Object::Boolean(_) | Object::Number(_)) | None => None,
        };
        let Some(value) = value else { return };
        self.say(&name, &value);
        let value = value.trim();
        if !value.is_empty() && value.len() <= 6 && value.bytes().all(|byte| byte.is_ascii_digit()) {
            if self.digits.is_empty() {
                self.first = name;
            }
            self.digits.push_str(value);
        } else if value != "-" {
            self.end_digits();
        }
    }

    /// A number may have a field for each digit, or one for each half.
    fn end_digits(&mut self) {
        let (digits, first) = (std::mem::take(&mut self.digits), std::mem::take(&mut self.first));
        if digits.len() >= 8 && digits.len() <= 64 {
            self.say(&first, &digits);
        }
    }

    fn say(&mut self, name: &str, value: &str) {
        if self.known.is_new((name, value)) {
            self.fields.push_str(name);
            self.fields.push_str(": ");
            self.fields.push_str(value);
            self.fields.push('\n');
        }
    }

    fn line(&mut self, key: &[u8], value: &[u8]) {
        let Some(text) = text::decode(value) else { return };
        if !self.known.is_new((key, &text)) {
            return;
        }
        if key == b"RC" || key == b"RV" {
            self.rich.push_str(&text);
            self.rich.push('\n');
            return;
        }
        if !key.is_empty() {
            self.others.push_str(&String::from_utf8_lossy(key));
            self.others.push_str(": ");
        }
        self.others.push_str(&text);
        self.others.push('\n');
    }
}

/// What a field is called: by its tooltip, which people read, and by its name and those that it lies in.
fn name(dict: &Dict<'_>) -> String {
    let string = |dict: &Dict<'_>, key: &str| dict.get::<Text<'_>>(key).and_then(|name| text::decode(&name));
    let mut names = Vec::new();
    let mut tip = None;
    let mut at = Some(dict.clone());
    while let Some(dict) = at.filter(|_| names.len() < DEEPEST) {
        names.push(string(&dict, "T"));
        tip = tip.or_else(|| string(&dict, "TU"));
        at = dict.get::<Dict<'_>>("Parent");
    }
    names.reverse();
    let name = names.into_iter().flatten().collect::<Vec<_>>().join(".");
    match tip {
        // The tooltip stands next to the value: it is the better label.
        Some(tip) if tip != name => format!("{name}: {tip}"),
        Some(_) | None => name,
    }
}

/// What a stream holds: unfolded, or as it stands when it is a picture or broken.
fn bytes(stream: &Stream<'_>) -> Vec<u8> {
    stream.decoded_data().unwrap_or_else(|_| stream.raw_data()).into_owned()
}
