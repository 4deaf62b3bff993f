//! Tables as files: CSV that Danish Excel opens by a double click, and XLSX.
//!
//! CSV is UTF-8 with a byte order mark, `;` between cells and CRLF at the end of lines, because that is what Excel takes for a table
//! where the decimal sign is a comma. A cell that a spreadsheet would read as a formula gets an apostrophe before it. What looks
//! like a number or a date is still taken for one there (`11/2026`, a journal number of 19 digits): XLSX keeps it as it was
//! written. Start reading at [`csv`].

use super::ExportError;
use super::paper::Both;
use super::register::Cell;
use crate::case::local::which;
use chrono::{DateTime, Datelike, Timelike, Utc};
use chrono_tz::Europe::Copenhagen;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, FormatAlign, Workbook, XlsxError};

/// A table before it is a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name: a sheet's, at most 31 characters.
    pub name: &'static str,
    /// Its head.
    pub head: Vec<Both>,
    /// Its rows.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// All its cells as text, for our own scanner.
    pub fn text(&self) -> String {
        let mut out = self.head.iter().map(Both::line).collect::<Vec<_>>().join("\t");
        for row in &self.rows {
            out.push('\n');
            out.push_str(&row.iter().map(Cell::words).collect::<Vec<_>>().join("\t"));
        }
        out
    }
}

/// The table as CSV, with Danish heads.
pub fn csv(table: &Table) -> String {
    let mut out = String::from("\u{FEFF}");
    let head: Vec<String> = table.head.iter().map(|head| quoted(&head.da)).collect();
    out.push_str(&head.join(";"));
    out.push_str("\r\n");
    for row in &table.rows {
        let cells: Vec<String> = row
            .iter()
            .map(|cell| match cell {
                Cell::Empty => String::new(),
                Cell::Text(text) => quoted(&guarded(text)),
                Cell::Number(number) => number.to_string(),
                // A form that Excel takes for a time.
                Cell::Time(at) => {
                    format!("{}{}", at.with_timezone(&Copenhagen).format("%d-%m-%Y %H:%M"), which(*at))
                }
            })
            .collect();
        out.push_str(&cells.join(";"));
        out.push_str("\r\n");
    }
    out
}

/// A text that a spreadsheet reads as text: what begins like a formula gets an apostrophe before it (OWASP, "CSV Injection").
pub fn guarded(text: &str) -> String {
    // Blanks and line breaks before the sign are left out by some programs.
    let is_formula = text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    if is_formula || text.starts_with(['\t', '\r', '\n']) { format!("'{text}") } else { text.to_owned() }
}

/// RFC 4180 §2, with `;` for the comma. A comma is quoted too, for programs that take it for the separator: what stands behind
/// it would begin a cell.
fn quoted(text: &str) -> String {
    if text.contains([';', ',', '"', '\n', '\r', '\t']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// The table as a workbook of one sheet: the head stays in sight, times are times, texts are never formulas.
///
/// # Errors
/// [`ExportError::Made`].
pub fn xlsx(table: &Table, title: &str, now: DateTime<Utc>) -> Result<Vec<u8>, ExportError> {
    workbook(table, title, now)
        .map_err(|error| ExportError::Made { what: "workbook", why: error.to_string() })
}

fn workbook(table: &Table, title: &str, now: DateTime<Utc>) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    book.set_properties(
        &DocProperties::new().set_title(title).set_author("Brevdue").set_creation_datetime(&local(now)?),
    );
    let bold = Format::new().set_bold().set_text_wrap().set_align(FormatAlign::Top);
    let text = Format::new().set_text_wrap().set_align(FormatAlign::Top);
    let number = Format::new().set_num_format("0").set_align(FormatAlign::Top);
    let time = Format::new().set_num_format("dd-mm-yyyy hh:mm").set_align(FormatAlign::Top);
    let sheet = book.add_worksheet().set_name(table.name)?;
    let last = u16::try_from(table.head.len().saturating_sub(1)).unwrap_or(u16::MAX);
    for (at, head) in (0_u16..).zip(&table.head) {
        sheet.write_string_with_format(0, at, head.line(), &bold)?;
        sheet.set_column_width(at, if head.line().chars().count() > 24 { 28 } else { 18 })?;
    }
    for (down, row) in (1_u32..).zip(&table.rows) {
        for (at, cell) in (0_u16..).zip(row) {
            match cell {
                Cell::Empty => {}
                Cell::Text(value) => {
                    // What fits in a cell: 32,767 characters.
                    let value: String = value.chars().take(32_000).collect();
                    sheet.write_string_with_format(down, at, value, &text)?;
                }
                #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
                Cell::Number(value) => {
                    sheet.write_number_with_format(down, at, *value as f64, &number)?;
                }
                Cell::Time(value) => {
                    sheet.write_datetime_with_format(down, at, local(*value)?, &time)?;
                }
            }
        }
    }
    sheet.set_freeze_panes(1, 1)?;
    sheet.autofilter(0, 0, u32::try_from(table.rows.len()).unwrap_or(u32::MAX), last)?;
    sheet.set_landscape();
    book.save_to_buffer()
}

/// Danish time, because a spreadsheet knows no other.
fn local(at: DateTime<Utc>) -> Result<ExcelDateTime, XlsxError> {
    let at = at.with_timezone(&Copenhagen);
    let part = |value: u32| u8::try_from(value).unwrap_or(0);
    ExcelDateTime::from_ymd(u16::try_from(at.year()).unwrap_or(0), part(at.month()), part(at.day()))?.and_hms(
        u16::from(part(at.hour())),
        part(at.minute()),
        at.second(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn danish_excel_reads_it_and_no_cell_is_a_formula() {
        let table = Table {
            name: "Prøve",
            head: vec![
                Both::new("Årsag", "Cause"),
                Both::new("Antal", "Count"),
                Both::new("Hvornår", "When"),
            ],
            rows: vec![
                vec![
                    Cell::Text("=HYPERLINK(\"http://x\")".to_owned()),
                    Cell::Number(3),
                    Cell::Time("2026-11-17T09:20:00Z".parse().unwrap()),
                ],
                vec![Cell::Text("a;b\n\"c\"".to_owned()), Cell::Empty, Cell::Empty],
            ],
        };
        let csv = csv(&table);
        assert_eq!(
            csv,
            "\u{FEFF}Årsag;Antal;Hvornår\r\n\"'=HYPERLINK(\"\"http://x\"\")\";3;17-11-2026 10:20\r\n\"a;b\n\"\"c\"\"\";;\r\n"
        );
        for text in ["=1", "+1", "-1", "@x", " =1", "\t1", "＝1"] {
            assert!(guarded(text).starts_with('\''), "{text:?}");
        }
        assert_eq!(guarded("menneskelig fejl - opsætning"), "menneskelig fejl - opsætning");
    }
}
