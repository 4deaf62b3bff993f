//! Which mails have passed the gate, by the mail server's names, in flat memory.
//!
//! Two generations of hashes: the younger one fills, then it becomes the older one and the oldest are forgotten. So a name
//! that is not here was not seen only if it is younger than what is remembered: [`Seen::begins`]. Start reading at
//! [`Seen::has_missed`].

use crate::envelope::QueueId;
use chrono::{DateTime, Utc};
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

/// The memory.
pub struct Seen {
    generations: Mutex<Generations>,
    hasher: RandomState,
}

struct Generations {
    young: Generation,
    old: Generation,
    /// When a mail was last noted.
    last: Option<DateTime<Utc>>,
    /// Between these nobody was here: what the mail server took then did not pass, whatever it may have been told to do.
    away: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

struct Generation {
    names: HashSet<u64>,
    begins: DateTime<Utc>,
}

impl Seen {
    /// Names of a generation: about a megabyte.
    const MOST: usize = 100_000;

    /// A memory that begins now.
    pub fn since(now: DateTime<Utc>) -> Self {
        let generation = || Generation { names: HashSet::new(), begins: now };
        let generations = Generations { young: generation(), old: generation(), last: None, away: None };
        Self { generations: Mutex::new(generations), hasher: RandomState::new() }
    }

    /// Notes a mail.
    pub fn note(&self, name: &QueueId, now: DateTime<Utc>) {
        let hash = self.hasher.hash_one(name);
        let mut all = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        all.last = Some(now);
        if all.young.names.len() >= Self::MOST && !all.young.names.contains(&hash) {
            let young = Generation { names: HashSet::with_capacity(Self::MOST), begins: now };
            all.old = std::mem::replace(&mut all.young, young);
        }
        all.young.names.insert(hash);
    }

    /// Nobody was here from then until this memory began.
    pub fn was_away(&self, since: DateTime<Utc>) {
        let mut all = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        all.away = Some((since, all.young.begins));
    }

    /// Whether this mail is remembered.
    pub fn knows(&self, name: &QueueId) -> bool {
        let hash = self.hasher.hash_one(name);
        let all = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        all.young.names.contains(&hash) || all.old.names.contains(&hash)
    }

    /// Whether this mail surely did not pass: its name is of a time that is remembered, or at which nobody was here, and is
    /// not remembered. Of a name that does not tell its time nothing is sure.
    pub fn has_missed(&self, name: &QueueId) -> bool {
        let Some(time) = name.time() else { return false };
        let (begins, away) = {
            let all = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
            (all.old.begins, all.away)
        };
        let was_away = away.is_some_and(|(from, to)| from < time && time < to);
        // Whole seconds: what came in the first of them may have come before us.
        (time > begins || was_away) && !self.knows(name)
    }

    /// From when on every mail that passed is remembered.
    pub fn begins(&self) -> DateTime<Utc> {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner).old.begins
    }

    /// When a mail passed last.
    pub fn last(&self) -> Option<DateTime<Utc>> {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner).last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    /// A long queue id of this second, as Postfix 3.7 makes it.
    fn name(time: DateTime<Utc>, inode: u32) -> QueueId {
        const DIGITS: &[u8; 52] = b"0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
        let (mut rest, mut digits) = (time.timestamp(), Vec::new());
        while rest > 0 {
            digits.insert(0, char::from(DIGITS[usize::try_from(rest % 52).unwrap()]));
            rest /= 52;
        }
        QueueId::new(&format!("{}0000z{inode}", digits.iter().collect::<String>())).unwrap()
    }

    #[test]
    fn a_mail_is_missed_only_when_it_is_of_a_time_that_is_remembered() {
        let start = DateTime::from_timestamp(1_794_907_200, 0).unwrap();
        let second = |n| start + TimeDelta::seconds(n);
        let seen = Seen::since(start);
        let mail = name(second(5), 1);
        assert_eq!(mail.time(), Some(second(5)));
        assert!(seen.has_missed(&mail) && !seen.knows(&mail));
        seen.note(&mail, second(6));
        assert!(!seen.has_missed(&mail) && seen.knows(&mail));
        assert!(!seen.has_missed(&name(second(-9), 2)) && !seen.has_missed(&name(start, 2)), "before us");
        assert!(!seen.has_missed(&QueueId::new("A3F0B1C2D").unwrap()), "a short name is of no time");
        assert_eq!(seen.last(), Some(second(6)));
        // A mail server that was told to let mail pass when nobody looks at it.
        seen.was_away(second(-100));
        assert!(seen.has_missed(&name(second(-9), 2)));
        assert!(!seen.has_missed(&name(second(-100), 2)) && !seen.has_missed(&name(start, 2)));
    }

    #[test]
    fn memory_is_flat_and_what_is_forgotten_is_not_missed() {
        let start = DateTime::from_timestamp(1_794_907_200, 0).unwrap();
        let seen = Seen::since(start);
        let first = name(start + TimeDelta::seconds(1), 1);
        seen.note(&first, start);
        for n in 0..250_000_u32 {
            seen.note(&name(start + TimeDelta::seconds(60), n), start + TimeDelta::seconds(60));
        }
        let all = seen.generations.lock().unwrap();
        assert!(all.young.names.len() <= Seen::MOST && all.old.names.len() <= Seen::MOST);
        drop(all);
        assert!(!seen.knows(&first) && !seen.has_missed(&first));
        assert!(seen.has_missed(&name(start + TimeDelta::seconds(61), 1)));
    }
}
