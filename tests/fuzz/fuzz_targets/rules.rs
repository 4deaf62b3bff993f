//! Any rule file is read or has faults, as one of ours and as a pack; and of what has proved itself nothing fails but what is
//! said to. The other files are small, so that what is read anew each time is the one in question.
#![no_main]
use brevdue::scan::ruleset::{Pack, RuleTexts, Ruleset};

const SMALL: RuleTexts<'static> = RuleTexts {
    context: r#"
        [[label]]
        name = "cpr"
        weight = 3.0
        words = ["cpr"]
        must = ["cpr {n}"]
        must_not = ["ordre {n}"]
    "#,
    lookalikes: r#"
        [[lookalike]]
        name = "id-tail"
        weight = -6.0
        after = '^-[0-9a-z]{2}'
        must = ["{n}-01"]
        must_not = ["{n}-"]
    "#,
    ..RuleTexts::BUILT_IN
};

libfuzzer_sys::fuzz_target!(|text: &str| {
    for texts in [RuleTexts { context: text, ..SMALL }, RuleTexts { lookalikes: text, ..SMALL }] {
        match Ruleset::parse(texts) {
            Ok(rules) => drop(rules.check()),
            Err(faults) => assert!(!faults.is_empty()),
        }
    }
    match Ruleset::proved(SMALL, &[Pack { name: "site.toml", text }]) {
        Ok(proved) => assert_eq!(proved.rules.check().len(), proved.changed.len()),
        Err(faults) => assert!(!faults.is_empty()),
    }
});
