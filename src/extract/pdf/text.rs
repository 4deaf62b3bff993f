//! Text strings of PDF (ISO 32000-2 §7.9.2.2): UTF-16 or UTF-8 behind a mark, else PDFDocEncoding.

/// What a text string says; `None` when it is bytes of something else.
pub(super) fn decode(bytes: &[u8]) -> Option<String> {
    let wide = |rest: &[u8], of: fn([u8; 2]) -> u16| {
        let (units, _) = rest.as_chunks::<2>();
        let units: Vec<u16> = units.iter().map(|unit| of(*unit)).collect();
        String::from_utf16_lossy(&units)
    };
    let text = match bytes {
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        // Against the standard, and common.
        _ if !bytes.is_ascii() && std::str::from_utf8(bytes).is_ok() => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        _ => bytes.iter().map(|byte| letter(*byte)).collect(),
    };
    // Languages are marked by escapes (§7.9.2.2.2): ESC, two or four letters, ESC.
    let text = if text.contains('\u{1B}') {
        text.split('\u{1B}').enumerate().filter(|(nr, _)| nr % 2 == 0).map(|(_, piece)| piece).collect()
    } else {
        text
    };
    let strange = text.chars().filter(|letter| letter.is_control() && !letter.is_whitespace()).count();
    (!text.trim().is_empty() && strange * 8 <= text.chars().count()).then_some(text)
}

/// A letter of PDFDocEncoding (ISO 32000-2 annex D.3).
fn letter(byte: u8) -> char {
    const ACCENTS: [char; 8] = ['˘', 'ˇ', 'ˆ', '˙', '˝', '˛', '˚', '˜'];
    const HIGH: [char; 33] = [
        '•', '†', '‡', '…', '—', '–', 'ƒ', '⁄', '‹', '›', '−', '‰', '„', '“', '”', '‘', '’', '‚', '™', 'ﬁ',
        'ﬂ', 'Ł', 'Œ', 'Š', 'Ÿ', 'Ž', 'ı', 'ł', 'œ', 'š', 'ž', '\u{FFFD}', '€',
    ];
    let of = |table: &[char], from: u8| table.get(usize::from(byte - from)).copied().unwrap_or('\u{FFFD}');
    match byte {
        0x18..=0x1F if byte != 0x1B => of(&ACCENTS, 0x18),
        0x80..=0xA0 => of(&HIGH, 0x80),
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read_in_each_encoding() {
        assert_eq!(decode(b"\xFE\xFF\0L\0\xF8\0n").as_deref(), Some("Løn"));
        assert_eq!(decode(b"\xFF\xFEL\0\xF8\0n\0").as_deref(), Some("Løn"));
        assert_eq!(decode("\u{FEFF}Løn".as_bytes()).as_deref(), Some("Løn"));
        assert_eq!(decode(b"L\xF8n 150379\x851028").as_deref(), Some("Løn 150379–1028"));
        assert_eq!(decode(b"\xFE\xFF\0\x1B\0d\0a\0\x1B\0A").as_deref(), Some("A"));
        assert_eq!((decode(b"\x01\x02\x03\x04\x05"), decode(b"  "), decode(b"\xFE\xFF")), (None, None, None));
    }
}
