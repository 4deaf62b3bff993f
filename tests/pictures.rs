//! Letters in pictures, recognised by a real tesseract: attached, in a document, and with another file behind them.

#![allow(clippy::print_stdout, reason = "what was not checked must be seen")]

use crate::documents::{places, scan, unread, workers, workers_of};
use crate::support::documents::archives::archive;
use crate::support::documents::mail;
use crate::support::documents::pdf::{Writer, fold, page, show};
use crate::support::picture::Picture;
use brevdue::scan::finding::Position;
use brevdue::worker::{Budget, Recogniser, Settings, Workers};
use std::fs::File;
use std::io::Write;
use std::process::Command;
use std::sync::Arc;

const TEXT: &str = "CPR-nr. 150379-1028";

/// Workers that recognise letters, where there is a program for it.
fn recognising() -> Option<Arc<Workers>> {
    let recogniser = Recogniser::default();
    if !recogniser.program.exists() {
        println!("NOT CHECKED: there is no {}", recogniser.program.display());
        return None;
    }
    Some(workers_of(Settings { recogniser: Some(recogniser), budget: Budget::default() }))
}

#[test]
fn a_number_in_an_attached_picture_is_found() {
    let picture = Picture::of(TEXT);
    let files = [("a.bmp", picture.bmp()), ("a.png", picture.png()), ("a.tif", picture.tiff())];
    let mail = mail(&files.each_ref().map(|(name, file)| (*name, file.as_slice())));
    let forms = ["bmp", "png", "tiff"].map(|form| (String::new(), "image", form));
    assert_eq!(unread(&scan(&mail, &workers(Budget::default()))), forms);
    let Some(workers) = recognising() else { return };
    let report = scan(&mail, &workers);
    assert_eq!(places(&report), ["1 attachment:a.bmp", "2 attachment:a.png", "3 attachment:a.tif"]);
    assert_eq!(unread(&report), []);
}

/// A page of a picture, drawn by this.
fn scanned(picture: &Picture, drawn: &str, entries_of_page: &str) -> Vec<u8> {
    let mut writer = Writer::new();
    entries_of_page.clone_into(&mut writer.page);
    let folded = fold(&picture.grays);
    filled(writer, picture, "8/Filter/FlateDecode", &folded, drawn)
}

/// Likewise, of a picture with these bits and folded so.
fn filled(mut writer: Writer, picture: &Picture, folding: &str, data: &[u8], drawn: &str) -> Vec<u8> {
    let Picture { wide, high, .. } = picture;
    let entries = format!(
        "/Type/XObject/Subtype/Image/Width {wide}/Height {high}/ColorSpace/DeviceGray/BitsPerComponent {folding}"
    );
    let image = writer.raw_stream(&entries, data);
    writer.resources = format!("/XObject<</I {image} 0 R>>");
    writer.finish(&["", drawn])
}

/// What a program makes of a file, where there is one.
fn made(program: &str, args: &[&str], name: &str, file: &[u8], result: &str) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    File::create(folder.path().join(name)).unwrap().write_all(file).unwrap();
    let said =
        Command::new(program).args(args).current_dir(folder.path()).env("HOME", folder.path()).output();
    let made = std::fs::read(folder.path().join(result)).ok().filter(|made| !made.is_empty());
    if made.is_none() {
        println!("NOT CHECKED: {program} made no {result}: {said:?}");
    }
    made
}

/// The picture as JPEG, and as TIFF folded as a fax, where there are programs for it.
fn jpeg_and_fax(picture: &Picture) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
    let jpeg =
        made("soffice", &["--headless", "--convert-to", "jpg", "a.png"], "a.png", &picture.png(), "a.jpg");
    let fax = ["-c", "g4", "-r", "100000", "a.tif", "b.tif"];
    (jpeg, made("tiffcp", &fax, "a.tif", &picture.bilevel(), "b.tif"))
}

/// A picture with the sides of this JPEG (ITU T.81, B.2.2), which has one colour.
fn sides(jpeg: &[u8]) -> Picture {
    let frame = jpeg.windows(2).position(|mark| matches!(mark, [0xFF, 0xC0..=0xC2])).unwrap();
    let side = |at: usize| usize::from(u16::from_be_bytes([jpeg[frame + at], jpeg[frame + at + 1]]));
    assert_eq!(jpeg[frame + 9], 1, "LibreOffice makes gray of gray");
    Picture { wide: side(7), high: side(5), grays: Vec::new() }
}

