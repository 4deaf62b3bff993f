//! Content up to the next delimiter: the walker's fast half.
//!
//! Two ways over the same bytes. [`scan`](Walker::scan) works on a whole slice and passes on all before a delimiter at
//! once. What it cannot judge at the slice's end goes into `held`, which [`settle`](Walker::settle) completes byte for
//! byte from the next slice. `held` is always a line break, whole or half, and then at most one line that begins
//! with `--`; nothing else is ever kept back. Both must decide alike, which is what `tests/cuts.rs` is about.

use super::{Content, Walker};
use crate::mime::boundary::{Dashes, LINE_CAP};
use crate::mime::{Margin, PartKind, PartSink, Problem, Region};

impl Walker {
    /// Reads content and gives how many bytes that took.
    pub(super) fn read_content<S: PartSink>(&mut self, rest: &[u8], sink: &mut S) -> usize {
        if !self.stack.has_boundary() {
            self.emit(rest, sink);
            rest.len()
        } else if self.line_start || !self.held.is_empty() {
            self.settle(rest, sink)
        } else {
            self.scan(rest, sink)
        }
    }

    /// Passes content on up to the next delimiter in `rest`, or to its end but for what may belong to one.
    fn scan<S: PartSink>(&mut self, rest: &[u8], sink: &mut S) -> usize {
        let part = |from: usize, to: usize| rest.get(from..to).unwrap_or_default();
        let mut sent = 0;
        let mut from = 0;
        while let Some(found) = self.next_dashes(part(from, rest.len())) {
            let start = from + found;
            // Only the first two of a row of dashes can begin a line.
            from = start + part(start, rest.len()).iter().take_while(|byte| **byte == b'-').count();
            let Some(line_break) = start.checked_sub(1) else { continue };
            match rest.get(line_break) {
                Some(b'\n') => {}
                Some(b'\r') => {
                    self.bare.seen = true;
                    continue;
                }
                _ => continue,
            }
            let brk = line_break - usize::from(part(sent, line_break).ends_with(b"\r"));
            let window = part(start, rest.len().min(start + LINE_CAP));
            let end = memchr::memchr(b'\n', window).map(|at| at + 1);
            let Some(len) = end.or((window.len() == LINE_CAP).then_some(LINE_CAP)) else {
                self.emit_searched(part(sent, brk), sink);
                self.held.extend_from_slice(part(brk, rest.len()));
                return rest.len();
            };
            match self.stack.judge(part(start, start + len)) {
                dashes @ Dashes::Delimiter { .. } => {
                    self.emit_searched(part(sent, brk), sink);
                    self.end_shadow(dashes, sink);
                    let lines = 1 + usize::from(end.is_some());
                    self.account(Region::Boundary, part(brk, start + len), lines, sink);
                    self.delimit(dashes, end.is_some(), sink);
                    return start + len;
                }
                Dashes::Doubtful(frame) => {
                    let is_news = self.doubts(frame);
                    if is_news || self.may_shadow() {
                        self.emit_searched(part(sent, brk), sink);
                        sent = brk;
                    }
                    if is_news {
                        sink.problem(&self.path, Problem::DelimiterJunk);
                    }
                    self.shadow_from(part(start, start + len), Some(frame), sink);
                }
                Dashes::Text => {
                    if self.content == Content::Margin(Margin::Preamble) && self.may_shadow() {
                        self.emit_searched(part(sent, brk), sink);
                        sent = brk;
                        self.shadow_from(part(start, start + len), None, sink);
                    }
                }
            }
            self.bare.search(part(start, start + len));
            from = start + len - usize::from(end.is_some());
        }
        let keep = open_tail(part(sent, rest.len()));
        self.emit_searched(part(sent, rest.len() - keep), sink);
        self.held.extend_from_slice(part(rest.len() - keep, rest.len()));
        rest.len()
    }

