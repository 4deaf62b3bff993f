//! OLE compound files (MS-CFB): a file system in a file, in which Office until 2007 and Outlook keep documents.
//!
//! A storage of it is a folder and a stream a file; what a storage is, is told by the names of its streams: a text
//! (`word.rs`), a workbook (`sheet/`), slides (`slides.rs`), a message (`message.rs`), an encrypted document of the newer
//! kind (`crypt/`), the wrapping of a file (`embedded.rs`), or macros (`macros.rs`). Objects within documents are storages too and are read
//! alike, so a sheet in a text in an attached message is found by one loop and without recursion. Streams that nobody
//! here knows are looked through for digits ([`scraps`]), as macros, drawings and forms keep their texts there. Never
//! fails: what cannot be read is swept as raw bytes and said. Start reading at [`read`].
//! Tests: in each file, and `tests/old_documents.rs` for whole documents.

mod compound;
mod crypt;
mod embedded;
mod macros;
mod message;
mod properties;
mod sheet;
mod slides;
mod word;

pub(in crate::extract) use compound::MAGIC;
pub(in crate::extract) use embedded::{is_file, package, tell};
pub(in crate::extract) use message::tell_body;

use super::content::{Page, Unread};
use super::raw;
use compound::Compound;

/// Whether a document is a compound file.
pub(super) fn is(document: &[u8]) -> bool {
    document.starts_with(MAGIC)
}

/// Tells what is in a compound file.
pub(super) fn read(document: &[u8], page: &mut Page<'_>) {
    let Some(compound) = Compound::new(document) else {
        page.unread(Unread::Damaged);
        return raw::sweep(document, page);
    };
    let mut is_known = false;
    for storage in compound.storages() {
        if page.is_full() {
            return;
        }
        is_known |= tell_storage(&compound, storage, page);
    }
    if !is_known {
        page.unread(Unread::UnknownForm);
        for storage in compound.storages() {
            for child in compound.children(storage).filter(|child| !compound.is_storage(*child)) {
                raw::sweep(&compound.stream(child), page);
            }
        }
    }
    if compound.is_damaged() {
        page.unread(Unread::Damaged);
        raw::sweep(document, page);
    }
}

/// Tells what lies in one storage, and whether it is of a kind that is known.
fn tell_storage(compound: &Compound<'_>, storage: usize, page: &mut Page<'_>) -> bool {
    if macros::is(compound, storage) {
        macros::read(compound, storage, page);
        return true;
    }
    let mut is_known = false;
    if message::is(compound, storage) {
        message::read(compound, storage, page);
        is_known = true;
    }
    for child in compound.children(storage).filter(|child| !compound.is_storage(*child)) {
        if page.is_full() {
            return true;
        }
        let name = compound.name(child);
        let is_of_message = name.contains("_version1.0") && name.starts_with("__");
        if is_of_message || name.starts_with("__substg1.0_") || name == "EncryptionInfo" {
            // A message has read its own, and keys are letters and no text.
            continue;
        }
        let mut known = true;
        // Names have no case; those of Office have always been written so.
        match name {
            "WordDocument" => word::read(compound, storage, &compound.stream(child), page),
            "Workbook" | "Book" => sheet::read(&compound.stream(child), page),
            "PowerPoint Document" => slides::read(compound, storage, &compound.stream(child), page),
            "EncryptedPackage" => crypt::package(compound, storage, &compound.stream(child), page),
            "\u{1}Ole10Native" => embedded::native(&compound.stream(child), page),
            "Package" | "EmbeddedOdf" => tell(name, &compound.stream(child), page),
            "Pictures" => embedded::pictures(&compound.stream(child), page),
            _ => {
                known = false;
                other(name, &compound.stream(child), page);
            }
        }
        is_known |= known;
        page.leave();
    }
    is_known
}

