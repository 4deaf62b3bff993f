//! What a document may cost, and what all documents together may.

use crate::extract::content::Limits;
use std::path::PathBuf;
use std::time::Duration;

/// How documents are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// What they may cost.
    pub budget: Budget,
    /// How letters are recognised in pictures; `None` leaves pictures unread.
    pub recogniser: Option<Recogniser>,
}

impl Settings {
    /// As the arguments of a worker: what [`Budget::of_arguments`] reads. Pictures are for somebody to recognise, or not.
    pub fn arguments(&self) -> [String; 6] {
        let Budget { limits: Limits { bytes, ratio, members, pictures }, memory, time, .. } = self.budget;
        let pictures = u64::from(pictures && self.recogniser.is_some());
        [bytes, ratio, u64::from(members), memory, time.as_secs(), pictures].map(|number| number.to_string())
    }
}

/// Tesseract, a program beside ours that reads pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recogniser {
    /// Where it lies.
    pub program: PathBuf,
    /// The languages it reads, as it names them: `dan+eng`.
    pub languages: String,
    /// Processor time for one picture.
    pub time: Duration,
    /// Pictures read at once.
    pub workers: usize,
}

impl Default for Recogniser {
    fn default() -> Self {
        Self {
            program: PathBuf::from("/usr/bin/tesseract"),
            languages: "dan+eng".to_owned(),
            // A dense page takes 2 to 7 seconds (facts/documents.md A4).
            time: Duration::from_secs(20),
            workers: 1,
        }
    }
}

/// See the module's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// What may be unfolded of one document.
    pub limits: Limits,
    /// Bytes of address space of one worker.
    pub memory: u64,
    /// Processor time of one worker.
    pub time: Duration,
    /// Bytes of documents, and of what they unfold to, for one message.
    pub message: u64,
    /// How long all documents of one message may take by the clock, waiting for a worker included.
    pub patience: Duration,
    /// Bytes of documents that wait at any one time, of all messages.
    pub waiting: u64,
    /// Documents of one message, those within others included: each costs a process.
    pub documents: u32,
    /// Documents within documents.
    pub depth: usize,
    /// Workers at work at any one time.
    pub workers: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            memory: 512 << 20,
            time: Duration::from_secs(5),
            message: 256 << 20,
            patience: Duration::from_mins(1),
            waiting: 1 << 30,
            documents: 10_000,
            depth: 5,
            workers: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        }
    }
}

/// What a worker is not told, since it is not its business: none of it counts there.
const UNTOLD: Budget = Budget {
    limits: Limits { bytes: 0, ratio: 0, members: 0, pictures: false },
    memory: 0,
    time: Duration::ZERO,
    message: 0,
    patience: Duration::ZERO,
    waiting: 0,
    documents: 0,
    depth: 0,
    workers: 1,
};

impl Budget {
    /// Of a worker's arguments.
    pub fn of_arguments(arguments: &[u64; 6]) -> Self {
        let [bytes, ratio, members, memory, seconds, pictures] = *arguments;
        let members = u32::try_from(members).unwrap_or(u32::MAX);
        Self {
            limits: Limits { bytes, ratio, members, pictures: pictures != 0 },
            memory,
            time: Duration::from_secs(seconds),
            // The default asks the machine how many cores it has, which takes a worker longer than most documents.
            ..UNTOLD
        }
    }
}
