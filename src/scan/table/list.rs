//! A list with one number a line, or a paragraph of HTML, and nothing else: the line above it is its heading.

use super::{Cell, Headings};
use crate::cpr::glyph::{self, Tag};
use crate::scan::render::{self, render};
use crate::scan::ruleset::Ruleset;
use memchr::memrchr;
use std::ops::Range;

/// How far back the list's first line is looked for, in lines and in bytes.
const MOST_LINES: usize = 64;
const FARTHEST: usize = 2000;

/// The longest text before a number that is alone on its line, in bytes.
const LEAD: usize = 12;

/// What is known of the list at hand.
#[derive(Debug, Default)]
pub(super) struct List {
    headings: Headings,
    /// Offset behind the last number of it.
    end: u64,
    /// What is seen above a number is written here.
    above: String,
}

impl List {
    pub(super) fn clear(&mut self) {
        let Self { headings, end, above } = self;
        *headings = Headings::default();
        *end = 0;
        above.clear();
    }

    pub(super) fn cell_of(
        &mut self,
        text: &[u8],
        base: u64,
        span: &Range<usize>,
        rules: &Ruleset,
    ) -> Option<Cell> {
        let before = text.get(..span.start)?;
        if before.trim_ascii_end().ends_with(b">")
            && text.get(span.end..)?.trim_ascii_start().starts_with(b"<")
        {
            return self.paragraph_of(text, base, span, rules);
        }
        if !ends_line(text.get(span.end..)?) {
            return None;
        }
        let line_start = super::line_start_within(before, base, LEAD + 1)?;
        if !is_lead(before.get(line_start..)?) {
            return None;
        }
        let between = self.end.checked_sub(base).and_then(|end| usize::try_from(end).ok());
        let follows = between.and_then(|end| text.get(end..span.start)).is_some_and(is_row);
        if self.end == 0 || !follows {
            self.headings = learn(text, line_start, rules).unwrap_or_default();
        }
        self.end = base + span.end as u64;
        Some(Cell { start: span.start, whole: true, column: self.headings.column(0) })
    }
}

impl List {
    /// The same in HTML, where tags end lines.
    fn paragraph_of(&mut self, text: &[u8], base: u64, span: &Range<usize>, rules: &Ruleset) -> Option<Cell> {
        let farthest = span.start.saturating_sub(FARTHEST);
        let from = self.end.checked_sub(base).and_then(|end| usize::try_from(end).ok());
        let from = from.filter(|from| self.end > 0 && (farthest..span.start).contains(from));
        let nearest = from.unwrap_or(0).max(span.start.saturating_sub(FARTHEST / 8));
        if begins_cell(text.get(nearest..span.start)?) {
            return None;
        }
        let end = (span.end + FARTHEST / 8).min(text.len());
        if !render::ends_line(text.get(span.end..end)?) {
            return None;
        }
        let above = &mut self.above;
        above.clear();
        if let Some(from) = from {
            render(text.get(from..span.start)?, above);
        }
        let follows = from.is_some() && !above.bytes().any(|byte| byte.is_ascii_alphabetic());
        if follows {
            if !above.ends_with('\n') {
                return None;
            }
        } else {
            // Nearly always the line of words is near, and most of the text need not be looked at.
            let mut heading = None;
            for reach in [FARTHEST / 8, FARTHEST] {
                above.clear();
                let start = span.start.saturating_sub(reach);
                render(text.get(start..span.start)?, above);
                let is_line = above.ends_with('\n') || (above.is_empty() && start == farthest);
                if !is_line && !above.is_empty() {
                    return None;
                }
                // The first line may be cut.
                let whole = if start > farthest {
                    above.split_once('\n').map_or("", |(_, whole)| whole)
                } else {
                    above.as_str()
                };
                heading = whole.lines().rev().take(MOST_LINES).find(|line| is_words(line.as_bytes()));
                if heading.is_some() || start == farthest {
                    break;
                }
            }
            self.headings = heading.map(|line| headings(line, rules)).unwrap_or_default();
        }
        self.end = base + span.end as u64;
        Some(Cell { start: span.start, whole: true, column: self.headings.column(0) })
    }
}

