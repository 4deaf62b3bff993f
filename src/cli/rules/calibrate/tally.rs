//! What was found against what is right, counted.
//!
//! Keeps names of files and places, and no number beyond the message that is being compared. Start reading at
//! [`Tally::compare`]. Tests: `tests/explain.rs`.

use super::truth::{Number, Right};
use crate::cli::read::Item;
use crate::cpr::Kind;
use crate::scan::Explained;
use crate::scan::finding::Confidence;
use std::collections::{BTreeMap, HashMap, HashSet};

/// How many places of wrong and missed numbers are kept.
const PLACES: usize = 1000;

/// Bins of sums below and above are one.
const BINS: (i16, i16) = (-8, 12);

/// Counts of some messages.
#[derive(Default)]
pub(super) struct Tally {
    names: HashSet<String>,
    twice: Option<String>,
    /// Messages that the truth does not know.
    pub(super) unknown: u64,
    /// Found and neither right nor wrong.
    pub(super) neutral: u64,
    /// Right numbers.
    pub(super) right: u64,
    /// Right numbers that were candidates and not reported,
    pub(super) unreported: u64,
    /// that were none in a message that was read whole,
    pub(super) unseen: u64,
    /// or in one with parts that were not read.
    pub(super) unread: u64,
    found: BTreeMap<Confidence, Share>,
    kinds: BTreeMap<(Kind, Confidence), Share>,
    bins: BTreeMap<i16, Bin>,
    reasons: HashMap<String, Blame>,
    /// Likely or certain, and wrong.
    pub(super) wrong: Vec<Spot>,
    /// Right, and less than likely.
    pub(super) missed: Vec<Spot>,
}

/// How many of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Share {
    pub(super) all: u64,
    pub(super) right: u64,
}

impl Share {
    fn count(&mut self, right: bool) {
        self.all += 1;
        self.right += u64::from(right);
    }

    fn add(&mut self, other: Self) {
        self.all += other.all;
        self.right += other.right;
    }

    /// `None` of nothing.
    #[allow(clippy::cast_precision_loss, reason = "counts of findings are far below 2^52")]
    pub(super) fn share(self) -> Option<f64> {
        (self.all > 0).then(|| self.right as f64 / self.all as f64)
    }
}

/// Candidates of about one sum.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bin {
    pub(super) share: Share,
    /// Probabilities that the sums promise, added up.
    promised: f64,
    /// Their variances.
    variance: f64,
}

impl Bin {
    #[allow(clippy::cast_precision_loss, reason = "counts of findings are far below 2^52")]
    pub(super) fn promised(self) -> f64 {
        self.promised / (self.share.all.max(1)) as f64
    }

    /// Whether fewer are right than the sums promise, by more than chance.
    #[allow(clippy::cast_precision_loss, reason = "counts of findings are far below 2^52")]
    pub(super) fn is_too_sure(self) -> bool {
        (self.share.right as f64) < self.promised - 2.0 * self.variance.sqrt() - 0.5
    }
}

/// What an entry had to do with findings that were wrong, and numbers that were missed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Blame {
    /// Spoke for a likely or certain finding that is wrong,
    pub(super) wrong: u32,
    /// or for one that is right.
    pub(super) right: u32,
    /// Spoke against a right number that came out less than likely,
    pub(super) missed: u32,
    /// or against one that is wrong and came out less than likely.
    pub(super) averted: u32,
}

/// Where to look with `brevdue rules explain`.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    pub(super) file: String,
    pub(super) part: String,
    pub(super) place: String,
    pub(super) line: u64,
    pub(super) sum: f32,
    pub(super) confidence: Option<Confidence>,
}

impl Tally {
    /// Compares a message with what is right of it.
    pub(super) fn compare(&mut self, name: &str, shown: &str, right: &Right, item: &Item<'_>) {
        self.see(name.to_owned());
        self.right += right.cprs.len() as u64;
        let mut best: HashMap<Number, &Explained> = HashMap::new();
        for one in item.explained.iter().filter(|one| one.kind.is_ok()) {
            let kept = best.entry(one.bare.reveal()).or_insert(one);
            if (one.confidence, one.sum) > (kept.confidence, kept.sum) {
                *kept = one;
            }
        }
        let is_partial = !item.report.coverage.unread().is_empty();
        let lost = right.cprs.iter().filter(|number| !best.contains_key(*number)).count() as u64;
        *(if is_partial { &mut self.unread } else { &mut self.unseen }) += lost;
        // In the order of the message, so that two runs print the same.
        let mut all: Vec<(Number, &Explained)> = best.into_iter().collect();
        all.sort_by(|(_, one), (_, other)| (&one.part, one.offset).cmp(&(&other.part, other.offset)));
        for (number, one) in all {
            if right.cprs.contains(&number) {
                self.judge(shown, one, true);
            } else if right.neutral.contains(&number) {
                self.neutral += u64::from(one.confidence.is_some());
            } else {
                self.judge(shown, one, false);
            }
        }
    }

