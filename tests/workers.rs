//! Workers as processes: they end with whoever started them, and a machine that has no room for one is an outcome.

use crate::documents::{scan, unread, workers};
use crate::support::documents::archives::archive;
use crate::support::documents::pdf::Writer;
use crate::support::documents::{mail, pdf};
use crate::support::wait_until;
use brevdue::worker::{Budget, Settings};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(20);

/// The processes that this one started and that have not ended.
pub(crate) fn children(of: u32) -> Vec<u32> {
    let mut children = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if status(pid).is_some_and(|(parent, _)| parent == of) {
            children.push(pid);
        }
    }
    children
}

/// The parent of a process that has not ended, and its ticks of processor time.
pub(crate) fn status(pid: u32) -> Option<(u32, u64)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    // A dead process that nobody asked after is no process any more.
    let is_dead = matches!(*fields.first()?, "Z" | "X");
    (!is_dead).then_some((fields.get(1)?.parse().ok()?, fields.get(11)?.parse().ok()?))
}

/// A document that takes all the time it may.
pub(crate) fn slow() -> Vec<u8> {
    let mut writer = Writer::new();
    let form = "/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources";
    let mut inner = writer.stream(&format!("{form}<</Font<</F1 3 0 R>>>>"), pdf::show(1, 1, "1").as_bytes());
    for _ in 0..12 {
        let entries = format!("{form}<</XObject<</X {inner} 0 R>>>>");
        inner = writer.stream(&entries, "/X Do ".repeat(12).as_bytes());
    }
    writer.resources = format!("/XObject<</X {inner} 0 R>>");
    writer.finish(&["/X Do"])
}

pub(crate) fn brevdue(folder: &Path, args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_brevdue"))
        .args(args)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// One at work and one that waits, and nothing that a killed process could do about them.
#[test]
fn workers_end_with_a_parent_that_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("a")).unwrap();
    let two = mail(&[("a.pdf", &slow()), ("b.pdf", &slow())]);
    crate::support::put(&folder.path().join("a/a.eml"), &two).unwrap();
    let mut parent = brevdue(folder.path(), &["scan", "a"]);
    let at_work = || {
        let children = children(parent.id());
        let is_working = children.iter().any(|pid| status(*pid).is_some_and(|(_, ticks)| ticks > 20));
        (children.len() > 1 && is_working).then_some(children)
    };
    let children = wait_until(LONG, at_work).expect("one works and one waits");
    parent.kill().unwrap();
    parent.wait().unwrap();
    let gone = wait_until(Duration::from_secs(1), || {
        children.iter().all(|pid| status(*pid).is_none()).then_some(())
    });
    assert!(gone.is_some(), "alive after their parent: {children:?}");
}

/// What was started by somebody who is gone before it could say with whom it ends.
#[test]
fn a_worker_of_nobody_ends_at_once() {
    let mut orphan = Command::new(env!("CARGO_BIN_EXE_brevdue"));
    orphan.args(["worker", "--parent", "1"]).args(Settings::default().arguments());
    orphan.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut orphan = orphan.spawn().unwrap();
    let ended = wait_until(LONG, || orphan.try_wait().unwrap());
    assert!(ended.is_some(), "its pipe is open, and it waits for a document");
}

/// Whoever has workers lets go of them, and they go.
#[test]
fn workers_that_wait_end_with_who_has_them() {
    // Tells them from those of other tests.
    let budget = Budget { workers: 3, memory: (512 << 20) + 4096, ..Budget::default() };
    let memory = budget.memory.to_string();
    let mine = || {
        let is_mine = |pid: &u32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.split(|byte| *byte == 0).any(|argument| argument == memory.as_bytes())
        };
        children(std::process::id()).into_iter().filter(is_mine).count()
    };
    let workers = workers(budget);
    let file = archive(&[("a.txt", b"Hej")]);
    let report = scan(&mail(&[("a.zip", &file), ("b.zip", &file), ("c.zip", &file)]), &workers);
    assert_eq!(unread(&report), []);
    assert!(wait_until(LONG, || (mine() > 0).then_some(())).is_some(), "one waits for a next document");
    drop(workers);
    assert!(wait_until(LONG, || (mine() == 0).then_some(())).is_some());
}

