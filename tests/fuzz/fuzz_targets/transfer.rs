//! The transfer decoders, over any pieces, against their slow twins; every wide kernel against the scalar one. The first
//! byte says how to cut, the second which decoder.
#![no_main]
#[path = "../shared/cut.rs"]
mod cut;
#[path = "../../../src/mime/transfer/twin.rs"]
mod twin;

use brevdue::kernel::{Decode, Kernels};
use brevdue::mime::{Enclosed, HeaderName, Part, PartPath, PartSink, Problem, Uuencoded, Walker};

/// Keeps the content of a mail of one part.
#[derive(Default)]
struct Content(Vec<u8>);

impl PartSink for Content {
    fn header(&mut self, _: &PartPath, _: HeaderName, _: u64, _: &[u8]) {}
    fn enter(&mut self, _: &Part<'_>) {}
    fn data(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
    fn leave(&mut self) {}
    fn problem(&mut self, _: &PartPath, _: Problem) {}
}

fn decoded(encoding: &str, pieces: &[&[u8]]) -> Vec<u8> {
    let (mut walker, mut content) = (Walker::new(), Content::default());
    let head = format!("Content-Type: application/octet-stream\nContent-Transfer-Encoding: {encoding}\n\n");
    walker.feed(head.as_bytes(), &mut content);
    pieces.iter().for_each(|piece| walker.feed(piece, &mut content));
    walker.finish(&mut content);
    content.0
}

/// Every kernel uses, makes and writes what the scalar one does, whatever the room.
fn kernels(pick: fn(&Kernels) -> Decode, bytes: &[u8], room: usize) {
    let decode = |kernels: &Kernels| {
        let mut made = vec![0; room];
        let (used, length) = pick(kernels)(bytes, &mut made);
        made.truncate(length);
        (used, made)
    };
    let scalar = decode(Kernels::all().last().unwrap());
    for one in Kernels::all() {
        assert_eq!(decode(one), scalar, "{}", one.name);
    }
}

/// The files in a text, each with its name.
fn files(begun: bool, pieces: &[&[u8]]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (mut reader, mut files, mut open) = (Uuencoded::default(), Vec::new(), false);
    reader.start(begun);
    let mut take = |piece: Enclosed<'_>| match piece {
        Enclosed::Begin(name) => {
            assert!(!std::mem::replace(&mut open, true), "a file begins when none is open");
            files.push((name.to_vec(), Vec::new()));
        }
        Enclosed::Data(data) => files.last_mut().unwrap().1.extend_from_slice(data),
        Enclosed::End => assert!(std::mem::replace(&mut open, false), "what ends has begun"),
    };
    pieces.iter().for_each(|piece| reader.feed(piece, &mut take));
    reader.finish(&mut take);
    assert!(!open, "what begins ends");
    files
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let [how, which, ..] = input else { return };
    let input = [&[*how], &input[2..]].concat();
    let Some((bytes, pieces)) = cut::cut(&input) else { return };
    match which % 4 {
        0 => {
            assert_eq!(decoded("base64", &pieces), twin::base64(bytes).0);
            kernels(|kernels| kernels.base64, bytes, usize::from(*how));
            kernels(|kernels| kernels.base64, bytes, bytes.len());
        }
        1 => {
            assert_eq!(decoded("quoted-printable", &pieces), twin::quoted_printable(bytes));
            kernels(|kernels| kernels.quoted, bytes, usize::from(*how));
            kernels(|kernels| kernels.quoted, bytes, bytes.len());
        }
        kind => {
            let whole = files(kind == 2, &[bytes]);
            assert_eq!(files(kind == 2, &pieces), whole);
            let held: usize = whole.iter().map(|(name, data)| name.len() + data.len()).sum();
            let lines = 1 + bytes.iter().filter(|byte| b"\r\n".contains(byte)).count();
            // A line may say that blanks were cut off its end; more than its first letter can say it cannot hold.
            assert!(held <= bytes.len() + 63 * lines, "a file is no longer than its text");
            // Nothing of the text goes.
            assert_eq!(decoded("x-uuencode", &pieces), bytes);
        }
    }
});
