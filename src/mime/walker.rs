//! The walk: which bytes are header, delimiter or content, as they arrive.
//!
//! Two states. In `Head` a block is read line by line (`header.rs`); in `Content` everything is content of the
//! innermost leaf until a delimiter of some open multipart. Content is searched for `--` and passed on in
//! one slice up to one that begins a line; only such a line is looked at. The line break before a delimiter
//! belongs to it (RFC 2046 §5.1.1), so at a chunk's end at most a line break and a line that begins with `--` are held
//! back, in `held`, and settled when more arrives (`walker/content.rs`). A line is judged once, by its first [`LINE_CAP`]
//! bytes: never again for another boundary, or a mail of `--` lines would take quadratic time.
//!
//! It never keeps content and never fails. Start at [`Walker::feed`]; entities open and end in `walker/entities.rs`, and
//! where an entity can be read in two ways, `walker/shadow.rs` has the second. Tests: `tests/`.

mod content;
mod entities;
mod shadow;

use std::sync::Arc;

use memchr::memmem;

use content::leading_break;
use shadow::Shadow;

use super::boundary::{Dashes, LINE_CAP, Stack};
use super::entity::Entity;
use super::header::{Field, Head, Line, Whole, classify, unfold};
use super::leaf::Leaf;
use super::{HeaderFilter, HeaderName, Limits, Margin, PartPath, PartSink, Problem, Region, word};

/// What the next bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The header block of an entity.
    Head,
    /// The content of a leaf.
    Content,
    /// The rest of a delimiter line that was longer than was looked at; whether junk in it was told.
    DelimiterTail { told: bool },
}

/// Which leaf content belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Part,
    Margin(Margin),
}

/// Reads one mail, pushed to it in any pieces. See [`PartSink`] for what it tells.
/// [`feed`](Self::feed) it until the mail ends, then [`finish`](Self::finish).
#[derive(Debug)]
pub struct Walker {
    limits: Limits,
    /// Levels above this walker: all, and those that were encoded. Zero for the mail itself.
    above: usize,
    encoded_above: usize,
    state: State,
    /// What comes after a `DelimiterTail`.
    after_tail: State,
    path: PartPath,
    stack: Stack,
    /// How many parts have begun.
    parts: usize,
    head: Head,
    entity: Entity,
    leaf: Leaf,
    content: Content,
    /// Whether the sink has been told of the leaf; margins are entered with their first byte.
    entered: bool,
    /// A line break and the start of a `--` line that could not be judged yet.
    held: Vec<u8>,
    /// The next byte begins a line whose line break something else has taken.
    line_start: bool,
    line: u64,
    text: Vec<u8>,
    /// The other reading of an entity that can be read in two ways; kept for the next one.
    shadow: Option<Box<Shadow>>,
    /// This walker is one itself, or within one's reach.
    is_shadow: bool,
    dashes: memmem::Finder<'static>,
    bare: content::BareReturn,
}

impl Default for Walker {
    fn default() -> Self {
        Self::with_limits(Limits::default())
    }
}

impl Walker {
    /// A walker for one mail, with the usual limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// A walker for one mail, with limits of one's own.
    pub fn with_limits(limits: Limits) -> Self {
        let mut head = Head::default();
        head.start(true);
        Self {
            limits,
            above: 0,
            encoded_above: 0,
            state: State::Head,
            after_tail: State::Head,
            path: PartPath::default(),
            stack: Stack::default(),
            parts: 0,
            head,
            entity: Entity::default(),
            leaf: Leaf::default(),
            content: Content::Part,
            entered: false,
            held: Vec::new(),
            line_start: true,
            line: 1,
            text: Vec::new(),
            shadow: None,
            is_shadow: false,
            dashes: memmem::Finder::new(b"--"),
            bare: content::BareReturn::default(),
        }
    }

    /// Hands on all headers but those of this filter. Without one, only those of a [`HeaderName`] are.
    #[must_use]
    pub fn with_headers(mut self, filter: Arc<HeaderFilter>) -> Self {
        self.head.listen(Some(filter));
        self
    }

