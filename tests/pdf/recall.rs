//! How much of a PDF is read, against two others that read PDF: documents that LibreOffice makes of chance, with fonts,
//! tables, columns, headers, notes, frames and forms, and every run of digits that pdftotext and mutool both give.
//!
//! Start reading at [`digits_that_others_read_are_read`].

#![allow(clippy::print_stdout, reason = "what was not checked, and the figures, must be seen")]

use super::work;
use crate::hide::random::Random;
use brevdue::worker::Budget;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;

const WORDS: [&str; 12] = [
    "borger",
    "sagen",
    "afgørelse",
    "vedrørende",
    "nummer",
    "brev",
    "modtaget",
    "telefon",
    "klage",
    "frist",
    "beløb",
    "journal",
];

const FONTS: [&str; 5] =
    ["DejaVu Sans", "DejaVu Serif", "DejaVu Sans Mono", "TeX Gyre Termes", "TeX Gyre Heros"];

/// Words, and a number of four to ten digits now and then.
fn words(random: &mut Random, count: usize) -> String {
    (0..count)
        .map(|_| if random.one_in(5) { number(random) } else { random.pick(&WORDS).to_owned() })
        .collect::<Vec<_>>()
        .join(" ")
}

fn number(random: &mut Random) -> String {
    match random.below(8) {
        0 => "150379-1028".to_owned(),
        1 => "010190-1234".to_owned(),
        _ => (0..random.within(4..11))
            .map(|_| random.pick(&["1", "2", "3", "4", "5", "6", "7", "8", "9"]))
            .collect(),
    }
}

/// A text document as one file of XML (OpenDocument 1.3).
fn document(seed: u64) -> String {
    let mut random = Random::new(seed);
    let spaces = ["office", "text", "style", "table", "draw", "fo", "svg"].map(|name| {
        let space = match name {
            "fo" | "svg" => format!("{name}-compatible"),
            "draw" => "drawing".to_owned(),
            _ => name.to_owned(),
        };
        format!(" xmlns:{name}=\"urn:oasis:names:tc:opendocument:xmlns:{space}:1.0\"")
    });
    let styles: String = (0..10)
        .map(|nr| {
            let (font, size) = (random.pick(&FONTS), random.within(6..15));
            let spacing = random.pick(&["normal", "normal", "0.02cm", "0.08cm", "-0.01cm"]);
            let (align, weight) = (random.pick(&["start", "justify", "end", "center"]), random.pick(&["normal", "bold"]));
            format!(
                "<style:style style:name=\"P{nr}\" style:family=\"paragraph\"><style:paragraph-properties fo:text-align=\"{align}\"/>\
                 <style:text-properties fo:font-family=\"'{font}'\" fo:font-size=\"{size}pt\" fo:letter-spacing=\"{spacing}\" \
                 fo:font-weight=\"{weight}\"/></style:style>"
            )
        })
        .collect();
    let mut body = String::new();
    for nr in 0..60 {
        let style = random.below(10);
        let count = random.within(5..80);
        match random.below(7) {
            0 => {
                let columns = random.within(2..6);
                let rows: String = (0..random.within(2..12))
                    .map(|_| {
                        let cells: String = (0..columns)
                            .map(|_| {
                                let text = if random.one_in(2) { number(&mut random) } else { words(&mut random, 2) };
                                format!("<table:table-cell><text:p text:style-name=\"P{style}\">{text}</text:p></table:table-cell>")
                            })
                            .collect();
                        format!("<table:table-row>{cells}</table:table-row>")
                    })
                    .collect();
                body.push_str(&format!(
                    "<table:table table:name=\"T{nr}\"><table:table-column table:number-columns-repeated=\"{columns}\"/>{rows}</table:table>"
                ));
            }
            1 => {
                let paragraphs: String = (0..4)
                    .map(|_| format!("<text:p text:style-name=\"P{style}\">{}</text:p>", words(&mut random, count)))
                    .collect();
                body.push_str(&format!("<text:section text:style-name=\"S{}\" text:name=\"S{nr}\">{paragraphs}</text:section>", random.within(2..4)));
            }
            2 => body.push_str(&format!(
                "<text:p>{}<text:note text:id=\"n{nr}\" text:note-class=\"footnote\"><text:note-citation>{nr}</text:note-citation>\
                 <text:note-body><text:p>{}</text:p></text:note-body></text:note></text:p>",
                words(&mut random, 9), words(&mut random, 9)
            )),
            3 => body.push_str(&format!(
                "<text:p>{}<draw:frame text:anchor-type=\"as-char\" svg:width=\"6cm\" svg:height=\"2cm\"><draw:text-box><text:p \
                 text:style-name=\"P{style}\">{}</text:p></draw:text-box></draw:frame></text:p>",
                words(&mut random, 4), words(&mut random, 6)
            )),
            _ => body.push_str(&format!("<text:p text:style-name=\"P{style}\">{}</text:p>", words(&mut random, count))),
        }
    }
    let columns: String = (2..4)
        .map(|count| {
            format!(
                "<style:style style:name=\"S{count}\" style:family=\"section\"><style:section-properties>\
                 <style:columns fo:column-count=\"{count}\" fo:column-gap=\"0.5cm\"/></style:section-properties></style:style>"
            )
        })
        .collect();
    let margin = |kind: &str, text: String| format!("<style:{kind}><text:p>{text}</text:p></style:{kind}>");
    let (header, footer) = (margin("header", words(&mut random, 8)), margin("footer", words(&mut random, 8)));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><office:document{} office:version=\"1.3\" \
         office:mimetype=\"application/vnd.oasis.opendocument.text\"><office:automatic-styles>{styles}{columns}\
         <style:page-layout style:name=\"L\"><style:page-layout-properties fo:page-width=\"21cm\" fo:page-height=\"29.7cm\" fo:margin=\"2cm\"/>\
         <style:header-style/><style:footer-style/></style:page-layout></office:automatic-styles>\
         <office:master-styles><style:master-page style:name=\"Standard\" style:page-layout-name=\"L\">{header}{footer}</style:master-page>\
         </office:master-styles><office:body><office:text>{body}\
         </office:text></office:body></office:document>",
        spaces.concat()
    )
}

