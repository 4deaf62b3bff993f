use super::*;
use crate::extract::ole::tests::{told, torment};

fn text(rtf: &str) -> String {
    told(rtf.as_bytes(), read).0
}

#[test]
fn a_number_is_whole_whatever_it_looks_like() {
    for (rtf, expected) in [
        (r"{\rtf1 CPR {15}{\b 0379}-{1028}}", "CPR 150379-1028"),
        (r"{\rtf1 150379\_1028\par x}", "150379-1028\nx"),
        (r"{\rtf1 15\'30\'33{\i\f2 79}\--1028}", "150379-1028"),
        (r"{\rtf1\uc1 \u49?\u53?0379-1028}", "150379-1028"),
        (r"{\rtf1\uc0 \u49\u53 0379-1028}", "150379-1028"),
        (r"{\rtf1\uc2\u49??{\uc0\u53}0379-1028}", "150379-1028"),
        (r"{\rtf1\ansi\ansicpg1252 15{\v 03}79{\deleted -10}28}", "157928\n150379-1028"),
        (r"{\rtf1 1503{\v 99}79-10{\deleted 7}28\par x}", "150379-1028\n15039979-10728\nx"),
        (r"{\rtf1 1503\v 99\v0 79-10\deleted 7\plain 28\par x}", "150379-1028\n15039979-10728\nx"),
        (r"{\rtf1 150379-{\deleted 9999}{\revised 1028}\par}", "150379-1028\n150379-9999"),
        (r"{\rtf1 1503{\v 010190-1234}79-1028\par}", "150379-1028\n1503010190-123479-1028\n010190-1234"),
        (r"{\rtf1 150379{\v skjult\par}-1028\par}", "150379-1028\n150379skjult\n-1028"),
        (r"{\rtf1 a{\footnote 1503{\v 99}79-1028}\par}", "a\n150379-1028\n15039979-1028"),
        (
            r"{\rtf1\trowd\intbl CPR\cell 1503{\v 99}79-1028\cell\row}",
            "CPR\t150379-1028\t\nCPR\t15039979-1028\t",
        ),
        ("{\\rtf1 1503\r\n79-10\n28}", "150379-1028"),
        (r"{\rtf1 1503{\footnote note 010190-1234}79-1028\par}", "150379-1028\nnote 010190-1234\n"),
        (r"{\rtf1 1503{\*\bkmkstart a}79{\*\bkmkend a}-1028\par}", "150379-1028\na\n"),
        (
            r#"{\rtf1 {\field{\*\fldinst HYPERLINK "x?010190-1234"}{\fldrslt 150379}}-1028\par}"#,
            "150379-1028\nHYPERLINK \"x?010190-1234\"\n",
        ),
        (r"{\rtf1 a\~b\tab c\emdash d\{\}\\}", "a b\tc–d{}\\"),
        (r"{\rtf1 {\upr{150379-1028}{\*\ud{150379-1028}}}\par}", "150379-1028\n150379-1028\n"),
    ] {
        let told = text(rtf);
        let told: Vec<&str> = told.split('\n').filter(|line| !line.is_empty()).collect();
        let expected: Vec<&str> = expected.split('\n').filter(|line| !line.is_empty()).collect();
        assert_eq!(told, expected, "{rtf}");
    }
}

#[test]
fn letters_are_of_the_fonts_charset() {
    let head =
        r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fnil\fcharset0 Arial;}{\f1\fnil\fcharset204 Arial;}}";
    assert_eq!(text(&format!("{head}l\\'f8n {{\\f1 \\'e4\\'e0}} l\\'f8n}}")), "løn да løn");
    assert_eq!(text(r"{\rtf1\u-10179?\u-8704?}"), "\u{1F600}");
}

#[test]
fn rows_of_tables_are_lines() {
    let rtf = r"{\rtf1\trowd\pard\intbl Navn\cell CPR-nr.\cell\row\trowd\intbl Anna\par Berg\cell 1503791028\cell\row\pard x}";
    assert_eq!(text(rtf), "Navn\tCPR-nr.\t\nAnna Berg\t1503791028\t\nx");
}

#[test]
fn what_stands_beside_the_text_is_told() {
    let told = text(
        r"{\rtf1{\info{\title A 1}{\author B}}{\stylesheet{\s1 Overskrift 9;}}{\header C}{\*\docvar {D}{2}}
        {\*\unheardof 150379-1028}{\*\unheardof no digits}{\*\themedata 0123456789}
        {\shp{\*\shpinst{\sp{\sn wzDescription}{\sv E}}{\sp{\sn posh}{\sv 1234567}}{\shptxt F}}}\par}",
    );
    let lines: Vec<&str> = told.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(lines, ["A 1", "B", "C", "D", "2", "150379-1028", "E", "F"]);
}

#[test]
fn html_comes_out_as_it_was() {
    let rtf = r"{\rtf1\ansi\fromhtml1 {\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 CPR 1503{\*\htmltag84 <b>}\htmlrtf {\b \htmlrtf0 79-1028\htmlrtf } \htmlrtf0 {\*\htmltag92 </b>}\htmlrtf\par}\htmlrtf0}";
    assert_eq!(text(rtf), "<p>CPR 1503<b>79-1028</b>");
}

#[test]
fn objects_and_pictures_are_files() {
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    let name = |name: &[u8]| [&u32::try_from(name.len()).unwrap().to_le_bytes()[..], name].concat();
    let native = [
        &2_u16.to_le_bytes()[..],
        b"navne.csv\0C:\\x\\navne.csv\0\0\0\x03\0",
        &name(b"C:\\t\0"),
        &name(b"CPR;150379-1028"),
    ]
    .concat();
    let object = [
        &0x501_u32.to_le_bytes()[..],
        &2_u32.to_le_bytes(),
        &name(b"Package\0"),
        &name(b""),
        &name(b""),
        &name(&native),
    ]
    .concat();
    let picture = b"\x89PNG\r\n\x1A\n123";
    let rtf = format!(
        "{{\\rtf1 a\\par {{\\object\\objemb{{\\*\\objclass Package}}{{\\*\\objdata {}}}{{\\result b}}}}{{\\pict\\pngblip {}}}c}}",
        hex(&object),
        hex(picture)
    );
    let (told, unread) = told(rtf.as_bytes(), read);
    assert_eq!(told, "a\nbc<navne.csv>CPR;150379-1028<picture.png>\u{FFFD}PNG\r\n\u{1A}\n123");
    assert_eq!(unread, []);
    torment(rtf.as_bytes(), read);
}

#[test]
fn groups_without_end_and_what_lies_behind_do_no_harm() {
    let deep = "{".repeat(1_000_000);
    text(&format!("{{\\rtf1 {deep}"));
    assert_eq!(text(&format!("{{\\rtf1 {}a{}b}}", "{".repeat(5000), "}".repeat(5000))), "ab");
    assert!(text("{\\rtf1 a} CPR-nr. 150379-1028").contains("CPR-nr. 150379-1028"));
    torment(
        br"{\rtf1\ansi{\fonttbl{\f0\fcharset128 A;}}{\*\x 123456}\f0 \'83\'41\u-5?\bin5 12345{\footnote a\par}\row}",
        read,
    );
}
