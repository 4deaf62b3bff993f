//! The register is away, and is back: said once each, and once a minute between, however many mails and clerks meet it.
//!
//! Whoever else meets a register that is away says so at DEBUG, while [`Outage::is_open`]. Only what was written ends it: a server
//! that can be read and not written is away. Time is an argument. Tests: below.

use super::StoreError;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// An error of whoever meets the register, which is no news while it is away.
macro_rules! error_unless_away {
    ($store:expr, $($said:tt)+) => {
        if $store.is_away() { tracing::debug!($($said)+) } else { tracing::error!($($said)+) }
    };
}
pub(crate) use error_unless_away;

/// What is known of it.
#[derive(Default)]
pub(super) struct Outage {
    /// The same as whether there is something in `open`: most calls ask no more.
    is_open: AtomicBool,
    open: Mutex<Option<Open>>,
}

struct Open {
    since: Instant,
    said: Instant,
    last: Instant,
    failures: u64,
}

/// What is to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Saying {
    Begins,
    /// So long, and so many failures.
    Goes(Duration, u64),
    Ends(Duration, u64),
}

impl Outage {
    /// It is said again so often.
    const AGAIN: Duration = Duration::from_mins(1);

    /// Something could not be written or asked for this reason.
    pub(super) fn failed(&self, error: &StoreError) {
        if !error.is_outage() {
            return;
        }
        match self.meet(Instant::now()) {
            Some(Saying::Begins) => tracing::error!(
                %error,
                "the register cannot be written: mail with a finding is answered 451 until it can, and alerts wait"
            ),
            Some(Saying::Goes(long, failures)) => {
                tracing::error!(%error, seconds = long.as_secs(), failures, "the register still cannot be written");
            }
            Some(Saying::Ends(..)) | None => {}
        }
    }

    /// Something was written.
    pub(super) fn wrote(&self) {
        if !self.is_open() {
            return;
        }
        if let Some(Saying::Ends(long, failures)) = self.end(Instant::now()) {
            tracing::warn!(seconds = long.as_secs(), failures, "the register can be written again");
        }
    }

    /// Whether it is away, as far as is known.
    pub(super) fn is_open(&self) -> bool {
        self.is_open.load(Relaxed)
    }

    /// How long ago it was last met, while it is away.
    pub(super) fn last_met(&self) -> Option<Duration> {
        self.lock().as_ref().map(|open| open.last.elapsed())
    }

    fn meet(&self, now: Instant) -> Option<Saying> {
        let mut open = self.lock();
        self.is_open.store(true, Relaxed);
        let Some(open) = open.as_mut() else {
            *open = Some(Open { since: now, said: now, last: now, failures: 1 });
            return Some(Saying::Begins);
        };
        open.failures += 1;
        open.last = now;
        (now - open.said >= Self::AGAIN).then(|| {
            open.said = now;
            Saying::Goes(now - open.since, open.failures)
        })
    }

    fn end(&self, now: Instant) -> Option<Saying> {
        let ended = self.lock().take();
        self.is_open.store(false, Relaxed);
        ended.map(|open| Saying::Ends(now - open.since, open.failures))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_when_it_begins_once_a_minute_and_when_it_ends() {
        let outage = Outage::default();
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        assert_eq!(outage.end(at(0)), None);
        assert_eq!(outage.meet(at(0)), Some(Saying::Begins));
        let said: Vec<_> = (1..150).filter_map(|second| outage.meet(at(second))).collect();
        let minute = |minutes, failures| Saying::Goes(Duration::from_mins(minutes), failures);
        assert_eq!(said, [minute(1, 61), minute(2, 121)]);
        assert!(outage.is_open());
        assert_eq!(outage.end(at(150)), Some(Saying::Ends(Duration::from_secs(150), 150)));
        assert!(!outage.is_open() && outage.last_met().is_none());
        assert_eq!(outage.meet(at(160)), Some(Saying::Begins));
    }
}
