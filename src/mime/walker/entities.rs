//! Where entities begin and end: the header block is complete, a delimiter was read, the mail is over.
//!
//! Start at [`Walker::open`]; entities end in [`Walker::delimit`].

use super::{Content, State, Walker};
use crate::mime::boundary::Dashes;
use crate::mime::{Margin, PartKind, PartSink, Problem, Region, TransferEncoding, charset};

impl Walker {
    /// Opens entities whose header block something else ended.
    pub(super) fn open_pending<S: PartSink>(&mut self, sink: &mut S) {
        while self.state == State::Head {
            self.end_field(sink);
            self.open(sink);
        }
    }

    /// The header block is complete: tells of the entity and gets ready for its content.
    pub(super) fn open<S: PartSink>(&mut self, sink: &mut S) {
        let digest = !self.head.of_message && self.stack.top().is_some_and(|frame| frame.digest);
        let level = self.above + self.stack.len();
        let mut found = [None; 4];
        let mut slots = found.iter_mut();
        self.entity.read(&self.head, digest, |problem| {
            if let Some(slot) = slots.next() {
                *slot = Some(problem);
            }
        });
        let encoded = !self.entity.encoding.is_identity();
        let (multipart, message) = (self.entity.is_multipart(), self.entity.is_message());
        let odd = self.head.contradicts() || found.iter().flatten().any(|problem| problem.is_other_header());
        let too_deep = (multipart || message) && level >= self.limits.depth
            || message && encoded && self.encoded_above >= self.limits.encoded_depth;
        if odd || multipart && !self.entity.has_boundary() {
            self.shadow(odd, sink);
        } else if self.head.of_message && self.head.first {
            // No header at all: a blank line stood before it, which some programs skip.
            self.shadow_if_header(b"");
        } else if message && self.entity.encoding == TransferEncoding::Base64 {
            self.shadow_if_header(b"Content-Type: message/rfc822\r\n\r\n");
        }
        let path = &mut self.path;
        if self.head.of_message && (too_deep || !multipart) {
            path.push(1);
        }
        let bare = self.head.oddities.bare_return.then_some(Problem::BareCr);
        let deep = too_deep.then_some(Problem::TooDeep);
        found.into_iter().flatten().chain(bare).chain(deep).for_each(|problem| sink.problem(path, problem));

        self.state = State::Content;
        self.content = Content::Part;
        self.entered = true;
        self.line_start = true;
        if too_deep {
            sink.enter(&self.entity.part(path, PartKind::Leaf));
            self.leaf.start_bytes(self.entity.encoding);
        } else if multipart {
            let whole = self.entity.media().subtype() == "digest";
            let boundary = self.entity.boundary();
            if boundary.is_empty() {
                sink.problem(path, Problem::NoBoundary);
            }
            self.stack.push_multipart(boundary, whole, path.len());
            sink.enter(&self.entity.part(path, PartKind::Multipart));
            self.begin_margin(Margin::Preamble);
        } else if message && !encoded {
            self.stack.push_message(path.len());
            sink.enter(&self.entity.part(path, PartKind::Message));
            self.head.start(true);
            self.state = State::Head;
        } else if message {
            sink.enter(&self.entity.part(path, PartKind::Message));
            let filter = self.head.filter();
            let child = self.leaf.start_message(self.entity.encoding);
            child.nest(self.limits, level + 1, self.encoded_above + 1, path, filter);
            child.parts = self.parts;
            // One second reading at a time.
            child.is_shadow = self.is_shadow || self.shadow.as_ref().is_some_and(|shadow| shadow.is_on());
        } else {
            let charset = self.entity.charset();
            if charset.is_some_and(charset::is_unreadable) {
                sink.problem(path, Problem::UnreadableCharset);
            }
            sink.enter(&self.entity.part(path, PartKind::Leaf));
            if self.entity.media().is_text() {
                self.leaf.start_text(self.entity.encoding, charset);
            } else {
                self.leaf.start_bytes(self.entity.encoding);
            }
        }
    }

    /// What follows stands outside the parts of the innermost multipart.
    pub(super) fn begin_margin(&mut self, margin: Margin) {
        self.state = State::Content;
        self.content = Content::Margin(margin);
        self.entered = false;
        self.line_start = true;
        self.leaf.start_margin();
    }

    /// A delimiter was read: ends what is open inside its multipart and begins the next part or the epilogue.
    /// `whole`: its line was read to the end.
    pub(super) fn delimit<S: PartSink>(&mut self, dashes: Dashes, whole: bool, sink: &mut S) {
        let Dashes::Delimiter { frame: index, close } = dashes else { return };
        self.leave_leaf(sink);
        while self.stack.len() > index + 1 {
            self.pop(sink);
        }
        let Some(frame) = self.stack.top() else { return };
        self.path.truncate(frame.path_len);
        if close {
            frame.closed = true;
            self.begin_margin(Margin::Epilogue);
        } else {
            if frame.closed && !frame.reopened {
                frame.reopened = true;
                sink.problem(&self.path, Problem::PartAfterClose);
            }
            self.parts += 1;
            if self.parts > self.limits.parts {
                sink.problem(&self.path, Problem::TooManyParts);
                self.stack.deafen();
                self.begin_margin(Margin::Epilogue);
            } else {
                frame.children = frame.children.saturating_add(1);
                self.path.push(frame.children);
                self.head.start(false);
                self.state = State::Head;
            }
        }
        if !whole {
            self.after_tail = self.state;
            self.state = State::DelimiterTail { told: false };
        }
    }

    /// The innermost frame ends.
    pub(super) fn pop<S: PartSink>(&mut self, sink: &mut S) {
        let Some(frame) = self.stack.pop() else { return };
        self.path.truncate(frame.path_len);
        if frame.has_boundary() && !frame.closed {
            let seen = frame.children > 0;
            sink.problem(
                &self.path,
                if seen { Problem::UnclosedMultipart } else { Problem::BoundaryNeverSeen },
            );
        }
        sink.leave();
    }

    pub(super) fn leave_leaf<S: PartSink>(&mut self, sink: &mut S) {
        if std::mem::take(&mut self.entered) {
            let path = &self.path;
            if self.bare.take() {
                sink.problem(path, Problem::BareCr);
            }
            self.parts = self.leaf.nested().map_or(self.parts, |child| child.parts);
            self.leaf.finish(sink, |sink, problem| sink.problem(path, problem));
            sink.leave();
        }
        self.path.mark(None);
    }

    /// Reads on in a delimiter line that was too long to judge whole.
    pub(super) fn read_tail<S: PartSink>(&mut self, rest: &[u8], told: bool, sink: &mut S) -> usize {
        let end = memchr::memchr(b'\n', rest);
        let used = end.map_or(rest.len(), |at| at + 1);
        let tail = rest.get(..used).unwrap_or_default();
        let junk = !told && !tail.trim_ascii().is_empty();
        if junk {
            sink.problem(&self.path, Problem::DelimiterJunk);
        }
        self.raw(Region::Boundary, tail, sink);
        self.state =
            if end.is_some() { self.after_tail } else { State::DelimiterTail { told: told || junk } };
        used
    }
}
