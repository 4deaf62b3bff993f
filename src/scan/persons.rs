//! How many different persons: counted exactly to a limit, in bounded memory.

use crate::cpr::Cpr;

/// The different numbers of a message. `Debug` prints the count only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Persons {
    /// Sorted and different, but for a tail that is merged when it grows.
    numbers: Vec<u64>,
    sorted: usize,
    more: bool,
}

impl Persons {
    /// Exact to here; beyond, the count stands still and [`Self::is_exact`] says so.
    pub const LIMIT: usize = 10_000;
    const TAIL: usize = 256;

    pub(super) fn add(&mut self, cpr: &Cpr) {
        let number = cpr.reveal().iter().fold(0_u64, |number, digit| number * 10 + u64::from(digit - b'0'));
        self.add_number(number);
    }

    /// Adds those of another reading.
    pub(super) fn absorb(&mut self, other: &Self) {
        other.numbers.iter().for_each(|number| self.add_number(*number));
        self.more |= other.more;
    }

    fn add_number(&mut self, number: u64) {
        // Beyond the limit the count stands still, and costs nothing.
        if self.more {
            return;
        }
        if self.numbers.get(..self.sorted).is_some_and(|known| known.binary_search(&number).is_ok()) {
            return;
        }
        self.numbers.push(number);
        if self.numbers.len() >= self.sorted + Self::TAIL {
            self.settle();
        }
    }

    pub(super) fn settle(&mut self) {
        self.numbers.sort_unstable();
        self.numbers.dedup();
        if self.numbers.len() > Self::LIMIT {
            self.numbers.truncate(Self::LIMIT);
            self.more = true;
        }
        self.sorted = self.numbers.len();
    }

    /// How many; a lower bound when not exact.
    pub fn count(&self) -> u64 {
        self.numbers.len() as u64
    }

    /// Whether there were no more than [`Self::LIMIT`].
    pub fn is_exact(&self) -> bool {
        !self.more
    }

    /// Each number's ten digits in ASCII, for keyed digests and sealing only.
    pub fn reveal(&self) -> impl Iterator<Item = [u8; 10]> + '_ {
        self.numbers.iter().map(|number| {
            let mut rest = *number;
            let mut digits = [b'0'; 10];
            for digit in digits.iter_mut().rev() {
                *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
                rest /= 10;
            }
            digits
        })
    }
}

impl std::fmt::Debug for Persons {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Persons({})", self.numbers.len())
    }
}
