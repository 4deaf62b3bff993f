//! The milter wire, from us to the MTA: the replies, and the texts in them.
//!
//! *What it never does*: send what an MTA could misread: SHUTDOWN (Postfix says 250 and loses the mail), a reply text
//! without a code, 8-bit bytes, a lone `%`. *Start reading at* [`Reply`], then [`ReplyText::new`]. *Tests*: `tests/codec.rs`.

use super::packet::{Frame, PacketError, cut, frame};

/// The longest text of one reply line. RFC 5321 §4.5.3.1.5 allows 512 with code and CRLF; `%` may double.
const LINE: usize = 200;
/// The most lines of a reply; a text for a person, not a report.
const LINES: usize = 20;
/// What Postfix keeps of the reason for a quarantine.
const REASON: usize = 100;

/// An answer to the MTA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// The terms of the connection, as [`super::negotiate::Terms::encode`] writes them.
    Negotiate(Vec<u8>),
    Continue,
    Accept,
    Reject,
    Tempfail,
    Discard,
    /// No more events of this kind for this message.
    Skip,
    /// Still working: keeps the MTA waiting.
    Progress,
    /// An SMTP reply, one or more lines.
    Code(ReplyText),
    /// The message goes to the MTA's hold queue.
    Quarantine(String),
    AddHeader {
        name: String,
        value: String,
    },
}

/// The tags of the replies.
mod tag {
    pub(super) const ACCEPT: u8 = b'a';
    pub(super) const CONTINUE: u8 = b'c';
    pub(super) const DISCARD: u8 = b'd';
    pub(super) const ADD_HEADER: u8 = b'h';
    pub(super) const NEGOTIATE: u8 = b'O';
    pub(super) const PROGRESS: u8 = b'p';
    pub(super) const QUARANTINE: u8 = b'q';
    pub(super) const REJECT: u8 = b'r';
    pub(super) const SKIP: u8 = b's';
    pub(super) const TEMPFAIL: u8 = b't';
    pub(super) const CODE: u8 = b'y';
}

impl Reply {
    /// Appends the reply.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let string = |out: &mut Vec<u8>, text: &str| {
            out.extend_from_slice(text.as_bytes());
            out.push(0);
        };
        match self {
            Self::Negotiate(payload) => frame(out, tag::NEGOTIATE, |out| out.extend_from_slice(payload)),
            Self::Continue => frame(out, tag::CONTINUE, |_| ()),
            Self::Accept => frame(out, tag::ACCEPT, |_| ()),
            Self::Reject => frame(out, tag::REJECT, |_| ()),
            Self::Tempfail => frame(out, tag::TEMPFAIL, |_| ()),
            Self::Discard => frame(out, tag::DISCARD, |_| ()),
            Self::Skip => frame(out, tag::SKIP, |_| ()),
            Self::Progress => frame(out, tag::PROGRESS, |_| ()),
            Self::Code(text) => frame(out, tag::CODE, |out| string(out, &text.0)),
            Self::Quarantine(reason) => frame(out, tag::QUARANTINE, |out| {
                string(out, &ascii(reason).take(REASON).collect::<String>());
            }),
            Self::AddHeader { name, value } => frame(out, tag::ADD_HEADER, |out| {
                string(out, name);
                string(out, value);
            }),
        }
    }

    /// Reads a reply, as an MTA does; for `client.rs` and the tests.
    ///
    /// # Errors
    /// A tag that is not among ours, or a string without its NUL.
    pub(crate) fn decode(frame: Frame<'_>) -> Result<Self, PacketError> {
        let Frame { tag, payload } = frame;
        let malformed = |what| PacketError::Malformed { tag, what };
        let string = || payload.strip_suffix(&[0]).ok_or(malformed("a string without its NUL"));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(match tag {
            tag::NEGOTIATE => Self::Negotiate(payload.to_vec()),
            tag::CONTINUE => Self::Continue,
            tag::ACCEPT => Self::Accept,
            tag::REJECT => Self::Reject,
            tag::TEMPFAIL => Self::Tempfail,
            tag::DISCARD => Self::Discard,
            tag::SKIP => Self::Skip,
            tag::PROGRESS => Self::Progress,
            tag::CODE => Self::Code(ReplyText(text(string()?))),
            tag::QUARANTINE => Self::Quarantine(text(string()?)),
            tag::ADD_HEADER => {
                let (name, value) = cut(string()?).ok_or(malformed("a header without a value"))?;
                Self::AddHeader { name: text(name), value: text(value) }
            }
            other => return Err(PacketError::UnknownTag(other)),
        })
    }
}

/// An SMTP reply as the milter wire wants it: one code on every line, `%` doubled, ASCII.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReplyText(String);

impl ReplyText {
    /// Writes `lines` under a code such as `550` and an enhanced code such as `5.7.1`.
    ///
    /// Postfix 3.12 takes a reply only with the same code on each line, `-` after it on all but the last, CRLF between,
    /// and class digits that agree; others cut at the first oddity. Sendmail uses the text as a format: `%` is doubled.
    pub(crate) fn new(code: Code, lines: &[String]) -> Self {
        let (code, enhanced, fallback) = match code {
            Code::Refused => ("550", "5.7.1", "The message was refused"),
            Code::Deferred => ("451", "4.7.1", "The message cannot be taken now; try again later"),
        };
        let texts = lines.iter().flat_map(|line| wrap(line)).take(LINES).collect::<Vec<_>>();
        let texts = if texts.is_empty() { vec![fallback.to_owned()] } else { texts };
        let last = texts.len() - 1;
        let mut out = String::new();
        for (at, text) in texts.iter().enumerate() {
            out.push_str(code);
            out.push(if at == last { ' ' } else { '-' });
            out.push_str(enhanced);
            out.push(' ');
            out.push_str(&text.replace('%', "%%"));
            if at != last {
                out.push_str("\r\n");
            }
        }
        Self(out)
    }

    /// The reply as the SMTP client hears it: `%%` is `%` again.
    pub(crate) fn spoken(&self) -> String {
        self.0.replace("%%", "%")
    }
}

/// The codes a verdict can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// 550 5.7.1: refused for good, by policy.
    Refused,
    /// 451 4.7.1: not now.
    Deferred,
}

/// The text in printable ASCII; anything else, line ends and NUL among it, is shown as `?`.
fn ascii(text: &str) -> impl Iterator<Item = char> {
    text.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' })
}

/// A line cut to pieces that fit an SMTP reply, at spaces where there are any.
fn wrap(line: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    for word in ascii(line).collect::<String>().split_inclusive(' ') {
        for c in word.chars() {
            if piece.len() >= LINE {
                pieces.push(std::mem::take(&mut piece));
            }
            piece.push(c);
        }
        if piece.len() > LINE - 40 {
            pieces.push(std::mem::take(&mut piece));
        }
    }
    if !piece.is_empty() || pieces.is_empty() {
        pieces.push(piece);
    }
    for piece in &mut pieces {
        piece.truncate(piece.trim_end().len());
    }
    pieces
}
