//! Reads a message back and holds it to the schema: which element stands where, in what order, how often, and what it may hold.
//!
//! A table of our own, made from `MeMo_core.xsd` 1.2 and `MeMo_dataTypes.xsd`; it has the elements that Brevdue writes and those
//! that may stand between them, and takes no other. Stricter than the schema in what Digital Post asks for beside it: a CPR number
//! is ten digits, a CVR number eight, and a notification 150 characters. Start reading at [`read`].

use super::NAMESPACE;
use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;

/// Where a message breaks the order, and how. Names elements, never what stands in them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct Fault {
    place: String,
    what: &'static str,
}

/// What an element may hold.
#[derive(Clone, Copy)]
enum Kind {
    /// So many characters at most, and not nothing.
    Text(usize),
    /// One of these.
    Word(&'static [&'static str]),
    /// `memoUuidType`: version 4.
    Uuid,
    /// `memoDateTimeType`: ends in Z.
    Time,
    /// `xs:date`.
    Date,
    /// `xs:base64Binary`.
    Base64,
    /// Elements, in this order.
    Of(&'static [Child]),
}

/// An element: its name, how often it stands at least and at most, and what it holds.
type Child = (&'static str, usize, usize, Kind);

const MANY: usize = usize::MAX;
const TEXT: Kind = Kind::Text(256);
const FLAG: Kind = Kind::Word(&["true", "false"]);

const MESSAGE: &[Child] = &[("Message", 1, 1, Kind::Of(PARTS))];
const PARTS: &[Child] = &[("MessageHeader", 1, 1, Kind::Of(HEADER)), ("MessageBody", 0, 1, Kind::Of(BODY))];
const HEADER: &[Child] = &[
    ("messageType", 1, 1, Kind::Word(&["DIGITALPOST", "NEMSMS"])),
    ("messageUUID", 1, 1, Kind::Uuid),
    ("messageID", 0, 1, TEXT),
    ("messageCode", 0, 1, TEXT),
    ("label", 1, 1, TEXT),
    ("notification", 0, 1, Kind::Text(150)),
    ("additionalNotification", 0, 1, TEXT),
    ("reply", 0, 1, FLAG),
    ("replyByDateTime", 0, 1, Kind::Time),
    ("doNotDeliverUntilDate", 0, 1, Kind::Date),
    ("mandatory", 0, 1, FLAG),
    ("legalNotification", 0, 1, FLAG),
    ("postType", 0, 1, TEXT),
    ("Sender", 1, 1, Kind::Of(SENDER)),
    ("Recipient", 1, 1, Kind::Of(RECIPIENT)),
];
const SENDER: &[Child] = &[
    ("senderID", 1, 1, TEXT),
    ("idType", 1, 1, Kind::Word(&["CVR"])),
    ("idTypeLabel", 0, 1, TEXT),
    ("label", 1, 1, TEXT),
    ("AttentionData", 0, 1, Kind::Of(ATTENTION)),
];
const ATTENTION: &[Child] = &[("GeneratingSystem", 0, 1, Kind::Of(SYSTEM))];
const SYSTEM: &[Child] = &[("generatingSystemID", 1, 1, TEXT), ("label", 0, 1, TEXT)];
const RECIPIENT: &[Child] = &[
    ("recipientID", 1, 1, TEXT),
    ("idType", 1, 1, Kind::Word(&["CPR", "CVR"])),
    ("idTypeLabel", 0, 1, TEXT),
    ("label", 0, 1, TEXT),
];
const BODY: &[Child] = &[
    ("createdDateTime", 1, 1, Kind::Time),
    ("MainDocument", 1, 1, Kind::Of(MAIN)),
    ("AdditionalDocument", 0, MANY, Kind::Of(ADDITIONAL)),
];
const MAIN: &[Child] =
    &[("mainDocumentID", 0, 1, TEXT), ("label", 0, 1, TEXT), ("File", 1, MANY, Kind::Of(FILE))];
const ADDITIONAL: &[Child] =
    &[("additionalDocumentID", 0, 1, TEXT), ("label", 0, 1, TEXT), ("File", 1, MANY, Kind::Of(FILE))];
const FILE: &[Child] = &[
    ("encodingFormat", 1, 1, TEXT),
    ("filename", 1, 1, TEXT),
    ("language", 1, 1, Kind::Word(&["da", "en"])),
    ("content", 1, 1, Kind::Base64),
];

/// An element that is open.
struct Open {
    name: &'static str,
    /// What may stand in it; empty for one that holds text.
    children: &'static [Child],
    /// The child that stood last, and how often it has.
    at: usize,
    count: usize,
    kind: Kind,
    text: String,
}

/// Reads a message. Returns the text of every element but `recipientID` and `content`, with the element's place: what our own
/// scanner is to read.
///
/// # Errors
/// The first place that breaks the order.
pub(super) fn read(message: &str) -> Result<Vec<(String, String)>, Fault> {
    let mut walk =
        Walk { open: vec![Open::new("", Kind::Of(MESSAGE))], texts: Vec::new(), id: String::new() };
    let mut reader = Reader::from_str(message);
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                if walk.open.len() == 1 {
                    let holds = |text: String| start.attributes_raw().contains(&text);
                    walk.ensure(holds(format!("xmlns:memo=\"{NAMESPACE}\"")), "not in the namespace")?;
                    walk.ensure(holds("memoVersion=\"1.2\"".to_owned()), "not of version 1.2")?;
                }
                walk.enter(start.name().0)?;
            }
            Ok(Event::End(_)) => walk.leave()?,
            Ok(Event::Text(text)) => walk.text(&text)?,
            Ok(Event::GeneralRef(reference)) => match reference.resolve_char_ref() {
                Ok(Some(letter)) => walk.text(letter.encode_utf8(&mut [0; 4]))?,
                Ok(None) => match resolve_predefined_entity(&reference) {
                    Some(text) => walk.text(text)?,
                    None => return Err(walk.fault("an entity that XML does not have")),
                },
                Err(_) => return Err(walk.fault("a character that XML does not have")),
            },
            Ok(Event::Decl(_)) => {}
            Ok(Event::Eof) => break,
            Ok(Event::Empty(_) | Event::CData(_) | Event::Comment(_) | Event::PI(_) | Event::DocType(_)) => {
                return Err(walk.fault("something that Brevdue does not write"));
            }
            Err(_) => return Err(walk.fault("not well-formed XML")),
        }
    }
    walk.ensure(walk.open.len() == 1, "not ended")?;
    walk.all_there()?;
    Ok(walk.texts)
}

