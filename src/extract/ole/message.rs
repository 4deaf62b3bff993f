//! Outlook's messages as files (MS-OXMSG): a storage for the message, one for each recipient and attachment, and in each
//! a stream for every property that is no number.
//!
//! All properties that are text are told, known and named ones alike; the body's HTML and rich text are told as they are,
//! for whoever reads these forms. An attached message is a storage in the storage of its attachment, and comes in its
//! turn (`mod.rs`). Start reading at [`read`].

use super::compound::{Compound, ROOT};
use super::embedded;
use crate::extract::bytes::{u16_at, u32_at, wide};
use crate::extract::codepage;
use crate::extract::content::{Member, Page, Unread};
use crate::extract::mapi::{self, Texts};
use encoding_rs::{Encoding, WINDOWS_1252};

const PROPERTIES: &str = "__properties_version1.0";
/// How the names of properties' streams begin; number and type follow, four hexadecimal digits each.
const STREAM: &str = "__substg1.0_";

/// Whether a storage is a message: at the top, or attached.
pub(super) fn is(compound: &Compound<'_>, storage: usize) -> bool {
    (storage == ROOT || compound.name(storage).starts_with("__substg1.0_3701"))
        && compound.child(storage, PROPERTIES).is_some()
}

/// Tells a message and its attached files.
pub(super) fn read(compound: &Compound<'_>, storage: usize, page: &mut Page<'_>) {
    // Messages within messages are not recursive here, but who made a hundred meant harm.
    const DEEPEST: usize = 20;
    let mut depth = 0;
    let mut outer = storage;
    while outer != ROOT && depth <= DEEPEST {
        outer = compound.parent(outer);
        depth += 1;
    }
    if depth > DEEPEST {
        return page.unread(Unread::TooDeep);
    }
    let numbers = Numbers::read(compound, storage, if storage == ROOT { 32 } else { 24 });
    let charset = numbers.charset(mapi::CODE_PAGE).or_else(|| numbers.charset(mapi::INTERNET_CODE_PAGE));
    let charset = charset.unwrap_or(WINDOWS_1252);
    let mut texts = Texts::default();
    let mut bodies = Vec::new();
    for (child, number, kind) in streams(compound, storage) {
        match (number, kind & 0x0FFF) {
            // In the message's own charset, of which its HTML speaks itself.
            (mapi::HTML, _) | (mapi::RTF, 0x102) => bodies.push((number, compound.stream(child), kind)),
            (_, 0x1F) => texts.add(number, &wide(&compound.stream(child))),
            (_, 0x1E) => texts.add(number, &codepage::decode(charset, &compound.stream(child))),
            _ => {}
        }
    }
    let parts: Vec<usize> = compound.children(storage).filter(|child| compound.is_storage(*child)).collect();
    for part in &parts {
        // Names of properties are texts as well: of those that somebody thought of.
        if compound.name(*part).starts_with("__recip_version1.0") {
            for (child, _, kind) in streams(compound, *part) {
                match kind & 0x0FFF {
                    0x1F => texts.add_recipient(&wide(&compound.stream(child))),
                    0x1E => texts.add_recipient(&codepage::decode(charset, &compound.stream(child))),
                    _ => {}
                }
            }
        }
    }
    let name = if storage == ROOT { String::new() } else { texts.name() };
    page.enter(Member { name: &name, media: "text/plain" });
    page.text(&texts.into_text());
    page.leave();
    for (number, body, kind) in bodies {
        tell_body(number, &body, kind, &name, page);
    }
    for part in parts {
        if page.is_full() {
            return;
        }
        if compound.name(part).starts_with("__attach_version1.0") {
            attachment(compound, part, charset, page);
        }
    }
}

/// Tells a body that is HTML or packed rich text; of the message with this name, when it lies in another.
pub(in crate::extract) fn tell_body(number: u16, body: &[u8], kind: u16, name: &str, page: &mut Page<'_>) {
    if number == mapi::RTF {
        tell_rtf(body, page);
    } else if kind == 0x1F {
        page.enter(Member { name, media: "text/html" });
        page.text(&wide(body));
    } else {
        page.enter(Member { name, media: "text/html" });
        page.data(body);
    }
    page.leave();
}

