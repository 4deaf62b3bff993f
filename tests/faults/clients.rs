//! Who hands in the mail, and sends again what was not answered, as a mail server does.

use super::Door;
use super::mails::{Dice, Mail, SENDER, domain};
use super::steps::{self, Blow, Struck};
use crate::support::smtp::{Reply, Session, stuffed};
use brevdue::intake::ListenAddr;
use brevdue::intake::milter::{Client, Mail as MilterMail, Outcome};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// What was said to one recipient's mail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Said {
    Yes,
    /// Yes, and the mail server is to keep it (milter).
    Quarantined,
    /// Yes, and the mail server is to send it by the protected road (milter).
    Rerouted,
    No(u16),
    Later(u16),
    /// The connection, or the process, ended first.
    Nothing,
}

/// One try to hand in a mail.
pub(super) struct Attempt {
    pub(super) from: Instant,
    pub(super) until: Instant,
    /// For whom the last byte may have gone: somebody may have their mail whatever was said.
    pub(super) whole: BTreeSet<String>,
    pub(super) said: BTreeMap<String, Said>,
}

/// The story of a mail.
pub(super) struct Story {
    pub(super) number: u32,
    pub(super) attempts: Vec<Attempt>,
}

/// How a client reaches the door, and what it breaks itself.
#[derive(Clone)]
pub(super) struct Wiring {
    pub(super) door: Door,
    /// Of each node.
    pub(super) smtp: Vec<SocketAddr>,
    pub(super) milter: Vec<ListenAddr>,
    pub(super) config: PathBuf,
    /// Connections torn, pipes killed, and pipes killed in a write.
    pub(super) torn: Arc<AtomicU64>,
    pub(super) killed: Arc<AtomicU64>,
    pub(super) killed_at_write: Arc<AtomicU64>,
    /// Pipes that were struck at a durable step, and which; `None` where nobody can.
    pub(super) steps: Option<Arc<Mutex<Vec<Struck>>>>,
    pub(super) environment: Vec<(OsString, OsString)>,
    /// For what strace has to say.
    pub(super) notes: PathBuf,
}

pub(super) struct Sender {
    wiring: Wiring,
    dice: Dice,
    /// Off when the adversary has gone home.
    pub(super) tears: bool,
    session: Option<Session>,
    milter: Option<Client>,
    runtime: Option<Runtime>,
}

/// Before a mail is given up; with the waits between, more than a minute.
const TRIES: usize = 200;

impl Sender {
    pub(super) fn new(wiring: Wiring, seed: u64) -> Self {
        let runtime = (wiring.door == Door::Milter)
            .then(|| tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());
        Self { wiring, dice: Dice::new(seed), tears: true, session: None, milter: None, runtime }
    }

    /// Sends a mail until each recipient has an answer that stands.
    pub(super) fn send(&mut self, mail: &Mail) -> Story {
        let mut story = Story { number: mail.number, attempts: Vec::new() };
        let mut open = mail.recipients.clone();
        while !open.is_empty() && story.attempts.len() < TRIES {
            let pause = self.dice.within(1, 40) + 5 * story.attempts.len().min(60) as u64;
            if !story.attempts.is_empty() {
                std::thread::sleep(Duration::from_millis(pause));
            }
            let from = Instant::now();
            let (whole, said) = match self.wiring.door {
                Door::Milter => self.by_milter(mail, &open),
                Door::Smtp | Door::Lmtp => self.by_smtp(mail, &open),
                Door::Pipe => self.by_pipe(mail, &open),
            };
            open.retain(|to| matches!(said.get(to), None | Some(Said::Later(_) | Said::Nothing)));
            story.attempts.push(Attempt { from, until: Instant::now(), whole, said });
        }
        story
    }

    fn tear(&mut self) -> bool {
        let tears = self.tears && self.dice.one_in(25);
        if tears {
            self.wiring.torn.fetch_add(1, Relaxed);
        }
        tears
    }

    fn by_smtp(&mut self, mail: &Mail, to: &[String]) -> (BTreeSet<String>, BTreeMap<String, Said>) {
        let mut said: BTreeMap<String, Said> = to.iter().map(|to| (to.clone(), Said::Nothing)).collect();
        let mut whole = BTreeSet::new();
        let done = self.talk(mail, to, &mut said, &mut whole);
        // A Postfix that has lost its milter says "come again" for the rest of the session.
        let is_later = said.values().any(|one| matches!(one, Said::Later(_)));
        if done.is_none() || is_later && self.dice.one_in(3) || self.dice.one_in(30) {
            self.session = None;
        }
        (whole, said)
    }