/// Whether a text ends with the tag of a cell, so that what follows it stands in a table and not on a line of its own.
fn begins_cell(text: &[u8]) -> bool {
    let text = text.trim_ascii_end();
    let tag =
        memrchr(b'<', text).and_then(|at| text.get(at..)).and_then(|last| Some((last, glyph::tag(last)?)));
    tag.is_some_and(|(last, (tag, length))| tag == Tag::Cell && length == last.len())
}

/// What a line above a list says of its numbers.
fn headings(line: &str, rules: &Ruleset) -> Headings {
    match rules.label_of_list(line) {
        Ok(None) => Headings::default(),
        Ok(label) => Headings::new(vec![label], rules),
        Err(()) => Headings::new(vec![None], rules),
    }
}

/// What may stand before a number on its line: blanks, and the marks of a list or of a quoted mail.
fn is_lead(lead: &[u8]) -> bool {
    let is_mark = |byte: &u8| matches!(byte, b' ' | b'\t' | b'>' | b'-' | b'*');
    // `12. ` and `3) ` of a list that is numbered.
    let (numbered, marks) = match lead.iter().rposition(|byte| matches!(byte, b'.' | b')')) {
        Some(mark) => (lead.get(..mark), lead.get(mark + 1..)),
        None => (None, Some(lead)),
    };
    lead.len() <= LEAD
        && numbered.is_none_or(|lead| lead.iter().all(|byte| is_mark(byte) || byte.is_ascii_digit()))
        && marks.is_some_and(|marks| marks.iter().all(is_mark))
}

fn ends_line(rest: &[u8]) -> bool {
    let end = rest.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b',' | b';'));
    end.is_none_or(|byte| matches!(byte, b'\r' | b'\n'))
}

/// Whether a text between two numbers of a list holds nothing but other numbers.
fn is_row(text: &[u8]) -> bool {
    text.len() <= FARTHEST && !text.iter().any(u8::is_ascii_alphabetic)
}

/// A line of words, not one with a number of its own.
fn is_words(line: &[u8]) -> bool {
    line.iter().any(u8::is_ascii_alphabetic) && line.iter().filter(|byte| byte.is_ascii_digit()).count() < 6
}

/// The labels of the nearest line above that holds words.
fn learn(text: &[u8], line_start: usize, rules: &Ruleset) -> Option<Headings> {
    let mut end = line_start.checked_sub(1)?;
    let farthest = line_start.saturating_sub(FARTHEST);
    let mut empty = 0;
    for _ in 0..MOST_LINES {
        let start = memrchr(b'\n', text.get(..end)?).map_or(0, |at| at + 1);
        let line = text.get(start..end)?;
        if start < farthest {
            return None;
        }
        if line.trim_ascii().is_empty() {
            empty += 1;
        } else if is_words(line) {
            let mut seen = String::new();
            // Of a sentence its end: "... har vi CPR-numrene på, her:".
            render(line.get(line.len().saturating_sub(80)..)?, &mut seen);
            return Some(headings(&seen, rules));
        }
        if empty > 2 {
            return None;
        }
        end = start.checked_sub(1)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::Column;
    use super::*;

    #[test]
    fn the_line_above_heads_a_list() {
        let rules = Ruleset::built_in().unwrap();
        let mut list = List::default();
        let text =
            b"Se ordrenumre:\n\nHusk disse cpr-numre\r\n\r\n1503791234\r\n1503791234\r\nnr. 1503791234\n1503791234         x\n3) 1503791234\n";
        let columns: Vec<Option<Column>> = crate::cpr::runs::runs(text)
            .filter(|run| run.len() == 10)
            .map(|run| list.cell_of(text, 0, &run, &rules).map(|cell| cell.column))
            .collect();
        let [Some(Column::Labelled(label)), Some(Column::Labelled(same)), None, None, Some(_)] = columns[..]
        else {
            panic!("{columns:?}")
        };
        assert_eq!(label, same);
        let text = b"<p>Lb.nr.:</p><p><span style='x'>1503791234</span></p>\n<p><span>1503791234</span></p>";
        let mut list = List::default();
        let columns: Vec<Option<Column>> = crate::cpr::runs::runs(text)
            .map(|run| list.cell_of(text, 0, &run, &rules).map(|cell| cell.column))
            .collect();
        assert_eq!(columns, [Some(Column::Other { beside_cpr: false }); 2]);
        assert_eq!(&*rules.labels[label].reason, "label:cpr");
    }
}
