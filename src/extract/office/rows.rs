//! Cells of a sheet, told as rows: tabs between columns, so that headings stay above what they head.
//!
//! Nothing is kept for a cell that is not there, however far away the next one is. Start reading at [`Rows::cell`].

use super::lines::has_digits;
use crate::extract::content::{Page, Spot};

/// The widest gap in a row that is told as empty cells.
const WIDEST: u32 = 64;

/// Tells rows.
#[derive(Default)]
pub(super) struct Rows {
    /// Of the last cell, from 1.
    row: u32,
    column: u32,
    /// What is not told yet.
    text: String,
    /// What is told when the row ends.
    beside: Vec<String>,
}

impl Rows {
    /// A cell's text. Rows and columns are counted from 1.
    pub(super) fn cell(&mut self, row: u32, column: u32, text: &str, page: &mut Page<'_>) {
        let column = column.max(1);
        if text.is_empty() {
            return;
        }
        if row != self.row {
            self.end_row(page);
            self.row = row;
        }
        // The first cell of a row stands behind its empty ones.
        let gap = column.saturating_sub(self.column.max(1)).min(WIDEST);
        (0..gap).for_each(|_| self.text.push('\t'));
        if gap == 0 && column <= self.column {
            self.text.push('\t');
        }
        self.column = column;
        // A finding begins with six digits or more, and a place for every cell costs more than its text.
        if has_digits(text, 6) {
            self.flush(page);
            page.spot(Spot::Cell { row, column });
        }
        // A line's end within a cell would end the row.
        self.text.extend(text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }));
        if self.text.len() > 16 * 1024 {
            self.flush(page);
        }
    }

    /// What belongs to the cell and does not show in it: told when the row ends.
    pub(super) fn beside(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.beside.push(text.trim().to_owned());
        }
    }

    /// The row ends, or the sheet.
    pub(super) fn end_row(&mut self, page: &mut Page<'_>) {
        if self.column > 0 {
            self.text.push('\n');
        }
        self.column = 0;
        for text in self.beside.drain(..) {
            self.text.push_str(&text);
            self.text.push('\n');
        }
        if self.text.len() > 4 * 1024 {
            self.flush(page);
        }
    }

    /// All that is left is told.
    pub(super) fn finish(&mut self, page: &mut Page<'_>) {
        self.end_row(page);
        self.flush(page);
        *self = Self::default();
    }

    fn flush(&mut self, page: &mut Page<'_>) {
        if !self.text.is_empty() {
            page.text(&self.text);
            self.text.clear();
        }
    }
}

/// A cell's row and column, from 1, of its name such as `AB12`.
pub(super) fn place(name: &str) -> Option<(u32, u32)> {
    let digits = name.find(|letter: char| letter.is_ascii_digit())?;
    let (letters, row) = name.split_at_checked(digits)?;
    let mut column = 0_u32;
    for letter in letters.bytes() {
        let value = u32::from(letter.to_ascii_uppercase().checked_sub(b'A').filter(|value| *value < 26)?) + 1;
        column = column.checked_mul(26)?.checked_add(value)?;
    }
    Some((row.parse().ok()?, column))
}

/// What of a formula may be a number or a text that somebody wrote: the formula, with texts joined that it joins, and
/// what its texts and numbers are when they are joined.
pub(super) fn constants(formula: &str) -> Option<String> {
    if !formula.contains('"') && !has_digits(formula, 6) {
        return None;
    }
    let mut told = formula.replace("\"&\"", "").replace("\" & \"", "");
    if let Some(joined) =
        joined(formula).filter(|joined| has_digits(joined, 6) && !told.contains(joined.as_str()))
    {
        told.push('\n');
        told.push_str(&joined);
    }
    Some(told)
}

