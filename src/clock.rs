//! The time, as an argument.
//!
//! The only file that asks the machine what time it is. Every room that needs the time is given it, so
//! that a deadline can be tested in March what it does in October. Start reading at [`Clock`].

use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Where the time comes from: the machine, or a test that turns the hands itself.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's own clock.
    #[default]
    System,
    /// A clock that stands still until it is moved.
    Virtual(VirtualClock),
}

impl Clock {
    /// The time now, in UTC with whole seconds: the register's resolution.
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            Self::System => whole_seconds(machine_time()),
            Self::Virtual(clock) => clock.now(),
        }
    }
}

/// A clock for tests: it stands where it was put.
#[derive(Clone, Debug)]
pub struct VirtualClock(Arc<AtomicI64>);

impl VirtualClock {
    /// A clock that stands at `start`.
    pub fn at(start: DateTime<Utc>) -> Self {
        Self(Arc::new(AtomicI64::new(start.timestamp())))
    }

    /// Puts the hands at `time`, forward or back.
    pub fn set(&self, time: DateTime<Utc>) {
        self.0.store(time.timestamp(), Ordering::SeqCst);
    }

    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.0.load(Ordering::SeqCst), 0).unwrap_or_default()
    }
}

fn whole_seconds(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(time.timestamp(), 0).unwrap_or(time)
}

#[allow(clippy::disallowed_methods, reason = "this is the one place that may ask")]
fn machine_time() -> DateTime<Utc> {
    Utc::now()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn a_virtual_clock_stands_where_it_was_put() {
        let start = Utc.with_ymd_and_hms(2026, 11, 17, 9, 20, 0).unwrap();
        let hands = VirtualClock::at(start);
        let clock = Clock::Virtual(hands.clone());
        assert_eq!(clock.now(), start);
        let earlier = Utc.with_ymd_and_hms(2026, 3, 27, 13, 30, 0).unwrap();
        hands.set(earlier);
        assert_eq!(clock.now(), earlier, "a clock may jump back");
    }

    #[test]
    fn the_system_clock_counts_whole_seconds() {
        assert_eq!(Clock::System.now().timestamp_subsec_nanos(), 0);
    }
}
