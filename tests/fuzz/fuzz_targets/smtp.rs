//! Any bytes from an SMTP or LMTP client.
#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    brevdue::intake::smtp::swallow(bytes);
});
