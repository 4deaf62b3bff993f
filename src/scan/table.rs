//! Which column a number stands in, and what that column is headed.
//!
//! Of a table of text (CSV, tabs, bars; columns of blanks; a list with one number a line) and of a table of HTML. Only looked for where a candidate is, backwards through
//! the text that is still at hand; what was learnt is kept for the rows to come. Never says that a text is no table by
//! accident of how it was cut: all it looks at is the window's buffer, which is filled in the same way whatever the
//! chunks. Start reading at [`Tables::cell_of`]. Tests: below, and through the corpus.

mod csv;
mod fixed;
mod html;
mod list;

use super::render::render;
use super::ruleset::Ruleset;
use std::ops::Range;

/// More columns than this are counted and not named.
const MOST_COLUMNS: usize = 256;

/// What a column is headed: the label in its heading, as its place in [`Ruleset::labels`].
type Heading = Option<usize>;

/// Longer lines than this are no rows of a table, in bytes.
const LONGEST_LINE: usize = 2000;

/// Where the last line of `before` begins; `None` when it is too long for a row. `base` is the offset of `before` in the
/// whole text.
fn line_start(before: &[u8], base: u64) -> Option<usize> {
    line_start_within(before, base, LONGEST_LINE)
}

fn line_start_within(before: &[u8], base: u64, most: usize) -> Option<usize> {
    let cut = before.len().saturating_sub(most);
    match memchr::memrchr(b'\n', before.get(cut..)?) {
        Some(at) => Some(cut + at + 1),
        None => (base == 0 && cut == 0).then_some(0),
    }
}

/// The cell a candidate stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    /// Where its text begins.
    pub(super) start: usize,
    /// Whether the candidate is all that is in it.
    pub(super) whole: bool,
    /// What its column is headed.
    pub(super) column: Column,
}

/// What is known of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// The table has no headings that were seen.
    Unknown,
    /// The heading holds this label.
    Labelled(usize),
    /// The heading holds none; whether another column is headed as one of CPR numbers.
    Other { beside_cpr: bool },
}

/// The headings of a table.
#[derive(Clone, Debug, Default)]
struct Headings {
    columns: Vec<Heading>,
    has_cpr: bool,
}

impl Headings {
    fn new(columns: Vec<Heading>, rules: &Ruleset) -> Self {
        let has_cpr = columns.iter().flatten().any(|label| {
            rules.labels.get(*label).is_some_and(|label| label.weight >= super::context::PERSONAL)
        });
        Self { columns, has_cpr }
    }

    fn column(&self, nr: usize) -> Column {
        match self.columns.get(nr) {
            _ if self.columns.is_empty() => Column::Unknown,
            Some(Some(label)) => Column::Labelled(*label),
            Some(None) | None => Column::Other { beside_cpr: self.has_cpr },
        }
    }
}

/// Reads a row of headings, cell by cell.
struct HeadingReader<'a> {
    rules: &'a Ruleset,
    columns: Vec<Heading>,
    /// A word that is known stands in one of them.
    knows: bool,
    digits: usize,
    seen: String,
}

impl<'a> HeadingReader<'a> {
    fn new(rules: &'a Ruleset) -> Self {
        Self { rules, columns: Vec::new(), knows: false, digits: 0, seen: String::new() }
    }

    fn len(&self) -> usize {
        self.columns.len()
    }

    /// The next cell, which stretches over `span` columns.
    fn cell(&mut self, raw: &[u8], span: usize) {
        self.seen.clear();
        render(raw, &mut self.seen);
        let digits = self.seen.bytes().filter(u8::is_ascii_digit).count();
        self.digits = self.digits.max(digits);
        let label = self.rules.label_of_heading(&self.seen);
        self.knows |= label.is_some();
        self.columns.extend(std::iter::repeat_n(label, span));
    }

    /// The headings, if they are some: no cell holds a long number, and a word in them is known or no digit is.
    fn finish(self) -> Option<Headings> {
        let is_headings = self.digits < 6 && (self.knows || (self.digits == 0 && self.columns.len() > 1));
        is_headings.then(|| Headings::new(self.columns, self.rules))
    }
}

/// What has been learnt of the tables of one text.
#[derive(Debug, Default)]
pub(super) struct Tables {
    csv: csv::Table,
    fixed: fixed::Table,
    list: list::List,
    html: html::Table,
}

impl Tables {
    /// Begins another text.
    pub(super) fn clear(&mut self) {
        self.csv.clear();
        self.fixed.clear();
        self.list.clear();
        self.html.clear();
    }

    /// Keeps what the first line of a long text may head, before it leaves the buffer.
    pub(super) fn keep_first_line(&mut self, text: &[u8]) {
        self.csv.keep_first_line(text);
    }

    /// The cell that the digits at `span` stand in, if they stand in a table. `text` is the buffer, and `base` the
    /// offset of its first byte in the whole text.
    pub(super) fn cell_of(
        &mut self,
        text: &[u8],
        base: u64,
        span: &Range<usize>,
        rules: &Ruleset,
    ) -> Option<Cell> {
        // What stands at the number's side tells which it can be.
        let csv = self.csv.cell_of(text, base, span, rules);
        csv.or_else(|| self.list.cell_of(text, base, span, rules))
            .or_else(|| self.fixed.cell_of(text, base, span, rules))
            .or_else(|| self.html.cell_of(text, base, span, rules))
    }
}

/// What each number of six digits and more in a text has: whether its cell is its own, and its column in words.
#[cfg(test)]
fn columns_of(
    text: &str,
    mut cell_of: impl FnMut(&[u8], &Range<usize>, &Ruleset) -> Option<Cell>,
) -> Vec<Option<(bool, String)>> {
    let rules = Ruleset::built_in().unwrap();
    let said = |column| match column {
        Column::Unknown => "?".to_owned(),
        Column::Labelled(label) => rules.labels[label].reason.to_string(),
        Column::Other { beside_cpr } => format!("other {beside_cpr}"),
    };
    crate::cpr::runs::runs(text.as_bytes())
        .filter(|run| run.len() >= 6)
        .map(|run| cell_of(text.as_bytes(), &run, &rules).map(|cell| (cell.whole, said(cell.column))))
        .collect()
}
