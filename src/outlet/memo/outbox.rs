//! The outbox: a message under its name, on disk, or not there at all.
//!
//! | crash | in the folder | what the next try finds |
//! |---|---|---|
//! | while it is written or synced | `.UUID.draft` | a draft that goes; the sending system takes `*.xml` |
//! | after the rename, before anybody noted it | `UUID.xml` | it is there: nothing is written twice |
//! | the sending system took it, and nobody had noted it | nothing | it is written again under the same `messageUUID`: twice rather than never, and whoever gets both can tell |
//!
//! The file is what Digital Post asks for, so the numbers in it are readable on this disk until it is taken. A folder that others
//! than its owner and group may look into is refused.

use super::Checked;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

/// Why nothing lies in the outbox. It may go well another time.
#[derive(Debug, thiserror::Error)]
pub enum NotFiled {
    /// The folder is not there, or cannot be written.
    #[error("the outbox {path}: {source}")]
    Io {
        /// The folder or the file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Anybody on this machine could read the letters.
    #[error("the outbox {path} is open to everybody (mode {mode:o}): `chmod o= {path}`")]
    Open {
        /// The folder.
        path: PathBuf,
        /// Its mode bits.
        mode: u32,
    },
}

/// A message lies in the outbox, on disk. Made only by [`Checked::file`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filed(PathBuf);

impl Filed {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Checked {
    /// Puts the message into the outbox, for its owner and group to read (0640), and returns when file and name are on disk.
    /// One that lies there under the same name is the same message, and stays.
    ///
    /// # Errors
    /// When the folder is missing (it is not made here: a disk that is not mounted is no place for letters), open to others, or
    /// cannot be written. Nothing lies there then under a name that is taken.
    pub fn file(&self, outbox: &Path) -> Result<Filed, NotFiled> {
        let io = |source| NotFiled::Io { path: outbox.to_owned(), source };
        let folder = File::open(outbox).map_err(io)?;
        let meta = folder.metadata().map_err(io)?;
        if !meta.is_dir() {
            return Err(io(io::ErrorKind::NotADirectory.into()));
        }
        if meta.mode() & 0o007 != 0 {
            return Err(NotFiled::Open { path: outbox.to_owned(), mode: meta.mode() & 0o7777 });
        }
        let path = outbox.join(format!("{}.xml", self.uuid));
        if !path.try_exists().map_err(io)? {
            let draft = outbox.join(format!(".{}.draft", self.uuid));
            let written = self.write(&draft, meta.uid()).and_then(|()| {
                #[allow(
                    clippy::disallowed_methods,
                    reason = "between two syncs: the durable way that the lint asks for"
                )]
                std::fs::rename(&draft, &path)
            });
            if written.is_err() {
                // Of no use to anybody; when even this fails, the next try removes it.
                drop(std::fs::remove_file(&draft));
            }
            written.map_err(io)?;
        }
        // Also of one that was there: whoever put it may have died before this.
        folder.sync_all().map_err(io)?;
        Ok(Filed(path))
    }

    /// Root writes here too, for mail of the mail server's hold queue, and the folder's owner is to go on with it.
    fn write(&self, draft: &Path, owner: u32) -> io::Result<()> {
        // One of a try that was killed goes; and nobody's link is followed.
        match std::fs::remove_file(draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o640).open(draft)?;
        file.write_all(self.message.as_bytes())?;
        if file.metadata()?.uid() != owner && rustix::process::geteuid().is_root() {
            fchown(&file, Some(owner), None)?;
        }
        file.sync_all()
    }
}
