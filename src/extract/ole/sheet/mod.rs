//! Excel 5 to 2003 (MS-XLS, BIFF5 and BIFF8): a stream of records, most of which are cells.
//!
//! First come the workbook's records (names of sheets, shared texts, formats), then each sheet's. The cells of a sheet
//! are told in rows with a tab for each column, then its notes, text boxes, headers and footers, and last what other
//! records hold that looks like a number (constants in formulas, links, names). Hidden sheets are sheets. Start reading
//! at [`read`]; `strings.rs` has texts over the ends of records, `format.rs` numbers as they are shown.

mod cells;
mod format;
mod strings;

use super::{crypt, embedded, scraps};
use crate::extract::bytes::{f64_at, part, size_at, u16_at, u32_at, wide};
use crate::extract::codepage;
use crate::extract::content::{Page, Spot, Unread};
use crate::extract::raw;
use cells::{Cells, Value};
use encoding_rs::{Encoding, WINDOWS_1252};
use format::Shape;
use std::collections::HashMap;
use strings::{Pieces, Shared};

const CONTINUE: u16 = 0x3C;
const FILEPASS: u16 = 0x2F;

/// Tells a workbook.
pub(super) fn read(stream: &[u8], page: &mut Page<'_>) {
    let head = u16_at(stream, 0);
    if !matches!(head, Some(0x809)) {
        // BIFF2 to 4 are no compound files; something else is called so.
        page.unread(Unread::Damaged);
        return raw::sweep(stream, page);
    }
    // The record that says what it is encrypted with comes right after the first.
    let locked = Records { stream, at: 0 }.take(20).find(|record| record.kind == FILEPASS);
    match locked {
        None => tell(stream, page),
        Some(record) => match crypt::workbook(stream, record.data) {
            Some(open) => tell(&open, page),
            None => page.unread(Unread::Password),
        },
    }
}

/// A record.
pub(super) struct Record<'a> {
    /// Where it begins in the stream.
    pub(super) at: usize,
    pub(super) kind: u16,
    pub(super) data: &'a [u8],
}

/// The records of a stream.
pub(super) struct Records<'a> {
    stream: &'a [u8],
    at: usize,
}

impl<'a> Records<'a> {
    pub(super) fn new(stream: &'a [u8]) -> Self {
        Self { stream, at: 0 }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let at = self.at;
        let kind = u16_at(self.stream, at)?;
        let size = usize::from(u16_at(self.stream, at + 2)?);
        self.at = at + 4 + size;
        Some(Record { at, kind, data: part(self.stream, at + 4, size) })
    }
}

/// What the workbook's own records say.
pub(super) struct Book {
    /// Excel 97 and after.
    is_eight: bool,
    charset: &'static Encoding,
    /// Sheets, by where in the stream they begin.
    sheets: HashMap<usize, String>,
    shared: Shared,
    formats: HashMap<u16, Shape>,
    /// Of each way to look that a cell may have, the number of its format.
    looks: Vec<u16>,
    is_1904: bool,
}

impl Book {
    fn shape(&self, look: u16) -> Shape {
        let number = self.looks.get(usize::from(look)).copied().unwrap_or_default();
        self.formats.get(&number).cloned().unwrap_or_else(|| Shape::built_in(number))
    }

    /// A text with its length before it in one byte, or two.
    fn text(&self, segments: &[&[u8]], at: usize, is_long: bool) -> String {
        let record = segments.first().copied().unwrap_or_default();
        if !self.is_eight {
            return codepage::decode(self.charset, strings::short(record, at, is_long));
        }
        let mut text = String::new();
        if is_long {
            Pieces::new(segments, at).rich(&mut text);
        } else {
            let letters = record.get(at).copied().unwrap_or_default();
            Pieces::new(segments, at + 1).flagged(letters.into(), &mut text);
        }
        text
    }
}

/// What is read of a sheet besides its cells.
#[derive(Default)]
struct Beside {
    /// Notes, text boxes, headers.
    texts: String,
    /// Records that nobody here knows.
    odd: Vec<u8>,
}

