//! The thread that reads the log: a file, told of by the system and looked at each second, or `journalctl` as a child.
//!
//! It never stands in a mail's way: no door knows it, and what it cannot write it tries again. Where it stands is written
//! to the spool, so that the next start reads on; after a crash what was read in the last second is read again. *Start
//! reading at* [`follow`]. *Tests*: `tests/maillog/`.

use super::counters::Counters;
use super::follow::{Follower, Position};
use super::settings::{Settings, Source};
use super::witness::Witness;
use crate::inspect::Gate;
use crate::spool::durable;
use crate::store::error_unless_away;
use chrono::{DateTime, TimeDelta, Utc};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// The log is looked at so often, whatever the system tells.
const ROUND: Duration = Duration::from_secs(1);
/// Whether to stop is asked so often.
const STOP: Duration = Duration::from_millis(200);
/// Lines that come within this are read together.
const BURST: Duration = Duration::from_millis(50);
/// That we are here is written so often.
const ALIVE: TimeDelta = TimeDelta::seconds(30);
/// After the last time that it was written mail may have passed us: that long, and what was in flight when we were told to
/// end (`Daemon::stop`).
const DRAIN: TimeDelta = TimeDelta::seconds(120);
/// A journal's lines that wait in memory.
const LINES: usize = 1000;
/// Before a child that ended is started again.
const AGAIN: Duration = Duration::from_secs(5);

/// Where reading stands, as the spool keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// In the file.
    position: Option<Position>,
    /// When the last line of a journal was written.
    journal: Option<DateTime<Utc>>,
    /// When somebody was here to see mail pass.
    alive: Option<DateTime<Utc>>,
}

/// Reads the log until `stopped` turns true. Blocks: it wants a thread of its own. `spool` is where it keeps its place.
pub fn follow(
    gate: Arc<Gate>,
    settings: &Settings,
    spool: &Path,
    counters: Arc<Counters>,
    stopped: watch::Receiver<bool>,
) {
    let path = spool.join("maillog.json");
    durable::clear_drafts(&path);
    let mark = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let mark: Mark = mark.unwrap_or_default();
    // A log that is not there yet has no session that was begun before.
    let is_late = match &settings.source {
        Source::File(log) => mark.position.is_some() || log.exists(),
        Source::Journal => true,
    };
    if let Some(alive) = mark.alive {
        gate.seen().was_away(alive + DRAIN);
    }
    let witness = Witness::new(Arc::clone(&gate), settings.clone(), Arc::clone(&counters), is_late);
    let mut reader =
        Reader { gate, witness, counters, stopped, path, mark, written: mark, written_at: Instant::now() };
    match &settings.source {
        Source::File(log) => reader.file(log),
        Source::Journal => reader.journal(),
    }
}

struct Reader {
    gate: Arc<Gate>,
    witness: Witness,
    counters: Arc<Counters>,
    stopped: watch::Receiver<bool>,
    path: PathBuf,
    /// Where reading stands, and as the spool has it since when.
    mark: Mark,
    written: Mark,
    written_at: Instant,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.mark.alive = Some(self.gate.clock().now());
        self.write_mark();
    }
}

impl Reader {
    /// Told to end, or whoever could tell us is gone.
    fn is_over(&self) -> bool {
        *self.stopped.borrow() || self.stopped.has_changed().is_err()
    }

    fn file(&mut self, log: &Path) {
        let mut follower = Follower::new(log, self.mark.position);
        let (sender, changes) = sync_channel(1);
        let _watcher = watcher(log, sender);
        loop {
            let mut lines = Vec::new();
            let read = follower.read_on(&mut |line| lines.push(line.to_owned()));
            if !self.hear_all(&lines) {
                return;
            }
            self.keep(Mark { position: follower.position(), journal: None, ..self.mark });
            let trouble = match &read {
                Ok(_) if log.exists() => None,
                Ok(_) => Some(format!("{}: there is no such file", log.display())),
                Err(error) => Some(format!("{}: {error}", log.display())),
            };
            self.tell(trouble);
            self.tick();
            // Not all was read: there is no reason to wait.
            if read.is_ok_and(|all| !all) {
                continue;
            }
            if !self.pause(&changes) {
                return;
            }
        }
    }

    /// Waits for a change, or a second. False when it is time to stop.
    fn pause(&self, changes: &Receiver<()>) -> bool {
        let end = Instant::now() + ROUND;
        while Instant::now() < end {
            if self.is_over() {
                return false;
            }
            match changes.recv_timeout(STOP) {
                Ok(()) => {
                    // Lines come in bursts.
                    std::thread::sleep(BURST);
                    return !self.is_over();
                }
                Err(RecvTimeoutError::Timeout) => {}
                // No watch could be had.
                Err(RecvTimeoutError::Disconnected) => std::thread::sleep(STOP),
            }
        }
        !self.is_over()
    }

    fn journal(&mut self) {
        while !self.is_over() {
            match Journal::start(self.mark.journal) {
                Ok(journal) => {
                    self.tell(None);
                    self.read_journal(&journal);
                    if !self.is_over() {
                        self.tell(Some("journalctl has ended; it is started again".to_owned()));
                    }
                }
                Err(error) => self.tell(Some(format!("journalctl cannot be started: {error}"))),
            }
            let end = Instant::now() + AGAIN;
            while Instant::now() < end && !self.is_over() {
                self.tick();
                std::thread::sleep(STOP);
            }
        }
    }

