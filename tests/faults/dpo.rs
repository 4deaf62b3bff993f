//! Who lets some of the held mail go by the protected road while all else goes wrong, and what became of each.
//!
//! By the command that people use, while the daemon may be dead, the register locked and the road cut. A release that the
//! command said yes to is done in the end: the mail is at the protected hop, once, or twice where the table of
//! `daemon/held/act.rs` says so.

use super::mails::{Dice, Mail, number_of};
use super::steps::{self, Blow, Struck};
use crate::support::register::Register;
use brevdue::seal;
use brevdue::spool::held::Cover;
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

/// Where the held mail of this name lies.
pub(super) fn path(data: &Path, id: &str) -> PathBuf {
    data.join("spool/held").join(format!("{id}.age"))
}

/// How the nodes are called where there are two.
pub(super) const NODES: [&str; 2] = ["first", "second"];

/// What stands in the register of held mail in the spool: name, and state and node.
pub(super) fn rows(register: &Register) -> HashMap<String, (String, String)> {
    of_place(register, "spool").into_iter().map(|(name, [state, node, _])| (name, (state, node))).collect()
}

/// Held mail in a place, by its name: its state, its node, and the domains of its recipients.
fn of_place(register: &Register, place: &str) -> HashMap<String, [String; 3]> {
    let asked =
        format!("SELECT name, state, node, recipient_domains FROM held WHERE place = '{place}' ORDER BY id");
    let rows = register.rows(&asked).into_iter();
    rows.filter_map(|row| {
        let [name, state, node, domains] = <[String; 4]>::try_from(row).ok()?;
        Some((name, [state, node, domains]))
    })
    .collect()
}

/// A release that was decided.
pub(super) struct Release {
    pub(super) id: String,
    pub(super) number: u32,
    pub(super) recipients: Vec<String>,
    pub(super) from: Instant,
    /// When it was first seen done.
    pub(super) until: Option<Instant>,
    /// How often whoever acts on it was killed.
    pub(super) kills: u64,
}

/// The DPO.
pub(super) struct Dpo {
    pub(super) config: PathBuf,
    pub(super) register: Register,
    /// Of each node.
    pub(super) data: Vec<PathBuf>,
    pub(super) secret: String,
    pub(super) environment: Vec<(OsString, OsString)>,
    pub(super) dice: Dice,
    pub(super) seed: u64,
    /// The mail lies in Postfix's hold queue, and root acts on it.
    pub(super) acts: bool,
    /// For what strace has to say; `None` where nobody can stand on the steps.
    pub(super) notes: Option<PathBuf>,
    pub(super) steps: Vec<Struck>,
    pub(super) releases: Vec<Release>,
}

impl Dpo {
    /// Lets one mail go, and looks what became of the others.
    pub(super) fn decide(&mut self) {
        self.look();
        if self.acts {
            self.decide_in_queue();
            self.act(true);
            return;
        }
        let known = |path: &PathBuf| {
            let id = path.file_stem().unwrap_or_default().to_string_lossy();
            self.releases.iter().any(|one| one.id == id)
        };
        let lying = self.data.iter().flat_map(|data| files(data));
        let waiting: Vec<PathBuf> = lying.filter(|path| !known(path)).collect();
        if waiting.is_empty() {
            return;
        }
        let path = &waiting[usize::try_from(self.dice.within(0, waiting.len() as u64)).unwrap()];
        let Some(Lying { number: Some(number), recipients, .. }) = open(path, &self.secret) else { return };
        let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let from = Instant::now();
        self.release(&id);
        // A no may be a register that is locked, a mail that has no row yet, or one that was taken back. One that was killed or
        // could not say yes may have decided all the same.
        let rows = rows(&self.register);
        let state = rows.get(&id).map(|(state, _)| state.as_str());
        if matches!(state, Some("approved" | "released" | "gone")) {
            self.releases.push(Release { id, number, recipients, from, until: None, kills: 0 });
        }
    }

    fn release(&self, id: &str) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_brevdue"));
        command.args(["held", "release", id, "--road", "protected", "--by", "Dorte DPO", "--why", "aftalt"]);
        self.run(command);
    }

    fn run(&self, mut command: Command) {
        command.arg("--config").arg(&self.config).envs(self.environment.iter().cloned());
        drop(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status());
    }

    fn decide_in_queue(&mut self) {
        let rows = of_place(&self.register, "postfix");
        let is_known = |id: &String| self.releases.iter().any(|one| one.id == *id);
        let waiting = rows.iter().find(|(id, [state, ..])| state == "waiting" && !is_known(id));
        let Some((id, [.., domains])) = waiting else { return };
        let number =
            domains.split(' ').find_map(|one| one.strip_prefix('m')?.split('.').next()?.parse().ok());
        let (Some(number), id, from) = (number, id.clone(), Instant::now()) else { return };
        self.release(&id);
        if of_place(&self.register, "postfix").get(&id).is_some_and(|[state, ..]| state != "waiting") {
            let recipients = Mail::make(self.seed, number).recipients;
            self.releases.push(Release { id, number, recipients, from, until: None, kills: 0 });
        }
    }

    /// As root, on what is decided; killed at a step now and then.
    pub(super) fn act(&mut self, is_rough: bool) {
        let open: Vec<usize> =
            (0..self.releases.len()).filter(|at| self.releases[*at].until.is_none()).collect();
        for at in open.into_iter().filter(|_| self.acts) {
            let mut command = Command::new(env!("CARGO_BIN_EXE_brevdue"));
            let note = self.notes.clone().filter(|_| is_rough && self.dice.one_in(3));
            let note = note.map(|notes| notes.join("steps-act"));
            if let Some(note) = &note {
                command = steps::struck(&mut self.dice, Blow::Kill, note);
                command.arg(env!("CARGO_BIN_EXE_brevdue"));
            }
            command.args(["held", "act", &self.releases[at].id]);
            self.run(command);
            if let Some(met) = note.and_then(|note| steps::met(&note)) {
                self.steps.push((Blow::Kill, met));
                self.releases[at].kills += 1;
            }
        }
    }

    /// Which are done.
    pub(super) fn look(&mut self) {
        if self.releases.iter().all(|one| one.until.is_some()) {
            return;
        }
        let rows = of_place(&self.register, if self.acts { "postfix" } else { "spool" });
        for one in self.releases.iter_mut().filter(|one| one.until.is_none()) {
            let state = rows.get(&one.id).map(|[state, ..]| state.as_str());
            if matches!(state, Some("released" | "gone" | "discarded")) {
                one.until = Some(Instant::now());
            }
        }
    }

    /// How many are decided and not done.
    pub(super) fn open(&self) -> usize {
        self.releases.iter().filter(|one| one.until.is_none()).count()
    }
}