/// Too few descriptors for a worker's pipes, at every number from none to enough: a document is read or told as a limit,
/// and never as clean.
#[test]
fn a_machine_without_descriptors_is_an_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let large: Vec<u8> = (0..100_000_u32).map(|nr| (nr.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let file = archive(&[("støj.bin", &large), ("a.txt", b"CPR-nr. 150379-1028")]);
    crate::support::put(&folder.path().join("a.eml"), &mail(&[("a.zip", &file)])).unwrap();
    let mut seen = [false; 2];
    for descriptors in 3..20 {
        let begun = Instant::now();
        let output = Command::new("/bin/sh")
            .arg("-c")
            .arg(format!("ulimit -n {descriptors}; exec \"$0\" scan --format jsonl a.eml"))
            .arg(env!("CARGO_BIN_EXE_brevdue"))
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!errors.contains("panic") && begun.elapsed() < LONG, "{descriptors}: {errors}");
        let (found, full) = (said.contains("\"findings\":[{"), said.contains("machine-is-full"));
        println!("{descriptors}: {:?} {found} {full} {errors}", output.status.code());
        match output.status.code() {
            // Not even the mail could be opened, or the program loaded.
            Some(2 | 127) => assert!(!found && !full, "{descriptors}: {said}"),
            code => assert!(found || full, "{descriptors}: {code:?} {said} {errors}"),
        }
        seen = [seen[0] | found, seen[1] | full];
    }
    assert_eq!(seen, [true, true], "both are to be seen");
}

/// Where a process is to recognise letters, another can be started by nobody: with limits of its own each, they would have
/// none together.
#[test]
fn what_recognises_letters_starts_no_other_process() {
    let within = |program: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_brevdue"));
        command.arg("recogniser").args(Settings::default().arguments()).args(["5", "--", "dan+eng", program]);
        let folder = tempfile::tempdir().unwrap();
        crate::support::put(&folder.path().join("in"), b"x\n").unwrap();
        let file = std::fs::File::open(folder.path().join("in")).unwrap();
        let output = command.stdin(file).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    // It is asked to start a program that there is not: 127 when it came that far.
    let free = Command::new("/usr/bin/xargs").arg("stdin").stdin(Stdio::null()).output().unwrap();
    assert_eq!(free.status.code(), Some(127), "{free:?}");
    let (code, said) = within("/usr/bin/xargs");
    assert!(code == Some(1) && said.contains("fork"), "{code:?} {said}");
}

/// An archive of so many archives, each of so many that hold nothing.
fn wide(outer: usize, inner: usize) -> Vec<u8> {
    let of = |count: usize, file: &[u8]| {
        let names: Vec<String> = (0..count).map(|nr| format!("{nr}.zip")).collect();
        archive(&names.iter().map(|name| (name.as_str(), file)).collect::<Vec<_>>())
    };
    of(outer, &of(inner, &archive(&[("a.txt", b"")])))
}

/// Each document costs a process, however small it is: a mail has so many and so much time, and no more is begun.
#[test]
fn documents_without_number_end_with_the_patience_for_a_mail() {
    let reasons = |budget: Budget, file: &[u8]| {
        let begun = Instant::now();
        let report = scan(&mail(&[("a.zip", file)]), &workers(budget));
        let mut all: Vec<_> = unread(&report).into_iter().map(|one| (one.1, one.2)).collect();
        all.dedup();
        (all, begun.elapsed())
    };
    // Enough for some of them: the others are told, and nothing is gathered of them.
    let budget = Budget { documents: 60, ..Budget::default() };
    let (all, took) = reasons(budget, &wide(30, 30));
    assert_eq!(all, [("limit", "too-many-members")], "{took:?}");
    let budget = Budget { patience: Duration::from_millis(300), ..Budget::default() };
    let (all, took) = reasons(budget, &wide(40, 40));
    assert_eq!(all, [("limit", "too-slow")]);
    assert!(took < Duration::from_secs(10), "{took:?}");
    // As many as there may be are read.
    let budget = Budget { documents: 13, ..Budget::default() };
    assert_eq!(reasons(budget, &wide(3, 3)).0, []);
}