fn tell(stream: &[u8], page: &mut Page<'_>) {
    let mut book = Book {
        is_eight: u16_at(stream, 4) == Some(0x600),
        charset: WINDOWS_1252,
        sheets: HashMap::new(),
        shared: Shared::default(),
        formats: HashMap::new(),
        looks: Vec::new(),
        is_1904: false,
    };
    let (mut cells, mut beside) = (Cells::default(), Beside::default());
    // The cell whose formula's text comes in a record of its own.
    let mut waiting = None;
    let mut records = Records::new(stream).peekable();
    let mut segments = Vec::new();
    while let Some(record) = records.next() {
        if page.is_full() {
            return;
        }
        segments.clear();
        segments.push(record.data);
        while let Some(more) = records.next_if(|next| next.kind == CONTINUE) {
            segments.push(more.data);
        }
        match record.kind {
            // A sheet begins, or a chart in one; or it ends.
            0x809 | 0x0A => {
                finish(&mut cells, &mut beside, &book, page);
                if let Some(name) = book.sheets.get(&record.at) {
                    page.spot(Spot::Sheet(name));
                    page.text(name);
                    page.text("\n");
                }
            }
            0x207 => {
                if let Some((row, column)) = waiting.take() {
                    cells.add_text(row, column, &book.text(&segments, 0, true));
                }
            }
            0x06 => waiting = formula(record.data, &mut cells, &mut beside),
            kind => {
                if !(of_book(kind, &segments, &mut book) || of_cell(kind, &segments, &book, &mut cells)) {
                    of_sheet(kind, &segments, &book, &mut beside, page);
                }
            }
        }
        if cells.is_full() {
            cells.tell(&book, page);
        }
    }
    finish(&mut cells, &mut beside, &book, page);
}

fn finish(cells: &mut Cells, beside: &mut Beside, book: &Book, page: &mut Page<'_>) {
    cells.tell(book, page);
    if !beside.texts.is_empty() || !beside.odd.is_empty() {
        page.spot(Spot::Named("notes and texts"));
        page.text(&std::mem::take(&mut beside.texts));
        scraps(&std::mem::take(&mut beside.odd), page);
    }
}

/// Records of the workbook.
fn of_book(kind: u16, segments: &[&[u8]], book: &mut Book) -> bool {
    let record = segments.first().copied().unwrap_or_default();
    match kind {
        // Its charset, its calendar, a sheet, the texts, a format, a look.
        0x42 => {
            book.charset =
                u16_at(record, 0).map_or(WINDOWS_1252, |number| codepage::of_number(number.into()));
        }
        0x22 => book.is_1904 = record.first() == Some(&1),
        0x85 => {
            if let Some(at) = size_at(record, 0) {
                book.sheets.insert(at, book.text(segments, 6, false));
            }
        }
        0xFC => book.shared = Shared::read(segments),
        0x41E => {
            let format = book.text(segments, 2, book.is_eight);
            book.formats.insert(u16_at(record, 0).unwrap_or_default(), Shape::of(&format));
        }
        0xE0 => book.looks.push(u16_at(record, 2).unwrap_or_default()),
        _ => return false,
    }
    true
}

/// Records of cells: row, column, look, and what stands in it.
fn of_cell(kind: u16, segments: &[&[u8]], book: &Book, cells: &mut Cells) -> bool {
    let record = segments.first().copied().unwrap_or_default();
    if !matches!(kind, 0xFD | 0x204 | 0xD6 | 0x203 | 0x27E | 0xBD) {
        return false;
    }
    let (Some(row), Some(column), look) = (u16_at(record, 0), u16_at(record, 2), u16_at(record, 4)) else {
        return true;
    };
    let look = look.unwrap_or_default();
    match kind {
        0xFD => cells.add(row, column, Value::Shared(size_at(record, 6).unwrap_or(usize::MAX))),
        0x204 | 0xD6 => cells.add_text(row, column, &book.text(segments, 6, true)),
        0x203 => cells.add(row, column, Value::Number(f64_at(record, 6).unwrap_or_default(), look)),
        0x27E => {
            if let Some(number) = u32_at(record, 6) {
                cells.add(row, column, Value::Number(rk(number), look));
            }
        }
        _ => {
            // Cells beside one another: look and number of each, then the last column.
            let count = record.len().saturating_sub(6) / 6;
            for (nr, column) in (0..count).zip(column..) {
                let at = 4 + nr * 6;
                if let (Some(look), Some(number)) = (u16_at(record, at), u32_at(record, at + 2)) {
                    cells.add(row, column, Value::Number(rk(number), look));
                }
            }
        }
    }
    true
}

/// A number in four bytes (§2.5.217).
fn rk(number: u32) -> f64 {
    let plain = if number & 2 == 0 {
        f64::from_bits(u64::from(number & !3) << 32)
    } else {
        f64::from(number.cast_signed() >> 2)
    };
    if number & 1 == 0 { plain } else { plain / 100.0 }
}

