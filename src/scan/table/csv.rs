//! Tables of text: one row a line, cells between `;`, tabs, bars or commas, in quotes or not (RFC 4180).

use super::{Cell, HeadingReader, Headings, MOST_COLUMNS};
use crate::scan::context;
use crate::scan::ruleset::Ruleset;
use memchr::memrchr;
use std::ops::Range;

/// How far back a table's first line is looked for, in lines and in bytes.
const MOST_LINES: usize = 24;
const FARTHEST: usize = 2000;

/// The longest first line of a text that is kept when it leaves the buffer, in bytes.
const FIRST_LINE: usize = 2000;

/// What may part the cells of a row.
const SEPARATORS: [u8; 4] = [b';', b'\t', b'|', b','];

/// What is known of the table at hand.
#[derive(Default)]
pub(super) struct Table {
    known: Option<Known>,
    first_line: Option<Vec<u8>>,
    /// For each separator, whether the first line was read and heads nothing.
    first_heads_nothing: [bool; SEPARATORS.len()],
    /// For each separator, offset of the line at which no heading was found the last time.
    in_vain: [Option<u64>; SEPARATORS.len()],
    /// Offset of the last line that a number stood on.
    last: Option<u64>,
    /// How far that line has been read, so that it is not read anew for each number on it.
    along: Option<Along>,
}

// A first line may hold anything, so none of it is printed.
impl std::fmt::Debug for Table {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Table(known: {})", self.known.is_some())
    }
}

struct Known {
    separator: u8,
    separators: usize,
    headings: Headings,
    /// They are the first line of the text, and may head all of it.
    is_first: bool,
}

/// The line that a number stands on.
#[derive(Clone, Copy)]
struct Line {
    /// Where it begins in the buffer, and in the whole text.
    start: usize,
    place: u64,
    separator: u8,
    separators: usize,
    /// It is longer than what was counted.
    is_cut: bool,
    /// Other text stands between it and the last line with a number.
    is_apart: bool,
}

/// A line up to a number on it, without a quote so far.
#[derive(Clone, Copy)]
struct Along {
    line: Line,
    /// Offset of the number.
    to: u64,
    row: Row,
}

impl Line {
    fn is_alike(self, separators: usize) -> bool {
        separators == self.separators || (self.is_cut && separators > self.separators)
    }
}

impl Table {
    pub(super) fn clear(&mut self) {
        *self = Self::default();
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
        let (line, row) = if let Some(known) = self.go_on(text, base, span, separator) {
            known
        } else {
            let before = text.get(..span.start)?;
            let Some(line_start) = super::line_start(before, base) else {
                // Nothing names a cell so far along its line, and to count up to it for each would cost.
                let near = before.len().saturating_sub(context::BEFORE);
                let start = memrchr(separator, before.get(near..)?).map_or(near, |at| near + at + 1);
                let whole = is_whole(text, start, span, separator);
                return (separator != b',').then_some(Cell { start, whole, column: super::Column::Unknown });
            };
            self.read_line(text, base, line_start..span.start, separator)?
        };
        let start = line.start + row.cell_start;
        let whole = is_whole(text, start, span, separator);
        let fits = |known: &&Known| {
            known.separator == separator
                && (line.is_alike(known.separators)
                    || (separator != b','
                        && line.separators >= row.separators
                        && line.separators < known.separators))
        };
        if line.is_apart || !self.known.as_ref().is_some_and(|known| fits(&known)) {
            self.learn(text, base, line, rules);
        }
        let known = self.known.as_ref().filter(fits);
        let column = known.map_or(super::Column::Unknown, |known| known.headings.column(row.separators));
        // Without headings, a comma beside a number makes no table.
        let is_table = known.is_some() || (line.separators > 0 && separator != b',');
        is_table.then_some(Cell { start, whole, column })
    }

