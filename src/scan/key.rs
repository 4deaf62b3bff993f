//! The key of a program's text that a number is the value of: of JSON, XML, a link or a log.
//!
//! Reads what stands as it is written, before anything is rendered. Start reading at [`own_key`]. Tests: the examples of
//! `rules/*.toml`, and `tests/hide.rs`.

use crate::cpr::glyph::{self, Tag};

/// The key of a program's text, and more that stands with it: the attributes of an element.
#[derive(Clone, Copy)]
pub(super) struct Key<'a> {
    pub(super) name: &'a [u8],
    pub(super) more: &'a [u8],
}

impl Key<'_> {
    /// Whether it says no more than that its value is somebody's or something's id.
    pub(super) fn is_bare(self) -> bool {
        [b"id".as_slice(), b"nr", b"no", b"nummer", b"number", b"identifier"]
            .iter()
            .any(|bare| bare.eq_ignore_ascii_case(self.name))
    }
}

/// The key that the number is the value of: `key=`, `"key": "`, `<ns:key>`. Words that say nothing of the value are no
/// keys.
pub(super) fn own_key(before: &[u8]) -> Option<Key<'_>> {
    const EMPTY: [&[u8]; 9] =
        [b"value", b"content", b"href", b"src", b"data", b"title", b"alt", b"text", b"extension"];
    let is_quote = |byte: &u8| matches!(byte, b'"' | b'\'' | b'\\');
    let is_key = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | 0x80..);
    let trimmed = |text: &'_ [u8], drop: &dyn Fn(&u8) -> bool| {
        text.len() - text.iter().rev().take(6).take_while(|byte| drop(byte)).count()
    };
    let start = trimmed(before, &|byte| is_quote(byte) || *byte == b' ');
    let before = before.get(..start)?;
    let (mark, rest) = before.split_last()?;
    if matches!(mark, b'[' | b',') {
        return own_key(array_start(before)?);
    }
    let key_end = match mark {
        b'=' => rest.len(),
        // `%3D`, `3D` of quoted-printable.
        b'D' | b'd' if rest.ends_with(b"%3") || rest.ends_with(b"=3") => rest.len() - 2,
        b':' => {
            let end = trimmed(rest, &|byte| *byte == b' ');
            let quoted = rest.get(..end)?;
            // In prose a colon ends a sentence as often as a label; between quotes it is a key's.
            is_quote(quoted.last()?).then_some(())?;
            trimmed(quoted, &is_quote)
        }
        b'>' => {
            let open = memchr::memrchr(b'<', rest)?;
            let (tag, length) = glyph::tag(before.get(open..)?)?;
            let Tag::Named(name) = tag else { return None };
            let more = before.get(open + 1 + name.len()..open + length - 1)?;
            return (before.get(open + 1) != Some(&b'/')).then_some(Key { name, more });
        }
        _ => return None,
    };
    let rest = rest.get(..key_end)?;
    let length = rest.iter().rev().take(48).take_while(|byte| is_key(byte)).count();
    let key = rest.get(rest.len() - length..)?;
    let says =
        key.iter().any(u8::is_ascii_alphabetic) && !EMPTY.iter().any(|empty| empty.eq_ignore_ascii_case(key));
    says.then_some(Key { name: key, more: b"" })
}

/// What stands before the array of JSON that this text ends in, if the array so far holds nothing but numbers.
fn array_start(before: &[u8]) -> Option<&[u8]> {
    let open = memchr::memrchr(b'[', before)?;
    let is_number = |byte: &u8| {
        byte.is_ascii_digit() || byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\\' | b',' | b'-')
    };
    before.get(open + 1..)?.iter().all(is_number).then(|| before.get(..open)).flatten()
}