/// Tells a stream that is not the document itself.
fn other(name: &str, stream: &[u8], page: &mut Page<'_>) {
    if name.starts_with('\u{5}') {
        properties::read(stream, page);
    } else if is_file(stream) {
        tell(name, stream, page);
    } else {
        if name == "Data" {
            embedded::pictures(stream, page);
        }
        scraps(stream, page);
    }
}

/// Tells runs of letters with digits in them, in bytes and in UTF-16, of what nobody here knows better. Fewer digits are
/// no number, and of what is no text such runs are hardly ever.
pub(in crate::extract) fn scraps(bytes: &[u8], page: &mut Page<'_>) {
    const DIGITS: usize = 6;
    let mut swept = String::new();
    let mut take = |run: &mut String| {
        if run.bytes().filter(u8::is_ascii_digit).count() >= DIGITS {
            swept.push_str(run);
            swept.push('\n');
        }
        run.clear();
    };
    let mut run = String::new();
    for byte in bytes.iter().copied().chain([0]) {
        match byte {
            b'\t' | b' '..=b'~' => run.push(char::from(byte)),
            0xA0.. if !run.is_empty() => run.push(char::from(byte)),
            _ => take(&mut run),
        }
    }
    for start in 0..2 {
        let (units, _) = bytes.get(start..).unwrap_or_default().as_chunks::<2>();
        for unit in units.iter().map(|unit| u16::from_le_bytes(*unit)).chain([0]) {
            match char::from_u32(unit.into()) {
                Some(letter) if unit < 0x250 && !letter.is_control() => run.push(letter),
                Some(_) | None => take(&mut run),
            }
        }
    }
    page.text(&swept);
}

#[cfg(test)]
pub(in crate::extract) mod tests {
    use crate::extract::content::{Event, Limits, Page, Unread};
    pub(in crate::extract) use crate::extract::made::compound;

    /// What a reader tells: text, with files as `<name>` before theirs, and what was not read.
    pub(in crate::extract) fn told(
        document: &[u8],
        read: impl FnOnce(&[u8], &mut Page<'_>),
    ) -> (String, Vec<Unread>) {
        let (mut bytes, mut unread) = (Vec::new(), Vec::new());
        let mut content = |event: Event<'_>| match event {
            Event::Enter(member) if !member.name.is_empty() => {
                bytes.extend_from_slice(format!("<{}>", member.name).as_bytes());
            }
            Event::Data(data) => bytes.extend_from_slice(data),
            Event::Unread(why) => unread.push(why),
            Event::Enter(_) | Event::Leave | Event::Spot(_) => {}
        };
        let mut page = Page::new(&mut content, Limits::default(), document.len() as u64);
        read(document, &mut page);
        page.leave();
        (String::from_utf8_lossy(&bytes).into_owned(), unread)
    }

    /// Reads a document cut at every length, and with every byte another: nothing may break down or hang.
    pub(in crate::extract) fn torment(document: &[u8], read: impl Fn(&[u8], &mut Page<'_>)) {
        // Every length of a short one; of a long one, so many that a test takes a second.
        let step = (document.len() / 1200).max(1);
        for cut in (0..document.len()).step_by(step) {
            told(&document[..cut], &read);
        }
        let mut other = document.to_vec();
        for at in (0..document.len()).step_by(step) {
            let flip = [0xFF, 0x01, 0x80][at / step % 3];
            other[at] ^= flip;
            told(&other, &read);
            other[at] ^= flip;
        }
    }

    #[test]
    fn what_is_no_known_form_is_swept_and_said() {
        let file = compound(&[("a/Odd", b"\x01\x02CPR-nr. 150379-1028\x00")]);
        let (text, unread) = told(&file, super::read);
        assert!(text.contains("CPR-nr. 150379-1028"), "{text}");
        assert_eq!(unread, [Unread::UnknownForm]);
        let (text, unread) = told(&[super::MAGIC, b"CPR-nr. 150379-1028"].concat(), super::read);
        assert_eq!((text.contains("CPR-nr. 150379-1028"), unread.as_slice()), (true, &[Unread::Damaged][..]));
    }
}
