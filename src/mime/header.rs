//! Header blocks: which line is what, and the fields that matter.
//!
//! A block is read a line at a time ([`classify`]), a field is collected whole and only when its name is known
//! ([`Field`]), so an unknown field of any length costs no memory. Nothing is decoded here but the look of a line.

use std::sync::Arc;

use super::HeaderFilter;
use super::boundary::{Dashes, LINE_CAP, Stack};
use super::filter::Lower;

/// Longest field name, with blanks after it. RFC 5322 §2.1.1 ends a line at 998.
const NAME_CAP: usize = 1000;

/// The headers whose text is always handed on by name; `Field::of` knows them. The others are handed on too where the walker was given a
/// [`HeaderFilter`], by the name that they have in the mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum HeaderName {
    /// `Subject`.
    Subject,
    /// `Comments`.
    Comments,
    /// `Keywords`.
    Keywords,
    /// `Content-Description`.
    ContentDescription,
    /// `From`.
    From,
    /// `Sender`.
    Sender,
    /// `Reply-To`.
    ReplyTo,
    /// `To`.
    To,
    /// `Cc`.
    Cc,
    /// `Bcc`.
    Bcc,
    /// `Thread-Topic`, in which Exchange repeats the subject.
    ThreadTopic,
    /// `Message-ID`, raw. It tells a resent mail; it is an identifier and must not be searched as text.
    MessageId,
}

/// What becomes of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// Handed on as text.
    Text(HeaderName),
    /// `Content-Type`.
    Type,
    /// `Content-Transfer-Encoding`.
    Encoding,
    /// `Content-Disposition`.
    Disposition,
    /// Handed on as text by the name that it has.
    Other,
    /// Not kept.
    Skipped,
}

impl Field {
    /// Looks a name up.
    fn of(name: &[u8], filter: Option<&HeaderFilter>) -> Self {
        // No known name is longer than a filter looks at.
        let Some(lower) = Lower::of(name) else {
            return if filter.is_some() { Self::Other } else { Self::Skipped };
        };
        match lower.name() {
            b"content-type" => Self::Type,
            b"content-transfer-encoding" => Self::Encoding,
            b"content-disposition" => Self::Disposition,
            b"subject" => Self::Text(HeaderName::Subject),
            b"comments" => Self::Text(HeaderName::Comments),
            b"keywords" => Self::Text(HeaderName::Keywords),
            b"content-description" => Self::Text(HeaderName::ContentDescription),
            b"from" => Self::Text(HeaderName::From),
            b"sender" => Self::Text(HeaderName::Sender),
            b"reply-to" => Self::Text(HeaderName::ReplyTo),
            b"to" => Self::Text(HeaderName::To),
            b"cc" => Self::Text(HeaderName::Cc),
            b"bcc" => Self::Text(HeaderName::Bcc),
            b"thread-topic" => Self::Text(HeaderName::ThreadTopic),
            b"message-id" => Self::Text(HeaderName::MessageId),
            _ if filter.is_some_and(|filter| !filter.skips_lower(&lower)) => Self::Other,
            _ => Self::Skipped,
        }
    }
}

/// What the start of a line in a header block shows it to be. The numbers are bytes of the line that are thereby read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// More bytes are needed.
    Unknown,
    /// The block ends here.
    Blank(usize),
    /// The field above goes on.
    Folded,
    /// A field; its name (blanks after it included) is this long, and the colon follows.
    Field(usize),
    /// A delimiter of an open multipart, this long with its line end.
    Delimiter(Dashes, usize),
    /// The line an mbox puts before a message.
    Mbox,
    /// No header line at all.
    Text,
}

