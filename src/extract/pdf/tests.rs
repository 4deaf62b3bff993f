//! Documents written by hand, each with a number in another place.

#![allow(clippy::format_collect, clippy::format_push_string, reason = "a few allocations in a test")]

use crate::extract::content::{Event, Limits, Spot, Unread};
use crate::extract::made::pdf::{FIRST, Writer, page, show};
use crate::extract::open;

/// What is told of a document: its text, the names of files, and what was not read.
#[derive(Debug, Default)]
pub(in crate::extract) struct Told {
    pub(in crate::extract) text: String,
    pub(in crate::extract) names: Vec<String>,
    pub(in crate::extract) spots: Vec<String>,
    pub(in crate::extract) unread: Vec<Unread>,
}

pub(in crate::extract) fn told(document: &[u8]) -> Told {
    let mut told = Told::default();
    let mut bytes = Vec::new();
    open(document, Limits::default(), &mut |event: Event<'_>| match event {
        Event::Enter(member) if !member.name.is_empty() => told.names.push(member.name.to_owned()),
        Event::Data(data) => bytes.extend_from_slice(data),
        Event::Leave => bytes.push(b'\n'),
        Event::Unread(why) => told.unread.push(why),
        Event::Spot(Spot::Page(nr)) => told.spots.push(nr.to_string()),
        Event::Spot(Spot::Named(name)) => told.spots.push(name.to_owned()),
        Event::Enter(_) | Event::Spot(_) => {}
    });
    told.text = String::from_utf8_lossy(&bytes).into_owned();
    told
}

#[track_caller]
fn has(document: &[u8], text: &str) -> Told {
    let told = told(document);
    assert!(told.text.contains(text), "{text:?} is not in {told:#?}");
    told
}

#[track_caller]
fn has_all(document: &[u8], text: &str) {
    let told = has(document, text);
    assert!(told.unread.is_empty(), "{told:#?}");
}

#[test]
fn text_in_a_font_that_is_not_embedded_is_read() {
    for font in ["Helvetica", "Times-Roman", "Courier-Bold", "Arial,Bold", "Verdana"] {
        let mut writer = Writer::new();
        let font =
            writer.add(format!("<</Type/Font/Subtype/TrueType/BaseFont/{font}/Encoding/WinAnsiEncoding>>"));
        writer.resources = format!("/Font<</F1 {font} 0 R>>");
        has_all(
            &writer.finish(&[&show(50, 700, "CPR-nr. 150379-1028 f\\370lger")]),
            "CPR-nr. 150379-1028 følger",
        );
    }
}

#[test]
fn pages_are_told_by_their_numbers() {
    let told = told(&Writer::new().finish(&[&show(50, 700, "en"), &show(50, 700, "to"), ""]));
    assert_eq!((told.text.as_str(), told.unread.len()), ("en\n\nto\n\n\n\n", 0));
    assert_eq!(told.spots, ["1", "2", "3"]);
}

#[test]
fn a_number_in_pieces_is_one() {
    for pieces in [
        "BT /F1 10 Tf 50 700 Td [(15)-12(03)8(79-)30(10)-40(28)] TJ ET",
        "BT /F1 10 Tf 50 700 Td (1503) Tj (79) Tj (-1028) Tj ET",
        "BT /F1 10 Tf 1 0 0 1 50 700 Tm (150379) Tj 1 0 0 1 83.36 700 Tm (-) Tj 1 0 0 1 86.7 700 Tm (1028) Tj ET",
        "BT /F1 10 Tf 4 Tc 50 700 Td (150379-1028) Tj ET",
        "BT /F1 10 Tf 3 Tr 50 700 Td (150379-1028) Tj ET",
        "BT /F1 10 Tf 2 Tr 50 700 Td (150379-1028) Tj ET",
        "BT /F1 10 Tf 7 Tr 50 700 Td (150379-1028) Tj ET",
        "BT /F1 10 Tf 0 1 -1 0 50 300 Tm (150379) Tj (-1028) Tj ET",
        "BT /F1 10 Tf 0.7 0.7 -0.7 0.7 50 300 Tm (150379) Tj (-1028) Tj ET",
        "BT /F1 1 Tf 10 0 0 10 50 700 Tm (150379-1028) Tj ET",
        "BT /F1 10 Tf 50 Tz 50 700 Td (150379-1028) Tj ET",
        "1 1 1 rg BT /F1 10 Tf 50 -700 Td (150379-1028) Tj ET",
        "0 0 1 1 re W n BT /F1 10 Tf 50 700 Td (150379-1028) Tj ET",
        "BT /F1 10 Tf 50 700 Td <3135303337392D31303238> Tj ET",
    ] {
        has_all(&page(pieces), "150379-1028\n");
    }
}

