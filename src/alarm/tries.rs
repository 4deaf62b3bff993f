//! Letters that were not taken and have no row of their own to say when they are tried again: the weekly one, and that of held
//! mail. Without this a refused address would be tried at every round.

use super::stage::backoff;
use crate::store::LONGEST_WAIT;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What failed, and when it may be tried again. A restart tries at once.
#[derive(Debug, Default)]
pub(super) struct Tries(Mutex<BTreeMap<String, (u32, DateTime<Utc>)>>);

impl Tries {
    /// A server that says never is asked once an hour: somebody may have mended the address there.
    const REFUSED: TimeDelta = TimeDelta::hours(1);

    /// Whether it may be tried now. What stands far ahead was written by a clock that has been set back since.
    pub(super) fn may(&self, what: &str, now: DateTime<Utc>) -> bool {
        let tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tries.get(what).is_none_or(|(_, next)| *next <= now || *next - now > LONGEST_WAIT)
    }

    /// It was not taken.
    pub(super) fn failed(&self, what: &str, is_temporary: bool, now: DateTime<Utc>) {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (attempts, next) = tries.entry(what.to_owned()).or_insert((0, now));
        *next = now + if is_temporary { backoff(*attempts) } else { Self::REFUSED };
        *attempts = attempts.saturating_add(1);
    }

    /// It was taken.
    pub(super) fn done(&self, what: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_tried_less_and_less_often_and_a_refusal_hourly() {
        let tries = Tries::default();
        let mut now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        assert!(tries.may("held:a", now));
        for wait in [30, 60, 120] {
            tries.failed("held:a", true, now);
            assert!(!tries.may("held:a", now + TimeDelta::seconds(wait - 1)) && tries.may("held:b", now));
            now += TimeDelta::seconds(wait);
            assert!(tries.may("held:a", now));
        }
        tries.failed("held:a", false, now);
        assert!(!tries.may("held:a", now + TimeDelta::minutes(59)));
        assert!(tries.may("held:a", now - TimeDelta::days(1)), "the clock was ahead");
        tries.done("held:a");
        assert!(tries.may("held:a", now));
    }
}
