//! Documents made wrong, opened by real workers: none may break its reader down, and nothing of it may reach who asked.
//!
//! A few hundred here, so that they are run each time; `cargo bench --bench documents -- --mutate 10000` makes as many as
//! one likes, and says how a single one is had again.

#[path = "../benches/documents/mutate.rs"]
mod mutate;
#[path = "../benches/documents/opened.rs"]
mod opened;

use crate::hide::random::Random;
use crate::support::documents as support;
use brevdue::extract::content::Unread;
use brevdue::scan::ruleset::Ruleset;
use brevdue::worker::{Budget, Settings, Workers};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use support::SMALL;

const PROGRAM: &str = env!("CARGO_BIN_EXE_brevdue");

fn workers() -> Arc<Workers> {
    Workers::of(PathBuf::from(PROGRAM), Settings { budget: Budget::default(), recogniser: None })
}

#[test]
fn the_documents_that_are_made_wrong_are_right_before() {
    let workers = workers();
    for small in SMALL {
        let document = (small.make)();
        let opened = opened::open(&workers, &document);
        // A picture in it is not read, and that is no fault of the document.
        assert!(matches!(opened.unread, None | Some(Unread::Picture)), "{}: {:?}", small.form, opened.unread);
        assert!(opened.told > 30, "{}: {}", small.form, opened.told);
        assert!(!opened::panics(&workers, &Arc::new(Ruleset::built_in().unwrap()), small.form, &document));
    }
}

#[test]
fn no_reader_breaks_down_on_a_document_made_wrong() {
    const EACH: u64 = 20;
    let (workers, rules) = (workers(), Arc::new(Ruleset::built_in().unwrap()));
    let mut broken = Vec::new();
    for small in SMALL {
        for seed in 0..EACH {
            let document = mutate::mutant(small, seed);
            let opened = opened::open(&workers, &document);
            let is_parent_well = !opened::panics(&workers, &rules, small.form, &document);
            let is_late = opened.took > Budget::default().patience * 2;
            if opened.unread == Some(Unread::Crashed) || !is_parent_well || is_late {
                broken.push(format!(
                    "cargo bench --bench documents -- --mutate 1 --only {} --seed {seed}: {:?}, {:?}",
                    small.form,
                    opened::died(Path::new(PROGRAM), &Budget::default(), &document),
                    opened::panicked_at(&document)
                ));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