/// Judges a line by its beginning. The answer for some bytes stays the answer when more follow, so a line may be
/// looked at as often as bytes arrive. `ended`: no more will. `first`: nothing of the block has been read.
pub(super) fn classify(line: &[u8], ended: bool, first: bool, stack: &Stack) -> Line {
    let unknown = if ended { Line::Text } else { Line::Unknown };
    match line {
        [] => return Line::Unknown,
        [b'\n', ..] => return Line::Blank(1),
        [b'\r', b'\n', ..] => return Line::Blank(2),
        [b'\r' | b'-'] => return unknown,
        [b' ' | b'\t', ..] if first => return Line::Text,
        [b' ' | b'\t', ..] => return Line::Folded,
        [b'-', b'-', ..] if stack.has_boundary() => {
            let seen = line.get(..LINE_CAP).unwrap_or(line);
            let end = memchr::memchr(b'\n', seen).map(|at| at + 1);
            let Some(end) = end.or((ended || seen.len() == LINE_CAP).then_some(seen.len())) else {
                return Line::Unknown;
            };
            let dashes = stack.judge(line.get(..end).unwrap_or_default());
            if matches!(dashes, Dashes::Delimiter { .. }) {
                return Line::Delimiter(dashes, end);
            }
        }
        _ => {}
    }
    let name =
        line.iter().take(NAME_CAP).take_while(|byte| byte.is_ascii_graphic() && **byte != b':').count();
    // RFC 5322 §4.5.3 knows blanks between name and colon.
    let blanks =
        line.iter().take(NAME_CAP).skip(name).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    match line.get(name + blanks) {
        _ if name + blanks == NAME_CAP => Line::Text,
        None => unknown,
        Some(b':') if name > 0 => Line::Field(name + blanks),
        Some(_) if first && (line.starts_with(b"From ") || line.starts_with(b">From ")) => Line::Mbox,
        Some(_) => Line::Text,
    }
}

/// A field that lies whole in the bytes at hand, and has nothing odd.
pub(super) struct Whole {
    /// How long its name is; the colon follows.
    pub(super) name: usize,
    /// How long it is with its line ends, and how many those are.
    pub(super) end: usize,
    pub(super) lines: usize,
}

impl Whole {
    /// Measures the field that begins `bytes`, if they are one, its value within `limit`. What [`classify`] and
    /// [`Head::read`] would have more to say about is not measured: blanks before the colon, a bare return, a folded
    /// line of blanks, a line of dashes.
    pub(super) fn find(bytes: &[u8], limit: usize) -> Option<Self> {
        let start = bytes.get(..NAME_CAP).unwrap_or(bytes);
        let name = first(start, |byte| !byte.is_ascii_graphic() || byte == b':')?;
        if name == 0 || bytes.get(name) != Some(&b':') || bytes.starts_with(b"--") {
            return None;
        }
        let mut at = name + 1;
        for lines in 1.. {
            let line = bytes.get(at..)?;
            let mut end = line_end(line)?;
            if lines > 1 && line.get(..end)?.iter().all(|byte| matches!(byte, b' ' | b'\t')) {
                return None;
            }
            end += usize::from(line.get(end) == Some(&b'\r'));
            if line.get(end) != Some(&b'\n') {
                return None;
            }
            at += end + 1;
            // Only the next line's first byte shows that the field has ended.
            if !matches!(bytes.get(at)?, b' ' | b'\t') {
                return (at - name - 1 <= limit).then_some(Self { name, end: at, lines });
            }
        }
        None
    }
}

/// Where the first return or line feed is.
fn line_end(bytes: &[u8]) -> Option<usize> {
    first(bytes, |byte| matches!(byte, b'\n' | b'\r'))
}

/// Where the first such byte is. Names and lines of a header are so short that a search made for long texts takes longer
/// to begin than to search.
#[inline(always)]
#[allow(clippy::inline_always, reason = "each is one loop, with its own question in it")]
fn first(bytes: &[u8], is: impl Fn(u8) -> bool) -> Option<usize> {
    let (blocks, rest) = bytes.as_chunks::<16>();
    for (nr, block) in blocks.iter().enumerate() {
        // Written so that the compiler makes one vector of it: a byte of ones for each that is one.
        let mut marks = [0; 16];
        for (mark, byte) in marks.iter_mut().zip(block) {
            *mark = if is(*byte) { u8::MAX } else { 0 };
        }
        let marks = u128::from_le_bytes(marks);
        if marks != 0 {
            return Some(16 * nr + (marks.trailing_zeros() / 8) as usize);
        }
    }
    Some(16 * blocks.len() + rest.iter().position(|byte| is(*byte))?)
}

/// How much is kept of a value that contradicts the first.
const LAST_CAP: usize = 4096;

/// A field value that may stand twice; the first is used.
#[derive(Debug, Default)]
pub(super) struct Slot {
    value: Vec<u8>,
    present: bool,
    /// The last value, where it is another; empty values contradict nothing.
    last: Vec<u8>,
}

impl Slot {
    /// The value, if the field was there.
    pub(super) fn value(&self) -> Option<&[u8]> {
        self.present.then_some(self.value.as_slice())
    }

    /// The value that stands last.
    pub(super) fn last(&self) -> Option<&[u8]> {
        if self.last.is_empty() { self.value() } else { Some(&self.last) }
    }

