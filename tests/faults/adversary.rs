//! Who breaks things: the daemon, the disk under it, the register, the next hop. What it broke, and when, is written down,
//! because the books ask whether a mail may have come twice.

use super::hands::Hands;
use super::mails::Dice;
use super::steps::{Blow, Struck, Watch};
use crate::support::daemon::Daemon;
use crate::support::postgres::Server;
use crate::support::sink::{Fault, Mode, Sink, Step};
use crate::support::wait_until;
use notify::{RecursiveMode, Watcher};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// What is broken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Kind {
    /// Killed (-9) at a random moment.
    Kill,
    /// Killed at the n-th change of a file in its data folder: a draft, a rename, a page of the register.
    KillAtFile,
    /// Killed by the kernel in the middle of a write (a file's greatest size, set from outside).
    KillAtWrite,
    /// Killed before a call that makes something durable, or removes it, is done: [`super::steps`].
    KillAtStep,
    /// The disk refuses such a call.
    StepFails,
    /// The time of day is another, by hours.
    ClockJumps,
    /// Killed when the hop has just taken a mail.
    KillAtHop,
    /// Killed while the hop keeps it waiting.
    KillInStall,
    /// Asked to end, and started again.
    Restart,
    /// No byte, or few, left on the disk.
    DiskFull,
    /// The register is written by somebody else; on a server also: one of its tables.
    Locked,
    /// The register's server is killed (-9), and started again.
    ServerKilled,
    /// It is stopped with nothing finished, and started again.
    ServerStopped,
    /// Every session of ours is ended by an administrator.
    SessionsEnded,
    /// It runs and answers nobody for a while: all of it, or the sessions it has.
    ServerStalls,
    HopRefuses,
    HopCuts,
    HopStalls,
    HopKeepsAndCuts,
    HopGone,
    /// A mail server's view of a dead filter (pipe: of a killed process).
    Torn,
}

impl Kind {
    const ALWAYS: [Self; 11] = [
        Self::Kill,
        Self::KillAtFile,
        Self::KillAtWrite,
        Self::KillAtStep,
        Self::KillAtStep,
        Self::KillAtStep,
        Self::StepFails,
        Self::ClockJumps,
        Self::Restart,
        Self::DiskFull,
        Self::Locked,
    ];
    const WITH_SERVER: [Self; 8] = [
        Self::ServerKilled,
        Self::ServerKilled,
        Self::ServerStopped,
        Self::ServerStopped,
        Self::SessionsEnded,
        Self::SessionsEnded,
        Self::ServerStalls,
        Self::ServerStalls,
    ];
    const WITH_HOP: [Self; 7] = [
        Self::KillAtHop,
        Self::KillInStall,
        Self::HopRefuses,
        Self::HopCuts,
        Self::HopStalls,
        Self::HopKeepsAndCuts,
        Self::HopGone,
    ];

    /// Whether a "come again" that was heard meanwhile leaves open who has the mail: the rows of the table of states in
    /// `intake/handover.rs` that end with "twice" (a reply lost after the last byte; a hold that fails beside a delivery, or
    /// cannot be taken back). A server that goes away in a commit may have done it: what we say no to may be held.
    fn makes_doubt(self) -> bool {
        match self {
            Self::HopCuts
            | Self::HopStalls
            | Self::HopKeepsAndCuts
            | Self::HopGone
            | Self::DiskFull
            | Self::StepFails
            | Self::Restart
            | Self::ServerKilled
            | Self::ServerStopped
            | Self::SessionsEnded
            | Self::ServerStalls
            | Self::KillInStall => true,
            Self::Kill
            | Self::KillAtFile
            | Self::KillAtWrite
            | Self::KillAtStep
            | Self::ClockJumps
            | Self::KillAtHop
            | Self::Locked
            | Self::HopRefuses
            | Self::Torn => false,
        }
    }
}

/// A small disk of its own below the daemon's data, so that it can be full; gone when dropped.
pub(super) struct Disk(PathBuf);

impl Disk {
    const ROOM: &'static str = "size=3g";

    /// `None` where one may not mount (then no disk is filled, and the table says 0).
    pub(super) fn below(path: &Path) -> Option<Self> {
        std::fs::create_dir_all(path).ok()?;
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", Self::ROOM, "tmpfs"]).arg(path).status();
        done.is_ok_and(|status| status.success()).then(|| Self(path.to_owned()))
    }

