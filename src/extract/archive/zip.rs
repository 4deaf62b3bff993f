//! ZIP (APPNOTE 6.3): every file that is there, with its name, whether the directory lists it or not.
//!
//! Programs do not agree on what is in an archive: some go by the directory at its end, some by the header before each
//! file, and where the two differ a file can be shown to one and hidden from the other. So both are read: all that the
//! directory lists, the same name twice or not, and then what stands between. A document of Office, which is an
//! archive too, is read as the document, and then likewise. Start reading at [`read`].

mod records;
#[cfg(test)]
mod tests;

use super::super::{pdf, raw};
use crate::extract::content::{Member, Page, Spot, Unread};
use crate::extract::office;
use ::zip::ZipArchive;
use ::zip::result::ZipError;
use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use memchr::memmem;
use records::{Directory, LOCAL, Record, text};
use std::collections::BTreeSet;
use std::io::{Cursor, Read};
use std::ops::Range;

/// An archive in memory.
pub(in crate::extract) type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// What describes a file's sizes behind it is no longer than this, and nothing to be read.
const LONGEST_DESCRIPTOR: usize = 24;

/// Extra fields that hold numbers only, or what is told anyway: sizes, times, owners, encryption, the mark of a JAR.
const MUTE: [u16; 8] = [0x0001, 0x000A, 0x5455, 0x5855, 0x7855, 0x7875, 0x9901, 0xCAFE];

/// Tells what is in an archive.
pub(in crate::extract) fn read(document: &[u8], page: &mut Page<'_>) {
    let mut reading = Reading { document, taken: Vec::new(), aside: String::new(), extra: Vec::new() };
    let directory = Directory::find(document);
    if directory.as_ref().is_none_or(|directory| directory.is_cut) {
        page.unread(Unread::Damaged);
    }
    let mut told = BTreeSet::new();
    if let Some(directory) = &directory {
        names_of_too_many(directory, page);
        if records::is_modest(document) {
            told = reading.as_office(page);
        }
        reading.listed(directory, &told, page);
    }
    reading.unlisted(page);
    reading.asides(page);
    reading.between(page);
}

/// Where there are more files than will be told, all names are told first.
fn names_of_too_many(directory: &Directory<'_>, page: &mut Page<'_>) {
    if u64::try_from(directory.count).is_ok_and(|count| count <= u64::from(page.members_left())) {
        return;
    }
    page.enter(Member::TEXT);
    page.spot(Spot::Named("names"));
    for record in directory.records() {
        if page.is_full() {
            return;
        }
        page.text(&text(record.name));
        page.text("\n");
    }
    page.leave();
}

/// An archive while it is read.
struct Reading<'a> {
    document: &'a [u8],
    /// Bytes of the document that have been read.
    taken: Vec<Range<usize>>,
    /// Texts beside the files, a line each: comments, and other names than those that were told.
    aside: String,
    /// Extra fields that nobody knows.
    extra: Vec<u8>,
}

