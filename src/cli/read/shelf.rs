//! Answers on their way from the workers to the printer, in the order of the inputs.
//!
//! Each input has a place, taken in order; its worker puts batches there, and the printer empties the places from
//! the front. An input that several read gets a place before its own for each of its portions ([`Slot::before`]), in
//! their order, and keeps its own until the last is given out. What waits is bounded: by the number of places, and by
//! bytes over all of them. Whoever is ahead waits then, but the input in front may always take a place, and its place in
//! front put a batch when it has none waiting. So it cannot lock up: the front has a worker, and that worker waits for
//! nobody but the printer.

use super::Batch;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// See the module's head.
pub(super) struct Shelf<T> {
    state: Mutex<State<T>>,
    /// The printer sleeps here.
    news: Condvar,
    /// Workers sleep here.
    room: Condvar,
    places: usize,
    bytes: usize,
}

/// An input's number and its portion's.
type Key = (u64, u64);

/// The place of the input itself, behind all its portions.
const LAST: u64 = u64::MAX;

struct State<T> {
    places: BTreeMap<Key, Waiting<T>>,
    /// Inputs that took a place.
    inputs: u64,
    /// Bytes that wait.
    bytes: usize,
    /// No further place is taken.
    complete: bool,
    /// Nobody prints any more.
    closed: bool,
    /// Who sleeps: waking nobody is a system call too, which a small input would pay several times.
    workers_asleep: usize,
    printer_asleep: bool,
}

struct Waiting<T> {
    batches: VecDeque<Batch<T>>,
    done: bool,
}

/// What the printer finds.
pub(super) enum Found<T> {
    /// The next batch.
    Batch(Batch<T>),
    /// Nothing yet.
    Nothing,
    /// All is printed.
    End,
}

/// The place of an input or of a portion; it is done when this is dropped.
pub(super) struct Slot<'a, T> {
    shelf: &'a Shelf<T>,
    key: Key,
}

impl<T> Shelf<T> {
    /// For so many inputs at once, and about so many bytes of text.
    pub(super) fn new(places: usize, bytes: usize) -> Self {
        let state = State {
            places: BTreeMap::new(),
            inputs: 0,
            bytes: 0,
            complete: false,
            closed: false,
            workers_asleep: 0,
            printer_asleep: false,
        };
        Self { state: Mutex::new(state), news: Condvar::new(), room: Condvar::new(), places, bytes }
    }

