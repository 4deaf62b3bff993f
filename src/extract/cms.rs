//! The content inside a CMS signature, as it streams (RFC 5652 §5): an opaque-signed mail is readable by anybody who
//! takes the envelope off, so we take it off.
//!
//! Walks BER (X.690 §8), definite and indefinite lengths, down the one path that leads to the content, and passes
//! over everything else. Checks no signature, gathers nothing. Start reading at [`SignedContent::feed`].

/// Child number at each depth on the way to the content: `ContentInfo` · `[0]` · `SignedData` ·
/// `encapContentInfo` · `[0]` · `OCTET STRING`.
const WAY: [u32; 6] = [0, 1, 0, 2, 1, 0];
/// Deeper nesting than any signature has.
const DEEPEST: usize = 32;
/// Identifier and the longest length form.
const LONGEST_HEADER: usize = 10;

const OCTETS: u8 = 0x04;
const CONSTRUCTED: u8 = 0x20;

/// Bytes that the walk has told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Of the content.
    Content(&'a [u8]),
    /// Of what stands beside and behind it: certificates, signatures, and anything that is none of this.
    Other(&'a [u8]),
}

/// How the walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All content was handed on.
    Whole,
    /// The signature holds no content: it is detached, or carries certificates only.
    Empty,
    /// The structure cannot be followed, or breaks off before its content ends.
    Broken,
}

/// The content of one signature; see the module's head.
#[derive(Debug)]
pub struct SignedContent {
    frames: Vec<Frame>,
    state: State,
    /// Bytes taken so far.
    at: u64,
    header: [u8; LONGEST_HEADER],
    header_len: usize,
    /// Content has begun.
    begun: bool,
    /// Content has ended.
    ended: bool,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    /// `None` for an indefinite length.
    end: Option<u64>,
    children: u32,
    is_on_way: bool,
    holds_content: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Header,
    Content { end: u64 },
    PassOver { end: u64 },
    Over,
    Broken,
}

impl Default for SignedContent {
    fn default() -> Self {
        Self {
            frames: Vec::new(),
            state: State::Header,
            at: 0,
            header: [0; LONGEST_HEADER],
            header_len: 0,
            begun: false,
            ended: false,
        }
    }
}

impl SignedContent {
    /// Takes the next bytes, cut anywhere, and hands them on told apart; of what is other, the few bytes of headers
    /// are left out.
    pub fn feed<'a>(&mut self, mut bytes: &'a [u8], each: &mut impl FnMut(Piece<'a>)) {
        while !bytes.is_empty() {
            // A header's last byte changes the state, and is no part of what it begins.
            let state = self.state;
            let taken = match state {
                State::Header => self.take_header(bytes),
                State::Content { end } | State::PassOver { end } => self.share(bytes, end),
                State::Over | State::Broken => bytes.len(),
            };
            let (piece, rest) = bytes.split_at_checked(taken).unwrap_or((bytes, &[]));
            match state {
                State::Content { .. } => each(Piece::Content(piece)),
                State::PassOver { .. } | State::Over | State::Broken => each(Piece::Other(piece)),
                State::Header => {}
            }
            self.at += taken as u64;
            bytes = rest;
            self.settle();
        }
    }

    /// What the walk came to.
    pub fn finish(&self) -> Ending {
        match self.state {
            _ if self.ended => Ending::Whole,
            State::Broken => Ending::Broken,
            _ if self.begun => Ending::Broken,
            State::Over => Ending::Empty,
            State::Header | State::Content { .. } | State::PassOver { .. } => Ending::Broken,
        }
    }

    fn share(&self, bytes: &[u8], end: u64) -> usize {
        usize::try_from(end.saturating_sub(self.at)).unwrap_or(usize::MAX).min(bytes.len())
    }

    /// Takes one byte of a header; a header is short and rare, so a byte at a time costs nothing.
    fn take_header(&mut self, bytes: &[u8]) -> usize {
        let (Some(byte), Some(slot)) = (bytes.first(), self.header.get_mut(self.header_len)) else {
            self.state = State::Broken;
            return 0;
        };
        *slot = *byte;
        self.header_len += 1;
        match length(self.header.get(..self.header_len).unwrap_or_default()) {
            Length::Unread => {}
            Length::Bad => self.state = State::Broken,
            Length::Definite(length) => self.element(Some(length)),
            Length::Indefinite => self.element(None),
        }
        1
    }

    /// A header is whole; its last byte is not counted in `at` yet.
    fn element(&mut self, length: Option<u64>) {
        let tag = self.header.first().copied().unwrap_or_default();
        self.header_len = 0;
        let start = self.at + 1;
        let end = match length.map(|length| start.checked_add(length)) {
            Some(None) => return self.state = State::Broken,
            Some(Some(end)) => Some(end),
            None => None,
        };
        let depth = self.frames.len();
        let (is_on_way, in_content) = match self.frames.last_mut() {
            None => (true, false),
            // X.690 §8.1.5: end-of-contents closes an indefinite length.
            Some(frame) if tag == 0 => {
                if frame.end.is_some() || length != Some(0) {
                    self.state = State::Broken;
                } else {
                    self.close();
                }
                return;
            }
            Some(frame) => {
                let number = frame.children;
                frame.children += 1;
                let is_on_way = frame.is_on_way && (frame.holds_content || WAY.get(depth) == Some(&number));
                (is_on_way, frame.holds_content)
            }
        };
        let holds_content = in_content || (is_on_way && depth + 1 == WAY.len());
        let is_constructed = tag & CONSTRUCTED != 0;
        self.state = match (is_on_way, end) {
            (true, Some(end)) if holds_content && tag == OCTETS => State::Content { end },
            (true, _) if holds_content && tag != OCTETS | CONSTRUCTED => State::Broken,
            (false, Some(end)) => State::PassOver { end },
            _ if !is_constructed || depth >= DEEPEST => State::Broken,
            (_, end) => {
                self.frames.push(Frame { end, children: 0, is_on_way, holds_content });
                State::Header
            }
        };
        self.begun |= is_on_way && holds_content;
    }

