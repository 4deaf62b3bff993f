//! An entity once more, where its header can be read in two ways.
//!
//! Two fields contradict each other, a parameter stands twice, a multipart claims an encoding, or its boundary is not
//! the one that its content uses: programs differ in what they show then. The walker takes the first reading; here a
//! second walker takes the other one, over the same raw bytes and at the same time, and tells
//! [`PartSink::second`]. One at a time, and none within another, so a byte is walked twice at most.
//!
//! Start at [`Walker::shadow`], which begins one, and [`Shadow::feed`]. `raw` of the walker brings every byte in order;
//! the delimiter that ends the entity is kept from it ([`Walker::end_shadow`]).

use super::{Dashes, Walker};
use crate::mime::entity::Entity;
use crate::mime::transfer::{Transfer, TransferEncoding};
use crate::mime::{PartPath, PartSink, Problem, Reading};

/// How much of a line is looked at for a boundary that nobody named.
const GUESS_CAP: usize = 200;

/// How long the name of the first field may be, where a header may stand that should not.
const PEEK_CAP: usize = 64;

/// The second reading of the entity that is open.
#[derive(Debug, Default)]
pub(super) struct Shadow {
    state: State,
    /// How many frames were open around the entity.
    level: usize,
    /// The entity's path, and whether it is a message as a whole.
    path: PartPath,
    of_message: bool,
    /// The boundary is one that nobody named.
    is_guess: bool,
    walker: Box<Walker>,
    transfer: Transfer,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Off,
    /// The multipart's boundary has not been seen yet; the line being read, unless it cannot be one.
    Guessing {
        line: Vec<u8>,
        skip: bool,
    },
    /// A header may stand where none should: the first bytes, and what the entity is called then.
    Peeking {
        head: Vec<u8>,
        header: &'static [u8],
    },
    Walking,
}

impl Shadow {
    pub(super) fn is_on(&self) -> bool {
        !matches!(self.state, State::Off)
    }

    /// Takes the next raw bytes of the entity.
    pub(super) fn feed<S: PartSink>(&mut self, bytes: &[u8], sink: &mut S) {
        match &self.state {
            State::Off => {}
            State::Walking => self.walk(bytes, sink),
            State::Guessing { .. } => self.guess(bytes, sink),
            State::Peeking { .. } => self.peek(bytes, sink),
        }
    }

    /// Waits for a colon behind a word.
    fn peek<S: PartSink>(&mut self, bytes: &[u8], sink: &mut S) {
        let State::Peeking { head, header } = &mut self.state else { return };
        let room = PEEK_CAP.saturating_sub(head.len());
        let window = bytes.get(..room).unwrap_or(bytes);
        let end = window.iter().position(|byte| !byte.is_ascii_graphic() || *byte == b':');
        let (now, later) =
            bytes.split_at_checked(end.map_or(window.len(), |at| at + 1)).unwrap_or((bytes, &[]));
        head.extend_from_slice(now);
        if end.is_none() && head.len() < PEEK_CAP {
            return;
        }
        let (head, header) = (std::mem::take(head), *header);
        self.state = State::Off;
        if head.len() > 1 && head.ends_with(b":") && sink.second(Reading::Entity).is_some() {
            if header.is_empty() {
                sink.problem(&self.path, Problem::HeaderBelowBlank);
            }
            let parent = (self.walker.limits, self.walker.above, self.walker.encoded_above);
            self.transfer.start(TransferEncoding::Binary);
            self.start(parent, header, sink);
            self.walk(&head, sink);
            self.walk(later, sink);
        }
    }

    fn walk<S: PartSink>(&mut self, bytes: &[u8], sink: &mut S) {
        let Self { walker, transfer, .. } = self;
        if let Some(second) = sink.second(Reading::Entity) {
            transfer.feed(bytes, &mut |bytes| walker.feed(bytes, second));
        }
    }

    /// Begins to walk the entity under this header.
    fn start<S: PartSink>(&mut self, parent: (super::Limits, usize, usize), header: &[u8], sink: &mut S) {
        let (limits, above, encoded_above) = parent;
        // What is encoded again tells no regions: the bytes have been accounted for.
        let filter = self.walker.head.filter();
        self.walker.nest(limits, above, encoded_above + 1, &self.path, filter);
        self.walker.head.start(self.of_message);
        self.walker.is_shadow = true;
        self.state = State::Walking;
        if let Some(second) = sink.second(Reading::Entity) {
            self.walker.feed(header, second);
        }
    }

    /// Looks for the first line that may be a delimiter: two dashes and one word.
    fn guess<S: PartSink>(&mut self, bytes: &[u8], sink: &mut S) {
        let mut rest = bytes;
        while let State::Guessing { line, skip } = &mut self.state {
            if rest.is_empty() {
                return;
            }
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let (now, later) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            rest = later;
            if !*skip {
                let room = GUESS_CAP.saturating_sub(line.len());
                line.extend_from_slice(now.get(..room).unwrap_or(now));
                *skip = now.len() > room || line.iter().zip(b"--").any(|(byte, dash)| byte != dash);
            }
            if !now.ends_with(b"\n") {
                return;
            }
            let found = if std::mem::take(skip) { None } else { boundary_of(line, false) };
            let line = std::mem::take(line);
            let Some(boundary) = found.and_then(|range| line.get(range)) else { continue };
            let header = [header_for(boundary).as_slice(), &line].concat();
            let parent = (self.walker.limits, self.walker.above, self.walker.encoded_above);
            self.transfer.start(TransferEncoding::Binary);
            self.start(parent, &header, sink);
            self.walk(rest, sink);
        }
    }

