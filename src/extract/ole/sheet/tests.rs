use super::super::tests::{compound, told, torment};
use super::*;

pub(in crate::extract::ole) fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    let size = u16::try_from(data.len()).unwrap();
    [&kind.to_le_bytes()[..], &size.to_le_bytes(), data].concat()
}

/// A text of letters of one byte, with its length in two.
fn long(text: &str) -> Vec<u8> {
    let bytes: Vec<u8> = text.chars().map(|letter| u8::try_from(letter).unwrap()).collect();
    [&u16::try_from(bytes.len()).unwrap().to_le_bytes()[..], &[0], &bytes].concat()
}

fn cell(row: u16, column: u16, look: u16, rest: &[u8]) -> Vec<u8> {
    [&row.to_le_bytes()[..], &column.to_le_bytes(), &look.to_le_bytes(), rest].concat()
}

fn number(row: u16, column: u16, look: u16, number: f64) -> Vec<u8> {
    record(0x203, &cell(row, column, look, &number.to_le_bytes()))
}

fn begin(version: u16, kind: u16) -> Vec<u8> {
    record(0x809, &[&version.to_le_bytes()[..], &kind.to_le_bytes(), &[0; 12]].concat())
}

/// A workbook of one hidden sheet with something at each place.
pub(in crate::extract::ole) fn workbook() -> Vec<u8> {
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

const TOLD: &str = "Løn\nNavn\tCPR-nr.\nAnna Berg\t150379-1028\n\t010190-1234\n\t150379-1028\n\t015117-9102\t7\n\
\t150379-1029\n";

#[test]
fn cells_are_told_in_rows_as_they_are_shown_and_then_the_rest() {
    let file = compound(&[("Workbook", &workbook())]);
    let (text, unread) = told(&file, crate::extract::ole::read);
    assert!(text.starts_with(TOLD), "{text}");
    for piece in
        ["\thoved 150379-1031\n", "150379-1032\n", "http://x/010190-1234", "150379\n", &"\t".repeat(255)]
    {
        assert!(text.contains(piece), "{piece} in {text}");
    }
    assert_eq!(unread, []);
    torment(&file, crate::extract::ole::read);
}

#[test]
fn texts_of_excel_5_are_of_its_charset() {
    let text = |text: &[u8]| [&u16::try_from(text.len()).unwrap().to_le_bytes()[..], text].concat();
    let book = [
        begin(0x500, 5),
        record(0x42, &1252_u16.to_le_bytes()),
        record(0x0A, b""),
        begin(0x500, 0x10),
        record(0x204, &cell(0, 0, 0, &text(b"l\xF8n"))),
        record(0xD6, &cell(0, 1, 0, &text(b"150379-1028"))),
        record(0x1C, &cell(0, 1, 11, b"010190-1234")),
        record(0x0A, b""),
    ]
    .concat();
    let (text, unread) = told(&compound(&[("Book", &book)]), crate::extract::ole::read);
    assert_eq!((text.as_str(), unread.len()), ("løn\t150379-1028\n010190-1234\n", 0));
}

#[test]
fn a_password_is_said_and_the_one_that_everybody_knows_is_tried() {
    // XOR with a key and the sum of a password: of another one, and of Excel's own.
    let locked = |verifier: u16| {
        let pass = [&[0, 0][..], &0x1234_u16.to_le_bytes(), &verifier.to_le_bytes()].concat();
        let book = workbook();
        let (begin, rest) = book.split_at(20);
        compound(&[("Workbook", &[begin, &record(FILEPASS, &pass), rest].concat())])
    };
    assert_eq!(told(&locked(1), crate::extract::ole::read).1, [Unread::Password]);
}
