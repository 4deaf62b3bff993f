//! The records of a ZIP archive (APPNOTE 6.3 §4.3): the directory at its end, and the header before each file.
//!
//! All numbers in them are claims. Nothing is copied or reserved: a directory of two million files costs its reading.
//! Start reading at [`Directory::find`].

use crate::extract::bytes::{part, u16_at, u32_at, u64_at};
use crate::extract::codepage;
use memchr::memmem;
use std::borrow::Cow;
use std::ops::Range;

/// With what the header before a file begins.
pub(super) const LOCAL: &[u8] = b"PK\x03\x04";
/// A record of the directory.
const CENTRAL: &[u8] = b"PK\x01\x02";
/// What ends the archive.
const END: &[u8] = b"PK\x05\x06";
/// Its larger kin, found by the locator that stands before the end.
const END64: &[u8] = b"PK\x06\x06";
const LOCATOR64: &[u8] = b"PK\x06\x07";
/// What follows a file whose sizes were not known before.
const DESCRIPTOR: &[u8] = b"PK\x07\x08";

/// A number that stands in the extra field instead (§4.5.3).
const ELSEWHERE: u32 = u32::MAX;

/// The directory of an archive, as it was found.
pub(super) struct Directory<'a> {
    document: &'a [u8],
    /// From the first record to behind the last.
    pub(super) range: Range<usize>,
    /// What stands behind it: the ends, and the comment.
    pub(super) tail: Range<usize>,
    /// Where the first record is said to stand, from where offsets count: the archive may stand behind other bytes, or
    /// have stood there.
    claimed: usize,
    /// How many records there are.
    pub(super) count: usize,
    /// Fewer records than the end promises.
    pub(super) is_cut: bool,
    pub(super) comment: &'a [u8],
}

impl<'a> Directory<'a> {
    /// Finds the directory by the last end of an archive; `None` when there is no such thing.
    pub(super) fn find(document: &'a [u8]) -> Option<Self> {
        let end = memmem::rfind(document, END)?;
        let length = usize::from(u16_at(document, end + 20).unwrap_or(0));
        let comment = part(document, end + 22, length);
        let mut claimed = u64::from(u16_at(document, end + 10)?);
        let mut size = u64::from(u32_at(document, end + 12)?);
        let mut offset = u64::from(u32_at(document, end + 16)?);
        let mut last = end;
        if let Some(at) = end64(document, end) {
            claimed = u64_at(document, at + 32)?;
            size = u64_at(document, at + 40)?;
            offset = u64_at(document, at + 48)?;
            last = at;
        }
        let tail = last..end + 22 + comment.len();
        let is_record = |at: &usize| document.get(*at..).is_some_and(|rest| rest.starts_with(CENTRAL));
        let size = usize::try_from(size).ok();
        let offset = usize::try_from(offset).ok();
        let before = size.and_then(|size| last.checked_sub(size));
        let start = before.filter(is_record).or(offset.filter(is_record));
        let Some(start) = start else {
            let is_cut = claimed > 0;
            return Some(Self { document, range: last..last, tail, claimed: 0, count: 0, is_cut, comment });
        };
        let offset = offset.unwrap_or(start);
        let mut directory =
            Self { document, range: start..start, tail, claimed: offset, count: 0, is_cut: false, comment };
        // What is there counts, not what is claimed; old writers let the count run over.
        (directory.count, directory.range.end) =
            directory.records().fold((0, start), |(count, _), record| (count + 1, record.end));
        directory.is_cut = directory.count & 0xFFFF != usize::try_from(claimed & 0xFFFF).unwrap_or(0)
            && (directory.count as u64) < claimed;
        Some(directory)
    }

    /// Its records, one by one.
    pub(super) fn records(&self) -> impl Iterator<Item = Record<'a>> + use<'a> {
        let (document, mut at) = (self.document, self.range.start);
        std::iter::from_fn(move || {
            let record = Record::at(document, at)?;
            at = record.end;
            Some(record)
        })
    }

    /// Where the header of a file stands, when one does.
    pub(super) fn header(&self, record: &Record<'a>) -> Option<usize> {
        let offset = usize::try_from(record.offset).ok()?;
        let is_header = |at: &usize| self.document.get(*at..).is_some_and(|rest| rest.starts_with(LOCAL));
        let moved = offset.checked_add(self.range.start).and_then(|at| at.checked_sub(self.claimed));
        moved.filter(is_header).or(Some(offset).filter(is_header))
    }
}

/// The larger end of an archive.
fn end64(document: &[u8], end: usize) -> Option<usize> {
    let locator = end.checked_sub(20).filter(|at| part(document, *at, 4) == LOCATOR64)?;
    let claimed = u64_at(document, locator + 8).and_then(|at| usize::try_from(at).ok());
    let is_end = |at: &usize| document.get(*at..).is_some_and(|rest| rest.starts_with(END64));
    // It stands before its locator, wherever that says it is.
    claimed.filter(is_end).or_else(|| memmem::rfind(document.get(..locator)?, END64))
}

