//! An mbox, cut into its messages (RFC 4155, and the quoting of "mboxrd").
//!
//! A message begins at a line that starts with `From ` and is the first or follows a blank one; a line that
//! starts with `>From `, however many `>` there are, loses one. The separator is handed on as the message's
//! first line: the walker knows it, and should it have been prose after all, nothing of it is lost.
//!
//! Lines without `From ` are passed over together; only the start of a line that has it, and of a chunk's first and last,
//! is looked at byte by byte. Runs between two changes go on in one piece. What is kept between two chunks is a count of
//! `>` and of letters matched, never text.

use memchr::memmem::Finder;

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

/// Takes the messages of an mbox one after the other.
pub trait MailSink {
    /// A message begins, by its number from 1; the one before it has ended.
    fn begin(&mut self, number: u64);

    /// The next bytes of the message, cut anywhere.
    fn data(&mut self, bytes: &[u8]);

    /// The message ended.
    fn end(&mut self);
}

/// An mbox that is pushed into it, cut into its messages: see the module's head.
pub struct MboxSplitter {
    at: At,
    /// Whether the line before this one was blank, or there is none.
    after_blank: bool,
    /// Messages begun, those before included.
    count: u64,
    /// Whether one is open.
    open: bool,
    /// Bytes of the open line start that came in earlier chunks and were not handed on.
    carried: (u64, usize),
    /// Bytes of earlier chunks.
    read: u64,
    /// Where the last separator stands among all bytes.
    begun_at: u64,
    separator: Finder<'static>,
}

impl MboxSplitter {
    /// Of an mbox from where a message begins, after so many messages.
    pub fn after(count: u64) -> Self {
        let separator = Finder::new(SEPARATOR);
        Self {
            at: START,
            after_blank: true,
            count,
            open: false,
            carried: (0, 0),
            read: 0,
            begun_at: 0,
            separator,
        }
    }

    /// Messages begun, those before included.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Bytes read.
    pub fn read(&self) -> u64 {
        self.read
    }

    /// Where among these bytes the last separator stands; 0 without one.
    pub fn begun_at(&self) -> u64 {
        self.begun_at
    }

    /// Reads the next bytes, cut anywhere.
    pub fn feed(&mut self, bytes: &[u8], sink: &mut impl MailSink) {
        // Before `done` all is handed on; the line that `next` stands in began at `line`.
        let (mut done, mut line, mut next) = (0, 0, 0);
        // The first `From ` that is not behind us, once it was looked for.
        let mut suspect = 0;
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
                        self.begun_at = (self.read + line as u64).saturating_sub(self.carried.1 as u64);
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
                        if suspect < line {
                            let ahead = bytes.get(line..).unwrap_or_default();
                            suspect = self.separator.find(ahead).map_or(bytes.len(), |at| line + at);
                        }
                        if let Some(plain) = plain_lines(bytes.get(line..suspect).unwrap_or_default()) {
                            self.after_blank = plain.ends_blank;
                            line += plain.bytes;
                            next = line;
                        }
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
        self.read += bytes.len() as u64;
    }

    /// Ends the last message.
    pub fn finish(mut self, sink: &mut impl MailSink) {
        self.release(sink);
        if self.open {
            sink.end();
        }
    }

    /// One message ends and the next begins.
    fn turn(&mut self, sink: &mut impl MailSink) {
        if self.open {
            sink.end();
        }
        self.open = true;
        self.count += 1;
        sink.begin(self.count);
    }

    /// Hands on what was carried over from earlier chunks, now that it is known to be text.
    fn release(&mut self, sink: &mut impl MailSink) {
        const QUOTES: [u8; 64] = [b'>'; 64];
        let (mut quotes, matched) = std::mem::take(&mut self.carried);
        while quotes > 0 {
            let some = usize::try_from(quotes).unwrap_or(usize::MAX).min(QUOTES.len());
            self.hand_on(QUOTES.get(..some), sink);
            quotes -= some as u64;
        }
        self.hand_on(SEPARATOR.get(..matched), sink);
    }

    fn hand_on(&mut self, bytes: Option<&[u8]>, sink: &mut impl MailSink) {
        let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) else { return };
        if !self.open {
            // What stands before the first separator is a message too: nothing is dropped.
            self.turn(sink);
        }
        sink.data(bytes);
    }
}

/// Whole lines at the start of a text.
struct PlainLines {
    bytes: usize,
    /// Whether the last of them is blank.
    ends_blank: bool,
}

fn plain_lines(text: &[u8]) -> Option<PlainLines> {
    let end = memchr::memrchr(b'\n', text)?;
    let before = text.get(..end).unwrap_or_default();
    let last = before.iter().rev().find(|byte| **byte != b'\r');
    Some(PlainLines { bytes: end + 1, ends_blank: last.is_none_or(|byte| *byte == b'\n') })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Default)]
    struct Shelf {
        mails: Vec<Vec<u8>>,
        ended: usize,
    }

    impl MailSink for Shelf {
        fn begin(&mut self, number: u64) {
            assert_eq!(self.ended, self.mails.len());
            self.mails.push(Vec::new());
            assert_eq!(number, self.mails.len() as u64);
        }

        fn data(&mut self, bytes: &[u8]) {
            self.mails.last_mut().unwrap().extend_from_slice(bytes);
        }

        fn end(&mut self) {
            self.ended += 1;
        }
    }

    fn split<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
        let mut shelf = Shelf::default();
        let mut splitter = MboxSplitter::after(0);
        chunks.for_each(|chunk| splitter.feed(chunk, &mut shelf));
        splitter.finish(&mut shelf);
        assert_eq!(shelf.ended, shelf.mails.len());
        shelf.mails.into_iter().map(|bytes| String::from_utf8(bytes).unwrap()).collect()
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