    /// Leaves this many KiB.
    fn shrink(&self, left: u64) {
        let used = Command::new("df").args(["--output=used", "-k"]).arg(&self.0).output().unwrap();
        let used = String::from_utf8_lossy(&used.stdout).into_owned();
        let used: u64 = used.lines().nth(1).unwrap().trim().parse().unwrap();
        self.size(&format!("size={}k", used.max(4) + left));
    }

    fn grow(&self) {
        self.size(Self::ROOM);
    }

    fn size(&self, option: &str) {
        // Fails when a file has grown meanwhile; then it is full without us, or not at all.
        drop(Command::new("mount").args(["-o", &format!("remount,{option}")]).arg(&self.0).output());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).output());
    }
}

pub(super) struct Adversary<'a> {
    /// None for the pipe.
    pub(super) daemon: Option<&'a mut Daemon>,
    pub(super) data: PathBuf,
    /// Another node of the same register, and its folder; which of the two is struck is cast each time.
    pub(super) other: Option<(&'a mut Daemon, PathBuf)>,
    /// Of the register, and the name of the database; `None` where that is a file.
    pub(super) server: Option<(&'a mut Server, &'static str)>,
    /// The next hop and the protected one.
    pub(super) sinks: Vec<&'a mut Sink>,
    pub(super) disk: Option<&'a Disk>,
    pub(super) hands: Option<Hands>,
    /// Where strace may write; `None` where nobody can stand on the steps.
    pub(super) notes: Option<PathBuf>,
    pub(super) dice: Dice,
    /// Nothing is broken for long.
    pub(super) is_short: bool,
    pub(super) injected: BTreeMap<Kind, u64>,
    pub(super) doubts: Vec<(Instant, Instant)>,
    /// When anything at all was broken.
    pub(super) troubles: Vec<(Instant, Instant)>,
    /// The durable steps that were struck.
    pub(super) steps: Vec<Struck>,
    /// Starts that failed, in the daemon's words.
    pub(super) dead: Vec<String>,
}

impl<'a> Adversary<'a> {
    pub(super) fn new(
        daemon: Option<&'a mut Daemon>,
        data: PathBuf,
        sinks: Vec<&'a mut Sink>,
        disk: Option<&'a Disk>,
        seed: u64,
    ) -> Self {
        Self {
            daemon,
            data,
            other: None,
            server: None,
            sinks,
            disk,
            hands: None,
            notes: None,
            dice: Dice::new(seed),
            is_short: false,
            injected: BTreeMap::new(),
            doubts: Vec::new(),
            troubles: Vec::new(),
            steps: Vec::new(),
            dead: Vec::new(),
        }
    }

    /// Breaks one thing and mends it.
    pub(super) fn strike(&mut self) {
        if let (Some(daemon), Some((other, data))) = (&mut self.daemon, &mut self.other)
            && self.dice.one_in(2)
        {
            std::mem::swap(daemon, other);
            std::mem::swap(&mut self.data, data);
        }
        let mut kinds: Vec<Kind> = Kind::ALWAYS.to_vec();
        if self.server.is_some() {
            // As often as all else together.
            kinds.extend(Kind::WITH_SERVER);
            kinds.extend(Kind::WITH_SERVER);
        }
        if !self.sinks.is_empty() {
            kinds.extend(Kind::WITH_HOP);
        }
        kinds.retain(|kind| match kind {
            Kind::Kill
            | Kind::KillAtFile
            | Kind::KillAtWrite
            | Kind::KillAtHop
            | Kind::KillInStall
            | Kind::Restart => self.daemon.is_some(),
            Kind::KillAtStep | Kind::StepFails => self.daemon.is_some() && self.notes.is_some(),
            Kind::ClockJumps => self.hands.is_some(),
            Kind::DiskFull => self.disk.is_some(),
            Kind::Locked
            | Kind::ServerKilled
            | Kind::ServerStopped
            | Kind::SessionsEnded
            | Kind::ServerStalls
            | Kind::HopRefuses
            | Kind::HopCuts
            | Kind::HopStalls
            | Kind::HopKeepsAndCuts
            | Kind::HopGone
            | Kind::Torn => true,
        });
        let kind = self.dice.of(&kinds);
        let from = Instant::now();
        self.inject(kind);
        self.troubles.push((from, Instant::now()));
        if kind.makes_doubt() {
            self.doubts.push((from, Instant::now()));
        }
        *self.injected.entry(kind).or_default() += 1;
    }