/// Whether the ready-made reader can be given a document: it reserves memory for as many files as are claimed, and takes
/// some hundred bytes for each that there is.
pub(super) fn is_modest(document: &[u8]) -> bool {
    const MANY: usize = 1 << 16;
    let claims = memmem::find_iter(document, END64).filter_map(|at| u64_at(document, at + 32));
    claims.into_iter().all(|count| count < MANY as u64)
        && memmem::find_iter(document, CENTRAL).take(MANY).count() < MANY
}

/// What the directory or the header before it says of a file.
pub(super) struct Record<'a> {
    pub(super) name: &'a [u8],
    pub(super) extra: &'a [u8],
    pub(super) comment: &'a [u8],
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) sum: u32,
    /// Bytes in the archive.
    pub(super) packed: u64,
    offset: u64,
    /// Behind the record: where the file's bytes begin when it stands before them.
    pub(super) end: usize,
}

impl<'a> Record<'a> {
    /// A record of the directory.
    fn at(document: &'a [u8], at: usize) -> Option<Self> {
        let record = document.get(at..)?.strip_prefix(CENTRAL).and(document.get(at..))?;
        let length = |at| u16_at(record, at).map(usize::from);
        let (name, extra, comment) = (length(28)?, length(30)?, length(32)?);
        let mut this = Self {
            name: part(record, 46, name),
            extra: part(record, 46 + name, extra),
            comment: part(record, 46 + name + extra, comment),
            flags: u16_at(record, 8)?,
            method: u16_at(record, 10)?,
            sum: u32_at(record, 16)?,
            packed: 0,
            offset: 0,
            end: (at + 46 + name + extra + comment).min(document.len()),
        };
        this.numbers(u32_at(record, 24)?, u32_at(record, 20)?, u32_at(record, 42)?);
        Some(this)
    }

    /// The header before a file.
    pub(super) fn before(document: &'a [u8], at: usize) -> Option<Self> {
        let record = document.get(at..)?.strip_prefix(LOCAL).and(document.get(at..))?;
        let length = |at| u16_at(record, at).map(usize::from);
        let (name, extra) = (length(26)?, length(28)?);
        let mut this = Self {
            name: part(record, 30, name),
            extra: part(record, 30 + name, extra),
            comment: b"",
            flags: u16_at(record, 6)?,
            method: u16_at(record, 8)?,
            sum: u32_at(record, 14)?,
            packed: 0,
            offset: 0,
            end: (at + 30 + name + extra).min(document.len()),
        };
        this.numbers(u32_at(record, 22)?, u32_at(record, 18)?, 0);
        Some(this)
    }

    /// Numbers that are too large for their place stand in the extra field, in this order (§4.5.3).
    fn numbers(&mut self, size: u32, packed: u32, offset: u32) {
        let large = self.fields().find(|(id, _)| *id == 1).map_or(b"".as_slice(), |(_, field)| field);
        let mut at = 0;
        let mut number = |claimed: u32| {
            if claimed != ELSEWHERE {
                return u64::from(claimed);
            }
            at += 8;
            u64_at(large, at - 8).unwrap_or_else(|| u64::from(claimed))
        };
        number(size);
        (self.packed, self.offset) = (number(packed), number(offset));
    }

    /// The extra fields, by their numbers (§4.5).
    pub(super) fn fields(&self) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a> {
        let mut rest = self.extra;
        std::iter::from_fn(move || {
            let (id, length) = (u16_at(rest, 0)?, usize::from(u16_at(rest, 2)?));
            let field = part(rest, 4, length);
            rest = rest.get(4 + length..).unwrap_or_default();
            Some((id, field))
        })
    }

    /// What the file is told as: one without a name is a file as well, and counts as one.
    pub(super) fn title(&self) -> Cow<'a, str> {
        if self.name.is_empty() { Cow::Borrowed("nameless") } else { text(self.name) }
    }

    /// Whether a password is asked for (§4.4.4), by the older scheme or by AES.
    pub(super) fn is_locked(&self) -> bool {
        self.flags & 1 != 0 || self.method == 99
    }

    /// Whether its sizes stand behind it.
    pub(super) fn is_described(&self) -> bool {
        self.flags & 8 != 0
    }
}

/// How far a file that is stored goes whose sizes stand behind it: to what no file should have in it.
pub(super) fn stored_until(rest: &[u8]) -> usize {
    let ends = [DESCRIPTOR, LOCAL, CENTRAL].map(|mark| memmem::find(rest, mark).unwrap_or(rest.len()));
    ends.into_iter().min().unwrap_or(rest.len())
}

/// A name or a comment: in UTF-8 when it is, whatever the flag says, and else as Danish DOS and Windows write it.
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    let Err(_) = std::str::from_utf8(bytes) else { return String::from_utf8_lossy(bytes) };
    let letters = bytes.iter().map(|byte| match byte {
        0x86 => 'å',
        0x8F => 'Å',
        0x91 => 'æ',
        0x92 => 'Æ',
        0x9B => 'ø',
        0x9D => 'Ø',
        0..0x80 => char::from(*byte),
        _ => codepage::decode(encoding_rs::WINDOWS_1252, &[*byte]).chars().next().unwrap_or('?'),
    });
    Cow::Owned(letters.collect())
}
