//! Encoded words (RFC 2047): `=?utf-8?Q?K=C3=A6re?=` in headers. Forgiving where clients are: words anywhere, blanks
//! and question marks inside Q text, base64 without padding. A word in an unknown charset gives its bytes, and what
//! is no word stays as written, so no digit disappears.
//!
//! Linear on any input: each `=?` looks for its end once, and once the text has no `?=` left nobody looks again.

use super::charset;
use super::transfer::{Base64, hex};

/// Longest charset name with language that is considered; IANA's longest is 45.
const LABEL_CAP: usize = 80;

/// One encoded word, as written.
struct Word<'a> {
    charset: &'a str,
    base64: bool,
    text: &'a [u8],
    after: &'a [u8],
}

/// Writes `value`, an unfolded header value, with its encoded words decoded.
pub(super) fn decode(value: &[u8], out: &mut Vec<u8>) {
    let mut rest = value;
    let mut after_word = false;
    let mut endless = false;
    let mut scratch = Vec::new();
    while let Some(at) = find_word(rest) {
        let (plain, found) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        let Some(word) = (if endless { None } else { read_word(found, &mut endless) }) else {
            out.extend_from_slice(plain);
            out.extend_from_slice(b"=?");
            rest = found.get(2..).unwrap_or_default();
            after_word = false;
            continue;
        };
        // RFC 2047 §6.2: blanks between two encoded words are not shown; long texts are cut into words that way.
        if !(after_word && plain.iter().all(u8::is_ascii_whitespace)) {
            out.extend_from_slice(plain);
        }
        scratch.clear();
        if word.base64 {
            base64(word.text, &mut scratch);
        } else {
            q(word.text, &mut scratch);
        }
        charset::to_utf8(word.charset, &scratch, out);
        after_word = true;
        rest = word.after;
    }
    out.extend_from_slice(rest);
}

/// Where the first word may begin, `=?`.
pub(super) fn find_word(value: &[u8]) -> Option<usize> {
    find_two(b'=', b'?', value)
}

/// Where these two stand side by side. A search for two bytes would cost more to set up than most values to read.
fn find_two(one: u8, other: u8, text: &[u8]) -> Option<usize> {
    memchr::memchr_iter(one, text).find(|at| text.get(at + 1) == Some(&other))
}

/// Reads the word at the start of `found`. Sets `endless` when no `?=` follows at all.
fn read_word<'a>(found: &'a [u8], endless: &mut bool) -> Option<Word<'a>> {
    let body = found.get(2..)?;
    let label_end = memchr::memchr(b'?', body.get(..LABEL_CAP).unwrap_or(body))?;
    let label = std::str::from_utf8(body.get(..label_end)?).ok()?;
    if label.is_empty() || !label.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let [b'?', kind, b'?', text @ ..] = body.get(label_end..)? else { return None };
    let base64 = match kind {
        b'b' | b'B' => true,
        b'q' | b'Q' => false,
        _ => return None,
    };
    let Some(end) = find_two(b'?', b'=', text) else {
        *endless = true;
        return None;
    };
    // RFC 2231 §5: the charset may carry a language, `utf-8*da`.
    let language = label.bytes().position(|byte| byte == b'*');
    let charset = language.and_then(|language| label.get(..language)).unwrap_or(label);
    Some(Word { charset, base64, text: text.get(..end)?, after: text.get(end + 2..)? })
}

fn base64(text: &[u8], out: &mut Vec<u8>) {
    let mut decoder = Base64::default();
    let mut buffer = [0; 96];
    decoder.feed(text, &mut buffer, &mut |bytes| out.extend_from_slice(bytes));
    decoder.finish(&mut |bytes| out.extend_from_slice(bytes));
}

/// The Q encoding (RFC 2047 §4.2): quoted-printable with `_` for a blank.
fn q(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match (first, after) {
            (b'_', _) => out.push(b' '),
            (b'=', [high, low, later @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    rest = later;
                }
                _ => out.push(b'='),
            },
            _ => out.push(*first),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decoded(value: &str) -> String {
        let mut out = Vec::new();
        decode(value.as_bytes(), &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn reads_words() {
        for (value, expect) in [
            ("Re: =?utf-8?Q?K=C3=A6re_Bo?= hej", "Re: K\u{e6}re Bo hej"),
            ("=?iso-8859-1?q?=E6?= =?utf-8*da?B?w6Y?=", "\u{e6}\u{e6}"),
            ("=?utf-8?Q?=C3?=\t =?utf-8?Q?=A6?=", "\u{e6}"),
            ("=?utf-8?Q?a?= b =?utf-8?Q?c?=", "a b c"),
            ("=?utf-8?Q?010190-1234?=x", "010190-1234x"),
            ("=?utf-8?Q?hvad? ja?=", "hvad? ja"),
            ("=?utf-8?Q?=41?=", "A"),
            ("=?utf-8?Q??=", ""),
            ("=?iso-8859-15?Q?=A4?=", "\u{20ac}"),
            ("=?utf-16be?B?ADAAMQ==?=", "01"),
            ("=?x?y?z?=", "=?x?y?z?="),
            ("=?=?=?", "=?=?=?"),
            ("=?utf-8?Q?010190", "=?utf-8?Q?010190"),
            ("=?utf-8?Q?=4 =Z?=", "=4 =Z"),
            ("", ""),
        ] {
            assert_eq!(decoded(value), expect, "{value}");
        }
    }

    #[test]
    fn hostile_words_end() {
        for unit in ["=?", "=?a?q?", "=?=?=?", "=?utf-8?q?x?= ", "?=", "=?a?b?="] {
            let mut out = Vec::new();
            decode(unit.repeat(200_000).as_bytes(), &mut out);
        }
    }

    proptest! {
        #[test]
        fn agrees_with_mailparse(words in prop::collection::vec(("[a-z \u{e6}]{1,8}", any::<bool>()), 1..5)) {
            let value: Vec<String> = words.iter().map(|(text, q)| {
                let hex = text.bytes().map(|byte| format!("={byte:02X}")).collect::<Vec<_>>().concat();
                if *q { format!("=?utf-8?Q?{hex}?=") } else { format!("=?utf-8?Q?{}?=", hex.to_lowercase()) }
            }).collect();
            let line = format!("Subject: {}", value.join(" "));
            let (header, _) = mailparse::parse_header(line.as_bytes()).unwrap();
            prop_assert_eq!(decoded(&value.join(" ")), header.get_value());
        }
    }
}
