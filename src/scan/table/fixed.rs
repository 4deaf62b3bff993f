//! Tables of text whose columns stand under one another, set apart by two blanks and more.
//!
//! A cell belongs to the heading that it stands under: counted in characters, because rows miss cells and letters beyond
//! ASCII take two bytes.

use super::{Cell, HeadingReader, Headings};
use crate::scan::ruleset::Ruleset;
use memchr::{memmem, memrchr};
use std::ops::Range;

/// How far back the line of headings is looked for, in lines and in bytes.
const MOST_LINES: usize = 24;
const FARTHEST: usize = 2000;

/// What is known of the table at hand.
#[derive(Debug, Default)]
pub(super) struct Table {
    known: Option<Known>,
    /// Offset of the last line that belongs to it.
    last: u64,
    /// Offset of the line at which no heading was found the last time.
    in_vain: Option<u64>,
}

#[derive(Debug)]
struct Known {
    headings: Headings,
    /// Where each heading stands in its line, in characters.
    places: Vec<Range<usize>>,
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
        let before = text.get(..span.start)?;
        let is_apart = before.ends_with(b"  ") || text.get(span.end..)?.starts_with(b"  ");
        if !is_apart {
            return None;
        }
        let line_start = super::line_start(before, base)?;
        let place = base + line_start as u64;
        if self.last != place && !self.goes_on(text, base, line_start) {
            self.known = None;
            if self.in_vain.is_none_or(|at| place < at || place - at >= FARTHEST as u64) {
                self.known = learn(text, line_start, rules);
                self.in_vain = self.known.is_none().then_some(place);
            }
        }
        self.last = place;
        let known = self.known.as_ref()?;
        let start = characters(before.get(line_start..)?);
        let own = start..start + characters(text.get(span.clone())?);
        let over = |heading: &Range<usize>| heading.start < own.end && own.start < heading.end;
        // A row with as many cells as there are headings need not stand under them.
        let line = before.get(line_start..)?;
        let rest = text.get(span.start..)?;
        let rest = rest.get(..memchr::memchr(b'\n', rest).unwrap_or(rest.len()).min(FARTHEST))?;
        let is_apart = line.trim_ascii_end().is_empty() || line.ends_with(b"  ");
        let nr = cells(line).len() - usize::from(!is_apart);
        let is_full = nr + cells(rest).len() == known.places.len();
        let column = if is_full { nr } else { known.places.iter().position(over)? };
        let lead =
            memmem::rfind(before.get(line_start..)?, b"  ").map_or(line_start, |at| line_start + at + 2);
        let after = text.get(span.end..)?;
        let ends = after.starts_with(b"  ") || matches!(after.first(), None | Some(b'\r' | b'\n'));
        Some(Cell { start: lead, whole: lead == span.start && ends, column: known.headings.column(column) })
    }

    /// Whether no empty line lies between the last row and this one, as far as the text is still at hand.
    fn goes_on(&self, text: &[u8], base: u64, line_start: usize) -> bool {
        let Some(last) = self.last.checked_sub(base).and_then(|last| usize::try_from(last).ok()) else {
            return false;
        };
        let between = text.get(last..line_start).unwrap_or_default();
        self.known.is_some()
            && last < line_start
            && memmem::find(between, b"\n\n").is_none()
            && memmem::find(between, b"\n\r\n").is_none()
    }
}

/// The headings above the line at `line_start`: the first line without a long number of the lines that stand together.
fn learn(text: &[u8], line_start: usize, rules: &Ruleset) -> Option<Known> {
    let farthest = line_start.saturating_sub(FARTHEST);
    let mut end = line_start.checked_sub(1)?;
    for _ in 0..MOST_LINES {
        let start = memrchr(b'\n', text.get(..end)?).map_or(0, |at| at + 1);
        let line = text.get(start..end)?.trim_ascii_end();
        if start < farthest || line.is_empty() {
            return None;
        }
        if memmem::find(line.trim_ascii_start(), b"  ").is_some()
            && let Some(known) = headings(line, rules)
        {
            return Some(known);
        }
        end = start.checked_sub(1)?;
    }
    None
}

fn headings(line: &[u8], rules: &Ruleset) -> Option<Known> {
    // A ruled line has no headings.
    line.iter().any(u8::is_ascii_alphabetic).then_some(())?;
    let mut reader = HeadingReader::new(rules);
    let mut places = Vec::new();
    for cell in cells(line) {
        let start = characters(line.get(..cell.start)?);
        let text = line.get(cell)?;
        reader.cell(text, 1);
        places.push(start..start + characters(text));
    }
    Some(Known { headings: reader.finish()?, places })
}

/// The cells of a line: what stands between two blanks and more.
fn cells(line: &[u8]) -> Vec<Range<usize>> {
    let line = line.trim_ascii_end();
    let mut cells = Vec::new();
    let mut at = 0;
    while let Some(rest) = line.get(at..).filter(|rest| !rest.is_empty()) {
        let start = at + rest.iter().take_while(|byte| **byte == b' ').count();
        let cell = line.get(start..).unwrap_or_default();
        let end = start + memmem::find(cell, b"  ").unwrap_or(cell.len());
        cells.push(start..end);
        at = end;
    }
    cells
}

/// How many characters, in UTF-8 or an 8-bit charset.
fn characters(text: &[u8]) -> usize {
    match std::str::from_utf8(text) {
        Ok(text) => text.chars().count(),
        Err(_) => text.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::columns_of;
    use super::*;

    fn columns(text: &str) -> Vec<Option<String>> {
        let mut table = Table::default();
        let cells = columns_of(text, |bytes, run, rules| table.cell_of(bytes, 0, run, rules));
        cells.into_iter().map(|cell| Some(cell?.1)).collect()
    }

    #[test]
    fn a_number_has_the_heading_it_stands_under() {
        let text = "Liste\n\nNavn          CPR-nr.     Stempel\n------------  ----------  ----------\n\
            Søren Å Bæk   1503791234  1503791234\nPer                        1503791234\n\nTak  1503791234\n";
        let cpr = Some("label:cpr".to_owned());
        let other = Some("other true".to_owned());
        assert_eq!(columns(text), [cpr, other.clone(), other, None]);
    }
}