impl Reading<'_> {
    /// Reads a document of Office. The headers of the files that were told with it.
    fn as_office(&mut self, page: &mut Page<'_>) -> BTreeSet<usize> {
        let mut told = BTreeSet::new();
        let Ok(mut archive) = ZipArchive::new(Cursor::new(self.document)) else {
            page.unread(Unread::Damaged);
            return told;
        };
        if !office::read(&mut archive, self.document.len() as u64, page) {
            return told;
        }
        let place = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        for nr in 0..archive.len() {
            if let Ok(file) = archive.by_index_raw(nr) {
                let header = place(file.header_start());
                let start = file.data_start().map_or(header, place);
                told.insert(header);
                self.taken.push(header..start.saturating_add(place(file.compressed_size())));
            }
        }
        told
    }

    /// Tells the files that the directory lists, but for those that were told.
    fn listed(&mut self, directory: &Directory<'_>, told: &BTreeSet<usize>, page: &mut Page<'_>) {
        self.taken.extend([directory.range.clone(), directory.tail.clone()]);
        self.line(directory.comment);
        for record in directory.records() {
            if page.is_full() {
                return;
            }
            self.line(record.comment);
            self.fields(&record);
            let header = directory.header(&record);
            if header.is_some_and(|header| told.contains(&header)) {
                continue;
            }
            let before = header.and_then(|at| Record::before(self.document, at));
            if let Some(before) = &before {
                self.fields(before);
                if before.name != record.name {
                    self.line(before.name);
                }
            }
            if record.name.ends_with(b"/") && record.packed == 0 {
                self.line(record.name);
                continue;
            }
            let (Some(header), Some(before)) = (header, before) else {
                page.enter(Member::file(&record.title()));
                page.unread(Unread::Damaged);
                page.leave();
                continue;
            };
            self.file(header, &record, &before, page);
        }
    }

    /// Tells the files that no directory lists, or that lost it.
    fn unlisted(&mut self, page: &mut Page<'_>) {
        let taken = merged(&self.taken);
        let mut at = 0;
        while let Some(found) = memmem::find(self.document.get(at..).unwrap_or_default(), LOCAL) {
            if page.is_full() {
                return;
            }
            let header = at + found;
            let before = taken.partition_point(|range| range.start <= header);
            let within =
                before.checked_sub(1).and_then(|nr| taken.get(nr)).filter(|range| header < range.end);
            at = match (within, Record::before(self.document, header)) {
                (Some(range), _) => range.end,
                (None, Some(record)) if !record.name.is_empty() && record.method <= 99 => {
                    self.fields(&record);
                    self.file(header, &record, &record, page).max(header + LOCAL.len())
                }
                (None, _) => header + LOCAL.len(),
            };
        }
    }

    /// Tells a file by what is said of it in two places, which may be the same. What they do not agree on is read both
    /// ways. Where it ends.
    fn file(
        &mut self,
        header: usize,
        record: &Record<'_>,
        before: &Record<'_>,
        page: &mut Page<'_>,
    ) -> usize {
        let start = before.end;
        let rest = self.document.get(start..).unwrap_or_default();
        let mut packed = usize::try_from(record.packed.max(before.packed)).unwrap_or(usize::MAX);
        if packed == 0 && before.method == 0 && before.is_described() {
            packed = records::stored_until(rest);
        }
        let methods = [record.method, before.method];
        let ways = if record.method == before.method { &methods[..1] } else { &methods };
        let mut length = 0;
        for method in ways {
            page.enter(Member::file(&record.title()));
            let taken = match (record.is_locked(), before.is_locked()) {
                (true, true) => {
                    page.unread(Unread::Password);
                    packed
                }
                (is_locked, other) => {
                    if is_locked || other {
                        page.unread(Unread::Password);
                    }
                    let is_summed = record.sum != 0 || !record.is_described();
                    unfold(rest, *method, packed, is_summed.then_some(record.sum), page)
                }
            };
            length = length.max(taken);
            page.leave();
        }
        if ways.len() > 1 {
            page.unread(Unread::Damaged);
        }
        let end = start.saturating_add(length).min(self.document.len());
        self.taken.push(header..end);
        end
    }

    /// Notes a text beside the files.
    fn line(&mut self, bytes: &[u8]) {
        // Many records may point to the same name.
        if !bytes.is_empty() && self.aside.len() <= self.document.len() {
            self.aside.push_str(&text(bytes));
            self.aside.push('\n');
        }
    }

    /// Notes extra fields in which something may be read.
    fn fields(&mut self, record: &Record<'_>) {
        for (id, field) in record.fields().filter(|(id, _)| !MUTE.contains(id)) {
            match (id, field.get(5..)) {
                // Name and comment in UTF-8 (§4.6.8, §4.6.9), behind a version and a checksum.
                (0x7075, Some(name)) if name == record.name => {}
                (0x7075 | 0x6375, Some(text)) => self.line(text),
                _ if self.extra.len() > self.document.len() => return,
                _ => {
                    self.extra.extend_from_slice(field);
                    self.extra.push(0);
                }
            }
        }
    }

    fn asides(&mut self, page: &mut Page<'_>) {
        if !self.aside.is_empty() {
            page.enter(Member::TEXT);
            page.spot(Spot::Named("comments"));
            page.text(&self.aside);
            page.leave();
        }
        if !self.extra.is_empty() {
            raw::sweep(&self.extra, page);
        }
    }

    /// Tells what can be read in bytes that belong to no file: before the archive, behind it, and where it is broken.
    fn between(&mut self, page: &mut Page<'_>) {
        if pdf::is(self.document) {
            // It is read as that.
            return;
        }
        let mut at = 0;
        for range in merged(&self.taken).into_iter().chain(std::iter::once(self.document.len()..usize::MAX)) {
            let gap = self.document.get(at..range.start.min(self.document.len())).unwrap_or_default();
            if gap.len() > LONGEST_DESCRIPTOR {
                raw::sweep(gap, page);
            }
            if page.is_full() {
                return;
            }
            at = at.max(range.end);
        }
    }
}

