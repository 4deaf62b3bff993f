//! Tables of HTML: a cell by its tags, its column by the cells before it in the row, headings by the table's first row.

use super::{Cell, Column, HeadingReader, Headings, MOST_COLUMNS};
use crate::cpr::glyph::{self, Tag};
use crate::scan::render::is_blank;
use crate::scan::ruleset::Ruleset;
use memchr::{memchr, memmem, memrchr};
use std::ops::Range;

/// How far back tags are looked at, in bytes and in tags.
const FARTHEST: usize = 2000;
const MOST_TAGS: usize = 160;

/// What is known of the table at hand.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Offset of the `<table` whose headings these are.
    headings: Option<(u64, Headings)>,
    /// Offset up to which no table has ended since.
    seen_to: u64,
    /// Offset of the row before which an open table was looked for last, and where that began.
    open: Option<(u64, Option<u64>)>,
    /// The cell that the last number stood in, if it did, and where tags have yet to be looked for.
    cell: Option<(u64, Option<OpenCell>)>,
    /// The cell that was asked for last, so that a row is not counted anew for each of its cells.
    last: Option<Last>,
    /// Offset of the last cell that no row was found for.
    rowless: Option<u64>,
}

/// A cell that has begun: the offsets of its tag and of what it holds.
#[derive(Clone, Copy, Debug)]
struct OpenCell {
    tag: u64,
    content: u64,
}

/// A cell: the offset of its tag, its column, and the offset of its row.
#[derive(Clone, Copy, Debug)]
struct Last {
    tag: u64,
    column: usize,
    row: u64,
}

impl Table {
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn cell_of(
        &mut self,
        text: &[u8],
        base: u64,
        span: &Range<usize>,
        rules: &Ruleset,
    ) -> Option<Cell> {
        let before = text.get(span.start.saturating_sub(FARTHEST)..span.start)?;
        let cut = span.start - before.len();
        let offset = base + cut as u64;
        let OpenCell { tag, content } = self.open_cell(before, offset)?;
        let cell_start = usize::try_from(content - offset).ok()?;
        let mut place = Backwards { at: usize::try_from(tag - offset).ok()?, ..Backwards::from(before) };
        let last = self.last.filter(|last| last.tag >= offset && last.tag <= tag);
        let rowless = self.rowless.filter(|rowless| *rowless >= offset && *rowless <= tag);
        let stop = last.map(|last| last.tag).max(rowless);
        let (column, row) = match last {
            Some(last) if last.tag == tag => (last.column, last.row),
            _ => {
                let stop_at = stop.and_then(|stop| usize::try_from(stop - offset).ok());
                let found = match place.column(stop_at).filter(|_| stop != Some(tag)) {
                    Some((columns, Some(row))) => Some((columns, offset + row as u64)),
                    Some((columns, None)) => last
                        .filter(|last| Some(last.tag) == stop)
                        .map(|last| (last.column + columns, last.row)),
                    None => None,
                };
                if found.is_none() {
                    self.rowless = Some(tag);
                }
                found?
            }
        };
        self.end_table(text, base, span.start);
        if self.last.is_none_or(|last| last.row != row) {
            self.learn(text, base, usize::try_from(row.checked_sub(base)?).ok()?, rules);
        }
        self.last = Some(Last { tag, column, row });
        let is_first = is_blank(before.get(cell_start..)?);
        let after = text.get(span.end..(span.end + 16).min(text.len())).unwrap_or_default();
        let ends = after.iter().find(|byte| !byte.is_ascii_whitespace()).is_none_or(|byte| *byte == b'<');
        let headings = self.headings.as_ref().map(|(_, headings)| headings);
        Some(Cell {
            start: cut + cell_start,
            whole: ends && is_first,
            column: headings.map_or(Column::Unknown, |headings| headings.column(column)),
        })
    }

    /// Forgets the headings when their table has ended since they were last asked for.
    fn end_table(&mut self, text: &[u8], base: u64, to: usize) {
        if self.headings.is_some() {
            let from = usize::try_from(self.seen_to.saturating_sub(base)).unwrap_or(to).min(to);
            let between = text.get(from..to).unwrap_or_default();
            if memmem::find(between, b"</table").is_some() || memmem::find(between, b"</TABLE").is_some() {
                self.headings = None;
            }
        }
        self.seen_to = base + to as u64;
    }

