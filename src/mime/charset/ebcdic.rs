//! EBCDIC to UTF-8: the charset of mainframes, in which a digit is 0xF0 to 0xF9. By label, or by its look ([`look`]).
//!
//! Letters without accents and digits stand at the same place in every page; of the rest two pages are known here: 037,
//! and 277 of Denmark and Norway (1142 with a euro). Another page is read as 037, which is wrong in signs only.

use super::super::transfer::Sheet;

/// Which signs stand where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// 277 and 1142.
    Danish,
    /// All others.
    Common,
}

impl Page {
    /// The page of a label in lower case: `ibm037`, `cp037`, `ibm-1142`, `ccsid500`, `ebcdic-dk-no`.
    pub(super) fn of(label: &str) -> Option<Self> {
        const PAGES: [&str; 66] = [
            "37", "256", "273", "274", "275", "277", "278", "280", "281", "282", "284", "285", "290", "297",
            "420", "423", "424", "425", "500", "803", "833", "836", "838", "870", "871", "875", "880", "905",
            "918", "924", "930", "933", "935", "937", "939", "1025", "1026", "1047", "1097", "1112", "1122",
            "1123", "1130", "1132", "1137", "1140", "1141", "1142", "1143", "1144", "1145", "1146", "1147",
            "1148", "1149", "1153", "1154", "1155", "1156", "1157", "1158", "1160", "1364", "1371", "1390",
            "1399",
        ];
        let danish = |is: bool| Some(if is { Self::Danish } else { Self::Common });
        if label.contains("ebcdic") {
            let is = ["dk", "277", "1142", "denmark"].iter().any(|sign| label.contains(sign));
            return danish(is);
        }
        let number = ["csibm", "ibm", "cp", "ccsid"].iter().find_map(|prefix| label.strip_prefix(prefix))?;
        let number = number.trim_start_matches(['-', '_', '0']);
        PAGES.contains(&number).then(|| danish(matches!(number, "277" | "1142")))?
    }

    fn letter(self, byte: u8) -> char {
        let special = DANISH.iter().find(|(place, _)| *place == byte).map(|(_, letter)| *letter);
        match (self, special, byte) {
            (Self::Danish, Some(letter), _) => letter,
            // New line and line feed; and the line feed that transport may have put in.
            (_, _, 0x15 | 0x25 | 0x0a) => '\n',
            (_, _, 0x0d) => '\r',
            (_, _, 0x05) => '\t',
            (_, _, ..0x40) => ' ',
            (_, _, 0x40..) => {
                COMMON.get(usize::from(byte - 0x40)).copied().unwrap_or(char::REPLACEMENT_CHARACTER)
            }
        }
    }

    pub(super) fn feed(self, bytes: &[u8], out: &mut impl FnMut(&[u8])) {
        let mut buffer = [0; 512];
        let mut sheet = Sheet::new(&mut buffer, out);
        let mut four = [0; 4];
        for byte in bytes {
            sheet.write(self.letter(*byte).encode_utf8(&mut four).as_bytes());
        }
        sheet.flush();
    }
}

/// Whether bytes that nothing calls EBCDIC are: no blank of ASCII, hardly a byte that is not a letter, digit or sign of
/// it, and not UTF-8. Text of another 8-bit charset that looks so by chance loses nothing: it is read both ways.
pub(super) fn look(head: &[u8]) -> bool {
    if head.len() < 8 || memchr::memchr2(b' ', 0, head).is_some() {
        return false;
    }
    let (mut letters, mut others) = (0, 0);
    for byte in head {
        match byte {
            0x81..=0x89
            | 0x91..=0x99
            | 0xa2..=0xa9
            | 0xc1..=0xc9
            | 0xd1..=0xd9
            | 0xe2..=0xe9
            | 0xf0..=0xf9 => {
                letters += 1;
            }
            0x40 | 0x4b | 0x4d | 0x5d | 0x5e | 0x60 | 0x61 | 0x6b | 0x7a | 0x15 | 0x25 | 0x0d | 0x0a => {}
            _ => others += 1,
        }
    }
    letters * 2 >= head.len() && others * 10 <= head.len() && std::str::from_utf8(head).is_err()
}