struct Walk {
    /// From the outside in; the first is the document itself.
    open: Vec<Open>,
    texts: Vec<(String, String)>,
    /// The `senderID` or `recipientID` whose `idType` is still to come.
    id: String,
}

impl Open {
    fn new(name: &'static str, kind: Kind) -> Self {
        let children = if let Kind::Of(children) = kind { children } else { &[] };
        Self { name, children, at: 0, count: 0, kind, text: String::new() }
    }
}

impl Walk {
    fn place(&self) -> String {
        let names: Vec<&str> = self.open.iter().skip(1).map(|one| one.name).collect();
        names.join("/")
    }

    fn fault(&self, what: &'static str) -> Fault {
        Fault { place: self.place(), what }
    }

    fn ensure(&self, holds: bool, what: &'static str) -> Result<(), Fault> {
        if holds { Ok(()) } else { Err(self.fault(what)) }
    }

    fn enter(&mut self, name: &str) -> Result<(), Fault> {
        let Some(name) = name.strip_prefix("memo:") else {
            return Err(self.fault("an element of another namespace"));
        };
        let unknown = self.fault("an element that may not stand here, or not in this order");
        let (missing, often) =
            (self.fault("an element before this one is missing"), self.fault("an element too often"));
        let Some(parent) = self.open.last_mut() else { return Err(unknown) };
        loop {
            let Some((known, least, most, kind)) = parent.children.get(parent.at) else {
                return Err(unknown);
            };
            if *known == name {
                parent.count += 1;
                if parent.count > *most {
                    return Err(often);
                }
                let child = Open::new(known, *kind);
                self.open.push(child);
                return Ok(());
            }
            if parent.count < *least {
                return Err(missing);
            }
            (parent.at, parent.count) = (parent.at + 1, 0);
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Fault> {
        let fault = self.fault("text between elements");
        match self.open.last_mut() {
            Some(Open { kind: Kind::Of(_), .. }) | None => {
                if text.trim().is_empty() {
                    Ok(())
                } else {
                    Err(fault)
                }
            }
            Some(open) => {
                open.text.push_str(text);
                Ok(())
            }
        }
    }

    /// Every child that the innermost open element must have has come.
    fn all_there(&self) -> Result<(), Fault> {
        let Some(open) = self.open.last() else { return Ok(()) };
        let mut left = open.children.iter().enumerate().skip(open.at);
        let lacks = left.any(|(at, (_, least, ..))| *least > if at == open.at { open.count } else { 0 });
        self.ensure(!lacks, "an element is missing at its end")
    }

    fn leave(&mut self) -> Result<(), Fault> {
        self.all_there()?;
        let Some(Open { name, kind, text, .. }) = self.open.last() else { return Ok(()) };
        let digits = |count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
        match *kind {
            Kind::Of(_) => {}
            Kind::Text(most) => {
                let length = text.chars().count();
                self.ensure((1..=most).contains(&length) && !text.trim().is_empty(), "empty, or too long")?;
            }
            Kind::Word(words) => self.ensure(words.contains(&text.as_str()), "a word that is not known")?,
            Kind::Uuid => self.ensure(is_uuid(text), "no UUID of version 4")?,
            Kind::Time => {
                let is_time = text.ends_with('Z') && chrono::DateTime::parse_from_rfc3339(text).is_ok();
                self.ensure(is_time, "no time in UTC")?;
            }
            Kind::Date => {
                self.ensure(text.parse::<chrono::NaiveDate>().is_ok(), "no date")?;
            }
            Kind::Base64 => self.ensure(is_base64(text.as_bytes()), "no base64")?,
        }
        match *name {
            "senderID" | "recipientID" => {
                self.ensure(digits(8) || digits(10), "no CVR and no CPR number")?;
                self.id.clone_from(text);
            }
            "idType" => {
                let wanted = if text == "CPR" { 10 } else { 8 };
                self.ensure(self.id.len() == wanted, "not the length of the number before it")?;
            }
            _ => {}
        }
        let place = self.place();
        if let Some(Open { name, kind, text, .. }) = self.open.pop()
            && !matches!(kind, Kind::Of(_) | Kind::Base64)
            && name != "recipientID"
        {
            self.texts.push((place, text));
        }
        Ok(())
    }
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let hex = text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    let [_, _, version, variant, _] = groups.as_slice() else { return false };
    hex && lengths == [8, 4, 4, 4, 12]
        && version.starts_with('4')
        && variant.starts_with(['a', 'A', 'b', 'B', '8', '9'])
}

/// XML Schema part 2 §3.2.16, in the one form that is written here: no blanks, padded.
fn is_base64(text: &[u8]) -> bool {
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let body = text.get(..text.len() - padding).unwrap_or_default();
    text.len().is_multiple_of(4)
        && padding <= 2
        && body.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}
