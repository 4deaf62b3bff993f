//! Documents of Office until 2007 and of Outlook, in mail, opened by real workers: where numbers in them are found, and
//! which of the encrypted ones are. The readers have their tests beside them, with files made by hand; here LibreOffice
//! makes some where it is installed, since what reads a form and what writes it should not be of one head.

use crate::support::documents::{compound, utf16};
use brevdue::scan::ruleset::Ruleset;
use brevdue::scan::{Day, Report, Scan};
use brevdue::worker::{Settings, Workers};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

const TODAY: Day = Day::literal(2026, 11, 2);

fn scan(name: &str, file: &[u8]) -> Report {
    let workers = Workers::of(PathBuf::from(env!("CARGO_BIN_EXE_brevdue")), Settings::default());
    let head = format!(
        "Content-Type: application/octet-stream; name=\"{name}\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    );
    let mut scan = Scan::new(Arc::new(Ruleset::built_in().unwrap()), TODAY).opening(workers.message());
    scan.feed(head.as_bytes());
    scan.feed(data_encoding::BASE64_MIME.encode(file).as_bytes());
    scan.finish()
}

fn unread(report: &Report) -> Vec<&'static str> {
    report.coverage.unread().iter().map(|one| one.reason).collect()
}

fn places(report: &Report) -> Vec<String> {
    let position = |one: &brevdue::scan::finding::Finding| {
        one.position.as_ref().map_or_else(String::new, |position| format!(" {position:?}"))
    };
    report.findings.iter().map(|one| format!("{}{}", one.place, position(one))).collect()
}

#[test]
fn files_in_messages_in_messages_are_found_by_their_path() {
    let inner = "__attach_version1.0_#00000000/__substg1.0_3701000D";
    let message = compound(&[
        ("__properties_version1.0", &[0; 32]),
        ("__substg1.0_0037001F", &utf16("Vedr. sag")),
        ("__substg1.0_1000001F", &utf16("Hej. CPR-nr. 150379-1028.")),
        (&format!("{inner}/__properties_version1.0"), &[0; 24]),
        (&format!("{inner}/__substg1.0_0037001F"), &utf16("Svar")),
        (&format!("{inner}/__attach_version1.0_#00000000/__substg1.0_3707001F"), &utf16("liste.rtf")),
        (
            &format!("{inner}/__attach_version1.0_#00000000/__substg1.0_37010102"),
            br"{\rtf1\ansi CPR-nr. {15}{\b 0379}-{1028}}",
        ),
    ]);
    let report = scan("sag.msg", &message);
    assert_eq!(places(&report), ["attachment:sag.msg", "attachment:sag.msg!liste.rtf"]);
    assert_eq!((unread(&report), report.persons()), (vec![], 1));
}

#[test]
fn what_asks_for_a_password_is_told_from_what_is_broken() {
    let locked = compound(&[("EncryptionInfo", b"\x04\0\x04\0"), ("EncryptedPackage", &[0; 64])]);
    assert_eq!(unread(&scan("a.docx", &locked)), ["password"]);
    let mut broken = compound(&[("WordDocument", &[b"CPR-nr. 150379-1028".as_slice(), &[0; 9000]].concat())]);
    // The table of sectors is gone.
    broken[76..80].fill(0xFF);
    let report = scan("a.doc", &broken);
    assert!(unread(&report).contains(&"damaged-document"));
    assert_eq!(report.persons(), 1);
}

/// What LibreOffice makes of a document in its flat form.
#[allow(clippy::print_stdout, reason = "a check that was not made is said")]
fn converted(flat: &str, from: &str, to: &str) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join(format!("a.{from}"));
    std::fs::File::create(&source).unwrap().write_all(flat.as_bytes()).unwrap();
    let run = Command::new("soffice")
        .args(["--headless", "--convert-to", to, "--outdir"])
        .arg(folder.path())
        .arg(&source)
        .env("HOME", folder.path())
        .output();
    if run.is_err() {
        println!(
            "NOT CHECKED: LibreOffice is not installed (libreoffice-writer-nogui, -calc-nogui, -impress-nogui)"
        );
        return None;
    }
    Some(std::fs::read(folder.path().join(format!("a.{to}"))).unwrap())
}

fn flat(kind: &str, styles: &str, body: &str) -> String {
    let spaces: String = ["office", "style", "text", "table", "drawing", "presentation", "datastyle"]
        .iter()
        .zip(["office", "style", "text", "table", "draw", "presentation", "number"])
        .map(|(name, prefix)| format!(" xmlns:{prefix}=\"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0\""))
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><office:document{spaces} xmlns:svg=\"urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0\" \
         xmlns:xlink=\"http://www.w3.org/1999/xlink\" xmlns:fo=\"urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0\" \
         office:version=\"1.2\" office:mimetype=\"application/vnd.oasis.opendocument.{kind}\"><office:automatic-styles>{styles}\
         </office:automatic-styles><office:body><office:{kind}>{body}</office:{kind}></office:body></office:document>"
    )
}

