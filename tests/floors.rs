//! The house plan, held against the code: who may know whom (DESIGN.md §1), and that `unsafe` stands in one room.
//!
//! It reads source text: every path that begins with `crate::`, in a `use` or in the middle of a line. Comments are left
//! out, so that a link in a comment to a room above is no dependency.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Everything below the room's own floor.
const BELOW: &[&str] = &["*"];

/// Room -> the rooms it may know besides itself. A room that is not here fails the test.
fn plan() -> BTreeMap<&'static str, &'static [&'static str]> {
    let settings_of_every_room = &[
        "intake", "alarm", "inspect", "outlet", "store", "spool", "policy", "case", "seal", "scan",
        "envelope", "nearest", "worker",
    ];
    BTreeMap::from([
        ("main", BELOW),
        ("cli", BELOW),
        ("daemon", BELOW),
        ("config", settings_of_every_room.as_slice()),
        // mime: an mbox is cut by the same hands in a folder and in an attachment.
        ("intake", &["inspect", "policy", "store", "case", "spool", "outlet", "envelope", "clock", "mime"]),
        ("alarm", &["case", "store", "outlet", "scan", "envelope", "clock"]),
        ("console", &["case", "store", "spool", "scan", "policy", "export", "envelope", "clock"]),
        (
            "inspect",
            &["scan", "policy", "case", "store", "spool", "worker", "seal", "clock", "envelope", "outlet"],
        ),
        // mime: for Digital Post a mail is taken apart into documents.
        ("outlet", &["scan", "envelope", "mime"]),
        ("export", &["case", "store", "scan", "envelope"]),
        ("store", &["case", "envelope"]),
        // case: a segment of evidence is named by its case's number, and that type is the only thing taken.
        ("spool", &["seal", "envelope", "case"]),
        ("worker", &["extract"]),
        ("policy", &["scan", "envelope"]),
        ("case", &["scan", "envelope"]),
        ("seal", &["cpr"]),
        ("scan", &["cpr", "mime", "extract", "nearest", "kernel"]),
        ("cpr", &["kernel"]),
        ("mime", &["kernel"]),
        ("extract", &[]),
        ("envelope", &[]),
        ("clock", &[]),
        // A word beside a word: keys and names of the configuration and of the rules ask it.
        ("nearest", &[]),
        // The loops that cpr and mime share a table of: below both, since neither may know the other.
        ("kernel", &[]),
        // Chapters to read; its links are comments.
        ("manual", &[]),
    ])
}

const FLOORS: [&[&str]; 11] = [
    &["kernel", "manual"],
    &["cpr", "mime", "extract", "envelope", "clock", "nearest"],
    &["scan"],
    &["policy", "case", "seal"],
    &["store", "spool", "worker", "outlet"],
    &["inspect", "export"],
    &["intake", "alarm", "console"],
    &["config"],
    &["daemon", "preflight"],
    &["cli"],
    // On the plan they share a floor; main parses and calls, so it stands above.
    &["main"],
];

fn floor(room: &str) -> usize {
    FLOORS.iter().position(|rooms| rooms.contains(&room)).unwrap_or_else(|| panic!("no floor has {room}"))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = walkdir::WalkDir::new(folder)
        .into_iter()
        // What was built is nobody's source.
        .filter_entry(|entry| entry.file_name() != "target")
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .collect();
    found.sort();
    found
}

/// The code of a line: without what follows `//`, whether that is a comment or the middle of a string.
fn code(line: &str) -> &str {
    line.split_once("//").map_or(line, |(code, _)| code)
}

/// The rooms that a source names by `crate::room`, `crate::{room, ...}` or, in the binary, `brevdue::room`.
fn named(text: &str) -> Vec<(usize, String)> {
    let path = regex::Regex::new(r"\b(?:crate|brevdue)::(?:\{([^}]*)|([a-z_]+))").unwrap();
    let code: String = text.lines().map(|line| format!("{}\n", code(line))).collect();
    let mut found = Vec::new();
    for hit in path.captures_iter(&code) {
        let line = code[..hit.get(0).unwrap().start()].matches('\n').count() + 1;
        match (hit.get(1), hit.get(2)) {
            (Some(group), _) => {
                let rooms =
                    group.as_str().split(',').map(|one| one.trim().split("::").next().unwrap().to_owned());
                found.extend(rooms.filter(|room| !room.is_empty()).map(|room| (line, room)));
            }
            (None, Some(room)) => found.push((line, room.as_str().to_owned())),
            (None, None) => {}
        }
    }
    found
}

/// What `room` may not know, of what its source names.
fn forbidden(room: &str, text: &str) -> Vec<String> {
    let plan = plan();
    let allowed = plan.get(room).unwrap_or_else(|| panic!("the plan does not have the room {room}"));
    named(text)
        .into_iter()
        .filter(|(_, other)| other != room && other != "self")
        .filter(|(_, other)| {
            let is_below = || plan.contains_key(other.as_str()) && floor(other) < floor(room);
            !(allowed.contains(&other.as_str()) || (*allowed == BELOW && is_below()))
        })
        .map(|(line, other)| format!("{line}: {room} knows {other}"))
        .collect()
}

#[test]
fn a_room_knows_only_rooms_below_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    let mut edges = 0;
    for path in sources(&src) {
        let inside = path.strip_prefix(&src).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let room = first.trim_end_matches(".rs");
        if room == "lib" {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        edges += named(&text).len();
        wrong.extend(
            forbidden(room, &text).into_iter().map(|what| format!("src/{}:{what}", inside.display())),
        );
    }
    assert!(wrong.is_empty(), "against DESIGN.md §1:\n{}", wrong.join("\n"));
    assert!(edges > 50, "only {edges} paths were seen: the reader of this test is broken");
}

#[test]
fn the_plan_itself_goes_downward() {
    for (room, allowed) in plan() {
        for other in allowed.iter().filter(|other| **other != "*") {
            assert!(floor(other) < floor(room), "{room} -> {other}");
        }
    }
}

#[test]
fn what_is_forbidden_is_seen() {
    for (room, text) in [
        ("policy", "use crate::store::Store;\n"),
        ("policy", "fn f() { crate::clock::now() }"),
        ("store", "use crate::{case::Case,\n    inspect::Gate};"),
        ("cpr", "use crate::mime::Walker;"),
        ("daemon", "use crate::cli::run;"),
        ("outlet", "use crate::case::CaseId; // crate::scan"),
    ] {
        assert_eq!(forbidden(room, text).len(), 1, "{room}: {text}");
    }
    for (room, text) in [
        ("policy", "// use crate::store::Store;\nuse crate::scan::Report;"),
        ("store", "use crate::store::CaseRow; use super::x;"),
        ("cli", "use crate::{clock::Clock, daemon};"),
    ] {
        assert_eq!(forbidden(room, text), Vec::<String>::new(), "{room}: {text}");
    }
}

#[test]
fn unsafe_stands_in_the_kernels_alone() {
    let word = regex::Regex::new(r"\bunsafe\b").unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let parts = ["src", "tests", "benches"].map(|part| folder.join(part));
    let all: Vec<PathBuf> =
        parts.iter().filter(|part| part.exists()).flat_map(|part| sources(part)).collect();
    assert!(all.len() > 100);
    let kernels = folder.join("src/kernel");
    let elsewhere = |path: &&PathBuf| !path.ends_with("tests/floors.rs") && !path.starts_with(&kernels);
    for path in all.iter().filter(elsewhere) {
        let text = std::fs::read_to_string(path).unwrap();
        let at = text.lines().position(|line| word.is_match(code(line)));
        assert_eq!(at, None, "{}", path.display());
    }
}
