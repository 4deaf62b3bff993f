//! What a machine keeps of cases, and throws away once they are erased from the register.
//!
//! Sealed numbers and receipts lie as files on each machine that had a mail of the case or a paper. The register erases a case at
//! once and everywhere; the files follow, on each machine by its own daemon, at its start and every day, so that a crash
//! between the two, or a machine that was off, leaves nothing. Start reading at [`sweep`].

use crate::case::CaseId;
use std::collections::HashSet;
use std::fs::DirEntry;
use std::io;
use std::path::Path;

/// Where files of cases lie, below the spool.
const FOLDERS: [&str; 2] = ["evidence", "receipts"];

/// The cases of which this spool keeps anything.
///
/// # Errors
/// When a folder cannot be read.
pub fn cases(spool: &Path) -> io::Result<Vec<CaseId>> {
    let mut cases = HashSet::new();
    for folder in FOLDERS {
        for entry in entries(&spool.join(folder))? {
            cases.extend(case_of(&entry?));
        }
    }
    Ok(cases.into_iter().collect())
}

/// Removes the evidence and the receipts of these cases below this spool; returns how many files and folders went. A case that
/// is not named keeps all it has.
///
/// # Errors
/// When a folder cannot be read, or the last that could not be removed; the others are gone.
pub fn sweep(spool: &Path, erased: &[CaseId]) -> io::Result<usize> {
    let erased: HashSet<&CaseId> = erased.iter().collect();
    let (mut gone, mut failed) = (0, None);
    for folder in FOLDERS {
        let folder = spool.join(folder);
        let before = gone;
        for entry in entries(&folder)? {
            let entry = entry?;
            if !case_of(&entry).is_some_and(|case| erased.contains(&case)) {
                continue;
            }
            let removed = if entry.file_type()?.is_dir() {
                std::fs::remove_dir_all(entry.path())
            } else {
                std::fs::remove_file(entry.path())
            };
            match removed {
                Ok(()) => gone += 1,
                // Another process was at it too.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => failed = Some(error),
            }
        }
        if gone > before {
            std::fs::File::open(&folder)?.sync_all()?;
        }
    }
    failed.map_or(Ok(gone), Err)
}

/// What lies in a folder, which need not be there.
fn entries(folder: &Path) -> io::Result<impl Iterator<Item = io::Result<DirEntry>>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        entries => Some(entries?),
    };
    Ok(entries.into_iter().flatten())
}

/// Whose it is: a folder of receipts is named by the case; a segment, and what was moved aside out of one, begins with it and a dot.
fn case_of(entry: &DirEntry) -> Option<CaseId> {
    CaseId::parse(entry.file_name().to_str()?.split('.').next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_erased_goes_and_nothing_else() {
        let spool = tempfile::TempDir::new().unwrap();
        let at = |path: &str| spool.path().join(path);
        assert_eq!(sweep(spool.path(), &[CaseId::new(2026, 1)]).unwrap(), 0, "no folders yet");
        for folder in ["evidence", "receipts/BRV-2026-0001", "receipts/BRV-2026-0002"] {
            std::fs::create_dir_all(at(folder)).unwrap();
        }
        let files = [
            ("evidence/BRV-2026-0001.seg", false),
            ("evidence/BRV-2026-0001.seg.torn", false),
            ("evidence/BRV-2026-10001.seg", true),
            ("evidence/BRV-2026-0002.seg", true),
            ("receipts/BRV-2026-0001/ab.pdf", false),
            ("receipts/BRV-2026-0002/ab.pdf", true),
        ];
        for (file, _) in files {
            std::fs::File::create(at(file)).unwrap();
        }
        assert_eq!(cases(spool.path()).unwrap().len(), 3);
        assert_eq!(sweep(spool.path(), &[CaseId::new(2026, 1)]).unwrap(), 3);
        for (file, stays) in files {
            assert_eq!(at(file).exists(), stays, "{file}");
        }
        assert_eq!(sweep(spool.path(), &[CaseId::new(2026, 1)]).unwrap(), 0);
    }
}
