//! Many answers wait for one fsync: writers that come while another writes join its transaction.
//!
//! Each does its work alone, in a savepoint of its own, so that one that fails takes nothing with it. Who finds nobody waiting
//! behind it commits for all; nobody's work counts before that commit is on disk. *Start reading at* [`Group::record`].

use super::Run;
use crate::store::StoreError;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Makes a connection that writes.
pub(in crate::store) type Connect = Box<dyn Fn() -> Result<Box<dyn Run + Send>, StoreError> + Send + Sync>;

/// Those who write.
pub(in crate::store) struct Group {
    state: Mutex<State>,
    settled: Condvar,
    /// Who is at the door.
    waiting: AtomicUsize,
    connect: Connect,
    begin: &'static str,
}

struct State {
    writer: Option<Box<dyn Run + Send>>,
    /// The transaction that is open.
    open: Option<Open>,
    /// How many transactions have ended.
    ended: u64,
    /// Those of them that failed, how many have not heard of it, and why.
    failed: BTreeMap<u64, (usize, String)>,
    /// When the last try to begin began, if it failed, and why: who waited through all of it does not try once more.
    refused: Option<(Instant, String)>,
}

struct Open {
    members: usize,
    /// How many savepoints were set. The last stands still: it goes with the next one's, which saves a server a question.
    savepoints: usize,
    since: Instant,
}

impl Group {
    /// So many share a transaction at most,
    const MOST: usize = 512;
    /// and it is kept open for so long at most: the first of them waits for it.
    const LONGEST: Duration = Duration::from_millis(50);

    pub(in crate::store) fn new(
        writer: Option<Box<dyn Run + Send>>,
        connect: Connect,
        begin: &'static str,
    ) -> Self {
        let state = State { writer, open: None, ended: 0, failed: BTreeMap::new(), refused: None };
        Self {
            state: Mutex::new(state),
            settled: Condvar::new(),
            waiting: AtomicUsize::new(0),
            connect,
            begin,
        }
    }

    /// Does this work in a transaction: all of it is on disk when this returns, or none of it happened.
    ///
    /// # Errors
    /// When the work fails, or the register cannot be written.
    pub(in crate::store) fn record<T>(
        &self,
        work: impl FnOnce(&dyn Run) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let came = Instant::now();
        self.waiting.fetch_add(1, SeqCst);
        let mut state = self.lock();
        self.waiting.fetch_sub(1, SeqCst);
        if state.open.is_none() {
            if let Some((_, why)) = state.refused.as_ref().filter(|(began, _)| came < *began) {
                return Err(StoreError::Commit(why.clone()));
            }
            let began = Instant::now();
            let begun = self.begin(&mut state);
            state.refused = begun.as_ref().err().map(|error| (began, error.to_string()));
            begun?;
        }
        let batch = state.ended;
        let worked = catch_unwind(AssertUnwindSafe(|| Self::work(&mut state, work)));
        if let (Ok(Ok(_)), Some(open)) = (&worked, &mut state.open) {
            open.members += 1;
        }
        let is_member = matches!(worked, Ok(Ok(_)));
        if !is_member && state.writer.as_ref().is_none_or(|writer| !writer.is_within()) {
            // A full disk undoes more than the statement that met it: nobody's work of this transaction is there.
            self.fail(&mut state, "the transaction was undone by another's failure");
        }
        let is_full = state
            .open
            .as_ref()
            .is_some_and(|open| open.members >= Self::MOST || open.since.elapsed() >= Self::LONGEST);
        if is_full || self.waiting.load(SeqCst) == 0 {
            self.end(&mut state);
        }
        if is_member {
            while state.ended == batch {
                state = self.settled.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            Self::hear(&mut state, batch)?;
        }
        drop(state);
        worked.unwrap_or_else(|panic| resume_unwind(panic))
    }

    fn writer<'a>(&self, state: &'a mut State) -> Result<&'a dyn Run, StoreError> {
        if state.writer.as_ref().is_none_or(|writer| writer.is_lost()) {
            state.writer = None;
            state.writer = Some((self.connect)()?);
        }
        match &state.writer {
            Some(writer) => Ok(&**writer),
            None => Err(StoreError::Commit("no connection".to_owned())),
        }
    }

    fn begin(&self, state: &mut State) -> Result<(), StoreError> {
        let writer = self.writer(state)?;
        if let Err(error) = writer.batch(self.begin) {
            // Half a beginning may have happened.
            drop(writer.batch("ROLLBACK"));
            return Err(error);
        }
        state.open = Some(Open { members: 0, savepoints: 0, since: Instant::now() });
        Ok(())
    }

    fn work<T>(
        state: &mut State,
        work: impl FnOnce(&dyn Run) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let (Some(writer), Some(open)) = (&state.writer, &mut state.open) else {
            return Err(StoreError::Commit("no connection".to_owned()));
        };
        // Each has a name of its own: where the one before could not be released, nobody goes back to it, for it is another's.
        let (last, savepoint) = (open.savepoints, open.savepoints + 1);
        writer.batch_later(&if last == 0 {
            format!("SAVEPOINT member{savepoint}")
        } else {
            format!("RELEASE SAVEPOINT member{last}; SAVEPOINT member{savepoint}")
        })?;
        open.savepoints = savepoint;
        let mut member = Member { writer: &**writer, savepoint, is_done: false };
        let done = work(&**writer)?;
        writer.settle()?;
        member.is_done = true;
        Ok(done)
    }

    /// Commits for all who are in it.
    fn end(&self, state: &mut State) {
        let Some(open) = state.open.take() else { return };
        let ended = match &state.writer {
            Some(writer) => writer.commit(),
            None => Err(StoreError::Commit("no connection".to_owned())),
        };
        if let Err(error) = ended {
            state.open = Some(open);
            self.fail(state, &error.to_string());
            return;
        }
        state.ended += 1;
        self.settled.notify_all();
    }

    /// The transaction is gone, with all that was done in it.
    fn fail(&self, state: &mut State, why: &str) {
        let Some(open) = state.open.take() else { return };
        if let Some(writer) = &state.writer {
            // It may be gone already.
            drop(writer.batch("ROLLBACK"));
        }
        if open.members > 0 {
            state.failed.insert(state.ended, (open.members, why.to_owned()));
        }
        state.ended += 1;
        self.settled.notify_all();
    }

    fn hear(state: &mut State, batch: u64) -> Result<(), StoreError> {
        let Some((left, why)) = state.failed.get_mut(&batch) else { return Ok(()) };
        let error = StoreError::Commit(why.clone());
        *left -= 1;
        if *left == 0 {
            state.failed.remove(&batch);
        }
        Err(error)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while it was held has undone its own work.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who works in the transaction; what it did is undone when it fails or panics.
struct Member<'a> {
    writer: &'a dyn Run,
    savepoint: usize,
    is_done: bool,
}

impl Drop for Member<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            drop(self.writer.batch(&format!("ROLLBACK TO SAVEPOINT member{}", self.savepoint)));
        }
    }
}
