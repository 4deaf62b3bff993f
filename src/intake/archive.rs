//! Mail that already lies somewhere: single files, mbox, Maildir, folders, zips, what gzip made smaller, standard input.
//!
//! [`Walk`] names the inputs in a steady order; [`pour`] reads one and pushes the bytes of its messages and documents to
//! an [`ItemSink`], and [`zipped::pour_zip`] those of a zip. Push, because an input of any size then needs no more memory than
//! the caller's buffer. An [`Mbox`] it hands back: that is poured in portions, by as many as have time. Never judges content, and
//! never keeps a file. `brevdue scan` and `brevdue archive` read by it; only the latter opens zips and gzip here (the former takes
//! them for documents), reads an mbox by [`Rule::Old`], and asks `lead` and `letter` what a mail begins with and says of itself.
//! Start reading at [`pour`]; [`Form`] tells a mail from a document, [`MboxSplitter`](crate::mime::MboxSplitter) knows the
//! separators, `cut` makes the portions.
//! Tests: beside the code, and `tests/scan.rs`, `tests/archive.rs`, `tests/archived.rs`, `tests/archive_inputs.rs`.

mod cut;
mod form;
pub mod lead;
pub mod letter;
mod lines;
mod walk;
pub mod zipped;

pub use cut::{Mbox, Portion};
pub use form::Form;
pub use walk::{Lost, Place, Source, Unfollowed, Walk};

use crate::mime::MailSink;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// How many first bytes tell the form of an input; a shorter input is told by all of it.
pub const HEAD: usize = 4096;

/// What begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// The input is one message.
    Message,
    /// A message of an mbox, by its number from 1.
    Numbered(u64),
    /// A message of an mbox in a zip of mail, by both numbers from 1.
    Within {
        /// Of the mbox in the zip.
        member: u64,
        /// Of the message in the mbox.
        number: u64,
    },
    /// The input is one document of this media type.
    Document(&'a str),
    /// A document of this media type in a zip of mail, by its number from 1.
    Member(u64, &'a str),
}

/// Takes the items of an input one after the other. Push, so that whoever reads keeps nothing.
pub trait ItemSink {
    /// An item begins; the one before it has ended.
    fn begin(&mut self, item: Item<'_>);

    /// The next bytes of the item, cut anywhere.
    fn data(&mut self, bytes: &[u8]);

    /// The item ended. Not called for the item in which reading failed.
    fn end(&mut self);

    /// Whether the bytes of the item that has begun are wanted.
    fn is_curious(&self) -> bool {
        true
    }

    /// Something was left out that is no item: a hidden file in a zip.
    fn skip(&mut self) {}
}

/// The messages of an mbox are items.
impl<S: ItemSink> MailSink for S {
    fn begin(&mut self, number: u64) {
        ItemSink::begin(self, Item::Numbered(number));
    }

    fn data(&mut self, bytes: &[u8]) {
        ItemSink::data(self, bytes);
    }

    fn end(&mut self) {
        ItemSink::end(self);
    }
}

/// What is read.
pub enum Input {
    /// From front to back.
    Stream(Box<dyn Read + Send>),
    /// A file, from a byte on; it can be read elsewhere at the same time.
    File {
        /// Which.
        file: Arc<File>,
        /// The next byte.
        at: u64,
    },
}

impl Input {
    /// A file that was opened; a pipe or a device is a stream.
    ///
    /// # Errors
    /// When the system does not say what it is.
    pub fn file(file: File) -> io::Result<Self> {
        Ok(if file.metadata()?.is_file() {
            Self::File { file: Arc::new(file), at: 0 }
        } else {
            Self::Stream(Box::new(file))
        })
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stream(stream) => stream.read(buffer),
            Self::File { file, at } => {
                let read = file.read_at(buffer, *at)?;
                *at += read as u64;
                Ok(read)
            }
        }
    }
}

/// An input that gzip has made smaller, as Dovecot keeps mails; its end is the last member's (RFC 1952 §2.2).
pub fn unzipped(input: Input) -> Input {
    Input::Stream(Box::new(flate2::read::MultiGzDecoder::new(input)))
}

/// Whether these first bytes are gzip's.
pub fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(b"\x1f\x8b\x08")
}

/// The first bytes of an input, by which zip and gzip are known, and the input as it was before.
///
/// # Errors
/// When it cannot be read.
pub fn first(mut input: Input) -> io::Result<([u8; 4], Input)> {
    let mut head = [0; 4];
    let (filled, error) = fill(&mut input, &mut head);
    error.map_or(Ok(()), Err)?;
    let input = match input {
        Input::File { file, at } => Input::File { file, at: at - filled as u64 },
        Input::Stream(stream) => {
            let read = io::Cursor::new(head.get(..filled).unwrap_or_default().to_vec());
            Input::Stream(Box::new(read.chain(stream)))
        }
    };
    Ok((head, input))
}

