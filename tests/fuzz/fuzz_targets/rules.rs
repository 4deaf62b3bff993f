//! Any rule file is read or has faults; one that is read can be checked.
#![no_main]
use brevdue::scan::ruleset::{RuleTexts, Ruleset};
libfuzzer_sys::fuzz_target!(|text: &str| {
    for texts in [RuleTexts { context: text, ..RuleTexts::BUILT_IN }, RuleTexts { lookalikes: text, ..RuleTexts::BUILT_IN }] {
        match Ruleset::parse(texts) {
            Ok(rules) => drop(rules.check()),
            Err(faults) => assert!(!faults.is_empty()),
        }
    }
});
