//! What lies under the paths that a person gave, in a steady order.
//!
//! Folders are walked by name, one after the other, and only the open ones are in memory. A Maildir is known
//! by its `cur` and `new`, of which a copy may have lost the empty one: each file in them is a message, its `tmp` holds
//! half-written ones and is left out. Links in a folder are not followed, so no walk goes round in a circle or out of the
//! folder; hidden files are left out. What is left out is counted, because "nothing found" must say what was looked at; and
//! links and special files are kept by name, because mail may lie behind them.

use std::io;
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// An input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its path, as it is reached from what was given; `-` for standard input.
    pub path: PathBuf,
    /// Where it lies.
    pub place: Place,
}

/// Where an input lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Standard input.
    StandardInput,
    /// A file by itself or in a folder.
    File,
    /// A Maildir, which holds messages only.
    Maildir,
}

/// An input that is not there, or cannot be looked at.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}")]
pub struct Lost {
    /// Which.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// Files at the top of a Maildir that belong to the mail server: Dovecot's and Courier's, by their whole names
const INDEXES: [&str; 11] = [
    "maildirfolder",
    "maildirsize",
    "subscriptions",
    "dovecot-acl",
    "dovecot-acl-list",
    "dovecot-keywords",
    "dovecot-quota",
    "dovecot-uidlist",
    "dovecot-uidvalidity",
    "dovecot.mailbox.log",
    "dovecot.svbin",
];

/// and by how the names of whole families begin. Less would be `dovecot.mbox`, which somebody may call his archive.
const FAMILIES: [&str; 7] = [
    "courierimap",
    "courierpop3d",
    "dovecot-uidvalidity.",
    "dovecot.index.",
    "dovecot.list.index",
    "dovecot.map.index",
    "dovecot.sieve",
];

/// Whether a file of this name at the top of a Maildir is the mail server's own.
pub(super) fn is_index(name: &str) -> bool {
    INDEXES.contains(&name)
        || name == "dovecot.index"
        || FAMILIES.iter().any(|family| name.starts_with(family))
}

/// So many links and special files are kept by name.
const UNFOLLOWED: usize = 20;

/// What was found in a folder and is neither a file nor a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfollowed {
    /// Which.
    pub path: PathBuf,
    /// Whether it is a link; else a pipe, a socket or a device.
    pub is_link: bool,
}

/// Walks the paths in the order given.
pub struct Walk {
    roots: std::vec::IntoIter<PathBuf>,
    open: Option<walkdir::IntoIter>,
    skipped: u64,
    /// The first of those that are not followed.
    unfollowed: Vec<Unfollowed>,
    unfollowed_count: u64,
    /// The folder asked last and whether it is a Maildir: its files ask one after the other.
    maildir: (PathBuf, bool),
}

impl Walk {
    /// Begins a walk.
    pub fn new(roots: Vec<PathBuf>) -> Self {
        Self {
            roots: roots.into_iter(),
            open: None,
            skipped: 0,
            unfollowed: Vec::new(),
            unfollowed_count: 0,
            maildir: (PathBuf::new(), false),
        }
    }

    /// How many hidden entries and a Maildir's own files were left out so far; a folder counts once.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// How many links and special files were left out so far, and the first twenty of them.
    pub fn unfollowed(self) -> (u64, Vec<Unfollowed>) {
        (self.unfollowed_count, self.unfollowed)
    }

    /// A path that was given: a link is followed here, since somebody named it.
    fn begin(&mut self, path: PathBuf) -> Option<Result<Source, Lost>> {
        if path.as_os_str() == "-" {
            return Some(Ok(Source { path, place: Place::StandardInput }));
        }
        match std::fs::metadata(&path) {
            Ok(meta) if meta.is_dir() => {
                self.open = Some(WalkDir::new(path).sort_by_file_name().into_iter());
                None
            }
            Ok(_) => Some(Ok(self.file(path))),
            Err(source) => Some(Err(Lost { path, source })),
        }
    }

    fn file(&mut self, path: PathBuf) -> Source {
        let folder = path.parent().filter(|folder| folder.ends_with("cur") || folder.ends_with("new"));
        let in_maildir = folder.and_then(Path::parent).is_some_and(|above| self.is_maildir(above));
        Source { path, place: if in_maildir { Place::Maildir } else { Place::File } }
    }

    /// Whether an entry below a root is left out.
    fn leaves_out(entry: &DirEntry) -> bool {
        let name = entry.file_name().to_string_lossy();
        let parent = entry.path().parent().unwrap_or(Path::new(""));
        if entry.file_type().is_dir() {
            // Maildir++ keeps its folders hidden: `.Sent` beside `cur`.
            return if name.starts_with('.') {
                !is_maildir(entry.path())
            } else {
                name == "tmp" && is_any(parent)
            };
        }
        name.starts_with('.') || is_index(&name) && is_any(parent)
    }

    fn is_maildir(&mut self, folder: &Path) -> bool {
        if self.maildir.0 != folder {
            self.maildir = (folder.to_owned(), is_maildir(folder));
        }
        self.maildir.1
    }

