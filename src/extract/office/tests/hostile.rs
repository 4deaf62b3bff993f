//! Packages that are broken, or meant to break what reads them.

use super::*;

#[test]
fn what_breaks_is_read_as_far_as_it_goes_and_as_it_stands() {
    let told = told(&package(&[(
        "word/document.xml",
        "<w:document><w:p><w:r><w:t>150379-1028</w:t></w:r></w:p><w:p><w:r><w:t>010190-1234</w:t></w:r><w:r ",
    )]));
    assert_eq!(told.unread, [Unread::Damaged]);
    assert!(told.has_line("[1]150379-1028") && told.has_line("[2]010190-1234"), "{}", told.text);
    assert!(told.text.contains("{word/document.xml}<w:document>"));
}

#[test]
fn parts_in_utf_16_are_read() {
    let xml = "<?xml version='1.0' encoding='UTF-16'?><w:document><w:p><w:r><w:t>150379-1028 ø</w:t></w:r></w:p></w:document>";
    for mark in ["", "\u{FEFF}"] {
        let text = format!("{mark}{xml}");
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let told = told(&archive(&[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", &wide)]));
        assert_eq!((told.text.trim(), told.unread.as_slice()), ("[1]150379-1028 ø", [].as_slice()));
    }
}

#[test]
fn entities_do_not_unfold() {
    let mut bomb = String::from("<!DOCTYPE w [<!ENTITY l0 \"lol\">");
    for nr in 1..20 {
        write!(bomb, "<!ENTITY l{nr} \"{}\">", format!("&l{};", nr - 1).repeat(10)).unwrap();
    }
    bomb.push_str("]><w:document><w:p><w:r><w:t>150379-&l19;1028</w:t></w:r></w:p></w:document>");
    let told = told(&package(&[("word/document.xml", &bomb)]));
    assert_eq!(told.unread, [Unread::Damaged]);
    assert!(told.text.len() < 10_000 && told.text.contains("lol"));
}

#[test]
fn what_unfolds_beyond_measure_is_a_limit() {
    // Spaces between elements tell nothing, and cost all the same.
    let bomb = format!("<w:document>{}</w:document>", " ".repeat(12 * 1024 * 1024));
    let told = told(&package(&[("word/document.xml", &bomb), ("word/footnotes.xml", "<w:footnotes/>")]));
    assert_eq!(told.unread, [Unread::TooCompressed]);
}

#[test]
fn a_text_that_many_cells_share_is_a_limit() {
    let long = "x".repeat(30_000);
    let strings = format!("<sst><si><t>{long}</t></si></sst>");
    let cells = format!("<worksheet>{}</worksheet>", "<c t='s'><v>0</v></c>".repeat(4000));
    let told = told(&package(&[("xl/sharedStrings.xml", &strings), ("xl/worksheets/sheet1.xml", &cells)]));
    assert_eq!(told.unread.len(), 1, "{:?}", told.unread);
    assert!(matches!(told.unread.first(), Some(Unread::TooLarge | Unread::TooCompressed)));
}

#[test]
fn elements_in_elements_without_end_are_no_recursion() {
    let deep = "<w:p><w:tbl><w:tr><w:tc><w:txbxContent>".repeat(20_000);
    let told = told(&docx(&deep));
    assert!(told.unread.contains(&Unread::Damaged));
    let ends = "</a>".repeat(100_000);
    assert!(super::told(&docx(&ends)).unread.contains(&Unread::Damaged));
}

#[test]
fn an_archive_that_is_no_document_is_told_file_by_file() {
    let told = told(&archive(&[("content.xml", b"<a/>"), ("b.txt", b"150379-1028")]));
    assert_eq!(told.text.trim(), "{content.xml}<a/>\n{b.txt}150379-1028");
}

#[test]
fn a_document_cut_anywhere_or_with_a_byte_changed_breaks_nothing() {
    let whole = docx("<w:tbl><w:tr><w:tc><w:p><w:r><w:t>150379-1028</w:t></w:r></w:p></w:tc></w:tr></w:tbl>");
    for end in 0..whole.len() {
        told(&whole[..end]);
    }
    for at in 0..whole.len() {
        let mut other = whole.clone();
        other[at] ^= 0x55;
        told(&other);
    }
    let xml = "<w:document><w:p><w:ins><w:r><w:t>1&amp;2</w:t><w:fldChar/></w:r></w:ins></w:p><mc:Choice/><mc:Fallback><w:p/></mc:Fallback></w:document>";
    for end in 0..xml.len() {
        told(&package(&[("word/document.xml", xml.get(..end).unwrap())]));
    }
    let sheet = "<worksheet><row r='1'><c r='A1' t='s' s='1'><f>\"1\"</f><v>0</v></c></row><oddHeader>&amp;L&amp;\"a</oddHeader></worksheet>";
    for end in 0..sheet.len() {
        told(&package(&[
            ("xl/worksheets/sheet1.xml", sheet.get(..end).unwrap()),
            ("xl/sharedStrings.xml", sheet.get(..end).unwrap()),
        ]));
    }
}

#[test]
fn more_files_than_any_document_has_are_a_limit() {
    let names: Vec<String> = (0..20_001).map(|nr| nr.to_string()).collect();
    let mut files = vec![("[Content_Types].xml", b"<Types/>".as_slice())];
    files.extend(names.iter().map(|name| (name.as_str(), b"".as_slice())));
    assert_eq!(told(&archive(&files)).unread, [Unread::TooMany]);
}

#[test]
fn only_what_says_nothing_is_not_told() {
    let told = told(&archive(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("word/fonts/font1.odttf", b"\x8A\x01\0\x02 150379-1028"),
        ("word/fonts/font2.odttf", b"150379-1028"),
        ("word/fonts/font3.odttf", b"PK\x03\x04\0"),
        ("word/media/true.txt", b"true 150379-1028"),
        ("word/150379-1028.xml", b"<w:hdr/>"),
    ]));
    assert!(!told.text.contains("font1"), "{}", told.text);
    for line in [
        "{word/fonts/font2.odttf}150379-1028",
        "{word/media/true.txt}true 150379-1028",
        "word/150379-1028.xml",
    ] {
        assert!(told.has_line(line), "{line} in {}", told.text);
    }
    assert!(told.text.contains("{word/fonts/font3.odttf}"));
}
