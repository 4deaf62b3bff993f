//! Opaque signatures: the mail in one is read like any other, by a walker and a reader of its own.
//!
//! Keeps no mail. Start reading at [`Reader::open_signature`].

use super::{Mode, Reader};
use crate::extract::cms::{Ending, Piece, SignedContent};
use crate::mime::Walker;
use crate::scan::coverage::UnreadKind;
use std::sync::Arc;

/// A signature with a mail inside: its walk, the mail's walk, and a reader for what that finds. The judge is lent to
/// that reader while it is fed.
pub(super) struct Opened {
    content: SignedContent,
    walker: Walker,
    reader: Reader,
}

impl Opened {
    /// Whether a document in it waits to be opened.
    pub(super) fn has_documents(&self) -> bool {
        self.reader.has_documents()
    }
}

/// Signatures within signatures are opened this deep; nobody signs oftener.
pub(super) const DEEPEST_SIGNATURE: usize = 3;

impl Reader {
    /// A signature protects nothing, so the mail in it is read like any other (RFC 8551 §3.5.2); a detached one is
    /// opened too, and has none in it.
    pub(super) fn open_signature(&mut self) {
        let judge = &self.judge;
        let mut reader = Self::new(Arc::clone(&judge.rules), judge.today);
        reader.depth = self.depth + 1;
        reader.inside = self.inside;
        // What is encrypted in it is the whole message only when the signature is.
        reader.containers = usize::from(!self.leaf.is_root);
        let walker = Walker::new().with_headers(judge.rules.header_filter());
        let opened = Opened { content: SignedContent::default(), walker, reader };
        self.opened = Some(Box::new(opened));
        self.mode = Mode::Opening;
        let head = self.window.text().to_vec();
        self.window.clear();
        self.feed_signature(&head);
    }

    pub(super) fn feed_signature(&mut self, bytes: &[u8]) {
        let Some(mut opened) = self.opened.take() else { return };
        let Opened { content, walker, reader } = &mut *opened;
        content.feed(bytes, &mut |piece| match piece {
            Piece::Content(piece) => self.lend_judge(reader, |reader| walker.feed(piece, reader)),
            // Not every reader takes the part for a signature: what is no content is swept as it stands.
            Piece::Other(piece) => self.sweep(piece),
        });
        self.opened = Some(opened);
    }

    pub(super) fn close_signature(&mut self) {
        let Some(opened) = self.opened.take() else { return };
        let Opened { content, walker, mut reader } = *opened;
        self.finish_sweep();
        match content.finish() {
            Ending::Empty => {}
            Ending::Whole => self.lend_judge(&mut reader, |reader| walker.finish(reader)),
            Ending::Broken => {
                self.lend_judge(&mut reader, |reader| walker.finish(reader));
                self.judge.unread(&self.leaf.path, UnreadKind::Damaged, "smime-signed-broken");
            }
        }
        self.lend_judge(&mut reader, Self::settle);
    }

    /// Lets the reader of the mail inside use the one judge, which then names paths below this part's.
    pub(super) fn lend_judge(&mut self, reader: &mut Self, work: impl FnOnce(&mut Self)) {
        let length = self.judge.prefix.len();
        let below = format!("{}.", self.leaf.path);
        self.judge.prefix.push_str(&below);
        std::mem::swap(&mut self.judge, &mut reader.judge);
        work(reader);
        std::mem::swap(&mut self.judge, &mut reader.judge);
        self.judge.prefix.truncate(length);
    }
}
