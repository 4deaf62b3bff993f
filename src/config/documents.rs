//! The limits of `[documents]`: each key with its range, and what it sets.

use super::section::Key;
use crate::worker::{Budget, Recogniser};
use std::ops::RangeInclusive;
use std::time::Duration;

const MB: u64 = 1 << 20;

/// A limit that can be written.
#[derive(Debug)]
pub(super) struct Limit {
    /// Its name, and an example.
    pub(super) key: Key,
    /// What it may be. The upper ends are those of a large machine.
    pub(super) range: RangeInclusive<u64>,
    pub(super) set: fn(&mut Budget, &mut Recogniser, u64),
}

/// All of them; the template explains each.
pub(super) static LIMITS: [Limit; 13] = [
    limit(("document_mb", "64"), 1..=1024, |budget, _, mb| budget.limits.bytes = mb * MB),
    limit(("message_mb", "256"), 1..=16384, |budget, _, mb| budget.message = mb * MB),
    limit(("message_seconds", "60"), 1..=3600, |budget, _, seconds| {
        budget.patience = Duration::from_secs(seconds);
    }),
    limit(("message_documents", "10000"), 1..=1_000_000, |budget, _, documents| {
        budget.documents = u32::try_from(documents).unwrap_or(u32::MAX);
    }),
    limit(("waiting_mb", "1024"), 1..=1_048_576, |budget, _, mb| budget.waiting = mb * MB),
    limit(("ratio", "200"), 10..=100_000, |budget, _, ratio| budget.limits.ratio = ratio),
    limit(("members", "2000"), 1..=1_000_000, |budget, _, members| {
        budget.limits.members = u32::try_from(members).unwrap_or(u32::MAX);
    }),
    limit(("depth", "5"), 1..=20, |budget, _, depth| budget.depth = count(depth)),
    limit(("memory_mb", "512"), 128..=65536, |budget, _, mb| budget.memory = mb * MB),
    limit(("cpu_seconds", "5"), 1..=600, |budget, _, seconds| budget.time = Duration::from_secs(seconds)),
    limit(("workers", "2"), 1..=1024, |budget, _, workers| budget.workers = count(workers)),
    limit(("ocr_seconds", "20"), 1..=600, |_, recogniser, seconds| {
        recogniser.time = Duration::from_secs(seconds);
    }),
    limit(("ocr_workers", "1"), 1..=1024, |_, recogniser, workers| recogniser.workers = count(workers)),
];

const fn limit(key: Key, range: RangeInclusive<u64>, set: fn(&mut Budget, &mut Recogniser, u64)) -> Limit {
    Limit { key, range, set }
}

fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_sets_something_of_its_own() {
        let all: Vec<(Budget, Recogniser)> = LIMITS
            .iter()
            .map(|limit| {
                let (mut budget, mut recogniser) = (Budget::default(), Recogniser::default());
                // No default is such a number.
                (limit.set)(&mut budget, &mut recogniser, 123);
                (budget, recogniser)
            })
            .collect();
        let unset = (Budget::default(), Recogniser::default());
        for (nr, set) in all.iter().enumerate() {
            let is_new = *set != unset && all.iter().take(nr).all(|before| before != set);
            assert!(is_new, "{}", LIMITS[nr].key.0);
        }
    }
}
