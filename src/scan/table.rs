//! Which column a number stands in, and what that column is headed.
//!
//! Of a table of text (CSV, tabs, bars) and of a table of HTML. Only looked for where a candidate is, backwards through
//! the text that is still at hand; what was learnt is kept for the rows to come. Never says that a text is no table by
//! accident of how it was cut: all it looks at is the window's buffer, which is filled in the same way whatever the
//! chunks. Start reading at [`Tables::cell_of`]. Tests: below, and through the corpus.

mod csv;
mod html;

use super::ruleset::Ruleset;
use std::ops::Range;

/// More columns than this are counted and not named.
const MOST_COLUMNS: usize = 64;

/// What a column is headed: the label in its heading, as its place in [`Ruleset::labels`].
type Heading = Option<usize>;

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

/// What has been learnt of the tables of one text.
#[derive(Debug, Default)]
pub(super) struct Tables {
    csv: csv::Table,
    html: html::Table,
}

impl Tables {
    /// Begins another text.
    pub(super) fn clear(&mut self) {
        self.csv.clear();
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
        // A line's separators stand at the number's side; a cell's tags may, or blanks and other tags do.
        self.csv.cell_of(text, base, span, rules).or_else(|| self.html.cell_of(text, base, span, rules))
    }
}
