//! PDF as a worker reads it: walls that a real reader fits in, and bombs that end within the budget.
//!
//! What is found in which part of a document is tested beside the reader (`src/extract/pdf/tests.rs`).

mod recall;

use crate::support::documents::pdf::{Writer, fold, page, show};
use crate::support::program::{brevdue, said};
use brevdue::extract::Kind;
use brevdue::extract::content::{Event, Limits, Unread};
use brevdue::worker::{Budget, Settings, Workers};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What a worker tells of a document, and how long it took.
fn work(document: &[u8], budget: Budget) -> (String, Vec<Unread>, Duration) {
    let workers =
        Workers::of(PathBuf::from(env!("CARGO_BIN_EXE_brevdue")), Settings { budget, recogniser: None });
    let (mut text, mut unread) = (Vec::new(), Vec::new());
    let start = Instant::now();
    let mut opened = workers.message().begin(Kind::Document).unwrap();
    opened.data(document);
    opened.open(&mut |event: Event<'_>| match event {
        Event::Data(data) => text.extend_from_slice(data),
        Event::Unread(why) => unread.push(why),
        Event::Enter(_) | Event::Spot(_) | Event::Leave => {}
    });
    (String::from_utf8_lossy(&text).into_owned(), unread, start.elapsed())
}

fn short() -> Budget {
    Budget { time: Duration::from_secs(2), workers: 1, ..Budget::default() }
}

#[test]
fn a_document_is_read_within_the_walls() {
    let (text, unread, _) = work(&page(&show(50, 700, "CPR-nr. 150379-1028")), Budget::default());
    assert_eq!((text.trim(), unread.as_slice()), ("CPR-nr. 150379-1028", [].as_slice()));
}

/// Noughts, so many MiB of them, as a stream folds them; made of one MiB that refers to nothing before it.
fn noughts(count: u32) -> Vec<u8> {
    let mut folder = flate2::Compress::new(flate2::Compression::best(), false);
    let mut piece = Vec::with_capacity(64 * 1024);
    folder.compress_vec(&vec![0; 1 << 20], &mut piece, flate2::FlushCompress::Full).unwrap();
    let mut out = vec![0x78, 0xDA];
    (0..count).for_each(|_| out.extend_from_slice(&piece));
    // The last block is empty; the checksum of noughts is their count (RFC 1950 §8.2).
    out.extend_from_slice(&[3, 0]);
    let sum = ((u64::from(count) << 20) % 65521) as u32;
    out.extend_from_slice(&(sum << 16 | 1).to_be_bytes());
    out
}

#[test]
fn a_bomb_of_streams_ends_at_its_limit_of_memory() {
    let bomb = fold(&noughts(2048));
    let mut writer = Writer::new();
    let form =
        writer.raw_stream("/Type/XObject/Subtype/Form/BBox[0 0 1 1]/Filter[/FlateDecode/FlateDecode]", &bomb);
    writer.resources = format!("/XObject<</X {form} 0 R>>");
    let document = writer.finish(&["/X Do"]);
    assert!(document.len() < 8 * 1024, "{}", document.len());
    let (_, unread, took) = work(&document, Budget { time: Duration::from_secs(20), ..Budget::default() });
    println!("2 GiB of {} bytes: {unread:?} after {took:?}", document.len());
    assert!(matches!(unread.as_slice(), [Unread::Memory | Unread::Time]), "{unread:?}");
}

#[test]
fn a_file_that_unfolds_to_too_much_ends_at_its_limit() {
    let mut writer = Writer::new();
    writer.raw_stream("/Type/EmbeddedFile/Filter[/FlateDecode/FlateDecode]", &fold(&noughts(100)));
    let (_, unread, _) = work(
        &writer.finish(&[&show(50, 700, "Hej")]),
        Budget { time: Duration::from_secs(20), ..Budget::default() },
    );
    assert_eq!(unread, [Unread::TooCompressed]);
}

#[test]
fn a_bomb_of_forms_ends_at_its_limit_of_time() {
    let mut writer = Writer::new();
    let mut inner = writer.stream(
        "/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</Font<</F1 3 0 R>>>>",
        show(1, 1, "1").as_bytes(),
    );
    for _ in 0..12 {
        let entries =
            format!("/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X {inner} 0 R>>>>");
        inner = writer.stream(&entries, "/X Do ".repeat(12).as_bytes());
    }
    writer.resources = format!("/XObject<</X {inner} 0 R>>");
    let (_, unread, took) = work(&writer.finish(&["/X Do"]), short());
    println!("12^12 forms: {unread:?} after {took:?}");
    assert!(unread.iter().all(|why| matches!(why, Unread::Time | Unread::TooCompressed)), "{unread:?}");
    assert!(!unread.is_empty() && took < Duration::from_secs(30), "{unread:?} {took:?}");
}

#[test]
fn what_is_told_is_bounded() {
    let text = show(50, 700, "0123456789").repeat(40_000);
    let limits = Limits { bytes: 100_000, ..Limits::default() };
    let (told, unread, _) = work(&page(&text), Budget { limits, ..Budget::default() });
    // A spot counts as a byte.
    assert_eq!((told.len() / 1000, unread), (99, vec![Unread::TooLarge]));
}

/// The raw text of a broken document begins with the mark of its form.
#[test]
fn what_was_read_out_of_a_document_is_not_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = File::create(folder.path().join("a.pdf")).unwrap();
    file.write_all(b"%PDF-1.7\nCPR-nr. 150379-1028\n").unwrap();
    let said = said(&brevdue(folder.path(), &["scan", "--format", "jsonl", "a.pdf"], ""));
    assert!(said.contains("damaged-document") && said.contains("\"findings\":[{"), "{said}");
    assert_eq!(said.matches("\"reason\"").count(), 1, "{said}");
}
