//! One character as a reader sees it, whatever way it is written: as itself in UTF-8 or an 8-bit charset, as a reference
//! of HTML, percent-encoded in a link, as an escape of JSON, as a quoted-printable escape that nobody announced.
//!
//! Keeps nothing and knows no number. Start reading at [`character`] for what stands there and at [`glyph`] for what it
//! is between digits. Tests: here, and in [`super::candidate`].

mod entity;

pub use entity::named;

use memchr::memchr2;

/// The longest tag or comment that is looked through, in bytes: room for the styles of a word processor.
pub const LONGEST_TAG: usize = 512;

/// A character in a row of digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyph {
    /// A decimal digit of any width, as its value.
    Digit(u8),
    /// Any blank but a line break.
    Blank,
    /// Any dash or minus.
    Dash,
    /// A line break.
    Line,
    /// `>`, as a reply puts it before the lines it quotes.
    Quote,
    /// Nothing to see: a soft hyphen, zero width, a tag that only sets letters in another way.
    Invisible,
    /// `/ . _ +`, which some write instead of a dash.
    Mark(u8),
    /// The edge of a table's cell or a form's field: a tag, or `; , |` in a table of text.
    Cell,
    /// `"` or `'`, which may stand round a cell.
    CellQuote,
}

/// What stands at the start of `text` when it can be part of a row of digits, with its length in bytes.
pub fn glyph(text: &[u8]) -> Option<(Glyph, usize)> {
    let first = *text.first()?;
    let glyph = match first {
        b'0'..=b'9' => Glyph::Digit(first - b'0'),
        b' ' | b'\t' => Glyph::Blank,
        b'\r' if text.get(1) == Some(&b'\n') => return Some((Glyph::Line, 2)),
        b'\r' | b'\n' | 0x0B | 0x0C => Glyph::Line,
        b'-' => Glyph::Dash,
        b'>' => Glyph::Quote,
        b'/' | b'.' | b'_' | b'+' => Glyph::Mark(first),
        b';' | b',' | b'|' => Glyph::Cell,
        b'"' | b'\'' => {
            return Some(field(text).map_or((Glyph::CellQuote, 1), |length| (Glyph::Cell, length)));
        }
        b'<' => return tag(text).and_then(|(tag, length)| tag.between_digits().map(|glyph| (glyph, length))),
        b'=' if text.get(1) == Some(&b'\n') => return Some((Glyph::Invisible, 2)),
        b'=' if text.get(1..3) == Some(b"\r\n") => return Some((Glyph::Invisible, 3)),
        b'&' | b'%' | b'\\' | b'=' | 0x80.. => {
            let (character, length) = character(text)?;
            return between_digits(character).map(|glyph| (glyph, length));
        }
        _ => return None,
    };
    Some((glyph, 1))
}

/// Whether a byte can begin a glyph that is not seen, so that digits on both sides of it are one run to a reader.
pub fn may_be_unseen(byte: u8) -> bool {
    matches!(byte, b'<' | b'&' | b'%' | b'\\' | b'=' | 0x80..)
}

/// What a character is between digits; `None` for all that ends a row of them.
fn between_digits(character: char) -> Option<Glyph> {
    Some(match character {
        '0'..='9' => Glyph::Digit(value(character, '0')),
        // Fullwidth forms, and the five mathematical alphabets of digits.
        '\u{FF10}'..='\u{FF19}' => Glyph::Digit(value(character, '\u{FF10}')),
        '\u{1D7CE}'..='\u{1D7FF}' => Glyph::Digit(value(character, '\u{1D7CE}') % 10),
        ' '
        | '\t'
        | '\u{A0}'
        | '\u{1680}'
        | '\u{2000}'..='\u{200A}'
        | '\u{202F}'
        | '\u{205F}'
        | '\u{3000}' => Glyph::Blank,
        '-'
        | '\u{2010}'..='\u{2015}'
        | '\u{2043}'
        | '\u{2212}'
        | '\u{2D7}'
        | '\u{2796}'
        | '\u{FE58}'
        | '\u{FE63}'
        | '\u{FF0D}' => Glyph::Dash,
        '\n' | '\r' | '\u{B}' | '\u{C}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Glyph::Line,
        '>' => Glyph::Quote,
        '/' | '.' | '_' | '+' => Glyph::Mark(u8::try_from(character).unwrap_or(b'.')),
        '\u{FF0F}' => Glyph::Mark(b'/'),
        '\u{FF0E}' => Glyph::Mark(b'.'),
        ';' | ',' | '|' => Glyph::Cell,
        '"' | '\'' => Glyph::CellQuote,
        '\u{AD}'
        | '\u{34F}'
        | '\u{61C}'
        | '\u{180E}'
        | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{2069}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}' => Glyph::Invisible,
        _ => return None,
    })
}

