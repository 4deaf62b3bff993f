//! From a document's elements to lines of text: paragraphs and rows of tables, each with what belongs beside it.
//!
//! A number may lie in pieces in a paragraph, with a text box, a field's instruction or a remark between them. So what
//! stands beside a paragraph is kept until the paragraph, or the row of the table that it is in, has been told. Where
//! changes are tracked, the line is told as it shows and, when they touch digits, as it was. Start reading at [`Lines`].

use crate::extract::content::{Page, Spot};
use crate::extract::shown::Shown;
pub(super) use crate::extract::shown::has_digits;

/// The most empty cells in a row that are told.
const MOST_CELLS: u32 = 64;

/// Gathers a line and what is beside it.
#[derive(Default)]
pub(super) struct Lines {
    /// The text that is being gathered.
    now: Frame,
    /// Those that it lies within, outermost first.
    outer: Vec<Frame>,
    /// What is told after this line, each on a line of its own.
    beside: Vec<String>,
    /// Paragraphs so far, where they are counted.
    counted: Option<u32>,
    /// The paragraph that the row began with.
    row_began: Option<u32>,
    /// How many elements around this mark their text as deleted, inserted or hidden.
    pub(super) deleted: u32,
    pub(super) inserted: u32,
    pub(super) hidden: bool,
}

/// A text with paragraphs and tables of its own: the document, or a box in it.
#[derive(Default)]
struct Frame {
    /// The paragraph.
    line: Shown,
    in_row: bool,
    /// Whether anything stands in the cell.
    cell_has_text: bool,
    row: String,
    cells: u32,
    /// What a box holds; the document's own is told at once.
    held: String,
}

impl Lines {
    /// For the text whose paragraphs are counted.
    pub(super) fn counted() -> Self {
        Self { counted: Some(0), ..Self::default() }
    }

    /// Text of the paragraph.
    pub(super) fn text(&mut self, text: &str) {
        self.now.line.push(text, self.deleted == 0 && !self.hidden, self.inserted == 0);
    }

    /// What has no place in the line: told after it.
    pub(super) fn beside(&mut self, text: &str) {
        let text = text.trim();
        // Pictures of one shape in two notations hold the same text.
        let is_known = self.beside.iter().rev().take(64).any(|known| known == text);
        if !text.is_empty() && !is_known {
            self.beside.push(text.to_owned());
        }
    }

    /// What is to be told after the line, for who tells the line.
    pub(super) fn take_beside(&mut self) -> Vec<String> {
        std::mem::take(&mut self.beside)
    }

    /// How much of the paragraph there is: for [`Lines::since`].
    pub(super) fn length(&self) -> usize {
        self.now.line.shows().len()
    }

    /// The paragraph from there.
    pub(super) fn since(&self, start: usize) -> &str {
        self.now.line.shows().get(start..).unwrap_or_default()
    }

    /// The paragraph ends.
    pub(super) fn end_paragraph(&mut self, page: &mut Page<'_>) {
        if self.outer.is_empty() {
            self.counted = self.counted.map(|nr| nr.saturating_add(1));
        }
        let frame = &mut self.now;
        let (line, others) = frame.line.take();
        if frame.in_row {
            if frame.cell_has_text && !line.is_empty() {
                frame.row.push('\n');
            }
            frame.cell_has_text |= !line.is_empty();
            // A tab within a cell is none between cells.
            frame.row.extend(line.chars().map(|letter| if letter == '\t' { ' ' } else { letter }));
            self.row_began = self.row_began.or(self.counted);
        } else {
            self.tell(&line, self.counted, page);
        }
        for other in &others {
            self.beside(other);
        }
        if !self.now.in_row {
            self.tell_beside(page);
        }
    }

    /// A row of a table begins; in a cell, what is told of another table comes after this row.
    pub(super) fn begin_row(&mut self, page: &mut Page<'_>) {
        if !self.now.line.is_empty() {
            self.end_paragraph(page);
        }
        self.now.in_row = true;
        self.now.cells = 0;
        self.now.cell_has_text = false;
    }

    /// So many cells without a text.
    pub(super) fn skip_cells(&mut self, count: u32) {
        for _ in 0..count.min(MOST_CELLS) {
            self.now.row.push('\t');
        }
    }

    /// A cell ends.
    pub(super) fn end_cell(&mut self, page: &mut Page<'_>) {
        if !self.now.line.is_empty() {
            self.end_paragraph(page);
        }
        self.now.row.push('\t');
        self.now.cells = self.now.cells.saturating_add(1);
        self.now.cell_has_text = false;
    }

    /// The row ends.
    pub(super) fn end_row(&mut self, page: &mut Page<'_>) {
        if !self.now.line.is_empty() {
            self.end_paragraph(page);
        }
        let mut row = std::mem::take(&mut self.now.row);
        row.truncate(row.trim_end_matches(['\t', '\n']).len());
        if self.now.cells > 1 {
            // Lines of a cell would end the row; a frame of one cell is no table, and its lines stay lines.
            row = row.replace('\n', " ");
        }
        self.now.in_row = false;
        let began = self.row_began.take();
        self.tell(&row, began, page);
        self.tell_beside(page);
    }

