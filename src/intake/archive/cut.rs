//! An mbox, cut into portions that are scanned side by side.
//!
//! Whoever has time asks for the next portion ([`Mbox::next`], one after the other), and pours it on his own
//! ([`Portion::pour`], side by side). A portion is a block of whole messages, or the first block of one message that
//! is longer; the messages of the mbox keep their numbers. Memory is a block for each who pours, however long the mbox
//! and its messages are:
//!
//! - The end of a long message in a file is looked for ahead and nothing kept; who pours it reads it once more, which
//!   the system then has in its cache. So others go on behind it. That is for [`Rule::Strict`](super::Rule::Strict).
//! - In a stream, and where no end is near, it is poured while it is read ([`Mbox::pour_on`]), and the others wait. An mbox by
//!   [`Rule::Old`](super::Rule::Old) is a stream always, because it is put right on its way.
//!
//! A cut is made where [`MboxSplitter`] begins a message, so there is one notion of what an mbox is.

use super::{Input, Item, ItemSink, fill, read};
use crate::mime::MboxSplitter;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// The bytes of a portion, give or take the last message.
const BLOCK: usize = 1024 * 1024;

/// How far the end of a long message is looked for: that much surely stays in the system's cache.
const AHEAD: u64 = 64 * 1024 * 1024;

/// See the module's head.
pub struct Mbox {
    input: Input,
    /// What was read and belongs to the next portion.
    carry: Vec<u8>,
    /// Messages begun in the portions so far.
    begun: u64,
    ended: bool,
    /// [`BLOCK`], but for tests.
    most: usize,
}

/// Messages of an mbox; the first block of their bytes is where [`Mbox::next`] put it.
pub struct Portion {
    splitter: MboxSplitter,
    rest: Rest,
}

/// What comes after the block.
enum Rest {
    /// Nothing.
    None,
    /// These bytes of the file.
    Of { file: Arc<File>, from: u64, to: u64 },
    /// More, which the mbox must be asked for.
    Unread,
    /// It could not be read.
    Failed(io::Error),
}

/// Says only where messages begin.
struct Scout;

impl ItemSink for Scout {
    fn begin(&mut self, _: Item<'_>) {}
    fn data(&mut self, _: &[u8]) {}
    fn end(&mut self) {}
}

impl Mbox {
    /// Of an input of which `head` has been read.
    pub(super) fn new(input: Input, head: &[u8]) -> Self {
        Self { input, carry: head.to_vec(), begun: 0, ended: false, most: BLOCK }
    }

    /// Puts the next messages into `block`; `None` when there are no more.
    pub fn next(&mut self, block: &mut Vec<u8>) -> Option<Portion> {
        if self.ended {
            return None;
        }
        block.clear();
        block.append(&mut self.carry);
        let filled = block.len();
        block.resize(self.most.max(filled + 1), 0);
        let (read, error) = fill(&mut self.input, block.get_mut(filled..).unwrap_or_default());
        block.truncate(filled + read);
        let splitter = MboxSplitter::after(self.begun);
        let whole = block.len() < self.most;
        if whole || error.is_some() {
            self.ended = true;
            return (!block.is_empty() || error.is_some())
                .then_some(Portion { splitter, rest: error.map_or(Rest::None, Rest::Failed) });
        }
        let mut scout = MboxSplitter::after(0);
        scout.feed(block, &mut Scout);
        let rest = match usize::try_from(scout.begun_at()) {
            Ok(cut) if scout.count() > 1 => {
                self.carry.extend_from_slice(block.get(cut..).unwrap_or_default());
                block.truncate(cut);
                self.begun += scout.count() - 1;
                Rest::None
            }
            Ok(_) | Err(_) => self.rest(&mut scout),
        };
        Some(Portion { splitter, rest })
    }

    /// What follows on a block that is one message, up to where one begins.
    fn rest(&mut self, scout: &mut MboxSplitter) -> Rest {
        let Input::File { file, at } = &mut self.input else { return Rest::Unread };
        let from = *at;
        let mut piece = vec![0; self.most.div_ceil(4)];
        let mut looked = from;
        while looked < from + AHEAD {
            let start = scout.read();
            match read(&mut Input::File { file: Arc::clone(file), at: looked }, &mut piece) {
                // It is the last message, or an error that will show again where it is read to be kept.
                Ok(0) | Err(_) => return Rest::Unread,
                Ok(read) => {
                    scout.feed(piece.get(..read).unwrap_or_default(), &mut Scout);
                    if scout.count() > 1 && scout.begun_at() >= start {
                        let to = looked + (scout.begun_at() - start);
                        *at = to;
                        self.begun += scout.count() - 1;
                        return Rest::Of { file: Arc::clone(file), from, to };
                    }
                    looked += read as u64;
                }
            }
        }
        Rest::Unread
    }