    /// The line of a number and its row before it, where that is the line of the last number.
    fn go_on(&mut self, text: &[u8], base: u64, span: &Range<usize>, separator: u8) -> Option<(Line, Row)> {
        let along = self.along.as_mut().filter(|along| along.line.separator == separator)?;
        let start = usize::try_from(along.line.place.checked_sub(base)?).ok()?;
        let new = text.get(usize::try_from(along.to - base).ok()?..span.start)?;
        if span.start - start >= super::LONGEST_LINE || memchr::memchr2(b'\n', b'"', new).is_some() {
            return None;
        }
        let separators = memchr::memchr_iter(separator, new).count();
        if let Some(last) = new.iter().rposition(|byte| *byte == separator) {
            along.row.cell_start = span.start - new.len() + last + 1 - start;
        }
        along.row.separators += separators;
        along.to = base + span.start as u64;
        Some((Line { start, is_apart: false, ..along.line }, along.row))
    }

    /// The line that `before` is the beginning of, up to a number.
    fn read_line(
        &mut self,
        text: &[u8],
        base: u64,
        before: Range<usize>,
        separator: u8,
    ) -> Option<(Line, Row)> {
        let (start, to) = (before.start, base + before.end as u64);
        let before = text.get(before)?;
        let row = Row::read(before, separator);
        let rest = line_at(text, start);
        let place = base + start as u64;
        let last = self.last.replace(place);
        let line = Line {
            start,
            place,
            separator,
            separators: Row::read(rest, separator).separators,
            is_cut: rest.len() == FIRST_LINE && separator != b',',
            is_apart: last.is_some_and(|last| is_apart(text, base, last, start)),
        };
        // Most rows hold one number, and nothing is noted for another.
        let is_second = last == Some(place) && memchr::memchr(b'"', before).is_none();
        self.along = is_second.then_some(Along { line, to, row });
        Some((line, row))
    }

    /// Looks for headings: the first line of the block of like lines that this one belongs to, or of the whole text.
    fn learn(&mut self, text: &[u8], base: u64, line: Line, rules: &Ruleset) {
        let Line { separator, separators, .. } = line;
        let Some(nr) = SEPARATORS.iter().position(|one| *one == separator).filter(|_| separators > 0) else {
            return;
        };
        let mut found = None;
        if !line.is_apart {
            found = self.of_first_line(nr, line, rules);
        }
        if found.is_none() && !self.is_in_vain(nr, text, base, line) {
            let top = top(text, line);
            found = top.and_then(|top| {
                let headings = headings(text.get(top.clone())?, separator, rules)?;
                Some((headings, base == 0 && top.start == 0))
            });
        }
        if found.is_none() && line.is_apart {
            found = self.of_first_line(nr, line, rules);
        }
        if let Some((headings, is_first)) = found {
            self.known = Some(Known { separator, separators, headings, is_first });
            return;
        }
        if let Some(in_vain) = self.in_vain.get_mut(nr) {
            *in_vain = Some(line.place);
        }
        // Another table has begun, and what the last one was headed says nothing of it; of CPR numbers and of a whole
        // file it may.
        let stays = |known: &Known| {
            known.separator != separator
                || (line.is_alike(known.separators) && (known.headings.has_cpr || known.is_first))
        };
        self.known = self.known.take().filter(stays);
    }

    /// The headings in the first line of a long text.
    fn of_first_line(&mut self, nr: usize, line: Line, rules: &Ruleset) -> Option<(Headings, bool)> {
        let heads_nothing = self.first_heads_nothing.get_mut(nr).filter(|nothing| !**nothing)?;
        let first = self.first_line.as_deref()?;
        line.is_alike(Row::read(first, line.separator).separators).then_some(())?;
        let found = headings(first, line.separator, rules);
        *heads_nothing = found.is_none();
        found.map(|headings| (headings, true))
    }

    /// Whether the line goes on the block at whose last line nothing was found.
    fn is_in_vain(&self, nr: usize, text: &[u8], base: u64, line: Line) -> bool {
        let Some(at) = self.in_vain.get(nr).copied().flatten() else { return false };
        let between = at.checked_sub(base).and_then(|at| usize::try_from(at).ok());
        let Some(between) = between.and_then(|at| text.get(at..line.start)) else { return false };
        let is_alike = |row: &[u8]| line.is_alike(Row::read(row, line.separator).separators);
        between.len() < FARTHEST
            && between.strip_suffix(b"\n").is_none_or(|between| lines(between).all(is_alike))
    }
}

