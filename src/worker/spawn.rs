//! Our side of a worker: the document gathered, the process started, its words read by the clock.

use super::budget::{Recogniser, Settings};
use super::sandbox::Walls;
use super::turn::Turns;
use super::wire::{Reader, State};
use crate::extract::content::{Content, Event, Member, Spot, Unread};
use crate::extract::{Document, Kind, Opener};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The commands of our binary that are workers: `worker` with the numbers of a budget,
const COMMAND: &str = "worker";

/// and `recogniser` with those and what is to recognise.
const RECOGNISER: &str = "recogniser";

/// Who starts workers: one for a whole process.
#[derive(Debug)]
pub struct Workers {
    program: PathBuf,
    settings: Settings,
    documents: Turns,
    pictures: Turns,
    /// Bytes of documents that wait.
    waiting: AtomicU64,
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
        Arc::new(Self {
            program,
            documents: Turns::new(settings.budget.workers),
            pictures: Turns::new(settings.recogniser.as_ref().map_or(0, |recogniser| recogniser.workers)),
            settings,
            waiting: AtomicU64::new(0),
            walls: AtomicU8::new(UNKNOWN),
        })
    }

    /// For one message: its documents share a budget.
    pub fn message(self: &Arc<Self>) -> Arc<dyn Opener> {
        Arc::new(Message {
            workers: Arc::clone(self),
            left: AtomicU64::new(self.settings.budget.message),
            until: Mutex::new(None),
        })
    }

    /// Starts a worker on nothing, and says which walls it has; `None` when none can be started.
    pub fn try_out(self: &Arc<Self>) -> Option<Walls> {
        let mut document = self.message().begin(Kind::Document)?;
        document.data(b" ");
        document.open(&mut |_: Event<'_>| ());
        self.walls()
    }

    /// The walls that the last worker had; `None` before the first.
    fn walls(&self) -> Option<Walls> {
        let bits = self.walls.load(Ordering::Relaxed);
        (bits != UNKNOWN).then(|| Walls::of_bits(bits))
    }

    /// Starts a worker on a document, and tells what it says.
    fn work(
        &self,
        task: &Task<'_>,
        file: File,
        until: Instant,
        content: &mut dyn Content,
    ) -> Result<(), Unread> {
        let turns = if task.recogniser.is_some() { &self.pictures } else { &self.documents };
        let _turn = turns.take(until).ok_or(Unread::Time)?;
        let until = task.recogniser.map_or(until, |one| until.min(Instant::now() + one.time * 3));
        let child = self.command(task).stdin(file).spawn().map_err(|error| {
            tracing::error!(%error, "no worker can be started; a document was not read");
            Unread::Crashed
        })?;
        let mut running = Running(child);
        let mut ear = Ear::new(task.recogniser.is_some());
        let heard = self.listen(&mut running.0, until, task.left, &mut ear, content);
        // One that tells events has said when it was done; of the other its end says whether it was.
        let status = if heard.is_ok() && ear.is_text() { running.ended(until) } else { running.end() };
        match (ear.finish(content, status), heard) {
            (_, Err(why)) => Err(why),
            (true, Ok(())) => Ok(()),
            (false, Ok(())) => Err(cause(status)),
        }
    }

    fn command(&self, task: &Task<'_>) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(if task.recogniser.is_some() { RECOGNISER } else { COMMAND });
        command.args(self.settings.budget.arguments(self.settings.recogniser.is_some()));
        if let Some(Recogniser { program, languages, time, .. }) = task.recogniser {
            command.arg(time.as_secs().to_string()).arg("--").arg(languages).arg(program);
        }
        // A group of its own: what it may have started ends with it.
        command.env_clear().process_group(0).stdout(Stdio::piped()).stderr(Stdio::null());
        command
    }

    /// Reads what a worker says, until it ends, or has had its time, or has said too much.
    fn listen(
        &self,
        child: &mut Child,
        until: Instant,
        left: &AtomicU64,
        ear: &mut Ear,
        content: &mut dyn Content,
    ) -> Result<(), Unread> {
        let Some(mut pipe) = child.stdout.take() else { return Err(Unread::Crashed) };
        let mut buffer = vec![0; 64 * 1024];
        let mut begun = false;
        loop {
            let time = until.checked_duration_since(Instant::now()).ok_or(Unread::Time)?;
            let time = Timespec::try_from(time).map_err(|_| Unread::Time)?;
            match poll(&mut [PollFd::new(&pipe, PollFlags::IN)], Some(&time)) {
                Ok(0) => return Err(Unread::Time),
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(_) => return Err(Unread::Crashed),
            }
            let read = match pipe.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return Err(Unread::Crashed),
            };
            let mut said = buffer.get(..read).unwrap_or_default();
            if !begun && let Some((walls, rest)) = said.split_first() {
                begun = true;
                self.note(*walls);
                said = rest;
            }
            if !take(left, said.len() as u64) {
                return Err(Unread::TooLarge);
            }
            if !ear.hear(said, content) {
                return Ok(());
            }
        }
    }

    fn note(&self, bits: u8) {
        let walls = Walls::of_bits(bits);
        let before = self.walls.swap(bits, Ordering::Relaxed);
        if !walls.all() && before != bits {
            let Walls { landlock, limits, seccomp } = walls;
            tracing::warn!(
                landlock,
                limits,
                seccomp,
                "documents are read in a process that this machine does not shut in fully; see `brevdue doctor`"
            );
        }
    }
}

