//! The message. A walker that is pushed the bytes of one mail as they arrive and tells a sink what it finds: headers,
//! parts, their decoded content, and whatever was odd.
//!
//! It does no I/O, gathers no body, and never fails: what cannot be read as meant is read more simply, and a
//! [`Problem`] says so. The sequence of calls does not depend on how the bytes were cut (only slices of
//! [`data`](PartSink::data) and [`region`](PartSink::region) are cut differently), and the regions of a walk, put
//! together, are the message, byte for byte. Memory stays flat: a few buffers that are reused, the open boundaries,
//! and one header field at a time.
//!
//! Push and not pull, because mail arrives in chunks from a socket and nobody should have to keep it.
//!
//! Start reading at [`PartSink`], then `walker.rs` (which state reads which bytes), `boundary.rs` (which delimiter
//! belongs to whom), `header.rs` (lines and fields), `leaf.rs` (from transfer encoding to sink). What programs read in
//! more than one way is read in each: a leaf by `again.rs`, an entity by `walker/shadow.rs`. Tests: `tests/`, of
//! which `cuts.rs` came first; the decoders are held to slow, obvious twins at the end of their files.

mod again;
mod boundary;
mod charset;
mod entity;
mod filter;
mod header;
mod leaf;
mod limits;
mod mbox;
mod media;
mod param;
mod path;
mod problem;
mod transfer;
mod walker;
mod word;

#[cfg(test)]
mod tests;

pub use charset::{Stream, TextStage};
pub use filter::HeaderFilter;
pub use header::HeaderName;
pub use limits::Limits;
pub use mbox::{MailSink, MboxSplitter};
pub use media::MediaType;
pub use path::{Margin, PartPath};
pub use problem::{Class, Problem};
pub use transfer::{Enclosed, TransferEncoding, Uuencoded};
pub use walker::Walker;

use param::Params;

/// Who is told what the walker finds.
///
/// Calls nest: `header` calls of an entity, then its `enter`, then what it holds, then `leave`. Headers of a message
/// come at the message's own path (`0` for the mail itself), those of a part at the part's.
pub trait PartSink {
    /// One named header of the entity at `path`, unfolded, encoded words decoded to UTF-8 where their charset is
    /// known, else the raw bytes. `line` counts from 1 in the mail, or in the decoded bytes of an encoded message.
    /// Comes before `enter` of that entity.
    fn header(&mut self, path: &PartPath, name: HeaderName, line: u64, text: &[u8]);

    /// Any other header, where the walker was given a [`HeaderFilter`] that lets it pass, likewise; `name` is as written.
    /// The line of an mbox comes so too, by the name of `From`.
    fn other_header(&mut self, path: &PartPath, name: &[u8], line: u64, text: &[u8]) {
        let _: (&PartPath, &[u8], u64, &[u8]) = (path, name, line, text);
    }

    /// All header fields of an entity have been read; its content follows.
    fn enter(&mut self, part: &Part<'_>);

    /// Decoded content of the innermost entered leaf, in order, cut anywhere. Text parts in UTF-16, UTF-32, UTF-7 and
    /// EBCDIC arrive as UTF-8; other charsets arrive as their own bytes.
    fn data(&mut self, bytes: &[u8]);

    /// The innermost entered entity ended.
    fn leave(&mut self);

    /// Where another reading of the same bytes goes, for which this sink may keep a second one; `None` when it does not
    /// want to know. [`Reading`] says what is called on it.
    fn second(&mut self, reading: Reading) -> Option<&mut Self>
    where
        Self: Sized,
    {
        let _: Reading = reading;
        None
    }

    /// Something about the entity at `path` is odd. The same problem may be told once for each entity.
    fn problem(&mut self, path: &PartPath, problem: Problem);

    /// Raw bytes of the mail, in order, each exactly once: put together they are the mail. What lies within an encoded
    /// message is not told again.
    fn region(&mut self, region: Region, bytes: &[u8]) {
        let _: (Region, &[u8]) = (region, bytes);
    }
}

/// Another reading of bytes that programs read in more than one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reading {
    /// The headers of an entity contradict each other, or its boundary is not the one it names: the whole entity once
    /// more, by the other header. It is walked like any entity, while the first reading goes on.
    Entity,
    /// The content of the leaf that is open, decoded otherwise: only `data` is called, until the leaf is left.
    Encoding,
    /// The content of the leaf that is open, each line decoded by itself: likewise.
    Lines,
    /// The text of the leaf that is open, in another charset: only `data` is called, until the leaf is left.
    Charset,
}

/// What raw bytes of the mail serve as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Region {
    /// A header block with the blank line that ends it; also an mbox `From ` line before it.
    Header,
    /// Content of a leaf, as it is on the wire.
    Body,
    /// A delimiter line with its own line break and the one before it, which belongs to it (RFC 2046 §5.1.1).
    Boundary,
    /// Before the first delimiter of a multipart.
    Preamble,
    /// After the closing delimiter of a multipart.
    Epilogue,
}

/// What an entity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartKind {
    /// Content, which `data` brings.
    Leaf,
    /// Holds parts, and perhaps a preamble and an epilogue.
    Multipart,
    /// Holds one message.
    Message,
    /// What stands before the first delimiter of a multipart. Mail clients hide it; the bytes leave the house all the
    /// same. Entered only when there are any.
    Preamble,
    /// What stands after the closing delimiter, likewise.
    Epilogue,
}

/// `Content-Disposition` (RFC 2183).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// No such field.
    #[default]
    Unstated,
    /// `inline`.
    Inline,
    /// `attachment`, and anything unknown (RFC 2183 §2.8).
    Attachment,
}

/// An entity, as its header describes it. Borrowed from the walker for the length of a call.
#[derive(Debug)]
pub struct Part<'a> {
    /// Where it stands.
    pub path: &'a PartPath,
    /// What it is.
    pub kind: PartKind,
    /// Its media type; without a readable one `text/plain`, or in a digest `message/rfc822`.
    pub media: &'a MediaType,
    /// The `charset` parameter in lower case, as written.
    pub charset: Option<&'a str>,
    /// How its content is encoded. `data` is already decoded.
    pub encoding: TransferEncoding,
    /// Whether it is meant as an attachment.
    pub disposition: Disposition,
    /// Its file name: the disposition's `filename`, else the type's `name`, decoded.
    pub filename: Option<&'a str>,
    type_params: &'a Params,
    disposition_params: &'a Params,
}

impl Part<'_> {
    /// A parameter of `Content-Type` such as `smime-type` or `protocol`, decoded; `name` in lower case.
    pub fn param(&self, name: &str) -> Option<String> {
        self.type_params.value(name)
    }

    /// Tells every distinct reading of the file name. Old and new forms may stand side by side and differ, and a client
    /// shows either.
    pub fn each_filename(&self, tell: &mut impl FnMut(&str)) {
        let places = (self.disposition_params.stands_once("filename"), self.type_params.stands_once("name"));
        match places {
            (Some(false), Some(false)) => {}
            (Some(one), Some(other)) if one != other => tell(self.filename.unwrap_or_default()),
            _ => self.filenames().iter().for_each(|name| tell(name)),
        }
    }

    fn filenames(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.disposition_params.readings("filename", &mut names);
        self.type_params.readings("name", &mut names);
        names
    }
}
