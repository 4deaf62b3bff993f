//! Any file is a configuration or has problems that can be drawn; and by one that can be run every address has a way.
#![no_main]
use brevdue::config;
use brevdue::envelope::{Address, Envelope};
use std::path::Path;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    match config::parse(bytes, Path::new("brevdue.toml"), Path::new("/etc")) {
        Err(problems) => {
            assert!(
                !problems.is_empty() && !problems.draw(false).is_empty() && !problems.draw(true).is_empty()
            );
        }
        Ok(loaded) => {
            assert_eq!(loaded.warnings.draw(false).is_empty(), loaded.warnings.is_empty());
            let roads = &loaded.config.policy.roads;
            for word in bytes.split(|byte| !(byte.is_ascii_alphanumeric() || b".-".contains(byte))).take(50) {
                let to = Address::parse(&[b"x@", word].concat());
                roads.way(&Envelope::default(), to.as_ref());
            }
        }
    }
});