    /// `None` when the session is of no use any more.
    fn talk(
        &mut self,
        mail: &Mail,
        to: &[String],
        said: &mut BTreeMap<String, Said>,
        whole: &mut BTreeSet<String>,
    ) -> Option<()> {
        let mut session = if let Some(session) = self.session.take() {
            session
        } else {
            let mut session = Session::open(self.dice.of(&self.wiring.smtp)).ok()?;
            if self.wiring.door == Door::Lmtp {
                session.command("LHLO client.noerreby.example").ok()?;
            }
            session
        };
        let reply = session.command(&format!("MAIL FROM:<{SENDER}> BODY=8BITMIME")).ok()?;
        let mut accepted: Vec<&String> = Vec::new();
        if reply.is_positive() {
            for one in to {
                let reply = session.command(&format!("RCPT TO:<{one}>")).ok()?;
                if reply.is_positive() {
                    accepted.push(one);
                } else {
                    said.insert(one.clone(), word(&reply));
                }
            }
        } else {
            for one in said.values_mut() {
                *one = word(&reply);
            }
        }
        if accepted.is_empty() {
            session.command("RSET").ok()?;
            self.session = Some(session);
            return Some(());
        }
        let reply = session.command("DATA").ok()?;
        if !reply.is_positive() {
            for one in accepted {
                said.insert(one.clone(), word(&reply));
            }
            session.command("RSET").ok()?;
            self.session = Some(session);
            return Some(());
        }
        let wire = stuffed(&mail.bytes);
        if self.tear() {
            // Somewhere in the mail, or just after its last byte.
            let most = wire.len() as u64;
            let cut = self.dice.of(&[most / 2, most - 3, most, most]);
            if cut == most {
                whole.extend(accepted.into_iter().cloned());
            }
            session.write(&wire[..usize::try_from(cut).unwrap()]).ok()?;
            std::thread::sleep(Duration::from_millis(self.dice.within(0, 15)));
            return None;
        }
        whole.extend(accepted.iter().map(|one| (*one).clone()));
        session.write(&wire).ok()?;
        if self.wiring.door == Door::Lmtp {
            for one in accepted {
                let reply = session.reply().ok()?;
                said.insert(one.clone(), word(&reply));
            }
        } else {
            let reply = session.reply().ok()?;
            for one in accepted {
                said.insert(one.clone(), word(&reply));
            }
        }
        self.session = Some(session);
        Some(())
    }

    fn by_milter(&mut self, mail: &Mail, to: &[String]) -> (BTreeSet<String>, BTreeMap<String, Said>) {
        let runtime = self.runtime.take().unwrap();
        let recipients: Vec<&str> = to.iter().map(String::as_str).collect();
        let queue_id = format!("4{:09X}", mail.number);
        let envelope = MilterMail { sender: SENDER, recipients: &recipients, queue_id: &queue_id, tls: None };
        let patience = if self.tear() { self.dice.within(0, 20) } else { 60_000 };
        let node = usize::try_from(self.dice.within(0, self.wiring.milter.len() as u64)).unwrap();
        let outcome = runtime.block_on(async {
            let sent = async {
                let mut client = match self.milter.take() {
                    Some(client) => client,
                    None => Client::connect(&self.wiring.milter[node]).await.ok()?,
                };
                let outcome = client.send(&envelope, &mail.bytes).await.ok()?;
                self.milter = Some(client);
                Some(outcome)
            };
            tokio::time::timeout(Duration::from_millis(patience), sent).await.ok().flatten()
        });
        self.runtime = Some(runtime);
        let said = match outcome {
            None => Said::Nothing,
            Some(Outcome::Accepted { quarantined: None, added_headers }) if added_headers.is_empty() => {
                Said::Yes
            }
            Some(Outcome::Accepted { quarantined: None, .. }) => Said::Rerouted,
            Some(Outcome::Accepted { .. }) => Said::Quarantined,
            Some(Outcome::Rejected { code, .. }) => Said::No(code),
            Some(Outcome::Tempfail { code, .. }) => Said::Later(code),
            // Nobody asked for that; the books will say so.
            Some(Outcome::Discard) => Said::No(0),
        };
        (to.iter().cloned().collect(), to.iter().map(|to| (to.clone(), said)).collect())
    }

