//! An mbox, cut into its messages (RFC 4155, and the quoting of "mboxrd").
//!
//! A message begins at a line that starts with `From ` and is the first or follows a blank one; a line that
//! starts with `>From `, however many `>` there are, loses one. The separator is handed on as the message's
//! first line: the walker knows it, and should it have been prose after all, nothing of it is lost.
//!
//! Only the start of a line is looked at byte by byte; runs between two changes go on in one piece. What is
//! kept between two chunks is a count of `>` and of letters matched, never text.

use super::{Item, ItemSink};

const SEPARATOR: &[u8] = b"From ";

/// Where in a line the next byte stands.
#[derive(Clone, Copy)]
enum At {
    /// So many `>` and then so many bytes of [`SEPARATOR`] have been read of it.
    Start { quotes: u64, matched: usize },
    /// It is neither separator nor quoted, or that has been dealt with; whether anything but CR was read.
    Within { text: bool },
}

const START: At = At::Start { quotes: 0, matched: 0 };

/// See the module's head.
pub(super) struct Splitter {
    at: At,
    /// Whether the line before this one was blank, or there is none.
    after_blank: bool,
    /// Messages begun.
    count: u64,
    /// Bytes of the open line start that came in earlier chunks and were not handed on.
    carried: (u64, usize),
}

impl Splitter {
    pub(super) fn new() -> Self {
        Self { at: START, after_blank: true, count: 0, carried: (0, 0) }
    }

    /// Reads the next bytes, cut anywhere.
    pub(super) fn feed(&mut self, bytes: &[u8], sink: &mut impl ItemSink) {
        // Before `done` all is handed on; the line that `next` stands in began at `line`.
        let (mut done, mut line, mut next) = (0, 0, 0);
        while let Some(byte) = bytes.get(next).copied() {
            match self.at {
                At::Start { quotes, matched } if SEPARATOR.get(matched) == Some(&byte) => {
                    next += 1;
                    if matched + 1 < SEPARATOR.len() {
                        self.at = At::Start { quotes, matched: matched + 1 };
                        continue;
                    }
                    if quotes == 0 && self.after_blank {
                        self.hand_on(bytes.get(done..line), sink);
                        done = line;
                        self.turn(sink);
                    } else if quotes > 0 {
                        self.hand_on(bytes.get(done..line), sink);
                        if self.carried.0 > 0 {
                            self.carried.0 -= 1;
                            done = line;
                        } else {
                            done = line + 1;
                        }
                    }
                    self.release(sink);
                    self.at = At::Within { text: true };
                }
                At::Start { quotes, matched: 0 } if byte == b'>' => {
                    next += 1;
                    self.at = At::Start { quotes: quotes + 1, matched: 0 };
                }
                At::Start { quotes, matched } => {
                    self.release(sink);
                    self.at = At::Within { text: quotes > 0 || matched > 0 };
                }
                At::Within { text } => {
                    let rest = bytes.get(next..).unwrap_or_default();
                    let end = memchr::memchr(b'\n', rest);
                    let seen = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
                    let text = text || seen.iter().any(|byte| *byte != b'\r');
                    next += end.map_or(rest.len(), |end| end + 1);
                    if end.is_some() {
                        self.after_blank = !text;
                        self.at = START;
                        line = next;
                    } else {
                        self.at = At::Within { text };
                    }
                }
            }
        }
        match self.at {
            At::Start { quotes, matched } => {
                self.hand_on(bytes.get(done..line), sink);
                self.carried = (quotes, matched);
            }
            At::Within { .. } => self.hand_on(bytes.get(done..), sink),
        }
    }

    /// Ends the last message.
    pub(super) fn finish(mut self, sink: &mut impl ItemSink) {
        self.release(sink);
        if self.count > 0 {
            sink.end();
        }
    }

    /// One message ends and the next begins.
    fn turn(&mut self, sink: &mut impl ItemSink) {
        if self.count > 0 {
            sink.end();
        }
        self.count += 1;
        sink.begin(Item::Numbered(self.count));
    }

