//! What a start finds in the folder of held mail, and what is cleared away.
//!
//! The folder wins: a file is a held mail whether or not a row speaks of it. A draft that nobody writes any more was
//! never answered for, so its client has the mail, and it goes. What is neither is left where it is and said. The rows are
//! the register's, and are compared with this by the daemon. Start reading at [`survey`]. Tests: below.

use super::held::{HeldId, Holding};
use chrono::{DateTime, Utc};
use std::fs::File;
use std::io;
use std::path::Path;

/// A held mail that lies in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lying {
    /// Its name.
    pub id: HeldId,
    /// When it was written: when it was held.
    pub at: DateTime<Utc>,
}

/// What lies in the folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Held mail, the oldest first.
    pub held: Vec<Lying>,
    /// How many drafts of dead writers were cleared.
    pub cleared: usize,
    /// How many files are nothing that this program leaves there.
    pub strange: usize,
}

/// Lists the held mail, and clears the drafts of writers that are gone.
///
/// # Errors
/// When the folder cannot be read. One that was never made is empty.
pub fn survey(holding: &Holding) -> io::Result<Survey> {
    let mut survey = Survey::default();
    let entries = match std::fs::read_dir(holding.folder()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(survey),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_str().unwrap_or_default();
        if let Some(id) = name.strip_suffix(".age").and_then(HeldId::parse) {
            // It may be released while we look.
            let Ok(metadata) = entry.metadata() else { continue };
            survey.held.push(Lying { id, at: metadata.modified()?.into() });
        } else if name.strip_prefix('.').and_then(|name| name.strip_suffix(".draft")).is_some() {
            survey.cleared += usize::from(clear(&entry.path())?);
        } else {
            survey.strange += 1;
        }
    }
    survey.held.sort_by(|one, other| (one.at, &one.id).cmp(&(other.at, &other.id)));
    Ok(survey)
}

/// Removes a draft unless somebody is writing it: a writer holds its lock, and a dead one does not.
fn clear(draft: &Path) -> io::Result<bool> {
    let file = match File::open(draft) {
        // It has just become a mail, or its writer has cleared it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        file => file?,
    };
    if file.try_lock().is_err() {
        return Ok(false);
    }
    match std::fs::remove_file(draft) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        removed => removed.map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use super::super::held::Cover;
    use super::*;
    use crate::seal::keyfile::DpoPair;

    #[test]
    fn mail_is_listed_and_only_dead_drafts_go() {
        let folder = tempfile::tempdir().unwrap();
        let holding = Holding::below(folder.path());
        assert_eq!(survey(&holding).unwrap(), Survey::default());
        let node = DpoPair::generate();
        let receipt = holding.keep(&Cover::default(), &mut b"x".as_slice(), &[&node.public]).unwrap();
        let held = folder.path().join("held");
        File::create(held.join(".bcdfghjkmnpqrstv.draft")).unwrap();
        let writing = File::create(held.join(".vtsrqpnmkjhgfdcb.draft")).unwrap();
        writing.lock().unwrap();
        File::create(held.join("notes.txt")).unwrap();
        let found = survey(&holding).unwrap();
        assert_eq!((found.held.len(), found.cleared, found.strange), (1, 1, 1));
        assert_eq!(&found.held[0].id, receipt.id());
        drop(writing);
        let found = survey(&holding).unwrap();
        assert_eq!((found.held.len(), found.cleared, found.strange), (1, 1, 1));
    }
}