/// Page 037 from 0x40 on.
#[rustfmt::skip]
const COMMON: [char; 192] = [
    ' ', '\u{a0}', 'â', 'ä', 'à', 'á', 'ã', 'å', 'ç', 'ñ', '¢', '.', '<', '(', '+', '|',
    '&', 'é', 'ê', 'ë', 'è', 'í', 'î', 'ï', 'ì', 'ß', '!', '$', '*', ')', ';', '¬',
    '-', '/', 'Â', 'Ä', 'À', 'Á', 'Ã', 'Å', 'Ç', 'Ñ', '¦', ',', '%', '_', '>', '?',
    'ø', 'É', 'Ê', 'Ë', 'È', 'Í', 'Î', 'Ï', 'Ì', '`', ':', '#', '@', '\'', '=', '"',
    'Ø', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', '«', '»', 'ð', 'ý', 'þ', '±',
    '°', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 'ª', 'º', 'æ', '¸', 'Æ', '¤',
    'µ', '~', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', '¡', '¿', 'Ð', 'Ý', 'Þ', '®',
    '^', '£', '¥', '·', '©', '§', '¶', '¼', '½', '¾', '[', ']', '¯', '¨', '´', '×',
    '{', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', '\u{ad}', 'ô', 'ö', 'ò', 'ó', 'õ',
    '}', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R', '¹', 'û', 'ü', 'ù', 'ú', 'ÿ',
    '\\', '÷', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', '²', 'Ô', 'Ö', 'Ò', 'Ó', 'Õ',
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '³', 'Û', 'Ü', 'Ù', 'Ú', '\u{9f}',
];

/// Where page 277 differs.
const DANISH: [(u8, char); 22] = [
    (0x47, '}'),
    (0x4a, '#'),
    (0x4f, '!'),
    (0x5a, '¤'),
    (0x5b, 'Å'),
    (0x5f, '^'),
    (0x67, '$'),
    (0x6a, 'ø'),
    (0x70, '¦'),
    (0x7b, 'Æ'),
    (0x7c, 'Ø'),
    (0x80, '@'),
    (0x9c, '{'),
    (0x9e, '['),
    (0x9f, ']'),
    (0xa1, 'ü'),
    (0xb0, '¢'),
    (0xba, '¬'),
    (0xbb, '|'),
    (0xc0, 'æ'),
    (0xd0, 'å'),
    (0xdc, '~'),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_danish() {
        let read = |page: Page, bytes: &[u8]| {
            let mut out = Vec::new();
            page.feed(bytes, &mut |made| out.extend_from_slice(made));
            String::from_utf8(out).unwrap()
        };
        let text =
            b"\xc3\xd7\xd9\x60\x95\x99\x4b\x40\xf1\xf5\xf0\xf3\xf7\xf9\x60\xf1\xf0\xf2\xf8\x15\xc0\x6a\xd0";
        assert_eq!(read(Page::Danish, text), "CPR-nr. 150379-1028\n\u{e6}\u{f8}\u{e5}");
        assert_eq!(read(Page::Common, &text[..19]), "CPR-nr. 150379-1028");
    }

    #[test]
    fn looks() {
        assert!(look(b"\xc3\xd7\xd9\x60\x95\x99\x4b\x40\xf1\xf5\xf0\xf3\xf7\xf9\x60\xf1\xf0\xf2\xf8\x15"));
        for text in ["navn;cpr", "K\u{e6}re\u{e6}\u{f8}\u{e5}", "Hej Bo, hvordan", ""] {
            assert!(!look(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn knows_labels() {
        for label in ["ibm037", "cp37", "ibm-500", "ccsid1047", "ebcdic-us", "csibm285"] {
            assert_eq!(Page::of(label), Some(Page::Common), "{label}");
        }
        for label in ["ibm277", "ibm1142", "cp01142", "ebcdic-dk-no", "x-ebcdic-denmarknorway"] {
            assert_eq!(Page::of(label), Some(Page::Danish), "{label}");
        }
        for label in ["cp1252", "ibm850", "cp437", "ibm", "utf-8"] {
            assert_eq!(Page::of(label), None, "{label}");
        }
    }
}
