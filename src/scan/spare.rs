//! The buffers of the last message, for the next one on the same thread.
//!
//! A short mail is read in less time than its buffers take to make. So a thread keeps those of one message: never more,
//! never if some field of it made them large, and never if its reading was broken off. Nothing of what was read is told
//! again: both halves are renewed before they are lent ([`Walker::renew`], [`Reader::renew`]). The rules of that
//! message stay in memory with them until the thread's next one, or its end. Start reading at [`take`]. Tests:
//! `tests/reuse.rs`.

use super::Day;
use super::reader::Reader;
use super::ruleset::Ruleset;
use crate::mime::Walker;
use std::cell::Cell;
use std::sync::Arc;

/// What reads a message.
pub(super) struct Machine {
    pub(super) walker: Walker,
    pub(super) reader: Reader,
}

/// The most bytes a walker may hold to be kept; what else there is has a size of its own, about 30 KiB.
const MOST: usize = 32 * 1024;

thread_local! {
    static SPARE: Cell<Option<Box<Machine>>> = const { Cell::new(None) };
}

/// A machine for a message under these rules.
pub(super) fn take(rules: Arc<Ruleset>, today: Day) -> Box<Machine> {
    // A thread that ends has no spare any more.
    if let Some(mut machine) = SPARE.try_with(Cell::take).ok().flatten() {
        machine.walker.renew(rules.header_filter());
        machine.reader.renew(rules, today);
        return machine;
    }
    let walker = Walker::new().with_headers(rules.header_filter());
    Box::new(Machine { walker, reader: Reader::new(rules, today) })
}

/// Takes back the machine of a message that has ended.
pub(super) fn keep(machine: Box<Machine>) {
    if machine.walker.held() <= MOST {
        // Where the thread ends, the machine ends with it.
        SPARE.try_with(|spare| spare.set(Some(machine))).ok();
    }
}
