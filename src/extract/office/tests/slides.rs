//! Presentations of Office Open XML.

use super::*;

#[test]
fn slides_have_their_numbers_and_notes() {
    let slide = |text: &str| {
        format!(
            "<p:sld><p:sp><p:nvSpPr><p:cNvPr id='1' name='Titel 1' descr='alt {text}'/></p:nvSpPr><p:txBody><a:p><a:r><a:t>1503</a:t></a:r><a:r><a:t>79-1028 {text}</a:t></a:r><a:br/><a:fld><a:t>felt</a:t></a:fld></a:p></p:txBody></p:sp><p:graphicFrame><a:tbl><a:tr><a:tc><a:txBody><a:p><a:r><a:t>CPR</a:t></a:r></a:p></a:txBody></a:tc><a:tc gridSpan='2'><a:txBody><a:p><a:r><a:t>2</a:t></a:r></a:p></a:txBody></a:tc></a:tr></a:tbl></p:graphicFrame></p:sld>"
        )
    };
    let document = package(&[
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
    ]);
    let told = told(&document);
    assert_eq!(told.unread, []);
    let first = told.text.find("[slide 1]\n150379-1028 først\nfelt\n").unwrap();
    let notes = told.text.find("[slide 1]\nnote 150379-1028").unwrap();
    let second = told.text.find("[slide 2]\n150379-1028 sidst\nfelt\n").unwrap();
    assert!(first < notes && notes < second);
    for line in ["alt først", "CPR\t2", "kommentar 150379-1028", "master 150379-1028", "diagram 150379-1028"]
    {
        assert!(told.has_line(line), "{line} in {}", told.text);
    }
}
