//! Files that a crash leaves as they were or as they are to be, and on disk when the function returns.
//!
//! | crash | what the next start finds |
//! |---|---|
//! | in [`replace`], before the rename | the old file, and a hidden draft that the next [`replace`] clears |
//!
//! Segments, to which much is appended, stand in `segment.rs`.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;

/// Root writes here too, for the service: a link that the service's user made must not lead it elsewhere.
pub(super) const NO_LINK: i32 = libc::O_NOFOLLOW;

/// Makes a folder, and those above it, where they are not there; they are on disk when this returns.
///
/// # Errors
/// When it cannot be made or synced.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let above = parent(folder);
    make_folder(above)?;
    match std::fs::create_dir(folder) {
        // Somebody else was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made?,
    }
    give_to_folders_owner(&File::open(folder)?, folder)?;
    File::open(above)?.sync_all()
}

/// What root makes in the service's folders is the service's: it gets the owner of the folder that it lies in.
///
/// # Errors
/// When root cannot give it away; who is not root keeps what he made.
pub(super) fn give_to_folders_owner(made: &File, path: &Path) -> io::Result<()> {
    let (ours, folder) = (made.metadata()?, std::fs::metadata(parent(path))?);
    if ours.uid() == folder.uid() {
        return Ok(());
    }
    match fchown(made, Some(folder.uid()), Some(folder.gid())) {
        Err(error) if error.kind() != io::ErrorKind::PermissionDenied => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

pub(super) fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Removes the drafts of this file that writers left who died in [`replace`]: a writer holds its draft's lock. A draft that
/// cannot be removed harms nobody.
pub fn clear_drafts(path: &Path) {
    let Some(name) = path.file_name() else { return };
    let stem = format!(".{}.draft-", name.to_string_lossy());
    for entry in std::fs::read_dir(parent(path)).into_iter().flatten().flatten() {
        let is_draft = entry.file_name().to_string_lossy().starts_with(&stem);
        if is_draft && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            drop(std::fs::remove_file(entry.path()));
        }
    }
}

/// Puts content in a file's place, for its owner alone to read: whole or not at all, whatever crashes, and on disk
/// when this returns. The file is given to the user `owner`, so that root may write what a service reads.
///
/// # Errors
/// When it cannot be written or given away; what was there stands as before.
pub fn replace(path: &Path, content: &[u8], owner: u32) -> io::Result<()> {
    let folder = parent(path);
    clear_drafts(path);
    let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let draft = folder.join(format!(".{}.draft-{}", name.to_string_lossy(), std::process::id()));
    let replaced = write_draft(&draft, content, owner).and_then(|()| {
        #[allow(clippy::disallowed_methods, reason = "this is the durable way that the lint asks for")]
        std::fs::rename(&draft, path)
    });
    if replaced.is_err() {
        // Of no use to anybody; when even this fails, the next try writes over it.
        drop(std::fs::remove_file(&draft));
    }
    replaced?;
    File::open(folder)?.sync_all()
}

fn write_draft(draft: &Path, content: &[u8], owner: u32) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .custom_flags(NO_LINK)
        .open(draft)?;
    file.lock()?;
    file.write_all(content)?;
    if file.metadata()?.uid() != owner {
        fchown(&file, Some(owner), None)?;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.list");
        File::create(&path).unwrap().write_all(b"a longer text that was there before").unwrap();
        let owner = folder.path().metadata().unwrap().uid();
        replace(&path, b"new", owner).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
        assert!(replace(&folder.path().join("none/a.list"), b"new", owner).is_err());

        // A writer that died left its draft, and one writes still.
        let [dead, writing] = [".a.list.draft-1", ".a.list.draft-2"].map(|name| folder.path().join(name));
        File::create(&dead).unwrap();
        let lock = File::create(&writing).unwrap();
        lock.lock().unwrap();
        replace(&path, b"newer", owner).unwrap();
        assert!(!dead.exists() && writing.exists());
    }
}
