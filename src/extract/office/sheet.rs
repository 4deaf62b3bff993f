//! Sheets of Office Open XML: cells with the texts they share, their formats, and what else a sheet holds (ECMA-376 part
//! 1 §18).
//!
//! Rows and columns that are hidden are read as all others are. Start reading at [`Sheet`].

use super::lines::may_be_number;
use super::number_format::Format;
use super::rows::{Rows, constants, joined, place};
use super::xml::{Tag, Walker};
use crate::extract::content::Page;
use std::collections::HashMap;

/// The texts that cells share (`sharedStrings.xml`), by their number.
#[derive(Default)]
pub(super) struct Strings {
    text: String,
    ends: Vec<usize>,
    is_text: bool,
    /// How deep in the reading of an ideograph.
    phonetic: u32,
    open: Vec<u8>,
}

impl Strings {
    fn at(&self, nr: usize) -> Option<&str> {
        let start = nr.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.text.get(start..*self.ends.get(nr)?)
    }

    /// Those that no cell shows.
    pub(super) fn unused(&self, used: &[bool]) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).filter(|nr| used.get(*nr) != Some(&true)).filter_map(|nr| self.at(nr))
    }
}

impl Walker for Strings {
    fn open(&mut self, tag: &Tag<'_>, _: &mut Page<'_>) {
        let kind = match tag.name() {
            "si" => b's',
            "t" => b't',
            "rPh" => b'p',
            _ => b' ',
        };
        self.is_text = kind == b't' && self.phonetic == 0;
        self.phonetic += u32::from(kind == b'p');
        self.open.push(kind);
    }

    fn close(&mut self, _: &mut Page<'_>) {
        self.is_text = false;
        match self.open.pop() {
            Some(b's') => self.ends.push(self.text.len()),
            Some(b'p') => self.phonetic = self.phonetic.saturating_sub(1),
            _ => {}
        }
    }

    fn text(&mut self, text: &str, _: &mut Page<'_>) {
        if self.is_text {
            self.text.push_str(text);
        }
    }
}

/// The formats of cells (`styles.xml`).
#[derive(Default)]
pub(super) struct Styles {
    codes: HashMap<u32, Format>,
    cells: Vec<Format>,
    in_cells: bool,
    open: Vec<bool>,
    /// Formats that show a number whatever the cell holds.
    pub(super) texts: Vec<String>,
}

impl Walker for Styles {
    fn open(&mut self, tag: &Tag<'_>, _: &mut Page<'_>) {
        let number = |name| tag.get(name).and_then(|nr| nr.parse::<u32>().ok());
        let is_cells = tag.name() == "cellXfs";
        self.in_cells |= is_cells;
        self.open.push(is_cells);
        match tag.name() {
            "numFmt" => {
                let (Some(nr), Some(code)) = (number("numFmtId"), tag.get("formatCode")) else { return };
                if code.bytes().filter(|byte| matches!(byte, b'1'..=b'9')).count() >= 4 {
                    self.texts.push(code.replace(['"', '\\'], ""));
                }
                self.codes.insert(nr, Format::of(&code));
            }
            "xf" if self.in_cells => {
                let nr = number("numFmtId").unwrap_or(0);
                self.cells.push(self.codes.get(&nr).cloned().unwrap_or_else(|| Format::builtin(nr)));
            }
            _ => {}
        }
    }

    fn close(&mut self, _: &mut Page<'_>) {
        if self.open.pop() == Some(true) {
            self.in_cells = false;
        }
    }

    fn text(&mut self, _: &str, _: &mut Page<'_>) {}
}

/// What the text that is being read is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Other,
    Cell,
    Value,
    /// Of an inline string.
    Text,
    Formula,
    /// The text for the head or the foot of a printed page.
    Header,
    Phonetic,
}

/// What a cell's value is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Type {
    #[default]
    Number,
    Shared,
    Text,
}

/// Walks a sheet.
pub(super) struct Sheet<'a> {
    strings: &'a Strings,
    styles: &'a Styles,
    since_1904: bool,
    /// Which of the strings a cell shows.
    used: &'a mut Vec<bool>,
    rows: Rows,
    row: u32,
    column: u32,
    kind: Type,
    format: usize,
    value: String,
    formula: String,
    /// What the cell's formula joins, for when nobody has computed it.
    joined: Option<String>,
    open: Vec<Kind>,
}

impl<'a> Sheet<'a> {
    /// `used` notes which strings a cell shows.
    pub(super) fn new(
        strings: &'a Strings,
        styles: &'a Styles,
        since_1904: bool,
        used: &'a mut Vec<bool>,
    ) -> Self {
        used.resize(strings.ends.len(), false);
        Self {
            strings,
            styles,
            since_1904,
            used,
            rows: Rows::default(),
            row: 0,
            column: 0,
            kind: Type::Number,
            format: 0,
            value: String::new(),
            formula: String::new(),
            joined: None,
            open: Vec::new(),
        }
    }

    /// The sheet ends.
    pub(super) fn finish(&mut self, page: &mut Page<'_>) {
        self.rows.finish(page);
    }

