//! OpenDocument (ISO 26300): text documents, sheets, slides and drawings, in one notation.
//!
//! Text stands right within paragraphs, whatever lies around it there; so what does not show in the line (remarks, notes,
//! the names of pictures, boxes) is taken out of it by name, and a paragraph within a paragraph always is. Start reading
//! at [`read`].

use super::lines::{Lines, has_digits, may_be_number};
use super::number_format::plain;
use super::ooxml::unescape_link;
use super::package::Package;
use super::rows::{Rows, constants};
use super::text::Text;
use super::unseen::Unseen;
use super::xml::{Tag, Walker};
use crate::extract::content::{Member, Page, Spot, Unread};

/// Tells the parts of a package that are known by their first element.
pub(super) fn read(package: &mut Package<'_, '_>, page: &mut Page<'_>) {
    let mut manifest = Manifest::default();
    if let Some(nr) = package.find("META-INF/manifest.xml") {
        package.walk(nr, &mut manifest, page);
    }
    if !manifest.encrypted.is_empty() {
        page.unread(Unread::Password);
    }
    for name in &manifest.encrypted {
        // Its bytes say nothing, and that is told.
        if let Some(nr) = package.find(name) {
            package.is_told(nr);
        }
    }
    if let Some(nr) = package.find("mimetype") {
        package.is_told(nr);
    }
    let mut unseen = Unseen::default();
    for nr in package.with_root(|root| root == "document-styles") {
        package.look(nr, &mut unseen, page);
    }
    for (root, spot) in [("document-content", None), ("document-styles", Some("header and footer"))] {
        for nr in package.with_root(|other| other == root) {
            if page.is_full() {
                return;
            }
            page.enter(Member::TEXT);
            if let Some(spot) = spot {
                page.spot(Spot::Named(spot));
            }
            let lines = if spot.is_none() { Lines::counted() } else { Lines::default() };
            let mut body = Body::new(lines, unseen.clone());
            package.walk(nr, &mut body, page);
            body.finish(page);
            page.leave();
        }
    }
    for nr in package.with_root(|root| root == "document-meta") {
        page.enter(Member::TEXT);
        page.spot(Spot::Named("properties"));
        let mut text = Text::new(Lines::default(), true);
        package.walk(nr, &mut text, page);
        text.finish(page);
        page.leave();
    }
}

/// Which files of a package are encrypted (part 2 §4.4).
#[derive(Default)]
struct Manifest {
    entry: String,
    encrypted: Vec<String>,
}

impl Walker for Manifest {
    fn open(&mut self, tag: &Tag<'_>, _: &mut Page<'_>) {
        match tag.name() {
            "file-entry" => self.entry = tag.get("full-path").unwrap_or_default().into_owned(),
            "encryption-data" => self.encrypted.push(std::mem::take(&mut self.entry)),
            _ => {}
        }
    }

    fn close(&mut self, _: &mut Page<'_>) {}

    fn text(&mut self, _: &str, _: &mut Page<'_>) {}
}

/// What an element is for the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Other,
    Paragraph,
    /// A paragraph in one.
    Inner,
    Box,
    Row,
    Cell,
    /// A row and a cell of a sheet.
    SheetRow,
    SheetCell,
    Sheet,
    /// Bytes as letters.
    Binary,
    /// Its text does not show.
    Hidden,
}

/// Walks a body.
pub(super) struct Body {
    lines: Lines,
    /// What is known of what does not show.
    unseen: Unseen,
    open: Vec<Kind>,
    rows: Rows,
    is_spreadsheet: bool,
    slides: u32,
    row: u32,
    column: u32,
    /// How many rows and columns this one stands for.
    rows_wide: u32,
    columns_wide: u32,
    /// The cell's number as it is computed.
    value: String,
    stray: String,
}

impl Body {
    pub(super) fn new(lines: Lines, unseen: Unseen) -> Self {
        Self {
            lines,
            unseen,
            open: Vec::new(),
            rows: Rows::default(),
            is_spreadsheet: false,
            slides: 0,
            row: 0,
            column: 0,
            rows_wide: 1,
            columns_wide: 1,
            value: String::new(),
            stray: String::new(),
        }
    }

    pub(super) fn finish(&mut self, page: &mut Page<'_>) {
        self.rows.finish(page);
        self.lines.finish(page);
    }

    /// Whether text here is of a line: within a paragraph, and not in what is taken out of it.
    fn in_paragraph(&self) -> bool {
        let enclosing = self.open.iter().rev().find(|kind| !matches!(kind, Kind::Other | Kind::Hidden));
        matches!(enclosing, Some(Kind::Paragraph | Kind::Inner))
    }

