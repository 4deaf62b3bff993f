//! What the reading of the log has counted, for metrics and health. Numbers and times only.

use chrono::{DateTime, Utc};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// Counters that only rise, and how the log is.
#[derive(Debug, Default)]
pub struct Counters {
    pub(super) lines: AtomicU64,
    pub(super) verified: AtomicU64,
    pub(super) trusted: AtomicU64,
    pub(super) untrusted: AtomicU64,
    pub(super) anonymous: AtomicU64,
    pub(super) plaintext: AtomicU64,
    pub(super) local: AtomicU64,
    pub(super) unproven: AtomicU64,
    pub(super) kept: AtomicU64,
    pub(super) broken: AtomicU64,
    pub(super) expired: AtomicU64,
    pub(super) bypassed: AtomicU64,
    pub(super) undated: AtomicU64,
    /// Goes up and down.
    pub(super) open: AtomicU64,
    /// Seconds since 1970; 0 before the first line.
    pub(super) last_line: AtomicI64,
    trouble: Mutex<Option<Trouble>>,
}

/// Why the log cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Since when.
    pub since: DateTime<Utc>,
    /// What the system says.
    pub why: String,
}

/// The counters at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Lines read.
    pub lines: u64,
    /// Deliveries by the word of their proof.
    pub deliveries: [(&'static str, u64); 7],
    /// Promises of a protected road, by what became of them.
    pub promises: [(&'static str, u64); 3],
    /// Mails that left without passing us.
    pub bypassed: u64,
    /// Mails that left under a name that tells no time, so that a bypass is not noticed.
    pub undated: u64,
    /// Promises that wait for their proof.
    pub open: u64,
    /// When a line was last read.
    pub last_line: Option<DateTime<Utc>>,
    /// Why it cannot be read now.
    pub trouble: Option<Trouble>,
}

impl Counters {
    /// The counters now.
    pub fn snapshot(&self) -> Snapshot {
        let read = |counter: &AtomicU64| counter.load(Relaxed);
        let last_line = self.last_line.load(Relaxed);
        Snapshot {
            lines: read(&self.lines),
            deliveries: [
                ("verified", read(&self.verified)),
                ("trusted", read(&self.trusted)),
                ("untrusted", read(&self.untrusted)),
                ("anonymous", read(&self.anonymous)),
                ("plaintext", read(&self.plaintext)),
                ("local", read(&self.local)),
                ("unproven", read(&self.unproven)),
            ],
            promises: [
                ("kept", read(&self.kept)),
                ("broken", read(&self.broken)),
                ("expired", read(&self.expired)),
            ],
            bypassed: read(&self.bypassed),
            undated: read(&self.undated),
            open: read(&self.open),
            last_line: DateTime::from_timestamp(last_line, 0).filter(|_| last_line > 0),
            trouble: self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// How the log is now: `None` when it can be read. Whether that is news.
    pub(super) fn tell(&self, now: DateTime<Utc>, why: Option<String>) -> bool {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = trouble.as_ref().map(|one| &one.why) != why.as_ref();
        let since = trouble.as_ref().map_or(now, |one| one.since);
        *trouble = why.map(|why| Trouble { since, why });
        is_news
    }

    pub(super) fn delivery(&self, word: &str) {
        let counter = match word {
            "verified" => &self.verified,
            "trusted" => &self.trusted,
            "untrusted" => &self.untrusted,
            "anonymous" => &self.anonymous,
            "plaintext" => &self.plaintext,
            "local" => &self.local,
            _ => &self.unproven,
        };
        counter.fetch_add(1, Relaxed);
    }
}