    /// Where the next `--` is. A delimiter, and what [`BareReturn`] looks for, are told by the byte before it, so that one
    /// search finds both. Looks first at the start: many `--` lines in a row would each pay for setting up the search.
    fn next_dashes(&self, rest: &[u8]) -> Option<usize> {
        if rest.starts_with(b"\n--") { Some(1) } else { self.dashes.find(rest) }
    }

    /// Goes on with what was held back, or with the first line of content.
    fn settle<S: PartSink>(&mut self, rest: &[u8], sink: &mut S) -> usize {
        let brk = leading_break(&self.held);
        let line = self.held.len() - brk;
        let first = rest.first().copied().unwrap_or_default();
        let goes_on = match self.held.as_slice() {
            [b'\r'] => first == b'\n',
            _ => line >= 2 || first == b'-',
        };
        if !goes_on {
            self.release(sink);
            return 0;
        }
        if line == 0
            && let Some(used) = self.settle_whole(rest, sink)
        {
            return used;
        }
        if line < 2 {
            self.held.push(first);
            return 1;
        }
        let window = rest.get(..LINE_CAP.saturating_sub(line)).unwrap_or(rest);
        let end = memchr::memchr(b'\n', window).map(|at| at + 1);
        let used = end.unwrap_or(window.len());
        self.held.extend_from_slice(rest.get(..used).unwrap_or_default());
        if end.is_some() || line + used >= LINE_CAP {
            self.judge_held(brk, sink);
        }
        used
    }

    /// Acts on a `--` line that has arrived whole, behind a held line break or none: it need not be held itself. Gives
    /// how many bytes that took; `None`, and nothing done, where the line may begin another reading.
    fn settle_whole<S: PartSink>(&mut self, rest: &[u8], sink: &mut S) -> Option<usize> {
        let window = rest.get(..LINE_CAP).unwrap_or(rest);
        if !window.starts_with(b"--") {
            return None;
        }
        let end = memchr::memchr(b'\n', window).map(|at| at + 1);
        let len = end.or((window.len() == LINE_CAP).then_some(LINE_CAP))?;
        let line = rest.get(..len)?;
        let dashes = self.stack.judge(line);
        match dashes {
            Dashes::Delimiter { .. } => {}
            Dashes::Doubtful(frame) if self.may_shadow() || !self.stack.is_doubted(frame) => return None,
            Dashes::Text if self.content == Content::Margin(Margin::Preamble) && self.may_shadow() => {
                return None;
            }
            Dashes::Doubtful(_) | Dashes::Text => {
                self.release(sink);
                return Some(0);
            }
        }
        self.line_start = false;
        self.end_shadow(dashes, sink);
        if !self.held.is_empty() {
            let mut held = std::mem::take(&mut self.held);
            self.raw(Region::Boundary, &held, sink);
            held.clear();
            self.held = held;
        }
        self.account(Region::Boundary, line, usize::from(end.is_some()), sink);
        self.delimit(dashes, end.is_some(), sink);
        Some(len)
    }

    /// What is held is text. What follows may itself begin a line break: it is read afresh.
    fn release<S: PartSink>(&mut self, sink: &mut S) {
        let mut held = std::mem::take(&mut self.held);
        self.line_start = false;
        self.emit(&held, sink);
        held.clear();
        self.held = held;
    }

    /// Judges the held line, which begins after `brk` bytes of line break. Its own line break stays held when it is
    /// text.
    pub(super) fn judge_held<S: PartSink>(&mut self, brk: usize, sink: &mut S) {
        let mut held = std::mem::take(&mut self.held);
        let line = held.get(brk..).unwrap_or_default();
        let dashes = if line.starts_with(b"--") { self.stack.judge(line) } else { Dashes::Text };
        self.line_start = false;
        if let Dashes::Delimiter { .. } = dashes {
            self.end_shadow(dashes, sink);
            self.raw(Region::Boundary, &held, sink);
            self.delimit(dashes, held.ends_with(b"\n"), sink);
            held.clear();
        } else {
            if let Dashes::Doubtful(frame) = dashes {
                if self.doubts(frame) {
                    sink.problem(&self.path, Problem::DelimiterJunk);
                }
                self.shadow_from(line, Some(frame), sink);
            } else if self.content == Content::Margin(Margin::Preamble) && line.starts_with(b"--") {
                self.shadow_from(line, None, sink);
            }
            let text = held.len() - open_tail(&held);
            self.emit(held.get(..text).unwrap_or_default(), sink);
            held.drain(..text);
        }
        self.held = held;
    }