fn value(digit: char, zero: char) -> u8 {
    u8::try_from(u32::from(digit) - u32::from(zero)).unwrap_or(0)
}

/// The character at the start of `text`, with its length in bytes; one byte is always taken when there is one. What
/// begins like an escape and is none stands for itself. A byte that is not UTF-8 is read as Windows-1252.
pub fn character(text: &[u8]) -> Option<(char, usize)> {
    let first = *text.first()?;
    let escaped = match first {
        b'&' => entity::reference(text),
        b'%' | b'=' => hex_escapes(text, first),
        b'\\' => backslash(text),
        _ => None,
    };
    Some(escaped.unwrap_or_else(|| plain(text, first)))
}

fn plain(text: &[u8], first: u8) -> (char, usize) {
    if first.is_ascii() {
        return (char::from(first), 1);
    }
    match utf8(text) {
        Some(character) => (character, character.len_utf8()),
        None => (windows_1252(first), 1),
    }
}

/// The first character of `text`, if it is UTF-8 of two bytes or more.
fn utf8(text: &[u8]) -> Option<char> {
    let length = match text.first()? {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return None,
    };
    std::str::from_utf8(text.get(..length)?).ok()?.chars().next()
}

/// Of the bytes that Windows-1252 has and Latin-1 has not, the dashes matter here.
fn windows_1252(byte: u8) -> char {
    match byte {
        0x96 => '\u{2013}',
        0x97 => '\u{2014}',
        0x80..=0x9F => '\u{FFFD}',
        _ => char::from(byte),
    }
}

/// `%2D` of a link (RFC 3986 §2.1) or `=2D` of quoted-printable, with all that belong to one character of UTF-8.
fn hex_escapes(text: &[u8], mark: u8) -> Option<(char, usize)> {
    let byte = |nr: usize| -> Option<u8> {
        let [first, high, low] = *text.get(nr * 3..)?.first_chunk()?;
        (first == mark).then_some(())?;
        Some(hex(high)? << 4 | hex(low)?)
    };
    let first = byte(0)?;
    if first.is_ascii() {
        return Some((char::from(first), 3));
    }
    let mut bytes = [first, 0, 0, 0];
    for (nr, slot) in bytes.iter_mut().enumerate().skip(1) {
        *slot = byte(nr).unwrap_or(0);
    }
    Some(match utf8(&bytes) {
        Some(character) => (character, character.len_utf8() * 3),
        None => (windows_1252(first), 3),
    })
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// An escape of JSON and of most programming languages (RFC 8259 §7).
fn backslash(text: &[u8]) -> Option<(char, usize)> {
    // JSON within a string of JSON has each of them twice, and again twice within another.
    let extra = match text {
        [b'\\', b'\\', b'\\', b'\\', ..] => 3,
        [b'\\', b'\\', ..] => 1,
        _ => 0,
    };
    let (character, length) = escape(text.get(extra..)?)?;
    Some((character, extra + length))
}

/// The escape behind one backslash.
fn escape(text: &[u8]) -> Option<(char, usize)> {
    match text.get(1)? {
        b'n' | b'r' => Some(('\n', 2)),
        b't' => Some(('\t', 2)),
        b'/' => Some(('/', 2)),
        b'"' => Some(('"', 2)),
        b'u' | b'U' => {
            let digits = text.get(2..6)?;
            let code = digits.iter().try_fold(0, |code, digit| Some(code << 4 | u32::from(hex(*digit)?)))?;
            Some((char::from_u32(code)?, 6))
        }
        _ => None,
    }
}

/// A tag of HTML or XML, as far as it matters to what is read on both sides of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag<'a> {
    /// Sets letters in another way, or is a comment: nothing is seen.
    Inline,
    /// A line break.
    Break,
    /// The edge of a table's cell.
    Cell,
    /// The edge of a table's row.
    Row,
    /// A field of a form.
    Field,
    /// The edge of another block: a paragraph, a list, a table.
    Block,
    /// An element that is not HTML's, by its name, without its prefix of namespace: a name that a program gave.
    Named(&'a [u8]),
}

impl Tag<'_> {
    fn between_digits(self) -> Option<Glyph> {
        match self {
            Self::Inline => Some(Glyph::Invisible),
            Self::Break => Some(Glyph::Line),
            Self::Cell => Some(Glyph::Cell),
            Self::Row | Self::Field | Self::Block | Self::Named(_) => None,
        }
    }
}

