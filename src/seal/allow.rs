//! The site's list of numbers that are nobody's, as digests under the node's key.
//!
//! A CPR number has about forty million plausible values, so that whoever has a digest *and* its key finds the
//! number in seconds by trying them all. The key therefore never lies in this file: the list by itself tells
//! nothing but how many numbers it holds; with the node's key it tells them all. It names the key by a check
//! value, so that a list of another node is known for what it is. Reads and writes no file. Start reading at
//! [`AllowFile`]. Tests: below.

use super::{Digest, NodeKey};
use std::collections::BTreeSet;
use std::fmt;

const TITLE: &str = "brevdue allow list 1";

/// A list as it is kept. `Debug` prints its length only.
pub struct AllowFile {
    key: Digest,
    digests: BTreeSet<Digest>,
}

/// Why a list cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllowError {
    /// It is no list, or damaged.
    #[error(
        "line {0} is damaged: restore the file from the backup, or remove it and give the numbers again with \
         `brevdue rules allow`"
    )]
    Damaged(usize),
    /// Its digests are under another key.
    #[error(
        "the list was made under the key of another node, and no number in it can be known here: remove it and give \
         the numbers again with `brevdue rules allow` (each node has a list of its own)"
    )]
    OtherKey,
}

/// What stands for an allowed number; `digits` are the ten in ASCII.
pub fn digest(key: &NodeKey, digits: &[u8; 10]) -> Digest {
    key.digest("allowed number", &[digits])
}

/// Tells keys apart, and says nothing of the key.
fn check_value(key: &NodeKey) -> Digest {
    key.digest("allow list check", &[])
}

impl AllowFile {
    /// An empty list under this key.
    pub fn new(key: &NodeKey) -> Self {
        Self { key: check_value(key), digests: BTreeSet::new() }
    }

    /// Reads a list.
    ///
    /// # Errors
    /// When it is damaged, or under another key.
    pub fn parse(text: &str, key: &NodeKey) -> Result<Self, AllowError> {
        let mut lines = (1..).zip(text.lines());
        let content = lines.by_ref().find(|(_, line)| !line.starts_with('#') && !line.trim().is_empty());
        let mut list = Self::new(key);
        let Some((_, line)) = content else { return Ok(list) };
        let named = line.strip_prefix(TITLE).and_then(|rest| from_letters(rest.trim()));
        match named {
            Some(named) if named == list.key => {}
            Some(_) => return Err(AllowError::OtherKey),
            None => return Err(AllowError::Damaged(content.map_or(1, |(number, _)| number))),
        }
        for (number, line) in lines {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                list.digests.insert(from_letters(line).ok_or(AllowError::Damaged(number))?);
            }
        }
        Ok(list)
    }

    /// As it is to be written.
    pub fn text(&self) -> String {
        let mut text = String::from(
            "# Numbers that are nobody's, as digests under this node's key. Written by `brevdue rules allow`;\n\
             # whoever has this file and the key can find the numbers by trying all there are.\n",
        );
        text.extend([TITLE, " ", &letters(&self.key), "\n"]);
        for digest in &self.digests {
            text.extend([&letters(digest), "\n"]);
        }
        text
    }

    /// Takes a number in; whether it was new.
    pub fn add(&mut self, digest: Digest) -> bool {
        self.digests.insert(digest)
    }

    /// Takes a number out; whether it was there.
    pub fn remove(&mut self, digest: Digest) -> bool {
        self.digests.remove(&digest)
    }

    /// How many numbers it holds.
    pub fn len(&self) -> usize {
        self.digests.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }

    /// What stands for the numbers.
    pub fn digests(&self) -> impl Iterator<Item = Digest> + '_ {
        self.digests.iter().copied()
    }
}

impl fmt::Debug for AllowFile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "AllowFile({})", self.digests.len())
    }
}

/// A digest in the letters a to p, so that no scanner, ours included, ever sees ten digits in the file.
fn letters(digest: &Digest) -> String {
    digest.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|nibble| char::from(b'a' + nibble)).collect()
}

fn from_letters(text: &str) -> Option<Digest> {
    let nibble = |letter: &u8| letter.checked_sub(b'a').filter(|nibble| *nibble < 16);
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let mut digest = Digest::default();
    if pairs.len() != digest.len() {
        return None;
    }
    for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
        *byte = nibble(high)? << 4 | nibble(low)?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> NodeKey {
        NodeKey::from_bytes([byte; 32])
    }

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let mut list = AllowFile::new(&key(7));
        assert!(list.add(digest(&key(7), b"1503791028")) && list.add(digest(&key(7), b"0306851004")));
        assert!(!list.add(digest(&key(7), b"1503791028")), "twice is once");
        let read = AllowFile::parse(&list.text(), &key(7)).unwrap();
        assert!(read.digests().eq(list.digests()) && read.len() == 2);
        assert!(list.remove(digest(&key(7), b"1503791028")) && !list.remove(digest(&key(7), b"1503791028")));
        assert_eq!(AllowFile::parse("# nothing yet\n\n", &key(7)).unwrap().len(), 0);
    }

    #[test]
    fn no_run_of_digits_is_ever_in_the_file() {
        let mut list = AllowFile::new(&key(7));
        for number in 0..500_u32 {
            list.add(digest(&key(7), format!("{number:010}").as_bytes().try_into().unwrap()));
        }
        let text = list.text();
        assert!(!text.as_bytes().windows(2).any(|pair| pair.iter().all(u8::is_ascii_digit)));
    }

    #[test]
    fn another_key_and_damage_are_known() {
        let mut list = AllowFile::new(&key(7));
        list.add(digest(&key(7), b"1503791028"));
        let text = list.text();
        assert_eq!(AllowFile::parse(&text, &key(8)).unwrap_err(), AllowError::OtherKey);
        let title = text.find(TITLE).unwrap();
        for cut in title + 1..title + TITLE.len() + 33 {
            assert_eq!(
                AllowFile::parse(text.split_at(cut).0, &key(7)).unwrap_err(),
                AllowError::Damaged(3),
                "{cut}"
            );
        }
        let cut = text.trim_end().split_at(text.len() - 3).0;
        assert_eq!(AllowFile::parse(cut, &key(7)).unwrap_err(), AllowError::Damaged(4));
        assert_eq!(AllowFile::parse("150379-1028\n", &key(7)).unwrap_err(), AllowError::Damaged(1));
    }
}
