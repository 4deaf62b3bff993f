//! A zip of mail: its members one after the other, as if they lay in a folder.
//!
//! Nothing is unpacked to disk and nothing of any size is kept: a member is read as it is unpacked. Mbox members are cut, and
//! what gzip made smaller is opened; zips within are not, and the sink is told of them as of documents. Members of the same name
//! are all read, and so are zips that were put behind one another in one file: the directory at its end knows the last of them
//! only. Never judges content. Start reading at [`pour_zip`]. Tests: `tests/archive_inputs.rs`.

use super::form::{OLM, unled};
use super::lines::PutRight;
use super::walk::is_index;
use super::{Form, HEAD, Item, ItemSink, fill, is_gzip, read};
use crate::mime::{MailSink, MboxSplitter};
use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use zip::ZipReadOptions;
use zip::read::{Config, ZipFileEntry};
use zip::unstable::read::ZipIterable;

/// Whether these first bytes are a zip's: of a member, of none, or of one in several volumes.
pub fn is_zip(head: &[u8]) -> bool {
    [b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"].iter().any(|magic| head.starts_with(*magic))
}

/// The mark of several volumes may stand before the first member (APPNOTE 6.3 §8.5.4).
const MARK: u64 = 4;

/// The end record (§4.3.16) without its comment.
const END: u64 = 22;

/// Where Outlook for Mac puts its messages.
const OLM_FOLDER: &str = "com.microsoft.__Messages";

/// Reads every member of a zip as `form`, or as what it is; `trouble` is told of each that cannot be read, by its number from 1,
/// and without a number of what else cannot be.
///
/// # Errors
/// When it is no zip that can be read.
pub fn pour_zip<S: ItemSink>(
    file: &Arc<File>,
    form: Option<&Form>,
    buffer: &mut [u8],
    sink: &mut S,
    mut trouble: impl FnMut(&mut S, Option<u64>, &io::Error),
) -> io::Result<()> {
    let mut end = file.metadata()?.len();
    let mut ends = Vec::new();
    while end > 0 {
        let part = Part { file: Arc::clone(file), at: 0, end };
        match part.survey() {
            Ok(Survey { is_olm: true, .. }) if form.is_none() => {
                sink.begin(Item::Document(OLM));
                sink.end();
                return Ok(());
            }
            Ok(survey) => {
                ends.push(end);
                if let Some(error) = survey.error {
                    trouble(sink, None, &error);
                }
                end = survey.first;
            }
            Err(error) if ends.is_empty() => return Err(error),
            Err(error) => {
                let error = format!("what stands before its first member: {error}");
                trouble(sink, None, &io::Error::other(error));
                break;
            }
        }
    }
    let mut number = 0;
    for end in ends.into_iter().rev() {
        let part = Part { file: Arc::clone(file), at: 0, end };
        let (mut zip, mut body) = (part.open()?, BufReader::new(part));
        for entry in zip.files().map_err(io::Error::other)? {
            number += 1;
            let poured = entry.map_err(io::Error::other).and_then(|entry| {
                if entry.is_dir() {
                    return Ok(());
                }
                let name = entry.name().map(std::borrow::Cow::into_owned).unwrap_or_default();
                let options = ZipReadOptions::default();
                let mut member = entry.with_reader(&mut body, options).map_err(io::Error::other)?;
                let member = Member { name: &name, number, form, is_unpacked: false, bytes: &mut member };
                member.pour(buffer, sink)
            });
            if let Err(error) = poured {
                trouble(sink, Some(number), &error);
            }
        }
    }
    Ok(())
}

/// A file up to some byte, as if it ended there.
#[derive(Clone)]
struct Part {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl io::Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let most = left.min(buffer.len());
        let read = self.file.read_at(buffer.get_mut(..most).unwrap_or_default(), self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Part {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.end.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// What the directory of a zip says of it.
struct Survey {
    /// Where its first member stands; 0 when nothing stands before it.
    first: u64,
    is_olm: bool,
    /// What it lists is not all.
    error: Option<io::Error>,
}

impl Part {
    fn open(&self) -> io::Result<ZipIterable<BufReader<Self>>> {
        ZipIterable::try_new(BufReader::new(self.clone()), Config::default()).map_err(io::Error::other)
    }

    fn survey(&self) -> io::Result<Survey> {
        let mut zip = self.open()?;
        let (mut first, mut is_olm, mut behind) = (None, false, None);
        // A record that is broken shows again where its member is read.
        for entry in zip.files().map_err(io::Error::other)?.flatten() {
            first = Some(first.unwrap_or(u64::MAX).min(entry.header_start()));
            is_olm |= entry.name().is_ok_and(|name| name.contains(OLM_FOLDER));
            behind = self.behind(&entry);
        }
        let error = match (first, behind) {
            (None, _) if self.end > END && self.is_at(0, *b"PK\x03\x04") => "lists none of its members",
            (Some(first), _) if first >= self.end => "lists members where none are",
            // Some programs count the members in 16 bits only.
            (_, Some(behind)) if self.is_at(behind, *b"PK\x01\x02") => "has more members than it counts",
            _ => "",
        };
        let error = (!error.is_empty()).then(|| io::Error::other(format!("its directory {error}")));
        let first = first.filter(|first| (MARK + 1..self.end).contains(first)).unwrap_or(0);
        Ok(Survey { first, is_olm, error })
    }

    /// Where the directory goes on behind this record (§4.3.12).
    fn behind(&self, entry: &ZipFileEntry<'_>) -> Option<u64> {
        let (at, mut lengths) = (entry.central_header_start(), [0; 6]);
        self.file.read_exact_at(&mut lengths, at + 28).ok()?;
        let [n0, n1, e0, e1, c0, c1] = lengths;
        let lengths = [[n0, n1], [e0, e1], [c0, c1]];
        Some(at + 46 + lengths.into_iter().map(|two| u64::from(u16::from_le_bytes(two))).sum::<u64>())
    }

    fn is_at(&self, at: u64, what: [u8; 4]) -> bool {
        let mut found = [0; 4];
        self.file.read_exact_at(&mut found, at).is_ok() && found == what
    }
}

/// A file in a zip.
struct Member<'a> {
    name: &'a str,
    number: u64,
    form: Option<&'a Form>,
    /// By gzip, in the zip.
    is_unpacked: bool,
    bytes: &'a mut dyn io::Read,
}

impl Member<'_> {
    fn pour(mut self, buffer: &mut [u8], sink: &mut impl ItemSink) -> io::Result<()> {
        let name = Path::new(self.name);
        let last = name.file_name().unwrap_or_default().to_string_lossy();
        // What a desktop or a mail server writes beside.
        if last.starts_with('.') || is_index(&last) {
            sink.skip();
            return Ok(());
        }
        let (filled, error) = fill(&mut self.bytes, buffer.get_mut(..HEAD).unwrap_or_default());
        error.map_or(Ok(()), Err)?;
        let head = buffer.get(..filled).unwrap_or_default();
        if is_gzip(head) && !self.is_unpacked {
            let whole = io::Cursor::new(head.to_vec()).chain(self.bytes);
            let mut whole = flate2::read::MultiGzDecoder::new(whole);
            let name = self.name.strip_suffix(".gz").unwrap_or(self.name);
            return Member { name, is_unpacked: true, bytes: &mut whole, ..self }.pour(buffer, sink);
        }
        let folder = name.parent().filter(|folder| folder.ends_with("cur") || folder.ends_with("new"));
        let form = match (self.form, folder) {
            (Some(form), _) => form.clone(),
            // A Maildir holds mails, if neither name nor bytes say what else.
            (None, Some(_)) if !head.contains(&0) => Form::told(Some(name), head).unwrap_or(Form::Message),
            (None, _) => Form::of(Some(name), head),
        };
        match form {
            Form::Mbox => {
                let mut sink = Within { sink, member: self.number };
                let mut splitter = MboxSplitter::after(0);
                let whole = io::Cursor::new(unled(head).to_vec()).chain(self.bytes);
                let mut whole = PutRight::new(whole);
                let filled = read(&mut whole, buffer)?;
                each(&mut whole, filled, buffer, |bytes| splitter.feed(bytes, &mut sink))?;
                splitter.finish(&mut sink);
            }
            Form::Message => {
                sink.begin(Item::Numbered(self.number));
                each(self.bytes, filled, buffer, |bytes| sink.data(bytes))?;
                sink.end();
            }
            Form::Document(media) => {
                sink.begin(Item::Member(self.number, &media));
                sink.end();
            }
        }
        Ok(())
    }
}

/// The messages of a member that is an mbox.
struct Within<'a, S> {
    sink: &'a mut S,
    member: u64,
}

impl<S: ItemSink> MailSink for Within<'_, S> {
    fn begin(&mut self, number: u64) {
        self.sink.begin(Item::Within { member: self.member, number });
    }

    fn data(&mut self, bytes: &[u8]) {
        self.sink.data(bytes);
    }

    fn end(&mut self) {
        self.sink.end();
    }
}

/// Every piece of a member, of which the first is in the buffer.
fn each(
    mut member: impl io::Read,
    mut filled: usize,
    buffer: &mut [u8],
    mut with: impl FnMut(&[u8]),
) -> io::Result<()> {
    while filled > 0 {
        with(buffer.get(..filled).unwrap_or_default());
        filled = read(&mut member, buffer)?;
    }
    Ok(())
}
