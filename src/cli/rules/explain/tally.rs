//! What the candidates of many messages have in common: how many of each outcome, and which entries counted.

use super::Outcome;
use crate::scan::ruleset::Ruleset;
use crate::scan::{Explained, Reason};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Counts of some messages.
#[derive(Default)]
pub(super) struct Tally {
    /// Messages and documents.
    pub(super) items: u64,
    outcomes: BTreeMap<Outcome, u64>,
    entries: HashMap<Arc<str>, Counted>,
}

/// How often an entry counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counted {
    pub(super) times: u32,
    sum: f64,
}

impl Counted {
    /// Its mean weight, which the distance makes less than its whole one.
    pub(super) fn mean(self) -> f64 {
        self.sum / f64::from(self.times.max(1))
    }
}

impl Tally {
    pub(super) fn count(&mut self, rules: &Ruleset, explained: &[Explained]) {
        self.items += 1;
        for one in explained {
            *self.outcomes.entry(Outcome::of(rules, one)).or_default() += 1;
            for (reason, weight) in &one.evidence {
                if let Reason::Rule(name) = reason {
                    let counted = self.entries.entry(Arc::clone(name)).or_default();
                    counted.times += 1;
                    counted.sum += f64::from(*weight);
                }
            }
        }
    }

    /// Adds another.
    pub(super) fn add(&mut self, other: Self) {
        self.items += other.items;
        for (outcome, count) in other.outcomes {
            *self.outcomes.entry(outcome).or_default() += count;
        }
        for (name, more) in other.entries {
            let counted = self.entries.entry(name).or_default();
            counted.times += more.times;
            counted.sum += more.sum;
        }
    }

    pub(super) fn candidates(&self) -> u64 {
        self.outcomes.values().sum()
    }

    pub(super) fn outcome(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(&outcome).copied().unwrap_or_default()
    }

    /// The entries of the rules that counted, most often first.
    pub(super) fn entries(&self) -> Vec<(&str, Counted)> {
        let mut all: Vec<(&str, Counted)> =
            self.entries.iter().map(|(name, counted)| (&**name, *counted)).collect();
        all.sort_by(|(name, one), (other_name, other)| {
            other.times.cmp(&one.times).then(name.cmp(other_name))
        });
        all
    }
}