/// A form with fields, and their values.
fn form() -> (String, Vec<String>) {
    let mut random = Random::new(1);
    let values: Vec<String> = (0..20).map(|_| number(&mut random)).collect();
    let fields: String = (0..)
        .zip(&values)
        .map(|(nr, value)| match nr % 2 {
            0 => format!("<p>Felt <input type='text' name='felt{nr}' value='{value}'></p>"),
            _ => format!("<p>Tekst <textarea name='felt{nr}'>Hans nummer er {value} her</textarea></p>"),
        })
        .collect();
    (format!("<html><body><form action='x'>{fields}</form></body></html>"), values)
}

#[test]
fn what_is_filled_in_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let (page, values) = form();
    File::create(at.join("a.html")).unwrap().write_all(page.as_bytes()).unwrap();
    let args = ["--headless", "--convert-to", "pdf:writer_web_pdf_Export", "a.html"];
    if said("soffice", &args, at).is_none() {
        return;
    }
    let document = std::fs::read(at.join("a.pdf")).unwrap();
    assert!(memchr::memmem::find(&document, b"/AcroForm").is_some(), "no form was made");
    let (text, unread, _) = work(&document, Budget::default());
    assert_eq!(unread, []);
    let missed: Vec<&String> = values.iter().filter(|value| !text.contains(value.as_str())).collect();
    assert!(missed.is_empty(), "{missed:?} of {text}");
}

/// Runs of four digits and more.
fn runs(text: &str) -> BTreeSet<String> {
    text.split(|letter: char| !letter.is_ascii_digit())
        .filter(|run| run.len() >= 4)
        .map(str::to_owned)
        .collect()
}

/// What a program says; `None` when it does not start.
fn said(program: &str, args: &[&str], folder: &Path) -> Option<String> {
    let output = Command::new(program).args(args).current_dir(folder).env("HOME", folder).output();
    match output {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) => {
            println!("NOT CHECKED: {program}: {error}");
            None
        }
    }
}

#[test]
fn digits_that_others_read_are_read() {
    const SEEDS: std::ops::Range<u64> = 0..8;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for tool in [["pdftotext", "-v"], ["mutool", "-v"], ["soffice", "--version"]] {
        if said(tool[0], &tool[1..], at).is_none() {
            return;
        }
    }
    let names: Vec<String> = SEEDS.map(|seed| format!("{seed}.fodt")).collect();
    for (seed, name) in SEEDS.zip(&names) {
        File::create(at.join(name)).unwrap().write_all(document(seed).as_bytes()).unwrap();
    }
    let mut args = vec!["--headless", "--convert-to", "pdf"];
    args.extend(names.iter().map(String::as_str));
    said("soffice", &args, at).unwrap();
    let (mut all, mut found, mut missed) = (0, 0, Vec::new());
    for seed in SEEDS {
        let name = format!("{seed}.pdf");
        let document = std::fs::read(at.join(&name))
            .unwrap_or_else(|error| panic!("LibreOffice made no {name}: {error}"));
        let poppler = runs(&said("pdftotext", &[&name, "-"], at).unwrap());
        let mupdf = runs(&said("mutool", &["draw", "-q", "-F", "txt", &name], at).unwrap());
        let (text, unread, _) = work(&document, Budget::default());
        assert_eq!(unread, [], "{name}");
        let ours = runs(&text);
        let wanted: Vec<&String> = poppler.intersection(&mupdf).collect();
        assert!(wanted.len() > 50, "{name}: {} and {} runs", poppler.len(), mupdf.len());
        all += wanted.len();
        found += wanted.iter().filter(|run| ours.contains(**run)).count();
        missed.extend(
            wanted.into_iter().filter(|run| !ours.contains(*run)).map(|run| format!("{name}: {run}")),
        );
    }
    println!("{found} of {all} runs of digits; missed: {missed:?}");
    assert!(found * 100 >= all * 99, "{found} of {all}: {missed:?}");
}