    /// Whether what begins here lies right in a sheet's cell, and is no paragraph of it.
    fn in_cell(&self) -> bool {
        self.open.iter().rev().find(|kind| **kind != Kind::Other) == Some(&Kind::SheetCell)
    }

    /// Whether something is told of a sheet's cells, and nothing of the paragraphs in them by itself.
    fn in_sheet(&self) -> bool {
        self.is_spreadsheet && self.open.contains(&Kind::Sheet)
    }

    fn kind(&mut self, tag: &Tag<'_>, page: &mut Page<'_>) -> Kind {
        match tag.name() {
            "p" | "h" if self.in_paragraph() => Kind::Inner,
            "p" | "h" => Kind::Paragraph,
            "annotation" | "note" | "frame" | "text-box" | "custom-shape" | "title" | "desc"
            | "ruby-text" | "tracked-changes" | "note-citation" | "creator" | "date" | "sender-initials"
            | "script" | "g"
                if self.in_paragraph() || self.in_cell() =>
            {
                Kind::Box
            }
            "table" if self.is_spreadsheet && !self.in_sheet() => {
                self.rows.finish(page);
                (self.row, self.column) = (0, 0);
                let name = tag.get("name").unwrap_or_default();
                page.enter(Member::TEXT);
                page.spot(Spot::Sheet(&name));
                page.text(&name);
                page.enter(Member::TEXT);
                page.spot(Spot::Sheet(&name));
                Kind::Sheet
            }
            "table" if self.open.contains(&Kind::Cell) => Kind::Box,
            "shapes" if self.in_sheet() => {
                self.rows.finish(page);
                Kind::Other
            }
            "table-row" if self.in_sheet() => Kind::SheetRow,
            "table-row" => Kind::Row,
            "table-cell" | "covered-table-cell" if self.open.contains(&Kind::SheetRow) => Kind::SheetCell,
            "table-cell" | "covered-table-cell" => Kind::Cell,
            "binary-data" => Kind::Binary,
            _ if self.unseen.hides(tag) && self.in_paragraph() => Kind::Hidden,
            "spreadsheet" => {
                self.is_spreadsheet = true;
                Kind::Other
            }
            "page" => {
                self.slides = self.slides.saturating_add(1);
                self.lines.finish(page);
                page.enter(Member::TEXT);
                page.spot(Spot::Slide(self.slides));
                Kind::Other
            }
            _ => Kind::Other,
        }
    }

    fn sign(&mut self, tag: &Tag<'_>) {
        if !self.in_paragraph() {
            return;
        }
        match tag.name() {
            "s" => {
                let count = tag.get("c").and_then(|count| count.parse().ok()).unwrap_or(1);
                self.lines.text(&" ".repeat(count.min(64)));
            }
            "tab" => self.lines.text("\t"),
            "line-break" => self.lines.text("\n"),
            "change" => {
                self.lines.deleted += 1;
                self.lines.text(&self.unseen.take_deleted(tag));
                self.lines.deleted = self.lines.deleted.saturating_sub(1);
            }
            "change-start" if self.unseen.is_insertion(tag) => self.lines.inserted += 1,
            "change-end" if self.unseen.is_insertion(tag) => {
                self.lines.inserted = self.lines.inserted.saturating_sub(1);
            }
            _ => {}
        }
    }

    fn attributes(&mut self, tag: &Tag<'_>) {
        const TEXTS: [&str; 11] = [
            "string-value",
            "current-value",
            "formula",
            "href",
            "condition",
            "label",
            "help-text",
            "display-name",
            "help-message",
            "description",
            "placeholder",
        ];
        let raw = tag.raw();
        let may_be = may_be_number(raw);
        let is_field =
            matches!(tag.name(), "textarea" | "text" | "formatted-text" | "hidden" | "password" | "item");
        if !may_be && !is_field && !TEXTS.iter().any(|text| raw.contains(text)) {
            return;
        }
        let mut told = Vec::new();
        for (key, value) in tag.all() {
            match key {
                "formula" => told.extend(constants(&value)),
                "href" if value.contains(':') || has_digits(&value, 6) => told.push(unescape_link(&value)),
                "condition" if has_digits(&value, 6) => told.push(value.into_owned()),
                "condition" | "href" | "display-name" => {}
                // The cell's own is told in its place.
                "value" if tag.name() == "table-cell" => {}
                "value" if is_field => told.push(value.into_owned()),
                _ if TEXTS.contains(&key) => told.push(value.into_owned()),
                "id" | "rsid" => {}
                _ if may_be && may_be_number(&value) => told.push(value.into_owned()),
                _ => {}
            }
        }
        for text in &told {
            self.lines.beside(text);
        }
    }

