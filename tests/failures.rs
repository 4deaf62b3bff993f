//! The table of failures, held to its word: each row names tests, and they are there.

use crate::support::daemon::{Daemon, DaemonOptions};
use crate::support::{Port, put};
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

#[test]
fn status_says_what_answers_what_waits_and_what_each_failure_does() {
    let console = Port::claim().unwrap();
    let smtp = Port::claim().unwrap();
    let toml = format!(
        "[console]\nlisten = \"{}\"\n[smtp]\nlisten = \"{}\"\nnext_hop = \"127.0.0.1:1\"\n[policy]\nleak = \"block\"",
        console.addr(),
        smtp.addr()
    );
    let mut daemon = Daemon::start(&DaemonOptions::with(&toml)).unwrap();
    let status = |daemon: &Daemon| {
        let output = daemon.run(&["status", "--format", "json"]).unwrap();
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code().unwrap(), said)
    };
    let (code, said) = status(&daemon);
    assert_eq!((code, &said["well"], &said["health"]["status"]), (0, &true.into(), &"ok".into()));
    assert!(said["doors"].as_array().unwrap().iter().all(|door| door["answers"] == true));
    assert_eq!(said["doors"].as_array().unwrap().len(), 3);
    assert_eq!(said["held"], serde_json::json!({"waiting": 0, "decided": 0}));
    assert_eq!(said["failures"].as_array().unwrap().len(), FAILURES.len());
    assert_eq!(said["health"]["failures"].as_array().unwrap().len(), FAILURES.len());
    let words = String::from_utf8(daemon.run(&["status"]).unwrap().stdout).unwrap();
    assert!(words.contains("svarer · answers") && words.contains("0 brud · breaches"), "{words}");
    assert!(FAILURES.iter().all(|one| words.contains(one.then[0]) && words.contains(one.then[1])));
    daemon.kill();
    let (code, said) = status(&daemon);
    assert_eq!((code, &said["well"], &said["health"]), (1, &false.into(), &serde_json::Value::Null));
    assert!(said["doors"][0]["why"].as_str().unwrap().contains("refused"));

    // The register is lost, and all else is told.
    put(&daemon.database(), b"no register any more").unwrap();
    let (code, said) = status(&daemon);
    assert_eq!((code, &said["held"]), (1, &serde_json::Value::Null));
    assert!(!said["register"]["why"].as_str().unwrap().is_empty(), "{said}");
    assert_eq!(said["failures"].as_array().unwrap().len(), FAILURES.len());
    let words = String::from_utf8(daemon.run(&["status"]).unwrap().stdout).unwrap();
    assert!(words.contains("SVARER IKKE"), "{words}");
}