    fn begin_cell(&mut self, tag: &Tag<'_>) {
        self.column = self.column.saturating_add(1);
        (self.kind, self.format) = (Type::Number, 0);
        for (key, value) in tag.all() {
            match key {
                "r" => {
                    if let Some((row, column)) = place(&value) {
                        (self.row, self.column) = (row, column);
                    }
                }
                "s" => self.format = value.parse().unwrap_or(0),
                "t" => {
                    self.kind = match value.as_ref() {
                        "s" => Type::Shared,
                        "n" => Type::Number,
                        _ => Type::Text,
                    }
                }
                _ => {}
            }
        }
        self.value.clear();
        self.joined = None;
    }

    fn end_cell(&mut self, page: &mut Page<'_>) {
        let Self { rows, row, column, value, strings, styles, joined, .. } = self;
        if let Some(joined) = joined.as_deref().filter(|_| value.trim().is_empty()) {
            return rows.cell(*row, *column, joined, page);
        }
        match self.kind {
            Type::Shared => {
                let nr = value.trim().parse().unwrap_or(usize::MAX);
                if let Some(used) = self.used.get_mut(nr) {
                    *used = true;
                }
                rows.cell(*row, *column, strings.at(nr).unwrap_or_default(), page);
            }
            Type::Text => rows.cell(*row, *column, value, page),
            Type::Number => match styles.cells.get(self.format) {
                Some(format) => rows.cell(*row, *column, &format.show(value, self.since_1904), page),
                None => rows.cell(*row, *column, &Format::Plain.show(value, false), page),
            },
        }
    }
}

impl Walker for Sheet<'_> {
    fn open(&mut self, tag: &Tag<'_>, page: &mut Page<'_>) {
        let kind = match tag.name() {
            "c" => {
                self.begin_cell(tag);
                Kind::Cell
            }
            "v" => Kind::Value,
            "t" if self.open.last() != Some(&Kind::Phonetic) => Kind::Text,
            "rPh" => Kind::Phonetic,
            "f" | "formula" | "formula1" | "formula2" => Kind::Formula,
            "row" => {
                self.rows.end_row(page);
                let nr = tag.get("r").and_then(|nr| nr.parse().ok());
                self.row = nr.unwrap_or(self.row.saturating_add(1));
                self.column = 0;
                Kind::Other
            }
            "oddHeader" | "oddFooter" | "evenHeader" | "evenFooter" | "firstHeader" | "firstFooter" => {
                Kind::Header
            }
            "hyperlink" | "dataValidation" | "protectedRange" | "scenario" | "inputCells" => {
                for (key, value) in tag.all() {
                    let is_text = matches!(
                        key,
                        "display"
                            | "tooltip"
                            | "location"
                            | "prompt"
                            | "promptTitle"
                            | "error"
                            | "errorTitle"
                            | "name"
                            | "val"
                            | "comment"
                    );
                    if is_text {
                        self.rows.beside(&value);
                    }
                }
                Kind::Other
            }
            _ => {
                if may_be_number(tag.raw()) {
                    tag.all()
                        .filter(|(key, value)| *key != "id" && may_be_number(value))
                        .for_each(|(_, value)| self.rows.beside(&value));
                }
                Kind::Other
            }
        };
        if matches!(kind, Kind::Formula | Kind::Header) {
            self.formula.clear();
        }
        self.open.push(kind);
    }

    fn close(&mut self, page: &mut Page<'_>) {
        match self.open.pop() {
            Some(Kind::Cell) => self.end_cell(page),
            Some(Kind::Formula) => {
                if let Some(constants) = constants(&self.formula) {
                    self.rows.beside(&constants);
                }
                self.joined = joined(&self.formula);
            }
            Some(Kind::Header) => {
                let text = header(&self.formula);
                text.split('\n').for_each(|line| self.rows.beside(line));
            }
            Some(Kind::Value | Kind::Text | Kind::Other | Kind::Phonetic) | None => {}
        }
    }

    fn text(&mut self, text: &str, _: &mut Page<'_>) {
        match self.open.last() {
            Some(Kind::Value | Kind::Text) => self.value.push_str(text),
            Some(Kind::Formula | Kind::Header) => self.formula.push_str(text),
            // A text where none belongs.
            Some(Kind::Other | Kind::Cell | Kind::Phonetic) if !text.trim().is_empty() => {
                self.rows.beside(text);
            }
            Some(Kind::Other | Kind::Cell | Kind::Phonetic) | None => {}
        }
    }
}

/// A header's text without its codes (§18.3.1.46): a line for each of its three places.
fn header(code: &str) -> String {
    let mut text = String::new();
    let mut letters = code.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '&' {
            text.push(letter);
            continue;
        }
        match letters.peek().copied() {
            Some('L' | 'C' | 'R') => {
                letters.next();
                text.push('\n');
            }
            Some('"') => {
                letters.next();
                letters.by_ref().take_while(|letter| *letter != '"').for_each(drop);
            }
            // A size, and nobody knows where it ends when a number follows: so all of it is told.
            Some('0'..='9') => text.push(' '),
            Some('&') => text.extend(letters.next()),
            Some('K') => {
                letters.by_ref().take(7).for_each(drop);
            }
            Some(_) => {
                letters.next();
                text.push(' ');
            }
            None => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_headers_codes_are_no_text() {
        assert_eq!(
            header("&L&\"Arial,Bold\"CPR &K01+000150379-1028&CSide &P&R&A && co"),
            "\nCPR 150379-1028\nSide  \n  & co"
        );
        assert_eq!(header("&12 150379-1028"), " 12 150379-1028");
    }
}
