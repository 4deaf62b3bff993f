//! Writes packages of Office Open XML and of OpenDocument.

use super::archives::archive;

/// A package of Office Open XML with these parts.
pub(crate) fn package(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut files = vec![("[Content_Types].xml", b"<Types/>".as_slice())];
    files.extend(parts.iter().map(|(name, text)| (*name, text.as_bytes())));
    archive(&files)
}

/// The namespace of a text document.
pub(crate) const W: &str = "xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'";

/// A text document with this body.
pub(crate) fn docx(body: &str) -> Vec<u8> {
    package(&[("word/document.xml", &format!("<w:document {W}><w:body>{body}</w:body></w:document>"))])
}

/// The parts of a workbook of two sheets, one of them hidden, but for the sheets.
pub(crate) const BOOK: [(&str, &str); 4] = [
    (
        "xl/workbook.xml",
        "<workbook><sheets><sheet name='Skjult' sheetId='2' state='hidden' r:id='r2'/><sheet name='Personer' sheetId='1' r:id='r1'/></sheets><definedNames><definedName name='a'>\"150379-1028\"</definedName></definedNames></workbook>",
    ),
    (
        "xl/_rels/workbook.xml.rels",
        "<Relationships><Relationship Id='r1' Target='worksheets/sheet1.xml'/><Relationship Id='r2' Target='/xl/worksheets/sheet2.xml'/></Relationships>",
    ),
    (
        "xl/sharedStrings.xml",
        "<sst><si><t>Navn</t></si><si><r><t>CP</t></r><r><t>R-nr.</t></r><rPh><t>x</t></rPh></si><si><t>glemt 010190-1234</t></si></sst>",
    ),
    (
        "xl/styles.xml",
        "<styleSheet><numFmts><numFmt numFmtId='164' formatCode='000000\\-0000'/><numFmt numFmtId='165' formatCode='&quot;010190-1234&quot;'/></numFmts><cellStyleXfs><xf numFmtId='1'/></cellStyleXfs><cellXfs><xf numFmtId='0'/><xf numFmtId='164'/><xf numFmtId='14'/></cellXfs></styleSheet>",
    ),
];

/// A presentation of two slides, with text in every place.
pub(crate) fn presentation() -> Vec<u8> {
    let slide = |text: &str| {
        format!(
            "<p:sld><p:sp><p:nvSpPr><p:cNvPr id='1' name='Titel 1' descr='alt {text}'/></p:nvSpPr><p:txBody><a:p><a:r><a:t>1503</a:t></a:r><a:r><a:t>79-1028 {text}</a:t></a:r><a:br/><a:fld><a:t>felt</a:t></a:fld></a:p></p:txBody></p:sp><p:graphicFrame><a:tbl><a:tr><a:tc><a:txBody><a:p><a:r><a:t>CPR</a:t></a:r></a:p></a:txBody></a:tc><a:tc gridSpan='2'><a:txBody><a:p><a:r><a:t>2</a:t></a:r></a:p></a:txBody></a:tc></a:tr></a:tbl></p:graphicFrame></p:sld>"
        )
    };
    package(&[
        ("ppt/slides/slide1.xml", &slide("sidst")),
        ("ppt/slides/slide2.xml", &slide("først")),
        (
            "ppt/slides/_rels/slide2.xml.rels",
            "<Relationships><Relationship Id='r1' Target='../notesSlides/n.xml'/></Relationships>",
        ),
        ("ppt/notesSlides/n.xml", "<p:notes><a:p><a:r><a:t>note 150379-1028</a:t></a:r></a:p></p:notes>"),
        (
            "ppt/presentation.xml",
            "<p:presentation><p:sldIdLst><p:sldId id='257' r:id='r2'/><p:sldId r:id='r1' id='256'/></p:sldIdLst></p:presentation>",
        ),
        (
            "ppt/_rels/presentation.xml.rels",
            "<Relationships><Relationship Id='r1' Target='slides/slide1.xml'/><Relationship Id='r2' Target='slides/slide2.xml'/></Relationships>",
        ),
        ("ppt/comments/c.xml", "<p:cmLst><p:cm><p:text>kommentar 150379-1028</p:text></p:cm></p:cmLst>"),
        (
            "ppt/slideMasters/m.xml",
            "<p:sldMaster><a:p><a:r><a:t>master 150379-1028</a:t></a:r></a:p></p:sldMaster>",
        ),
        (
            "ppt/diagrams/data1.xml",
            "<dgm:dataModel><a:p><a:r><a:t>diagram 150379-1028</a:t></a:r></a:p></dgm:dataModel>",
        ),
    ])
}

pub(crate) const MANIFEST: &str =
    "<manifest:manifest><manifest:file-entry manifest:full-path='content.xml'/></manifest:manifest>";

/// A package of OpenDocument of this kind with this body.
pub(crate) fn opendocument(kind: &str, body: &str) -> Vec<u8> {
    let content = format!(
        "<office:document-content><office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    );
    archive(&[
        ("mimetype", b"application/vnd.oasis.opendocument.text"),
        ("content.xml", content.as_bytes()),
        ("META-INF/manifest.xml", MANIFEST.as_bytes()),
    ])
}
