//! Mail that already lies somewhere: single files, mbox, Maildir, folders, standard input.
//!
//! [`Walk`] names the inputs in a steady order; [`pour`] reads one, cuts it into messages and documents, and
//! pushes their bytes to an [`ItemSink`]. Push, because an mbox of any size then needs no more memory than the
//! caller's buffer. Never judges content, and never keeps a file. Start reading at [`pour`]; [`Form`] tells a
//! mail from a document, `mbox` knows the separators. Tests: beside the code, and `tests/scan.rs`.

mod form;
mod mbox;
mod walk;

pub use form::Form;
pub use walk::{Lost, Place, Source, Walk};

use mbox::Splitter;
use std::io::{self, Read};

/// How many first bytes tell the form of an input; a shorter input is told by all of it.
pub const HEAD: usize = 4096;

/// What begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// The input is one message.
    Message,
    /// A message of an mbox, by its number from 1.
    Numbered(u64),
    /// The input is one document of this media type.
    Document(&'a str),
}

/// Takes the items of an input one after the other. Push, so that whoever reads keeps nothing.
pub trait ItemSink {
    /// An item begins; the one before it has ended.
    fn begin(&mut self, item: Item<'_>);

    /// The next bytes of the item, cut anywhere.
    fn data(&mut self, bytes: &[u8]);

    /// The item ended. Not called for the item in which reading failed.
    fn end(&mut self);
}

/// Reads an input to its end. `form` is asked once, with the first [`HEAD`] bytes; `buffer` (larger than
/// [`HEAD`]) is all the memory that is used.
///
/// # Errors
/// When the input cannot be read on; the open item has then not ended.
pub fn pour(
    input: &mut impl Read,
    form: impl FnOnce(&[u8]) -> Form,
    buffer: &mut [u8],
    sink: &mut impl ItemSink,
) -> io::Result<()> {
    let mut filled = 0;
    while filled < HEAD {
        match read(input, buffer.get_mut(filled..).unwrap_or_default())? {
            0 => break,
            more => filled += more,
        }
    }
    let head = buffer.get(..filled).unwrap_or_default();
    match form(head.get(..HEAD).unwrap_or(head)) {
        Form::Message => whole(input, Item::Message, filled, buffer, sink),
        Form::Document(media) => whole(input, Item::Document(&media), filled, buffer, sink),
        Form::Mbox => {
            let mut splitter = Splitter::new();
            splitter.feed(head, sink);
            each(input, buffer, |bytes| splitter.feed(bytes, sink))?;
            splitter.finish(sink);
            Ok(())
        }
    }
}

fn whole(
    input: &mut impl Read,
    item: Item<'_>,
    filled: usize,
    buffer: &mut [u8],
    sink: &mut impl ItemSink,
) -> io::Result<()> {
    sink.begin(item);
    sink.data(buffer.get(..filled).unwrap_or_default());
    each(input, buffer, |bytes| sink.data(bytes))?;
    sink.end();
    Ok(())
}

fn each(input: &mut impl Read, buffer: &mut [u8], mut take: impl FnMut(&[u8])) -> io::Result<()> {
    loop {
        match read(input, buffer)? {
            0 => return Ok(()),
            filled => take(buffer.get(..filled).unwrap_or_default()),
        }
    }
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
    struct Trickle<'a> {
        bytes: &'a [u8],
        interrupt: bool,
        fail: bool,
    }

    impl Read for Trickle<'_> {
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

    #[test]
    fn an_input_arrives_whole_however_slowly_it_is_read() {
        for length in [0, 1, HEAD - 1, HEAD, HEAD + 1, 3 * HEAD] {
            let bytes = vec![b'x'; length];
            let mut shelf = Shelf::default();
            let mut input = Trickle { bytes: &bytes, interrupt: false, fail: false };
            pour(&mut input, |_| Form::Message, &mut [0; HEAD + 7], &mut shelf).unwrap();
            assert_eq!((shelf.items, shelf.ended), (vec![("Message".to_owned(), bytes)], 1), "{length}");
        }
    }

    #[test]
    fn what_could_not_be_read_to_its_end_has_not_ended() {
        let mut shelf = Shelf::default();
        let bytes = vec![b'x'; HEAD];
        let mut input = Trickle { bytes: &bytes, interrupt: false, fail: true };
        assert!(pour(&mut input, |_| Form::Message, &mut [0; HEAD], &mut shelf).is_err());
        assert_eq!((shelf.items.len(), shelf.ended), (1, 0));
    }
}