    fn begin_sheet_cell(&mut self, tag: &Tag<'_>) {
        self.column = self.column.saturating_add(self.columns_wide);
        self.columns_wide = repeated(tag, "number-columns-repeated");
        self.value = tag.get("value").map(|value| plain(&value).into_owned()).unwrap_or_default();
        self.lines.enter_box();
    }

    fn end_sheet_cell(&mut self, page: &mut Page<'_>) {
        let shown = self.lines.take_box(page);
        let shown = shown.trim();
        let value = std::mem::take(&mut self.value);
        let is_number = matches!(value.len(), 9..=10) && value.bytes().all(|byte| byte.is_ascii_digit());
        let (row, column) = (self.row, self.column);
        if is_number && !is_shown(shown, &value) || shown.is_empty() {
            self.rows.cell(row, column, &value, page);
            self.rows.beside(shown);
        } else {
            self.rows.cell(row, column, shown, page);
        }
        for text in self.lines.take_beside() {
            self.rows.beside(&text);
        }
    }
}

/// Whether a number is shown so that it is read as one: all its digits, and no more than one sign among them.
fn is_shown(shown: &str, value: &str) -> bool {
    let (first, last) = value.split_at(value.len().saturating_sub(4));
    let ends = memchr::memmem::find_iter(shown.as_bytes(), first.as_bytes()).filter_map(|at| {
        let rest = shown.get(at + first.len()..)?;
        Some(rest.strip_prefix(['-', ' ', '\u{A0}', '.', '/']).unwrap_or(rest))
    });
    ends.into_iter().any(|rest| rest.starts_with(last))
}

/// How often a row or a cell stands there; told once.
fn repeated(tag: &Tag<'_>, name: &str) -> u32 {
    tag.get(name).and_then(|count| count.parse().ok()).unwrap_or(1).max(1)
}

impl Walker for Body {
    fn open(&mut self, tag: &Tag<'_>, page: &mut Page<'_>) {
        self.unseen.open(tag, page);
        let kind = self.kind(tag, page);
        match kind {
            Kind::Box | Kind::Inner => self.lines.enter_box(),
            Kind::Row => self.lines.begin_row(page),
            Kind::SheetRow => {
                self.rows.end_row(page);
                self.row = self.row.saturating_add(self.rows_wide);
                self.rows_wide = repeated(tag, "number-rows-repeated");
                (self.column, self.columns_wide) = (0, 1);
            }
            Kind::SheetCell => self.begin_sheet_cell(tag),
            Kind::Other => self.sign(tag),
            // Counted with the deleted ones: hidden texts may lie in one another.
            Kind::Hidden => self.lines.deleted += 1,
            Kind::Paragraph | Kind::Cell | Kind::Sheet | Kind::Binary => {}
        }
        if kind == Kind::Sheet {
            self.rows_wide = 1;
        }
        self.attributes(tag);
        self.open.push(kind);
    }

    fn close(&mut self, page: &mut Page<'_>) {
        self.unseen.close(page);
        let stray = std::mem::take(&mut self.stray);
        self.lines.beside(&stray);
        match self.open.pop() {
            Some(Kind::Paragraph) => self.lines.end_paragraph(page),
            Some(Kind::Box | Kind::Inner) => self.lines.leave_box(page),
            Some(Kind::Cell) => self.lines.end_cell(page),
            Some(Kind::Row) => self.lines.end_row(page),
            Some(Kind::SheetCell) => self.end_sheet_cell(page),
            Some(Kind::SheetRow) => self.rows.end_row(page),
            Some(Kind::Sheet) => {
                self.rows.finish(page);
                self.lines.finish(page);
            }
            Some(Kind::Hidden) => self.lines.deleted = self.lines.deleted.saturating_sub(1),
            Some(Kind::Other | Kind::Binary) | None => {}
        }
    }

    fn text(&mut self, text: &str, page: &mut Page<'_>) {
        self.unseen.text(text, page);
        match self.open.last() {
            Some(Kind::Binary) | None => {}
            _ if self.in_paragraph() || self.open.last() == Some(&Kind::Box) => {
                // Blanks are one blank, as in HTML (part 3 §6.1.2).
                if text.contains(['\n', '\r', '\t']) {
                    text.split_inclusive(char::is_whitespace).for_each(|word| {
                        self.lines.text(word.trim_end());
                        if word.ends_with(char::is_whitespace) && !self.lines.since(0).ends_with(' ') {
                            self.lines.text(" ");
                        }
                    });
                } else {
                    self.lines.text(text);
                }
            }
            Some(_) if self.stray.is_empty() && text.trim().is_empty() => {}
            Some(_) => self.stray.push_str(text),
        }
    }
}
