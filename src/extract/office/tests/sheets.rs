//! Workbooks of Office Open XML.

use super::*;
use crate::extract::made::office::BOOK;

fn book(rows: &str, after: &str) -> Told {
    let sheet = format!("<worksheet><sheetData>{rows}</sheetData>{after}</worksheet>");
    let mut parts = BOOK.to_vec();
    parts.push(("xl/worksheets/sheet1.xml", &sheet));
    let told = told(&package(&parts));
    assert_eq!(told.unread, []);
    told
}

#[test]
fn cells_are_rows_under_their_headings() {
    let told = book(
        "<row r='1'><c r='A1' t='s'><v>0</v></c><c r='C1' t='s'><v>1</v></c></row>
         <row r='2' hidden='1'><c r='A2' t='inlineStr'><is><r><t>I</t></r><r><t>da</t></r></is></c><c r='C2' s='1'><v>103791028</v></c></row>
         <row r='3'><c r='C3'><v>1.503791028E9</v></c></row>
         <row><c><v>1503791028.0</v></c><c s='2'><v>28929</v></c><c s='2'><v>1503791028</v></c><c t='str'><f>\"150379-\"&amp;\"1028\"</f><v>150379-1028</v></c></row>",
        "",
    );
    let (_, rows) = told.text.split_once("[sheet Personer]\n").unwrap();
    let rows: Vec<&str> = rows.lines().take(5).collect();
    assert_eq!(
        rows,
        [
            "Navn\t\tCPR-nr.",
            "Ida\t\t[2,3]010379-1028",
            "\t\t[3,3]1503791028",
            "[4,1]1503791028\t[4,2]15-03-1979\t[4,3]1503791028\t[4,4]150379-1028",
            "\"150379-1028\"",
        ]
    );
    assert!(told.has_line("glemt 010190-1234") && told.text.contains("Personer\n"), "{}", told.text);
    assert_eq!(told.text.matches("Navn").count(), 1);
}

#[test]
fn a_formula_that_nobody_computed_is_what_it_joins() {
    let told = book(
        "<row r='1'><c r='A1'><v>1</v></c><c r='B1'><f>\"150379\" &amp; \"-1028\"</f></c></row>
         <row r='2'><c r='B2' t='str'><f>CONCATENATE(\"010190\",\"-\",1234)</f><v></v></c></row>",
        "",
    );
    assert!(told.text.contains("1\t[1,2]150379-1028\n"), "{}", told.text);
    assert!(told.text.contains("\t[2,2]010190-1234\n"), "{}", told.text);
}

#[test]
fn a_hidden_sheet_has_its_name() {
    let mut parts = BOOK.to_vec();
    parts.push((
        "xl/worksheets/sheet2.xml",
        "<worksheet><sheetData><row><c><v>1503791028</v></c></row></sheetData></worksheet>",
    ));
    let told = told(&package(&parts));
    assert!(told.text.contains("[sheet Skjult]\n[1,1]1503791028\n"), "{}", told.text);
}

#[test]
fn what_else_a_sheet_holds_is_read() {
    let told = book(
        "",
        "<dataValidations><dataValidation prompt='p 150379-1028'><formula1>\"l 150379-1028,x\"</formula1></dataValidation></dataValidations>
         <conditionalFormatting><cfRule><formula>A1=1503791028</formula></cfRule></conditionalFormatting>
         <hyperlinks><hyperlink ref='A1' display='d 150379-1028' tooltip='t 150379-1028'/></hyperlinks>
         <headerFooter><oddHeader>&amp;Lv 150379-1028&amp;C&amp;P</oddHeader></headerFooter>
         <foo bar='150379-1028'/>",
    );
    for line in [
        "p 150379-1028",
        "\"l 150379-1028,x\"",
        "A1=1503791028",
        "d 150379-1028",
        "t 150379-1028",
        "v 150379-1028",
        "150379-1028",
        "010190-1234",
    ] {
        assert!(told.has_line(line), "{line} in {}", told.text);
    }
    // The name's formula.
    assert!(told.text.contains("\"150379-1028\""));
}

#[test]
fn comments_tables_and_caches_are_read() {
    let mut parts = BOOK.to_vec();
    parts.extend([
        ("xl/comments1.xml", "<comments><authors><author>Ida</author></authors><commentList><comment ref='A1'><text><r><t>150379</t></r><r><t>-1028</t></r></text></comment><comment><text><t>2</t></text></comment></commentList></comments>"),
        ("xl/threadedComments/t.xml", "<ThreadedComments><threadedComment><text>tr 150379-1028</text></threadedComment></ThreadedComments>"),
        ("xl/pivotCache/p.xml", "<pivotCacheDefinition><cacheField name='CPR'><sharedItems><n v='1.503791028E9'/></sharedItems></cacheField><cacheField name='Sag'><sharedItems/></cacheField></pivotCacheDefinition>"),
        ("xl/pivotCache/_rels/p.xml.rels", "<Relationships><Relationship Id='r1' Target='r.xml'/></Relationships>"),
        ("xl/pivotCache/r.xml", "<pivotCacheRecords><r><x v='0'/><s v='150379-1029'/></r></pivotCacheRecords>"),
        ("xl/drawings/vmlDrawing1.vml", "<xml><v:shape><v:textbox><div>vml 150379-1028</div></v:textbox></v:shape></xml>"),
        ("xl/printerSettings/printerSettings1.bin", "\u{1}\u{2}HP 150379-1028\u{3}"),
    ]);
    let told = told(&package(&parts));
    assert_eq!(told.unread, []);
    for line in ["150379-1028", "tr 150379-1028", "vml 150379-1028", "HP 150379-1028", "CPR\tSag"] {
        assert!(told.has_line(line), "{line} in {}", told.text);
    }
    assert!(told.text.contains("CPR\tSag\n\t[2,2]150379-1029\n"), "{}", told.text);
    assert!(told.text.contains("\nCPR\n1503791028\n"), "{}", told.text);
}

#[test]
fn the_last_cell_of_the_largest_sheet_costs_nothing() {
    let told = book("<row r='1048576'><c r='XFD1048576'><v>1503791028</v></c></row>", "");
    assert!(told.text.contains("[1048576,16384]1503791028"), "{}", told.text);
    assert!(told.text.len() < 1000);
}

#[test]
fn a_workbook_of_the_binary_notation_is_not_read() {
    let told = told(&package(&[("xl/workbook.bin", "150379-1028")]));
    assert_eq!(told.unread, [Unread::UnknownForm]);
    assert!(told.text.contains("{xl/workbook.bin}150379-1028"));
}
