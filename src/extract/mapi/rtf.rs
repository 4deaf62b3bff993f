//! Packed rich text (MS-OXRTFCP): references into the last 4,096 bytes, which begin with a text that both sides know.

use crate::extract::bytes::{size_at, u32_at};

const WINDOW: usize = 4096;
/// What stands in the window at first.
const KNOWN: &[u8] =
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \
\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \
\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

/// Unpacks it, as far as it goes and to no more than `most` bytes; `None` when it is something else. Its checksum is not
/// looked at, as Outlook does not.
pub(in crate::extract) fn unpack(packed: &[u8], most: usize) -> Option<Vec<u8>> {
    const PLAIN: u32 = 0x414C_454D;
    const PACKED: u32 = 0x7546_5A4C;
    let size = size_at(packed, 4)?.min(most);
    let mut bytes = packed.get(16..)?;
    match u32_at(packed, 8)? {
        PLAIN => return Some(bytes.get(..size).unwrap_or(bytes).to_vec()),
        PACKED => {}
        _ => return None,
    }
    let mut window = [0_u8; WINDOW];
    window.get_mut(..KNOWN.len())?.copy_from_slice(KNOWN);
    let mut end = KNOWN.len();
    let mut out = Vec::new();
    let mut put = |byte: u8, window: &mut [u8; WINDOW], end: &mut usize| {
        if let Some(slot) = window.get_mut(*end) {
            *slot = byte;
        }
        *end = (*end + 1) % WINDOW;
        out.push(byte);
        out.len() < most
    };
    'all: while let Some((control, rest)) = bytes.split_first() {
        bytes = rest;
        for bit in 0..8 {
            if control >> bit & 1 == 0 {
                let Some((byte, rest)) = bytes.split_first() else { break 'all };
                bytes = rest;
                if !put(*byte, &mut window, &mut end) {
                    break 'all;
                }
                continue;
            }
            let Some(([high, low], rest)) = bytes.split_first_chunk() else { break 'all };
            bytes = rest;
            let from = usize::from(*high) << 4 | usize::from(low >> 4);
            if from == end {
                break 'all;
            }
            for nr in 0..usize::from(low & 0xF) + 2 {
                let byte = window.get((from + nr) % WINDOW).copied().unwrap_or_default();
                if !put(byte, &mut window, &mut end) {
                    break 'all;
                }
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_packed_is_unpacked() {
        let text =
            "{\\rtf1\\ansi\\fromtext CPR-nr. 150379-1028\\par CPR-nr. 150379-1028\\par ".repeat(200) + "}";
        let packed = compressed_rtf::compress_rtf(&text).unwrap();
        assert_eq!(unpack(&packed, usize::MAX).unwrap(), text.as_bytes());
        assert_eq!(unpack(&packed, 10).unwrap(), b"{\\rtf1\\ans");
        for cut in 0..packed.len() {
            unpack(&packed[..cut], 1 << 20);
        }
        let plain = [&[0; 4][..], &3_u32.to_le_bytes(), b"MELA\0\0\0\0abcdef"].concat();
        assert_eq!(unpack(&plain, 100).unwrap(), b"abc");
        assert_eq!(unpack(b"something else, and longer", 100), None);
    }
}