/// A worker at work; it ends when this is dropped, whatever happens here.
struct Running(Child);

impl Running {
    /// How it ended by itself; by our hand when it does not in time.
    fn ended(&mut self, until: Instant) -> Option<ExitStatus> {
        const SOON: Duration = Duration::from_millis(2);
        while Instant::now() < until {
            match self.0.try_wait() {
                Ok(None) => std::thread::sleep(SOON),
                Ok(status) => return status,
                Err(_) => break,
            }
        }
        self.end()
    }

    /// Ends it, and whatever it started. It may be dead already.
    fn end(&mut self) -> Option<ExitStatus> {
        let ended = self.0.try_wait().ok().flatten();
        if ended.is_none() {
            if let Some(group) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
                kill_process_group(group, Signal::KILL).ok();
            }
            self.0.kill().ok();
        }
        ended.or_else(|| self.0.wait().ok())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// What a worker is to do.
struct Task<'a> {
    /// Who reads the picture; without, it is a document.
    recogniser: Option<&'a Recogniser>,
    /// Bytes that the message may still unfold to.
    left: &'a AtomicU64,
}

/// What a worker's words are taken for.
enum Ear {
    /// Events.
    Events(Reader),
    /// The text of a picture, page by page; which page it is at.
    Text(u32),
}

impl Ear {
    fn new(is_text: bool) -> Self {
        if is_text { Self::Text(0) } else { Self::Events(Reader::default()) }
    }

    fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// Tells what was said; whether more may come.
    fn hear(&mut self, said: &[u8], content: &mut dyn Content) -> bool {
        let page = match self {
            Self::Events(reader) => {
                reader.feed(said, content);
                return reader.state() == State::Telling;
            }
            Self::Text(page) => page,
        };
        // A form feed ends a page.
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
        true
    }

    /// Ends what is open; whether all was told.
    fn finish(&mut self, content: &mut dyn Content, status: Option<ExitStatus>) -> bool {
        match self {
            Self::Events(reader) => reader.finish(content) == State::Ended,
            Self::Text(page) => {
                if *page > 0 {
                    content.event(Event::Leave);
                }
                status.is_some_and(|status| status.success())
            }
        }
    }
}

/// Why a worker died before it had told all.
fn cause(status: Option<ExitStatus>) -> Unread {
    let Some(status) = status else { return Unread::Crashed };
    match (status.signal(), status.code()) {
        (Some(libc::SIGXCPU), _) => Unread::Time,
        // Where memory ends, the allocator aborts; the kernel kills where there is none for anybody.
        (Some(libc::SIGABRT), _) => Unread::Memory,
        // It said itself that it could not.
        (None, Some(1)) => Unread::Damaged,
        _ => Unread::Crashed,
    }
}

/// Takes so many from what is left, if there are as many.
fn take(left: &AtomicU64, count: u64) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(count)).is_ok()
}

