//! What may lie in the data folder when all is quiet again: each file is in this table, or nobody knows why it is there.
//!
//! | file | because |
//! |---|---|
//! | `brevdue.db`, its `-wal` and `-shm`, and the node's key beside it | the register |
//! | `spool/held/ID.age` | a held mail; its row is open |
//! | `spool/evidence/CASE.seg` | numbers of a case; the case is in the register |
//! | `spool/evidence/promise-MAIL.seg` | numbers of a promise, or of a mail that came again: cleared within hours |
//! | `spool/evidence/*.torn` | a frame that a kill cut, moved aside |
//! | `spool/maillog.json`, `release.key`, `acting.lock`, `node.id` | how far the log was read; the node's own |
//!
//! A draft is none of these. It is whole frames that a segment has, and no row is open without its file.

use super::dpo;
use brevdue::case::CaseId;
use brevdue::spool::evidence::Evidence;
use brevdue::spool::segment;
use rusqlite::{Connection, OpenFlags};
use std::collections::HashSet;
use std::path::Path;

/// What is not in the table, in words.
pub(super) fn strange(data: &Path) -> Vec<String> {
    let mut strange = Vec::new();
    let cases = cases(data);
    for file in walkdir::WalkDir::new(data).into_iter().flatten().filter(|file| file.file_type().is_file()) {
        let path = file.path();
        let name = file.file_name().to_string_lossy().into_owned();
        let folder = path.parent().and_then(|folder| folder.strip_prefix(data).ok());
        let folder = folder.unwrap_or(Path::new("?")).to_string_lossy().into_owned();
        let is_known = match folder.as_str() {
            "" => name.starts_with("brevdue.db") || name == "node.key" || name == "release.key",
            "spool" => matches!(
                name.as_str(),
                "maillog.json" | "release.key" | "node.key" | "acting.lock" | "node.id"
            ),
            "spool/held" => is(&name, "age"),
            "spool/evidence" => {
                let case = name.strip_suffix(".seg");
                is(&name, "torn")
                    || case.is_some_and(|case| case.starts_with("promise-") || cases.contains(case))
            }
            _ => false,
        };
        if !is_known || name.contains(".draft") {
            strange.push(format!("a file that is in no table: {folder}/{name}"));
        }
        if is(&name, "seg") && segment::frames(path).is_err() {
            strange.push(format!("a segment that cannot be read: {name}"));
        }
    }
    let rows = dpo::rows(data);
    let files: HashSet<String> = dpo::files(data)
        .iter()
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    let is_open = |state: &str| matches!(state, "waiting" | "approved");
    for (id, state) in &rows {
        if is_open(state) != files.contains(id) {
            let lies = if files.contains(id) { "lies in the folder" } else { "has no file" };
            strange.push(format!("held mail {id} is {state} and {lies}"));
        }
    }
    strange.extend(
        files.iter().filter(|id| !rows.contains_key(*id)).map(|id| format!("held mail {id} has no row")),
    );
    strange
}

fn is(name: &str, ending: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, is)| is == ending)
}

/// Files that somebody began and did not finish.
pub(super) fn drafts(data: &Path) -> u64 {
    let files = walkdir::WalkDir::new(data).into_iter().flatten();
    files.filter(|file| file.file_name().to_string_lossy().contains(".draft")).count() as u64
}

/// The numbers in the sealed evidence of the cases.
pub(super) fn sealed(data: &Path, secret: &str) -> HashSet<String> {
    let evidence = Evidence::below(&data.join("spool"));
    let cases = cases(data).into_iter().filter_map(|case| CaseId::parse(&case));
    cases.filter_map(|case| evidence.open(&case, secret).ok()).flat_map(|opened| opened.numbers).collect()
}

fn cases(data: &Path) -> HashSet<String> {
    let path = data.join("brevdue.db");
    let register = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    let mut rows = register.prepare("SELECT id FROM breach_case").unwrap();
    let rows = rows.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}
