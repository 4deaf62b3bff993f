//! A leaf's content once more, as another program may decode it.
//!
//! Two cases. Text that no header calls encoded, and that begins as base64 or quoted-printable does, is decoded too.
//! Base64 that is odd (junk, letters after padding, blanks between letters) is also shown as it stands, from a little
//! before the first oddity on: a footer below base64, or plain text that a header calls base64. And as junk may have
//! letters in it, which set all that follows askew, it is decoded line by line too. All goes to [`PartSink::second`];
//! the reading that the header asks for goes on as if nothing were.
//!
//! What decides is the place of a byte in the content, never how it was cut. Start at [`Again::feed`].

use super::charset::{Stream, TextStage};
use super::transfer::{Base64, Transfer, TransferEncoding};
use super::{PartSink, Reading};

/// How much of the beginning tells whether content is encoded after all.
const HEAD: usize = 1024;

/// How much is shown of what stands before the first oddity.
const BEFORE: usize = 96;

/// The shortest first line that is tried as base64.
const SHORTEST: usize = 16;

/// The other reading of the leaf that is open.
#[derive(Debug, Default)]
pub(super) struct Again {
    state: State,
    /// The beginning, while it is awaited; in base64 the latest bytes.
    kept: Vec<u8>,
    /// How many bytes of base64 have been read.
    read: usize,
    /// The header says quoted-printable.
    quoted: bool,
    /// Made at the first need, and kept.
    decoder: Option<Box<Decoder>>,
    /// Odd base64 by the line, from the second line on.
    line: Option<Base64>,
}

/// From content to text.
#[derive(Debug, Default)]
struct Decoder {
    transfer: Transfer,
    text: TextStage,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Off,
    /// The beginning is awaited.
    Awaiting,
    /// It is decoded.
    Decoding,
    /// Base64 without an oddity so far.
    Watching,
    /// Base64 shown as it stands.
    Showing,
}

impl Again {
    /// For content that is read in one way only.
    pub(super) fn off(&mut self) {
        self.state = State::Off;
        self.kept.clear();
    }

    /// Gives back what few mails need.
    pub(super) fn forget(&mut self) {
        self.decoder = None;
        self.line = None;
    }

    /// For a leaf's content.
    pub(super) fn start(&mut self, encoding: TransferEncoding) {
        self.kept.clear();
        self.read = 0;
        self.quoted = encoding == TransferEncoding::QuotedPrintable;
        self.state = match encoding {
            TransferEncoding::Base64 => State::Watching,
            TransferEncoding::Uuencode => State::Off,
            TransferEncoding::SevenBit
            | TransferEncoding::EightBit
            | TransferEncoding::Binary
            | TransferEncoding::QuotedPrintable
            | TransferEncoding::Unknown => State::Awaiting,
        };
    }

    /// Takes the next raw bytes. `odd`: where in them base64 is odd for the first time.
    pub(super) fn feed<S: PartSink>(&mut self, bytes: &[u8], odd: Option<usize>, sink: &mut S) {
        match self.state {
            State::Off => {}
            State::Awaiting if self.kept.is_empty() && bytes.len() >= HEAD => {
                self.decide(bytes.get(..HEAD).unwrap_or(bytes));
                self.decode(bytes, sink);
            }
            State::Awaiting => {
                let room = HEAD - self.kept.len();
                let (now, later) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
                self.kept.extend_from_slice(now);
                if self.kept.len() == HEAD {
                    self.decide_kept(sink);
                    self.decode(later, sink);
                }
            }
            State::Decoding => self.decode(bytes, sink),
            State::Watching => match odd {
                None => self.keep_latest(bytes),
                Some(at) => {
                    let (before, from) = bytes.split_at_checked(at).unwrap_or((bytes, &[]));
                    self.keep_latest(before);
                    self.state = State::Showing;
                    self.line = None;
                    show(&self.kept, sink);
                    self.show(from, sink);
                }
            },
            State::Showing => self.show(bytes, sink),
        }
    }

    /// The content ended; `junk`: base64 was damaged.
    pub(super) fn finish<S: PartSink>(&mut self, junk: bool, sink: &mut S) {
        if self.state == State::Awaiting {
            self.decide_kept(sink);
        }
        match self.state {
            State::Decoding => {
                if let Some(Decoder { transfer, text }) = self.decoder.as_deref_mut() {
                    let mut take = |stream: Stream, text: &[u8]| hand_on(stream, text, sink);
                    transfer.finish(&mut |decoded| text.feed(decoded, &mut take));
                    text.finish(&mut take);
                }
            }
            // A few letters and digits alone are base64 to one program and a number to another.
            State::Showing => self.end_line(sink),
            State::Watching if (junk || self.read <= BEFORE) && has_digits(&self.kept) => {
                show(&self.kept, sink);
            }
            State::Off | State::Awaiting | State::Watching => {}
        }
        self.off();
    }

    fn decide(&mut self, head: &[u8]) {
        let encoding = if looks_base64(head) {
            TransferEncoding::Base64
        } else if !self.quoted && looks_quoted(head) {
            TransferEncoding::QuotedPrintable
        } else {
            self.state = State::Off;
            return;
        };
        self.state = State::Decoding;
        let decoder = self.decoder.get_or_insert_default();
        decoder.transfer.start(encoding);
        decoder.text.start(None);
    }