/// One message's documents.
struct Message {
    workers: Arc<Workers>,
    /// Bytes that its documents may still have and unfold to.
    left: AtomicU64,
    /// When patience ends; begins with the first document that is opened.
    until: Mutex<Option<Instant>>,
}

impl Opener for Message {
    fn begin(self: Arc<Self>, kind: Kind) -> Option<Box<dyn Document>> {
        let is_opened = kind == Kind::Document || self.workers.settings.recogniser.is_some();
        is_opened.then(|| {
            Box::new(Gathered { message: self, kind, small: Vec::new(), file: None, size: 0, lost: None })
                as _
        })
    }

    fn deepest(&self) -> usize {
        self.workers.settings.budget.depth
    }
}

/// A document in a file that is memory only.
struct Gathered {
    message: Arc<Message>,
    kind: Kind,
    /// The bytes of a small one: hundreds may wait, and each file takes a descriptor.
    small: Vec<u8>,
    /// Made when it grows.
    file: Option<File>,
    size: u64,
    /// Why it was given up.
    lost: Option<Unread>,
}

impl Gathered {
    fn gather(&mut self, bytes: &[u8]) -> Result<(), Unread> {
        let count = bytes.len() as u64;
        let Workers { settings: Settings { budget, .. }, waiting, .. } = &*self.message.workers;
        if self.size + count > budget.limits.bytes || !take(&self.message.left, count) {
            return Err(Unread::TooLarge);
        }
        self.size += count;
        if waiting.fetch_add(count, Ordering::Relaxed) + count > budget.waiting {
            return Err(Unread::Memory);
        }
        if self.file.is_none() && self.small.len() + bytes.len() <= SMALL {
            self.small.extend_from_slice(bytes);
            return Ok(());
        }
        self.file()?.write_all(bytes).map_err(|_| Unread::Memory)
    }

    /// The file that holds it, begun with what there is.
    fn file(&mut self) -> Result<&mut File, Unread> {
        if self.file.is_none() {
            let file = memfd_create("brevdue-document", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING);
            let mut file = File::from(file.map_err(|_| Unread::Memory)?);
            file.write_all(&std::mem::take(&mut self.small)).map_err(|_| Unread::Memory)?;
            self.file = Some(file);
        }
        self.file.as_mut().ok_or(Unread::Memory)
    }

    /// The file as a worker may have it: from its beginning, and never changed again. `None` when there is nothing in it.
    fn sealed(&mut self) -> Result<Option<File>, Unread> {
        if self.size == 0 {
            return Ok(None);
        }
        self.file()?;
        let Some(mut file) = self.file.take() else { return Err(Unread::Memory) };
        file.rewind().map_err(|_| Unread::Memory)?;
        fcntl_add_seals(&file, SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE)
            .map_err(|_| Unread::Memory)?;
        Ok(Some(file))
    }
}

/// So many bytes of a document are kept in memory of ours.
const SMALL: usize = 64 * 1024;

impl Document for Gathered {
    fn data(&mut self, bytes: &[u8]) {
        if self.lost.is_none()
            && let Err(why) = self.gather(bytes)
        {
            self.lost = Some(why);
            (self.file, self.small) = (None, Vec::new());
        }
    }

    fn open(mut self: Box<Self>, content: &mut dyn Content) {
        let message = Arc::clone(&self.message);
        let Message { workers, left, until } = &*message;
        let patience: Duration = workers.settings.budget.patience;
        let until = *until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_with(|| Instant::now() + patience);
        let recogniser = workers.settings.recogniser.as_ref().filter(|_| self.kind == Kind::Picture);
        let task = Task { recogniser, left };
        let done = match self.lost.map_or_else(|| self.sealed(), Err) {
            Err(why) => Err(why),
            Ok(None) => Ok(()),
            Ok(Some(file)) => workers.work(&task, file, until, content),
        };
        if let Err(why) = done {
            content.event(Event::Unread(why));
        }
    }
}

impl Drop for Gathered {
    fn drop(&mut self) {
        self.message.workers.waiting.fetch_sub(self.size, Ordering::Relaxed);
    }
}
