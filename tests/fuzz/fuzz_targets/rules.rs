//! Any rule file is read or has faults, as one of ours and as a pack; one that is read can be checked.
#![no_main]
use brevdue::scan::ruleset::{Pack, RuleTexts, Ruleset};
libfuzzer_sys::fuzz_target!(|text: &str| {
    for texts in [
        RuleTexts { context: text, ..RuleTexts::BUILT_IN },
        RuleTexts { lookalikes: text, ..RuleTexts::BUILT_IN },
    ] {
        match Ruleset::parse(texts) {
            Ok(rules) => drop(rules.check()),
            Err(faults) => assert!(!faults.is_empty()),
        }
    }
    if let Err(faults) = Ruleset::proved(RuleTexts::BUILT_IN, &[Pack { name: "site.toml", text }]) {
        assert!(!faults.is_empty());
    }
});
