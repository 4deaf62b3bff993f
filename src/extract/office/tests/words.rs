//! Text documents of Office Open XML.

use super::*;

/// The lines of a body, without spots.
fn lines(body: &str) -> Vec<String> {
    let told = told(&docx(body));
    assert_eq!(told.unread, [], "{body}");
    let without_spot = |line: &str| match line.strip_prefix('[').and_then(|line| line.split_once(']')) {
        Some((_, line)) => line.to_owned(),
        None => line.to_owned(),
    };
    told.text.lines().filter(|line| !line.is_empty()).map(without_spot).collect()
}

fn first(body: &str) -> String {
    let told = told(&docx(body));
    assert_eq!(told.unread, [], "{body}");
    told.text.lines().next().unwrap_or_default().trim_start_matches("[1]").to_owned()
}

#[test]
fn pieces_of_a_number_are_joined() {
    for (runs, line) in [
        ("<w:r><w:t>1503</w:t></w:r><w:r><w:t>79-10</w:t></w:r><w:r><w:t>28</w:t></w:r>", "150379-1028"),
        ("<w:r><w:t>150379</w:t><w:noBreakHyphen/><w:t>1028</w:t></w:r>", "150379-1028"),
        ("<w:r><w:t>150379</w:t><w:softHyphen/><w:t>1028</w:t></w:r>", "1503791028"),
        ("<w:r><w:t>150379</w:t><w:tab/><w:t>1028</w:t></w:r>", "150379\t1028"),
        (
            "<w:proofErr w:type='spellStart'/><w:r><w:t>150379-</w:t></w:r><w:proofErr/><w:r><w:t>1028</w:t></w:r>",
            "150379-1028",
        ),
        ("<w:r><w:t>150379-102</w:t><w:sym w:font='Symbol' w:char='F038'/></w:r>", "150379-1028"),
        ("<w:r><w:t>1&#53;0379&#x2D;1028</w:t></w:r>", "150379-1028"),
        ("<w:r><w:t><![CDATA[150379-]]>1028</w:t></w:r>", "150379-1028"),
        (
            "<w:r><w:t>150379</w:t></w:r><w:bookmarkStart w:name='_GoBack'/><w:r><w:t>-1028</w:t></w:r>",
            "150379-1028",
        ),
        (
            "<w:hyperlink><w:r><w:t>150379</w:t></w:r></w:hyperlink><w:smartTag><w:r><w:t>-1028</w:t></w:r></w:smartTag>",
            "150379-1028",
        ),
        (
            "<w:r><w:t>150379</w:t></w:r><w:sdt><w:sdtContent><w:r><w:t>-1028</w:t></w:r></w:sdtContent></w:sdt>",
            "150379-1028",
        ),
        ("\n  <w:r>\n    <w:t>150379</w:t>\n  </w:r>\n  <w:r><w:t>-1028</w:t></w:r>\n", "150379-1028"),
    ] {
        assert_eq!(first(&format!("<w:p>{runs}</w:p>")), line, "{runs}");
    }
}

#[test]
fn neighbours_are_not_glued() {
    assert_eq!(
        lines("<w:p><w:r><w:t>150379</w:t></w:r></w:p><w:p><w:r><w:t>1028</w:t></w:r></w:p>").len(),
        2
    );
    assert_eq!(lines("<w:p><w:r><w:t>150379</w:t><w:br/><w:t>1028</w:t></w:r></w:p>").len(), 2);
    // The stops that a paragraph has are no tabs in it.
    assert_eq!(
        first("<w:p><w:pPr><w:tabs><w:tab w:pos='1'/></w:tabs></w:pPr><w:r><w:t>1</w:t></w:r></w:p>"),
        "1"
    );
}

#[test]
fn what_stands_beside_a_number_does_not_part_it() {
    let box_in = "<mc:AlternateContent><mc:Choice><w:drawing><wps:txbx><w:txbxContent><w:p><w:r><w:t>010190-1234</w:t></w:r></w:p></w:txbxContent></wps:txbx></w:drawing></mc:Choice><mc:Fallback><w:pict><v:textbox><w:txbxContent><w:p><w:r><w:t>010190-1234</w:t></w:r></w:p></w:txbxContent></v:textbox></w:pict></mc:Fallback></mc:AlternateContent>";
    for (between, beside) in [
        (box_in, "010190-1234"),
        (
            "<w:drawing><wp:docPr id='1' name='Billede 1' descr='Pas 010190-1234'/></w:drawing>",
            "Pas 010190-1234",
        ),
        (
            "<w:fldChar w:fldCharType='begin'/><w:instrText>QUOTE 0101</w:instrText><w:instrText>90-1234</w:instrText><w:fldChar w:fldCharType='separate'/>",
            "QUOTE 010190-1234",
        ),
        ("<w:delText>x</w:delText><w:object><o:OLEObject o:title='010190-1234'/></w:object>", "010190-1234"),
    ] {
        let body = format!(
            "<w:p><w:r><w:t>150379</w:t></w:r><w:r>{}</w:r><w:r><w:t>-1028</w:t></w:r></w:p>",
            between.replace("<w:delText>x</w:delText>", "")
        );
        let told = told(&docx(&body));
        assert!(told.text.starts_with("[1]150379-1028\n"), "{}", told.text);
        assert!(told.has_line(beside), "{}", told.text);
        assert_eq!(told.text.matches("010190-1234").count(), 1, "{}", told.text);
    }
}

