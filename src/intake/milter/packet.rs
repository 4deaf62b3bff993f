//! The milter wire, from the MTA's side to ours: frames of a length and a tag, and the typed commands in them.
//!
//! *What it is*: sans-I/O. Bytes in, borrowed commands out; a body chunk is never copied. *What it never does*: read a
//! socket, keep state, or panic; what does not hold the format is a [`PacketError`]. *Start reading at* [`split`], then
//! [`Command::decode`]. *Tests*: `tests/codec.rs`: any command survives the wire, any cut gives the same packets.
//!
//! A frame is a length in four bytes, most significant first, which counts the tag and the payload; a tag of one byte;
//! and the payload. Strings end in NUL.

use std::net::IpAddr;

use super::negotiate::Offer;

/// The largest frame taken, tag and payload.
///
/// Body chunks are at most 65,535 bytes. A header is larger: Postfix sends what `header_size_limit` (102,400) lets
/// through, and operators raise it. A MiB is ten times that; what is larger is no mail header but a runaway length.
pub(crate) const MAX_FRAME: usize = 1 << 20;

/// The size of the length before each frame.
pub(crate) const LENGTH: usize = 4;

/// Bytes that do not hold the format. The stream cannot be trusted after one: the message is deferred, the connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// A frame without even a tag.
    #[error("a frame of length zero")]
    Empty,
    /// A frame longer than a MiB.
    #[error("a frame of {0} bytes, more than {MAX_FRAME}")]
    Oversize(u32),
    /// A tag that protocol version 6 does not have.
    #[error("the unknown tag {0:#04x}")]
    UnknownTag(u8),
    /// A payload that its tag does not allow.
    #[error("a malformed frame with the tag {tag:#04x}: {what}")]
    Malformed {
        /// The tag.
        tag: u8,
        /// What is missing.
        what: &'static str,
    },
}

/// One frame, still in the buffer it was read into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame<'b> {
    pub(crate) tag: u8,
    pub(crate) payload: &'b [u8],
}

/// How many bytes the frame at the start of `bytes` takes in all, once its length is there.
fn announced(bytes: &[u8]) -> Result<Option<usize>, PacketError> {
    let Some(length) = bytes.first_chunk::<LENGTH>() else { return Ok(None) };
    let length = u32::from_be_bytes(*length);
    match usize::try_from(length) {
        Ok(0) => Err(PacketError::Empty),
        Ok(size) if size <= MAX_FRAME => Ok(Some(LENGTH + size)),
        _ => Err(PacketError::Oversize(length)),
    }
}

/// The frame at the start of `bytes` and how many bytes it took; `None` while it is torn.
///
/// # Errors
/// A length of zero or above [`MAX_FRAME`], before its payload has come.
pub(crate) fn split(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>, PacketError> {
    let Some(size) = announced(bytes)? else { return Ok(None) };
    let frame = bytes.get(LENGTH..size).and_then(<[u8]>::split_first);
    Ok(frame.map(|(&tag, payload)| (Frame { tag, payload }, size)))
}

/// The size of the body chunk whose frame begins `bytes`, once its tag is there: a chunk is used as it comes, so that nobody
/// has to keep one.
///
/// # Errors
/// As [`split`].
pub(crate) fn body_begins(bytes: &[u8]) -> Result<Option<usize>, PacketError> {
    let Some(size) = announced(bytes)? else { return Ok(None) };
    Ok((bytes.get(LENGTH) == Some(&tag::BODY)).then(|| size.saturating_sub(LENGTH + 1)))
}

/// How many bytes the torn frame `bytes` still lacks, at least one: to its tag, and from there to its end.
///
/// # Errors
/// As [`split`].
pub(crate) fn lacking(bytes: &[u8]) -> Result<usize, PacketError> {
    let wanted = if bytes.len() <= LENGTH { LENGTH + 1 } else { announced(bytes)?.unwrap_or(LENGTH + 1) };
    Ok(wanted.saturating_sub(bytes.len()).max(1))
}

/// Appends a frame. `fill` writes the payload; the length is set afterwards.
pub(crate) fn frame(out: &mut Vec<u8>, tag: u8, fill: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; LENGTH]);
    out.push(tag);
    fill(out);
    let size = u32::try_from(out.len() - start - LENGTH).unwrap_or(u32::MAX);
    if let Some(length) = out.get_mut(start..).and_then(<[u8]>::first_chunk_mut::<LENGTH>) {
        *length = size.to_be_bytes();
    }
}