/// The texts and numbers of a formula that stand there to be joined, as in `"150379"&"-1028"`, `CONCAT("150379";"-";1028)`
/// and `"150379-"&TEXT(1028;"0000")`; each row of them behind a blank.
pub(super) fn joined(formula: &str) -> Option<String> {
    let mut text = String::new();
    let mut count = 0_usize;
    // Whether what comes next belongs to what came last.
    let mut joins = false;
    let mut letters = formula.chars().peekable();
    let mut add = |part: &str, joins: bool, text: &mut String| {
        if !joins && !text.is_empty() {
            text.push(' ');
        }
        text.push_str(part);
        count += 1;
    };
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                let mut part = String::new();
                while let Some(letter) = letters.next() {
                    // Two marks are one in the text.
                    if letter == '"' && letters.next_if_eq(&'"').is_none() {
                        break;
                    }
                    part.push(letter);
                }
                add(&part, joins, &mut text);
                joins = true;
            }
            '0'..='9' => {
                let mut part = String::from(letter);
                while let Some(digit) = letters.next_if(char::is_ascii_digit) {
                    part.push(digit);
                }
                add(&part, joins, &mut text);
                joins = true;
            }
            '&' | ',' | ';' | '(' | ')' | '=' => {}
            letter if letter.is_whitespace() => {}
            letter if letter.is_alphabetic() || matches!(letter, '_' | '$') => {
                let is_name = |next: &char| next.is_alphanumeric() || matches!(next, '_' | '$' | '.' | ':');
                while letters.next_if(is_name).is_some() {}
                // A function is no part of the text, and anything else is one that nobody knows.
                joins &= letters.peek() == Some(&'(');
            }
            _ => joins = false,
        }
    }
    (count > 1).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::content::{Event, Limits, Member};
    use std::fmt::Write;

    #[test]
    fn columns_stay_above_each_other() {
        let mut text = String::new();
        let mut content = |event: Event<'_>| match event {
            Event::Data(data) => text.push_str(&String::from_utf8_lossy(data)),
            Event::Spot(Spot::Cell { row, column }) => write!(text, "[{row},{column}]").unwrap(),
            Event::Enter(_) | Event::Spot(_) | Event::Leave | Event::Unread(_) => {}
        };
        let mut page = Page::new(&mut content, Limits::default(), 1);
        page.enter(Member::TEXT);
        let mut rows = Rows::default();
        rows.cell(1, 1, "Navn", &mut page);
        rows.cell(1, 3, "CPR", &mut page);
        rows.cell(2, 3, "1503791028", &mut page);
        rows.beside("150379-1028");
        rows.cell(3, 1, "a\nb", &mut page);
        rows.cell(1_048_576, 16_384, "slut", &mut page);
        rows.finish(&mut page);
        let gap = "\t".repeat(64);
        assert_eq!(text, format!("Navn\t\tCPR\n\t\t[2,3]1503791028\n150379-1028\na b\n{gap}slut\n"));
    }

    #[test]
    fn names_of_cells() {
        assert_eq!(place("A1"), Some((1, 1)));
        assert_eq!(place("XFD1048576"), Some((1_048_576, 16_384)));
        assert_eq!(place("AAAAAAAAAAAAAA1"), None);
        assert_eq!(place("$A$1"), None);
        assert_eq!(place("1"), Some((1, 0)));
    }

    #[test]
    fn texts_that_a_formula_joins_are_joined() {
        assert_eq!(constants("\"150379-\"&\"1028\"").as_deref(), Some("\"150379-1028\""));
        assert_eq!(constants("SUM(A1:B99)"), None);
        for (formula, expected) in [
            ("\"150379\"&\"-1028\"", "150379-1028"),
            ("CONCATENATE(\"150379\",\"-\",1028)", "150379-1028"),
            ("of:=\"150379-\" & TEXT(1028;\"\")", "150379-1028"),
            ("IF(A1=\"x\";B2&\"150379\"\n&\"-1028\")", "x 150379-1028"),
            ("\"a\"\"b\"&1", "a\"b1"),
        ] {
            assert_eq!(joined(formula).as_deref(), Some(expected), "{formula}");
        }
        assert_eq!(joined("\"150379-1028\""), None);
        assert_eq!(constants("\"150379\" &\"-1028\"").as_deref(), Some("\"150379\" &\"-1028\"\n150379-1028"));
    }
}
