//! How long documents take in a worker, by form, and what a worker costs that has nothing to read.
//!
//! Times are by the clock and include the start of the process and its end: what a mail waits for. Start reading at
//! [`run`].

use super::made::{Dice, prose};
use super::support::{SMALL, archives, office, pdf};
use super::{opened, workers};
use brevdue::extract::content::Unread;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

const MIB: usize = 1 << 20;

/// With what the name of a row ends whose documents come one by one, and not as fast as they are opened.
const LEISURE: &str = "at-leisure";

/// What is measured.
struct Row {
    name: &'static str,
    document: Vec<u8>,
}

/// A name, and what makes the document.
type Made = (&'static str, fn() -> Vec<u8>);

/// Prints the figures; `times` documents a row.
pub(crate) fn run(program: &Path, only: Option<&str>, times: usize) -> ExitCode {
    let workers = workers(program);
    println!(
        "{:<22}  {:>10}  {:>7}  {:>7}  {:>8}  {:>9}  outcome",
        "document", "bytes", "p50 ms", "p99 ms", "MB/s", "told"
    );
    for Row { name, document } in rows(only) {
        let mut took = Vec::new();
        let mut last = None;
        // The first finds nothing in any cache.
        for nr in 0..=times {
            // As mail comes: a worker has had the time to start.
            if name.ends_with(LEISURE) {
                std::thread::sleep(Duration::from_millis(10));
            }
            let opened = opened::open(&workers, &document);
            if nr > 0 {
                took.push(opened.took);
            }
            last = Some(opened);
        }
        let Some(last) = last else { continue };
        let (middle, late) = percentiles(&mut took);
        let speed = document.len() as f64 / 1e3 / middle;
        println!(
            "{name:<22}  {:>10}  {middle:>7.2}  {late:>7.2}  {speed:>8.1}  {:>9}  {}",
            document.len(),
            last.told,
            last.unread.map_or("scanned", Unread::word)
        );
    }
    ExitCode::SUCCESS
}

/// The middle one and the 99th of a hundred, in milliseconds.
pub(crate) fn percentiles(times: &mut [Duration]) -> (f64, f64) {
    times.sort_unstable();
    let at = |share: usize| times.get((times.len() * share / 100).min(times.len().saturating_sub(1)));
    let milliseconds = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1e3);
    (milliseconds(at(50)), milliseconds(at(99)))
}

fn rows(only: Option<&str>) -> Vec<Row> {
    let large: [Made; 8] = [
        // What a worker costs: there is nothing to open in it.
        ("nothing", || b"x".to_vec()),
        ("nothing-at-leisure", || b"x".to_vec()),
        ("docx-2M-pictures", || letter(200_000, 1900 * 1024)),
        ("docx-2M-text", || letter(7 * MIB, 0)),
        ("xlsx-2M-cells", || book(50_000)),
        ("zip-2M-text", || archives::archive(&[("a.txt", prose(9 * MIB, 7).as_bytes())])),
        ("pdf-ordinary", || report(20, 60_000)),
        ("pdf-text-only", || report(200, 0)),
    ];
    let small = SMALL.map(|small| (small.form, small.make));
    large
        .into_iter()
        .chain(small)
        .filter(|(name, _)| only.is_none_or(|only| name.starts_with(only)))
        .map(|(name, make)| Row { name, document: make() })
        .collect()
}

/// Bytes that no packing makes smaller.
fn noise(bytes: usize) -> Vec<u8> {
    let mut dice = Dice::new(5);
    (0..bytes).map(|_| u8::try_from(dice.roll(256)).unwrap_or(0)).collect()
}

/// A letter of so many bytes of text, a run every few words as Word writes them, and a picture.
fn letter(text: usize, picture: usize) -> Vec<u8> {
    let text = prose(text, 7);
    let mut body = String::new();
    for line in text.lines() {
        body += "<w:p w:rsidR=\"00AB12CD\"><w:pPr><w:pStyle w:val=\"Brdtekst\"/></w:pPr>";
        for words in line.split(". ") {
            body += "<w:r w:rsidRPr=\"00AB12CD\"><w:rPr><w:lang w:val=\"da-DK\"/></w:rPr><w:t xml:space=\"preserve\">";
            body += words;
            body += "</w:t></w:r>";
        }
        body += "</w:p>";
    }
    let document = format!("<w:document {}><w:body>{body}</w:body></w:document>", office::W);
    let picture = [b"\xFF\xD8\xFF\xE0\0\x10JFIF\0".as_slice(), &noise(picture)].concat();
    archives::archive(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("word/document.xml", document.as_bytes()),
        ("word/media/image1.jpeg", &picture),
    ])
}

/// A list of so many people, a number and four more cells a row.
fn book(rows: usize) -> Vec<u8> {
    let mut dice = Dice::new(9);
    let mut sheet = String::from("<worksheet><sheetData>");
    for row in 1..=rows {
        let number = 100_000_000 + dice.roll(900_000_000);
        sheet += &format!(
            "<row r=\"{row}\"><c r=\"A{row}\" t=\"s\"><v>{}</v></c><c r=\"B{row}\" s=\"1\"><v>{number}</v></c>\
             <c r=\"C{row}\"><v>{}</v></c><c r=\"D{row}\" s=\"2\"><v>{}</v></c><c r=\"E{row}\"><f>C{row}*2</f><v>{}</v></c></row>",
            dice.roll(2),
            dice.roll(100_000),
            20_000 + dice.roll(30_000),
            dice.roll(200_000)
        );
    }
    sheet += "</sheetData></worksheet>";
    let mut parts = office::BOOK.to_vec();
    parts.push(("xl/worksheets/sheet1.xml", &sheet));
    office::package(&parts)
}

/// A report of so many pages of 45 lines, with a picture of so many bytes on every other page.
fn report(pages: usize, picture: usize) -> Vec<u8> {
    let text = prose(pages * 45 * 75, 3);
    let mut lines = text.lines();
    let mut writer = pdf::Writer::new();
    if picture > 0 {
        let mut all = String::new();
        for nr in 0..pages / 2 {
            let entries = "/Type/XObject/Subtype/Image/Width 900/Height 1200/BitsPerComponent 8/ColorSpace/DeviceRGB/Filter/DCTDecode";
            let number = writer.raw_stream(entries, &noise(picture));
            all += &format!("/P{nr} {number} 0 R");
        }
        writer.resources = format!("/XObject<<{all}>>");
    }
    let contents: Vec<String> = (0..pages)
        .map(|nr| {
            let mut content: String = (0..45)
                .map(|line| pdf::show(60, 780 - 16 * line, lines.next().unwrap_or_default()))
                .collect();
            if picture > 0 && nr % 2 == 0 {
                content += &format!("q 400 0 0 300 60 40 cm /P{} Do Q\n", nr / 2);
            }
            content
        })
        .collect();
    writer.finish(&contents.iter().map(String::as_str).collect::<Vec<_>>())
}