    /// Hands on what was carried over from earlier chunks, now that it is known to be text.
    fn release(&mut self, sink: &mut impl ItemSink) {
        const QUOTES: [u8; 64] = [b'>'; 64];
        let (mut quotes, matched) = std::mem::take(&mut self.carried);
        while quotes > 0 {
            let some = usize::try_from(quotes).unwrap_or(usize::MAX).min(QUOTES.len());
            self.hand_on(QUOTES.get(..some), sink);
            quotes -= some as u64;
        }
        self.hand_on(SEPARATOR.get(..matched), sink);
    }

    fn hand_on(&mut self, bytes: Option<&[u8]>, sink: &mut impl ItemSink) {
        let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) else { return };
        if self.count == 0 {
            // What stands before the first separator is a message too: nothing is dropped.
            self.turn(sink);
        }
        sink.data(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Shelf;
    use super::*;
    use proptest::prelude::*;

    fn split<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
        let mut shelf = Shelf::default();
        let mut splitter = Splitter::new();
        chunks.for_each(|chunk| splitter.feed(chunk, &mut shelf));
        splitter.finish(&mut shelf);
        assert_eq!(shelf.ended, shelf.items.len());
        shelf.items.into_iter().map(|(_, bytes)| String::from_utf8(bytes).unwrap()).collect()
    }

    fn whole(text: &str) -> Vec<String> {
        split(std::iter::once(text.as_bytes()))
    }

    /// Slow and plain: all lines in memory.
    fn oracle(text: &str) -> Vec<String> {
        let mut messages: Vec<String> = Vec::new();
        let mut after_blank = true;
        for line in text.split_inclusive('\n') {
            let unquoted = line.trim_start_matches('>');
            if unquoted.len() == line.len() && line.starts_with("From ") && after_blank || messages.is_empty()
            {
                messages.push(String::new());
            }
            let quoted = unquoted.len() < line.len() && unquoted.starts_with("From ");
            messages.last_mut().unwrap().push_str(line.split_at(usize::from(quoted)).1);
            after_blank = line.trim_matches(['\r', '\n']).is_empty();
        }
        messages
    }

    #[test]
    fn messages_begin_at_from_after_a_blank_line() {
        for end in ["\n", "\r\n"] {
            let text = "From a\nSubject: 1\n\nx\nFrom no\n\nFrom b\n\n>From y\n>>From z\n> From\n\nFrom c\n"
                .replace('\n', end);
            let parts =
                ["From a\nSubject: 1\n\nx\nFrom no\n\n", "From b\n\nFrom y\n>From z\n> From\n\n", "From c\n"];
            assert_eq!(whole(&text), parts.map(|part| part.replace('\n', end)));
        }
    }

    #[test]
    fn what_stands_before_the_first_separator_is_not_lost() {
        assert_eq!(whole("hej\n\nFrom a\nb"), ["hej\n\n", "From a\nb"]);
        assert!(whole("").is_empty());
        assert_eq!(whole(">>>"), [">>>"]);
        assert_eq!(whole("Fro"), ["Fro"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn any_cut_same_messages(
            words in proptest::collection::vec(
                proptest::sample::select(vec!["From ", "\n", "\n\n", "\r\n", ">", "F", "Fro", "x", "\r", ">From "]), 0..40),
            sizes in proptest::collection::vec(1..9_usize, 1..20),
        ) {
            let text = words.concat();
            let mut rest = text.as_bytes();
            let mut cuts = sizes.iter().cycle();
            let chunks = std::iter::from_fn(|| {
                let (chunk, after) = rest.split_at((*cuts.next()?).min(rest.len()));
                rest = after;
                (!chunk.is_empty()).then_some(chunk)
            });
            prop_assert_eq!(split(chunks), oracle(&text));
            prop_assert_eq!(whole(&text), oracle(&text));
        }
    }
}
