//! What a pivot table remembers of the cells that it was made of, which may be gone from the workbook (ECMA-376 part 1
//! §18.10).
//!
//! The definition holds each column's name and the different values in it, told as a list under its heading; the records
//! hold the rows, told under a row of headings. Start reading at [`Fields`].

use super::number_format::plain;
use super::rows::Rows;
use super::xml::{Tag, Walker};
use crate::extract::content::Page;

/// Walks the definition.
#[derive(Default)]
pub(super) struct Fields {
    /// The columns' names.
    pub(super) names: Vec<String>,
}

impl Walker for Fields {
    fn open(&mut self, tag: &Tag<'_>, page: &mut Page<'_>) {
        if tag.name() == "cacheField" {
            let name = tag.get("name").unwrap_or_default();
            page.text("\n");
            page.text(&name);
            page.text("\n");
            self.names.push(name.into_owned());
            if let Some(formula) = tag.get("formula") {
                page.text(&formula);
                page.text("\n");
            }
        } else if let Some(value) = tag.get("v").or_else(|| tag.get("name")) {
            page.text(&plain(&value));
            page.text("\n");
        }
    }

    fn close(&mut self, _: &mut Page<'_>) {}

    fn text(&mut self, text: &str, page: &mut Page<'_>) {
        if !text.trim().is_empty() {
            page.text(text);
            page.text("\n");
        }
    }
}

/// Walks the records.
#[derive(Default)]
pub(super) struct Records {
    rows: Rows,
    row: u32,
    column: u32,
}

impl Records {
    /// Records of columns with these names.
    pub(super) fn new(names: &[String], page: &mut Page<'_>) -> Self {
        let mut records = Self { row: 1, ..Self::default() };
        for (name, column) in names.iter().zip(1..) {
            records.rows.cell(1, column, name, page);
        }
        records
    }

    /// They end.
    pub(super) fn finish(&mut self, page: &mut Page<'_>) {
        self.rows.finish(page);
    }
}

impl Walker for Records {
    fn open(&mut self, tag: &Tag<'_>, page: &mut Page<'_>) {
        match tag.name() {
            "r" => {
                self.row = self.row.saturating_add(1);
                self.column = 0;
            }
            // The number of a value in the definition, where it has been told.
            "x" => self.column = self.column.saturating_add(1),
            _ => {
                self.column = self.column.saturating_add(1);
                if let Some(value) = tag.get("v") {
                    self.rows.cell(self.row, self.column, &plain(&value), page);
                }
            }
        }
    }

    fn close(&mut self, _: &mut Page<'_>) {}

    fn text(&mut self, _: &str, _: &mut Page<'_>) {}
}
