//! Every mbox that is open, so that whoever has time helps with it before he takes the next input.
//!
//! The one who took the input shares it here and works on it to its end; the others come for a portion at a time. So one
//! large mbox keeps all cores busy, and of many the first is done first. Cutting a portion and taking its place happen
//! under one lock, hence places have the order of the messages.

use super::desk::{Desk, guard};
use super::progress::Progress;
use super::shelf::Slot;
use super::{Batch, Job};
use crate::intake::archive::Mbox;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// See the module's head.
pub(super) struct Board<'a, T> {
    state: Mutex<State<'a, T>>,
    /// Who has nothing to do sleeps here.
    news: Condvar,
}

struct State<'a, T> {
    open: Vec<Arc<Open<'a, T>>>,
    /// Workers that have an input in hand, which may turn out to be an mbox.
    busy: usize,
    /// Who sleeps, so that nobody is woken in vain.
    asleep: usize,
}

/// An mbox that is being read.
pub(super) struct Open<'a, T> {
    name: String,
    reading: Mutex<Reading<'a, T>>,
    /// A long message is poured while it is read: until its end nobody else has anything to do here.
    alone: AtomicBool,
}

struct Reading<'a, T> {
    mbox: Mbox,
    /// The input's place, behind those of its portions; `None` when there are no more.
    slot: Option<Slot<'a, T>>,
    portions: u64,
}

impl<'a, T: Default> Board<'a, T> {
    pub(super) fn new() -> Self {
        Self { state: Mutex::new(State { open: Vec::new(), busy: 0, asleep: 0 }), news: Condvar::new() }
    }

    /// An input is about to be taken; to be followed by [`Board::done`].
    pub(super) fn begin(&self) {
        self.lock().busy += 1;
    }

    /// The input that was taken, or was not there, is dealt with.
    pub(super) fn done(&self) {
        let mut state = self.lock();
        state.busy -= 1;
        if state.asleep > 0 {
            self.news.notify_all();
        }
    }

    /// Shares an mbox.
    pub(super) fn share(&self, name: String, mbox: Mbox, slot: Slot<'a, T>) -> Arc<Open<'a, T>> {
        let reading = Mutex::new(Reading { mbox, slot: Some(slot), portions: 0 });
        let open = Arc::new(Open { name, reading, alone: AtomicBool::new(false) });
        self.lock().open.push(Arc::clone(&open));
        self.news.notify_all();
        open
    }

    /// An mbox that may need help.
    pub(super) fn pick(&self) -> Option<Arc<Open<'a, T>>> {
        self.lock().pick()
    }

    /// Waits for one, as long as there can be any.
    pub(super) fn wait(&self) -> Option<Arc<Open<'a, T>>> {
        let mut state = self.lock();
        loop {
            let open = state.pick();
            if open.is_some() || state.busy == 0 {
                return open;
            }
            state.asleep += 1;
            state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.asleep -= 1;
        }
    }

    /// Scans the next portion of an mbox; false when there was none.
    pub(super) fn turn<J: Job<Tally = T>>(
        &self,
        open: &Arc<Open<'a, T>>,
        job: &J,
        progress: &Progress,
        block: &mut Vec<u8>,
    ) -> bool {
        let more = open.turn(job, progress, block, || self.news.notify_all());
        if !more {
            self.lock().open.retain(|other| !Arc::ptr_eq(other, open));
        }
        more
    }

    fn lock(&self) -> MutexGuard<'_, State<'a, T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a, T> State<'a, T> {
    fn pick(&self) -> Option<Arc<Open<'a, T>>> {
        self.open.iter().find(|open| !open.alone.load(Ordering::Relaxed)).cloned()
    }
}

impl<'a, T: Default> Open<'a, T> {
    fn turn<J: Job<Tally = T>>(
        &self,
        job: &J,
        progress: &Progress,
        block: &mut Vec<u8>,
        come_back: impl FnOnce(),
    ) -> bool {
        let mut reading = self.lock();
        let Reading { mbox, slot, portions } = &mut *reading;
        *portions += 1;
        let portion = slot.as_ref().and_then(|slot| {
            let portion = mbox.next(block)?;
            // None when nobody prints any more: then nothing more needs reading.
            Some((portion, slot.before(*portions)?))
        });
        let Some((portion, place)) = portion else {
            *slot = None;
            return false;
        };
        let desk = Desk::new(job, progress, &place);
        let wanted = if portion.is_open() {
            self.alone.store(true, Ordering::Relaxed);
            let wanted = guard(|| desk.portion(&self.name, |desk| mbox.pour_on(portion, block, desk)));
            self.alone.store(false, Ordering::Relaxed);
            drop(reading);
            come_back();
            wanted
        } else {
            drop(reading);
            guard(|| desk.portion(&self.name, |desk| portion.pour(block, desk)))
        };
        let wanted = wanted.unwrap_or_else(|| place.put(Batch::lost()));
        if !wanted {
            self.lock().slot = None;
        }
        wanted
    }

    fn lock(&self) -> MutexGuard<'_, Reading<'a, T>> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