#[test]
fn both_alternatives_are_told_when_they_differ() {
    let alternative = |one: &str, other: &str| {
        format!(
            "<w:p><mc:AlternateContent><mc:Choice><w:r><w:t>{one}</w:t></w:r></mc:Choice><mc:Fallback><w:r><w:t>{other}</w:t></w:r></mc:Fallback></mc:AlternateContent></w:p>"
        )
    };
    assert_eq!(lines(&alternative("150379-1028", "150379-1028")), ["150379-1028"]);
    assert_eq!(lines(&alternative("150379-1028", "010190-1234")), ["150379-1028", "010190-1234"]);
}

#[test]
fn changes_that_are_tracked_are_told_both_ways() {
    let run = |text: &str| format!("<w:r><w:t>{text}</w:t></w:r>");
    let deleted = |text: &str| format!("<w:del w:id='1'><w:r><w:delText>{text}</w:delText></w:r></w:del>");
    let inserted = |text: &str| format!("<w:ins w:id='1'>{}</w:ins>", run(text));
    let hidden = |text: &str| format!("<w:r><w:rPr><w:vanish/></w:rPr><w:t>{text}</w:t></w:r>");
    for (runs, shown, was) in [
        (run("150379-") + &deleted("9999") + &inserted("1028"), "150379-1028", "150379-9999"),
        (run("1503") + &deleted("88") + &run("79-1028"), "150379-1028", "15038879-1028"),
        (run("intet ") + &deleted("150379-1028"), "intet", "intet 150379-1028"),
        (run("1503") + &hidden("99") + &run("79-1028"), "150379-1028", "15039979-1028"),
    ] {
        let told = told(&docx(&format!("<w:p>{runs}</w:p>")));
        assert!(told.has_line(&format!("[1]{shown}")) && told.has_line(was), "{}", told.text);
    }
    // The mark of a paragraph may be hidden or deleted without its text.
    let mark = "<w:p><w:pPr><w:rPr><w:del w:id='1'/><w:vanish/></w:rPr></w:pPr><w:r><w:t>150379-1028</w:t></w:r></w:p>";
    assert_eq!(lines(mark), ["150379-1028"]);
    assert_eq!(
        lines(&format!("<w:p>{}</w:p>", "<w:moveFrom><w:r><w:t>150379-1028</w:t></w:r></w:moveFrom>"))
            .last()
            .unwrap(),
        "150379-1028"
    );
}

#[test]
fn what_a_style_hides_is_told_besides_what_shows() {
    let styles = "<w:styles><w:style w:styleId='S1'><w:rPr><w:vanish/></w:rPr></w:style><w:style w:styleId='S2'><w:basedOn w:val='S1'/></w:style><w:style w:styleId='S3'><w:rPr><w:vanish w:val='0'/></w:rPr></w:style></w:styles>";
    for (style, shown) in [("S1", "150379-1028"), ("S2", "150379-1028"), ("S3", "15039979-1028")] {
        let body = format!(
            "<w:document {W}><w:p><w:r><w:t>1503</w:t></w:r><w:r><w:rPr><w:rStyle w:val='{style}'/></w:rPr><w:t>99</w:t></w:r><w:r><w:t>79-1028</w:t></w:r></w:p></w:document>"
        );
        let told = told(&package(&[("word/document.xml", &body), ("word/styles.xml", styles)]));
        assert!(told.has_line(&format!("[1]{shown}")), "{}", told.text);
        assert!(told.text.contains("15039979-1028"), "{}", told.text);
    }
}

#[test]
fn tables_are_rows_with_tabs() {
    let cell = |inner: &str| format!("<w:tc>{inner}</w:tc>");
    let text = |text: &str| format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>");
    let row = |cells: &[String]| format!("<w:tr>{}</w:tr>", cells.concat());
    let wide = "<w:tcPr><w:gridSpan w:val='2'/></w:tcPr>";
    let inner = format!("<w:tbl>{}</w:tbl>", row(&[cell(&text("i")), cell(&text("j"))]));
    let body = format!(
        "<w:tbl>{}{}{}</w:tbl>",
        row(&[cell(&text("Navn")), cell(&text("Sag")), cell(&(text("CPR") + &text("nr.")))]),
        row(&[cell(&(wide.to_owned() + &text("Ida"))), cell(&text("150379-1028"))]),
        row(&[cell(&(text("a") + &inner)), cell(&text("b"))]),
    );
    assert_eq!(lines(&body), ["Navn\tSag\tCPR nr.", "\tIda\t150379-1028", "a\tb", "i\tj"]);
}

