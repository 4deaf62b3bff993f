//! Tables of text: one row a line, cells between `;`, tabs, bars or commas, in quotes or not (RFC 4180).

use super::{Cell, HeadingReader, Headings, MOST_COLUMNS};
use crate::scan::ruleset::Ruleset;
use memchr::memrchr;
use std::ops::Range;

/// How far back a table's first line is looked for, in lines and in bytes.
const MOST_LINES: usize = 24;
const FARTHEST: usize = 2000;

/// The longest first line of a text that is kept when it leaves the buffer, in bytes.
const FIRST_LINE: usize = 2000;

/// What is known of the table at hand.
#[derive(Debug, Default)]
pub(super) struct Table {
    known: Option<Known>,
    first_line: Option<Vec<u8>>,
    /// Offset of the line at which no heading was found the last time.
    in_vain: Option<u64>,
}

#[derive(Debug)]
struct Known {
    separator: u8,
    separators: usize,
    headings: Headings,
}

impl Table {
    pub(super) fn clear(&mut self) {
        self.known = None;
        self.first_line = None;
        self.in_vain = None;
    }

    pub(super) fn keep_first_line(&mut self, text: &[u8]) {
        let text = text.get(..FIRST_LINE.min(text.len())).unwrap_or_default();
        let line = memchr::memchr(b'\n', text).and_then(|end| text.get(..end));
        let is_row = |line: &&[u8]| line.iter().copied().any(is_separator);
        self.first_line = line.filter(is_row).map(<[u8]>::to_vec);
    }

    pub(super) fn cell_of(
        &mut self,
        text: &[u8],
        base: u64,
        span: &Range<usize>,
        rules: &Ruleset,
    ) -> Option<Cell> {
        let separator = separator_beside(text, span)?;
        let before = text.get(..span.start)?;
        let line_start = super::line_start(before, base)?;
        let row = Row::read(before.get(line_start..)?, separator);
        let start = line_start + row.cell_start;
        let whole = is_whole(text, start, span, separator);
        let line = Row::read(line_at(text, line_start), separator);
        let fits = |known: &&Known| {
            known.separator == separator
                && (known.separators == line.separators
                    || (separator != b','
                        && line.separators >= row.separators
                        && line.separators < known.separators))
        };
        if !self.known.as_ref().is_some_and(|known| fits(&known)) {
            self.learn(text, base, line_start, separator, line.separators, rules);
        }
        let known = self.known.as_ref().filter(fits);
        let column = known.map_or(super::Column::Unknown, |known| known.headings.column(row.separators));
        // Without headings, a comma beside a number makes no table.
        let is_table = known.is_some() || (line.separators > 0 && separator != b',');
        is_table.then_some(Cell { start, whole, column })
    }

    /// Looks for headings: the first line of the block of like lines that this one belongs to, or of the whole text.
    fn learn(
        &mut self,
        text: &[u8],
        base: u64,
        line_start: usize,
        separator: u8,
        separators: usize,
        rules: &Ruleset,
    ) {
        if separators == 0 {
            return;
        }
        let place = base + line_start as u64;
        let is_near = |at: u64| place >= at && place - at < FARTHEST as u64 && place != at;
        let alike = |line: &[u8]| Row::read(line, separator).separators == separators;
        let first_line = self.first_line.as_deref().filter(|line| alike(line));
        let found = first_line.and_then(|line| headings(line, separator, rules));
        let found = found.or_else(|| {
            if self.in_vain.is_some_and(is_near) {
                return None;
            }
            let mut top = None;
            let mut end = line_start.checked_sub(1)?;
            let farthest = line_start.saturating_sub(FARTHEST);
            for _ in 0..MOST_LINES {
                let start = memrchr(b'\n', text.get(..end)?).map_or(0, |at| at + 1);
                let line = text.get(start..end)?;
                if start < farthest || !alike(line) {
                    break;
                }
                top = Some(line);
                let Some(next) = start.checked_sub(1) else { break };
                end = next;
            }
            top.and_then(|line| headings(line, separator, rules))
        });
        if let Some(headings) = found {
            self.known = Some(Known { separator, separators, headings });
            return;
        }
        self.in_vain = Some(place);
        // Another table has begun, and what the last one was headed says nothing of it.
        if self.known.as_ref().is_some_and(|known| known.separator == separator) {
            self.known = None;
        }
    }
}

/// The labels of a line of headings; `None` when it is none.
fn headings(line: &[u8], separator: u8, rules: &Ruleset) -> Option<Headings> {
    let mut headings = HeadingReader::new(rules);
    let mut rest = line;
    while headings.len() < MOST_COLUMNS {
        let end = Row::cell_end(rest, separator);
        headings.cell(rest.get(..end).unwrap_or_default(), 1);
        match rest.get(end + 1..) {
            Some(next) => rest = next,
            None => break,
        }
    }
    headings.finish()
}