    /// Reads the headings of the table that the row at `row_start` is in, when its beginning is still at hand.
    fn learn(&mut self, text: &[u8], base: u64, row_start: usize, rules: &Ruleset) {
        let Some(start) = self.open_table(text, base, row_start) else { return };
        let place = base + start as u64;
        if self.headings.as_ref().is_some_and(|(known, _)| *known == place) {
            return;
        }
        let first_row = text.get(start..row_start).unwrap_or_default();
        self.headings = Some((place, headings(first_row, rules).unwrap_or_default()));
    }
}

impl Table {
    /// The cell that the end of `before` is in. What stood before the last number is not looked at again; but the tag that
    /// it stood in is, as that has its end only now.
    fn open_cell(&mut self, before: &[u8], offset: u64) -> Option<OpenCell> {
        let known =
            self.cell.and_then(|(to, cell)| Some((usize::try_from(to.checked_sub(offset)?).ok()?, cell)));
        let (from, known) = known.filter(|(to, _)| *to <= before.len()).unwrap_or((0, None));
        let new = before.get(from..)?;
        let place = |at: usize| offset + (from + at) as u64;
        let tag = last_tag(new);
        let said = tag.map_or(CellStart::Unsaid, |_| Backwards::from(new).cell_start());
        let cell = match said {
            CellStart::At { tag, content } => Some(OpenCell { tag: place(tag), content: place(content) }),
            CellStart::Outside => None,
            CellStart::Unsaid => known.filter(|cell| cell.tag >= offset),
        };
        let unended = tag.filter(|tag| {
            let rest = new.get(*tag..).unwrap_or_default();
            rest.len() < glyph::LONGEST_TAG && memchr(b'>', rest).is_none()
        });
        self.cell = Some((place(unended.unwrap_or(new.len())), cell));
        cell
    }

    /// Where the last table begins that has not ended before the row at `row_start`. Where no table began or ended since
    /// the last row that was asked for, it is the same one.
    fn open_table(&mut self, text: &[u8], base: u64, row_start: usize) -> Option<usize> {
        let farthest = row_start.saturating_sub(FARTHEST);
        let place = |at: u64| usize::try_from(at.checked_sub(base)?).ok();
        let last = self.open.and_then(|(to, open)| Some((place(to).filter(|to| *to >= farthest)?, open)));
        let same =
            last.filter(|(to, _)| text.get(*to..row_start).is_some_and(|between| !tells_of_table(between)));
        let start = match same {
            Some((_, open)) => open.and_then(place).filter(|open| *open >= farthest),
            None => {
                open_table(text.get(farthest..row_start).unwrap_or_default()).map(|start| farthest + start)
            }
        };
        self.open = Some((base + row_start as u64, start.map(|start| base + start as u64)));
        start
    }
}

/// Where the last tag may begin.
fn last_tag(text: &[u8]) -> Option<usize> {
    // Between numbers that stand closely, a search by vectors does not pay.
    if text.len() < 32 {
        return text.iter().rposition(|byte| *byte == b'<');
    }
    memrchr(b'<', text)
}

/// Whether a table begins or ends in `text`.
fn tells_of_table(text: &[u8]) -> bool {
    memchr::memchr_iter(b'<', text).any(|at| {
        let name = text.get(at + 1..).unwrap_or_default();
        let name = name.strip_prefix(b"/").unwrap_or(name);
        name.get(..5).is_some_and(|name| name.eq_ignore_ascii_case(b"table"))
    })
}

/// Where the last table begins that has not ended in `text`.
fn open_table(text: &[u8]) -> Option<usize> {
    let mut ended = 0_usize;
    for at in memchr::memrchr_iter(b'<', text) {
        let name = |from: usize| {
            text.get(at + from..at + from + 5).is_some_and(|name| name.eq_ignore_ascii_case(b"table"))
        };
        if name(1) {
            match ended.checked_sub(1) {
                Some(fewer) => ended = fewer,
                None => return Some(at),
            }
        } else if text.get(at + 1) == Some(&b'/') && name(2) {
            ended += 1;
        }
    }
    None
}

/// The headings in the first row of `text`; `None` when it has none.
fn headings(text: &[u8], rules: &Ruleset) -> Option<Headings> {
    let mut headings = HeadingReader::new(rules);
    let (mut cell, mut at, mut in_row) = (None, 0, false);
    for _ in 0..MOST_TAGS {
        let rest = text.get(at..)?;
        at += memchr(b'<', rest).unwrap_or(rest.len());
        let (tag, length) = match text.get(at..).and_then(glyph::tag) {
            Some(tag) => tag,
            // The text was cut where the next row begins.
            None if at == text.len() => (Tag::Row, 0),
            None => {
                at += 1;
                continue;
            }
        };
        let closes = text.get(at + 1) == Some(&b'/');
        if let (Tag::Cell | Tag::Row, Some((start, span))) = (tag, cell) {
            headings.cell(text.get(start..at)?, span);
            cell = None;
        }
        match tag {
            Tag::Row if in_row => break,
            Tag::Row => in_row = true,
            Tag::Cell if !closes && headings.len() < MOST_COLUMNS => {
                cell = Some((at + length, col_span(text.get(at..at + length)?)));
            }
            Tag::Cell | Tag::Inline | Tag::Break | Tag::Field | Tag::Block | Tag::Named(_) => {}
        }
        at += length;
    }
    headings.finish()
}

