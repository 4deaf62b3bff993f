//! Which header fields nobody reads as text: what machines write for machines, by name or by the start of a name.
//!
//! The list is an argument of the walker, since this room knows no rules. Names are compared without case; a look-up
//! is a binary search over the first eight letters as numbers, and over whole names where those are alike: a mail asks
//! for each of its fields. Start at [`HeaderFilter::skips`].

/// Names and starts of names of header fields that are not handed on.
#[derive(Clone, Debug, Default)]
pub struct HeaderFilter {
    /// In lower case, sorted, none covered by another; the flag says that more may follow.
    entries: Vec<(Box<[u8]>, bool)>,
    /// The first letters of each entry, in the same order.
    keys: Vec<u64>,
}

/// Longest name that is looked up; a longer one is text.
const NAME_CAP: usize = 64;

impl HeaderFilter {
    /// A filter of these names; `*` at the end of one stands for anything.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut entries: Vec<(Box<[u8]>, bool)> = names
            .into_iter()
            .map(|name| {
                let open = name.ends_with('*');
                let name = name.trim_end_matches('*').to_ascii_lowercase().into_bytes();
                (name.into_boxed_slice(), open)
            })
            .collect();
        // A start before a whole name that it covers.
        entries.sort_by(|(one, open), (other, other_open)| one.cmp(other).then(other_open.cmp(open)));
        let mut kept: Vec<(Box<[u8]>, bool)> = Vec::with_capacity(entries.len());
        for (name, open) in entries {
            let is_covered =
                kept.last().is_some_and(|(last, all)| *last == name || *all && name.starts_with(last));
            if !is_covered {
                kept.push((name, open));
            }
        }
        let keys = kept.iter().map(|(name, _)| first_eight(name)).collect();
        Self { entries: kept, keys }
    }

    /// Whether a field of this name is not to be read.
    pub fn skips(&self, name: &[u8]) -> bool {
        Lower::of(name).is_some_and(|lower| self.skips_lower(&lower))
    }

    /// As [`Self::skips`]. What covers a name can only stand right before its place in the order: between a start and a
    /// name that begins so, there is nothing but names that begin so.
    pub(super) fn skips_lower(&self, lower: &Lower) -> bool {
        let name = lower.name();
        let key = first_eight(&lower.bytes);
        let from = self.keys.partition_point(|one| *one < key);
        let alike = self.keys.iter().skip(from).take_while(|one| **one == key).count();
        let alike = self.entries.get(from..from + alike).unwrap_or_default();
        let place = from + alike.partition_point(|(entry, _)| **entry <= *name);
        let before = place.checked_sub(1).and_then(|place| self.entries.get(place));
        before.is_some_and(|(entry, open)| if *open { name.starts_with(entry) } else { **entry == *name })
    }
}

/// The first letters as a number that sorts as they do; no name has a nought in it.
fn first_eight(name: &[u8]) -> u64 {
    let mut eight = [0; 8];
    for (slot, byte) in eight.iter_mut().zip(name) {
        *slot = *byte;
    }
    u64::from_be_bytes(eight)
}

/// A field's name in lower case, in no memory but its own.
pub(super) struct Lower {
    bytes: [u8; NAME_CAP],
    length: usize,
}

impl Lower {
    /// `None` for what is too long to be looked up.
    pub(super) fn of(name: &[u8]) -> Option<Self> {
        let mut bytes = [0; NAME_CAP];
        bytes.get_mut(..name.len())?.copy_from_slice(name);
        // All of it, since a loop of known length is a few instructions; noughts stay noughts.
        bytes.make_ascii_lowercase();
        Some(Self { bytes, length: name.len() })
    }

    pub(super) fn name(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn skips_names_and_starts() {
        let filter = HeaderFilter::new(["Received", "X-MS-*", "DKIM-*", "x-ms-foo", "Date", "Received-SPF"]);
        for name in ["received", "X-MS-Exchange-Id", "dkim-signature", "DATE", "received-spf", "X-Ms-"] {
            assert!(filter.skips(name.as_bytes()), "{name}");
        }
        for name in ["X-CPR", "received-by", "x-m", "dat", "dates", "", "zz"] {
            assert!(!filter.skips(name.as_bytes()), "{name}");
        }
        assert!(!filter.skips("x-ms-".repeat(20).as_bytes()));
        assert!(!HeaderFilter::default().skips(b"date"));
    }

    proptest! {
        #[test]
        fn agrees_with_trying_each(names in prop::collection::vec("[a-c]{0,3}\\*?", 0..8), name in "[a-c]{0,4}") {
            let filter = HeaderFilter::new(names.iter().map(String::as_str));
            let each = names.iter().any(|known| match known.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => *known == name,
            });
            prop_assert_eq!(filter.skips(name.as_bytes()), each);
        }
    }
}