/// The tag or comment at the start of `text`, with its length in bytes; `None` when it does not end within
/// [`LONGEST_TAG`] bytes, or is none.
pub fn tag(text: &[u8]) -> Option<(Tag<'_>, usize)> {
    let text = text.get(..LONGEST_TAG.min(text.len()))?;
    if text.starts_with(b"<!--") {
        // Not looked for beyond the next opening: a row of them must not be read over and over.
        let inside = text.get(4..)?;
        let end = memchr::memmem::find(inside, b"-->")?;
        let opened = memchr::memchr(b'<', inside.get(..end)?);
        return (opened.is_none() || inside.starts_with(b"[if")).then_some((Tag::Inline, 4 + end + 3));
    }
    let end = 1 + next_edge(text.get(1..)?)?;
    if text.get(end) != Some(&b'>') {
        return None;
    }
    let inside = text.get(1..end)?;
    let inside = inside.strip_prefix(b"/").unwrap_or(inside);
    if inside.first().is_some_and(|b| matches!(b, b'!' | b'?')) {
        return Some((Tag::Inline, end + 1));
    }
    let letters = |name: &[u8]| name.first().is_some_and(u8::is_ascii_alphabetic);
    let length = inside.iter().position(|b| b.is_ascii_whitespace() || *b == b'/').unwrap_or(inside.len());
    let name = inside.get(..length).filter(|name| letters(name))?;
    Some((kind_of(name), end + 1))
}

/// Where the next tag begins or ends. Nearly all tags are so short that a search by vectors does not pay.
fn next_edge(text: &[u8]) -> Option<usize> {
    const SHORT: usize = 12;
    let near = text.iter().take(SHORT).position(|byte| matches!(byte, b'<' | b'>'));
    near.or_else(|| Some(SHORT + memchr2(b'<', b'>', text.get(SHORT..)?)?))
}

fn kind_of(name: &[u8]) -> Tag<'_> {
    let mut lower = [0; 12];
    let Some(known) = lower.get_mut(..name.len()) else { return named_tag(name) };
    known.copy_from_slice(name);
    known.make_ascii_lowercase();
    match &*known {
        b"td" | b"th" => Tag::Cell,
        b"tr" => Tag::Row,
        b"br" => Tag::Break,
        b"input" | b"textarea" => Tag::Field,
        b"a" | b"abbr" | b"acronym" | b"b" | b"bdi" | b"bdo" | b"big" | b"blink" | b"cite" | b"code"
        | b"data" | b"del" | b"dfn" | b"em" | b"font" | b"i" | b"img" | b"ins" | b"kbd" | b"label"
        | b"mark" | b"nobr" | b"o:p" | b"q" | b"rp" | b"rt" | b"ruby" | b"s" | b"samp" | b"small"
        | b"span" | b"strike" | b"strong" | b"sub" | b"sup" | b"time" | b"tt" | b"u" | b"var" | b"wbr" => {
            Tag::Inline
        }
        b"address" | b"applet" | b"area" | b"article" | b"aside" | b"base" | b"basefont" | b"blockquote"
        | b"body" | b"button" | b"caption" | b"center" | b"col" | b"colgroup" | b"dd" | b"details"
        | b"dir" | b"div" | b"dl" | b"dt" | b"embed" | b"fieldset" | b"figcaption" | b"figure"
        | b"footer" | b"form" | b"frame" | b"frameset" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6"
        | b"head" | b"header" | b"hr" | b"html" | b"iframe" | b"legend" | b"li" | b"link" | b"main"
        | b"map" | b"menu" | b"meta" | b"nav" | b"noscript" | b"object" | b"ol" | b"optgroup" | b"option"
        | b"p" | b"param" | b"pre" | b"script" | b"section" | b"select" | b"style" | b"summary"
        | b"table" | b"tbody" | b"tfoot" | b"thead" | b"title" | b"ul" => Tag::Block,
        _ => named_tag(name),
    }
}

