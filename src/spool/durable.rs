//! Bytes that are on disk when the function returns, and files that a crash leaves readable.
//!
//! A segment is a file of frames, each four bytes of length (big endian) and the bytes. A crash in the middle
//! of an append leaves a torn last frame whose row was never written; the next append moves it aside, and a
//! reader stops before it. It is moved and not dropped, because a damaged length in the middle of a segment looks
//! the same, and what follows it may be somebody's evidence.
//!
//! | crash | file | what the next start finds |
//! |---|---|---|
//! | before the write | whole frames | nothing happened |
//! | in the write | whole frames and a torn one, or zeros | these are moved aside by the next append |
//! | after the fsync, before the row | one frame more than rows | the mail comes again, is sealed again, and a reader sees the number once |
//! | the same, where the row would have opened a case | a segment without a case | whoever is given the case's number next moves it aside ([`begin`]) |
//! | in [`replace`], before the rename | the old file, and a hidden draft | the old file; the next [`replace`] clears the draft |

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;

/// Root writes here too, for the service: a link that the service's user made must not lead it elsewhere.
const NO_LINK: i32 = libc::O_NOFOLLOW;
/// A frame longer than this is damage, not data.
const LONGEST: u32 = 16 * 1024 * 1024;

/// Appends one frame, which is not empty, and returns when it is on disk. Other processes that append wait.
///
/// # Errors
/// When the file cannot be made, locked, written or synced; a torn frame may be left, which the next append
/// moves aside.
pub fn append(path: &Path, frame: &[u8]) -> io::Result<()> {
    let length = u32::try_from(frame.len()).ok().filter(|length| *length <= LONGEST);
    let length = length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "frame too long"))?;
    make_folder(parent(path))?;
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(NO_LINK)
        .open(path)?;
    file.lock()?;
    let end = end_of_whole_frames(&mut file)?;
    if end == 0 {
        // A new name is durable only when its folder is. Before the first frame, so that a segment with one has had this done,
        // whoever began it and crashed.
        File::open(parent(path))?.sync_all()?;
    }
    file.seek(SeekFrom::Start(end))?;
    if file.metadata()?.len() > end {
        move_aside(&mut file, path)?;
        file.set_len(end)?;
        file.seek(SeekFrom::Start(end))?;
    }
    let mut bytes = length.to_be_bytes().to_vec();
    bytes.extend_from_slice(frame);
    file.write_all(&bytes)?;
    file.sync_all()
}

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
    File::open(above)?.sync_all()
}

fn parent(path: &Path) -> &Path {
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

/// Every whole frame, in order.
///
/// # Errors
/// When the file cannot be read.
pub fn frames(path: &Path) -> io::Result<Vec<Vec<u8>>> {
    let mut file = File::open(path)?;
    let mut frames = Vec::new();
    while let Some(frame) = next_frame(&mut file)? {
        frames.push(frame);
    }
    Ok(frames)
}

/// Empties the place of a segment that is about to begin: what a crash left there without a row is moved to `NAME.torn`.
///
/// # Errors
/// When it cannot be moved; it stands as before then, or in both places.
pub fn begin(path: &Path) -> io::Result<()> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    move_aside(&mut file, path)?;
    std::fs::remove_file(path)?;
    File::open(parent(path))?.sync_all()
}

/// Keeps what stands from here to the end of the segment in `NAME.torn`, behind what is there already.
fn move_aside(file: &mut File, path: &Path) -> io::Result<()> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".torn");
    let mut aside =
        OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(NO_LINK).open(aside)?;
    io::copy(file, &mut aside)?;
    aside.sync_all()
}

fn end_of_whole_frames(file: &mut File) -> io::Result<u64> {
    let size = file.metadata()?.len();
    let mut end = 0;
    loop {
        let mut length = [0; 4];
        file.seek(SeekFrom::Start(end))?;
        if end + 4 > size || file.read_exact(&mut length).is_err() {
            return Ok(end);
        }
        let length = u32::from_be_bytes(length);
        let next = end + 4 + u64::from(length);
        if length == 0 || length > LONGEST || next > size {
            return Ok(end);
        }
        end = next;
    }
}

fn next_frame(file: &mut File) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match file.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u32::from_be_bytes(length);
    if length == 0 || length > LONGEST {
        return Ok(None);
    }
    let mut frame = Vec::new();
    file.take(length.into()).read_to_end(&mut frame)?;
    Ok((frame.len() as u64 == u64::from(length)).then_some(frame))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_frame_is_cut_off_wherever_it_was_torn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/one.seg");
        append(&path, b"first").unwrap();
        append(&path, b"second").unwrap();
        let whole = std::fs::read(&path).unwrap();
        for cut in 9..whole.len() {
            let torn = folder.path().join(format!("{cut}.seg"));
            File::create(&torn).unwrap().write_all(&whole[..cut]).unwrap();
            assert_eq!(frames(&torn).unwrap(), [b"first"], "cut at {cut}");
            append(&torn, b"third").unwrap();
            assert_eq!(frames(&torn).unwrap(), [b"first".to_vec(), b"third".to_vec()], "cut at {cut}");
            let aside = folder.path().join(format!("{cut}.seg.torn"));
            assert_eq!(std::fs::read(aside).unwrap_or_default(), whole[9..cut], "cut at {cut}");
        }
    }

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

    #[test]
    fn no_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (link, elsewhere) = (folder.path().join("x.seg"), folder.path().join("elsewhere"));
        File::create(&elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &link).unwrap();
        assert!(append(&link, b"one").is_err());
        assert_eq!(std::fs::metadata(&elsewhere).unwrap().len(), 0);
    }

    #[test]
    fn zeros_that_a_lost_write_left_are_no_frames() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.seg");
        append(&path, b"one").unwrap();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(&[0; 9]).unwrap();
        assert_eq!(frames(&path).unwrap(), [b"one"]);
        append(&path, b"two").unwrap();
        assert_eq!(frames(&path).unwrap(), [b"one", b"two"]);
    }

    #[test]
    fn a_segment_that_begins_finds_an_empty_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.seg");
        begin(&path).unwrap();
        for frame in [b"one", b"two"] {
            append(&path, frame).unwrap();
            begin(&path).unwrap();
            assert!(!path.exists());
        }
        append(&path, b"three").unwrap();
        assert_eq!(frames(&path).unwrap(), [b"three"]);
        assert_eq!(frames(&folder.path().join("x.seg.torn")).unwrap(), [b"one", b"two"]);
    }

    #[test]
    fn an_absurd_length_is_damage() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.seg");
        File::create(&path).unwrap().write_all(&[0xFF; 64]).unwrap();
        assert!(frames(&path).unwrap().is_empty());
        append(&path, b"one").unwrap();
        assert_eq!(frames(&path).unwrap(), [b"one"]);
    }
}