    fn read_journal(&mut self, journal: &Journal) {
        loop {
            let mut lines = Vec::new();
            let ended = match journal.lines.recv_timeout(STOP) {
                Ok(line) => {
                    lines.push(line);
                    loop {
                        match journal.lines.try_recv() {
                            Ok(line) if lines.len() < LINES => lines.push(line),
                            Ok(line) => {
                                lines.push(line);
                                break false;
                            }
                            Err(TryRecvError::Empty) => break false,
                            Err(TryRecvError::Disconnected) => break true,
                        }
                    }
                }
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => true,
            };
            if !self.hear_all(&lines) {
                return;
            }
            let last = lines.iter().rev().find_map(|line| super::line::stamp(line));
            if last.is_some() {
                self.keep(Mark { position: None, journal: last, ..self.mark });
            }
            self.tick();
            if ended || self.is_over() {
                return;
            }
        }
    }

    /// Every line, however long the register cannot be written. False when it is time to stop before that is done.
    fn hear_all(&mut self, lines: &[String]) -> bool {
        for line in lines {
            while let Err(error) = self.witness.hear(line) {
                self.tell(Some(format!("read, and not recorded: {error}")));
                std::thread::sleep(ROUND);
                if self.is_over() {
                    return false;
                }
            }
        }
        if !lines.is_empty() {
            self.counters.lines.fetch_add(lines.len() as u64, Relaxed);
            self.counters.last_line.store(self.gate.clock().now().timestamp(), Relaxed);
        }
        true
    }

    fn tick(&mut self) {
        let now = self.gate.clock().now();
        if self.mark.alive.is_none_or(|alive| now - alive >= ALIVE || now < alive) {
            self.keep(Mark { alive: Some(now), ..self.mark });
        }
        if let Err(error) = self.witness.tick() {
            error_unless_away!(self.gate.register().store, %error, "what the mail server's log says could not be recorded; tried again");
        }
    }

    fn tell(&self, trouble: Option<String>) {
        if self.counters.tell(self.gate.clock().now(), trouble.clone()) {
            if let Some(why) = trouble {
                tracing::warn!(why, "the mail server's log is not followed");
            } else {
                tracing::info!("the mail server's log is followed again");
            }
        }
    }

    /// Everything before this is done with. Written once a second at most.
    fn keep(&mut self, mark: Mark) {
        self.mark = mark;
        if self.written_at.elapsed() >= ROUND {
            self.write_mark();
        }
    }

    fn write_mark(&mut self) {
        if self.mark == self.written {
            return;
        }
        self.written_at = Instant::now();
        let written = serde_json::to_vec(&self.mark).map_err(io::Error::other).and_then(|bytes| {
            let folder = self.path.parent().unwrap_or(Path::new("."));
            durable::replace(&self.path, &bytes, std::fs::metadata(folder)?.uid())
        });
        match written {
            Ok(()) => self.written = self.mark,
            Err(error) => tracing::warn!(%error, "where the log was read to could not be kept"),
        }
    }
}

/// Sends when something changes beside the log; the folder is watched, for the file is put in another's place.
fn watcher(log: &Path, sender: SyncSender<()>) -> Option<RecommendedWatcher> {
    let folder = log.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let log = log.to_owned();
    let told = move |event: notify::Result<notify::Event>| {
        // Our own reading is no news, nor are other logs.
        let is_news = event.map_or(true, |event| {
            event.need_rescan() || !event.kind.is_access() && event.paths.contains(&log)
        });
        // One that waits says as much as two.
        if is_news {
            sender.try_send(()).ok();
        }
    };
    let armed = notify::recommended_watcher(told)
        .and_then(|mut watcher| watcher.watch(folder, RecursiveMode::NonRecursive).map(|()| watcher));
    armed.map_err(|error| tracing::info!(%error, "no watch over the log: it is looked at each second")).ok()
}

/// A running `journalctl`, which is killed when this is dropped.
struct Journal {
    child: Child,
    lines: Receiver<String>,
}

impl Journal {
    /// From this second on; without it, from now on. (`--cursor-file` is written when journalctl ends by itself, and one that
    /// follows does not in every version.)
    fn start(since: Option<DateTime<Utc>>) -> io::Result<Self> {
        let from = since.map_or("--lines=0".to_owned(), |since| format!("--since=@{}", since.timestamp()));
        let mut child = Command::new("journalctl")
            .args(["--follow", "--output=short-iso-precise", "--quiet", "--no-pager", &from])
            // mail, as syslog numbers it (RFC 5424 §6.2.1).
            .arg("SYSLOG_FACILITY=2")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let out = child.stdout.take().ok_or_else(|| io::Error::other("journalctl has no output"))?;
        let (sender, lines) = sync_channel(LINES);
        std::thread::spawn(move || {
            for line in BufReader::new(out).split(b'\n') {
                let Ok(line) = line else { return };
                let line = String::from_utf8_lossy(&line).into_owned();
                // Waits when nobody takes them, and so does journalctl, which loses nothing by it.
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, lines })
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // Gone already, if it fails.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