/// The first line of the block of like lines above this one.
fn top(text: &[u8], line: Line) -> Option<Range<usize>> {
    let mut top = None;
    let mut end = line.start.checked_sub(1)?;
    let farthest = line.start.saturating_sub(FARTHEST);
    for _ in 0..MOST_LINES {
        let start = memrchr(b'\n', text.get(..end)?).map_or(0, |at| at + 1);
        if start < farthest || !line.is_alike(Row::read(text.get(start..end)?, line.separator).separators) {
            break;
        }
        top = Some(start..end);
        let Some(next) = start.checked_sub(1) else { break };
        end = next;
    }
    top
}

/// Whether an empty line or one of words alone stands between the line at `last` and the one at `line_start`. No heading
/// is looked for farther away, so nothing else is.
fn is_apart(text: &[u8], base: u64, last: u64, line_start: usize) -> bool {
    let last = usize::try_from(last.saturating_sub(base)).unwrap_or(line_start);
    let from = last.max(line_start.saturating_sub(FARTHEST));
    let between = text.get(from..line_start).and_then(|between| between.strip_suffix(b"\n"));
    // Of a row, the first cell tells.
    let is_other = |line: &[u8]| {
        !line.iter().copied().any(is_separator)
            && (line.iter().any(u8::is_ascii_alphabetic) || line.trim_ascii().is_empty())
    };
    between.is_some_and(|between| lines(between).skip(1).any(is_other))
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (line, later) = match memchr::memchr(b'\n', text) {
            Some(end) => (text.get(..end)?, text.get(end + 1..)),
            None => (text, None),
        };
        rest = later;
        Some(line)
    })
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
    SEPARATORS.contains(&byte)
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
#[derive(Clone, Copy)]
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
    use super::super::columns_of;
    use super::*;
    use proptest::prelude::*;

    fn columns(text: &str) -> Vec<Option<(bool, String)>> {
        let mut table = Table::default();
        columns_of(text, |bytes, run, rules| table.cell_of(bytes, 0, run, rules))
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
    fn another_table_has_its_own_headings() {
        let cpr = Some((true, "label:cpr".to_owned()));
        let order = Some((true, "label:handel".to_owned()));
        let unknown = Some((true, "?".to_owned()));
        let text = "Hej\nOrdre;Navn\n1503791234;A\n\nCPR;Navn\n1503791234;B\n1503791234;C\nmvh\nOrdre;Navn\n1503791234;A\n";
        assert_eq!(columns(text), [order.clone(), cpr.clone(), cpr.clone(), order.clone()]);
        let text = "Hej\nOrdre;Navn\n1503791234;A\n\nOg borgeren:\n1503791234;B\n";
        assert_eq!(columns(text), [order, unknown.clone()]);
        let text = "1503791234;A\nmvh\n\nCPR;Navn\n1503791234;B\n";
        assert_eq!(columns(text), [unknown, cpr.clone()]);
        let long = format!("CPR;Note;Navn\n1503791234;{0};A\n1503791234;{0};B\n", "x ".repeat(1500));
        assert_eq!(columns(&long), [cpr.clone(), cpr]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn a_line_says_the_same_when_it_is_read_anew_for_each_number(
            pieces in proptest::collection::vec(prop::sample::select(vec![
                "1503791234", "1503791234;", ";", ",", "\"", "\n", "\r\n", "CPR;Navn", "Ordre", " ", "x", "\t", "; 1503791234",
            ]), 0..80),
            padding in 0..2100_usize,
        ) {
            static RULES: std::sync::OnceLock<Ruleset> = std::sync::OnceLock::new();
            let rules = RULES.get_or_init(|| Ruleset::built_in().unwrap());
            let text = format!("{}\n1503791234;{};{}", pieces.concat(), "x".repeat(padding), pieces.concat());
            let (mut going_on, mut anew) = (Table::default(), Table::default());
            for run in crate::cpr::runs::runs(text.as_bytes()).filter(|run| run.len() == 10) {
                anew.along = None;
                let found = going_on.cell_of(text.as_bytes(), 0, &run, rules);
                prop_assert_eq!(found, anew.cell_of(text.as_bytes(), 0, &run, rules), "{:?}", text);
            }
        }
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
