//! The site's list of numbers that are nobody's: test data that has the form of a real number.
//!
//! Kept as keyed digests, never in clear. This room knows no key: the keyed function is handed in by the room
//! that does. Start reading at [`AllowList`]. Tests: `tests/rules.rs`.

use crate::cpr::Cpr;
use std::fmt;

/// What stands for a number, under a key that this room does not know.
type DigestOf = dyn Fn(&Cpr) -> [u8; 16] + Send + Sync;

/// Numbers by their digests.
pub struct AllowList {
    /// Sorted and different.
    digests: Vec<[u8; 16]>,
    digest: Box<DigestOf>,
}

impl AllowList {
    /// The list of these digests, as `digest` makes them of a number.
    pub fn new(
        digests: impl IntoIterator<Item = [u8; 16]>,
        digest: impl Fn(&Cpr) -> [u8; 16] + Send + Sync + 'static,
    ) -> Self {
        let mut digests: Vec<[u8; 16]> = digests.into_iter().collect();
        digests.sort_unstable();
        digests.dedup();
        Self { digests, digest: Box::new(digest) }
    }

    /// How many numbers it holds.
    pub fn len(&self) -> usize {
        self.digests.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }

    /// Whether it holds this number.
    pub(super) fn holds(&self, cpr: &Cpr) -> bool {
        self.digests.binary_search(&(self.digest)(cpr)).is_ok()
    }
}

impl fmt::Debug for AllowList {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "AllowList({})", self.digests.len())
    }
}
