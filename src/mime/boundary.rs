//! The open multiparts and messages, and which of them a `--` line belongs to.
//!
//! A delimiter is the whole line: `--`, the boundary, perhaps `--`, perhaps blanks (RFC 2046 §5.1.1). The innermost
//! multipart that fits wins, so that an outer delimiter still works when an inner multipart was never closed. All
//! boundaries lie in one buffer that grows and shrinks with the nesting; nothing is allocated for a part.

use std::ops::Range;

/// Longest boundary that is used. RFC 2046 allows 70; some programs write more.
pub(super) const BOUNDARY_CAP: usize = 1000;

/// How much of a line is looked at to tell whether it is a delimiter.
pub(super) const LINE_CAP: usize = 2 * BOUNDARY_CAP;

/// An entity that holds others and has not ended.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "four facts that do not depend on each other")]
pub(super) struct Frame {
    /// Whether parts without a type are messages (RFC 2046 §5.1.5).
    pub(super) digest: bool,
    /// Whether the closing delimiter has been seen.
    pub(super) closed: bool,
    /// Whether a doubtful delimiter has been reported.
    pub(super) doubted: bool,
    /// Whether a part after the closing delimiter has been reported.
    pub(super) reopened: bool,
    /// How many parts have been opened.
    pub(super) children: u32,
    /// How long the path to this entity is.
    pub(super) path_len: usize,
    boundary: Range<usize>,
}

impl Frame {
    /// Whether delimiters can belong to it.
    pub(super) fn has_boundary(&self) -> bool {
        !self.boundary.is_empty()
    }
}

/// What a line that starts with `--` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dashes {
    /// A delimiter of the frame with this index.
    Delimiter {
        frame: usize,
        /// Whether it is the last one.
        close: bool,
    },
    /// It begins like a delimiter of this frame and goes on with something else.
    Doubtful(usize),
    /// Text.
    Text,
}

/// The open entities from the outside in.
#[derive(Debug, Default)]
pub(super) struct Stack {
    frames: Vec<Frame>,
    /// One for each frame.
    keys: Vec<Key>,
    boundaries: Vec<u8>,
    /// How many frames have a boundary.
    delimited: usize,
    /// No delimiter is looked for any more.
    deaf: bool,
}

impl Stack {
    pub(super) fn clear(&mut self) {
        self.frames.clear();
        self.keys.clear();
        self.boundaries.clear();
        self.delimited = 0;
        self.deaf = false;
    }

    /// From now on no line is a delimiter, and nobody misses those that would have been.
    pub(super) fn deafen(&mut self) {
        self.deaf = true;
        self.frames.iter_mut().for_each(|frame| frame.closed = true);
    }

    /// How many bytes its buffers have.
    pub(super) fn held(&self) -> usize {
        let Self { frames, keys, boundaries, delimited: _, deaf: _ } = self;
        frames.capacity() * size_of::<Frame>() + keys.capacity() * size_of::<Key>() + boundaries.capacity()
    }

    pub(super) fn len(&self) -> usize {
        self.frames.len()
    }

    pub(super) fn top(&mut self) -> Option<&mut Frame> {
        self.frames.last_mut()
    }

    pub(super) fn at(&mut self, index: usize) -> Option<&mut Frame> {
        self.frames.get_mut(index)
    }

    /// Whether a doubtful delimiter of the frame with this index has been reported.
    pub(super) fn is_doubted(&self, index: usize) -> bool {
        self.frames.get(index).is_some_and(|frame| frame.doubted)
    }

    /// Whether any `--` line can be a delimiter.
    pub(super) fn has_boundary(&self) -> bool {
        self.delimited > 0 && !self.deaf
    }

    /// Opens a multipart; an empty boundary never fits.
    pub(super) fn push_multipart(&mut self, boundary: &[u8], digest: bool, path_len: usize) {
        let from = self.boundaries.len();
        self.boundaries.extend_from_slice(boundary);
        self.delimited += usize::from(!boundary.is_empty());
        self.frames.push(Frame {
            digest,
            closed: false,
            doubted: false,
            reopened: false,
            children: 0,
            path_len,
            boundary: from..self.boundaries.len(),
        });
        self.keys.push(Key::of(boundary));
    }

