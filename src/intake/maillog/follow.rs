//! A log that grows, is rotated and is cut: each whole line of it once.
//!
//! Where reading stands is remembered by the file's identity, so that what was written while we were away is read, from the
//! rotated file too (`mail.log.1`). Never waits: who follows asks again when something may have changed. Start reading at
//! [`Follower::read_on`].

use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Of a longer line the rest is left out; Postfix writes at most 2,000 bytes.
const LONGEST: usize = 64 * 1024;

/// Where reading stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    device: u64,
    inode: u64,
    /// Bytes read, up to the end of a line.
    offset: u64,
}

/// Reads one log.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    position: Position,
    /// The beginning of a line whose end has not been written.
    partial: Vec<u8>,
}

impl Open {
    fn new(file: File, offset: u64) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let position = Position { device: metadata.dev(), inode: metadata.ino(), offset };
        Ok(Self { file, position, partial: Vec::new() })
    }

    fn is_at(&self, path: &Path) -> bool {
        std::fs::metadata(path).is_ok_and(|metadata| {
            (metadata.dev(), metadata.ino()) == (self.position.device, self.position.inode)
        })
    }

    /// Reads to the end, or some megabytes of it.
    fn read_on(&mut self, each: &mut dyn FnMut(&str)) -> io::Result<bool> {
        let behind = self.position.offset + self.partial.len() as u64;
        if self.file.metadata()?.len() < behind {
            // Cut by copytruncate: what is there now is new.
            self.position.offset = 0;
            self.partial.clear();
        }
        self.file.seek(SeekFrom::Start(self.position.offset + self.partial.len() as u64))?;
        let mut buffer = vec![0; 64 * 1024];
        for _ in 0..64 {
            let read = match self.file.read(&mut buffer) {
                Ok(0) => return Ok(true),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.partial.extend_from_slice(buffer.get(..read).unwrap_or_default());
            self.tell(each);
        }
        Ok(false)
    }

    fn tell(&mut self, each: &mut dyn FnMut(&str)) {
        let Some(end) = memchr::memrchr(b'\n', &self.partial) else {
            if self.partial.len() > LONGEST {
                // No line of a log; its end is read as one that says nothing.
                self.position.offset += self.partial.len() as u64;
                self.partial.clear();
            }
            return;
        };
        let rest = self.partial.split_off(end + 1);
        let whole = std::mem::replace(&mut self.partial, rest);
        for line in
            whole.split(|byte| *byte == b'\n').filter(|line| !line.is_empty() && line.len() <= LONGEST)
        {
            each(String::from_utf8_lossy(line).trim_end_matches('\r'));
        }
        self.position.offset += whole.len() as u64;
    }
}

impl Follower {
    /// From where reading stood; without that, from the log's end: what is older was of another time.
    pub fn new(path: &Path, from: Option<Position>) -> Self {
        let open = from.map_or_else(|| at_end(path), |from| resume(path, from));
        Self { path: path.to_owned(), open }
    }

    /// Where reading stands.
    pub fn position(&self) -> Option<Position> {
        self.open.as_ref().map(|open| open.position)
    }

    /// Tells every whole line that is new, oldest first. Whether all has been read.
    ///
    /// # Errors
    /// When the log cannot be read; to be tried again.
    pub fn read_on(&mut self, each: &mut dyn FnMut(&str)) -> io::Result<bool> {
        if let Some(open) = &mut self.open {
            // Asked before reading: what is written in between is read at the next time.
            let is_current = open.is_at(&self.path);
            if !open.read_on(each)? {
                return Ok(false);
            }
            if is_current || !self.path.exists() {
                return Ok(true);
            }
        }
        let file = match File::open(&self.path) {
            Ok(file) => file,
            // It comes with the first line.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(error),
        };
        self.open.insert(Open::new(file, 0)?).read_on(each)
    }
}

fn at_end(path: &Path) -> Option<Open> {
    let file = File::open(path).ok()?;
    let end = file.metadata().ok()?.len();
    Open::new(file, end).ok()
}