fn named_tag(name: &[u8]) -> Tag<'_> {
    let local = name.iter().rposition(|b| *b == b':').map_or(0, |colon| colon + 1);
    Tag::Named(name.get(local..).unwrap_or(name))
}

/// The way from the end of one form field's value to the start of the next one's: `"> <input name="b" value="`.
fn field(text: &[u8]) -> Option<usize> {
    let quote = text.first()?;
    let end = 1 + memchr2(b'<', b'>', text.get(1..text.len().min(LONGEST_TAG))?)?;
    if text.get(end) != Some(&b'>') {
        return None;
    }
    let mut at = end + 1;
    loop {
        let rest = text.get(at..)?;
        if let (c, length) = character(rest)?
            && c != '<'
        {
            matches!(between_digits(c)?, Glyph::Blank | Glyph::Line | Glyph::Dash).then_some(())?;
            at += length;
        } else {
            let (tag, length) = tag(rest)?;
            if tag == Tag::Field {
                let value = memchr::memmem::find(rest.get(..length)?, b"value=")? + b"value=".len();
                return (rest.get(value) == Some(quote)).then_some(at + value + 1);
            }
            matches!(tag, Tag::Inline | Tag::Cell).then_some(())?;
            at += length;
        }
        if at > LONGEST_TAG {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_in_every_dress() {
        for (text, expected) in [
            ("-", '-'),
            ("&#45;", '-'),
            ("&#x2011;", '\u{2011}'),
            ("&ndash;", '\u{2013}'),
            ("%2D", '-'),
            ("%E2%80%91", '\u{2011}'),
            ("%F8", 'ø'),
            ("%C3%B8", 'ø'),
            ("=C3=B8", 'ø'),
            ("\\u00f8", 'ø'),
            ("\\n", '\n'),
            ("\\\\u002d", '-'),
            ("\\\\\\\\u002D", '-'),
            ("ø", 'ø'),
            ("&oslash;", 'ø'),
            ("\u{FF10}", '\u{FF10}'),
        ] {
            assert_eq!(character(text.as_bytes()), Some((expected, text.len())), "{text}");
        }
        assert_eq!(character(b"\xF8 "), Some(('ø', 1)));
        assert_eq!(character(b"\x96 "), Some(('\u{2013}', 1)));
        assert_eq!(character(b"&x"), Some(('&', 1)));
        assert_eq!(character(b"%2"), Some(('%', 1)));
        assert_eq!(character(b""), None);
    }

    #[test]
    fn tags_by_what_they_do() {
        for (text, tag) in [
            ("<b>", Tag::Inline),
            ("</SPAN>", Tag::Inline),
            ("<span style=\"x\">", Tag::Inline),
            ("<!-- 1 -->", Tag::Inline),
            ("<![endif]>", Tag::Inline),
            ("<br/>", Tag::Break),
            ("</td>", Tag::Cell),
            ("<TH colspan=2>", Tag::Cell),
            ("<tr>", Tag::Row),
            ("<p>", Tag::Block),
            ("<input value=\"1\">", Tag::Field),
            ("<cpr:cprNummer>", Tag::Named(b"cprNummer")),
        ] {
            assert_eq!(super::tag(text.as_bytes()), Some((tag, text.len())), "{text}");
        }
        for text in ["<1>", "< b>", "<b", "<b <", "<!-- <!-- -->", ""] {
            assert_eq!(tag(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn from_one_field_to_the_next() {
        let text = b"\"></td>\r\n<td> - <input name=\"b\" value=\"1234\">";
        let (glyph, length) = glyph(text).unwrap();
        assert_eq!(glyph, Glyph::Cell);
        assert_eq!(text.get(length..length + 4), Some(b"1234".as_slice()));
        assert_eq!(super::glyph(b"\"><p>1"), Some((Glyph::CellQuote, 1)));
    }
}