/// Tells what a file unfolds to. How many bytes of the archive it took.
fn unfold(rest: &[u8], method: u16, packed: usize, sum: Option<u32>, page: &mut Page<'_>) -> usize {
    match method {
        0 => {
            let file = rest.get(..packed).unwrap_or(rest);
            page.data(file);
            let mut crc = Crc::new();
            crc.update(file);
            if file.len() < packed || sum.is_some_and(|sum| sum != crc.sum()) {
                page.unread(Unread::Damaged);
            }
            file.len()
        }
        8 => {
            // To its own end, whatever length is claimed.
            let mut summed = Summed { file: DeflateDecoder::new(rest), crc: Crc::new(), is_broken: false };
            pour(&mut summed, page);
            if !summed.is_broken && sum.is_some_and(|sum| sum != summed.crc.sum()) {
                page.unread(Unread::Damaged);
            }
            usize::try_from(summed.file.total_in()).unwrap_or(usize::MAX)
        }
        _ => {
            page.unread(Unread::UnknownMethod);
            packed
        }
    }
}

/// A file whose checksum is taken while it is read.
struct Summed<R> {
    file: R,
    crc: Crc,
    is_broken: bool,
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer);
        match &read {
            Ok(count) => self.crc.update(buffer.get(..*count).unwrap_or_default()),
            Err(_) => self.is_broken = true,
        }
        read
    }
}

/// The same ranges in order, those that touch as one.
fn merged(ranges: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut ranges = ranges.to_vec();
    ranges.sort_unstable_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            Some(_) | None => merged.push(range),
        }
    }
    merged
}

/// Tells all that a file unfolds to, as far as the limits go.
pub(in crate::extract) fn pour(mut file: impl Read, page: &mut Page<'_>) {
    let mut buffer = vec![0; 64 * 1024];
    while !page.is_full() {
        match file.read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => page.data(buffer.get(..read).unwrap_or_default()),
            Err(_) => return page.unread(Unread::Damaged),
        }
    }
}

/// Why a file of an archive cannot be read.
pub(in crate::extract) fn reason(error: &ZipError) -> Unread {
    if let ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) = error {
        Unread::Password
    } else if let ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_) = error {
        Unread::UnknownMethod
    } else {
        Unread::Damaged
    }
}

/// Why reading a file of an archive failed: what unpacks it is asked for only then.
pub(in crate::extract) fn reason_to_read(error: &std::io::Error) -> Unread {
    if error.kind() == std::io::ErrorKind::Unsupported { Unread::UnknownMethod } else { Unread::Damaged }
}
