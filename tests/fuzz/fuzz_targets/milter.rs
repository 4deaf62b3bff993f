//! Whatever an MTA sends, codec and session come to an end.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = brevdue::intake::milter::swallow(bytes);
});
