//! From the raw bytes of a leaf to the sink: transfer decoding, then UTF-16 to UTF-8 for text, or another walker for a
//! message that was encoded. All buffers outlive the leaf and serve the next one.

use super::charset::TextStage;
use super::transfer::{Transfer, TransferEncoding};
use super::{PartSink, Problem, Walker};

/// The decoders of the leaf being read.
#[derive(Debug, Default)]
pub(super) struct Leaf {
    transfer: Transfer,
    text: TextStage,
    /// Whether the decoded bytes are a message of their own.
    nested: bool,
    child: Option<Box<Walker>>,
}

impl Leaf {
    /// Begins content that is neither text nor a message.
    pub(super) fn start_bytes(&mut self, encoding: TransferEncoding) {
        self.transfer.start(encoding);
        self.text.pass();
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
        self.nested = true;
        self.child.get_or_insert_default()
    }

    pub(super) fn feed<S: PartSink>(&mut self, bytes: &[u8], sink: &mut S) {
        let Self { transfer, text, nested, child } = self;
        transfer.feed(bytes, &mut |decoded| match child {
            Some(child) if *nested => child.feed(decoded, sink),
            _ => text.feed(decoded, &mut |text| sink.data(text)),
        });
    }

    /// The content ended: hands on what was held back, and tells of each problem that shows only now.
    pub(super) fn finish<S: PartSink>(&mut self, sink: &mut S, mut found: impl FnMut(&mut S, Problem)) {
        let Self { transfer, text, nested, child } = self;
        let junk = transfer.finish(&mut |decoded| match child {
            Some(child) if *nested => child.feed(decoded, sink),
            _ => text.feed(decoded, &mut |text| sink.data(text)),
        });
        match child {
            Some(child) if *nested => child.end(sink),
            _ => {}
        }
        *nested = false;
        if text.finish(&mut |text| sink.data(text)) {
            found(sink, Problem::CharsetMismatch);
        }
        if junk {
            found(sink, Problem::Base64Junk);
        }
        transfer.start(TransferEncoding::SevenBit);
    }
}
