//! A message in any pieces gives the same report as the message whole. The first byte says how to cut.
#![no_main]
#[path = "../shared/cut.rs"]
mod cut;

use brevdue::scan::{Day, Report, Scan, ruleset::Ruleset};
use std::sync::{Arc, LazyLock};

static RULES: LazyLock<Arc<Ruleset>> = LazyLock::new(|| Arc::new(Ruleset::built_in().unwrap()));

fn scan(pieces: &[&[u8]]) -> Report {
    let mut scan = Scan::new(Arc::clone(&RULES), Day::literal(2026, 11, 2));
    pieces.iter().for_each(|piece| scan.feed(piece));
    scan.finish()
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((mail, pieces)) = cut::cut(input) else { return };
    assert_eq!(scan(&pieces), scan(&[mail]));
});