/// How strictly an mbox is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// By the rule that is written down.
    Strict,
    /// As old programs have written it: see `lines`.
    Old,
}

/// Reads an input to its end, or hands the mbox back that it is. `form` is asked once, with the first [`HEAD`] bytes;
/// `buffer` (larger than [`HEAD`]) is all the memory that is used.
///
/// # Errors
/// When the input cannot be read on; the open item has then not ended.
pub fn pour(
    mut input: Input,
    form: impl FnOnce(&[u8]) -> Form,
    rule: Rule,
    buffer: &mut [u8],
    sink: &mut impl ItemSink,
) -> io::Result<Option<Mbox>> {
    let mut filled = 0;
    while filled < HEAD {
        match read(&mut input, buffer.get_mut(filled..).unwrap_or_default())? {
            0 => break,
            more => filled += more,
        }
    }
    let head = buffer.get(..filled).unwrap_or_default();
    let form = form(head.get(..HEAD).unwrap_or(head));
    let item = match &form {
        Form::Mbox => {
            let head = form::unled(head);
            return Ok(Some(match rule {
                Rule::Strict => Mbox::new(input, head),
                Rule::Old => {
                    let whole = io::Cursor::new(head.to_vec()).chain(input);
                    Mbox::new(Input::Stream(Box::new(lines::PutRight::new(whole))), b"")
                }
            }));
        }
        Form::Message => Item::Message,
        Form::Document(media) => Item::Document(media),
    };
    sink.begin(item);
    while filled > 0 && sink.is_curious() {
        sink.data(buffer.get(..filled).unwrap_or_default());
        filled = read(&mut input, buffer)?;
    }
    sink.end();
    Ok(None)
}

/// A read that a signal does not end.
fn read(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Reads until the buffer is full or the input ends; what was read before an error counts.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> (usize, Option<io::Error>) {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match read(input, rest) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) => return (filled, Some(error)),
        }
    }
    (filled, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps everything, item by item.
    #[derive(Default)]
    pub(super) struct Shelf {
        pub(super) items: Vec<(String, Vec<u8>)>,
        pub(super) ended: usize,
    }

    impl ItemSink for Shelf {
        fn begin(&mut self, item: Item<'_>) {
            assert_eq!(self.ended, self.items.len(), "the one before has ended");
            self.items.push((format!("{item:?}"), Vec::new()));
        }

        fn data(&mut self, bytes: &[u8]) {
            self.items.last_mut().unwrap().1.extend_from_slice(bytes);
        }

        fn end(&mut self) {
            self.ended += 1;
        }
    }

    /// Gives a byte at a time, and is interrupted in between; fails at its end when it is told to.
    pub(super) struct Trickle {
        pub(super) bytes: &'static [u8],
        pub(super) interrupt: bool,
        pub(super) fail: bool,
    }

    impl Read for Trickle {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.interrupt = !self.interrupt;
            if self.interrupt {
                return Err(io::ErrorKind::Interrupted.into());
            }
            match self.bytes.split_first() {
                Some((first, rest)) => {
                    into[0] = *first;
                    self.bytes = rest;
                    Ok(1)
                }
                None if self.fail => Err(io::ErrorKind::UnexpectedEof.into()),
                None => Ok(0),
            }
        }
    }

    const BYTES: &[u8] = &[b'x'; 3 * HEAD];

    #[test]
    fn an_input_arrives_whole_however_slowly_it_is_read() {
        for length in [0, 1, HEAD - 1, HEAD, HEAD + 1, 3 * HEAD] {
            let bytes = BYTES.get(..length).unwrap();
            let mut shelf = Shelf::default();
            let input = Input::Stream(Box::new(Trickle { bytes, interrupt: false, fail: false }));
            assert!(
                pour(input, |_| Form::Message, Rule::Strict, &mut [0; HEAD + 7], &mut shelf)
                    .unwrap()
                    .is_none()
            );
            let expected = vec![("Message".to_owned(), bytes.to_vec())];
            assert_eq!((shelf.items, shelf.ended), (expected, 1), "{length}");
        }
    }

    #[test]
    fn what_could_not_be_read_to_its_end_has_not_ended() {
        let mut shelf = Shelf::default();
        let bytes = BYTES.get(..HEAD).unwrap();
        let input = Input::Stream(Box::new(Trickle { bytes, interrupt: false, fail: true }));
        assert!(pour(input, |_| Form::Message, Rule::Strict, &mut [0; HEAD], &mut shelf).is_err());
        assert_eq!((shelf.items.len(), shelf.ended), (1, 0));
    }
}