    /// Whether something stood between these that leaves open who has a mail. A moment is added: what was broken then may be
    /// heard of later, on a connection that was open already.
    pub(super) fn has_doubt(doubts: &[(Instant, Instant)], from: Instant, until: Instant) -> bool {
        let later = Duration::from_millis(200);
        doubts.iter().any(|(begin, end)| *begin <= until && from <= *end + later)
    }

    /// One of the hops, by the dice.
    fn a_hop(&mut self) -> Option<usize> {
        let count = self.sinks.len() as u64;
        (count > 0).then(|| usize::try_from(self.dice.within(0, count)).unwrap())
    }

    fn inject(&mut self, kind: Kind) {
        let which = self.a_hop();
        let step = self.dice.of(&[
            Step::Connect,
            Step::Ehlo,
            Step::StartTls,
            Step::Mail,
            Step::Rcpt,
            Step::Data,
            Step::End,
            Step::End,
        ]);
        let moment = Duration::from_millis(self.dice.within(5, 150));
        match kind {
            Kind::Kill => {
                std::thread::sleep(Duration::from_micros(self.dice.within(0, 30_000)));
                self.again(true);
            }
            Kind::KillAtFile => {
                let nth = self.dice.within(1, 25);
                self.wait_for_files(nth);
                self.again(true);
            }
            Kind::KillAtWrite => self.kill_at_write(),
            Kind::KillAtStep => self.at_a_step(Blow::Kill),
            Kind::StepFails => self.at_a_step(Blow::Fail),
            Kind::ClockJumps => {
                if let Some(hands) = &self.hands {
                    hands.jump(&mut self.dice);
                }
                std::thread::sleep(moment);
            }
            Kind::KillAtHop => {
                if !self.sinks.is_empty() {
                    let count = || self.sinks.iter().map(|sink| sink.count()).sum::<usize>();
                    let (before, end) = (count(), Instant::now() + Duration::from_secs(1));
                    while count() == before && Instant::now() < end {
                        std::thread::sleep(Duration::from_micros(20));
                    }
                }
                let late = self.dice.of(&[0, 0, 200, 1_000]);
                std::thread::sleep(Duration::from_micros(late));
                self.again(true);
            }
            Kind::KillInStall => {
                self.hop(which, Mode::Fail(step, Fault::Hang), moment);
                if let Some(daemon) = &mut self.daemon {
                    daemon.kill();
                }
                self.hop(which, Mode::Up, Duration::ZERO);
                self.again(true);
            }
            Kind::Restart => self.again(false),
            Kind::DiskFull => {
                let left = self.dice.of(&[0, 0, 4, 16, 64]);
                if let Some(disk) = self.disk {
                    disk.shrink(left);
                    std::thread::sleep(moment * 3);
                    if self.dice.one_in(3) {
                        // The daemon dies with the disk full, and is started so; it may say no, and comes up when there is room.
                        if let Some(daemon) = &mut self.daemon {
                            daemon.kill();
                        }
                        disk.grow();
                        self.again(true);
                    }
                    disk.grow();
                }
            }
            Kind::Locked => self.lock(moment),
            Kind::ServerKilled | Kind::ServerStopped => self.server_goes(kind, moment),
            Kind::SessionsEnded => {
                if let Some((server, database)) = &self.server {
                    server.end_sessions(database);
                }
            }
            Kind::ServerStalls => {
                // A question is given up after 12 s.
                let long = !self.is_short && self.dice.one_in(8);
                let all = self.dice.one_in(2);
                if let Some((server, _)) = &self.server {
                    server.stall(if long { Duration::from_secs(14) } else { moment * 8 }, all);
                }
            }
            Kind::HopRefuses => {
                let code = self.dice.of(&[421, 450, 451, 550]);
                self.hop(which, Mode::Fail(step, Fault::Reply(code)), moment);
            }
            Kind::HopCuts => self.hop(which, Mode::Fail(step, Fault::Cut), moment),
            Kind::HopStalls => self.hop(which, Mode::Fail(step, Fault::Hang), moment * 3),
            Kind::HopKeepsAndCuts => {
                self.hop(which, Mode::Fail(Step::End, Fault::KeepAndCut), moment);
            }
            Kind::HopGone => {
                if let Some(sink) = which.and_then(|which| self.sinks.get_mut(which)) {
                    sink.stop();
                    std::thread::sleep(moment * 2);
                    sink.restart().unwrap();
                }
            }
            Kind::Torn => {}
        }
        self.hop(which, Mode::Up, Duration::ZERO);
    }