    fn see(&mut self, name: String) {
        if self.names.contains(&name) {
            self.twice = Some(name);
        } else {
            self.names.insert(name);
        }
    }

    fn judge(&mut self, file: &str, one: &Explained, is_right: bool) {
        if !one.evidence.is_empty() {
            let bin = self.bins.entry(bin_of(one.sum)).or_default();
            bin.share.count(is_right);
            let odds = 1.0 / (1.0 + (-f64::from(one.sum)).exp());
            bin.promised += odds;
            bin.variance += odds * (1.0 - odds);
        }
        if let (Some(confidence), Ok(kind)) = (one.confidence, one.kind) {
            self.found.entry(confidence).or_default().count(is_right);
            self.kinds.entry((kind, confidence)).or_default().count(is_right);
        }
        self.unreported += u64::from(is_right && one.confidence.is_none());
        let is_leak = one.confidence >= Some(Confidence::Likely);
        for (reason, weight) in &one.evidence {
            let blame = self.reasons.entry(reason.to_string()).or_default();
            match (is_leak, is_right) {
                (true, false) => blame.wrong += u32::from(*weight > 0.0),
                (true, true) => blame.right += u32::from(*weight > 0.0),
                (false, true) => blame.missed += u32::from(*weight < 0.0),
                (false, false) => blame.averted += u32::from(*weight < 0.0),
            }
        }
        let spots = match (is_leak, is_right) {
            (true, false) => &mut self.wrong,
            (false, true) => &mut self.missed,
            (true, true) | (false, false) => return,
        };
        if spots.len() < PLACES {
            spots.push(Spot {
                file: file.to_owned(),
                part: one.part.clone(),
                place: one.place.to_string(),
                line: one.line,
                sum: one.sum,
                confidence: one.confidence,
            });
        }
    }

    /// Adds another.
    pub(super) fn add(&mut self, other: Self) {
        self.twice = self.twice.take().or(other.twice);
        other.names.into_iter().for_each(|name| self.see(name));
        self.unknown += other.unknown;
        self.neutral += other.neutral;
        self.right += other.right;
        self.unreported += other.unreported;
        self.unseen += other.unseen;
        self.unread += other.unread;
        other.found.into_iter().for_each(|(at, share)| self.found.entry(at).or_default().add(share));
        other.kinds.into_iter().for_each(|(at, share)| self.kinds.entry(at).or_default().add(share));
        for (at, bin) in other.bins {
            let own = self.bins.entry(at).or_default();
            own.share.add(bin.share);
            own.promised += bin.promised;
            own.variance += bin.variance;
        }
        for (reason, more) in other.reasons {
            let own = self.reasons.entry(reason).or_default();
            own.wrong += more.wrong;
            own.right += more.right;
            own.missed += more.missed;
            own.averted += more.averted;
        }
        for (own, more) in [(&mut self.wrong, other.wrong), (&mut self.missed, other.missed)] {
            let room = PLACES - own.len().min(PLACES);
            own.extend(more.into_iter().take(room));
        }
    }

    /// How many messages were compared.
    pub(super) fn files(&self) -> usize {
        self.names.len()
    }

    /// A name that two messages have.
    pub(super) fn twice(&self) -> Option<&str> {
        self.twice.as_deref()
    }

    /// The findings said to be so sure.
    pub(super) fn found(&self, confidence: Confidence) -> Share {
        self.found.get(&confidence).copied().unwrap_or_default()
    }

    /// Whether of the findings said to be so sure this share is right. No finding breaks no promise.
    pub(super) fn keeps(&self, confidence: Confidence, share: f64) -> bool {
        self.found(confidence).share().is_none_or(|found| found >= share)
    }

    /// The findings of a kind said to be so sure.
    pub(super) fn of_kind(&self, kind: Kind, confidence: Confidence) -> Share {
        self.kinds.get(&(kind, confidence)).copied().unwrap_or_default()
    }

    /// Every bin with its lower edge; `None` for the lowest.
    pub(super) fn bins(&self) -> impl Iterator<Item = (Option<i16>, Bin)> {
        self.bins.iter().map(|(at, bin)| ((*at > BINS.0).then_some(*at), *bin))
    }

    /// The entries with most of `count`, and something of it.
    pub(super) fn worst(&self, count: impl Fn(&Blame) -> u32) -> Vec<(&str, Blame)> {
        let mut all: Vec<(&str, Blame)> =
            self.reasons.iter().map(|(reason, blame)| (reason.as_str(), *blame)).collect();
        all.retain(|(_, blame)| count(blame) > 0);
        all.sort_by(|(name, one), (other_name, other)| {
            count(other).cmp(&count(one)).then(name.cmp(other_name))
        });
        all
    }
}

/// The lower edge of the bin that a sum falls in.
#[allow(clippy::cast_possible_truncation, reason = "clamped before")]
fn bin_of(sum: f32) -> i16 {
    let (low, high) = (f32::from(BINS.0), f32::from(BINS.1));
    sum.floor().clamp(low, high) as i16
}
