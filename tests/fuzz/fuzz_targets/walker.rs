//! Of any bytes in any pieces: every byte in one region, what is entered is left, and the same told as of the whole, by
//! every reading. The first byte says how to cut.
#![no_main]
#[path = "../shared/cut.rs"]
mod cut;
#[path = "../shared/record.rs"]
mod record;

use brevdue::mime::Limits;
use record::Record;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((mail, pieces)) = cut::cut(input) else { return };
    // Limits that a short mail can reach.
    let narrow = Limits { depth: 3, encoded_depth: 1, header_bytes: 90, parts: 5 };
    for limits in [Limits::default(), narrow] {
        let whole = Record::of(limits, &[mail]);
        assert_eq!(whole.open, 0);
        assert!(whole.regions.iter().flat_map(|(_, bytes)| bytes).eq(mail), "the regions are the mail");
        Record::of(limits, &pieces).assert_same(&whole);
    }
});
