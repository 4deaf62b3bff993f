//! Our side of a worker: the document gathered, the process started, its words read by the clock.

use super::budget::Budget;
use super::sandbox::Walls;
use super::wire::{Reader, State};
use crate::extract::content::{Content, Event, Unread};
use crate::extract::{Document, Opener};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The command of our binary that is a worker: `brevdue worker N N N N N`, the numbers of a [`Budget`].
pub const COMMAND: &str = "worker";

/// Who starts workers: one for a whole process.
#[derive(Debug)]
pub struct Workers {
    program: PathBuf,
    budget: Budget,
    /// Workers that may still start.
    free: Mutex<usize>,
    freed: Condvar,
    /// Bytes of documents that wait.
    waiting: AtomicU64,
    /// The walls of the last worker, and whether there was one.
    walls: AtomicU8,
}

const UNKNOWN: u8 = u8::MAX;

impl Workers {
    /// Of our own binary.
    pub fn new(budget: Budget) -> Arc<Self> {
        // Stays what it is when the file is replaced by a newer one.
        Self::of(PathBuf::from("/proc/self/exe"), budget)
    }

    /// Of this binary.
    pub fn of(program: PathBuf, budget: Budget) -> Arc<Self> {
        Arc::new(Self {
            program,
            free: Mutex::new(budget.workers.max(1)),
            freed: Condvar::new(),
            budget,
            waiting: AtomicU64::new(0),
            walls: AtomicU8::new(UNKNOWN),
        })
    }

    /// For one message: its documents share a budget.
    pub fn message(self: &Arc<Self>) -> Arc<dyn Opener> {
        Arc::new(Message {
            workers: Arc::clone(self),
            left: Arc::new(AtomicU64::new(self.budget.message)),
            until: Mutex::new(None),
        })
    }

    /// Starts a worker on nothing, and says which walls it has; `None` when none can be started.
    pub fn try_out(self: &Arc<Self>) -> Option<Walls> {
        let mut document = self.message().begin();
        document.data(b" ");
        document.open(&mut |_: Event<'_>| ());
        self.walls()
    }

    /// The walls that the last worker had; `None` before the first.
    fn walls(&self) -> Option<Walls> {
        let bits = self.walls.load(Ordering::Relaxed);
        (bits != UNKNOWN).then(|| Walls::of_bits(bits))
    }

    /// Waits for a worker's turn; `None` when there was none in time.
    fn turn(&self, until: Instant) -> Option<Turn<'_>> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            let left = until.checked_duration_since(Instant::now())?;
            free = self.freed.wait_timeout(free, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *free -= 1;
        Some(Turn { workers: self })
    }

    /// Starts a worker on a document, and tells what it says.
    fn work(
        &self,
        file: File,
        until: Instant,
        left: &AtomicU64,
        content: &mut dyn Content,
    ) -> Result<(), Unread> {
        let _turn = self.turn(until).ok_or(Unread::Time)?;
        let mut child = Command::new(&self.program)
            .arg(COMMAND)
            .args(self.budget.arguments())
            .env_clear()
            .stdin(file)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| {
                tracing::error!(%error, "no worker can be started; a document was not read");
                Unread::Crashed
            })?;
        let mut reader = Reader::default();
        let heard = self.listen(&mut child, until, left, &mut reader, content);
        // It may be dead already, or not want to die of its own.
        child.kill().ok();
        let status = child.wait().ok();
        match (reader.finish(content), heard) {
            (State::Ended, Ok(())) => Ok(()),
            (_, Err(why)) => Err(why),
            (State::Telling | State::Garbled, Ok(())) => Err(cause(status)),
        }
    }

    /// Reads what a worker says, until it ends, or has had its time, or has said too much.
    fn listen(
        &self,
        child: &mut Child,
        until: Instant,
        left: &AtomicU64,
        reader: &mut Reader,
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
            reader.feed(said, content);
            if reader.state() != State::Telling {
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

/// Why a worker died before it had told all.
fn cause(status: Option<ExitStatus>) -> Unread {
    match status.and_then(|status| status.signal()) {
        Some(libc::SIGXCPU) => Unread::Time,
        // Where memory ends, the allocator aborts; the kernel kills where there is none for anybody.
        Some(libc::SIGABRT) => Unread::Memory,
        _ => Unread::Crashed,
    }
}

/// Takes so many from what is left, if there are as many.
fn take(left: &AtomicU64, count: u64) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(count)).is_ok()
}

/// A worker's turn, given back when this is dropped.
struct Turn<'a> {
    workers: &'a Workers,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.workers.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.workers.freed.notify_one();
    }
}

/// One message's documents.
struct Message {
    workers: Arc<Workers>,
    /// Bytes that its documents may still have and unfold to.
    left: Arc<AtomicU64>,
    /// When patience ends; begins with the first document that is opened.
    until: Mutex<Option<Instant>>,
}

impl Opener for Message {
    fn begin(self: Arc<Self>) -> Box<dyn Document> {
        Box::new(Gathered { message: self, file: None, size: 0, lost: None })
    }

    fn deepest(&self) -> usize {
        self.workers.budget.depth
    }
}

/// A document in a file that is memory only.
struct Gathered {
    message: Arc<Message>,
    /// Made at the first byte.
    file: Option<File>,
    size: u64,
    /// Why it was given up.
    lost: Option<Unread>,
}

impl Gathered {
    fn gather(&mut self, bytes: &[u8]) -> Result<(), Unread> {
        let count = bytes.len() as u64;
        let Workers { budget, waiting, .. } = &*self.message.workers;
        if self.size + count > budget.limits.bytes || !take(&self.message.left, count) {
            return Err(Unread::TooLarge);
        }
        self.size += count;
        if waiting.fetch_add(count, Ordering::Relaxed) + count > budget.waiting {
            return Err(Unread::Memory);
        }
        if self.file.is_none() {
            let file = memfd_create("brevdue-document", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING);
            self.file = Some(File::from(file.map_err(|_| Unread::Memory)?));
        }
        let Some(file) = &mut self.file else { return Err(Unread::Memory) };
        file.write_all(bytes).map_err(|_| Unread::Memory)
    }

    /// The file as a worker may have it: from its beginning, and never changed again.
    fn sealed(&mut self) -> Result<Option<File>, Unread> {
        let Some(mut file) = self.file.take() else { return Ok(None) };
        file.rewind().map_err(|_| Unread::Memory)?;
        fcntl_add_seals(&file, SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE)
            .map_err(|_| Unread::Memory)?;
        Ok(Some(file))
    }
}

impl Document for Gathered {
    fn data(&mut self, bytes: &[u8]) {
        if self.lost.is_none()
            && let Err(why) = self.gather(bytes)
        {
            self.lost = Some(why);
            self.file = None;
        }
    }

    fn open(mut self: Box<Self>, content: &mut dyn Content) {
        let patience: Duration = self.message.workers.budget.patience;
        let until = *self
            .message
            .until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_with(|| Instant::now() + patience);
        let done = match (self.lost, self.sealed()) {
            (Some(why), _) | (None, Err(why)) => Err(why),
            (None, Ok(None)) => Ok(()),
            (None, Ok(Some(file))) => self.message.workers.work(file, until, &self.message.left, content),
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
