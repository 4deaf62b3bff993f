//! What stands in an archive: mails, persons and days, for each controller. Copies count once.

use crate::case::CaseId;
use crate::inspect::archived::{Find, Mail, Recorded, Was, may_be_one};
use crate::scan::Report;
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
    /// Not all of it could be read, whatever was found in the rest.
    pub(super) partial: u64,
    /// Their names and what was not read, the first of them.
    pub(super) unread: Vec<String>,
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

    /// `name` is asked for where the mail is named.
    pub(super) fn count(&mut self, mail: &Mail, report: &Report, name: impl FnOnce() -> String) {
        self.mails += 1;
        self.bytes += report.sketch.bytes();
        self.leaks += u64::from(report.leaks());
        if let [first, more @ ..] = report.coverage.unread() {
            self.partial += 1;
            if self.unread.len() < Self::NAMES {
                let member = first.member.as_ref().map(|member| format!(", {member}")).unwrap_or_default();
                let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
                self.unread.push(format!("{}: part {}{member} ({}){more}", name(), first.part, first.reason));
            }
        }
        self.journaled += u64::from(mail.journaled);
        self.undated += u64::from(mail.sent_at.is_none());
    }

    pub(super) fn add(&mut self, other: Self) {
        self.mails += other.mails;
        self.bytes += other.bytes;
        self.leaks += other.leaks;
        self.partial += other.partial;
        self.journaled += other.journaled;
        self.undated += other.undated;
        self.inside += other.inside;
        self.received += other.received;
        self.nobodys += other.nobodys;
        for (names, others) in [(&mut self.nameless, other.nameless), (&mut self.unread, other.unread)] {
            let room = Self::NAMES.saturating_sub(names.len());
            names.extend(others.into_iter().take(room));
        }
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
    /// Whether there may be more persons: of a mail with very many not all are counted, and some mails are not read whole.
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
    /// The parts of mails by [`Find::letter`]; two letters with one Message-ID differ by their days.
    mails: HashMap<Digest, Vec<Seen>>,
    /// Different mails with a number, however many controllers one concerns, and whichever of them its copies name.
    pub(super) different: u64,
    /// Mails of the house with a number that were read, copies included.
    pub(super) with_number: u64,
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

/// What was seen in this run of a mail's part.
struct Seen {
    content: Digest,
    /// The mail's day; all of its parts have it, or none.
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
        let seen = self.mails.entry(find.letter).or_default();
        let sent_at = find.sent_at.or_else(|| seen.iter().find_map(|one| one.sent_at));
        for one in seen.iter_mut() {
            one.sent_at = one.sent_at.or(sent_at);
        }
        self.different += u64::from(seen.iter().all(|one| one.sent_at != sent_at));
        let known = seen.iter_mut().find(|one| one.content == find.content && one.sent_at == sent_at);
        let sight = if let Some(one) = known {
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
            let one = Seen { content: find.content, sent_at, telling: vec![telling], cause, was: None };
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
            let mut seen = self.mails.get_mut(&find.letter).into_iter().flatten();
            let is_it =
                |seen: &&mut Seen| seen.content == find.content && may_be_one(seen.sent_at, find.sent_at);
            let Some(seen) = seen.find(is_it) else { continue };
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

    /// Mails that were counted already in this run.
    pub(super) fn copies(&self) -> u64 {
        self.with_number.saturating_sub(self.different)
    }

    /// The cases that the finds are in.
    pub(super) fn cases(&self) -> &BTreeSet<CaseId> {
        &self.cases
    }
}