#[test]
fn a_form_with_a_box_for_each_digit_is_read() {
    let boxes = |y: i32| -> String {
        (0..)
            .zip("1503791028".chars())
            .map(|(nr, digit)| show(200 + 15 * nr, y, &digit.to_string()))
            .collect()
    };
    has_all(&page(&[show(50, 700, "CPR-nr."), boxes(700)].concat()), "CPR-nr.\t1503791028\n");
    // Filled in after all that is printed.
    let form = [show(50, 700, "CPR-nr."), show(50, 650, "Navn"), boxes(700), show(200, 650, "Bo")].concat();
    has_all(&page(&form), "CPR-nr.\t1503791028\nNavn\tBo\n");
}

#[test]
fn a_table_is_told_in_rows() {
    let rows = [["Navn", "CPR-nr."], ["Bo", "150379-1028"], ["Ib", "010190-1234"]];
    let cell = |row: usize, column: usize| {
        let place = i32::try_from(row).and_then(|row| Ok((row, i32::try_from(column)?))).unwrap();
        show(50 + 100 * place.1, 700 - 14 * place.0, rows[row][column])
    };
    let table = "Navn\tCPR-nr.\nBo\t150379-1028\nIb\t010190-1234\n";
    let by_rows: String =
        (0..3).flat_map(|row| (0..2).map(move |column| (row, column))).map(|(r, c)| cell(r, c)).collect();
    assert_eq!(told(&page(&by_rows)).text, format!("{table}\n\n"));
    let by_columns: String =
        (0..2).flat_map(|column| (0..3).map(move |row| (row, column))).map(|(r, c)| cell(r, c)).collect();
    has_all(&page(&by_columns), table);
}

#[test]
fn text_in_forms_patterns_masks_and_drawn_glyphs_is_read() {
    let text = show(5, 5, "150379-1028");
    let drawn = |make: &dyn Fn(&mut Writer) -> String| {
        let mut writer = Writer::new();
        let content = make(&mut writer);
        has_all(&writer.finish(&[&content]), "150379-1028");
    };
    let fonts = "/Resources<</Font<</F1 3 0 R>>>>";
    // A form in a form.
    drawn(&|writer| {
        let inner =
            writer.stream(&format!("/Type/XObject/Subtype/Form/BBox[0 0 500 500]{fonts}"), text.as_bytes());
        let outer =
            format!("/Type/XObject/Subtype/Form/BBox[0 0 500 500]/Resources<</XObject<</Y {inner} 0 R>>>>");
        let outer = writer.stream(&outer, b"q 1 0 0 1 10 10 cm /Y Do Q");
        writer.resources = format!("/XObject<</X {outer} 0 R>>");
        "/X Do".to_owned()
    });
    drawn(&|writer| {
        let entries =
            format!("/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 90 90]/XStep 90/YStep 90{fonts}");
        let pattern = writer.stream(&entries, text.as_bytes());
        writer.resources = format!("/Pattern<</P {pattern} 0 R>>");
        "/Pattern cs /P scn 0 0 500 500 re f".to_owned()
    });
    drawn(&|writer| {
        let group = format!(
            "/Type/XObject/Subtype/Form/BBox[0 0 500 500]/Group<</S/Transparency/CS/DeviceGray>>{fonts}"
        );
        let group = writer.stream(&group, text.as_bytes());
        writer.resources = format!("/ExtGState<</G <</SMask<</S/Luminosity/G {group} 0 R>>>>>>");
        "/G gs 0 0 500 500 re f".to_owned()
    });
    // Each letter says nothing, and one of them draws the number.
    drawn(&|writer| {
        let drawing = writer.stream("", format!("100 0 d0 {text}").as_bytes());
        let font = writer.add(format!(
            "<</Type/Font/Subtype/Type3/FontBBox[0 0 100 100]/FontMatrix[.01 0 0 .01 0 0]/CharProcs<</a {drawing} 0 R>>\
             /Encoding<</Differences[65/a]>>/FirstChar 65/LastChar 65/Widths[100]{fonts}>>"
        ));
        writer.resources = format!("/Font<</F1 3 0 R/F3 {font} 0 R>>");
        "BT /F3 10 Tf 50 700 Td (A) Tj ET".to_owned()
    });
}

