//! Writes workbooks of Excel until 2003 by hand: records, and a workbook that has something at each place.

/// A record that goes on the one before it.
const CONTINUE: u16 = 0x3C;

pub(crate) fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    let size = u16::try_from(data.len()).unwrap();
    [&kind.to_le_bytes()[..], &size.to_le_bytes(), data].concat()
}

/// A text of letters of one byte, with its length in two.
pub(crate) fn long(text: &str) -> Vec<u8> {
    let bytes: Vec<u8> = text.chars().map(|letter| u8::try_from(letter).unwrap()).collect();
    [&u16::try_from(bytes.len()).unwrap().to_le_bytes()[..], &[0], &bytes].concat()
}

pub(crate) fn cell(row: u16, column: u16, look: u16, rest: &[u8]) -> Vec<u8> {
    [&row.to_le_bytes()[..], &column.to_le_bytes(), &look.to_le_bytes(), rest].concat()
}

fn number(row: u16, column: u16, look: u16, number: f64) -> Vec<u8> {
    record(0x203, &cell(row, column, look, &number.to_le_bytes()))
}

pub(crate) fn begin(version: u16, kind: u16) -> Vec<u8> {
    record(0x809, &[&version.to_le_bytes()[..], &kind.to_le_bytes(), &[0; 12]].concat())
}

/// A workbook of one hidden sheet with something at each place.
pub(crate) fn workbook() -> Vec<u8> {
    let shared = [&[0; 8][..], &long("Navn"), &long("CPR-nr."), b"\x0B\0\x001503"].concat();
    let globals = |at: u32| {
        [
            begin(0x600, 5),
            record(0x41E, &[&[200, 0][..], &long("000000\\-0000")].concat()),
            record(0xE0, &[0; 20]),
            record(0xE0, &[&[0, 0, 200, 0][..], &[0; 16]].concat()),
            record(0x85, &[&at.to_le_bytes()[..], &[1, 0, 3, 0], b"L\xF8n"].concat()),
            record(0xFC, &shared),
            record(CONTINUE, b"\x01\x37\0\x39\0\x2D\0\x31\0\x30\0\x32\0\x38\0"),
            record(0x0A, b""),
        ]
        .concat()
    };
    let at = u32::try_from(globals(0).len()).unwrap();
    let rk = |number: u32| (number << 2 | 2).to_le_bytes();
    let formula =
        [&[0, 0, 0, 0, 0, 0, 0xFF, 0xFF][..], &[0; 8], b"\x17\x06\x00150379\x17\x05\x00-1030"].concat();
    let sheet = [
        begin(0x600, 0x10),
        record(0x14, &long("&L&\"Arial,Bold\"&12hoved 150379-1031")),
        record(0xFD, &cell(0, 1, 0, &1_u32.to_le_bytes())),
        record(0xFD, &cell(0, 0, 0, &0_u32.to_le_bytes())),
        record(0x204, &cell(1, 0, 0, &long("Anna\nBerg"))),
        number(1, 1, 1, 1_503_791_028.0),
        record(0x27E, &cell(2, 1, 1, &rk(101_901_234))),
        record(0xFD, &cell(3, 1, 0, &2_u32.to_le_bytes())),
        record(
            0xBD,
            &[
                &4_u16.to_le_bytes()[..],
                &1_u16.to_le_bytes(),
                &[1, 0],
                &rk(151_179_102),
                &[0, 0],
                &rk(7),
                &[2, 0],
            ]
            .concat(),
        ),
        record(0x06, &cell(5, 1, 0, &formula)),
        record(0x207, &long("150379-1029")),
        record(0x203, &cell(65_535, 65_535, 0, &1_f64.to_le_bytes())),
        record(0x1B6, &[&[0; 10][..], &11_u16.to_le_bytes(), &[0; 6]].concat()),
        record(CONTINUE, b"\x00150379-1032"),
        record(0x1B8, &"http://x/010190-1234".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()),
        record(0x0A, b""),
    ]
    .concat();
    [globals(at), sheet].concat()
}
