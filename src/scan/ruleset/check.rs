//! The rules proved by their own examples, all faults at once.
//!
//! An example is a text with `{n}` where a number stands; no number is ever needed. Start reading at
//! [`Ruleset::check`]. Tests: below.

use super::{RuleFault, Ruleset, fault};
use crate::scan::context;
use std::sync::Arc;

/// What an entry must and must not match, and where it was written.
#[derive(Debug)]
pub(super) struct Examples {
    pub(super) file: &'static str,
    pub(super) reason: Arc<str>,
    pub(super) must: Vec<String>,
    pub(super) must_not: Vec<String>,
}

impl Ruleset {
    /// Proves every entry by its own examples, and returns every one that fails.
    pub fn check(&self) -> Vec<RuleFault> {
        let mut faults = Vec::new();
        for entry in &self.examples {
            if entry.must.is_empty() || entry.must_not.is_empty() {
                faults.push(fault(
                    entry.file,
                    &entry.reason,
                    "must bring examples in both `must` and `must_not`",
                ));
            }
            for (texts, wanted) in [(&entry.must, true), (&entry.must_not, false)] {
                for text in texts {
                    let Some((before, after)) = text.split_once("{n}") else {
                        faults.push(fault(entry.file, &entry.reason, &format!("{text:?} has no {{n}}")));
                        continue;
                    };
                    if context::counts(self, &entry.reason, before.as_bytes(), after.as_bytes()) != wanted {
                        let verb = if wanted { "must" } else { "must not" };
                        faults.push(fault(entry.file, &entry.reason, &format!("{verb} match {text:?}")));
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