#[test]
fn glyphs_that_say_nothing_are_told() {
    let unmapped = |shown: &str| {
        let mut writer = Writer::new();
        let drawing = writer.stream("", b"50 0 d0 0 0 40 40 re f");
        let font = writer.add(format!(
            "<</Type/Font/Subtype/Type3/FontBBox[0 0 100 100]/FontMatrix[.01 0 0 .01 0 0]/CharProcs<</zz {drawing} 0 R>>\
             /Encoding<</Differences[48/zz/zz/zz/zz/zz/zz/zz/zz/zz/zz]>>/FirstChar 48/LastChar 57\
             /Widths[50 50 50 50 50 50 50 50 50 50]>>"
        ));
        writer.resources = format!("/Font<</F1 3 0 R/F3 {font} 0 R>>");
        let long = show(50, 600, &"tekst ".repeat(300));
        told(&writer.finish(&[&format!("BT /F3 10 Tf 50 700 Td ({shown}) Tj ET"), &long]))
    };
    let many = unmapped("150379");
    assert_eq!(many.unread, [Unread::UnmappedGlyphs]);
    assert!(many.text.contains("150379"), "the codes are as good a guess as any: {many:?}");
    assert_eq!(unmapped("1").unread, [], "one bullet hides no number");
    let filled_in = |shown: &str, times: usize| {
        let mut writer = Writer::new();
        let drawing = writer.stream("", b"50 0 d0 0 0 40 40 re f");
        let font = writer.add(format!(
            "<</Type/Font/Subtype/Type3/FontBBox[0 0 100 100]/FontMatrix[.01 0 0 .01 0 0]/CharProcs<</zz {drawing} 0 R>>\
             /Encoding<</Differences[49/zz]>>/FirstChar 49/LastChar 49/Widths[50]>>"
        ));
        writer.resources = format!("/Font<</F1 3 0 R/F3 {font} 0 R>>");
        let field = format!("BT /F3 10 Tf 50 700 Td ({shown}) Tj ET ");
        let letter = format!("{field}{}", show(50, 600, "tekst "));
        told(&writer.finish(&[&letter.repeat(times), &show(50, 600, &"tekst ".repeat(900))])).unread
    };
    assert_eq!(filled_in("1111", 1), [Unread::UnmappedGlyphs], "however much is written round it");
    assert_eq!(filled_in("11", 2), [], "a few bullets, each before a word");
}

#[test]
fn numbers_of_glyphs_without_a_table_of_letters_are_told_as_such() {
    // The glyphs of a number, as a subset counts them from 1 or a whole font from its own beginning.
    for first in [1_u16, 19, 0x0130] {
        let shown: String =
            "1503791028".bytes().map(|digit| format!("{:04X}", first + u16::from(digit - b'0'))).collect();
        for (encoding, unicode) in [
            ("/Identity-H", ""),
            ("/Identity-V", ""),
            ("/Nothing-H", ""),
            // A table that has nothing of them.
            ("/Identity-H", "1 beginbfchar <7000> <0041> endbfchar"),
        ] {
            let mut writer = Writer::new();
            let table = if unicode.is_empty() {
                String::new()
            } else {
                let map = format!(
                    "/CIDInit /ProcSet findresource begin 12 dict begin begincmap 1 begincodespacerange \
                     <0000> <FFFF> endcodespacerange {unicode} endcmap end end"
                );
                format!("/ToUnicode {} 0 R", writer.stream("", map.as_bytes()))
            };
            let inner = writer.add(
                "<</Type/Font/Subtype/CIDFontType2/BaseFont/ABCDEF+Tahoma/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)\
                 /Supplement 0>>/FontDescriptor<</Type/FontDescriptor/FontName/ABCDEF+Tahoma/Flags 4>>/DW 500>>",
            );
            let font = writer.add(format!(
                "<</Type/Font/Subtype/Type0/BaseFont/ABCDEF+Tahoma/Encoding{encoding}/DescendantFonts[{inner} 0 R]{table}>>"
            ));
            writer.resources = format!("/Font<</F1 3 0 R/F3 {font} 0 R>>");
            let content =
                format!("{}BT /F3 10 Tf 50 700 Td <{shown}> Tj ET", show(50, 600, &"tekst ".repeat(300)));
            let told = told(&writer.finish(&[&content]));
            assert_eq!(told.unread, [Unread::UnmappedGlyphs], "{first} {encoding} {unicode}: {told:?}");
        }
    }
}