    /// Opens a message, which no delimiter belongs to.
    pub(super) fn push_message(&mut self, path_len: usize) {
        self.push_multipart(b"", false, path_len);
    }

    pub(super) fn pop(&mut self) -> Option<Frame> {
        let frame = self.frames.pop()?;
        self.keys.pop();
        self.delimited -= usize::from(!frame.boundary.is_empty());
        self.boundaries.truncate(frame.boundary.start);
        Some(frame)
    }

    /// Judges a line that starts with `--`; its line end may be there or not.
    pub(super) fn judge(&self, line: &[u8]) -> Dashes {
        let line = line.get(2..).unwrap_or_default().trim_ascii_end();
        let start = first_eight(line);
        let mut closed = Dashes::Text;
        let mut doubtful = Dashes::Text;
        for (index, key) in self.keys.iter().enumerate().rev() {
            if start & key.mask != key.start {
                continue;
            }
            let Some(frame) = self.frames.get(index) else { continue };
            let boundary = self.boundaries.get(frame.boundary.clone()).unwrap_or_default();
            let Some(after) = line.strip_prefix(boundary) else { continue };
            let fits = match after {
                b"" => Dashes::Delimiter { frame: index, close: false },
                b"--" => Dashes::Delimiter { frame: index, close: true },
                _ => {
                    if doubtful == Dashes::Text {
                        doubtful = Dashes::Doubtful(index);
                    }
                    continue;
                }
            };
            // An inner multipart that reuses the outer boundary must not keep the outer's delimiters once it closed.
            if !frame.closed {
                return fits;
            }
            if closed == Dashes::Text {
                closed = fits;
            }
        }
        if closed == Dashes::Text { doubtful } else { closed }
    }
}

/// The start of a boundary as a number, so that a line is compared with 64 open multiparts in as many steps.
#[derive(Clone, Copy, Debug)]
struct Key {
    start: u64,
    mask: u64,
}

impl Key {
    fn of(boundary: &[u8]) -> Self {
        match boundary.len() {
            // Fits nothing: no masked start is 1.
            0 => Self { start: 1, mask: 0 },
            len => Self { start: first_eight(boundary), mask: u64::MAX >> (64 - 8 * len.min(8)) },
        }
    }
}

fn first_eight(text: &[u8]) -> u64 {
    if let Some(eight) = text.first_chunk::<8>() {
        return u64::from_le_bytes(*eight);
    }
    text.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn innermost_open_boundary_wins() {
        let mut stack = Stack::default();
        stack.push_multipart(b"x", false, 0);
        stack.push_message(1);
        stack.push_multipart(b"xy", false, 1);
        let delimiter = |frame, close| Dashes::Delimiter { frame, close };
        for (line, expect) in [
            ("--x\r\n", delimiter(0, false)),
            ("--xy \t\n", delimiter(2, false)),
            ("--xy--", delimiter(2, true)),
            ("--x--\r\n", delimiter(0, true)),
            ("--x junk", Dashes::Doubtful(0)),
            ("--xyz", Dashes::Doubtful(2)),
            ("--", Dashes::Text),
            ("--X", Dashes::Text),
        ] {
            assert_eq!(stack.judge(line.as_bytes()), expect, "{line:?}");
        }
        stack.pop();
        assert_eq!(stack.judge(b"--xy"), Dashes::Doubtful(0));
    }

    #[test]
    fn a_closed_frame_yields_to_an_open_one_with_the_same_boundary() {
        let mut stack = Stack::default();
        stack.push_multipart(b"x", false, 0);
        stack.push_multipart(b"x", false, 1);
        assert_eq!(stack.judge(b"--x"), Dashes::Delimiter { frame: 1, close: false });
        stack.top().unwrap().closed = true;
        assert_eq!(stack.judge(b"--x--"), Dashes::Delimiter { frame: 0, close: true });
        stack.at(0).unwrap().closed = true;
        assert_eq!(stack.judge(b"--x"), Dashes::Delimiter { frame: 1, close: false });
    }
}