/// The separator that stands beside the number, outside of quotes and blanks.
fn separator_beside(text: &[u8], span: &Range<usize>) -> Option<u8> {
    let is_pad = |byte: u8| matches!(byte, b'"' | b' ' | b'\'');
    let after = text.get(span.end..)?.iter().copied().take(4).find(|byte| !is_pad(*byte));
    let before = text.get(..span.start)?.iter().rev().copied().take(4).find(|byte| !is_pad(*byte));
    match (before, after) {
        (Some(before), Some(after)) if before == after && is_separator(before) => Some(before),
        (Some(before), None | Some(b'\r' | b'\n')) if is_separator(before) => Some(before),
        (None | Some(b'\n'), Some(after)) if is_separator(after) => Some(after),
        // The number is not all of its cell, and one side shows what the table is made of.
        (_, Some(after)) if matches!(after, b';' | b'\t' | b'|') => Some(after),
        (Some(before), _) if matches!(before, b';' | b'\t' | b'|') => Some(before),
        _ => None,
    }
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b';' | b'\t' | b'|' | b',')
}

fn is_whole(text: &[u8], start: usize, span: &Range<usize>, separator: u8) -> bool {
    let is_pad = |byte: &u8| matches!(byte, b'"' | b' ' | b'\'' | b'=');
    let lead = text.get(start..span.start).unwrap_or_default();
    let tail = text.get(span.end..).unwrap_or_default().iter().take(8).find(|byte| !is_pad(byte));
    lead.len() <= 8
        && lead.iter().all(is_pad)
        && tail.is_none_or(|byte| *byte == separator || matches!(byte, b'\r' | b'\n'))
}

fn line_at(text: &[u8], start: usize) -> &[u8] {
    let rest = text.get(start..).unwrap_or_default();
    let rest = rest.get(..FIRST_LINE.min(rest.len())).unwrap_or_default();
    rest.get(..memchr::memchr(b'\n', rest).unwrap_or(rest.len())).unwrap_or_default()
}

/// How many separators a line holds outside of quotes, and where its last cell begins.
struct Row {
    separators: usize,
    cell_start: usize,
}

impl Row {
    fn read(line: &[u8], separator: u8) -> Self {
        let mut row = Self { separators: 0, cell_start: 0 };
        if memchr::memchr(b'"', line).is_none() {
            row.separators = memchr::memchr_iter(separator, line).count();
            row.cell_start = memrchr(separator, line).map_or(0, |at| at + 1);
            return row;
        }
        loop {
            let rest = line.get(row.cell_start..).unwrap_or_default();
            let end = Self::cell_end(rest, separator);
            if end == rest.len() {
                return row;
            }
            row.separators += 1;
            row.cell_start += end + 1;
        }
    }

    /// Where the cell at the start of `line` ends. A quote that is never closed does not hide the separators after it.
    fn cell_end(line: &[u8], separator: u8) -> usize {
        let mut from = 0;
        if line.first() == Some(&b'"') {
            let closing = memchr::memchr(b'"', line.get(1..).unwrap_or_default());
            from = closing.map_or(0, |at| at + 2);
        }
        let rest = line.get(from..).unwrap_or_default();
        memchr::memchr(separator, rest).map_or(line.len(), |at| from + at)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Column;
    use super::*;

    fn columns(text: &str) -> Vec<Option<(bool, String)>> {
        let rules = Ruleset::built_in().unwrap();
        let mut table = Table::default();
        let bytes = text.as_bytes();
        crate::cpr::runs::runs(bytes)
            .filter(|run| run.len() >= 6)
            .map(|run| {
                table.cell_of(bytes, 0, &run, &rules).map(|cell| {
                    let column = match cell.column {
                        Column::Unknown => "?".to_owned(),
                        Column::Labelled(label) => rules.labels[label].reason.to_string(),
                        Column::Other { beside_cpr } => format!("other {beside_cpr}"),
                    };
                    (cell.whole, column)
                })
            })
            .collect()
    }

    #[test]
    fn a_number_has_the_heading_of_its_column() {
        let cpr = Some((true, "label:cpr".to_owned()));
        let other = Some((true, "other true".to_owned()));
        let text = "Navn;CPR-nr.;Nr\nHans;1503791234;1111111111\r\nPer;1503791234;1111111111\n";
        assert_eq!(columns(text), [cpr.clone(), other.clone(), cpr.clone(), other]);
        let quoted = "\"Navn\",\"Cpr\"\n\"Hansen, Hans\",\"1503791234\"\n";
        assert_eq!(columns(quoted), std::slice::from_ref(&cpr));
        let tabs = "Hej\n\nCpr-nr.\tNavn\n1503791234\tHans\n";
        assert_eq!(columns(tabs), std::slice::from_ref(&cpr));
    }

    #[test]
    fn prose_is_no_table() {
        assert_eq!(columns("Hej, 1503791234, og tak.\n"), [None]);
        assert_eq!(columns("Hej 1503791234\n"), [None]);
        assert_eq!(columns("1503791234\n"), [None]);
    }

    #[test]
    fn a_number_among_other_text_of_its_cell_is_not_all_of_it() {
        let found = columns("CPR-nr.;Navn\nnr. 1503791234;Hans\n");
        assert_eq!(found, [Some((false, "label:cpr".to_owned()))]);
    }
}
