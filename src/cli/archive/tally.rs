//! What stands in an archive: mails, persons and days, for each controller. Copies count once.

use crate::case::CaseId;
use crate::inspect::archived::{Find, Mail, Recorded};
use crate::scan::Report;
use crate::scan::Verdict;
use crate::seal::{Digest, NodeKey};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// What was read, copies included.
#[derive(Default)]
pub(super) struct Read {
    pub(super) mails: u64,
    pub(super) bytes: u64,
    /// With the number of a person.
    pub(super) leaks: u64,
    /// Nothing was found, and not all of it could be read.
    pub(super) partial: u64,
    /// Whose envelope a journal report told.
    pub(super) journaled: u64,
    /// That say no day that can be.
    pub(super) undated: u64,
    /// With a number, that never left the house.
    pub(super) inside: u64,
    /// Files that are no mail.
    pub(super) aside: u64,
}

impl Read {
    pub(super) fn count(&mut self, mail: &Mail, report: &Report) {
        self.mails += 1;
        self.bytes += report.sketch.bytes();
        self.leaks += u64::from(report.leaks());
        self.partial += u64::from(report.verdict() == Verdict::Partial);
        self.journaled += u64::from(mail.journaled);
        self.undated += u64::from(mail.sent_at.is_none());
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.mails += other.mails;
        self.bytes += other.bytes;
        self.leaks += other.leaks;
        self.partial += other.partial;
        self.journaled += other.journaled;
        self.undated += other.undated;
        self.inside += other.inside;
        self.aside += other.aside;
    }
}

/// What an archive holds of one controller's.
#[derive(Default)]
pub(super) struct Share {
    pub(super) name: String,
    /// Different mails.
    pub(super) mails: u64,
    persons: HashSet<Digest>,
    /// Whether that is all persons: of a mail with very many not all are counted.
    pub(super) more_persons: bool,
    pub(super) first: Option<DateTime<Utc>>,
    pub(super) last: Option<DateTime<Utc>>,
    /// Templates of named sources, or senders: that many cases.
    groups: HashSet<Digest>,
}

impl Share {
    pub(super) fn persons(&self) -> u64 {
        self.persons.len() as u64
    }

    pub(super) fn groups(&self) -> u64 {
        self.groups.len() as u64
    }
}

/// See the module's head.
#[derive(Default)]
pub(super) struct Tally {
    contents: HashSet<Digest>,
    /// Of a mail that was counted already in this run.
    pub(super) copies: u64,
    /// By CVR number.
    pub(super) shares: BTreeMap<String, Share>,
    cases: BTreeSet<CaseId>,
    pub(super) opened: u64,
    /// In the register before this run.
    pub(super) known: u64,
    pub(super) new: u64,
}

impl Tally {
    /// Counts a find; false when a copy of it was counted before.
    pub(super) fn add(&mut self, find: &Find, key: &NodeKey) -> bool {
        if !self.contents.insert(find.content) {
            self.copies += 1;
            return false;
        }
        let share = self.shares.entry(find.controller.cvr.clone()).or_default();
        share.name.clone_from(&find.controller.name);
        share.mails += 1;
        share.persons.extend(find.numbers().iter().map(|number| key.digest("archive-person", &[number])));
        share.more_persons |= !find.is_exact();
        share.groups.insert(find.grouping);
        if let Some(at) = find.sent_at {
            share.first = Some(share.first.map_or(at, |first| first.min(at)));
            share.last = Some(share.last.map_or(at, |last| last.max(at)));
        }
        true
    }

    /// What became of some finds.
    pub(super) fn recorded(&mut self, recorded: &[Recorded]) {
        for one in recorded {
            self.cases.insert(one.case.clone());
            self.opened += u64::from(one.opened);
            *(if one.known { &mut self.known } else { &mut self.new }) += 1;
        }
    }

    /// The cases that the finds are in.
    pub(super) fn cases(&self) -> &BTreeSet<CaseId> {
        &self.cases
    }
}
