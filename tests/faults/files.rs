//! What may lie in the data folder when all is quiet again: each file is in this table, or nobody knows why it is there.
//!
//! | file | because |
//! |---|---|
//! | `brevdue.db`, its `-wal` and `-shm`, and the node's key beside it | the register, where that is a file |
//! | `spool/held/ID.age` | a held mail; its row is open |
//! | `spool/evidence/CASE.seg` | numbers of a case; the case is in the register |
//! | `spool/evidence/promise-MAIL.seg` | numbers of a promise, or of a mail that came again: cleared within hours |
//! | `spool/evidence/*.torn` | a frame that a kill cut, moved aside |
//! | `spool/maillog.json`, `release.key`, `acting.lock`, `node.id` | how far the log was read; the node's own |
//!
//! A draft is none of these. It is whole frames that a segment has, and no row is open without its file.

use super::dpo;
use crate::support::register::Register;
use brevdue::case::CaseId;
use brevdue::spool::evidence::Evidence;
use brevdue::spool::segment;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// What is not in the table, in words, in the folders of all nodes.
pub(super) fn strange(register: &Register, data: &[PathBuf]) -> Vec<String> {
    let cases = cases(register);
    let mut strange: Vec<String> = data.iter().flat_map(|data| strange_files(data, &cases)).collect();
    let rows = dpo::rows(register);
    let is_open = |state: &str| matches!(state, "waiting" | "approved");
    for (id, (state, node)) in &rows {
        // Where there is more than one node, each has its name and its folder.
        let at = dpo::NODES.iter().position(|name| name == node).unwrap_or(0);
        let lies = data.get(at).is_some_and(|data| dpo::path(data, id).exists());
        if is_open(state) != lies {
            let lies = if lies { "lies in the folder" } else { "has no file" };
            strange.push(format!("held mail {id} is {state} and {lies}"));
        }
    }
    let files = data.iter().flat_map(|data| dpo::files(data));
    let ids = files.filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()));
    strange.extend(ids.filter(|id| !rows.contains_key(id)).map(|id| format!("held mail {id} has no row")));
    strange
}

fn strange_files(data: &Path, cases: &HashSet<String>) -> Vec<String> {
    let mut strange = Vec::new();
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
    strange
}

fn is(name: &str, ending: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, is)| is == ending)
}

/// Files that somebody began and did not finish.
pub(super) fn drafts(data: &[PathBuf]) -> u64 {
    let files = data.iter().flat_map(|data| walkdir::WalkDir::new(data).into_iter().flatten());
    files.filter(|file| file.file_name().to_string_lossy().contains(".draft")).count() as u64
}

/// The numbers in the sealed evidence of the cases.
pub(super) fn sealed(register: &Register, data: &[PathBuf], secret: &str) -> HashSet<String> {
    let cases: Vec<CaseId> = cases(register).iter().filter_map(|case| CaseId::parse(case)).collect();
    let of = |data: &PathBuf| {
        let evidence = Evidence::below(&data.join("spool"));
        let opened: Vec<_> = cases.iter().filter_map(|case| evidence.open(case, secret).ok()).collect();
        opened.into_iter().flat_map(|opened| opened.numbers)
    };
    data.iter().flat_map(of).collect()
}

fn cases(register: &Register) -> HashSet<String> {
    register.rows("SELECT id FROM breach_case").into_iter().flatten().collect()
}