    /// The entity ended.
    pub(super) fn end<S: PartSink>(&mut self, sink: &mut S) {
        if let State::Walking = self.state
            && let Some(second) = sink.second(Reading::Entity)
        {
            let Self { walker, transfer, .. } = self;
            transfer.finish(&mut |bytes| walker.feed(bytes, second));
            walker.end(second);
        }
        self.state = State::Off;
    }
}

/// The header of a multipart with this boundary.
fn header_for(boundary: &[u8]) -> Vec<u8> {
    [b"Content-Type: multipart/mixed; boundary=\"".as_slice(), boundary, b"\"\r\n\r\n"].concat()
}

/// Where the boundary stands in a line that may be a delimiter; `blanks`: it may have some.
fn boundary_of(line: &[u8], blanks: bool) -> Option<std::ops::Range<usize>> {
    let word = line.strip_prefix(b"--")?.trim_ascii_end();
    let is_word = word.iter().all(|byte| match byte {
        b'"' | b'\\' => false,
        b' ' | b'\t' => blanks,
        _ => byte.is_ascii_graphic(),
    });
    (is_word && word.iter().any(|byte| *byte != b'-')).then_some(2..2 + word.len())
}

impl Walker {
    /// Begins a second reading of the entity that is being opened: by its other header, when one `contradicts` the
    /// first, else to guess the boundary that a multipart does not name.
    pub(super) fn shadow<S: PartSink>(&mut self, contradicts: bool, sink: &mut S) {
        if contradicts && sink.second(Reading::Entity).is_none() {
            return;
        }
        let Some(mut shadow) = self.free_shadow() else { return };
        if contradicts {
            let mut header = Vec::new();
            shadow.transfer.start(Entity::other_header(&self.head, &mut header));
            shadow.is_guess = false;
            let parent = (shadow.walker.limits, shadow.walker.above, shadow.walker.encoded_above);
            shadow.start(parent, &header, sink);
        } else {
            shadow.is_guess = true;
            shadow.state = State::Guessing { line: Vec::new(), skip: false };
        }
        self.shadow = Some(shadow);
    }

    /// Begins a second reading of the entity that is being opened, should its content begin as a header does: below a
    /// blank line that some programs skip, or in a message that is called base64 and is none.
    pub(super) fn shadow_if_header(&mut self, header: &'static [u8]) {
        let Some(mut shadow) = self.free_shadow() else { return };
        shadow.is_guess = false;
        shadow.state = State::Peeking { head: Vec::new(), header };
        self.shadow = Some(shadow);
    }

    /// A line begins like a delimiter of this frame and is none, or stands before its first one: it may be its
    /// delimiter in truth. Begins a second reading with it; its bytes come next.
    pub(super) fn shadow_from<S: PartSink>(&mut self, line: &[u8], frame: Option<usize>, sink: &mut S) {
        if !self.may_shadow() {
            return;
        }
        let line = line.get(..GUESS_CAP).unwrap_or(line);
        let Some(boundary) = boundary_of(line, frame.is_some()).and_then(|range| line.get(range)) else {
            return;
        };
        let level = frame.unwrap_or(self.stack.len().saturating_sub(1));
        let Some(path_len) = self.stack.at(level).map(|frame| frame.path_len) else { return };
        if sink.second(Reading::Entity).is_none() {
            return;
        }
        let Some(mut shadow) = self.free_shadow() else { return };
        shadow.level = level;
        shadow.path.truncate(path_len);
        shadow.of_message = false;
        shadow.is_guess = true;
        shadow.transfer.start(TransferEncoding::Binary);
        shadow.start((self.limits, self.above + level, self.encoded_above), &header_for(boundary), sink);
        self.shadow = Some(shadow);
    }

    /// Whether a line may begin a second reading. None may while there is one that goes on until a delimiter: what comes
    /// before that need not be passed on line by line then.
    pub(super) fn may_shadow(&self) -> bool {
        let goes_on = |shadow: &Shadow| matches!(shadow.state, State::Guessing { .. } | State::Walking);
        !self.is_shadow && !self.shadow.as_deref().is_some_and(goes_on)
    }

    /// Room for a second reading; `None` while there is one, and within one. Whether the sink wants one is asked when it
    /// begins: it makes room of its own then.
    fn free_shadow(&mut self) -> Option<Box<Shadow>> {
        if self.is_shadow || self.shadow.as_ref().is_some_and(|shadow| shadow.is_on()) {
            return None;
        }
        let mut shadow = self.shadow.take().unwrap_or_default();
        shadow.level = self.stack.len();
        shadow.path.copy_from(&self.path);
        shadow.of_message = self.head.of_message;
        shadow.walker.limits = self.limits;
        shadow.walker.head.listen(self.head.filter());
        shadow.walker.above = self.above + self.stack.len();
        shadow.walker.encoded_above = self.encoded_above;
        Some(shadow)
    }

    /// A delimiter was read, whose bytes come next: ends the second reading of an entity that it ends, and one by a
    /// boundary that was only guessed at where the one named has come.
    pub(super) fn end_shadow<S: PartSink>(&mut self, dashes: Dashes, sink: &mut S) {
        let (Some(shadow), Dashes::Delimiter { frame, .. }) = (&mut self.shadow, dashes) else { return };
        if frame < shadow.level || frame == shadow.level && shadow.is_guess {
            shadow.end(sink);
        }
    }
}