    fn by_pipe(&mut self, mail: &Mail, to: &[String]) -> (BTreeSet<String>, BTreeMap<String, Said>) {
        // prlimit(1): the first write of a file beyond this size ends it (SIGXFSZ), which is a kill at a durable step.
        let limit = self.dice.of(&[0, 0, 512, 4_096, 20_000, 40_000]);
        let at_a_write = self.tears && self.dice.one_in(20);
        let blow = self.dice.of(&[Blow::Kill, Blow::Kill, Blow::Fail]);
        let note = self.wiring.notes.join(format!("steps-{}", mail.number));
        let at_a_step = self.tears && !at_a_write && self.wiring.steps.is_some() && self.dice.one_in(10);
        let mut command =
            if at_a_step { steps::struck(&mut self.dice, blow, &note) } else { Command::new("prlimit") };
        if at_a_write {
            self.wiring.killed_at_write.fetch_add(1, Relaxed);
            command.args([format!("--fsize={limit}"), "--core=0".to_owned()]);
        }
        command.arg(env!("CARGO_BIN_EXE_brevdue")).args(["pipe", "--config"]).arg(&self.wiring.config);
        command.args(["-f", SENDER, "--"]).args(to);
        let mut child = command
            .env("BREVDUE_LOG", "off")
            // libfaketime has steps of its own before the program begins, and ends with 1 where one fails.
            .envs(self.wiring.environment.iter().filter(|_| !at_a_step).cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input: Vec<u8> = mail.bytes.iter().copied().filter(|byte| *byte != b'\r').collect();
        // Who was killed reads nothing.
        drop(child.stdin.take().unwrap().write_all(&input));
        if self.tears && !at_a_step && self.dice.one_in(8) {
            self.wiring.killed.fetch_add(1, Relaxed);
            std::thread::sleep(Duration::from_millis(self.dice.within(0, 60)));
            drop(child.kill());
        }
        let code = child.wait().unwrap().code();
        // Who is killed leaves what libfaketime shares by its number, and the next of that number may end with 1 over it.
        for kept in ["sem.faketime_sem_", "faketime_shm_"] {
            std::fs::remove_file(format!("/dev/shm/{kept}{}", child.id())).ok();
        }
        if at_a_step && let (Some(met), Some(steps)) = (steps::met(&note), &self.wiring.steps) {
            steps.lock().unwrap().push((blow, met));
        }
        std::fs::remove_file(&note).ok();
        let said = match code {
            Some(0) => Said::Yes,
            Some(69) => Said::No(550),
            Some(75) => Said::Later(451),
            // sysexits.h knows more, and none of them is for a mail that is right: the books will say so.
            Some(code) => Said::No(u16::try_from(code).unwrap_or(0)),
            None => Said::Nothing,
        };
        (to.iter().cloned().collect(), to.iter().map(|to| (to.clone(), said)).collect())
    }
}

fn word(reply: &Reply) -> Said {
    match reply.code {
        200..300 => Said::Yes,
        500..600 => Said::No(reply.code),
        code => Said::Later(code),
    }
}

impl Story {
    /// From the first try to the last answer.
    pub(super) fn lasted(&self) -> Duration {
        let ends = self.attempts.first().zip(self.attempts.last());
        ends.map_or(Duration::ZERO, |(first, last)| last.until - first.from)
    }

    /// What stands for a recipient in the end.
    pub(super) fn last(&self, recipient: &str) -> Said {
        self.attempts.iter().rev().find_map(|one| one.said.get(recipient).copied()).unwrap_or(Said::Nothing)
    }

    /// Tries in which the citizen's part was read to its end, and those of them with an answer that stands.
    pub(super) fn judged(&self) -> (u64, u64) {
        let to = format!("borger@{}", domain(self.number));
        let whole = || self.attempts.iter().filter(|one| one.whole.contains(&to));
        let stands = |one: &&Attempt| !matches!(one.said[&to], Said::Nothing | Said::Later(_));
        (whole().count() as u64, whole().filter(stands).count() as u64)
    }
}
