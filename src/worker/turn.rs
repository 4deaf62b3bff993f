//! Who may start next: so many at once, and nobody waits for ever.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

/// So many turns.
#[derive(Debug)]
pub(super) struct Turns {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A turn, given back when this is dropped.
pub(super) struct Turn<'a>(&'a Turns);

impl Turns {
    pub(super) fn new(count: usize) -> Self {
        Self { free: Mutex::new(count.max(1)), freed: Condvar::new() }
    }

    /// Waits for a turn; `None` when there was none in time.
    pub(super) fn take(&self, until: Instant) -> Option<Turn<'_>> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            let left = until.checked_duration_since(Instant::now())?;
            free = self.freed.wait_timeout(free, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *free -= 1;
        Some(Turn(self))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_turn_is_waited_for_and_not_for_ever() {
        let turns = Turns::new(1);
        let soon = || Instant::now() + Duration::from_millis(20);
        let first = turns.take(soon());
        assert!(first.is_some() && turns.take(soon()).is_none());
        drop(first);
        assert!(turns.take(soon()).is_some());
    }
}
