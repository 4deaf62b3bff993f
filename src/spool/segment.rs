//! Segments: files of frames, each on disk when its writer hears of it.
//!
//! A frame is four bytes of length (big endian) and the bytes. A crash in the middle of an append leaves a torn last frame
//! whose row was never written; the next append moves it aside, and a reader stops before it. It is moved and not dropped,
//! because a damaged length in the middle of a segment looks the same, and what follows it may be somebody's evidence.
//!
//! Many append to the segment of one case at once: each writes alone, and those who wrote while another's fsync ran share the
//! next one. Where the whole frames end is remembered, so that the hundred-thousandth costs what the first did. *Start reading
//! at* [`Segments::append`].
//!
//! | crash | file | what the next start finds |
//! |---|---|---|
//! | before the write | whole frames | nothing happened |
//! | in the write | whole frames and a torn one, or zeros | these are moved aside by the next append |
//! | after the fsync, before the row | one frame more than rows | the mail comes again, is sealed again, and a reader sees the number once |
//! | the same, where the row would have opened a case | a segment without a case | whoever is given the case's number next moves it aside ([`begin`]) |

use super::durable::{NO_LINK, give_to_folders_owner, make_folder, parent};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A frame longer than this is damage, not data.
const LONGEST: u32 = 16 * 1024 * 1024;

/// Segments that this process appends to.
#[derive(Debug, Default)]
pub struct Segments {
    open: Mutex<BTreeMap<PathBuf, Arc<Segment>>>,
}

impl Segments {
    /// So many are kept open at most.
    const OPEN: usize = 64;

    /// Appends one frame, which is not empty, and returns when it is on disk. Other processes that append wait for the write.
    ///
    /// # Errors
    /// When the file cannot be made, locked, written or synced; a torn frame may be left, which the next append
    /// moves aside.
    pub fn append(&self, path: &Path, frame: &[u8]) -> io::Result<()> {
        self.segment(path).append(path, frame)
    }

    fn segment(&self, path: &Path) -> Arc<Segment> {
        let mut open = lock(&self.open);
        if let Some(segment) = open.get(path) {
            return Arc::clone(segment);
        }
        if open.len() >= Self::OPEN {
            // Who appends to one of them keeps it for as long.
            open.clear();
        }
        Arc::clone(open.entry(path.to_owned()).or_default())
    }
}

/// Appends one frame to a segment that is written once: as [`Segments::append`].
///
/// # Errors
/// As there.
pub fn append(path: &Path, frame: &[u8]) -> io::Result<()> {
    Segment::default().append(path, frame)
}

/// One file, and how far it is written and synced.
#[derive(Debug, Default)]
struct Segment {
    tail: Mutex<Tail>,
    synced: Condvar,
}

#[derive(Debug, Default)]
struct Tail {
    file: Option<Arc<File>>,
    /// Whole frames end here.
    end: u64,
    /// The disk has it to here.
    synced: u64,
    /// The disk refused what stands before here and behind `synced`.
    refused: u64,
    /// Somebody waits for the disk.
    is_syncing: bool,
}

impl Segment {
    fn append(&self, path: &Path, frame: &[u8]) -> io::Result<()> {
        let length = u32::try_from(frame.len()).ok().filter(|length| *length <= LONGEST);
        let length = length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "frame too long"))?;
        let mut bytes = length.to_be_bytes().to_vec();
        bytes.extend_from_slice(frame);
        let mut tail = lock(&self.tail);
        let file = tail.open(path)?;
        file.lock()?;
        let written = tail.write(&file, path, &bytes);
        file.unlock()?;
        self.sync(tail, &file, written?)
    }

    /// Waits until the disk has what was written to this file before `end`. One asks the disk for all who have written until
    /// then.
    fn sync<'a>(&'a self, mut tail: MutexGuard<'a, Tail>, file: &Arc<File>, end: u64) -> io::Result<()> {
        loop {
            let is_same = tail.file.as_ref().is_some_and(|now| Arc::ptr_eq(now, file));
            if !is_same {
                // Another file has taken its name meanwhile, so nobody else asks for this one.
                return file.sync_all();
            }
            if tail.synced >= end {
                return Ok(());
            }
            if tail.refused >= end {
                return Err(io::Error::other("the disk refused it"));
            }
            if tail.is_syncing {
                tail = self.synced.wait(tail).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            tail.is_syncing = true;
            let until = tail.end;
            drop(tail);
            let done = file.sync_all();
            tail = lock(&self.tail);
            tail.is_syncing = false;
            self.synced.notify_all();
            let is_same = tail.file.as_ref().is_some_and(|now| Arc::ptr_eq(now, file));
            if is_same {
                match &done {
                    Ok(()) => tail.synced = tail.synced.max(until),
                    Err(_) => tail.refuse(file, until),
                }
            }
            return done;
        }
    }
}

impl Tail {
    /// The file of this name, opened anew where another has taken its place.
    fn open(&mut self, path: &Path) -> io::Result<Arc<File>> {
        if let (Some(file), Ok(there)) = (&self.file, path.symlink_metadata()) {
            let ours = file.metadata()?;
            if (ours.dev(), ours.ino()) == (there.dev(), there.ino()) {
                return Ok(Arc::clone(file));
            }
        }
        make_folder(parent(path))?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(NO_LINK)
            .open(path)?;
        give_to_folders_owner(&file, path)?;
        let file = Arc::new(file);
        *self = Self { file: Some(Arc::clone(&file)), is_syncing: false, ..Self::default() };
        Ok(file)
    }