#[test]
fn pictures_are_told_when_they_may_be_pages() {
    let pictured = |content: &str| {
        let mut writer = Writer::new();
        let entries = "/Type/XObject/Subtype/Image/Width 2/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8";
        let image = writer.stream(entries, b"xy");
        writer.resources = format!("/XObject<</I {image} 0 R>>");
        let told = told(&writer.finish(&[content]));
        (told.names, told.unread)
    };
    let text = show(50, 700, "Hej");
    let shown = |wide: u32, high: u32, beside: &str| {
        pictured(&format!("q {wide} 0 0 {high} 0 0 cm /I Do Q {beside}"))
    };
    let page_1 = || vec!["page.bmp".to_owned()];
    assert_eq!(shown(100, 50, &text), (vec![], vec![]), "a logo");
    assert_eq!(shown(500, 500, &text), (page_1(), vec![]));
    assert_eq!(shown(300, 160, &text), (page_1(), vec![]), "a card that was photographed");
    assert_eq!(shown(100, 50, ""), (page_1(), vec![]), "there is nothing else");
    let strips: String = (0..8).map(|nr| format!("q 595 0 0 50 0 {} cm /I Do Q ", nr * 50)).collect();
    assert_eq!(pictured(&[strips, text].concat()), (page_1(), vec![]), "a scan in strips is one");
    // What cannot be unfolded, or is too large to be, is not told but said.
    for (side, filter) in [(2, "JPXDecode"), (2, "JBIG2Decode"), (70_000, "FlateDecode")] {
        let mut writer = Writer::new();
        let entries = format!(
            "/Subtype/Image/Width {side}/Height {side}/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/{filter}"
        );
        let image = writer.raw_stream(&entries, b"nothing");
        writer.resources = format!("/XObject<</I {image} 0 R>>");
        let told = told(&writer.finish(&["q 500 0 0 500 0 0 cm /I Do Q"]));
        assert_eq!((told.names, told.unread), (vec![], vec![Unread::Picture]), "{filter}");
    }
    let outlines: String = (0..400).map(|nr| format!("{nr} 0 m 1 2 3 4 5 6 c 7 8 l h f ")).collect();
    assert_eq!(told(&page(&outlines)).unread, [Unread::Picture], "letters drawn as outlines");
    let numbered = [outlines.as_str(), &show(50, 20, "Side 1")].concat();
    assert_eq!(told(&page(&numbered)).unread, [Unread::Picture], "and a page number beside them");
}

#[test]
fn a_picture_behind_every_page_is_told_once() {
    let mut writer = Writer::new();
    let image = writer.raw_stream(
        "/Subtype/Image/Width 8/Height 8/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/DCTDecode",
        b"\xFF\xD8\xFF as it is",
    );
    let fax = writer.raw_stream(
        "/Subtype/Image/Width 8/Height 8/ColorSpace/DeviceGray/BitsPerComponent 1/Filter/CCITTFaxDecode/DecodeParms<</K -1/Columns 8>>",
        b"as a fax",
    );
    writer.resources = format!("/XObject<</I {image} 0 R/F {fax} 0 R>>");
    let (letter, scan) = ("q 595 0 0 842 0 0 cm /I Do Q", "q 595 0 0 842 0 0 cm /F Do Q");
    let told = told(&writer.finish(&[letter, letter, scan]));
    assert_eq!((told.names, told.unread), (vec!["page.jpg".to_owned(), "page.tif".to_owned()], vec![]));
    assert_eq!(told.spots, ["1", "2", "3", "1", "3"]);
    assert!(told.text.contains("as it is") && told.text.contains("as a fax"));
}

