//! XML as the readers of office documents want it: names without prefixes, text with its references resolved.
//!
//! Entities that a document declares are not expanded, so none can unfold to more than it is; a part that declares some
//! is not whole for us, and is told as it stands besides. Start reading at [`walk`].

use crate::extract::content::Page;
use quick_xml::Reader;
use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::{BytesStart, Event};
use std::borrow::Cow;

/// No document has elements in elements in elements as deep as that.
const DEEPEST: usize = 1000;

/// An element's beginning.
pub(super) struct Tag<'a>(&'a BytesStart<'a>);

impl<'a> Tag<'a> {
    /// Of an event.
    pub(super) fn of(start: &'a BytesStart<'a>) -> Self {
        Self(start)
    }

    /// Its name without the prefix.
    pub(super) fn name(&self) -> &str {
        local(self.0.name().0)
    }

    /// All its attributes as they stand in the file.
    pub(super) fn raw(&self) -> &str {
        self.0.attributes_raw()
    }

    /// An attribute, whatever its prefix.
    pub(super) fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        // What is not there at all need not be looked for attribute by attribute.
        memchr::memmem::find(self.raw().as_bytes(), name.as_bytes())?;
        self.all().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Its attributes: names without prefixes, values with their references resolved.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        let mut attributes = self.0.attributes();
        attributes.with_checks(false);
        attributes.filter_map(Result::ok).map(|attribute| {
            let value = match attribute.value {
                Cow::Borrowed(value) => resolve(value),
                Cow::Owned(value) => Cow::Owned(resolve(&value).into_owned()),
            };
            (local(attribute.key.0), value)
        })
    }
}

fn resolve(value: &str) -> Cow<'_, str> {
    if value.contains('&') { unescape(value).unwrap_or(Cow::Borrowed(value)) } else { Cow::Borrowed(value) }
}

/// A name without its prefix.
fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, name)| name)
}