    /// What follows is a text of its own, until [`Lines::leave_box`]: it is told after the line it lies in.
    pub(super) fn enter_box(&mut self) {
        self.outer.push(std::mem::take(&mut self.now));
    }

    /// The box ends; returns what it holds.
    pub(super) fn take_box(&mut self, page: &mut Page<'_>) -> String {
        if self.now.in_row {
            self.end_row(page);
        } else if !self.now.line.is_empty() {
            self.end_paragraph(page);
        }
        let inner = std::mem::replace(&mut self.now, self.outer.pop().unwrap_or_default());
        inner.held
    }

    /// The box ends.
    pub(super) fn leave_box(&mut self, page: &mut Page<'_>) {
        let held = self.take_box(page);
        self.beside(&held);
    }

    /// All that is left is told.
    pub(super) fn finish(&mut self, page: &mut Page<'_>) {
        while !self.outer.is_empty() {
            self.leave_box(page);
        }
        if self.now.in_row {
            self.end_row(page);
        } else if !self.now.line.is_empty() {
            self.end_paragraph(page);
        }
        self.tell_beside(page);
    }

    fn tell(&mut self, line: &str, nr: Option<u32>, page: &mut Page<'_>) {
        if !self.outer.is_empty() {
            self.now.held.push_str(line);
            self.now.held.push('\n');
            return;
        }
        if let Some(nr) = nr.filter(|_| !line.is_empty()) {
            page.spot(Spot::Paragraph(nr));
        }
        page.text(line);
        page.text("\n");
    }

    fn tell_beside(&mut self, page: &mut Page<'_>) {
        if self.outer.is_empty() {
            for text in self.beside.drain(..) {
                page.text(&text);
                page.text("\n");
            }
        }
    }
}

/// Whether a text may hold a number of nine digits or more, with blanks, dots or dashes in it; letters at its side make
/// it something else.
pub(super) fn may_be_number(text: &str) -> bool {
    let (mut digits, mut apart, mut last) = (0_u32, true, b' ');
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' if apart => digits += 1,
            b'0'..=b'9' => {}
            b' ' | b'-' | b'.' if digits > 0 => {}
            _ if byte.is_ascii_hexdigit() && last.is_ascii_digit() => (digits, apart) = (0, false),
            _ if digits >= 9 => return true,
            _ => (digits, apart) = (0, !byte.is_ascii_hexdigit()),
        }
        last = byte;
    }
    digits >= 9
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::content::{Event, Limits, Member};
    use std::fmt::Write;

    fn told(work: impl FnOnce(&mut Lines, &mut Page<'_>)) -> String {
        let mut text = String::new();
        let mut content = |event: Event<'_>| match event {
            Event::Data(data) => text.push_str(&String::from_utf8_lossy(data)),
            Event::Spot(Spot::Paragraph(nr)) => write!(text, "[{nr}]").unwrap(),
            Event::Enter(_) | Event::Spot(_) | Event::Leave | Event::Unread(_) => {}
        };
        let mut page = Page::new(&mut content, Limits::default(), 1);
        page.enter(Member::TEXT);
        let mut lines = Lines::counted();
        work(&mut lines, &mut page);
        lines.finish(&mut page);
        text
    }

    #[test]
    fn a_box_in_a_paragraph_does_not_part_it() {
        let text = told(|lines, page| {
            lines.text("150379");
            lines.enter_box();
            lines.text("boks 1");
            lines.end_paragraph(page);
            lines.text("boks 2");
            lines.end_paragraph(page);
            lines.leave_box(page);
            lines.text("-1028");
            lines.end_paragraph(page);
        });
        assert_eq!(text, "[1]150379-1028\nboks 1\nboks 2\n");
    }

    #[test]
    fn rows_are_lines_and_frames_are_not() {
        let text = told(|lines, page| {
            lines.begin_row(page);
            for cell in [["Navn", ""], ["CPR", "nr."]] {
                for part in cell {
                    lines.text(part);
                    lines.end_paragraph(page);
                }
                lines.end_cell(page);
            }
            lines.end_row(page);
            lines.begin_row(page);
            for part in ["et", "brev"] {
                lines.text(part);
                lines.end_paragraph(page);
            }
            lines.end_cell(page);
            lines.end_row(page);
        });
        assert_eq!(text, "[1]Navn\tCPR nr.\n[5]et\nbrev\n");
    }

    #[test]
    fn changes_are_told_as_they_show_and_as_they_were() {
        let text = told(|lines, page| {
            lines.text("150379-");
            lines.deleted = 1;
            lines.text("9999");
            lines.deleted = 0;
            lines.inserted = 1;
            lines.text("1028");
            lines.inserted = 0;
            lines.end_paragraph(page);
        });
        assert_eq!(text, "[1]150379-1028\n150379-9999\n");
    }

    #[test]
    fn identifiers_of_hex_digits_are_no_numbers() {
        assert!(may_be_number("x=150379-1028;"));
        assert!(may_be_number("103791028"));
        assert!(!may_be_number("00A32F1D 12345678"));
        assert!(!may_be_number("{1234ABCD-1234-1234-1234-123456789ABC}"));
    }
}
