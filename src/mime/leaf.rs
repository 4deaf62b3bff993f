//! From the raw bytes of a leaf to the sink: transfer decoding, then UTF-8 for text whose digits would hide, or another
//! walker for a message that was encoded; and the same bytes once more where another program may decode them otherwise
//! (`again.rs`). All buffers outlive the leaf and serve the next one.

use super::again::Again;
use super::charset::{Stream, TextStage};
use super::transfer::{Transfer, TransferEncoding};
use super::{PartSink, Problem, Reading, Walker};

/// The decoders of the leaf being read.
#[derive(Debug, Default)]
pub(super) struct Leaf {
    transfer: Transfer,
    text: TextStage,
    again: Again,
    /// Whether the decoded bytes are a message of their own.
    nested: bool,
    child: Option<Box<Walker>>,
}

impl Leaf {
    /// Begins what stands outside the parts.
    pub(super) fn start_margin(&mut self) {
        self.start_bytes(TransferEncoding::Binary);
        self.again.off();
    }

    /// Gives back what few mails need: the walker of an encoded message, and what decodes in another way.
    pub(super) fn forget(&mut self) {
        self.child = None;
        self.again.forget();
    }

    /// Begins content that is neither text nor a message.
    pub(super) fn start_bytes(&mut self, encoding: TransferEncoding) {
        self.transfer.start(encoding);
        self.text.pass();
        self.again.start(encoding);
        self.nested = false;
    }

    /// Begins text with this charset label.
    pub(super) fn start_text(&mut self, encoding: TransferEncoding, charset: Option<&str>) {
        self.start_bytes(encoding);
        self.text.start(charset);
    }

    /// Begins an encoded message and gives the walker that will read it, to be set up.
    pub(super) fn start_message(&mut self, encoding: TransferEncoding) -> &mut Walker {
        self.start_bytes(encoding);
        self.again.off();
        self.nested = true;
        self.child.get_or_insert_default()
    }

    /// The walker of the encoded message that is being read.
    pub(super) fn nested(&self) -> Option<&Walker> {
        self.child.as_deref().filter(|_| self.nested)
    }

    pub(super) fn feed<S: PartSink>(&mut self, bytes: &[u8], sink: &mut S) {
        let Self { transfer, text, again, nested, child } = self;
        transfer.feed(bytes, &mut |decoded| match child {
            Some(child) if *nested => child.feed(decoded, sink),
            _ => text.feed(decoded, &mut |stream, text| hand_on(stream, text, sink)),
        });
        again.feed(bytes, transfer.odd_at(), sink);
    }

    /// The content ended: hands on what was held back, and tells of each problem that shows only now.
    pub(super) fn finish<S: PartSink>(&mut self, sink: &mut S, mut found: impl FnMut(&mut S, Problem)) {
        let Self { transfer, text, again, nested, child } = self;
        let junk = transfer.finish(&mut |decoded| match child {
            Some(child) if *nested => child.feed(decoded, sink),
            _ => text.feed(decoded, &mut |stream, text| hand_on(stream, text, sink)),
        });
        match child {
            Some(child) if *nested => child.end(sink),
            _ => {}
        }
        *nested = false;
        if text.finish(&mut |stream, text| hand_on(stream, text, sink)) {
            found(sink, Problem::CharsetMismatch);
        }
        again.finish(junk, sink);
        if junk {
            found(sink, Problem::Base64Junk);
        }
        transfer.start(TransferEncoding::SevenBit);
    }
}

fn hand_on<S: PartSink>(stream: Stream, text: &[u8], sink: &mut S) {
    match stream {
        Stream::Main => sink.data(text),
        Stream::Other => {
            if let Some(second) = sink.second(Reading::Charset) {
                second.data(text);
            }
        }
    }
}
