//! What the walker could not read as the sender may have meant it. A problem is data and never ends a walk.

/// Something odd about a message, told to [`PartSink::problem`](super::PartSink::problem).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Problem {
    /// A base64 body held bytes outside the alphabet, went on after its padding, or broke off inside a byte. What
    /// could be decoded was. A footer that a list server put below the base64 ends up here too.
    Base64Junk,
    /// `Content-Transfer-Encoding` names something that is not read here; the bytes came out as they stand.
    UnknownEncoding,
    /// The text is in a charset whose digits are not ASCII bytes (UTF-7, UTF-32, EBCDIC); it came out as it stands.
    UnreadableCharset,
    /// A multipart ended without its closing delimiter, by an outer delimiter or by the end of the message.
    UnclosedMultipart,
    /// A line that is no header field stood where header fields were read; it was taken as the start of the body.
    MissingBlankLine,
    /// A message begins with a blank line and goes on like a header: a message without header to some programs, one
    /// below a blank line to others.
    HeaderBelowBlank,
    /// A line of nothing but blanks stood among the header fields: a folded line to some, the end of the header to
    /// others. It was taken as a folded line.
    BlankFold,
    /// A carriage return without line feed stood in a header: a line end to some programs, a byte to others.
    BareCr,
    /// A multipart without a usable boundary; its bytes came out as preamble.
    NoBoundary,
    /// The boundary of a multipart never occurred; its bytes came out as preamble.
    BoundaryNeverSeen,
    /// A line began with an open boundary and went on with something else. It was taken as text (RFC 2046 §5.1.1
    /// can be read either way, and programs differ).
    DelimiterJunk,
    /// A delimiter occurred after the multipart's closing delimiter. A part was opened for it, though many programs
    /// show nothing of it.
    PartAfterClose,
    /// Two `Content-Type` fields, or a `Content-Type` in which a parameter that matters stands twice, disagree. The
    /// first was used.
    ConflictingType,
    /// Two `Content-Transfer-Encoding` fields disagree. The first was used.
    ConflictingEncoding,
    /// Two `Content-Disposition` fields disagree. The first was used.
    ConflictingDisposition,
    /// A multipart claimed a transfer encoding, which RFC 2045 §6.4 forbids. The encoding was ignored.
    EncodedMultipart,
    /// The text claims UTF-16 and begins like ASCII; it came out as it stands.
    CharsetMismatch,
    /// A multipart or message lay deeper than [`Limits`](super::Limits) allow; it came out as one text leaf.
    TooDeep,
    /// There were more parts than [`Limits::parts`](super::Limits::parts); the rest came out as one text.
    TooManyParts,
    /// A header field that matters was longer than [`Limits::header_bytes`](super::Limits::header_bytes).
    HeaderTooLong,
}

/// What a [`Problem`] means to the policy, which lets an authority choose for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Bytes are lost or cannot be read.
    Damaged,
    /// Two programs may read the message differently, and only one reading was taken.
    Ambiguous,
    /// A bound of ours was reached.
    Limit,
}

impl Problem {
    /// Whether another program may read the entity by another header than the first.
    pub(super) const fn is_other_header(self) -> bool {
        matches!(self, Self::ConflictingType | Self::EncodedMultipart)
    }

    /// What this problem means to the policy.
    pub const fn class(self) -> Class {
        match self {
            Self::Base64Junk | Self::UnknownEncoding | Self::UnreadableCharset | Self::UnclosedMultipart => {
                Class::Damaged
            }
            Self::MissingBlankLine
            | Self::HeaderBelowBlank
            | Self::BlankFold
            | Self::BareCr
            | Self::NoBoundary
            | Self::BoundaryNeverSeen
            | Self::DelimiterJunk
            | Self::PartAfterClose
            | Self::ConflictingType
            | Self::ConflictingEncoding
            | Self::ConflictingDisposition
            | Self::EncodedMultipart
            | Self::CharsetMismatch => Class::Ambiguous,
            Self::TooDeep | Self::TooManyParts | Self::HeaderTooLong => Class::Limit,
        }
    }
}
