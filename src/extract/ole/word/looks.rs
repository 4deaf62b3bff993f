//! How the letters and the paragraphs of a Word document look, as far as it decides what is read: which do not show, and
//! which paragraphs are cells and rows of tables.
//!
//! Both stand in pages of 512 bytes, each with runs of the stream and lists of changes to how these look (MS-DOC §2.9.34,
//! §2.9.174); the table stream lists the pages. Start reading at [`runs`].

use crate::extract::bytes::{part, size_at, u16_at};

/// What is known of a paragraph by where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Cell,
    RowEnd,
}

/// Whether a letter shows, and whether it stood there before the changes that are tracked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sight {
    pub(super) shows: bool,
    pub(super) was: bool,
}

impl Default for Sight {
    fn default() -> Self {
        Self { shows: true, was: true }
    }
}

/// Ranges of the stream in order, each with what is said of it.
type Ranges<T> = Vec<(usize, usize, T)>;

fn at<T: Copy>(ranges: &Ranges<T>, at: usize) -> Option<T> {
    let next = ranges.partition_point(|(from, ..)| *from <= at);
    let (_, to, said) = ranges.get(next.checked_sub(1)?)?;
    (at < *to).then_some(*said)
}

/// Where in the stream the paragraphs lie that are in tables.
#[derive(Default)]
pub(super) struct Paragraphs(Ranges<Place>);

impl Paragraphs {
    /// By the list at §2.5.6 `fcPlcfBtePapx`.
    pub(super) fn read(stream: &[u8], table: &[u8]) -> Self {
        Self(runs(stream, table, 0x102, 13, |page, offset| {
            let papx = part(page, offset, 512);
            let words = usize::from(*papx.first()?);
            let (start, size) =
                if words == 0 { (2, usize::from(*papx.get(1)?) * 2) } else { (1, words * 2 - 1) };
            // The first two bytes are its style.
            place(part(papx, start, size).get(2..)?)
        }))
    }

    /// What the paragraph is that has a letter at this place of the stream.
    pub(super) fn at(&self, place: usize) -> Option<Place> {
        at(&self.0, place)
    }
}

/// Where in the stream the letters lie that do not show, or that were put in.
#[derive(Default)]
pub(super) struct Letters(Ranges<Sight>);

impl Letters {
    /// By the list at §2.5.6 `fcPlcfBteChpx`.
    pub(super) fn read(stream: &[u8], table: &[u8]) -> Self {
        Self(runs(stream, table, 0xFA, 1, |page, offset| {
            let size = usize::from(*page.get(offset)?);
            Some(sight(part(page, offset + 1, size))).filter(|sight| *sight != Sight::default())
        }))
    }

    /// Whether the letter at this place of the stream shows.
    pub(super) fn at(&self, place: usize) -> Sight {
        at(&self.0, place).unwrap_or_default()
    }
}

/// The runs of all pages that are listed where the directory says at `field`; `width` bytes of a page are about each run,
/// the first of them the half of where its changes lie.
fn runs<T>(
    stream: &[u8],
    table: &[u8],
    field: usize,
    width: usize,
    say: impl Fn(&[u8], usize) -> Option<T>,
) -> Ranges<T> {
    let list = size_at(stream, field).zip(size_at(stream, field + 4));
    let list = list.map_or(&[][..], |(at, size)| part(table, at, size));
    let count = list.len().saturating_sub(4) / 8;
    let mut ranges = Vec::new();
    for nr in 0..count.min(stream.len() / 512 + 1) {
        let number = size_at(list, (count + 1) * 4 + nr * 4).unwrap_or_default() & 0x3F_FFFF;
        let page = part(stream, number * 512, 512);
        let runs = usize::from(page.get(511).copied().unwrap_or_default());
        for run in 0..runs {
            let range = size_at(page, run * 4).zip(size_at(page, run * 4 + 4));
            let offset = page.get((runs + 1) * 4 + run * width).copied().unwrap_or_default();
            let (Some((from, to)), true) = (range, offset > 0) else { continue };
            if let Some(said) = say(page, usize::from(offset) * 2) {
                ranges.push((from, to, said));
            }
        }
    }
    ranges.sort_unstable_by_key(|(from, ..)| *from);
    ranges
}

/// A list of changes, each with its number and the first byte of its operand (§2.6.1).
fn changes(list: &[u8]) -> impl Iterator<Item = (u16, u8)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let change = u16_at(list, at)?;
        let operand = list.get(at + 2).copied().unwrap_or_default();
        at += 2 + match change >> 13 {
            0 | 1 => 1,
            2 | 4 | 5 => 2,
            3 => 4,
            7 => 3,
            // Changes of a table's definition tell their size in two bytes.
            _ if change == 0xD608 => usize::from(u16_at(list, at + 2)?) + 1,
            _ => usize::from(operand) + 1,
        };
        Some((change, operand))
    })
}

/// What a paragraph's changes say of tables (§2.6.2).
fn place(list: &[u8]) -> Option<Place> {
    let mut found = None;
    for (change, operand) in changes(list).filter(|(_, operand)| *operand != 0) {
        match (change, operand) {
            // In a row's end mark; or that of a table in a table.
            (0x2417 | 0x244C, _) => return Some(Place::RowEnd),
            (0x2416 | 0x244B, _) => found = Some(Place::Cell),
            _ => {}
        }
    }
    found
}

/// What letters' changes say of whether they show (§2.6.1): deleted, put in, hidden.
fn sight(list: &[u8]) -> Sight {
    let (mut deleted, mut inserted, mut hidden) = (false, false, false);
    for (change, operand) in changes(list) {
        // As the style says, or not as it says: no style of text that is read hides it.
        let is = operand & 1 == 1;
        match change {
            0x0800 => deleted = is,
            0x0801 => inserted = is,
            0x083C => hidden = is,
            _ => {}
        }
    }
    Sight { shows: !deleted && !hidden, was: !inserted }
}
