//! A held mail for a person to read, and what the command line asks of a keeper.

use super::{Keeper, wake};
use crate::config::Config;
use crate::envelope::QueueId;
use crate::spool::held::HeldId;
use crate::store::Store;
use crate::store::held::{HeldRow, Place};
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

/// Why a mail cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum NotRead {
    /// It lies on another machine.
    #[error("it lies on {0}: read it there")]
    Elsewhere(String),
    /// The mail is not there, or cannot be opened.
    #[error("{0}")]
    Mail(String),
    /// The file for it.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

impl Keeper {
    /// Writes a held mail to a new file (0600), opened with this machine's release key or with the secret that is given. It
    /// returns the bytes when the file is on disk. What cannot be read whole leaves no file.
    ///
    /// # Errors
    /// When it is not here, is sealed to another key, or the file is there already.
    pub fn export(&self, row: &HeldRow, secret: Option<&str>, out: &Path) -> Result<u64, NotRead> {
        if row.node != self.node {
            return Err(NotRead::Elsewhere(row.node.clone()));
        }
        let io = |source| NotRead::File { path: out.display().to_string(), source };
        let mut mail = self.mail(row, secret)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(out).map_err(io)?;
        let written = io::copy(&mut mail, &mut file).and_then(|size| file.sync_all().map(|()| size));
        if written.is_err() {
            drop(std::fs::remove_file(out));
        }
        let size = written.map_err(io)?;
        let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
        Ok(size)
    }

    fn mail(&self, row: &HeldRow, secret: Option<&str>) -> Result<Box<dyn Read>, NotRead> {
        let fault = |error: &dyn std::fmt::Display| NotRead::Mail(error.to_string());
        match row.place {
            Place::Spool => {
                let id = HeldId::parse(&row.name);
                let id = id.ok_or_else(|| fault(&"this is no name of a held mail"))?;
                let secret = secret.unwrap_or(self.release.secret());
                Ok(self.holding.open(&id, secret).map_err(|error| fault(&error))?.mail)
            }
            Place::Postfix => {
                let id = QueueId::new(&row.name).ok_or_else(|| fault(&"this is no queue id"))?;
                let there = self.queued(row).map_err(|error| fault(&error))?;
                if there.is_none() {
                    return Err(fault(&"it is not in the mail server's queue"));
                }
                Ok(Box::new(self.postfix.content(&id).map_err(|error| fault(&error))?))
            }
        }
    }

    /// The register.
    pub fn store(&self) -> &Store {
        &self.register.store
    }

    /// All that was decided about this machine's mail in Postfix's hold queue and is to be done now. What lies in our spool is
    /// the daemon's own.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub async fn to_do(self: &Arc<Self>) -> anyhow::Result<Vec<HeldRow>> {
        self.decided(Place::Postfix).await.map_err(anyhow::Error::msg)
    }

    /// The file that woke us for this mail has done its work.
    pub fn let_sleep(&self, name: &str) {
        // One that is not there, or cannot be removed, costs a start of a program that finds nothing to do.
        if QueueId::new(name).is_some() {
            drop(std::fs::remove_file(self.approved.join(name)));
        }
    }

    /// The same for all: what is still to be done is said again by the daemon.
    pub fn let_all_sleep(&self) {
        // Root does this: a link in the folder's place leads to what is not ours.
        if !std::fs::symlink_metadata(&self.approved).is_ok_and(|folder| folder.is_dir()) {
            return;
        }
        for entry in std::fs::read_dir(&self.approved).into_iter().flatten().flatten() {
            // Nor is a file that has no name of a mail.
            if entry.file_name().to_str().and_then(QueueId::new).is_some() {
                drop(std::fs::remove_file(entry.path()));
            }
        }
    }
}

/// Wakes the privileged part of this machine for a mail of Postfix's hold queue.
///
/// # Errors
/// When the file cannot be made: the daemon does it within a minute.
pub fn wake_of(config: &Config, name: &str) -> io::Result<()> {
    wake(&config.spool.join("approved"), name)
}