    /// Pours a portion that [is open](Portion::is_open), up to where a message begins or to the end.
    ///
    /// # Errors
    /// When the input cannot be read on; the open message has then not ended.
    pub fn pour_on(
        &mut self,
        portion: Portion,
        block: &mut Vec<u8>,
        sink: &mut impl ItemSink,
    ) -> io::Result<()> {
        let mut splitter = portion.splitter;
        let before = splitter.count();
        // Looks ahead of the splitter by a block, so that the splitter is never fed what belongs to the next portion.
        let mut scout = MboxSplitter::after(0);
        scout.feed(block, &mut Scout);
        splitter.feed(block, sink);
        loop {
            block.resize(self.most, 0);
            let start = scout.read();
            match read(&mut self.input, block) {
                Ok(0) => break,
                Ok(filled) => block.truncate(filled),
                Err(error) => {
                    self.ended = true;
                    return Err(error);
                }
            }
            scout.feed(block, &mut Scout);
            match scout.begun_at().checked_sub(start).map(usize::try_from) {
                Some(Ok(cut)) if scout.count() > 1 => {
                    self.carry.extend_from_slice(block.get(cut..).unwrap_or_default());
                    splitter.feed(block.get(..cut).unwrap_or_default(), sink);
                    self.begun += scout.count() - 1;
                    debug_assert_eq!(splitter.count() - before, scout.count() - 1, "one notion of a message");
                    splitter.finish(sink);
                    return Ok(());
                }
                _ => splitter.feed(block, sink),
            }
        }
        self.ended = true;
        splitter.finish(sink);
        Ok(())
    }

    /// Nobody wants the rest.
    pub fn give_up(&mut self) {
        self.ended = true;
    }
}

impl Portion {
    /// Whether it goes on where only [`Mbox::pour_on`] can read.
    pub fn is_open(&self) -> bool {
        matches!(self.rest, Rest::Unread)
    }

    /// Pours it: `block` as it was filled, and what follows.
    ///
    /// # Errors
    /// When the input cannot be read on; the open message has then not ended.
    pub fn pour(self, block: &mut [u8], sink: &mut impl ItemSink) -> io::Result<()> {
        let mut splitter = self.splitter;
        splitter.feed(block, sink);
        match self.rest {
            Rest::None | Rest::Unread => {}
            Rest::Failed(error) => return Err(error),
            Rest::Of { file, mut from, to } => {
                while from < to {
                    let most = usize::try_from(to - from).unwrap_or(usize::MAX).min(block.len());
                    match file.read_at(block.get_mut(..most).unwrap_or_default(), from) {
                        Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                        Ok(filled) => {
                            splitter.feed(block.get(..filled).unwrap_or_default(), sink);
                            from += filled as u64;
                        }
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        splitter.finish(sink);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Shelf, Trickle};
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    /// What the portions are, poured in another order than they were cut in, and put together again.
    fn portions(input: Input, head: &[u8], most: usize) -> Vec<(String, Vec<u8>)> {
        let mut mbox = Mbox { most, ..Mbox::new(input, head) };
        let mut poured = Vec::new();
        let mut waiting = Vec::new();
        let mut block = Vec::new();
        while let Some(portion) = mbox.next(&mut block) {
            let mut shelf = Shelf::default();
            if portion.is_open() {
                mbox.pour_on(portion, &mut block, &mut shelf).unwrap();
            } else {
                waiting.push((poured.len(), portion, block.clone()));
            }
            poured.push(shelf);
        }
        for (place, portion, mut block) in waiting.into_iter().rev() {
            portion.pour(&mut block, &mut poured[place]).unwrap();
        }
        assert!(poured.iter().all(|shelf| shelf.ended == shelf.items.len()));
        poured.into_iter().flat_map(|shelf| shelf.items).collect()
    }

    fn whole(text: &[u8]) -> Vec<(String, Vec<u8>)> {
        let (mut shelf, mut splitter) = (Shelf::default(), MboxSplitter::after(0));
        splitter.feed(text, &mut shelf);
        splitter.finish(&mut shelf);
        shelf.items
    }

    fn file(text: &[u8], at: u64) -> Input {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        Input::File { file: Arc::new(file), at }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn portions_are_the_messages_of_the_whole_with_their_numbers(
            words in proptest::collection::vec(
                proptest::sample::select(vec!["From ", "\n", "\n\nFrom ", "\r\n", ">", "Fro", "x", "\r", ">From ", "lang tekst\n"]), 0..60),
            most in 1..40_usize,
            head in 0..20_usize,
        ) {
            let text = words.concat().into_bytes();
            let (head, rest) = text.split_at(head.min(text.len()));
            let expected = whole(&text);
            let stream = Input::Stream(Box::new(io::Cursor::new(rest.to_vec())));
            prop_assert_eq!(&portions(stream, head, most), &expected);
            prop_assert_eq!(&portions(file(&text, head.len() as u64), head, most), &expected);
        }
    }

    #[test]
    fn what_cannot_be_read_on_is_poured_and_has_not_ended() {
        for most in [8, 1000] {
            let bytes = b"From a\n\nx\n\nFrom b\n\ny";
            let input = Input::Stream(Box::new(Trickle { bytes, interrupt: false, fail: true }));
            let mut mbox = Mbox { most, ..Mbox::new(input, b"") };
            let (mut shelf, mut block, mut failed) = (Shelf::default(), Vec::new(), false);
            while let Some(portion) = mbox.next(&mut block) {
                assert!(!failed, "nothing comes after it");
                failed = if portion.is_open() {
                    mbox.pour_on(portion, &mut block, &mut shelf).is_err()
                } else {
                    portion.pour(&mut block, &mut shelf).is_err()
                };
            }
            assert!(failed);
            assert_eq!((shelf.items.len(), shelf.ended), (2, 1), "{most}");
        }
    }
}