/// The one strip of a TIFF, least significant byte first.
fn strip(tiff: &[u8]) -> &[u8] {
    assert!(tiff.starts_with(b"II*\0"));
    let number = |at: usize| u32::from_le_bytes(tiff[at..at + 4].try_into().unwrap()) as usize;
    let fields = number(4) + 2;
    let count = usize::from(u16::from_le_bytes([tiff[fields - 2], tiff[fields - 1]]));
    let field = |tag: u16| {
        let at =
            (0..count).map(|nr| fields + nr * 12).find(|at| tiff[*at..at + 2] == tag.to_le_bytes()).unwrap();
        // A number of two bytes has noughts behind it.
        number(at + 8)
    };
    &tiff[field(273)..field(273) + field(279)]
}

#[test]
fn a_number_in_jpeg_and_fax_is_found() {
    let Some(workers) = recognising() else { return };
    let picture = Picture::of(TEXT);
    let (jpeg, fax) = jpeg_and_fax(&picture);
    let drawn = "q 432 0 0 58 50 700 cm /I Do Q";
    // A page of two is no file by itself.
    let twice = "q 432 0 0 58 50 700 cm /I Do Q q 9 0 0 9 50 500 cm /I Do Q";
    let mut files = Vec::new();
    if let Some(jpeg) = jpeg {
        files.push(("a.jpg", "1 attachment:a.jpg", jpeg.clone()));
        // A page with the picture on it.
        let page = sides(&jpeg);
        let whole = "q 595 0 0 842 0 0 cm /I Do Q";
        let pdf = filled(Writer::new(), &page, "8/Filter/DCTDecode", &jpeg, whole);
        files.push(("b.pdf", "1 attachment:b.pdf!page.jpg", pdf));
        let pdf = filled(
            Writer::new(),
            &page,
            "8/Filter/DCTDecode",
            &jpeg,
            &[whole, "q 9 0 0 9 0 0 cm /I Do Q"].join(" "),
        );
        files.push(("f.pdf", "1 attachment:f.pdf!page.bmp", pdf));
    }
    if let Some(fax) = fax {
        let (wide, high) = (picture.wide, picture.high);
        let folding = format!("1/Filter/CCITTFaxDecode/DecodeParms<</K -1/Columns {wide}/Rows {high}>>");
        files.push(("d.pdf", "1 attachment:d.pdf!page.tif", {
            filled(Writer::new(), &picture, &folding, strip(&fax), drawn)
        }));
        files.push(("e.pdf", "1 attachment:e.pdf!page.bmp", {
            filled(Writer::new(), &picture, &folding, strip(&fax), twice)
        }));
        files.push(("c.tif", "1 attachment:c.tif", fax));
    }
    for (name, place, file) in files {
        let report = scan(&mail(&[(name, &file)]), &workers);
        assert_eq!((places(&report), unread(&report)), (vec![place.to_owned()], vec![]), "{name}");
    }
}

#[test]
fn a_number_in_a_picture_larger_than_a_logo_is_found_beside_text() {
    let text = show(50, 500, "Et brev med et billede");
    // A twelfth of the page.
    let document = scanned(&Picture::of(TEXT), &format!("q 500 0 0 80 50 700 cm /I Do Q {text}"), "");
    let named = [("a.pdf!page.bmp".to_owned(), "image", "bmp")];
    assert_eq!(unread(&scan(&mail(&[("a.pdf", &document)]), &workers(Budget::default()))), named);
    let Some(workers) = recognising() else { return };
    let report = scan(&mail(&[("a.pdf", &document)]), &workers);
    assert_eq!((places(&report), unread(&report)), (vec!["1 attachment:a.pdf!page.bmp".to_owned()], vec![]));
    let logo = scanned(&Picture::of(TEXT), &format!("q 250 0 0 30 50 700 cm /I Do Q {text}"), "");
    let report = scan(&mail(&[("a.pdf", &logo)]), &workers);
    assert_eq!((places(&report), unread(&report)), (vec![], vec![]), "a logo says nothing");
}

