//! Writes a document of Word until 2003 by hand.

use super::compound;

/// A text of two pieces, letters of one byte and of two, with a table and a footnote.
pub(crate) fn document(flags: u16) -> Vec<u8> {
    let first = b"Navn\x07CPR-nr.\x07\x07\x07Anna\rBerg\x07\x07l\xF8n 1503".as_slice();
    let second = "79\u{1E}1028\u{1F}.\r\u{13} HYPERLINK \"x?010190-1234\" \u{14}150379\u{15}-1029\rskjult\rnote 150379-1030\r";
    let note = "note 150379-1030\r".len();
    let letters = u32::try_from(first.len() + second.chars().count()).unwrap();
    let mut stream = vec![0; 0x400];
    stream.extend_from_slice(first);
    let wide_at = u32::try_from(stream.len()).unwrap();
    stream.extend(second.encode_utf16().flat_map(u16::to_le_bytes));
    stream.resize(stream.len().next_multiple_of(512), 0);
    let mut put = |at: usize, bytes: &[u8]| stream[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &0xA5EC_u16.to_le_bytes());
    put(2, &0xC1_u16.to_le_bytes());
    put(0x0A, &flags.to_le_bytes());
    put(0x4C, &(letters - u32::try_from(note).unwrap()).to_le_bytes());
    put(0x50, &u32::try_from(note).unwrap().to_le_bytes());
    // The piece table, behind a structure that nobody needs.
    let mut table = b"\x01\x02\0ab\x02".to_vec();
    table.extend_from_slice(&28_u32.to_le_bytes());
    let count = u32::try_from(first.len()).unwrap();
    table.extend([0, count, letters].iter().flat_map(|at| at.to_le_bytes()));
    for place in [0x4000_0800, wide_at] {
        table.extend_from_slice(&[0, 0]);
        table.extend_from_slice(&place.to_le_bytes());
        table.extend_from_slice(&[0, 0]);
    }
    // The paragraphs: cells, the row's end, a cell with two paragraphs, and text.
    put(0x102, &u32::try_from(table.len()).unwrap().to_le_bytes());
    put(0x106, &12_u32.to_le_bytes());
    let ends = [0x400, 0x40D, 0x40E, 0x419, 0x41A, 0x800];
    table.extend([ends[0], ends[5], 1].iter().flat_map(|one| u32::to_le_bytes(*one)));
    let mut page = vec![0; 512];
    ends.iter()
        .enumerate()
        .for_each(|(nr, end)| page[nr * 4..][..4].copy_from_slice(&u32::to_le_bytes(*end)));
    for (nr, offset) in [200, 210, 200, 210, 0].into_iter().enumerate() {
        page[24 + nr * 13] = offset;
    }
    page[400..407].copy_from_slice(b"\x00\x03\0\0\x16\x24\x01");
    page[420..431].copy_from_slice(b"\x00\x05\0\0\x16\x24\x01\x17\x24\x01\0");
    page[511] = 5;
    put(512, &page);
    put(0x1A2, &0_u32.to_le_bytes());
    compound(&[("WordDocument", &stream), ("0Table", &table)])
}

/// A text of letters of one byte, of which runs from, to and with these changes look otherwise than the rest.
pub(crate) fn with_looks(text: &[u8], looks: &[(usize, usize, &[u8])]) -> Vec<u8> {
    const TEXT: usize = 0x400;
    let size = |size: usize| u32::try_from(size).unwrap().to_le_bytes();
    let mut stream = vec![0; TEXT];
    stream.extend_from_slice(text);
    stream.resize(stream.len().next_multiple_of(512), 0);
    let mut put = |at: usize, bytes: &[u8]| stream[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &0xA5EC_u16.to_le_bytes());
    put(2, &0xC1_u16.to_le_bytes());
    put(0x4C, &size(text.len()));
    let mut table = [&[2][..], &size(16), &size(0), &size(text.len()), &[0, 0]].concat();
    table.extend(0x4000_0000_u32.wrapping_add(u32::try_from(TEXT * 2).unwrap()).to_le_bytes());
    table.extend([0, 0]);
    // The page of how letters look: where runs begin, where the changes of each lie, and the changes.
    put(0xFA, &size(table.len()));
    put(0xFE, &size(12));
    table.extend([size(TEXT), size(TEXT + text.len()), size(1)].concat());
    let mut page = vec![0; 512];
    let mut at = 500;
    for (nr, (from, to, changes)) in looks.iter().enumerate() {
        // A run for what stands before it, and one for itself.
        page[nr * 8 + 4..][..4].copy_from_slice(&size(TEXT + from));
        page[nr * 8 + 8..][..4].copy_from_slice(&size(TEXT + to));
        at -= (changes.len() + 1).next_multiple_of(2);
        page[at] = u8::try_from(changes.len()).unwrap();
        page[at + 1..][..changes.len()].copy_from_slice(changes);
        page[(looks.len() * 2 + 1) * 4 + nr * 2 + 1] = u8::try_from(at / 2).unwrap();
    }
    page[..4].copy_from_slice(&size(TEXT));
    page[511] = u8::try_from(looks.len() * 2).unwrap();
    put(512, &page);
    compound(&[("WordDocument", &stream), ("0Table", &table)])
}
