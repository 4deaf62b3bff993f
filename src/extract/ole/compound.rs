//! The file system in an OLE compound file (MS-CFB): storages are folders, streams are files.
//!
//! Reads what Office reads: chains that are cut, directories with loose ends and sizes that are lies are followed as far
//! as they go, and [`Compound::is_damaged`] says so. (The crate `cfb` is strict and opened 18 of 240 damaged messages;
//! the tests write their files with it.) Never takes more memory than the document has, and copies no more than a few
//! times its size, whatever the chains say. Start reading at [`Compound::new`].

use crate::extract::bytes::{part, size_at, u16_at, u32_at, wide};
use std::cell::Cell;

/// How a compound file begins.
pub(in crate::extract) const MAGIC: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

/// The numbers above are no sectors but marks, the end of a chain among them (MS-CFB §2.1).
const LAST: u32 = 0xFFFF_FFFA;
/// The end of a chain.
const END: u32 = 0xFFFF_FFFE;
/// The root storage: the first entry of the directory.
pub(super) const ROOT: usize = 0;

/// An entry of the directory.
struct Entry {
    name: String,
    is_storage: bool,
    parent: usize,
    children: Vec<usize>,
    start: u32,
    size: usize,
}

/// A compound file in memory.
pub(super) struct Compound<'a> {
    document: &'a [u8],
    /// Bytes of a sector.
    sector: usize,
    /// Of each sector, the next one of its chain.
    fat: Vec<u32>,
    /// Of each small sector, likewise.
    mini_fat: Vec<u32>,
    /// The small sectors.
    mini: Vec<u8>,
    /// Streams of fewer bytes lie in small sectors.
    cutoff: usize,
    entries: Vec<Entry>,
    /// Bytes that may still be copied: streams may share sectors, and a few that do would be a bomb.
    left: Cell<usize>,
    damaged: Cell<bool>,
}

impl<'a> Compound<'a> {
    /// Reads the directory; `None` when there is no way to.
    pub(super) fn new(document: &'a [u8]) -> Option<Self> {
        let shift = u16_at(document, 30)?;
        if !document.starts_with(MAGIC) || !(7..=16).contains(&shift) {
            return None;
        }
        let mut compound = Self {
            document,
            sector: 1 << shift,
            fat: Vec::new(),
            mini_fat: Vec::new(),
            mini: Vec::new(),
            cutoff: size_at(document, 56)?,
            entries: Vec::new(),
            left: Cell::new(document.len().saturating_mul(4)),
            damaged: Cell::new(false),
        };
        compound.read_fat()?;
        let directory = compound.chain(u32_at(document, 48)?, usize::MAX);
        compound.read_directory(&directory);
        let root = compound.entries.first()?;
        compound.mini = compound.chain(root.start, root.size);
        let mini_fat = compound.chain(u32_at(document, 60)?, usize::MAX);
        compound.mini_fat = numbers(&mini_fat).collect();
        Some(compound)
    }

    /// Whether something of it is not where it should be.
    pub(super) fn is_damaged(&self) -> bool {
        self.damaged.get()
    }

    /// The storages, each before those in it.
    pub(super) fn storages(&self) -> Vec<usize> {
        let (mut found, mut open) = (Vec::new(), vec![ROOT]);
        while let Some(storage) = open.pop() {
            found.push(storage);
            open.extend(self.children(storage).filter(|child| self.is_storage(*child)));
        }
        found
    }

    /// What lies in a storage.
    pub(super) fn children(&self, storage: usize) -> impl Iterator<Item = usize> {
        self.entries.get(storage).into_iter().flat_map(|entry| entry.children.iter().copied())
    }

    /// What lies in a storage under this name, which has no case (MS-CFB §2.6.4).
    pub(super) fn child(&self, storage: usize, name: &str) -> Option<usize> {
        self.children(storage).find(|child| self.name(*child).eq_ignore_ascii_case(name))
    }

    /// The storage that this lies in.
    pub(super) fn parent(&self, entry: usize) -> usize {
        self.entries.get(entry).map_or(ROOT, |entry| entry.parent)
    }

    /// Its name.
    pub(super) fn name(&self, entry: usize) -> &str {
        self.entries.get(entry).map_or("", |entry| &entry.name)
    }

    /// Whether it is a storage.
    pub(super) fn is_storage(&self, entry: usize) -> bool {
        self.entries.get(entry).is_some_and(|entry| entry.is_storage)
    }

    /// The bytes of a stream, as many as there are.
    pub(super) fn stream(&self, entry: usize) -> Vec<u8> {
        let Some(entry) = self.entries.get(entry).filter(|entry| !entry.is_storage) else {
            return Vec::new();
        };
        if entry.size >= self.cutoff {
            return self.chain(entry.start, entry.size);
        }
        self.follow(&self.mini_fat, entry.start, entry.size, |small| {
            let at = usize::try_from(small).ok()?.checked_mul(64)?;
            Some(part(&self.mini, at, 64)).filter(|bytes| !bytes.is_empty())
        })
    }

    /// The bytes of the stream with this name in a storage.
    pub(super) fn stream_in(&self, storage: usize, name: &str) -> Option<Vec<u8>> {
        self.child(storage, name).map(|child| self.stream(child))
    }

