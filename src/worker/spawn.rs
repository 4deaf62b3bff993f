//! Our side of a worker: the process started, its document handed over, its words read by the clock.
//!
//! Start reading at [`Staff::read`].

use super::ahead::Ahead;
use super::budget::{Recogniser, Settings};
use super::gathered::{Announced, Message, take};
use super::process::{Bytes, Process, shortage, wait};
use super::sandbox::Walls;
use super::turn::Turns;
use super::wire::{Reader, State};
use crate::extract::content::{Content, Event, Member, Spot, Unread};
use crate::extract::{Kind, Opener};
use rustix::event::PollFlags;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Instant;

/// The commands of our binary that are workers: `worker` with the numbers of a budget,
const COMMAND: &str = "worker";

/// and `recogniser` with those and what is to recognise.
const RECOGNISER: &str = "recogniser";

/// Who has documents read by workers: one for a whole process. When this is dropped the workers that wait are let go;
/// messages that are under way end with the others.
#[derive(Debug)]
pub struct Workers(Arc<Staff>);

impl Drop for Workers {
    fn drop(&mut self) {
        self.0.ahead.retire();
    }
}

/// The same, shared with messages.
#[derive(Debug)]
pub(super) struct Staff {
    program: PathBuf,
    pub(super) settings: Settings,
    documents: Turns,
    pictures: Turns,
    /// Those that wait for a document.
    pub(super) ahead: Ahead,
    /// Bytes of documents that wait.
    pub(super) waiting: AtomicU64,
    /// The walls of the last worker, and whether there was one.
    walls: AtomicU8,
}

const UNKNOWN: u8 = u8::MAX;

impl Workers {
    /// Of our own binary.
    pub fn new(settings: Settings) -> Arc<Self> {
        // Stays what it is when the file is replaced by a newer one.
        Self::of(PathBuf::from("/proc/self/exe"), settings)
    }

    /// Of this binary.
    pub fn of(program: PathBuf, settings: Settings) -> Arc<Self> {
        let recipe = {
            let (program, arguments) = (program.clone(), settings.arguments());
            move || command(&program, COMMAND, &arguments)
        };
        Arc::new(Self(Arc::new(Staff {
            program,
            ahead: Ahead::new(Box::new(recipe), settings.budget.workers),
            documents: Turns::new(settings.budget.workers),
            pictures: Turns::new(settings.recogniser.as_ref().map_or(0, |recogniser| recogniser.workers)),
            settings,
            waiting: AtomicU64::new(0),
            walls: AtomicU8::new(UNKNOWN),
        })))
    }

    /// For one message: its documents share a budget.
    pub fn message(&self) -> Arc<dyn Opener> {
        Message::of(&self.0)
    }

    /// Starts a worker on nothing, and says which walls it has; `None` when none can be started.
    pub fn try_out(&self) -> Option<Walls> {
        let mut document = self.message().begin(Kind::Document)?;
        document.data(b" ");
        document.open(&mut |_: Event<'_>| ());
        self.0.walls()
    }
}

impl Staff {
    /// The walls that the last worker had; `None` before the first.
    fn walls(&self) -> Option<Walls> {
        let bits = self.walls.load(Ordering::Relaxed);
        (bits != UNKNOWN).then(|| Walls::of_bits(bits))
    }

    /// Has a worker read a document, and tells what it says.
    pub(super) fn read(
        &self,
        document: Bytes,
        announced: Option<Announced>,
        account: &Account<'_>,
        content: &mut dyn Content,
    ) -> Result<(), Unread> {
        let _turn = self.documents.take(account.until).ok_or(Unread::Time)?;
        let ready = self.ahead.take();
        // The next one may be started.
        drop(announced);
        let mut process = match ready {
            Some(process) => process,
            None => start(command(&self.program, COMMAND, &self.settings.arguments()).stdin(Stdio::piped()))?,
        };
        process.hand(document, account.until)?;
        let mut reader = Reader::default();
        let heard = self.listen(&mut process, account, &mut |said| {
            reader.feed(said, content);
            reader.state() == State::Telling
        });
        let state = reader.finish(content);
        heard?;
        if state == State::Ended {
            self.ahead.bury(process);
            return Ok(());
        }
        let status = process.end();
        Err(process.cause(status))
    }