    fn leave_aside(&mut self, entry: DirEntry) {
        self.unfollowed_count += 1;
        if self.unfollowed.len() < UNFOLLOWED {
            let is_link = entry.path_is_symlink();
            self.unfollowed.push(Unfollowed { path: entry.into_path(), is_link });
        }
    }
}

/// A folder that is hidden and has one of them has lost the other, which was empty; one that is not may be called `new` for any
/// reason.
fn is_maildir(folder: &Path) -> bool {
    let is_hidden = folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    if is_hidden { is_any(folder) } else { MAILDIR.iter().all(|name| folder.join(name).is_dir()) }
}

fn is_any(folder: &Path) -> bool {
    MAILDIR.iter().any(|name| folder.join(name).is_dir())
}

/// Where a Maildir keeps its messages.
const MAILDIR: [&str; 2] = ["cur", "new"];

impl Iterator for Walk {
    type Item = Result<Source, Lost>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(open) = &mut self.open else {
                let root = self.roots.next()?;
                match self.begin(root) {
                    Some(found) => return Some(found),
                    None => continue,
                }
            };
            match open.next() {
                None => self.open = None,
                Some(Ok(entry)) if entry.depth() == 0 => {}
                Some(Ok(entry)) if Self::leaves_out(&entry) => {
                    self.skipped += 1;
                    if entry.file_type().is_dir()
                        && let Some(open) = &mut self.open
                    {
                        open.skip_current_dir();
                    }
                }
                Some(Ok(entry)) if entry.file_type().is_dir() => {}
                Some(Ok(entry)) if !entry.file_type().is_file() => self.leave_aside(entry),
                Some(Ok(entry)) => return Some(Ok(self.file(entry.into_path()))),
                Some(Err(error)) => {
                    let path = error.path().unwrap_or(Path::new("")).to_owned();
                    let source = error.into_io_error().unwrap_or_else(|| io::ErrorKind::Other.into());
                    return Some(Err(Lost { path, source }));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{File, create_dir_all};

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            create_dir_all(path.parent().unwrap()).unwrap();
            File::create(path).unwrap();
        }
        folder
    }

    fn walked(folder: &Path) -> (Vec<(String, Place)>, u64) {
        let mut walk = Walk::new(vec![folder.to_owned()]);
        let found = walk.by_ref().map(|one| one.unwrap());
        let found =
            found.map(|one| (one.path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned(), one.place));
        (found.collect(), walk.skipped)
    }

    #[test]
    fn folders_are_walked_by_name_and_links_are_left_alone() {
        let folder = tree(&["b/2.eml", "b/10.eml", "a.eml", ".git/config", ".skjult", "c.txt"]);
        std::os::unix::fs::symlink(folder.path(), folder.path().join("b/rundt")).unwrap();
        let (found, skipped) = walked(folder.path());
        let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a.eml", "b/10.eml", "b/2.eml", "c.txt"]);
        assert_eq!(skipped, 2);
        let mut walk = Walk::new(vec![folder.path().to_owned()]);
        assert_eq!(walk.by_ref().count(), 4);
        let link = Unfollowed { path: folder.path().join("b/rundt"), is_link: true };
        assert_eq!(walk.unfollowed(), (1, vec![link]));
    }

    #[test]
    fn a_maildir_holds_messages_only() {
        let folder = tree(&[
            "M/cur/1.a:2,S",
            "M/new/2.txt",
            "M/tmp/3.a",
            "M/dovecot-uidlist",
            "M/.Sent/cur/4.a",
            "M/.Sent/new/5.a",
            "M/.Sent/tmp/6.a",
            "M/.cache/x",
            "M/.Arkiv/cur/8.a",
            "M/maildir-2018.zip",
            "tmp/7.eml",
        ]);
        let (found, skipped) = walked(folder.path());
        let expected = [
            ("M/.Arkiv/cur/8.a", Place::Maildir),
            ("M/.Sent/cur/4.a", Place::Maildir),
            ("M/.Sent/new/5.a", Place::Maildir),
            ("M/cur/1.a:2,S", Place::Maildir),
            ("M/maildir-2018.zip", Place::File),
            ("M/new/2.txt", Place::Maildir),
            ("tmp/7.eml", Place::File),
        ];
        assert_eq!(found, expected.map(|(name, place)| (name.to_owned(), place)));
        assert_eq!(skipped, 4, "two tmp, an index, a hidden folder");
        let (found, _) = walked(&folder.path().join("M/new"));
        assert_eq!(found, [("2.txt".to_owned(), Place::Maildir)]);
    }

    #[test]
    fn what_is_not_there_is_said_and_the_rest_is_walked() {
        let folder = tree(&["a.eml"]);
        let roots = ["nej", "a.eml"].map(|name| folder.path().join(name));
        let found: Vec<_> = Walk::new(roots.to_vec()).collect();
        assert!(found[0].as_ref().is_err_and(|lost| lost.path.ends_with("nej")));
        assert!(found[1].is_ok());
    }
}
