//! The table of failures, held to its word: each row names tests, and they are there.

use brevdue::console::failures::FAILURES;
use std::path::Path;

#[test]
fn every_failure_has_a_test_that_breaks_the_thing() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for failure in FAILURES {
        for test in failure.tests {
            let (file, function) = test.split_once("::").unwrap();
            let named = walkdir::WalkDir::new(here.join("tests"))
                .into_iter()
                .chain(walkdir::WalkDir::new(here.join("src")))
                .map(|entry| entry.unwrap().into_path())
                .filter(|path| path.file_name().is_some_and(|name| *name == *format!("{file}.rs")));
            let found = named.filter(|path| {
                let text = std::fs::read_to_string(path).unwrap();
                text.match_indices(&format!("fn {function}()")).any(|(at, _)| {
                    // The attribute stands in one of the lines before it.
                    text[..at]
                        .lines()
                        .rev()
                        .take(4)
                        .any(|line| line.contains("test]") || line.contains("test("))
                })
            });
            assert_eq!(found.count(), 1, "{}: no test {test}", failure.word);
        }
    }
}