    /// The FAT: its sectors are listed in the header and, where that is full, in a chain of their own (§2.5).
    fn read_fat(&mut self) -> Option<()> {
        // One sector of it tells of this many; more sectors of it than the document has use for are a lie.
        let most = self.document.len() / self.sector / (self.sector / 4) + 2;
        let mut listed: Vec<u32> = numbers(part(self.document, 76, 436)).collect();
        let mut next = u32_at(self.document, 68)?;
        while next <= LAST && listed.len() <= most + 109 {
            let Some(sector) = self.at(next) else {
                self.damaged.set(true);
                break;
            };
            let (list, after) = sector.split_at(sector.len().saturating_sub(4));
            listed.extend(numbers(list));
            next = u32_at(after, 0).unwrap_or(END);
        }
        let listed: Vec<u32> = listed.into_iter().filter(|sector| *sector <= LAST).take(most).collect();
        for sector in listed {
            match self.at(sector) {
                Some(bytes) => {
                    let entries: Vec<u32> = numbers(bytes).collect();
                    self.fat.extend(entries);
                }
                None => self.damaged.set(true),
            }
        }
        Some(())
    }

    /// The directory: a list of entries, which are trees of siblings (§2.6).
    fn read_directory(&mut self, directory: &[u8]) {
        let (entries, _) = directory.as_chunks::<128>();
        let mut links = Vec::new();
        for entry in entries {
            let length = usize::from(u16_at(entry, 64).unwrap_or_default()).saturating_sub(2).min(62);
            let link = |at| size_at(entry, at).filter(|link| *link < entries.len());
            links.push((link(68), link(72), link(76), entry.get(66).copied().unwrap_or_default()));
            self.entries.push(Entry {
                name: wide(part(entry, 0, length)),
                is_storage: matches!(entry.get(66), Some(1 | 5)),
                parent: ROOT,
                children: Vec::new(),
                start: u32_at(entry, 116).unwrap_or(END),
                size: size_at(entry, 120).unwrap_or_default(),
            });
        }
        let mut seen = vec![false; links.len()];
        let mut open: Vec<(usize, usize)> = vec![(ROOT, ROOT)];
        while let Some((entry, parent)) = open.pop() {
            let Some(seen) = seen.get_mut(entry) else { continue };
            if std::mem::replace(seen, true) {
                self.damaged.set(true);
                continue;
            }
            let Some((left, right, child, _)) = links.get(entry).copied() else { continue };
            self.adopt(entry, parent);
            open.extend([left, right].into_iter().flatten().map(|sibling| (sibling, parent)));
            open.extend(child.map(|child| (child, entry)));
        }
        // What hangs on no tree is out of sight and still there. Read as well, it is no damage: nothing is lost.
        for (entry, (_, _, _, kind)) in links.iter().enumerate() {
            if seen.get(entry) == Some(&false) && matches!(kind, 1 | 2) {
                self.adopt(entry, ROOT);
            }
        }
    }

    fn adopt(&mut self, entry: usize, parent: usize) {
        if entry == ROOT {
            return;
        }
        if let Some(entry) = self.entries.get_mut(entry) {
            entry.parent = parent;
        }
        if let Some(parent) = self.entries.get_mut(parent) {
            parent.children.push(entry);
        }
    }

    /// A sector; the header takes the place of one.
    fn at(&self, sector: u32) -> Option<&'a [u8]> {
        let at = usize::try_from(sector).ok()?.checked_add(1)?.checked_mul(self.sector)?;
        Some(part(self.document, at, self.sector)).filter(|bytes| !bytes.is_empty())
    }

    fn chain(&self, start: u32, size: usize) -> Vec<u8> {
        self.follow(&self.fat, start, size, |sector| self.at(sector))
    }

    /// The bytes of a chain, at most `size`; of a directory or a table nobody says how long it is (`usize::MAX`).
    fn follow<'s>(
        &self,
        fat: &[u32],
        start: u32,
        size: usize,
        at: impl Fn(u32) -> Option<&'s [u8]>,
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut next = start;
        // A chain that is longer than the table goes in a circle.
        for _ in 0..=fat.len() {
            if bytes.len() >= size || (next > LAST && size == usize::MAX) {
                break;
            }
            let (Some(sector), true) = (at(next), self.left.get() > 0) else {
                self.damaged.set(true);
                break;
            };
            self.left.set(self.left.get().saturating_sub(sector.len()));
            bytes.extend_from_slice(part(sector, 0, size - bytes.len()));
            next = usize::try_from(next).ok().and_then(|next| fat.get(next)).copied().unwrap_or(END);
        }
        if size != usize::MAX && bytes.len() < size {
            self.damaged.set(true);
        }
        bytes
    }
}

/// Numbers of four bytes each.
fn numbers(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.as_chunks::<4>().0.iter().map(|number| u32::from_le_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};

    #[test]
    fn large_and_small_streams_in_storages_are_read() {
        for version in [cfb::Version::V3, cfb::Version::V4] {
            let large: Vec<u8> = (0..200_000_u32).map(|nr| nr.to_le_bytes()[0]).collect();
            let mut file = cfb::CompoundFile::create_with_version(version, Cursor::new(Vec::new())).unwrap();
            file.create_storage("/a").unwrap();
            file.create_stream("/a/large").unwrap().write_all(&large).unwrap();
            file.create_stream("/a/small").unwrap().write_all(b"CPR-nr.").unwrap();
            file.create_stream("/empty").unwrap();
            file.flush().unwrap();
            let bytes = file.into_inner().into_inner();
            let compound = Compound::new(&bytes).unwrap();
            let [root, a] = compound.storages()[..] else { panic!() };
            assert_eq!((root, compound.name(a), compound.parent(a)), (ROOT, "a", ROOT));
            assert_eq!(compound.stream_in(a, "LARGE").unwrap(), large);
            assert_eq!(compound.stream_in(a, "small").unwrap(), b"CPR-nr.");
            assert_eq!(compound.stream_in(ROOT, "empty").unwrap(), b"");
            assert!(!compound.is_damaged());
            // Cut off: as much as there is, and said.
            let cut = Compound::new(&bytes[..bytes.len() / 2]);
            assert!(cut.is_none_or(|cut| cut.is_damaged()));
        }
    }
}
