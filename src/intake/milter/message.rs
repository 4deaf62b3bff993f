//! A message under way: what the session calls content becomes the bytes that the inspection reads.
//!
//! *What it never does*: let a panic of the inspection out, or ask an inspection that has panicked. *Start reading at*
//! [`Message::take`]. *Tests*: `tests/door.rs`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;

use tokio::time::Instant;

use super::connection::Desk;
use super::session::{Content, Session};
use crate::inspect::Inspection;

/// Header lines are shown to the inspection in pieces of about this many bytes: they are short, and each showing costs
/// as much as the line.
const LINES: usize = 8 * 1024;

/// A message under way.
pub(super) struct Message {
    /// `None` once it has panicked. On the heap, because it is some kilobytes that would be moved about.
    pub(super) inspection: Option<Box<Inspection>>,
    pub(super) began: Instant,
    pub(super) size: usize,
    /// Header lines as they stood in the message, not yet shown.
    lines: Vec<u8>,
}

impl Message {
    pub(super) fn begin(desk: &Desk, session: &Session) -> Self {
        let inspection = guard(desk, || {
            let mut inspection = Box::new(desk.gate.begin());
            inspection.envelope = session.envelope().clone();
            inspection
        });
        Self { inspection, began: Instant::now(), size: 0, lines: Vec::new() }
    }

    /// Takes a piece of the content.
    pub(super) fn take(&mut self, desk: &Desk, content: Content<'_>) {
        match content {
            Content::Nothing | Content::Void | Content::Begin => {}
            Content::Header { name, value, space } => {
                for piece in [name, if space { b": " } else { b":" }, value, b"\r\n"] {
                    self.lines.extend_from_slice(piece);
                }
                if self.lines.len() >= LINES {
                    self.show_lines(desk);
                }
            }
            Content::EndOfHeaders => {
                self.lines.extend_from_slice(b"\r\n");
                self.show_lines(desk);
            }
            Content::Body(bytes) => self.show(desk, bytes),
            // Out of order there may have been no end of headers.
            Content::End(bytes) => {
                self.show_lines(desk);
                self.show(desk, bytes);
            }
        }
    }

    /// Whether the verdict is sure.
    pub(super) fn is_settled(&self) -> bool {
        self.inspection.as_ref().is_some_and(|inspection| inspection.settled())
    }

    fn show_lines(&mut self, desk: &Desk) {
        let lines = std::mem::take(&mut self.lines);
        self.show(desk, &lines);
    }

    /// Shows the inspection some bytes, unless its verdict is sure. A panic loses the inspection, not the connection.
    fn show(&mut self, desk: &Desk, bytes: &[u8]) {
        self.size += bytes.len();
        let Some(inspection) = self.inspection.as_mut().filter(|_| !bytes.is_empty()) else { return };
        let shown = guard(desk, || {
            if !inspection.settled() {
                inspection.feed(bytes);
            }
        });
        if shown.is_none() {
            // Half-fed: what it holds may not fit together, and that includes its drop.
            let half_fed = self.inspection.take();
            guard(desk, || drop(half_fed));
        }
    }
}

/// Runs a piece of the inspection; `None` if it panicked.
pub(super) fn guard<T>(desk: &Desk, work: impl FnOnce() -> T) -> Option<T> {
    // AssertUnwindSafe: who was at work is dropped and never asked again, and the gate is shared by design.
    let done = catch_unwind(AssertUnwindSafe(work)).ok();
    if done.is_none() {
        desk.counters.panics.fetch_add(1, Relaxed);
    }
    done
}
