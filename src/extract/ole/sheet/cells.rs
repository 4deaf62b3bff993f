//! The cells of one sheet: kept as they come, told in rows.

use super::Book;
use crate::extract::bytes::in_line;
use crate::extract::content::{Page, Spot};

/// What stands in a cell.
#[derive(Clone, Copy)]
pub(super) enum Value {
    /// A number, and which format it has.
    Number(f64, u16),
    /// The text of this number among those that cells share.
    Shared(usize),
    /// A text of its own: from where to where in [`Cells::texts`].
    Text(usize, usize),
}

struct Cell {
    row: u16,
    column: u16,
    value: Value,
}

/// The cells of one sheet. Only those that there are take memory, whatever their coordinates.
#[derive(Default)]
pub(super) struct Cells {
    cells: Vec<Cell>,
    texts: String,
}

impl Cells {
    /// More are told in parts: a sheet of a real workbook has fewer.
    const MOST: usize = 2_000_000;

    pub(super) fn is_full(&self) -> bool {
        self.cells.len() >= Self::MOST
    }

    pub(super) fn add(&mut self, row: u16, column: u16, value: Value) {
        self.cells.push(Cell { row, column, value });
    }

    pub(super) fn add_text(&mut self, row: u16, column: u16, text: &str) {
        let from = self.texts.len();
        self.texts.push_str(text);
        self.add(row, column, Value::Text(from, self.texts.len()));
    }

    /// Tells them in rows: a tab for each column, a line for each row that has any.
    pub(super) fn tell(&mut self, book: &Book, page: &mut Page<'_>) {
        // What stands twice in one place stands in its order.
        self.cells.sort_by_key(|cell| (cell.row, cell.column));
        let mut now: Option<(u16, u16)> = None;
        for cell in &self.cells {
            if page.is_full() {
                break;
            }
            let shown = match cell.value {
                Value::Number(number, format) => book.shape(format).show(number, book.is_1904),
                Value::Shared(nr) => in_line(book.shared.at(nr)),
                Value::Text(from, to) => in_line(self.texts.get(from..to).unwrap_or_default()),
            };
            if shown.is_empty() {
                continue;
            }
            // Excel 97 has 256 columns; what claims to stand further out need not be put there.
            let column = cell.column.min(255);
            let tabs = match now {
                // Two in one place are told apart all the same.
                Some((row, before)) if row == cell.row => (column - before).max(1),
                Some(_) => {
                    page.text("\n");
                    column
                }
                None => column,
            };
            page.text(&"\t".repeat(tabs.into()));
            page.spot(Spot::Cell { row: u32::from(cell.row) + 1, column: u32::from(cell.column) + 1 });
            page.text(&shown);
            now = Some((cell.row, column));
        }
        if now.is_some() {
            page.text("\n");
        }
        self.cells.clear();
        self.texts.clear();
    }
}
