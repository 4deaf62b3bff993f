//! Digits in groups, and what stands between them: which of it is written as a number is.
//!
//! Start reading at [`Row::read`] and [`Row::number`]; `Gap` is what joins two groups. Tests: those of the room above.

use super::{Form, LONGEST};
use crate::cpr::glyph::{self, Glyph};

/// The longest gap between two digits, in bytes.
const LONGEST_GAP: usize = 600;

/// The longest gap of plain characters; more blanks than this are a table.
const LONGEST_PLAIN_GAP: usize = 24;

/// Digits that a reader sees as one run.
#[derive(Clone, Copy, Debug, Default)]
struct Group {
    digits: usize,
    /// The offset past its last digit.
    end: usize,
    /// What stands between this group and the next.
    gap: Gap,
}

/// The groups in which the digits of a number are written, and what that makes of them.
const SHAPES: [(&[u8], Shape); 8] = [
    (&[10], Shape::Whole),
    (&[9], Shape::Nine),
    (&[6, 4], Shape::Halves),
    (&[8, 4], Shape::FullYear),
    (&[2, 2, 2, 4], Shape::Date),
    (&[2, 2, 4, 4], Shape::FullYear),
    (&[2, 2, 2, 2, 2], Shape::Spread),
    (&[1; Row::GROUPS], Shape::Spread),
];

/// For each place of a group and each number of digits in it, a one for each shape that has such a group there.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
static FITTING: [[u8; Row::DIGITS + 2]; Row::GROUPS] = {
    let mut table = [[0; Row::DIGITS + 2]; Row::GROUPS];
    let mut nr = 0;
    while nr < SHAPES.len() {
        let mut place = 0;
        while place < SHAPES[nr].0.len() {
            table[place][SHAPES[nr].0[place] as usize] |= 1 << nr;
            place += 1;
        }
        nr += 1;
    }
    table
};

/// Whether a shape begins with a group of so many digits.
pub(super) fn may_begin(digits: usize) -> bool {
    FITTING[0].get(digits).is_some_and(|shapes| *shapes != 0)
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    Whole,
    Nine,
    Halves,
    Date,
    FullYear,
    Spread,
}

/// Digits and what stands between them, as far as they may still become a number.
pub(super) struct Row {
    digits: [u8; Self::DIGITS],
    groups: [Group; Self::GROUPS],
    count: usize,
    shape: Option<Shape>,
}

impl Row {
    /// `DDMMYYYYSSSS`, and one more that shows that it goes on.
    const DIGITS: usize = 13;
    const GROUPS: usize = 10;

    /// Reads groups from `start` until a shape is complete or none can be.
    pub(super) fn read(text: &[u8], start: usize) -> Self {
        let mut row = Self {
            digits: [0; Self::DIGITS],
            groups: [Group::default(); Self::GROUPS],
            count: 0,
            shape: None,
        };
        let mut digits = 0;
        let mut at = start;
        // A one for each shape that the groups so far begin.
        let mut fitting = u8::MAX;
        while let Some(group) = row.groups.get_mut(row.count) {
            let first = digits;
            let mut gap = None;
            // A group: digits with nothing to see between them.
            while let Some((Glyph::Digit(digit), length)) = text.get(at..).and_then(glyph::glyph) {
                at += length;
                if let Some(slot) = row.digits.get_mut(digits) {
                    *slot = digit;
                }
                digits += 1;
                group.end = at;
                if digits > Self::DIGITS {
                    break;
                }
                match text.get(at) {
                    Some(next) if next.is_ascii_digit() => {}
                    _ if at - start >= LONGEST - LONGEST_GAP => break,
                    _ => match Gap::at(text, at) {
                        Some((Gap::NONE, length)) => at += length,
                        other => {
                            gap = other;
                            break;
                        }
                    },
                }
            }
            group.digits = digits - first;
            fitting &= FITTING.get(row.count).and_then(|place| place.get(group.digits)).copied().unwrap_or(0);
            row.count += 1;
            let complete = SHAPES.get(fitting.trailing_zeros() as usize);
            row.shape = complete.filter(|(shape, _)| shape.len() == row.count).map(|(_, shape)| *shape);
            if row.shape.is_none()
                && fitting != 0
                && let Some((gap, length)) = gap
            {
                if let Some(group) = row.groups.get_mut(row.count - 1) {
                    group.gap = gap;
                }
                at += length;
                continue;
            }
            break;
        }
        row
    }

