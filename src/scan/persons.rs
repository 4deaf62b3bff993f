//! How many different persons: counted exactly to a limit, in bounded memory.

use crate::cpr::Cpr;
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// The different numbers of a message. `Debug` prints the count only.
#[derive(Clone, Default)]
pub struct Persons {
    /// Six bits a digit or letter.
    numbers: HashSet<u64, BuildHasherDefault<Mix>>,
    more: bool,
}

impl Persons {
    /// Exact to here; beyond, the count stands still and [`Self::is_exact`] says so.
    pub const LIMIT: usize = 10_000;

    pub(super) fn add(&mut self, cpr: &Cpr) {
        let pack = |number: u64, sign: &u8| number << 6 | u64::from(sign - b'0');
        self.add_number(cpr.reveal().iter().fold(0, pack));
    }

    /// Adds those of another reading.
    pub(super) fn absorb(&mut self, other: &Self) {
        let mut numbers: Vec<u64> = other.numbers.iter().copied().collect();
        // In an order of its own, so that those kept at the limit do not depend on the set's.
        numbers.sort_unstable();
        for number in numbers {
            self.add_number(number);
        }
        self.more |= other.more;
    }

    fn add_number(&mut self, number: u64) {
        if self.numbers.len() < Self::LIMIT {
            self.numbers.insert(number);
        } else if !self.more {
            self.more = !self.numbers.contains(&number);
        }
    }

    /// How many; a lower bound when not exact.
    pub fn count(&self) -> u64 {
        self.numbers.len() as u64
    }

    /// Whether there were no more than [`Self::LIMIT`].
    pub fn is_exact(&self) -> bool {
        !self.more
    }

    /// Each number's ten signs in ASCII, in order, for keyed digests and sealing only.
    pub fn reveal(&self) -> impl Iterator<Item = [u8; 10]> + '_ {
        let mut numbers: Vec<u64> = self.numbers.iter().copied().collect();
        numbers.sort_unstable();
        numbers.into_iter().map(|mut rest| {
            let mut signs = [b'0'; 10];
            for sign in signs.iter_mut().rev() {
                *sign = b'0' + u8::try_from(rest & 0x3F).unwrap_or(0);
                rest >>= 6;
            }
            signs
        })
    }
}

/// Spreads numbers over a set. Who could choose persons' numbers so that they collide gains a slower count, bounded by
/// [`Persons::LIMIT`].
#[derive(Clone, Copy, Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        // The golden ratio of 64 bits; the set takes its places from the low and the high bits.
        let mixed = (self.0 ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

impl PartialEq for Persons {
    fn eq(&self, other: &Self) -> bool {
        self.more == other.more && self.numbers == other.numbers
    }
}

impl Eq for Persons {}

impl std::fmt::Debug for Persons {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Persons({})", self.numbers.len())
    }
}