    /// Whether a doubtful delimiter of this frame is news.
    fn doubts(&mut self, frame: usize) -> bool {
        self.stack.at(frame).is_some_and(|frame| !std::mem::replace(&mut frame.doubted, true))
    }

    /// Passes content of the current leaf on.
    pub(super) fn emit<S: PartSink>(&mut self, bytes: &[u8], sink: &mut S) {
        if self.stack.has_boundary() {
            self.bare.search(bytes);
        }
        self.emit_searched(bytes, sink);
    }

    /// As `emit`, for bytes in which bare returns have been looked for.
    fn emit_searched<S: PartSink>(&mut self, bytes: &[u8], sink: &mut S) {
        if bytes.is_empty() {
            return;
        }
        let region = match self.content {
            Content::Part => Region::Body,
            Content::Margin(margin) => {
                let (kind, region) = match margin {
                    Margin::Preamble => (PartKind::Preamble, Region::Preamble),
                    Margin::Epilogue => (PartKind::Epilogue, Region::Epilogue),
                };
                if !std::mem::replace(&mut self.entered, true) {
                    self.path.mark(Some(margin));
                    sink.enter(&self.entity.margin(&self.path, kind));
                }
                region
            }
        };
        self.raw(region, bytes, sink);
        if self.stack.has_boundary() {
            self.bare.join(bytes);
        }
        self.leaf.feed(bytes, sink);
    }
}

/// Looks for a carriage return without line feed before `--`: a delimiter to programs that take it for a line's end.
#[derive(Debug, Default)]
pub(super) struct BareReturn {
    seen: bool,
    /// The last bytes that may begin one.
    tail: &'static [u8],
}

impl BareReturn {
    const LOOKED_FOR: &'static [u8] = b"\r--";

    /// Looks within some bytes.
    fn search(&mut self, bytes: &[u8]) {
        let is_one = |at| bytes.get(at..).is_some_and(|rest: &[u8]| rest.starts_with(Self::LOOKED_FOR));
        self.seen = self.seen || memchr::memchr_iter(b'\r', bytes).any(is_one);
    }

    /// Looks where the next bytes of the leaf join the last.
    fn join(&mut self, bytes: &[u8]) {
        if self.seen {
            return;
        }
        let rest = Self::LOOKED_FOR.get(self.tail.len()..).unwrap_or_default();
        if !self.tail.is_empty() && rest.len() > bytes.len() && rest.starts_with(bytes) {
            // Fewer bytes than were missing, and the right ones: still open.
            self.tail = Self::LOOKED_FOR.get(..self.tail.len() + bytes.len()).unwrap_or_default();
            return;
        }
        self.seen = !self.tail.is_empty() && bytes.starts_with(rest);
        self.tail = match bytes {
            [.., b'\r', b'-'] => b"\r-",
            [.., b'\r'] => b"\r",
            _ => b"",
        };
    }

    /// Whether there was one in the leaf that ends.
    pub(super) fn take(&mut self) -> bool {
        std::mem::take(self).seen
    }
}

/// How long the whole line break at the start is.
pub(super) fn leading_break(bytes: &[u8]) -> usize {
    match bytes {
        [b'\r', b'\n', ..] => 2,
        [b'\n', ..] => 1,
        _ => 0,
    }
}

/// How much of the end may belong to a delimiter that has not arrived: a line break, whole or half, and one dash.
fn open_tail(bytes: &[u8]) -> usize {
    match bytes {
        [.., b'\r', b'\n', b'-'] => 3,
        [.., b'\r', b'\n'] | [.., b'\n', b'-'] => 2,
        [.., b'\r' | b'\n'] => 1,
        _ => 0,
    }
}
