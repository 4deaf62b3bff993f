//! Content-Transfer-Encoding (RFC 2045 §6), streaming: bytes go in cut anywhere, decoded bytes come out through a
//! callback in slices of at most a few KiB. Decoders forgive and remember; they never fail and keep no more than one
//! line's worth of state. Start at [`Transfer`]; two of them have slow, obvious twins in `twin.rs`.

mod base64;
mod quoted_printable;
#[cfg(test)]
mod twin;
mod uuencode;

pub use uuencode::{Enclosed, Uuencoded};

pub(super) use crate::kernel::hex;
pub(super) use base64::Base64;
pub(super) use quoted_printable::QuotedPrintable;

/// The size of the buffer between a decoder and its callback: large enough that the call costs nothing, small
/// enough to stay in the first cache.
const CHUNK: usize = 6 * 1024;

/// How an entity's content is wrapped for transport, as its header says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TransferEncoding {
    /// `7bit`, or nothing said (RFC 2045 §6.1).
    #[default]
    SevenBit,
    /// `8bit`.
    EightBit,
    /// `binary`.
    Binary,
    /// `base64`.
    Base64,
    /// `quoted-printable`.
    QuotedPrintable,
    /// `x-uuencode` and its like, which no standard knows. The content comes out as it stands, since the files in it are
    /// looked for in any text: [`Uuencoded`].
    Uuencode,
    /// Anything else; the content comes out as it stands.
    Unknown,
}

impl TransferEncoding {
    /// Reads the field's first word. Quotes, comments and semicolons around it have been dropped by the parameter
    /// reader: `base64;`, `"base64"` and `base64 (x)` are met in the wild, and clients decode all three. What stands
    /// between the letters does not count: `BASE-64`, `8 bit` and `quoted_printable` can mean only one thing.
    pub(super) fn read(word: &[u8]) -> Self {
        let mut name = [0; 16];
        let mut length = 0;
        for byte in word.iter().filter(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii()) {
            let Some(slot) = name.get_mut(length) else { return Self::Unknown };
            *slot = byte.to_ascii_lowercase();
            length += 1;
        }
        match name.get(..length).unwrap_or_default() {
            b"" if word.trim_ascii().is_empty() => Self::SevenBit,
            b"7bit" | b"7bits" => Self::SevenBit,
            b"8bit" | b"8bits" => Self::EightBit,
            b"binary" => Self::Binary,
            b"base64" | b"xbase64" => Self::Base64,
            b"quotedprintable" | b"xquotedprintable" => Self::QuotedPrintable,
            b"uuencode" | b"xuuencode" | b"uuencoded" | b"xuuencoded" | b"uue" | b"xuue" => Self::Uuencode,
            _ => Self::Unknown,
        }
    }

    /// Whether the bytes on the wire are the content.
    pub const fn is_identity(self) -> bool {
        !matches!(self, Self::Base64 | Self::QuotedPrintable)
    }
}

/// The decoder of the leaf being read.
#[derive(Debug, Default)]
pub(super) struct Transfer {
    kind: TransferEncoding,
    base64: Base64,
    quoted: QuotedPrintable,
    /// Made at the first encoded leaf and kept for all others.
    buffer: Vec<u8>,
}

impl Transfer {
    /// Forgets what came before and gets ready for a new leaf.
    pub(super) fn start(&mut self, kind: TransferEncoding) {
        self.kind = kind;
        self.base64 = Base64::default();
        self.quoted.reset();
        if !kind.is_identity() && self.buffer.is_empty() {
            self.buffer.resize(CHUNK, 0);
        }
    }

    /// Decodes `bytes`, handing on what they give.
    pub(super) fn feed(&mut self, bytes: &[u8], out: &mut impl FnMut(&[u8])) {
        match self.kind {
            TransferEncoding::Base64 => self.base64.feed(bytes, &mut self.buffer, out),
            TransferEncoding::QuotedPrintable => {
                let mut sheet = Sheet::new(&mut self.buffer, out);
                self.quoted.feed(bytes, &mut sheet);
                sheet.flush();
            }
            TransferEncoding::SevenBit
            | TransferEncoding::EightBit
            | TransferEncoding::Binary
            | TransferEncoding::Uuencode
            | TransferEncoding::Unknown => out(bytes),
        }
    }

    /// Where in the bytes fed last base64 was odd for the first time.
    pub(super) fn odd_at(&self) -> Option<usize> {
        if self.kind == TransferEncoding::Base64 { self.base64.odd_at() } else { None }
    }

    /// The content ended: hands on what was held back. True when base64 held junk.
    pub(super) fn finish(&mut self, out: &mut impl FnMut(&[u8])) -> bool {
        match self.kind {
            TransferEncoding::Base64 => self.base64.finish(out),
            TransferEncoding::QuotedPrintable => {
                let mut sheet = Sheet::new(&mut self.buffer, out);
                self.quoted.finish(&mut sheet);
                sheet.flush();
                false
            }
            TransferEncoding::SevenBit
            | TransferEncoding::EightBit
            | TransferEncoding::Binary
            | TransferEncoding::Uuencode
            | TransferEncoding::Unknown => false,
        }
    }
}

/// A buffer that empties itself into a callback.
pub(super) struct Sheet<'a, F: FnMut(&[u8])> {
    buffer: &'a mut [u8],
    used: usize,
    out: &'a mut F,
}

impl<'a, F: FnMut(&[u8])> Sheet<'a, F> {
    pub(super) fn new(buffer: &'a mut [u8], out: &'a mut F) -> Self {
        Self { buffer, used: 0, out }
    }

    pub(super) fn push(&mut self, byte: u8) {
        match self.buffer.get_mut(self.used) {
            Some(slot) => {
                *slot = byte;
                self.used += 1;
            }
            None => self.write(&[byte]),
        }
    }

    pub(super) fn write(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = self.buffer.get_mut(self.used..).unwrap_or_default();
            if room.is_empty() {
                if self.used == 0 {
                    // No buffer at all: hand the bytes on as they are.
                    (self.out)(bytes);
                    return;
                }
                self.flush();
                continue;
            }
            let take = room.len().min(bytes.len());
            let (now, later) = bytes.split_at_checked(take).unwrap_or((bytes, &[]));
            if let Some(room) = room.get_mut(..take) {
                room.copy_from_slice(now);
            }
            self.used += take;
            bytes = later;
        }
    }

    /// The buffer's free end, to be written to and then [`Self::took`].
    fn room(&mut self) -> &mut [u8] {
        self.buffer.get_mut(self.used..).unwrap_or_default()
    }

    /// So many bytes of the room hold something now.
    fn took(&mut self, made: usize) {
        self.used = (self.used + made).min(self.buffer.len());
    }

    pub(super) fn flush(&mut self) {
        if self.used > 0 {
            (self.out)(self.buffer.get(..self.used).unwrap_or_default());
            self.used = 0;
        }
    }
}