#[test]
fn every_part_is_read_whatever_it_is_called() {
    let text =
        |root: &str, text: &str| format!("<w:{root} {W}><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:{root}>");
    let document = package(&[
        ("word/document.xml", &text("document", "krop")),
        ("word/x1.xml", &text("hdr", "hoved 150379-1028")),
        ("elsewhere", &text("ftr", "fod 150379-1028")),
        ("word/footnotes.xml", &text("footnotes", "note 150379-1028")),
        ("word/endnotes.xml", &text("endnotes", "slutnote 150379-1028")),
        ("word/comments.xml", &text("comments", "kommentar 150379-1028")),
        ("word/glossary/document.xml", &text("glossaryDocument", "tekst 150379-1028")),
        (
            "docProps/core.xml",
            "<cp:coreProperties><dc:title>titel 150379-1028</dc:title></cp:coreProperties>",
        ),
        (
            "docProps/custom.xml",
            "<Properties><property name='CPR-nr'><vt:lpwstr>150379-1028</vt:lpwstr></property></Properties>",
        ),
        ("customXml/item1.xml", "<sag><cpr>150379-1028</cpr></sag>"),
        (
            "word/_rels/document.xml.rels",
            "<Relationships><Relationship Id='r1' TargetMode='External' Target='mailto:a@b.dk?subject=150379%2D1028'/></Relationships>",
        ),
        (
            "word/settings.xml",
            "<w:settings><w:mailMerge><w:query w:val='SELECT 150379-1028'/></w:mailMerge></w:settings>",
        ),
        (
            "word/charts/chart1.xml",
            "<c:chartSpace><c:ser><c:tx><c:v>CPR</c:v></c:tx><c:val><c:pt><c:v>1.503791028E9</c:v></c:pt></c:val></c:ser></c:chartSpace>",
        ),
        ("word/embeddings/a.bin", "150379-1028"),
    ]);
    let told = told(&document);
    assert_eq!(told.unread, []);
    for line in [
        "[1]krop",
        "hoved 150379-1028",
        "fod 150379-1028",
        "note 150379-1028",
        "slutnote 150379-1028",
        "kommentar 150379-1028",
        "tekst 150379-1028",
        "title: titel 150379-1028",
        "CPR-nr: 150379-1028",
        "{customXml/item1.xml}<sag><cpr>150379-1028</cpr></sag>",
        "mailto:a@b.dk?subject=150379-1028",
        "SELECT 150379-1028",
        "1503791028",
        "{word/embeddings/a.bin}150379-1028",
    ] {
        assert!(told.has_line(line), "{line} in {}", told.text);
    }
}

#[test]
fn controls_and_forms_are_read() {
    for (body, line) in [
        ("<w:sdt><w:sdtPr><w:alias w:val='CPR 150379-1028'/></w:sdtPr></w:sdt>", "CPR 150379-1028"),
        ("<w:sdt><w:sdtPr><w:tag w:val='150379-1028'/></w:sdtPr></w:sdt>", "150379-1028"),
        (
            "<w:sdt><w:sdtPr><w:dropDownList><w:listItem w:displayText='150379-1028'/></w:dropDownList></w:sdtPr></w:sdt>",
            "150379-1028",
        ),
        ("<w:p><w:fldSimple w:instr='QUOTE 150379-1028'/></w:p>", "QUOTE 150379-1028"),
        (
            "<w:p><w:r><w:fldChar><w:ffData><w:textInput><w:default w:val='150379-1028'/></w:textInput></w:ffData></w:fldChar></w:r></w:p>",
            "150379-1028",
        ),
        ("<w:p><w:r><w:pict><v:shape alt='150379-1028'/></w:pict></w:r></w:p>", "150379-1028"),
        (
            "<w:p><w:r><w:pict><v:shape><v:textpath string='150379-1028'/></v:shape></w:pict></w:r></w:p>",
            "150379-1028",
        ),
        ("<w:p><w:r><w:unheardOf w:foo='150379-1028'/></w:r></w:p>", "150379-1028"),
        ("<w:p><w:r><w:unheardOf>150379-1028</w:unheardOf></w:r></w:p>", "150379-1028"),
        ("<w:p><m:oMath><m:r><m:t>150379-1028</m:t></m:r></m:oMath></w:p>", "150379-1028"),
    ] {
        assert!(lines(body).iter().any(|one| one == line), "{body}: {:?}", lines(body));
    }
}