/// How many columns a cell stretches over.
fn col_span(tag: &[u8]) -> usize {
    let value = memmem::find(tag, b"colspan").and_then(|at| tag.get(at + 7..)).unwrap_or_default();
    let digits =
        value.iter().skip_while(|byte| !byte.is_ascii_digit()).take(2).filter(|byte| byte.is_ascii_digit());
    let span = digits.fold(0, |span, digit| span * 10 + usize::from(digit - b'0'));
    // `colspan` stands near its value.
    if value.iter().take(4).any(u8::is_ascii_digit) { span.clamp(1, MOST_COLUMNS) } else { 1 }
}

/// Where the cell begins that the end of a text is in.
enum CellStart {
    At {
        tag: usize,
        content: usize,
    },
    /// It is in none.
    Outside,
    /// The text holds no tag that tells.
    Unsaid,
}

/// Tags, read from the end of a text to its start.
struct Backwards<'a> {
    text: &'a [u8],
    at: usize,
    tags: usize,
    /// Columns of the cells passed so far.
    columns: usize,
}

impl<'a> Backwards<'a> {
    fn from(text: &'a [u8]) -> Self {
        Self { text, at: text.len(), tags: 0, columns: 0 }
    }

    /// The tag before the last one, with where it starts and ends and whether it closes.
    fn next(&mut self) -> Option<(Tag<'a>, Range<usize>, bool)> {
        while self.tags < MOST_TAGS {
            self.tags += 1;
            let at = memrchr(b'<', self.text.get(..self.at)?)?;
            self.at = at;
            let rest = self.text.get(at..)?;
            if let Some((tag, length)) = glyph::tag(rest) {
                return Some((tag, at..at + length, rest.get(1) == Some(&b'/')));
            }
        }
        None
    }

    /// What the tags say of the cell that the end of the text is in.
    fn cell_start(&mut self) -> CellStart {
        while let Some((tag, place, closes)) = self.next() {
            match tag {
                Tag::Cell if !closes => return CellStart::At { tag: place.start, content: place.end },
                Tag::Cell | Tag::Row => return CellStart::Outside,
                Tag::Inline | Tag::Break | Tag::Field | Tag::Block | Tag::Named(_) => {}
            }
        }
        CellStart::Unsaid
    }

    /// How many columns stand before the cell, and where its row begins; counted from the cell whose tag is at `last`,
    /// if that comes first.
    fn column(&mut self, last: Option<usize>) -> Option<(usize, Option<usize>)> {
        loop {
            let (tag, place, closes) = self.next()?;
            match tag {
                Tag::Cell if !closes => {
                    let is_last = last == Some(place.start);
                    self.columns += col_span(self.text.get(place)?);
                    if is_last {
                        return Some((self.columns, None));
                    }
                }
                Tag::Row => return Some((self.columns, Some(place.start))),
                Tag::Cell | Tag::Inline | Tag::Break | Tag::Field | Tag::Block | Tag::Named(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::columns_of;
    use super::*;

    fn columns(text: &str) -> Vec<Option<(bool, String)>> {
        let mut table = Table::default();
        columns_of(text, |bytes, run, rules| table.cell_of(bytes, 0, run, rules))
    }

    #[test]
    fn a_number_has_the_heading_of_its_column() {
        let text = "<table border=1><tr><th>Navn</th><th colspan=\"2\">CPR-nr.</th><th>Nr.</th></tr>\
            <tr><td>A</td><td>1503791234</td><td><b>1503791234</b></td><td>1503791234</td></tr></table>\
            <table><tr><td>Ordre</td><td>nr. 1503791234</td></tr></table><p>1503791234</p>";
        let found = columns(text);
        let cpr = Some((true, "label:cpr".to_owned()));
        let other = Some((true, "other true".to_owned()));
        assert_eq!(found, [cpr.clone(), cpr, other, Some((false, "?".to_owned())), None]);
    }
}