#[test]
fn pictures_that_nobody_recognises_are_not_unfolded() {
    let workers = workers(Budget::default());
    let scan_of = |wide: usize, high: usize, data: &[u8]| {
        let picture = Picture { wide, high, grays: Vec::new() };
        let drawn = "q 595 0 0 842 0 0 cm /I Do Q";
        let document = filled(Writer::new(), &picture, "8/Filter/FlateDecode", data, drawn);
        let report = scan(&mail(&[("a.pdf", &document)]), &workers);
        unread(&report)
    };
    let named = [("a.pdf!page.bmp".to_owned(), "image", "bmp")];
    assert_eq!(scan_of(2480, 3508, b"This cannot be unfolded at all."), named);
    // Small ones are looked at: they may be the paper under a letter.
    assert_eq!(scan_of(8, 8, &fold(&[0xEE; 64])), []);
    assert_eq!(scan_of(8, 8, &fold(&[0; 64])), named);
    assert_eq!(scan_of(8, 8, &fold(&(0..64).collect::<Vec<u8>>())), named);
}

#[test]
fn a_number_in_a_scan_is_found_by_its_page() {
    let picture = Picture::of(TEXT);
    let upright = "q 432 0 0 58 50 700 cm /I Do Q";
    let on_its_side = "q 58 0 0 432 50 300 cm /I Do Q";
    let documents = [
        scanned(&picture, upright, ""),
        scanned(&picture, "q 0 432 -58 0 200 300 cm /I Do Q", "/Rotate 90"),
        scanned(&picture.turned(), on_its_side, "/Rotate 270"),
    ];
    let names = ["a.pdf", "b.pdf", "c.pdf"];
    let files: Vec<(&str, &[u8])> = names.into_iter().zip(documents.iter().map(Vec::as_slice)).collect();
    let mail = mail(&files);
    let report = scan(&mail, &workers(Budget::default()));
    let expected = names.map(|name| (format!("{name}!page.bmp"), "image", "bmp"));
    assert_eq!(unread(&report), expected, "without a recogniser it is unread, and named");
    let Some(workers) = recognising() else { return };
    let report = scan(&mail, &workers);
    let expected: Vec<String> =
        (1..).zip(names).map(|(nr, name)| format!("{nr} attachment:{name}!page.bmp")).collect();
    assert_eq!(places(&report), expected);
    let positions: Vec<_> = report.findings.iter().map(|one| one.position.clone()).collect();
    assert_eq!(positions, [const { Some(Position::Page(2)) }; 3]);
    assert_eq!(unread(&report), []);
}

#[test]
fn what_stands_behind_a_picture_is_opened_too() {
    let picture = Picture::of("Et logo").png();
    let text = format!("{TEXT}\n");
    let zip = archive(&[("a.txt", text.as_bytes())]);
    let pdf = page(&show(50, 700, TEXT));
    // Farther behind than a reader of PDF must look, and the archive begins wherever a piece ends.
    let noise: Vec<u8> = (0..5000_u32).map(|nr| (nr.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let gif = [b"GIF89a\x01\0".as_slice(), &noise].concat();
    let files = [
        ("a.png", [picture.as_slice(), &zip].concat()),
        ("b.png", [picture.as_slice(), &noise, &pdf].concat()),
        ("c.gif", [gif.as_slice(), &zip].concat()),
        ("d.gif", [gif.as_slice(), b"PK\x03\x04 by chance", &noise].concat()),
    ];
    let mail = mail(&files.each_ref().map(|(name, file)| (*name, file.as_slice())));
    let report = scan(&mail, &workers(Budget::default()));
    assert_eq!(
        places(&report),
        ["1 attachment:a.png!a.txt", "2 attachment:b.png", "3 attachment:c.gif!a.txt"]
    );
    let kinds: Vec<_> = unread(&report).into_iter().map(|one| (one.1, one.2)).collect();
    assert_eq!(kinds[..4], [("image", "png"), ("image", "png"), ("image", "gif"), ("image", "gif")]);
    // Recognised besides, the archive is opened all the same.
    let Some(workers) = recognising() else { return };
    assert_eq!(places(&scan(&mail, &workers)), places(&report));
}