/// Who is told what is in an XML file. An element without content begins and ends.
pub(super) trait Walker {
    /// An element begins.
    fn open(&mut self, tag: &Tag<'_>, page: &mut Page<'_>);
    /// The innermost element ends.
    fn close(&mut self, page: &mut Page<'_>);
    /// Text, cut anywhere.
    fn text(&mut self, text: &str, page: &mut Page<'_>);
}

/// How an XML file was read; the worse, the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Walked {
    /// To its end, or to the page's.
    Whole,
    /// To its end, past remarks that only its bytes show.
    Remarked,
    /// Up to a place where it is broken, or past something that was not understood.
    Broken,
}

/// Walks an XML file.
pub(super) fn walk(xml: &str, walker: &mut impl Walker, page: &mut Page<'_>) -> Walked {
    let mut reader = Reader::from_str(xml);
    let config = reader.config_mut();
    // A reader that repairs a document would show what stands in it; so take what can be taken.
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    let (mut walked, mut depth) = (Walked::Whole, 0_usize);
    while !page.is_full() {
        match reader.read_event() {
            Ok(Event::Start(_)) if depth == DEEPEST => {
                walked = Walked::Broken;
                break;
            }
            Ok(Event::Start(start)) => {
                depth += 1;
                walker.open(&Tag(&start), page);
            }
            Ok(Event::Empty(start)) => {
                walker.open(&Tag(&start), page);
                walker.close(page);
            }
            Ok(Event::End(_)) => match depth.checked_sub(1) {
                Some(less) => {
                    depth = less;
                    walker.close(page);
                }
                None => walked = Walked::Broken,
            },
            Ok(Event::Text(text)) => walker.text(&text, page),
            Ok(Event::CData(text)) => walker.text(&text, page),
            Ok(Event::GeneralRef(reference)) => match reference.resolve_char_ref() {
                Ok(Some(letter)) => walker.text(letter.encode_utf8(&mut [0; 4]), page),
                Ok(None) => match resolve_predefined_entity(&reference) {
                    Some(text) => walker.text(text, page),
                    None => walked = Walked::Broken,
                },
                Err(_) => walked = Walked::Broken,
            },
            Ok(Event::DocType(text)) => {
                if text.contains("ENTITY") {
                    walked = Walked::Broken;
                }
            }
            Ok(Event::Comment(text)) => {
                // No reader shows it, and whoever looks into the file sees it.
                if walked == Walked::Whole && text.bytes().filter(u8::is_ascii_digit).count() >= 6 {
                    walked = Walked::Remarked;
                }
            }
            Ok(Event::Decl(_) | Event::PI(_)) => {}
            Ok(Event::Eof) if depth == 0 => break,
            Ok(Event::Eof) | Err(_) => {
                walked = Walked::Broken;
                break;
            }
        }
    }
    // What was begun is told.
    for _ in 0..depth {
        walker.close(page);
    }
    walked
}

/// The name of the element that is all of an XML file, without its prefix.
pub(super) fn root(xml: &str) -> Option<String> {
    let mut reader = Reader::from_str(xml);
    loop {
        match reader.read_event() {
            Ok(Event::Start(start) | Event::Empty(start)) => return Some(local(start.name().0).to_owned()),
            Ok(Event::Eof) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

/// Without the letter that the end of the bytes cuts.
pub(super) fn cut(head: &[u8]) -> &[u8] {
    match std::str::from_utf8(head) {
        Err(error) if error.error_len().is_none() => head.get(..error.valid_up_to()).unwrap_or(head),
        _ => head,
    }
}

/// The bytes of an XML file as text (XML 1.0 appendix F): UTF-16 by its mark or its first letters, else UTF-8, and what
/// is not UTF-8 is of one byte a letter.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (units, _) = bytes.as_chunks::<2>();
        let units = units.iter().map(|pair| unit(*pair));
        Cow::Owned(char::decode_utf16(units).map(|letter| letter.unwrap_or('\u{FFFD}')).collect())
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes),
        [b'<', 0, ..] => wide(bytes, u16::from_le_bytes),
        [0, b'<', ..] => wide(bytes, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] | rest => match std::str::from_utf8(rest) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(rest.iter().map(|byte| char::from(*byte)).collect()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::content::{Event as Told, Limits};
    use std::fmt::Write;

    #[derive(Default)]
    struct Record(String);

    impl Walker for Record {
        fn open(&mut self, tag: &Tag<'_>, _: &mut Page<'_>) {
            self.0.push('<');
            self.0.push_str(tag.name());
            for (key, value) in tag.all() {
                write!(self.0, " {key}={value}").unwrap();
            }
            self.0.push('>');
        }

        fn close(&mut self, _: &mut Page<'_>) {
            self.0.push_str("</>");
        }

        fn text(&mut self, text: &str, _: &mut Page<'_>) {
            self.0.push_str(text);
        }
    }

    fn told(xml: &[u8]) -> (String, Walked) {
        let mut content = |_: Told<'_>| {};
        let mut page = Page::new(&mut content, Limits::default(), 1);
        let mut record = Record::default();
        let walked = walk(&decode(xml), &mut record, &mut page);
        (record.0, walked)
    }

    #[test]
    fn references_and_prefixes_are_resolved() {
        let told = told(b"<?xml version='1.0'?><w:p w:a='1&#50;&amp;'>a&#x31;&lt;<![CDATA[<b>]]><x/></w:p>");
        assert_eq!(told, ("<p a=12&>a1<<b><x></></>".to_owned(), Walked::Whole));
    }

    #[test]
    fn every_charset_of_a_part_is_read() {
        let wide =
            |unit: fn(u16) -> [u8; 2], text: &str| text.encode_utf16().flat_map(unit).collect::<Vec<_>>();
        for bytes in [
            "<a>å1</a>".as_bytes().to_vec(),
            "\u{FEFF}<a>å1</a>".as_bytes().to_vec(),
            wide(u16::to_le_bytes, "\u{FEFF}<a>å1</a>"),
            wide(u16::to_be_bytes, "\u{FEFF}<a>å1</a>"),
            wide(u16::to_le_bytes, "<a>å1</a>"),
            wide(u16::to_be_bytes, "<a>å1</a>"),
            b"<a>\xE51</a>".to_vec(),
        ] {
            assert_eq!(told(&bytes), ("<a>å1</>".to_owned(), Walked::Whole), "{bytes:x?}");
        }
    }

    #[test]
    fn declared_entities_unfold_to_nothing() {
        let mut bomb = String::from("<!DOCTYPE a [<!ENTITY l0 \"lol\">");
        for nr in 1..30 {
            let of = format!("&l{};", nr - 1).repeat(10);
            write!(bomb, "<!ENTITY l{nr} \"{of}\">").unwrap();
        }
        bomb.push_str("]><a b='&l29;'>x&l29;y</a>");
        let (text, walked) = told(bomb.as_bytes());
        assert_eq!((text.as_str(), walked), ("<a b=&l29;>xy</>", Walked::Broken));
    }

    #[test]
    fn what_is_broken_is_read_up_to_there() {
        assert_eq!(told(b"<a><b>1</a>"), ("<a><b>1</></>".to_owned(), Walked::Broken));
        assert_eq!(told(b"<a>1</b>"), ("<a>1</>".to_owned(), Walked::Whole));
        assert_eq!(told(b"<a>1<b c='"), ("<a>1</>".to_owned(), Walked::Broken));
        assert_eq!(root("<?xml version='1.0'?><!-- a --><w:document>").as_deref(), Some("document"));
        assert_eq!(root("nothing"), None);
    }
}