    /// The register waits 5 s for another writer.
    fn lock(&mut self, moment: Duration) {
        let long = !self.is_short && self.dice.one_in(12);
        let stay = if long { Duration::from_millis(6_500) } else { moment * 4 };
        if let Some((server, database)) = &self.server {
            let what = self.dice.of(&[
                "SELECT pg_advisory_xact_lock(4858413)",
                "LOCK TABLE detection IN ACCESS EXCLUSIVE MODE",
                "LOCK TABLE held IN ACCESS EXCLUSIVE MODE",
            ]);
            server
                .sql(database, &format!("BEGIN; {what}; SELECT pg_sleep({}); ROLLBACK", stay.as_secs_f32()));
            return;
        }
        let database = self.data.join("brevdue.db");
        let Ok(other) = Connection::open(database) else { return };
        let how = self.dice.of(&["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"]);
        drop(other.busy_timeout(Duration::from_secs(2)));
        if other.execute_batch(how).is_ok() {
            std::thread::sleep(stay);
            drop(other.execute_batch("ROLLBACK"));
        }
    }

    /// The register's server goes away and comes back; now and then the daemon dies meanwhile.
    fn server_goes(&mut self, kind: Kind, moment: Duration) {
        let Some((server, _)) = &mut self.server else { return };
        if kind == Kind::ServerKilled {
            server.kill();
        } else {
            server.stop_at_once();
        }
        std::thread::sleep(moment * self.dice.of(&[0, 1, 4, 10]));
        let dies = self.dice.one_in(4);
        if let Some(daemon) = self.daemon.as_mut().filter(|_| dies) {
            daemon.kill();
        }
        server.up();
        if dies {
            self.again(true);
        }
    }

    fn hop(&self, which: Option<usize>, mode: Mode, long: Duration) {
        if let Some(sink) = which.and_then(|which| self.sinks.get(which)) {
            sink.set_mode(mode);
            std::thread::sleep(long);
        }
    }

    /// Ends the daemon and starts it; that it comes up without anybody's help is part of the promise.
    pub(super) fn again(&mut self, kill: bool) {
        let Some(daemon) = &mut self.daemon else { return };
        if !kill {
            daemon.terminate().ok();
            daemon.wait(Duration::from_secs(20)).ok();
        }
        daemon.kill();
        if let Err(trouble) = daemon.spawn() {
            self.dead.push(trouble.to_string());
            daemon.kill();
            drop(daemon.spawn());
        }
    }

    fn wait_for_files(&self, nth: u64) {
        let (tell, told) = channel();
        let Ok(mut watcher) = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !event.kind.is_access()) {
                tell.send(()).ok();
            }
        }) else {
            return;
        };
        if watcher.watch(&self.data, RecursiveMode::Recursive).is_err() {
            return;
        }
        for _ in 0..nth {
            if told.recv_timeout(Duration::from_secs(1)).is_err() {
                return;
            }
        }
    }

    /// Somebody stands on the daemon's durable steps for a while; which one was struck is noted.
    fn at_a_step(&mut self, blow: Blow) {
        let Some(pid) = self.daemon.as_ref().and_then(|daemon| daemon.pid()) else { return };
        let Some(note) = self.notes.as_ref().map(|notes| notes.join("steps")) else { return };
        if let Some(watch) = Watch::over(pid, &mut self.dice, blow, note) {
            let long = if self.is_short { 200 } else { 350 };
            self.steps.extend(watch.stay(Duration::from_millis(long)).map(|step| (blow, step)));
        }
        if blow == Blow::Kill {
            self.again(true);
        }
    }

    fn kill_at_write(&mut self) {
        let limit = self.dice.of(&["0", "512", "4096", "20000", "40000", "100000", "300000"]);
        let Some(pid) = self.daemon.as_ref().and_then(|daemon| daemon.pid()) else { return };
        let mut set = Command::new("prlimit");
        drop(set.args(["--pid", &pid.to_string(), "--core=0"]).arg(format!("--fsize={limit}")).output());
        if let Some(daemon) = &mut self.daemon {
            // It may never write so much.
            drop(daemon.wait(Duration::from_millis(400)));
        }
        self.again(true);
    }
}

/// Waits a while for more mails to be done; false when it was in vain.
pub(super) fn more(done: impl Fn() -> u32, count: u32) -> bool {
    let from = done();
    wait_until(Duration::from_secs(2), || (done() >= from + count).then_some(())).is_some()
}
