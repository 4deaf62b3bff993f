//! Documents in one XML file, made by hand.

use super::*;
use crate::extract::content::Unread;
use crate::extract::ole::tests::{told as tell, torment};
use crate::extract::open::forms;
use crate::extract::{Claim, Nature, sniff};

fn told(xml: &str) -> (String, Vec<Unread>) {
    for main in ["text", "application"] {
        let nature = sniff(&xml.as_bytes()[..xml.len().min(HEAD)], Claim { main, sub: "xml" });
        assert_eq!(nature, Nature::Document("flat-xml"), "{xml}");
    }
    let wide: Vec<u8> =
        "\u{FEFF}".encode_utf16().chain(xml.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let all = tell(xml.as_bytes(), forms);
    assert_eq!(tell(&wide, forms).0, all.0);
    all
}

const ODF: &str = "xmlns:office='urn:oasis:names:tc:opendocument:xmlns:office:1.0'";

#[test]
fn a_flat_opendocument_is_read_as_one() {
    // Names that a document declares fill more than its first bytes.
    let names = format!("xmlns:x='{}' ", "x".repeat(2000));
    for names in ["", &names] {
        let (text, unread) = told(&format!(
            "<?xml version='1.0'?>\n<office:document {names}{ODF}><office:meta><dc:title>titel 010190-1234</dc:title></office:meta>\
             <office:automatic-styles><style:style style:name='T1'><style:text-properties text:display='none'/></style:style></office:automatic-styles>\
             <office:body><office:text><text:p>CPR-nr. 1503<text:span>79</text:span><text:span text:style-name='T1'>99</text:span>-1028</text:p>\
             <text:p><draw:frame><draw:image><office:binary-data>aGVq\n  IDE1MDM3OS0xMDI5</office:binary-data></draw:image></draw:frame></text:p></office:text></office:body></office:document>"
        ));
        for line in ["CPR-nr. 150379-1028", "CPR-nr. 15037999-1028", "titel 010190-1234"] {
            assert!(text.lines().any(|one| one == line), "{line} in {text}");
        }
        assert!(text.contains("<object>hej 150379-1029"), "{text}");
        assert_eq!(unread, []);
    }
}

#[test]
fn a_flat_sheet_has_its_rows() {
    let (text, _) = told(&format!(
        "<office:document {ODF}><office:body><office:spreadsheet><table:table table:name='A'><table:table-row><table:table-cell><text:p>CPR</text:p></table:table-cell><table:table-cell office:value='1503791028'><text:p>1,5E9</text:p></table:table-cell></table:table-row></table:table></office:spreadsheet></office:body></office:document>"
    ));
    assert!(text.contains("CPR\t1503791028\n"), "{text}");
}

#[test]
fn word_of_2003_is_read_as_word() {
    let (text, unread) = told(
        "<?xml version='1.0'?><?mso-application progid='Word.Document'?><w:wordDocument xmlns:w='http://schemas.microsoft.com/office/word/2003/wordml'>\
         <w:binData w:name='a.png'>MTUwMzc5LTEwMjk=</w:binData><w:body><w:p><w:pPr><w:sectPr><w:hdr><w:p><w:r><w:t>hoved 010190-1234</w:t></w:r></w:p></w:hdr></w:sectPr></w:pPr>\
         <w:r><w:t>1503</w:t></w:r><aml:annotation w:type='Word.Deletion'><aml:content><w:r><w:delText>99</w:delText></w:r></aml:content></aml:annotation>\
         <aml:annotation w:type='Word.Comment'><aml:content><w:p><w:r><w:t>note</w:t></w:r></w:p></aml:content></aml:annotation><w:r><w:rPr><w:vanish/></w:rPr><w:t>88</w:t></w:r><w:r><w:t>79-1028</w:t></w:r></w:p></w:body></w:wordDocument>",
    );
    for line in ["150379-1028", "1503998879-1028", "hoved 010190-1234", "note"] {
        assert!(text.lines().any(|one| one == line), "{line} in {text}");
    }
    assert!(text.contains("<object>150379-1029"), "{text}");
    assert_eq!(unread, []);
}

#[test]
fn a_flat_package_is_read_as_one() {
    let part = |name: &str, what: &str| format!("<pkg:part pkg:name='{name}'>{what}</pkg:part>");
    let xml = format!(
        "<?xml version='1.0'?><pkg:package xmlns:pkg='http://schemas.microsoft.com/office/2006/xmlPackage'>{}{}{}{}</pkg:package>",
        part("/_rels/.rels", "<pkg:xmlData><Relationships/></pkg:xmlData>"),
        part(
            "/word/document.xml",
            "<pkg:xmlData><w:document><w:p><w:r><w:t>1503</w:t></w:r><w:r><w:t>79-1028</w:t></w:r></w:p></w:document></pkg:xmlData>"
        ),
        part("/word/media/a.bin", "<pkg:binaryData>MTUwMzc5LTEwMjk=</pkg:binaryData>"),
        part("/word/media/a.bin", "<pkg:binaryData>MTUwMzc5LTEwMzA=</pkg:binaryData>"),
    );
    let (text, unread) = told(&xml);
    for piece in ["150379-1028\n", "<word/media/a.bin>150379-1029", "<word/media/a.bin>150379-1030"] {
        assert!(text.contains(piece), "{piece} in {text}");
    }
    assert_eq!(unread, []);
    torment(xml.as_bytes(), read);
}

#[test]
fn a_package_of_more_parts_than_any_has_is_a_limit() {
    let part = "<pkg:part pkg:name='/a'><pkg:xmlData><a/></pkg:xmlData></pkg:part>".repeat(MOST_FILES + 1);
    let xml = format!(
        "<pkg:package xmlns:pkg='http://schemas.microsoft.com/office/2006/xmlPackage'>{part}</pkg:package>"
    );
    assert_eq!(tell(xml.as_bytes(), read).1, [Unread::TooMany]);
}

#[test]
fn texts_of_drawings_are_joined() {
    let (text, unread) = told(
        "<svg xmlns='http://www.w3.org/2000/svg'><text>CPR-nr. 1503<tspan fill='red'>79-</tspan><tspan>1028</tspan></text><text>hel 010190-1234</text><text><tspan x='1'>150379-</tspan>\n <tspan x='9'>1029</tspan></text></svg>",
    );
    for line in ["CPR-nr. 150379-1028", "150379-1029", "150379-"] {
        assert!(text.lines().any(|one| one == line), "{line} in {text}");
    }
    assert_eq!((text.matches("010190-1234").count(), unread.as_slice()), (1, &[][..]));
}

#[test]
fn other_xml_stays_text_or_is_told_as_it_is() {
    for xml in [
        "<html><head>",
        "<document>150379-1028</document>",
        "<package xmlns='http://www.idpf.org/2007/opf'>",
        "<?xml version='1.0'?><a:document xmlns:a='b'>",
        "<",
        "",
        "< a",
    ] {
        assert_eq!(sniff(xml.as_bytes(), Claim { main: "text", sub: "xml" }), Nature::Text, "{xml}");
    }
    let (text, unread) =
        told(&format!("<?xml version='1.0'?><!-- {} --><a>150379-1028</a>", "x".repeat(3000)));
    assert!(text.ends_with("<a>150379-1028</a>"));
    assert_eq!(unread, []);
    let (text, unread) = told(&format!("<office:document {ODF}><text:p>1503<text:span>79-1028"));
    assert!(text.starts_with("150379-1028\n") && text.contains("<text:p>1503"), "{text}");
    assert_eq!(unread, [Unread::Damaged]);
    torment(
        format!("<?xml?><office:document {ODF}><text:p>1<text:change text:change-id='a'/>").as_bytes(),
        read,
    );
}
