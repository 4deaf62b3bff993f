//! The words of a report for what the walker tells: names of headers, reasons why something was not read.

use crate::mime::{HeaderName, Part, Problem};

/// RFC 3156 §4: `multipart/encrypted; protocol="application/pgp-encrypted"`.
pub(super) fn is_pgp_mime(part: &Part<'_>) -> bool {
    part.media.as_str() == "multipart/encrypted"
        && part
            .param("protocol")
            .is_some_and(|protocol| protocol.eq_ignore_ascii_case("application/pgp-encrypted"))
}

/// The header's name in a report; `None` for the Message-ID, which is an id and never read as text.
pub(super) fn header_word(name: HeaderName) -> Option<&'static str> {
    Some(match name {
        HeaderName::Subject => "Subject",
        HeaderName::Comments => "Comments",
        HeaderName::Keywords => "Keywords",
        HeaderName::ContentDescription => "Content-Description",
        HeaderName::From => "From",
        HeaderName::Sender => "Sender",
        HeaderName::ReplyTo => "Reply-To",
        HeaderName::To => "To",
        HeaderName::Cc => "Cc",
        HeaderName::Bcc => "Bcc",
        HeaderName::ThreadTopic => "Thread-Topic",
        HeaderName::MessageId => return None,
    })
}

/// The word for what the walker found odd; `None` for what hides nothing: all of an unclosed multipart was
/// read, in the one way that it can be.
pub(super) fn reason(problem: Problem) -> Option<&'static str> {
    Some(match problem {
        Problem::UnclosedMultipart => return None,
        Problem::Base64Junk => "base64-junk",
        Problem::UnknownEncoding => "unknown-encoding",
        Problem::UnreadableCharset => "unreadable-charset",
        Problem::MissingBlankLine => "missing-blank-line",
        Problem::HeaderBelowBlank => "header-below-blank",
        Problem::BlankFold => "blank-fold",
        Problem::BareCr => "bare-cr",
        Problem::NoBoundary => "no-boundary",
        Problem::BoundaryNeverSeen => "boundary-never-seen",
        Problem::DelimiterJunk => "delimiter-junk",
        Problem::PartAfterClose => "part-after-close",
        Problem::ConflictingType => "conflicting-type",
        Problem::ConflictingEncoding => "conflicting-encoding",
        Problem::ConflictingDisposition => "conflicting-disposition",
        Problem::EncodedMultipart => "encoded-multipart",
        Problem::CharsetMismatch => "charset-mismatch",
        Problem::TooDeep => "too-deep",
        Problem::TooManyParts => "too-many-parts",
        Problem::HeaderTooLong => "header-too-long",
    })
}
