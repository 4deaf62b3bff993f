//! Letters in pictures, recognised by a real tesseract: attached, in a document, and with another file behind them.

#![allow(clippy::print_stdout, reason = "what was not checked must be seen")]

use crate::documents::{places, scan, unread, workers, workers_of};
use crate::support::documents::archives::archive;
use crate::support::documents::mail;
use crate::support::documents::pdf::{Writer, page, show};
use crate::support::picture::Picture;
use brevdue::scan::finding::Position;
use brevdue::worker::{Budget, Recogniser, Settings, Workers};
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
    let Picture { wide, high, grays } = picture;
    let entries = format!(
        "/Type/XObject/Subtype/Image/Width {wide}/Height {high}/ColorSpace/DeviceGray/BitsPerComponent 8"
    );
    let image = writer.stream(&entries, grays);
    writer.resources = format!("/XObject<</I {image} 0 R>>");
    entries_of_page.clone_into(&mut writer.page);
    writer.finish(&["", drawn])
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
