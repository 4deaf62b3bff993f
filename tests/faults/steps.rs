//! Durable steps, met one by one: strace(1) stands on the system calls by which bytes and names get to the disk, and kills the
//! process at the n-th of them, or lets it fail. What is killed is the program as it is; it has no hook for this.

use super::mails::Dice;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What makes bytes or names durable, and what takes them away.
const CALLS: &str = "fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,ftruncate,mkdir";
/// One of them alone, so that the rare ones are met as well.
const EACH: [&str; 7] = ["fsync", "rename,renameat,renameat2", "unlink,unlinkat", CALLS, CALLS, CALLS, CALLS];

/// What happens at the step.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Blow {
    /// The process dies before it is done.
    Kill,
    /// The disk says no.
    Fail,
}

/// What was struck, and where.
pub(super) type Struck = (Blow, String);

/// Whether the machine lets one stand there (a package, and the right to trace).
pub(crate) fn can() -> bool {
    let mut tried = Command::new("strace");
    tried.args(["-o", "/dev/null", "-e", "trace=fsync", "true"]).stderr(Stdio::null());
    tried.status().is_ok_and(|status| status.success())
}

/// A command that is killed at its n-th such call (counted in each of its threads), of those to a path where one is given.
pub(crate) fn killed_at(calls: &str, nth: u32, path: Option<&Path>, note: &Path) -> Command {
    let mut command = Command::new("strace");
    command.args(words(calls, &format!("signal=SIGKILL:when={nth}"), note));
    if let Some(path) = path {
        command.arg("-P").arg(path);
    }
    command
}

fn arguments(dice: &mut Dice, blow: Blow, note: &Path) -> Vec<String> {
    let calls = dice.of(&EACH);
    // Counted in each thread, and from there on.
    let nth = if calls == CALLS { dice.of(&[1, 2, 3, 4, 6]) } else { dice.of(&[1, 1, 2]) };
    let what = match blow {
        Blow::Kill => "signal=SIGKILL".to_owned(),
        Blow::Fail => format!("error={}", dice.of(&["EIO", "ENOSPC"])),
    };
    words(calls, &format!("{what}:when={nth}+"), note)
}

fn words(calls: &str, what: &str, note: &Path) -> Vec<String> {
    let when = format!("inject={calls}:{what}");
    let trace = format!("trace={calls}");
    ["-f", "-y", "-qqq", "-o", &note.display().to_string(), "-e", &trace, "-e", &when, "-e", "signal=none"]
        .map(str::to_owned)
        .to_vec()
}

/// A command that is struck at a step of its own.
pub(super) fn struck(dice: &mut Dice, blow: Blow, note: &Path) -> Command {
    let mut command = Command::new("strace");
    command.args(arguments(dice, blow, note));
    command
}

/// Who stands on the steps of a process that runs.
pub(super) struct Watch {
    strace: Child,
    note: PathBuf,
}

impl Watch {
    pub(super) fn over(pid: u32, dice: &mut Dice, blow: Blow, note: PathBuf) -> Option<Self> {
        std::fs::remove_file(&note).ok();
        let mut command = Command::new("strace");
        command.args(arguments(dice, blow, &note)).args(["-p", &pid.to_string()]);
        let strace = command.stdin(Stdio::null()).stderr(Stdio::null()).stdout(Stdio::null()).spawn().ok()?;
        Some(Self { strace, note })
    }

    /// Waits until it has ended with its process, or leaves.
    pub(super) fn stay(mut self, long: Duration) -> Option<String> {
        let end = Instant::now() + long;
        while Instant::now() < end && matches!(self.strace.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(5));
        }
        // SIGTERM lets go of the process, SIGKILL does too; a process that dies meanwhile can leave strace waiting for ever.
        drop(Command::new("kill").arg(self.strace.id().to_string()).stderr(Stdio::null()).status());
        let gone = || matches!(self.strace.try_wait(), Ok(Some(_)) | Err(_)).then_some(());
        if crate::support::wait_until(Duration::from_secs(2), gone).is_none() {
            drop(self.strace.kill());
        }
        drop(self.strace.wait());
        met(&self.note)
    }
}

/// The step that was struck, by its call and the kind of file.
pub(super) fn met(note: &Path) -> Option<String> {
    let text = std::fs::read_to_string(note).ok()?;
    let is_struck = |line: &&str| line.contains("(INJECTED") || line.trim_end().ends_with("= ?");
    // Where threads mix, the call that never returned is the last of the unfinished.
    let is_open = |line: &&str| line.ends_with("<unfinished ...>");
    let named = |line: &&str| line.contains('(') && !line.contains("<... ");
    let struck = text.lines().filter(named).find(is_struck);
    let line = struck.or_else(|| text.lines().filter(named).rfind(is_open))?;
    let call = line.split_once('(')?.0.rsplit(' ').next()?;
    // Postfix's own programs are followed too.
    let Some((_, place)) = line.rsplit_once("/data") else { return Some(format!("{call} elsewhere")) };
    let place = place.split(['"', '>', ')']).next().unwrap_or_default();
    Some(format!("{call} {}", kind_of(place)))
}

/// A path below the data folder, without what is different in each run.
fn kind_of(place: &str) -> &'static str {
    let (folder, name) = place.rsplit_once('/').unwrap_or(("", place));
    let is_draft = name.contains(".draft");
    match (folder, name) {
        ("/spool/held", _) if is_draft => "a held mail's draft",
        ("/spool/held", _) => "a held mail",
        ("/spool", "held") => "the folder of held mail",
        ("/spool", "evidence") => "the folder of evidence",
        ("/spool/evidence", _) if name.starts_with("promise-") => "a promise's numbers",
        ("/spool/evidence", _) => "a case's numbers",
        ("/spool", _) if name.contains("maillog.json") && is_draft => "the log's mark, as a draft",
        ("/spool", _) if name.contains("maillog.json") => "the log's mark",
        ("", "spool") => "the spool",
        ("", "") => "the data folder",
        _ if name.ends_with("-wal") => "the register's log",
        ("", "brevdue.db") => "the register",
        _ if name.ends_with("-shm") => "the register's index",
        _ => "another file",
    }
}

#[test]
fn a_step_is_named_by_its_call_and_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("note");
    for (line, step) in [
        ("12 fsync(9</tmp/.x/data/spool/held/.bcd.draft>) = ?", "fsync a held mail's draft"),
        (
            "12 fsync(9</tmp/.x/data/spool/held>) = -1 EIO (Input/output error) (INJECTED)",
            "fsync the folder of held mail",
        ),
        (
            "12 rename(\"/tmp/.x/data/spool/held/.b.draft\", \"/tmp/.x/data/spool/held/b.age\" <unfinished ...>) = ?",
            "rename a held mail",
        ),
        ("12 fdatasync(5</tmp/.x/data/brevdue.db-wal>) = ?", "fdatasync the register's log"),
        ("7 unlink(\"/tmp/.x/data/spool/evidence/promise-00.seg\") = ?", "unlink a promise's numbers"),
    ] {
        std::fs::File::create(&note).unwrap();
        crate::support::put(&note, format!("1 fsync(3</tmp/a>) = 0\n{line}\n").as_bytes()).unwrap();
        assert_eq!(met(&note).as_deref(), Some(step));
    }
}