/// The result of a formula, and the formula for its constants; its cell when its result is a text, which follows.
fn formula(record: &[u8], cells: &mut Cells, beside: &mut Beside) -> Option<(u16, u16)> {
    let (row, column, look) = (u16_at(record, 0)?, u16_at(record, 2)?, u16_at(record, 4)?);
    odd(record.get(20..).unwrap_or_default(), beside);
    if u16_at(record, 12)? == 0xFFFF {
        return (record.get(6) == Some(&0)).then_some((row, column));
    }
    cells.add(row, column, Value::Number(f64_at(record, 6)?, look));
    None
}

/// Records with texts that stand in no cell.
fn of_sheet(kind: u16, segments: &[&[u8]], book: &Book, beside: &mut Beside, page: &mut Page<'_>) {
    let record = segments.first().copied().unwrap_or_default();
    let texts = &mut beside.texts;
    match kind {
        // Header and footer.
        0x14 | 0x15 => {
            texts.push_str(&without_codes(&book.text(segments, 0, book.is_eight)));
            texts.push('\n');
        }
        // A text box: its letters are in the records that continue it.
        0x1B6 => {
            let letters = u16_at(record, 10).unwrap_or_default();
            Pieces::new(segments.get(1..).unwrap_or_default(), 0).flagged(letters.into(), texts);
            texts.push('\n');
        }
        // A note of Excel 5.
        0x1C if !book.is_eight => {
            texts.push_str(&codepage::decode(book.charset, strings::short(record, 4, true)));
            texts.push('\n');
        }
        // Values of a table that is elsewhere: of another workbook (§2.4.65), of a pivot table (§2.4.277, 285).
        0x5A => external(record, book, texts),
        0xC9 => {
            texts.push_str(&f64_at(record, 0).unwrap_or_default().to_string());
            texts.push('\n');
        }
        0xCD => {
            texts.push_str(&book.text(segments, 0, true));
            texts.push('\n');
        }
        // Pictures of the workbook.
        0xEB => embedded::pictures(&segments.concat(), page),
        _ => segments.iter().for_each(|segment| odd(segment, beside)),
    }
}

/// Cells of another workbook as they were last seen.
fn external(record: &[u8], book: &Book, texts: &mut String) {
    let mut at = 4;
    while let Some(kind) = record.get(at) {
        let mut size = 8;
        match kind {
            1 => texts.push_str(&f64_at(record, at + 1).unwrap_or_default().to_string()),
            2 if book.is_eight => {
                let is_wide = record.get(at + 3) == Some(&1);
                let letters = usize::from(u16_at(record, at + 1).unwrap_or_default());
                let bytes = part(record, at + 4, if is_wide { letters * 2 } else { letters });
                if is_wide {
                    texts.push_str(&wide(bytes));
                } else {
                    texts.extend(bytes.iter().map(|byte| char::from(*byte)));
                }
                size = 3 + bytes.len();
            }
            2 => {
                let bytes = strings::short(record, at + 1, false);
                texts.push_str(&codepage::decode(book.charset, bytes));
                size = 1 + bytes.len();
            }
            _ => {}
        }
        texts.push('\t');
        at += 1 + size;
    }
    texts.push('\n');
}

/// Keeps a record that nobody here knows for [`scraps`], behind bytes that are no text to them.
fn odd(record: &[u8], beside: &mut Beside) {
    beside.odd.extend_from_slice(record);
    beside.odd.extend_from_slice(b"\0\0");
}

/// A header without what says where it stands and how it looks: `&L`, `&"Arial,Bold"`, `&12`.
fn without_codes(header: &str) -> String {
    let mut out = String::new();
    let mut letters = header.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '&' {
            out.push(letter);
            continue;
        }
        match letters.next() {
            Some('"') => letters.by_ref().take_while(|one| *one != '"').for_each(drop),
            Some('&') => out.push('&'),
            // A size, when it is no longer than one: more digits are the text's own.
            Some(digit) if digit.is_ascii_digit() => {
                let mut size = String::from(digit);
                while let Some(next) = letters.next_if(char::is_ascii_digit) {
                    size.push(next);
                }
                if size.len() > 3 {
                    out.push_str(&size);
                }
            }
            Some('L' | 'C' | 'R') => out.push('\t'),
            Some(_) | None => {}
        }
    }
    out
}

#[cfg(test)]
pub(super) mod tests;
