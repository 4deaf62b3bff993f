use super::super::tests::{compound, told, torment};
use super::*;
use crate::extract::made::excel::{begin, cell};
pub(in crate::extract::ole) use crate::extract::made::excel::{record, workbook};

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
