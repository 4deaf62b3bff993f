//! Our side of a document: its bytes gathered until it is opened, and what the message that it is of may still take.
//!
//! Start reading at [`Gathered`].

use super::budget::{Budget, Settings};
use super::process::{Bytes, shortage};
use super::spawn::{Account, Staff};
use crate::extract::content::{Content, Event, Unread};
use crate::extract::{Document, Kind, Opener};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use std::fs::File;
use std::io::{self, Seek, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// One message's documents.
pub(super) struct Message {
    workers: Arc<Staff>,
    /// Bytes that its documents may still have and unfold to.
    left: AtomicU64,
    /// Documents that it may still have.
    documents: AtomicU64,
    /// It had more.
    is_full: AtomicBool,
    /// When patience ends; begins with the first document that is opened.
    until: Mutex<Option<Instant>>,
}

impl Message {
    /// Read by these.
    pub(super) fn of(workers: &Arc<Staff>) -> Arc<Self> {
        let Budget { message, documents, .. } = workers.settings.budget;
        Arc::new(Self {
            workers: Arc::clone(workers),
            left: AtomicU64::new(message),
            documents: AtomicU64::new(documents.into()),
            is_full: AtomicBool::new(false),
            until: Mutex::new(None),
        })
    }

    /// When patience ends.
    fn until(&self) -> Instant {
        let patience = self.workers.settings.budget.patience;
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        *until.get_or_insert_with(|| Instant::now() + patience)
    }
}

impl Opener for Message {
    fn begin(self: Arc<Self>, kind: Kind) -> Option<Box<dyn Document>> {
        let is_opened = kind == Kind::Document || self.workers.settings.recogniser.is_some();
        is_opened.then(|| {
            let is_counted = take(&self.documents, 1);
            if !is_counted {
                self.is_full.store(true, Ordering::Relaxed);
            }
            // A worker for pictures becomes another program, and is not started ahead.
            let announced = (kind == Kind::Document && is_counted).then(|| Announced::of(&self.workers));
            let lost = (!is_counted).then_some(Unread::TooMany);
            Box::new(Gathered {
                message: self,
                kind,
                small: Vec::new(),
                file: None,
                size: 0,
                lost,
                announced,
            }) as _
        })
    }

    fn deepest(&self) -> usize {
        self.workers.settings.budget.depth
    }
}

/// A worker is wanted for a document.
pub(super) struct Announced(Arc<Staff>);

impl Announced {
    fn of(workers: &Arc<Staff>) -> Self {
        workers.ahead.announce();
        Self(Arc::clone(workers))
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        self.0.ahead.renounce();
    }
}

/// Takes so many from what is left, if there are as many.
pub(super) fn take(left: &AtomicU64, count: u64) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(count)).is_ok()
}

/// A document: a small one in memory of ours, a large one in a file that is memory only.
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
    announced: Option<Announced>,
}

/// So many bytes of a document are kept in memory of ours.
const SMALL: usize = 64 * 1024;

impl Gathered {
    fn gather(&mut self, bytes: &[u8]) -> Result<(), Unread> {
        let count = bytes.len() as u64;
        let Staff { settings: Settings { budget, .. }, waiting, .. } = &*self.message.workers;
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
        self.file().and_then(|mut file| file.write_all(bytes)).map_err(|error| full(&error))
    }

    /// The file that holds it, begun with what there is.
    fn file(&mut self) -> io::Result<&File> {
        if self.file.is_none() {
            let file = memfd_create("brevdue-document", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
            let mut file = File::from(file);
            file.write_all(&std::mem::take(&mut self.small))?;
            self.file = Some(file);
        }
        self.file.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The file as another process may have it: from its beginning, and never changed again.
    fn sealed(&mut self) -> io::Result<File> {
        self.file()?;
        let mut file = self.file.take().ok_or(io::ErrorKind::NotFound)?;
        file.rewind()?;
        fcntl_add_seals(&file, SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE)?;
        Ok(file)
    }

    fn read(&mut self, content: &mut dyn Content) -> Result<(), Unread> {
        let message = Arc::clone(&self.message);
        let workers = &*message.workers;
        let account = Account { until: message.until(), left: &message.left, is_full: &message.is_full };
        if let Some(why) = self.lost {
            return Err(why);
        }
        if self.size == 0 {
            return Ok(());
        }
        // Nothing is begun that has no time: thousands may wait in one mail.
        if Instant::now() >= account.until {
            return Err(Unread::Time);
        }
        let recogniser = workers.settings.recogniser.as_ref().filter(|_| self.kind == Kind::Picture);
        if let Some(recogniser) = recogniser {
            let picture = self.sealed().map_err(|error| full(&error))?;
            return workers.recognise(recogniser, picture, &account, content);
        }
        let document = match self.file.take() {
            None => Bytes::Few(std::mem::take(&mut self.small)),
            Some(mut file) => {
                file.rewind().map_err(|error| full(&error))?;
                Bytes::Many(file, self.size)
            }
        };
        workers.read(document, self.announced.take(), &account, content)
    }
}

/// Why a document is not read that could not be held.
fn full(error: &io::Error) -> Unread {
    let why = shortage(error);
    if why == Unread::Shortage { why } else { Unread::Memory }
}

impl Document for Gathered {
    fn data(&mut self, bytes: &[u8]) {
        if self.lost.is_none()
            && let Err(why) = self.gather(bytes)
        {
            self.lost = Some(why);
            (self.file, self.small, self.announced) = (None, Vec::new(), None);
        }
    }

    fn open(mut self: Box<Self>, content: &mut dyn Content) {
        if let Err(why) = self.read(content) {
            content.event(Event::Unread(why));
        }
    }
}

impl Drop for Gathered {
    fn drop(&mut self) {
        self.message.workers.waiting.fetch_sub(self.size, Ordering::Relaxed);
    }
}