/// What the MTA tells or asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command<'b> {
    /// The MTA's version, and what it can do.
    Negotiate(Offer),
    /// Macros for the event that follows.
    Macro(Macros<'b>),
    /// An SMTP client has connected. The address is `None` where it is neither IPv4 nor IPv6.
    Connect {
        host: &'b [u8],
        client: Option<IpAddr>,
        port: u16,
    },
    Helo(&'b [u8]),
    Mail(Arguments<'b>),
    Rcpt(Arguments<'b>),
    Data,
    /// The value as it stands, folds as LF, with its leading space if that was agreed. NULs inside it are kept.
    Header {
        name: &'b [u8],
        value: &'b [u8],
    },
    EndOfHeaders,
    Body(&'b [u8]),
    /// The end of the body; Postfix sends it empty, other MTAs may put the last chunk in it.
    EndOfBody(&'b [u8]),
    Abort,
    Quit,
    /// The SMTP client is gone, and another follows on this connection.
    QuitNewConnection,
    /// An SMTP command that the MTA does not know.
    Unknown(&'b [u8]),
}

/// The macros of one event: the event's tag, then names and values in turn, each with its NUL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Macros<'b> {
    pub(crate) stage: u8,
    pub(crate) pairs: &'b [u8],
}

impl<'b> Macros<'b> {
    /// The value of the macro `name`, written without braces; the MTA may send it with them.
    pub(crate) fn value(&self, name: &str) -> Option<&'b [u8]> {
        let mut strings = self.pairs.split(|&byte| byte == 0);
        while let (Some(key), Some(value)) = (strings.next(), strings.next()) {
            let bare = key.strip_prefix(b"{").and_then(|key| key.strip_suffix(b"}")).unwrap_or(key);
            if bare == name.as_bytes() {
                return Some(value);
            }
        }
        None
    }
}

/// The arguments of MAIL or RCPT: the address, then ESMTP parameters, each with its NUL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arguments<'b>(pub(crate) &'b [u8]);

impl<'b> Arguments<'b> {
    /// The address as the client wrote it, mostly in angle brackets.
    pub(crate) fn address(&self) -> &'b [u8] {
        self.0.split(|&byte| byte == 0).next().unwrap_or_default()
    }
}

/// The tags of the commands.
pub(crate) mod tag {
    pub(crate) const ABORT: u8 = b'A';
    pub(crate) const BODY: u8 = b'B';
    pub(crate) const CONNECT: u8 = b'C';
    pub(crate) const MACRO: u8 = b'D';
    pub(crate) const END_OF_BODY: u8 = b'E';
    pub(crate) const HELO: u8 = b'H';
    pub(crate) const QUIT_NEW_CONNECTION: u8 = b'K';
    pub(crate) const HEADER: u8 = b'L';
    pub(crate) const MAIL: u8 = b'M';
    pub(crate) const END_OF_HEADERS: u8 = b'N';
    pub(crate) const NEGOTIATE: u8 = b'O';
    pub(crate) const QUIT: u8 = b'Q';
    pub(crate) const RCPT: u8 = b'R';
    pub(crate) const DATA: u8 = b'T';
    pub(crate) const UNKNOWN: u8 = b'U';
}

impl<'b> Command<'b> {
    /// The command in a frame.
    ///
    /// # Errors
    /// An unknown tag, or a payload that the tag does not allow.
    pub(crate) fn decode(frame: Frame<'b>) -> Result<Self, PacketError> {
        let Frame { tag, payload } = frame;
        let malformed = |what| PacketError::Malformed { tag, what };
        let string = || payload.strip_suffix(&[0]).ok_or(malformed("a string without its NUL"));
        Ok(match tag {
            tag::NEGOTIATE => {
                Self::Negotiate(Offer::decode(payload).ok_or(malformed("fewer than three numbers"))?)
            }
            tag::MACRO => {
                let (&stage, pairs) = payload.split_first().ok_or(malformed("macros without their event"))?;
                Self::Macro(Macros { stage, pairs })
            }
            tag::CONNECT => connect(payload).ok_or(malformed("no host or no address family"))?,
            tag::HELO => Self::Helo(string()?),
            tag::MAIL | tag::RCPT if payload.last() != Some(&0) => return Err(malformed("no address")),
            tag::MAIL => Self::Mail(Arguments(payload)),
            tag::RCPT => Self::Rcpt(Arguments(payload)),
            tag::DATA => Self::Data,
            tag::HEADER => {
                let (name, value) = cut(string()?).ok_or(malformed("a header without a value"))?;
                Self::Header { name, value }
            }
            tag::END_OF_HEADERS => Self::EndOfHeaders,
            tag::BODY => Self::Body(payload),
            tag::END_OF_BODY => Self::EndOfBody(payload),
            tag::ABORT => Self::Abort,
            tag::QUIT => Self::Quit,
            tag::QUIT_NEW_CONNECTION => Self::QuitNewConnection,
            // Some MTAs send it without a NUL; nothing is read from it.
            tag::UNKNOWN => Self::Unknown(payload.strip_suffix(&[0]).unwrap_or(payload)),
            other => return Err(PacketError::UnknownTag(other)),
        })
    }

    /// Appends the command as an MTA would send it; `client.rs` and the tests speak with it.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let strings = |out: &mut Vec<u8>, strings: &[&[u8]]| {
            for string in strings {
                out.extend_from_slice(string);
                out.push(0);
            }
        };
        match *self {
            Self::Negotiate(ref offer) => frame(out, tag::NEGOTIATE, |out| offer.encode(out)),
            Self::Macro(Macros { stage, pairs }) => frame(out, tag::MACRO, |out| {
                out.push(stage);
                out.extend_from_slice(pairs);
            }),
            Self::Connect { host, client, port } => frame(out, tag::CONNECT, |out| {
                strings(out, &[host]);
                let Some(address) = client else { return out.push(b'U') };
                out.push(if address.is_ipv4() { b'4' } else { b'6' });
                out.extend_from_slice(&port.to_be_bytes());
                strings(out, &[address.to_string().as_bytes()]);
            }),
            Self::Helo(name) => frame(out, tag::HELO, |out| strings(out, &[name])),
            Self::Mail(arguments) => frame(out, tag::MAIL, |out| out.extend_from_slice(arguments.0)),
            Self::Rcpt(arguments) => frame(out, tag::RCPT, |out| out.extend_from_slice(arguments.0)),
            Self::Data => frame(out, tag::DATA, |_| ()),
            Self::Header { name, value } => frame(out, tag::HEADER, |out| strings(out, &[name, value])),
            Self::EndOfHeaders => frame(out, tag::END_OF_HEADERS, |_| ()),
            Self::Body(chunk) => frame(out, tag::BODY, |out| out.extend_from_slice(chunk)),
            Self::EndOfBody(rest) => frame(out, tag::END_OF_BODY, |out| out.extend_from_slice(rest)),
            Self::Abort => frame(out, tag::ABORT, |_| ()),
            Self::Quit => frame(out, tag::QUIT, |_| ()),
            Self::QuitNewConnection => frame(out, tag::QUIT_NEW_CONNECTION, |_| ()),
            Self::Unknown(line) => frame(out, tag::UNKNOWN, |out| strings(out, &[line])),
        }
    }
}

/// Cuts at the first NUL.
pub(crate) fn cut(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|&byte| byte == 0)?;
    Some((bytes.get(..at)?, bytes.get(at + 1..)?))
}

/// The payload of CONNECT. An address that cannot be read is no fault: sendmail writes `IPv6:::1`, and of a unix client
/// there is only a path.
fn connect(payload: &[u8]) -> Option<Command<'_>> {
    let (host, rest) = cut(payload)?;
    let (&family, rest) = rest.split_first()?;
    let (port, address) = match rest.split_first_chunk::<2>() {
        Some((port, address)) => (u16::from_be_bytes(*port), address),
        None => (0, &b""[..]),
    };
    let text = address.strip_suffix(&[0]).and_then(|address| std::str::from_utf8(address).ok());
    let text = text.map(|text| text.strip_prefix("IPv6:").unwrap_or(text));
    let client = match family {
        b'4' | b'6' => text.and_then(|text| text.parse().ok()),
        _ => None,
    };
    Some(Command::Connect { host, client, port })
}