#[test]
fn layers_that_are_off_are_read() {
    let mut writer = Writer::new();
    let group = writer.add("<</Type/OCG/Name(Skjult)>>");
    writer.catalog = format!("/OCProperties<</OCGs[{group} 0 R]/D<</OFF[{group} 0 R]>>>>");
    writer.resources = format!("/Properties<</L {group} 0 R>>");
    let content = format!("/OC /L BDC {} EMC", show(50, 700, "150379-1028"));
    has_all(&writer.finish(&[&content]), "150379-1028");
}

#[test]
fn what_stands_beside_the_pages_is_told() {
    let beside = |make: &dyn Fn(&mut Writer), text: &str| {
        let mut writer = Writer::new();
        make(&mut writer);
        let told = has(&writer.finish(&[&show(50, 700, "Hej")]), text);
        assert!(told.unread.is_empty(), "{told:#?}");
        told
    };
    let form = |field: &'static str| {
        move |writer: &mut Writer| {
            let field = writer.add(field);
            writer.catalog = format!("/AcroForm<</Fields[{field} 0 R]/NeedAppearances true>>");
        }
    };
    beside(&form("<</FT/Tx/T(cpr)/V(150379-1028)>>"), "cpr: 150379-1028\n");
    beside(
        &form("<</FT/Tx/T(f1)/TU(CPR-nummer)/Ff 16777216/MaxLen 10/V(1503791028)>>"),
        "CPR-nummer: 1503791028\n",
    );
    beside(
        &form("<</FT/Tx/T(cpr)/V<FEFF003100350030003300370039002D0031003000320038>>>"),
        "cpr: 150379-1028\n",
    );
    beside(&form("<</FT/Ch/T(personer)/V[(150379-1028)(010190-1234)]>>"), "150379-1028\n010190-1234\n");
    beside(&form("<</FT/Ch/T(p)/Opt[(a)[(x)(150379-1028)]]/V(a)>>"), "150379-1028");
    // A field for each digit.
    beside(
        &|writer| {
            for (nr, digit) in "1503791028".chars().enumerate() {
                writer.add(format!("<</FT/Tx/T(cpr{nr})/V({digit})>>"));
            }
        },
        "cpr0: 1503791028\n",
    );
    beside(
        &|writer| {
            writer.add("<</FT/Tx/T(cpr)/Kids[5 0 R]>>");
            writer.add("<</Parent 4 0 R/T(nr)/V(150379-1028)>>");
            assert_eq!(FIRST, 4);
        },
        "cpr.nr: 150379-1028\n",
    );
    let object = |body: &'static str| {
        move |writer: &mut Writer| {
            writer.add(body);
        }
    };
    beside(
        &object("<</Type/Annot/Subtype/Text/Contents(CPR 150379-1028)/Rect[0 0 1 1]/F 2>>"),
        "CPR 150379-1028",
    );
    beside(
        &object("<</Type/Annot/Subtype/FreeText/RC(<p>CPR <b>150379</b>-1028</p>)>>"),
        "<b>150379</b>-1028",
    );
    beside(&object("<</A<</S/URI/URI(mailto:x@y.dk?subject=150379-1028)>>>>"), "subject=150379-1028");
    beside(&object("<</Title(Sag 150379-1028)/Parent 9 0 R>>"), "Title: Sag 150379-1028");
    beside(&object("<</Type/StructElem/S/Figure/Alt(150379-1028)>>"), "Alt: 150379-1028");
    beside(&object("<</S/JavaScript/JS(app.alert\\('150379-1028'\\))>>"), "150379-1028");
    beside(
        &|writer| {
            let info =
                writer.add("<</Title(150379-1028)/Sagsnummer(010190-1234)/CreationDate(D:20240101120000)>>");
            writer.trailer = format!("/Info {info} 0 R");
        },
        "Title: 150379-1028\n",
    );
    beside(
        &|writer| {
            let xmp = writer.stream("/Type/Metadata/Subtype/XML", b"<dc:title>150379-1028</dc:title>");
            writer.catalog = format!("/Metadata {xmp} 0 R");
        },
        "<dc:title>150379-1028</dc:title>",
    );
    beside(
        &|writer| {
            let (head, rest) = (writer.stream("", b"<cpr>1503"), writer.stream("", b"791028</cpr>"));
            writer.catalog = format!("/AcroForm<</Fields[]/XFA[(a){head} 0 R(b){rest} 0 R]>>");
        },
        "<cpr>1503791028</cpr>",
    );
    let file = beside(
        &|writer| {
            let file = writer.stream("/Type/EmbeddedFile", b"navn;cpr\nBo;150379-1028\n");
            writer.add(format!(
                "<</Type/Filespec/F(liste.csv)/UF(liste.csv)/EF<</F {file} 0 R/UF {file} 0 R>>>>"
            ));
        },
        "navn;cpr\nBo;150379-1028\n",
    );
    assert_eq!(file.names, ["liste.csv"]);
    let bare = beside(
        &|writer| {
            writer.stream("/Type/EmbeddedFile", b"150379-1028");
        },
        "150379-1028",
    );
    assert_eq!(bare.names, ["file"], "a file that nothing refers to");
}

