//! OpenDocument.

use super::*;
use crate::extract::made::office::{MANIFEST, opendocument};

fn odf(kind: &str, body: &str) -> Told {
    told(&opendocument(kind, body))
}

#[test]
fn paragraphs_are_lines_and_what_is_beside_them_is_told_after() {
    for (body, lines) in [
        ("<text:p>1503<text:span>79</text:span>-1028</text:p>", vec!["[1]150379-1028"]),
        ("<text:p>a<text:s text:c='2'/>b<text:tab/>c<text:line-break/>d</text:p>", vec!["[1]a  b\tc", "d"]),
        ("<text:p>CPR\n   150379-1028</text:p>", vec!["[1]CPR 150379-1028"]),
        (
            "<text:p>150379<office:annotation><dc:creator>Ida</dc:creator><text:p>010190-1234</text:p></office:annotation>-1028</text:p>",
            vec!["[1]150379-1028", "010190-1234"],
        ),
        (
            "<text:p>150379<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>010190-1234</text:p></text:note-body></text:note>-1028</text:p>",
            vec!["[1]150379-1028", "010190-1234"],
        ),
        (
            "<text:p>150379<draw:frame><draw:text-box><text:p>010190-1234</text:p></draw:text-box><svg:title>t 150379-1028</svg:title><svg:desc>alt</svg:desc></draw:frame>-1028</text:p>",
            vec!["[1]150379-1028", "010190-1234", "t 150379-1028", "alt"],
        ),
        (
            "<text:p>150379<draw:custom-shape><text:p>010190-1234</text:p></draw:custom-shape>-1028</text:p>",
            vec!["[1]150379-1028", "010190-1234"],
        ),
        (
            "<text:p>se <text:a xlink:href='mailto:a@b.dk?subject=150379%2D1028'>her</text:a></text:p>",
            vec!["[1]se her", "mailto:a@b.dk?subject=150379-1028"],
        ),
        (
            "<text:tracked-changes><text:changed-region><text:deletion><text:p>slettet 150379-1028</text:p></text:deletion></text:changed-region></text:tracked-changes>",
            vec!["[1]slettet 150379-1028"],
        ),
        (
            "<text:user-field-decls><text:user-field-decl office:string-value='150379-1028'/></text:user-field-decls>",
            vec!["150379-1028"],
        ),
        ("<form:form><form:text form:current-value='150379-1028'/></form:form>", vec!["150379-1028"]),
        ("<foo bar='150379-1028'/>", vec!["150379-1028"]),
        (
            "<table:table><table:table-row><table:table-cell><text:p>Navn</text:p></table:table-cell><table:table-cell><text:p>CPR</text:p></table:table-cell></table:table-row></table:table>",
            vec!["[1]Navn\tCPR"],
        ),
    ] {
        let told = odf("text", body);
        assert_eq!(told.unread, [], "{body}");
        for line in lines {
            assert!(told.has_line(line), "{line} of {body} in {}", told.text);
        }
    }
}

#[test]
fn sheets_have_rows_and_values() {
    let cell = |value: &str, shown: &str| {
        format!(
            "<table:table-cell office:value-type='float' office:value='{value}'><text:p>{shown}</text:p></table:table-cell>"
        )
    };
    let text = |shown: &str| format!("<table:table-cell><text:p>{shown}</text:p></table:table-cell>");
    let body = format!(
        "<table:table table:name='Personer'><table:table-row>{}<table:table-cell table:number-columns-repeated='2'/>{}</table:table-row>\
         <table:table-row table:number-rows-repeated='3'>{}{}</table:table-row>\
         <table:table-row><table:table-cell/>{}{}{}{}</table:table-row>\
         <table:table-row table:number-rows-repeated='1048570'><table:table-cell table:number-columns-repeated='16384'/></table:table-row></table:table>",
        text("Navn"),
        text("CPR"),
        text("Ida"),
        cell("103791028", "010379-1028"),
        cell("1503791028", "1,50E+09"),
        "<table:table-cell table:formula='of:=\"150379-\"&amp;\"1028\"'><office:annotation><text:p>anm 150379-1028</text:p></office:annotation><text:p>x</text:p></table:table-cell>",
        cell("1503791029", "1.503.791.029"),
        cell("150379", ""),
    );
    let told = odf("spreadsheet", &body);
    assert_eq!(told.unread, []);
    assert!(
        told.text.contains(
            "[sheet Personer]\nNavn\t\t\tCPR\nIda\t[2,2]010379-1028\n\t[5,2]1503791028\tx\t[5,4]1503791029\t[5,5]150379\n"
        ),
        "{}",
        told.text
    );
    assert!(told.has_line("anm 150379-1028") && told.text.contains("\"150379-1028\""), "{}", told.text);
    assert!(told.has_line("1,50E+09") && told.has_line("1.503.791.029"), "{}", told.text);
}