    /// Takes the next bytes of the mail.
    pub fn feed<S: PartSink>(&mut self, bytes: &[u8], sink: &mut S) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let used = match self.state {
                State::Head => self.read_head(rest, sink),
                State::Content => self.read_content(rest, sink),
                State::DelimiterTail { told } => self.read_tail(rest, told, sink),
            };
            rest = rest.get(used..).unwrap_or_default();
        }
    }

    /// Gets ready for another mail, with the usual limits, in the memory that the last one took. What few mails need is
    /// given back.
    pub fn renew(&mut self, filter: Arc<HeaderFilter>) {
        self.shadow = None;
        self.is_shadow = false;
        self.leaf.forget();
        self.nest(Limits::default(), 0, 0, &PartPath::default(), Some(filter));
    }

    /// How many bytes it holds for the next mail.
    pub fn held(&self) -> usize {
        let Self { head, entity, stack, held, text, .. } = self;
        head.held() + entity.held() + stack.held() + held.capacity() + text.capacity()
    }

    /// The mail is complete: settles what was held back and leaves all that was entered.
    pub fn finish<S: PartSink>(mut self, sink: &mut S) {
        self.end(sink);
    }

    /// As `finish`, for a walker that will read another message.
    pub fn end<S: PartSink>(&mut self, sink: &mut S) {
        if let State::DelimiterTail { .. } = self.state {
            self.state = self.after_tail;
        }
        // Text that ends a block may open a message, whose block the same line then begins.
        while !self.head.lead.is_empty() {
            let line = classify(&self.head.lead, true, self.head.first, &self.stack);
            self.take_lead(line, sink);
        }
        self.open_pending(sink);
        if !self.held.is_empty() {
            let brk = leading_break(&self.held);
            self.judge_held(brk, sink);
            self.open_pending(sink);
            let held = std::mem::take(&mut self.held);
            self.emit(&held, sink);
        }
        self.leave_leaf(sink);
        while self.stack.len() > 0 {
            self.pop(sink);
        }
        if let Some(shadow) = &mut self.shadow {
            shadow.end(sink);
        }
    }

    /// Gets ready to read the message at `path` of another walker, which has decoded it.
    fn nest(
        &mut self,
        limits: Limits,
        above: usize,
        encoded_above: usize,
        path: &PartPath,
        filter: Option<Arc<HeaderFilter>>,
    ) {
        self.limits = limits;
        self.above = above;
        self.encoded_above = encoded_above;
        self.state = State::Head;
        self.path.copy_from(path);
        self.stack.clear();
        self.parts = 0;
        self.head.lead.clear();
        self.head.start(true);
        self.head.listen(filter);
        self.held.clear();
        self.entered = false;
        self.bare = content::BareReturn::default();
        self.line_start = true;
        self.line = 1;
    }

    /// Accounts for raw bytes. Lines are counted only while more headers may come: nothing else asks for them.
    fn raw<S: PartSink>(&mut self, region: Region, bytes: &[u8], sink: &mut S) {
        let lines = if self.state == State::Head || self.stack.has_boundary() {
            memchr::memchr_iter(b'\n', bytes).count()
        } else {
            0
        };
        self.account(region, bytes, lines, sink);
    }

    /// As `raw`, for bytes whose line ends have been counted.
    fn account<S: PartSink>(&mut self, region: Region, bytes: &[u8], lines: usize, sink: &mut S) {
        self.line += lines as u64;
        if self.encoded_above == 0 {
            sink.region(region, bytes);
        }
        if let Some(shadow) = &mut self.shadow {
            shadow.feed(bytes, sink);
        }
    }

    // ---- header blocks ----

    fn read_head<S: PartSink>(&mut self, rest: &[u8], sink: &mut S) -> usize {
        if self.head.in_line {
            let used = self.head.read(rest, self.limits.header_bytes);
            self.raw(Region::Header, rest.get(..used).unwrap_or_default(), sink);
            return used;
        }
        if self.head.lead.is_empty() {
            if let Some(used) = self.read_field(rest, sink) {
                return used;
            }
            let line = classify(rest, false, self.head.first, &self.stack);
            if line != Line::Unknown {
                return self.take_line(line, rest, sink);
            }
            self.head.lead.extend_from_slice(rest);
            return rest.len();
        }
        // Only a colon, a line end or the cap can settle a line whose first bytes could not.
        let room = LINE_CAP.saturating_sub(self.head.lead.len());
        let window = rest.get(..room).unwrap_or(rest);
        let used = memchr::memchr2(b':', b'\n', window).map_or(window.len(), |at| at + 1);
        self.head.lead.extend_from_slice(rest.get(..used).unwrap_or_default());
        let line = classify(&self.head.lead, false, self.head.first, &self.stack);
        if line != Line::Unknown {
            self.take_lead(line, sink);
        }
        used
    }

    /// Reads the gathered start of a line, now that it is known what it is.
    fn take_lead<S: PartSink>(&mut self, line: Line, sink: &mut S) {
        let mut lead = std::mem::take(&mut self.head.lead);
        let used = self.take_line(line, &lead, sink);
        self.feed(lead.get(used..).unwrap_or_default(), sink);
        lead.clear();
        // One line cannot leave a second one unjudged, so the buffer is free again.
        if self.head.lead.is_empty() {
            self.head.lead = lead;
        }
    }

    /// Acts on a line of a header block and gives how many of `bytes` that took.
    fn take_line<S: PartSink>(&mut self, line: Line, bytes: &[u8], sink: &mut S) -> usize {
        let part = |end: usize| bytes.get(..end).unwrap_or_default();
        match line {
            Line::Unknown => 0,
            Line::Folded => {
                self.head.go_on(true);
                0
            }
            Line::Mbox => {
                self.head.begin_mbox(self.line);
                0
            }
            Line::Field(colon) => {
                self.end_field(sink);
                if std::mem::take(&mut self.head.oddities.blank_fold) {
                    sink.problem(&self.path, Problem::BlankFold);
                }
                self.head.begin(part(colon), self.line);
                self.raw(Region::Header, part(colon + 1), sink);
                colon + 1
            }
            Line::Blank(end) => {
                self.end_field(sink);
                self.account(Region::Header, part(end), 1, sink);
                self.open(sink);
                end
            }
            Line::Delimiter(dashes, end) => {
                self.open_pending(sink);
                self.end_shadow(dashes, sink);
                self.raw(Region::Boundary, part(end), sink);
                self.delimit(dashes, part(end).ends_with(b"\n"), sink);
                end
            }
            Line::Text => {
                self.end_field(sink);
                sink.problem(&self.path, Problem::MissingBlankLine);
                self.open(sink);
                0
            }
        }
    }

    /// The field being collected is complete.
    fn end_field<S: PartSink>(&mut self, sink: &mut S) {
        let Some(field) = self.head.field.take().filter(|field| *field != Field::Skipped) else { return };
        if self.head.cut {
            sink.problem(&self.path, Problem::HeaderTooLong);
        }
        let mut kept = std::mem::take(&mut self.head.value);
        let name = std::mem::take(&mut self.head.name);
        self.tell(field, &name, unfold(&mut kept), sink);
        self.head.name = name;
        self.head.value = kept;
    }

    /// Reads a field that begins `rest` and ends in it, without keeping it: nearly all of them, as a door brings large
    /// pieces. Gives how long it is; `None`, and nothing read, when it does not end here or is odd in any way. Then it is
    /// read line by line, as it would be byte by byte.
    fn read_field<S: PartSink>(&mut self, rest: &[u8], sink: &mut S) -> Option<usize> {
        let whole = Whole::find(rest, self.limits.header_bytes)?;
        self.end_field(sink);
        if std::mem::take(&mut self.head.oddities.blank_fold) {
            sink.problem(&self.path, Problem::BlankFold);
        }
        self.head.first = false;
        self.head.field_line = self.line;
        let read = rest.get(..whole.end)?;
        self.account(Region::Header, read, whole.lines, sink);
        let (name, value) = (read.get(..whole.name)?, read.get(whole.name + 1..)?);
        let field = self.head.field(name);
        if whole.lines == 1 || field == Field::Skipped {
            self.tell(field, name, value.trim_ascii(), sink);
        } else {
            let mut kept = std::mem::take(&mut self.head.value);
            kept.clear();
            kept.extend_from_slice(value);
            self.tell(field, name, unfold(&mut kept), sink);
            self.head.value = kept;
        }
        Some(whole.end)
    }

    /// Tells of a field, or keeps it for [`Self::open`]; its value is unfolded.
    fn tell<S: PartSink>(&mut self, field: Field, name: &[u8], value: &[u8], sink: &mut S) {
        let Head { content_type, encoding, disposition, field_line, .. } = &mut self.head;
        let (same, problem) = match field {
            Field::Text(_) | Field::Other => {
                let raw = field == Field::Text(HeaderName::MessageId) || word::find_word(value).is_none();
                let text = if raw {
                    value
                } else {
                    self.text.clear();
                    word::decode(value, &mut self.text);
                    self.text.as_slice()
                };
                if let Field::Text(name) = field {
                    sink.header(&self.path, name, *field_line, text);
                } else {
                    sink.other_header(&self.path, name, *field_line, text);
                }
                return;
            }
            Field::Type => (content_type.set(value), Problem::ConflictingType),
            Field::Encoding => (encoding.set(value), Problem::ConflictingEncoding),
            Field::Disposition => (disposition.set(value), Problem::ConflictingDisposition),
            Field::Skipped => return,
        };
        if !same {
            sink.problem(&self.path, problem);
        }
    }
}