    fn decide_kept<S: PartSink>(&mut self, sink: &mut S) {
        let kept = std::mem::take(&mut self.kept);
        self.decide(&kept);
        self.decode(&kept, sink);
        self.kept = kept;
    }

    fn decode<S: PartSink>(&mut self, bytes: &[u8], sink: &mut S) {
        if self.state != State::Decoding || bytes.is_empty() {
            return;
        }
        if let Some(Decoder { transfer, text }) = self.decoder.as_deref_mut() {
            let mut take = |stream: Stream, text: &[u8]| hand_on(stream, text, sink);
            transfer.feed(bytes, &mut |decoded| text.feed(decoded, &mut take));
        }
    }

    /// Shows odd base64 as it stands, and decodes each line by itself.
    fn show<S: PartSink>(&mut self, bytes: &[u8], sink: &mut S) {
        show(bytes, sink);
        let mut buffer = [0; 768];
        let mut rest = bytes;
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let (line, later) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            rest = later;
            if let Some(base64) = &mut self.line {
                base64.feed(line, &mut buffer, &mut |decoded| hand_on_line(decoded, sink));
            }
            if line.ends_with(b"\n") {
                self.end_line(sink);
                self.line = Some(Base64::default());
            }
        }
    }

    fn end_line<S: PartSink>(&mut self, sink: &mut S) {
        if let Some(mut base64) = self.line.take() {
            base64.finish(&mut |decoded| hand_on_line(decoded, sink));
        }
    }

    fn keep_latest(&mut self, bytes: &[u8]) {
        self.read = self.read.saturating_add(bytes.len());
        let latest = bytes.get(bytes.len().saturating_sub(BEFORE)..).unwrap_or_default();
        let too_many = (self.kept.len() + latest.len()).saturating_sub(BEFORE);
        self.kept.drain(..too_many.min(self.kept.len()));
        self.kept.extend_from_slice(latest);
    }
}

/// Whether a number may stand in it.
fn has_digits(bytes: &[u8]) -> bool {
    bytes.iter().filter(|byte| byte.is_ascii_digit()).count() >= 10
}

fn show<S: PartSink>(bytes: &[u8], sink: &mut S) {
    hand_on(Stream::Main, bytes, sink);
}

fn hand_on<S: PartSink>(stream: Stream, bytes: &[u8], sink: &mut S) {
    if stream == Stream::Main
        && !bytes.is_empty()
        && let Some(second) = sink.second(Reading::Encoding)
    {
        second.data(bytes);
    }
}

fn hand_on_line<S: PartSink>(decoded: &[u8], sink: &mut S) {
    if let Some(second) = sink.second(Reading::Lines) {
        second.data(decoded);
    }
}

/// Whether the first line that is not blank has nothing but letters of base64, and enough of them.
fn looks_base64(head: &[u8]) -> bool {
    let text = head.trim_ascii_start();
    let end = memchr::memchr2(b'\n', b'\r', text).unwrap_or(text.len());
    let line = text.get(..end).unwrap_or_default().trim_ascii_end();
    let letters = line.iter().rposition(|byte| *byte != b'=').map_or(0, |at| at + 1);
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    letters >= SHORTEST && line.len() - letters <= 2 && line.iter().take(letters).all(is_letter)
}

/// Whether it has what quoted-printable has and text next to never: soft line breaks, escaped equals signs, the
/// escapes of Danish letters, or of digits.
fn looks_quoted(head: &[u8]) -> bool {
    memchr::memchr_iter(b'=', head).any(|at| match head.get(at + 1..).unwrap_or_default() {
        [b'\n', ..] | [b'\r', b'\n', ..] => at > 0,
        [b'3', b'D' | b'd', ..]
        | [b'C', b'3', b'=', ..]
        | [b'3', b'0'..=b'9', b'=', b'2' | b'3', ..]
        // Letters of ISO 8859-1: æ, ø, å and the large ones.
        | [b'E' | b'C', b'5' | b'6', ..]
        | [b'F' | b'D', b'8', ..] => true,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks() {
        for text in [
            "Q1BSLW5yLiAxNTAzNzktMTAyOA==",
            "\r\nQ1BSLW5yLiAxNTAzNzktMTAyOA\r\n-- \r\n",
            "S8OmcmUgQm8sIG3DuGRldCA\n",
        ] {
            assert!(looks_base64(text.as_bytes()), "{text}");
        }
        for text in [
            "Hej Bo",
            "Velkommen",
            "https://kommune.example/abcdefghi",
            "",
            "=====",
            "-----BEGIN PGP MESSAGE-----",
        ] {
            assert!(!looks_base64(text.as_bytes()), "{text}");
        }
        for text in
            ["K=C3=A6re Bo", "m=F8det", "en lang linje som =\nbliver brudt", "href=3D\"x\"", "=31=35=30"]
        {
            assert!(looks_quoted(text.as_bytes()), "{text}");
        }
        for text in ["a=b", "?id=31&x=20", "width=200 height=30", "1 + 1 = 2", "==\u{e6}"] {
            assert!(!looks_quoted(text.as_bytes()), "{text}");
        }
    }
}
