//! What a door counts, for the metrics page. Numbers only; nothing here can name a person.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::envelope::Verdict;

/// Counters that only rise, and the number of open connections.
#[derive(Debug, Default)]
pub struct Counters {
    pub(in crate::intake) open: AtomicU64,
    pub(in crate::intake) connections: AtomicU64,
    pub(in crate::intake) crowded: AtomicU64,
    pub(in crate::intake) broken: AtomicU64,
    pub(in crate::intake) bytes: AtomicU64,
    pub(in crate::intake) panics: AtomicU64,
    pub(in crate::intake) expired: AtomicU64,
    pub(in crate::intake) nameless: AtomicU64,
    pub(in crate::intake) delivered: AtomicU64,
    pub(in crate::intake) blocked: AtomicU64,
    pub(in crate::intake) held: AtomicU64,
    pub(in crate::intake) rerouted: AtomicU64,
    pub(in crate::intake) deferred: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// Connections open now.
    pub open: u64,
    /// Connections taken.
    pub connections: u64,
    /// Connections taken only to be deferred, above the cap.
    pub crowded: u64,
    /// Connections ended because their bytes did not hold the protocol.
    pub broken: u64,
    /// Bytes of content seen.
    pub bytes: u64,
    /// Messages whose inspection panicked.
    pub panics: u64,
    /// Messages whose inspection did not end in time.
    pub expired: u64,
    /// Messages that were to be held and had no queue id to be found by.
    pub nameless: u64,
    /// Messages accepted.
    pub delivered: u64,
    /// Messages refused.
    pub blocked: u64,
    /// Messages put on hold.
    pub held: u64,
    /// Messages sent by the protected road.
    pub rerouted: u64,
    /// Messages deferred, those above the cap not counted.
    pub deferred: u64,
}

impl Counters {
    /// The counters now.
    pub fn snapshot(&self) -> Snapshot {
        let read = |counter: &AtomicU64| counter.load(Relaxed);
        Snapshot {
            open: read(&self.open),
            connections: read(&self.connections),
            crowded: read(&self.crowded),
            broken: read(&self.broken),
            bytes: read(&self.bytes),
            panics: read(&self.panics),
            expired: read(&self.expired),
            nameless: read(&self.nameless),
            delivered: read(&self.delivered),
            blocked: read(&self.blocked),
            held: read(&self.held),
            rerouted: read(&self.rerouted),
            deferred: read(&self.deferred),
        }
    }

    pub(in crate::intake) fn count(&self, verdict: Verdict) {
        let counter = match verdict {
            Verdict::Deliver(_) => &self.delivered,
            Verdict::Block => &self.blocked,
            Verdict::Hold => &self.held,
            Verdict::Reroute => &self.rerouted,
            Verdict::Defer => &self.deferred,
        };
        counter.fetch_add(1, Relaxed);
    }
}

/// The name of a verdict in the log.
pub(in crate::intake) const fn name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Deliver(_) => "deliver",
        Verdict::Block => "block",
        Verdict::Hold => "hold",
        Verdict::Reroute => "reroute",
        Verdict::Defer => "defer",
    }
}

pub(in crate::intake) fn add(counter: &AtomicU64, amount: usize) {
    counter.fetch_add(u64::try_from(amount).unwrap_or(u64::MAX), Relaxed);
}
