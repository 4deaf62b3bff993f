//! Tables of HTML: a cell by its tags, its column by the cells before it in the row, headings by the table's first row.

use super::{Cell, Column, HeadingReader, Headings, MOST_COLUMNS};
use crate::cpr::glyph::{self, Tag};
use crate::scan::render::render;
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
    /// The cell that was asked for last, so that a row is not counted anew for each of its cells.
    last: Option<Last>,
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
        let mut place = Backwards::from(before);
        let cell_start = place.cell_start()?;
        let offset = base + cut as u64;
        let tag = offset + place.at as u64;
        let last = self.last.filter(|last| last.tag >= offset && last.tag <= tag);
        let last_tag = last.and_then(|last| usize::try_from(last.tag - offset).ok());
        let (column, row) = match last {
            Some(last) if last.tag == tag => (last.column, last.row),
            _ => match place.column(last_tag)? {
                (columns, Some(row)) => (columns, offset + row as u64),
                (columns, None) => last.map(|last| (last.column + columns, last.row))?,
            },
        };
        self.end_table(text, base, span.start);
        if self.last.is_none_or(|last| last.row != row) {
            self.learn(text, base, usize::try_from(row.checked_sub(base)?).ok()?, rules);
        }
        self.last = Some(Last { tag, column, row });
        let mut lead = String::new();
        render(before.get(cell_start..)?, &mut lead);
        let after = text.get(span.end..(span.end + 16).min(text.len())).unwrap_or_default();
        let ends = after.iter().find(|byte| !byte.is_ascii_whitespace()).is_none_or(|byte| *byte == b'<');
        let headings = self.headings.as_ref().map(|(_, headings)| headings);
        Some(Cell {
            start: cut + cell_start,
            whole: ends && lead.trim().is_empty(),
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
        let above = text.get(row_start.saturating_sub(FARTHEST)..row_start).unwrap_or_default();
        let cut = row_start - above.len();
        let Some(start) = open_table(above) else { return };
        let place = base + (cut + start) as u64;
        if self.headings.as_ref().is_some_and(|(known, _)| *known == place) {
            return;
        }
        let first_row = text.get(cut + start..row_start).unwrap_or_default();
        self.headings = Some((place, headings(first_row, rules).unwrap_or_default()));
    }
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

    /// Where the cell's content begins, if the end of the text is in a cell.
    fn cell_start(&mut self) -> Option<usize> {
        loop {
            let (tag, place, closes) = self.next()?;
            match tag {
                Tag::Cell if !closes => return Some(place.end),
                Tag::Cell | Tag::Row => return None,
                Tag::Inline | Tag::Break | Tag::Field | Tag::Block | Tag::Named(_) => {}
            }
        }
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