    /// Closes what ends here.
    fn settle(&mut self) {
        if let State::Content { end } | State::PassOver { end } = self.state
            && self.at >= end
        {
            let was_content = matches!(self.state, State::Content { .. });
            self.state = State::Header;
            // A primitive string that is no piece of a constructed one is the whole content.
            self.ended |= was_content && self.frames.last().is_some_and(|frame| !frame.holds_content);
        }
        while self.state == State::Header
            && self.header_len == 0
            && let Some(Frame { end: Some(end), .. }) = self.frames.last()
        {
            match end.cmp(&self.at) {
                std::cmp::Ordering::Greater => return,
                std::cmp::Ordering::Equal => self.close(),
                std::cmp::Ordering::Less => self.state = State::Broken,
            }
        }
    }

    fn close(&mut self) {
        let closed = self.frames.pop();
        let parent_holds = self.frames.last().is_some_and(|frame| frame.holds_content);
        self.ended |= closed.is_some_and(|frame| frame.holds_content) && !parent_holds;
        self.state = if self.frames.is_empty() { State::Over } else { State::Header };
    }
}

enum Length {
    Unread,
    Bad,
    Definite(u64),
    Indefinite,
}

/// The length octets of a header (X.690 §8.1.3), as far as it has come. Tags of more than one octet (§8.1.2.4) stand
/// nowhere on the way and are not followed.
fn length(header: &[u8]) -> Length {
    match header {
        [tag, ..] if tag & 0x1F == 0x1F => Length::Bad,
        [] | [_] => Length::Unread,
        [_, short @ 0..=0x7F] => Length::Definite(u64::from(*short)),
        [_, 0x80] => Length::Indefinite,
        [_, long @ 0x81..=0x88, octets @ ..] => {
            if octets.len() < usize::from(long & 0x7F) {
                Length::Unread
            } else {
                Length::Definite(octets.iter().fold(0, |length, octet| length << 8 | u64::from(*octet)))
            }
        }
        _ => Length::Bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Definite lengths, as a signer writes that knows its content.
    fn definite(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x84], length.as_slice(), content].concat()
    }

    /// Indefinite lengths, as a signer writes that streams.
    fn indefinite(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, 0x80], content, &[0, 0]].concat()
    }

    fn signed(octets: &[u8], wrap: fn(u8, &[u8]) -> Vec<u8>) -> Vec<u8> {
        let inner = [definite(0x06, b"data"), wrap(0xA0, octets)].concat();
        let data = [
            definite(0x02, &[1]),
            wrap(0x31, &wrap(0x30, b"")),
            wrap(0x30, &inner),
            wrap(0xA0, b""),
            wrap(0x31, b""),
        ];
        wrap(0x30, &[definite(0x06, b"signed"), wrap(0xA0, &wrap(0x30, &data.concat()))].concat())
    }

    fn read(bytes: &[u8], chunk: usize) -> (Vec<u8>, Ending) {
        let (mut walk, mut content) = (SignedContent::default(), Vec::new());
        for bytes in bytes.chunks(chunk) {
            walk.feed(bytes, &mut |piece| {
                if let Piece::Content(piece) = piece {
                    content.extend_from_slice(piece);
                }
            });
        }
        (content, walk.finish())
    }

    #[test]
    fn the_content_comes_out_however_it_is_written_and_cut() {
        let pieces = [definite(0x04, b"CPR "), definite(0x04, b"150379"), definite(0x04, b"-1028")].concat();
        for wrap in [definite, indefinite] {
            for octets in
                [definite(0x04, b"CPR 150379-1028"), wrap(0x24, &pieces), wrap(0x24, &wrap(0x24, &pieces))]
            {
                let message = signed(&octets, wrap);
                for chunk in 1..message.len() {
                    assert_eq!(
                        read(&message, chunk),
                        (b"CPR 150379-1028".to_vec(), Ending::Whole),
                        "{chunk}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_breaks_off_is_broken() {
        let message = signed(&definite(0x04, b"CPR 150379-1028"), definite);
        let end = message.windows(4).position(|w| w == b"1028").unwrap() + 4;
        for cut in 0..message.len() {
            let wanted = if cut < end { Ending::Broken } else { Ending::Whole };
            assert_eq!(read(&message[..cut], 7).1, wanted, "{cut}");
        }
    }

    #[test]
    fn what_stands_behind_is_handed_on_too() {
        let mut message = signed(&definite(0x04, b"content"), definite);
        message.extend_from_slice(b"CPR 150379-1028");
        let (mut walk, mut other) = (SignedContent::default(), Vec::new());
        for bytes in message.chunks(3) {
            walk.feed(bytes, &mut |piece| {
                if let Piece::Other(piece) = piece {
                    other.extend_from_slice(piece);
                }
            });
        }
        assert!(other.ends_with(b"CPR 150379-1028"));
    }

    #[test]
    fn a_detached_signature_is_empty() {
        let message = signed(b"", indefinite);
        assert_eq!(read(&message, 5), (Vec::new(), Ending::Empty));
    }

    proptest! {
        #[test]
        fn any_bytes_end_in_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..400), damage in 0..60_usize) {
            read(&bytes, 3);
            let mut message = signed(&definite(0x04, &bytes), indefinite);
            let at = damage % message.len();
            message[at] ^= 0x80;
            let whole = read(&message, message.len());
            prop_assert_eq!(read(&message, 1), whole);
        }
    }
}
