//! Workers started ahead: whoever has a document finds one that is loaded, shut in and waiting for it.
//!
//! A worker takes a millisecond to start, most of it to load a large binary, and a fraction of one to read a letter. So
//! as many are started as documents are being gathered, and one for the next when a document has been read, so that starting
//! it takes no time from reading; and no more wait than may work at a time. Each still reads one document and ends. When nothing has been asked for a minute they are let go. One that waits ends by
//! itself when we do: its pipe ends, and it dies with the thread that started it (`PR_SET_PDEATHSIG` is about the thread,
//! not the process), which is therefore one that lives as long as this. Start reading at [`Ahead::announce`].

use super::process::Process;
use std::collections::VecDeque;
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// So long they wait for a next document.
const LINGER: Duration = Duration::from_mins(1);

/// What starts a worker: a program and its arguments.
pub(super) type Recipe = Box<dyn Fn() -> Command + Send + Sync>;

/// The workers that wait.
pub(super) struct Ahead(Arc<Shared>);

struct Shared {
    recipe: Recipe,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// No more wait than this.
    most: usize,
    waiting: VecDeque<Process>,
    /// They have told all, and are only to be buried.
    done: Vec<Process>,
    /// Documents that are being gathered.
    announced: usize,
    /// Something was asked since the thread looked.
    asked: bool,
    /// The thread was started.
    begun: bool,
    /// The thread is to end.
    closed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ahead {
    /// Nothing is started yet.
    pub(super) fn new(recipe: Recipe, most: usize) -> Self {
        let state = Mutex::new(State { most: most.max(1), ..State::default() });
        Self(Arc::new(Shared { recipe, state, changed: Condvar::new() }))
    }

    /// A document is being gathered: it will want a worker.
    pub(super) fn announce(&self) {
        let mut state = self.0.lock();
        state.announced += 1;
        self.ask(state);
    }

    /// It has had one, or was given up.
    pub(super) fn renounce(&self) {
        let mut state = self.0.lock();
        state.announced = state.announced.saturating_sub(1);
        // One for the next is asked for when this document has been read.
        if state.announced > 0 {
            self.ask(state);
        }
    }

    /// A worker that waits, if there is one.
    pub(super) fn take(&self) -> Option<Process> {
        let mut dead = Vec::new();
        let mut state = self.0.lock();
        while let Some(mut process) = state.waiting.pop_front() {
            if process.is_alive() {
                return Some(process);
            }
            dead.push(process);
        }
        None
    }

    /// Takes one that is done: it is killed now, and waited for by somebody who has the time.
    pub(super) fn bury(&self, mut process: Process) {
        process.kill();
        let mut state = self.0.lock();
        if state.begun {
            state.done.push(process);
            self.ask(state);
        }
    }

    /// Lets go of those that wait, now and for good. The thread stays: those at work end with it.
    pub(super) fn retire(&self) {
        self.0.lock().most = 0;
        self.0.changed.notify_one();
    }

    fn ask(&self, mut state: MutexGuard<'_, State>) {
        state.asked = true;
        if !state.begun {
            let shared = Arc::clone(&self.0);
            // Without it each worker is started when its document is there.
            let begun = std::thread::Builder::new().name("workers".to_owned()).spawn(move || tend(&shared));
            state.begun = begun.is_ok();
        }
        drop(state);
        self.0.changed.notify_one();
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.changed.notify_one();
    }
}

impl std::fmt::Debug for Ahead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ahead").finish_non_exhaustive()
    }
}

/// The thread that starts them.
fn tend(shared: &Shared) {
    let mut state = shared.lock();
    let mut is_late = false;
    loop {
        if state.closed {
            // Ended without the lock: somebody may be asking still.
            let ended = std::mem::take(&mut *state);
            drop(state);
            return drop(ended);
        }
        let is_over = state.most == 0 || (std::mem::take(&mut is_late) && !state.asked);
        if is_over {
            let waiting = std::mem::take(&mut state.waiting);
            state.done.extend(waiting);
        }
        let wanted = state.most.min(state.announced.max(1));
        if state.asked && state.waiting.len() < wanted {
            drop(state);
            let started = Process::start((shared.recipe)().stdin(Stdio::piped()));
            state = shared.lock();
            match started {
                Ok(process) => state.waiting.push_back(process),
                // Whoever has a document tries for itself, and says so.
                Err(_) => state.asked = false,
            }
            continue;
        }
        let done = std::mem::take(&mut state.done);
        if !done.is_empty() {
            drop(state);
            drop(done);
            state = shared.lock();
            continue;
        }
        state.asked = false;
        let (next, late) = shared.changed.wait_timeout(state, LINGER).unwrap_or_else(PoisonError::into_inner);
        (state, is_late) = (next, late.timed_out());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Instant;

    fn until(what: impl Fn() -> bool) -> bool {
        let end = Instant::now() + Duration::from_secs(20);
        while !what() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
        what()
    }

    fn ahead(program: &'static str, most: usize) -> (Ahead, Arc<AtomicUsize>) {
        let started = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&started);
        let recipe = move || {
            count.fetch_add(1, Ordering::SeqCst);
            Command::new(program)
        };
        (Ahead::new(Box::new(recipe), most), started)
    }

    #[test]
    fn as_many_wait_as_documents_do_and_no_more_than_may_work() {
        let (ahead, started) = ahead("/bin/cat", 3);
        let waiting = || ahead.0.lock().waiting.len();
        assert_eq!(waiting(), 0);
        ahead.announce();
        assert!(until(|| waiting() == 1));
        let taken = ahead.take();
        ahead.renounce();
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!((waiting(), started.load(Ordering::SeqCst)), (0, 1), "nothing is started while it works");
        // It is buried by the thread, and the next one waits.
        ahead.bury(taken.unwrap());
        assert!(until(|| ahead.0.lock().done.is_empty() && waiting() == 1));
        (0..9).for_each(|_| ahead.announce());
        assert!(until(|| waiting() == 3));
        assert!(ahead.take().is_some());
        ahead.renounce();
        assert!(until(|| waiting() == 3));
        assert_eq!(started.load(Ordering::SeqCst), 5);
        ahead.retire();
        assert!(until(|| waiting() == 0));
        ahead.announce();
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!((waiting(), started.load(Ordering::SeqCst)), (0, 5));
        let shared = Arc::downgrade(&ahead.0);
        drop(ahead);
        assert!(until(|| shared.strong_count() == 0), "the thread ends, and its workers with it");
    }

    #[test]
    fn those_that_died_are_not_given_out_and_not_started_for_ever() {
        let (ahead, started) = ahead("/bin/true", 2);
        ahead.announce();
        ahead.announce();
        let are_dead = || {
            let mut state = ahead.0.lock();
            state.waiting.len() == 2 && state.waiting.iter_mut().all(|one| !one.is_alive())
        };
        assert!(until(are_dead));
        assert!(ahead.take().is_none());
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(started.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_program_that_is_not_there_is_tried_once() {
        let (ahead, started) = ahead("/nowhere/brevdue", 2);
        ahead.announce();
        assert!(until(|| started.load(Ordering::SeqCst) == 1));
        std::thread::sleep(Duration::from_millis(50));
        assert!(ahead.take().is_none() && started.load(Ordering::SeqCst) == 1);
    }
}