    /// Has letters recognised in a picture, and tells them.
    pub(super) fn recognise(
        &self,
        recogniser: &Recogniser,
        picture: File,
        account: &Account<'_>,
        content: &mut dyn Content,
    ) -> Result<(), Unread> {
        let _turn = self.pictures.take(account.until).ok_or(Unread::Time)?;
        let until = account.until.min(Instant::now() + recogniser.time * 3);
        let Recogniser { program, languages, time, .. } = recogniser;
        let mut command = command(&self.program, RECOGNISER, &self.settings.arguments());
        command.arg(time.as_secs().to_string()).arg("--").arg(languages).arg(program).stdin(picture);
        let mut process = start(&mut command)?;
        let mut page = 0;
        let heard = self.listen(&mut process, &Account { until, ..*account }, &mut |said| {
            pages(said, &mut page, content);
            true
        });
        // Its end says whether it was done.
        let status = if heard.is_ok() { process.ended(until) } else { process.end() };
        if page > 0 {
            content.event(Event::Leave);
        }
        heard?;
        if status.is_some_and(|status| status.success()) { Ok(()) } else { Err(process.cause(status)) }
    }

    /// Hears what a worker says, until it ends or nothing more is wanted, or has had its time, or has said too much.
    fn listen(
        &self,
        process: &mut Process,
        account: &Account<'_>,
        hear: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), Unread> {
        let Some(mut pipe) = process.voice() else { return Err(Unread::Crashed) };
        let mut buffer = vec![0; 64 * 1024];
        let mut begun = false;
        loop {
            wait(&pipe, PollFlags::IN, account.until)?;
            let read = match pipe.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(shortage(&error)),
            };
            let mut said = buffer.get(..read).unwrap_or_default();
            if !begun && let Some((walls, rest)) = said.split_first() {
                begun = true;
                self.note(*walls);
                said = rest;
            }
            if !take(account.left, said.len() as u64) {
                return Err(Unread::TooLarge);
            }
            if !hear(said) {
                return Ok(());
            }
            if account.is_full.load(Ordering::Relaxed) {
                return Err(Unread::TooMany);
            }
        }
    }

    fn note(&self, bits: u8) {
        let walls = Walls::of_bits(bits);
        let before = self.walls.swap(bits, Ordering::Relaxed);
        if !walls.all() && before != bits {
            let Walls { landlock, limits, seccomp, .. } = walls;
            tracing::warn!(
                landlock,
                limits,
                seccomp,
                "documents are read in a process that this machine does not shut in fully; see `brevdue doctor`"
            );
        }
    }
}

/// What a message may still take.
#[derive(Clone, Copy)]
pub(super) struct Account<'a> {
    /// When patience ends.
    pub(super) until: Instant,
    /// Bytes that it may still unfold to.
    pub(super) left: &'a AtomicU64,
    /// It has more documents than it may.
    pub(super) is_full: &'a AtomicBool,
}

fn start(command: &mut Command) -> Result<Process, Unread> {
    Process::start(command).map_err(|error| {
        tracing::error!(%error, "no worker can be started; a document was not read");
        shortage(&error)
    })
}

/// What starts one of our commands that are workers.
fn command(program: &Path, name: &str, budget: &[String]) -> Command {
    let mut command = Command::new(program);
    command.arg(name).arg("--parent").arg(std::process::id().to_string()).args(budget);
    command
}

/// Tells a text that a form feed cuts into pages; which page it is at.
fn pages(said: &[u8], page: &mut u32, content: &mut dyn Content) {
    for (nr, piece) in said.split(|byte| *byte == b'\x0C').enumerate() {
        if *page == 0 {
            content.event(Event::Enter(Member::TEXT));
        }
        if *page == 0 || nr > 0 {
            *page += 1;
            content.event(Event::Spot(Spot::Page(*page)));
        }
        content.event(Event::Data(piece));
    }
}
