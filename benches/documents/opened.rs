//! Opens a document by a worker as the daemon does, and says what became of it.
//!
//! A worker's death is an outcome to the daemon, and how it died is not told. Here it is asked: [`died`] runs the same
//! worker on the same bytes once more and looks at its end. Start reading at [`open`].

use super::support::mail;
use brevdue::extract::Kind;
use brevdue::extract::content::{Event, Unread};
use brevdue::scan::ruleset::Ruleset;
use brevdue::scan::{Day, Scan};
use brevdue::worker::{Budget, Settings, Workers};
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What became of a document.
pub(crate) struct Opened {
    /// The gravest of what was not read.
    pub(crate) unread: Option<Unread>,
    /// By the clock: start of the process to its end.
    pub(crate) took: Duration,
    /// Bytes that were told.
    pub(crate) told: u64,
}

/// Opens it.
pub(crate) fn open(workers: &Arc<Workers>, document: &[u8]) -> Opened {
    let (mut unread, mut told) = (Vec::new(), 0);
    let start = Instant::now();
    let mut opened = workers.message().begin(Kind::Document).unwrap();
    opened.data(document);
    opened.open(&mut |event: Event<'_>| match event {
        Event::Data(data) => told += data.len() as u64,
        Event::Unread(why) => unread.push(why),
        Event::Enter(_) | Event::Spot(_) | Event::Leave => {}
    });
    Opened { unread: unread.into_iter().max_by_key(|why| gravity(*why)), took: start.elapsed(), told }
}

/// Of several troubles a document is counted under the gravest.
fn gravity(why: Unread) -> usize {
    const RISING: [Unread; Unread::ALL.len()] = [
        Unread::Picture,
        Unread::UnknownForm,
        Unread::UnknownMethod,
        Unread::UnmappedGlyphs,
        Unread::Damaged,
        Unread::Encrypted,
        Unread::Password,
        Unread::TooDeep,
        Unread::TooMany,
        Unread::TooCompressed,
        Unread::TooLarge,
        Unread::Shortage,
        Unread::Memory,
        Unread::Time,
        Unread::Crashed,
    ];
    RISING.iter().position(|one| *one == why).unwrap_or(RISING.len())
}

/// Reads a mail with it as the daemon does, files in it opened in their turn; whether that panicked.
pub(crate) fn panics(workers: &Arc<Workers>, rules: &Arc<Ruleset>, form: &str, document: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| {
        let today = Day::literal(2026, 11, 2);
        let mut scan = Scan::new(Arc::clone(rules), today).opening(workers.message());
        scan.feed(&mail(&[(&format!("a.{form}"), document)]));
        drop(scan.finish());
    }))
    .is_err()
}

/// How a worker ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    /// By itself, with this code: 101 is a panic.
    Code(i32),
    /// Killed by this signal.
    Signal(i32),
}

/// Runs the worker by hand: how it ended, and what it said on its way.
pub(crate) fn died(program: &Path, budget: &Budget, document: &[u8]) -> std::io::Result<(End, String)> {
    let mut child = Command::new(program)
        .arg("worker")
        .args(Settings { budget: *budget, recogniser: None }.arguments())
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    // It reads all before it writes; one that is dead already does not read.
    let handed = [&(document.len() as u64).to_le_bytes(), document].concat();
    drop(child.stdin.take().map(|mut pipe| pipe.write_all(&handed)));
    let mut said = Vec::new();
    if let Some(mut pipe) = child.stderr.take() {
        pipe.read_to_end(&mut said)?;
    }
    let status = child.wait()?;
    let end = status.signal().map_or_else(|| End::Code(status.code().unwrap_or(-1)), End::Signal);
    Ok((end, String::from_utf8_lossy(&said).trim().to_owned()))
}

/// Opens it in this process: where it panicked, and what was said.
pub(crate) fn panicked_at(document: &[u8]) -> Option<String> {
    let place = Arc::new(std::sync::Mutex::new(None));
    let seen = Arc::clone(&place);
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        *seen.lock().unwrap() = Some(info.to_string().replace('\n', " "));
    }));
    let limits = Budget::default().limits;
    let panicked = catch_unwind(|| brevdue::extract::open(document, limits, &mut |_: Event<'_>| ())).is_err();
    std::panic::set_hook(before);
    let place = place.lock().unwrap().take();
    place.filter(|_| panicked)
}