/// The file that was read, under its name or the one that logrotate gave it (`mail.log.1`, `mail.log-20261122`). When it is
/// gone, the newest one that was rotated, from its beginning: what stands there is newer; and else the log's.
fn resume(path: &Path, from: Position) -> Option<Open> {
    let is_same = |open: &Open| (open.position.device, open.position.inode) == (from.device, from.inode);
    let open = |path: &Path, offset| File::open(path).and_then(|file| Open::new(file, offset)).ok();
    let same = |path: &Path| open(path, from.offset).filter(is_same);
    let mut newest = path.as_os_str().to_owned();
    newest.push(".1");
    same(path)
        .or_else(|| rotated(path).iter().find_map(|path| same(path)))
        .or_else(|| open(newest.as_ref(), 0))
}

/// What lies beside a log and begins with its name.
fn rotated(path: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Vec::new() };
    let is_ours = |found: &Path| {
        found.file_name().is_some_and(|found| found.as_encoded_bytes().starts_with(name.as_encoded_bytes()))
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| is_ours(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn add(path: &Path, text: &str) {
        File::options().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    #[allow(clippy::disallowed_methods, reason = "as logrotate does it")]
    fn rotate(log: &Path) {
        std::fs::rename(log, log.with_file_name("mail.log.1")).unwrap();
    }

    fn new_lines(follower: &mut Follower) -> Vec<String> {
        let mut lines = Vec::new();
        while !follower.read_on(&mut |line| lines.push(line.to_owned())).unwrap() {}
        lines
    }

    #[test]
    fn each_whole_line_is_told_once_over_rotation_cutting_and_restart() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("mail.log");
        let mut follower = Follower::new(&log, None);
        assert!(new_lines(&mut follower).is_empty(), "not there yet");
        add(&log, "one\ntwo\r\nthr");
        assert_eq!(new_lines(&mut follower), ["one", "two"]);
        add(&log, "ee\n");
        assert_eq!(new_lines(&mut follower), ["three"]);
        // Rotated with lines that were not read yet.
        add(&log, "four\n");
        rotate(&log);
        add(&log, "five\n");
        assert_eq!(new_lines(&mut follower), ["four", "five"]);
        // Away while it is rotated.
        let position = follower.position();
        add(&log, "six\n");
        rotate(&log);
        add(&log, "seven\nhal");
        let mut follower = Follower::new(&log, position);
        assert_eq!(new_lines(&mut follower), ["six", "seven"]);
        // Away in the middle of a line.
        let mut follower = Follower::new(&log, follower.position());
        add(&log, "f\n");
        assert_eq!(new_lines(&mut follower), ["half"]);
        // Cut and written anew.
        File::create(&log).unwrap();
        assert!(new_lines(&mut follower).is_empty());
        add(&log, "eight\n");
        assert_eq!(new_lines(&mut follower), ["eight"]);
        // Rotated under another name while away, and then away so long that it is gone.
        let position = follower.position();
        add(&log, "nine\n");
        #[allow(clippy::disallowed_methods, reason = "as logrotate does it")]
        std::fs::rename(&log, log.with_file_name("mail.log-20261122")).unwrap();
        add(&log, "ten\n");
        assert_eq!(new_lines(&mut Follower::new(&log, position)), ["nine", "ten"]);
        std::fs::remove_file(log.with_file_name("mail.log-20261122")).unwrap();
        // What has the place of a file that is gone may have its number: one that is kept has not.
        let kept = File::open(&log).unwrap();
        rotate(&log);
        add(&log, "eleven\n");
        assert_eq!(new_lines(&mut Follower::new(&log, position)), ["ten", "eleven"]);
        drop(kept);
        // What was there before the first start is of another time.
        assert!(new_lines(&mut Follower::new(&log, None)).is_empty());
    }

    #[test]
    fn a_line_without_end_does_not_grow_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("mail.log");
        add(&log, "");
        let mut follower = Follower::new(&log, None);
        for _ in 0..40 {
            add(&log, &"x".repeat(10_000));
            assert!(new_lines(&mut follower).is_empty());
            assert!(follower.open.as_ref().unwrap().partial.len() <= 2 * LONGEST);
        }
        add(&log, "\nnext\n");
        assert_eq!(new_lines(&mut follower).last().unwrap(), "next");
    }
}