    /// Takes the next place, when there is room; `None` when nobody prints any more.
    pub(super) fn place(&self) -> Option<Slot<'_, T>> {
        let mut state = self.wait_for_room(|state| state.places.len() < self.places);
        if state.closed {
            return None;
        }
        let key = (state.inputs, LAST);
        state.inputs += 1;
        Some(self.at(&mut state, key))
    }

    fn at(&self, state: &mut State<T>, key: Key) -> Slot<'_, T> {
        state.places.insert(key, Waiting { batches: VecDeque::new(), done: false });
        Slot { shelf: self, key }
    }

    /// No further place is taken.
    pub(super) fn complete(&self) {
        self.lock().complete = true;
        self.news.notify_one();
    }

    /// Nobody prints any more; workers stop.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.room.notify_all();
    }

    /// What is next to print; waits for it when told to.
    pub(super) fn take(&self, wait: bool) -> Found<T> {
        let mut state = self.lock();
        loop {
            let found = state.next();
            if state.workers_asleep > 0 {
                self.room.notify_all();
            }
            match found {
                Found::Nothing if wait => {
                    state.printer_asleep = true;
                    state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
                    state.printer_asleep = false;
                }
                found @ (Found::Batch(_) | Found::Nothing | Found::End) => return found,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for_room(&self, is_room: impl Fn(&State<T>) -> bool) -> MutexGuard<'_, State<T>> {
        let mut state = self.lock();
        while !state.closed && !is_room(&state) {
            state.workers_asleep += 1;
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.workers_asleep -= 1;
        }
        state
    }
}

impl<T> State<T> {
    fn next(&mut self) -> Found<T> {
        while let Some(mut front) = self.places.first_entry() {
            if let Some(batch) = front.get_mut().batches.pop_front() {
                self.bytes -= batch.text.len();
                return Found::Batch(batch);
            }
            if !front.get().done {
                return Found::Nothing;
            }
            front.remove();
        }
        if self.complete { Found::End } else { Found::Nothing }
    }

    fn front(&self) -> Option<Key> {
        self.places.first_key_value().map(|(key, _)| *key)
    }
}

impl<'a, T> Slot<'a, T> {
    /// The place of a portion of this input, behind those it has; each has a higher number than the one before. `None`
    /// when nobody prints any more.
    pub(super) fn before(&self, portion: u64) -> Option<Slot<'a, T>> {
        let input = self.key.0;
        let is_room = |state: &State<T>| {
            state.places.len() < self.shelf.places || state.front().is_some_and(|front| front.0 == input)
        };
        let mut state = self.shelf.wait_for_room(is_room);
        (!state.closed).then(|| self.shelf.at(&mut state, (input, portion)))
    }

    /// Hands a batch to the printer, when there is room. False when nobody prints any more.
    pub(super) fn put(&self, batch: Batch<T>) -> bool {
        let is_my_turn = |state: &State<T>| {
            state
                .places
                .first_key_value()
                .is_some_and(|(key, front)| *key == self.key && front.batches.is_empty())
        };
        let mut state = self.shelf.wait_for_room(|state| state.bytes < self.shelf.bytes || is_my_turn(state));
        if state.closed {
            return false;
        }
        state.bytes += batch.text.len();
        if let Some(place) = state.places.get_mut(&self.key) {
            place.batches.push_back(batch);
        }
        self.wake_printer(&state);
        true
    }

    fn wake_printer(&self, state: &State<T>) {
        if state.printer_asleep && state.front() == Some(self.key) {
            self.shelf.news.notify_one();
        }
    }
}

impl<T> Drop for Slot<'_, T> {
    fn drop(&mut self) {
        let mut state = self.shelf.lock();
        if let Some(place) = state.places.get_mut(&self.key) {
            place.done = true;
        }
        self.wake_printer(&state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn batch(text: &str) -> Batch<()> {
        Batch { text: text.as_bytes().to_vec(), ..Batch::default() }
    }

    #[test]
    fn however_they_come_they_leave_in_order_and_few_wait() {
        for (places, bytes) in [(1, 1), (2, 1), (7, 20), (100, 1_000_000)] {
            let shelf = Shelf::new(places, bytes);
            let counter = Mutex::new(0..50_u64);
            let mut printed = String::new();
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        loop {
                            let mut open = counter.lock().unwrap();
                            let Some(number) = open.next() else {
                                shelf.complete();
                                break;
                            };
                            let slot = shelf.place().unwrap();
                            drop(open);
                            for part in 0..number % 4 {
                                assert!(slot.put(batch(&format!("{number}.{part} "))));
                                assert!(shelf.lock().bytes < bytes + 4 * 8, "who is ahead waits");
                            }
                        }
                    });
                }
                loop {
                    match shelf.take(true) {
                        Found::Batch(batch) => printed.push_str(std::str::from_utf8(&batch.text).unwrap()),
                        Found::Nothing => unreachable!("it waits"),
                        Found::End => break,
                    }
                }
            });
            let expected: String =
                (0..50_u64).flat_map(|n| (0..n % 4).map(move |part| format!("{n}.{part} "))).collect();
            assert_eq!(printed, expected);
            assert_eq!(shelf.lock().bytes, 0);
        }
    }

    #[test]
    fn nobody_waits_for_a_printer_that_has_gone() {
        let shelf = Shelf::new(1, 1);
        let slot = shelf.place().unwrap();
        assert!(slot.put(batch("a")));
        thread::scope(|scope| {
            let worker = scope.spawn(|| slot.put(batch("b")));
            shelf.close();
            assert!(!worker.join().unwrap());
        });
        assert!(shelf.place().is_none());
    }
}
