//! A message cut in two gives the same report as the message whole. The first byte says where to cut.
#![no_main]
use brevdue::scan::{Day, Report, Scan, ruleset::Ruleset};
use std::sync::{Arc, LazyLock};

static RULES: LazyLock<Arc<Ruleset>> = LazyLock::new(|| Arc::new(Ruleset::built_in().unwrap()));

fn scan(pieces: &[&[u8]]) -> Report {
    let mut scan = Scan::new(Arc::clone(&RULES), Day::literal(2026, 11, 2));
    pieces.iter().for_each(|piece| scan.feed(piece));
    scan.finish()
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((cut, mail)) = bytes.split_first() else { return };
    let (before, after) = mail.split_at(mail.len() * usize::from(*cut) / 256);
    assert_eq!(scan(&[before, after]), scan(&[mail]));
});
