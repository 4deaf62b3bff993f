//! A zip of mail: its members one after the other, as if they lay in a folder.
//!
//! Nothing is unpacked to disk and nothing of any size is kept: a member is read as it is unpacked. Mbox members are cut, and
//! what gzip made smaller is opened; zips within are not, and the sink is told of them as of documents. Never judges content.
//! Start reading at [`pour_zip`].

use super::form::unled;
use super::lines::PutRight;
use super::{Form, HEAD, Item, ItemSink, fill, is_gzip, read};
use crate::mime::MboxSplitter;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// Whether these first bytes are a zip's: of a member, of none, or of one in several volumes.
pub fn is_zip(head: &[u8]) -> bool {
    [b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"].iter().any(|magic| head.starts_with(*magic))
}

/// Reads every member of a zip; `trouble` is told of each that cannot be read, by its number from 1.
///
/// # Errors
/// When it is no zip that can be read.
pub fn pour_zip<S: ItemSink>(
    file: File,
    buffer: &mut [u8],
    sink: &mut S,
    mut trouble: impl FnMut(&mut S, u64, &io::Error),
) -> io::Result<()> {
    let mut archive = zip::ZipArchive::new(io::BufReader::new(file)).map_err(io::Error::other)?;
    for at in 0..archive.len() {
        let number = at as u64 + 1;
        let poured = archive.by_index(at).map_err(io::Error::other).and_then(|mut member| {
            if member.is_dir() {
                return Ok(());
            }
            let name = member.name().map(std::borrow::Cow::into_owned).unwrap_or_default();
            pour_member(&name, number, (&mut member, 0), buffer, sink)
        });
        if let Err(error) = poured {
            trouble(sink, number, &error);
        }
    }
    Ok(())
}

fn pour_member(
    name: &str,
    number: u64,
    (mut member, depth): (&mut dyn io::Read, u8),
    buffer: &mut [u8],
    sink: &mut impl ItemSink,
) -> io::Result<()> {
    let (filled, error) = fill(&mut member, buffer.get_mut(..HEAD).unwrap_or_default());
    error.map_or(Ok(()), Err)?;
    let head = buffer.get(..filled).unwrap_or_default();
    let name = Path::new(name);
    let is_hidden = name.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let in_maildir = name.parent().is_some_and(|folder| folder.ends_with("cur") || folder.ends_with("new"));
    if is_gzip(head) && !is_hidden && depth == 0 {
        let whole = io::Cursor::new(head.to_vec()).chain(member);
        let inner = name.to_string_lossy();
        let inner = inner.strip_suffix(".gz").unwrap_or(&inner);
        let mut whole = flate2::read::MultiGzDecoder::new(whole);
        return pour_member(inner, number, (&mut whole, 1), buffer, sink);
    }
    let form = if in_maildir { Form::Message } else { Form::of(Some(name), head) };
    match form {
        // What a desktop writes beside.
        _ if is_hidden => Ok(()),
        Form::Mbox => {
            let mut splitter = MboxSplitter::after(0);
            let whole = io::Cursor::new(unled(head).to_vec()).chain(member);
            let mut whole = PutRight::new(whole);
            let filled = read(&mut whole, buffer)?;
            each(&mut whole, filled, buffer, |bytes| splitter.feed(bytes, sink))?;
            splitter.finish(sink);
            Ok(())
        }
        Form::Message => {
            sink.begin(Item::Numbered(number));
            each(member, filled, buffer, |bytes| sink.data(bytes))?;
            sink.end();
            Ok(())
        }
        Form::Document(media) => {
            sink.begin(Item::Member(number, &media));
            sink.end();
            Ok(())
        }
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