    /// The form, the ten digits and the offset past the last, when the groups and gaps are a number's.
    pub(super) fn number(&self) -> Option<(Form, [u8; 10], usize)> {
        let groups = self.groups.get(..self.count)?;
        let gaps = || groups.iter().take(self.count - 1).map(|group| group.gap.joint());
        let before_serial = groups.iter().rev().nth(1).map(|group| group.gap.joint());
        let same = |mut gaps: std::iter::Take<_>| -> Option<Joint> {
            let first: Joint = Iterator::next(&mut gaps)??;
            gaps.all(|gap: Option<Joint>| gap == Some(first)).then_some(first)
        };
        let form = match self.shape? {
            Shape::Whole => Form::Plain,
            Shape::Nine => Form::Nine,
            Shape::Halves => match before_serial?? {
                Joint::Dash => Form::Dashed,
                Joint::Blank => Form::Blank,
                Joint::Line => Form::Broken,
                Joint::Mark(_) => Form::Marked,
                Joint::Cell => Form::Cells,
            },
            Shape::Spread => {
                let serial_from = if self.count == Self::GROUPS { 5 } else { 2 };
                let joint = same(gaps().take(serial_from))?;
                gaps().skip(serial_from + 1).all(|gap| gap == Some(joint)).then_some(())?;
                Form::Spread
            }
            Shape::Date | Shape::FullYear if self.count == 4 => match same(gaps().take(2))? {
                Joint::Line => return None,
                Joint::Cell => Form::Cells,
                Joint::Dash | Joint::Blank | Joint::Mark(_) => before_serial?.map(|_| Form::Spelled)?,
            },
            Shape::Date | Shape::FullYear => before_serial?.map(|_| Form::Spelled)?,
        };
        let end = groups.last()?.end;
        let mut digits = [0; 10];
        if let Shape::FullYear = self.shape? {
            // The century is said again by the seventh digit, so it is dropped here.
            matches!(self.digits.get(4..6)?, [1, 8 | 9] | [2, 0]).then_some(())?;
            digits.get_mut(..4)?.copy_from_slice(self.digits.get(..4)?);
            digits.get_mut(4..)?.copy_from_slice(self.digits.get(6..12)?);
        } else if let Shape::Nine = self.shape? {
            digits.get_mut(1..)?.copy_from_slice(self.digits.get(..9)?);
        } else {
            digits.copy_from_slice(self.digits.get(..10)?);
        }
        Some((form, digits, end))
    }

    /// How far a reader sees one run of digits, or digits one by one: no number begins in the middle of those.
    pub(super) fn passed(&self) -> usize {
        let mut groups = self.groups.iter().take(self.count);
        let Some(first) = groups.next() else { return 0 };
        groups.take_while(|group| first.digits == 1 && group.digits == 1).last().unwrap_or(first).end
    }
}

/// What joins two groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Joint {
    Dash,
    Blank,
    Line,
    Mark(u8),
    Cell,
}

/// All that stands between two groups of digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Gap {
    blank: bool,
    dash: bool,
    line: bool,
    mark: Option<u8>,
    /// Edges of cells that are tags, and that are marks of text.
    cells: u8,
    commas: u8,
}

impl Gap {
    const NONE: Self = Self { blank: false, dash: false, line: false, mark: None, cells: 0, commas: 0 };

    /// Empty cells between date and serial are as many as this: two edges each.
    const MOST_CELLS: u8 = 6;

    /// What stands at `from` until the next digit, with its length: blanks, at most one dash, at most one mark, at most
    /// one line break with the quotes that a reply puts after it, edges of cells, and what is not seen. `None` when it
    /// is too long, or anything else.
    fn at(text: &[u8], from: usize) -> Option<(Self, usize)> {
        let mut gap = Self::default();
        let (mut at, mut plain, mut quoted) = (from, 0, false);
        while at - from < LONGEST_GAP && plain < LONGEST_PLAIN_GAP {
            let rest = text.get(at..)?;
            let (glyph, length) = glyph::glyph(rest)?;
            let is_plain = length < 5 && rest.first() != Some(&b'<');
            match glyph {
                Glyph::Digit(_) => {
                    return (!quoted || gap.commas > 0).then_some((gap, at - from));
                }
                Glyph::Blank => gap.blank = true,
                Glyph::Invisible => {}
                Glyph::Dash if !gap.dash && gap.mark.is_none() => gap.dash = true,
                // In a table of HTML a line break is a blank.
                Glyph::Line if gap.cells > 0 => gap.blank = true,
                Glyph::Line if !gap.line => gap.line = true,
                Glyph::Quote if gap.line => {}
                Glyph::Mark(mark) if gap.mark.is_none() && !gap.dash => gap.mark = Some(mark),
                Glyph::Cell if is_plain && gap.commas == 0 => gap.commas = 1,
                Glyph::Cell if !is_plain && gap.cells < Self::MOST_CELLS => gap.cells += 1,
                Glyph::CellQuote => quoted = true,
                Glyph::Dash | Glyph::Line | Glyph::Quote | Glyph::Mark(_) | Glyph::Cell => return None,
            }
            if is_plain {
                plain += length;
            }
            at += length;
        }
        None
    }

    /// What it is as a joint; `None` for a row's end in a table of text and the like.
    fn joint(self) -> Option<Joint> {
        Some(match self {
            Self { commas: 1.., line: true, .. } | Self { commas: 1.., cells: 1.., .. } => return None,
            Self { cells: 1.., dash: true, .. } => Joint::Dash,
            Self { cells: 1.., .. } | Self { commas: 1.., .. } => Joint::Cell,
            Self { line: true, .. } => Joint::Line,
            Self { dash: true, .. } => Joint::Dash,
            Self { mark: Some(mark), .. } => Joint::Mark(mark),
            Self { blank: true, .. } => Joint::Blank,
            // Nothing is seen, and the groups are one.
            Self { .. } => return None,
        })
    }
}
