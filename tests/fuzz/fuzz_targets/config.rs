//! Any file is a configuration or has problems that can be drawn.
#![no_main]
use std::path::Path;
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(problems) = brevdue::config::parse(bytes, Path::new("brevdue.toml"), Path::new("/etc")) {
        assert!(!problems.is_empty() && !problems.draw(false).is_empty());
    }
});