#[test]
fn what_is_marked_as_meant_is_told() {
    has_all(&page("/Span <</ActualText(150379-1028)>> BDC BT /F1 9 Tf (x) Tj ET EMC"), "150379-1028");
}

#[test]
fn other_text_may_stand_before() {
    let document = page(&show(50, 700, "010190-1234"));
    for junk in [b"\n".repeat(1023), b"From: a\r\nCPR 150379-1028\r\n\r\n".to_vec()] {
        let told = has(&[junk.clone(), document.clone()].concat(), "010190-1234");
        assert_eq!(told.unread, []);
        assert!(junk.len() == 1023 || told.text.contains("CPR 150379-1028"));
    }
    assert_eq!(told(&[b"\n".repeat(1024), document].concat()).unread, [Unread::UnknownForm]);
}

#[test]
fn encrypted_is_told_from_damaged() {
    let key = "00".repeat(32);
    let mut writer = Writer::new();
    writer.trailer = format!("/ID[<00><00>]/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<{key}>/U<{key}>>>");
    assert_eq!(told(&writer.finish(&[""])).unread, [Unread::Password]);
    let mut writer = Writer::new();
    writer.trailer = "/ID[<00><00>]/Encrypt<</Filter/Adobe.PubSec/V 4/R 4>>".to_owned();
    assert_eq!(told(&writer.finish(&[""])).unread, [Unread::Encrypted]);
    assert_eq!(told(b"%PDF-1.7\nintet").unread, [Unread::Damaged]);
}

#[test]
fn a_broken_document_shows_what_is_left() {
    let document = Writer::new().finish(&[&show(50, 700, "CPR 150379-1028"), "[(0101)-9(90-1)9(234)] TJ"]);
    // Without its table, without its root, and without its pages.
    let cut = |what: &[u8]| {
        let at = memchr::memmem::find(&document, what).unwrap();
        document[..at].to_vec()
    };
    let told = has(&cut(b"startxref"), "CPR 150379-1028\n");
    assert_eq!(told.unread, [Unread::Damaged]);
    let mut rootless = document.clone();
    let at = memchr::memmem::find(&rootless, b"/Catalog").unwrap();
    rootless[at + 1] = b'X';
    let at = memchr::memmem::find(&rootless, b"/Root").unwrap();
    rootless[at + 1] = b'X';
    let told = has(&rootless, "CPR 150379-1028\n");
    assert_eq!(told.unread, [Unread::Damaged]);
    // The first stream is whole, its page is not written yet.
    let told = has(&cut(b"/Type/Page/"), "CPR 150379-1028\n");
    assert!(told.unread.contains(&Unread::Damaged));
}

#[test]
fn a_document_cut_off_anywhere_is_told_as_damaged() {
    let document = Writer::new().finish(&[&show(50, 700, "CPR 150379-1028")]);
    let end = memchr::memmem::rfind(&document, b"%%EOF").unwrap();
    for length in 5..end {
        let told = told(&document[..length]);
        assert!(told.unread.contains(&Unread::Damaged), "{length}: {told:?}");
    }
    for at in 5..document.len() {
        let mut broken = document.clone();
        broken[at] ^= 0x55;
        told(&broken);
    }
}
