//! A media type as the rest of the house compares it: lower case, bounded, never absent.

use std::fmt;

/// Longest type or subtype kept; RFC 6838 §4.2 allows 127 and recommends 64.
const NAME_CAP: usize = 127;

/// A media type such as `text/plain`, in lower case and without parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType {
    full: String,
    slash: usize,
}

impl MediaType {
    pub(super) fn text_plain() -> Self {
        Self { full: "text/plain".to_owned(), slash: 4 }
    }

    pub(super) fn message_rfc822() -> Self {
        Self { full: "message/rfc822".to_owned(), slash: 7 }
    }

    /// Reads `type/subtype` into this one's memory. False, and nothing changed, when it cannot be a media type; the
    /// default then stands (RFC 2045 §5.2). A lone `text` or `multipart` is forgiven, since old programs write it.
    pub(super) fn read(&mut self, value: &[u8]) -> bool {
        let mut halves = value.splitn(2, |byte| *byte == b'/');
        let top = token(halves.next().unwrap_or_default());
        let sub = token(halves.next().unwrap_or_default());
        let sub = match (top, sub) {
            (b"", _) => return false,
            (_, b"") if top.eq_ignore_ascii_case(b"text") => b"plain",
            (_, b"") if top.eq_ignore_ascii_case(b"multipart") => b"mixed",
            (_, b"") => return false,
            (_, sub) => sub,
        };
        let mut full = std::mem::take(&mut self.full).into_bytes();
        full.clear();
        full.extend_from_slice(top);
        full.push(b'/');
        full.extend_from_slice(sub);
        full.make_ascii_lowercase();
        self.slash = top.len();
        // A token is ASCII.
        self.full = String::from_utf8(full).unwrap_or_default();
        true
    }

    /// The whole, `text/plain`.
    pub fn as_str(&self) -> &str {
        &self.full
    }

    /// The part before the slash, `text`.
    pub fn top(&self) -> &str {
        self.full.get(..self.slash).unwrap_or_default()
    }

    /// The part after the slash, `plain`.
    pub fn subtype(&self) -> &str {
        self.full.get(self.slash + 1..).unwrap_or_default()
    }

    /// Whether this is `text/*`.
    pub fn is_text(&self) -> bool {
        self.top() == "text"
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.full)
    }
}

/// The leading run of printable ASCII, blanks before it skipped.
fn token(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.trim_ascii_start();
    let end = bytes.iter().position(|byte| !byte.is_ascii_graphic()).unwrap_or(bytes.len());
    bytes.get(..end.min(NAME_CAP)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_or_leaves_the_default() {
        let mut media = MediaType::text_plain();
        for (value, expect) in [
            ("TEXT/Html", "text/html"),
            (" text / html x", "text/html"),
            ("text", "text/plain"),
            ("Multipart", "multipart/mixed"),
            ("application/vnd.ms-excel", "application/vnd.ms-excel"),
        ] {
            assert!(media.read(value.as_bytes()), "{value}");
            assert_eq!(media.as_str(), expect);
        }
        for value in ["", "/", "/plain", "foo", "foo/", "\u{e6}/x"] {
            assert!(!media.read(value.as_bytes()), "{value}");
        }
        assert_eq!((media.top(), media.subtype()), ("application", "vnd.ms-excel"));
    }
}