/// The numbers that are found, by their last four digits.
fn found(report: &Report) -> Vec<String> {
    let mut found: Vec<String> = report
        .findings
        .iter()
        .map(|one| String::from_utf8_lossy(&one.cpr.reveal()[6..]).into_owned())
        .collect();
    found.sort();
    found.dedup();
    found
}

#[test]
fn texts_of_another_writer_are_read_whole() {
    let bold = "<style:style style:name=\"B\" style:family=\"text\"><style:text-properties fo:font-weight=\"bold\"/></style:style>";
    let body = "<text:p>Kære læser, CPR-nr. 15<text:span text:style-name=\"B\">0379</text:span>-1001 slut.</text:p>\
        <text:p>x<text:note text:note-class=\"footnote\"><text:note-citation>1</text:note-citation><text:note-body>\
        <text:p>CPR-nr. 150379-1002</text:p></text:note-body></text:note></text:p>\
        <text:p>y<office:annotation><text:p>CPR-nr. 150379-1003</text:p></office:annotation></text:p>\
        <text:p><text:a xlink:href=\"https://x.example/?cpr=150379-1004\">link</text:a></text:p>\
        <text:p><draw:frame text:anchor-type=\"paragraph\" svg:width=\"5cm\" svg:height=\"2cm\"><draw:text-box>\
        <text:p>CPR-nr. 150379-1005</text:p></draw:text-box></draw:frame></text:p>\
        <table:table><table:table-column table:number-columns-repeated=\"3\"/><table:table-row>\
        <table:table-cell><text:p>Navn</text:p></table:table-cell><table:table-cell><text:p>CPR-nr.</text:p></table:table-cell>\
        <table:table-cell><text:p/></table:table-cell></table:table-row><table:table-row><table:table-cell><text:p>Anna</text:p>\
        <text:p>Berg</text:p></table:table-cell><table:table-cell><text:p>150379-1006</text:p></table:table-cell>\
        <table:table-cell><text:p/></table:table-cell></table:table-row></table:table>";
    for form in ["doc", "rtf"] {
        let Some(file) = converted(&flat("text", bold, body), "fodt", form) else { return };
        let report = scan("brev", &file);
        assert_eq!(found(&report), ["1001", "1002", "1003", "1004", "1005", "1006"], "{form}");
        assert_eq!(unread(&report), [] as [&str; 0], "{form}");
    }
}

#[test]
fn sheets_of_another_writer_are_read_as_they_are_shown() {
    let format = "<number:number-style style:name=\"N1\"><number:number number:decimal-places=\"0\" number:min-integer-digits=\"10\">\
        <number:embedded-text number:position=\"4\">-</number:embedded-text></number:number></number:number-style>\
        <style:style style:name=\"c\" style:family=\"table-cell\" style:data-style-name=\"N1\"/>\
        <style:style style:name=\"h\" style:family=\"table\"><style:table-properties table:display=\"false\"/></style:style>";
    let text = |text: &str| {
        format!("<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>")
    };
    let number = |number: u64| {
        format!(
            "<table:table-cell table:style-name=\"c\" office:value-type=\"float\" office:value=\"{number}\"/>"
        )
    };
    let row = |cells: &[String]| format!("<table:table-row>{}</table:table-row>", cells.concat());
    let body = format!(
        "<table:table table:name=\"Løn\">{}{}{}</table:table><table:table table:name=\"Skjult\" table:style-name=\"h\">{}</table:table>",
        row(&[text("Navn"), text("CPR-nr.")]),
        row(&[text("Anna"), number(1_503_791_028)]),
        row(&[text("Bo"), number(101_901_234)]),
        row(&[text("CPR-nr. 150379-1029")]),
    );
    let Some(file) = converted(&flat("spreadsheet", format, &body), "fods", "xls") else { return };
    let report = scan("ark.xls", &file);
    assert_eq!(found(&report), ["1028", "1029", "1234"]);
    let places = places(&report).concat();
    assert!(places.contains("row: 2, column: 2") && places.contains("row: 3, column: 2"), "{places}");
    assert_eq!(unread(&report), [] as [&str; 0]);
}

#[test]
fn slides_of_another_writer_are_read_with_their_notes() {
    let frame = |text: &str| {
        format!(
            "<draw:frame svg:width=\"9cm\" svg:height=\"3cm\"><draw:text-box>{text}</draw:text-box></draw:frame>"
        )
    };
    let body = format!(
        "<draw:page draw:name=\"a\">{}</draw:page><draw:page draw:name=\"b\">{}<presentation:notes>{}</presentation:notes></draw:page>",
        frame("<text:p>CPR-nr. 15<text:span>0379</text:span>-1028</text:p>"),
        frame("<text:p>CPR-nr.</text:p><text:p>150379-1029</text:p>"),
        frame("<text:p>CPR-nr. 150379-1030</text:p>"),
    );
    let Some(file) = converted(&flat("presentation", "", &body), "fodp", "ppt") else { return };
    let report = scan("dias.ppt", &file);
    assert_eq!(found(&report), ["1028", "1029", "1030"]);
    let places = places(&report).concat();
    assert!(places.contains("Slide(1)") && places.contains("Slide(2)"), "{places}");
}
