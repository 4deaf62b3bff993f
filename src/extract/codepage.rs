//! The charsets of old documents, by the numbers that Windows and RTF gave them.
//!
//! Digits are the same in all of them; names and the words round a number are not. What is unknown is read as
//! windows-1252, which never fails.

use encoding_rs::{self as known, Encoding};

/// The charset with this number of Windows.
pub(super) fn of_number(number: u32) -> &'static Encoding {
    match number {
        874 => known::WINDOWS_874,
        932 | 10001 => known::SHIFT_JIS,
        936 | 10008 => known::GBK,
        949 | 10003 => known::EUC_KR,
        950 | 10002 => known::BIG5,
        866 => known::IBM866,
        1200 => known::UTF_16LE,
        1201 => known::UTF_16BE,
        1250 | 10029 => known::WINDOWS_1250,
        1251 => known::WINDOWS_1251,
        1253 | 10006 => known::WINDOWS_1253,
        1254 | 10081 => known::WINDOWS_1254,
        1255 => known::WINDOWS_1255,
        1256 => known::WINDOWS_1256,
        1257 => known::WINDOWS_1257,
        1258 => known::WINDOWS_1258,
        // 32768 is what BIFF writes for the Macintosh.
        10000 | 32768 => known::MACINTOSH,
        10007 => known::X_MAC_CYRILLIC,
        20866 => known::KOI8_R,
        21866 => known::KOI8_U,
        20932 | 51932 => known::EUC_JP,
        50220..=50222 => known::ISO_2022_JP,
        28592 => known::ISO_8859_2,
        28595 => known::ISO_8859_5,
        28597 => known::ISO_8859_7,
        28605 => known::ISO_8859_15,
        54936 => known::GB18030,
        65001 => known::UTF_8,
        _ => known::WINDOWS_1252,
    }
}

/// The charset of a font, by the number that RTF gives it.
pub(super) fn of_font(charset: i32) -> Option<&'static Encoding> {
    Some(match charset {
        0 => known::WINDOWS_1252,
        77 => known::MACINTOSH,
        128 => known::SHIFT_JIS,
        129 | 130 => known::EUC_KR,
        134 => known::GBK,
        136 => known::BIG5,
        161 => known::WINDOWS_1253,
        162 => known::WINDOWS_1254,
        163 => known::WINDOWS_1258,
        177 => known::WINDOWS_1255,
        178..=180 => known::WINDOWS_1256,
        186 => known::WINDOWS_1257,
        204 => known::WINDOWS_1251,
        222 => known::WINDOWS_874,
        238 => known::WINDOWS_1250,
        _ => return None,
    })
}

/// A text as UTF-8; a mark of byte order in it does not matter.
pub(super) fn decode(charset: &'static Encoding, bytes: &[u8]) -> String {
    charset.decode_without_bom_handling(bytes).0.into_owned()
}