/// Tells packed rich text as the file that it is.
fn tell_rtf(packed: &[u8], page: &mut Page<'_>) {
    let most = usize::try_from(page.left()).unwrap_or(usize::MAX);
    match mapi::rtf::unpack(packed, most) {
        Some(rtf) => embedded::tell("body.rtf", &rtf, page),
        None if packed.is_empty() => {}
        None => {
            page.unread(Unread::Damaged);
            super::scraps(packed, page);
        }
    }
}

/// Tells an attached file: its names, what is said of it, and its bytes.
fn attachment(compound: &Compound<'_>, storage: usize, charset: &'static Encoding, page: &mut Page<'_>) {
    let mut names = [const { String::new() }; 3];
    let mut file = None;
    let mut rest = String::new();
    for (child, number, kind) in streams(compound, storage) {
        let text = match kind & 0x0FFF {
            0x1F => wide(&compound.stream(child)),
            0x1E => codepage::decode(charset, &compound.stream(child)),
            0x102 if number == mapi::DATA => {
                file = Some(child);
                continue;
            }
            _ => continue,
        };
        let text = text.trim_end_matches('\0');
        let order = [mapi::LONG_FILE_NAME, mapi::FILE_NAME, mapi::DISPLAY_NAME];
        if let Some(name) = order.iter().position(|one| *one == number).and_then(|nr| names.get_mut(nr)) {
            text.clone_into(name);
        } else {
            rest.push_str(text);
            rest.push('\n');
        }
    }
    page.enter(Member::TEXT);
    page.text(&rest);
    page.leave();
    if let Some(file) = file {
        let name = names.iter().find(|name| !name.is_empty()).map_or("attachment", String::as_str);
        embedded::tell(name, &compound.stream(file), page);
    }
}

/// The streams of properties in a storage, with their numbers and types.
fn streams(compound: &Compound<'_>, storage: usize) -> impl Iterator<Item = (usize, u16, u16)> {
    compound.children(storage).filter(|child| !compound.is_storage(*child)).filter_map(|child| {
        let tag = compound.name(child).strip_prefix(STREAM)?;
        // A list of texts has a stream for each, with its number behind; the stream without one tells their lengths.
        let is_list = tag.get(4..5) == Some("1");
        let number = u16::from_str_radix(tag.get(..4)?, 16).ok()?;
        let kind = u16::from_str_radix(tag.get(4..8)?, 16).ok()?;
        (!is_list || tag.len() > 8).then_some((child, number, kind))
    })
}

/// The properties that are numbers: 16 bytes each, behind a head.
struct Numbers {
    stream: Vec<u8>,
}

impl Numbers {
    fn read(compound: &Compound<'_>, storage: usize, head: usize) -> Self {
        let mut stream = compound.stream_in(storage, PROPERTIES).unwrap_or_default();
        stream.drain(..head.min(stream.len()));
        Self { stream }
    }

    fn charset(&self, wanted: u16) -> Option<&'static Encoding> {
        let found = self.stream.chunks(16).find(|entry| u16_at(entry, 2) == Some(wanted))?;
        u32_at(found, 8).map(codepage::of_number)
    }
}

#[cfg(test)]
mod tests {
    use crate::extract::made::message::message;
    use crate::extract::ole::tests::{told, torment};

    #[test]
    fn texts_bodies_files_and_messages_within_are_told() {
        let file = message();
        let (text, unread) = told(&file, crate::extract::ole::read);
        for piece in [
            "Anna Berg\nløn 150379-1028\n\nда\r\n150379-1029\n\n",
            "Subject: a\r\nTo: b\n",
            "\nnamed 150379-1030\n",
            "\none of many\n",
            "<p>html",
            "<body.rtf>{\\rtf1 rich 150379-1028}",
            "<lønliste.csv>CPR;150379-1031",
            "<inner 150379-1032.msg>inner 150379-1032",
            "<attachment>innermost",
        ] {
            assert!(text.contains(piece), "{piece} in {text}");
        }
        assert_eq!(unread, []);
        torment(&file, crate::extract::ole::read);
    }
}