#[test]
fn slides_are_counted() {
    let page = |text: &str| {
        format!(
            "<draw:page><draw:frame><draw:text-box><text:p>{text}</text:p></draw:text-box></draw:frame><presentation:notes><draw:frame><draw:text-box><text:p>note {text}</text:p></draw:text-box></draw:frame></presentation:notes></draw:page>"
        )
    };
    let told = odf("presentation", &(page("a") + &page("150379-1028")));
    assert!(told.text.contains("[slide 2]\n[3]150379-1028\n[4]note 150379-1028"), "{}", told.text);
}

#[test]
fn properties_styles_and_objects_are_read() {
    let told = told(&archive(&[
        ("mimetype", b"application/vnd.oasis.opendocument.text"),
        ("content.xml", b"<office:document-content/>"),
        ("styles.xml", b"<office:document-styles><style:header><text:p>hoved 150379-1028</text:p></style:header></office:document-styles>"),
        ("meta.xml", b"<office:document-meta><dc:title>titel</dc:title><meta:user-defined meta:name='CPR'>150379-1028</meta:user-defined></office:document-meta>"),
        ("Object 1/content.xml", b"<office:document-content><text:p>objekt 150379-1028</text:p></office:document-content>"),
        ("Pictures/a.png", b"\x89PNG 1"),
        ("Thumbnails/thumbnail.png", b"\x89PNG 2"),
        ("META-INF/manifest.xml", MANIFEST.as_bytes()),
    ]));
    assert_eq!(told.unread, []);
    for line in ["hoved 150379-1028", "title: titel", "CPR: 150379-1028", "[1]objekt 150379-1028"] {
        assert!(told.has_line(line), "{line} in {}", told.text);
    }
    assert!(told.text.contains("{Pictures/a.png}") && !told.text.contains("Thumbnails"));
}

#[test]
fn a_text_without_the_rest_of_its_package_is_read() {
    let content = b"<office:document-content><text:p>1503<text:span>79</text:span>-1028</text:p></office:document-content>";
    let told = told(&archive(&[("content.xml", content)]));
    assert_eq!((told.text.trim(), told.unread.as_slice()), ("[1]150379-1028", [].as_slice()));
}

#[test]
fn an_encrypted_document_is_told_as_such() {
    let manifest = "<manifest:manifest><manifest:file-entry manifest:full-path='content.xml'><manifest:encryption-data/></manifest:file-entry></manifest:manifest>";
    let told = told(&archive(&[
        ("mimetype", b"application/vnd.oasis.opendocument.text"),
        ("content.xml", b"\x01\x02\x03"),
        ("META-INF/manifest.xml", manifest.as_bytes()),
    ]));
    assert_eq!(told.unread, [Unread::Password]);
    assert_eq!(told.text.trim(), "");
    let whole = manifest.replace("content.xml", "encrypted-package");
    let told = super::told(&archive(&[
        ("mimetype", b"application/vnd.oasis.opendocument.text"),
        ("encrypted-package", b"\x01\x02\x03"),
        ("META-INF/manifest.xml", whole.as_bytes()),
    ]));
    assert_eq!((told.text.trim(), told.unread.as_slice()), ("", [Unread::Password].as_slice()));
}

#[test]
fn what_does_not_show_is_told_besides_what_does() {
    let styles = "<style:style style:name='T1' style:family='text'><style:text-properties text:display='none'/></style:style>";
    let region = |id: &str, what: &str, text: &str| {
        format!(
            "<text:changed-region xml:id='{id}' text:id='{id}'><text:{what}><office:change-info><dc:date>2026</dc:date></office:change-info>{text}</text:{what}></text:changed-region>"
        )
    };
    let changes = format!(
        "<text:tracked-changes>{}{}</text:tracked-changes>",
        region("ct1", "deletion", "<text:p>9999</text:p>"),
        region("ct2", "insertion", "")
    );
    for (body, lines) in [
        (
            "1503<text:span text:style-name='T1'>99</text:span>79<text:span>-1028</text:span>",
            &["[1]150379-1028", "15039979-1028"][..],
        ),
        (
            "1503<text:hidden-text text:is-hidden='true' text:string-value='010190-1234'>010190-1234</text:hidden-text>79-1028",
            &["[1]150379-1028", "010190-1234"],
        ),
        ("1503<text:hidden-text text:is-hidden='false'>79</text:hidden-text>-1028", &["[1]150379-1028"]),
        (
            "150379-<text:change text:change-id='ct1'/><text:change-start text:change-id='ct2'/>1028<text:change-end text:change-id='ct2'/>",
            &["[2]150379-1028", "150379-9999", "[1]9999"],
        ),
    ] {
        let changes = if body.contains("change") { changes.as_str() } else { "" };
        let told = odf("text", &format!("{styles}{changes}<text:p>{body}</text:p>"));
        assert_eq!(told.unread, [], "{body}");
        for line in lines {
            assert!(told.has_line(line), "{line} of {body} in {}", told.text);
        }
    }
}
