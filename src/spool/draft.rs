//! A mail while it comes in: bytes in memory up to a size, then in a file without a name.
//!
//! Nobody has been answered while there is only a draft, so it need not outlive anything: it is never synced, and a crash
//! leaves nothing to clear, because the file has no name (`O_TMPFILE`, or unlinked at once where the file system has not
//! that). A small mail touches no disk. *Start reading at* [`Drafts::begin`]. *Tests*: below.

use rustix::fs::{Mode, OFlags};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::seal;

/// Bytes of a draft that are kept in memory; what is more goes to the file in blocks of this size.
const IN_MEMORY: usize = 64 * 1024;

/// Where drafts are begun: `drafts/` below the spool.
#[derive(Clone, Debug)]
pub struct Drafts {
    folder: PathBuf,
}

impl Drafts {
    /// Below this spool.
    pub fn below(spool: &Path) -> Self {
        Self { folder: spool.join("drafts") }
    }

    /// Begins one.
    pub fn begin(&self) -> Draft {
        Draft { folder: self.folder.clone(), buffer: Vec::new(), file: None, written: 0, tail: [0; 2] }
    }
}

/// A mail that is coming in.
#[derive(Debug)]
pub struct Draft {
    folder: PathBuf,
    buffer: Vec<u8>,
    file: Option<File>,
    /// Bytes in the file.
    written: u64,
    /// The last two bytes.
    tail: [u8; 2],
}

impl Draft {
    /// Takes the next bytes. What is due for the disk is written by [`Draft::settle`].
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        match bytes {
            [.., one, other] => self.tail = [*one, *other],
            [one] => {
                let [_, last] = self.tail;
                self.tail = [last, *one];
            }
            [] => {}
        }
    }

    /// Whether there is more in memory than should be.
    pub fn is_due(&self) -> bool {
        self.buffer.len() > IN_MEMORY
    }

    /// Writes what is due to the file. May wait for a disk.
    ///
    /// # Errors
    /// When there is no room, or no file can be made; the draft is of no use then.
    pub fn settle(&mut self) -> io::Result<()> {
        if !self.is_due() {
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(nameless(&self.folder)?),
        };
        file.write_all(&self.buffer)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Ends it: it can be read now, as often as needed.
    pub fn finish(self) -> Written {
        let size = self.written + self.buffer.len() as u64;
        let ends_a_line = size == 0 || self.tail == *b"\r\n";
        let (file, rest) = (self.file.map(Arc::new), Arc::from(self.buffer));
        Written { file, in_file: self.written, rest, size, ends_a_line }
    }
}

/// A draft that is whole.
#[derive(Clone, Debug)]
pub struct Written {
    file: Option<Arc<File>>,
    in_file: u64,
    rest: Arc<[u8]>,
    size: u64,
    ends_a_line: bool,
}

impl Written {
    /// Bytes of the mail.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether it ends with CRLF; an empty one does.
    pub fn ends_a_line(&self) -> bool {
        self.ends_a_line
    }

    /// Reads it from the start; readers do not disturb each other.
    pub fn reader(&self) -> Reader {
        Reader { of: self.clone(), at: 0 }
    }
}

/// Reads a draft.
#[derive(Debug)]
pub struct Reader {
    of: Written,
    at: u64,
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = match &self.of.file {
            Some(file) if self.at < self.of.in_file => match file.read_at(into, self.at)? {
                // Somebody has cut our file short.
                0 if !into.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => count,
            },
            Some(_) | None => {
                let at = usize::try_from(self.at - self.of.in_file).unwrap_or(usize::MAX);
                let mut rest = self.of.rest.get(at..).unwrap_or_default();
                rest.read(into)?
            }
        };
        self.at += count as u64;
        Ok(count)
    }
}

fn nameless(folder: &Path) -> io::Result<File> {
    std::fs::create_dir_all(folder)?;
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match rustix::fs::open(folder, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => Ok(file.into()),
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::ISDIR) => {
            let random: [u8; 16] = seal::random().map_err(|error| io::Error::other(error.to_string()))?;
            let path = folder.join(format!(".{}.draft", seal::hex(&random)));
            let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
            std::fs::remove_file(&path)?;
            Ok(file)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_of_any_size_is_read_back_and_leaves_no_name() {
        let folder = tempfile::tempdir().unwrap();
        let drafts = Drafts::below(folder.path());
        for size in [0, 1, 2, IN_MEMORY, IN_MEMORY + 1, 3 * IN_MEMORY + 7] {
            let mail: Vec<u8> = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let mut draft = drafts.begin();
            for piece in mail.chunks(1_000) {
                draft.push(piece);
                draft.settle().unwrap();
            }
            let written = draft.finish();
            assert_eq!(written.size(), size as u64);
            for _ in 0..2 {
                let mut back = Vec::new();
                written.reader().read_to_end(&mut back).unwrap();
                assert!(back == mail, "{size} bytes");
            }
        }
        let left = std::fs::read_dir(folder.path().join("drafts")).unwrap().count();
        assert_eq!(left, 0, "a draft has no name");
    }

    #[test]
    fn the_end_of_the_last_line_is_known_wherever_it_was_cut() {
        let drafts = Drafts::below(Path::new("nowhere"));
        for (pieces, ends) in [
            (vec![b"a\r\n".as_slice()], true),
            (vec![b"a\r", b"\n"], true),
            (vec![b"a\r\n", b""], true),
            (vec![], true),
            (vec![b"a\n"], false),
            (vec![b"\r\n", b"b"], false),
            (vec![b"\n"], false),
        ] {
            let mut draft = drafts.begin();
            for piece in &pieces {
                draft.push(piece);
            }
            assert_eq!(draft.finish().ends_a_line(), ends, "{pieces:?}");
        }
    }

    #[test]
    fn a_disk_that_takes_nothing_is_an_error() {
        let mut draft = Drafts::below(Path::new("/proc/nowhere")).begin();
        draft.push(&vec![b'x'; IN_MEMORY + 1]);
        assert!(draft.settle().is_err());
    }
}
