//! The rules proved by their own examples, all faults at once.
//!
//! An example is a text with `{n}` where a number stands; no number is ever needed. Start reading at
//! [`Ruleset::check`]. Tests: below.

use super::entry::Proof;
use super::read::Place;
use super::{RuleFault, Ruleset};
use crate::scan::context;
use std::sync::Arc;

/// What an entry must and must not match. A pack may have added to it.
#[derive(Debug)]
pub(super) struct Examples {
    pub(super) reason: Arc<str>,
    pub(super) place: Place,
    pub(super) proof: Proof,
}

impl Ruleset {
    /// Proves every entry by its own examples, and returns every one that fails.
    pub fn check(&self) -> Vec<RuleFault> {
        let mut faults = self.check_those(|_| true);
        self.headers.rules.check(&mut faults);
        faults
    }

    /// Proves the examples that stand in one file.
    pub(super) fn check_file(&self, rank: usize) -> Vec<RuleFault> {
        let mut faults = self.check_those(|place| place.rank == rank);
        // Packs say nothing of header fields.
        if rank == 0 {
            self.headers.rules.check(&mut faults);
        }
        faults
    }

    fn check_those(&self, wanted: impl Fn(&Place) -> bool) -> Vec<RuleFault> {
        let mut faults = Vec::new();
        for entry in &self.examples {
            if wanted(&entry.place) {
                entry.proof.demand(&entry.place, &entry.reason, &mut faults);
            }
            for (texts, must) in [(&entry.proof.must, true), (&entry.proof.must_not, false)] {
                for example in texts.iter().filter(|example| wanted(&example.place)) {
                    let text = &example.text;
                    let Some((before, after)) = text.split_once("{n}") else {
                        let fault = format!("{text:?} has no {{n}} where the number stands");
                        faults.push(example.place.fault(&entry.reason, fault));
                        continue;
                    };
                    if context::counts(self, &entry.reason, before.as_bytes(), after.as_bytes()) != must {
                        let verb = if must { "must" } else { "must not" };
                        faults.push(example.place.fault(&entry.reason, format!("{verb} match {text:?}")));
                    }
                }
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::ruleset::RuleTexts;

    #[test]
    fn the_built_in_rules_prove_themselves() {
        let rules = Ruleset::built_in().unwrap();
        assert_eq!(rules.check(), []);
        assert!(rules.size().0 > 10);
    }

    #[test]
    fn every_fault_is_reported() {
        let context = r#"
            [[label]]
            name = "a"
            weight = 1.0
            words = ["ordre"]
            must = ["faktura {n}", "no place"]
            must_not = ["ordre {n}"]
            [[label]]
            name = "b"
            weight = 1.0
            words = ["sag"]
            must = []
            must_not = ["x {n}"]
        "#;
        let rules = Ruleset::parse(RuleTexts { context, ..RuleTexts::BUILT_IN }).unwrap();
        let faults: Vec<String> = rules.check().iter().map(ToString::to_string).collect();
        assert_eq!(faults.len(), 4, "{faults:#?}");
    }
}
