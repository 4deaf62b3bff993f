//! TNEF (MS-OXTNEF): what Outlook makes of a message for another Outlook, `winmail.dat` to everybody else.
//!
//! A list of attributes, some of the message, some of its attachments in turn; two of them are lists of MAPI properties.
//! Checksums are not looked at and unknown attributes are passed over, as Outlook does both. Start reading at [`read`].

mod properties;

use super::bytes::{in_line, part, size_at, u32_at, until_nul, wide};
use super::codepage;
use super::content::{Member, Page, Unread};
use super::mapi::{self, Texts};
use super::{ole, raw};
use encoding_rs::{Encoding, WINDOWS_1252};
use properties::Property;

const MAGIC: &[u8] = b"\x78\x9F\x3E\x22";

/// Whether a document is TNEF.
pub(super) fn is(document: &[u8]) -> bool {
    document.starts_with(MAGIC)
}

/// Tells a message and its attached files.
pub(super) fn read(document: &[u8], page: &mut Page<'_>) {
    let mut message = Message::default();
    let mut file = None;
    let mut at = 6;
    while at < document.len() && !page.is_full() {
        let Some(attribute) = Attribute::read(document, at) else {
            message.is_damaged = true;
            break;
        };
        at = attribute.end;
        message.is_damaged |= at > document.len();
        if attribute.level == 1 {
            message.take(&attribute);
        } else {
            // Each attachment begins with how it is drawn.
            if attribute.number == 0x9002 {
                tell_file(file.take(), page);
            }
            file.get_or_insert_with(File::default).take(&attribute, message.charset());
        }
    }
    tell_file(file, page);
    message.tell(page);
    if message.is_damaged {
        page.unread(Unread::Damaged);
        raw::sweep(document, page);
    }
}

/// An attribute: whose it is, its number, its bytes.
struct Attribute<'a> {
    level: u8,
    number: u32,
    data: &'a [u8],
    end: usize,
}

impl<'a> Attribute<'a> {
    fn read(document: &'a [u8], at: usize) -> Option<Self> {
        let level = *document.get(at).filter(|level| matches!(level, 1 | 2))?;
        let number = u32_at(document, at + 1)? & 0xFFFF;
        let size = size_at(document, at + 5)?;
        let data = part(document, at + 9, size);
        // A checksum of two bytes follows.
        let end = at.checked_add(11)?.checked_add(size)?;
        Some(Self { level, number, data, end })
    }
}

/// What was read of the message.
#[derive(Default)]
struct Message<'a> {
    charset: Option<&'static Encoding>,
    texts: Texts,
    bodies: Vec<(u16, &'a [u8], u16)>,
    is_damaged: bool,
}

impl<'a> Message<'a> {
    fn charset(&self) -> &'static Encoding {
        self.charset.unwrap_or(WINDOWS_1252)
    }

    fn take(&mut self, attribute: &Attribute<'a>) {
        let charset = self.charset();
        let text = |bytes| codepage::decode(charset, until_nul(bytes));
        match attribute.number {
            0x9007 => self.charset = u32_at(attribute.data, 0).map(codepage::of_number),
            0x8004 => self.texts.add(mapi::SUBJECT, &text(attribute.data)),
            0x800C => self.texts.add(mapi::BODY, &codepage::decode(charset, attribute.data)),
            // The sender: numbers, then his name and address.
            0x8000 => {
                let texts = codepage::decode(charset, attribute.data.get(8..).unwrap_or_default());
                texts.split('\0').for_each(|text| self.texts.add_recipient(text));
            }
            0x9003 => {
                properties::read(attribute.data, &mut |property| self.property(property, charset));
            }
            // The recipients, a list of properties each.
            0x9004 => {
                let mut rows = attribute.data.get(4..).unwrap_or_default();
                for _ in 0..u32_at(attribute.data, 0).unwrap_or_default() {
                    if rows.is_empty() {
                        break;
                    }
                    let size = properties::read(rows, &mut |property| {
                        if let Some(text) = property_text(property, charset) {
                            self.texts.add_recipient(&text);
                        }
                    });
                    rows = rows.get(size..).unwrap_or_default();
                }
            }
            _ => {}
        }
    }

    fn property(&mut self, property: &Property<'a>, charset: &'static Encoding) {
        match (property.number, property.kind) {
            (mapi::HTML, _) | (mapi::RTF, 0x102) => {
                self.bodies.push((property.number, property.value, property.kind));
            }
            _ => {
                if let Some(text) = property_text(property, charset) {
                    self.texts.add(property.number, &text);
                }
            }
        }
    }

    fn tell(&mut self, page: &mut Page<'_>) {
        page.enter(Member::TEXT);
        page.text(&std::mem::take(&mut self.texts).into_text());
        page.leave();
        for (number, body, kind) in self.bodies.drain(..) {
            ole::tell_body(number, body, kind, "", page);
        }
    }
}

/// The text of a property, with its name before it when it has one.
fn property_text(property: &Property<'_>, charset: &'static Encoding) -> Option<String> {
    let text = match property.kind {
        0x1F => wide(property.value),
        0x1E => codepage::decode(charset, property.value),
        _ => return None,
    };
    let text = text.trim_end_matches('\0');
    let name = in_line(&property.name);
    Some(if name.is_empty() { text.to_owned() } else { format!("{name}: {text}") })
}

/// What was read of an attached file.
#[derive(Default)]
struct File<'a> {
    title: String,
    /// Its whole name, which only its properties know.
    name: String,
    data: Option<&'a [u8]>,
    texts: String,
    /// A message in it, or an object.
    inner: Option<&'a [u8]>,
}

impl<'a> File<'a> {
    fn take(&mut self, attribute: &Attribute<'a>, charset: &'static Encoding) {
        match attribute.number {
            0x8010 => self.title = codepage::decode(charset, until_nul(attribute.data)),
            0x800F => self.data = Some(attribute.data),
            0x9005 => {
                properties::read(attribute.data, &mut |property| match (property.number, property.kind) {
                    // The interface that it has stands before an object.
                    (mapi::DATA, 0xD) => self.inner = property.value.get(16..),
                    (mapi::DATA, _) => self.inner = Some(property.value),
                    (number, _) => {
                        let Some(text) = property_text(property, charset) else { return };
                        match number {
                            mapi::LONG_FILE_NAME => self.name = text,
                            mapi::FILE_NAME | mapi::DISPLAY_NAME if self.title.is_empty() => {
                                self.title = text;
                            }
                            mapi::FILE_NAME | mapi::DISPLAY_NAME => {}
                            _ => {
                                self.texts.push_str(&text);
                                self.texts.push('\n');
                            }
                        }
                    }
                });
            }
            _ => {}
        }
    }
}

fn tell_file(file: Option<File<'_>>, page: &mut Page<'_>) {
    let Some(file) = file else { return };
    if !file.texts.is_empty() {
        page.enter(Member::TEXT);
        page.text(&file.texts);
        page.leave();
    }
    let names = [&file.name, &file.title];
    let name = names.into_iter().find(|name| !name.is_empty()).map_or("attachment", String::as_str);
    for data in [file.data, file.inner].into_iter().flatten() {
        ole::tell(name, data, page);
    }
}

#[cfg(test)]
mod tests;