    /// Writes behind the last whole frame; where what was written ends. The file is locked.
    fn write(&mut self, file: &File, path: &Path, bytes: &[u8]) -> io::Result<u64> {
        let size = file.metadata()?.len();
        // Others append too; nobody shortens a segment, but who would is not believed to have kept frames whole.
        let known = if size < self.end { 0 } else { self.end };
        let end = end_of_whole_frames(file, known, size)?;
        if end == 0 {
            // A new name is durable only when its folder is. Before the first frame, so that a segment with one has had this
            // done, whoever began it and crashed.
            File::open(parent(path))?.sync_all()?;
        }
        if size > end {
            move_aside(file, end, path)?;
            file.set_len(end)?;
        }
        self.end = end;
        self.synced = self.synced.min(end);
        file.write_all_at(bytes, end)?;
        self.end = end + bytes.len() as u64;
        Ok(self.end)
    }

    /// The disk refused what stands before `until`: all of it is written once more, because the system holds it for written, and
    /// a hole would hide what comes behind it.
    fn refuse(&mut self, file: &File, until: u64) {
        self.refused = until;
        let from = self.synced;
        let length = usize::try_from(until.saturating_sub(from)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length];
        let again = file.read_exact_at(&mut bytes, from).and_then(|()| file.write_all_at(&bytes, from));
        if again.is_err() {
            // It is looked at from its beginning by who opens it next.
            self.file = None;
        }
    }
}

/// Every whole frame, in order.
///
/// # Errors
/// When the file cannot be read.
pub fn frames(path: &Path) -> io::Result<Vec<Vec<u8>>> {
    let mut file = BufReader::new(File::open(path)?);
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
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    move_aside(&file, 0, path)?;
    std::fs::remove_file(path)?;
    File::open(parent(path))?.sync_all()
}

/// Keeps what stands from here to the end of the segment in `NAME.torn`, behind what is there already.
fn move_aside(mut file: &File, from: u64, path: &Path) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".torn");
    let mut aside =
        OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(NO_LINK).open(&name)?;
    give_to_folders_owner(&aside, Path::new(&name))?;
    file.seek(SeekFrom::Start(from))?;
    io::copy(&mut file, &mut aside)?;
    aside.sync_all()
}

/// Where whole frames end that stand between these places.
fn end_of_whole_frames(mut file: &File, from: u64, size: u64) -> io::Result<u64> {
    file.seek(SeekFrom::Start(from))?;
    let mut reader = BufReader::with_capacity(64 * 1024, file);
    let mut end = from;
    loop {
        let mut length = [0; 4];
        if end + 4 > size || reader.read_exact(&mut length).is_err() {
            return Ok(end);
        }
        let length = u32::from_be_bytes(length);
        let next = end + 4 + u64::from(length);
        if length == 0 || length > LONGEST || next > size {
            return Ok(end);
        }
        reader.seek_relative(length.into())?;
        end = next;
    }
}

fn next_frame(file: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing here panics while it is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

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

    #[test]
    fn who_appends_together_loses_nothing_and_shares_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.seg");
        // As two processes, each with doors of its own.
        let processes = [Segments::default(), Segments::default()];
        std::thread::scope(|scope| {
            for door in 0..16_u8 {
                let (segments, path) = (&processes[usize::from(door % 2)], &path);
                scope.spawn(move || {
                    for number in 0..25_u8 {
                        segments.append(path, &[door, number, 7]).unwrap();
                    }
                });
            }
        });
        let found: std::collections::BTreeSet<Vec<u8>> = frames(&path).unwrap().into_iter().collect();
        assert_eq!((found.len(), frames(&path).unwrap().len()), (400, 400));
        assert!(!folder.path().join("x.seg.torn").exists());
    }

    #[test]
    fn what_root_makes_is_the_services() {
        let folder = tempfile::tempdir().unwrap();
        let spool = folder.path().join("spool");
        std::fs::create_dir(&spool).unwrap();
        let service = 65_534;
        if std::os::unix::fs::chown(&spool, Some(service), Some(service)).is_err() {
            println!("skipped: it takes root to make a file for another");
            return;
        }
        let path = spool.join("evidence/x.seg");
        append(&path, b"one").unwrap();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"torn").unwrap();
        append(&path, b"two").unwrap();
        for made in [spool.join("evidence"), spool.join("evidence/x.seg.torn"), path] {
            let made = std::fs::metadata(made).unwrap();
            assert_eq!((made.uid(), made.gid()), (service, service));
        }
    }

    #[test]
    fn a_file_that_took_the_name_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.seg");
        let segments = Segments::default();
        segments.append(&path, b"one").unwrap();
        begin(&path).unwrap();
        segments.append(&path, b"two").unwrap();
        assert_eq!(frames(&path).unwrap(), [b"two"]);
        // Another process, whose frames are longer, and a crash that tore its last one.
        append(&path, b"a longer frame than ours").unwrap();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(&[0, 0, 0, 9, 1]).unwrap();
        segments.append(&path, b"four").unwrap();
        let whole = [b"two".to_vec(), b"a longer frame than ours".to_vec(), b"four".to_vec()];
        assert_eq!(frames(&path).unwrap(), whole);
        assert!(folder.path().join("x.seg.torn").exists());
    }

    #[test]
    fn what_the_disk_refused_is_refused_to_all_who_waited_and_written_once_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.seg");
        let segment = Segment::default();
        segment.append(&path, b"one").unwrap();
        let mut tail = lock(&segment.tail);
        let file = tail.open(&path).unwrap();
        let end = tail.write(&file, &path, b"\0\0\0\x03two").unwrap();
        tail.refuse(&file, end);
        assert!(segment.sync(tail, &file, end).is_err());
        segment.append(&path, b"three").unwrap();
        assert_eq!(frames(&path).unwrap(), [b"one".to_vec(), b"two".to_vec(), b"three".to_vec()]);
    }
}
