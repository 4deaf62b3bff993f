//! Character references of HTML: by number, and the names that mail is written with.

/// The reference at the start of `text`, with its length. Browsers do without the semicolon of a number, and so does this.
pub(super) fn reference(text: &[u8]) -> Option<(char, usize)> {
    let body = text.get(1..12.min(text.len()))?;
    let Some(number) = body.strip_prefix(b"#") else {
        let end = memchr::memchr(b';', body)?;
        return Some((named(body.get(..end)?)?, end + 2));
    };
    let (radix, prefix, digits) = match number.first()? {
        b'x' | b'X' => (16, 3, number.get(1..)?),
        _ => (10, 2, number),
    };
    let length = digits.iter().take_while(|b| char::from(**b).is_digit(radix)).count();
    let code = u32::from_str_radix(std::str::from_utf8(digits.get(..length)?).ok()?, radix).ok()?;
    // Numbers 128 to 159 mean Windows-1252 (HTML Living Standard §13.2.5.84).
    let character = match code {
        0x80..=0x9F => super::windows_1252(u8::try_from(code).ok()?),
        _ => char::from_u32(code)?,
    };
    let semicolon = usize::from(digits.get(length) == Some(&b';'));
    Some((character, prefix + length + semicolon))
}

/// The character of this name: blanks, dashes, and the letters and marks of Danish mail.
pub fn named(name: &[u8]) -> Option<char> {
    const NAMES: &[(&str, char)] = &[
        ("nbsp", '\u{A0}'),
        ("ensp", '\u{2002}'),
        ("emsp", '\u{2003}'),
        ("thinsp", '\u{2009}'),
        ("hairsp", '\u{200A}'),
        ("numsp", '\u{2007}'),
        ("puncsp", '\u{2008}'),
        ("Tab", '\t'),
        ("NewLine", '\n'),
        ("shy", '\u{AD}'),
        ("zwnj", '\u{200C}'),
        ("zwj", '\u{200D}'),
        ("lrm", '\u{200E}'),
        ("rlm", '\u{200F}'),
        ("NoBreak", '\u{2060}'),
        ("ZeroWidthSpace", '\u{200B}'),
        ("hyphen", '\u{2010}'),
        ("dash", '\u{2010}'),
        ("ndash", '\u{2013}'),
        ("mdash", '\u{2014}'),
        ("horbar", '\u{2015}'),
        ("minus", '\u{2212}'),
        ("aelig", 'æ'),
        ("oslash", 'ø'),
        ("aring", 'å'),
        ("AElig", 'Æ'),
        ("Oslash", 'Ø'),
        ("Aring", 'Å'),
        ("eacute", 'é'),
        ("Eacute", 'É'),
        ("ouml", 'ö'),
        ("auml", 'ä'),
        ("uuml", 'ü'),
        ("eth", 'ð'),
        ("oacute", 'ó'),
        ("aacute", 'á'),
        ("amp", '&'),
        ("lt", '<'),
        ("gt", '>'),
        ("quot", '"'),
        ("apos", '\''),
        ("sol", '/'),
        ("period", '.'),
        ("plus", '+'),
        ("lowbar", '_'),
        ("comma", ','),
        ("semi", ';'),
        ("colon", ':'),
        ("num", '#'),
        ("percnt", '%'),
        ("equals", '='),
        ("bull", '\u{2022}'),
        ("middot", '\u{B7}'),
        ("sect", '§'),
    ];
    NAMES.iter().find(|(known, _)| known.as_bytes() == name).map(|(_, character)| *character)
}
