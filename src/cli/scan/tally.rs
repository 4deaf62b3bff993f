//! What was looked at and what came of it: the exit code and the last line.

use crate::cli::output::Summary;
use crate::scan::{Report, Verdict};
use std::collections::HashSet;
use std::time::Duration;

/// Counts of some items.
#[derive(Default)]
pub(super) struct Tally {
    /// Messages and documents that were read.
    pub(super) items: u64,
    bytes: u64,
    leaks: u64,
    partial: u64,
    protected: u64,
    findings: u64,
    unread: u64,
    persons: HashSet<[u8; 10]>,
    more_persons: bool,
}

impl Tally {
    /// Different persons are counted to here, so that memory stays bounded; more are said to be more.
    const PERSONS: usize = 1_000_000;

    /// Counts an item.
    pub(super) fn count(&mut self, report: &Report) {
        self.items += 1;
        self.bytes += report.sketch.bytes();
        self.findings += report.count();
        self.unread += report.coverage.unread().len() as u64;
        match report.verdict() {
            Verdict::Clean => {}
            Verdict::Protected => self.protected += 1,
            Verdict::Partial => self.partial += 1,
            Verdict::Leak => self.leaks += 1,
        }
        let persons = report.person_numbers();
        self.more_persons |= !persons.is_exact();
        self.join(persons.reveal());
    }

    fn join(&mut self, persons: impl Iterator<Item = [u8; 10]>) {
        for person in persons {
            if self.persons.len() < Self::PERSONS {
                self.persons.insert(person);
            } else {
                self.more_persons |= !self.persons.contains(&person);
            }
        }
    }

    /// Adds another.
    pub(super) fn add(&mut self, other: Self) {
        self.items += other.items;
        self.bytes += other.bytes;
        self.leaks += other.leaks;
        self.partial += other.partial;
        self.protected += other.protected;
        self.findings += other.findings;
        self.unread += other.unread;
        self.more_persons |= other.more_persons;
        self.join(other.persons.into_iter());
    }

    /// The contract of `scan`. What could not be read at all goes before everything: whoever asks "is it
    /// clean?" has no answer then.
    pub(super) fn exit_code(&self, troubles: u64) -> u8 {
        if troubles > 0 {
            2
        } else if self.leaks > 0 {
            1
        } else if self.partial > 0 {
            3
        } else {
            0
        }
    }

    /// For the last line.
    pub(super) fn summary(&self, troubles: u64, skipped: u64, took: Duration) -> Summary {
        Summary {
            items: self.items,
            bytes: self.bytes,
            leaks: self.leaks,
            partial: self.partial,
            protected: self.protected,
            findings: self.findings,
            persons: self.persons.len() as u64,
            more_persons: self.more_persons,
            unread: self.unread,
            troubles,
            skipped,
            took,
        }
    }
}