    fn differs(&self) -> bool {
        !self.last.is_empty()
    }

    fn clear(&mut self) {
        self.present = false;
        self.value.clear();
        self.last.clear();
    }

    /// Keeps a first value; false when a later one differs.
    pub(super) fn set(&mut self, value: &[u8]) -> bool {
        if self.present {
            let same = self.value == value;
            if !same {
                self.last.clear();
                self.last.extend_from_slice(value.get(..LAST_CAP).unwrap_or(value));
            }
            return same;
        }
        self.present = true;
        self.value.extend_from_slice(value);
        true
    }
}

/// The header block being read.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "four facts that do not depend on each other")]
pub(super) struct Head {
    /// The start of a line that could not be judged yet.
    pub(super) lead: Vec<u8>,
    /// Inside a line, after its start was judged.
    pub(super) in_line: bool,
    /// Nothing of the block has been read.
    pub(super) first: bool,
    /// The block heads a message, not a part of a multipart.
    pub(super) of_message: bool,
    pub(super) field: Option<Field>,
    pub(super) field_line: u64,
    /// The name of `field`, when that is what it is known by.
    pub(super) name: Vec<u8>,
    /// The raw value of `field`, line breaks included, as far as the limit allows.
    pub(super) value: Vec<u8>,
    pub(super) cut: bool,
    pub(super) content_type: Slot,
    pub(super) encoding: Slot,
    pub(super) disposition: Slot,
    pub(super) oddities: Oddities,
    filter: Option<Arc<HeaderFilter>>,
}

/// Oddities of lines, each told once a block.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "four facts that do not depend on each other")]
pub(super) struct Oddities {
    /// The line read last ended in a return, so that another byte shows it bare.
    return_pending: bool,
    pub(super) bare_return: bool,
    /// The folded line being read has only blanks so far.
    blank: bool,
    /// A folded line of blanks was read, and counts if the block goes on.
    pub(super) blank_fold: bool,
}

impl Head {
    /// Whether a field that must stand once stands twice and differs.
    pub(super) fn contradicts(&self) -> bool {
        self.content_type.differs() || self.encoding.differs() || self.disposition.differs()
    }

    pub(super) fn listen(&mut self, filter: Option<Arc<HeaderFilter>>) {
        self.filter = filter;
    }

    pub(super) fn filter(&self) -> Option<Arc<HeaderFilter>> {
        self.filter.clone()
    }

    /// What becomes of a field of this name.
    pub(super) fn field(&self, name: &[u8]) -> Field {
        Field::of(name, self.filter.as_deref())
    }

    /// How many bytes its buffers have.
    pub(super) fn held(&self) -> usize {
        let slots = [&self.content_type, &self.encoding, &self.disposition];
        let slots: usize = slots.iter().map(|slot| slot.value.capacity() + slot.last.capacity()).sum();
        self.lead.capacity() + self.name.capacity() + self.value.capacity() + slots
    }

    /// Gets ready for the header block of a message or part.
    pub(super) fn start(&mut self, of_message: bool) {
        self.in_line = false;
        self.first = true;
        self.of_message = of_message;
        self.field = None;
        self.content_type.clear();
        self.encoding.clear();
        self.disposition.clear();
        self.oddities = Oddities::default();
    }

    /// A field begins; `name` may have blanks at its end.
    pub(super) fn begin(&mut self, name: &[u8], line: u64) {
        let name = name.trim_ascii_end();
        let field = self.field(name);
        self.collect(field, name, line);
    }

    /// The line of an mbox begins, which is no field and has an address like one.
    pub(super) fn begin_mbox(&mut self, line: u64) {
        let field = if self.filter.is_some() { Field::Other } else { Field::Skipped };
        self.collect(field, b"From", line);
    }

    fn collect(&mut self, field: Field, name: &[u8], line: u64) {
        self.field = Some(field);
        self.field_line = line;
        self.name.clear();
        if field == Field::Other {
            self.name.extend_from_slice(name);
        }
        self.value.clear();
        self.cut = false;
        self.in_line = true;
        self.first = false;
    }

    /// A line goes on that is no field of its own.
    pub(super) fn go_on(&mut self, folded: bool) {
        self.in_line = true;
        self.first = false;
        self.oddities.blank = folded;
    }

