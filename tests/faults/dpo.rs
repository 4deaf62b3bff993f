//! Who lets some of the held mail go by the protected road while all else goes wrong, and what became of each.
//!
//! By the command that people use, while the daemon may be dead, the register locked and the road cut. A release that the
//! command said yes to is done in the end: the mail is at the protected hop, once, or twice where the table of
//! `daemon/held/act.rs` says so.

use super::mails::{Dice, number_of};
use brevdue::seal;
use brevdue::spool::held::Cover;
use rusqlite::{Connection, OpenFlags};
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// A held mail, opened.
pub(super) struct Lying {
    pub(super) number: Option<u32>,
    pub(super) recipients: Vec<String>,
    pub(super) mail: Vec<u8>,
}

/// Opens a file of held mail; `None` when it does not open.
pub(super) fn open(path: &Path, secret: &str) -> Option<Lying> {
    let plain = seal::open(&std::fs::read(path).ok()?, secret).ok()?;
    let (head, mail) = plain.split_at(plain.iter().position(|byte| *byte == b'\n')?);
    let cover: Cover = serde_json::from_slice(head).ok()?;
    let mail = mail.get(1..)?.to_vec();
    let recipients = cover.recipients.into_iter().map(|(to, _)| to).collect();
    Some(Lying { number: number_of(&mail), recipients, mail })
}

/// The files of held mail.
pub(super) fn files(data: &Path) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(data.join("spool/held")).into_iter().flatten().flatten();
    folder.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|it| it == "age")).collect()
}

/// What stands in the register of held mail in the spool: name and state.
pub(super) fn rows(data: &Path) -> HashMap<String, String> {
    let read = || -> rusqlite::Result<HashMap<String, String>> {
        let register =
            Connection::open_with_flags(data.join("brevdue.db"), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        register.busy_timeout(std::time::Duration::from_secs(2))?;
        let mut rows = register.prepare("SELECT name, state FROM held WHERE place = 'spool' ORDER BY id")?;
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    };
    read().unwrap_or_default()
}

/// A release that was decided.
pub(super) struct Release {
    pub(super) id: String,
    pub(super) number: u32,
    pub(super) recipients: Vec<String>,
    pub(super) from: Instant,
    /// When it was first seen done.
    pub(super) until: Option<Instant>,
}

/// The DPO.
pub(super) struct Dpo {
    pub(super) config: PathBuf,
    pub(super) data: PathBuf,
    pub(super) secret: String,
    pub(super) environment: Vec<(OsString, OsString)>,
    pub(super) dice: Dice,
    pub(super) releases: Vec<Release>,
}

impl Dpo {
    /// Lets one mail go, and looks what became of the others.
    pub(super) fn decide(&mut self) {
        self.look();
        let known = |path: &PathBuf| {
            let id = path.file_stem().unwrap_or_default().to_string_lossy();
            self.releases.iter().any(|one| one.id == id)
        };
        let waiting: Vec<PathBuf> = files(&self.data).into_iter().filter(|path| !known(path)).collect();
        if waiting.is_empty() {
            return;
        }
        let path = &waiting[usize::try_from(self.dice.within(0, waiting.len() as u64)).unwrap()];
        let Some(Lying { number: Some(number), recipients, .. }) = open(path, &self.secret) else { return };
        let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let from = Instant::now();
        let mut command = Command::new(env!("CARGO_BIN_EXE_brevdue"));
        command.arg("--config").arg(&self.config).args(["held", "release", &id, "--road", "protected"]);
        command.args(["--by", "Dorte DPO", "--why", "aftalt"]).envs(self.environment.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // A no may be a register that is locked, a mail that has no row yet, or one that was taken back. One that was killed or
        // could not say yes may have decided all the same.
        drop(command.status());
        if matches!(rows(&self.data).get(&id).map(String::as_str), Some("approved" | "released" | "gone")) {
            self.releases.push(Release { id, number, recipients, from, until: None });
        }
    }

    /// Which are done.
    pub(super) fn look(&mut self) {
        if self.releases.iter().all(|one| one.until.is_some()) {
            return;
        }
        let rows = rows(&self.data);
        for one in self.releases.iter_mut().filter(|one| one.until.is_none()) {
            if matches!(rows.get(&one.id).map(String::as_str), Some("released" | "gone" | "discarded")) {
                one.until = Some(Instant::now());
            }
        }
    }

    /// How many are decided and not done.
    pub(super) fn open(&self) -> usize {
        self.releases.iter().filter(|one| one.until.is_none()).count()
    }
}
