//! What stands in an archive: mails, persons and days, for each controller. Copies count once.

use crate::case::CaseId;
use crate::inspect::archived::{Find, Mail, Recorded, Was, may_be_one};
use crate::scan::Report;
use crate::scan::Verdict;
use crate::seal::{Digest, NodeKey};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

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
    /// With a number, from a sender outside.
    pub(super) received: u64,
    /// With a number, and no header tells who sent it.
    pub(super) nobodys: u64,
    /// Their names, the first of them.
    pub(super) nameless: Vec<String>,
    /// Files that are no mail.
    pub(super) aside: u64,
    /// Files that were not opened, in which mail may lie.
    pub(super) closed: u64,
}

impl Read {
    /// So many files are named.
    pub(super) const NAMES: usize = 20;

    /// No header of this one tells who sent it.
    pub(super) fn count_nobodys(&mut self, name: String) {
        self.nobodys += 1;
        if self.nameless.len() < Self::NAMES {
            self.nameless.push(name);
        }
    }

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
        self.received += other.received;
        self.nobodys += other.nobodys;
        let room = Self::NAMES.saturating_sub(self.nameless.len());
        self.nameless.extend(other.nameless.iter().take(room).cloned());
        self.aside += other.aside;
        self.closed += other.closed;
    }
}

/// What an archive holds of one controller's.
#[derive(Default)]
pub(super) struct Share {
    pub(super) name: String,
    /// Different mails.
    pub(super) mails: u64,
    persons: HashSet<Digest>,
    /// Whether there are more persons: of a mail with very many not all are counted.
    pub(super) more_persons: bool,
    pub(super) first: Option<DateTime<Utc>>,
    pub(super) last: Option<DateTime<Utc>>,
    /// Templates of named sources, or senders, and how many mails each has: that many cases.
    groups: HashMap<Digest, u64>,
}

impl Share {
    pub(super) fn persons(&self) -> u64 {
        self.persons.len() as u64
    }

    pub(super) fn groups(&self) -> u64 {
        self.groups.len() as u64
    }

    /// A mail belongs to this cause, and not to the one of which a poorer copy of it was.
    fn group(&mut self, cause: Digest, not: Option<Digest>) {
        *self.groups.entry(cause).or_default() += 1;
        let Some(not) = not else { return };
        let left = self.groups.remove(&not).unwrap_or_default().saturating_sub(1);
        if left > 0 {
            self.groups.insert(not, left);
        }
    }
}

/// See the module's head.
#[derive(Default)]
pub(super) struct Tally {
    /// By what copies have in common; two letters with one Message-ID differ by their days.
    mails: HashMap<Digest, Vec<Seen>>,
    /// Different mails with a number, however many controllers one concerns.
    pub(super) different: u64,
    /// Of a mail that was counted already in this run.
    pub(super) copies: u64,
    /// By CVR number.
    pub(super) shares: BTreeMap<String, Share>,
    cases: BTreeSet<CaseId>,
    pub(super) opened: u64,
    /// In the register before this run.
    pub(super) known: u64,
    pub(super) new: u64,
    /// In the register as stopped, and left so.
    pub(super) averted: u64,
    /// The cases of those.
    pub(super) averted_in: BTreeSet<CaseId>,
    /// Cases that were suspected before.
    pub(super) confirmed: BTreeSet<CaseId>,
    /// Cases that were settled, and that something new belongs to.
    pub(super) after: BTreeSet<CaseId>,
}

/// What was seen of a mail in this run.
struct Seen {
    sent_at: Option<DateTime<Utc>>,
    /// [`Find::telling`] of all copies.
    telling: Vec<u64>,
    /// [`Find::cause`] of the copy by which it belongs where it does.
    cause: (bool, Digest),
    was: Option<Was>,
}

/// What a find is to the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// The first of its mail.
    First,
    /// A copy that says more than those before.
    More,
    /// A copy that says nothing more.
    Copy,
}

impl Tally {
    /// Counts a find.
    pub(super) fn add(&mut self, find: &Find, key: &NodeKey) -> Sight {
        let telling = find.telling(key);
        let cause = find.cause();
        let share = self.shares.entry(find.controller.cvr.clone()).or_default();
        let seen = self.mails.entry(find.content).or_default();
        let known = seen.iter_mut().find(|one| may_be_one(one.sent_at, find.sent_at));
        let sight = if let Some(one) = known {
            one.sent_at = one.sent_at.or(find.sent_at);
            if one.telling.contains(&telling) {
                return Sight::Copy;
            }
            one.telling.push(telling);
            if cause < one.cause {
                share.group(cause.1, Some(one.cause.1));
                one.cause = cause;
            }
            Sight::More
        } else {
            share.group(cause.1, None);
            // Room for one: most mails have no other, and no copy that says more.
            let one = Seen { sent_at: find.sent_at, telling: vec![telling], cause, was: None };
            seen.reserve_exact(1);
            seen.push(one);
            Sight::First
        };
        share.name.clone_from(&find.controller.name);
        share.mails += u64::from(sight == Sight::First);
        share.persons.extend(find.numbers().iter().map(|number| key.digest("archive-person", &[number])));
        share.more_persons |= !find.is_exact();
        if let Some(at) = find.sent_at {
            share.first = Some(share.first.map_or(at, |first| first.min(at)));
            share.last = Some(share.last.map_or(at, |last| last.max(at)));
        }
        sight
    }

    /// What became of some finds. A mail counts once: a copy that was recorded after it is known through this run.
    pub(super) fn recorded(&mut self, finds: &[Find], recorded: &[Recorded]) {
        for (find, one) in finds.iter().zip(recorded) {
            self.cases.insert(one.case.clone());
            self.opened += u64::from(one.opened);
            for (is_so, cases) in [
                (one.was == Was::Averted, &mut self.averted_in),
                (one.confirmed, &mut self.confirmed),
                (one.after, &mut self.after),
            ] {
                if is_so {
                    cases.insert(one.case.clone());
                }
            }
            let seen = self.mails.get_mut(&find.content).into_iter().flatten();
            let Some(seen) = seen.into_iter().find(|seen| may_be_one(seen.sent_at, find.sent_at)) else {
                continue;
            };
            // Who records a copy may come before who records its mail.
            let rank = |was: Was| match was {
                Was::Averted => 0,
                Was::Known => 1,
                Was::New => 2,
            };
            if seen.was.is_some_and(|was| rank(was) >= rank(one.was)) {
                continue;
            }
            if let Some(was) = seen.was.replace(one.was) {
                *Self::count_of(&mut self.averted, &mut self.known, &mut self.new, was) -= 1;
            }
            *Self::count_of(&mut self.averted, &mut self.known, &mut self.new, one.was) += 1;
        }
    }

    fn count_of<'c>(averted: &'c mut u64, known: &'c mut u64, new: &'c mut u64, was: Was) -> &'c mut u64 {
        match was {
            Was::Averted => averted,
            Was::Known => known,
            Was::New => new,
        }
    }

    /// The cases that the finds are in.
    pub(super) fn cases(&self) -> &BTreeSet<CaseId> {
        &self.cases
    }
}