    /// Reads on in the line; gives how many bytes were its own.
    pub(super) fn read(&mut self, bytes: &[u8], limit: usize) -> usize {
        let end = memchr::memchr(b'\n', bytes);
        let text = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        self.watch(text, end.is_some());
        if !matches!(self.field, None | Some(Field::Skipped)) {
            let whole = bytes.get(..end.map_or(bytes.len(), |at| at + 1)).unwrap_or_default();
            let room = limit.saturating_sub(self.value.len());
            self.cut |= whole.len() > room;
            self.value.extend_from_slice(whole.get(..room).unwrap_or(whole));
        }
        let Some(end) = end else { return bytes.len() };
        self.in_line = false;
        end + 1
    }

    fn watch(&mut self, text: &[u8], ends: bool) {
        let odd = &mut self.oddities;
        if !text.is_empty() {
            let inner = text.get(..text.len() - 1).unwrap_or_default();
            odd.bare_return |= odd.return_pending || memchr::memchr(b'\r', inner).is_some();
            odd.return_pending = text.ends_with(b"\r");
        }
        if odd.blank {
            odd.blank = text.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
        }
        if ends {
            odd.return_pending = false;
            odd.blank_fold |= odd.blank;
            odd.blank = false;
        }
    }
}

/// Takes line breaks out of a field value (RFC 5322 §2.2.3) and blanks off its ends.
pub(super) fn unfold(value: &mut Vec<u8>) -> &[u8] {
    let mut kept = 0;
    let mut at = 0;
    while let Some(rest) = value.get(at..) {
        let end = memchr::memchr(b'\n', rest);
        let line = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        let line = if end.is_some() { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
        let len = line.len();
        value.copy_within(at..at + len, kept);
        kept += len;
        let Some(end) = end else { break };
        at += end + 1;
    }
    value.truncate(kept);
    value.trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges_lines() {
        let mut stack = Stack::default();
        stack.push_multipart(b"b", false, 0);
        let delimiter = |close| Dashes::Delimiter { frame: 0, close };
        for (line, first, expect) in [
            ("Subject: x\n", true, Line::Field(7)),
            ("Subject \t: x\n", false, Line::Field(9)),
            ("From: x\n", true, Line::Field(4)),
            ("From a@b Mon\n", true, Line::Mbox),
            (">From a@b Mon\n", true, Line::Mbox),
            ("From a@b Mon\n", false, Line::Text),
            (" x\n", false, Line::Folded),
            (" x\n", true, Line::Text),
            (": x\n", false, Line::Text),
            ("K\u{e6}re: Bo\n", false, Line::Text),
            ("hej Bo: x\n", false, Line::Text),
            ("hej\n", false, Line::Text),
            ("\n", true, Line::Blank(1)),
            ("\r\n", true, Line::Blank(2)),
            ("\rx\n", true, Line::Text),
            ("--b\r\nx", false, Line::Delimiter(delimiter(false), 5)),
            ("--b--\n", false, Line::Delimiter(delimiter(true), 6)),
            ("--c: d\n", false, Line::Field(3)),
            ("-\n", false, Line::Text),
        ] {
            assert_eq!(classify(line.as_bytes(), false, first, &stack), expect, "{line:?}");
            for end in 0..line.len() {
                let early = classify(&line.as_bytes()[..end], false, first, &stack);
                assert!(early == Line::Unknown || early == expect, "{line:?} at {end}: {early:?}");
            }
        }
    }

    #[test]
    fn a_line_ends_at_its_first_break() {
        for length in 0..50 {
            for (at, last) in (0..=length).flat_map(|at| (at..=length).map(move |last| (at, last))) {
                for (first, second) in [(b'\n', b'\r'), (b'\r', b'\n')] {
                    // Neighbours of both breaks, which a carry could take for them.
                    let mut line: Vec<u8> =
                        (0..length).map(|nr| [0x0b, 0x0c, 0x0e, 0x8a, 0xff][nr % 5]).collect();
                    for (place, byte) in [(last, second), (at, first)] {
                        line.iter_mut().skip(place).take(1).for_each(|slot| *slot = byte);
                    }
                    assert_eq!(line_end(&line), (at < length).then_some(at), "{line:?}");
                }
            }
        }
    }

    #[test]
    fn unfolds() {
        for (raw, expect) in
            [(" a\r\n b\n\tc\r\n", "a b\tc"), ("\r\n x", "x"), ("", ""), (" a\rb ", "a\rb"), ("a\n\n", "a")]
        {
            assert_eq!(unfold(&mut raw.as_bytes().to_vec()), expect.as_bytes(), "{raw:?}");
        }
    }
}
